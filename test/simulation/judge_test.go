package simulation_test

import (
	"context"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
)

// What is judged while it happens, by what the database says at that moment: the vendor is asked to act, or
// is looked at.

// judgeApply sees whether an action may be done at all, and whether it was looked at before.
func (w *world) judgeApply(v *vendor, a *account, spec exeunt.ActionSpec, d *deed, asked *request, with connector.Parameters) {
	// Invariant 4: look before acting. After an answer that left it open the system is looked at once more to
	// judge that answer, and again before the next attempt.
	looks := 1
	if asked.sent > 0 && asked.answered {
		looks = 2
	}
	if seen := d.looks - asked.looks; seen < looks || !d.worked || !d.sawUndone && !with.Undo {
		w.breaks(4, "%s %s: asked for after %d looks since the last time, and %d are needed, the last of them seeing it undone: %t", a.id, spec.Action, seen, looks, d.sawUndone)
	}
	if spec.ByHand {
		w.breaks(4, "%s %s: people do it, and the connector is asked to", a.id, spec.Action)
	}
	if with.Undo {
		return
	}
	// Invariants 4 and 7: what must not be done twice is not, and is not risked where nobody can say.
	if !spec.Repeatable && asked.effects > 0 {
		w.breaks(7, "%s %s: must not be repeated, took effect, and is asked for again", a.id, spec.Action)
	}
	if !spec.Repeatable && spec.Proof == exeunt.Acknowledged && asked.sent > 0 && !asked.refused {
		w.breaks(4, "%s %s: an unobservable action is repeated blindly", a.id, spec.Action)
	}
	w.judgeCase(v, a, spec, with)
}

// judgeCase sees whether the case allows what is about to be done: by what it said when the intent was recorded.
// What changes between that and the request is too late for it.
func (w *world) judgeCase(v *vendor, a *account, spec exeunt.ActionSpec, with connector.Parameters) {
	c, err := w.store.Case(context.Background(), with.Case)
	if err != nil {
		w.breaks(7, "%s %s: asked for without a case: %v", a.id, spec.Action, err)
		return
	}
	steps, _ := w.store.Steps(context.Background(), c.ID)
	w.judgeAct(store.CaseFile{Case: c, Steps: steps}, w.entries(c.ID), v, a, spec, with)
}

func (w *world) judgeAct(f store.CaseFile, entries []store.EntryRow, v *vendor, a *account, spec exeunt.ActionSpec, with connector.Parameters) {
	c, key := f.Case, ""
	for _, s := range f.Steps {
		if s.System == v.system.Name && s.Action == spec.Action && (s.Undoes != "") == with.Undo {
			key = s.Key
			if s.Approval != nil && s.Approval.By == nil {
				w.breaks(11, "%s %s: done without the approval that it needs", a.id, spec.Action)
			}
		}
	}
	if with.IdempotencyKey == "" {
		w.breaks(4, "%s %s: asked for without an idempotency key", a.id, spec.Action)
	}
	var intent, decided, asked int64
	for _, e := range entries {
		switch {
		case e.Kind == exeunt.EntryIntent && e.Step == key:
			intent = e.Number
		case e.Kind == exeunt.EntryRetried && e.Step == key:
			asked = e.Number
		case slices.Contains([]exeunt.EntryKind{exeunt.EntryOpened, exeunt.EntryAmended, exeunt.EntryRescinded, exeunt.EntryHeld, exeunt.EntryReleased, exeunt.EntryRevealed, exeunt.EntryEmbargoed, exeunt.EntryLegalHold, exeunt.EntryLegalReleased}, e.Kind):
			decided = e.Number
		}
	}
	if intent == 0 {
		w.breaks(4, "%s %s: asked for without an intent on record", a.id, spec.Action)
	}
	if decided > intent {
		return
	}
	switch {
	case spec.Destructive && c.LegalHold != nil:
		w.breaks(9, "%s %s: data is destroyed under a legal hold", a.id, spec.Action)
	case c.State == exeunt.CaseHeld || c.State == exeunt.CaseRescinded || !c.Open():
		w.breaks(7, "%s %s: done although %s is %s", a.id, spec.Action, c.ID, c.State)
	case v.system.Branch == "" && time.Now().Before(c.CutOff) && asked < decided: // else somebody asked for it now, by name
		w.breaks(12, "%s %s: access is cut at %s, before the cut-off at %s", a.id, spec.Action, time.Now().UTC(), c.CutOff)
	}
}

// mayTouch sees that nothing happens to somebody under embargo (invariant 13).
func (w *world) mayTouch(leaver, what string) {
	c, err := w.store.NewestCaseOf(context.Background(), "sim/"+leaver)
	if err == nil && c.Embargoed() && !w.older(c) {
		w.breaks(13, "%s, under embargo until %s, was %s", c.ID, c.Embargo.Until, what)
	}
}

// older says whether an older case of the same person is still under way, which has reasons of its own.
func (w *world) older(c exeunt.Case) bool {
	for id := exeunt.CaseID(1); id < c.ID; id++ {
		if o, err := w.store.Case(context.Background(), id); err == nil && o.Leaver().Key() == c.Leaver().Key() {
			return true
		}
	}
	return false
}

// entries reads the whole record of a case, oldest first.
func (w *world) entries(id exeunt.CaseID) []store.EntryRow {
	var out []store.EntryRow
	q := store.EntryQuery{Case: id, Limit: 1000}
	for {
		page, err := w.store.Everything().Entries(context.Background(), q)
		if err != nil {
			w.breaks(6, "the record of %s cannot be read: %v", id, err)
			return nil
		}
		out = append(out, page.Rows...)
		if len(page.Rows) < q.Limit {
			slices.Reverse(out)
			return out
		}
		q.Before = page.Rows[len(page.Rows)-1].Number
	}
}
