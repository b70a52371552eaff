package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exeunt/exeunt/internal/testserver"
)

// TestTheUnitsHold has systemd read the units that the documentation ships, and the command line what
// they start.
func TestTheUnitsHold(t *testing.T) {
	analyze := testserver.SystemdAnalyze(t)
	units, err := filepath.Glob("../../docs/systemd/*.service")
	if err != nil || len(units) != 2 {
		t.Fatalf("%v, %v", units, err)
	}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		readable := filepath.Join(t.TempDir(), filepath.Base(unit)) // verify wants the program to be there
		if err := os.WriteFile(readable, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/exeunt", "/bin/true")), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), analyze, "verify", readable).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
		// 0 is fully confined, 10 not at all; a server that speaks to vendors needs the network.
		if out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=20", readable).CombinedOutput(); err != nil {
			t.Errorf("%s is not confined enough: %v\n%s", unit, err, out)
		}
		started := false
		for line := range strings.Lines(string(text)) {
			command, found := strings.CutPrefix(line, "ExecStart=/usr/local/bin/exeunt ")
			if !found {
				continue
			}
			started = true
			cmd, rest, err := newRoot(&console{}).Find(strings.Fields(command))
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.ParseFlags(rest); err != nil {
				t.Errorf("%s: %v", unit, err)
			}
			if err := cmd.ValidateRequiredFlags(); err != nil {
				t.Errorf("%s: %v", unit, err)
			}
		}
		if !started {
			t.Errorf("%s starts nothing of ours", unit)
		}
	}
}
