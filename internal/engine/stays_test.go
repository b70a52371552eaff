package engine_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
)

// HR says that somebody is back, or stays, while cases of theirs are still looked at: nobody is cut off then.

// followed is a departure that is done, whose account was opened on the first day and cut again by a second case.
func (c *company) followed() (exeunt.Departure, exeunt.Account) {
	c.t.Helper()
	d, account := c.closed()
	c.directory.Reopen(account.ID, exeunt.Disable)
	pass(25 * time.Hour)
	if f := c.file(2); f.Case.Follows != 1 || f.Case.Open() {
		c.t.Fatalf("it was not cut again: %+v", f.Case)
	}
	return d, account
}

func (c *company) opened(number exeunt.CaseID) bool {
	c.t.Helper()
	_, err := c.store.Everything().CaseFile(c.t.Context(), number)
	if err != nil && exeunt.KindOf(err) != exeunt.NotFound {
		c.t.Fatal(err)
	}
	return err == nil
}

func TestWhoIsHiredAgainIsNotCutByTheCaseBeforeTheLast(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d, account := c.followed()
		pass(4 * 24 * time.Hour)
		d.Leaver.HiredOn = "2000-01-06"
		c.hear("2", exeunt.Rehired, d)
		pass(time.Minute)
		c.directory.Reopen(account.ID, exeunt.Disable)
		c.directory.Reopen(account.ID, exeunt.RemoveGroups) // which the first case alone still looks at
		pass(40 * 24 * time.Hour)
		if c.opened(3) || c.directory.Done(account.ID, exeunt.Disable) || len(c.directory.Groups(account.ID)) == 0 {
			t.Errorf("a third case: %t, disabled: %t, groups %v", c.opened(3), c.directory.Done(account.ID, exeunt.Disable), c.directory.Groups(account.ID))
		}
	})
}

func TestALookThatBeganBeforeItWasTakenBackCutsNobody(t *testing.T) {
	for _, follows := range []bool{false, true} {
		inBubble(t, func(t *testing.T, c *company) {
			d, account := c.closed()
			if follows {
				c.directory.Reopen(account.ID, exeunt.Disable)
			}
			pass(25 * time.Hour)
			c.directory.Reopen(account.ID, exeunt.RemoveGroups)
			pass(6*24*time.Hour - time.Hour - time.Minute)
			c.directory.Slow(3 * time.Minute)
			pass(2 * time.Minute)
			c.hear("2", exeunt.Rescinded, d)
			pass(time.Second)
			c.directory.Slow(0)
			pass(48 * time.Hour)
			back := exeunt.CaseID(2)
			if follows {
				back = 3
			}
			if f := c.file(back); f.Case.State != exeunt.CaseRescinded || c.opened(back+1) {
				t.Errorf("the last case is %s, and there is one more: %t", f.Case.State, c.opened(back+1))
			}
			if c.directory.Done(account.ID, exeunt.Disable) || len(c.directory.Groups(account.ID)) == 0 {
				t.Errorf("disabled: %t, groups %v", c.directory.Done(account.ID, exeunt.Disable), c.directory.Groups(account.ID))
			}
		})
	}
}

func TestALookAddsNothingToACaseThatWasTakenBackMeanwhile(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d, account := c.closed()
		c.directory.Reopen(account.ID, exeunt.Disable)
		c.directory.Fail(connectortest.Apply, connectortest.Always, exeunt.Errorf(exeunt.Denied, "not allowed"))
		pass(7*24*time.Hour - time.Minute)
		if f := c.file(2); f.Case.Follows != 1 || !f.Case.UnderWay() {
			t.Fatalf("the second case is %s", f.Case.State)
		}
		c.directory.Heal()
		c.directory.Reopen(account.ID, exeunt.RemoveGroups)
		c.directory.Slow(3 * time.Minute)
		pass(2 * time.Minute)
		c.hear("2", exeunt.Rescinded, d)
		pass(time.Second)
		c.directory.Slow(0)
		pass(48 * time.Hour)
		f := c.file(2)
		if _, cuts := states(f)["directory-remove-groups"]; cuts || f.Case.State != exeunt.CaseRescinded || len(c.directory.Groups(account.ID)) == 0 {
			t.Errorf("the case is %s with %v, groups %v", f.Case.State, states(f), c.directory.Groups(account.ID))
		}
	})
}
