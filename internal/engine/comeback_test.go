package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/store"
)

// entries counts what the ledger was told of a kind.
func (c *company) entries(kind exeunt.EntryKind) int {
	c.t.Helper()
	page, err := c.store.Everything().Entries(c.t.Context(), store.EntryQuery{Kind: string(kind)})
	if err != nil {
		c.t.Fatal(err)
	}
	return page.Total
}

// withdrawn says why the task of a key was withdrawn.
func (c *company) withdrawn(key string) string {
	c.t.Helper()
	task := c.task(key)
	if task.State != exeunt.TaskWithdrawn {
		c.t.Errorf("the task %s is %s", key, task.State)
	}
	return task.Reason
}

func TestAStepGoesOnByItselfWhenTheIdentifierIsMended(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.payroll.Hire(leaving().Leaver)
		c.hear("1", exeunt.Announced, leaving()) // nobody of that name in the directory
		pass(5 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepFailed})
		c.directory.Hire(leaving().Leaver)
		pass(20 * time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "directory-remove-groups": exeunt.StepConfirmed})
		if why := c.withdrawn("directory-disable-exception"); !strings.Contains(why, "the account was found") {
			t.Errorf("the task was closed since %q", why)
		}
	})
}

func TestWhatAPersonDidByHandIsSeenAndItsTaskCloses(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		account := c.directory.Hire(leaving().Leaver)
		c.payroll.Hire(leaving().Leaver)
		c.directory.Fail(connectortest.Apply, connectortest.Always, exeunt.Errorf(exeunt.Denied, "a permission is missing"))
		c.hear("1", exeunt.Announced, leaving())
		pass(5 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepFailed})
		calls := c.directory.Calls(connectortest.Apply)
		pass(20 * time.Minute)
		if again := c.directory.Calls(connectortest.Apply); again != calls {
			t.Errorf("what is not allowed was tried %d times again", again-calls)
		}
		c.directory.Close(account.ID, exeunt.Disable)
		pass(2 * time.Hour)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "directory-remove-groups": exeunt.StepFailed})
		if why := c.withdrawn("directory-disable-by-hand"); why != "seen to be done" {
			t.Errorf("the task was closed since %q", why)
		}
		if got := c.step("directory-disable"); got.Proof != exeunt.Observed || !got.AppliedAt.Equal(got.BegunAt) && got.Attempt == 0 {
			t.Errorf("its proof is %s", got.Proof)
		}
	})
}

// A step that failed, whose owner then closes the account for good, has nothing left to do: neither has the owner.
func TestAFailedStepThatBecomesMootEndsItsTask(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		account := c.directory.Hire(leaving().Leaver)
		c.payroll.Hire(leaving().Leaver)
		c.directory.MootAfter(exeunt.RemoveGroups, exeunt.Disable)
		c.directory.Fail(connectortest.Apply, connectortest.Always, exeunt.Errorf(exeunt.Denied, "a permission is missing"))
		c.hear("1", exeunt.Announced, leaving())
		pass(5 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepFailed, "directory-remove-groups": exeunt.StepFailed})
		c.directory.Close(account.ID, exeunt.Disable)
		pass(2 * time.Hour)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "directory-remove-groups": exeunt.StepSkipped})
		if why := c.withdrawn("directory-remove-groups-by-hand"); why != "there is nothing left to do" {
			t.Errorf("the task was closed since %q", why)
		}
		if got := c.step("directory-remove-groups"); !strings.Contains(got.Reason, "it is too late to remove groups") {
			t.Errorf("it was let go since %q", got.Reason)
		}
	})
}

func TestAVendorThatLiesIsNotTriedForEver(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(leaving().Leaver)
		c.payroll.Hire(leaving().Leaver)
		c.directory.Lie(connectortest.Always)
		c.hear("1", exeunt.Announced, leaving())
		pass(12 * time.Minute)
		calls := c.directory.Calls(connectortest.Apply)
		pass(48 * time.Hour)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepFailed})
		if again := c.directory.Calls(connectortest.Apply); again != calls || c.entries(exeunt.EntryCameBack) != 0 {
			t.Errorf("it was tried %d times again", again-calls)
		}
	})
}

// A system that is dead for hours is left alone after a few visits, its owner is told once, and everything
// goes on by itself when it is back.
func TestADeadSystemIsLeftAloneAndComesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		const people = 60 // more than the lane has seats, urgent ones and those for the probes counted
		c.directory.Fail(connectortest.Find, connectortest.Always, exeunt.Errorf(exeunt.Temporary, "no answer in time"))
		for i := range people {
			d := leaving()
			d.Leaver.ID = fmt.Sprint("E", i)
			d.Leaver.Identifiers = map[exeunt.IdentifierKind]string{exeunt.WorkEmail: d.Leaver.ID + "@northwind.example"}
			c.directory.Hire(d.Leaver, "eng")
			c.payroll.Hire(d.Leaver)
			c.hear(d.Leaver.ID, exeunt.Announced, d)
		}
		pass(30 * time.Minute)
		if n := c.directory.Calls(connectortest.Find); n >= people { // without the breaker it is several times for each of them
			t.Errorf("the dead system was called %d times", n)
		}
		if n := c.toldOf(exeunt.NoticeAlert, "left alone"); n != 2 { // its owner and the operator
			t.Errorf("%d alerts", n)
		}
		open, err := c.store.Everything().OpenBreakers(t.Context())
		if err != nil || len(open) != 1 {
			t.Errorf("open breakers: %v, %v", open, err)
		}
		pass(2 * time.Hour) // past every deadline
		failed, err := c.store.FailedIn(t.Context(), "directory")
		if err != nil || len(failed) != 2*people {
			t.Errorf("%d steps became tasks at their deadline, %v", len(failed), err)
		}
		c.directory.Heal()
		pass(20 * time.Minute)
		if failed, _ = c.store.FailedIn(t.Context(), "directory"); len(failed) != 0 {
			t.Errorf("%d steps are still failed: %s", len(failed), failed[0].Reason)
		}
		for i := range people {
			step, err := c.store.Step(t.Context(), exeunt.CaseID(i+1), "directory-remove-groups")
			if err != nil || step.State != exeunt.StepConfirmed {
				t.Errorf("case %d: %s, %v", i+1, step.State, err)
			}
		}
		if c.entries(exeunt.EntryBreakerOpened) != 1 || c.entries(exeunt.EntryBreakerClosed) != 1 {
			t.Errorf("the breaker opened %d times", c.entries(exeunt.EntryBreakerOpened))
		}
	})
}

func TestARefusedCredentialStopsTheLaneAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(leaving().Leaver)
		c.payroll.Hire(leaving().Leaver)
		c.directory.Fail(connectortest.Find, connectortest.Always, exeunt.Errorf(exeunt.Unauthorised, "the token has expired: renew it"))
		c.hear("1", exeunt.Announced, leaving())
		pass(20 * time.Second)
		if n := c.directory.Calls(connectortest.Find); n != 1 {
			t.Errorf("we knocked %d times with a credential that is refused", n)
		}
		c.wasTold(exeunt.NoticeAlert, "ana.silva@northwind.example")
		c.stop()
		c.start() // it stays open over a restart
		pass(5 * time.Second)
		if n := c.directory.Calls(connectortest.Find); n != 1 {
			t.Errorf("after a restart we knocked %d times", n)
		}
		c.directory.Heal()
		pass(time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed})
	})
}

// Whoever has renewed the credential need not wait for the next try.
func TestAPersonHasASystemTriedAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		ida := exeunt.Override{By: "Ida Novak", Reason: "renewed the token"}
		c.directory.Hire(leaving().Leaver)
		c.payroll.Hire(leaving().Leaver)
		c.directory.Fail(connectortest.Find, connectortest.Always, exeunt.Errorf(exeunt.Unauthorised, "the token has expired: renew it"))
		c.hear("1", exeunt.Announced, leaving())
		pass(20 * time.Minute) // tries are a quarter of an hour apart by now
		calls := c.directory.Calls(connectortest.Find)
		c.directory.Heal()
		pass(time.Second)
		if c.directory.Calls(connectortest.Find) != calls {
			t.Fatal("it is tried by itself this very moment: the test shows nothing")
		}
		commands := c.engine.As(exeunt.Viewer{Email: "ida@acme.example"})
		if err := commands.TryNow(t.Context(), "payroll", ida); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("a system that is not left alone: %v", err)
		}
		if err := commands.TryNow(t.Context(), "elsewhere", ida); exeunt.KindOf(err) != exeunt.NotFound {
			t.Errorf("a system that is not there: %v", err)
		}
		if err := commands.TryNow(t.Context(), "directory", ida); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed})
		if c.entries(exeunt.EntryBreakerTried) != 1 || c.entries(exeunt.EntryBreakerClosed) != 1 {
			t.Error("the ledger does not say that somebody asked, and that it answers again")
		}
	})
}
