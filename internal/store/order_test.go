package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// What is committed at the same time, or was decided before something else was committed.

// settleAll leaves nothing to do in any case.
func settleAll(t *testing.T, s *store.Store) {
	t.Helper()
	storetest.Exec(t, s, "UPDATE steps SET state = 'cancelled'")
	storetest.Exec(t, s, "UPDATE tasks SET state = 'withdrawn'")
}

// Work is added without the case changing: a close that was decided before does not go over it, and what is
// decided before a close is not added behind it.
func TestACaseIsNotClosedOverNewWork(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		settleAll(t, s)
		closed, err := opened.Case.Close(now)
		if err != nil {
			t.Fatal(err)
		}
		work := func(key string) error {
			task := opened.Tasks[0]
			task.ID, task.Version, task.Key, task.State, task.After = 0, 0, key, exeunt.TaskOpen, nil
			change := exeunt.Change{Tasks: []exeunt.Task{task}}
			change.Record(exeunt.EntryTaskOpened, nil, now, "opened", nil)
			return s.Commit(t.Context(), &change)
		}
		if err := work("one"); err != nil {
			t.Fatal(err)
		}
		early := closed
		if err := s.Commit(t.Context(), &early); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("it was closed over open work: %v", err)
		}
		settleAll(t, s)
		if err := s.Commit(t.Context(), &closed); err != nil {
			t.Fatal(err)
		}
		if err := work("two"); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("work was added to a closed case: %v", err)
		}
	})
}

// On PostgreSQL, where several write at once, who saves what a held case must not have in line waits for the hold.
func TestAHoldAndWhatIsInLineAreOrdered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		held, err := opened.Case.HoldBy(ida, now)
		if err != nil {
			t.Fatal(err)
		}
		step := opened.Steps[0]
		finish := exeunt.Change{Steps: []exeunt.Step{step}}
		finish.Record(exeunt.EntryRetry, step, now, "tried again", nil)
		finished := make(chan error, 1)
		err = s.CommitWith(t.Context(), &held, func(context.Context, store.Tx) error {
			go func() { finished <- s.Commit(t.Context(), &finish) }()
			select {
			case err := <-finished:
				finished <- err
			case <-time.After(300 * time.Millisecond): // it waits for us, as it should
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-finished; err != nil {
			t.Fatal(err)
		}
		if n := storetest.Count(t, s, "SELECT COUNT(*) FROM steps WHERE runs_at IS NOT NULL OR place IS NOT NULL"); n != 0 {
			t.Errorf("%d steps of a held case are in line", n)
		}
		storetest.Exec(t, s, "UPDATE steps SET state = 'ready', place = 1, runs_at = 1, deadline = 1")
		if overdue, next, err := s.OverdueIn(t.Context(), step.System, now, 10); err != nil || len(overdue) != 0 || !next.IsZero() {
			t.Errorf("overdue in a held case: %v %s %v", overdue, next, err)
		}
	})
}

// Groups that are written at the same time lock the cases of their members in the same order: on PostgreSQL a deadlock
// costs all who are in it a second.
func TestNoGroupWaitsForOneThatWaitsForIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var all sync.WaitGroup
		for i := range 4 {
			opened := storetest.Open(t, s, storetest.Departure(fmt.Sprint("E", i), "2026-11-20"), now)
			for _, step := range opened.Steps[:3] {
				all.Go(func() {
					for range 40 {
						change := exeunt.Change{Steps: []exeunt.Step{step}}
						change.Record(exeunt.EntryRetry, step, now, "tried again", nil)
						if err := s.Commit(t.Context(), &change); err != nil {
							t.Error(err)
							return
						}
						step = change.Steps[0]
					}
				})
			}
			all.Go(func() {
				kept := *opened.Case
				for range 40 {
					change := exeunt.Change{Case: &kept}
					change.Record(exeunt.EntryRetry, kept, now, "amended", nil)
					if err := s.Commit(t.Context(), &change); err != nil {
						t.Error(err)
						return
					}
					kept = *change.Case
				}
			})
		}
		all.Wait()
		if s.Shared() {
			storetest.Exec(t, s, "SELECT pg_stat_force_next_flush()")
			if n := storetest.Count(t, s, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"); n > 0 {
				t.Errorf("%d deadlocks", n)
			}
		}
	})
}

// told is a change that says something.
func told() *exeunt.Change {
	change := exeunt.Accessed(time.Now(), exeunt.Access{Kind: exeunt.EntryAccount, What: "test"})
	return &change
}

func TestATaskUnderALegalHoldSaysWhatToKeep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		caution := func() string {
			t.Helper()
			rows, err := s.Everything().Tasks(t.Context(), store.TaskQuery{Case: opened.Case.ID}, now)
			if err != nil || len(rows) == 0 {
				t.Fatalf("%d tasks, %v", len(rows), err)
			}
			return rows[0].Caution
		}
		if got := caution(); got != "" {
			t.Errorf("there is no hold: %q", got)
		}
		held, err := opened.Case.PlaceLegalHold(opened.Steps, opened.Tasks, exeunt.Person{Name: "Lea Roth"}, ida, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), &held); err != nil {
			t.Fatal(err)
		}
		if got := caution(); !strings.Contains(got, "Ask Lea Roth") {
			t.Errorf("it says %q", got)
		}
	})
}

// A look for drift that was begun before HR took the departure back must not cut access again afterwards.
func TestNothingSettledIsBegunAnewInACaseThatIsOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		done := opened.Steps[0].Finish(exeunt.Outcome{Kind: exeunt.Done, Proof: exeunt.Observed}, now)
		if err := s.Commit(t.Context(), &done); err != nil {
			t.Fatal(err)
		}
		again := done.Steps[0]
		again.State, again.SettledAt, again.NextAttemptAt = exeunt.StepReady, time.Time{}, now
		drift := exeunt.Change{Steps: []exeunt.Step{again}}
		drift.Record(exeunt.EntryLooked, again, now, "it came back", nil)
		before, over := drift, *opened.Case
		over.State = exeunt.CaseRescinded
		rescinded := exeunt.Change{Case: &over}
		rescinded.Record(exeunt.EntryRescinded, over, now, "taken back", nil)
		if err := s.Commit(t.Context(), &rescinded); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), &before); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("access is cut again of somebody who stays: %v", err)
		}
		undo := done.Steps[0]
		undo.Key, undo.Undoes, undo.Version, undo.State, undo.SettledAt = undo.Key+"-undo", undo.Key, 0, exeunt.StepReady, time.Time{}
		back := exeunt.Change{Steps: []exeunt.Step{undo}}
		back.Record(exeunt.EntryRetry, undo, now, "put back", nil)
		if err := s.Commit(t.Context(), &back); err != nil {
			t.Errorf("what puts it back: %v", err)
		}
	})
}
