package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const threePeople = `employee_id,name,work_email
E1,Ana Ruiz,ana@acme.example
E2,Ben Ito,ben@acme.example
E3,Caro Lund,caro@acme.example
`

func newWave(t *testing.T, s shell, list string, more ...string) said {
	t.Helper()
	return s.run(t, list, append([]string{"wave", "new", "--csv", "-", "--title", "Austin site", "--clock", "now", "--reason", "the site closes"}, more...)...)
}

// TestAWaveOnTheCommandLine goes the whole way of a wave, with a second person for the approval.
func TestAWaveOnTheCommandLine(t *testing.T) {
	t.Parallel()
	shells := servingFor(t, "Hera Lind", "Lea Roth")
	hera, lea := shells[0], shells[1]
	if got := newWave(t, hera, threePeople, "--canary", "1"); got.code != 0 || got.out != "W-1\n" {
		t.Fatalf("%+v", got)
	}
	why := "agreed with the council"
	if got := hera.run(t, "", "wave", "approve", "W-1", "--reason", why); got.code != exitRefused || !strings.Contains(got.err, "after its check") {
		t.Errorf("approved before its check: %+v", got)
	}
	checked := hera.document(t, 0, "wave", "check", "w-1")
	if found := checked["wave"].(map[string]any); found["state"] != "checked" || found["check"].(map[string]any)["by_hand"] == nil {
		t.Errorf("%v", found)
	}
	if got := hera.run(t, "", "wave", "approve", "W-1", "--reason", why); got.code != exitNotFound || !strings.Contains(got.err, "somebody else has to approve it") {
		t.Errorf("approved by who made it: %+v", got)
	}
	if got := lea.run(t, "", "wave", "approve", "W-1", "--reason", why); got.code != 0 || got.out != "W-1 approved\n" {
		t.Errorf("%+v", got)
	}
	if got := hera.run(t, "", "wave", "start", "1", "--reason", "as it was planned"); got.code != 0 {
		t.Errorf("%+v", got)
	}
	if got := hera.run(t, "", "wave", "watch", "W-1"); got.code != exitNeedsPerson || !strings.Contains(got.out, "Next: exeunt wave go-on W-1") || !strings.Contains(got.err, "1 of 3 started") {
		t.Errorf("%+v", got)
	}
	hera.document(t, 0, "wave", "go-on", "W-1", "--reason", "the canary looks well")
	hera.document(t, 0, "wave", "stop", "W-1", "--reason", "enough for the test")
	shown := hera.run(t, "", "wave", "W-1")
	for _, want := range []string{"Austin site   W-1   stopped   3 people", "by Hera Lind: the site closes", "by Lea Roth: " + why, "Stopped"} {
		if !strings.Contains(shown.out, want) {
			t.Errorf("the wave lacks %q:\n%s%s", want, shown.out, shown.err)
		}
	}
	if got := hera.run(t, "", "wave", "list"); got.code != 0 || !strings.Contains(got.out, "Austin site") || !strings.Contains(got.out, "Lea Roth") {
		t.Errorf("%+v", got)
	}
	report := hera.document(t, 0, "wave", "report", "W-1")
	if people := report["people"].([]any); len(people) != 3 || report["entries"].(float64) < 6 {
		t.Errorf("%v", report)
	}
	if got := hera.run(t, "", "wave", "report", "W-1"); got.code != 0 || !strings.Contains(got.out, "Ana Ruiz") || !strings.Contains(got.out, "entries are in the ledger") {
		t.Errorf("%+v", got)
	}
	file := filepath.Join(hera.home, "report.csv")
	hera.document(t, 0, "wave", "report", "W-1", "--csv", file)
	sheet, err := os.ReadFile(file)
	must(t, err)
	if lines := strings.Count(string(sheet), "\n"); lines != 4 || !strings.Contains(string(sheet), "Caro Lund") {
		t.Errorf("%s", sheet)
	}
}

func TestAListWithFaultsIsToldWhole(t *testing.T) {
	t.Parallel()
	s := serving(t)
	for _, c := range []struct {
		list, more string
		code       int
		says       []string
	}{
		{"employee_id,name,salary\n", "", exitUsage, []string{`line 1: "salary" is no column`}},
		{"employee_id,name,entity\nE1,Ana,main\nE1,Ben,main\nE2,,main\nE3,Caro,elsewhere\n", "", exitUsage, []string{"line 3: employee E1 is in line 2 already", "line 4: the departure has no leaver.name", `line 5: "elsewhere" is no legal entity`}},
		{threePeople, "--canary 3", exitUsage, []string{"leaves nobody behind the hold point"}},
		{threePeople, "--type sacked", exitUsage, []string{"is not a type of departure"}},
		{threePeople, "--embargo-until 2020-01-01T00:00:00Z", exitUsage, []string{"has passed"}},
	} {
		got := newWave(t, s, c.list, strings.Fields(c.more)...)
		for _, want := range c.says {
			if got.code != c.code || !strings.Contains(got.err, want) {
				t.Errorf("%d, lacks %q: %s", got.code, want, got.err)
			}
		}
	}
	if got := s.run(t, "", "wave", "list"); got.code != 0 || strings.Contains(got.out, "W-") {
		t.Errorf("a list with faults made a wave: %s", got.out)
	}
	if got := s.run(t, "", "wave", "show", "W-9"); got.code != exitNotFound {
		t.Errorf("%+v", got)
	}
	if got := s.run(t, "", "wave", "check", "C-9"); got.code != exitUsage {
		t.Errorf("%+v", got)
	}
}
