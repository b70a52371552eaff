package web

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// Decisions are what named people decide about cases, with a reason. Pages and API ask the same engine
// for the same ones.
type Decisions interface {
	// HoldCase stops a case until somebody releases it.
	HoldCase(ctx context.Context, id exeunt.CaseID, by exeunt.Override) error
	// ReleaseCase lets a held case go on; what is late starts at once.
	ReleaseCase(ctx context.Context, id exeunt.CaseID, by exeunt.Override) error
	// ReplanCase takes a case to the plan that the present policies give. With to it is refused when those are not of this
	// version any more, as when somebody looked at the difference before.
	ReplanCase(ctx context.Context, id exeunt.CaseID, to string, by exeunt.Override) error
	// PreviewReplan says what that would change.
	PreviewReplan(ctx context.Context, id exeunt.CaseID) (exeunt.Replanning, error)
	// RevealCase ends the embargo of a case before its time.
	RevealCase(ctx context.Context, id exeunt.CaseID, by exeunt.Override) error
	// ExtendEmbargo lets the embargo of a case last longer, or puts more people on its list.
	ExtendEmbargo(ctx context.Context, id exeunt.CaseID, terms exeunt.EmbargoTerms, by exeunt.Override) error

	// WaiveStep settles a step without its being done. What leaves an account of the highest risk open has no
	// effect until another person confirms it, within lasts (a day when zero).
	WaiveStep(ctx context.Context, id exeunt.CaseID, key string, by exeunt.Override, lasts time.Duration) (exeunt.DeviationState, error)
	// PutBackStep puts back one step that was done before HR changed the departure, as a task asks to decide.
	PutBackStep(ctx context.Context, id exeunt.CaseID, key string, by exeunt.Override) error
	// PlaceLegalHold stops everything destructive of a case; access is cut all the same.
	PlaceLegalHold(ctx context.Context, id exeunt.CaseID, by exeunt.Override) error
	// AskLegalRelease asks for the end of a legal hold, which another person confirms.
	AskLegalRelease(ctx context.Context, id exeunt.CaseID, by exeunt.Override, lasts time.Duration) (exeunt.DeviationState, error)
	// EraseCase decides that the record of a closed case is destroyed. Before the end of its retention it has no effect until
	// another person asks for the same, within lasts (a day when zero).
	EraseCase(ctx context.Context, id exeunt.CaseID, by exeunt.Override, lasts time.Duration) (exeunt.DeviationState, error)
	// DecideTask is the second person's answer to what a task asks: the approval of its steps, or of those
	// that are named, or the confirmation of an override.
	DecideTask(ctx context.Context, id exeunt.TaskID, steps []string, yes bool, by exeunt.Override) error

	// AskFuseRelease asks for the release of what a trip of the fuse holds, or of some of its cases. It has no effect until
	// another person confirms it, within lasts (a day when zero).
	AskFuseRelease(ctx context.Context, id exeunt.TripID, by exeunt.Override, lasts time.Duration, only ...exeunt.CaseID) error
	// ConfirmFuseRelease lets every case go on that the trip holds, or those that were asked for.
	ConfirmFuseRelease(ctx context.Context, id exeunt.TripID, by exeunt.Override) error
	// RejectFuseRelease leaves what the trip holds to HR.
	RejectFuseRelease(ctx context.Context, id exeunt.TripID, by exeunt.Override) error
}

// Erasures is what readers see of records that were destroyed.
type Erasures interface {
	// Erasures lists the cases whose record was erased or is about to be, the newest first.
	Erasures(ctx context.Context) ([]exeunt.Case, error)
}

// Fuse is what readers see of the brake on mass change.
type Fuse interface {
	// Trips lists the newest trips, those without a decision first.
	Trips(ctx context.Context) ([]exeunt.TripTally, error)
	Trip(ctx context.Context, id exeunt.TripID) (exeunt.Trip, error)
	// HeldByTrip lists the cases that a trip still holds, of those that the reader may see.
	HeldByTrip(ctx context.Context, id exeunt.TripID, limit int) ([]exeunt.Case, error)
}
