// Package acme holds the example configuration to what it says: it loads without a fault, every
// connector opens with its settings, and the plan of its leaver is the one on record.
package acme_test

import (
	"bytes"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	for _, name := range []string{"AD_PASSWORD", "LDAP_PASSWORD", "PG_PASSWORD", "SCIM_TOKEN", "CHAT_TOKEN", "ENTRA_SECRET", "PAYROLL_TOKEN",
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

func TestTheTrialsOfTheExample(t *testing.T) {
	c := load(t)
	trials, err := config.Trials(".")
	if err != nil || len(trials) < 3 {
		t.Fatalf("%d trials, %v", len(trials), err)
	}
	for _, trial := range trials {
		plan, err := trial.Plan(".", c, connectors.All)
		if err != nil {
			t.Errorf("%s: %v", trial.File, err)
			continue
		}
		if *update {
			if err := os.WriteFile(trial.File, trial.Written(plan), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for _, line := range trial.Missed(plan) {
			t.Errorf("%s: %s", trial.File, line)
		}
	}
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
