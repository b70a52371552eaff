package exeunt_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
)

func always(exeunt.Facts) (bool, error) { return true, nil }

func modifiable() exeunt.Policy {
	cut := everywhere(exeunt.Disable)
	cut.Systems = func(f exeunt.Facts) (bool, error) { return f.System.Name == "directory", nil }
	assets := exeunt.Rule{Name: "return-assets", Task: &exeunt.TaskPattern{Owner: "manager", Procedure: "take"}, Start: moment("last-day"), Deadline: moment("last-day + 7d")}
	papers := exeunt.Rule{Name: "papers", Task: &exeunt.TaskPattern{Owner: "hr", Procedure: "file"}, Start: moment("last-day"), Deadline: moment("start + 1d"), After: []exeunt.After{{Rule: "return-assets", Because: "the receipt is filed"}}}
	return exeunt.Policy{Name: "p", Rules: []exeunt.Rule{cut, assets, papers}}
}

func modifier(name string, change func(*exeunt.Modifier)) exeunt.Modifier {
	m := exeunt.Modifier{Name: name, Version: "v-" + name, Because: name + " is why", Applies: always}
	change(&m)
	return m
}

func changed(rule string, set func(*exeunt.Adjustment)) func(*exeunt.Modifier) {
	return func(m *exeunt.Modifier) {
		a := exeunt.Adjustment{Rule: rule, Because: "so " + m.Name + " wants it"}
		set(&a)
		m.Change = append(m.Change, a)
	}
}

func due(text string) func(*exeunt.Adjustment) {
	return func(a *exeunt.Adjustment) { a.Deadline = new(moment(text)) }
}

func begins(text string) func(*exeunt.Adjustment) {
	return func(a *exeunt.Adjustment) { a.Start = new(moment(text)) }
}

func by(approver string) func(*exeunt.Adjustment) {
	return func(a *exeunt.Adjustment) { a.Approver = &approver }
}

func removed(rule string) func(*exeunt.Modifier) {
	return func(m *exeunt.Modifier) {
		m.Remove = append(m.Remove, exeunt.Removal{Rule: rule, Because: m.Name + " needs none"})
	}
}

func over(name string, change func(*exeunt.Modifier)) func(*exeunt.Modifier) {
	return func(m *exeunt.Modifier) {
		change(m)
		m.Over = []string{name}
	}
}

func never(change func(*exeunt.Modifier)) func(*exeunt.Modifier) {
	return func(m *exeunt.Modifier) {
		change(m)
		m.Applies = func(exeunt.Facts) (bool, error) { return false, nil }
	}
}

func modifiedText(t *testing.T, modifiers ...exeunt.Modifier) (exeunt.Plan, string) {
	t.Helper()
	p := modifiable()
	p.Modifiers = modifiers
	inventory := []exeunt.System{live("directory", "", exeunt.Disable), live("wiki", "", exeunt.Disable)}
	plan := draft(t, p, inventory)
	if left := plan.Uncovered(inventory); len(left) > 0 {
		t.Fatalf("the plan leaves out %v", left)
	}
	return plan, plan.Text()
}

func TestModifiersAddChangeAndLeaveOutWithTheirReasons(t *testing.T) {
	extra := exeunt.Rule{Name: "extra", Task: &exeunt.TaskPattern{Owner: "legal", Procedure: "look"}, Start: moment("trigger"), Deadline: moment("start + 1d")}
	cases := []struct {
		name      string
		modifiers []exeunt.Modifier
		want, not []string
	}{
		{"none", nil, []string{"task return-assets", "by 2026-04-07 17:00"}, []string{"left out", "by a:"}},
		{"one that does not count", []exeunt.Modifier{modifier("a", never(removed("return-assets")))}, []string{"task return-assets"}, []string{"left out"}},
		{"adds", []exeunt.Modifier{modifier("a", func(m *exeunt.Modifier) { m.Add = []exeunt.Rule{extra} })}, []string{"task extra", "by a: added: a is why"}, nil},
		{"adds what is there", []exeunt.Modifier{modifier("a", func(m *exeunt.Modifier) {
			m.Add = []exeunt.Rule{{Name: "papers", Task: extra.Task, Start: extra.Start, Deadline: extra.Deadline}}
		})}, []string{"the hr"}, []string{"by a:", "the legal"}},
		{"deadline", []exeunt.Modifier{modifier("a", changed("return-assets", due("last-day + 14d")))}, []string{"by 2026-04-14 17:00", "by a: deadline last-day + 14d instead of last-day + 7d: so a wants it"}, nil},
		{"start", []exeunt.Modifier{modifier("a", changed("return-assets", func(a *exeunt.Adjustment) { a.Start = new(moment("trigger")) }))}, []string{"2026-03-02 10:00  by 2026-04-07 17:00  task return-assets", "start trigger instead of last-day"}, nil},
		{"owner of a task", []exeunt.Modifier{modifier("a", changed("return-assets", func(a *exeunt.Adjustment) { a.Owner = new("legal") }))}, []string{"return-assets          the legal", "owner legal instead of manager"}, nil},
		{"owner of steps", []exeunt.Modifier{modifier("a", changed("cut-access", func(a *exeunt.Adjustment) { a.Owner = new("security") }))}, []string{"cut-access             the security", "owner security instead of the system's owner"}, nil},
		{"approver", []exeunt.Modifier{modifier("a", changed("cut-access", func(a *exeunt.Adjustment) { a.Approver = new("security") }))}, []string{"approved by the security: the rule cut-access wants it", "approver security instead of none"}, nil},
		{"leaves out", []exeunt.Modifier{modifier("a", removed("return-assets"))}, []string{"left out by a: return-assets: a needs none", "does not wait for return-assets"}, []string{"task return-assets"}},
		{"leaves out what reached a system", []exeunt.Modifier{modifier("a", removed("cut-access"))}, []string{"task directory-by-hand", "left out by a: cut-access"}, []string{"step directory-disable"}},
		{"two of them", []exeunt.Modifier{modifier("a", changed("return-assets", due("last-day + 14d"))), modifier("b", removed("papers"))}, []string{"by a: deadline", "left out by b: papers"}, []string{"settle-modifiers"}},
		{"what one adds another changes", []exeunt.Modifier{modifier("a", changed("extra", due("start + 2d"))), modifier("b", func(m *exeunt.Modifier) { m.Add = []exeunt.Rule{extra} })}, []string{"by b: added", "by a: deadline start + 2d instead of start + 1d"}, []string{"settle-modifiers"}},
		{"of two that differ one is over the other", []exeunt.Modifier{modifier("a", changed("return-assets", due("last-day + 14d"))), modifier("b", over("a", changed("return-assets", due("last-day + 1d"))))}, []string{"by 2026-04-01 17:00", "by b: deadline"}, []string{"by a:", "settle-modifiers"}},
		{"the earlier is over the later", []exeunt.Modifier{modifier("a", over("b", changed("return-assets", due("last-day + 14d")))), modifier("b", changed("return-assets", due("last-day + 1d")))}, []string{"by 2026-04-14 17:00", "by a: deadline"}, []string{"by b:", "settle-modifiers"}},
		{"of three the last is over the first", []exeunt.Modifier{modifier("a", changed("return-assets", due("last-day + 14d"))), modifier("b", changed("return-assets", due("last-day + 1d"))), modifier("c", over("a", changed("return-assets", due("last-day + 3d"))))}, []string{"by 2026-04-01 17:00", "by b: deadline", "settle-modifiers"}, []string{"by a:", "by c:"}},
		{"leaving out is over changing", []exeunt.Modifier{modifier("a", changed("return-assets", due("last-day + 14d"))), modifier("b", over("a", removed("return-assets")))}, []string{"left out by b: return-assets"}, []string{"task return-assets", "settle-modifiers"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			plan, text := modifiedText(t, c.modifiers...)
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in the plan:\n%s", want, text)
				}
			}
			for _, not := range c.not {
				if strings.Contains(text, not) {
					t.Errorf("%q is in the plan:\n%s", not, text)
				}
			}
			for _, m := range c.modifiers {
				counts := slices.Contains(plan.Case.Modifiers, exeunt.Applied{Name: m.Name, Version: "v-" + m.Name})
				if yes, _ := m.Applies(exeunt.Facts{}); yes != counts {
					t.Errorf("the case says that %v count", plan.Case.Modifiers)
				}
			}
		})
	}
}

func TestASystemWhoseRuleAModifierLeavesOutSaysSo(t *testing.T) {
	plan, _ := modifiedText(t, modifier("a", removed("cut-access")))
	i := slices.IndexFunc(plan.Tasks, func(k exeunt.Task) bool { return k.System == "directory" })
	if i < 0 || plan.Tasks[i].Reason != "the modifier a leaves out cut-access, which reached it: a needs none" {
		t.Errorf("the directory is covered by %+v", plan.Tasks)
	}
}

// The first of two rules that are left out does not concern the departure; the second reached the system.
func TestOfSeveralRulesTheOneIsNamedThatReachedTheSystem(t *testing.T) {
	p := modifiable()
	other := p.Rules[0]
	other.Name, other.When = "cut-elsewhere", func(exeunt.Facts) (bool, error) { return false, nil }
	p.Rules = append([]exeunt.Rule{other}, p.Rules...)
	p.Modifiers = []exeunt.Modifier{modifier("b", removed("cut-elsewhere")), modifier("a", removed("cut-access"))}
	plan := draft(t, p, []exeunt.System{live("directory", "", exeunt.Disable)})
	i := slices.IndexFunc(plan.Tasks, func(k exeunt.Task) bool { return k.System == "directory" })
	if i < 0 || plan.Tasks[i].Reason != "the modifier a leaves out cut-access, which reached it: a needs none" {
		t.Errorf("the directory is covered by %+v", plan.Tasks)
	}
}

func TestWhatModifiersContradictWaitsForTheCaseOwner(t *testing.T) {
	cases := []struct {
		name, rule, want string
		one, two         func(*exeunt.Modifier)
	}{
		{"starts", "cut-access", "start trigger or last-day", changed("cut-access", begins("trigger")), changed("cut-access", begins("last-day"))},
		{"approvers", "cut-access", "approver none or security", changed("cut-access", by("")), changed("cut-access", by("security"))},
		{"left out and changed", "cut-access", "a leaves it out, b has it", removed("cut-access"), changed("cut-access", due("start + 2h"))},
		{"changed and left out", "cut-access", "b leaves it out, a has it", changed("cut-access", due("start + 1h")), removed("cut-access")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			plan, text := modifiedText(t, modifier("a", c.one), modifier("b", c.two))
			want := "the modifiers a and b contradict each other about cut-access: " + c.want
			i := slices.IndexFunc(plan.Tasks, func(k exeunt.Task) bool { return k.Key == exeunt.Contradicted })
			if i < 0 || plan.Tasks[i].Reason != want || plan.Tasks[i].Owner.Role != exeunt.CaseOwner {
				t.Errorf("nobody is asked to settle it:\n%s", text)
			}
			step := plan.Steps[0]
			if step.State != exeunt.StepHeld || !step.Approval.Open() || step.Approval.For != want {
				t.Errorf("%s is %s, approval %+v", step.Key, step.State, step.Approval)
			}
		})
	}
	for name, two := range map[string][2]func(*exeunt.Modifier){
		"deadlines": {changed("cut-access", due("start + 1h")), changed("cut-access", due("start + 2h"))},
		"owners":    {changed("cut-access", func(a *exeunt.Adjustment) { a.Owner = new("legal") }), changed("cut-access", func(a *exeunt.Adjustment) { a.Owner = new("hr") })},
	} {
		plan, text := modifiedText(t, modifier("a", two[0]), modifier("b", two[1]))
		if step := plan.Steps[0]; step.State == exeunt.StepHeld || step.Approval != nil || !strings.Contains(text, "settle-modifiers") {
			t.Errorf("%s: %s is %s, approval %+v:\n%s", name, step.Key, step.State, step.Approval, text)
		}
	}
	if got := modifier("a", changed("x", due("start + 1h"))).Contradictions(modifier("b", changed("x", due("start + 1h")))); len(got) > 0 {
		t.Errorf("two that say the same contradict each other: %v", got)
	}
	if _, text := modifiedText(t, modifier("a", changed("nowhere", due("start + 1h"))), modifier("b", removed("nowhere"))); strings.Contains(text, "settle") {
		t.Errorf("a contradiction about a rule that the policy has not got is asked about:\n%s", text)
	}
}

func TestTheLedgerSaysWhichModifiersCount(t *testing.T) {
	plan, _ := modifiedText(t, modifier("a", removed("return-assets")))
	opened := plan.Open(exeunt.Trigger{Source: "hr"}, "", monday).Entries[0].Detail
	if opened["modifiers"] != "a v-a" || opened["left_out"] != "return-assets by a: a needs none" {
		t.Errorf("the entry says %v", opened)
	}
}
