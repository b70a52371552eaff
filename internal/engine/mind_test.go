package engine_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/store"
)

func TestALaterDayAfterTheCutKeepsItAndCutsAgainOnThatDay(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		account := c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(time.Until(cutOff.Add(time.Minute)))
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed})
		d.LastDay = "2000-01-08"
		c.hear("2", exeunt.Announced, d)
		pass(time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "directory-disable-again-2": exeunt.StepScheduled, "directory-remove-groups-again-2": exeunt.StepScheduled})
		if got := c.task("decide-2"); got.State != exeunt.TaskOpen || len(got.Checklist) != 3 {
			t.Errorf("the case owner is asked %v", got.Checklist)
		}
		c.wasTold(exeunt.NoticeAssigned, "priya.nair@northwind.example")
		c.directory.Reopen(account.ID, exeunt.Disable) // somebody put it back for the week
		pass(time.Until(cutOff.AddDate(0, 0, 7)) - time.Minute)
		if c.directory.Done(account.ID, exeunt.Disable) {
			t.Fatal("it was cut before its new time")
		}
		pass(2 * time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-disable-again-2": exeunt.StepConfirmed, "directory-remove-groups-again-2": exeunt.StepConfirmed})
		if !c.directory.Done(account.ID, exeunt.Disable) || c.directory.Applied(exeunt.Disable) != 2 || c.directory.Applied(exeunt.RemoveGroups) != 1 {
			t.Errorf("disabled %d times, groups removed %d times", c.directory.Applied(exeunt.Disable), c.directory.Applied(exeunt.RemoveGroups))
		}
	})
}

// TestOneStepIsPutBackUntilItsNewTime: the case owner decides so, and its connector does it.
func TestOneStepIsPutBackUntilItsNewTime(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		account := c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(time.Until(cutOff.Add(time.Minute)))
		putBack := func(key string) error {
			return c.engine.As(exeunt.Viewer{}).PutBackStep(t.Context(), 1, key, exeunt.Override{By: "Priya Nair", Reason: "they work another week"})
		}
		if err := putBack("directory-disable"); exeunt.KindOf(err) != exeunt.Conflict {
			t.Fatalf("nobody had asked: %v", err)
		}
		d.LastDay = "2000-01-08"
		c.hear("2", exeunt.Announced, d)
		pass(time.Minute)
		if err := putBack("directory-disable"); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-disable-undo": exeunt.StepConfirmed})
		if c.directory.Done(account.ID, exeunt.Disable) || c.directory.Undone(exeunt.RemoveGroups) != 0 {
			t.Error("not what was asked for was put back")
		}
		if err := putBack("directory-disable"); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("twice: %v", err)
		}
		if got := c.task("decide-2"); len(got.Ticked) != 1 || got.State != exeunt.TaskOpen {
			t.Errorf("the task has %v of %v", got.Ticked, got.Checklist)
		}
		c.hasEntry(exeunt.EntryPutBack)
		pass(time.Until(cutOff.AddDate(0, 0, 7).Add(time.Minute)))
		c.expect(map[string]exeunt.StepState{"directory-disable-again-2": exeunt.StepConfirmed})
		if !c.directory.Done(account.ID, exeunt.Disable) {
			t.Error("it was not cut at its new time")
		}
		if err := putBack("directory-remove-groups"); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("after the new time: %v", err)
		}
		c.hear("3", exeunt.Rescinded, d)
		pass(time.Minute)
		if c.directory.Done(account.ID, exeunt.Disable) || len(c.directory.Groups(account.ID)) != 1 {
			t.Error("what was put back and cut again is not put back when the departure is taken back")
		}
	})
}

// file is a case with everything that belongs to it.
func (c *company) file(id exeunt.CaseID) store.CaseFile {
	c.t.Helper()
	f, err := c.store.Everything().CaseFile(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}

func states(f store.CaseFile) map[string]exeunt.StepState {
	out := map[string]exeunt.StepState{}
	for _, s := range f.Steps {
		out[s.Key] = s.State
	}
	return out
}

func TestARescissionPutsBackWhatWasCut(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := leaving()
		account := c.directory.Hire(d.Leaver, "eng", "oncall")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Second)
		c.complete("badges-by-hand")
		if !c.directory.Done(account.ID, exeunt.Disable) || len(c.directory.Groups(account.ID)) != 0 {
			t.Fatal("nothing was cut")
		}
		c.hear("2", exeunt.Rescinded, d)
		pass(10 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "directory-disable-undo": exeunt.StepConfirmed, "directory-remove-groups-undo": exeunt.StepConfirmed})
		if c.directory.Done(account.ID, exeunt.Disable) || !slices.Equal(c.directory.Groups(account.ID), []string{"eng", "oncall"}) {
			t.Errorf("the account is disabled: %t, in %v", c.directory.Done(account.ID, exeunt.Disable), c.directory.Groups(account.ID))
		}
		if f := c.only(); !f.Case.Open() || f.Case.State != exeunt.CaseRescinded {
			t.Errorf("the case is %s before people have put back their part", f.Case.State)
		}
		c.complete("put-back")
		pass(5 * time.Second)
		if f := c.only(); f.Case.Open() || f.Case.State != exeunt.CaseRescinded {
			t.Errorf("the case is %s, open %t", f.Case.State, f.Case.Open())
		}
	})
}

func TestAnUndoThatFailsIsThePersonsWithWhatWasThere(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := leaving()
		c.directory.Hire(d.Leaver, "eng", "oncall")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Second)
		c.directory.DropGroup("oncall")
		c.hear("2", exeunt.Rescinded, d)
		pass(30 * time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-remove-groups-undo": exeunt.StepFailed, "directory-disable-undo": exeunt.StepWaiting})
		task := c.task("directory-remove-groups-undo-by-hand")
		if !slices.Equal(task.Checklist, []string{"groups: eng, oncall"}) || !strings.Contains(task.Reason, "oncall") {
			t.Errorf("%q since %q", task.Checklist, task.Reason)
		}
		c.complete(task.Key)
		pass(time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-remove-groups-undo": exeunt.StepAttested, "directory-disable-undo": exeunt.StepConfirmed})
	})
}

func TestARescissionAfterTheCaseIsClosedOpensOneThatPutsBack(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := leaving()
		account := c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Second)
		c.complete("timesheet", "badges-by-hand", "wiki-check")
		pass(5 * time.Second)
		if got := c.only().Case; got.Open() {
			t.Fatalf("the case is %s", got.State)
		}
		before := len(c.only().Entries)
		c.hear("2", exeunt.Rescinded, d)
		c.hear("3", exeunt.Rescinded, d)
		pass(10 * time.Second)
		f := c.file(2)
		if f.Case.PutsBack != 1 || f.Case.State != exeunt.CaseRescinded || states(f)["directory-disable-undo"] != exeunt.StepConfirmed {
			t.Fatalf("%+v %v", f.Case, states(f))
		}
		if c.directory.Done(account.ID, exeunt.Disable) || len(c.directory.Groups(account.ID)) != 1 {
			t.Error("nothing was put back")
		}
		if now := c.file(1); len(now.Entries) != before {
			t.Error("the record of the closed case was written to")
		}
		if _, err := c.store.Everything().CaseFile(t.Context(), 3); exeunt.KindOf(err) != exeunt.NotFound {
			t.Errorf("taken back twice it is put back twice: %v", err)
		}
	})
}

func TestARehireClosesWhatWasToComeAndANewDepartureOpensACase(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		account := c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(time.Until(cutOff.Add(48 * time.Hour)))
		back := d
		back.Leaver.HiredOn = "2000-01-03"
		c.hear("2", exeunt.Rescinded, back)
		pass(time.Minute)
		f := c.only()
		if f.Case.State != exeunt.CaseRehired || f.Case.RehiredOn != "2000-01-03" || c.directory.Undone(exeunt.Disable) != 0 {
			t.Fatalf("the case is %s since %s", f.Case.State, f.Case.RehiredOn)
		}
		if got := c.task("badges-by-hand"); got.State != exeunt.TaskWithdrawn {
			t.Errorf("ending access by hand is %s", got.State)
		}
		if got := c.task("timesheet"); got.State != exeunt.TaskOpen {
			t.Errorf("the timesheet is %s", got.State)
		}
		c.hear("3", exeunt.Announced, d) // the HR system says once more what was
		pass(time.Minute)
		c.only()
		c.directory.Reopen(account.ID, exeunt.Disable) // somebody gives access for the new job
		again := back
		again.LastDay, again.CutOffClock = "2000-01-05", "14:10"
		c.hear("4", exeunt.Announced, again)
		pass(time.Minute)
		next := c.file(2)
		if next.Case.State == exeunt.CaseHeld || states(next)["directory-disable"] != exeunt.StepScheduled {
			t.Fatalf("the next departure is %s: %v", next.Case.State, states(next))
		}
		pass(72 * time.Hour)
		if got := states(c.file(2))["directory-disable"]; got != exeunt.StepConfirmed || !c.directory.Done(account.ID, exeunt.Disable) {
			t.Errorf("access after the next departure: %s", got)
		}
	})
}

// A case that waits for years must not stand in the way of the next departure of the same person.
func TestWhoWasHiredAgainWithoutAWordLeavesAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(time.Until(cutOff.Add(48 * time.Hour)))
		d.Leaver.HiredOn, d.LastDay = "2000-01-02", "2000-01-06"
		c.hear("2", exeunt.Announced, d)
		pass(time.Minute)
		if before, next := c.file(1).Case, c.file(2).Case; before.State != exeunt.CaseRehired || next.Departure.LastDay != "2000-01-06" || !next.UnderWay() {
			t.Errorf("the first is %s, the next %s", before.State, next.State)
		}
	})
}

func TestASecondSourceDecidesNothingAndAContradictionAsksAPerson(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		d.LastDay, d.TerminationDate = "2000-01-10", "2000-01-10"
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		second := func(event string, kind exeunt.TriggerKind, d exeunt.Departure) {
			t.Helper()
			body, err := json.Marshal(exeunt.Trigger{Kind: kind, OccurredAt: time.Now(), Departure: d, Second: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.engine.Receive(t.Context(), store.Event{Source: "it", ID: event, Body: body, ReceivedAt: time.Now()}); err != nil {
				t.Fatal(err)
			}
			pass(2 * time.Second)
		}
		second("1", exeunt.Announced, d)
		if page, _ := c.store.Everything().Cases(t.Context(), store.CaseQuery{}, time.Now()); page.All != 0 {
			t.Fatal("it opened a case")
		}
		c.hasEntry(exeunt.EntryNoted)
		c.hearAt("1", exeunt.Announced, d, time.Now().Add(-time.Minute)) // said before the other one spoke, and heard after it
		pass(2 * time.Second)
		if got := c.only().Case.Departure.LastDay; got != "2000-01-10" {
			t.Fatalf("the last day is %s", got)
		}
		second("2", exeunt.Announced, d)
		if n := len(c.contradictions()); n != 0 {
			t.Errorf("what it confirms makes %d tasks", n)
		}
		other := d
		other.LastDay = "2000-01-01"
		second("3", exeunt.Announced, other)
		second("4", exeunt.Announced, other)
		second("5", exeunt.Rescinded, d)
		if f := c.only(); f.Case.State == exeunt.CaseRescinded || f.Case.Departure.LastDay != "2000-01-10" || f.Case.Generation != 1 {
			t.Errorf("it changed the case: %+v", f.Case)
		}
		asked := c.contradictions()
		if len(asked) != 2 || asked[0].Owner.Email != "priya.nair@northwind.example" || len(asked[0].Checklist) != 1 || !strings.Contains(asked[0].Checklist[0], "Last day: it says 2000-01-01, the authoritative source 2000-01-10") {
			t.Errorf("the case owner is asked %+v", asked)
		}
		pass(30 * time.Minute)
		if c.directory.Applied(exeunt.Disable) != 0 {
			t.Error("access was cut by the word of a second source")
		}
	})
}

func (c *company) contradictions() []exeunt.Task {
	return slices.DeleteFunc(c.only().Tasks, func(t exeunt.Task) bool { return !strings.HasPrefix(t.Key, "contradiction-") })
}

// A source whose clock runs ahead must not make everything that follows look old.
func TestAClockThatRunsAheadDoesNotDrownWhatFollows(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		d.LastDay = "2000-02-10"
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.hearAt("1", exeunt.Announced, d, time.Now().AddDate(1, 0, 0))
		pass(2 * time.Second)
		d.LastDay = "2000-01-20"
		c.hear("2", exeunt.Announced, d)
		pass(2 * time.Second)
		if got := c.only().Case.Departure.LastDay; got != "2000-01-20" {
			t.Errorf("the last day is still %s", got)
		}
	})
}

func TestWhoLeavesAfterAllIsNotPutBackOnTheWayOut(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := leaving()
		account := c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Second)
		c.directory.Fail(connectortest.Apply, connectortest.Always, exeunt.Errorf(exeunt.Temporary, "no answer in time")) // the undo does not come through
		c.hear("2", exeunt.Rescinded, d)
		pass(5 * time.Second)
		c.hear("3", exeunt.Announced, d)
		pass(5 * time.Second)
		c.directory.Heal()
		pass(30 * time.Minute)
		first, next := states(c.file(1)), states(c.file(2))
		if first["directory-disable-undo"] != exeunt.StepCancelled || next["directory-disable"] != exeunt.StepConfirmed || !c.directory.Done(account.ID, exeunt.Disable) {
			t.Errorf("first %v, next %v", first, next)
		}
	})
}

// closed is a departure that is done, and the account that it ended.
func (c *company) closed() (exeunt.Departure, exeunt.Account) {
	c.t.Helper()
	d := leaving()
	account := c.directory.Hire(d.Leaver, "eng")
	c.payroll.Hire(d.Leaver)
	c.hear("1", exeunt.Announced, d)
	pass(5 * time.Second)
	c.complete("timesheet", "badges-by-hand", "wiki-check")
	pass(5 * time.Second)
	if got := c.only().Case; got.Open() {
		c.t.Fatalf("the case is %s", got.State)
	}
	return d, account
}

func TestWhoIsHiredAgainAfterTheCaseIsClosedIsNotCutAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d, account := c.closed()
		pass(48 * time.Hour)
		d.Leaver.HiredOn = "2000-01-03"
		c.hear("2", exeunt.Rehired, d)
		pass(time.Minute)
		c.hasEntry(exeunt.EntryRehired)
		c.directory.Reopen(account.ID, exeunt.Disable) // for the new job
		pass(40 * 24 * time.Hour)
		if c.directory.Done(account.ID, exeunt.Disable) || c.directory.Applied(exeunt.Disable) != 1 {
			t.Error("access for the new job was cut as drift")
		}
		c.only()
	})
}

func TestWhatACaseCutAgainIsPutBackWithWhatWasCutBefore(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d, account := c.closed()
		c.directory.Reopen(account.ID, exeunt.Disable)
		pass(48 * time.Hour)
		if f := c.file(2); f.Case.Follows != 1 || !c.directory.Done(account.ID, exeunt.Disable) {
			t.Fatalf("it was not cut again: %+v", f.Case)
		}
		c.hear("2", exeunt.Announced, d) // the HR system says once more what was
		c.hear("3", exeunt.Rescinded, d)
		pass(time.Minute)
		if c.directory.Done(account.ID, exeunt.Disable) || len(c.directory.Groups(account.ID)) != 1 || c.payroll.Undone(exeunt.EndEmployment) != 1 {
			t.Errorf("disabled %t, in %v, employment put back %d times", c.directory.Done(account.ID, exeunt.Disable), c.directory.Groups(account.ID), c.payroll.Undone(exeunt.EndEmployment))
		}
	})
}

func TestWhoComesBackTheNextDayIsCutOnceAndNotAsDrift(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		account := c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(time.Second)
		d.Leaver.HiredOn = "2000-01-02"
		c.hear("2", exeunt.Rehired, d)
		pass(time.Until(cutOff.Add(time.Minute)))
		if !c.directory.Done(account.ID, exeunt.Disable) {
			t.Fatal("the departure was not carried out")
		}
		c.directory.Reopen(account.ID, exeunt.Disable) // for the new job
		pass(40 * 24 * time.Hour)
		if c.directory.Done(account.ID, exeunt.Disable) || c.directory.Applied(exeunt.Disable) != 1 {
			t.Error("access for the new job was cut as drift")
		}
	})
}

// A record that is sealed changes no more, and what HR says of that departure does not make of somebody who works here again one
// who has left.
func TestWhoWorksHereAgainStaysSoWhateverIsSaidOfTheOldDeparture(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d, _ := c.closed()
		again := d
		again.Leaver.HiredOn = "2000-01-03"
		c.hear("2", exeunt.Rehired, again)
		pass(time.Hour)
		d.Type = exeunt.Retirement
		c.hear("3", exeunt.Announced, d)
		pass(time.Hour)
		heard, err := c.store.HeardOf(t.Context(), d.Leaver.Key())
		if err != nil || !heard.Stays() {
			t.Errorf("the last that was heard is %+v, %v", heard, err)
		}
		c.only()
	})
}
