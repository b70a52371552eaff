package connectors_test

import (
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
