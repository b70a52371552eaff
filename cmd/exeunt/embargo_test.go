package main

import (
	"strings"
	"testing"
	"time"
)

// TestACaseIsStartedUnderEmbargo starts one with a token that many may share, which is nobody in particular and so
// is not on the list of what it started.
func TestACaseIsStartedUnderEmbargo(t *testing.T) {
	t.Parallel()
	s := serving(t)
	const leaver = "type: layoff\nlast_day: 2026-01-30\nleaver: {id: \"77\", name: Zelda Quux}\n"
	const reason = "decided by the board"
	tomorrow := time.Now().AddDate(0, 0, 1).Format("2006-01-02 15:04")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--embargo-until", "2026-01-01"}, 2, "at least one person"},
		{[]string{"--visible-to", "vera@acme.example"}, 2, "is not a moment"},
		{[]string{"--embargo-until", "2020-01-01", "--visible-to", "vera@acme.example"}, 2, "has passed"},
		{[]string{"--embargo-until", tomorrow, "--visible-to", "vera@acme.example"}, 0, "C-1"},
		{[]string{}, 2, "no case was opened"},
	} {
		got := s.run(t, leaver, append([]string{"trigger", "send", "--leaver", "-", "--reason", reason}, c.args...)...)
		if got.code != c.code || !strings.Contains(got.out+got.err, c.says) {
			t.Errorf("%v ended with %d: %s%s", c.args, got.code, got.out, got.err)
		}
	}
	if got := s.run(t, "", "case", "show", "C-1"); got.code != 3 || strings.Contains(got.out+got.err, "Zelda") {
		t.Errorf("shown: %d %s", got.code, got.out)
	}
	if got := s.run(t, "", "case", "list"); strings.Contains(got.out, "Zelda") || !strings.Contains(got.out, "0 of 0") {
		t.Errorf("listed: %s", got.out)
	}
	if got := s.run(t, "", "case", "reveal", "C-1", "--reason", reason); got.code != 3 {
		t.Errorf("revealed: %d", got.code)
	}
}
