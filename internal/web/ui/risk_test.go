package ui

import (
	"net/http"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// A system's page names whom a departure there left behind, and says what is not known.
func TestWhoIsAtRiskIsSaidOnThePages(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		says(t, send(h, "it", "/systems", nil), 200, `data-label="People at risk">15<`, "1 person who left has an open account",
			`data-label="People at risk" title="Its accounts were not compared with the people">–<`, "People at risk<span class=\"n\">2</span>")
		says(t, send(h, "it", "/systems?risk=1", nil), 200, "Entra ID", "Snowflake", "not:>Building badges<")
		says(t, send(h, "it", "/systems/entra-id", nil), 200, "15 people", "Maya Okonkwo", "Left, and the account maya is open.", "14 people: see the",
			`href="/accounts?kind=mismatched&amp;system=entra-id"`, "not:backup")
		says(t, send(h, "it", "/systems/snowflake", nil), 200, `<a href="/cases/C-2041">Maya Okonkwo</a>`, "a step failed, and the account may still be open", "Due in 12 min", "Its accounts were not compared")
		says(t, send(h, "it", "/systems/badges", nil), 200, "No departure is unfinished here.", "exeunt reconcile")
		says(t, send(h, "manager", "/systems/snowflake", nil), 404)
	})
}

func TestSystemsAreChosenBySignOnOwnerAndProof(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		says(t, send(h, "it", "/systems?sso=entra-id", nil), 200, ">Salesforce<", ">Figma<", "not:>Snowflake<", `All<span class="n">2</span>`, `<option value="entra-id" selected>`, "Clear filters")
		says(t, send(h, "it", "/systems?owner=Facilities", nil), 200, ">Building badges<", "not:>Snowflake<")
		says(t, send(h, "it", "/systems?owner=Nobody", nil), 200, "No system matches", "Looked through 6 systems")
		for i := range w.stats {
			if w.stats[i].System == "adp" {
				w.stats[i].LastProof = w.now.Add(-91 * day)
			}
		}
		says(t, send(h, "it", "/systems?proof=old", nil), 200, ">ADP<", "not:>Snowflake<", `type="hidden" name="proof" value="old"`)
		says(t, send(h, "it", "/systems", nil), 200, "Tier 1", "3 of 3", "1 of 2", "Tier 3: 1 of 1 system")
		if r := send(h, "it", "/systems?sso=&tier=9x", nil); r.Code != 302 || r.Header().Get("Location") != "/systems" {
			t.Errorf("%d to %s", r.Code, r.Header().Get("Location"))
		}
	})
}

func TestTheMostTellingGap(t *testing.T) {
	disable := []exeunt.ActionSpec{{Action: exeunt.Disable}}
	live := exeunt.System{Kind: "scim", Stage: exeunt.Live, Actions: disable}
	fresh := store.SystemStats{LastProof: noon.Add(-time.Hour)}
	with := func(change func(*store.SystemStats)) store.SystemStats {
		s := fresh
		change(&s)
		return s
	}
	for want, c := range map[string]struct {
		system exeunt.System
		stats  store.SystemStats
	}{
		"":                                       {live, fresh},
		"1 step has failed":                      {live, with(func(s *store.SystemStats) { s.Failed, s.AtRisk.Left = 1, 2 })},
		"2 people who left have an open account": {live, with(func(s *store.SystemStats) { s.AtRisk = store.AtRisk{Left: 2, Unsure: 3} })},
		"1 person: account differs, or is not the only one": {live, with(func(s *store.SystemStats) { s.AtRisk.Unsure = 1 })},
		"Not proven in 90 days":                             {live, with(func(s *store.SystemStats) { s.LastProof = noon.Add(-91 * day) })},
		"Never proven in a case":                            {live, store.SystemStats{}},
		"Not live: a person does it":                        {exeunt.System{Kind: "scim", Stage: exeunt.Shadow, Actions: disable}, fresh},
		"No API: tracked by hand":                           {exeunt.System{Kind: "manual", Stage: exeunt.Manual}, fresh},
	} {
		if got := gap(c.system, c.stats, noon); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
