package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTrialsOfPolicies(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir := filepath.Join(s.home, "acme")
	must(t, os.CopyFS(dir, os.DirFS("../../examples/acme")))
	policy := filepath.Join(dir, "policies", "30-standard.yaml")
	if got := s.run(t, "", "policy", "test", "--config", dir); got.code != 0 || !strings.Contains(got.out, "4 passed, 0 failed.") {
		t.Fatalf("the example: %d\n%s%s", got.code, got.out, got.err)
	}
	replace(t, policy, `cut_off: "18:00"`, `cut_off: "17:30"`)
	got := s.run(t, "", "policy", "test", "--config", dir)
	if got.code != 1 || !strings.Contains(got.out, "- policy standard, cut-off 2027-01-29T18:00:00+01:00") || !strings.Contains(got.out, "+ policy standard, cut-off 2027-01-29T17:30:00+01:00") || !strings.Contains(got.out, "1 passed, 3 failed.") {
		t.Errorf("a cut-off that was changed is not shown: %d\n%s", got.code, got.out)
	}
	if got := s.run(t, "", "policy", "test", "--config", dir, "--update"); got.code != 0 {
		t.Errorf("update: %d %s", got.code, got.err)
	}
	if got := s.run(t, "", "policy", "test", "--config", dir); got.code != 0 {
		t.Errorf("after the update: %d\n%s", got.code, got.out)
	}
	for want, text := range map[string]string{
		"it says nobody who leaves":              "-- plan.txt --\n",
		"lies outside of a configuration":        "-- departure.yaml --\ntype: voluntary\n-- ../x.yaml --\n",
		"now is not a moment":                    "-- departure.yaml --\ntype: voluntary\nlast_day: 2027-01-29\nleaver: {id: '1', name: A, zone: UTC}\n-- now --\ntomorrow\n",
		"leaver.name":                            "-- departure.yaml --\ntype: voluntary\nlast_day: 2027-01-29\nleaver: {id: '1'}\n",
		"there is no connector \"telepathy\"":    "-- departure.yaml --\ntype: voluntary\nlast_day: 2027-01-29\nleaver: {id: '1', name: A, zone: UTC}\n-- systems/wiki.yaml --\nname: wiki\nkind: telepathy\n",
		"+ policy standard, cut-off 2027-01-29T": "-- departure.yaml --\ntype: voluntary\nlast_day: 2027-01-29\nleaver: {id: '1', name: A, zone: UTC}\n",
	} {
		file := filepath.Join(s.home, "one.txtar")
		must(t, os.WriteFile(file, []byte(text), 0o600))
		if got := s.run(t, "", "policy", "test", "--config", dir, file); got.code == 0 || !strings.Contains(got.out+got.err, want) {
			t.Errorf("%q ends with %d and does not say %q:\n%s%s", text, got.code, want, got.out, got.err)
		}
	}
}

// A configuration reads more than YAML, and a trial that puts one file in its place needs all of it.
func TestATrialSeesWhateverTheConfigurationReads(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir := filepath.Join(s.home, "acme")
	must(t, os.CopyFS(dir, os.DirFS("../../examples/acme")))
	must(t, os.WriteFile(filepath.Join(dir, "witnesses.policy"), []byte("quorum none\n"), 0o600))
	replace(t, filepath.Join(dir, "exeunt.yaml"), "ledger:\n", "ledger:\n  witnesses: witnesses.policy\n")
	trial := filepath.Join(dir, "tests", "more.txtar")
	must(t, os.WriteFile(trial, []byte("-- departure.yaml --\ntype: voluntary\nlast_day: 2027-01-29\nleaver: {id: '1', name: A, zone: UTC}\n"+
		"-- specs/own.yaml --\nname: own\n-- modifiers/all.yaml --\nname: all\napplies: 'true'\nbecause: x\nremove: [{rule: exit-interview, because: nobody asks}]\n"), 0o600))
	if got := s.run(t, "", "policy", "test", "--config", dir, "--update"); got.code != 0 || !strings.Contains(got.out, "5 passed, 0 failed.") {
		t.Fatalf("%d\n%s%s", got.code, got.out, got.err)
	}
	if text, err := os.ReadFile(trial); err != nil || !strings.Contains(string(text), "left out by all: exit-interview: nobody asks") {
		t.Errorf("the trial's own modifier does not count: %v\n%s", err, text)
	}
}

func replace(t *testing.T, file, old, with string) {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s does not say %q", file, old)
	}
	must(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, with)), 0o600))
}

func TestWhatAnotherConfigurationChanges(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	older, newer := filepath.Join(s.home, "older"), filepath.Join(s.home, "newer")
	for _, dir := range []string{older, newer} {
		must(t, os.CopyFS(dir, os.DirFS("../../examples/acme")))
	}
	replace(t, filepath.Join(newer, "policies", "30-standard.yaml"), "start: last-day - 10d", "start: last-day - 8d")
	must(t, os.Remove(filepath.Join(newer, "systems", "warehouse.yaml")))
	replace(t, filepath.Join(newer, "systems", "wiki.yaml"), "name: Wanda Kern", "name: Willi Kern")
	leavers := filepath.Join(s.home, "leavers.ndjson")
	var lines strings.Builder
	for i, kind := range []string{"voluntary", "retirement", "end_of_contract"} {
		one, err := json.Marshal(map[string]any{"type": kind, "last_day": "2027-01-29", "notice_on": "2026-11-30",
			"leaver": map[string]any{"id": fmt.Sprint(i), "name": "Jane " + kind, "zone": "Europe/Berlin", "department": "Sales"}})
		must(t, err)
		lines.Write(append(one, '\n'))
	}
	must(t, os.WriteFile(leavers, []byte(lines.String()), 0o600))
	diff := func(code int, args ...string) said {
		t.Helper()
		got := s.run(t, "", append([]string{"plan", "diff"}, args...)...)
		if got.code != code {
			t.Fatalf("%v ends with %d:\n%s%s", args, got.code, got.out, got.err)
		}
		return got
	}
	if got := diff(0, "--config", older, "--against", older, "--leavers", leavers); !strings.Contains(got.out, "0 of 3 departures") {
		t.Errorf("against itself: %s", got.out)
	}
	got := diff(4, "--config", newer, "--against", older, "--leavers", leavers)
	if first, _, _ := strings.Cut(got.out, "\n"); first != "3 of 3 departures get another plan." {
		t.Errorf("the numbers do not come first: %s", first)
	}
	doc := s.document(t, 4, "plan", "diff", "--config", newer, "--against", older, "--leavers", leavers)
	if tally := doc["tally"].(map[string]any); doc["schema"] != "departures-compared/v1" || tally["differ"] != 3.0 || len(tally["works"].([]any)) == 0 || len(doc["diffs"].([]any)) != 3 {
		t.Errorf("%v", doc)
	}
	for _, want := range []string{"gone         ", "other owner ", "later       ", "What changes most:", "Jane voluntary (0), last day 2027-01-29", "- Forbid sign-in in Data warehouse   rule cut-access", "~ Hold the exit interview", "starts 2027-01-19 17:00 → 2027-01-21 17:00", "owner Wanda Kern → Willi Kern", "3 of 3 departures get another plan."} {
		if !strings.Contains(got.out, want) {
			t.Errorf("the difference does not show %q:\n%s", want, got.out)
		}
	}
	must(t, os.WriteFile(leavers, []byte(`[{"type":"voluntary","last_day":"2027-01-29","leaver":{"id":"1","name":"A"}},{"type":"volunteer"}]`), 0o600))
	if got := diff(2, "--config", newer, "--against", older, "--leavers", leavers); !strings.Contains(got.err, "(departure 2)") {
		t.Errorf("which one is wrong is not said: %s", got.err)
	}
	diff(2, "--config", newer, "--against", older)
}
