package engine

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// fuseTries bounds how often an opening asks the fuse anew. Its answer changes only when the fuse trips
// or is released, not with each departure that others open meanwhile.
const fuseTries = 10

// throughFuse commits the opening of a case, held when the fuse says so. The answer is taken from the
// database and looked at again in the transaction of the commit, so that it is right for events that
// several nodes work on at once.
func (e *Engine) throughFuse(ctx context.Context, opening *exeunt.Change, received time.Time, also func(context.Context, store.Tx) error, now time.Time) error {
	if opening.Case.Wave != 0 { // two people stand behind a wave
		return e.store.CommitWith(ctx, opening, also)
	}
	var err error
	for range fuseTries {
		err = e.tryFuse(ctx, *opening, received, also, now)
		if exeunt.KindOf(err) != exeunt.Conflict {
			return err
		}
	}
	return err
}

func (e *Engine) tryFuse(ctx context.Context, opening exeunt.Change, received time.Time, also func(context.Context, store.Tx) error, now time.Time) error {
	fuse, owner := e.planner.Fuse()
	leaver, id := opening.Case.Leaver(), opening.Case.ID
	limit, _ := fuse.Limit()
	q := store.FuseQuery{LeaverKey: leaver.Key(), ReceivedAt: received, Window: fuse.Window, Limit: limit}
	reading, err := e.store.ReadFuse(ctx, q)
	if err != nil {
		return err
	}
	verdict := fuse.Judge(leaver, reading.Others)
	var trip exeunt.TripID // of the mass departure that the case joins
	switch verdict.Kind {
	case exeunt.TripMass:
		open := reading.Open
		if open == nil {
			if open, err = e.blow(ctx, verdict, owner, now); err != nil {
				return err
			}
		}
		trip = open.ID
		opening = opening.Tripped(*open, now)
	case exeunt.TripProtected:
		next, err := e.store.NextTrip(ctx)
		if err != nil {
			return err
		}
		blown := verdict.Blow(next, id, owner, now)
		opening = opening.Tripped(*blown.Trip, now)
		opening.Trip, opening.Notices = blown.Trip, append(opening.Notices, blown.Notices...)
		opening.Entries = append(opening.Entries, blown.Entries...)
	}
	same := func(again store.FuseReading) bool {
		if fuse.Judge(leaver, again.Others).Kind != verdict.Kind {
			return false
		}
		return trip == 0 || again.Open != nil && again.Open.ID == trip
	}
	counted := e.store.Departed(id, q, same)
	return e.store.CommitWith(ctx, &opening, func(ctx context.Context, tx store.Tx) error {
		if err := also(ctx, tx); err != nil {
			return err
		}
		return counted(ctx, tx)
	})
}

// blow opens a trip for a mass departure, with its one alert. When somebody else was faster that is a
// Conflict, and theirs is joined.
func (e *Engine) blow(ctx context.Context, verdict exeunt.Verdict, owner exeunt.Person, now time.Time) (*exeunt.Trip, error) {
	next, err := e.store.NextTrip(ctx)
	if err != nil {
		return nil, err
	}
	change := verdict.Blow(next, 0, owner, now)
	if err := e.commit(ctx, &change); err != nil {
		return nil, err
	}
	return change.Trip, nil
}

// fuseDue tells of trips that wait for a decision, and lets go what released ones still hold.
func (e *Engine) fuseDue(ctx context.Context, now time.Time) (time.Time, error) {
	due, next, err := e.store.TripsDue(ctx, now)
	if err != nil {
		return next, err
	}
	for _, t := range due {
		if change, ok := t.Remind(e.planner.Operator(), now.UTC()); ok {
			if err := ignoreConflict(e.commit(ctx, &change)); err != nil {
				return next, err
			}
			next = earliest(next, change.Trip.RemindAt)
		}
	}
	released, err := e.store.Released(ctx)
	if err != nil {
		return next, err
	}
	for _, t := range released {
		if err := e.letGo(ctx, t); err != nil {
			return next, err
		}
	}
	return next, nil
}

// letGo releases the cases that a trip holds and that two people let go, each in a commit of its own.
func (e *Engine) letGo(ctx context.Context, t exeunt.Trip) error {
	for {
		held, err := e.store.HeldFree(ctx, t, 100)
		if err != nil || len(held) == 0 {
			return err
		}
		moved := false
		for _, c := range held {
			change, err := e.onCase(ctx, c.ID, func(steps []exeunt.Step, tasks []exeunt.Task) (exeunt.Change, error) {
				return c.ReleaseFused(t, steps, tasks, time.Now().UTC())
			})
			if err == nil {
				err = e.commit(ctx, &change)
			}
			if ignoreConflict(err) != nil {
				return err
			}
			moved = moved || err == nil
		}
		if !moved { // others are at them
			return nil
		}
	}
}

// AskFuseRelease asks for the release of what a trip holds, or of some of its cases; another person has to confirm it.
func (e Commands) AskFuseRelease(ctx context.Context, id exeunt.TripID, by exeunt.Override, lasts time.Duration, only ...exeunt.CaseID) error {
	held, err := e.store.HeldByTrip(ctx, id, mostHeld)
	if err != nil {
		return err
	}
	reading, err := e.engine.store.ReadFuse(ctx, store.FuseQuery{})
	if err != nil {
		return err
	}
	return e.onTrip(ctx, id, func(t exeunt.Trip, now time.Time) (exeunt.Change, error) {
		if err := t.Reopens(reading.Open); err != nil {
			return exeunt.Change{}, err
		}
		chosen, err := t.Choose(held, only)
		if err != nil {
			return exeunt.Change{}, err
		}
		return t.AskRelease(by, lasts, now, chosen...)
	})
}

// mostHeld bounds how many cases of a trip are looked through for those that somebody chose.
const mostHeld = 10_000

// ConfirmFuseRelease lets every case go on that a trip holds, or those that were asked for.
func (e Commands) ConfirmFuseRelease(ctx context.Context, id exeunt.TripID, by exeunt.Override) error {
	held, err := e.engine.store.HeldIDs(ctx, id)
	if err != nil {
		return err
	}
	t, err := e.store.Trip(ctx, id)
	if err != nil {
		return err
	}
	change, err := t.Confirm(by, held, time.Now().UTC())
	if err != nil {
		return err
	}
	alone := e.engine.store.AloneWithFuse
	if len(t.Asked) > 0 {
		alone = e.engine.store.StillHolds(id, held)
	}
	if err := e.engine.store.CommitWith(ctx, &change, alone); err != nil {
		return err
	}
	if err := e.engine.letGo(ctx, *change.Trip); err != nil { // the decision stands; its duty goes on with it
		e.engine.log.Warn("not every case that the fuse held could go on yet; it is tried again in some seconds", "fuse", id, "error", err)
	}
	return nil
}

// RejectFuseRelease leaves what a trip holds to HR.
func (e Commands) RejectFuseRelease(ctx context.Context, id exeunt.TripID, by exeunt.Override) error {
	return e.onTrip(ctx, id, func(t exeunt.Trip, now time.Time) (exeunt.Change, error) { return t.Reject(by, now) })
}

func (e Commands) onTrip(ctx context.Context, id exeunt.TripID, decide func(exeunt.Trip, time.Time) (exeunt.Change, error)) error {
	t, err := e.store.Trip(ctx, id)
	if err != nil {
		return err
	}
	change, err := decide(t, time.Now().UTC())
	if err != nil {
		return err
	}
	return e.engine.store.CommitWith(ctx, &change, e.engine.store.AloneWithFuse)
}
