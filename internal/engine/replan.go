package engine

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// ReplanCase takes a case to the plan that the policies of now give; to is their version as somebody has looked at it, or "".
func (e Commands) ReplanCase(ctx context.Context, id exeunt.CaseID, to string, by exeunt.Override) error {
	return e.onCase(ctx, id, func(c exeunt.Case, steps []exeunt.Step, tasks []exeunt.Task, now time.Time) (exeunt.Change, error) {
		change, err := e.replanned(c, steps, tasks, by, now)
		if err == nil && to != "" && change.Case.PolicySet != to {
			return change, exeunt.Errorf(exeunt.Conflict, "the policies have changed since you looked at the difference: look again")
		}
		return change, err
	})
}

// PreviewReplan says what planning a case anew would change, and changes nothing.
func (e Commands) PreviewReplan(ctx context.Context, id exeunt.CaseID) (exeunt.Replanning, error) {
	c, err := e.store.Case(ctx, id)
	if err != nil {
		return exeunt.Replanning{}, err
	}
	steps, err := e.store.Steps(ctx, id)
	if err != nil {
		return exeunt.Replanning{}, err
	}
	tasks, err := e.store.CaseTasks(ctx, id)
	if err != nil {
		return exeunt.Replanning{}, err
	}
	change, err := e.replanned(c, steps, tasks, exeunt.Override{By: "preview", Reason: "to look at the difference"}, time.Now().UTC())
	if err != nil {
		return exeunt.Replanning{}, err
	}
	return change.Replanning(c, steps, tasks), nil
}

func (e Commands) replanned(c exeunt.Case, steps []exeunt.Step, tasks []exeunt.Task, by exeunt.Override, now time.Time) (exeunt.Change, error) {
	fresh, err := e.engine.planner.Plan(exeunt.Case{ID: c.ID, Handle: c.Handle, Departure: c.Departure, OpenedAt: c.OpenedAt, LegalHold: c.LegalHold, Overrides: c.Overrides}, now)
	if err != nil {
		return exeunt.Change{}, err
	}
	return c.Replan(fresh, steps, tasks, by, now)
}
