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

// putBackFor is somebody whose departure was moved by a day after it was done, and whose account is to be open until then.
func (c *company) putBackFor(aDay func()) exeunt.Account {
	c.t.Helper()
	d := soon()
	account := c.directory.Hire(d.Leaver, "eng")
	c.payroll.Hire(d.Leaver)
	c.hear("1", exeunt.Announced, d)
	pass(time.Until(cutOff.Add(time.Minute)))
	d.LastDay = "2000-01-02"
	c.hear("2", exeunt.Announced, d)
	aDay()
	c.directory.Fail(connectortest.Apply, connectortest.Always, exeunt.Errorf(exeunt.Temporary, "no answer in time"))
	if err := c.engine.As(exeunt.Viewer{}).PutBackStep(c.t.Context(), 1, "directory-disable", exeunt.Override{By: "Priya Nair", Reason: "they work another day"}); err != nil {
		c.t.Fatal(err)
	}
	return account
}

// What could not be put back before the new time must not come back after it.
func TestAnUndoGivesWayToTheNewTimeOfItsOwnCase(t *testing.T) {
	newTime := cutOff.AddDate(0, 0, 1)
	for name, at := range map[string]time.Time{"it is still tried": newTime.Add(-time.Minute), "it has failed": newTime.Add(-12 * time.Hour)} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, c *company) {
				account := c.putBackFor(func() { pass(time.Until(at)) })
				pass(time.Until(newTime.Add(-time.Second)))
				if failed := c.step("directory-disable-undo").State == exeunt.StepFailed; failed != (name == "it has failed") {
					t.Fatalf("the undo is %s", c.step("directory-disable-undo").State)
				}
				pass(2 * time.Second)
				c.directory.Heal()
				pass(23 * time.Hour) // before anybody looks for drift
				c.expect(map[string]exeunt.StepState{"directory-disable-again-2": exeunt.StepConfirmed, "directory-disable-undo": exeunt.StepSkipped})
				if !c.directory.Done(account.ID, exeunt.Disable) || c.directory.Undone(exeunt.Disable) > 0 && c.directory.Applied(exeunt.Disable) != 1 {
					t.Error("the account was opened after its new time")
				}
				for _, task := range c.only().Tasks {
					if task.Open() && len(task.Steps) > 0 {
						t.Errorf("somebody is still asked to %s", task.Title)
					}
				}
			})
		})
	}
}

func TestAnUndoGivesWayWhenTheyLeaveAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		account := c.putBackFor(func() { pass(time.Hour) })
		pass(time.Second)
		d := soon()
		d.LastDay, d.Immediate = "2000-01-02", true
		c.hear("3", exeunt.Announced, d)
		pass(time.Second)
		c.directory.Heal()
		pass(20 * time.Hour)
		c.expect(map[string]exeunt.StepState{"directory-disable-again-2": exeunt.StepConfirmed, "directory-disable-undo": exeunt.StepSkipped})
		if !c.directory.Done(account.ID, exeunt.Disable) {
			t.Error("the account was opened after they had left")
		}
	})
}
