package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/store"
)

func TestALateStartCatchesUpAtOnceAndSaysSo(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(soon().Leaver, "eng")
		c.payroll.Hire(soon().Leaver)
		c.hear("1", exeunt.Announced, soon())
		pass(time.Minute)
		c.stop()
		pass(9 * time.Hour) // the cut-off goes by
		c.start()
		pass(5 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "directory-remove-groups": exeunt.StepConfirmed})
		page, err := c.store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryAlert)})
		if err != nil || page.Total != 1 || !strings.Contains(page.Rows[0].What, "after a pause: 2 steps are due since "+cutOff.Format(time.RFC3339)) {
			t.Errorf("the record says %+v, %v", page.Rows, err)
		}
		c.wasTold(exeunt.NoticeAlert, "ops@x.example")
	})
}

func TestASystemThatIsTakenOutLeavesNoStepBehind(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(soon().Leaver, "eng")
		c.payroll.Hire(soon().Leaver)
		c.hear("1", exeunt.Announced, soon())
		pass(time.Minute)
		c.stop()
		c.inventory = c.inventory[1:] // without the directory
		c.start()
		pass(15 * time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepFailed, "directory-remove-groups": exeunt.StepFailed})
		if task := c.task("directory-disable-exception"); !strings.Contains(task.Reason, "taken out of the configuration") {
			t.Errorf("its owner is told %q", task.Reason)
		}
	})
}

// While the server runs, too: the lane of a system that went ends, that of one that came begins, and nobody waits for a poll.
func TestLanesFollowTheConfiguration(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(soon().Leaver, "eng")
		c.payroll.Hire(soon().Leaver)
		c.hear("1", exeunt.Announced, soon())
		pass(time.Minute)
		whole := c.stock()
		c.reconfigure(whole[1:])
		pass(25 * time.Hour) // whoever has no lane is looked for at each poll
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepFailed})
		if task := c.task("directory-disable-exception"); !strings.Contains(task.Reason, "taken out of the configuration") {
			t.Errorf("its owner is told %q", task.Reason)
		}
		c.reconfigure(whole)
		pass(time.Second)
		d := soon()
		d.Leaver.ID, d.Leaver.Name = "E-2", "John Roe"
		d.Leaver.Identifiers = map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "john@x.example", exeunt.Login: "jroe"}
		account := c.directory.Hire(d.Leaver)
		c.hear("2", exeunt.Announced, d)
		pass(24 * time.Hour)
		if !c.directory.Done(account.ID, exeunt.Disable) {
			t.Error("a system that came is not worked in")
		}
	})
}

// A timer of seven years, as retention has them, ends on its day and not before.
func TestATimerOfSevenYearsEndsOnItsDay(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		d.LastDay, d.TerminationDate = "2007-01-01", "2007-01-01"
		c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(time.Minute)
		if err := c.engine.As(exeunt.Viewer{}).ReleaseCase(t.Context(), 1, lea); err != nil { // more than a year ahead is held for a person
			t.Fatal(err)
		}
		until := time.Until(time.Date(2007, 1, 1, 0, 10, 0, 0, time.UTC))
		pass(until - time.Second)
		if n := c.directory.Applied(exeunt.Disable); n != 0 {
			t.Errorf("disabled %d times a second early", n)
		}
		pass(2 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed})
	})
}

// TestARestartKeepsToWhatASystemAskedFor: the one who was told to wait is not there any more.
func TestARestartKeepsToWhatASystemAskedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		seen := &tenures{Connector: c.directory}
		c.instead = seen
		c.directory.Hire(leaving().Leaver)
		c.payroll.Hire(leaving().Leaver)
		c.directory.Fail(connectortest.Find, 1, exeunt.Errorf(exeunt.Throttled, "slow down").After(10*time.Minute))
		c.hear("1", exeunt.Announced, leaving())
		pass(time.Minute)
		c.stop()
		c.start()
		pass(15 * time.Minute)
		if want := time.Date(2000, 1, 1, 0, 10, 0, 0, time.UTC); seen.finding.NotBefore.Sub(want).Abs() > time.Second {
			t.Errorf("who has the lane now leaves the system alone until %s", seen.finding.NotBefore)
		}
	})
}

// What had failed before its system went away keeps its task, as its owner has it.
func TestWhatHadFailedKeepsItsTaskWhenTheSystemGoesAway(t *testing.T) {
	for name, away := range map[string]func(*company){
		"taken out": func(c *company) { c.inventory = c.inventory[1:] },
		"broken":    func(c *company) { c.broken = exeunt.Errorf(exeunt.Invalid, "its settings do not hold") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, c *company) {
				c.directory.Hire(leaving().Leaver, "eng")
				c.payroll.Hire(leaving().Leaver)
				c.directory.Fail(connectortest.Apply, connectortest.Always, exeunt.Errorf(exeunt.Denied, "not allowed"))
				c.hear("1", exeunt.Announced, leaving())
				pass(time.Minute)
				c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepFailed, "directory-remove-groups": exeunt.StepFailed})
				mine := c.task("directory-disable-by-hand")
				if err := c.engine.As(exeunt.Viewer{}).ReassignTask(t.Context(), mine.ID, exeunt.Person{Name: "Dora Deputy", Email: "dora@x.example"}, ana); err != nil {
					t.Fatal(err)
				}
				c.stop()
				away(c)
				c.start()
				pass(72 * time.Hour)
				if now := c.task("directory-disable-by-hand"); now.Owner.Email != "dora@x.example" || !now.Open() || !now.OpenedAt.Equal(mine.OpenedAt) {
					t.Errorf("the task of the first is %s with %s since %s", now.State, now.Owner, now.OpenedAt)
				}
				if now := c.task("directory-remove-groups-by-hand"); !now.Open() {
					t.Errorf("the task of the second is %s", now.State)
				}
				if third, err := c.store.TaskByKey(t.Context(), 1, "directory-disable-exception"); err != nil || third != nil {
					t.Errorf("a third task stands in for both: %+v, %v", third, err)
				}
				for _, key := range []string{"directory-disable", "directory-remove-groups"} {
					if s := c.step(key); s.FailedAs != exeunt.Unsupported || !s.NextAttemptAt.IsZero() || s.State != exeunt.StepFailed {
						t.Errorf("%s failed as %s and is looked at again at %s", key, s.FailedAs, s.NextAttemptAt)
					}
				}
				if err := c.engine.As(exeunt.Viewer{}).CompleteTask(t.Context(), mine.ID, nil, "", "Dora"); err != nil {
					t.Fatal(err)
				}
				c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepAttested, "directory-remove-groups": exeunt.StepFailed})
			})
		})
	}
}
