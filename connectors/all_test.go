package connectors_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/connectors/yaml"
)

func TestEveryKindHasANameOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range connectors.All() {
		if k.Name == "" || k.Title == "" || k.Settings == nil || k.Open == nil || k.Specs == nil || seen[k.Name] {
			t.Errorf("%q %q is incomplete or there twice", k.Name, k.Title)
		}
		seen[k.Name] = true
	}
}

func TestDescriptionsAreFoundByWordAndByFile(t *testing.T) {
	github, err := yaml.Read("github")
	if err != nil {
		t.Fatal(err)
	}
	folder := fstest.MapFS{"specs/own.yaml": {Data: github}}
	http := kind(t, "http", connectors.All(folder))
	for name, found := range map[string]bool{
		"github": true, "specs/own.yaml": true, "./specs/own.yaml": true,
		"gitlab": false, "specs/other.yaml": false, "../specs/own.yaml": false, "/etc/passwd": false, "specs/own": false,
	} {
		specs, err := http.Specs([]byte(`{"spec":"` + name + `","base_url":"https://api.github.com","token":"env:T","values":{"org":"corp"}}`))
		if found != (err == nil && len(specs) == 1) || !found && exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%s: %v, %v; want it found: %v", name, specs, err, found)
		}
	}
}

func kind(t *testing.T, name string, all []connector.Kind) connector.Kind {
	t.Helper()
	for _, k := range all {
		if k.Name == name {
			return k
		}
	}
	t.Fatalf("no kind %s", name)
	return connector.Kind{}
}

// TestSheetsTellWhatPeopleNeed holds every connector to say, of each action and each setting, what somebody who sets it up
// or reviews it has to know.
func TestSheetsTellWhatPeopleNeed(t *testing.T) {
	sheets, err := connectors.Sheets()
	if err != nil || len(sheets) < 11 {
		t.Fatalf("%d sheets, %v", len(sheets), err)
	}
	for _, s := range sheets {
		for i, a := range s.Actions {
			if a.Title == "" || a.Proof == "" || len(a.Scopes) == 0 || i > 0 && a.Order <= s.Actions[i-1].Order {
				t.Errorf("%s: %s has no title, proof or scopes, or is out of order", s.Name, a.Action)
			}
		}
		for _, set := range s.Settings {
			if set.Meaning == "" {
				t.Errorf("%s: the setting %s says nothing of itself", s.Name, set.Name)
			}
		}
		if page := string(connectors.Page(s)); !strings.Contains(page, "# "+s.Name+"\n") {
			t.Errorf("%s: its page is not its own", s.Name)
		}
	}
}

func TestASheetOfADescriptionAsksForItsOwnCredentialsOnly(t *testing.T) {
	sheets, err := connectors.Sheets()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"github":   "spec base_url identifier token values.org",
		"identity": "spec base_url identifier client_id client_secret token_url",
		"benefits": "spec base_url identifier username password",
	} {
		i := slices.IndexFunc(sheets, func(s connector.Sheet) bool { return s.Name == name })
		var got []string
		for _, set := range sheets[i].Settings {
			got = append(got, set.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s asks for %v, want %s", name, got, want)
		}
	}
}
