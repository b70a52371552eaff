package engine_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

var vera = exeunt.Viewer{Name: "Hera Lind", Email: "vera.lind@northwind.example"}

// secret is somebody who leaves at once, under embargo until two hours after the bubble begins, which it does at
// 16:00 in Los Angeles.
func secret() exeunt.Departure {
	d := leaving()
	d.Embargo = &exeunt.EmbargoTerms{Until: "1999-12-31 18:00", VisibleTo: []string{vera.Email}}
	return d
}

// quiet fails when anything was done, or anybody told.
func (c *company) quiet() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.directory.Applied(exeunt.Disable)+c.payroll.Applied(exeunt.EndEmployment) > 0 || len(c.told) > 0 {
		c.t.Errorf("before the reveal: %d and %d actions, told %+v", c.directory.Applied(exeunt.Disable), c.payroll.Applied(exeunt.EndEmployment), c.told)
	}
}

func TestAtItsRevealTimeAllOfACaseStartsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(secret().Leaver)
		c.payroll.Hire(secret().Leaver)
		c.hear("1", exeunt.Announced, secret())
		pass(time.Hour)
		c.hear("2", exeunt.Announced, leaving()) // HR says it again and leaves the embargo out
		d := leaving()
		d.Type = exeunt.Layoff // and then changes something
		c.hear("3", exeunt.Announced, d)
		pass(59 * time.Minute)
		c.quiet()
		if !c.only().Case.Embargoed() {
			t.Fatal("the embargo was lifted by what HR left out")
		}
		pass(time.Minute + time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "payroll-end-employment": exeunt.StepConfirmed})
		c.hasEntry(exeunt.EntryRevealed)
		c.wasTold(exeunt.NoticeAssigned, "tom.reyes@northwind.example")
		if begun := c.step("directory-disable").BegunAt; begun.Before(time.Date(2000, 1, 1, 2, 0, 0, 0, time.UTC)) {
			t.Errorf("access was cut at %s", begun)
		}
	})
}

func TestARevealThatFellIntoAnOutageIsCaughtUp(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(secret().Leaver)
		c.payroll.Hire(secret().Leaver)
		c.hear("1", exeunt.Announced, secret())
		pass(time.Minute)
		c.stop()
		pass(8 * time.Hour)
		c.quiet()
		c.start()
		pass(5 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed})
		c.hasEntry(exeunt.EntryRevealed)
		for _, e := range c.only().Entries {
			if e.Kind == exeunt.EntryRevealed && e.What != "embargo ended, 6h1m0s late: nothing ran at its time" {
				t.Errorf("recorded: %q", e.What)
			}
		}
	})
}

func TestAnEmbargoIsEndedOrExtendedByWhoIsOnItsListOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(secret().Leaver)
		c.payroll.Hire(secret().Leaver)
		by := exeunt.Override{By: "Hera Lind", Reason: "the works council was told"}
		id, err := c.engine.As(vera).StartCase(t.Context(), secret(), by)
		if err != nil {
			t.Fatal(err)
		}
		admin := c.engine.As(exeunt.Viewer{Email: "ida@northwind.example", Roles: []string{"admin"}})
		later := exeunt.EmbargoTerms{Until: "1999-12-31 20:00"}
		for what, err := range map[string]error{
			"reveal": admin.RevealCase(t.Context(), id, by), "extend": admin.ExtendEmbargo(t.Context(), id, later, by),
			"nothing": admin.RevealCase(t.Context(), 999, by),
		} {
			if exeunt.KindOf(err) != exeunt.NotFound {
				t.Errorf("%s by an administrator who is not on the list: %v", what, err)
			}
		}
		if err := c.engine.As(vera).ExtendEmbargo(t.Context(), id, later, by); err != nil {
			t.Fatal(err)
		}
		pass(3 * time.Hour)
		c.quiet()
		if err := c.engine.As(vera).RevealCase(t.Context(), id, by); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed})
		c.wasTold(exeunt.NoticeAssigned, "tom.reyes@northwind.example")
	})
}

func TestWhatIsTakenBackUnderEmbargoStaysBetweenThoseWhoKnew(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := storetest.Departure("E1", "2000-01-20")
		d.Embargo = secret().Embargo
		c.hear("1", exeunt.Announced, d)
		pass(time.Minute)
		c.hear("2", exeunt.Rescinded, d)
		pass(24 * time.Hour)
		c.quiet()
		if k := c.only().Case; k.Open() || k.VisibleTo(exeunt.Viewer{}) {
			t.Errorf("the case is %s, open: %t, visible: %t", k.State, k.Open(), k.VisibleTo(exeunt.Viewer{}))
		}
	})
}

// TestWhoIsHiredAgainUnderEmbargoIsRevealedAtItsTime: the embargo outlasts the last day, and pay has waited for it.
func TestWhoIsHiredAgainUnderEmbargoIsRevealedAtItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := secret()
		d.LastDay, d.TerminationDate, d.Embargo.Until = "1999-12-31", "1999-12-31", "2000-01-05 09:00"
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(48 * time.Hour)
		back := d
		back.Leaver.HiredOn = "2000-01-02"
		c.hear("2", exeunt.Rescinded, back)
		pass(time.Minute)
		c.quiet()
		if k := c.only().Case; k.State != exeunt.CaseRehired || !k.Embargoed() {
			t.Fatalf("the case is %s, under embargo: %t", k.State, k.Embargoed())
		}
		pass(5 * 24 * time.Hour)
		if c.only().Case.Embargoed() {
			t.Fatal("nobody revealed it")
		}
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepCancelled, "payroll-end-employment": exeunt.StepConfirmed})
		if c.directory.Applied(exeunt.Disable) != 0 {
			t.Error("access was cut that is needed now")
		}
	})
}
