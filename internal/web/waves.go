package web

import (
	"context"

	"github.com/exeunt/exeunt"
)

// Waves are what named people do with mass departures. Pages and API ask the same engine.
type Waves interface {
	// MakeWave makes one of a list of people; every fault of the list is said at once.
	MakeWave(ctx context.Context, ask exeunt.WaveRequest, by exeunt.Override) (exeunt.WaveID, error)
	// CheckWave begins to find out what it will do and how long it takes.
	CheckWave(ctx context.Context, id exeunt.WaveID, by exeunt.Override) error
	// ApproveWave lets a second person stand behind it.
	ApproveWave(ctx context.Context, id exeunt.WaveID, by exeunt.Override) error
	// StartWave lets the canary go, or everybody where there is none.
	StartWave(ctx context.Context, id exeunt.WaveID, by exeunt.Override) error
	// GoOnWave lets the others follow the canary.
	GoOnWave(ctx context.Context, id exeunt.WaveID, by exeunt.Override) error
	// StopWave ends it for good; what has begun ends.
	StopWave(ctx context.Context, id exeunt.WaveID, by exeunt.Override) error
}
