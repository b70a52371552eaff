package api_test

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// What the backend takes of decisions.

func (b *backend) HoldCase(_ context.Context, id exeunt.CaseID, by exeunt.Override) error {
	if id != 1 {
		return missing(id)
	}
	return b.did("hold %s by %s <%s>: %s", id, by.By, by.Account, by.Reason)
}

func (b *backend) Trips(context.Context) ([]exeunt.TripTally, error) {
	return []exeunt.TripTally{{Trip: exeunt.Trip{ID: 1, State: exeunt.TripOpen}, Held: 3}}, b.did("trips")
}

func (b *backend) Trip(_ context.Context, id exeunt.TripID) (exeunt.Trip, error) {
	if id != 1 {
		return exeunt.Trip{}, missing(id)
	}
	return exeunt.Trip{ID: 1, State: exeunt.TripOpen}, b.did("trip %s", id)
}

func (b *backend) HeldByTrip(context.Context, exeunt.TripID, int) ([]exeunt.Case, error) {
	return []exeunt.Case{{ID: 1}}, nil
}

func (b *backend) onTrip(verb string, id exeunt.TripID, by exeunt.Override) error {
	if id != 1 {
		return missing(id)
	}
	return b.did("%s %s by %s <%s>: %s", verb, id, by.By, by.Account, by.Reason)
}

func (b *backend) AskFuseRelease(_ context.Context, id exeunt.TripID, by exeunt.Override, lasts time.Duration) error {
	return b.onTrip("release within "+lasts.String(), id, by)
}

func (b *backend) ConfirmFuseRelease(_ context.Context, id exeunt.TripID, by exeunt.Override) error {
	return b.onTrip("confirm", id, by)
}

func (b *backend) RejectFuseRelease(_ context.Context, id exeunt.TripID, by exeunt.Override) error {
	return b.onTrip("reject", id, by)
}
