// Package api is the HTTP API under /api/v1, described by the OpenAPI 3.1 document that it serves at
// /api/v1/openapi.json, and the webhooks under /hooks. Field names are those of the domain; errors are
// RFC 9457 problems.
package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/inventory"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web"
)

// Reader answers what callers read.
type Reader interface {
	web.Fuse
	web.Erasures
	web.Shadows
	Cases(ctx context.Context, q store.CaseQuery, now time.Time) (store.CasePage, error)
	CaseFile(ctx context.Context, id exeunt.CaseID) (store.CaseFile, error)
	Tasks(ctx context.Context, q store.TaskQuery, now time.Time) ([]store.TaskRow, error)
	Task(ctx context.Context, id exeunt.TaskID) (store.TaskRow, error)
	Entries(ctx context.Context, q store.EntryQuery) (store.EntryPage, error)
	SystemStats(ctx context.Context, systems []exeunt.System, now time.Time) ([]store.SystemStats, error)
	OpenBreakers(ctx context.Context) (map[string]exeunt.Breaker, error)
	Waves(ctx context.Context, states ...exeunt.WaveState) ([]exeunt.Wave, error)
	WaveFile(ctx context.Context, id exeunt.WaveID, now time.Time) (store.WaveFile, error)
	WaveReport(ctx context.Context, id exeunt.WaveID, now time.Time) (store.WaveReport, error)
	Exceptions(ctx context.Context, id exeunt.WaveID, round, limit int) ([]store.Look, error)
	Reconciliation(ctx context.Context) (exeunt.Reconciliation, error)
	Findings(ctx context.Context, q store.FindingQuery) ([]exeunt.Finding, error)
	SignalStats(ctx context.Context, receiver string, now time.Time) (store.SignalStats, error)
	Undelivered(ctx context.Context, receiver string, limit int) ([]exeunt.Signal, error)
}

// Commands are what callers do, each in the name of a person.
type Commands interface {
	CompleteTask(ctx context.Context, id exeunt.TaskID, ticked []int, note, by string) error
	ReassignTask(ctx context.Context, id exeunt.TaskID, to exeunt.Person, by exeunt.Override) error
	RemindTask(ctx context.Context, id exeunt.TaskID, by string) error
	RetryStep(ctx context.Context, id exeunt.CaseID, key string, by exeunt.Override) error
	TryNow(ctx context.Context, system string, by exeunt.Override) error
	web.Decisions
	web.Waves
	web.Reconciling
	web.Stages
	StartCase(ctx context.Context, d exeunt.Departure, by exeunt.Override) (exeunt.CaseID, error)
}

// Ledger is what callers may ask of the ledger.
type Ledger interface {
	// VerifyLedger checks the whole log, and the log against the database. After the wait it returns how far it is.
	VerifyLedger(ctx context.Context, by string, wait time.Duration) (LedgerReport, error)
	// Checks lists the newest checks, first the one that is under way.
	Checks(ctx context.Context, limit int) ([]store.CheckRun, error)
	// Evidence writes the packet that proves one case offline.
	Evidence(ctx context.Context, w io.Writer, id exeunt.CaseID, by exeunt.Viewer) error
	// Key is the ledger's verifier key, as a signed-note verifier string.
	Key(ctx context.Context) (string, error)
}

// LedgerReport is what a check of the ledger found.
type LedgerReport struct {
	Schema string `json:"schema"`
	store.CheckRun
	Running  bool   `json:"running,omitempty" doc:"It has not ended: nothing is verified yet"`
	Verified bool   `json:"verified"`
	Fault    string `json:"fault,omitempty" doc:"The first thing that does not hold, in words"`
}

// ReportOf is what a run found, or how far it is.
func ReportOf(run store.CheckRun) LedgerReport {
	ended := !run.EndedAt.IsZero()
	return LedgerReport{Schema: "ledger/v1", CheckRun: run, Running: !ended, Verified: ended && run.Holds(), Fault: run.Fault()}
}

// Bearers says whose token a request carries.
type Bearers interface {
	Token(ctx context.Context, token string) (store.User, error)
}

// Hooks takes what HR systems send. It answers only after what it accepted is durable.
type Hooks interface {
	Hook(ctx context.Context, source string, h http.Header, body []byte) (status int, problem error)
}

// Config is what the API is made of.
type Config struct {
	Reader     func(exeunt.Viewer) Reader                             // what somebody may see: an embargoed case is not there for who is not on its list
	Commands   func(exeunt.Viewer) Commands                           // what they may do there
	Taken      func(context.Context, exeunt.Viewer, web.Export) error // records what somebody takes out, before they are given it
	Ledger     Ledger
	Bearers    Bearers
	Signals    Signals
	Hooks      Hooks
	Previews   web.Previews
	Connectors Connectors
	Reload     func(ctx context.Context, by exeunt.Viewer) (Reload, error) // reads the configuration folder again
	Inventory  interface {
		Systems() []exeunt.System
		Gaps() []inventory.Gap
	}
}

// Register adds the API and the webhooks to a mux.
func Register(mux *http.ServeMux, c Config) {
	about := huma.DefaultConfig("Exeunt", "1")
	about.OpenAPIPath, about.SchemasPath, about.DocsPath = "/api/v1/openapi", "/api/v1/schemas", ""
	about.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "A token made with `exeunt token create`."},
	}
	about.Security = []map[string][]string{{"token": {}}}
	about.CreateHooks = nil // no $schema member in answers: they are the domain's own values
	spec := humago.New(mux, about)
	spec.UseMiddleware(authenticate(spec, c.Bearers), c.exports(spec))
	a := routes{c}
	a.cases(spec)
	a.decisions(spec)
	a.fuse(spec)
	a.tasks(spec)
	a.waves(spec)
	a.systems(spec)
	a.connectors(spec)
	a.previews(spec)
	a.signals(spec)
	a.stages(spec)
	a.gaps(spec)
	a.reconcile(spec)
	a.record(spec)
	a.configuration(spec)
	mux.HandleFunc("POST /hooks/{source}", a.hook)
}

type routes struct{ Config }

type userKey struct{}

// authenticate lets requests with a valid token through, and those for the description of the API.
func authenticate(spec huma.API, bearers Bearers) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		scheme, token, _ := strings.Cut(c.Header("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			c.SetHeader("WWW-Authenticate", "Bearer") // RFC 6750, section 3
			_ = huma.WriteErr(spec, c, http.StatusUnauthorized, "send a token: Authorization: Bearer …; make one with `exeunt token create`")
			return
		}
		user, err := bearers.Token(c.Context(), token)
		if err != nil {
			status := web.Status(err)
			if exeunt.KindOf(err) == exeunt.Unauthorised {
				c.SetHeader("WWW-Authenticate", `Bearer error="invalid_token"`)
				status = http.StatusUnauthorized
			}
			_ = huma.WriteErr(spec, c, status, exeunt.MessageOf(err))
			return
		}
		if need, known := needs[c.Operation().Method+" "+c.Operation().Path]; !known || !web.May(user.Roles, need) {
			_ = huma.WriteErr(spec, c, http.StatusForbidden, "the roles of this token do not allow that, so nothing was done: ask an administrator for one whose roles do")
			return
		}
		next(huma.WithValue(c, userKey{}, user))
	}
}

// viewer is who asks; nobody, to whom every embargoed case is hidden, when nobody is known.
func viewer(ctx context.Context) exeunt.Viewer {
	u, _ := ctx.Value(userKey{}).(store.User)
	return u.Viewer()
}

// caller is the name in which the request acts.
func caller(ctx context.Context) string { return viewer(ctx).Signs() }

// override is a decision in the name of whose token the request carries.
func override(ctx context.Context, reason string) exeunt.Override {
	who := viewer(ctx)
	return exeunt.Override{By: who.Signs(), Account: who.Email, Reason: strings.TrimSpace(reason)}
}

// problem turns an error into an RFC 9457 problem.
func problem(err error) error {
	if err == nil {
		return nil
	}
	if faults, ok := errors.AsType[exeunt.RowFaults](err); ok {
		return listProblem(faults)
	}
	detail := &huma.ErrorDetail{Message: exeunt.MessageOf(err), Location: fieldOf(err)}
	if detail.Location == "" {
		return huma.NewError(web.Status(err), exeunt.MessageOf(err))
	}
	return huma.NewError(web.Status(err), exeunt.MessageOf(err), detail)
}

// listProblem says everything that is wrong with a list of people, line by line.
func listProblem(faults exeunt.RowFaults) error {
	details := make([]error, len(faults))
	for i, f := range faults {
		details[i] = &huma.ErrorDetail{Location: fmt.Sprintf("line %d", f.Line), Message: f.What}
	}
	return huma.NewError(http.StatusUnprocessableEntity, fmt.Sprintf("the list has %d faults, so that nothing was made", len(faults)), details...)
}

func fieldOf(err error) string {
	if e, ok := asError(err); ok {
		return e.Field
	}
	return ""
}
