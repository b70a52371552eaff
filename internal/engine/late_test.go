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
