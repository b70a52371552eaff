// Package docs_test holds the documentation to the code.
package docs_test

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/connectors/template"
)

// TestEveryConnectorHasItsPage holds docs/connectors to what the code says, and docs/connectors.md to telling of each.
func TestEveryConnectorHasItsPage(t *testing.T) {
	sheets, err := connectors.Sheets()
	if err != nil {
		t.Fatal(err)
	}
	told, wanted := sections(t, "connectors.md"), map[string]bool{}
	for _, s := range sheets {
		file := s.Name + ".md"
		if wanted[file] {
			t.Errorf("two connectors are called %s", s.Name)
		}
		wanted[file] = true
		page, err := os.ReadFile(filepath.Join("connectors", file))
		if err != nil || !bytes.Equal(page, connectors.Page(s)) {
			t.Errorf("docs/connectors/%s is not what the code says (%v): exeunt connector pages --out docs/connectors", file, err)
		}
		heading := "## " + s.Name
		if s.Kind != s.Name {
			heading = "### spec: " + s.Name
		}
		if text := told[heading]; !strings.Contains(text, "(connectors/"+file+")") || strings.Contains(text, "| order |") {
			t.Errorf("connectors.md, %q: it links to connectors/%s, which has the table of actions", heading, file)
		}
	}
	kept, err := os.ReadDir("connectors")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range kept {
		if !wanted[e.Name()] {
			t.Errorf("docs/connectors/%s is of no connector: take it away", e.Name())
		}
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

// TestTheGuideShowsTheDescriptionThatIsWritten holds the guide to what `exeunt connector new --yaml` writes.
func TestTheGuideShowsTheDescriptionThatIsWritten(t *testing.T) {
	written, err := template.YAML("door-locks")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("write-a-connector.md")
	if err != nil || !strings.Contains(string(guide), "```yaml\n"+written+"```") {
		t.Errorf("write-a-connector.md shows another description (%v)", err)
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
