package store_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

func TestPoliciesAreKeptByTheirVersion(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		for i, version := range []string{"one", "two", "one"} {
			if err := s.KeepPolicies(t.Context(), version, []byte("text of "+version), at.Add(time.Duration(i)*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		one, err := s.Policies(t.Context(), "one")
		if err != nil || string(one.Text) != "text of one" || !one.KeptAt.Equal(at) {
			t.Errorf("read as %+v, %v", one, err)
		}
		if _, err := s.Policies(t.Context(), "three"); exeunt.KindOf(err) != exeunt.NotFound {
			t.Errorf("what was never kept: %v", err)
		}
		all, err := s.PolicySets(t.Context())
		if err != nil || len(all) != 2 || all[0].Version != "two" || all[1].Version != "one" {
			t.Errorf("listed as %+v, %v", all, err)
		}
	})
}
