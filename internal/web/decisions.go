package web

import (
	"context"

	"github.com/exeunt/exeunt"
)

// Decisions are what named people decide about cases, with a reason. Pages and API ask the same engine
// for the same ones.
type Decisions interface {
	// HoldCase stops a case until somebody releases it.
	HoldCase(ctx context.Context, id exeunt.CaseID, by exeunt.Override) error
	// ReleaseCase lets a held case go on; what is late starts at once.
	ReleaseCase(ctx context.Context, id exeunt.CaseID, by exeunt.Override) error
}
