package main

import (
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// TestASystemThatIsLeftAloneOnTheCommandLine has its breaker open beside the running server.
func TestASystemThatIsLeftAloneOnTheCommandLine(t *testing.T) {
	t.Parallel()
	s := serving(t)
	if got := s.run(t, "", "system", "try", "doors"); got.code != exitRefused || !strings.Contains(got.err, "doors is not left alone") {
		t.Errorf("%+v", got)
	}
	beside, err := store.Open(t.Context(), s.data, "", "test")
	must(t, err)
	defer beside.Close()
	closed := exeunt.Breaker{System: "doors"}
	open := closed.After(exeunt.Errorf(exeunt.Unauthorised, "the token has expired"), time.Now().Add(-2*time.Hour))
	must(t, beside.KeepBreaker(t.Context(), open, open.Tell(closed, exeunt.System{Name: "doors"}, exeunt.Person{}, time.Now())))

	if got := s.run(t, "", "system", "list"); got.code != 0 || !strings.Contains(got.out, "LEFT ALONE") || !strings.Contains(got.out, "2 h: the token has expired") {
		t.Errorf("%+v", got)
	}
	for _, args := range [][]string{{"system", "show", "doors"}, {"system", "doors"}} {
		got := s.run(t, "", args...)
		for _, want := range []string{"Left alone since", "the token has expired", "Tried again by itself with its next visit", "Renew the credential", "exeunt system try doors", "Block the badge.", "People at risk   0: 0 whose departure left access open"} {
			if got.code != 0 || !strings.Contains(got.out, want) {
				t.Errorf("%v lacks %q: %+v", args, want, got)
			}
		}
	}
	shown := s.document(t, 0, "system", "show", "doors")
	if alone := shown["system"].(map[string]any)["left_alone"].(map[string]any); alone["reason"] != "the token has expired" || alone["remedy"] == "" {
		t.Errorf("%v", shown)
	}
	if got := s.run(t, "", "system", "show", "windows"); got.code != exitNotFound {
		t.Errorf("%+v", got)
	}
	s.document(t, 0, "system", "try", "doors", "--reason", "renewed the token")
	page, err := beside.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryBreakerTried)})
	if err != nil || page.Total != 1 || page.Rows[0].Actor != "Ida Novak" || page.Rows[0].Detail["reason"] != "renewed the token" {
		t.Errorf("the record says %+v, %v", page.Rows, err)
	}
}
