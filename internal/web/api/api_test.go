package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/inventory"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web"
	"github.com/exeunt/exeunt/internal/web/api"
)

const (
	token  = "tok-of-ida"
	leaked = "postgres://exeunt:s3cret@db" // what a cause may hold and nobody may be told
)

// backend is what lies behind the API: one case, C-1, one task, T-1, and a record of what was asked.
type backend struct {
	asked []string // in the order of the requests
	fail  error    // what every command answers
}

func (b *backend) did(format string, args ...any) error {
	b.asked = append(b.asked, fmt.Sprintf(format, args...))
	return b.fail
}

// taken is a record of what is given out.
func (b *backend) taken(_ context.Context, who exeunt.Viewer, e web.Export) error {
	if e.What == "" || who.Email == "" {
		return exeunt.Errorf(exeunt.Internal, "%+v is no record", e)
	}
	return nil
}

func (b *backend) Checks(context.Context, int) ([]store.CheckRun, error) {
	return []store.CheckRun{{ID: 1, Entries: 3}}, b.did("checks")
}

func missing(what any) error { return exeunt.Errorf(exeunt.NotFound, "there is no %s", what) }

func (b *backend) Cases(_ context.Context, q store.CaseQuery, _ time.Time) (store.CasePage, error) {
	return store.CasePage{Rows: []store.CaseRow{{ID: 1, Name: "Jane Doe", State: exeunt.CaseRunning}}, Total: 1, Counts: map[string]int{"": 1}}, b.did("cases %s %s %d", q.State, q.Text, q.Size)
}

func (b *backend) CaseFile(_ context.Context, id exeunt.CaseID) (store.CaseFile, error) {
	if id != 1 {
		return store.CaseFile{}, missing("case " + id.String())
	}
	return store.CaseFile{Case: exeunt.Case{ID: 1, State: exeunt.CaseRunning}, Steps: []exeunt.Step{{Case: 1, Key: "crm-disable"}}, Logged: 3, Sealed: 2}, b.did("case %s", id)
}

func (b *backend) Tasks(_ context.Context, q store.TaskQuery, _ time.Time) ([]store.TaskRow, error) {
	return []store.TaskRow{b.task()}, b.did("tasks %s %s", q.State, q.Case)
}

func (b *backend) task() store.TaskRow {
	return store.TaskRow{Task: exeunt.Task{ID: 1, Case: 1, Key: "return-assets", State: exeunt.TaskOpen, Checklist: []string{"Computer", "Badge"}}, Name: "Jane Doe"}
}

func (b *backend) Task(_ context.Context, id exeunt.TaskID) (store.TaskRow, error) {
	if id != 1 {
		return store.TaskRow{}, missing("task " + id.String())
	}
	return b.task(), nil
}

func (b *backend) Entries(_ context.Context, q store.EntryQuery) (store.EntryPage, error) {
	return store.EntryPage{}, b.did("entries %s %d", q.Case, q.Limit)
}

func (b *backend) SystemStats(context.Context, []exeunt.System, time.Time) ([]store.SystemStats, error) {
	return []store.SystemStats{{System: "crm", Failed: 2}}, b.did("systems")
}

func (b *backend) OpenBreakers(context.Context) (map[string]exeunt.Breaker, error) {
	return map[string]exeunt.Breaker{"crm": {System: "crm", OpenedAt: time.Unix(0, 0).UTC(), Class: exeunt.Unauthorised, Reason: "renew the token"}}, nil
}

func (b *backend) TryNow(_ context.Context, system string, by exeunt.Override) error {
	if system != "crm" {
		return missing(system)
	}
	return b.did("try %s by %s: %s", system, by.By, by.Reason)
}

func (b *backend) Systems() []exeunt.System { return []exeunt.System{{Name: "crm"}} }

func (b *backend) Gaps() []inventory.Gap {
	return []inventory.Gap{{Kind: inventory.NoOwner, System: "crm", Name: "CRM", Tier: 1, What: "nobody owns it", Todo: "write owner"}}
}

func (b *backend) CompleteTask(_ context.Context, id exeunt.TaskID, ticked []int, note, by string) error {
	if id != 1 {
		return missing(id)
	}
	return b.did("complete %s %v %q by %s", id, ticked, note, by)
}

func (b *backend) ReassignTask(_ context.Context, id exeunt.TaskID, to exeunt.Person, by exeunt.Override) error {
	if id != 1 {
		return missing(id)
	}
	return b.did("reassign %s to %s by %s", id, to.Email, by.By)
}

func (b *backend) RemindTask(_ context.Context, id exeunt.TaskID, by string) error {
	if id != 1 {
		return missing(id)
	}
	return b.did("remind %s by %s", id, by)
}

func (b *backend) RetryStep(_ context.Context, id exeunt.CaseID, key string, by exeunt.Override) error {
	return b.onStep("retry", id, key, by)
}

func (b *backend) onStep(verb string, id exeunt.CaseID, key string, by exeunt.Override) error {
	if id != 1 || key != "crm-disable" {
		return missing(key)
	}
	return b.did("%s %s %s by %s: %s", verb, id, key, by.By, by.Reason)
}

func (b *backend) RevealCase(_ context.Context, id exeunt.CaseID, by exeunt.Override) error {
	if id != 1 {
		return missing(id)
	}
	return b.did("reveal %s by %s: %s", id, by.By, by.Reason)
}

func (b *backend) ExtendEmbargo(_ context.Context, id exeunt.CaseID, terms exeunt.EmbargoTerms, by exeunt.Override) error {
	if id != 1 {
		return missing(id)
	}
	return b.did("embargo %s until %s for %v by %s: %s", id, terms.Until, terms.VisibleTo, by.By, by.Reason)
}

func (b *backend) ReleaseCase(_ context.Context, id exeunt.CaseID, by exeunt.Override) error {
	if id != 1 {
		return missing(id)
	}
	return b.did("release %s by %s: %s", id, by.By, by.Reason)
}

func (b *backend) StartCase(_ context.Context, d exeunt.Departure, by exeunt.Override) (exeunt.CaseID, error) {
	return 2, b.did("start %s %s by %s: %s", d.Leaver.ID, d.LastDay, by.By, by.Reason)
}

func (b *backend) VerifyLedger(_ context.Context, _ string, wait time.Duration) (api.LedgerReport, error) {
	run := store.CheckRun{Entries: 3}
	if wait > 0 {
		run.EndedAt = time.Now()
	}
	return api.ReportOf(run), b.did("verify")
}

func (b *backend) Evidence(_ context.Context, w io.Writer, id exeunt.CaseID, by exeunt.Viewer) error {
	if id != 1 {
		return missing(id)
	}
	_, _ = io.WriteString(w, "PK")
	return b.did("evidence %s by %s", id, by.Signs())
}

func (b *backend) Key(context.Context) (string, error) { return "acme/ledger+1+abc", nil }

func (b *backend) Token(_ context.Context, given string) (store.User, error) {
	switch given {
	case token:
		return store.User{Name: "Ida Novak", Email: "ida@acme.example", Roles: []string{"admin"}}, nil
	case "while-the-database-is-gone":
		return store.User{}, exeunt.Errorf(exeunt.Temporary, "the database does not answer").Because(errors.New(leaked))
	default:
		return store.User{}, exeunt.Errorf(exeunt.Unauthorised, "this token is not valid or has ended")
	}
}

func (b *backend) Hook(_ context.Context, source string, h http.Header, body []byte) (int, error) {
	switch source {
	case "good":
		return http.StatusAccepted, b.did("hook %d bytes, signed %s", len(body), h.Get("webhook-signature"))
	case "full":
		return http.StatusServiceUnavailable, exeunt.Errorf(exeunt.Temporary, "the event could not be kept; send it again").Because(errors.New(leaked)).After(30 * time.Second)
	case "bad":
		return http.StatusUnprocessableEntity, exeunt.Errorf(exeunt.Invalid, "body.day is missing").In("body.day")
	}
	return http.StatusNotFound, exeunt.Errorf(exeunt.NotFound, "no such source is configured")
}

func newServer(t *testing.T) (*backend, *httptest.Server) {
	t.Helper()
	b := &backend{}
	mux := http.NewServeMux()
	api.Register(mux, api.Config{Reader: func(exeunt.Viewer) api.Reader { return b }, Commands: func(exeunt.Viewer) api.Commands { return b }, Taken: b.taken, Ledger: b, Bearers: b, Hooks: b, Inventory: b, Previews: b, Connectors: b, Signals: b,
		Reload: func(context.Context, exeunt.Viewer) (api.Reload, error) {
			return api.Reload{Schema: "reload/v1", Taken: true, Before: "aa", After: "bb", Differences: []api.ConfigurationDifference{{Change: "added", Noun: "system", Name: "wiki"}}, Faults: []api.ConfigurationFault{}}, nil
		}})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return b, server
}

// answer is what a caller got.
type answer struct {
	*http.Response
	body []byte
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return v
}

func call(t testing.TB, server *httptest.Server, method, path, bearer, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		r.Header.Set("Authorization", bearer)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	b, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{got, b}
}

// isProblem holds RFC 9457: the media type, and the status repeated in the body with a title and a detail.
func isProblem(t testing.TB, a answer, status int) map[string]any {
	t.Helper()
	if a.StatusCode != status || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") {
		t.Fatalf("%d %s %s, want a problem of %d", a.StatusCode, a.Header.Get("Content-Type"), a.body, status)
	}
	p := a.json(t)
	if p["status"] != float64(status) || p["title"] == "" || p["title"] == nil || p["detail"] == "" || p["detail"] == nil {
		t.Errorf("not a whole problem: %s", a.body)
	}
	if bytes.Contains(a.body, []byte("s3cret")) {
		t.Errorf("a cause was told: %s", a.body)
	}
	return p
}
