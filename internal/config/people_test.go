package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

func TestSomebodyStandsBehindEveryRole(t *testing.T) {
	c, faults := load(t, folder())
	if c == nil {
		t.Fatal(faults)
	}
	leaver := func(email string, manager exeunt.Person) exeunt.Leaver {
		return exeunt.Leaver{ID: "1", Manager: manager, Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: email}}
	}
	boss := exeunt.Person{Name: "Max", Email: "max@acme.example"}
	cases := []struct {
		what, role string
		l          exeunt.Leaver
		want       string
	}{
		{"the holder", "it", leaver("x@acme.example", boss), "Ida Admin"},
		{"the deputy while the holder is away", "hr", leaver("x@acme.example", boss), "Hera"},
		{"the deputy when the holder leaves", "it", leaver("IDA@acme.example", boss), "Igor"},
		{"the manager, as HR says", "manager", leaver("x@acme.example", boss), "Max"},
		{"the case owner where HR knows no manager", "manager", leaver("x@acme.example", exeunt.Person{}), "Hilde Owner"},
		{"the case owner for a role that nobody holds", "pope", leaver("x@acme.example", boss), "Hilde Owner"},
		{"the deputy when the case owner leaves", "case_owner", leaver("hilde@acme.example", boss), "Dora Deputy"},
		{"an address", "leo@acme.example", leaver("x@acme.example", boss), "Leo"},
	}
	for _, c2 := range cases {
		if got := c.Roles()(c2.role, c2.l); got.Name != c2.want || got.Email == "" {
			t.Errorf("%s: got %+v, want %s", c2.what, got, c2.want)
		}
	}
	if c.Operator().Name != "Olga" {
		t.Errorf("operator %v", c.Operator())
	}
}

func TestADepartureIsReadFromYAMLAndJSONAndPlanned(t *testing.T) {
	c, faults := load(t, folder())
	if c == nil {
		t.Fatal(faults)
	}
	for name, text := range map[string]string{
		"leaver.yaml": "type: voluntary\nlast_day: 2026-03-31\nleaver:\n  id: 007\n  name: Jane Doe\n  identifiers: {work_email: jane@acme.example}\n",
		"leaver.json": "{\n\t\"type\": \"voluntary\",\n\t\"last_day\": \"2026-03-31\",\n\t\"leaver\": {\"id\": \"007\", \"name\": \"Jane Doe\", \"identifiers\": {\"work_email\": \"jane@acme.example\"}}\n}\n",
	} {
		d, faults := c.Departure(name, []byte(text))
		if len(faults) > 0 || d.Leaver.ID != "007" || d.Leaver.Entity != "main" || d.Leaver.Zone != "Europe/Berlin" || d.TerminationDate != "2026-03-31" {
			t.Fatalf("%s: %+v %v", name, d, faults)
		}
		plan, err := c.Plan(exeunt.Case{Departure: d}, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		if err != nil || plan.Case.Policy != "standard" || plan.Case.Owner.Name != "Hilde Owner" || len(plan.Uncovered(c.Inventory())) > 0 {
			t.Errorf("%v %+v", err, plan.Case)
		}
		if plan.Steps[0].Owner.Name != "Ida Admin" {
			t.Errorf("the step's owner is %v", plan.Steps[0].Owner)
		}
	}
	for text, want := range map[string]string{
		"type: voluntary\nlast_day: 2026-03-31\nleaver: {name: Jane}\n":                              "l.yaml:3:9: leaver.id: the departure has no leaver.id",
		"type: quit\nlast_day: 2026-03-31\nleaver: {id: 1, name: Jane}\n":                            "l.yaml:1:7: type:",
		"type: voluntary\nlast_day: soon\nleaver: {id: 1, name: Jane}\n":                             "l.yaml:2:11: last_day:",
		"type: voluntary\nlastday: 2026-03-31\nleaver: {id: 1, name: Jane}\n":                        "l.yaml:2:1: lastday: there is no such key here; did you mean last_day?",
		"type: voluntary\nlast_day: 2026-03-31\nleaver: {id: 1, name: Jane, entity: elsewhere}\n":    "leaver.entity: this is not an entity",
		"type: voluntary\nlast_day: 2026-03-31\nleaver: {id: 1, name: Jane, zone: Europe/Nowhere}\n": "l.yaml:3:35: leaver.zone: \"Europe/Nowhere\" is not",
	} {
		if _, faults := c.Departure("l.yaml", []byte(text)); !strings.Contains(faults.Error(), want) {
			t.Errorf("got %v, want %s", faults, want)
		}
	}
}
