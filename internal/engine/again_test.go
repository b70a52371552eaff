package engine_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
)

// What is put back late must not open what a newer departure of the same person has ended.
func TestAnUndoGivesWayToANewDeparture(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := leaving()
		c.directory.Hire(d.Leaver, "eng")
		account := c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Second)
		c.payroll.Fail(connectortest.Apply, connectortest.Always, exeunt.Errorf(exeunt.Temporary, "not now"))
		c.hear("2", exeunt.Rescinded, d)
		pass(time.Second)
		d.Immediate, d.LastDay = false, "2000-01-08" // there is time to put access back until then, but employment ends at once
		c.hear("3", exeunt.Announced, d)
		pass(5 * time.Second)
		c.payroll.Heal()
		pass(time.Hour)
		if !c.payroll.Done(account.ID, exeunt.EndEmployment) {
			t.Error("they are employed again, and have been announced to leave")
		}
		old, anew := states(c.file(1)), states(c.file(2))
		if old["payroll-end-employment-undo"] != exeunt.StepSkipped || anew["payroll-end-employment"] != exeunt.StepConfirmed || old["directory-disable-undo"] != exeunt.StepConfirmed {
			t.Errorf("the undo is %s, the new end %s, and access is %s", old["payroll-end-employment-undo"], anew["payroll-end-employment"], old["directory-disable-undo"])
		}
	})
}
