package engine

import (
	"context"
	"sync"
	"time"

	"github.com/exeunt/exeunt/internal/store"
)

// duty is work that is no visit to a system: a lane whose line is a query of its own.
type duty struct {
	name string
	// work does what is due and says when there is something to do next: now for at once, zero for when
	// it is woken.
	work func(ctx context.Context, now time.Time) (next time.Time, err error)
}

// allDuties are the duties of an engine, by the names of their lanes.
func (e *Engine) allDuties() map[string]duty {
	all := map[string]duty{}
	for name, work := range map[string]func(context.Context, time.Time) (time.Time, error){
		store.DutyEvents:    e.eventsDue,
		store.DutyReminders: e.remindersDue,
		store.DutyMessages:  e.messagesDue,
		store.DutyReveals:   e.revealDue,
		store.DutyWaves:     e.waveDue,
		store.DutyFuse:      e.fuseDue,
		store.DutyErasure:   e.erasureDue,
		store.DutyCleaning:  e.cleaningDue,
		store.DutyStrays:    e.straysDue,
	} {
		all[name] = duty{name, work}
	}
	return all
}

// runner drains the duty until resting ends.
func (d duty) runner(e *Engine, bell chan struct{}) func(ctx, resting context.Context) {
	return func(ctx, resting context.Context) {
		for resting.Err() == nil {
			now := time.Now()
			next, err := d.work(ctx, now)
			wait := e.poll
			switch {
			case err != nil && ctx.Err() == nil:
				e.log.Error("a duty failed; it is tried again in a moment", "duty", d.name, "error", err)
				wait = time.Second
			case !next.IsZero():
				wait = min(wait, max(next.Sub(now), 0))
			}
			timer := time.NewTimer(wait)
			select {
			case <-bell:
			case <-timer.C:
			case <-resting.Done():
			}
			timer.Stop()
		}
	}
}

// earliest is the earlier of two moments of which either may be zero, for never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// atOnce bounds what a duty does in parallel.
const atOnce = 8

// each does something for every item, several at once, and returns one of the errors.
func each[T any](items []T, do func(T) error) error {
	var mu sync.Mutex
	var first error
	var all sync.WaitGroup
	room := make(chan struct{}, atOnce)
	for _, item := range items {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			if err := do(item); err != nil {
				mu.Lock()
				first = err
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return first
}

// keyed is a lock for each of many keys.
type keyed struct {
	mu    sync.Mutex
	locks map[string]*keyLock
}

// keyLock is a channel and no sync.Mutex: it is held while the database works, and a test in a synctest
// bubble can tell that somebody waits for a channel.
type keyLock struct {
	held  chan struct{}
	users int
}

// lock waits for the key's turn and returns what ends it.
func (k *keyed) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[string]*keyLock{}
	}
	l := k.locks[key]
	if l == nil {
		l = &keyLock{held: make(chan struct{}, 1)}
		k.locks[key] = l
	}
	l.users++
	k.mu.Unlock()
	l.held <- struct{}{}
	return func() {
		<-l.held
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.locks, key)
		}
	}
}

// quarantine is how long the body of an event that could not be understood is kept (SPEC §13).
const quarantine = 30 * 24 * time.Hour

// remembered is how long an answered event without a case is known, so that a repeat is harmless.
const remembered = 400 * 24 * time.Hour

// cleaningDue drops what has been kept long enough, once a day.
func (e *Engine) cleaningDue(ctx context.Context, now time.Time) (time.Time, error) {
	if err := e.store.DropQuarantine(ctx, now.Add(-quarantine)); err != nil {
		return now, err
	}
	if err := e.store.DropSignals(ctx, now.Add(-24*time.Hour)); err != nil {
		return now, err
	}
	return now.Add(24 * time.Hour), e.store.ForgetEvents(ctx, now.Add(-remembered))
}
