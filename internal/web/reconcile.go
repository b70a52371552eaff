package web

import (
	"context"

	"github.com/exeunt/exeunt"
)

// Reconciling is what named people do about whose accounts are whose, before anything happens. Pages and API ask the same
// engine.
type Reconciling interface {
	// Reconcile begins to compare the people of a list, as HR exports it, with the accounts of every system.
	Reconcile(ctx context.Context, list string, by exeunt.Override) (exeunt.Reconciliation, error)
	// StopReconciling ends the one that is under way; what was compared stays.
	StopReconciling(ctx context.Context, by exeunt.Override) error
	// ConfirmAccount keeps whose an account of a finding is.
	ConfirmAccount(ctx context.Context, finding int64, what exeunt.Confirmation, by exeunt.Override) error
	// CleanUp ends the accounts that somebody who left still has, by a case. The type counts where there was no case before.
	CleanUp(ctx context.Context, finding int64, kind exeunt.DepartureType, by exeunt.Override) (exeunt.CaseID, error)
}
