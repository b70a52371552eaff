package ui

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

var idaDecided = exeunt.Decision{Override: exeunt.Override{By: "Ida Novak", Reason: "the backup service"}, At: time.Date(2026, 11, 19, 18, 0, 0, 0, time.UTC)}

func (w *world) Reconciliation(context.Context) (exeunt.Reconciliation, error) {
	return exeunt.Reconciliation{ID: 3, Begun: idaDecided, People: 412, Left: 1, EndedAt: idaDecided.At.Add(time.Minute), Systems: []exeunt.SystemReconciled{
		{System: "entra-id", Title: "Entra ID", State: exeunt.ReconcileDone, Listed: 420, Tally: exeunt.Tally{Matched: 408, Missing: 4, Orphaned: 2, Closed: 10}},
		{System: "snowflake", Title: "Snowflake", State: exeunt.ReconcileFailed, Why: "the credentials lack a permission"},
	}}, nil
}

func (w *world) Findings(_ context.Context, q store.FindingQuery) ([]exeunt.Finding, error) {
	all := []exeunt.Finding{
		{ID: 17, System: "entra-id", Kind: exeunt.FoundOrphaned, Leaver: "northwind/E-2041", Name: "Maya Okonkwo", LeftOn: "2026-10-30", Why: "Maya Okonkwo left on 2026-10-30, and the account is open", Accounts: []exeunt.Account{{ID: "a1", Login: "maya"}}},
		{ID: 18, System: "entra-id", Kind: exeunt.FoundOrphaned, Why: exeunt.OrphanOfNobody, Accounts: []exeunt.Account{{ID: "a2", Login: "backup"}}, Decided: &idaDecided},
	}
	for i := range w.unmatched {
		all = append(all, exeunt.Finding{ID: int64(30 + i), System: "entra-id", Kind: exeunt.FoundMissing, Leaver: fmt.Sprint("northwind/E-", i), Name: fmt.Sprint("Person ", i), Why: "it matches no account"})
	}
	all = slices.DeleteFunc(all, func(f exeunt.Finding) bool { return q.Kind != "" && f.Kind != q.Kind || f.ID <= q.After })
	return all[:min(len(all), q.Limit)], nil
}

func (w *world) Reconcile(context.Context, string, exeunt.Override) (exeunt.Reconciliation, error) {
	return exeunt.Reconciliation{}, nil
}

func (w *world) StopReconciling(context.Context, exeunt.Override) error { return nil }

func (w *world) ConfirmAccount(_ context.Context, finding int64, what exeunt.Confirmation, by exeunt.Override) error {
	w.did = append(w.did, fmt.Sprintf("confirm %d %s %s %t by %s: %s", finding, what.Account, what.Leaver, what.Instead, by.By, by.Reason))
	return nil
}

func (w *world) CleanUp(_ context.Context, finding int64, _ exeunt.DepartureType, by exeunt.Override) (exeunt.CaseID, error) {
	w.did = append(w.did, fmt.Sprintf("clean up %d by %s: %s", finding, by.By, by.Reason))
	return 2041, nil
}

// The page says whom and where by the names that people use, and which finding is urgent.
func TestAccountsAreToldInWords(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		says(t, send(h, "it", "/accounts", nil), 200, "412 people work here and 1 has left, compared with 420 accounts of 2 systems by Ida Novak",
			`data-label="System">Entra ID<`, "not:>entra-id<", `data-label="Missing">4<`, `data-label="Missing">–<`, "Left, and still open", "2 of 2")
	})
}

func TestALastPageOfFindingsLeadsNowhere(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		w.unmatched = findingsShown
		says(t, send(h, "it", "/accounts?kind=missing", nil), 200, "Person 24", `aria-disabled="true">First<`, `aria-disabled="true">Next<`)
		w.unmatched = findingsShown + 1
		says(t, send(h, "it", "/accounts?kind=missing", nil), 200, "Person 24", "not:Person 25", `href="/accounts?after=54&amp;kind=missing">Next<`)
		says(t, send(h, "it", "/accounts?after=54&kind=missing", nil), 200, "Person 25", "not:Person 24", `href="/accounts?kind=missing">First<`, `aria-disabled="true">Next<`)
	})
}

func TestAccountsAreConfirmedAndCleanedUpOnThePage(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		confirm := because("asked her for it")
		confirm.Set("account", "a1")
		confirm.Set("leaver", " northwind/E-7 ")
		confirm.Set("instead", "1")
		says(t, send(h, "auditor", "/accounts", nil), 200, "Maya Okonkwo", "not:/accounts/17/confirm", "not:/accounts/17/clean-up")
		says(t, send(h, "auditor", "/accounts/17/confirm", confirm), 403)
		says(t, send(h, "it", "/accounts/17/clean-up", because("missed in October")), 403)
		says(t, send(h, "it", "/accounts/17/confirm", because("so")), 422, "at least 10 characters")
		says(t, send(h, "it", "/accounts/x/confirm", confirm), 404)
		says(t, send(h, "legal", "/accounts", nil), 404)
		if r := send(h, "it", "/accounts/17/confirm", confirm); r.Code != 303 || r.Header().Get("Location") != "/accounts" {
			t.Errorf("%d to %s", r.Code, r.Header().Get("Location"))
		}
		if r := send(h, "hr", "/accounts/17/clean-up", because("missed in October")); r.Code != 303 || r.Header().Get("Location") != "/cases/C-2041" {
			t.Errorf("%d to %s", r.Code, r.Header().Get("Location"))
		}
		want := "confirm 17 a1 northwind/E-7 true by Ines Roth: asked her for it\nclean up 17 by Priya Nair: missed in October"
		if got := strings.Join(w.did, "\n"); got != want {
			t.Errorf("did\n%s\nwant\n%s", got, want)
		}
	})
}
