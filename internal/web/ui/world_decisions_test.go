package ui

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// What the world knows of decisions: each asks the domain, as the engine does.

func (w *world) HoldCase(_ context.Context, id exeunt.CaseID, by exeunt.Override) error {
	w.Lock()
	defer w.Unlock()
	f := w.files[id]
	c, err := f.Case.HoldBy(by, time.Now())
	if err == nil {
		f.Case = *c.Case
		w.files[id] = f
	}
	return w.change(id, c, err)
}

func (w *world) Trips(context.Context) ([]exeunt.TripTally, error) {
	var out []exeunt.TripTally
	for _, t := range w.trips {
		out = append(out, exeunt.TripTally{Trip: t, Held: len(w.fused(t.ID))})
	}
	return out, nil
}

func (w *world) Trip(_ context.Context, id exeunt.TripID) (exeunt.Trip, error) {
	for _, t := range w.trips {
		if t.ID == id {
			return t, nil
		}
	}
	return exeunt.Trip{}, missing(id.String())
}

func (w *world) HeldByTrip(_ context.Context, id exeunt.TripID, _ int) ([]exeunt.Case, error) {
	return w.fused(id), nil
}

func (w *world) fused(id exeunt.TripID) []exeunt.Case {
	var out []exeunt.Case
	for _, f := range w.files {
		if f.Case.Fuse == id {
			out = append(out, f.Case)
		}
	}
	return out
}

func (w *world) onTrip(id exeunt.TripID, decide func(exeunt.Trip) (exeunt.Change, error)) error {
	for i, t := range w.trips {
		if t.ID != id {
			continue
		}
		change, err := decide(t)
		if err != nil {
			return err
		}
		w.trips[i] = *change.Trip
		w.did = append(w.did, change.Entries[0].What)
		return nil
	}
	return missing(id.String())
}

func (w *world) AskFuseRelease(_ context.Context, id exeunt.TripID, by exeunt.Override, lasts time.Duration) error {
	return w.onTrip(id, func(t exeunt.Trip) (exeunt.Change, error) { return t.AskRelease(by, lasts, time.Now()) })
}

func (w *world) ConfirmFuseRelease(_ context.Context, id exeunt.TripID, by exeunt.Override) error {
	return w.onTrip(id, func(t exeunt.Trip) (exeunt.Change, error) { return t.Confirm(by, time.Now()) })
}

func (w *world) RejectFuseRelease(_ context.Context, id exeunt.TripID, by exeunt.Override) error {
	return w.onTrip(id, func(t exeunt.Trip) (exeunt.Change, error) { return t.Reject(by, time.Now()) })
}
