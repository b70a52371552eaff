package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

var (
	ana = exeunt.Override{By: "Ana Silva", Account: "ana@x.example", Reason: "the date is disputed"}
	lea = exeunt.Override{By: "Lea Roth", Account: "lea@x.example", Reason: "checked with the works council"}
)

func TestWhileACaseIsHeldNothingActsAndNobodyIsChased(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(soon().Leaver, "eng")
		c.payroll.Hire(soon().Leaver)
		c.hear("1", exeunt.Announced, soon())
		pass(time.Minute)
		if err := c.engine.As(exeunt.Viewer{}).HoldCase(t.Context(), 1, ana); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		told := len(c.messages())
		pass(3 * time.Hour) // every deadline passes
		if got := c.messages()[told:]; len(got) != 0 {
			t.Errorf("somebody was chased: %+v", got)
		}
		if f := c.only(); f.Case.State != exeunt.CaseHeld || c.directory.Applied(exeunt.Disable) != 0 {
			t.Fatalf("the case is %s, and the account was disabled %d times", f.Case.State, c.directory.Applied(exeunt.Disable))
		}
		if err := c.engine.As(exeunt.Viewer{}).ReleaseCase(t.Context(), 1, lea); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed})
		pass(time.Minute)
		if !slices.ContainsFunc(c.messages()[told:], func(n exeunt.Notice) bool { return n.Kind == exeunt.NoticeLate }) {
			t.Error("what is late is not chased after the release")
		}
		c.hasEntry(exeunt.EntryHeld)
		c.hasEntry(exeunt.EntryReleased)
	})
}

// Work that people settle while the case is held lets other work go, and tells nobody of it before the
// case goes on.
func TestWhatIsUnblockedWhileHeldIsToldAtTheRelease(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := storetest.Departure("E1", "1990-01-01") // doubtful: held from the beginning
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Second)
		if err := c.engine.As(exeunt.Viewer{}).WaiveStep(t.Context(), 1, "directory-disable", lea); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		if got := c.task("wiki-check"); got.State != exeunt.TaskOpen {
			t.Fatalf("the check is %s", got.State)
		}
		if got := c.messages(); len(got) != 0 {
			t.Errorf("told while held: %+v", got)
		}
		if err := c.engine.As(exeunt.Viewer{}).ReleaseCase(t.Context(), 1, ana); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		if !slices.ContainsFunc(c.messages(), func(n exeunt.Notice) bool { return n.Task == "wiki-check" && n.Kind == exeunt.NoticeAssigned }) {
			t.Errorf("nobody was told of the check: %+v", c.messages())
		}
	})
}

// messages are those delivered so far.
func (c *company) messages() []exeunt.Notice {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.told)
}
