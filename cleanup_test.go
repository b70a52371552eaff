package exeunt_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// missedStep is a step of a plan, after others.
func missedStep(system string, action exeunt.Action, after ...string) exeunt.Step {
	s := exeunt.Step{Key: system + "-" + string(action), System: system, Action: action, State: exeunt.StepReady}
	for _, key := range after {
		s.After = append(s.After, exeunt.Dependency{Key: key, Because: "order"})
	}
	return s
}

// missed is what a departure missed in the named systems, of which the first one is asked for.
func missed(systems ...string) exeunt.Missed {
	m := exeunt.Missed{Newest: &exeunt.Case{ID: 3, State: exeunt.CaseClosed, ClosedAt: monday}, Asked: systems[0], Accounts: map[string]exeunt.Account{}}
	for _, name := range systems {
		m.Accounts[name] = exeunt.Account{ID: name[:1] + "1"}
	}
	return m
}

// wipingBoth drafts a case that disables and wipes in two systems.
func wipingBoth(t *testing.T, of exeunt.Case, approvals exeunt.Approvals) exeunt.Plan {
	t.Helper()
	of.Departure.Immediate = true
	systems := []exeunt.System{live("directory", "", exeunt.Disable, "wipe"), live("crm", "", exeunt.Disable, "wipe")}
	for _, s := range systems {
		s.Actions[1].Destructive = true
	}
	plan, err := exeunt.Draft(exeunt.Policy{Name: "p", Rules: []exeunt.Rule{everywhere(exeunt.Disable, "wipe")}, Approvals: approvals}, of, systems, someone, monday)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

var cleaningUp = exeunt.Trigger{Source: exeunt.CleanUpSource, Override: &exeunt.Override{By: "Ida"}}

func cleanUp(t *testing.T, p exeunt.Plan, m exeunt.Missed) exeunt.Change {
	t.Helper()
	change, err := p.CleanUp(m, cleaningUp, monday)
	if err != nil {
		t.Fatal(err)
	}
	return change
}

func stepKeys(steps []exeunt.Step) string {
	var keys []string
	for _, s := range steps {
		keys = append(keys, strings.TrimSpace(s.Key+" "+s.Account.ID))
	}
	return strings.Join(keys, ", ")
}

func TestACleanUpKeepsWhatEndsTheAccountsAndNothingElse(t *testing.T) {
	plan := exeunt.Plan{
		Case: exeunt.Case{ID: 9},
		Steps: []exeunt.Step{missedStep("crm", exeunt.Disable, "crm-by-hand"), missedStep("crm", exeunt.RemoveGroups, "crm-disable"),
			missedStep("payroll", exeunt.Disable), missedStep("payroll", exeunt.ScheduleFinalPay), missedStep("mail", exeunt.Disable)},
		Tasks: []exeunt.Task{{Key: "assets"}, {Key: "mail-check", System: "mail", State: exeunt.TaskWaiting}},
	}
	change := cleanUp(t, plan, missed("crm", "payroll"))
	if keys := stepKeys(change.Steps); keys != "crm-disable c1, crm-remove_groups c1, payroll-disable p1" || len(change.Tasks) != 0 || change.Case.Follows != 3 {
		t.Errorf("keeps %s, tasks %v, follows %s", keys, change.Tasks, change.Case.Follows)
	}
	if first, second := change.Steps[0], change.Steps[1]; first.State != exeunt.StepReady || len(second.After) != 1 || second.State != exeunt.StepWaiting {
		t.Errorf("%s, and %s after %v: what is left out is not waited for, and the order stays", first.State, second.State, second.After)
	}
	if _, err := plan.CleanUp(missed("wiki", "crm"), exeunt.Trigger{}, monday); exeunt.KindOf(err) != exeunt.Unsupported {
		t.Errorf("where the policy ends nothing: %v", err)
	}
}

// A record of pay that was missed is ended; one that was seen to be ended is not ended once more.
func TestACleanUpEndsEmploymentThatWasNeverSeenToEnd(t *testing.T) {
	plan := exeunt.Plan{Case: exeunt.Case{ID: 9}, Steps: []exeunt.Step{missedStep("payroll", exeunt.EndEmployment), missedStep("payroll", exeunt.ScheduleFinalPay)}}
	for name, x := range map[string]struct {
		state   exeunt.StepState
		account string
		ends    bool
	}{
		"confirmed":                {exeunt.StepConfirmed, "p1", false},
		"acknowledged":             {exeunt.StepAcknowledged, "p1", false},
		"only said to be":          {exeunt.StepAttested, "p1", true},
		"failed":                   {exeunt.StepFailed, "p1", true},
		"of another of their jobs": {exeunt.StepConfirmed, "p0", true},
	} {
		m := missed("payroll")
		before := missedStep("payroll", exeunt.EndEmployment)
		before.State, before.Account.ID = x.state, x.account
		m.Steps = []exeunt.Step{before}
		change, err := plan.CleanUp(m, cleaningUp, monday)
		if ends := err == nil && stepKeys(change.Steps) == "payroll-end_employment p1"; ends != x.ends || !ends && exeunt.KindOf(err) != exeunt.Unsupported {
			t.Errorf("%s: %s, %v", name, stepKeys(change.Steps), err)
		}
	}
}

// Who has to approve a step is asked about the steps that are kept, and about no others.
func TestACleanUpAsksForTheApprovalOfItsSteps(t *testing.T) {
	d := leaving
	d.Leaver.Flags = []exeunt.Flag{exeunt.Privileged}
	plan := wipingBoth(t, exeunt.Case{ID: 9, Departure: d}, exeunt.Approvals{Flags: []exeunt.Flag{exeunt.Privileged}})
	const system = "crm"
	change := cleanUp(t, plan, missed(system))
	var held []string
	for _, s := range change.Steps {
		if s.State != exeunt.StepHeld || s.System != system {
			t.Errorf("%s of %s is %s", s.Key, s.System, s.State)
		}
		held = append(held, s.Key)
	}
	asks := slices.DeleteFunc(slices.Clone(change.Tasks), func(task exeunt.Task) bool { return task.Asks != exeunt.AsksApproval })
	if len(asks) != 1 || !slices.Equal(asks[0].Approves, held) || len(asks[0].Checklist) != len(held) || asks[0].State != exeunt.TaskOpen || len(held) == 0 {
		t.Errorf("held are %v, asked is %+v", held, asks)
	}
	if !slices.ContainsFunc(change.Notices, func(n exeunt.Notice) bool { return n.Kind == exeunt.NoticeAssigned }) {
		t.Error("nobody is told")
	}
	whole := cleanUp(t, plan, exeunt.Missed{})
	if n := len(slices.DeleteFunc(slices.Clone(whole.Tasks), func(task exeunt.Task) bool { return task.Asks != exeunt.AsksApproval })); n != 1 {
		t.Errorf("the whole departure asks %d times", n)
	}
}

// A clean-up goes on under what was decided about the departure by hand.
func TestACleanUpKeepsTheLegalHoldAndTheEmbargo(t *testing.T) {
	hold := &exeunt.LegalHold{Override: exeunt.Override{By: "Lea", Reason: "a claim is expected"}, Ask: &exeunt.Request{}}
	until := monday.Add(30 * 24 * time.Hour)
	for name, embargo := range map[string]*exeunt.Embargo{
		"revealed early": {Until: until, VisibleTo: []string{"a@x.example"}, EndedAt: monday},
		"for longer":     {Until: until, VisibleTo: []string{"a@x.example", "b@x.example"}},
		"none":           nil,
	} {
		before := exeunt.Case{ID: 3, State: exeunt.CaseClosed, ClosedAt: monday, LegalHold: hold, Embargo: embargo, Departure: leaving}
		before.Departure.Embargo = &exeunt.EmbargoTerms{Until: until.Add(-24 * time.Hour).Format(time.RFC3339), VisibleTo: []string{"a@x.example"}}
		next := before.CleanUpCase(9, "handle", monday)
		plan := wipingBoth(t, next, exeunt.Approvals{})
		m := missed("crm")
		m.Newest = &before
		change := cleanUp(t, plan, m)
		k := change.Case
		if k.LegalHold == nil || k.LegalHold.By != "Lea" || k.LegalHold.Ask != nil || k.Follows != 3 || !k.Departure.Immediate {
			t.Errorf("%s: %+v", name, k)
		}
		for _, s := range change.Steps {
			if s.Destructive && s.State != exeunt.StepHeld {
				t.Errorf("%s: %s is %s under a legal hold", name, s.Key, s.State)
			}
		}
		if (k.Embargo == nil) != (embargo == nil) || embargo != nil && (!k.Embargo.Until.Equal(until) || len(k.Embargo.VisibleTo) != len(embargo.VisibleTo) || !k.Embargo.EndedAt.Equal(embargo.EndedAt)) {
			t.Errorf("%s: %+v", name, k.Embargo)
		}
		if starts := change.Steps[0].StartsAt; k.Embargoed() == starts.Equal(monday) {
			t.Errorf("%s: starts %s", name, starts)
		}
	}
}

// What was done for a date is not done once more, years later: its owner looks whether it was done.
func TestADepartureOfLongAgoPaysNobodyTwice(t *testing.T) {
	pay, tell := missedStep("payroll", exeunt.ScheduleFinalPay), missedStep("payroll", exeunt.NotifyAdministrator)
	pay.SystemTitle, pay.Title, tell.Title = "Payroll", "Schedule final pay", "Notify the administrator"
	pay.Owner = exeunt.Person{Name: "Pia", Email: "pia@x.example"}
	plan := exeunt.Plan{Case: exeunt.Case{ID: 9, Departure: leaving}, Steps: []exeunt.Step{
		missedStep("crm", exeunt.Disable), missedStep("payroll", exeunt.EndEmployment), pay, tell, missedStep("mail", exeunt.Disable, "payroll-schedule_final_pay")}}
	change := cleanUp(t, plan, exeunt.Missed{})
	if keys := stepKeys(change.Steps); keys != "crm-disable, payroll-end_employment, mail-disable" || change.Steps[2].State != exeunt.StepReady {
		t.Errorf("%s: %+v", keys, change.Steps)
	}
	if len(change.Tasks) != 1 || change.Tasks[0].Owner != pay.Owner || change.Tasks[0].System != "payroll" || len(change.Tasks[0].Checklist) != 2 || change.Tasks[0].State != exeunt.TaskOpen {
		t.Errorf("%+v", change.Tasks)
	}
}

func TestWhoseAccountMayBeEnded(t *testing.T) {
	open := exeunt.Finding{Kind: exeunt.FoundOrphaned, Worker: &exeunt.Worker{}}
	closed := exeunt.Case{ID: 3, State: exeunt.CaseClosed, OpenedAt: monday.Add(-48 * time.Hour), ClosedAt: monday.Add(-24 * time.Hour)}
	with := func(change func(*exeunt.Case)) *exeunt.Case {
		c := closed
		change(&c)
		return &c
	}
	before, after := monday.Add(-time.Hour), monday.Add(time.Hour)
	for name, x := range map[string]struct {
		f      exeunt.Finding
		newest *exeunt.Case
		heard  exeunt.Said
		want   exeunt.ErrorKind
	}{
		"left":                         {open, &closed, exeunt.Said{ReceivedAt: before, Kind: exeunt.Announced}, ""},
		"left before there were cases": {open, nil, exeunt.Said{}, ""},
		"of nobody":                    {exeunt.Finding{Kind: exeunt.FoundOrphaned}, nil, exeunt.Said{}, exeunt.Invalid},
		"no orphan":                    {exeunt.Finding{Kind: exeunt.FoundMissing, Worker: &exeunt.Worker{}}, nil, exeunt.Said{}, exeunt.Invalid},
		"seen to":                      {exeunt.Finding{Kind: exeunt.FoundOrphaned, Worker: &exeunt.Worker{}, Decided: &exeunt.Decision{}}, &closed, exeunt.Said{}, exeunt.Conflict},
		"under way":                    {open, with(func(c *exeunt.Case) { c.State, c.ClosedAt = exeunt.CaseRunning, time.Time{} }), exeunt.Said{}, exeunt.Conflict},
		"put back":                     {open, with(func(c *exeunt.Case) { c.State = exeunt.CaseRescinded }), exeunt.Said{}, exeunt.Conflict},
		"hired again":                  {open, with(func(c *exeunt.Case) { c.State = exeunt.CaseRehired }), exeunt.Said{}, exeunt.Conflict},
		"hired again later":            {open, with(func(c *exeunt.Case) { c.RehiredOn = "2026-03-02" }), exeunt.Said{}, exeunt.Conflict},
		"hired again, by HR's word":    {open, &closed, exeunt.Said{ReceivedAt: before, Kind: exeunt.Rehired}, exeunt.Conflict},
		"left by a wave since":         {open, &closed, exeunt.Said{ReceivedAt: closed.OpenedAt.Add(-time.Hour), Kind: exeunt.Rehired}, ""},
		"heard of since":               {open, &closed, exeunt.Said{ReceivedAt: after, Kind: exeunt.Announced}, exeunt.Conflict},
		"heard before, and no case":    {open, nil, exeunt.Said{ReceivedAt: before, Kind: exeunt.Rehired}, exeunt.Conflict},
		"heard of since, and no case":  {open, nil, exeunt.Said{ReceivedAt: after, Kind: exeunt.Rescinded}, exeunt.Conflict},
	} {
		if got := exeunt.KindOf(x.f.Ends(x.newest, x.heard, monday)); got != x.want {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
	}
	again := exeunt.Trigger{Kind: exeunt.Announced}
	if !again.Absorbed(exeunt.Said{Kind: exeunt.Rehired}).Stays() || again.Absorbed(exeunt.Said{Kind: exeunt.Announced}).Stays() {
		t.Error("who came back leaves by an old announcement")
	}
}
