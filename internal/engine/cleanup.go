package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// mostOrphans bounds how many accounts of one person are ended at once: more than there are systems.
const mostOrphans = 10_000

// cleanUp is what ends the accounts of one person.
type cleanUp struct {
	e       Commands
	finding exeunt.Finding   // that somebody wants seen to
	orphans []exeunt.Finding // all of that person
	newest  *exeunt.Case
	heard   exeunt.Said
	by      exeunt.Override
}

// CleanUp ends the accounts that somebody who left still has, by a case like any departure. Where a case of ours missed them
// it follows that one and concerns these systems only; for whoever left before there were cases it is the whole departure,
// of the type that is given, which complete fills in or refuses.
func (e Commands) CleanUp(ctx context.Context, finding int64, kind exeunt.DepartureType, complete func(*exeunt.Departure) error, by exeunt.Override) (exeunt.CaseID, error) {
	by.Account = cmp.Or(by.Account, e.who.Email)
	if err := by.Check(); err != nil {
		return 0, err
	}
	f, err := e.store.Finding(ctx, finding)
	if err != nil {
		return 0, err
	}
	defer e.engine.answering.lock(f.Leaver)() // what is heard meanwhile is answered after us
	c := cleanUp{e: e, finding: f, by: by}
	if err := c.look(ctx); err != nil {
		return 0, err
	}
	if c.newest == nil {
		return c.whole(ctx, kind, complete)
	}
	return c.after(ctx)
}

// look asks the person's newest case, and what HR said last, whether the account is to be ended, and finds what else is open.
func (c *cleanUp) look(ctx context.Context) error {
	r, err := c.e.store.Reconciliation(ctx)
	if err != nil {
		return err
	}
	if c.heard, err = c.e.engine.store.HeardOf(ctx, c.finding.Leaver); err != nil {
		return err
	}
	if c.newest, err = c.e.engine.newest(ctx, c.finding.Leaver); err != nil {
		return err
	}
	if c.newest != nil && !c.newest.VisibleTo(c.e.who) {
		return notOpened()
	}
	if err := c.finding.Ends(c.newest, c.heard, r.Begun.At); err != nil {
		return err
	}
	all, err := c.e.store.Findings(ctx, store.FindingQuery{Kind: exeunt.FoundOrphaned, Leaver: c.finding.Leaver, Limit: mostOrphans})
	c.orphans = slices.DeleteFunc(all, func(o exeunt.Finding) bool { return o.Decided != nil })
	return err
}

// whole opens the departure of somebody of whom there was no case.
func (c *cleanUp) whole(ctx context.Context, kind exeunt.DepartureType, complete func(*exeunt.Departure) error) (exeunt.CaseID, error) {
	now := time.Now().UTC()
	d := exeunt.Departure{Leaver: c.finding.Worker.Leaver, Type: cmp.Or(kind, exeunt.Voluntary), LastDay: c.finding.LeftOn, TerminationDate: c.finding.LeftOn, Immediate: true}
	if err := complete(&d); err != nil {
		return 0, err
	}
	if err := d.Check(); err != nil {
		return 0, err
	}
	id, err := c.e.engine.store.NextCase(ctx)
	if err != nil {
		return 0, err
	}
	t := c.trigger(d, now)
	change, findings, err := c.plan(exeunt.Case{ID: id, Handle: store.Random(16), Generation: 1, Departure: d}, exeunt.Missed{}, t, now)
	if err != nil {
		return 0, err
	}
	return id, c.e.engine.throughFuse(ctx, &change, now, both(store.Heard(d.Leaver.Key(), t.Said()), findings), now)
}

// after opens the case that ends what the departure missed.
func (c *cleanUp) after(ctx context.Context) (exeunt.CaseID, error) {
	now := time.Now().UTC()
	missed := exeunt.Missed{Newest: c.newest}
	if _, err := c.e.engine.onDeparture(ctx, *c.newest, func(steps []exeunt.Step, _ []exeunt.Task) (exeunt.Change, error) {
		missed.Steps = steps
		return exeunt.Change{}, nil
	}); err != nil {
		return 0, err
	}
	id, err := c.e.engine.store.NextCase(ctx)
	if err != nil {
		return 0, err
	}
	next := c.newest.CleanUpCase(id, store.Random(16), now)
	change, findings, err := c.plan(next, missed, c.trigger(next.Departure, now), now)
	if err != nil {
		return 0, err
	}
	return id, c.e.engine.store.CommitWith(ctx, &change, both(store.NothingNewer(c.finding.Leaver, c.heard), findings))
}

func (c *cleanUp) trigger(d exeunt.Departure, now time.Time) exeunt.Trigger {
	return exeunt.Trigger{Source: exeunt.CleanUpSource, EventID: store.Random(16), Kind: exeunt.Announced, OccurredAt: now, ReceivedAt: now, Departure: d, Override: &c.by}
}

// accounts are those that one case ends: what was asked for, and what the person has in other systems. Where there are several
// in one of these, which one is for a person to say.
func (c *cleanUp) accounts() map[string]exeunt.Account {
	accounts := map[string]exeunt.Account{}
	for _, o := range c.orphans {
		if len(o.Besides) == 0 {
			accounts[o.System] = o.Accounts[0]
		}
	}
	accounts[c.finding.System] = c.finding.Accounts[0]
	return accounts
}

// plan makes the case, and says of the orphans that it sees to them. Nothing is learned of whose they are: that was so until the
// person left, and who comes back has other accounts.
func (c *cleanUp) plan(of exeunt.Case, missed exeunt.Missed, t exeunt.Trigger, now time.Time) (exeunt.Change, func(context.Context, store.Tx) error, error) {
	missed.Asked, missed.Accounts = c.finding.System, c.accounts()
	plan, err := c.e.engine.planner.Plan(of, now)
	if err != nil {
		return exeunt.Change{}, nil, err
	}
	change, err := plan.CleanUp(missed, t, now)
	if err != nil {
		return exeunt.Change{}, nil, err
	}
	sees := exeunt.Plan{Steps: change.Steps, Tasks: change.Tasks}.Systems()
	var seen []exeunt.Finding
	for _, o := range c.orphans {
		if slices.Contains(sees, o.System) && missed.Accounts[o.System].ID == o.Accounts[0].ID {
			seen = append(seen, o.CleanedUp(of.ID, c.by, &change, now))
		}
	}
	return change, store.Decided(seen), nil
}
