package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

// decisions are what named people decide, each with a reason.
func (a routes) decisions(spec huma.API) {
	huma.Post(spec, "/api/v1/cases/{id}/hold", a.onCase(web.Decisions.HoldCase), summary("Stop a case until somebody releases it", "Decisions"), status(http.StatusNoContent))
	huma.Post(spec, "/api/v1/cases/{id}/release", a.onCase(web.Decisions.ReleaseCase), summary("Let a held case go on", "Decisions"), status(http.StatusNoContent))
}

// CaseDecision is a decision about a case.
type CaseDecision struct {
	CasePath
	Body reason
}

// onCase takes a decision about a case in the name of the caller.
func (a routes) onCase(decide func(web.Decisions, context.Context, exeunt.CaseID, exeunt.Override) error) func(context.Context, *CaseDecision) (*nothing, error) {
	return func(ctx context.Context, in *CaseDecision) (*nothing, error) {
		return in.do(func(id exeunt.CaseID) error {
			return decide(a.Commands(viewer(ctx)), ctx, id, override(ctx, in.Body.Reason))
		})
	}
}
