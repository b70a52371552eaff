package api

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

func (a routes) eraseCase(ctx context.Context, in *struct {
	CasePath
	Body OverrideBody
}) (*answer[Overridden], error) {
	return overridden(in.CasePath, in.Body, func(id exeunt.CaseID, lasts time.Duration) (exeunt.DeviationState, error) {
		return a.Commands(viewer(ctx)).EraseCase(ctx, id, override(ctx, in.Body.Reason), lasts)
	})
}

// ErasureList is what was erased or is about to be.
type ErasureList struct {
	Schema   string       `json:"schema"`
	Erasures []ErasureRow `json:"erasures"`
}

// ErasureRow is the record of one case that is destroyed.
type ErasureRow struct {
	Case     exeunt.CaseID `json:"case"`
	ClosedAt time.Time     `json:"closed_at"`
	exeunt.Erasure
}

func (a routes) listErasures(ctx context.Context, _ *struct{}) (*answer[ErasureList], error) {
	cases, err := a.Reader(viewer(ctx)).Erasures(ctx)
	if err != nil {
		return nil, problem(err)
	}
	list := ErasureList{Schema: "erasures/v1", Erasures: []ErasureRow{}}
	for _, c := range cases {
		list.Erasures = append(list.Erasures, ErasureRow{c.ID, c.ClosedAt, *c.Erasure})
	}
	return &answer[ErasureList]{list}, nil
}
