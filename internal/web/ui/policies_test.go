package ui

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
)

func TestTwoVersionsOfAFileAreComparedLineByLine(t *testing.T) {
	before := []string{"a", "b", "c", "d", "e", "f", "g"}
	after := []string{"a", "b", "c", "d", "x", "f", "g", "h"}
	want := []diffLine{{"…", ""}, {"", "c"}, {"", "d"}, {"-", "e"}, {"+", "x"}, {"", "f"}, {"", "g"}, {"+", "h"}}
	if got := around(compareLines(before, after), 2); !slices.Equal(got, want) {
		t.Errorf("the difference is %q, want %q", got, want)
	}
	if got := compareLines(nil, []string{"new"}); !slices.Equal(got, []diffLine{{"+", "new"}}) {
		t.Errorf("a file that is new: %q", got)
	}
	if got := around(compareLines(before, before), 2); !slices.Equal(got, []diffLine{{"…", ""}}) {
		t.Errorf("the same twice: %q", got)
	}
}

func TestACaseIsPlannedAnewFromItsPage(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		const page = "/cases/C-2041/replan"
		to := func(version, reason string) url.Values { return url.Values{"reason": {reason}, "to": {version}} }
		says(t, send(h, "hr", "/cases/C-2041", nil), 200, "Plan anew")
		says(t, send(h, "it", "/cases/C-2041", nil), 200, "not:Plan anew")
		says(t, send(h, "it", page, nil), 404)
		says(t, send(h, "it", page, to("set-2", "the policy was mended")), 403)
		says(t, send(h, "hr", page, to("set-1", "the policy was mended")), 409, "look again")
		says(t, send(h, "hr", page, to("set-2", "so")), 422, "at least 10 characters")
		if len(w.replanned) > 0 {
			t.Fatalf("what was refused was done: %v", w.replanned)
		}
		if r := send(h, "hr", page, to("set-2", "the policy was mended")); r.Code != 303 || !slices.Equal(w.replanned, []string{"C-2041 by Priya Nair: the policy was mended"}) {
			t.Errorf("answered %d, and %v", r.Code, w.replanned)
		}
	})
}
