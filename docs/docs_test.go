// Package docs_test holds the documentation to the code.
package docs_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/connectors/yaml"
	"github.com/exeunt/exeunt/internal/httpspec"
)

func TestConnectorsPageSaysWhatConnectorsDo(t *testing.T) {
	page := sections(t, "connectors.md")
	for _, k := range connectors.All() {
		if k.Name != "http" {
			compare(t, "## "+k.Name, page, k.Actions)
		}
	}
	shipped, err := filepath.Glob("../connectors/yaml/*.yaml")
	if err != nil || len(shipped) == 0 {
		t.Fatalf("%d shipped descriptions, %v", len(shipped), err)
	}
	for _, file := range shipped {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		text, err := yaml.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		spec, err := httpspec.Parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, "### spec: "+name, page, spec.ActionSpecs())
	}
}

// compare wants exactly the rows of these actions, in order, under a heading.
func compare(t *testing.T, heading string, page map[string]string, actions []exeunt.ActionSpec) {
	t.Helper()
	text, ok := page[heading]
	if !ok {
		t.Errorf("connectors.md has no section %q", heading)
		return
	}
	var want []string
	slices.SortStableFunc(actions, func(a, b exeunt.ActionSpec) int { return a.Order - b.Order })
	for _, a := range actions {
		undo := ""
		if a.Reversible {
			undo = " yes"
		}
		want = append(want, strings.ReplaceAll(fmt.Sprintf("| %d | `%s` | %s | %s |%s | %s |", a.Order, a.Action, a.Title, a.Proof, undo, a.Caveat), "|  |", "| |"))
	}
	var got []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| ") && strings.Contains(line, " | `") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("connectors.md, %s: the page has\n%s\nand the code\n%s", heading, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// sections splits a page by its headings.
func sections(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out, heading := map[string]string{}, ""
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "## ") || strings.HasPrefix(line, "### ") {
			heading = strings.TrimSpace(line)
		}
		out[heading] += line
	}
	return out
}

func TestDescriptionInTheDocsIsOne(t *testing.T) {
	_, after, _ := strings.Cut(sections(t, "connectors.md")["## Write a description"], "```yaml\n")
	description, _, _ := strings.Cut(after, "```")
	if _, err := httpspec.Parse("door-locks", []byte(description)); err != nil {
		t.Error(err)
	}
}

// link is a Markdown link or picture; what follows # is not checked here.
var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	var seen int
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != ".." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".md") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			seen++
			if _, err := os.Stat(path.Join(path.Dir(filepath.ToSlash(file)), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", file, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 10 {
		t.Errorf("only %d links were found: is the expression still right?", seen)
	}
}
