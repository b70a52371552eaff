package engine

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// What follows when HR changes its mind about a departure that is known.

// amended is the change by which a case goes to the plan that its policies give now: those that it was planned with, as long as
// they are kept.
func (e *Engine) amended(ctx context.Context, t exeunt.Trigger, c exeunt.Case, now time.Time) (exeunt.Change, error) {
	fresh, err := e.planner.Plan(exeunt.Case{ID: c.ID, Handle: c.Handle, Departure: t.Departure, OpenedAt: c.OpenedAt, LegalHold: c.LegalHold, Overrides: c.Overrides, PolicySet: c.PolicySet}, now)
	if err != nil {
		return exeunt.Change{}, err
	}
	return e.onCase(ctx, c.ID, func(steps []exeunt.Step, tasks []exeunt.Task) (exeunt.Change, error) {
		return c.Amend(t, fresh, steps, tasks, now)
	})
}

// onCase lets a decision see everything that a case has.
func (e *Engine) onCase(ctx context.Context, id exeunt.CaseID, decide func([]exeunt.Step, []exeunt.Task) (exeunt.Change, error)) (exeunt.Change, error) {
	steps, err := e.store.Steps(ctx, id)
	if err != nil {
		return exeunt.Change{}, err
	}
	tasks, err := e.store.CaseTasks(ctx, id)
	if err != nil {
		return exeunt.Change{}, err
	}
	return decide(steps, tasks)
}

// onDeparture lets a decision see everything that was done for a departure: also by the closed cases that a
// case follows, which cuts again what came back after them.
func (e *Engine) onDeparture(ctx context.Context, c exeunt.Case, decide func([]exeunt.Step, []exeunt.Task) (exeunt.Change, error)) (exeunt.Change, error) {
	return e.onCase(ctx, c.ID, func(steps []exeunt.Step, tasks []exeunt.Task) (exeunt.Change, error) {
		if c.Follows == 0 {
			return decide(steps, tasks)
		}
		before, err := e.store.Case(ctx, c.Follows)
		if err != nil {
			return exeunt.Change{}, err
		}
		return e.onDeparture(ctx, before, func(earlier []exeunt.Step, done []exeunt.Task) (exeunt.Change, error) {
			return decide(exeunt.AllOf(steps, earlier), append(tasks, done...))
		})
	})
}

// amend answers a change of the facts.
func (e *Engine) amend(ctx context.Context, ev store.Event, t exeunt.Trigger, c exeunt.Case, now time.Time) error {
	change, err := e.amended(ctx, t, c, now)
	if err != nil {
		return err
	}
	return e.store.CommitWith(ctx, &change, answered(ev, t, string(t.Kind), c.ID))
}

// rescind answers that somebody stays.
func (e *Engine) rescind(ctx context.Context, ev store.Event, t exeunt.Trigger, c exeunt.Case, now time.Time) error {
	inventory, err := e.inventory()
	if err != nil {
		return err
	}
	change, err := e.onDeparture(ctx, c, func(steps []exeunt.Step, tasks []exeunt.Task) (exeunt.Change, error) {
		return c.Rescind(t, inventory, steps, tasks, now)
	})
	if err != nil {
		return err
	}
	ended, err := e.endLooks(ctx, c.Follows, whyStays, now)
	if err != nil {
		return err
	}
	return e.store.CommitWith(ctx, &change, both(answered(ev, t, string(t.Kind), c.ID), e.store.Also(ended...)))
}

// whyStays is why what a departure had ended is not looked at any more once it was taken back.
const whyStays = "the departure was taken back"

// putBack opens a case that undoes a closed one, whose record is sealed.
func (e *Engine) putBack(ctx context.Context, ev store.Event, t exeunt.Trigger, c exeunt.Case, now time.Time) error {
	inventory, err := e.inventory()
	if err != nil {
		return err
	}
	id, err := e.store.NextCase(ctx)
	if err != nil {
		return err
	}
	something := false
	change, err := e.onDeparture(ctx, c, func(steps []exeunt.Step, tasks []exeunt.Task) (change exeunt.Change, err error) {
		change, something = c.PutBack(id, store.Random(16), t, inventory, steps, tasks, now)
		return change, nil
	})
	if err != nil {
		return err
	}
	if !something {
		return e.nothingToPutBack(ctx, ev, t, c, now)
	}
	ended, err := e.endLooks(ctx, c.ID, whyStays, now)
	if err != nil {
		return err
	}
	return e.store.CommitWith(ctx, &change, both(answered(ev, t, "put back", id), e.store.Also(ended...)))
}

// endLooks ends the looks at what a departure had ended: by a case, and by those that it follows. A look that is under
// way meanwhile collides with that and cuts nobody. There is one change for each case, the newest first.
func (e *Engine) endLooks(ctx context.Context, id exeunt.CaseID, why string, now time.Time) ([]exeunt.Change, error) {
	var all []exeunt.Change
	for id != 0 {
		c, err := e.store.Case(ctx, id)
		if err != nil {
			return nil, err
		}
		steps, err := e.store.Steps(ctx, id)
		if err != nil {
			return nil, err
		}
		if ended := c.EndLooks(steps, why, now); len(ended.Steps) > 0 {
			all = append(all, ended)
		}
		id = c.Follows
	}
	return all, nil
}

// both is two writes of one transaction.
func both(first, second func(context.Context, store.Tx) error) func(context.Context, store.Tx) error {
	return func(ctx context.Context, tx store.Tx) error {
		if err := first(ctx, tx); err != nil {
			return err
		}
		return second(ctx, tx)
	}
}

// nothingToPutBack answers that somebody stays for whom nothing had been done. What was found done already is
// not looked at any more: who opens it now does what is right.
func (e *Engine) nothingToPutBack(ctx context.Context, ev store.Event, t exeunt.Trigger, c exeunt.Case, now time.Time) error {
	ended, err := e.endLooks(ctx, c.ID, whyStays, now)
	if err != nil {
		return err
	}
	const why = "taken back, and nothing had been done"
	if len(ended) == 0 {
		return e.absorb(ctx, ev, t, &c, why, now)
	}
	return e.store.CommitWith(ctx, &ended[0], both(answered(ev, t, why, c.ID), e.store.Also(ended[1:]...)))
}

// leaveAfterAll stops putting back what an earlier departure took away, when the new one comes so soon that
// both would meet in the same systems.
func (e *Engine) leaveAfterAll(ctx context.Context, before *exeunt.Case, next exeunt.Case, now time.Time) error {
	if before == nil || !before.Open() {
		return nil
	}
	stops := false
	change, err := e.onCase(ctx, before.ID, func(steps []exeunt.Step, tasks []exeunt.Task) (change exeunt.Change, err error) {
		change, stops = before.LeaveAfterAll(next, steps, tasks, now)
		return change, nil
	})
	if err != nil || !stops {
		return err
	}
	return e.commit(ctx, &change)
}

// rehire closes what was still to come of a departure whose leaver works here again.
func (e *Engine) rehire(ctx context.Context, t exeunt.Trigger, c exeunt.Case, now time.Time, also func(context.Context, store.Tx) error) error {
	change, err := e.onCase(ctx, c.ID, func(steps []exeunt.Step, tasks []exeunt.Task) (exeunt.Change, error) {
		if !c.Open() {
			return c.RehiredAfter(t, steps, now), nil
		}
		return c.Rehire(t, steps, tasks, now)
	})
	if err != nil {
		return err
	}
	ended, err := e.endLooks(ctx, c.Follows, exeunt.WhyRehired, now)
	if err != nil {
		return err
	}
	return e.store.CommitWith(ctx, &change, both(also, e.store.Also(ended...)))
}

// note keeps what a source says that decides nothing. It does not count as heard: an older word of the source
// that decides is still news.
func (e *Engine) note(ctx context.Context, ev store.Event, t exeunt.Trigger, newest *exeunt.Case, now time.Time) error {
	var of exeunt.CaseID
	var tasks []exeunt.Task
	if newest != nil && newest.Open() {
		var err error
		if tasks, err = e.store.CaseTasks(ctx, newest.ID); err != nil {
			return err
		}
		of = newest.ID
	}
	change := t.Noted(newest, tasks, now)
	return e.store.CommitWith(ctx, &change, store.EventDone(ev.Source, ev.ID, "not the authoritative source", of))
}

// tooSoon asks about a departure that follows the one under way.
func (e *Engine) tooSoon(ctx context.Context, ev store.Event, t exeunt.Trigger, c exeunt.Case, now time.Time) error {
	change, err := e.onCase(ctx, c.ID, func(_ []exeunt.Step, tasks []exeunt.Task) (exeunt.Change, error) {
		return c.NextDeparture(t, tasks, now), nil
	})
	if err != nil {
		return err
	}
	return e.store.CommitWith(ctx, &change, answered(ev, t, "the departure before it is not over", c.ID))
}

// tooLate tells that the facts of a closed case changed.
func (e *Engine) tooLate(ctx context.Context, ev store.Event, t exeunt.Trigger, c exeunt.Case, now time.Time) error {
	heard, err := e.store.HeardOf(ctx, t.Departure.Leaver.Key())
	if err != nil {
		return err
	}
	change := c.ChangedAfter(t, now)
	return e.store.CommitWith(ctx, &change, answeredAs(ev, t, t.Absorbed(heard), "changed after the case was closed", c.ID))
}
