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
