package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
)

func TestRulesWriteIdentifiersAsSystemsDo(t *testing.T) {
	jane := exeunt.Leaver{ID: "42", Entity: "de", Department: "Sales", Identifiers: map[exeunt.IdentifierKind]string{
		exeunt.WorkEmail: "Jane.Doe@corp.example", exeunt.Login: "JDoe", "badge": "0007"}}
	for expression, want := range map[string][]string{
		`identifiers.work_email`:                {"Jane.Doe@corp.example"},
		`lower(identifiers.work_email)`:         {"jane.doe@corp.example"},
		`upper(identifiers.login)`:              {"JDOE"},
		`pad(identifiers.employee_id, 6)`:       {"000042"},
		`"P" + pad(identifiers.employee_id, 1)`: {"P42"},
		`unpad(identifiers.badge)`:              {"7"},
		`unpad("000")`:                          {"0"},
		`local(identifiers.work_email)`:         {"Jane.Doe"},
		`[identifiers.work_email, domain(identifiers.work_email, "old.example")]`: {"Jane.Doe@corp.example", "Jane.Doe@old.example"},
		`domain(identifiers.login, "old.example")`:                                {""},
		`identifiers.upn`:            {""},
		`identifiers.costume_number`: nil,
		`leaver.entity == "de" ? lower(identifiers.login) : identifiers.login`:                       {"jdoe"},
		`leaver.department.startsWith("Sa") ? ["s-" + identifiers.login, "x"] : [identifiers.login]`: {"s-JDoe", "x"},
		`identifiers.work_email.replace("@corp.", "@corp-group.")`:                                   {"Jane.Doe@corp-group.example"},
		`pad(identifiers.employee_id, 1000000000)`:                                                   {strings.Repeat("0", 62) + "42"},
	} {
		values, problems := Values("is", expression)
		if len(problems) > 0 {
			t.Errorf("%s: %v", expression, problems)
			continue
		}
		if got, err := values(jane); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s gives %q, %v; want %q", expression, got, err, want)
		}
	}
}

func TestABrokenRuleIsSaidWithItsPlace(t *testing.T) {
	for expression, says := range map[string]string{
		`identifiers.work_email ==`:     "Syntax error",
		`identifiers.work_email == "x"`: "gives bool",
		`person.mail`:                   "undeclared reference",
		`pad(identifiers.employee_id)`:  "no matching overload",
		`leaver.salary`:                 "undefined field",
		`[1, 2]`:                        "not a text",
	} {
		_, problems := Values("correlate[0].is", expression)
		if len(problems) == 0 || problems[0].Path != "correlate[0].is" || problems[0].Line != 1 || problems[0].Column == 0 || problems[0].Remedy == "" || !strings.Contains(problems[0].What, says) {
			t.Errorf("%s: %+v, want %q at its place", expression, problems, says)
		}
	}
}

func BenchmarkARule(b *testing.B) {
	values, _ := Values("is", `[identifiers.work_email, domain(identifiers.work_email, "old.example")]`)
	l := exeunt.Leaver{ID: "42", Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "jane@corp.example"}}
	for b.Loop() {
		if _, err := values(l); err != nil {
			b.Fatal(err)
		}
	}
}
