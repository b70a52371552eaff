package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// Commands are what one person may do, with what that person may see: a case that is hidden from them does
// not exist for their commands either. Each reads, lets the domain decide, and commits; when somebody else
// was faster the commit is refused with Conflict and the person looks again.
//
// They do not embed the engine, so that none of its own methods, which see everything, is a command.
type Commands struct {
	who    exeunt.Viewer
	store  store.View
	engine *Engine
}

// As returns the commands of a person.
func (e *Engine) As(who exeunt.Viewer) Commands { return Commands{who, e.store.For(who), e} }

func (e Commands) commit(ctx context.Context, change *exeunt.Change) error {
	return e.engine.commit(ctx, change)
}

// StartCase opens a case by a person's decision instead of HR's trigger. Who starts one under embargo is on
// its list.
func (e Commands) StartCase(ctx context.Context, d exeunt.Departure, by exeunt.Override) (exeunt.CaseID, error) {
	now := time.Now().UTC()
	if err := by.Check(); err != nil {
		return 0, err
	}
	if d.TerminationDate == "" {
		d.TerminationDate = d.LastDay
	}
	if err := d.Check(); err != nil {
		return 0, err
	}
	if d.Embargo != nil {
		terms, err := d.Embargo.StartedBy(e.who, d.Leaver.Zone, now)
		if err != nil {
			return 0, err
		}
		d.Embargo = &terms
	}
	by.Account = cmp.Or(by.Account, e.who.Email)
	before, err := e.engine.newest(ctx, d.Leaver.Key())
	if err != nil {
		return 0, err
	}
	if before != nil && before.Open() {
		if !before.VisibleTo(e.who) {
			return 0, e.startHidden(ctx, *before, by, now)
		}
		return 0, exeunt.Errorf(exeunt.Conflict, "%s's departure is under way already: case %s", d.Leaver.Name, before.ID)
	}
	t := exeunt.Trigger{EventID: store.Random(16), Source: OverrideSource, Kind: exeunt.Announced, OccurredAt: now, ReceivedAt: now, Departure: d, Override: &by}
	body, err := json.Marshal(t)
	if err != nil {
		return 0, exeunt.Errorf(exeunt.Internal, "the departure did not encode").Because(err)
	}
	if _, err := e.engine.Receive(ctx, store.Event{Source: OverrideSource, ID: t.EventID, Body: body, ReceivedAt: now}); err != nil {
		return 0, err
	}
	// The event is durable, so that the case comes even if we are killed here; working on it at once
	// lets us answer with the case. When the job was faster, that is a conflict, and all is well.
	if err := ignoreConflict(e.engine.event(ctx, OverrideSource, t.EventID)); err != nil {
		return 0, err
	}
	c, err := e.engine.newest(ctx, d.Leaver.Key())
	if err != nil {
		return 0, err
	}
	if c == nil || c.EventID != t.EventID {
		return 0, notOpened()
	}
	return c.ID, nil
}

// notOpened is the answer whenever a person's departure opens no case, for whatever reason: a hidden case
// must not be told from what was absorbed.
func notOpened() error {
	return exeunt.Errorf(exeunt.Invalid, "no case was opened: what you entered is recorded and goes to those responsible; ask HR operations before you enter it again")
}

// startHidden answers somebody who wants to start a departure that is under way and that they may not know
// of. Those who know are told, so that they can speak to them or reveal it.
func (e Commands) startHidden(ctx context.Context, c exeunt.Case, by exeunt.Override, now time.Time) error {
	change := c.AskedFor(by, now)
	if err := e.commit(ctx, &change); err != nil {
		return err
	}
	return notOpened()
}

// SaveTask keeps what a person ticked and wrote.
func (e Commands) SaveTask(ctx context.Context, id exeunt.TaskID, ticked []int, note, by string) error {
	return e.onTask(ctx, id, func(t exeunt.Task, now time.Time) (exeunt.Change, error) { return t.Save(ticked, note, by, now) })
}

// CompleteTask ends a task in a person's name.
func (e Commands) CompleteTask(ctx context.Context, id exeunt.TaskID, ticked []int, note, by string) error {
	return e.onTask(ctx, id, func(t exeunt.Task, now time.Time) (exeunt.Change, error) {
		steps, err := e.store.Steps(ctx, t.Case)
		if err != nil {
			return exeunt.Change{}, err
		}
		return t.Complete(steps, ticked, note, by, now)
	})
}

// ReassignTask hands a task to somebody else.
func (e Commands) ReassignTask(ctx context.Context, id exeunt.TaskID, to exeunt.Person, by exeunt.Override) error {
	return e.onTask(ctx, id, func(t exeunt.Task, now time.Time) (exeunt.Change, error) { return t.Reassign(to, by, now) })
}

// RemindTask tells the owner of a task again.
func (e Commands) RemindTask(ctx context.Context, id exeunt.TaskID, by string) error {
	return e.onTask(ctx, id, func(t exeunt.Task, now time.Time) (exeunt.Change, error) { return t.RemindNow(by, now) })
}

func (e Commands) onTask(ctx context.Context, id exeunt.TaskID, decide func(exeunt.Task, time.Time) (exeunt.Change, error)) error {
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
func (e Commands) RetryStep(ctx context.Context, id exeunt.CaseID, key string, by exeunt.Override) error {
	steps, task, err := failedWith(ctx, e.store, id, key)
	if err != nil {
		return err
	}
	change, err := exeunt.Retry(steps, task, by, time.Now().UTC())
	if err != nil {
		return err
	}
	return e.commit(ctx, &change)
}

// TryNow lets a system that is left alone be tried at once, since a person has mended what was wrong.
func (e Commands) TryNow(ctx context.Context, name string, by exeunt.Override) error {
	system, err := e.engine.systems.System(name)
	if err != nil {
		return err
	}
	before, err := e.engine.store.Breaker(ctx, name)
	if err != nil {
		return err
	}
	by.Account = cmp.Or(by.Account, e.who.Email)
	after, change, err := before.TryNow(system, by, time.Now())
	if err != nil {
		return err
	}
	return e.engine.store.TryBreaker(ctx, before, after, change)
}

// PutBackStep puts back one step that was done before HR changed the departure.
func (e Commands) PutBackStep(ctx context.Context, id exeunt.CaseID, key string, by exeunt.Override) error {
	inventory, err := e.engine.inventory()
	if err != nil {
		return err
	}
	by.Account = cmp.Or(by.Account, e.who.Email)
	return e.onCase(ctx, id, func(c exeunt.Case, steps []exeunt.Step, tasks []exeunt.Task, now time.Time) (exeunt.Change, error) {
		return c.PutBackStep(key, inventory, steps, tasks, by, now)
	})
}

// reader is what a person may see of a case, or all of it.
type reader interface {
	Step(ctx context.Context, id exeunt.CaseID, key string) (exeunt.Step, error)
	CaseTasks(ctx context.Context, id exeunt.CaseID) ([]exeunt.Task, error)
}

// failedWith returns the steps that failed together with one, and the open task that stands in for them.
func failedWith(ctx context.Context, from reader, id exeunt.CaseID, key string) ([]exeunt.Step, *exeunt.Task, error) {
	step, err := from.Step(ctx, id, key)
	if err != nil {
		return nil, nil, err
	}
	tasks, err := from.CaseTasks(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range tasks {
		if !t.Open() || !slices.Contains(t.Steps, key) {
			continue
		}
		var steps []exeunt.Step
		for _, k := range t.Steps {
			s, err := from.Step(ctx, id, k)
			if err != nil {
				return nil, nil, err
			}
			steps = append(steps, s)
		}
		return steps, &t, nil
	}
	return []exeunt.Step{step}, nil, nil
}
