package web

import (
	"context"

	"github.com/exeunt/exeunt"
)

// Stages is what named people decide about how far systems are trusted to automation. Pages and API ask the same engine.
type Stages interface {
	// GoLive decides that the connector of a system acts in departures that are planned from now on. Where the risk is highest
	// and the report does not speak for it, it has no effect until another person decides the same within a day.
	GoLive(ctx context.Context, system string, by exeunt.Override) (exeunt.Trust, error)
	// StepBack takes the connector back to stage shadow: people do what is planned from now on.
	StepBack(ctx context.Context, system string, by exeunt.Override) error
}

// Shadows is what readers see of it.
type Shadows interface {
	// ShadowLines are the newest tasks in a system at which its connector looked, the newest first.
	ShadowLines(ctx context.Context, system string, limit int) ([]exeunt.ShadowLine, error)
	// Trusts are the decisions that connectors act, and those that are asked for, by system.
	Trusts(ctx context.Context) (map[string]exeunt.Trust, error)
}

// ReportOf is the report of one system.
func ReportOf(ctx context.Context, read Shadows, s exeunt.System) (exeunt.ShadowReport, error) {
	lines, err := read.ShadowLines(ctx, s.Name, exeunt.ShadowWindow)
	if err != nil {
		return exeunt.ShadowReport{}, err
	}
	trusts, err := read.Trusts(ctx)
	if err != nil {
		return exeunt.ShadowReport{}, err
	}
	var trust *exeunt.Trust
	if t, ok := trusts[s.Name]; ok {
		trust = &t
	}
	return exeunt.ReportShadow(s, trust, lines), nil
}
