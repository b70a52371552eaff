package ui

import (
	"context"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

var idaDecided = exeunt.Decision{Override: exeunt.Override{By: "Ida Novak", Reason: "the backup service"}, At: time.Date(2026, 11, 19, 18, 0, 0, 0, time.UTC)}

func (w *world) Reconciliation(context.Context) (exeunt.Reconciliation, error) {
	return exeunt.Reconciliation{ID: 3, Begun: idaDecided, People: 412, EndedAt: idaDecided.At.Add(time.Minute), Systems: []exeunt.SystemReconciled{
		{System: "entra-id", Title: "Entra ID", State: exeunt.ReconcileDone, Listed: 420, Tally: exeunt.Tally{Matched: 408, Missing: 4, Orphaned: 2, Closed: 10}},
		{System: "snowflake", Title: "Snowflake", State: exeunt.ReconcileFailed, Why: "the credentials lack a permission"},
	}}, nil
}

func (w *world) Findings(_ context.Context, q store.FindingQuery) ([]exeunt.Finding, error) {
	all := []exeunt.Finding{
		{ID: 17, System: "entra-id", Kind: exeunt.FoundOrphaned, Leaver: "northwind/E-2041", Name: "Maya Okonkwo", LeftOn: "2026-10-30", Why: "Maya Okonkwo left on 2026-10-30, and the account is open", Accounts: []exeunt.Account{{ID: "a1", Login: "maya"}}},
		{ID: 18, System: "entra-id", Kind: exeunt.FoundOrphaned, Why: exeunt.OrphanOfNobody, Accounts: []exeunt.Account{{ID: "a2", Login: "backup"}}, Decided: &idaDecided},
	}
	return slices.DeleteFunc(all, func(f exeunt.Finding) bool { return q.Kind != "" && f.Kind != q.Kind }), nil
}
