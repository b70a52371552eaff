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

// automated lists the systems in which a connector acts.
func (e *Engine) automated() ([]exeunt.System, error) {
	all, err := e.inventory()
	return slices.DeleteFunc(all, func(s exeunt.System) bool { return !s.Automated() }), err
}

func (e *Engine) inventory() ([]exeunt.System, error) {
	var out []exeunt.System
	for _, name := range e.systems.Names() {
		s, err := e.systems.System(name)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// checks are the checks that run on this node.
type checks struct {
	mu   sync.Mutex
	runs map[exeunt.WaveID]bool
}

// begin says whether a check is to be begun here; end lets it be begun again.
func (c *checks) begin(id exeunt.WaveID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs == nil {
		c.runs = map[exeunt.WaveID]bool{}
	}
	was := c.runs[id]
	c.runs[id] = true
	return !was
}

func (c *checks) end(id exeunt.WaveID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.runs, id)
}

// runCheck goes on with the check of a wave in the background. What it found is kept as it goes, so that a
// check that was cut off takes only the looks that are missing.
func (e *Engine) runCheck(ctx context.Context, id exeunt.WaveID) {
	if !e.checks.begin(id) {
		return
	}
	e.running.Go(func() {
		defer e.checks.end(id)
		if err := e.check(ctx, id); ignoreConflict(err) != nil && ctx.Err() == nil {
			e.log.Error("the check of a wave was cut off; it goes on in a moment", "wave", id, "error", err)
		}
	})
}

func (e *Engine) check(ctx context.Context, id exeunt.WaveID) error {
	all := e.store.Everything()
	w, err := all.Wave(ctx, id)
	if err != nil || !w.Checking() {
		return err
	}
	people, err := all.Members(ctx, id)
	if err != nil {
		return err
	}
	systems, err := e.automated()
	if err != nil {
		return err
	}
	failed := make([]error, len(systems))
	var looking sync.WaitGroup
	for i, s := range systems { // each at its own pace
		looking.Go(func() { failed[i] = e.lookIn(ctx, w, s, people) })
	}
	looking.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	found, err := e.tally(ctx, w, people)
	if err != nil {
		return err
	}
	if w, err = all.Wave(ctx, id); err != nil {
		return err
	}
	change, err := w.EndCheck(found, time.Now())
	if err != nil {
		return err
	}
	return e.commit(ctx, &change)
}

// tally plans for everybody and adds up.
func (e *Engine) tally(ctx context.Context, w exeunt.Wave, people []exeunt.Member) (exeunt.WaveCheck, error) {
	inventory, err := e.inventory()
	if err != nil {
		return exeunt.WaveCheck{}, err
	}
	keys := make([]string, len(people))
	for i, m := range people {
		keys[i] = m.Departure.Leaver.Key()
	}
	taken, err := e.store.For(exeunt.Viewer{Email: w.Made.Account}).Taken(ctx, keys, w.ID)
	if err != nil {
		return exeunt.WaveCheck{}, err
	}
	tally, now := exeunt.NewWaveTally(inventory), time.Now().UTC()
	for _, m := range people {
		if ctx.Err() != nil {
			return exeunt.WaveCheck{}, ctx.Err()
		}
		if why, ok := taken[m.Departure.Leaver.Key()]; ok {
			tally.Joins(m, why)
		}
		plan, err := e.planner.Plan(exeunt.Case{Departure: m.Departure}, now)
		if err != nil {
			tally.Unplanned(m, err)
			continue
		}
		tally.Add(plan)
	}
	identity, err := e.store.Everything().Identity(ctx, w.ID, w.Check.Round)
	for i := range identity {
		if j := slices.IndexFunc(inventory, func(s exeunt.System) bool { return s.Name == identity[i].System }); j >= 0 {
			identity[i].Title = inventory[j].Title
		}
	}
	return tally.Check(w, identity), err
}

// Looks are saved in groups, and a few are taken at once, fewer than the lane has seats: whoever leaves
// meanwhile is not to wait for a check.
const looksTogether = 50

func (e *Engine) lookIn(ctx context.Context, w exeunt.Wave, s exeunt.System, people []exeunt.Member) error {
	taken, err := e.store.LooksTaken(ctx, w.ID, w.Check.Round, s.Name)
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(people), func(m exeunt.Member) bool { return taken[m.Position] })
	look := looker{system: s.Name}
	look.connector, look.refused = e.systems.Connector(s.Name)
	for some := range slices.Chunk(missing, looksTogether) {
		looks := look.all(ctx, some, max(cmp.Or(s.Rate.Concurrency, 4)/2, 1))
		if ctx.Err() != nil { // what was cut off is looked for again
			return ctx.Err()
		}
		if err := e.store.SaveLooks(ctx, w.ID, w.Check.Round, looks); err != nil {
			return err
		}
		e.watch.changed(0)
	}
	return nil
}

// looker looks for people's accounts in one system.
type looker struct {
	system    string
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
		accounts, err := l.connector.Find(ctx, m.Departure.Leaver)
		if err == nil {
			look.Found = len(accounts)
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
