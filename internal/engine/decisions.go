package engine

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// HoldCase stops a case by a person's decision.
func (e Commands) HoldCase(ctx context.Context, id exeunt.CaseID, by exeunt.Override) error {
	c, err := e.store.Case(ctx, id)
	if err != nil {
		return err
	}
	change, err := c.HoldBy(by, time.Now().UTC())
	if err != nil {
		return err
	}
	return e.commit(ctx, &change)
}

// ReleaseCase lets a held case go on.
func (e Commands) ReleaseCase(ctx context.Context, id exeunt.CaseID, by exeunt.Override) error {
	return e.onCase(ctx, id, func(c exeunt.Case, steps []exeunt.Step, tasks []exeunt.Task, now time.Time) (exeunt.Change, error) {
		return c.Release(steps, tasks, by, now)
	})
}

// onCase lets a decision look at all of a case and commits what it makes of it.
func (e Commands) onCase(ctx context.Context, id exeunt.CaseID, decide func(exeunt.Case, []exeunt.Step, []exeunt.Task, time.Time) (exeunt.Change, error)) error {
	c, err := e.store.Case(ctx, id)
	if err != nil {
		return err
	}
	steps, err := e.store.Steps(ctx, id)
	if err != nil {
		return err
	}
	tasks, err := e.store.CaseTasks(ctx, id)
	if err != nil {
		return err
	}
	change, err := decide(c, steps, tasks, time.Now().UTC())
	if err != nil {
		return err
	}
	return e.commit(ctx, &change)
}

// WaiveStep settles a step by a person's decision against it, or asks a second person to confirm that.
func (e Commands) WaiveStep(ctx context.Context, id exeunt.CaseID, key string, by exeunt.Override, lasts time.Duration) (exeunt.DeviationState, error) {
	return e.deviate(ctx, id, func(c exeunt.Case, steps []exeunt.Step, tasks []exeunt.Task, now time.Time) (exeunt.Change, error) {
		return c.Waive(key, steps, tasks, e.second(c, exeunt.CaseOwner, by), by, lasts, now)
	})
}

// PlaceLegalHold stops everything destructive of a case. Access is cut all the same.
func (e Commands) PlaceLegalHold(ctx context.Context, id exeunt.CaseID, by exeunt.Override) error {
	return e.onCase(ctx, id, func(c exeunt.Case, steps []exeunt.Step, tasks []exeunt.Task, now time.Time) (exeunt.Change, error) {
		return c.PlaceLegalHold(steps, tasks, first(e.engine.planner.Line(exeunt.LegalRole, c.Leaver())), by, now)
	})
}

// AskLegalRelease asks for the end of a legal hold; another person has to confirm it.
func (e Commands) AskLegalRelease(ctx context.Context, id exeunt.CaseID, by exeunt.Override, lasts time.Duration) (exeunt.DeviationState, error) {
	return e.deviate(ctx, id, func(c exeunt.Case, _ []exeunt.Step, _ []exeunt.Task, now time.Time) (exeunt.Change, error) {
		return c.AskLegalRelease(e.second(c, exeunt.LegalRole, by), by, lasts, now)
	})
}

// deviate commits an override and says whether it has had its effect or waits for a second person.
func (e Commands) deviate(ctx context.Context, id exeunt.CaseID, decide func(exeunt.Case, []exeunt.Step, []exeunt.Task, time.Time) (exeunt.Change, error)) (exeunt.DeviationState, error) {
	var state exeunt.DeviationState
	err := e.onCase(ctx, id, func(c exeunt.Case, steps []exeunt.Step, tasks []exeunt.Task, now time.Time) (exeunt.Change, error) {
		change, err := decide(c, steps, tasks, now)
		if err == nil {
			state = change.Case.Overrides[len(change.Case.Overrides)-1].State
		}
		return change, err
	})
	return state, err
}

// second is who is asked to confirm what somebody wants: the first in line who is surely another person.
func (e Commands) second(c exeunt.Case, role string, by exeunt.Override) exeunt.Person {
	for _, p := range e.engine.planner.Line(role, c.Leaver()) {
		if !by.SamePerson(exeunt.Override{By: p.Name, Account: p.Email}) {
			return p
		}
	}
	return e.engine.planner.Operator()
}

func first(line []exeunt.Person) exeunt.Person {
	if len(line) == 0 {
		return exeunt.Person{}
	}
	return line[0]
}

// DecideTask is the second person's answer to what a task asks: the approval of its steps, or of those that
// are named, or the confirmation of an override.
func (e Commands) DecideTask(ctx context.Context, id exeunt.TaskID, keys []string, yes bool, by exeunt.Override) error {
	row, err := e.store.Task(ctx, id)
	if err != nil {
		return err
	}
	return e.onCase(ctx, row.Case, func(c exeunt.Case, steps []exeunt.Step, tasks []exeunt.Task, now time.Time) (exeunt.Change, error) {
		switch row.Asks {
		case exeunt.AsksApproval:
			return c.Decide(row.Task, steps, keys, yes, by, now)
		case exeunt.AsksConfirmation:
			return c.Confirm(row.Task, steps, tasks, yes, by, now)
		default:
			return exeunt.Change{}, exeunt.Errorf(exeunt.Conflict, "%s asks for no decision: complete it instead", row.ID)
		}
	})
}
