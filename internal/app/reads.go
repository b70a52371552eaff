package app

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// reads are one person's view of the store in which nothing that is under embargo is read without a record of it.
// It has each method by name and none by embedding, so that a new one cannot slip by.
type reads struct {
	view     store.View
	accesses *accesses
	who      exeunt.Viewer
}

func (a *App) reads(who exeunt.Viewer) reads {
	return reads{view: a.Store.For(who), accesses: a.accesses, who: who}
}

// seen records, once a request, each of these cases and waves that is under embargo. Its error stands in place
// of the answer.
func (r reads) seen(ctx context.Context, err error, read ...store.Sealed) error {
	if err != nil || len(read) == 0 {
		return err
	}
	sealed, err := r.view.Sealed(ctx)
	if err != nil || len(sealed) == 0 {
		return err
	}
	request := askedOf(ctx)
	request.mu.Lock()
	defer request.mu.Unlock()
	var list []exeunt.Access
	fresh := map[store.Sealed]bool{}
	for _, s := range read {
		if !sealed[s] || request.seen[s] || fresh[s] {
			continue
		}
		fresh[s] = true
		list = append(list, exeunt.Access{Kind: exeunt.EntryRead, Who: r.who.Signs(), Case: s.Case, Wave: s.Wave, What: s.String() + " read under embargo"})
	}
	if err := r.accesses.record(ctx, list...); err != nil {
		return err
	}
	for s := range fresh {
		request.seen[s] = true
	}
	return nil
}

func ofCase(id exeunt.CaseID) store.Sealed { return store.Sealed{Case: id} }
func ofWave(id exeunt.WaveID) store.Sealed { return store.Sealed{Wave: id} }

// each names what the elements of a list tell of.
func each[T any](list []T, of func(T) store.Sealed) []store.Sealed {
	out := make([]store.Sealed, len(list))
	for i, element := range list {
		out[i] = of(element)
	}
	return out
}

func ofRow(c store.CaseRow) store.Sealed  { return ofCase(c.ID) }
func ofTask(t store.TaskRow) store.Sealed { return ofCase(t.Case) }

func ofEntry(e store.EntryRow) store.Sealed {
	if of := max(e.Case, e.About); of != 0 {
		return ofCase(of)
	}
	return ofWave(e.Wave)
}

func (r reads) Trips(ctx context.Context) ([]exeunt.TripTally, error) {
	trips, err := r.view.Trips(ctx)
	return trips, r.seen(ctx, err, each(trips, func(t exeunt.TripTally) store.Sealed { return ofCase(t.Case) })...)
}

func (r reads) Trip(ctx context.Context, id exeunt.TripID) (exeunt.Trip, error) {
	t, err := r.view.Trip(ctx, id)
	return t, r.seen(ctx, err, ofCase(t.Case))
}

func (r reads) HeldByTrip(ctx context.Context, id exeunt.TripID, limit int) ([]exeunt.Case, error) {
	held, err := r.view.HeldByTrip(ctx, id, limit)
	return held, r.seen(ctx, err, each(held, func(c exeunt.Case) store.Sealed { return ofCase(c.ID) })...)
}

func (r reads) Overview(ctx context.Context, now time.Time) (store.Overview, error) {
	o, err := r.view.Overview(ctx, now)
	return o, r.seen(ctx, err, each(o.Attention, ofRow)...)
}

func (r reads) Pressing(ctx context.Context, now time.Time) (store.Pressing, error) { // counts
	return r.view.Pressing(ctx, now)
}

func (r reads) Cases(ctx context.Context, q store.CaseQuery, now time.Time) (store.CasePage, error) {
	page, err := r.view.Cases(ctx, q, now)
	return page, r.seen(ctx, err, each(page.Rows, ofRow)...)
}

func (r reads) CaseFile(ctx context.Context, id exeunt.CaseID) (store.CaseFile, error) {
	f, err := r.view.CaseFile(ctx, id)
	return f, r.seen(ctx, err, ofCase(id))
}

func (r reads) Departures(ctx context.Context, from, to exeunt.Date, limit int) ([]exeunt.Case, error) {
	cases, err := r.view.Departures(ctx, from, to, limit)
	return cases, r.seen(ctx, err, each(cases, func(c exeunt.Case) store.Sealed { return ofCase(c.ID) })...)
}

func (r reads) Tasks(ctx context.Context, q store.TaskQuery, now time.Time) ([]store.TaskRow, error) {
	rows, err := r.view.Tasks(ctx, q, now)
	return rows, r.seen(ctx, err, each(rows, ofTask)...)
}

func (r reads) Task(ctx context.Context, id exeunt.TaskID) (store.TaskRow, error) {
	t, err := r.view.Task(ctx, id)
	return t, r.seen(ctx, err, ofTask(t))
}

func (r reads) Entries(ctx context.Context, q store.EntryQuery) (store.EntryPage, error) {
	page, err := r.view.Entries(ctx, q)
	return page, r.seen(ctx, err, each(page.Rows, ofEntry)...)
}

func (r reads) Entry(ctx context.Context, number int64) (store.EntryRow, error) {
	e, err := r.view.Entry(ctx, number)
	return e, r.seen(ctx, err, ofEntry(e))
}

func (r reads) SystemStats(ctx context.Context, systems []exeunt.System, now time.Time) ([]store.SystemStats, error) { // counts
	return r.view.SystemStats(ctx, systems, now)
}

func (r reads) Unfinished(ctx context.Context, system string, now time.Time, limit int) ([]store.Unfinished, error) {
	list, err := r.view.Unfinished(ctx, system, now, limit)
	return list, r.seen(ctx, err, each(list, func(u store.Unfinished) store.Sealed { return ofCase(u.Case) })...)
}

func (r reads) ShadowLines(ctx context.Context, system string, limit int) ([]exeunt.ShadowLine, error) {
	lines, err := r.view.ShadowLines(ctx, system, limit)
	return lines, r.seen(ctx, err, each(lines, func(l exeunt.ShadowLine) store.Sealed { return ofCase(l.Case) })...)
}

func (r reads) Trusts(ctx context.Context) (map[string]exeunt.Trust, error) { // in connectors
	return r.view.Trusts(ctx)
}

func (r reads) WrongClocks(ctx context.Context) ([]store.WrongClock, error) { // of servers
	return r.view.WrongClocks(ctx)
}

func (r reads) OpenBreakers(ctx context.Context) (map[string]exeunt.Breaker, error) { // of systems
	return r.view.OpenBreakers(ctx)
}

func (r reads) Waves(ctx context.Context, states ...exeunt.WaveState) ([]exeunt.Wave, error) {
	waves, err := r.view.Waves(ctx, states...)
	return waves, r.seen(ctx, err, each(waves, func(w exeunt.Wave) store.Sealed { return ofWave(w.ID) })...)
}

func (r reads) WaveFile(ctx context.Context, id exeunt.WaveID, now time.Time) (store.WaveFile, error) {
	f, err := r.view.WaveFile(ctx, id, now)
	return f, r.seen(ctx, err, ofWave(id)) // its people are the wave's own list
}

func (r reads) WaveReport(ctx context.Context, id exeunt.WaveID, now time.Time) (store.WaveReport, error) {
	report, err := r.view.WaveReport(ctx, id, now)
	return report, r.seen(ctx, err, ofWave(id))
}

func (r reads) WaveEntries(ctx context.Context, id exeunt.WaveID) ([]store.EntryRow, error) {
	rows, err := r.view.WaveEntries(ctx, id)
	return rows, r.seen(ctx, err, ofWave(id))
}

func (r reads) Exceptions(ctx context.Context, id exeunt.WaveID, round, limit int) ([]store.Look, error) {
	looks, err := r.view.Exceptions(ctx, id, round, limit)
	return looks, r.seen(ctx, err, ofWave(id))
}

func (r reads) Reconciliation(ctx context.Context) (exeunt.Reconciliation, error) { // counts
	return r.view.Reconciliation(ctx)
}

func (r reads) Findings(ctx context.Context, q store.FindingQuery) ([]exeunt.Finding, error) {
	found, err := r.view.Findings(ctx, q)
	return found, r.seen(ctx, err, each(found, func(f exeunt.Finding) store.Sealed { return ofCase(f.Case) })...)
}

// Erasures lists records that are gone: whoever knew of an embargo, it has ended, since a case under one is not closed.
func (r reads) Erasures(ctx context.Context) ([]exeunt.Case, error) {
	cases, err := r.view.Erasures(ctx)
	return cases, r.seen(ctx, err, each(cases, func(c exeunt.Case) store.Sealed { return ofCase(c.ID) })...)
}

func (r reads) SignalStats(ctx context.Context, receiver string, now time.Time) (store.SignalStats, error) { // counts
	return r.view.SignalStats(ctx, receiver, now)
}

func (r reads) Undelivered(ctx context.Context, receiver string, limit int) ([]exeunt.Signal, error) {
	waiting, err := r.view.Undelivered(ctx, receiver, limit)
	return waiting, r.seen(ctx, err, each(waiting, func(g exeunt.Signal) store.Sealed { return ofCase(g.Case) })...)
}
