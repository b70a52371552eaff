package exeunt_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// begun is what a voluntary departure looks like before its cut-off, with its dates.
func begun(change map[string]string) map[string]string {
	all := map[string]string{
		"directory-disable": "scheduled 26-03-31 17:00", "directory-remove-groups": "scheduled 26-03-31 17:00", "chat-check": "waiting", "door-by-hand": "open 26-03-31 17:00",
		"payroll-end-employment": "confirmed", "payroll-schedule-final-pay": "waiting", "hours": "open 26-03-30 17:00", "purge": "open 33-04-01 00:00",
	}
	for key, state := range change {
		all[key] = state
	}
	return all
}

func started(t *testing.T) *file {
	f := newHouse().open(t, leavingAs(exeunt.Voluntary))
	f.work(monday.Add(time.Hour))
	f.expect("before", begun(nil))
	return f
}

// cut is the same a few hours after its cut-off, with what people did.
func cut(t *testing.T) *file {
	f := started(t)
	f.work(afterCutOff(f))
	f.complete("door-by-hand", "chat-check")
	f.expect("before", begun(map[string]string{"directory-disable": "confirmed", "directory-remove-groups": "confirmed", "chat-check": "done", "door-by-hand": "done", "hours": "open"}))
	return f
}

func (f *file) detail(name, want string) {
	f.t.Helper()
	if got := f.last.Entries[0].Detail[name]; got != want {
		f.t.Errorf("the record says %s: %q, want %q", name, got, want)
	}
}

func TestAnotherTypeTakesTheCaseToThePlanOfItsPolicy(t *testing.T) {
	f := started(t)
	f.amend(func(d *exeunt.Departure) { d.Type = exeunt.Layoff })
	want := begun(map[string]string{"papers": "open", "hours": "withdrawn", "payroll-schedule-final-pay": "scheduled 26-03-31 17:00"})
	f.expect("as a layoff", want)
	if s := f.step("directory-disable"); s.Deadline.Sub(s.StartsAt) != 2*time.Hour || f.c.AccessBy.Sub(f.c.CutOff) != 2*time.Hour || f.c.Policy != "layoff" || f.c.PolicyVersion != "l1" {
		t.Errorf("%s until %s, by the policy %s %s", s.Key, s.Deadline, f.c.Policy, f.c.PolicyVersion)
	}
	f.detail("policy_before", "standard s1")
	f.detail("policy", "layoff l1")
	f.detail("added", "papers")
	f.detail("cancelled", "hours")
	if reason := f.task("hours").Reason; !strings.Contains(reason, "policy is layoff, which does not ask for it") {
		t.Errorf("the task was withdrawn since %q", reason)
	}
	f.wasTold("papers", "legal@acme.example")
	f.amend(func(d *exeunt.Departure) { d.Type = exeunt.Voluntary })
	want["papers"], want["hours"], want["payroll-schedule-final-pay"] = "withdrawn", "open 26-03-30 17:00", "waiting"
	f.expect("and back", want)
}

func (f *file) wasTold(task, address string) {
	f.t.Helper()
	if !slices.ContainsFunc(f.last.Notices, func(n exeunt.Notice) bool { return n.Task == task && n.To.Email == address }) {
		f.t.Errorf("%s is not told of %s: %+v", address, task, f.last.Notices)
	}
}

func TestEarlierAndLaterDatesMoveWhatIsPending(t *testing.T) {
	f := started(t)
	f.amend(lastDay("2026-03-20"))
	f.expect("earlier", map[string]string{
		"directory-disable": "scheduled 26-03-20 17:00", "directory-remove-groups": "scheduled 26-03-20 17:00", "chat-check": "waiting", "door-by-hand": "open 26-03-20 17:00",
		"payroll-end-employment": "confirmed", "payroll-schedule-final-pay": "waiting", "hours": "open 26-03-19 17:00", "purge": "open 33-03-21 00:00",
		"decide-2": "open",
	})
	if list := f.task("decide-2").Checklist; len(list) != 1 || !strings.Contains(list[0], "payroll: Do end employment, done with the last day 2026-03-31") {
		t.Errorf("to decide: %v", list)
	}
	f.wasTold("decide-2", hilde.Email)
	f.amend(lastDay("2026-06-30"))
	want := begun(map[string]string{"decide-2": "open", "decide-3": "open", "purge": "open 33-07-01 00:00", "hours": "open 26-06-29 17:00", "door-by-hand": "open 26-06-30 17:00"})
	want["directory-disable"], want["directory-remove-groups"] = "scheduled 26-06-30 17:00", "scheduled 26-06-30 17:00"
	f.expect("later", want)
}

// A look for drift that began before somebody was given more time would cut again what may be open until then.
func TestALookUnderWayCollidesWithALaterDay(t *testing.T) {
	f := cut(t)
	d := f.c.Departure
	lastDay("2026-04-30")(&d)
	change := must(f.c.Amend(exeunt.Trigger{Source: "hr", EventID: "e2", Kind: exeunt.Announced, Departure: d}, f.h.draft(t, f.c, d), f.steps, f.tasks, f.h.now))
	for _, key := range []string{"directory-disable", "directory-remove-groups"} {
		was := f.step(key)
		if !slices.ContainsFunc(change.Steps, func(s exeunt.Step) bool { return s.Key == key && s.State == was.State && s.Version == was.Version }) {
			t.Errorf("%s is not saved", key)
		}
	}
}

func TestWhatWasCutBeforeItsTimeStaysAndIsCutAgainThen(t *testing.T) {
	f := cut(t)
	f.amend(lastDay("2026-04-30"))
	f.expect("later", map[string]string{
		"directory-disable": "confirmed", "directory-remove-groups": "confirmed", "chat-check": "done", "door-by-hand": "done", "payroll-end-employment": "confirmed",
		"directory-disable-again-2": "scheduled 26-04-30 17:00", "directory-remove-groups-again-2": "scheduled 26-04-30 17:00",
		"chat-check-again-2": "waiting", "door-by-hand-again-2": "open 26-04-30 17:00",
		"payroll-schedule-final-pay": "waiting", "hours": "open 26-04-29 17:00", "purge": "open 33-05-01 00:00", "decide-2": "open",
	})
	list := f.task("decide-2").Checklist
	for _, want := range []string{"directory: Do disable", "directory: Do remove groups", "door: end access by hand, done by Max", "payroll: Do end employment, done with"} {
		if !slices.ContainsFunc(list, func(item string) bool { return strings.HasPrefix(item, want) }) || len(list) != 4 {
			t.Errorf("%q is not to be decided: %q", want, list)
		}
	}
	if after := f.task("chat-check-again-2").After; len(after) != 1 || after[0].Key != "directory-disable-again-2" {
		t.Errorf("the check waits for %v", after)
	}
	if s := f.step("directory-disable-again-2"); s.Account.ID != "a1" {
		t.Error("the account is looked for twice")
	}
	if got := f.c.CutOff.In(f.c.Zone()).Format(time.DateTime); got != "2026-04-30 17:00:00" {
		t.Errorf("the cut-off is %s", got)
	}
	f.amend(lastDay("2026-05-31"))
	if got := f.step("directory-disable-again-2").StartsAt.In(f.c.Zone()).Format(time.DateTime); got != "2026-05-31 17:00:00" {
		t.Errorf("moved once more, it is cut again at %s", got)
	}
	if slices.ContainsFunc(f.steps, func(s exeunt.Step) bool { return s.Key == "directory-disable-again-3" }) {
		t.Error("it is planned a third time")
	}
	f.work(afterCutOff(f))
	if s := f.step("directory-disable-again-2"); s.State != exeunt.StepConfirmed {
		t.Errorf("it is %s", s.State)
	}
}

func TestACutOffThatHasPassedIsNotAmendedAway(t *testing.T) {
	f := cut(t)
	cutOff, by := f.c.CutOff, f.c.AccessBy
	for _, day := range []exeunt.Date{"2026-03-30", "2026-03-31"} {
		f.amend(lastDay(day))
		if !f.c.CutOff.Equal(cutOff) || !f.c.AccessBy.Equal(by) {
			t.Errorf("amended to %s: cut-off %s, access by %s", day, f.c.CutOff, f.c.AccessBy)
		}
	}
	f.amend(func(d *exeunt.Departure) { d.Immediate = true })
	if !f.c.CutOff.Equal(cutOff) {
		t.Errorf("immediate: cut-off %s", f.c.CutOff)
	}
}

func TestWhatIsUnderWayWhenTheDayMovesAwayWaitsForItAndSaysSo(t *testing.T) {
	f := started(t)
	f.h.now = afterCutOff(f)
	f.intend("directory-disable")
	f.keep(f.step("directory-remove-groups").Finish(troubled(exeunt.TryAgain, exeunt.Throttled), f.h.now))
	f.amend(lastDay("2026-04-30"))
	s := f.step("directory-disable")
	if s.State != exeunt.StepScheduled || s.AppliedAt.IsZero() || s.Attempt != 0 {
		t.Errorf("it is %s, applied at %s, after %d attempts", s.State, s.AppliedAt, s.Attempt)
	}
	if s := f.step("directory-remove-groups"); s.State != exeunt.StepScheduled || !s.BegunAt.IsZero() || !s.NextAttemptAt.IsZero() {
		t.Errorf("what was only tried is %s since %s", s.State, s.BegunAt)
	}
	if list := f.task("decide-2").Checklist; !slices.Contains(list, "directory: Do disable may have taken effect: look") || len(list) != 2 {
		t.Errorf("to decide: %q", list)
	}
}

func TestWhatIsUnderWayGoesOnWhenTheDayStays(t *testing.T) {
	f := started(t)
	f.h.now = afterCutOff(f)
	f.intend("directory-disable")
	f.keep(f.step("directory-remove-groups").Finish(troubled(exeunt.TryAgain, exeunt.Throttled), f.h.now))
	running, retrying := f.step("directory-disable"), f.step("directory-remove-groups")
	f.amend(func(d *exeunt.Departure) { d.Leaver.Flags = []exeunt.Flag{exeunt.Privileged} })
	if got := f.step("directory-disable"); got.Version != running.Version {
		t.Errorf("a step whose answer is not known was touched: %+v", got)
	}
	if got := f.step("directory-remove-groups"); got.State != exeunt.StepReady || !got.NextAttemptAt.Equal(retrying.NextAttemptAt) || !got.Deadline.Equal(retrying.Deadline) || got.Attempt != retrying.Attempt {
		t.Errorf("a step that is tried again is %s at %s until %s", got.State, got.NextAttemptAt, got.Deadline)
	}
	if got := f.task("secrets"); got.State != exeunt.TaskOpen {
		t.Errorf("the flag brings %s", got.State)
	}
}

func TestAFlagBringsItsTasksAndTakesBackWhatNobodyHasBegun(t *testing.T) {
	f := started(t)
	flag := func(flags ...exeunt.Flag) func(*exeunt.Departure) {
		return func(d *exeunt.Departure) { d.Leaver.Flags = flags }
	}
	f.amend(flag(exeunt.Privileged))
	f.expect("flagged", begun(map[string]string{"secrets": "open 26-03-31 17:00"}))
	f.amend(flag())
	f.expect("not flagged any more", begun(map[string]string{"secrets": "withdrawn"}))
	f.amend(flag(exeunt.Privileged))
	saved, err := f.task("secrets").Save(nil, "root is done", "Ida", f.h.now)
	if err != nil {
		t.Fatal(err)
	}
	f.keep(saved)
	f.amend(flag())
	f.expect("begun", begun(map[string]string{"secrets": "open 26-03-31 17:00"}))
	f.detail("kept", "secrets: after HR's change the plan does not ask for it")
}

func TestACorrectedIdentifierBringsBackWhatFoundNoAccount(t *testing.T) {
	f := started(t)
	f.h.now = afterCutOff(f)
	change := exeunt.GiveUpAll([]exeunt.Step{f.step("directory-disable"), f.step("directory-remove-groups")}, troubled(exeunt.GaveUp, exeunt.NotFound), f.h.now)
	f.keep(change)
	f.amend(func(d *exeunt.Departure) { d.Leaver.Manager = exeunt.Person{Name: "Moe", Email: "moe@acme.example"} })
	if got := f.step("directory-disable").State; got != exeunt.StepFailed {
		t.Fatalf("another manager makes it %s", got)
	}
	f.amend(func(d *exeunt.Departure) {
		d.Leaver.Identifiers = map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "jane.doe@acme.example"}
	})
	for _, key := range []string{"directory-disable", "directory-remove-groups"} {
		if s := f.step(key); s.State != exeunt.StepReady || s.Attempt != 0 || !s.SettledAt.IsZero() {
			t.Errorf("%s is %s after %d attempts", key, s.State, s.Attempt)
		}
	}
	if got := f.task("directory-disable-exception"); got.State != exeunt.TaskWithdrawn {
		t.Errorf("the task that stood in is %s", got.State)
	}
}

func TestANewManagerTakesOverButNotWhatAPersonHandedOn(t *testing.T) {
	f := started(t)
	moe := exeunt.Person{Name: "Moe", Email: "moe@acme.example"}
	f.amend(func(d *exeunt.Departure) { d.Leaver.Manager = moe })
	if got := f.task("hours").Owner; got != moe {
		t.Errorf("the task is with %s", got)
	}
	f.wasTold("hours", moe.Email)
	given, err := f.task("hours").Reassign(owner, exeunt.Override{By: "Moe", Reason: "on leave until April"}, f.h.now)
	if err != nil {
		t.Fatal(err)
	}
	f.keep(given)
	f.amend(func(d *exeunt.Departure) { d.Leaver.Manager = exeunt.Person{Name: "Mia", Email: "mia@acme.example"} })
	if got := f.task("hours").Owner; got != owner {
		t.Errorf("what was handed on is with %s", got)
	}
}

// A server may plan with an older folder than the one that opened the case: what it does not know is not called off.
func TestASystemThatIsNoLongerThereKeepsItsStepsAndANewOneIsAdded(t *testing.T) {
	f := started(t)
	f.fail("directory-disable")
	f.h.inventory = slices.DeleteFunc(f.h.inventory, func(s exeunt.System) bool { return s.Name == "directory" || s.Name == "door" })
	f.h.inventory = append(f.h.inventory, live("vpn", "", exeunt.Disable))
	f.amend(lastDay("2026-03-20"))
	f.expect("without the directory and the door", map[string]string{
		"directory-disable": "scheduled 26-03-20 17:00", "directory-remove-groups": "scheduled 26-03-20 17:00", "directory-disable-by-hand": "withdrawn",
		"door-by-hand": "open 26-03-20 17:00", "vpn-by-hand": "open 26-03-20 17:00", "chat-check": "withdrawn", "chat-by-hand": "open 26-03-20 17:00",
		"hours": "open 26-03-19 17:00", "payroll-end-employment": "confirmed", "payroll-schedule-final-pay": "waiting", "purge": "open 33-03-21 00:00", "decide-2": "open",
	})
	if kept := f.last.Entries[0].Detail["kept"]; !strings.Contains(kept, "directory-disable: the inventory has no system directory any more") || !strings.Contains(kept, "door-by-hand") {
		t.Errorf("the record says %q", kept)
	}
	f.work(time.Date(2026, 3, 21, 9, 0, 0, 0, time.UTC))
	if got := f.step("directory-disable").State; got != exeunt.StepConfirmed {
		t.Errorf("at its time it is %s", got)
	}
}

func TestWhatIsAmendedIntoThePastIsCaughtUpAndSaysHowLate(t *testing.T) {
	f := started(t)
	f.amend(lastDay("2026-02-27"))
	for _, key := range []string{"directory-disable", "directory-remove-groups"} {
		if s := f.step(key); s.State != exeunt.StepReady || !s.StartsAt.Equal(f.h.now) || !s.Deadline.After(f.h.now) {
			t.Errorf("%s is %s from %s to %s", key, s.State, s.StartsAt, s.Deadline)
		}
	}
	f.detail("late_by", "2 days")
	if what := f.last.Entries[0].What; !strings.Contains(what, "2 days after the cut-off: caught up at once") || f.c.State != exeunt.CaseRunning {
		t.Errorf("the record says %q, the case is %s", what, f.c.State)
	}
	f = started(t)
	f.h.now = time.Date(2026, 3, 31, 18, 12, 0, 0, time.UTC) // it is 20:12 in Berlin
	f.amend(func(d *exeunt.Departure) { d.CutOffClock = "19:00" })
	f.detail("late_by", "")
	if !f.c.CutOff.Equal(time.Date(2026, 3, 31, 15, 0, 0, 0, time.UTC)) {
		t.Errorf("a cut-off that had passed was moved to %s", f.c.CutOff)
	}
}

// After downtime, or when HR speaks late, everything is caught up at once; the record says by how much.
func TestALateStartSaysSo(t *testing.T) {
	h := newHouse()
	d := leavingAs(exeunt.Voluntary)
	lastDay("2026-02-27")(&d)
	f := h.open(t, d)
	if e := f.last.Entries[0]; e.Detail["late_by"] != "2 days" || !strings.Contains(e.What, "2 days after the cut-off") || f.step("directory-disable").State != exeunt.StepReady {
		t.Errorf("%s %v", e.What, e.Detail)
	}
	for name, change := range map[string]func(*exeunt.Departure){
		"immediate": func(d *exeunt.Departure) { d.Immediate = true }, "weeks ahead": lastDay("2026-04-30"), "today": lastDay("2026-03-02"),
	} {
		d := leavingAs(exeunt.Voluntary)
		change(&d)
		if f := h.open(t, d); f.last.Entries[0].Detail["late_by"] != "" {
			t.Errorf("%s is late by %s", name, f.last.Entries[0].Detail["late_by"])
		}
	}
	for _, c := range []struct {
		after time.Duration
		says  string
	}{{0, ""}, {time.Minute, ""}, {12 * time.Minute, "12 min"}, {3*time.Hour + 30*time.Minute, "3 h 30 min"}, {72 * time.Hour, "3 days"}} {
		f := started(t)
		s := f.step("directory-disable")
		at := s.StartsAt.Add(c.after)
		intent := s.Intend(exeunt.Account{ID: "a1"}, exeunt.Observation{}, at)
		done := s.Finish(exeunt.Outcome{Kind: exeunt.Done, Proof: exeunt.Observed}, at)
		again := intent.Steps[0].Finish(exeunt.Outcome{Kind: exeunt.Done, Proof: exeunt.Observed, Changed: true}, at.Add(time.Hour))
		if a, b, c2 := intent.Entries[0].Detail["late_by"], done.Entries[0].Detail["late_by"], again.Entries[0].Detail["late_by"]; a != c.says || b != c.says || c2 != "" {
			t.Errorf("begun %s late: %q, %q, %q", c.after, a, b, c2)
		}
	}
}

// Nobody has seen what was only acknowledged, or said to be done, so that doing it again needs to know that it
// was asked for before.
func TestWhatNobodySawDoneIsNotDoneAgainBlindly(t *testing.T) {
	for _, c := range []struct {
		state exeunt.StepState
		known bool
	}{{exeunt.StepConfirmed, false}, {exeunt.StepAcknowledged, true}, {exeunt.StepAttested, true}} {
		f := cut(t)
		i := slices.IndexFunc(f.steps, func(s exeunt.Step) bool { return s.Key == "directory-disable" })
		f.steps[i].State = c.state
		f.amend(lastDay("2026-04-30"))
		if again := f.step("directory-disable-again-2"); again.AppliedAt.IsZero() == c.known {
			t.Errorf("%s: done again, it knows of an earlier attempt at %s", c.state, again.AppliedAt)
		}
	}
}
