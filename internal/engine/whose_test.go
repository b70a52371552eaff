package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// twins are two people with the same address, of whom the directory has one account.
func twins() (leaves exeunt.Departure, other exeunt.Leaver) {
	leaves = leaving()
	other = storetest.Departure("E2", "").Leaver
	other.Identifiers = leaves.Leaver.Identifiers
	return leaves, other
}

// confirm says of the account of a finding whose it is.
func (c *company) confirm(f exeunt.Finding, what exeunt.Confirmation) {
	c.t.Helper()
	if err := c.do().ConfirmAccount(c.t.Context(), f.ID, what, hera); err != nil {
		c.t.Fatal(err)
	}
}

// Somebody leaves whose identifiers match an account that people confirmed to be another's, or nobody's.
func TestNobodysDepartureEndsWhatIsConfirmedToBeAnothers(t *testing.T) {
	for name, whose := range map[string]string{"another person's": "northwind/E2", "a service": ""} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, c *company) {
				d, other := twins()
				account := c.directory.Hire(other, "eng")
				c.reconcile([]exeunt.Worker{{Leaver: d.Leaver}, {Leaver: other}})
				pass(time.Minute)
				contested := c.findings("directory", exeunt.FoundMismatched)
				if len(contested) == 0 {
					t.Fatal("nobody is told that the account matches two people")
				}
				c.confirm(contested[0], exeunt.Confirmation{Leaver: whose})
				c.hear("1", exeunt.Announced, d)
				pass(time.Minute)
				if c.directory.Done(account.ID, exeunt.Disable) || c.directory.Done(account.ID, exeunt.RemoveGroups) {
					t.Error("the account of somebody else was ended")
				}
				if s := c.step("directory-disable"); s.State != exeunt.StepFailed || !strings.Contains(s.Reason, "confirmed to be somebody else's") {
					t.Errorf("the step is %s: %s", s.State, s.Reason)
				}
			})
		})
	}
}

// What an earlier visit found is not the leaver's for ever: people may learn better before the last day.
func TestAnAccountThatWasFoundIsLeftAloneOncePeopleKnowBetter(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d, other := twins()
		account := c.directory.Hire(other, "eng")
		c.reconcile([]exeunt.Worker{{Leaver: d.Leaver}, {Leaver: other}})
		pass(time.Minute)
		contested := c.findings("directory", exeunt.FoundMismatched)
		c.directory.Fail(connectortest.Apply, connectortest.Always, exeunt.Errorf(exeunt.Temporary, "no answer"))
		c.hear("1", exeunt.Announced, d)
		pass(10 * time.Second)
		if got := c.step("directory-disable").Account.ID; got != account.ID {
			t.Fatalf("the visit found %q", got)
		}
		c.confirm(contested[0], exeunt.Confirmation{Leaver: other.Key()})
		c.directory.Heal()
		pass(24 * time.Hour)
		if c.directory.Done(account.ID, exeunt.Disable) {
			t.Error("the account of somebody else was ended")
		}
		own := c.directory.Hire(d.Leaver, "eng")
		pass(24 * time.Hour)
		if !c.directory.Done(own.ID, exeunt.Disable) || c.directory.Done(account.ID, exeunt.Disable) {
			t.Error("the leaver's own account was not ended once there was one, and that alone")
		}
	})
}

func TestWhatCameBackIsNotCutAgainOnceItIsAnothers(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		account := c.departed()
		c.directory.Reopen(account.ID, exeunt.Disable)
		c.reconcile([]exeunt.Worker{{Leaver: storetest.Departure("E2", "").Leaver}})
		pass(time.Minute)
		c.confirm(c.findings("directory", exeunt.FoundOrphaned)[0], exeunt.Confirmation{Leaver: "northwind/E2"})
		pass(3 * 24 * time.Hour)
		if c.directory.Done(account.ID, exeunt.Disable) {
			t.Error("the account was given to somebody else, and was ended again")
		}
		c.wasTold(exeunt.NoticeAlert, "priya.nair@northwind.example") // perhaps it never was the leaver's, and theirs is open
		c.hasEntry(exeunt.EntryDrifted)
	})
}

// What was confirmed long ago is no reason to leave the account open that somebody has who came back since.
func TestAConfirmedAccountHidesNoOther(t *testing.T) {
	for name, x := range map[string]struct {
		since func(c *company, was exeunt.Account) exeunt.Account // what happened since; returns the new account
		says  string                                              // why it is for people; "" when the one that was confirmed is ended
	}{
		"nothing happened": {func(*company, exeunt.Account) exeunt.Account { return exeunt.Account{} }, ""},
		"the rules find another one": {func(c *company, was exeunt.Account) exeunt.Account {
			c.directory.Close(was.ID, exeunt.Disable)
			return c.directory.Hire(leaving().Leaver, "eng")
		}, "match Maya Okonkwo E1 as well"},
		"another one is closed": {func(c *company, _ exeunt.Account) exeunt.Account {
			old := c.directory.Hire(leaving().Leaver)
			c.directory.Close(old.ID, exeunt.Disable)
			return exeunt.Account{}
		}, ""},
		"it is closed": {func(c *company, was exeunt.Account) exeunt.Account {
			c.directory.Close(was.ID, exeunt.Disable)
			return exeunt.Account{}
		}, "somebody else has closed it"},
		"it is gone": {func(c *company, was exeunt.Account) exeunt.Account {
			c.directory.Vanish(was.ID)
			return exeunt.Account{}
		}, "is no longer there"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, c *company) {
				l := leaving().Leaver
				was := c.directory.Hire(exeunt.Leaver{ID: "maiden", Name: "Maya Before"}, "eng")
				c.reconcile([]exeunt.Worker{{Leaver: l}})
				pass(time.Minute)
				c.confirm(c.findings("directory", exeunt.FoundMissing)[0], exeunt.Confirmation{Account: was.ID, Leaver: l.Key()})
				now := x.since(c, was)
				c.hear("1", exeunt.Announced, leaving())
				pass(time.Minute)
				s := c.step("directory-disable")
				if x.says == "" {
					if s.State != exeunt.StepConfirmed || s.Account.ID != was.ID || !c.directory.Done(was.ID, exeunt.Disable) {
						t.Errorf("the step is %s at %q: %s", s.State, s.Account.ID, s.Reason)
					}
					return
				}
				if s.State != exeunt.StepFailed || !strings.Contains(s.Reason, x.says) || c.directory.Done(now.ID, exeunt.Disable) {
					t.Errorf("the step is %s: %s", s.State, s.Reason)
				}
			})
		})
	}
}
