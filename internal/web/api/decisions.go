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
	huma.Post(spec, "/api/v1/cases/{id}/reveal", a.onCase(web.Decisions.RevealCase), summary("End the embargo of a case before its time", "Decisions"), status(http.StatusNoContent))
	huma.Post(spec, "/api/v1/cases/{id}/embargo", a.extendEmbargo, summary("Let the embargo of a case last longer, or put more people on its list", "Decisions"), status(http.StatusNoContent))
}

// extendEmbargo never shortens an embargo and takes nobody off its list.
func (a routes) extendEmbargo(ctx context.Context, in *struct {
	CasePath
	Body struct {
		Until     string   `json:"until,omitempty" doc:"The new reveal time: 2026-12-01 09:00 at the place of work, or an RFC 3339 instant; as it is when left out"`
		VisibleTo []string `json:"visible_to,omitempty" doc:"E-mail addresses of who may see the case as well"`
		Reason    string   `json:"reason" minLength:"10" doc:"Why, for whoever reads the record later"`
	}
}) (*nothing, error) {
	return in.do(func(id exeunt.CaseID) error {
		return a.Commands(viewer(ctx)).ExtendEmbargo(ctx, id, exeunt.EmbargoTerms{Until: in.Body.Until, VisibleTo: in.Body.VisibleTo}, override(ctx, in.Body.Reason))
	})
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
