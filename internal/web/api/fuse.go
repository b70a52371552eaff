package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt"
)

// TripList is the list of times that the fuse tripped.
type TripList struct {
	Schema string             `json:"schema"`
	Trips  []exeunt.TripTally `json:"trips"`
}

// TripFile is one trip with the cases that it still holds.
type TripFile struct {
	Schema string          `json:"schema"`
	Trip   exeunt.Trip     `json:"trip"`
	Held   []exeunt.CaseID `json:"held" doc:"Cases that still wait for the decision, of those that you may see; at most 1,000"`
}

// TripPath names a trip of the fuse as people do.
type TripPath struct {
	ID string `path:"id" doc:"F-3 or 3"`
}

// TripDecision is a decision on a trip.
type TripDecision struct {
	TripPath
	Body reason
}

// TripRequest asks for the release of a trip.
type TripRequest struct {
	TripPath
	Body struct {
		Reason string `json:"reason" minLength:"10" maxLength:"4000" doc:"Why, for whoever reads the record later"`
		Lasts  string `json:"lasts,omitempty" doc:"How long it waits for the second person: 30m, 8h, 2d. A day when left out"`

		Cases []string `json:"cases,omitempty" maxItems:"100" doc:"The cases to release, C-5 or 5; the others stay held. All that the trip holds when left out"`
	}
}

func (a routes) fuse(spec huma.API) {
	huma.Get(spec, "/api/v1/fuse", a.listTrips, summary("List when the fuse tripped, those without a decision first", "Fuse"))
	huma.Get(spec, "/api/v1/fuse/{id}", a.showTrip, summary("Show one trip of the fuse and the cases that it holds", "Fuse"))
	huma.Post(spec, "/api/v1/fuse/{id}/release", a.askTrip, summary("Ask for the release of what a trip holds, or of some of its cases; another person confirms it", "Fuse"), status(http.StatusNoContent))
	huma.Post(spec, "/api/v1/fuse/{id}/confirm", a.confirmTrip, summary("Confirm the release that another person asked for", "Fuse"), status(http.StatusNoContent))
	huma.Post(spec, "/api/v1/fuse/{id}/reject", a.rejectTrip, summary("Keep what a trip holds, for HR to take back", "Fuse"), status(http.StatusNoContent))
}

func (a routes) listTrips(ctx context.Context, _ *struct{}) (*answer[TripList], error) {
	list, err := a.Reader(viewer(ctx)).Trips(ctx)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[TripList]{TripList{"fuse/v1", list}}, nil
}

func (a routes) showTrip(ctx context.Context, in *TripPath) (*answer[TripFile], error) {
	id, err := exeunt.ParseTripID(in.ID)
	if err != nil {
		return nil, problem(err)
	}
	read := a.Reader(viewer(ctx))
	trip, err := read.Trip(ctx, id)
	if err != nil {
		return nil, problem(err)
	}
	held, err := read.HeldByTrip(ctx, id, 1000)
	if err != nil {
		return nil, problem(err)
	}
	file := TripFile{Schema: "trip/v1", Trip: trip, Held: []exeunt.CaseID{}}
	for _, c := range held {
		file.Held = append(file.Held, c.ID)
	}
	return &answer[TripFile]{file}, nil
}

func (p TripPath) do(what func(exeunt.TripID) error) (*nothing, error) {
	id, err := exeunt.ParseTripID(p.ID)
	if err == nil {
		err = what(id)
	}
	return done(err)
}

func (a routes) askTrip(ctx context.Context, in *TripRequest) (*nothing, error) {
	return in.do(func(id exeunt.TripID) error {
		lasts, err := lasting(in.Body.Lasts)
		if err != nil {
			return err
		}
		only := make([]exeunt.CaseID, len(in.Body.Cases))
		for i, name := range in.Body.Cases {
			if only[i], err = exeunt.ParseCaseID(name); err != nil {
				return err
			}
		}
		return a.Commands(viewer(ctx)).AskFuseRelease(ctx, id, override(ctx, in.Body.Reason), lasts, only...)
	})
}

// lasting reads how long a request lasts; zero for as long as usual.
func lasting(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := exeunt.ParseDuration(text)
	if err != nil {
		return 0, exeunt.Errorf(exeunt.Invalid, "%v", err).In("lasts")
	}
	return d, nil
}

func (a routes) confirmTrip(ctx context.Context, in *TripDecision) (*nothing, error) {
	return in.do(func(id exeunt.TripID) error {
		return a.Commands(viewer(ctx)).ConfirmFuseRelease(ctx, id, override(ctx, in.Body.Reason))
	})
}

func (a routes) rejectTrip(ctx context.Context, in *TripDecision) (*nothing, error) {
	return in.do(func(id exeunt.TripID) error {
		return a.Commands(viewer(ctx)).RejectFuseRelease(ctx, id, override(ctx, in.Body.Reason))
	})
}
