package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

var lanes = []string{"a", "b", "c", "d", "e"}

func beat(t *testing.T, s *store.Store, node string, lease time.Duration) store.Beat {
	t.Helper()
	b, err := s.Beat(t.Context(), store.Node{Name: node, Knows: lanes, Lease: lease})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNodesShareTheLanesAndNoLaneHasTwo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if b := beat(t, s, "one", time.Hour); len(b.Lanes) != 5 || len(b.Surplus) != 0 || b.Nodes != 1 {
			t.Fatalf("alone: %+v", b)
		}
		if b := beat(t, s, "two", time.Hour); len(b.Lanes) != 0 || b.Nodes != 2 {
			t.Fatalf("a second node takes what is taken: %+v", b)
		}
		one := beat(t, s, "one", time.Hour)
		if len(one.Surplus) != 2 {
			t.Fatalf("the first keeps more than its share: %+v", one)
		}
		if err := s.LetGo(t.Context(), "one", one.Surplus...); err != nil {
			t.Fatal(err)
		}
		two := beat(t, s, "two", time.Hour)
		if !slices.Equal(two.Lanes, one.Surplus) {
			t.Errorf("what the first let go: %v, the second has %v", one.Surplus, two.Lanes)
		}
		if err := s.LetGo(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		if b := beat(t, s, "two", time.Hour); len(b.Lanes) != 5 || b.Nodes != 1 {
			t.Errorf("after the first has left: %+v", b)
		}
	})
}

func TestTheLanesOfASilentNodeAreTakenWhenItsLeaseEnds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		beat(t, s, "silent", time.Millisecond)
		for deadline := time.Now().Add(time.Minute); ; {
			if b := beat(t, s, "other", time.Hour); len(b.Lanes) == 5 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the lanes of a silent node are never free")
			}
		}
		if b := beat(t, s, "silent", time.Hour); len(b.Lanes) != 0 {
			t.Errorf("back again, it still believes to have %v", b.Lanes)
		}
	})
}

func TestUrgentVisitsStandFirstAndNobodyStarves(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		order := func(at time.Time) (names string) {
			visits, err := s.Line(t.Context(), "directory", at, nobody, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range visits {
				names += v.Case.Leaver().ID + " "
			}
			return names
		}
		leave := func(id string, at time.Time, immediate bool) {
			d := storetest.Departure(id, exeunt.Date(at.Add(-48*time.Hour).Format(time.DateOnly)))
			d.Immediate = immediate
			storetest.Open(t, s, d, at)
		}
		leave("first", now, false)
		leave("second", now.Add(time.Minute), false)
		leave("urgent", now.Add(2*time.Minute), true)
		if got := order(now.Add(3 * time.Minute)); got != "urgent first second " {
			t.Errorf("in line stand %s", got)
		}
		late := now.Add(30 * time.Hour)
		leave("urgent too", late, true)
		if got := order(late); got != "urgent first second urgent too " {
			t.Errorf("after more than a day in line stand %s", got)
		}
	})
}

func TestALineIsReadPastThoseWhoAreLeftOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for i := range 40 {
			d := storetest.Departure(fmt.Sprint("E", i), "2026-11-20")
			d.Immediate = true
			storetest.Open(t, s, d, now)
		}
		visits, err := s.Line(t.Context(), "directory", now, func(id exeunt.CaseID) bool { return id < 39 }, 3)
		if err != nil || len(visits) != 2 || len(visits[0].Steps) == 0 {
			t.Errorf("%d visits, %v", len(visits), err)
		}
	})
}

func TestAHeldCaseStandsInNoLine(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := storetest.Departure("E1", "2026-11-20")
		d.Immediate = true
		opened := storetest.Open(t, s, d, now)
		held := *opened.Case
		held.State, held.Hold = exeunt.CaseHeld, "somebody doubts it"
		change := exeunt.Change{Case: &held}
		change.Record(exeunt.EntryHeld, held, now, "held", nil)
		intent := opened.Steps[0].Intend(exeunt.Account{ID: "a"}, exeunt.Observation{}, now)
		if err := s.Commit(t.Context(), &change); err != nil {
			t.Fatal(err)
		}
		visits, err := s.Line(t.Context(), "directory", now.Add(time.Hour), nobody, 3)
		if err != nil || len(visits) != 0 {
			t.Errorf("%d visits of a held case, %v", len(visits), err)
		}
		if due, next, err := s.Reminders(t.Context(), now.Add(1000*time.Hour), 3); err != nil || len(due) != 0 || !next.IsZero() {
			t.Errorf("%d reminders of a held case, %v", len(due), err)
		}
		// Who read the case before it was held must not act after it.
		if err := s.Commit(t.Context(), &intent); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("an intent in a held case was answered %v", err)
		}
	})
}
