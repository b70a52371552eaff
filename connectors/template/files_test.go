package template_test

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors/template"
	"github.com/exeunt/exeunt/internal/httpspec"
)

func TestACopyIsAConnectorOfItsOwn(t *testing.T) {
	files, err := template.Go("badges")
	if err != nil || len(files) != 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for name, text := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil || parsed.Name.Name != "badges" {
			t.Errorf("%s: package %v, %v", name, parsed.Name, err)
		}
		if left := strings.Count(text, "template"); left > strings.Count(text, "connectors/template") {
			t.Errorf("%s still calls itself a template", name)
		}
	}
	if !strings.Contains(files["badges.go"], `connector.Define("badges"`) || !strings.Contains(files["badges_test.go"], "BADGES_TOKEN") {
		t.Error("a copy is not called by its name")
	}
}

func TestADescriptionToBeginWithIsOne(t *testing.T) {
	text, err := template.YAML("badge_readers")
	if err != nil {
		t.Fatal(err)
	}
	if spec, err := httpspec.Parse("badge_readers.yaml", []byte(text)); err != nil || spec.Name != "badge_readers" {
		t.Errorf("%v", err)
	}
}

func TestNamesAreThoseOfFiles(t *testing.T) {
	for _, name := range []string{"", "../x", "Big", "1st", "a b", "x/y"} {
		if _, err := template.Go(name); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%q became a package", name)
		}
		if _, err := template.YAML(name); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%q became a description", name)
		}
	}
}
