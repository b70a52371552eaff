package engine

import (
	"context"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// giveWay settles the undo steps of a visit that come too late: the person leaves again by now, and what a
// newer case has ended, or is about to, must not be opened by the older one. It returns the others.
func (e *Engine) giveWay(ctx context.Context, v store.Visit, acting []exeunt.Step) ([]exeunt.Step, error) {
	if v.Case.State != exeunt.CaseRescinded || len(acting) == 0 {
		return acting, nil
	}
	newest, err := e.newest(ctx, v.Case.Leaver().Key())
	if err != nil || newest == nil || newest.ID <= v.Case.ID || newest.State == exeunt.CaseRescinded {
		return acting, err
	}
	steps, err := e.store.Steps(ctx, newest.ID)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	var late, others []exeunt.Step
	for _, s := range acting {
		if s.Undoes != "" && slices.ContainsFunc(steps, func(o exeunt.Step) bool { return s.UndoneInVain(o, now) }) {
			late = append(late, s)
		} else {
			others = append(others, s)
		}
	}
	if len(late) == 0 {
		return others, nil
	}
	change := mergeFinish(late, exeunt.Outcome{Kind: exeunt.NoAccount, Err: exeunt.Errorf(exeunt.Conflict, "they leave again, and it is to end now")}, now)
	return others, e.commit(ctx, &change)
}
