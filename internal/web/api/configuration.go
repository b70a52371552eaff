package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Reload is what came of reading the configuration folder again.
type Reload struct {
	Schema      string                    `json:"schema"`
	Taken       bool                      `json:"taken" doc:"What the folder says is served now"`
	Before      string                    `json:"before" doc:"Version that was served"`
	After       string                    `json:"after" doc:"Version that is served now"`
	Differences []ConfigurationDifference `json:"differences" doc:"What was added, removed and changed; never what it says"`
	Faults      []ConfigurationFault      `json:"faults" doc:"Why the folder was not taken; what was served before goes on"`
}

// ConfigurationDifference is one thing in which two configurations differ.
type ConfigurationDifference struct {
	Change string `json:"change" enum:"added,removed,changed"`
	Noun   string `json:"noun" doc:"system, policy, source, entity, role, or a part of exeunt.yaml such as fuse"`
	Name   string `json:"name,omitempty"`
}

// ConfigurationFault is one thing that is wrong in the configuration folder.
type ConfigurationFault struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Path   string `json:"path,omitempty" doc:"Of the key: rules[2].when"`
	What   string `json:"what"`
	Remedy string `json:"remedy,omitempty"`
}

func (a routes) configuration(spec huma.API) {
	huma.Post(spec, "/api/v1/configuration/reload", a.reload, summary("Read the configuration folder of this server again", "Configuration"), status(http.StatusOK))
}

type reloaded struct{ Body Reload }

func (a routes) reload(ctx context.Context, _ *struct{}) (*reloaded, error) {
	r, err := a.Reload(ctx, viewer(ctx))
	if err != nil {
		return nil, problem(err)
	}
	return &reloaded{r}, nil
}
