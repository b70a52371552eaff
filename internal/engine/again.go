package engine

import (
	"context"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// giveWay settles the undo steps of a visit that come too late, whether they are still tried or have failed: the
// person leaves again by now, and what was ended since, or is about to be, must not be opened. It returns the others.
func (e *Engine) giveWay(ctx context.Context, v store.Visit, acting, failed []exeunt.Step) (act, look []exeunt.Step, err error) {
	tooLate, why, err := e.tooLateToUndo(ctx, v, append(slices.Clone(acting), failed...))
	if err != nil || tooLate == nil {
		return acting, failed, err
	}
	act, late := apart(acting, tooLate)
	look, gaveUp := apart(failed, tooLate)
	if len(late)+len(gaveUp) == 0 {
		return act, look, nil
	}
	change, err := e.onCase(ctx, v.Case.ID, func(_ []exeunt.Step, tasks []exeunt.Task) (exeunt.Change, error) {
		return exeunt.GiveWay(append(late, gaveUp...), tasks, why, time.Now()), nil
	})
	if err != nil {
		return nil, nil, err
	}
	return act, look, e.commit(ctx, &change)
}

// tooLateToUndo tells which of some steps would open what was ended since, and why they do not any more; nil when none
// of them opens anything.
func (e *Engine) tooLateToUndo(ctx context.Context, v store.Visit, steps []exeunt.Step) (tooLate func(exeunt.Step) bool, why string, err error) {
	if !slices.ContainsFunc(steps, func(s exeunt.Step) bool { return s.Undoes != "" }) {
		return nil, "", nil
	}
	now := time.Now()
	if v.Case.UnderWay() {
		return func(s exeunt.Step) bool { return s.TooLate(v.Steps, now) }, "its new time has come, and it is right that it ends", nil
	}
	newest, err := e.newest(ctx, v.Case.Leaver().Key())
	if err != nil || newest == nil || newest.ID <= v.Case.ID || newest.State == exeunt.CaseRescinded {
		return nil, "", err
	}
	newer, err := e.store.Steps(ctx, newest.ID)
	return func(s exeunt.Step) bool {
		return s.Undoes != "" && slices.ContainsFunc(newer, func(o exeunt.Step) bool { return s.UndoneInVain(o, now) })
	}, "they leave again, and it is to end now", err
}

// apart sets those steps apart that are of a kind.
func apart(steps []exeunt.Step, are func(exeunt.Step) bool) (others, of []exeunt.Step) {
	for _, s := range steps {
		if are(s) {
			of = append(of, s)
		} else {
			others = append(others, s)
		}
	}
	return others, of
}
