package engine

import (
	"context"
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
	if v.Case.Over() || v.Case.RehiredOn != "" {
		return e.noMoreLooks(ctx, v.Case, confirmed, "the person stays or works here again")
	}
	if newest.ID != v.Case.ID {
		return e.noMoreLooks(ctx, v.Case, confirmed, "a newer case of the person, "+newest.ID.String()+", decides")
	}
	confirmed, replaced := exeunt.Replaced(confirmed, v.Steps)
	if err := e.noMoreLooks(ctx, v.Case, replaced, "another step of the case does it anew"); err != nil || len(confirmed) == 0 {
		return err
	}
	seen, err := c.Observe(ctx, known(confirmed))
	if exeunt.KindOf(err) == exeunt.NotFound {
		return e.noMoreLooks(ctx, v.Case, confirmed, "the account is gone")
	}
	var back []exeunt.Step
	for _, s := range confirmed {
		var change exeunt.Change
		switch {
		case err != nil:
			change = s.NotLooked(v.Case, exeunt.Errorf(exeunt.KindOf(err), "%s", exeunt.MessageOf(err)), time.Now())
		case seen.Of(s.Action) == exeunt.Absent:
			back = append(back, s)
			continue
		default:
			change = s.StillSo(v.Case, seen, time.Now())
		}
		if err := ignoreConflict(e.commit(ctx, &change)); err != nil {
			return err
		}
	}
	if len(back) == 0 {
		return nil
	}
	return ignoreConflict(e.cutAgain(ctx, v.Case, back))
}

func (e *Engine) cutAgain(ctx context.Context, of exeunt.Case, back []exeunt.Step) error {
	if of.Open() {
		change := exeunt.CutAgain(of, back, time.Now().UTC())
		return e.commit(ctx, &change)
	}
	id, err := e.store.NextCase(ctx)
	if err != nil {
		return err
	}
	// The new case first: a crash between the two finds the old steps due again, and the leaver's newest
	// case then says that they are seen to.
	opened, ended := exeunt.CutAgainAnew(of, back, id, store.Random(16), time.Now().UTC())
	if err := e.commit(ctx, &opened); err != nil {
		return err
	}
	return e.commit(ctx, &ended)
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
