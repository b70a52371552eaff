package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// asIs completes nothing.
func asIs(*exeunt.Departure) error { return nil }

// orphaned is somebody whose departure missed an account: it is over, and a reconciliation has found what is open.
func (c *company) orphaned() (orphan exeunt.Account, found exeunt.Finding) {
	c.t.Helper()
	before := c.departed()
	orphan = c.directory.Hire(leaving().Leaver, "eng")
	c.directory.Vanish(before.ID)
	pass(24 * time.Hour) // until the last day is over at the place of work
	return orphan, c.foundOrphan()
}

// foundOrphan compares somebody else with the systems, and returns the one orphan of the leaver.
func (c *company) foundOrphan() exeunt.Finding {
	c.t.Helper()
	c.reconcile([]exeunt.Worker{{Leaver: exeunt.Leaver{ID: "E9", Name: "Somebody Else"}}})
	pass(time.Minute)
	orphans := c.findings("directory", exeunt.FoundOrphaned)
	if len(orphans) != 1 {
		c.t.Fatalf("%+v", orphans)
	}
	return orphans[0]
}

// What was found is about yesterday: who was hired again or stays since then keeps everything.
func TestNobodyWhoIsBackIsCleanedUpAfter(t *testing.T) {
	for name, kind := range map[string]exeunt.TriggerKind{"hired again": exeunt.Rehired, "stays": exeunt.Rescinded} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, c *company) {
				orphan, found := c.orphaned()
				c.hear("2", kind, leaving())
				pass(time.Hour)
				if id, err := c.do().CleanUp(t.Context(), found.ID, "", asIs, hera); exeunt.KindOf(err) != exeunt.Conflict {
					t.Errorf("case %s, %v", id, err)
				}
				pass(time.Hour)
				if c.directory.Done(orphan.ID, exeunt.Disable) {
					t.Error("access was cut of somebody who " + name)
				}
				if again := c.foundOrphan(); again.Leaver != "" {
					t.Errorf("compared again: %+v", again)
				}
			})
		})
	}
}

// Whoever left before there were cases is somebody of an entity: what a person would have had to write down is filled in.
func TestTheWholeDepartureIsCompletedOrRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		l := leaving().Leaver
		l.Zone, l.Country = "", ""
		c.directory.Hire(l, "eng")
		paid := c.payroll.Hire(l)
		c.reconcile([]exeunt.Worker{{Leaver: exeunt.Leaver{ID: "E9", Name: "Somebody Else"}}, {Leaver: l, LeftOn: "1999-06-30"}})
		pass(time.Minute)
		found := c.findings("directory", exeunt.FoundOrphaned)[0]
		refused := exeunt.Errorf(exeunt.Invalid, "no such entity")
		if _, err := c.do().CleanUp(t.Context(), found.ID, "", func(*exeunt.Departure) error { return refused }, hera); err != refused {
			t.Errorf("of an entity that nobody has configured: %v", err)
		}
		if _, err := c.do().CleanUp(t.Context(), found.ID, "", func(d *exeunt.Departure) error {
			d.Leaver.Zone, d.Leaver.Country = "America/Chicago", "US"
			return nil
		}, hera); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		f := c.only()
		if got := f.Case.Leaver(); got.Zone != "America/Chicago" || got.Country != "US" || f.Case.Departure.TerminationDate != "1999-06-30" {
			t.Errorf("%+v", f.Case.Departure)
		}
		if c.payroll.Done(paid.ID, exeunt.ScheduleFinalPay) || !c.payroll.Done(paid.ID, exeunt.EndEmployment) {
			t.Error("somebody who was paid long ago is paid again, or never ended in payroll")
		}
		if heard, err := c.store.HeardOf(t.Context(), l.Key()); err != nil || heard.Kind != exeunt.Announced {
			t.Errorf("what HR said before that counts as news: %+v, %v", heard, err)
		}
	})
}

// A finding is seen to by a case that does something about it, and is one whole with it.
func TestWhatACleanUpDoesNothingAboutStaysToBeDecided(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.orphaned()
		c.payroll.Vanish("account-1")
		missed := c.payroll.Hire(leaving().Leaver)
		c.reconcile([]exeunt.Worker{{Leaver: exeunt.Leaver{ID: "E9", Name: "Somebody Else"}}})
		pass(time.Minute)
		found := c.findings("directory", exeunt.FoundOrphaned)[0]
		c.inventory = slices.DeleteFunc(slices.Clone(c.inventory), func(s exeunt.System) bool { return s.Name == "payroll" })
		open := c.findings("payroll", exeunt.FoundOrphaned)
		i := slices.IndexFunc(open, func(f exeunt.Finding) bool { return f.Accounts[0].ID == missed.ID })
		if i < 0 || open[i].Leaver == "" {
			t.Fatalf("%+v", open)
		}
		if _, err := c.do().CleanUp(t.Context(), open[i].ID, "", asIs, hera); exeunt.KindOf(err) != exeunt.Unsupported {
			t.Errorf("nothing ends it: %v", err)
		}
		if _, err := c.do().CleanUp(t.Context(), found.ID, "", asIs, hera); err != nil {
			t.Fatal(err)
		}
		if d, p := c.findings("directory", exeunt.FoundOrphaned), c.findings("payroll", exeunt.FoundOrphaned); d[0].Decided == nil || p[i].Decided != nil {
			t.Errorf("seen to: %+v; still to be decided: %+v", d[0].Decided, p[i].Decided)
		}
		if n := storetest.Count(t, c.store, "SELECT COUNT(*) FROM mappings"); n != 0 {
			t.Errorf("%d accounts count as confirmed for good", n)
		}
	})
}
