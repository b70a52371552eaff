package exeunt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

var ana = exeunt.Override{By: "Ana Silva", Account: "ana@x.example", Reason: "the date is disputed"}

func TestAHoldAndItsReleaseHaveNamesAndReasons(t *testing.T) {
	c, steps, tasks := running(t)
	held, err := c.HoldBy(ana, monday)
	if err != nil {
		t.Fatal(err)
	}
	e := held.Entries[0]
	if held.Case.State != exeunt.CaseHeld || held.Case.Hold != ana.Reason || held.Case.HeldBy.By != ana.By || !held.Case.HeldAt.Equal(monday) ||
		e.Kind != exeunt.EntryHeld || e.Actor != ana.By || e.Detail["reason"] != ana.Reason {
		t.Errorf("%+v %+v", held.Case, e)
	}
	if _, err := held.Case.HoldBy(ana, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("held twice: %v", err)
	}
	released, err := held.Case.Release(steps, tasks, exeunt.Override{By: "Lea", Reason: "the date is settled now"}, monday.Add(1000*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	e = released.Entries[0]
	if released.Case.Hold != "" || released.Case.HeldBy != nil || !released.Case.HeldAt.IsZero() || e.Actor != "Lea" ||
		e.Detail["held_for"] != ana.Reason || e.Detail["late"] == "" || e.Detail["held_since"] == "" {
		t.Errorf("%+v %+v", released.Case, e)
	}
}

func TestOnlyADepartureUnderWayIsHeldAndNeverWithoutAReason(t *testing.T) {
	c, steps, tasks := running(t)
	for _, by := range []exeunt.Override{{By: "Ana", Reason: "because"}, {By: " ", Reason: "the date is disputed"}} {
		if _, err := c.HoldBy(by, monday); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%+v: %v", by, err)
		}
	}
	closed, err := c.Close(monday)
	if err != nil {
		t.Fatal(err)
	}
	rescinded, err := c.Rescind(exeunt.Trigger{Source: "hr"}, nil, steps, tasks, monday)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []exeunt.Case{*closed.Case, *rescinded.Case} {
		if _, err := c.HoldBy(ana, monday); exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(err.Error(), string(c.State)) {
			t.Errorf("%s: %v", c.State, err)
		}
	}
}

// A second person is somebody who surely is another.
func TestSamePerson(t *testing.T) {
	for _, c := range []struct {
		a, b exeunt.Override
		same bool
	}{
		{exeunt.Override{By: "Ana Silva"}, exeunt.Override{By: "ana silva "}, true},
		{exeunt.Override{By: "Ana Silva", Account: "ana@x.example"}, exeunt.Override{By: "A. Silva", Account: "Ana@X.example"}, true},
		{exeunt.Override{By: "Ana Silva", Account: "ana@x.example"}, exeunt.Override{By: "Ana Silva", Account: "ana.silva@x.example"}, true},
		{exeunt.Override{By: "Ana Silva", Account: "ana@x.example"}, exeunt.Override{By: "Lea Roth", Account: "lea@x.example"}, false},
		{exeunt.Override{By: "Ana Silva"}, exeunt.Override{By: "Lea Roth"}, false},
		{exeunt.Override{}, exeunt.Override{}, false},
	} {
		if got := c.a.SamePerson(c.b); got != c.same {
			t.Errorf("%+v and %+v: %v", c.a, c.b, got)
		}
	}
}
