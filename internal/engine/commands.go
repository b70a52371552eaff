package engine

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// Commands are what people do. Each reads, lets the domain decide, and commits; when somebody else was
// faster the commit is refused with Conflict and the person looks again.

// StartCase opens a case by a person's decision instead of HR's trigger.
func (e *Engine) StartCase(ctx context.Context, d exeunt.Departure, by exeunt.Override) (exeunt.CaseID, error) {
	if err := by.Check(); err != nil {
		return 0, err
	}
	if d.TerminationDate == "" {
		d.TerminationDate = d.LastDay
	}
	if err := d.Check(); err != nil {
		return 0, err
	}
	before, err := e.newest(ctx, d.Leaver.Key())
	if err != nil {
		return 0, err
	}
	if before != nil && before.Open() {
		return 0, exeunt.Errorf(exeunt.Conflict, "%s's departure is under way already: case %s", d.Leaver.Name, before.ID)
	}
	now := time.Now().UTC()
	t := exeunt.Trigger{EventID: store.Random(16), Source: OverrideSource, Kind: exeunt.Announced, OccurredAt: now, ReceivedAt: now, Departure: d, Override: &by}
	body, err := json.Marshal(t)
	if err != nil {
		return 0, exeunt.Errorf(exeunt.Internal, "the departure did not encode").Because(err)
	}
	if _, err := e.Receive(ctx, store.Event{Source: OverrideSource, ID: t.EventID, Body: body, ReceivedAt: now}); err != nil {
		return 0, err
	}
	// The event is durable, so that the case comes even if we are killed here; working on it at once
	// lets us answer with the case. When the job was faster, that is a conflict, and all is well.
	if err := ignoreConflict(e.event(ctx, OverrideSource, t.EventID, 1)); err != nil {
		return 0, err
	}
	c, err := e.newest(ctx, d.Leaver.Key())
	if err != nil {
		return 0, err
	}
	if c == nil || c.EventID != t.EventID {
		return 0, exeunt.Errorf(exeunt.Invalid, "no case was opened: see the audit list for the reason")
	}
	return c.ID, nil
}

// SaveTask keeps what a person ticked and wrote.
func (e *Engine) SaveTask(ctx context.Context, id exeunt.TaskID, ticked []int, note, by string) error {
	return e.onTask(ctx, id, func(t exeunt.Task, now time.Time) (exeunt.Change, error) { return t.Save(ticked, note, by, now) })
}

// CompleteTask ends a task in a person's name.
func (e *Engine) CompleteTask(ctx context.Context, id exeunt.TaskID, ticked []int, note, by string) error {
	return e.onTask(ctx, id, func(t exeunt.Task, now time.Time) (exeunt.Change, error) {
		steps, err := e.store.Steps(ctx, t.Case)
		if err != nil {
			return exeunt.Change{}, err
		}
		return t.Complete(steps, ticked, note, by, now)
	})
}

// ReassignTask hands a task to somebody else.
func (e *Engine) ReassignTask(ctx context.Context, id exeunt.TaskID, to exeunt.Person, by exeunt.Override) error {
	return e.onTask(ctx, id, func(t exeunt.Task, now time.Time) (exeunt.Change, error) { return t.Reassign(to, by, now) })
}

// RemindTask tells the owner of a task again.
func (e *Engine) RemindTask(ctx context.Context, id exeunt.TaskID, by string) error {
	return e.onTask(ctx, id, func(t exeunt.Task, now time.Time) (exeunt.Change, error) { return t.RemindNow(by, now) })
}

func (e *Engine) onTask(ctx context.Context, id exeunt.TaskID, decide func(exeunt.Task, time.Time) (exeunt.Change, error)) error {
	row, err := e.store.Task(ctx, id)
	if err != nil {
		return err
	}
	change, err := decide(row.Task, time.Now().UTC())
	if err != nil {
		return err
	}
	return e.commit(ctx, &change)
}

// RetryStep puts a failed step back to work, and with it whatever failed for the same reason.
func (e *Engine) RetryStep(ctx context.Context, id exeunt.CaseID, key string, by exeunt.Override) error {
	steps, task, err := e.failedWith(ctx, id, key)
	if err != nil {
		return err
	}
	change, err := exeunt.Retry(steps, task, by, time.Now().UTC())
	if err != nil {
		return err
	}
	return e.commit(ctx, &change)
}

// WaiveStep settles a step by a person's decision against it.
func (e *Engine) WaiveStep(ctx context.Context, id exeunt.CaseID, key string, by exeunt.Override) error {
	step, err := e.store.Step(ctx, id, key)
	if err != nil {
		return err
	}
	_, task, err := e.failedWith(ctx, id, key)
	if err != nil {
		return err
	}
	change, err := step.Waive(task, by, time.Now().UTC())
	if err != nil {
		return err
	}
	return e.commit(ctx, &change)
}

// failedWith returns the steps that failed together with one, and the open task that stands in for them.
func (e *Engine) failedWith(ctx context.Context, id exeunt.CaseID, key string) ([]exeunt.Step, *exeunt.Task, error) {
	step, err := e.store.Step(ctx, id, key)
	if err != nil {
		return nil, nil, err
	}
	tasks, err := e.store.CaseTasks(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range tasks {
		if !t.Open() || !slices.Contains(t.Steps, key) {
			continue
		}
		var steps []exeunt.Step
		for _, k := range t.Steps {
			s, err := e.store.Step(ctx, id, k)
			if err != nil {
				return nil, nil, err
			}
			steps = append(steps, s)
		}
		return steps, &t, nil
	}
	return []exeunt.Step{step}, nil, nil
}

// ReleaseCase lets a held case go on.
func (e *Engine) ReleaseCase(ctx context.Context, id exeunt.CaseID, by exeunt.Override) error {
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
	change, err := c.Release(steps, tasks, by, time.Now().UTC())
	if err != nil {
		return err
	}
	return e.commit(ctx, &change)
}
