package store_test

import (
	"fmt"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

func TestDeparturesAreListedByTheirLastDay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for id, day := range map[string]string{"E1": "2026-07-01", "E2": "2026-06-30", "E3": "2026-09-30", "E4": "2026-10-01"} {
			storetest.Open(t, s, storetest.Departure(id, exeunt.Date(day)), now)
		}
		secret := storetest.Departure("E5", "2026-08-01")
		secret.Embargo = &exeunt.EmbargoTerms{Until: "2026-12-24 09:00", VisibleTo: []string{"vera@acme.example"}}
		storetest.Open(t, s, secret, now)
		list := func(who string, from, to exeunt.Date, limit int) string {
			t.Helper()
			cases, err := s.For(exeunt.Viewer{Email: who}).Departures(t.Context(), from, to, limit)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, c := range cases {
				ids = append(ids, c.Leaver().ID)
			}
			return fmt.Sprint(ids)
		}
		for _, c := range []struct {
			who      string
			from, to exeunt.Date
			limit    int
			want     string
		}{
			{"ida@acme.example", "2026-07-01", "2026-09-30", 10, "[E1 E3]"},
			{"vera@acme.example", "2026-07-01", "2026-09-30", 10, "[E1 E5 E3]"},
			{"ida@acme.example", "2026-07-01", "", 10, "[E1 E3 E4]"},
			{"ida@acme.example", "", "", 2, "[E2 E1]"},
		} {
			if got := list(c.who, c.from, c.to, c.limit); got != c.want {
				t.Errorf("%s from %s to %s: %s, want %s", c.who, c.from, c.to, got, c.want)
			}
		}
	})
}
