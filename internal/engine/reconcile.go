package engine

import (
	"context"
	"time"

	"github.com/exeunt/exeunt/internal/store"
	"github.com/riverqueue/river"
)

// The reconciler looks every few seconds for work that is overdue. That also bounds how late a timer
// can be: River's scheduler waits for a leader, which after a hiccup takes it the better part of a
// minute to elect.
const (
	reconcileEvery = 10 * time.Second
	grace          = 5 * time.Second
)

// reconcile derives anew, from the rows that are the truth, the jobs that should be there. It covers
// whatever the queue may lose; a job too many is harmless.
func (e *Engine) reconcile(ctx context.Context, before time.Time) error {
	jobs, err := e.store.Due(ctx, before)
	if err != nil {
		return err
	}
	events, err := e.store.OpenEvents(ctx)
	if err != nil {
		return err
	}
	if len(jobs)+len(events) == 0 {
		return nil
	}
	return e.store.WithTx(ctx, func(ctx context.Context, tx store.Tx) error {
		for _, ev := range events {
			tx.AfterCommit(func() { e.bell.ring(eventQueue) })
			opts := &river.InsertOpts{Queue: eventQueue, MaxAttempts: 25, Priority: 1, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished}}
			if err := e.queue.insert(ctx, tx, []river.InsertManyParams{{Args: eventArgs{ev.Source, ev.ID}, InsertOpts: opts}}); err != nil {
				return err
			}
		}
		return e.insert(ctx, tx, jobs, true)
	})
}

// quarantine is how long the body of an event that could not be understood is kept (SPEC §13).
const quarantine = 30 * 24 * time.Hour

func (e *Engine) keepReconciling(ctx context.Context) {
	tick, daily := time.NewTicker(reconcileEvery), time.NewTicker(24*time.Hour)
	defer tick.Stop()
	defer daily.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-daily.C:
			if err := e.store.DropQuarantine(ctx, now.Add(-quarantine)); err != nil && ctx.Err() == nil {
				e.log.Warn("old quarantined events could not be dropped", "error", err)
			}
		case now := <-tick.C:
			if _, err := e.revealDue(ctx, now); err != nil && ctx.Err() == nil {
				e.log.Error("a case whose embargo has ended could not be revealed; it is tried again in some seconds", "error", err)
			}
			if err := e.reconcile(ctx, now.Add(-grace)); err != nil && ctx.Err() == nil {
				e.log.Error("the reconciler could not look for lost work; it tries again in some seconds", "error", err)
			}
		}
	}
}
