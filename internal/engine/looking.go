package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
)

// keepChecking lets the lanes of this node look for the people of waves that are being checked, list accounts for a
// reconciliation, and look at what people do where connectors are in stage shadow.
func (n *node) keepChecking(ctx context.Context) {
	tick := time.NewTicker(n.e.poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-n.checks:
		}
		checking, err := n.e.checking(ctx)
		var listing []store.Listing
		if err == nil {
			listing, err = n.e.store.Listings(ctx, "")
		}
		switch {
		case err != nil && ctx.Err() == nil:
			n.e.log.Error("waves that are being checked could not be read, or the lists of accounts; that is tried again in a moment", "error", err)
			pause(ctx)
			tickle(n.checks)
		case len(checking)+len(listing) > 0:
			n.lookAll()
		}
		n.lookShadows(ctx)
	}
}

// lookShadows is the net below the bells and timers of the looks in stage shadow.
func (n *node) lookShadows(ctx context.Context) {
	due, err := n.e.store.ShadowSystems(ctx, time.Now())
	if err != nil && ctx.Err() == nil {
		n.e.log.Error("what is to be looked at in stage shadow could not be read; that is tried again in a moment", "error", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range due {
		if t := n.lanes[name]; t != nil {
			tickle(t.looks)
		}
	}
}

// lookAll rings whoever looks in each lane.
func (n *node) lookAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range n.lanes {
		tickle(t.looks)
	}
}

// checking are the waves whose check runs.
func (e *Engine) checking(ctx context.Context) ([]exeunt.Wave, error) {
	waves, err := e.store.Everything().Waves(ctx, exeunt.WaveDraft)
	return slices.DeleteFunc(waves, func(w exeunt.Wave) bool { return !w.Checking() }), err
}

// looking is what a lane does beside its visits and within the same tenure, for checks, lists and stage shadow: so looks and
// visits share one budget, that of the node which has the lane. What was found is kept as it goes, so that who takes the lane over
// takes only the looks that are missing.
type looking struct {
	e      *Engine
	system string
	bell   chan struct{}
	ended  map[exeunt.WaveID]int // the round of each check that has all its looks here
}

func (l *looking) run(ctx context.Context) {
	list, shadow := &listing{e: l.e, system: l.system}, &shadowing{e: l.e, system: l.system}
	tickle(l.bell) // what is due, or will be, was left by whoever had the lane before
	var again time.Time
	for l.wait(ctx, again) {
		next, err := shadow.step(ctx)
		if err == nil {
			err = l.all(ctx)
		}
		if err == nil {
			again, err = list.step(ctx)
		}
		if err != nil && ctx.Err() == nil {
			l.e.log.Error("looks at a system were cut off; they go on in a moment", "system", l.system, "error", err)
			pause(ctx)
			tickle(l.bell)
		}
		again = earliest(again, next)
	}
}

// wait returns true when there may be something to do: the bell rang, or the time has come, when there is one.
func (l *looking) wait(ctx context.Context, until time.Time) bool {
	var timer <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-l.bell:
	case <-timer:
	}
	return true
}

func (l *looking) all(ctx context.Context) error {
	system, err := l.e.systems.System(l.system)
	if err != nil || !system.Automated() {
		return ignoreGone(err)
	}
	waves, err := l.e.checking(ctx)
	if err != nil {
		return err
	}
	for _, w := range waves {
		if l.ended[w.ID] == w.Check.Round {
			continue
		}
		if err := l.forWave(ctx, w, system); err != nil {
			return err
		}
		l.ended[w.ID] = w.Check.Round
	}
	return nil
}

// ignoreGone drops the error of a system that the configuration no longer has.
func ignoreGone(err error) error {
	if exeunt.KindOf(err) == exeunt.NotFound {
		return nil
	}
	return err
}

// Looks are saved in groups, and a few are taken at once, fewer than the lane has seats: whoever leaves
// meanwhile is not to wait for a check.
const looksTogether = 50

func (l *looking) forWave(ctx context.Context, w exeunt.Wave, s exeunt.System) error {
	people, err := l.e.store.Everything().Members(ctx, w.ID)
	if err != nil {
		return err
	}
	taken, err := l.e.store.LooksTaken(ctx, w.ID, w.Check.Round, s.Name)
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(people), func(m exeunt.Member) bool { return taken[m.Position] })
	look := looker{system: s.Name, by: s.Correlation}
	if look.learned, err = l.e.store.Learned(ctx, s.Name); err != nil {
		return err
	}
	look.connector, look.refused = l.e.systems.Connector(s.Name)
	for some := range slices.Chunk(missing, looksTogether) {
		now, err := l.e.store.Everything().Wave(ctx, w.ID)
		if err != nil {
			return err
		}
		if !now.Checking() || now.Check.Round != w.Check.Round { // nobody asks any more
			return nil
		}
		looks := look.all(ctx, some, max(cmp.Or(s.Rate.Concurrency, 4)/2, 1))
		if ctx.Err() != nil { // what was cut off is looked for again
			return ctx.Err()
		}
		last := some[len(some)-1].Position == missing[len(missing)-1].Position
		if err := l.e.store.SaveLooks(ctx, w.ID, w.Check.Round, looks, last); err != nil {
			return err
		}
		l.e.watch.changed(0)
	}
	return nil
}

// looker looks for people's accounts in one system.
type looker struct {
	system    string
	by        exeunt.Correlation
	learned   exeunt.Learned // without what has ended
	connector connector.Connector

	mu      sync.Mutex
	refused error // the system turns us away: asking for the others would only be refused alike
}

func (l *looker) all(ctx context.Context, people []exeunt.Member, atOnce int) []store.Look {
	looks := make([]store.Look, len(people))
	var working sync.WaitGroup
	next := make(chan int)
	for range min(atOnce, len(people)) {
		working.Go(func() {
			for i := range next {
				looks[i] = l.one(ctx, people[i])
			}
		})
	}
	for i := range people {
		next <- i
	}
	close(next)
	working.Wait()
	return looks
}

// How often one look is tried. To be told to wait is not to fail, so that has more patience.
const (
	lookAttempts = 3
	lookWaits    = 30
)

func (l *looker) one(ctx context.Context, m exeunt.Member) store.Look {
	look := store.Look{System: l.system, Position: m.Position, Found: -1}
	for attempt, waits := 1, 0; ; {
		if err := l.turnedAway(); err != nil {
			look.Why = exeunt.MessageOf(err)
			return look
		}
		if _, ok := l.learned.Of[m.Departure.Leaver.Key()]; ok {
			look.Found = 1
			return look
		}
		match, err := connector.Search(ctx, l.connector, l.by, m.Departure.Leaver, l.confirmed)
		if err == nil {
			look.Found = match.Count()
			return look
		}
		wait := exeunt.Backoff(attempt)
		switch exeunt.KindOf(err) {
		case exeunt.Throttled:
			waits++
			wait = max(retryAfter(err), time.Second)
		case exeunt.Temporary, exeunt.Internal:
			attempt++
		default:
			l.turnAway(err)
			attempt = lookAttempts + 1
		}
		if attempt > lookAttempts || waits > lookWaits || !rest(ctx, wait) {
			look.Why = exeunt.MessageOf(err)
			return look
		}
	}
}

// confirmed is what people confirmed of any account of the system.
func (l *looker) confirmed(context.Context, []exeunt.Found) (exeunt.Whose, error) {
	return l.learned.Whose, nil
}

func (l *looker) turnedAway() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused
}

// turnAway remembers what concerns everybody, not one person.
func (l *looker) turnAway(err error) {
	if exeunt.KindOf(err) != exeunt.Unauthorised && exeunt.KindOf(err) != exeunt.Denied {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = err
}

// retryAfter is how long the system asked us to wait.
func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*exeunt.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// rest waits, unless ctx ends before.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
