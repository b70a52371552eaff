package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// departed is a person whose case is closed, with everything confirmed.
func (c *company) departed() exeunt.Account {
	c.t.Helper()
	account := c.directory.Hire(leaving().Leaver, "eng")
	c.payroll.Hire(leaving().Leaver)
	c.hear("1", exeunt.Announced, leaving())
	pass(5 * time.Second)
	c.complete("timesheet", "badges-by-hand", "wiki-check")
	pass(5 * time.Second)
	if got := c.only().Case.State; got != exeunt.CaseClosed {
		c.t.Fatalf("the case is %s", got)
	}
	return account
}

func (c *company) rows() []store.CaseRow {
	c.t.Helper()
	page, err := c.store.Everything().Cases(c.t.Context(), store.CaseQuery{Sort: "newest"}, time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	return page.Rows
}

func TestWhatWasConfirmedIsLookedAtThreeTimesAndThenLeftAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.departed()
		for i, after := range []time.Duration{25 * time.Hour, 6 * 24 * time.Hour, 23 * 24 * time.Hour, 300 * 24 * time.Hour} {
			pass(after)
			if want := 4 * min(i+1, 3); c.entries(exeunt.EntryLooked) != want { // two steps in the directory, two in payroll
				t.Errorf("%d looks, expected %d", c.entries(exeunt.EntryLooked), want)
			}
			stats, err := c.store.For(exeunt.Viewer{}).SystemStats(t.Context(), c.inventory, time.Now())
			directory := stats[slices.IndexFunc(stats, func(s store.SystemStats) bool { return s.System == "directory" })]
			if err != nil || i < 3 && time.Since(directory.LastLook) > after || directory.NextLook.IsZero() == (i < 2) {
				t.Errorf("after %d looks: the last at %s, the next at %s, %v", i+1, directory.LastLook, directory.NextLook, err)
			}
		}
		f := c.only()
		if f.Case.State != exeunt.CaseClosed || f.Entries[0].Kind != exeunt.EntryClosed {
			t.Errorf("the record of a closed case was written to: %+v", f.Entries[0])
		}
	})
}

func TestWhatCameBackAfterTheCaseClosedIsCutAgainInANewOne(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		account := c.departed()
		c.directory.Reopen(account.ID, exeunt.Disable)
		pass(25 * time.Hour)
		rows := c.rows()
		if len(rows) != 2 {
			t.Fatalf("%d cases", len(rows))
		}
		f, err := c.store.Everything().CaseFile(t.Context(), rows[0].ID)
		if err != nil || f.Case.Follows != 1 || len(f.Steps) != 1 || f.Steps[0].Key != "directory-disable" || f.Steps[0].State != exeunt.StepConfirmed {
			t.Fatalf("the new case: %+v %+v, %v", f.Case, f.Steps, err)
		}
		if !c.directory.Done(account.ID, exeunt.Disable) || c.directory.Applied(exeunt.Disable) != 2 {
			t.Errorf("the account is open, after it was disabled %d times", c.directory.Applied(exeunt.Disable))
		}
		if old, err := c.store.For(exeunt.Viewer{}).CaseFile(t.Context(), 1); err != nil || !slices.Equal(old.FollowedBy, []exeunt.CaseID{f.Case.ID}) || len(f.FollowedBy) > 0 {
			t.Errorf("the first case is followed by %v, the second by %v, %v", old.FollowedBy, f.FollowedBy, err)
		}
		if f.Case.State != exeunt.CaseClosed || c.toldOf(exeunt.NoticeAlert, "came back") == 0 {
			t.Errorf("the new case is %s, and %d are told", f.Case.State, c.toldOf(exeunt.NoticeAlert, "came back"))
		}
		c.directory.Reopen(account.ID, exeunt.Disable)
		pass(25 * time.Hour)
		if len(c.rows()) != 3 || !c.directory.Done(account.ID, exeunt.Disable) {
			t.Errorf("back a second time, there are %d cases", len(c.rows()))
		}
	})
}

func TestWhatCameBackWhileTheCaseIsOpenIsCutAgainInIt(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		account := c.directory.Hire(leaving().Leaver, "eng")
		c.payroll.Hire(leaving().Leaver)
		c.hear("1", exeunt.Announced, leaving())
		pass(time.Hour)
		c.directory.Reopen(account.ID, exeunt.Disable)
		pass(25 * time.Hour)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed})
		if c.entries(exeunt.EntryDrifted) != 1 || c.directory.Applied(exeunt.Disable) != 2 {
			t.Errorf("%d drifts, disabled %d times", c.entries(exeunt.EntryDrifted), c.directory.Applied(exeunt.Disable))
		}
	})
}

func TestALookThatIsNotAnsweredIsMadeLater(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		account := c.departed()
		c.directory.Reopen(account.ID, exeunt.Disable)
		c.directory.Fail(connectortest.Observe, 2, exeunt.Errorf(exeunt.Temporary, "no answer in time"))
		pass(30 * time.Hour)
		if !c.directory.Done(account.ID, exeunt.Disable) {
			t.Error("what came back was not cut again after a look without an answer")
		}
	})
}

// Somebody who is hired again and leaves again has a newer case, which alone decides; and nobody's access is
// cut because an old case remembers that it was.
func TestAnOldCaseDoesNotCutWhoIsBack(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		account := c.departed()
		c.directory.Reopen(account.ID, exeunt.Disable) // hired again
		d := leaving()
		d.Immediate, d.LastDay, d.TerminationDate, d.Leaver.HiredOn = false, "2000-06-30", "2000-06-30", "2000-01-02"
		c.hear("2", exeunt.Announced, d) // and leaves in summer
		pass(40 * 24 * time.Hour)
		if c.directory.Done(account.ID, exeunt.Disable) || len(c.rows()) != 2 {
			t.Errorf("who is back was cut off by the old case; %d cases", len(c.rows()))
		}
	})
}

// The case that cuts again takes the looks over, and does not end those that are still to be made elsewhere.
func TestTheLooksGoOnAfterTheFirstDrift(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		account := c.departed()
		c.directory.Reopen(account.ID, exeunt.Disable)
		c.directory.Reopen(account.ID, exeunt.RemoveGroups)
		pass(25 * time.Hour)
		if !c.directory.Done(account.ID, exeunt.Disable) || !c.directory.Done(account.ID, exeunt.RemoveGroups) {
			t.Fatalf("%d cases, and something is still open", len(c.rows()))
		}
		c.directory.Reopen(account.ID, exeunt.Disable) // the next look is at the steps of the newer case
		pass(30 * 24 * time.Hour)
		if !c.directory.Done(account.ID, exeunt.Disable) {
			t.Errorf("the looks ended with the first drift; %d cases", len(c.rows()))
		}
	})
}

// What was done for a date, or does more when it is done twice, is reported and left to people.
func TestAPaymentThatWasWithdrawnIsNotMadeAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.departed()
		found, err := connectortest.Search(t.Context(), c.payroll.Kind("payroll"), nil, c.payroll, leaving().Leaver)
		if err != nil || len(found) != 1 {
			t.Fatal(err)
		}
		c.payroll.Reopen(found[0].ID, exeunt.EndEmployment)
		pass(60 * 24 * time.Hour)
		if n := c.payroll.Applied(exeunt.EndEmployment); n != 1 || len(c.rows()) != 1 {
			t.Errorf("done %d times, in %d cases", n, len(c.rows()))
		}
		if c.toldOf(exeunt.NoticeAlert, "decide what is right") == 0 || c.entries(exeunt.EntryDrifted) != 1 {
			t.Errorf("told %d, %d entries", c.toldOf(exeunt.NoticeAlert, "decide what is right"), c.entries(exeunt.EntryDrifted))
		}
	})
}

// The looks outlive a hold.
func TestAHoldEndsNoLooks(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(leaving().Leaver, "eng")
		c.payroll.Hire(leaving().Leaver)
		c.hear("1", exeunt.Announced, leaving())
		pass(5 * time.Second)
		for _, do := range []func() error{
			func() error { return c.engine.As(exeunt.Viewer{}).HoldCase(t.Context(), 1, ana) },
			func() error { return c.engine.As(exeunt.Viewer{}).ReleaseCase(t.Context(), 1, lea) },
		} {
			if err := do(); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
		}
		pass(25 * time.Hour)
		if c.entries(exeunt.EntryLooked) == 0 {
			t.Error("nothing was looked at after the hold")
		}
	})
}

// Somebody who is hired again while the system is being asked is not cut off by the answer.
func TestWhoIsHiredAgainDuringTheLookIsLeftAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		account := c.departed()
		c.directory.Reopen(account.ID, exeunt.Disable)
		pass(24*time.Hour - time.Minute)
		c.directory.Slow(3 * time.Minute)
		pass(2 * time.Minute)
		d := leaving()
		d.Leaver.HiredOn = "2000-01-02"
		c.hear("2", exeunt.Rehired, d)
		pass(48 * time.Hour)
		if c.directory.Done(account.ID, exeunt.Disable) || len(c.rows()) != 1 {
			t.Errorf("who is back was cut off; %d cases", len(c.rows()))
		}
	})
}

// The last look is made when the system lets us in again within some days, and what came back is cut again.
func TestTheLastLookIsTriedAgainWhenItWasRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		account := c.departed()
		pass(29 * 24 * time.Hour)
		c.directory.Reopen(account.ID, exeunt.Disable)
		c.directory.Fail(connectortest.Observe, connectortest.Always, exeunt.Errorf(exeunt.Denied, "not allowed"))
		pass(4 * 24 * time.Hour)
		if c.alerts("the next look is on 2000-02-01") != 0 || c.alerts("the next look is on 2000-01-31") != 1 {
			t.Errorf("its owner is told: %+v", c.messages())
		}
		c.directory.Heal()
		pass(25 * time.Hour)
		if !c.directory.Done(account.ID, exeunt.Disable) {
			t.Error("what came back was not cut again")
		}
	})
}

// TestARefusedLookIsToldOnce: what is refused today is refused in an hour, too.
func TestARefusedLookIsToldOnce(t *testing.T) {
	for kind, want := range map[exeunt.ErrorKind]struct{ looks, alerts int }{
		exeunt.Denied:    {2 * (3 + 7), 4}, // two steps, on each of the three days and on seven more; of the last look at its beginning and its end
		exeunt.Invalid:   {2 * (3 + 7), 4},
		exeunt.Temporary: {2 * (5 + 59), 0}, // after 1, 2, 4, 8, 16 hours and then once a day
	} {
		t.Run(string(kind), func(t *testing.T) {
			inBubble(t, func(t *testing.T, c *company) {
				c.departed()
				c.directory.Fail(connectortest.Observe, connectortest.Always, exeunt.Errorf(kind, "the directory does not say"))
				pass(60 * 24 * time.Hour)
				looks := storetest.Count(t, c.store, "SELECT COUNT(*) FROM outbox WHERE kind = 'step.look' AND system = 'directory'")
				if alerts := c.alerts("refuses to show"); looks > want.looks || looks == 0 || alerts != want.alerts {
					t.Errorf("%d entries and %d alerts in sixty days, want %d and %d", looks, alerts, want.looks, want.alerts)
				}
			})
		})
	}
}
