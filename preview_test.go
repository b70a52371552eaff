package exeunt_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// TestAPreviewSaysWhyAndWhatIsMissing holds what people read of a plan before there is a case.
func TestAPreviewSaysWhyAndWhatIsMissing(t *testing.T) {
	byRole := live("crm", "", exeunt.Disable)
	byRole.Owner, byRole.Identifier = exeunt.Person{Role: "sales_it"}, exeunt.Login
	byRole.Correlation = exeunt.Correlation{exeunt.IdentifierRule("login", exeunt.Login)}
	said := live("chat", "", exeunt.RevokeSessions)
	said.Actions[0].Proof = exeunt.Acknowledged
	door := live("door", "")
	door.Stage, door.Kind = exeunt.Manual, "manual"
	inventory := []exeunt.System{live("directory", "", exeunt.Disable), live("wiki", "directory"), byRole, said, door}

	cut := everywhere(exeunt.Disable, exeunt.RevokeSessions)
	cut.Title, cut.Text.Systems = "Cut access", `system.sso == ""`
	cut.Systems = func(f exeunt.Facts) (bool, error) { return f.System.SSO == "", nil }
	later := moment("start + 8h")
	policy := exeunt.Policy{Name: "p", Title: "Standard", AccessSLA: time.Hour, Rules: []exeunt.Rule{cut}, Modifiers: []exeunt.Modifier{{
		Name: "calm", Because: "nobody is hurried", Change: []exeunt.Adjustment{{Rule: "cut-access", Because: "it is a calm departure", Deadline: &later}},
		Add: []exeunt.Rule{{Name: "say-goodbye", Title: "Say goodbye", Task: &exeunt.TaskPattern{Owner: "manager"}, Start: moment("trigger"), Deadline: moment("start + 1d")}},
	}}}
	roles := func(role string, l exeunt.Leaver) exeunt.Person {
		if role == "sales_it" {
			return exeunt.Person{Name: "Hilde", Role: exeunt.CaseOwner}
		}
		return someone(role, l)
	}
	plan, err := exeunt.Draft(policy, exeunt.Case{Departure: leaving, Owner: hilde}, inventory, roles, monday)
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Preview(policy, inventory, monday)

	why, grade := map[string]string{}, map[string]exeunt.Proof{}
	for _, s := range p.Steps {
		why[s.Key], grade[s.Key] = s.Why, s.Grade
	}
	for _, task := range p.Tasks {
		why[task.Key], grade[task.Key] = task.Why, task.Grade
	}
	for key, want := range map[string]string{
		"directory-disable": `rule cut-access (Cut access), in systems with system.sso == ""; modifier calm: deadline start + 8h instead of start + 4h: it is a calm departure`,
		"say-goodbye":       "rule say-goodbye (Say goodbye); modifier calm: added: nobody is hurried",
		"door-by-hand":      `tracked by hand (no API); rule cut-access (Cut access), in systems with system.sso == ""; modifier calm: deadline start + 8h instead of start + 4h: it is a calm departure`,
		"wiki-check":        "access to wiki ends with the sign-on of directory",
	} {
		if got := why[key]; !strings.HasPrefix(got, want) {
			t.Errorf("%s is there because %q, want %q", key, got, want)
		}
	}
	if grade["directory-disable"] != exeunt.Observed || grade["chat-revoke-sessions"] != exeunt.Acknowledged || grade["say-goodbye"] != exeunt.Attested {
		t.Errorf("how well it is proven: %v", grade)
	}
	var lacks []string
	for _, l := range p.Missing {
		lacks = append(lacks, l.Title+": "+l.What)
	}
	if want := []string{"crm: nobody else holds the role sales_it: the case owner is asked", "crm: no identifier by which it knows Jane Doe", "Manager: HR names none: what a manager is asked goes to the case owner"}; !slices.Equal(lacks, want) {
		t.Errorf("missing: %q", lacks)
	}
	if want := "3 by connector, 1 inherited from single sign-on and checked, 1 by a person"; p.Summary() != want {
		t.Errorf("%s, want %s", p.Summary(), want)
	}
	if p.Plan().Text() != plan.Text() || p.Title != "Standard" || len(p.Applied) != 1 {
		t.Errorf("the plan of the preview is another one: %+v", p)
	}
}

// TestNobodyInParticularLacksNoIdentifier previews a type of departure and not a person.
func TestNobodyInParticularLacksNoIdentifier(t *testing.T) {
	anybody := leaving
	anybody.Leaver.Identifiers = nil
	inventory := []exeunt.System{live("crm", "", exeunt.Disable)}
	policy := exeunt.Policy{Name: "p", AccessSLA: time.Hour, Rules: []exeunt.Rule{everywhere(exeunt.Disable)}}
	plan, err := exeunt.Draft(policy, exeunt.Case{Departure: anybody, Owner: hilde}, inventory, someone, monday)
	if err != nil {
		t.Fatal(err)
	}
	if p := plan.Preview(policy, inventory, monday); len(p.Missing) > 0 {
		t.Errorf("missing: %+v", p.Missing)
	}
}

func TestTheLastQuarterIsOfTheCalendar(t *testing.T) {
	for day, want := range map[string][2]exeunt.Date{
		"2026-11-23": {"2026-07-01", "2026-09-30"}, "2026-01-01": {"2025-10-01", "2025-12-31"}, "2026-03-31": {"2025-10-01", "2025-12-31"}, "2024-04-30": {"2024-01-01", "2024-03-31"},
	} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		if from, to := exeunt.LastQuarter(at); from != want[0] || to != want[1] {
			t.Errorf("before %s: %s to %s, want %v", day, from, to, want)
		}
	}
}
