package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// shadowing opens a case of which a connector in stage shadow looks at one task.
func shadowing(t *testing.T, s *store.Store, id string, now time.Time) exeunt.Change {
	t.Helper()
	n, err := s.NextCase(t.Context())
	must(t, err)
	d := storetest.Departure(id, "2026-03-02")
	plan := storetest.Plan(t, n, d, now)
	for i := range plan.Tasks {
		if plan.Tasks[i].System == "badges" {
			plan.Tasks[i].Would = []exeunt.Action{exeunt.Disable}
		}
	}
	change := plan.Open(exeunt.Trigger{Source: "hr", EventID: id, Departure: d}, "", now)
	must(t, s.Commit(t.Context(), &change))
	return change
}

func looked(one store.Shadowed, standing exeunt.Standing, now time.Time) exeunt.Change {
	system := exeunt.System{Name: "badges", Actions: []exeunt.ActionSpec{{Action: exeunt.Disable}}}
	seen := exeunt.Observation{Standing: map[exeunt.Action]exeunt.Standing{exeunt.Disable: standing}, Facts: map[string]string{"card": "of Maya"}}
	return one.Run.Looked(one.Case, one.Task, one.Run.Saw(exeunt.Account{ID: "a1"}, seen, one.Case, system, now), system, now)
}

func TestALookIsDueWithItsTaskAndWithItsTick(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now().UTC().Truncate(time.Second)
		shadowing(t, s, "E-1", now)
		start := storetest.Plan(t, 1, storetest.Departure("E-1", "2026-03-02"), now).Case.CutOff
		early, next, err := s.ShadowsDue(t.Context(), "badges", start.Add(-time.Second), 10)
		if err != nil || len(early) != 0 || !next.Equal(start) {
			t.Fatalf("before its time %d are due, the next at %s, %v", len(early), next, err)
		}
		due, next, err := s.ShadowsDue(t.Context(), "badges", start, 10)
		if err != nil || len(due) != 1 || !next.IsZero() || due[0].Task.Key != "badges-by-hand" || due[0].Case.Leaver().ID != "E-1" {
			t.Fatalf("at its time %+v are due, the next at %s, %v", due, next, err)
		}
		if systems, err := s.ShadowSystems(t.Context(), start); err != nil || len(systems) != 1 {
			t.Errorf("%v, %v", systems, err)
		}
		later, ok := due[0].Run.Unanswered(exeunt.Errorf(exeunt.Temporary, "away"), start, start)
		if !ok {
			t.Fatal("given up at once")
		}
		must(t, s.PostponeShadow(t.Context(), later))
		if again, next, err := s.ShadowsDue(t.Context(), "badges", start, 10); err != nil || len(again) != 0 || !next.Equal(later.LookAt) {
			t.Errorf("postponed, %d are due, the next at %s, %v", len(again), next, err)
		}
		stale := looked(due[0], exeunt.Absent, start)
		if err := s.Commit(t.Context(), &stale); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("a look at what was changed since is kept: %v", err)
		}
		one, err := s.Shadowed(t.Context(), store.TaskRef{Case: 1, Key: "badges-by-hand"})
		must(t, err)
		change := looked(one, exeunt.Absent, start)
		must(t, s.Commit(t.Context(), &change))
		done, err := one.Task.Complete(nil, nil, "blocked", "Ana", start.Add(time.Minute))
		must(t, err)
		must(t, s.Commit(t.Context(), &done))
		due, _, err = s.ShadowsDue(t.Context(), "badges", start.Add(time.Minute), 10)
		if err != nil || len(due) != 1 || due[0].Run.DoneAt.IsZero() || due[0].Run.Before == nil {
			t.Fatalf("ticked, %+v are due, %v", due, err)
		}
		change = looked(due[0], exeunt.Holds, start.Add(2*time.Minute))
		must(t, s.Commit(t.Context(), &change))
		lines, err := s.Everything().ShadowLines(t.Context(), "badges", 10)
		if err != nil || len(lines) != 1 || lines[0].ShadowRun.Verdict() != exeunt.ShadowAgreed || lines[0].DoneBy != "Ana" || lines[0].Note != "blocked" || lines[0].Name != "Maya Okonkwo E-1" {
			t.Errorf("%+v, %v", lines, err)
		}
	})
}

// A look that is saved while a person ticks the task is not lost, and neither is the tick.
func TestALookAndATickMeet(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now().UTC()
		for i := range 8 {
			opened := shadowing(t, s, string(rune('A'+i)), now)
			one, err := s.Shadowed(t.Context(), store.TaskRef{Case: opened.Case.ID, Key: "badges-by-hand"})
			must(t, err)
			look := looked(one, exeunt.Absent, now)
			tick, err := one.Task.Complete(nil, nil, "", "Ana", now.Add(time.Second))
			must(t, err)
			var both sync.WaitGroup
			var lookErr, tickErr error
			both.Go(func() { lookErr = s.Commit(t.Context(), &look) })
			both.Go(func() { tickErr = s.Commit(t.Context(), &tick) })
			both.Wait()
			must(t, tickErr)
			after, err := s.Shadowed(t.Context(), store.TaskRef{Case: opened.Case.ID, Key: "badges-by-hand"})
			must(t, err)
			if kept := lookErr == nil; kept != (after.Run.Before != nil) || after.Run.DoneAt.IsZero() || !kept && exeunt.KindOf(lookErr) != exeunt.Conflict {
				t.Errorf("the look ended with %v, and the run is %+v", lookErr, after.Run)
			}
		}
	})
}

func TestNoLookIsDueInACaseThatIsHeldHiddenOrOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now()
		for name, change := range map[string]string{"held": "state = 'held'", "rescinded": "state = 'rescinded'", "rehired": "state = 'rehired'", "embargo": "embargoed_at = 1", "erasing": "erasing_at = 1"} {
			opened := shadowing(t, s, name, now)
			storetest.Exec(t, s, "UPDATE cases SET "+change+" WHERE handle = '"+opened.Case.Handle+"'")
		}
		if due, next, err := s.ShadowsDue(t.Context(), "badges", now.AddDate(1, 0, 0), 10); err != nil || len(due) != 0 || !next.IsZero() {
			t.Errorf("%d are due, the next at %s, %v", len(due), next, err)
		}
	})
}

func TestWhatWasSeenIsHiddenAndErasedWithItsCase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now().UTC()
		opened := shadowing(t, s, "E-1", now)
		ref := store.TaskRef{Case: opened.Case.ID, Key: "badges-by-hand"}
		one, err := s.Shadowed(t.Context(), ref)
		must(t, err)
		change := looked(one, exeunt.Absent, now)
		must(t, s.Commit(t.Context(), &change))
		storetest.Exec(t, s, "UPDATE cases SET embargoed_at = 1")
		if lines, err := s.For(exeunt.Viewer{Email: "eve@x.example"}).ShadowLines(t.Context(), "badges", 10); err != nil || len(lines) != 0 {
			t.Errorf("%d lines of a case under embargo are shown, %v", len(lines), err)
		}
		storetest.Exec(t, s, "UPDATE cases SET embargoed_at = NULL")

		one, err = s.Shadowed(t.Context(), ref)
		must(t, err)
		c, err := s.Case(t.Context(), opened.Case.ID)
		must(t, err)
		c.ClosedAt, c.State, c.Erasure = now, exeunt.CaseClosed, &exeunt.Erasure{Rule: "retention", DecidedAt: now}
		storetest.Exec(t, s, "UPDATE steps SET state = 'confirmed'")
		storetest.Exec(t, s, "UPDATE tasks SET state = 'done'")
		decided := exeunt.Change{Case: &c}
		decided.Record(exeunt.EntryErased, c, now, "erased", nil)
		must(t, s.Commit(t.Context(), &decided))
		one.Case = c
		late := looked(one, exeunt.Absent, now)
		if err := s.Commit(t.Context(), &late); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("what is being erased is looked at: %v", err)
		}
		_, err = s.Outbox().Sequence(t.Context(), 1000)
		must(t, err)
		_, err = s.Outbox().MarkShipped(t.Context(), 0, 1000)
		must(t, err)
		gone, err := decided.Case.Erased(nil, now)
		must(t, err)
		must(t, s.CommitWith(t.Context(), &gone, store.Purge(c.ID, 1000, nil)))
		if n := storetest.Count(t, s, "SELECT COUNT(*) FROM shadow_runs"); n != 0 {
			t.Errorf("%d runs are left of an erased case", n)
		}
		if n := storetest.Count(t, s, "SELECT COUNT(*) FROM outbox WHERE body LIKE '%of Maya%'"); n != 0 {
			t.Errorf("%d entries tell what was seen", n)
		}
	})
}

func TestOnlyOneDecisionAboutASystemIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now().UTC().Truncate(time.Microsecond)
		system := exeunt.System{Name: "crm", Title: "CRM", Kind: "scim", Tier: 2, Stage: exeunt.Shadow, Asks: exeunt.Live, Actions: []exeunt.ActionSpec{{Action: exeunt.Disable}}}
		trust, change, err := exeunt.GoLive(nil, system, exeunt.ShadowTally{Compared: 3}, exeunt.Override{By: "Ida", Reason: "all of them agree"}, exeunt.Person{}, now)
		must(t, err)
		must(t, s.SaveTrust(t.Context(), trust, &change))
		again := change
		again.Entries = []exeunt.Entry{{Kind: exeunt.EntryLive, At: now, Actor: "Lea", What: "again"}}
		if err := s.SaveTrust(t.Context(), trust, &again); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("decided twice: %v", err)
		}
		kept, err := s.Everything().Trusts(t.Context())
		if err != nil || len(kept) != 1 || kept["crm"].By.By != "Ida" || kept["crm"].Report.Compared != 3 || kept["crm"].Version != 1 {
			t.Fatalf("%+v, %v", kept, err)
		}
		back, err := kept["crm"].StepBack(system, exeunt.Override{By: "Lea"}, now)
		must(t, err)
		must(t, s.DropTrust(t.Context(), kept["crm"], &back))
		back.Entries[0].ID = ""
		if err := s.DropTrust(t.Context(), kept["crm"], &back); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("taken back twice: %v", err)
		}
		if n := storetest.Count(t, s, "SELECT COUNT(*) FROM outbox WHERE system = 'crm'"); n != 2 {
			t.Errorf("%d entries", n)
		}
	})
}
