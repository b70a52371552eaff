package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/riverqueue/river"
)

// OverrideSource is the source of what a person started; its events are triggers already.
const OverrideSource = "override"

// Receive makes an event durable together with the job that works on it. fresh is false for a
// duplicate, which is answered the same and does nothing.
func (e *Engine) Receive(ctx context.Context, ev store.Event) (fresh bool, err error) {
	return e.store.Receive(ctx, ev, func(ctx context.Context, tx store.Tx) error {
		tx.AfterCommit(func() { e.bell.ring(eventQueue) })
		return e.queue.insert(ctx, tx, []river.InsertManyParams{{Args: eventArgs{ev.Source, ev.ID}, InsertOpts: &river.InsertOpts{Queue: eventQueue, MaxAttempts: 25, Priority: 1}}})
	})
}

// Quarantine keeps a signed event that cannot be understood and alerts the operator.
func (e *Engine) Quarantine(ctx context.Context, ev store.Event, why error) error {
	if err := e.store.Quarantine(ctx, ev, exeunt.MessageOf(why)); err != nil {
		return err
	}
	return e.alert(ctx, exeunt.EntryRefused, fmt.Sprintf("an event of %s was refused: %s", ev.Source, exeunt.MessageOf(why)), "refused:"+ev.Source+":"+ev.ID,
		map[string]string{"source": ev.Source, "event": ev.ID}, nil)
}

// event turns one received event into a case, an amendment, a rescission, or a notice that it is none.
func (e *Engine) event(ctx context.Context, source, id string, attempt int) error {
	ev, done, err := e.store.Event(ctx, source, id)
	if err != nil || done {
		return err
	}
	trigger, err := e.trigger(ctx, ev)
	switch exeunt.KindOf(err) {
	case "":
	case exeunt.NotFound:
		return e.ignore(ctx, ev, exeunt.MessageOf(err))
	case exeunt.Invalid, exeunt.Ambiguous, exeunt.Unsupported:
		return e.refuse(ctx, ev, err)
	default:
		if attempt == 3 {
			_ = e.alert(ctx, exeunt.EntryRefused, fmt.Sprintf("an event of %s waits: %s", source, exeunt.MessageOf(err)), "waits:"+source+":"+id,
				map[string]string{"source": source, "event": id}, nil)
		}
		return err // River tries again
	}
	return e.answer(ctx, ev, trigger)
}

func (e *Engine) trigger(ctx context.Context, ev store.Event) (exeunt.Trigger, error) {
	if ev.Source != OverrideSource {
		return e.intake.Normalise(ctx, ev)
	}
	var t exeunt.Trigger
	if err := json.Unmarshal(ev.Body, &t); err != nil {
		return t, exeunt.Errorf(exeunt.Invalid, "the kept override does not decode").Because(err)
	}
	return t, nil
}

func (e *Engine) answer(ctx context.Context, ev store.Event, t exeunt.Trigger) error {
	now := time.Now().UTC()
	underWay, err := e.underWay(ctx, t.Departure.Leaver)
	if err != nil {
		return err
	}
	switch t.Answer(underWay) {
	case exeunt.OpenCase:
		return e.open(ctx, ev, t, now)
	case exeunt.Absorb:
		return e.absorb(ctx, ev, t, underWay, now)
	case exeunt.AmendCase, exeunt.RescindCase: // both change the case that is there
	}
	steps, err := e.store.Steps(ctx, underWay.ID)
	if err != nil {
		return err
	}
	tasks, err := e.store.CaseTasks(ctx, underWay.ID)
	if err != nil {
		return err
	}
	decide := underWay.Amend
	if t.Kind == exeunt.Rescinded {
		decide = underWay.Rescind
	}
	change, err := decide(t, steps, tasks, now)
	if err != nil {
		return err
	}
	return e.store.CommitWith(ctx, &change, store.EventDone(ev.Source, ev.ID, string(t.Kind), underWay.ID))
}

func (e *Engine) underWay(ctx context.Context, l exeunt.Leaver) (*exeunt.Case, error) {
	c, err := e.store.OpenCaseOf(ctx, l.Key())
	switch exeunt.KindOf(err) {
	case "":
		return &c, nil
	case exeunt.NotFound:
		return nil, nil
	default:
		return nil, err
	}
}

// open plans and opens a case. What is doubtful or unknown to the policies is held for a person, never
// dropped.
func (e *Engine) open(ctx context.Context, ev store.Event, t exeunt.Trigger, now time.Time) error {
	if err := t.Departure.Check(); err != nil {
		return e.refuse(ctx, ev, err)
	}
	id, err := e.store.NextCase(ctx)
	if err != nil {
		return err
	}
	plan, err := e.planner.Plan(exeunt.Case{ID: id, Handle: store.Random(16), Generation: 1, Departure: t.Departure}, now)
	if err != nil {
		if exeunt.KindOf(err) == exeunt.Invalid {
			return e.refuse(ctx, ev, err)
		}
		return err
	}
	change := plan.Open(t, t.Departure.Doubt(now), now)
	return e.store.CommitWith(ctx, &change, store.EventDone(ev.Source, ev.ID, "opened", id))
}

func (e *Engine) absorb(ctx context.Context, ev store.Event, t exeunt.Trigger, underWay *exeunt.Case, now time.Time) error {
	var change exeunt.Change
	var of exeunt.CaseID
	what := "nothing new from " + t.Source
	detail := map[string]string{"source": t.Source, "event": t.EventID}
	if underWay != nil {
		of = underWay.ID
		change.Record(exeunt.EntryRefused, *underWay, now, what, detail)
	} else {
		change.Record(exeunt.EntryRefused, nil, now, what+": no departure of this person is under way", detail)
	}
	return e.store.CommitWith(ctx, &change, store.EventDone(ev.Source, ev.ID, "absorbed", of))
}

func (e *Engine) ignore(ctx context.Context, ev store.Event, why string) error {
	var change exeunt.Change
	change.Record(exeunt.EntryRefused, nil, time.Now(), fmt.Sprintf("an event of %s is no departure: %s", ev.Source, why), map[string]string{"source": ev.Source, "event": ev.ID})
	return e.store.CommitWith(ctx, &change, store.EventDone(ev.Source, ev.ID, why, 0))
}

// refuse records why an event opened no case and alerts the operator. The person who started one by
// hand is told as well; the job that comes after finds the event settled.
func (e *Engine) refuse(ctx context.Context, ev store.Event, why error) error {
	err := e.alert(ctx, exeunt.EntryRefused, fmt.Sprintf("an event of %s opened no case: %s", ev.Source, exeunt.MessageOf(why)), "refused:"+ev.Source+":"+ev.ID,
		map[string]string{"source": ev.Source, "event": ev.ID}, store.EventDone(ev.Source, ev.ID, exeunt.MessageOf(why), 0))
	if err == nil && ev.Source == OverrideSource {
		return why
	}
	return err
}
