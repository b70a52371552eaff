package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

func (b *backend) Preview(_ context.Context, d exeunt.Departure) (exeunt.Preview, error) {
	if d.Type == "" && d.Leaver.ID != "" {
		return exeunt.Preview{}, exeunt.Errorf(exeunt.Invalid, "the departure has no type").In("type")
	}
	plan := exeunt.Plan{Steps: []exeunt.Step{{Key: "crm-disable", Title: "Disable account", Rule: "cut-access"}}, Tasks: []exeunt.Task{{Key: "call", Rule: "call"}}}
	policy := exeunt.Policy{Title: "Standard", Rules: []exeunt.Rule{{Name: "cut-access", Text: exeunt.ConditionTexts{Systems: "system.tier == 1"}}}}
	return plan.Preview(policy, b.Systems(), time.Now()), b.did("preview %s of %q", d.Type, d.Leaver.ID)
}

func (b *backend) CompareDepartures(_ context.Context, who exeunt.Viewer, q web.Comparison) (web.DeparturesCompared, error) {
	one := exeunt.DepartureCompared{Case: 1, Leaver: "Jane Doe", LastDay: "2026-08-31", Differences: []exeunt.PlanDifference{{Effects: []exeunt.Effect{exeunt.EffectLater}, Kind: "changed", Key: "x", Title: "X"}}}
	return web.Compared(web.DeparturesCompared{From: q.From, To: q.To, Set: "abc"}, []exeunt.DepartureCompared{one, {Case: 2}}), b.did("compare with %q from %s to %s for %s", q.Against, q.From, q.To, who.Email)
}

func TestPlansArePreviewedAndCompared(t *testing.T) {
	b, server := newServer(t)
	const bearer = "Bearer " + token
	got := call(t, server, http.MethodPost, "/api/v1/plans/preview", bearer, `{"departure":{"type":"layoff","last_day":"2026-12-31","leaver":{"id":"7","name":"Jane Doe"}}}`)
	step := got.json(t)["steps"].([]any)[0].(map[string]any)
	if doc := got.json(t); got.StatusCode != http.StatusOK || doc["schema"] != "plan/v1" || step["key"] != "crm-disable" || step["why"] != "rule cut-access, in systems with system.tier == 1" || step["grade"] != "observed" {
		t.Errorf("the preview is answered %d: %s", got.StatusCode, got.body)
	}
	p := isProblem(t, call(t, server, http.MethodPost, "/api/v1/plans/preview", bearer, `{"departure":{"type":"","last_day":"2026-12-31","leaver":{"id":"7","name":"Jane Doe"}}}`), http.StatusUnprocessableEntity)
	if !strings.Contains(p["detail"].(string), "no type") {
		t.Errorf("what is wrong is not said: %v", p)
	}
	if got := call(t, server, http.MethodGet, "/api/v1/cases/C-1/preview", bearer, ""); got.StatusCode != http.StatusOK || len(got.json(t)["systems"].([]any)) != 1 {
		t.Errorf("the preview of a case is answered %d: %s", got.StatusCode, got.body)
	}
	got = call(t, server, http.MethodGet, "/api/v1/plans/compare?against=abc&from=2026-07-01&to=2026-09-30", bearer, "")
	doc := got.json(t)
	tally := doc["tally"].(map[string]any)
	if got.StatusCode != http.StatusOK || doc["schema"] != "departures-compared/v1" || tally["departures"] != 2.0 || tally["differ"] != 1.0 || len(doc["diffs"].([]any)) != 1 {
		t.Errorf("the comparison is answered %d: %s", got.StatusCode, got.body)
	}
	if last := b.asked[len(b.asked)-1]; last != `compare with "abc" from 2026-07-01 to 2026-09-30 for ida@acme.example` {
		t.Errorf("asked %q", b.asked)
	}
}
