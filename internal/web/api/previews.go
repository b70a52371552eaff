package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

// PlanPreview is the plan of a departure that nothing is done by.
type PlanPreview struct {
	Schema string `json:"schema"`
	exeunt.Preview
}

// PlanComparison is how departures would go otherwise.
type PlanComparison struct {
	Schema string `json:"schema"`
	web.DeparturesCompared
}

func (a routes) previews(spec huma.API) {
	huma.Post(spec, "/api/v1/plans/preview", a.previewDeparture, summary("Preview the plan of a departure: nothing is done, and nothing kept", "Plans"))
	huma.Get(spec, "/api/v1/cases/{id}/preview", a.previewCase, summary("Preview the plan that the departure of a case would have now", "Plans"))
	huma.Get(spec, "/api/v1/plans/compare", a.compareDepartures, summary("Say how departures would go otherwise by the present policies, in numbers and for each", "Plans"))
}

func (a routes) previewDeparture(ctx context.Context, in *struct {
	Body struct {
		Departure exeunt.Departure `json:"departure"`
	}
}) (*answer[PlanPreview], error) {
	return a.preview(ctx, in.Body.Departure)
}

func (a routes) preview(ctx context.Context, d exeunt.Departure) (*answer[PlanPreview], error) {
	p, err := a.Previews.Preview(ctx, d)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[PlanPreview]{PlanPreview{"plan/v1", p}}, nil
}

func (a routes) previewCase(ctx context.Context, in *CasePath) (*answer[PlanPreview], error) {
	id, err := exeunt.ParseCaseID(in.ID)
	if err != nil {
		return nil, problem(err)
	}
	f, err := a.Reader(viewer(ctx)).CaseFile(ctx, id)
	if err != nil {
		return nil, problem(err)
	}
	return a.preview(ctx, f.Case.Departure)
}

func (a routes) compareDepartures(ctx context.Context, in *struct {
	Against string `query:"against" doc:"Version of the policies to compare with; those that each departure was planned by when left out"`
	From    string `query:"from" format:"date" doc:"The first last day; the last quarter when neither is given"`
	To      string `query:"to" format:"date" doc:"The last one; no end when left out"`
}) (*answer[PlanComparison], error) {
	found, err := a.Previews.CompareDepartures(ctx, viewer(ctx), web.Comparison{Against: in.Against, From: exeunt.Date(in.From), To: exeunt.Date(in.To)})
	if err != nil {
		return nil, problem(err)
	}
	return &answer[PlanComparison]{PlanComparison{"departures-compared/v1", found}}, nil
}
