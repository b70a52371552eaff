package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
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

// runCheck ends the check of a wave in the background, once all looks are taken: to plan for everybody takes a while.
func (e *Engine) runCheck(ctx context.Context, w exeunt.Wave) error {
	if complete, err := e.looked(ctx, w); err != nil || !complete || !e.checks.begin(w.ID) {
		return err
	}
	e.running.Go(func() {
		defer e.checks.end(w.ID)
		if err := e.check(ctx, w); ignoreConflict(err) != nil && ctx.Err() == nil {
			e.log.Error("the check of a wave could not be ended; that is tried again in a moment", "wave", w.ID, "error", err)
		}
	})
	return nil
}

// looked says whether every system has answered for everybody. The looks are the lanes' own: see looking.
func (e *Engine) looked(ctx context.Context, w exeunt.Wave) (bool, error) {
	systems, err := e.automated()
	if err != nil {
		return false, err
	}
	taken, err := e.store.CountLooks(ctx, w.ID, w.Check.Round)
	return !slices.ContainsFunc(systems, func(s exeunt.System) bool { return taken[s.Name] < w.Size }), err
}

func (e *Engine) check(ctx context.Context, w exeunt.Wave) error {
	people, err := e.store.Everything().Members(ctx, w.ID)
	if err != nil {
		return err
	}
	found, err := e.tally(ctx, w, people)
	if err != nil {
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
