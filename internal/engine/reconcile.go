package engine

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/riverqueue/river"
)

// grace is how long a job may be late before the reconciler makes another. Both are harmless.
const grace = 30 * time.Second

// reconcile derives anew, from the rows that are the truth, the jobs that should be there. It covers
// whatever the queue may lose.
func (e *Engine) reconcile(ctx context.Context, before time.Time) error {
	var jobs []exeunt.Job
	for _, due := range []func(context.Context) ([]exeunt.Job, error){e.store.Due, e.store.DueNotices, e.store.OpenTaskJobs} {
		found, err := due(ctx)
		if err != nil {
			return err
		}
		for _, j := range found {
			if !j.At.After(before) {
				jobs = append(jobs, j)
			}
		}
	}
	events, err := e.store.OpenEvents(ctx)
	if err != nil {
		return err
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

func (e *Engine) keepReconciling(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if err := e.reconcile(ctx, now.Add(-grace)); err != nil && ctx.Err() == nil {
				e.log.Error("the reconciler could not look for lost work; it tries again in a minute", "error", err)
			}
			if err := e.store.DropQuarantine(ctx, now.Add(-30*24*time.Hour)); err != nil && ctx.Err() == nil {
				e.log.Warn("old quarantined events could not be dropped", "error", err)
			}
		}
	}
}
