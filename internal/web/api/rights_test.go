package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// bearers takes a role for the token of somebody who has it.
type bearers struct{}

func (bearers) Token(_ context.Context, role string) (store.User, error) {
	return store.User{Name: "Ana", Email: "ana@acme.example", Roles: []string{role}}, nil
}

// did takes every command; calling what a test does not expect panics.
type did struct{ Commands }

func (did) StartCase(context.Context, exeunt.Departure, exeunt.Override) (exeunt.CaseID, error) {
	return 1, nil
}
func (did) TryNow(context.Context, string, exeunt.Override) error { return nil }
func (did) GoLive(context.Context, string, exeunt.Override) (exeunt.Trust, error) {
	return exeunt.Trust{}, nil
}
func (did) StepBack(context.Context, string, exeunt.Override) error                  { return nil }
func (did) ReplanCase(context.Context, exeunt.CaseID, string, exeunt.Override) error { return nil }
func (did) PreviewReplan(context.Context, exeunt.CaseID) (exeunt.Replanning, error) {
	return exeunt.Replanning{}, nil
}
func (did) HoldCase(context.Context, exeunt.CaseID, exeunt.Override) error { return nil }
func (did) AskFuseRelease(context.Context, exeunt.TripID, exeunt.Override, time.Duration, ...exeunt.CaseID) error {
	return nil
}
func (did) ConfirmFuseRelease(context.Context, exeunt.TripID, exeunt.Override) error { return nil }
func (did) RejectFuseRelease(context.Context, exeunt.TripID, exeunt.Override) error  { return nil }
func (did) ReleaseCase(context.Context, exeunt.CaseID, exeunt.Override) error        { return nil }
func (did) RetryStep(context.Context, exeunt.CaseID, string, exeunt.Override) error  { return nil }
func (did) WaiveStep(context.Context, exeunt.CaseID, string, exeunt.Override, time.Duration) (exeunt.DeviationState, error) {
	return exeunt.DeviationDone, nil
}
func (did) PlaceLegalHold(context.Context, exeunt.CaseID, exeunt.Override) error { return nil }
func (did) AskLegalRelease(context.Context, exeunt.CaseID, exeunt.Override, time.Duration) (exeunt.DeviationState, error) {
	return exeunt.DeviationAsked, nil
}
func (did) EraseCase(context.Context, exeunt.CaseID, exeunt.Override, time.Duration) (exeunt.DeviationState, error) {
	return exeunt.DeviationAsked, nil
}
func (did) RevealCase(context.Context, exeunt.CaseID, exeunt.Override) error { return nil }
func (did) ExtendEmbargo(context.Context, exeunt.CaseID, exeunt.EmbargoTerms, exeunt.Override) error {
	return nil
}
func (did) ReassignTask(context.Context, exeunt.TaskID, exeunt.Person, exeunt.Override) error {
	return nil
}
func (did) CheckWave(context.Context, exeunt.WaveID, exeunt.Override) error   { return nil }
func (did) ApproveWave(context.Context, exeunt.WaveID, exeunt.Override) error { return nil }
func (did) StartWave(context.Context, exeunt.WaveID, exeunt.Override) error   { return nil }
func (did) GoOnWave(context.Context, exeunt.WaveID, exeunt.Override) error    { return nil }
func (did) StopWave(context.Context, exeunt.WaveID, exeunt.Override) error    { return nil }

func (did) StopReconciling(context.Context, exeunt.Override) error { return nil }
func (did) Reconcile(context.Context, string, exeunt.Override) (exeunt.Reconciliation, error) {
	return exeunt.Reconciliation{}, nil
}
func (did) ConfirmAccount(context.Context, int64, exeunt.Confirmation, exeunt.Override) error {
	return nil
}
func (did) CleanUp(context.Context, int64, exeunt.DepartureType, exeunt.Override) (exeunt.CaseID, error) {
	return 1, nil
}

// asked answers every question about a system.
type asked struct{ Connectors }

func (asked) CheckSystem(context.Context, string) (SystemCheck, error) { return SystemCheck{}, nil }
func (asked) TrySystem(context.Context, exeunt.Viewer, string, string) (SystemTrial, error) {
	return SystemTrial{}, nil
}

type transmitter struct{ Signals }

func (transmitter) Verify(context.Context, string) (string, bool, error) { return "", false, nil }
func (transmitter) Rotate(context.Context, string, bool, exeunt.Override) (exeunt.SignalKey, error) {
	return exeunt.SignalKey{}, nil
}

func TestATokenMayWhatItsRolesMay(t *testing.T) {
	mux := http.NewServeMux()
	Register(mux, Config{Commands: func(exeunt.Viewer) Commands { return did{} }, Bearers: bearers{}, Connectors: asked{}, Signals: transmitter{}})
	const why = `{"reason":"decided by the board"}`
	for _, c := range []struct{ path, body, may, mayNot string }{
		{"/cases/C-1/hold", why, "hr legal admin", "it auditor manager payroll"},
		{"/cases/C-1/legal-hold", why, "legal admin", "hr it auditor manager payroll"},
		{"/cases/C-1/legal-release", why, "legal admin", "hr it auditor manager payroll"},
		{"/cases/C-1/erase", why, "legal admin", "hr it auditor manager payroll"},
		{"/systems/crm/try", "{}", "it admin", "hr legal auditor manager payroll"},
		{"/systems/crm/verify", "", "it admin", "hr legal auditor manager payroll"},
		{"/signals/rotate", `{"reason":"the old one was copied"}`, "admin", "it hr legal auditor manager payroll"},
		{"/systems/crm/live", "{}", "it admin", "hr legal auditor manager payroll"},
		{"/systems/crm/back", "{}", "it admin", "hr legal auditor manager payroll"},
		{"/systems/crm/check", "", "it admin", "hr legal auditor manager payroll"},
		{"/systems/crm/trial", `{"account":"jdoe"}`, "it admin", "hr legal auditor manager payroll"},
		{"/reconciliation", `{"people":"employee_id,name"}`, "hr it admin", "legal auditor manager payroll"},
		{"/reconciliation/stop", why, "hr it admin", "legal auditor manager payroll"},
		{"/reconciliation/findings/1/confirm", why, "hr it admin", "legal auditor manager payroll"},
		{"/reconciliation/findings/1/clean-up", why, "hr admin", "it legal auditor manager payroll"},
		{"/fuse/F-1/release", why, "hr legal admin", "it auditor manager payroll"},
		{"/fuse/F-1/confirm", why, "hr legal admin", "it auditor manager payroll"},
		{"/fuse/F-1/reject", why, "hr legal admin", "it auditor manager payroll"},
		{"/cases/C-1/release", why, "hr admin", "it auditor manager payroll"},
		{"/cases/C-1/replan", why, "hr admin", "it auditor manager payroll"},
		{"/cases/C-1/reveal", why, "hr legal admin", "it auditor manager payroll"},
		{"/cases/C-1/embargo", why, "hr legal admin", "it auditor manager payroll"},
		{"/cases/C-1/steps/s/retry", why, "hr it admin", "auditor manager legal"},
		{"/cases/C-1/steps/s/waive", why, "hr admin", "auditor manager payroll"},
		{"/waves/W-1/check", why, "hr admin", "legal it auditor manager payroll"},
		{"/waves/W-1/approve", why, "hr admin legal", "it auditor manager payroll"},
		{"/waves/W-1/start", why, "hr admin", "legal it auditor manager payroll"},
		{"/waves/W-1/go-on", why, "hr admin", "legal it auditor manager payroll"},
		{"/waves/W-1/stop", why, "hr admin legal", "it auditor manager payroll"},
		{"/tasks/T-1/reassign", `{"email":"eva@acme.example"}`, "hr it admin", "auditor manager"},
	} {
		for _, role := range strings.Fields(c.may + " " + c.mayNot) {
			r := httptest.NewRequest(http.MethodPost, "/api/v1"+c.path, strings.NewReader(c.body))
			r.Header.Set("Authorization", "Bearer "+role)
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			want := http.StatusNoContent
			if w.Code == http.StatusOK || w.Code == http.StatusCreated { // some answer with what came of it
				want = w.Code
			}
			if slices.Contains(strings.Fields(c.mayNot), role) {
				want = http.StatusForbidden
			}
			if w.Code != want {
				t.Errorf("%s to %s was answered %d, want %d: %s", role, c.path, w.Code, want, w.Body)
			}
		}
	}
}
