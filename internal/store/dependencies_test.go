package store_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// plannedAnew lets the third step of a case wait for the given keys instead of what it waited for.
func plannedAnew(opened exeunt.Change, after ...string) exeunt.Change {
	c, dependent := *opened.Case, opened.Steps[2]
	dependent.After = nil
	for _, key := range after {
		dependent.After = append(dependent.After, exeunt.Dependency{Key: key, Because: "anew"})
	}
	added := opened.Steps[0]
	added.Key, added.Version, added.State = "directory-extra", 0, exeunt.StepReady
	change := exeunt.Change{Case: &c, Steps: []exeunt.Step{dependent, added}, Replanned: true}
	change.Case.Generation++
	change.Record(exeunt.EntryAmended, c, now, "amended", nil)
	return change
}

func settle(t *testing.T, s *store.Store, id exeunt.CaseID, key string) {
	t.Helper()
	change := stepOf(t, s, id, key).Finish(exeunt.Outcome{Kind: exeunt.Done, Proof: exeunt.Observed}, now)
	if err := s.Commit(t.Context(), &change); err != nil {
		t.Error(err)
	}
}

func TestACasePlannedAnewWaitsForWhatThePlanSays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := twoBlockers(t, s)
		id, first, second, dependent := opened.Case.ID, opened.Steps[0].Key, opened.Steps[1].Key, opened.Steps[2].Key
		change := plannedAnew(opened, "directory-extra", second)
		if err := s.Commit(t.Context(), &change); err != nil {
			t.Fatal(err)
		}
		settle(t, s, id, first)
		settle(t, s, id, second)
		if got := stepOf(t, s, id, dependent).State; got != exeunt.StepWaiting {
			t.Fatalf("it is %s before what was added is settled", got)
		}
		steps, err := s.Steps(t.Context(), id)
		if err != nil || slices.IndexFunc(steps, func(x exeunt.Step) bool { return x.Key == "directory-extra" }) != len(steps)-1 {
			t.Errorf("what was added does not come last: %v", err)
		}
		settle(t, s, id, "directory-extra")
		if got := stepOf(t, s, id, dependent).State; got != exeunt.StepReady {
			t.Errorf("it is %s when everything is settled", got)
		}
	})
}

// Whoever plans anew may have seen something open that is settled by now, or just then.
func TestWhatIsSettledMeanwhileIsNotWaitedForFromThenOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := twoBlockers(t, s)
		settle(t, s, opened.Case.ID, opened.Steps[1].Key)
		change := plannedAnew(opened, opened.Steps[1].Key)
		if err := s.Commit(t.Context(), &change); err != nil {
			t.Fatal(err)
		}
		if got := stepOf(t, s, opened.Case.ID, opened.Steps[2].Key).State; got != exeunt.StepReady {
			t.Errorf("it waits for what was settled before: %s", got)
		}
		for range 10 {
			opened := twoBlockers(t, s)
			var wait sync.WaitGroup
			wait.Go(func() {
				change := plannedAnew(opened, opened.Steps[1].Key)
				if err := s.Commit(t.Context(), &change); err != nil {
					t.Error(err)
				}
			})
			wait.Go(func() { settle(t, s, opened.Case.ID, opened.Steps[1].Key) })
			wait.Wait()
			if got := stepOf(t, s, opened.Case.ID, opened.Steps[2].Key).State; got != exeunt.StepReady {
				t.Fatalf("it waits for ever: %s", got)
			}
		}
	})
}
