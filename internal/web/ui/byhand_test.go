package ui

import (
	"net/http"
	"slices"
	"testing"

	"github.com/exeunt/exeunt"
)

// salesHasNoOtherOwner adds somebody who alone owns things in Snowflake, and leaves.
func salesHasNoOtherOwner(w *world) {
	file := w.files[2041]
	file.Case.ID, file.Case.Departure.Leaver.Name = 2070, "Lena Novak"
	file.Tasks = nil
	i := slices.IndexFunc(file.Steps, func(s exeunt.Step) bool { return s.Key == "snowflake-disable-user" })
	step := file.Steps[i]
	step.Case, step.Key, step.Action, step.Title, step.State = 2070, "snowflake-hand-over", exeunt.HandOver, "Hand over what others depend on", exeunt.StepReady
	step.Branch, step.StartsAt, step.Snapshot, step.Reason = "Tasks", w.now, nil, ""
	owned := map[string][]string{string(exeunt.HandOver): {"database SALES", "warehouse NIGHTLY", "task \"load orders\""}}
	change := step.Finish(exeunt.Outcome{Kind: exeunt.ForPeople, Account: step.Account, Snapshot: owned,
		Err: exeunt.Errorf(exeunt.Conflict, "people have to say who has it next: database SALES, warehouse NIGHTLY, task \"load orders\"")}, w.now)
	file.Steps = []exeunt.Step{change.Steps[0]}
	task := change.Tasks[0]
	task.ID = 998
	file.Tasks = []exeunt.Task{task}
	w.files[2070] = file
}

func TestWhatIsLeftToPeopleIsNoFailure(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		salesHasNoOtherOwner(w)
		says(t, send(h, "it", "/cases/C-2070", nil), 200, "Lena Novak", "With a person", "not:1 step failed", "not:Retry")
		says(t, send(h, "it", "/cases/C-2070/steps/snowflake-hand-over", nil), 200, "With a person", "People have to say who has it next", "Before: hand over", "database SALES", "not:The account may still be open.")
		says(t, send(h, "it", "/tasks?sel=T-998", nil), 200, "hand over what others depend on", "warehouse NIGHTLY")
	})
}
