package main

import (
	"strings"
	"testing"
)

// TestTheServerPreviewsAndComparesItsOwnDepartures asks it without any folder.
func TestTheServerPreviewsAndComparesItsOwnDepartures(t *testing.T) {
	t.Parallel()
	s := serving(t)
	id := s.starts(t, "1", "2026-01-30")
	got := s.run(t, "", "plan", "preview", "--case", id, "--why")
	if got.code != 0 || !strings.Contains(got.out, "Jane Doe   policy standard") || !strings.Contains(got.out, "why: ") || !strings.Contains(got.out, "CET") {
		t.Errorf("preview of a case: %d %s%s", got.code, got.out, got.err)
	}
	doc := s.document(t, 0, "plan", "preview", "--case", id)
	if doc["schema"] != "plan/v1" || doc["leaver"] != "Jane Doe" || len(doc["systems"].([]any)) != 1 {
		t.Errorf("%v", doc)
	}
	if got := s.run(t, "", "plan", "preview", "--case", "C-999"); got.code != 3 {
		t.Errorf("a case that is not there: %d %s", got.code, got.err)
	}
	compared := s.document(t, 0, "plan", "diff", "--server", "--since", "2026-01-01", "--until", "2026-01-31")
	if tally := compared["tally"].(map[string]any); compared["schema"] != "departures-compared/v1" || tally["departures"] != 1.0 || tally["differ"] != 0.0 {
		t.Errorf("%v", compared)
	}
	for args, want := range map[string]int{
		"plan diff --server --against deadbeef": 3, "plan diff --server --since soon": 2, "plan diff --server --config x": 2, "plan diff --config x": 2,
	} {
		if got := s.run(t, "", strings.Fields(args)...); got.code != want {
			t.Errorf("%s ends with %d, want %d: %s", args, got.code, want, got.err)
		}
	}
}
