package app

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
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

// started is a server of a small company; whoever takes it stops it.
func started(t *testing.T) *App {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "systems"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "exeunt.yaml"), []byte(company), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "systems", "doors.yaml"), []byte(doors), 0o600))
	a, err := Start(t.Context(), Options{ConfigDir: dir, DataDir: t.TempDir(), Listen: "127.0.0.1:0", Environment: "test", Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	return a
}

// opened starts a case by hand.
func opened(t *testing.T, a *App) exeunt.CaseID {
	t.Helper()
	return leaving(t, a, "E-1")
}

// leaving starts the case of somebody by hand.
func leaving(t *testing.T, a *App, employee string) exeunt.CaseID {
	t.Helper()
	d := exeunt.Departure{Type: exeunt.Voluntary, LastDay: exeunt.Date(time.Now().AddDate(0, 0, 30).Format(time.DateOnly)),
		Leaver: exeunt.Leaver{ID: employee, Name: "Jane Doe", Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "jane@acme.example"}}}
	id, err := a.commands(exeunt.Viewer{}).StartCase(t.Context(), d, exeunt.Override{By: "Hera Lind", Reason: "the HR system is down"})
	must(t, err)
	return id
}

// A page that is open in somebody's browser must not use up the time that running visits have.
func TestALivePageDoesNotHoldTheServerUp(t *testing.T) {
	a := started(t)
	id := opened(t, a)
	invitation, err := a.Accounts.Invite(t.Context(), store.User{Email: "hera@acme.example", Name: "Hera Lind", Roles: []string{"hr"}}, "")
	must(t, err)
	session, err := a.Accounts.Redeem(t.Context(), invitation, "Hera Lind", "four words are plenty")
	must(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL()+"/cases/"+id.String()+"/stream", nil)
	must(t, err)
	r.AddCookie(&http.Cookie{Name: "exeunt", Value: session})
	live, err := http.DefaultClient.Do(r)
	must(t, err)
	defer func() { _ = live.Body.Close() }()
	if live.StatusCode != http.StatusOK || live.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the live page got %s %s", live.Status, live.Header.Get("Content-Type"))
	}
	begun := time.Now()
	a.Stop()
	if took := time.Since(begun); took >= pagesStop {
		t.Errorf("stopping took %s with one live page open", took)
	}
	if _, err := io.ReadAll(live.Body); err != nil {
		t.Errorf("the live page was cut instead of ended: %v", err)
	}
}
