package engine

import (
	"context"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
)

// lookForDrift looks at confirmed steps again. What came back is cut again: in the case while that is open,
// else in a new one.
func (e *Engine) lookForDrift(ctx context.Context, c connector.Connector, v store.Visit, confirmed []exeunt.Step) error {
	newest, err := e.store.NewestCaseOf(ctx, v.Case.Leaver().Key())
	if err != nil {
		return err
	}
	ours, err := e.goesOnFrom(ctx, newest, v.Case.ID)
	switch {
	case err != nil:
		return err
	case v.Case.Over() || v.Case.RehiredOn != "" || newest.Over() || newest.RehiredOn != "":
		return e.noMoreLooks(ctx, v.Case, confirmed, "the person stays or works here again")
	case !ours:
		return e.noMoreLooks(ctx, v.Case, confirmed, "a newer departure of the person decides")
	}
	confirmed, replaced := exeunt.Replaced(confirmed, v.Steps)
	if err := e.noMoreLooks(ctx, v.Case, replaced, "another step of the case does it anew"); err != nil || len(confirmed) == 0 {
		return err
	}
	var back []exeunt.Step
	for _, at := range byAccount(confirmed) {
		again, err := e.lookAt(ctx, c, v.Case, at)
		if err != nil {
			return err
		}
		back = append(back, again...)
	}
	return ignoreConflict(e.cutAgain(ctx, v.Case, newest, back))
}

// byAccount sets steps apart by the account at which they were confirmed: people may have learned better in between.
func byAccount(steps []exeunt.Step) [][]exeunt.Step {
	var out [][]exeunt.Step
	for _, s := range steps {
		i := slices.IndexFunc(out, func(at []exeunt.Step) bool { return at[0].Account.ID == s.Account.ID })
		if i < 0 {
			out = append(out, []exeunt.Step{s})
		} else {
			out[i] = append(out[i], s)
		}
	}
	return out
}

// lookAt looks at one account again, and says which of the steps that were confirmed there hold no longer.
func (e *Engine) lookAt(ctx context.Context, c connector.Connector, of exeunt.Case, confirmed []exeunt.Step) ([]exeunt.Step, error) {
	account := confirmed[0].Account
	others, err := e.others(ctx, confirmed[0].System, account, of.Leaver())
	if err != nil {
		return nil, err
	}
	if others {
		change := exeunt.EndedElsewhere(of, confirmed, time.Now())
		return nil, ignoreConflict(e.commit(ctx, &change))
	}
	seen, err := c.Observe(ctx, account)
	if exeunt.KindOf(err) == exeunt.NotFound {
		return nil, e.noMoreLooks(ctx, of, confirmed, "the account is gone")
	}
	var back []exeunt.Step
	for _, s := range confirmed {
		var change exeunt.Change
		switch {
		case err != nil:
			change = s.NotLooked(of, exeunt.Errorf(exeunt.KindOf(err), "%s", exeunt.MessageOf(err)), time.Now())
		case seen.Of(s.Action) == exeunt.Absent:
			back = append(back, s)
			continue
		default:
			change = s.StillSo(of, seen, time.Now())
		}
		if err := ignoreConflict(e.commit(ctx, &change)); err != nil {
			return nil, err
		}
	}
	return back, nil
}

// goesOnFrom says whether a case is another one, or cuts again what came back after that one.
func (e *Engine) goesOnFrom(ctx context.Context, c exeunt.Case, from exeunt.CaseID) (bool, error) {
	for c.ID != from && c.Follows != 0 {
		var err error
		if c, err = e.store.Case(ctx, c.Follows); err != nil {
			return false, err
		}
	}
	return c.ID == from, nil
}

// cutAgain does again what came back, in the newest case of the departure, or in a new one when that is closed.
// The old steps' versions are asked in the same commit: who is hired again meanwhile is left alone.
func (e *Engine) cutAgain(ctx context.Context, of, newest exeunt.Case, back []exeunt.Step) error {
	now := time.Now().UTC()
	back, left := e.cutsAgain(back)
	if len(left) > 0 {
		change := exeunt.LeftToPeople(of, left, now)
		if err := e.commit(ctx, &change); err != nil {
			return err
		}
	}
	switch {
	case len(back) == 0:
		return nil
	case of.Open():
		change := exeunt.CutAgain(of, back, now)
		return e.commit(ctx, &change)
	case newest.Open():
		return e.cutAgainIn(ctx, of, newest, back, now)
	}
	id, err := e.store.NextCase(ctx)
	if err != nil {
		return err
	}
	opened, ended := exeunt.CutAgainAnew(of, newest, back, id, store.Random(16), now)
	return e.store.CommitWith(ctx, &opened, e.store.Also(ended))
}

// cutAgainIn adds to the open case of the departure what it has not seen to yet.
func (e *Engine) cutAgainIn(ctx context.Context, of, newest exeunt.Case, back []exeunt.Step, now time.Time) error {
	has, err := e.store.Steps(ctx, newest.ID)
	if err != nil {
		return err
	}
	seen, fresh := splitKnown(back, has)
	if err := e.noMoreLooks(ctx, of, seen, "it is done again already"); err != nil || len(fresh) == 0 {
		return err
	}
	joined, ended := exeunt.CutAgainIn(newest, of, fresh, now)
	return e.store.CommitWith(ctx, &joined, e.store.Also(ended))
}

// splitKnown sets apart the steps whose keys a case has already.
func splitKnown(steps, has []exeunt.Step) (known, fresh []exeunt.Step) {
	for _, s := range steps {
		if slices.ContainsFunc(has, func(o exeunt.Step) bool { return o.Key == s.Key }) {
			known = append(known, s)
		} else {
			fresh = append(fresh, s)
		}
	}
	return known, fresh
}

// cutsAgain sets apart what may be done again without asking.
func (e *Engine) cutsAgain(back []exeunt.Step) (again, left []exeunt.Step) {
	for _, s := range back {
		var spec exeunt.ActionSpec
		if system, err := e.systems.System(s.System); err == nil {
			spec, _ = system.Can(s.Action)
		}
		if s.CutsAgain(spec) {
			again = append(again, s)
		} else {
			left = append(left, s)
		}
	}
	return again, left
}

func (e *Engine) noMoreLooks(ctx context.Context, of exeunt.Case, confirmed []exeunt.Step, why string) error {
	for _, s := range confirmed {
		change := s.NoMoreLooks(of, why, time.Now())
		if err := ignoreConflict(e.commit(ctx, &change)); err != nil {
			return err
		}
	}
	return nil
}
