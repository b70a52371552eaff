package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

func (b *backend) Reconciliation(context.Context) (exeunt.Reconciliation, error) {
	return exeunt.Reconciliation{ID: 3, People: 2, Systems: []exeunt.SystemReconciled{{System: "crm", State: exeunt.ReconcileDone, Tally: exeunt.Tally{Orphaned: 1}}}}, b.did("reconciliation")
}

func (b *backend) Findings(_ context.Context, q store.FindingQuery) ([]exeunt.Finding, error) {
	all := []exeunt.Finding{{ID: 17, System: "crm", Kind: exeunt.FoundOrphaned, Why: exeunt.OrphanOfNobody, Accounts: []exeunt.Account{{ID: "a1", Login: "jane"}},
		Worker: &exeunt.Worker{Leaver: exeunt.Leaver{Name: "never shown"}}}, {ID: 18, System: "crm", Kind: exeunt.FoundMissing}}
	return all[:min(len(all), q.Limit)], b.did("findings %s %s %d %d", q.System, q.Kind, q.After, q.Limit)
}

func (b *backend) Reconcile(_ context.Context, list string, by exeunt.Override) (exeunt.Reconciliation, error) {
	return exeunt.Reconciliation{ID: 4}, b.did("reconcile %q by %s", list, by.By)
}

func (b *backend) StopReconciling(_ context.Context, by exeunt.Override) error {
	return b.did("stop reconciling by %s", by.By)
}

func (b *backend) ConfirmAccount(_ context.Context, finding int64, what exeunt.Confirmation, by exeunt.Override) error {
	if finding != 17 {
		return missing(finding)
	}
	return b.did("confirm %d %s %s %t by %s: %s", finding, what.Account, what.Leaver, what.Instead, by.By, by.Reason)
}

func (b *backend) CleanUp(_ context.Context, finding int64, kind exeunt.DepartureType, by exeunt.Override) (exeunt.CaseID, error) {
	if finding != 17 {
		return 0, missing(finding)
	}
	return 5, b.did("clean up %d %s by %s: %s", finding, kind, by.By, by.Reason)
}

func TestReconciliationsAreBegunShownAndSeenTo(t *testing.T) {
	b, server := newServer(t)
	for _, c := range []struct{ method, path, body, did, says string }{
		{http.MethodGet, "", "", "reconciliation", `"orphaned":1`},
		{http.MethodPost, "", `{"people":"employee_id,name"}`, `reconcile "employee_id,name" by `, `"id":4`},
		{http.MethodPost, "/stop", `{"reason":"the list was wrong"}`, "stop reconciling by ", ""},
		{http.MethodGet, "/findings?system=crm&kind=orphaned&after=3&limit=1", "", "findings crm orphaned 3 2", `"next":17`},
		{http.MethodGet, "/findings?limit=2", "", "findings   0 3", `"id":18,"system":"crm","kind":"missing","why":"","remedy":"` + exeunt.Finding{Kind: exeunt.FoundMissing}.Do() + `"}]}`},
		{http.MethodGet, "/findings", "", "findings   0 101", `"remedy":"find out whose it is`},
		{http.MethodPost, "/findings/17/confirm", `{"account":"a1","leaver":"main/1","reason":"asked her for it"}`, "confirm 17 a1 main/1 false by ", ""},
		{http.MethodPost, "/findings/17/confirm", `{"account":"a1","instead":true,"reason":"asked her for it"}`, "confirm 17 a1  true by ", ""},
		{http.MethodPost, "/findings/17/clean-up", `{"type":"layoff","reason":"missed in March"}`, "clean up 17 layoff by ", `"case":"C-5"`},
	} {
		b.asked = nil
		got := call(t, server, c.method, "/api/v1/reconciliation"+c.path, "Bearer "+token, c.body)
		if got.StatusCode >= 300 || len(b.asked) != 1 || !strings.HasPrefix(b.asked[0], c.did) || !strings.Contains(string(got.body), c.says) || strings.Contains(string(got.body), "never shown") {
			t.Errorf("%s %s: %d %s, did %v", c.method, c.path, got.StatusCode, got.body, b.asked)
		}
	}
	for path, body := range map[string]string{"": `{}`, "/findings/17/confirm": `{"reason":"short"}`} {
		isProblem(t, call(t, server, http.MethodPost, "/api/v1/reconciliation"+path, "Bearer "+token, body), http.StatusUnprocessableEntity)
	}
	isProblem(t, call(t, server, http.MethodGet, "/api/v1/reconciliation/findings?kind=lost", "Bearer "+token, ""), http.StatusUnprocessableEntity)
}
