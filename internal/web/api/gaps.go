package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt/internal/inventory"
)

// GapList is what nobody knows of the systems, or has written down.
type GapList struct {
	Schema string          `json:"schema"`
	Gaps   []inventory.Gap `json:"gaps"`
}

func (a routes) gaps(spec huma.API) {
	huma.Get(spec, "/api/v1/gaps", a.listGaps, summary("List what the inventory lacks, the riskiest first", "Systems"))
}

func (a routes) listGaps(context.Context, *struct{}) (*answer[GapList], error) {
	return &answer[GapList]{GapList{"gaps/v1", append([]inventory.Gap{}, a.Inventory.Gaps()...)}}, nil
}
