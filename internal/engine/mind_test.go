package engine_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
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
