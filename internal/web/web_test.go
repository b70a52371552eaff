package web

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
)

// TestEveryKindHasAStatus holds the one table.
func TestEveryKindHasAStatus(t *testing.T) {
	want := map[exeunt.ErrorKind]int{
		exeunt.Invalid: 422, exeunt.NotFound: 404, exeunt.Ambiguous: 409, exeunt.Conflict: 409, exeunt.Denied: 403,
		exeunt.Unauthorised: 502, exeunt.Throttled: 429, exeunt.Temporary: 503, exeunt.Unsupported: 501, exeunt.Internal: 500,
	}
	for kind, code := range want {
		if got := Status(exeunt.Errorf(kind, "x")); got != code {
			t.Errorf("%s is %d, want %d", kind, got, code)
		}
	}
	if Status(errors.New("x")) != 500 || Status(nil) != 200 {
		t.Error("an error that has no kind is a fault of ours, and none is none")
	}
}

// TestRecover holds that a panic is told by its reference and that its text, which may hold anything,
// reaches neither reader nor log.
func TestRecover(t *testing.T) {
	var log strings.Builder
	fail := func(w http.ResponseWriter, r *http.Request, err error) {
		http.Error(w, exeunt.MessageOf(err)+" "+Reference(r.Context()), Status(err))
	}
	h := Referenced(Recover(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret") }), slog.New(slog.NewTextHandler(&log, nil)), fail))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	reference := w.Header().Get("X-Reference")
	if w.Code != 500 || reference == "" || !strings.Contains(w.Body.String(), reference) || !strings.Contains(log.String(), reference) {
		t.Errorf("%d %q %s", w.Code, w.Body, &log)
	}
	if strings.Contains(w.Body.String()+log.String(), "secret") {
		t.Error("the panic's text was told")
	}
}

// TestSameOrigin holds that only a page of ours changes anything.
func TestSameOrigin(t *testing.T) {
	fail := func(w http.ResponseWriter, _ *http.Request, err error) { w.WriteHeader(Status(err)) }
	h := SameOrigin(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "done") }), fail)
	cases := []struct {
		method, site, origin string
		code                 int
	}{
		{"POST", "same-origin", "", 200}, {"POST", "cross-site", "", 403}, {"POST", "same-site", "", 403},
		{"POST", "", "https://elsewhere.example", 403}, {"POST", "", "http://example.com", 200}, {"GET", "cross-site", "", 200},
	}
	for _, c := range cases {
		r := httptest.NewRequest(c.method, "http://example.com/x", nil)
		r.Header.Set("Sec-Fetch-Site", c.site)
		r.Header.Set("Origin", c.origin)
		if c.site == "" {
			r.Header.Del("Sec-Fetch-Site")
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != c.code {
			t.Errorf("%+v: got %d", c, w.Code)
		}
	}
}

func TestWhoMayAnswerForASecondPerson(t *testing.T) {
	task := func(asks exeunt.TaskAsks, role string) exeunt.Task {
		return exeunt.Task{Asks: asks, Owner: exeunt.Person{Name: "Lea", Email: "lea@x.example", Role: role}}
	}
	for _, c := range []struct {
		task     exeunt.Task
		may, not string
	}{
		{task(exeunt.AsksApproval, "it"), "it admin", "hr legal payroll auditor manager"},
		{task(exeunt.AsksConfirmation, "legal"), "legal admin", "hr it payroll auditor manager"},
		{task(exeunt.AsksConfirmation, exeunt.CaseOwner), "hr it admin", "legal payroll auditor manager"},
		{task("", "it"), "", "it admin hr"},
	} {
		for _, role := range strings.Fields(c.may) {
			if !MayDecide(exeunt.Viewer{Email: "x@x.example", Roles: []string{role}}, c.task) {
				t.Errorf("%s may not answer %+v", role, c.task)
			}
		}
		for _, role := range strings.Fields(c.not) {
			if MayDecide(exeunt.Viewer{Email: "x@x.example", Roles: []string{role}}, c.task) {
				t.Errorf("%s may answer %+v", role, c.task)
			}
		}
		if got := MayDecide(exeunt.Viewer{Email: "LEA@x.example", Roles: []string{"payroll"}}, c.task); got != (c.task.Asks != "") {
			t.Errorf("its owner: %v", got)
		}
	}
}
