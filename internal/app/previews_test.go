package app

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web/api"
)

// slower is a policy that gives more time than the shipped ones.
const slower = `
name: slower
rules:
  - {name: cut-access, title: End access, branch: Access, systems: "true", actions: [disable], start: cut-off, deadline: start + 8h}
`

// TestNobodyLearnsOfAHiddenCaseByAPreview previews the departure of somebody whose case is hidden: whoever may not see it gets
// the plan of anybody, and who may is recorded.
func TestNobodyLearnsOfAHiddenCaseByAPreview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sweep(t)
		ask := func(who string, d exeunt.Departure) answer {
			t.Helper()
			body, err := json.Marshal(map[string]any{"departure": d})
			must(t, err)
			got := s.ask(who, "POST", "/api/v1/plans/preview", string(body))
			if got.status != http.StatusOK {
				t.Fatalf("%s gets %d: %s", who, got.status, got.body)
			}
			got.body = strings.ReplaceAll(strings.ReplaceAll(got.body, d.Leaver.ID, "ID"), d.Leaver.Name, "NAME")
			return got
		}
		must(t, s.accesses.flush(t.Context(), true))
		before := s.last()
		hidden, nobody := ask(harry, leaver("ZQ-77", "Zelda Quux")), ask(harry, leaver("XX-11", "Xenia Xu"))
		if hidden != nobody {
			t.Errorf("the preview tells that there is a case: %s", difference(nobody, hidden))
		}
		if kinds, rows := s.accessed(before); len(kinds) > 0 {
			t.Errorf("a preview of what the caller wrote down is recorded: %+v", rows)
		}
		for _, target := range []string{"/preview?case=" + s.secret.id.String(), "/preview/compare?from=2000-01-01", "/api/v1/plans/compare?from=2000-01-01"} {
			before := s.last()
			if got := s.ask(vera, "GET", target, ""); got.status != http.StatusOK || strings.HasPrefix(target, "/preview?") && !strings.Contains(got.body, s.secret.name) {
				t.Errorf("who is on the list gets %d from %s", got.status, target)
			}
			if kinds, _ := s.accessed(before); !strings.HasPrefix(strings.Join(kinds, " "), "read") {
				t.Errorf("that the hidden case was read by %s is recorded as %q", target, kinds)
			}
		}
	})
}

// TestDeparturesAreComparedWithWhatTheyWerePlannedBy reloads other policies, and asks what they would have changed.
func TestDeparturesAreComparedWithWhatTheyWerePlannedBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHouse(t)
		must(t, h.keepPolicies(t.Context(), h.Config()))
		before := h.Config().Set.Version
		h.begin(leaver("AB-11", "Anton Berg"))
		compare := func(query string) (got api.PlanComparison, status int) {
			t.Helper()
			answered := h.ask(harry, "GET", "/api/v1/plans/compare"+query, "")
			if answered.status == http.StatusOK {
				must(t, json.Unmarshal([]byte(answered.body), &got))
			}
			return got, answered.status
		}
		if got, _ := compare("?from=2000-01-01"); got.Tally.Departures != 1 || got.Tally.Differ != 0 || got.Set != before {
			t.Errorf("before anything changed: %+v", got)
		}
		policies := filepath.Join(h.options.ConfigDir, "policies")
		must(t, os.Mkdir(policies, 0o700))
		must(t, os.WriteFile(filepath.Join(policies, "10-slower.yaml"), []byte(slower), 0o600))
		cfg, faults := LoadConfig(h.options.ConfigDir)
		if len(faults.Errors()) > 0 {
			t.Fatal(faults)
		}
		must(t, h.keepPolicies(t.Context(), cfg))
		all, err := h.assemble(t.Context(), cfg, nil)
		must(t, err)
		h.now.Store(all)
		h.handler = h.App.handler(all)
		for _, query := range []string{"?from=2000-01-01", "?from=2000-01-01&against=" + before} {
			got, _ := compare(query)
			if got.Tally.Departures != 1 || got.Tally.Differ != 1 || len(got.Differ) != 1 || got.Differ[0].Policy != "slower" || got.Differ[0].Before == "slower" || !got.Differ[0].Has(exeunt.EffectLater) {
				t.Errorf("%s: %+v", query, got)
			}
		}
		if got, _ := compare("?from=2000-01-01&against=" + cfg.Set.Version); got.Tally.Differ != 0 {
			t.Errorf("against itself: %+v", got.Tally)
		}
		if got, _ := compare(""); got.Tally.Departures != 0 || got.From != "1999-10-01" || got.To != "1999-12-31" {
			t.Errorf("the last quarter: %+v", got)
		}
		if _, status := compare("?against=deadbeef"); status != http.StatusNotFound {
			t.Errorf("policies that nobody kept are compared: %d", status)
		}
		if _, status := compare("?from=soon"); status != http.StatusUnprocessableEntity {
			t.Errorf("a day that is none is answered %d", status)
		}
		page := h.ask(harry, "GET", "/preview/compare?from=2000-01-01", "")
		if page.status != http.StatusOK || !strings.Contains(page.body, "1 of 1 departure would get another plan") {
			t.Errorf("the page answers %d", page.status)
		}
		f, err := h.Store.Everything().Cases(t.Context(), store.CaseQuery{Page: 1, Size: 10}, time.Now())
		must(t, err)
		if f.All != 1 {
			t.Errorf("%d cases: a comparison made some", f.All)
		}
	})
}
