package store_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// wholeTables finds, in the plan of either database, that every row of a big table is read. SQLite scans an index of
// open rows too, which are few: that says USING.
var wholeTables = regexp.MustCompile(`(?m)Seq Scan on (steps|tasks|outbox|findings)|SCAN (steps|tasks|outbox|findings)$`)

func TestWhatIsSaidOfSystemsReadsNoTableWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		plans, err := s.Plans(t.Context(), func(v store.View) error {
			stats, err := v.SystemStats(t.Context(), storetest.Inventory(), now)
			if err == nil && stats[0].Open == 0 {
				t.Errorf("nothing is open in %s", stats[0].System)
			}
			return err
		})
		if err != nil || len(plans) == 0 {
			t.Fatalf("%d plans, %v", len(plans), err)
		}
		all := strings.Join(plans, "\n\n")
		if found := wholeTables.FindString(all); found != "" {
			t.Errorf("%s:\n%s", found, all)
		}
		for _, index := range []string{"steps_open", "steps_failed", "steps_confirmed", "steps_timers", "tasks_open", "outbox_looks", "findings_at_risk"} {
			if !s.Shared() && !strings.Contains(all, index) { // PostgreSQL goes by costs, which differ little here
				t.Errorf("the index %s is not used:\n%s", index, all)
			}
		}
	})
}

// Whoever's access did not end is at risk once in each system, for whoever may know of the departure.
func TestWhoIsAtRiskInASystem(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, late := t.Context(), now.AddDate(1, 0, 0)
		known := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		d := storetest.Departure("E2", "2026-11-20")
		d.Embargo = &noSecret
		secret := storetest.Open(t, s, d, now)
		system := known.Steps[0].System
		at := func(v store.View, now time.Time) store.AtRisk {
			stats, err := v.SystemStats(ctx, storetest.Inventory(), now)
			must(t, err)
			return stats[slices.IndexFunc(stats, func(st store.SystemStats) bool { return st.System == system })].AtRisk
		}
		if got := at(s.Everything(), now); got.People() != 0 {
			t.Errorf("before anything is late %+v", got)
		}
		storetest.Exec(t, s, "UPDATE steps SET state = 'failed' WHERE system = '"+system+"' AND branch = 'Access'")
		orphans := []exeunt.Finding{orphan(*known.Case), orphan(*secret.Case), {System: "directory", Kind: exeunt.FoundOrphaned, Accounts: []exeunt.Account{{ID: "svc"}}, Why: exeunt.OrphanOfNobody},
			{System: "directory", Kind: exeunt.FoundAmbiguous, Leaver: "northwind/E7"}, {System: "directory", Kind: exeunt.FoundMissing, Leaver: "northwind/E8"}}
		ended(t, s, begun(t, s, 1), orphans...)
		if got, want := at(s.For(listed), now), (store.AtRisk{Unfinished: 2, Left: 2, Unsure: 1}); got != want {
			t.Errorf("who is on the list sees %+v, want %+v", got, want)
		}
		if got, want := at(s.For(exeunt.Viewer{}), now), (store.AtRisk{Unfinished: 1, Left: 1, Unsure: 1}); got != want {
			t.Errorf("nobody sees %+v, want %+v", got, want)
		}
		list, err := s.For(exeunt.Viewer{}).Unfinished(ctx, system, late, 10)
		if err != nil || len(list) != 1 || list[0].Case != known.Case.ID || list[0].Name != "Maya Okonkwo E1" || !list[0].Failed || list[0].Since.IsZero() {
			t.Errorf("unfinished are %+v, %v", list, err)
		}
		found, err := s.Everything().Findings(ctx, store.FindingQuery{Limit: 1})
		must(t, err)
		f, m, change, err := found[0].Confirm(exeunt.Confirmation{Leaver: found[0].Leaver}, nil, iris, now)
		must(t, err)
		must(t, s.Decide(ctx, f, &m, &change))
		if got := at(s.For(listed), now); got.Left != 1 {
			t.Errorf("after one was seen to %+v", got)
		}
		byHand := slices.IndexFunc(known.Tasks, func(task exeunt.Task) bool { return task.System != "" && task.Branch == "Access" })
		if byHand < 0 {
			t.Fatal("nothing is done by hand in the plan")
		}
		if list, err = s.Everything().Unfinished(ctx, known.Tasks[byHand].System, late, 10); err != nil || len(list) != 2 || list[0].Failed {
			t.Errorf("late by hand are %+v, %v", list, err)
		}
	})
}
