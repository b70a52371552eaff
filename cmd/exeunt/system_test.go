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

// TestGoingLiveOnTheCommandLine has a system of tier 1 of which nothing was compared, so that two people decide.
func TestGoingLiveOnTheCommandLine(t *testing.T) {
	t.Parallel()
	shells := servingWith(t, map[string]string{"systems/crm.yaml": "name: crm\nkind: scim\nidentifier: work_email\ntier: 1\nowner: {role: it}\nfallback: By hand.\nstage: live\nsettings: {base_url: \"http://127.0.0.1:1\", token: \"file:" + folder(t, map[string]string{"token": "tok"}) + "/token\"}\n"}, "Ida Novak", "Lea Roth")
	ida, lea := shells[0], shells[1]
	says := func(s shell, code int, want string, args ...string) {
		t.Helper()
		if got := s.run(t, "", args...); got.code != code || !strings.Contains(got.out+got.err, want) {
			t.Errorf("%v lacks %q: %+v", args, want, got)
		}
	}
	says(ida, 0, "shadow (asks to be live)", "system", "list")
	says(ida, 0, "0 departures were compared, and 3 are the least to go by", "system", "shadow")
	says(ida, 0, `exeunt system live crm --reason`, "system", "shadow", "crm")
	says(ida, exitUsage, "at least 10 characters", "system", "live", "crm", "--reason", "short")
	says(ida, 0, "It needs another person, since 0 departures were compared", "system", "live", "crm", "--reason", "it was rehearsed")
	says(ida, exitNotFound, "Ida Novak asked for it, so somebody else has to confirm it", "system", "live", "crm", "--reason", "it was rehearsed")
	says(ida, 0, "Ida Novak asks that it goes live (it was rehearsed)", "system", "shadow", "crm")
	if doc := lea.document(t, 0, "system", "live", "crm", "--reason", "I was there, too"); doc["state"] != "live" {
		t.Errorf("%v", doc)
	}
	says(ida, 0, "Ida Novak (it was rehearsed) and Lea Roth (I was there, too) decided", "system", "shadow", "crm")
	says(ida, exitRefused, "crm is live already", "system", "live", "crm", "--reason", "once more for all")
	says(ida, 0, "Cases under way keep their plan", "system", "back", "crm", "--reason", "it took too much")
	says(ida, 0, "shadow (asks to be live)", "system", "show", "crm")
	says(ida, exitRefused, "there is nothing to take back", "system", "back", "crm", "--reason", "it took too much")
	says(ida, exitNotFound, "no system", "system", "shadow", "windows")
	says(ida, exitNotFound, "no system", "system", "live", "windows", "--reason", "it was rehearsed")
}
