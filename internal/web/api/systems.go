package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// SystemList is the inventory with what the cases say about it.
type SystemList struct {
	Schema  string        `json:"schema"`
	Systems []SystemState `json:"systems"`
}

// SystemFile is one system of the inventory.
type SystemFile struct {
	Schema string      `json:"schema"`
	System SystemState `json:"system"`
}

// SystemState is one system of the inventory with what the cases say about it.
type SystemState struct {
	exeunt.System
	store.SystemStats
	LeftAlone *LeftAlone `json:"left_alone,omitempty" doc:"Why it is left alone at present; missing while it answers"`
}

// LeftAlone is the open breaker of a system, with what a person should do about it.
type LeftAlone struct {
	exeunt.Breaker
	Remedy string `json:"remedy"`
}

// SystemPath names a system as the configuration does.
type SystemPath struct {
	Name string `path:"name" doc:"Its name in the configuration: corp-directory"`
}

func (a routes) systems(spec huma.API) {
	huma.Get(spec, "/api/v1/systems", a.listSystems, summary("List the inventory", "Systems"))
	huma.Get(spec, "/api/v1/systems/{name}", a.showSystem, summary("Show one system of the inventory", "Systems"))
	huma.Post(spec, "/api/v1/systems/{name}/try", a.trySystem, summary("Try a system at once that is left alone", "Systems"), status(http.StatusNoContent))
}

// systemStates is the inventory as the caller may see it.
func (a routes) systemStates(ctx context.Context) ([]SystemState, error) {
	read := a.Reader(viewer(ctx))
	stats, err := read.SystemStats(ctx, a.Inventory.Systems(), time.Now())
	if err != nil {
		return nil, err
	}
	open, err := read.OpenBreakers(ctx)
	if err != nil {
		return nil, err
	}
	by := map[string]store.SystemStats{}
	for _, s := range stats {
		by[s.System] = s
	}
	var all []SystemState
	for _, s := range a.Inventory.Systems() {
		state := SystemState{System: s, SystemStats: by[s.Name]}
		if b, ok := open[s.Name]; ok {
			state.LeftAlone = &LeftAlone{b, b.Remedy()}
		}
		all = append(all, state)
	}
	return all, nil
}

func (a routes) listSystems(ctx context.Context, _ *struct{}) (*answer[SystemList], error) {
	all, err := a.systemStates(ctx)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[SystemList]{SystemList{"systems/v1", all}}, nil
}

func (a routes) showSystem(ctx context.Context, in *SystemPath) (*answer[SystemFile], error) {
	all, err := a.systemStates(ctx)
	if err != nil {
		return nil, problem(err)
	}
	i := slices.IndexFunc(all, func(s SystemState) bool { return s.Name == in.Name })
	if i < 0 {
		return nil, problem(exeunt.Errorf(exeunt.NotFound, "the configuration has no system %q", in.Name))
	}
	return &answer[SystemFile]{SystemFile{"system/v1", all[i]}}, nil
}

func (a routes) trySystem(ctx context.Context, in *struct {
	SystemPath
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"4000" doc:"What was mended, for whoever reads the record later"`
	}
}) (*nothing, error) {
	return done(a.Commands(viewer(ctx)).TryNow(ctx, in.Name, override(ctx, in.Body.Reason)))
}
