// Package acme holds the example configuration to what it says: it loads without a fault, every
// connector opens with its settings, and the plan of its leaver is the one on record.
package acme_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/config"
)

var update = flag.Bool("update", false, "write golden files anew")

func kinds() []connector.Kind { return connectors.All(os.DirFS(".")) }

// load reads the example as the shipped binary would on a machine where every secret is set.
func load(t *testing.T) *config.Config {
	t.Helper()
	for _, name := range []string{"AD_PASSWORD", "LDAP_PASSWORD", "PG_PASSWORD", "SCIM_TOKEN", "CHAT_TOKEN", "PAYROLL_TOKEN",
		"BAMBOOHR_WEBHOOK_KEY", "BAMBOOHR_API_KEY", "AGENCY_WEBHOOK_KEY"} {
		t.Setenv("ACME_"+name, "whsec_c2VjcmV0IG9mIGEgdGVzdCwgbm90aGluZyBlbHNl")
	}
	c, faults := config.Load(".", kinds())
	if len(faults) > 0 {
		t.Fatalf("the example has faults:\n%v", faults)
	}
	return c
}

func TestTheExampleLoadsAndEveryConnectorOpens(t *testing.T) {
	c := load(t)
	byName := map[string]connector.Kind{}
	for _, k := range kinds() {
		byName[k.Name] = k
	}
	for _, s := range c.Systems {
		if _, err := byName[s.Kind].Open(s.Settings, http.DefaultTransport); err != nil {
			t.Errorf("%s: %v", s.File, err)
		}
		if s.Stage == exeunt.Live && len(s.Actions) == 0 {
			t.Errorf("%s is live and can do nothing", s.Name)
		}
	}
}

func TestTheREADMENamesEveryVariable(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob("systems/*.yaml")
	for _, name := range append(files, "exeunt.yaml") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range strings.FieldsFunc(string(text), func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') }) {
			if strings.HasPrefix(word, "ACME_") && !bytes.Contains(readme, []byte("`"+word+"`")) {
				t.Errorf("%s: the README says nothing of %s", name, word)
			}
		}
	}
}

func TestThePlanOfTheExample(t *testing.T) {
	c := load(t)
	source, err := os.ReadFile("leaver.json")
	if err != nil {
		t.Fatal(err)
	}
	departure, faults := c.Departure("leaver.json", source)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	plan, err := c.Plan(exeunt.Case{Departure: departure}, time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if left := plan.Uncovered(c.Inventory()); len(left) > 0 {
		t.Errorf("the plan leaves out %v", left)
	}
	golden(t, "testdata/plan.txt", []byte(table(plan)))
}

// table is a plan as a person reads it.
func table(p exeunt.Plan) string {
	var lines []string
	zone := p.Case.Zone()
	line := func(start time.Time, kind, key, rule string, owner exeunt.Person, deadline time.Time, after []exeunt.Dependency) {
		text := fmt.Sprintf("%s  by %s  %-4s %-34s %-22s %s", start.In(zone).Format("2006-01-02 15:04"), deadline.In(zone).Format("2006-01-02 15:04"), kind, key, rule, owner)
		for _, d := range after {
			text += "\n" + strings.Repeat(" ", 37) + "after " + d.Key + ": " + d.Because
		}
		lines = append(lines, text)
	}
	for _, s := range p.Steps {
		line(s.StartsAt, "step", s.Key, s.Rule, s.Owner, s.Deadline, s.After)
	}
	for _, task := range p.Tasks {
		line(task.StartsAt, "task", task.Key, task.Rule, task.Owner, task.Deadline, task.After)
	}
	slices.SortStableFunc(lines, func(a, b string) int { return cmp.Compare(a[:16], b[:16]) })
	return fmt.Sprintf("policy %s, cut-off %s\n%s\n", p.Case.Policy, p.Case.CutOff.In(zone).Format(time.RFC3339), strings.Join(lines, "\n"))
}

func TestTheSchemasAreThoseOfTheTypes(t *testing.T) {
	schemas, err := config.Schemas(kinds())
	if err != nil {
		t.Fatal(err)
	}
	for name, schema := range schemas {
		golden(t, filepath.Join("../../docs/schema", name), schema)
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs (%v); see the difference after: go test ./examples/acme -update\n%.3000s", path, err, got)
	}
}
