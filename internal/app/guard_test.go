// What a server guards against, seen from outside of the package.
package app_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/app"
	"github.com/exeunt/exeunt/internal/store"
)

const company = `
company: {name: Acme}
zone: Europe/Berlin
url: http://127.0.0.1:8080
people:
  case_owner: {name: Hilde Brandt, email: hilde@acme.example}
  roles:
    it: {name: Ida Novak, email: ida@acme.example}
    hr: {name: Hera Lind, email: hera@acme.example}
    legal: {name: Lea Roth, email: lea@acme.example}
`

const doors = `
name: doors
kind: manual
identifier: employee_id
tier: 1
owner: {role: it}
fallback: Block the badge.
`

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// small is a small company's folders.
func small(t *testing.T) app.Options {
	t.Helper()
	return options(t, map[string]string{"exeunt.yaml": company, "systems/doors.yaml": doors})
}

func options(t *testing.T, files map[string]string) app.Options {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return app.Options{ConfigDir: dir, DataDir: t.TempDir(), Listen: "127.0.0.1:0", Environment: "test", Log: slog.New(slog.DiscardHandler), Simulated: true}
}

func start(t *testing.T, o app.Options) *app.App {
	t.Helper()
	a, err := app.Start(t.Context(), o)
	must(t, err)
	return a
}

// within polls until something is so.
func within(t testing.TB, limit time.Duration, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
		<-tick.C
	}
}

// readiness is what /readyz says.
type readiness struct {
	Status, Database, Ledger string
	Backlog                  int
}

func asked(t testing.TB, a *app.App) (int, readiness) {
	t.Helper()
	answer, err := http.Get(a.URL() + "/readyz")
	must(t, err)
	defer answer.Body.Close()
	var state readiness
	must(t, json.NewDecoder(answer.Body).Decode(&state))
	return answer.StatusCode, state
}

func TestTwoServersDoNotShareADataDirectory(t *testing.T) {
	t.Parallel()
	o := small(t)
	a := start(t, o)
	_, err := app.Start(t.Context(), o)
	if exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(err.Error(), o.DataDir) || !strings.Contains(err.Error(), "--data") {
		t.Fatalf("a second server: %v", err)
	}
	if code, _ := asked(t, a); code != http.StatusOK {
		t.Errorf("the first is %d after the second was refused", code)
	}
	a.Stop()
	start(t, o).Stop() // the lock went with the first
}

// TestReadinessSaysWhatIsWrong takes the ledger's folder away between two runs: what the database
// believes to be in the log is not there any more, which only a person can judge.
func TestReadinessSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	o := small(t)
	a := start(t, o)
	d := exeunt.Departure{Type: exeunt.Voluntary, LastDay: "2026-01-30", Leaver: exeunt.Leaver{ID: "E-1", Entity: "main", Name: "Jane Doe", Zone: "UTC"}}
	id, err := a.Engine.As(exeunt.Viewer{}).StartCase(t.Context(), d, exeunt.Override{By: "Hera Lind", Reason: "the HR system is down"})
	must(t, err)
	within(t, 20*time.Second, "the ledger has every entry", func() bool {
		code, state := asked(t, a)
		return code == http.StatusOK && state.Backlog == 0 && state.Status == "ready"
	})
	a.Stop()
	must(t, os.RemoveAll(filepath.Join(o.DataDir, "ledger")))

	b := start(t, o)
	defer b.Stop()
	var state readiness
	within(t, 20*time.Second, "readiness fails", func() bool {
		var code int
		code, state = asked(t, b)
		return code == http.StatusServiceUnavailable
	})
	if state.Status != "not ready" || state.Database != "ok" || !strings.Contains(state.Ledger, "it is another ledger") {
		t.Errorf("%+v", state)
	}
	if answer, err := http.Get(b.URL() + "/healthz"); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("a process that runs is restarted for it: %v %v", answer, err)
	}
	within(t, 20*time.Second, "it is on record that the operator was alerted", func() bool {
		page, err := b.Store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryAlert), Text: "the ledger stopped"})
		must(t, err)
		return len(page.Rows) > 0
	})
	if report, err := b.Proofs.VerifyLedger(t.Context(), "test", time.Minute); err != nil || report.Verified || report.Fault == "" {
		t.Errorf("verification says %+v, %v", report, err)
	}
	if err := b.Proofs.Evidence(t.Context(), &strings.Builder{}, id, exeunt.Viewer{Name: "test"}); err == nil {
		t.Error("evidence was made of a ledger that lost it")
	}
}

// The server is stopped first, so that nothing is asked of the database while it is closed: the driver may not survive that.
func TestReadinessSaysThatTheDatabaseIsGone(t *testing.T) {
	t.Parallel()
	a := start(t, small(t))
	a.Stop()
	answer := httptest.NewRecorder()
	a.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	var state readiness
	must(t, json.Unmarshal(answer.Body.Bytes(), &state))
	if answer.Code != http.StatusServiceUnavailable || state.Database == "ok" {
		t.Errorf("%d %+v", answer.Code, state)
	}
}

const twoAuthorities = `
sources:
  - {name: one, kind: webhook, authoritative: true, secret: "file:/dev/null", settings: {signature: {scheme: standard-webhooks}, map: {leaver.id: body.id, leaver.name: body.name, last_day: body.day}, default_type: voluntary}}
  - {name: two, kind: webhook, authoritative: true, secret: "file:/dev/null", settings: {signature: {scheme: standard-webhooks}, map: {leaver.id: body.id, leaver.name: body.name, last_day: body.day}, default_type: voluntary}}
`

func TestTwoAuthoritativeSourcesAreRefused(t *testing.T) {
	t.Parallel()
	o := options(t, map[string]string{"exeunt.yaml": company + twoAuthorities, "systems/doors.yaml": doors})
	a, err := app.Start(t.Context(), o)
	if a != nil || exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), "one is authoritative for main already") {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(o.DataDir); err != nil || len(left) > 0 {
		t.Errorf("a refused configuration left %v behind, %v", left, err)
	}
}
