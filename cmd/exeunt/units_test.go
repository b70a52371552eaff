package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt/internal/testserver"
)

// confined is how little each unit may do: 0 is fully confined, 100 not at all. A server that speaks to vendors needs the
// network.
var confined = []struct{ unit, with, threshold string }{
	{"exeunt.service", "", "15"},
	{"exeunt-ledger.service", "", "6"},
	{"exeunt-ledger.service", "witnesses.conf", "15"},
	{"exeunt-ledger.service", "publish.conf", "15"},
	{"exeunt-ledger-seal.service", "", "7"},
	{"exeunt-ledger-seal.timer", "", ""},
}

// TestTheUnitsHold has systemd read the units that the documentation ships, and the command line what
// they start.
func TestTheUnitsHold(t *testing.T) {
	analyze := testserver.SystemdAnalyze(t)
	shipped, err := filepath.Glob("../../docs/systemd/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range shipped {
		name := strings.TrimSuffix(filepath.Base(path), ".d")
		if !slices.ContainsFunc(confined, func(c struct{ unit, with, threshold string }) bool { return c.unit == name }) {
			t.Errorf("nobody says how confined %s is", name)
		}
	}
	for _, c := range confined {
		t.Run(c.unit+" "+c.with, func(t *testing.T) {
			unit := readable(t, c.unit, c.with)
			if out, err := exec.CommandContext(t.Context(), analyze, "verify", unit).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v\n%s", err, out)
			}
			if c.threshold == "" {
				return
			}
			if out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold="+c.threshold, unit).CombinedOutput(); err != nil {
				t.Errorf("it is not confined enough: %v\n%s", err, out)
			}
			startsOurs(t, c.unit, c.with)
		})
	}
}

// readable copies a unit, with a drop-in where one is named, to where systemd finds all of them and the program too.
func readable(t *testing.T, unit, with string) string {
	t.Helper()
	dir := t.TempDir()
	names := []string{"exeunt.service", "exeunt-ledger.service", "exeunt-ledger-seal.service", "exeunt-ledger-seal.timer"}
	if with != "" {
		names = append(names, filepath.Join(unit+".d", with))
		must(t, os.Mkdir(filepath.Join(dir, unit+".d"), 0o700))
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("../../docs/systemd", name))
		must(t, err)
		text = []byte(strings.ReplaceAll(string(text), "/usr/local/bin/exeunt", "/bin/true"))
		must(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	return filepath.Join(dir, unit)
}

// startsOurs reads the command line of a unit, with the words that a drop-in adds, as the shipped program would.
func startsOurs(t *testing.T, unit, with string) {
	t.Helper()
	files := []string{filepath.Join("../../docs/systemd", unit)}
	if with != "" {
		files = append(files, filepath.Join("../../docs/systemd", unit+".d", with))
	}
	words, command := map[string]string{}, ""
	for _, path := range files {
		text, err := os.ReadFile(path)
		must(t, err)
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if said, found := strings.CutPrefix(line, "ExecStart=/usr/local/bin/exeunt "); found {
				command = said
			}
			said, found := strings.CutPrefix(line, "Environment=")
			if !found {
				continue
			}
			list := strings.Fields(said)
			if quoted, is := strings.CutPrefix(said, `"`); is { // one name, several words
				list = []string{strings.TrimSuffix(quoted, `"`)}
			}
			for _, assigned := range list {
				name, value, _ := strings.Cut(assigned, "=")
				words[name] = value
			}
		}
	}
	line := os.Expand(command, func(name string) string {
		value := words[name]
		delete(words, name)
		return value
	})
	if len(words) > 0 {
		t.Errorf("%s %s: %q takes none of the words %v", unit, with, command, words)
	}
	cmd, rest, err := newRoot(&console{}).Find(strings.Fields(line))
	must(t, err)
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%s: %v", unit, err)
	}
	if err := cmd.ValidateRequiredFlags(); err != nil {
		t.Errorf("%s: %v", unit, err)
	}
}
