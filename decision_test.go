package exeunt_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

var lea = exeunt.Override{By: "Lea Roth", Account: "lea@x.example", Reason: "checked with the works council"}

// wiping is a departure with one step that loses data and one that does not.
func wiping(t *testing.T, approvals exeunt.Approvals, flags ...exeunt.Flag) exeunt.Plan {
	t.Helper()
	d := leaving
	d.Immediate = true
	d.Leaver.Flags = flags
	system := live("directory", "", exeunt.Disable, "wipe")
	system.Tier = 1
	system.Actions[1].Destructive = true
	policy := exeunt.Policy{Name: "p", Rules: []exeunt.Rule{everywhere(exeunt.Disable, "wipe")}, Approvals: approvals}
	plan, err := exeunt.Draft(policy, exeunt.Case{ID: 1, Departure: d, Owner: hilde}, []exeunt.System{system}, someone, monday)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func opened(t *testing.T, p exeunt.Plan) (exeunt.Case, []exeunt.Step, []exeunt.Task) {
	t.Helper()
	change := p.Open(exeunt.Trigger{Source: "hr", EventID: "e1"}, "", monday)
	for i := range change.Tasks {
		change.Tasks[i].ID = exeunt.TaskID(i + 1)
	}
	return *change.Case, change.Steps, change.Tasks
}

func TestWhatNeedsApproval(t *testing.T) {
	for _, c := range []struct {
		name      string
		approvals exeunt.Approvals
		flags     []exeunt.Flag
		held      []string
	}{
		{"nothing", exeunt.Approvals{}, nil, nil},
		{"what loses data", exeunt.Approvals{Destructive: true}, nil, []string{"directory-wipe"}},
		{"everything of privileged people", exeunt.Approvals{Flags: []exeunt.Flag{exeunt.Privileged}}, []exeunt.Flag{exeunt.Privileged}, []string{"directory-disable", "directory-wipe"}},
		{"nothing of others", exeunt.Approvals{Flags: []exeunt.Flag{exeunt.Privileged}}, []exeunt.Flag{exeunt.OnLeave}, nil},
	} {
		plan := wiping(t, c.approvals, c.flags...)
		var held []string
		for _, s := range plan.Steps {
			if s.State == exeunt.StepHeld {
				held = append(held, s.Key)
			}
		}
		tasks := 0
		for _, task := range plan.Tasks {
			if task.Asks == exeunt.AsksApproval {
				tasks++
				if strings.Join(task.Approves, " ") != strings.Join(c.held, " ") {
					t.Errorf("%s: asks about %v", c.name, task.Approves)
				}
			}
		}
		if strings.Join(held, " ") != strings.Join(c.held, " ") || tasks != min(len(c.held), 1) {
			t.Errorf("%s: %v held, %d tasks ask", c.name, held, tasks)
		}
	}
}

func TestARuleAndASystemCanWantApproval(t *testing.T) {
	system := live("directory", "", exeunt.Disable)
	rule := everywhere(exeunt.Disable)
	for _, approver := range []string{"rule", "system"} {
		r, s := rule, system
		if approver == "rule" {
			r.Approver = "it"
		} else {
			s.Approver = "it"
		}
		plan, err := exeunt.Draft(exeunt.Policy{Name: "p", Rules: []exeunt.Rule{r}}, exeunt.Case{ID: 1, Departure: leaving}, []exeunt.System{s}, someone, monday)
		if err != nil || plan.Steps[0].State != exeunt.StepHeld || plan.Steps[0].Approval.Role != "it" || len(plan.Tasks) != 1 {
			t.Errorf("%s: %v %+v", approver, err, plan.Steps)
		}
	}
}

func TestOneStepIsApprovedAndAnotherRejected(t *testing.T) {
	c, steps, tasks := opened(t, wiping(t, exeunt.Approvals{Flags: []exeunt.Flag{exeunt.Protected}}, exeunt.Protected))
	c.Override = &ana
	ask := tasks[0]
	if _, err := c.Decide(ask, steps, nil, true, ana, monday); exeunt.KindOf(err) != exeunt.Denied {
		t.Errorf("by who started it: %v", err)
	}
	self := exeunt.Override{By: "Jane", Account: "jane@acme.example", Reason: "I want to go right now"}
	if _, err := c.Decide(ask, steps, nil, true, self, monday); exeunt.KindOf(err) != exeunt.Denied {
		t.Errorf("by who leaves: %v", err)
	}
	if _, err := c.Decide(ask, steps, nil, true, exeunt.Override{By: "Lea", Reason: "ok"}, monday); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("without a reason: %v", err)
	}
	one, err := c.Decide(ask, steps, []string{"directory-disable"}, true, lea, monday)
	if err != nil || len(one.Steps) != 1 || one.Steps[0].State != exeunt.StepReady || one.Steps[0].Approval.By.By != lea.By || one.Tasks[0].State != exeunt.TaskOpen {
		t.Fatalf("%v %+v", err, one)
	}
	steps[0] = one.Steps[0]
	two, err := c.Decide(one.Tasks[0], steps, nil, false, lea, monday)
	if err != nil {
		t.Fatal(err)
	}
	if at, due := two.Steps[0].DueAt(); due {
		t.Errorf("what was rejected goes on by itself at %s", at)
	}
	if s := two.Steps[0]; s.State != exeunt.StepFailed || len(s.Holds) != 0 || !strings.Contains(s.Reason, lea.Reason) {
		t.Errorf("%+v", s)
	}
	fallback, done := find(t, two.Tasks, taskKey, "directory-wipe-by-hand"), find(t, two.Tasks, taskKey, ask.Key)
	if fallback.State != exeunt.TaskOpen || done.State != exeunt.TaskDone || done.DoneBy != lea.By {
		t.Errorf("%+v %+v", fallback, done)
	}
	if _, err := c.Decide(done, steps, nil, true, lea, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("decided twice: %v", err)
	}
}

func TestALegalHoldStopsWhatDestroysInEveryState(t *testing.T) {
	for _, c := range []struct {
		state exeunt.StepState
		after bool
		want  exeunt.StepState
	}{
		{exeunt.StepReady, false, exeunt.StepHeld}, {exeunt.StepScheduled, false, exeunt.StepHeld}, {exeunt.StepRunning, false, exeunt.StepHeld},
		{exeunt.StepFailed, false, exeunt.StepHeld}, {exeunt.StepWaiting, true, exeunt.StepWaiting}, {exeunt.StepConfirmed, false, ""}, {exeunt.StepWaived, false, ""},
	} {
		of, steps, _ := opened(t, wiping(t, exeunt.Approvals{}))
		steps[1].State = c.state
		if c.after {
			steps[1].After = []exeunt.Dependency{{Key: "x", Because: "y"}}
		}
		tasks := []exeunt.Task{{Case: 1, Key: "directory-wipe-by-hand", State: exeunt.TaskOpen, Steps: []string{"directory-wipe"}}}
		change, err := of.PlaceLegalHold(steps, tasks, hilde, lea, monday)
		if err != nil {
			t.Fatal(err)
		}
		if c.want == "" {
			if len(change.Steps) != 0 {
				t.Errorf("%s: %+v", c.state, change.Steps)
			}
			continue
		}
		if len(change.Steps) != 1 || change.Steps[0].Key != "directory-wipe" || change.Steps[0].State != c.want || change.Steps[0].HeldFor(exeunt.HoldLegal).Owner != hilde {
			t.Errorf("%s: %+v", c.state, change.Steps)
		}
		if withdrawn := len(change.Tasks) == 1 && change.Tasks[0].State == exeunt.TaskWithdrawn; withdrawn != (c.state == exeunt.StepFailed) {
			t.Errorf("%s: the stand-in is %+v", c.state, change.Tasks)
		}
		if _, err := change.Case.PlaceLegalHold(steps, nil, hilde, lea, monday); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("placed twice: %v", err)
		}
	}
}

func TestAStandInForSeveralStepsLosesOnlyWhatALegalHoldForbids(t *testing.T) {
	of, steps, _ := opened(t, wiping(t, exeunt.Approvals{}))
	failed := exeunt.GiveUpAll(steps, troubled(exeunt.GaveUp, exeunt.NotFound), monday)
	change, err := of.PlaceLegalHold(failed.Steps, failed.Tasks, hilde, lea, monday)
	if err != nil {
		t.Fatal(err)
	}
	if task := change.Tasks[0]; task.State != exeunt.TaskOpen || strings.Join(task.Steps, " ") != "directory-disable" || len(task.Checklist) != 1 {
		t.Errorf("%+v", task)
	}
}

func TestALegalHoldEndsByTwoPeople(t *testing.T) {
	c, steps, _ := opened(t, wiping(t, exeunt.Approvals{Destructive: true}, exeunt.LitigationHold))
	wipe := find(t, steps, stepKey, "directory-wipe")
	if len(wipe.Holds) != 2 || c.LegalHold == nil || c.LegalHold.Owner != someone(exeunt.LegalRole, c.Leaver()) {
		t.Fatalf("%+v %+v", wipe.Holds, c.LegalHold)
	}
	asked, err := c.AskLegalRelease(hilde, ana, time.Hour, monday)
	if err != nil || asked.Case.LegalHold == nil || asked.Case.Overrides[0].Standing(monday) != exeunt.DeviationAsked || asked.Case.Overrides[0].Standing(monday.Add(time.Hour)) != exeunt.DeviationExpired {
		t.Fatalf("%v %+v", err, asked.Case)
	}
	if _, err := asked.Case.AskLegalRelease(hilde, lea, time.Hour, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("asked twice: %v", err)
	}
	ask := asked.Tasks[0]
	refused, err := asked.Case.Confirm(ask, steps, nil, false, lea, monday)
	if err != nil || refused.Case.LegalHold == nil || refused.Case.Overrides[0].State != exeunt.DeviationRefused || len(refused.Steps) != 0 {
		t.Errorf("%v %+v", err, refused)
	}
	if _, err := asked.Case.Confirm(ask, steps, nil, true, ana, monday); exeunt.KindOf(err) != exeunt.Denied {
		t.Errorf("by one person: %v", err)
	}
	if _, err := asked.Case.Confirm(ask, steps, nil, true, lea, monday.Add(time.Hour)); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("too late: %v", err)
	}
	expired, err := asked.Case.Confirm(ask, steps, nil, false, lea, monday.Add(time.Hour))
	if err != nil || expired.Case.LegalHold == nil || expired.Case.Overrides[0].State != exeunt.DeviationExpired || expired.Tasks[0].State != exeunt.TaskWithdrawn {
		t.Errorf("nobody can settle what expired while the clocks of the case stood still: %v %+v", err, expired)
	}
	released, err := asked.Case.Confirm(ask, steps, nil, true, lea, monday)
	if err != nil || released.Case.LegalHold != nil || released.Case.Overrides[0].State != exeunt.DeviationDone || released.Case.Overrides[0].Second.By != lea.By {
		t.Fatalf("%v %+v", err, released.Case)
	}
	if s := released.Steps[0]; s.State != exeunt.StepHeld || s.HeldFor(exeunt.HoldLegal) != nil || s.HeldFor(exeunt.HoldApproval) == nil {
		t.Errorf("its approval is still missing: %+v", s)
	}
	if e := released.Entries[0]; e.Kind != exeunt.EntryLegalReleased || e.Actor != lea.By || e.Detail["asked_by"] != ana.By || e.Detail["placed_by"] == "" || e.Detail["reason"] != lea.Reason {
		t.Errorf("%+v", e)
	}
}

func TestALateFlagPlacesALegalHoldAndALackingOneLiftsNone(t *testing.T) {
	c, steps, tasks := opened(t, wiping(t, exeunt.Approvals{}))
	steps[1].State = exeunt.StepRunning // under way: stopped as well
	late := announced("2026-05-31")
	late.Departure.Immediate = true
	late.Departure.Leaver.Flags = []exeunt.Flag{exeunt.LitigationHold}
	change, err := c.Amend(late, wiping(t, exeunt.Approvals{}, exeunt.LitigationHold), steps, tasks, monday)
	if err != nil || change.Case.LegalHold == nil || find(t, change.Steps, stepKey, "directory-wipe").State != exeunt.StepHeld {
		t.Fatalf("%v %+v", err, change.Steps)
	}
	if !slices.ContainsFunc(change.Entries, func(e exeunt.Entry) bool { return e.Kind == exeunt.EntryLegalHold }) {
		t.Error("nothing tells of it")
	}
	steps[1] = find(t, change.Steps, stepKey, "directory-wipe")
	again, err := change.Case.Amend(announced("2026-06-30"), wiping(t, exeunt.Approvals{}), steps, tasks, monday)
	if err != nil || again.Case.LegalHold == nil {
		t.Fatalf("%v %+v", err, again.Case)
	}
	for _, s := range again.Steps {
		if s.Key == "directory-wipe" && s.State != exeunt.StepHeld {
			t.Errorf("%+v", s)
		}
	}
}

// What HR changes after somebody has approved is approved still; what is asked for in addition is asked about,
// and what is not asked for any more waits for nobody.
func TestAnAmendmentKeepsApprovalsAndAsksForOthers(t *testing.T) {
	wipes, both := exeunt.Approvals{Destructive: true}, exeunt.Approvals{Destructive: true, Flags: []exeunt.Flag{exeunt.Privileged}}
	c, steps, tasks := opened(t, wiping(t, wipes))
	approved, err := c.Decide(tasks[0], steps, nil, true, lea, monday)
	if err != nil {
		t.Fatal(err)
	}
	steps[1], tasks[0] = approved.Steps[0], approved.Tasks[0]
	privileged := announced("2026-05-31")
	privileged.Departure.Immediate = true
	privileged.Departure.Leaver.Flags = []exeunt.Flag{exeunt.Privileged}
	amended, err := c.Amend(privileged, wiping(t, both, exeunt.Privileged), steps, tasks, monday)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range amended.Steps {
		if want := map[string]exeunt.StepState{"directory-wipe": exeunt.StepReady, "directory-disable": exeunt.StepHeld}[s.Key]; s.State != want {
			t.Errorf("%s is %s", s.Key, s.State)
		}
	}
	ask := amended.Tasks[len(amended.Tasks)-1]
	if ask.Asks != exeunt.AsksApproval || strings.Join(ask.Approves, " ") != "directory-disable" {
		t.Fatalf("%+v", amended.Tasks)
	}
	ordinary := announced("2026-06-30")
	ordinary.Departure.Immediate = true
	back, err := amended.Case.Amend(ordinary, wiping(t, wipes), amended.Steps, []exeunt.Task{tasks[0], ask}, monday)
	if err != nil || find(t, back.Tasks, taskKey, ask.Key).State != exeunt.TaskWithdrawn || find(t, back.Steps, stepKey, "directory-disable").State != exeunt.StepReady {
		t.Errorf("%v %+v", err, back)
	}
}

// A step that had begun when an amendment asked for its approval is still in line: whoever comes to it holds it, and
// does not ask again.
func TestNobodyIsAskedTwiceAboutAStep(t *testing.T) {
	_, steps, tasks := opened(t, wiping(t, exeunt.Approvals{Destructive: true}))
	wipe := find(t, steps, stepKey, tasks[0].Approves[0])
	wipe.State = exeunt.StepReady
	if held := exeunt.HoldForApproval(wipe, monday); len(held.Tasks) != 0 || held.Steps[0].State != exeunt.StepHeld {
		t.Errorf("held for it already: %+v", held)
	}
	wipe.Holds = nil
	if held := exeunt.HoldForApproval(wipe, monday); len(held.Tasks) != 1 || held.Steps[0].State != exeunt.StepHeld {
		t.Errorf("nobody was asked: %+v", held)
	}
}

func TestAnOverrideNeedsANameAReasonAndSometimesASecondPerson(t *testing.T) {
	c, steps, _ := opened(t, wiping(t, exeunt.Approvals{}))
	failed := steps[0].Finish(troubled(exeunt.GaveUp, exeunt.Denied), monday)
	steps[0] = failed.Steps[0]
	for field, by := range map[string]exeunt.Override{"by": {Reason: lea.Reason}, "reason": {By: "Ida", Reason: "   because   "}} {
		_, err := c.Waive(steps[0].Key, steps, nil, hilde, by, 0, monday)
		if e, ok := err.(*exeunt.Error); !ok || e.Field != field {
			t.Errorf("%+v is accepted or refused for something else: %v", by, err)
		}
	}
	asked, err := c.Waive(steps[0].Key, steps, failed.Tasks, hilde, ana, 0, monday)
	if err != nil || len(asked.Steps) != 0 || asked.Tasks[0].Owner != hilde || asked.Entries[0].Kind != exeunt.EntryAsked {
		t.Fatalf("%v %+v", err, asked)
	}
	if _, err := asked.Case.Waive(steps[0].Key, steps, nil, hilde, lea, 0, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("asked twice: %v", err)
	}
	waived, err := asked.Case.Confirm(asked.Tasks[0], steps, failed.Tasks, true, lea, monday)
	if err != nil || waived.Steps[0].State != exeunt.StepWaived || waived.Steps[0].Proof != exeunt.Waived || find(t, waived.Tasks, taskKey, failed.Tasks[0].Key).State != exeunt.TaskWithdrawn {
		t.Errorf("%v %+v", err, waived)
	}
	steps[0].Tier = 2 // less dangerous: one person is enough
	alone, err := c.Waive(steps[0].Key, steps, failed.Tasks, hilde, ana, 0, monday)
	if err != nil || alone.Steps[0].State != exeunt.StepWaived || alone.Case.Overrides[0].State != exeunt.DeviationDone || alone.Case.Overrides[0].By != ana.By {
		t.Errorf("%v %+v", err, alone)
	}
	if _, err := alone.Case.Waive(steps[0].Key, alone.Steps, nil, hilde, ana, 0, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("a settled step is waived: %v", err)
	}
	shared := failed.Tasks[0]
	shared.Steps = append(shared.Steps, "another")
	if change, _ := c.Waive(steps[0].Key, steps, []exeunt.Task{shared}, hilde, ana, 0, monday); len(change.Tasks) != 0 {
		t.Error("a task that stands in for another step too is withdrawn")
	}
}

func TestAnOverriddenStepAsksForNoApprovalAnyMore(t *testing.T) {
	c, steps, tasks := opened(t, wiping(t, exeunt.Approvals{Destructive: true}))
	for i := range steps {
		steps[i].Tier = 3
	}
	change, err := c.Waive("directory-wipe", steps, tasks, hilde, ana, 0, monday)
	if err != nil || len(change.Tasks) != 1 || change.Tasks[0].State != exeunt.TaskWithdrawn || len(change.Steps[0].Holds) != 0 {
		t.Errorf("%v %+v", err, change)
	}
}

// What two people have released is not held again by the flag that is still there, but by one that is new.
func TestAReleasedLegalHoldIsPlacedAgainOnlyByANewFlag(t *testing.T) {
	c, steps, tasks := opened(t, wiping(t, exeunt.Approvals{}, exeunt.LitigationHold))
	asked, err := c.AskLegalRelease(hilde, ana, 0, monday)
	if err != nil {
		t.Fatal(err)
	}
	released, err := asked.Case.Confirm(asked.Tasks[0], steps, tasks, true, lea, monday)
	if err != nil {
		t.Fatal(err)
	}
	steps[1] = find(t, released.Steps, stepKey, "directory-wipe")
	still := announced("2026-06-30")
	still.Departure.Leaver.Flags = []exeunt.Flag{exeunt.LitigationHold}
	plan := func(c exeunt.Case, d exeunt.Departure) exeunt.Plan {
		t.Helper()
		system := live("directory", "", exeunt.Disable, "wipe")
		system.Actions[1].Destructive = true
		fresh, err := exeunt.Draft(exeunt.Policy{Name: "p", Rules: []exeunt.Rule{everywhere(exeunt.Disable, "wipe")}},
			exeunt.Case{ID: 1, Departure: d, Owner: hilde, LegalHold: c.LegalHold, Overrides: c.Overrides}, []exeunt.System{system}, someone, monday)
		if err != nil {
			t.Fatal(err)
		}
		return fresh
	}
	for _, step := range []struct {
		flags []exeunt.Flag
		held  bool
	}{{[]exeunt.Flag{exeunt.LitigationHold}, false}, {nil, false}, {[]exeunt.Flag{exeunt.LitigationHold}, true}} {
		still.Departure.Leaver.Flags = step.flags
		of := *released.Case
		change, err := of.Amend(still, plan(of, still.Departure), steps, tasks, monday)
		if err != nil || (change.Case.LegalHold != nil) != step.held {
			t.Fatalf("%v: %v, held %v", step.flags, err, change.Case.LegalHold)
		}
		wipe := find(t, change.Steps, stepKey, "directory-wipe")
		if (wipe.State == exeunt.StepHeld) != step.held {
			t.Errorf("%v: %s", step.flags, wipe.State)
		}
		released.Case, steps[1] = change.Case, wipe
	}
}

// A legal hold that is placed on what was rejected, and released again, approves nothing.
func TestALegalHoldDoesNotLetWhatWasRejectedGoOn(t *testing.T) {
	c, steps, tasks := opened(t, wiping(t, exeunt.Approvals{Destructive: true}))
	rejected, err := c.Decide(tasks[0], steps, []string{"directory-wipe"}, false, lea, monday)
	if err != nil {
		t.Fatal(err)
	}
	if back := exeunt.ComeBack(rejected.Steps, nil, "the account was found", monday); len(back.Steps) != 0 {
		t.Errorf("what was rejected comes back by itself: %+v", back.Steps)
	}
	for _, state := range []exeunt.CaseState{exeunt.CaseRunning, exeunt.CaseHeld} {
		c.State = state
		placed, err := c.PlaceLegalHold(rejected.Steps, rejected.Tasks, hilde, lea, monday)
		if err != nil {
			t.Fatal(err)
		}
		asked, err := placed.Case.AskLegalRelease(hilde, ana, time.Hour, monday)
		if err != nil {
			t.Fatal(err)
		}
		released, err := asked.Case.Confirm(asked.Tasks[0], placed.Steps, nil, true, lea, monday)
		if err != nil {
			t.Fatal(err)
		}
		wipe := find(t, released.Steps, stepKey, "directory-wipe")
		ask := find(t, released.Tasks, taskKey, "directory-wipe-approve")
		if wipe.State != exeunt.StepHeld || wipe.HeldFor(exeunt.HoldApproval) == nil || ask.State != exeunt.TaskOpen || len(released.Notices) == 1 != (state == exeunt.CaseRunning) {
			t.Fatalf("%s: %s, %+v, %d told", state, wipe.State, ask, len(released.Notices))
		}
		approved, err := c.Decide(ask, []exeunt.Step{wipe}, nil, true, lea, monday)
		if err != nil || approved.Steps[0].State != exeunt.StepReady {
			t.Errorf("approved after all: %v %+v", err, approved.Steps)
		}
	}
}

// A step that waited for others when it was rejected and held begins no more than one that did not.
func TestWhatWasRejectedIsNotUnblocked(t *testing.T) {
	s := ready()
	s.State, s.After, s.Approval = exeunt.StepWaiting, []exeunt.Dependency{{Key: "x", Because: "y"}}, &exeunt.Approval{Role: "it", For: "it loses data"}
	if s = s.Unblock(exeunt.Place{Zone: time.UTC}, noon); s.State != exeunt.StepHeld || !strings.Contains(s.Reason, "approval") {
		t.Errorf("%s %s", s.State, s.Reason)
	}
}

func TestWhoseDepartureEndsByARehireNeedsNoApprovalAnyMore(t *testing.T) {
	c, steps, tasks := opened(t, wiping(t, exeunt.Approvals{Destructive: true}))
	back := exeunt.Trigger{Source: "hr", Kind: exeunt.Rehired}
	later := back
	later.Departure.Leaver.HiredOn = "2031-01-01"
	kept, err := c.Rehire(later, steps, tasks, monday)
	if err != nil || slices.ContainsFunc(kept.Tasks, func(task exeunt.Task) bool { return task.Asks != "" }) {
		t.Errorf("before the last day the departure is still to be carried out: %v %+v", err, kept.Tasks)
	}
	ended, err := c.Rehire(back, steps, tasks, monday.AddDate(1, 0, 0))
	if err != nil || find(t, ended.Steps, stepKey, "directory-wipe").State != exeunt.StepCancelled {
		t.Fatalf("%v %+v", err, ended.Steps)
	}
	i := slices.IndexFunc(ended.Tasks, func(task exeunt.Task) bool { return task.Asks == exeunt.AsksApproval })
	if i < 0 || ended.Tasks[i].State != exeunt.TaskWithdrawn {
		t.Errorf("it asks for an approval that nothing waits for: %+v", ended.Tasks)
	}
}
