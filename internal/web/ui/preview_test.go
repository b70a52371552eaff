package ui

import (
	"net/http"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
)

// TestAPreviewIsDrawnAsACaseIs holds what a preview shows before there is a case, and that it does nothing.
func TestAPreviewIsDrawnAsACaseIs(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		says(t, send(h, "hr", "/preview", nil), 200, "Preview a plan", "Choose a type of departure", "2026-12-03", "not:id=\"timeline\"")
		got := send(h, "hr", "/preview?flag=on_leave&last_day=2026-12-18&type=voluntary", nil)
		says(t, got, 200,
			"id=\"timeline\"", "Fri 18 Dec, 17:00 PST", "6 <small>none left out", "4 by connector, 0 by sign-on, 2 by a person", // the same component as a case has
			"Disable account <span class=\"sr\">Scheduled.", "Rule cut-access (End access), in systems with system.branch == &#34;Access&#34;.",
			"On-leave: return-assets deadline last-day + 14d instead of last-day, since it comes by post.", "Call them at home",
			"Standard departure", "a81f02c4d9e0", "Every step has an owner and an identifier", "not:href=\"/cases/C-0", "not:Maya")
		says(t, send(h, "hr", "/preview?flag=on_leave&last_day=2026-12-18&type=voluntary&view=table", nil), 200,
			"not:id=\"timeline\"", "cut-off", "start + 30m", "Acknowledged", "Attested", "Final pay is computed from the approved hours.", "Identity team", "Rule call (Call them at home); modifier on-leave: added: somebody on leave is not at work.")
		says(t, send(h, "hr", "/preview?immediate=1&last_day=2026-11-19&type=involuntary", nil), 200, "Starts now", "not:so far")
		says(t, send(h, "hr", "/preview?last_day=never&type=voluntary", nil), 422, "role=\"alert\"", "last_day")
		if len(w.did)+len(w.started) > 0 {
			t.Errorf("a preview did something: %v %v", w.did, w.started)
		}
		if r := send(h, "hr", "/preview?type=voluntary&department=&x=1", nil); r.Code != 302 || r.Header().Get("Location") != "/preview?type=voluntary" {
			t.Errorf("an address that is not canonical is answered %d %s", r.Code, r.Header().Get("Location"))
		}
		says(t, send(h, "payroll", "/preview", nil), 404)
		says(t, send(h, "manager", "/preview", nil), 404)
	})
}

// TestAPreviewOfSomebodyTellsNoMoreThanTheirCase looks at the departure of a known leaver: its type and leave are no business
// of IT, and a case that is hidden or missing is not there.
func TestAPreviewOfSomebodyTellsNoMoreThanTheirCase(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		says(t, send(h, "hr", "/preview?case=C-2041", nil), 200, "Maya Okonkwo", "id=\"timeline\"", "Snowflake", "As in the case")
		hers := w.previewed[0]
		if hers.Type != exeunt.Involuntary || !hers.Immediate || !hers.Leaver.Has(exeunt.OnLeave) {
			t.Errorf("HR previews %+v", hers)
		}
		says(t, send(h, "it", "/preview?case=C-2041", nil), 200, "not:id=\"timeline\"", "not:Maya")
		if len(w.previewed) > 1 {
			t.Fatalf("a plan was made of a type that IT may not know: %+v", w.previewed[1])
		}
		says(t, send(h, "it", "/preview?case=C-2041&type=layoff", nil), 200, "Maya Okonkwo", "id=\"timeline\"")
		if its := w.previewed[1]; its.Type != exeunt.Layoff || its.Leaver.Has(exeunt.OnLeave) || !its.Leaver.Has(exeunt.Privileged) {
			t.Errorf("IT previews %+v", its)
		}
		says(t, send(h, "hr", "/preview?case=C-9999", nil), 404)
		says(t, send(h, "hr", "/preview?case=Maya", nil), 404)
		if len(w.previewed) != 2 || len(w.files[2041].Case.Departure.Leaver.Flags) != 3 {
			t.Errorf("what is known of the case was changed, or something was previewed that is not there: %d", len(w.previewed))
		}
	})
}

// TestAPreviewOfManySystemsStaysReadable has more steps than a page may draw.
func TestAPreviewOfManySystemsStaysReadable(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		w.many = 120
		got := send(h, "hr", "/preview?last_day=2026-12-18&type=voluntary", nil)
		says(t, got, 200, "All 130 are in the table", "70 rows more", "Application 001")
		if n := strings.Count(got.Body.String(), "<tr id=\"s-"); n > previewRows {
			t.Errorf("%d rows are drawn", n)
		}
		says(t, send(h, "hr", "/preview?last_day=2026-12-18&page=3&type=voluntary&view=table", nil), 200, "Page 3 of 3", "Application 119", "page=2", "not:page=4")
	})
}

// TestDeparturesAreComparedOnAPage says in numbers first what would have changed, and then for whom.
func TestDeparturesAreComparedOnAPage(t *testing.T) {
	inNovember(t, func(t *testing.T, _ *world, h http.Handler) {
		says(t, send(h, "hr", "/preview/compare", nil), 200, "The present policies (version set-2) against those that each was planned by", "Wednesday 1 July 2026 to Wednesday 30 September 2026",
			"40 of 60 departures would get another plan.", "All that differ<span class=\"n\">40</span>", "Later<span class=\"n\">40</span>", "Other owner<span class=\"n\">5</span>", "Gone<span class=\"n\">0</span>",
			"Take back what belongs to the company", "Page 1 of 2", "standard → immediate", "href=\"/cases/C-2000\"", "set-1, since")
		says(t, send(h, "hr", "/preview/compare?effect=other-owner", nil), 200, "owner Wanda Kern → Willi Kern", "Hold the exit interview", "not:Page 1", "not:<small>Figma</small>")
		says(t, send(h, "hr", "/preview/compare?from=2020-01-01", nil), 200, "Nothing would have changed", "60 departures would get the same plans")
		says(t, send(h, "hr", "/preview/compare?against=nowhere", nil), 404)
		says(t, send(h, "it", "/preview/compare", nil), 404) // it shows how people left
		says(t, send(h, "hr", "/policies?version=set-1", nil), 200, "/preview/compare?against=set-1", "href=\"/preview\"")
		says(t, send(h, "it", "/policies", nil), 200, "href=\"/preview\"", "not:/preview/compare")
	})
}
