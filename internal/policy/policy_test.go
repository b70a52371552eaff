package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/policy"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func shipped(t *testing.T) []policy.Policy {
	t.Helper()
	policies, faults := policy.Shipped()
	if len(faults) > 0 {
		t.Fatalf("the shipped policies have faults:\n%v", faults)
	}
	return policies
}

func leaving(kind exeunt.DepartureType) exeunt.Departure {
	return exeunt.Departure{
		Type: kind, LastDay: "2026-03-31", TerminationDate: "2026-03-31",
		Leaver: exeunt.Leaver{ID: "7", Entity: "acme", Name: "Jane Doe", Zone: "Europe/Berlin",
			Manager: exeunt.Person{Name: "Max Boss", Email: "max@acme.example", Role: "manager"}},
	}
}

func TestEveryTypeOfDepartureHasAShippedPolicy(t *testing.T) {
	policies := shipped(t)
	want := map[exeunt.DepartureType]string{
		exeunt.Voluntary: "standard", exeunt.Retirement: "standard", exeunt.EndOfContract: "standard", exeunt.Death: "standard",
		exeunt.Involuntary: "immediate", exeunt.Layoff: "layoff",
	}
	for _, kind := range exeunt.DepartureTypes {
		p, err := policy.Choose(policies, leaving(kind))
		if err != nil || p.Name != want[kind] {
			t.Errorf("%s: got %q, %v; want %q", kind, p.Name, err, want[kind])
		}
	}
	if missing := policy.Without(policies); len(missing) > 0 {
		t.Errorf("no policy for %v", missing)
	}
	now := leaving(exeunt.Voluntary)
	now.Immediate = true
	if p, _ := policy.Choose(policies, now); p.Name != "immediate" {
		t.Errorf("a departure that is immediate takes policy %q", p.Name)
	}
}

// TestShippedPoliciesAskForAllThatConnectorsDo holds that no action waits for a policy that nobody wrote.
func TestShippedPoliciesAskForAllThatConnectorsDo(t *testing.T) {
	later := []exeunt.Action{exeunt.ReclaimLicence, exeunt.Deactivate} // of a standard departure only: they lose what may still be wanted
	own := []exeunt.Action{"delegate_mailbox", "wipe_devices"}         // for a company to want: a manager reads the mailbox, a phone loses what is on it
	for _, p := range shipped(t) {
		asked := map[exeunt.Action]bool{}
		for _, r := range p.Rules {
			for _, a := range r.Actions {
				asked[a] = true
			}
		}
		for _, kind := range connectors.All() {
			for _, spec := range kind.Actions {
				if !asked[spec.Action] && !slices.Contains(own, spec.Action) && (p.Name == "standard" || !slices.Contains(later, spec.Action)) {
					t.Errorf("the policy %s does not ask %s to %s", p.Name, kind.Name, spec.Action.Words())
				}
			}
		}
	}
}

func inventory() []exeunt.System {
	live := func(name string, tier int, sso string, actions ...exeunt.Action) exeunt.System {
		s := exeunt.System{Name: name, Title: name, Kind: "test", SSO: sso, Tier: tier, Stage: exeunt.Live,
			Owner: exeunt.Person{Name: "Ida", Email: "ida@acme.example"}, Fallback: "by hand"}
		for i, a := range actions {
			s.Actions = append(s.Actions, exeunt.ActionSpec{Action: a, Title: a.Words(), Order: i, Proof: exeunt.Observed})
		}
		return s
	}
	payroll := live("payroll", 2, "", exeunt.EndEmployment, exeunt.ScheduleFinalPay)
	payroll.Branch = "Payroll"
	benefits := exeunt.System{Name: "benefits", Title: "Benefits", Kind: "manual", Tier: 2, Stage: exeunt.Manual, Branch: "Benefits",
		Owner: exeunt.Person{Name: "Bea"}, Fallback: "call them"}
	wiki := live("wiki", 3, "directory", exeunt.Disable)
	door := exeunt.System{Name: "door", Title: "Door", Kind: "manual", Tier: 1, Stage: exeunt.Manual, Owner: exeunt.Person{Name: "Joe"}, Fallback: "take the badge"}
	return []exeunt.System{
		live("directory", 1, "", exeunt.ResetPassword, exeunt.Disable, exeunt.RevokeSessions, exeunt.RemoveGroups),
		live("database", 2, "directory", exeunt.Disable), wiki, payroll, benefits, door,
	}
}

func roles(role string, l exeunt.Leaver) exeunt.Person {
	if role == "manager" {
		return l.Manager
	}
	return exeunt.Person{Name: role, Email: role + "@acme.example", Role: role}
}

func draft(t *testing.T, d exeunt.Departure) exeunt.Plan {
	t.Helper()
	return draftIn(t, d, inventory())
}

func draftIn(t *testing.T, d exeunt.Departure, inventory []exeunt.System) exeunt.Plan {
	t.Helper()
	set, _ := policy.ReadSet(nil)
	p, err := set.Policy(d)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := exeunt.Draft(p, exeunt.Case{ID: 1, Departure: d, Owner: exeunt.Person{Name: "Hilde"}}, inventory, roles, now)
	if err != nil {
		t.Fatal(err)
	}
	if left := plan.Uncovered(inventory); len(left) > 0 {
		t.Fatalf("%s leaves out %v", p.Name, left)
	}
	return plan
}

func step(plan exeunt.Plan, key string) (exeunt.Step, bool) {
	i := slices.IndexFunc(plan.Steps, func(s exeunt.Step) bool { return s.Key == key })
	if i < 0 {
		return exeunt.Step{}, false
	}
	return plan.Steps[i], true
}

func task(plan exeunt.Plan, key string) (exeunt.Task, bool) {
	i := slices.IndexFunc(plan.Tasks, func(s exeunt.Task) bool { return s.Key == key })
	if i < 0 {
		return exeunt.Task{}, false
	}
	return plan.Tasks[i], true
}

// A company may have several payrolls. One that does not answer holds up its own pay alone.
func TestFinalPayWaitsForTheEndOfEmploymentInItsOwnPayroll(t *testing.T) {
	c := leaving(exeunt.Voluntary)
	other := inventory()
	for _, s := range inventory() {
		if s.Name == "payroll" {
			s.Name, s.Title = "payroll-two", "The other payroll"
			other = append(other, s)
		}
	}
	plan := draftIn(t, c, other)
	pay, ok := step(plan, "payroll-two-schedule-final-pay")
	if !ok || len(pay.After) != 2 || pay.After[1].Key != "payroll-two-end-employment" {
		t.Errorf("it waits for %v", pay.After)
	}
}

func TestStandardCutsAccessAtTheEndOfTheLastDay(t *testing.T) {
	plan := draft(t, leaving(exeunt.Voluntary))
	s, ok := step(plan, "directory-disable")
	want := time.Date(2026, 3, 31, 15, 0, 0, 0, time.UTC) // 17:00 in Berlin, summer time
	if !ok || !s.StartsAt.Equal(want) || !s.Deadline.Equal(want.Add(30*time.Minute)) || s.State != exeunt.StepScheduled {
		t.Errorf("directory-disable: %+v", s)
	}
	if s, ok := step(plan, "wiki-check-access"); !ok || s.Coverage != exeunt.CoverInherited || len(s.After) == 0 {
		t.Errorf("the wiki behind the sign-on is not checked after it: %+v", s)
	}
	if s, ok := step(plan, "database-disable"); !ok || s.Rule != "cut-access" {
		t.Errorf("the database behind the sign-on is not closed itself: %+v", s)
	}
}

func TestFinalPayWaitsForTheApprovedTimesheet(t *testing.T) {
	for _, kind := range []exeunt.DepartureType{exeunt.Voluntary, exeunt.Involuntary, exeunt.Layoff} {
		plan := draft(t, leaving(kind))
		pay, ok := step(plan, "payroll-schedule-final-pay")
		if !ok || len(pay.After) != 2 || pay.After[0].Key != "approve-timesheet" || !strings.Contains(pay.After[0].Because, "approved hours") {
			t.Errorf("%s: final pay waits for %v", kind, pay.After)
		}
		if pay.After[1].Key != "payroll-end-employment" || !strings.Contains(pay.After[1].Because, "flagged as ended") {
			t.Errorf("%s: final pay waits for %v", kind, pay.After)
		}
		flag, ok := step(plan, "payroll-end-employment")
		if !ok || len(flag.After) != 0 {
			t.Errorf("%s: the end of employment is not flagged independently: %+v", kind, flag)
		}
		sheet, ok := task(plan, "approve-timesheet")
		if !ok || sheet.Owner.Name != "Max Boss" {
			t.Errorf("%s: the manager does not approve the timesheet: %+v", kind, sheet)
		}
		if b, ok := task(plan, "benefits-notify-benefits"); !ok || b.Branch != "Benefits" {
			t.Errorf("%s: the benefits administrator is not told: %+v", kind, b)
		}
	}
}

func TestPeopleAreAskedWhatFitsTheDeparture(t *testing.T) {
	interview := map[exeunt.DepartureType]bool{exeunt.Voluntary: true, exeunt.Retirement: true, exeunt.EndOfContract: true, exeunt.Layoff: true, exeunt.Involuntary: false, exeunt.Death: false}
	for kind, want := range interview {
		plan := draft(t, leaving(kind))
		if _, ok := task(plan, "exit-interview"); ok != want {
			t.Errorf("%s: exit interview %v, want %v", kind, ok, want)
		}
		for _, key := range []string{"return-assets", "shared-accounts", "settle-expenses"} {
			if _, ok := task(plan, key); !ok {
				t.Errorf("%s: nobody is asked to %s", kind, key)
			}
		}
	}
	flagged := leaving(exeunt.Voluntary)
	flagged.Leaver.Flags = []exeunt.Flag{exeunt.Privileged, exeunt.Executive, exeunt.LitigationHold}
	plan := draft(t, flagged)
	for _, key := range []string{"rotate-privileged-secrets", "signing-authority", "legal-hold-review"} {
		if _, ok := task(plan, key); !ok {
			t.Errorf("a flagged departure has no task %s", key)
		}
	}
}

func TestNothingOfAnImmediateDepartureStartsBeforeTheCutOff(t *testing.T) {
	plan := draft(t, leaving(exeunt.Involuntary))
	for _, s := range plan.Steps {
		if s.StartsAt.Before(plan.Case.CutOff) {
			t.Errorf("%s starts %s, before the cut-off %s", s.Key, s.StartsAt, plan.Case.CutOff)
		}
	}
	for _, s := range plan.Tasks {
		if s.StartsAt.Before(plan.Case.CutOff) {
			t.Errorf("%s starts %s, before the cut-off %s: somebody may hear of it", s.Key, s.StartsAt, plan.Case.CutOff)
		}
	}
}

const small = `name: own
applies: departure.type == "voluntary"
rules:
  - name: one
    systems: system.tier == 1
    actions: [disable]
    start: cut-off
    deadline: start + 1h
`

func TestFaultsOfAPolicyAreSaidAtTheirPlaces(t *testing.T) {
	cases := []struct{ name, old, new, want string }{
		{"a misspelt field", "system.tier == 1", "system.teir == 1", "p.yaml:5:20: rules[0].systems: undefined field 'teir'"},
		{"a misspelt variable", `departure.type == "voluntary"`, `depature.type == "voluntary"`, "p.yaml:2:10: applies: undeclared reference to 'depature'"},
		{"no system outside systems", `departure.type == "voluntary"`, `system.tier == 1`, "p.yaml:2:10: applies: undeclared reference to 'system'"},
		{"a type error", "system.tier == 1", `system.tier == "1"`, "no matching overload"},
		{"not a condition", "system.tier == 1", "system.tier", "p.yaml:5:14: rules[0].systems: this gives int"},
		{"a syntax error", "system.tier == 1", "system.tier ==", "Syntax error"},
		{"a moment", "start: cut-off", "start: cutoff", "p.yaml:7:12: rules[0].start: \"cutoff\" is not a moment"},
		{"an unknown key", "actions:", "action:", "p.yaml:6:5: rules[0].action: there is no such key here; did you mean actions?"},
		{"nothing to do", "    actions: [disable]\n", "", "rules[0]: the rule does nothing"},
		{"no deadline", "    deadline: start + 1h\n", "", "rules[0].deadline: missing; say by when"},
		{"an unknown dependency", "    start: cut-off\n", "    start: cut-off\n    after: [{rule: two, because: x}]\n", "there is no rule \"two\""},
		{"a circle", "    start: cut-off\n", "    start: cut-off\n    after: [{rule: one, because: x}]\n", "wait for each other"},
		{"a dependency without a reason", "    start: cut-off\n", "    start: cut-off\n    after: [{rule: two}]\n", "rules[0].after[0].because: missing"},
		{"a block", "systems: system.tier == 1", "systems: |\n      system.tier > 0 &&\n      system.foo == 1", "p.yaml:7:7: rules[0].systems: undefined field 'foo'"},
		{"a clock time", "applies:", "cut_off: 5pm\napplies:", "cut_off: this is not a clock time"},
		{"an embargo for nobody", "applies:", "embargo: {until: cut-off, visible_to: []}\napplies:", "embargo.visible_to: nobody could see the case"},
		{"an embargo without an end", "applies:", "embargo: {visible_to: [a@b.example]}\napplies:", "embargo.until: missing; say when it ends"},
		{"an embargo from a start", "applies:", "embargo: {until: start, visible_to: [a@b.example]}\napplies:", "embargo.until: an embargo ends for the case as a whole"},
		{"an embargo for a role", "applies:", "embargo: {until: cut-off, visible_to: [hr]}\napplies:", "embargo.visible_to[0]: this is not an e-mail address"},
		{"no rules", small[strings.Index(small, "rules:"):], "", "the policy has no rules"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, faults := policy.Read("p.yaml", []byte(small)); len(faults) > 0 {
				t.Fatalf("the example itself is faulty: %v", faults)
			}
			broken := strings.Replace(small, c.old, c.new, 1)
			if _, faults := policy.Read("p.yaml", []byte(broken)); !strings.Contains(faults.Error(), c.want) {
				t.Errorf("got:\n%v\nwant: %s", faults, c.want)
			}
		})
	}
}

func TestExtendsReplacesAddsAndLeavesOut(t *testing.T) {
	own := `name: acme
extends: standard
without: [exit-interview, approve-timesheet]
embargo: {until: cut-off - 1h, visible_to: [vera@acme.example]}
rules:
  - name: return-assets
    title: Take back the forklift
    task: {owner: it, procedure: with care}
    start: last-day
    deadline: start + 1d
  - name: fly-flag
    task: {owner: hr, procedure: at half mast}
    start: last-day
    deadline: start + 1d
`
	p, faults := policy.Read("acme.yaml", []byte(own))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var names []string
	for _, r := range p.Rules {
		names = append(names, r.Name)
		if r.Name == "return-assets" && r.Title != "Take back the forklift" {
			t.Errorf("return-assets was not replaced: %s", r.Title)
		}
		if r.Name == "final-pay" && (len(r.After) != 1 || r.After[0].Rule != "end-employment") {
			t.Errorf("final-pay waits for %v, also for a rule that was left out", r.After)
		}
	}
	if p.Embargo == nil || p.Embargo.Until.String() != "cut-off - 1h" || len(p.Embargo.VisibleTo) != 1 {
		t.Errorf("its embargo is %+v", p.Embargo)
	}
	if slices.Contains(names, "exit-interview") || !slices.Contains(names, "fly-flag") || !slices.Contains(names, "cut-access") {
		t.Errorf("rules: %v", names)
	}
	standard, _ := policy.Source("standard")
	base, _ := policy.Read("standard.yaml", standard)
	if p.Version == base.Version || len(p.Version) != 12 {
		t.Errorf("version %q does not depend on the content", p.Version)
	}
	if _, faults := policy.Read("x.yaml", []byte("name: x\nextends: standard\nwithout: [nothing]\n")); !strings.Contains(faults.Error(), "x.yaml:3:11: without[0]: standard has no rule") {
		t.Errorf("got %v", faults)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("name: &a [*a]"))
	f.Add([]byte("name: x\nextends: standard\n"))
	f.Fuzz(func(t *testing.T, source []byte) {
		p, faults := policy.Read("p.yaml", source)
		if len(faults.Errors()) == 0 && p.Name == "" {
			t.Errorf("a policy without a name is accepted")
		}
	})
}

// What a condition on systems alone chooses is the same for everybody, and is said to be; what looks at who leaves is not.
func TestWhatLooksAtSystemsAloneIsSaidToDoSo(t *testing.T) {
	p, faults := policy.Read("p.yaml", []byte(`
name: p
rules:
  - {name: alone, title: Alone, systems: "system.tier == 1", actions: [disable], start: cut-off, deadline: start + 4h}
  - {name: leaver, title: Leaver, systems: "system.tier == 1 && leaver.id == 'E1'", actions: [disable], start: cut-off, deadline: start + 4h}
  - {name: departure, title: Departure, systems: "system.holds.exists(h, h == departure.type)", actions: [disable], start: cut-off, deadline: start + 4h}
`))
	if len(faults.Errors()) > 0 {
		t.Fatal(faults)
	}
	for i, want := range []bool{true, false, false} {
		if got := p.Rules[i].Text; got.SystemsAlone != want || !strings.HasPrefix(got.Systems, "system.") {
			t.Errorf("%s: %+v, want %t", p.Rules[i].Name, got, want)
		}
	}
}

func TestAMailboxIsSharedBeforeItsLicenceGoes(t *testing.T) {
	all := append(inventory(), exeunt.System{Name: "mail", Title: "Mail", Kind: "test", Tier: 1, Stage: exeunt.Live, Owner: exeunt.Person{Name: "Ida"}, Fallback: "by hand",
		Actions: []exeunt.ActionSpec{
			{Action: exeunt.ShareMailbox, Title: "Share", Order: 115, Proof: exeunt.Observed, ByHand: true},
			{Action: exeunt.ReclaimLicence, Title: "Reclaim", Order: 120, Proof: exeunt.Observed},
		}})
	plan := draftIn(t, leaving(exeunt.Voluntary), all)
	i := slices.IndexFunc(plan.Steps, func(s exeunt.Step) bool { return s.Key == "mail-reclaim-licence" })
	if i < 0 || !slices.ContainsFunc(plan.Steps[i].After, func(d exeunt.Dependency) bool { return d.Key == "mail-share-mailbox" }) {
		t.Errorf("%+v: the licence does not wait for the mailbox", plan.Steps)
	}
	if exeunt.StepByHand.Settled() {
		t.Error("what people have yet to do lets the next step go on")
	}
}
