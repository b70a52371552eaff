package ui

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/exeunt/exeunt"
)

func because(reason string) url.Values { return url.Values{"reason": {reason}} }

func TestACaseIsHeldAndReleasedOnItsPage(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		const page = "/cases/C-2050"
		says(t, send(h, "hr", page, nil), 200, "Hold the case", "action=\"/cases/C-2050/hold\"", "not:Release the case")
		says(t, send(h, "it", page, nil), 200, "not:Hold the case")
		says(t, send(h, "it", page+"/hold", because("the date is disputed")), 403)
		says(t, send(h, "hr", page+"/hold", because("so")), 422, "at least 10 characters")
		if r := send(h, "hr", page+"/hold", because("the date is disputed")); r.Code != 303 || w.files[2050].Case.State != exeunt.CaseHeld {
			t.Fatalf("%d %s", r.Code, w.files[2050].Case.State)
		}
		says(t, send(h, "hr", page, nil), 200, "The case is held by Priya Nair.", "The date is disputed.", "nobody is reminded until it is released", "Release the case", "not:Hold the case")
		says(t, send(h, "it", page, nil), 200, "The case is held by Priya Nair.", "not:disputed", "not:Release the case")
		says(t, send(h, "hr", page+"/hold", because("the date is disputed")), 409, "held already")
		says(t, send(h, "it", page+"/release", because("it is settled now")), 403)
		if r := send(h, "hr", page+"/release", because("it is settled now")); r.Code != 303 || w.files[2050].Case.State != exeunt.CaseRunning {
			t.Errorf("%d %s", r.Code, w.files[2050].Case.State)
		}
	})
}
