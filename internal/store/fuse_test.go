package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// opening is a case that was judged when nobody else's departure was known.
func opening(t *testing.T, s *store.Store, id string, at time.Time) (*exeunt.Change, func(context.Context, store.Tx) error) {
	t.Helper()
	next, err := s.NextCase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := storetest.Departure(id, "2026-11-20")
	change := storetest.Plan(t, next, d, at).Open(exeunt.Trigger{Source: "hr", EventID: id, Departure: d}, "", at)
	q := store.FuseQuery{LeaverKey: d.Leaver.Key(), ReceivedAt: at, Window: time.Hour, Limit: 5}
	return &change, s.Departed(next, q, func(r store.FuseReading) bool { return r.Others == 0 })
}

// TestTheFuseIsAskedAgainWhileNobodyElseOpens has two departures in hand at once, each judged as the first:
// the second is refused, although the first was not committed yet when it began.
func TestTheFuseIsAskedAgainWhileNobodyElseOpens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now()
		first, counted := opening(t, s, "E1", now)
		second, again := opening(t, s, "E2", now)
		inside, goOn := make(chan struct{}), make(chan struct{})
		ends := make(chan error, 2)
		go func() {
			ends <- s.CommitWith(t.Context(), first, func(ctx context.Context, tx store.Tx) error {
				err := counted(ctx, tx)
				close(inside)
				<-goOn
				return err
			})
		}()
		<-inside
		late := make(chan error, 1)
		go func() { late <- s.CommitWith(t.Context(), second, again) }()
		if s.Shared() { // where another can write at all, it waits for the count
			for storetest.Count(t, s, "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 0 && len(late) == 0 {
			}
		}
		close(goOn)
		if err := <-ends; err != nil {
			t.Fatal(err)
		}
		if err := <-late; exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("the second was answered %v", err)
		}
		if n := storetest.Count(t, s, "SELECT COUNT(*) FROM departures"); n != 1 {
			t.Errorf("%d departures were counted", n)
		}
	})
}

func TestWhatTheFuseCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		at := time.Date(2026, 11, 19, 12, 0, 0, 0, time.UTC)
		for id, received := range map[string]time.Time{"E1": at.Add(-61 * time.Minute), "E2": at.Add(-59 * time.Minute), "E3": at, "E4": at.Add(30 * time.Minute), "E5": at.Add(60 * time.Minute)} {
			change, _ := opening(t, s, id, at)
			q := store.FuseQuery{LeaverKey: change.Case.Leaver().Key(), ReceivedAt: received}
			if err := s.CommitWith(t.Context(), change, s.Departed(change.Case.ID, q, func(store.FuseReading) bool { return true })); err != nil {
				t.Fatal(err)
			}
		}
		read := func(leaver string, limit int) int {
			t.Helper()
			r, err := s.ReadFuse(t.Context(), store.FuseQuery{LeaverKey: leaver, ReceivedAt: at, Window: time.Hour, Limit: limit})
			if err != nil {
				t.Fatal(err)
			}
			return r.Others
		}
		if got := read("northwind/E9", 10); got != 3 {
			t.Errorf("%d others within the hour on either side", got)
		}
		if got := read("northwind/E3", 10); got != 2 {
			t.Errorf("%d others beside oneself", got)
		}
		if got := read("northwind/E9", 1); got != 2 { // one more than the limit is enough to know
			t.Errorf("%d counted beyond the limit", got)
		}
		if got := read("northwind/E9", 0); got != 0 {
			t.Errorf("%d counted where there is no limit", got)
		}
		released := exeunt.Change{Trip: &exeunt.Trip{ID: 1, Kind: exeunt.TripMass, State: exeunt.TripReleased, DecidedAt: at.Add(time.Minute)}}
		released.Record(exeunt.EntryFuseReleased, nil, at, "released", nil)
		if err := s.Commit(t.Context(), &released); err != nil {
			t.Fatal(err)
		}
		if got := read("northwind/E9", 10); got != 1 { // only what came after two people had looked
			t.Errorf("%d counted after a release", got)
		}
	})
}

func TestOnlyOneMassDepartureWaitsAndNobodyDecidesOverAnother(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now().UTC()
		blow := func() (*exeunt.Change, error) {
			id, err := s.NextTrip(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			change := exeunt.Verdict{Kind: exeunt.TripMass, Why: "too many"}.Blow(id, 0, exeunt.Person{Email: "hera@x.example"}, now)
			return &change, s.Commit(t.Context(), &change)
		}
		first, err := blow()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := blow(); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("a second trip beside the first: %v", err)
		}
		rejected, err := first.Trip.Reject(exeunt.Override{By: "Ana", Reason: "an import went wrong"}, now)
		if err != nil {
			t.Fatal(err)
		}
		stale := rejected
		if err := s.Commit(t.Context(), &rejected); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), &stale); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("decided over another: %v", err)
		}
		if _, err := blow(); err != nil {
			t.Errorf("the next mass departure: %v", err)
		}
	})
}

// A decision that a second person is asked for needs them from the beginning, not when it is late.
func TestACaseThatAsksForADecisionNeedsAPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now().UTC()
		opened := storetest.Open(t, s, storetest.Departure("E1", exeunt.Date(now.AddDate(0, 1, 0).Format(time.DateOnly))), now)
		needing := func() int {
			t.Helper()
			page, err := s.Everything().Cases(t.Context(), store.CaseQuery{State: "attention"}, now)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Rows {
				if !r.Attention() || r.Asking != 1 {
					t.Errorf("%+v", r)
				}
			}
			return len(page.Rows)
		}
		if n := needing(); n != 0 {
			t.Fatalf("%d cases need a person", n)
		}
		ana := exeunt.Override{By: "Ana Silva", Reason: "the account belongs to a robot"}
		asked, err := opened.Case.Waive("directory-disable", opened.Steps, nil, exeunt.Person{Name: "Lea"}, ana, 0, now)
		if err == nil {
			err = s.Commit(t.Context(), &asked)
		}
		if n := needing(); err != nil || n != 1 {
			t.Errorf("%d cases need a person, %v", n, err)
		}
		answered, err := asked.Case.Confirm(asked.Tasks[0], opened.Steps, nil, false, exeunt.Override{By: "Lea Roth", Reason: "it belongs to a person"}, now)
		if err == nil {
			err = s.Commit(t.Context(), &answered)
		}
		if n := needing(); err != nil || n != 0 {
			t.Errorf("%d cases need a person after the answer, %v", n, err)
		}
	})
}

// What two people chose goes on alone, and the decision is refused when the trip holds something else by then.
func TestADecisionOnSomeCasesIsTakenOnWhatTheTripHolds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now().UTC()
		id, err := s.NextTrip(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		change := exeunt.Verdict{Kind: exeunt.TripMass, Why: "too many"}.Blow(id, 0, exeunt.Person{Email: "hera@x.example"}, now)
		commit := func(change exeunt.Change, also func(context.Context, store.Tx) error) error {
			t.Helper()
			return s.CommitWith(t.Context(), &change, also)
		}
		held := func(name string) exeunt.CaseID {
			t.Helper()
			opened, _ := opening(t, s, name, now)
			tripped := opened.Tripped(*change.Trip, now)
			if err := commit(tripped, nil); err != nil {
				t.Fatal(err)
			}
			return tripped.Case.ID
		}
		if err := s.Commit(t.Context(), &change); err != nil {
			t.Fatal(err)
		}
		one, two := held("E1"), held("E2")
		ids, err := s.HeldIDs(t.Context(), id)
		if err != nil || !slices.Equal(ids, []exeunt.CaseID{one, two}) {
			t.Fatalf("%v %v", ids, err)
		}
		chosen := exeunt.Change{Trip: change.Trip}
		chosen.Trip.LetGo = []exeunt.CaseID{two}
		chosen.Record(exeunt.EntryFuseReleased, nil, now, "one is released", nil)
		held("E3")
		if err := commit(chosen, s.StillHolds(id, ids)); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("decided on what it held before: %v", err)
		}
		if ids, err = s.HeldIDs(t.Context(), id); err == nil {
			err = commit(chosen, s.StillHolds(id, ids))
		}
		if err != nil {
			t.Fatal(err)
		}
		pending, err := s.Released(t.Context())
		if err != nil || len(pending) != 1 {
			t.Fatalf("%v %v", pending, err)
		}
		free, err := s.HeldFree(t.Context(), pending[0], 10)
		if err != nil || len(free) != 1 || free[0].ID != two {
			t.Errorf("%v %v", free, err)
		}
		pending[0].State = exeunt.TripReleased
		if free, err = s.HeldFree(t.Context(), pending[0], 10); err != nil || len(free) != 3 {
			t.Errorf("%d are free of a released trip, %v", len(free), err)
		}
	})
}
