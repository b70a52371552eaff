package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// TestAFailedStepThatBecomesMootIsLetGoWithItsTask reads back, from both databases, what was committed: the step, the end of
// its task, and the entry with the reason. The other step that failed keeps its own task.
func TestAFailedStepThatBecomesMootIsLetGoWithItsTask(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		denied := exeunt.Outcome{Kind: exeunt.GaveUp, Err: exeunt.Errorf(exeunt.Denied, "a permission is missing")}
		failed := commit(t, s, opened.Steps[0].Finish(denied, now), nil)
		commit(t, s, opened.Steps[1].Finish(denied, now), nil)
		task := failed.Tasks[0]
		seen := exeunt.Observation{Facts: map[string]string{"status": "deactivated"}, Why: map[exeunt.Action]string{failed.Steps[0].Action: "it is deactivated for good"}}
		commit(t, s, failed.Steps[0].SeenMoot(seen, &task, failed.Steps, now.Add(time.Hour)), nil)

		step, err := s.Step(t.Context(), opened.Case.ID, failed.Steps[0].Key)
		if err != nil || step.State != exeunt.StepSkipped || step.Reason != "moot: it is deactivated for good" || step.Seen["status"] != "deactivated" {
			t.Errorf("the step is %s since %q, seen %v, %v", step.State, step.Reason, step.Seen, err)
		}
		tasks, err := s.CaseTasks(t.Context(), opened.Case.ID)
		if err != nil {
			t.Fatal(err)
		}
		open := 0
		for _, other := range tasks {
			switch {
			case other.Key == task.Key && (other.State != exeunt.TaskWithdrawn || other.Reason != "there is nothing left to do"):
				t.Errorf("its task is %s since %q", other.State, other.Reason)
			case slices.Contains(other.Steps, opened.Steps[1].Key) && other.Open():
				open++
			}
		}
		if open != 1 {
			t.Errorf("%d tasks are open for the other step", open)
		}
		page, err := s.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntrySkipped)})
		if err != nil || page.Total != 1 || !strings.Contains(page.Rows[0].What, "became moot") {
			t.Errorf("the ledger is told %+v, %v", page, err)
		}
	})
}
