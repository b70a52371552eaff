package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
)

// putBack adds the undo steps of steps that are done, as a rescission does.
func (c *company) putBack(keys ...string) {
	c.t.Helper()
	var change exeunt.Change
	for _, key := range keys {
		done := c.step(key)
		undo := exeunt.Step{
			Case: done.Case, Key: key + "-undo", Undoes: key, State: exeunt.StepReady, System: done.System, SystemTitle: done.SystemTitle,
			Action: done.Action, Title: "Put back: " + done.Title, Branch: done.Branch, Coverage: done.Coverage, Owner: done.Owner, Fallback: done.Fallback,
			StartsAt: time.Now(), Deadline: time.Now().Add(time.Hour), Account: done.Account, Snapshot: done.Snapshot, Order: -done.Order,
		}
		change.Steps = append(change.Steps, undo)
		change.Record(exeunt.EntryRetried, undo, time.Now(), "it is put back", nil)
	}
	if err := c.store.Commit(c.t.Context(), &change); err != nil {
		c.t.Fatal(err)
	}
}

// gone is somebody whose directory account was disabled and taken out of its groups.
func gone(c *company) exeunt.Account {
	account := c.directory.Hire(leaving().Leaver, "eng", "vpn")
	c.payroll.Hire(leaving().Leaver)
	c.hear("1", exeunt.Announced, leaving())
	pass(5 * time.Second)
	c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "directory-remove-groups": exeunt.StepConfirmed})
	return account
}

func TestAnUndoStepPutsBackWhatWasRecordedAndIsSeen(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		account := gone(c)
		c.putBack("directory-disable", "directory-remove-groups")
		pass(2 * time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-disable-undo": exeunt.StepConfirmed, "directory-remove-groups-undo": exeunt.StepConfirmed})
		if groups := c.directory.Groups(account.ID); c.directory.Done(account.ID, exeunt.Disable) || !slices.Equal(groups, []string{"eng", "vpn"}) {
			t.Errorf("disabled %v, groups %v", c.directory.Done(account.ID, exeunt.Disable), groups)
		}
		if s := c.step("directory-remove-groups-undo"); s.Proof != exeunt.Observed || s.AppliedAt.IsZero() {
			t.Errorf("proven as %s, applied %v", s.Proof, s.AppliedAt)
		}
		if n := c.directory.Undone(exeunt.RemoveGroups); n != 1 {
			t.Errorf("put back %d times", n)
		}
	})
}

func TestAnUndoStepThatCannotBeMadeIsATask(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		gone(c)
		c.directory.DropGroup("vpn")
		c.payroll.Fail(connectortest.Find, connectortest.Always, exeunt.Errorf(exeunt.Temporary, "not to be looked for again"))
		c.putBack("directory-remove-groups", "payroll-end-employment")
		pass(2 * time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-remove-groups-undo": exeunt.StepFailed, "payroll-end-employment-undo": exeunt.StepConfirmed})
		if task := c.task("directory-remove-groups-undo-by-hand"); !task.Open() || task.Reason != c.step("directory-remove-groups-undo").Reason {
			t.Errorf("the task is %s: %s", task.State, task.Reason)
		}
	})
}
