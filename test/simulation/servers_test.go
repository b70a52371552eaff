package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// The servers: one that has the database for itself, or several that share it, each of which is killed, paused,
// stopped and started again, and has a clock that may be wrong.

// life is one run of a process, from its start to its end.
type life struct {
	number  int
	node    string
	ahead   time.Duration // its clock, of the database's
	store   *store.Store
	current *engine.Engine

	over, paused bool // guarded by the turnstile

	// Guarded by the world.
	serves bool // it has started, and is not stopped
	failed bool // it could not start, and ends by itself
	left   bool // it was stopped, and has come to its end
}

// lease is how long a server that falls silent keeps its lanes, where there are several. It is long, since each
// renewal is a step of the driver.
const lease = time.Hour + 3700*time.Millisecond // its parts strike with no other clock: nobody could tell which was first

// start begins a life of a process. It runs on its own, since it writes, and may die of it.
func (w *world) start() {
	w.lives++
	l := &life{number: w.lives, node: fmt.Sprint("server-", w.lives)}
	if w.servers > 1 && !w.calm && w.chance(0.2) {
		l.ahead = pick(w, []time.Duration{-time.Hour, time.Minute, 3 * time.Hour})
	}
	w.note("%s starts, its clock %s ahead", l.node, l.ahead)
	var err error
	if l.store, err = storetest.Through(context.Background(), w.dir, w.seam(l)); err != nil {
		w.t.Fatal(err, errors.Unwrap(err), w.lives, w.trace[max(0, len(w.trace)-50):])
	}
	l.current = engine.New(engine.Config{
		Store: l.store, Systems: w.desks(l), Planner: w, Intake: reader{w, l}, Messenger: mailer{w, l}, Log: slog.New(slog.NewTextHandler(watched{w}, nil)),
		Node: l.node, Poll: w.net(), Spread: w.spread, Lease: lease,
		Clock: func() time.Time { return time.Now().Add(l.ahead) },
	})
	w.up = append(w.up, l)
	go func() {
		err := l.current.Start(context.Background())
		w.mu.Lock()
		defer w.mu.Unlock()
		l.serves, l.failed = err == nil, err != nil
	}()
}

// net is how often lanes are looked at without being woken. Where a wake-up may be lost with an answer, somebody else
// waits for it.
func (w *world) net() time.Duration {
	if w.servers > 1 && w.profile.writes+w.profile.crash > 0 {
		return lease + 7*time.Second
	}
	return poll
}

// serving are the servers that answer.
func (w *world) serving() []*life {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.up), func(l *life) bool { return !l.serves || l.paused })
}

// buries ends what has ended by itself, and says whether there was any.
func (w *world) buries() bool {
	w.mu.Lock()
	ended := slices.IndexFunc(w.up, func(l *life) bool { return l.failed || l.left })
	w.mu.Unlock()
	if ended >= 0 {
		w.crash(w.up[ended])
	}
	return ended >= 0
}

// crash ends a process as it stands: nobody in it does anything any more.
func (w *world) crash(l *life) {
	w.note("%s dies", l.node)
	w.faults[death]++
	w.turn.end(l, func() bool { return w.chance(0.5) })
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = l.current.Stop(gone) // its goroutines end; it cannot write
	}()
	<-ended
	w.turn.settle()
	l.store.Close()
	w.up = slices.DeleteFunc(w.up, func(o *life) bool { return o == l })
}

// shuffle lets something happen to one of several servers.
func (w *world) shuffle() {
	l := pick(w, w.up)
	serves := slices.Contains(w.serving(), l)
	switch {
	case l.paused:
		w.note("%s goes on", l.node)
		w.turn.resume(l)
	case len(w.up) < w.servers && w.chance(0.7):
		w.start()
	case w.chance(0.6):
		w.note("%s is paused", l.node)
		w.faults[pause]++
		w.turn.pause(l, func() bool { return w.chance(0.5) })
	case serves:
		w.note("%s is stopped", l.node)
		w.mu.Lock()
		l.serves = false
		w.mu.Unlock()
		go func() {
			_ = l.current.Stop(context.Background())
			w.mu.Lock()
			defer w.mu.Unlock()
			l.left = true
		}()
	}
}

// oneIsLeft takes away all servers but one, sees that it has everything in hand once the leases of the others have
// ended (7), and leaves the database to one for the rest.
func (w *world) oneIsLeft() {
	if w.servers == 1 {
		return
	}
	for len(w.up) > 1 {
		w.crash(pick(w, w.up))
	}
	w.servers = 1 // whoever comes to replace the last has no wrong clock
	if len(w.up) == 1 {
		w.turn.resume(w.up[0])
	}
	for until := time.Now().Add(3 * lease); time.Now().Before(until); {
		waiting := w.turn.settle()
		switch {
		case len(w.up) == 0:
			w.start()
		case w.buries():
		case len(waiting) > 0:
			w.release(pick(w, waiting), false)
		default:
			w.letPass(time.Until(until))
		}
	}
	w.checkInHand()
	for len(w.up) > 0 {
		w.crash(w.up[0])
	}
	w.company = nil
}

// checkInHand sees that nothing has been due for longer than a lease (7).
func (w *world) checkInHand() {
	ctx, late := context.Background(), time.Now().Add(-3*lease/2)
	for f := range w.open() {
		if f.Case.State == exeunt.CaseHeld {
			continue
		}
		for _, s := range f.Steps {
			b, err := w.store.Breaker(ctx, s.System)
			alone := s.State == exeunt.StepConfirmed && f.Case.Over() // what is open again is right
			if at, due := s.DueAt(); due && !alone && at.Before(late) && err == nil && !b.Open() {
				w.breaks(7, "%s, which is %s: %s, which is %s, is due since %s, and the server that is left does nothing about it", f.Case.ID, f.Case.State, s.Key, s.State, at)
			}
		}
	}
	if due, _, err := w.store.DueEvents(ctx, late, 10); err != nil || len(due) > 0 {
		w.breaks(7, "%d events wait for a server that is no more: %v", len(due), err)
	}
	if due, _, err := w.store.Unsent(ctx, late, 10); err != nil || len(due) > 0 {
		w.breaks(7, "%d messages wait for a server that is no more: %v", len(due), err)
	}
}
