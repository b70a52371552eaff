package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// batch is how much a duty takes on at a time.
const batch = 64

// remindersDue chases the tasks whose owners are due to be reminded.
func (e *Engine) remindersDue(ctx context.Context, now time.Time) (time.Time, error) {
	due, next, err := e.store.Reminders(ctx, now, batch)
	if err != nil {
		return next, err
	}
	if len(due) == batch {
		next = now
	}
	return next, each(due, func(t store.TaskRef) error { return e.remind(ctx, t.Case, t.Key) })
}

// remind chases one open task.
func (e *Engine) remind(ctx context.Context, id exeunt.CaseID, key string) error {
	now := time.Now()
	t, err := e.store.TaskByKey(ctx, id, key)
	if err != nil || t == nil {
		return err
	}
	if at, ok := t.ReminderAt(); !ok || at.After(now) {
		return nil // reminded already, or its deadline has moved
	}
	c, err := e.store.Case(ctx, id)
	if err != nil || c.State == exeunt.CaseHeld { // nobody is chased while a case is held
		return err
	}
	change, ok := c.Lapse(*t, now.UTC())
	if !ok {
		change, ok = t.Escalate(e.planner.Line(t.Owner.Role, c.Leaver()), now.UTC())
	}
	if !ok {
		change, ok = t.Remind(c.Owner, now)
	}
	if !ok {
		return nil
	}
	return ignoreConflict(e.commit(ctx, &change))
}

// alertAfter is how many failed deliveries make the failure itself an alert.
const alertAfter = 4

// deliveryTime is how long one delivery may take; a slow mail server needs no longer to say no.
const deliveryTime = 2 * time.Minute

// messagesDue delivers the notices that are due.
func (e *Engine) messagesDue(ctx context.Context, now time.Time) (time.Time, error) {
	due, next, err := e.store.Unsent(ctx, now, batch)
	if err != nil {
		return next, err
	}
	if err := each(due, func(id int64) error { return e.deliver(ctx, id) }); err != nil {
		return next, err
	}
	if len(due) == batch {
		return now, nil
	}
	// Only now: what did not arrive is tried again, and somebody else who was at one meanwhile may have put it off.
	_, next, err = e.store.Unsent(ctx, now, 0)
	return next, err
}

// deliver sends one notice. One that does not arrive is recorded, and put off.
func (e *Engine) deliver(ctx context.Context, id int64) error {
	n, sent, err := e.store.Notice(ctx, id)
	if err != nil || sent {
		return err
	}
	var c exeunt.Case
	var t *exeunt.Task
	if n.Case != 0 {
		if c, err = e.store.Case(ctx, n.Case); err != nil {
			return err
		}
		if t, err = e.store.TaskByKey(ctx, n.Case, n.Task); err != nil {
			return err
		}
	}
	if t != nil && t.State != exeunt.TaskOpen {
		return e.store.NoticeSent(ctx, id, time.Now()) // no longer needed; nobody is bothered
	}
	// Should this node die now, the claim ends and another tries again: rather twice than not at all.
	now := time.Now()
	attempt, err := e.store.ClaimNotice(ctx, id, now, now.Add(2*deliveryTime))
	if err != nil || attempt == 0 {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, deliveryTime)
	defer cancel()
	if err := e.messenger.Deliver(bounded, n, c, t); err != nil {
		if attempt == alertAfter {
			e.recordUndelivered(ctx, n, err)
		}
		return e.store.PostponeNotice(context.WithoutCancel(ctx), id, time.Now().Add(e.jitter(exeunt.Backoff(attempt))))
	}
	return e.store.NoticeSent(ctx, id, time.Now())
}

// recordUndelivered says that a message does not arrive, in the record and, when it was for somebody
// else, to the operator.
func (e *Engine) recordUndelivered(ctx context.Context, n exeunt.Notice, why error) {
	err := e.undelivered(ctx, n, why)
	for tries := 1; tries < answerTries && exeunt.KindOf(err) == exeunt.Conflict; tries++ { // its case was closed just then
		err = e.undelivered(ctx, n, why)
	}
	if err != nil {
		e.log.Warn("an undelivered message could not be recorded", "error", err)
	}
}

func (e *Engine) undelivered(ctx context.Context, n exeunt.Notice, why error) error {
	var subject any
	if n.Case != 0 {
		c, err := e.store.Case(ctx, n.Case)
		if err != nil {
			return err
		}
		if subject = c; !c.Open() { // its record is sealed
			subject = c.ID
		}
	}
	var change exeunt.Change
	change.Record(exeunt.EntryNoticeFailed, subject, time.Now(), fmt.Sprintf("a message to %s does not arrive", n.To), map[string]string{"reason": exeunt.MessageOf(why), "kind": string(n.Kind)})
	if operator := e.planner.Operator(); !strings.EqualFold(operator.Email, n.To.Email) {
		change.Notices = []exeunt.Notice{{Kind: exeunt.NoticeAlert, To: operator, Dedup: fmt.Sprintf("undelivered:%d", n.ID),
			Text: fmt.Sprintf("A message to %s (%s) does not arrive: %s. Check the address and the mail server; the task is in the pages all the same.", n.To, n.To.Email, exeunt.MessageOf(why))}}
	}
	return e.commit(ctx, &change)
}
