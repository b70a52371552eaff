package entra_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connectors/entra"
)

func TestAPartOfABatchIsThrottled(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	g.meet = func(_, path string) *answer {
		if strings.Contains(path, "/authentication/methods") {
			return &answer{status: 429, body: object{"error": object{"code": "TooManyRequests"}}, header: map[string]string{"retry-after": "17"}}
		}
		return nil
	}
	out := converge(t, c, l, exeunt.ResetFactors)
	if out.Kind != exeunt.TryAgain || exeunt.KindOf(out.Err) != exeunt.Throttled || out.Wait != 17*time.Second {
		t.Errorf("%s after %v: %s", out.Kind, out.Wait, said(out))
	}
	if out := converge(t, c, l, exeunt.RevokeGrants); out.Kind != exeunt.Done {
		t.Errorf("what is not throttled: %s: %s", out.Kind, said(out))
	}
	g.meet = func(_, path string) *answer {
		if path == "/$batch" {
			return &answer{status: 200, body: object{"responses": []any{}}}
		}
		return nil
	}
	if out := converge(t, c, l, exeunt.Disable); out.Kind != exeunt.TryAgain || exeunt.KindOf(out.Err) != exeunt.Temporary {
		t.Errorf("a batch without answers: %s: %s", out.Kind, said(out))
	}
}

// TestDroppedAnswersConverge loses the answer to every change once, after it was made.
func TestDroppedAnswersConverge(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, `,"auto_reply":"`+reply+`","files_to_manager":true`), g.hire(t)
	lost := map[string]bool{}
	g.drop = func(method, path string) bool {
		if method == "GET" || path == "/$batch" || lost[method+path] {
			return false
		}
		lost[method+path] = true
		return true
	}
	for _, spec := range entra.Kind().Actions {
		if spec.ByHand { // changes nothing itself
			continue
		}
		out := converge(t, c, l, spec.Action)
		for range 20 {
			if out.Kind == exeunt.Done {
				break
			}
			out = converge(t, c, l, spec.Action)
		}
		if out.Kind != exeunt.Done {
			t.Errorf("%s: %s: %s", spec.Action, out.Kind, said(out))
		}
	}
	if len(lost) < 15 {
		t.Errorf("only %d answers were lost: the test would prove nothing", len(lost))
	}
}

// TestAVisitIsAFewRoundTrips holds what a departure costs: a look is one request for what the step wants to know.
func TestAVisitIsAFewRoundTrips(t *testing.T) {
	g := newGraph(t)
	g.page = 100 // as Graph has it
	t.Setenv("ENTRA_SECRET", secret)
	var trips int
	count := counting(func(r *http.Request) { trips++ })
	c, err := entra.Kind().Open(g.settings(t, ""), count)
	if err != nil {
		t.Fatal(err)
	}
	l := g.hire(t)
	if found, err := connectortest.Search(t.Context(), entra.Kind(), g.settings(t, ""), c, l); err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	g.requests()
	for _, action := range []exeunt.Action{exeunt.ResetFactors, exeunt.ResetPassword, exeunt.Disable, exeunt.RevokeSessions, exeunt.RemoveRoles, exeunt.RemoveGroups, exeunt.RemoveApps, exeunt.RevokeGrants, exeunt.LockDevices, exeunt.RevokeSessionsAgain} {
		if out := converge(t, c, l, action); out.Kind != exeunt.Done {
			t.Fatalf("%s: %s: %s", action, out.Kind, said(out))
		}
	}
	writes := len(changes(g.requests()))
	// A token, a search, three looks a step, the changes, and three looks at moments that have to move.
	if want := 2 + 3*10 + writes + 3; trips != want {
		t.Errorf("%d round trips for %d changes, want %d", trips, writes, want)
	}
	t.Logf("%d round trips, %d of them changes", trips, writes)
}

type counting func(*http.Request)

func (f counting) RoundTrip(r *http.Request) (*http.Response, error) {
	f(r)
	return http.DefaultTransport.RoundTrip(r)
}

func TestErrorsAreClassedByTheirCode(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	for _, e := range []struct {
		status        int
		code, message string
		kind          exeunt.ErrorKind
		says          string
	}{
		{403, "Authorization_RequestDenied", "Insufficient privileges", exeunt.Denied, "a higher administrator"},
		{400, "Request_BadRequest", "Unable to update the specified properties for on-premises mastered Directory Sync objects", exeunt.Conflict, "Active Directory"},
		{400, "Request_BadRequest", "whatever s3cret", exeunt.Invalid, "400"},
		{404, "Request_ResourceNotFound", "gone", exeunt.NotFound, "Request_ResourceNotFound"},
		{409, "Conflict", "x", exeunt.Conflict, "409"},
		{400, "Directory_ConcurrencyViolation", "x", exeunt.Temporary, "at that moment"},
		{429, "Authorization_RequestDenied", "x", exeunt.Throttled, "slow down"},
		{503, "serviceNotAvailable", "x", exeunt.Temporary, "503"},
		{500, "", "x", exeunt.Temporary, "500"},
		{401, "Authorization_IdentityNotFound", "x", exeunt.Unauthorised, "consent"},
	} {
		g.meet = func(method, _ string) *answer {
			if method == "PATCH" {
				return failure(e.status, e.code, e.message)
			}
			return nil
		}
		err := c.Apply(t.Context(), account(l), exeunt.Disable, with(l))
		if exeunt.KindOf(err) != e.kind || !strings.Contains(fmt.Sprint(err), e.says) || strings.Contains(fmt.Sprint(err), "s3cret") {
			t.Errorf("%d %s: %v (%s), want %s with %q", e.status, e.code, err, exeunt.KindOf(err), e.kind, e.says)
		}
	}
}
