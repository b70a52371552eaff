package ui

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
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

// replanning is what the world says of planning a case anew.
var replanning = exeunt.Replanning{
	Policy: "standard", PolicyVersion: "s1", PolicySet: "set-1", NewPolicy: "standard", NewPolicyVersion: "s2", NewPolicySet: "set-2", DecidesAboutEarlier: true,
	Differences: []exeunt.PlanDifference{
		{Kind: "added", Key: "return-car", Title: "Take back the company car", Rule: "return-car"},
		{Kind: "changed", Key: "crm-disable", Title: "Disable account", Where: "CRM", Rule: "cut-access", Changes: []string{"by 2026-11-23 18:00 → 2026-11-23 20:00"}},
		{Kind: "removed", Key: "exit-interview", Title: "Hold the exit interview", Rule: "exit-interview"},
	},
}

func (w *world) PreviewReplan(_ context.Context, id exeunt.CaseID) (exeunt.Replanning, error) {
	if _, known := w.files[id]; !known {
		return exeunt.Replanning{}, exeunt.Errorf(exeunt.NotFound, "no case %s", id)
	}
	return replanning, nil
}

func (w *world) ReplanCase(_ context.Context, id exeunt.CaseID, to string, by exeunt.Override) error {
	if err := by.Check(); err != nil {
		return err
	}
	if to != replanning.NewPolicySet {
		return exeunt.Errorf(exeunt.Conflict, "the policies have changed since you looked at the difference: look again")
	}
	w.Lock()
	defer w.Unlock()
	w.replanned = append(w.replanned, id.String()+" by "+by.By+": "+by.Reason)
	return nil
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

// fused are the cases that a trip holds: those that it let go of go on, as with the engine.
func (w *world) fused(id exeunt.TripID) []exeunt.Case {
	var out []exeunt.Case
	var gone []exeunt.CaseID
	for _, t := range w.trips {
		if t.ID == id {
			gone = t.LetGo
		}
	}
	for _, f := range w.files {
		if f.Case.Fuse == id && !slices.Contains(gone, f.Case.ID) {
			out = append(out, f.Case)
		}
	}
	slices.SortFunc(out, func(a, b exeunt.Case) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (w *world) heldBy(id exeunt.TripID) (held []exeunt.CaseID) {
	for _, c := range w.fused(id) {
		held = append(held, c.ID)
	}
	return held
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

func (w *world) AskFuseRelease(_ context.Context, id exeunt.TripID, by exeunt.Override, lasts time.Duration, only ...exeunt.CaseID) error {
	return w.onTrip(id, func(t exeunt.Trip) (exeunt.Change, error) { return t.AskRelease(by, lasts, time.Now(), only...) })
}

func (w *world) ConfirmFuseRelease(_ context.Context, id exeunt.TripID, by exeunt.Override) error {
	return w.onTrip(id, func(t exeunt.Trip) (exeunt.Change, error) { return t.Confirm(by, w.heldBy(id), time.Now()) })
}

func (w *world) RejectFuseRelease(_ context.Context, id exeunt.TripID, by exeunt.Override) error {
	return w.onTrip(id, func(t exeunt.Trip) (exeunt.Change, error) { return t.Reject(by, time.Now()) })
}

// onCase lets the domain decide and keeps all that comes of it.
func (w *world) onCase(id exeunt.CaseID, decide func(store.CaseFile) (exeunt.Change, error)) error {
	w.Lock()
	defer w.Unlock()
	f, ok := w.files[id]
	if !ok {
		return missing(id.String())
	}
	change, err := decide(f)
	if err != nil {
		return err
	}
	if change.Case != nil {
		f.Case = *change.Case
		w.files[id] = f
	}
	return w.change(id, change, nil)
}

var dora = exeunt.Person{Name: "Dora Deputy", Email: "dora@northwind.example", Role: exeunt.CaseOwner}

func (w *world) WaiveStep(_ context.Context, id exeunt.CaseID, key string, by exeunt.Override, lasts time.Duration) (exeunt.DeviationState, error) {
	var state exeunt.DeviationState
	return state, w.onCase(id, func(f store.CaseFile) (exeunt.Change, error) {
		change, err := f.Case.Waive(key, f.Steps, f.Tasks, dora, by, lasts, time.Now())
		if err == nil {
			state = change.Case.Overrides[len(change.Case.Overrides)-1].State
		}
		return change, err
	})
}

func (w *world) PutBackStep(_ context.Context, id exeunt.CaseID, key string, by exeunt.Override) error {
	return w.onCase(id, func(f store.CaseFile) (exeunt.Change, error) {
		return f.Case.PutBackStep(key, w.Systems(), f.Steps, f.Tasks, by, time.Now())
	})
}

func (w *world) PlaceLegalHold(_ context.Context, id exeunt.CaseID, by exeunt.Override) error {
	return w.onCase(id, func(f store.CaseFile) (exeunt.Change, error) {
		return f.Case.PlaceLegalHold(f.Steps, f.Tasks, exeunt.Person{Name: "Ana Kofi", Role: exeunt.LegalRole}, by, time.Now())
	})
}

func (w *world) EraseCase(_ context.Context, id exeunt.CaseID, by exeunt.Override, lasts time.Duration) (exeunt.DeviationState, error) {
	state := exeunt.DeviationAsked
	return state, w.onCase(id, func(f store.CaseFile) (exeunt.Change, error) {
		return f.Case.EraseBy(exeunt.Retention{}, by, lasts, time.Now())
	})
}

func (w *world) Erasures(context.Context) ([]exeunt.Case, error) {
	at := w.now.AddDate(0, -1, 0)
	return []exeunt.Case{
		{ID: 12, ClosedAt: at.AddDate(-3, 0, 0), Erasure: &exeunt.Erasure{Rule: "retention.keep: 1095 d", DecidedAt: at, DoneAt: at.Add(time.Minute)}},
		{ID: 14, ClosedAt: at, Erasure: &exeunt.Erasure{By: &exeunt.Override{By: "Ana Kofi", Reason: "the person asked for it"}, Second: &exeunt.Override{By: "Dana Ortiz"}, DecidedAt: w.now}},
	}, nil
}

func (w *world) AskLegalRelease(_ context.Context, id exeunt.CaseID, by exeunt.Override, lasts time.Duration) (exeunt.DeviationState, error) {
	return exeunt.DeviationAsked, w.onCase(id, func(f store.CaseFile) (exeunt.Change, error) {
		return f.Case.AskLegalRelease(exeunt.Person{Name: "Lea Deputy", Role: exeunt.LegalRole}, by, lasts, time.Now())
	})
}

func (w *world) DecideTask(ctx context.Context, id exeunt.TaskID, keys []string, yes bool, by exeunt.Override) error {
	row, err := w.Task(ctx, id)
	if err != nil {
		return err
	}
	return w.onCase(row.Case, func(f store.CaseFile) (exeunt.Change, error) {
		if row.Asks == exeunt.AsksApproval {
			return f.Case.Decide(row.Task, f.Steps, keys, yes, by, time.Now())
		}
		return f.Case.Confirm(row.Task, f.Steps, f.Tasks, yes, by, time.Now())
	})
}

// waive overrides a step as two people do.
func (w *world) waive(id exeunt.CaseID, key string) error {
	return w.onCase(id, func(f store.CaseFile) (exeunt.Change, error) {
		f.Steps = slices.Clone(f.Steps)
		for i := range f.Steps {
			f.Steps[i].Tier = 2 // of no high risk: one person is enough
		}
		return f.Case.Waive(key, f.Steps, f.Tasks, dora, exeunt.Override{By: "Ana Silva", Reason: "frozen by the vendor"}, 0, time.Now())
	})
}

// decisions fills the world with what waits for people: a held case, a legal hold, approvals, and the fuse.
func decisions(w *world) {
	ana := exeunt.Override{By: "Ana Silva", Account: "ana.silva@northwind.example", Reason: "the works council has to be heard first"}
	held := w.files[2050]
	held.Case.ID = 2060
	change, err := held.Case.HoldBy(ana, w.now.Add(-time.Hour))
	if err != nil {
		panic(err)
	}
	held.Case = *change.Case
	w.files[2060] = held
	keep := w.files[2050]
	w.approving(exeunt.Person{Name: "Ines Roth", Email: "ines.roth@northwind.example", Role: "it"})
	second := w.files[2050]
	w.files[2050] = keep
	second.Case.ID = 2061
	for i := range second.Steps {
		second.Steps[i].Case = 2061
	}
	for i := range second.Tasks {
		second.Tasks[i].Case = 2061
	}
	w.files[2061] = second
	if err := w.PlaceLegalHold(context.Background(), 2061, ana); err != nil {
		panic(err)
	}
	if _, err := w.AskLegalRelease(context.Background(), 2061, ana, 0); err != nil {
		panic(err)
	}
	hera := exeunt.Person{Name: "Priya Nair", Email: "priya.nair@northwind.example", Role: "hr"}
	mass := exeunt.Verdict{Kind: exeunt.TripMass, Why: "more than 10 departures within 1 h"}
	one, two := mass.Blow(1, 0, hera, w.now.Add(-time.Hour)), mass.Blow(2, 0, hera, w.now.Add(-2*time.Hour))
	asked, err := two.Trip.AskRelease(ana, 0, w.now.Add(-time.Hour))
	if err != nil {
		panic(err)
	}
	w.trips = []exeunt.Trip{*one.Trip, *asked.Trip}
	for i, name := range []string{"Noor Kapoor", "Hugo Berg", "Ingrid Aziz"} {
		fused := keep
		fused.Case.ID, fused.Case.Departure.Leaver.Name = exeunt.CaseID(2062+i), name
		fused.Case = *exeunt.Change{Case: &fused.Case}.Tripped(*one.Trip, w.now).Case
		w.files[fused.Case.ID] = fused
	}
}
