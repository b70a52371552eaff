package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// remind chases one open task.
func (e *Engine) remind(ctx context.Context, id exeunt.CaseID, key string) error {
	now := time.Now()
	t, err := e.store.TaskByKey(ctx, id, key)
	if err != nil || t == nil || t.State != exeunt.TaskOpen {
		return err
	}
	if at := t.RemindAt(); t.Reminded >= len(at) || at[t.Reminded].After(now) {
		return nil // reminded already, or its deadline has moved and another job is there for it
	}
	c, err := e.store.Case(ctx, id)
	if err != nil || c.State == exeunt.CaseHeld { // nobody is chased while a case is held
		return err
	}
	change, ok := t.Remind(c.Owner, now)
	if !ok {
		return nil
	}
	return ignoreConflict(e.commit(ctx, &change))
}

// close ends a case once nothing of it is open.
func (e *Engine) close(ctx context.Context, id exeunt.CaseID) error {
	open, err := e.store.OpenWork(ctx, id)
	if err != nil || open > 0 {
		return err
	}
	c, err := e.store.Case(ctx, id)
	if err != nil || !c.Open() {
		return err
	}
	change, err := c.Close(time.Now().UTC())
	if err != nil {
		return ignoreConflict(err)
	}
	return e.commit(ctx, &change)
}

// alertAfter is how many failed deliveries make the failure itself an alert.
const alertAfter = 4

// deliver sends one notice. One that does not arrive is recorded, and tried again.
func (e *Engine) deliver(ctx context.Context, id int64, attempt int) error {
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
	// A slow mail server outlasts the reconciler's patience, which then makes another job. Whoever comes
	// second leaves it to the first; should that one die, the reconciler sees the claim expire.
	now := time.Now()
	if mine, err := e.store.ClaimNotice(ctx, id, now, now.Add(leaseTime)); err != nil || !mine {
		return err
	}
	if err := e.messenger.Deliver(ctx, n, c, t); err != nil {
		ctx := context.WithoutCancel(ctx) // the delivery may have used up the job's time
		if err := e.store.ReleaseNotice(ctx, id); err != nil {
			e.log.Warn("a message that was not delivered could not be given back; it is tried again in some minutes", "error", err)
		}
		if attempt == alertAfter {
			e.recordUndelivered(ctx, n, c, err)
		}
		return err
	}
	return e.store.NoticeSent(ctx, id, time.Now())
}

// recordUndelivered says that a message does not arrive, in the record and, when it was for somebody
// else, to the operator.
func (e *Engine) recordUndelivered(ctx context.Context, n exeunt.Notice, c exeunt.Case, why error) {
	var change exeunt.Change
	change.Record(exeunt.EntryNoticeFailed, c, time.Now(), fmt.Sprintf("a message to %s does not arrive", n.To), map[string]string{"reason": exeunt.MessageOf(why), "kind": string(n.Kind)})
	if operator := e.planner.Operator(); !strings.EqualFold(operator.Email, n.To.Email) {
		change.Notices = []exeunt.Notice{{Kind: exeunt.NoticeAlert, To: operator, Dedup: fmt.Sprintf("undelivered:%d", n.ID),
			Text: fmt.Sprintf("A message to %s (%s) does not arrive: %s. Check the address and the mail server; the task is in the pages all the same.", n.To, n.To.Email, exeunt.MessageOf(why))}}
	}
	if err := e.commit(ctx, &change); err != nil {
		e.log.Warn("an undelivered message could not be recorded", "error", err)
	}
}
