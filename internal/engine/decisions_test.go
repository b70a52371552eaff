package engine_test

import (
	"slices"
	"strings"
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
		c.waive(1, "directory-disable")
		pass(5 * time.Second)
		if got := c.task("wiki-check"); got.State != exeunt.TaskOpen {
			t.Fatalf("the check is %s", got.State)
		}
		told := func() bool {
			return slices.ContainsFunc(c.messages(), func(n exeunt.Notice) bool { return n.Task == "wiki-check" && n.Kind == exeunt.NoticeAssigned })
		}
		if told() {
			t.Errorf("told while held: %+v", c.messages())
		}
		if err := c.engine.As(exeunt.Viewer{}).ReleaseCase(t.Context(), 1, ana); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		if !told() {
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

// waive overrides a step, confirmed by a second person where that is needed.
func (c *company) waive(id exeunt.CaseID, key string) {
	c.t.Helper()
	state, err := c.engine.As(exeunt.Viewer{}).WaiveStep(c.t.Context(), id, key, ana, 0)
	if err == nil && state == exeunt.DeviationAsked {
		err = c.engine.As(exeunt.Viewer{}).DecideTask(c.t.Context(), c.asks(exeunt.AsksConfirmation).ID, nil, true, lea)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// asks is the open task that asks for a decision.
func (c *company) asks(what exeunt.TaskAsks) exeunt.Task {
	c.t.Helper()
	for _, t := range c.only().Tasks {
		if t.Asks == what && t.State == exeunt.TaskOpen {
			return t
		}
	}
	c.t.Fatalf("no task asks for an %s", what)
	return exeunt.Task{}
}

// destroys makes the removal of groups an action that loses data.
func (c *company) destroys() exeunt.Departure {
	c.inventory[0].Actions[1].Destructive = true
	d := leaving()
	c.directory.Hire(d.Leaver, "eng")
	c.payroll.Hire(d.Leaver)
	return d
}

func TestALegalHoldOfHRHoldsWhatDestroysAndNothingElse(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := c.destroys()
		d.Leaver.Flags = []exeunt.Flag{exeunt.LitigationHold}
		c.hear("1", exeunt.Announced, d)
		pass(10 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "directory-remove-groups": exeunt.StepHeld})
		s := c.step("directory-remove-groups")
		if hold := s.HeldFor(exeunt.HoldLegal); hold == nil || hold.Owner.Role != exeunt.LegalRole || !strings.Contains(s.Reason, "legal hold") {
			t.Errorf("%+v %q", s.Holds, s.Reason)
		}
		pass(30 * 24 * time.Hour)
		if got := c.directory.Applied(exeunt.RemoveGroups); got != 0 {
			t.Fatalf("groups were removed %d times under a legal hold", got)
		}
		c.hear("2", exeunt.Announced, withoutFlags(d)) // HR forgets the flag: only legal lifts the hold
		pass(time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-remove-groups": exeunt.StepHeld})
		c.releaseLegal(ana, lea)
		pass(10 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-remove-groups": exeunt.StepConfirmed})
		c.hasEntry(exeunt.EntryLegalReleased)
	})
}

func withoutFlags(d exeunt.Departure) exeunt.Departure {
	d.Leaver.Flags = nil
	d.Leaver.Name += " II"
	return d
}

func (c *company) releaseLegal(one, two exeunt.Override) {
	c.t.Helper()
	if _, err := c.engine.As(exeunt.Viewer{}).AskLegalRelease(c.t.Context(), 1, one, 0); err != nil {
		c.t.Fatal(err)
	}
	ask := c.asks(exeunt.AsksConfirmation)
	if err := c.engine.As(exeunt.Viewer{}).DecideTask(c.t.Context(), ask.ID, nil, true, one); exeunt.KindOf(err) != exeunt.Denied {
		c.t.Errorf("one person released a legal hold: %v", err)
	}
	if err := c.engine.As(exeunt.Viewer{}).DecideTask(c.t.Context(), ask.ID, nil, true, two); err != nil {
		c.t.Fatal(err)
	}
}

func TestALegalHoldIsPlacedOnARunningCase(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		c.inventory[0].Actions[1].Destructive = true
		c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(time.Minute)
		if err := c.engine.As(exeunt.Viewer{}).PlaceLegalHold(t.Context(), 1, lea); err != nil {
			t.Fatal(err)
		}
		pass(20 * time.Minute) // the cut-off passes
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "directory-remove-groups": exeunt.StepHeld})
		c.hasEntry(exeunt.EntryLegalHold)
		c.hasEntry(exeunt.EntryStepHeld)
	})
}

// A connector whose description learns that an action destroys, after the plan was made, is held all the same.
func TestTheLastLineOfALegalHold(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		d.Leaver.Flags = []exeunt.Flag{exeunt.LitigationHold}
		c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(time.Minute)
		c.stop() // the connector of the next version says that it loses data
		c.inventory[0].Actions[1].Destructive = true
		c.start()
		pass(20 * time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "directory-remove-groups": exeunt.StepHeld})
		if got := c.directory.Applied(exeunt.RemoveGroups); got != 0 {
			t.Errorf("removed %d times", got)
		}
	})
}

func TestAStepWaitsForTheApprovalOfASecondPerson(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.approvals = exeunt.Approvals{Destructive: true, Approver: "it", Lasts: time.Hour}
		d := c.destroys()
		id, err := c.engine.As(exeunt.Viewer{}).StartCase(t.Context(), d, ana)
		if err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "directory-remove-groups": exeunt.StepHeld})
		ask := c.asks(exeunt.AsksApproval)
		people := c.engine.As(exeunt.Viewer{})
		if err := people.DecideTask(t.Context(), ask.ID, nil, true, ana); exeunt.KindOf(err) != exeunt.Denied {
			t.Errorf("approved by who started it: %v", err)
		}
		if err := people.CompleteTask(t.Context(), ask.ID, nil, "", "Lea Roth"); exeunt.KindOf(err) != exeunt.Denied {
			t.Errorf("completed instead of approved: %v", err)
		}
		if err := people.ReassignTask(t.Context(), ask.ID, exeunt.Person{Name: "Lea", Email: "lea@x.example"}, lea); exeunt.KindOf(err) != exeunt.Denied {
			t.Errorf("somebody asked themselves: %v", err)
		}
		pass(90 * time.Minute) // nobody answers: the next in line is asked
		if got := c.asks(exeunt.AsksApproval); got.Owner.Name != "Dora Deputy" || !got.Deadline.After(time.Now()) {
			t.Errorf("escalated to %s, due %s", got.Owner, got.Deadline)
		}
		pass(90 * time.Minute)
		if got := c.asks(exeunt.AsksApproval).Owner; got.Name != "Operator" {
			t.Errorf("escalated to %s", got)
		}
		c.hasEntry(exeunt.EntryEscalated)
		if err := people.DecideTask(t.Context(), ask.ID, nil, false, lea); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		c.expect(map[string]exeunt.StepState{"directory-remove-groups": exeunt.StepFailed})
		if got := c.task("directory-remove-groups-by-hand"); got.State != exeunt.TaskOpen || !strings.Contains(got.Reason, "rejected by Lea Roth") {
			t.Errorf("%s %s", got.State, got.Reason)
		}
		// What was rejected is not let through by being tried again.
		if err := people.RetryStep(t.Context(), id, "directory-remove-groups", ana); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-remove-groups": exeunt.StepHeld})
		if err := people.DecideTask(t.Context(), c.asks(exeunt.AsksApproval).ID, []string{"directory-remove-groups"}, true, lea); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-remove-groups": exeunt.StepConfirmed})
	})
}

func TestADangerousOverrideNeedsTwoPeopleInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.hear("1", exeunt.Announced, soon()) // nobody of that name has an account
		pass(time.Minute)
		people := c.engine.As(exeunt.Viewer{})
		state, err := people.WaiveStep(t.Context(), 1, "directory-disable", ana, time.Hour)
		if err != nil || state != exeunt.DeviationAsked {
			t.Fatalf("%s, %v", state, err)
		}
		if got := c.step("directory-disable").State; got == exeunt.StepWaived {
			t.Fatal("waived by one person")
		}
		late := c.asks(exeunt.AsksConfirmation)
		pass(61 * time.Minute)
		if err := people.DecideTask(t.Context(), late.ID, nil, true, lea); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("confirmed too late: %v", err)
		}
		if got := c.only().Case.Overrides[0]; got.State != exeunt.DeviationExpired {
			t.Errorf("%+v", got)
		}
		if c.alerts("Nobody confirmed in time") != 1 {
			t.Error("who asked was not told")
		}
		c.waive(1, "directory-disable")
		s := c.step("directory-disable")
		if s.State != exeunt.StepWaived || !strings.Contains(s.Reason, "Ana Silva and Lea Roth") {
			t.Errorf("%s %q", s.State, s.Reason)
		}
		for _, kind := range []exeunt.EntryKind{exeunt.EntryAsked, exeunt.EntryExpired, exeunt.EntryWaived} {
			c.hasEntry(kind)
		}
	})
}

// The flag that legal has released does not hold what a later amendment plans anew.
func TestALegalReleaseOutlastsAnAmendment(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := c.destroys()
		d.Leaver.Flags = []exeunt.Flag{exeunt.LitigationHold}
		c.hear("1", exeunt.Announced, d)
		pass(10 * time.Second)
		c.releaseLegal(ana, lea)
		pass(10 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-remove-groups": exeunt.StepConfirmed})
		d.Immediate, d.LastDay, d.TerminationDate = false, "2000-03-01", "2000-03-01"
		c.hear("2", exeunt.Announced, d)
		pass(10 * time.Second)
		again := 0
		for _, s := range c.only().Steps {
			if s.Action == exeunt.RemoveGroups && s.State == exeunt.StepScheduled {
				again++
			}
			if s.State == exeunt.StepHeld {
				t.Errorf("%s is held", s.Key)
			}
		}
		if again != 1 {
			t.Errorf("%d steps are planned anew", again)
		}
	})
}

func TestTheLastLineOfAnApproval(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(time.Second)
		step := c.step("directory-remove-groups")
		step.Approval = &exeunt.Approval{Role: "it", Owner: exeunt.Person{Name: "Ida", Email: "ida@acme.example"}, For: "it loses data"}
		change := exeunt.Change{Steps: []exeunt.Step{step}}
		change.Record(exeunt.EntryLooked, step, time.Now(), "needs an approval", nil)
		if err := c.store.Commit(t.Context(), &change); err != nil {
			t.Fatal(err)
		}
		pass(30 * time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "directory-remove-groups": exeunt.StepHeld})
		if got := c.directory.Applied(exeunt.RemoveGroups); got != 0 {
			t.Errorf("removed %d times", got)
		}
		if err := c.engine.As(exeunt.Viewer{}).DecideTask(t.Context(), c.asks(exeunt.AsksApproval).ID, nil, true, lea); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-remove-groups": exeunt.StepConfirmed})
	})
}
