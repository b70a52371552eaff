package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
)

const handOver = "directory-hand-over"

// owning is a company whose directory shows what only one person owns, and somebody who owns a group and leaves.
func owning(t *testing.T, run func(c *company, account exeunt.Account)) {
	t.Helper()
	inBubble(t, func(t *testing.T, c *company) {
		inventory := slices.Clone(c.stock())
		inventory[0].Actions = append(slices.Clone(inventory[0].Actions),
			exeunt.ActionSpec{Action: exeunt.HandOver, Title: "Hand over what others depend on", Order: 10, Proof: exeunt.Observed, ByHand: true})
		c.directory = connectortest.NewVendor(inventory[0].Actions...)
		c.reconfigure(inventory)
		account := c.directory.Hire(leaving().Leaver)
		c.payroll.Hire(leaving().Leaver)
		c.directory.Own(account.ID, "the group Sales")
		c.hear("1", exeunt.Announced, leaving())
		pass(5 * time.Second)
		run(c, account)
	})
}

func TestWhatOnlyThePersonOwnsIsATaskUntilItIsSeenToHaveAnotherOwner(t *testing.T) {
	owning(t, func(c *company, account exeunt.Account) {
		c.expect(map[string]exeunt.StepState{handOver: exeunt.StepByHand, "directory-disable": exeunt.StepConfirmed})
		task := c.task(handOver + "-by-hand")
		if task.State != exeunt.TaskOpen || !slices.Equal(task.Checklist, []string{"the group Sales"}) || task.Title != "Directory: hand over what others depend on" {
			t.Errorf("people are asked %+v", task)
		}
		c.wasTold(exeunt.NoticeAssigned, task.Owner.Email)
		if n := c.toldOf(exeunt.NoticeFailed, "directory"); n != 0 || c.entries(exeunt.EntryFailed) != 0 {
			t.Errorf("%d were told that it failed, which it did not", n)
		}
		if row := c.rows()[0]; row.Failed != 0 {
			t.Errorf("the case counts %d failures", row.Failed)
		}
		c.directory.Own(account.ID)
		pass(20 * time.Minute)
		c.expect(map[string]exeunt.StepState{handOver: exeunt.StepConfirmed})
		if got := c.step(handOver); got.Proof != exeunt.Observed {
			t.Errorf("its proof is %s", got.Proof)
		}
		c.withdrawn(handOver + "-by-hand")
	})
}

func TestATaskThatIsTickedWithoutBeingDoneComesBack(t *testing.T) {
	owning(t, func(c *company, account exeunt.Account) {
		c.complete(handOver + "-by-hand")
		pass(10 * time.Second)
		c.expect(map[string]exeunt.StepState{handOver: exeunt.StepByHand})
		if task := c.task(handOver + "-by-hand"); task.State != exeunt.TaskOpen {
			t.Errorf("the group has no other owner, and the task is %s", task.State)
		}
		c.directory.Own(account.ID)
		c.complete(handOver + "-by-hand")
		pass(10 * time.Second)
		c.expect(map[string]exeunt.StepState{handOver: exeunt.StepConfirmed})
	})
}

func TestWhatIsMadeLaterIsAskedForToo(t *testing.T) {
	owning(t, func(c *company, account exeunt.Account) {
		c.directory.Own(account.ID, "the group Sales", "the application Reports")
		pass(20 * time.Minute)
		if task := c.task(handOver + "-by-hand"); task.State != exeunt.TaskOpen || strings.Join(task.Checklist, ", ") != "the group Sales, the application Reports" {
			t.Errorf("people are asked for %q, %s", task.Checklist, task.State)
		}
	})
}

func TestWhoStaysHandsNothingOver(t *testing.T) {
	owning(t, func(c *company, account exeunt.Account) {
		c.hear("2", exeunt.Rescinded, leaving())
		pass(5 * time.Minute)
		c.expect(map[string]exeunt.StepState{handOver: exeunt.StepCancelled})
		c.withdrawn(handOver + "-by-hand")
		if c.directory.Applied(exeunt.HandOver)+c.directory.Undone(exeunt.HandOver) != 0 {
			t.Error("the connector did something about it")
		}
	})
}
