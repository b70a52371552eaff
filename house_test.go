package exeunt_test

import (
	"slices"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// house is a company whose policy depends on the type of departure: a directory that can be put back, a
// payroll that cannot, an application behind the directory, a door without an API, and what people do.
type house struct {
	inventory []exeunt.System
	now       time.Time
}

func newHouse() *house {
	directory := live("directory", "", exeunt.Disable, exeunt.RemoveGroups)
	for i := range directory.Actions {
		directory.Actions[i].Reversible, directory.Actions[i].Takes = true, []string{"was"}
	}
	door := live("door", "")
	door.Stage, door.Kind = exeunt.Manual, "manual"
	payroll := live("payroll", "", exeunt.EndEmployment, exeunt.ScheduleFinalPay)
	payroll.Branch = "Payroll"
	return &house{inventory: []exeunt.System{directory, live("chat", "directory"), payroll, door}, now: monday}
}

// policy is the one of a type: a layoff has papers, and a voluntary departure an interview.
func (h *house) policy(t exeunt.DepartureType) exeunt.Policy {
	in := func(names ...string) exeunt.Condition {
		return func(f exeunt.Facts) (bool, error) { return slices.Contains(names, f.System.Name), nil }
	}
	privileged := func(f exeunt.Facts) (bool, error) { return f.Departure.Leaver.Has(exeunt.Privileged), nil }
	rule := func(name, start, deadline string) exeunt.Rule {
		return exeunt.Rule{Name: name, Title: name, Start: moment(start), Deadline: moment(deadline)}
	}
	cut := rule("cut", "cut-off", "start + 4h")
	cut.Systems, cut.Actions = in("directory", "door"), []exeunt.Action{exeunt.Disable, exeunt.RemoveGroups}
	end := rule("end", "trigger", "start + 2d")
	end.Branch, end.Systems, end.Actions = "Payroll", in("payroll"), []exeunt.Action{exeunt.EndEmployment}
	hours := rule("hours", "last-day - 1d", "last-day + 1d")
	hours.Branch, hours.Task = "Payroll", &exeunt.TaskPattern{Owner: "manager"}
	pay := rule("pay", "last-day", "last-day + 5d")
	pay.Branch, pay.Systems, pay.Actions = "Payroll", in("payroll"), []exeunt.Action{exeunt.ScheduleFinalPay}
	pay.After = []exeunt.After{{Rule: "hours", Because: "of the hours"}}
	secrets := rule("secrets", "cut-off", "start + 4h")
	secrets.When, secrets.Task = privileged, &exeunt.TaskPattern{Owner: "it"}
	purge := rule("purge", "termination-date + 2557d", "start + 30d")
	purge.Task = &exeunt.TaskPattern{Owner: "it"}
	p := exeunt.Policy{Name: "standard", Version: "s1", CutOff: "17:00", AccessSLA: 4 * time.Hour, Rules: []exeunt.Rule{cut, end, hours, pay, secrets, purge}}
	if t == exeunt.Layoff {
		papers := rule("papers", "trigger", "last-day - 1d")
		papers.Task = &exeunt.TaskPattern{Owner: "legal"}
		p.Name, p.Version, p.AccessSLA = "layoff", "l1", 2*time.Hour
		p.Rules[0].Deadline, p.Rules[2] = moment("start + 2h"), papers // nobody approves hours: pay waits for nothing
		p.Rules[3].After = nil
	}
	if t == exeunt.Retirement { // who retires keeps their groups
		p.Rules[0].Actions = []exeunt.Action{exeunt.Disable}
	}
	return p
}

func (h *house) roles(role string, l exeunt.Leaver) exeunt.Person {
	if role == "manager" {
		return l.Manager
	}
	return someone(role, l)
}

func (h *house) draft(t testing.TB, of exeunt.Case, d exeunt.Departure) exeunt.Plan {
	t.Helper()
	plan, err := exeunt.Draft(h.policy(d.Type), exeunt.Case{ID: 1, Generation: 1, Departure: d, OpenedAt: of.OpenedAt, Owner: hilde}, h.inventory, h.roles, h.now)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// file is a case with all that belongs to it, as a store would keep it.
type file struct {
	t     testing.TB
	h     *house
	c     exeunt.Case
	steps []exeunt.Step
	tasks []exeunt.Task
	last  exeunt.Change
}

func (h *house) open(t testing.TB, d exeunt.Departure) *file {
	t.Helper()
	f := &file{t: t, h: h}
	plan := h.draft(t, exeunt.Case{}, d)
	f.keep(plan.Open(exeunt.Trigger{Source: "hr", EventID: "e1", Departure: d}, d.Doubt(h.now), h.now))
	return f
}

// keep does what a store does with a change: save, and let go what waited.
func (f *file) keep(change exeunt.Change) {
	f.t.Helper()
	f.last = change
	if change.Case != nil {
		f.c = *change.Case
	}
	for _, s := range change.Steps {
		s.Version++
		if i := slices.IndexFunc(f.steps, func(x exeunt.Step) bool { return x.Key == s.Key }); i >= 0 {
			f.steps[i] = s
		} else {
			f.steps = append(f.steps, s)
		}
	}
	for _, task := range change.Tasks {
		task.Version++
		if i := slices.IndexFunc(f.tasks, func(x exeunt.Task) bool { return x.Key == task.Key }); i >= 0 {
			f.tasks[i] = task
		} else {
			f.tasks = append(f.tasks, task)
		}
	}
	f.unblock()
}

func (f *file) unblock() {
	open := map[string]bool{}
	for _, s := range f.steps {
		open[s.Key] = !s.State.Settled()
	}
	for _, task := range f.tasks {
		open[task.Key] = task.Open()
	}
	waits := func(after []exeunt.Dependency) bool {
		return slices.ContainsFunc(after, func(d exeunt.Dependency) bool { return open[d.Key] })
	}
	for i, s := range f.steps {
		if s.State == exeunt.StepWaiting && !waits(s.After) {
			f.steps[i] = s.Unblock(f.c.Place(), f.h.now)
		}
	}
	for i, task := range f.tasks {
		if task.State == exeunt.TaskWaiting && !waits(task.After) {
			f.tasks[i], _ = task.Unblock(f.c.Place(), f.h.now)
		}
	}
}

// work lets time go by and automation do everything that is due by then.
func (f *file) work(until time.Time) {
	f.t.Helper()
	f.h.now = until
	for _, s := range slices.Clone(f.steps) {
		if at, due := f.step(s.Key).DueAt(); due && !at.After(until) {
			f.do(s.Key)
		}
	}
}

// do lets automation do one step now.
func (f *file) do(key string) {
	f.t.Helper()
	if f.step(key).Action != exeunt.CheckAccess {
		f.intend(key)
	}
	f.keep(f.step(key).Finish(exeunt.Outcome{Kind: exeunt.Done, Proof: exeunt.Observed, Changed: true, Account: exeunt.Account{ID: "a1"}}, f.h.now))
}

// intend leaves a step with its answer unknown.
func (f *file) intend(key string) {
	f.t.Helper()
	f.keep(f.step(key).Intend(exeunt.Account{ID: "a1"}, exeunt.Observation{Snapshot: map[string][]string{"was": {"here"}}}, f.h.now))
}

func (f *file) fail(key string) {
	f.t.Helper()
	f.keep(f.step(key).Finish(troubled(exeunt.GaveUp, exeunt.Ambiguous), f.h.now))
}

func (f *file) complete(keys ...string) {
	f.t.Helper()
	for _, key := range keys {
		change, err := f.task(key).Complete(f.steps, nil, "", "Max", f.h.now)
		if err != nil {
			f.t.Fatal(err)
		}
		f.keep(change)
	}
}

func (f *file) step(key string) exeunt.Step { f.t.Helper(); return find(f.t, f.steps, stepKey, key) }
func (f *file) task(key string) exeunt.Task { f.t.Helper(); return find(f.t, f.tasks, taskKey, key) }

func (f *file) amend(change func(*exeunt.Departure)) {
	f.t.Helper()
	d := f.c.Departure
	change(&d)
	amended, err := f.c.Amend(exeunt.Trigger{Source: "hr", EventID: "e2", Kind: exeunt.Announced, Departure: d}, f.h.draft(f.t, f.c, d), f.steps, f.tasks, f.h.now)
	if err != nil {
		f.t.Fatal(err)
	}
	f.keep(amended)
}

func (f *file) expect(what string, want map[string]string) {
	f.t.Helper()
	got := map[string]string{}
	at := func(t time.Time) string { return t.In(f.c.Zone()).Format("06-01-02 15:04") }
	for _, s := range f.steps {
		got[s.Key] = string(s.State)
		if s.State == exeunt.StepScheduled {
			got[s.Key] += " " + at(s.StartsAt)
		}
	}
	for _, task := range f.tasks {
		got[task.Key] = string(task.State)
		if task.State == exeunt.TaskOpen && task.StartsAt.After(f.h.now) {
			got[task.Key] += " " + at(task.StartsAt)
		}
	}
	for key, state := range want {
		if got[key] != state {
			f.t.Errorf("%s: %s is %q, want %q", what, key, got[key], state)
		}
		delete(got, key)
	}
	if len(got) > 0 {
		f.t.Errorf("%s: nothing is expected of %v", what, got)
	}
}

func leavingAs(kind exeunt.DepartureType) exeunt.Departure {
	d := leaving
	d.Type, d.Leaver.Manager = kind, exeunt.Person{Name: "Mia", Email: "mia@acme.example"}
	return d
}

func lastDay(day exeunt.Date) func(*exeunt.Departure) {
	return func(d *exeunt.Departure) {
		d.LastDay = day
		d.TerminationDate = exeunt.Date(must(time.Parse(time.DateOnly, string(day))).AddDate(0, 0, 1).Format(time.DateOnly))
	}
}

func afterCutOff(f *file) time.Time { return f.c.CutOff.Add(time.Hour) }
