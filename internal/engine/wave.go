package engine

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// MakeWave makes a wave of what a person asks for. complete fills in what a
// list leaves out of a departure, and refuses what is not configured.
func (e Commands) MakeWave(ctx context.Context, ask exeunt.WaveRequest, complete func(*exeunt.Departure) error, by exeunt.Override) (exeunt.WaveID, error) {
	now := time.Now().UTC()
	if ask.Embargo != nil {
		terms, err := ask.Embargo.StartedBy(e.who, "UTC", now)
		if err != nil {
			return 0, err
		}
		ask.Embargo = &terms
	}
	w, rows, faults, err := ask.Wave(now)
	if err != nil {
		return 0, err
	}
	keys := make([]string, len(rows))
	for i := range rows {
		if err := complete(&rows[i].Departure); err != nil {
			faults = append(faults, exeunt.RowFault{Line: rows[i].Line, What: exeunt.MessageOf(err)})
		}
		keys[i] = rows[i].Departure.Leaver.Key()
	}
	taken, err := e.store.Taken(ctx, keys, 0)
	if err != nil {
		return 0, err
	}
	if _, err := exeunt.MakeWave(w, rows, faults, taken, by, now); err != nil { // a list with faults takes no number
		return 0, err
	}
	if w.ID, err = e.engine.store.NextWave(ctx); err != nil {
		return 0, err
	}
	change, err := exeunt.MakeWave(w, rows, faults, taken, by, now)
	if err != nil {
		return 0, err
	}
	return w.ID, e.commit(ctx, &change)
}

// CheckWave begins a check, or a new one. It runs in the background; the wave says how far it is.
func (e Commands) CheckWave(ctx context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return e.onWave(ctx, id, func(w exeunt.Wave, now time.Time) (exeunt.Change, error) {
		systems, err := e.engine.automated()
		if err != nil {
			return exeunt.Change{}, err
		}
		return w.BeginCheck(w.Size*len(systems), by.By, now)
	})
}

// ApproveWave lets a second person stand behind a wave.
func (e Commands) ApproveWave(ctx context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return e.onWave(ctx, id, func(w exeunt.Wave, now time.Time) (exeunt.Change, error) { return w.Approve(by, now) })
}

// StartWave lets the first people of an approved wave go.
func (e Commands) StartWave(ctx context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return e.onWave(ctx, id, func(w exeunt.Wave, now time.Time) (exeunt.Change, error) { return w.Start(by, now) })
}

// GoOnWave lets the others follow the canary.
func (e Commands) GoOnWave(ctx context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return e.onWave(ctx, id, func(w exeunt.Wave, now time.Time) (exeunt.Change, error) {
		seen, err := e.store.WaveProgress(ctx, id, now)
		if err != nil {
			return exeunt.Change{}, err
		}
		return w.GoOn(seen, by, now)
	})
}

// StopWave ends a wave for good; what has begun ends.
func (e Commands) StopWave(ctx context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return e.onWave(ctx, id, func(w exeunt.Wave, now time.Time) (exeunt.Change, error) { return w.Stop(by, now) })
}

func (e Commands) onWave(ctx context.Context, id exeunt.WaveID, decide func(exeunt.Wave, time.Time) (exeunt.Change, error)) error {
	for {
		w, err := e.store.Wave(ctx, id)
		if err != nil {
			return err
		}
		change, err := decide(w, time.Now().UTC())
		if err != nil {
			return err
		}
		// A wave that runs changes by itself, with every release. Whether the decision still stands is
		// asked of what it has become.
		if err = e.commit(ctx, &change); exeunt.KindOf(err) != exeunt.Conflict || ctx.Err() != nil {
			return err
		}
	}
}

// WatchWave ticks when a wave that somebody may see may have changed, until ctx is done.
func (e *Engine) WatchWave(ctx context.Context, who exeunt.Viewer, id exeunt.WaveID) <-chan struct{} {
	if _, err := e.store.For(who).Wave(ctx, id); err != nil {
		return make(chan struct{})
	}
	return e.WatchAll(ctx)
}

// waveDue does what is due of every wave and says when there is something to do next. All that it needs is
// in the rows, so that a restart goes on where it was cut off, and two nodes that do it at once hinder each
// other and double nothing.
func (e *Engine) waveDue(ctx context.Context, now time.Time) (next time.Time, err error) {
	if err := e.announce(ctx); err != nil {
		return next, err
	}
	if err := e.holdAhead(ctx, now); err != nil {
		return next, err
	}
	if next, err = e.revealWaves(ctx, now); err != nil {
		return next, err
	}
	waves, err := e.store.Everything().Waves(ctx, exeunt.WaveDraft, exeunt.WaveCanary, exeunt.WaveRunning)
	if err != nil {
		return next, err
	}
	for _, w := range waves {
		if w.Checking() {
			if err := e.runCheck(ctx, w); err != nil {
				return next, err
			}
		}
		if !w.Releasing() {
			continue
		}
		at, err := e.drive(ctx, w, now)
		if ignoreConflict(err) != nil {
			return next, err
		}
		if err != nil { // a decision came between: look again
			at = now
		}
		next = earliest(next, at)
	}
	return next, nil
}

// mostReleased bounds how many people one commit releases.
const mostReleased = 500

// drive releases who is due in one wave, and holds or ends it when that is what comes next.
func (e *Engine) drive(ctx context.Context, w exeunt.Wave, now time.Time) (next time.Time, err error) {
	people, next := w.Due(now)
	if people > 0 {
		var by time.Time
		if w.Opens == exeunt.OpensAtCutOff {
			by = now
		}
		due, later, err := e.store.WaitingMembers(ctx, w.ID, by, min(people, mostReleased))
		if err != nil {
			return next, err
		}
		if len(due) == 0 {
			return later, nil
		}
		change := w.Release(due, now)
		if err := e.commit(ctx, &change); err != nil {
			return next, err
		}
		if err := e.announce(ctx); err != nil {
			return next, err
		}
		w = *change.Wave
		if _, next = w.Due(now); next.IsZero() {
			next = now
		}
		return next, nil
	}
	if !next.IsZero() {
		return next, nil
	}
	return e.settle(ctx, w, now)
}

// settle ends a phase of a wave of which everybody has been released.
func (e *Engine) settle(ctx context.Context, w exeunt.Wave, now time.Time) (next time.Time, err error) {
	count, err := e.store.CountWave(ctx, w.ID)
	switch {
	case err != nil:
		return next, err
	case count.Coming() > 0:
		return now.Add(time.Second), nil
	case w.State == exeunt.WaveCanary:
		change := w.Hold(now)
		return next, e.commit(ctx, &change)
	case count.Open > 0:
		return now.Add(time.Minute), nil
	}
	seen, err := e.store.Everything().WaveProgress(ctx, w.ID, now)
	if err != nil {
		return next, err
	}
	change := w.Finish(seen, now)
	return next, e.commit(ctx, &change)
}

// announce makes the events that ask for the cases of released people. An event that is there already stays
// as it is, so that this may be cut off anywhere and be done twice.
func (e *Engine) announce(ctx context.Context) error {
	people, err := e.store.Unannounced(ctx)
	if err != nil {
		return err
	}
	return each(people, func(m exeunt.Member) error {
		_, err := e.Receive(ctx, store.Event{Source: exeunt.WaveSource, ID: m.EventID(), Body: []byte("{}"), ReceivedAt: m.ReleasedAt})
		return err
	})
}

// holdAhead holds the cases of stopped waves whose access has not begun to end.
func (e *Engine) holdAhead(ctx context.Context, now time.Time) error {
	people, err := e.store.AheadOfStopped(ctx, now)
	if err != nil {
		return err
	}
	for _, m := range people {
		w, err := e.store.Everything().Wave(ctx, m.Wave)
		if err != nil {
			return err
		}
		c, err := e.store.Case(ctx, m.Case)
		if err != nil {
			return err
		}
		if !c.CutOff.After(now) {
			continue
		}
		change, err := w.HoldAhead(m, c, now)
		if err == nil {
			err = e.commit(ctx, &change)
		}
		if ignoreConflict(err) != nil { // held, taken back or closed already
			return err
		}
	}
	return nil
}

// revealWaves ends the embargoes of waves whose time has come.
func (e *Engine) revealWaves(ctx context.Context, now time.Time) (next time.Time, err error) {
	waves, err := e.store.EmbargoedWaves(ctx)
	if err != nil {
		return next, err
	}
	for _, w := range waves {
		if w.Embargo.Ends.After(now) {
			next = earliest(next, w.Embargo.Ends)
			continue
		}
		change, err := w.Reveal(now)
		if err == nil {
			err = e.commit(ctx, &change)
		}
		if ignoreConflict(err) != nil {
			return next, err
		}
	}
	return next, nil
}
