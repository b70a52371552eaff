package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
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
