package exeunt_test

import (
	"testing"

	"github.com/exeunt/exeunt"
)

func TestACleanUpKeepsWhatEndsTheAccountsAndNothingElse(t *testing.T) {
	step := func(system string, action exeunt.Action, after ...string) exeunt.Step {
		s := exeunt.Step{Key: system + "-" + string(action), System: system, Action: action, State: exeunt.StepReady}
		for _, key := range after {
			s.After = append(s.After, exeunt.Dependency{Key: key, Because: "order"})
		}
		return s
	}
	plan := exeunt.Plan{
		Case:  exeunt.Case{ID: 9},
		Steps: []exeunt.Step{step("crm", exeunt.Disable, "crm-by-hand"), step("crm", exeunt.RemoveGroups, "crm-disable"), step("payroll", exeunt.Disable), step("payroll", exeunt.ScheduleFinalPay), step("mail", exeunt.Disable)},
		Tasks: []exeunt.Task{{Key: "assets"}, {Key: "mail-check", System: "mail", State: exeunt.TaskWaiting}},
	}
	accounts := map[string]exeunt.Account{"crm": {ID: "c1"}, "payroll": {ID: "p1"}}
	over := exeunt.Case{ID: 3, State: exeunt.CaseClosed, ClosedAt: monday}
	change, err := plan.CleanUp(over, accounts, exeunt.Trigger{Source: exeunt.CleanUpSource, Override: &exeunt.Override{By: "Ida"}}, monday)
	if err != nil {
		t.Fatal(err)
	}
	var keys string
	for _, s := range change.Steps {
		keys += " " + s.Key + " " + s.Account.ID
	}
	if keys != " crm-disable c1 crm-remove_groups c1 payroll-disable p1" || len(change.Tasks) != 0 || change.Case.Follows != 3 {
		t.Errorf("keeps%s, tasks %v, follows %s", keys, change.Tasks, change.Case.Follows)
	}
	if first, second := change.Steps[0], change.Steps[1]; first.State != exeunt.StepReady || len(second.After) != 1 || second.State != exeunt.StepWaiting {
		t.Errorf("%s, and %s after %v: what is left out is not waited for, and the order stays", first.State, second.State, second.After)
	}
	if _, err := plan.CleanUp(exeunt.Case{ID: 3, State: exeunt.CaseRunning}, accounts, exeunt.Trigger{}, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("while the departure is under way: %v", err)
	}
	if _, err := plan.CleanUp(over, map[string]exeunt.Account{"wiki": {ID: "w"}}, exeunt.Trigger{}, monday); exeunt.KindOf(err) != exeunt.Unsupported {
		t.Errorf("where the policy ends nothing: %v", err)
	}
}
