package engine

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// revealDue ends the embargoes whose time has come, and says when the next one's does; zero when none
// waits. It is due work like any other: found by its row, so that a crash or a long pause only delays it.
func (e *Engine) revealDue(ctx context.Context, now time.Time) (next time.Time, err error) {
	due, next, err := e.store.DueReveals(ctx, now)
	if err != nil {
		return time.Time{}, err
	}
	var failed error
	for _, id := range due {
		if err := e.reveal(ctx, id, now); ignoreConflict(err) != nil { // one that cannot be revealed delays no other
			failed = err
		}
	}
	return next, failed
}

func (e *Engine) reveal(ctx context.Context, id exeunt.CaseID, now time.Time) error {
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
	change, err := c.Reveal(steps, tasks, nil, now)
	if err != nil {
		return err
	}
	return e.commit(ctx, &change)
}

// RevealCase ends the embargo of a case before its time.
func (e Commands) RevealCase(ctx context.Context, id exeunt.CaseID, by exeunt.Override) error {
	return e.onCase(ctx, id, func(c exeunt.Case, steps []exeunt.Step, tasks []exeunt.Task, now time.Time) (exeunt.Change, error) {
		return c.Reveal(steps, tasks, &by, now)
	})
}

// ExtendEmbargo lets the embargo of a case last longer, or puts more people on its list.
func (e Commands) ExtendEmbargo(ctx context.Context, id exeunt.CaseID, terms exeunt.EmbargoTerms, by exeunt.Override) error {
	return e.onCase(ctx, id, func(c exeunt.Case, steps []exeunt.Step, tasks []exeunt.Task, now time.Time) (exeunt.Change, error) {
		return c.ExtendEmbargo(terms, steps, tasks, by, now)
	})
}
