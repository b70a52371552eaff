package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// OverrideSource is the source of what a person started; its events are triggers already.
const OverrideSource = "override"

// Receive makes an event durable; it is worked on at once, here or on another node. fresh is false for a
// duplicate, which is answered the same and does nothing.
func (e *Engine) Receive(ctx context.Context, ev store.Event) (fresh bool, err error) {
	return e.store.Receive(ctx, ev)
}

// eventsDue works on what was received, several at once. What is heard of one person ends as it was said,
// whichever is worked on first.
func (e *Engine) eventsDue(ctx context.Context, now time.Time) (time.Time, error) {
	due, next, err := e.store.DueEvents(ctx, now, batch)
	if err != nil {
		return next, err
	}
	if len(due) == batch {
		next = now
	}
	var mu sync.Mutex
	err = each(due, func(ev store.Event) error {
		failed := e.event(ctx, ev.Source, ev.ID)
		if failed == nil || ctx.Err() != nil {
			return nil
		}
		again, err := e.postponeEvent(ctx, ev, failed)
		mu.Lock()
		defer mu.Unlock()
		next = earliest(next, again)
		return err
	})
	return next, err
}

// postponeEvent keeps an event that could not be worked on for later, and not in silence.
func (e *Engine) postponeEvent(ctx context.Context, ev store.Event, why error) (again time.Time, err error) {
	e.log.Warn("an event could not be worked on; it is tried again", "source", ev.Source, "event", ev.ID, "error", why)
	attempts, err := e.store.PostponeEvent(ctx, ev, func(attempts int) time.Time {
		again = time.Now().Add(e.jitter(exeunt.Backoff(attempts)))
		return again
	})
	if err != nil || attempts != alertAfter {
		return again, err
	}
	said := exeunt.MessageOf(why)
	if exeunt.KindOf(why) == exeunt.Conflict { // its words name the case, which may be under embargo
		said = "what it changes is being changed by somebody else"
	}
	waits := fmt.Sprintf("an event of %s waits: %s", ev.Source, said)
	return again, e.alert(ctx, exeunt.EntryRefused, waits, "waits:"+ev.Source+":"+ev.ID, map[string]string{"source": ev.Source, "event": ev.ID}, nil)
}

// Quarantine keeps a signed event that cannot be understood and alerts the operator.
func (e *Engine) Quarantine(ctx context.Context, ev store.Event, why error) error {
	if err := e.store.Quarantine(ctx, ev, exeunt.MessageOf(why)); err != nil {
		return err
	}
	return e.alert(ctx, exeunt.EntryRefused, fmt.Sprintf("an event of %s was refused: %s", ev.Source, exeunt.MessageOf(why)), "refused:"+ev.Source+":"+ev.ID,
		map[string]string{"source": ev.Source, "event": ev.ID}, nil)
}

// answerTries is how often an answer is worked out anew at once when a case has changed under it.
const answerTries = 5

// event turns one received event into a case, an amendment, a rescission, or a notice that it is none.
func (e *Engine) event(ctx context.Context, source, id string) error {
	ctx = store.About(ctx, source+" "+id)
	ev, done, err := e.store.Event(ctx, source, id)
	if err != nil || done {
		return err
	}
	trigger, err := e.trigger(ctx, ev)
	if exeunt.KindOf(err) == exeunt.NotFound {
		return e.ignore(ctx, ev, exeunt.MessageOf(err))
	}
	for n := 0; err == nil && n < answerTries; n++ {
		if err = e.answer(ctx, ev, trigger); exeunt.KindOf(err) != exeunt.Conflict {
			break
		}
		if n+1 < answerTries { // a visit was faster: look again and decide anew
			err = nil
		}
	}
	switch exeunt.KindOf(err) {
	case exeunt.Invalid, exeunt.Ambiguous, exeunt.Unsupported: // trying again cannot help
		return e.refuse(ctx, ev, err)
	default:
		return err
	}
}

func (e *Engine) trigger(ctx context.Context, ev store.Event) (exeunt.Trigger, error) {
	if ev.Source == exeunt.WaveSource { // what it announces stands in the wave
		return exeunt.Trigger{}, nil
	}
	t, err := e.normalise(ctx, ev)
	t.ReceivedAt = ev.ReceivedAt // what came in one delivery was received one after another
	return t, err
}

func (e *Engine) normalise(ctx context.Context, ev store.Event) (exeunt.Trigger, error) {
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
	if ev.Source == exeunt.WaveSource {
		return e.member(ctx, ev)
	}
	if err := t.Departure.Check(); err != nil && t.Kind == exeunt.Announced && !t.Second {
		return err
	}
	now := time.Now().UTC()
	key := t.Departure.Leaver.Key()
	defer e.answering.lock(key)()
	if _, done, err := e.store.Event(ctx, ev.Source, ev.ID); err != nil || done { // somebody was at it before us
		return err
	}
	heard, err := e.store.HeardOf(ctx, key)
	if err != nil {
		return err
	}
	newest, err := e.newest(ctx, key)
	if err != nil {
		return err
	}
	t = t.OnClockOf(newest)
	return e.respond(ctx, ev, t, newest, t.Answer(newest, heard, now), now)
}

// respond does what a trigger means for the leaver's newest case.
func (e *Engine) respond(ctx context.Context, ev store.Event, t exeunt.Trigger, newest *exeunt.Case, means exeunt.Response, now time.Time) error {
	switch means {
	case exeunt.Note:
		return e.note(ctx, ev, t, newest, now)
	case exeunt.Outdated:
		return e.absorb(ctx, ev, t, newest, "older than what was heard before", now)
	case exeunt.OpenCase:
		return e.open(ctx, ev, t, newest, "", now)
	case exeunt.Question:
		return e.open(ctx, ev, t, newest, fmt.Sprintf("a departure of this person was done in case %s: does this one mean the same?", newest.ID), now)
	case exeunt.LeaveAgain:
		if err := e.rehire(ctx, t, *newest, now, e.store.Also()); err != nil {
			return err
		}
		return e.open(ctx, ev, t, nil, "", now)
	case exeunt.TooSoon:
		return e.tooSoon(ctx, ev, t, *newest, now)
	case exeunt.TooLate:
		return e.tooLate(ctx, ev, t, *newest, now)
	case exeunt.PutBackCase:
		return e.putBack(ctx, ev, t, *newest, now)
	case exeunt.AmendCase:
		return e.amend(ctx, ev, t, *newest, now)
	case exeunt.RescindCase:
		return e.rescind(ctx, ev, t, *newest, now)
	case exeunt.RehireCase:
		return e.rehire(ctx, t, *newest, now, answered(ev, t, string(t.Kind), newest.ID))
	default:
		return e.absorb(ctx, ev, t, newest, "nothing new", now)
	}
}

// newest is the leaver's newest case, or nil.
func (e *Engine) newest(ctx context.Context, leaverKey string) (*exeunt.Case, error) {
	c, err := e.store.NewestCaseOf(ctx, leaverKey)
	switch exeunt.KindOf(err) {
	case "":
		return &c, nil
	case exeunt.NotFound:
		return nil, nil
	default:
		return nil, err
	}
}

// answered settles the event and keeps when HR said it, in the transaction of its answer.
func answered(ev store.Event, t exeunt.Trigger, how string, of exeunt.CaseID) func(context.Context, store.Tx) error {
	return answeredAs(ev, t, t.Said(), how, of)
}

// answeredAs is that an event was answered which means something else than it says, for what is known of the person.
func answeredAs(ev store.Event, t exeunt.Trigger, said exeunt.Said, how string, of exeunt.CaseID) func(context.Context, store.Tx) error {
	return both(store.Heard(t.Departure.Leaver.Key(), said), store.EventDone(ev.Source, ev.ID, how, of))
}

// open plans and opens a case. What is doubtful is held for a person, never dropped.
func (e *Engine) open(ctx context.Context, ev store.Event, t exeunt.Trigger, newest *exeunt.Case, doubt string, now time.Time) error {
	id, err := e.store.NextCase(ctx)
	if err != nil {
		return err
	}
	plan, err := e.planner.Plan(exeunt.Case{ID: id, Handle: store.Random(16), Generation: 1, Departure: t.Departure}, now)
	if err != nil {
		return err
	}
	if err := e.leaveAfterAll(ctx, newest, plan.Case, now); err != nil {
		return err
	}
	change := plan.Open(t, cmp.Or(doubt, t.Departure.Doubt(now)), now)
	return e.throughFuse(ctx, &change, cmp.Or(ev.ReceivedAt, now), answered(ev, t, "opened", id), now)
}

// absorb notes what changes nothing. A case that is closed has a sealed record, which stays as it is: the note stands beside
// it, and goes when it is erased.
func (e *Engine) absorb(ctx context.Context, ev store.Event, t exeunt.Trigger, newest *exeunt.Case, why string, now time.Time) error {
	var change exeunt.Change
	var of exeunt.CaseID
	detail := map[string]string{"source": t.Source, "event": t.EventID}
	what := fmt.Sprintf("%s from %s", why, t.Source)
	if newest != nil {
		of = newest.ID
	}
	switch {
	case newest == nil:
		change.RecordBy(t.Source, exeunt.EntryRefused, nil, now, what+": no departure of this person is under way", detail)
	case newest.Open():
		change.RecordBy(t.Source, exeunt.EntryRefused, *newest, now, what, detail)
	default:
		change.RecordBy(t.Source, exeunt.EntryRefused, of, now, what+": no departure of this person is under way", detail)
	}
	heard, err := e.store.HeardOf(ctx, t.Departure.Leaver.Key())
	if err != nil {
		return err
	}
	also := store.EventDone(ev.Source, ev.ID, why, of)
	if !t.Said().Before(heard) {
		also = both(store.Heard(t.Departure.Leaver.Key(), t.Absorbed(heard)), also) // also a rescission of what was never announced, so that an older announcement is known as such
	}
	return e.store.CommitWith(ctx, &change, also)
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
