package engine

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// erasureAgain is when an erasure is tried again that waits for a checkpoint or for a reader of the database.
const erasureAgain = 5 * time.Second

// erasureDue decides to erase the cases whose retention is over, and carries out what was decided. Every step may be
// repeated and is found by its row, so that a kill at any instant leaves nothing half erased for good:
//
//	erase entry committed → in the log, under a checkpoint that counts → case key destroyed → rows destroyed → traces overwritten
func (e *Engine) erasureDue(ctx context.Context, now time.Time) (next time.Time, err error) {
	if e.ledger == nil {
		return next, nil
	}
	due, next, err := e.store.RetentionOver(ctx, e.retention(), now, batch)
	if err != nil {
		return now.Add(erasureAgain), err
	}
	rows, err := e.eraseWaveRows(ctx, now)
	if err != nil {
		return now.Add(erasureAgain), err
	}
	next = earliest(next, rows)
	for _, id := range due {
		if err := e.eraseByRule(ctx, id, now); ignoreConflict(err) != nil {
			return now.Add(erasureAgain), err
		}
	}
	decided, err := e.store.Unerased(ctx, batch)
	if err != nil || len(decided) == 0 {
		return next, err
	}
	done, err := e.carryOut(ctx, decided, now)
	if err != nil || done < len(decided) {
		return earliest(next, now.Add(erasureAgain)), err
	}
	if len(decided) == batch || len(due) >= batch {
		next = now
	}
	return next, nil
}

func (e *Engine) eraseByRule(ctx context.Context, id exeunt.CaseID, now time.Time) error {
	c, err := e.store.Case(ctx, id)
	if err != nil {
		return err
	}
	change, err := c.EraseByRule(e.retention(), now)
	if err != nil {
		return err
	}
	return e.commit(ctx, &change)
}

// eraseWaveRows erases people of ended waves of whom no case came, and says when the next ones are due. Their rows are all
// that there is of them: no entry of the ledger names one.
func (e *Engine) eraseWaveRows(ctx context.Context, now time.Time) (next time.Time, err error) {
	waves, err := e.store.WavesWithCaseless(ctx)
	if err != nil {
		return next, err
	}
	for _, w := range waves {
		at, _, ok := w.EraseAt(e.retention())
		switch {
		case !ok:
		case at.After(now):
			next = earliest(next, at)
		default:
			if err := e.eraseRowsOf(ctx, w, now); err != nil {
				return next, err
			}
		}
	}
	return next, e.store.ScrubForgotten(ctx)
}

func (e *Engine) eraseRowsOf(ctx context.Context, w exeunt.Wave, now time.Time) error {
	people, err := e.store.Caseless(ctx, w.ID)
	if people = exeunt.Erasable(people); err != nil || len(people) == 0 {
		return err
	}
	change, err := w.EraseRows(e.retention(), people, now)
	if err == nil {
		err = e.store.CommitWith(ctx, &change, store.ForgetRows(people))
	}
	return ignoreConflict(err)
}

// carryOut erases what a checkpoint covers and says how many cases are done.
func (e *Engine) carryOut(ctx context.Context, decided []store.Unerased, now time.Time) (done int, err error) {
	covered, err := e.ledger.Covered(ctx)
	if err != nil {
		return 0, err
	}
	var purged []exeunt.CaseID
	for _, u := range decided {
		if !u.Purged && (u.Place < 0 || u.Place >= covered) {
			continue
		}
		if !u.Purged {
			if err := e.purge(ctx, u, covered, now); err != nil {
				return 0, err
			}
		}
		purged = append(purged, u.ID)
	}
	if len(purged) == 0 {
		return 0, nil
	}
	if err := e.store.Scrub(ctx); err != nil {
		return 0, err
	}
	for _, id := range purged {
		if err := e.store.ErasureDone(ctx, id, now); err != nil {
			return done, err
		}
		done++
	}
	return done, nil
}

// purge destroys the key first: a kill before the rows are gone leaves the erasure to be found and repeated, while rows
// that are gone could not lead to the key.
func (e *Engine) purge(ctx context.Context, u store.Unerased, covered int64, now time.Time) error {
	if err := e.ledger.Erase(ctx, u.Handle); err != nil {
		return err
	}
	beside, err := e.store.Beside(ctx, u.ID, u.Place) // all of them: numbers are given without gaps, and a checkpoint covers the last
	if err != nil {
		return err
	}
	change, err := u.Erased(beside, now)
	if err != nil {
		return err
	}
	return ignoreConflict(e.store.CommitWith(ctx, &change, store.Purge(u.ID, covered, beside)))
}

// EraseCase decides that the record of a closed case is destroyed, or asks a second person for that.
func (e Commands) EraseCase(ctx context.Context, id exeunt.CaseID, by exeunt.Override, lasts time.Duration) (exeunt.DeviationState, error) {
	if e.engine.ledger == nil {
		return "", exeunt.Errorf(exeunt.Unsupported, "this server has no ledger from which the case could be erased")
	}
	state := exeunt.DeviationAsked
	err := e.onCase(ctx, id, func(c exeunt.Case, _ []exeunt.Step, _ []exeunt.Task, now time.Time) (exeunt.Change, error) {
		change, err := c.EraseBy(e.engine.retention(), by, lasts, now)
		if err == nil && change.Case.Erasure != nil {
			state = exeunt.DeviationDone
		}
		return change, err
	})
	return state, err
}
