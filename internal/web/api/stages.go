package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

// ShadowFile compares what people did in a system with what its connector would have done.
type ShadowFile struct {
	Schema string              `json:"schema"`
	Report exeunt.ShadowReport `json:"report"`
}

// ShadowList is the same of every system where a connector looks or asks to act, without the departures.
type ShadowList struct {
	Schema  string                `json:"schema"`
	Reports []exeunt.ShadowReport `json:"reports"`
}

// Live is what came of a decision that a connector acts.
type Live struct {
	Schema string       `json:"schema"`
	State  string       `json:"state" enum:"live,asked" doc:"live, or asked: another person has to decide the same"`
	Trust  exeunt.Trust `json:"trust"`
}

func (a routes) stages(spec huma.API) {
	huma.Get(spec, "/api/v1/shadow", a.listShadow, summary("Say for each system how what people do compares with what its connector would do", "Systems"))
	huma.Get(spec, "/api/v1/systems/{name}/shadow", a.showShadow, summary("Compare what people did in a system with what its connector would have done", "Systems"))
	huma.Post(spec, "/api/v1/systems/{name}/live", a.goLive, summary("Decide that the connector of a system acts from now on", "Systems"))
	huma.Post(spec, "/api/v1/systems/{name}/back", a.stepBack, summary("Take the connector of a system back to stage shadow", "Systems"), status(http.StatusNoContent))
}

func (a routes) listShadow(ctx context.Context, _ *struct{}) (*answer[ShadowList], error) {
	list := ShadowList{Schema: "shadows/v1", Reports: []exeunt.ShadowReport{}}
	for _, s := range a.Inventory.Systems() {
		if len(s.Actions) == 0 || s.Stage == exeunt.Manual {
			continue
		}
		report, err := web.ReportOf(ctx, a.Reader(viewer(ctx)), s)
		if err != nil {
			return nil, problem(err)
		}
		if s.Stage == exeunt.Shadow || len(report.Lines) > 0 {
			report.Lines = []exeunt.ShadowLine{}
			list.Reports = append(list.Reports, report)
		}
	}
	return &answer[ShadowList]{list}, nil
}

func (a routes) showShadow(ctx context.Context, in *SystemPath) (*answer[ShadowFile], error) {
	systems := a.Inventory.Systems()
	i := slices.IndexFunc(systems, func(s exeunt.System) bool { return s.Name == in.Name })
	if i < 0 {
		return nil, problem(exeunt.Errorf(exeunt.NotFound, "the configuration has no system %q", in.Name))
	}
	report, err := web.ReportOf(ctx, a.Reader(viewer(ctx)), systems[i])
	if err != nil {
		return nil, problem(err)
	}
	return &answer[ShadowFile]{ShadowFile{"shadow/v1", report}}, nil
}

// StageDecision is a decision about a system with its reason.
type StageDecision struct {
	SystemPath
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"4000" doc:"Why, for whoever reads the record later"`
	}
}

func (a routes) goLive(ctx context.Context, in *StageDecision) (*answer[Live], error) {
	trust, err := a.Commands(viewer(ctx)).GoLive(ctx, in.Name, override(ctx, in.Body.Reason))
	if err != nil {
		return nil, problem(err)
	}
	out := Live{Schema: "live/v1", State: "asked", Trust: trust}
	if trust.By != nil {
		out.State = "live"
	}
	return &answer[Live]{out}, nil
}

func (a routes) stepBack(ctx context.Context, in *StageDecision) (*nothing, error) {
	return done(a.Commands(viewer(ctx)).StepBack(ctx, in.Name, override(ctx, in.Body.Reason)))
}
