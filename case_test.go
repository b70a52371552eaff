package exeunt_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// firm is a policy and an inventory: access ends at the cut-off, employment is flagged at once, and
// something is given back before the last day.
func firm() (exeunt.Policy, []exeunt.System) {
	flag := everywhere(exeunt.EndEmployment)
	flag.Name, flag.Branch, flag.Start = "end-employment", "Payroll", moment("trigger")
	assets := exeunt.Rule{Name: "return-assets", Task: &exeunt.TaskPattern{Owner: "manager"}, Start: moment("last-day - 5d"), Deadline: moment("last-day + 7d")}
	cut := everywhere(exeunt.Disable)
	cut.Systems = func(f exeunt.Facts) (bool, error) { return f.System.Name == "directory", nil }
	return exeunt.Policy{Name: "p", Version: "v1", CutOff: "09:00", AccessSLA: 30 * time.Minute, Rules: []exeunt.Rule{cut, flag, assets}},
		[]exeunt.System{live("directory", "", exeunt.Disable), live("payroll", "", exeunt.EndEmployment)}
}

// amend drafts the plan of now and takes the case there.
func amend(c exeunt.Case, to exeunt.Trigger, steps []exeunt.Step, tasks []exeunt.Task, now time.Time) (exeunt.Change, error) {
	p, inventory := firm()
	fresh, err := exeunt.Draft(p, exeunt.Case{ID: c.ID, Departure: to.Departure, OpenedAt: c.OpenedAt, Owner: hilde}, inventory, someone, now)
	if err != nil {
		return exeunt.Change{}, err
	}
	return c.Amend(to, fresh, steps, tasks, now)
}

// running is a case with a step at the cut-off, one that is done, and a task before the last day.
func running(t *testing.T) (exeunt.Case, []exeunt.Step, []exeunt.Task) {
	t.Helper()
	p, inventory := firm()
	plan := draft(t, p, inventory)
	change := plan.Open(exeunt.Trigger{Source: "hr", EventID: "e1"}, "", monday)
	steps := slices.Clone(change.Steps)
	for i, s := range steps {
		if s.Action == exeunt.EndEmployment {
			intended := s.Intend(exeunt.Account{ID: "a1"}, exeunt.Observation{}, monday).Steps[0]
			steps[i] = intended.Finish(exeunt.Outcome{Kind: exeunt.Done, Proof: exeunt.Observed, Changed: true}, monday).Steps[0]
		}
	}
	return *change.Case, steps, change.Tasks
}

func announced(lastDay exeunt.Date) exeunt.Trigger {
	d := leaving
	d.LastDay, d.TerminationDate = lastDay, lastDay
	return exeunt.Trigger{Source: "hr", EventID: "e2", Kind: exeunt.Announced, Departure: d}
}

func find[T any](t testing.TB, list []T, key func(T) string, want string) T {
	t.Helper()
	i := slices.IndexFunc(list, func(x T) bool { return key(x) == want })
	if i < 0 {
		t.Fatalf("there is no %s", want)
	}
	return list[i]
}

func stepKey(s exeunt.Step) string { return s.Key }
func taskKey(t exeunt.Task) string { return t.Key }

func TestAnAmendmentMovesWhatHasNotHappened(t *testing.T) {
	c, steps, tasks := running(t)
	change, err := amend(c, announced("2026-06-30"), steps, tasks, monday.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	cutOff := time.Date(2026, 6, 30, 7, 0, 0, 0, time.UTC) // the policy's 09:00 in Berlin
	if !change.Case.CutOff.Equal(cutOff) || !change.Case.AccessBy.Equal(cutOff.Add(30*time.Minute)) || change.Case.Generation != c.Generation+1 {
		t.Errorf("cut-off %s, access by %s, generation %d", change.Case.CutOff, change.Case.AccessBy, change.Case.Generation)
	}
	if s := find(t, change.Steps, stepKey, "directory-disable"); !s.StartsAt.Equal(cutOff) || !s.Deadline.Equal(cutOff.Add(4*time.Hour)) || s.State != exeunt.StepScheduled {
		t.Errorf("%s from %s to %s", s.State, s.StartsAt, s.Deadline)
	}
	if slices.ContainsFunc(change.Steps, func(s exeunt.Step) bool { return s.Action == exeunt.EndEmployment }) {
		t.Errorf("what is done is planned anew")
	}
	task := find(t, change.Tasks, taskKey, "return-assets")
	endOfWork := time.Date(2026, 6, 30, 15, 0, 0, 0, time.UTC)
	if !task.Deadline.Equal(endOfWork.AddDate(0, 0, 7)) || !task.StartsAt.Equal(endOfWork.AddDate(0, 0, -5)) {
		t.Errorf("the task runs from %s to %s", task.StartsAt, task.Deadline)
	}
	if e := change.Entries[0]; e.Kind != exeunt.EntryAmended || e.Detail["last_day_before"] != "2026-03-31" || e.Detail["last_day_after"] != "2026-06-30" {
		t.Errorf("%+v", e)
	}
}

func TestAnEarlierDayInThePastIsCaughtUpAtOnce(t *testing.T) {
	c, steps, tasks := running(t)
	now := monday.Add(time.Hour)
	change, err := amend(c, announced("2026-02-27"), steps, tasks, now)
	if err != nil || !change.Case.CutOff.Equal(now) {
		t.Fatalf("%v, cut-off %s", err, change.Case.CutOff)
	}
	if s := find(t, change.Steps, stepKey, "directory-disable"); s.State != exeunt.StepReady || !s.StartsAt.Equal(now) {
		t.Errorf("%s at %s", s.State, s.StartsAt)
	}
}

// A year typed wrongly makes the steps of a held case ready at once; the correction must take that
// back, or releasing the case would cut access months early.
func TestACorrectionOfAHeldCaseTakesItsReadyStepsBack(t *testing.T) {
	d := leaving
	d.LastDay, d.TerminationDate = "2020-03-31", "2020-03-31"
	p, inventory := firm()
	p.Rules = p.Rules[:1]
	inventory = inventory[:1]
	draft := func(d exeunt.Departure) exeunt.Plan {
		return must(exeunt.Draft(p, exeunt.Case{ID: 1, Departure: d}, inventory, someone, monday))
	}
	opened := draft(d).Open(exeunt.Trigger{}, d.Doubt(monday), monday)
	if opened.Case.State != exeunt.CaseHeld || opened.Steps[0].State != exeunt.StepReady {
		t.Fatalf("%s, %s", opened.Case.State, opened.Steps[0].State)
	}
	to := announced("2026-03-31")
	amended, err := opened.Case.Amend(to, draft(to.Departure), opened.Steps, nil, monday)
	if err != nil || len(amended.Steps) != 1 || amended.Steps[0].State != exeunt.StepScheduled {
		t.Fatalf("%v %+v", err, amended.Steps)
	}
	released, err := amended.Case.Release(amended.Steps, nil, exeunt.Override{By: "Hilde", Reason: "the year was corrected"}, monday)
	if err != nil {
		t.Fatal(err)
	}
	at, due := released.Steps[0].DueAt()
	if released.Case.State != exeunt.CaseScheduled || len(released.Steps) != 1 || !due || at.Before(time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%s %+v", released.Case.State, released.Steps)
	}
}

func TestARescissionCancelsWhatIsPendingAndAsksToPutBackWhatIsDone(t *testing.T) {
	c, steps, tasks := running(t)
	change, err := c.Rescind(exeunt.Trigger{Source: "hr", EventID: "e3", Kind: exeunt.Rescinded}, nil, steps, tasks, monday)
	if err != nil {
		t.Fatal(err)
	}
	if s := find(t, change.Steps, stepKey, "directory-disable"); s.State != exeunt.StepCancelled || s.SettledAt.IsZero() {
		t.Errorf("%+v", s)
	}
	if task := find(t, change.Tasks, taskKey, "return-assets"); task.State != exeunt.TaskWithdrawn {
		t.Errorf("%+v", task)
	}
	undo := find(t, change.Tasks, taskKey, "put-back")
	if undo.State != exeunt.TaskOpen || undo.Owner != hilde || len(undo.Checklist) != 1 || !strings.Contains(undo.Checklist[0], "end employment") {
		t.Errorf("%+v", undo)
	}
	if change.Case.State != exeunt.CaseRescinded || !change.Case.Open() || change.Case.Generation != c.Generation+1 || change.Entries[0].Kind != exeunt.EntryRescinded {
		t.Errorf("%+v", change.Case)
	}
	if _, err := change.Case.Rescind(exeunt.Trigger{}, nil, nil, nil, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("rescinded twice: %v", err)
	}
	if _, err := amend(*change.Case, announced("2026-06-30"), nil, nil, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("a rescinded case is amended: %v", err)
	}
	closed, err := change.Case.Close(monday)
	if err != nil || closed.Case.State != exeunt.CaseRescinded || closed.Case.Open() {
		t.Errorf("%v %+v", err, closed.Case)
	}
	if _, err := closed.Case.Close(monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("closed twice: %v", err)
	}
}

func TestOnlyAHeldCaseIsReleasedAndOnlyByName(t *testing.T) {
	c, steps, tasks := running(t)
	by := exeunt.Override{By: "Hilde", Reason: "checked with the manager"}
	if _, err := c.Release(steps, tasks, by, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("%v", err)
	}
	c.State, c.Hold = exeunt.CaseHeld, "doubt"
	if _, err := c.Release(steps, tasks, exeunt.Override{By: "Hilde"}, monday); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("released without a reason: %v", err)
	}
	change, err := c.Release(steps, tasks, by, monday)
	if err != nil || change.Case.State != exeunt.CaseRunning || change.Case.Hold != "" || len(change.Notices) != 1 || len(change.Steps) == 0 || change.Entries[0].Actor != "Hilde" {
		t.Errorf("%v %+v", err, change)
	}
}

func TestATriggerMeansWhatTheCaseUnderWayMakesOfIt(t *testing.T) {
	c, _, _ := running(t)
	same := exeunt.Trigger{Kind: exeunt.Announced, Departure: leaving}
	retitled := same
	retitled.Departure.Leaver.Title = "Chief"
	back := exeunt.Trigger{Kind: exeunt.Rescinded}
	for name, check := range map[string]struct {
		trigger  exeunt.Trigger
		underWay *exeunt.Case
		want     exeunt.Response
	}{
		"a new departure": {same, nil, exeunt.OpenCase}, "the same again": {same, &c, exeunt.Absorb}, "a new title": {retitled, &c, exeunt.Absorb},
		"another day": {announced("2026-06-30"), &c, exeunt.AmendCase}, "taken back": {back, &c, exeunt.RescindCase}, "nothing to take back": {back, nil, exeunt.Absorb},
	} {
		if got := check.trigger.Answer(check.underWay, exeunt.Said{}, monday); got != check.want {
			t.Errorf("%s: %s, want %s", name, got, check.want)
		}
	}
}

func TestWhatIsSaidInOneSecondCountsAsItWasReceived(t *testing.T) {
	said := func(at, received time.Duration) exeunt.Said {
		return exeunt.Trigger{OccurredAt: monday.Add(at), ReceivedAt: monday.Add(received)}.Said()
	}
	for name, x := range map[string]struct {
		first, next exeunt.Said
		before      bool
	}{
		"said later, received earlier":        {said(0, 9), said(time.Second, 2*time.Second), true},
		"the same second, received later":     {said(0, time.Second), said(0, 2*time.Second), true},
		"the same second, received earlier":   {said(0, 2*time.Second), said(0, time.Second), false},
		"the same":                            {said(0, time.Second), said(0, time.Second), false},
		"a clock that runs ahead, then not":   {said(time.Hour, time.Second), said(2*time.Second, 3*time.Second), true},
		"finer than a microsecond is no time": {said(5, time.Second), said(7, time.Second), false},
	} {
		if got := x.first.Before(x.next); got != x.before {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNoChangeGoesUnrecorded(t *testing.T) {
	c, steps, tasks := running(t)
	by := exeunt.Override{By: "Hilde", Reason: "checked with the manager"}
	failed := ready().Finish(troubled(exeunt.GaveUp, exeunt.Denied), noon)
	held := c
	held.State = exeunt.CaseHeld
	changes := map[string]func() (exeunt.Change, error){
		"amend":   func() (exeunt.Change, error) { return amend(c, announced("2026-06-30"), steps, tasks, monday) },
		"rescind": func() (exeunt.Change, error) { return c.Rescind(exeunt.Trigger{}, nil, steps, tasks, monday) },
		"release": func() (exeunt.Change, error) { return held.Release(steps, tasks, by, monday) },
		"close":   func() (exeunt.Change, error) { return c.Close(monday) },
		"retry":   func() (exeunt.Change, error) { return exeunt.Retry(failed.Steps, nil, by, monday) },
		"waive": func() (exeunt.Change, error) {
			return c.Waive(failed.Steps[0].Key, failed.Steps, nil, hilde, by, 0, monday)
		},
		"complete": func() (exeunt.Change, error) { return asked().Complete(nil, nil, "", "Max", monday) },
		"save":     func() (exeunt.Change, error) { return asked().Save(nil, "", "Max", monday) },
		"reassign": func() (exeunt.Change, error) { return asked().Reassign(hilde, by, monday) },
		"remind":   func() (exeunt.Change, error) { change, _ := asked().Remind(hilde, monday); return change, nil },
	}
	for name, make := range changes {
		change, err := make()
		if err != nil || len(change.Entries) == 0 {
			t.Errorf("%s: %v, %d entries", name, err, len(change.Entries))
		}
		for _, e := range change.Entries {
			if e.Kind == "" || e.At.IsZero() || e.Actor == "" || e.What == "" || e.Case != 1 {
				t.Errorf("%s: %+v", name, e)
			}
		}
	}
}

func TestADepartureIsCheckedAndDoubted(t *testing.T) {
	for field, spoil := range map[string]func(*exeunt.Departure){
		"leaver.id": func(d *exeunt.Departure) { d.Leaver.ID = "" }, "leaver.name": func(d *exeunt.Departure) { d.Leaver.Name = "" },
		"last_day": func(d *exeunt.Departure) { d.LastDay = "" }, "termination_date": func(d *exeunt.Departure) { d.TerminationDate = "soon" },
		"leaver.hired_on": func(d *exeunt.Departure) { d.Leaver.HiredOn = "1.1.2020" }, "leaver.zone": func(d *exeunt.Departure) { d.Leaver.Zone = "Mars" }, "type": func(d *exeunt.Departure) { d.Type = "eloped" },
	} {
		d := leaving
		spoil(&d)
		if e, ok := d.Check().(*exeunt.Error); !ok || e.Field != field || e.Kind != exeunt.Invalid {
			t.Errorf("%s: %v", field, d.Check())
		}
	}
	if err := leaving.Check(); err != nil {
		t.Error(err)
	}
	for day, doubtful := range map[exeunt.Date]bool{"2026-03-31": false, "2025-06-01": false, "2024-03-01": true, "2027-12-31": true} {
		d := leaving
		d.LastDay = day
		if (d.Doubt(monday) != "") != doubtful {
			t.Errorf("%s: %q", day, d.Doubt(monday))
		}
	}
	d := leaving
	d.Leaver.HiredOn = "2026-06-01"
	if !strings.Contains(d.Doubt(monday), "before the hire date") {
		t.Errorf("%q", d.Doubt(monday))
	}
}

func TestADepartureHasDaysWithoutTimes(t *testing.T) {
	d := exeunt.Departure{Type: exeunt.Voluntary, LastDay: "2026-12-01T00:00:00Z", Leaver: exeunt.Leaver{ID: "1", Name: "Jo Doe", Zone: "Europe/Berlin"}}
	if err := d.Check(); exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), "last_day") {
		t.Errorf("a day with a time was answered %v", err)
	}
}
