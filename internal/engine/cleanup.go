package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// mostOrphans bounds how many orphans are looked through for those of one person.
const mostOrphans = 100_000

// CleanUp ends the accounts that somebody who left still has, by a case like any departure. Where a case of ours missed them
// it follows that one and concerns these systems only; for whoever left before there were cases it is the whole departure,
// of the type that is given.
func (e Commands) CleanUp(ctx context.Context, finding int64, kind exeunt.DepartureType, by exeunt.Override) (exeunt.CaseID, error) {
	by.Account = cmp.Or(by.Account, e.who.Email)
	if err := by.Check(); err != nil {
		return 0, err
	}
	f, err := e.store.Finding(ctx, finding)
	if err != nil {
		return 0, err
	}
	if f.Kind != exeunt.FoundOrphaned || f.Worker == nil {
		return 0, exeunt.Errorf(exeunt.Invalid, "nobody knows whose account that was, so that there is no departure to clean up after: confirm whose it is, or end it by hand")
	}
	all, err := e.store.Findings(ctx, store.FindingQuery{Kind: exeunt.FoundOrphaned, Limit: mostOrphans})
	if err != nil {
		return 0, err
	}
	all = slices.DeleteFunc(all, func(o exeunt.Finding) bool { return o.Leaver != f.Leaver || o.Decided != nil })
	newest, err := e.engine.newest(ctx, f.Leaver)
	if err != nil {
		return 0, err
	}
	var id exeunt.CaseID
	if newest == nil {
		id, err = e.cleanUpWhole(ctx, f, kind, by)
	} else {
		id, err = e.cleanUpAfter(ctx, *newest, all, by)
	}
	if err != nil {
		return 0, err
	}
	return id, e.cleaned(ctx, all, id, by)
}

// cleanUpWhole opens the departure of somebody of whom there was no case.
func (e Commands) cleanUpWhole(ctx context.Context, f exeunt.Finding, kind exeunt.DepartureType, by exeunt.Override) (exeunt.CaseID, error) {
	l := f.Worker.Leaver
	l.Zone = cmp.Or(l.Zone, "UTC")
	return e.StartCase(ctx, exeunt.Departure{Leaver: l, Type: cmp.Or(kind, exeunt.Voluntary), LastDay: f.LeftOn, Immediate: true}, by)
}

func (e Commands) cleanUpAfter(ctx context.Context, newest exeunt.Case, orphans []exeunt.Finding, by exeunt.Override) (exeunt.CaseID, error) {
	if !newest.VisibleTo(e.who) {
		return 0, notOpened()
	}
	accounts := map[string]exeunt.Account{}
	for _, o := range orphans {
		accounts[o.System] = o.Accounts[0]
	}
	now := time.Now().UTC()
	id, err := e.engine.store.NextCase(ctx)
	if err != nil {
		return 0, err
	}
	d := newest.Departure
	d.Immediate = true
	plan, err := e.engine.planner.Plan(exeunt.Case{ID: id, Handle: store.Random(16), Generation: 1, Departure: d}, now)
	if err != nil {
		return 0, err
	}
	t := exeunt.Trigger{Source: exeunt.CleanUpSource, EventID: store.Random(16), Departure: d, Override: &by}
	change, err := plan.CleanUp(newest, accounts, t, now)
	if err != nil {
		return 0, err
	}
	return id, e.commit(ctx, &change)
}

// cleaned says of the orphans which case sees to them.
func (e Commands) cleaned(ctx context.Context, orphans []exeunt.Finding, id exeunt.CaseID, by exeunt.Override) error {
	for _, o := range orphans {
		by := by
		by.Reason = "cleaned up by case " + id.String() + ": " + by.Reason
		o.Decided = &exeunt.Decision{Override: by, At: time.Now().UTC()}
		var change exeunt.Change
		change.Record(exeunt.EntryMapped, id, time.Now(), "an orphaned account is cleaned up by case "+id.String(), map[string]string{"by": by.By, "reason": by.Reason, "account": o.Accounts[0].ID, "leaver": o.Leaver})
		change.Entries[0].System = o.System
		m := exeunt.Mapping{System: o.System, Account: o.Accounts[0], Leaver: o.Leaver, Name: o.Name, Made: *o.Decided}
		if err := ignoreConflict(e.engine.store.Decide(ctx, o, &m, &change)); err != nil {
			return err
		}
	}
	return nil
}
