package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
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

func (b *backend) ReplanCase(_ context.Context, id exeunt.CaseID, to string, by exeunt.Override) error {
	if id != 1 {
		return missing(id)
	}
	return b.did("replan %s to %q by %s <%s>: %s", id, to, by.By, by.Account, by.Reason)
}

func (b *backend) PreviewReplan(_ context.Context, id exeunt.CaseID) (exeunt.Replanning, error) {
	if id != 1 {
		return exeunt.Replanning{}, missing(id)
	}
	return exeunt.Replanning{Policy: "standard", NewPolicySet: "abc", Differences: []exeunt.PlanDifference{{Kind: "added", Key: "x"}}}, nil
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

func (b *backend) AskFuseRelease(_ context.Context, id exeunt.TripID, by exeunt.Override, lasts time.Duration, only ...exeunt.CaseID) error {
	verb := "release within " + lasts.String()
	for _, c := range only {
		verb += " " + c.String()
	}
	return b.onTrip(verb, id, by)
}

func (b *backend) ConfirmFuseRelease(_ context.Context, id exeunt.TripID, by exeunt.Override) error {
	return b.onTrip("confirm", id, by)
}

func (b *backend) RejectFuseRelease(_ context.Context, id exeunt.TripID, by exeunt.Override) error {
	return b.onTrip("reject", id, by)
}

func (b *backend) PutBackStep(_ context.Context, id exeunt.CaseID, key string, by exeunt.Override) error {
	return b.onStep("put back", id, key, by)
}

func (b *backend) WaiveStep(_ context.Context, id exeunt.CaseID, key string, by exeunt.Override, lasts time.Duration) (exeunt.DeviationState, error) {
	verb := "waive"
	if lasts > 0 {
		verb += " within " + lasts.String()
	}
	return exeunt.DeviationAsked, b.onStep(verb, id, key, by)
}

func (b *backend) PlaceLegalHold(_ context.Context, id exeunt.CaseID, by exeunt.Override) error {
	return b.onCase("legal hold", id, by)
}

func (b *backend) AskLegalRelease(_ context.Context, id exeunt.CaseID, by exeunt.Override, lasts time.Duration) (exeunt.DeviationState, error) {
	return exeunt.DeviationAsked, b.onCase("legal release within "+lasts.String(), id, by)
}

func (b *backend) EraseCase(_ context.Context, id exeunt.CaseID, by exeunt.Override, lasts time.Duration) (exeunt.DeviationState, error) {
	return exeunt.DeviationAsked, b.onCase("erase within "+lasts.String(), id, by)
}

func (b *backend) Erasures(context.Context) ([]exeunt.Case, error) {
	return []exeunt.Case{{ID: 3, Erasure: &exeunt.Erasure{Rule: "retention.keep: 1095 d"}}}, nil
}

func (b *backend) onCase(verb string, id exeunt.CaseID, by exeunt.Override) error {
	if id != 1 {
		return missing(id)
	}
	return b.did("%s %s by %s <%s>: %s", verb, id, by.By, by.Account, by.Reason)
}

func (b *backend) DecideTask(_ context.Context, id exeunt.TaskID, steps []string, yes bool, by exeunt.Override) error {
	if id != 1 {
		return missing(id)
	}
	return b.did("decide %s %v %v by %s <%s>: %s", id, steps, yes, by.By, by.Account, by.Reason)
}

func TestAnOverrideSaysWhetherItWaits(t *testing.T) {
	_, server := newServer(t)
	for _, path := range []string{"/cases/C-1/steps/crm-disable/waive", "/cases/C-1/legal-release"} {
		got := call(t, server, http.MethodPost, "/api/v1"+path, "Bearer "+token, reason)
		if got.StatusCode != http.StatusOK || !strings.Contains(string(got.body), `"state":"asked"`) {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
}
