package engine

import (
	"context"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
)

// strayAfter is how long a system that no living node has configured is waited for, such as while nodes are
// upgraded one by one, before what is due there becomes tasks of its owner.
const strayAfter = 10 * time.Minute

// straysDue gives to people what is due in systems that were taken out of the configuration, and ends their comparison
// with everybody: no node has a lane for them, so that nobody would ever look.
func (e *Engine) straysDue(ctx context.Context, now time.Time) (time.Time, error) {
	strays, err := e.store.Strays(ctx)
	if err != nil {
		return time.Time{}, err
	}
	known := e.node.names()
	strays = slices.DeleteFunc(strays, func(s string) bool { return slices.Contains(known, s) })
	for name := range e.strays {
		if !slices.Contains(strays, name) {
			delete(e.strays, name)
		}
	}
	var next time.Time
	for _, name := range strays {
		if e.strays[name].IsZero() {
			e.strays[name] = now
		}
		until := e.strays[name].Add(strayAfter)
		if now.Before(until) {
			next = earliest(next, until)
			continue
		}
		if err := e.endStrayListing(ctx, name, now); err != nil {
			return now.Add(time.Minute), err
		}
		did, err := e.giveUpStray(ctx, name, now)
		if err != nil {
			return now.Add(time.Minute), err
		}
		if did { // there may be more than was read at once
			next = now
		} else {
			next = earliest(next, now.Add(time.Minute))
		}
	}
	return next, nil
}

// endStrayListing says of a reconciliation that the system is not compared, without which it would never end.
func (e *Engine) endStrayListing(ctx context.Context, system string, now time.Time) error {
	open, err := e.store.Listings(ctx, system)
	for _, at := range open {
		var change exeunt.Change
		at.System, change = at.System.Fail(exeunt.Errorf(exeunt.NotFound, "the system was taken out of the configuration"), now)
		if err := ignoreConflict(e.store.EndListing(ctx, at, nil, &change)); err != nil {
			return err
		}
	}
	return err
}

func (e *Engine) giveUpStray(ctx context.Context, system string, now time.Time) (did bool, err error) {
	visits, err := e.store.Line(ctx, system, now, func(exeunt.CaseID) bool { return false }, batch)
	if err != nil {
		return false, err
	}
	if len(visits) == 0 {
		delete(e.strays, system) // nothing is due there at present
	}
	why := exeunt.Outcome{Kind: exeunt.GaveUp, Err: exeunt.Errorf(exeunt.Unsupported, "the system was taken out of the configuration: do it by hand, or put it back and try again")}
	for _, v := range visits {
		if v.Case.State == exeunt.CaseHeld { // nobody is asked about it before it is released
			continue
		}
		did = true
		acting, failed, confirmed := sortOut(due(v.Steps, now))
		if err := e.abandon(ctx, acting, failed, why); err != nil {
			return did, err
		}
		if err := e.noMoreLooks(ctx, v.Case, confirmed, "the system was taken out of the configuration"); err != nil {
			return did, err
		}
	}
	return did, nil
}

// abandon gives to people what a system that nobody can ask any more has to do. What had failed before is theirs
// already, with their notes and ticks.
func (e *Engine) abandon(ctx context.Context, acting, failed []exeunt.Step, why exeunt.Outcome) error {
	for _, s := range failed {
		change := s.NoMoreTries(why.Err.Message, time.Now())
		if err := ignoreConflict(e.commit(ctx, &change)); err != nil {
			return err
		}
	}
	if len(acting) == 0 {
		return nil
	}
	return e.stopAll(ctx, acting, why)
}
