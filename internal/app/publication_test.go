package app

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/store"
)

// TestTheServerPublishesAndSaysWhatFails starts a server that publishes in a folder, and in one that does not exist.
func TestTheServerPublishesAndSaysWhatFails(t *testing.T) {
	dir, share, away := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "away")
	must(t, os.Mkdir(filepath.Join(dir, "systems"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "exeunt.yaml"), []byte(company+"ledger: {publish: publish.yaml}\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "publish.yaml"), []byte("targets:\n  - {name: share, kind: file, settings: {folder: "+share+"}}\n  - {name: away, kind: file, settings: {folder: "+away+"}}\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "systems", "doors.yaml"), []byte(doors), 0o600))
	a, err := Start(t.Context(), Options{ConfigDir: dir, DataDir: t.TempDir(), Listen: "127.0.0.1:0", Environment: "test", Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	defer a.Stop()

	known := publications(t, a)
	if p := known["share"]; p.Size == 0 || p.Fault != "" || p.Where != share {
		t.Errorf("share: %+v", p)
	}
	if p := known["away"]; p.Size != 0 || !strings.Contains(p.Fault, "mount the share") || p.Conflict {
		t.Errorf("away: %+v", p)
	}
	files, err := filepath.Glob(filepath.Join(share, "127.0.0.1", "ledger", "*.checkpoint"))
	must(t, err)
	if len(files) != 1 {
		t.Errorf("published are %v", files)
	}

	alerts := func(about string) (n int) {
		page, err := a.Store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryAlert), Limit: 100})
		must(t, err)
		for _, e := range page.Rows {
			if strings.Contains(e.What, about) {
				n++
			}
		}
		return n
	}
	failing := known["away"].Since
	a.publicationsAt(t.Context(), failing.Add(59*time.Minute))
	if n := alerts("could be published"); n != 0 {
		t.Errorf("%d alerts within the hour", n)
	}
	for range 3 { // each minute, while it lasts
		a.publicationsAt(t.Context(), failing.Add(2*time.Hour))
	}
	if n := alerts("could be published in away for 2h0m0s: the folder cannot be opened"); n != 1 {
		t.Errorf("%d alerts after two hours", n)
	}
	if late := a.Proofs.PublicationLate(failing.Add(2 * time.Hour)); late != 2*time.Hour {
		t.Errorf("late by %s", late)
	}
	answer, err := http.Get(a.URL() + "/readyz")
	must(t, err)
	defer answer.Body.Close()
	var state readiness
	must(t, json.NewDecoder(answer.Body).Decode(&state))
	if state.PublicationLate == "" || state.Ledger != "ok" {
		t.Errorf("/readyz says %+v", state)
	}
	listed, err := a.Proofs.Publications(t.Context())
	must(t, err)
	if len(listed) != 2 || listed[0].Target != "share" || listed[0].Size != known["share"].Size {
		t.Errorf("the pages show %+v", listed)
	}
	until(t, "the operator is told once that its memory is damaged", func() bool {
		must(t, os.WriteFile(filepath.Join(a.options.DataDir, "ledger", "published"), []byte("{"), 0o600)) // again, should it just have been written
		day := time.Now()
		a.publicationsAt(t.Context(), day)
		a.publicationsAt(t.Context(), day)
		return alerts("No checkpoint of the ledger is published: the ledger's file published") == 1
	})
}

// publications waits until each place was tried, and gives what is known of it.
func publications(t *testing.T, a *App) map[string]ledger.Publication {
	t.Helper()
	deadline, tick := time.After(2*time.Minute), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		list, err := a.Ledger.Publications(t.Context())
		must(t, err)
		known := map[string]ledger.Publication{}
		for _, p := range list {
			if p.Size > 0 || p.Fault != "" {
				known[p.Target] = p
			}
		}
		if len(known) > 0 && len(known) == len(list) {
			return known
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not published: %+v", list)
		}
	}
}

// TestWhatContradictsTheLedgerIsSaidAtOnce gives the server a share on which another ledger of the same name has published.
func TestWhatContradictsTheLedgerIsSaidAtOnce(t *testing.T) {
	dir, share := t.TempDir(), t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "systems"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "exeunt.yaml"), []byte(company+"ledger: {publish: publish.yaml}\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "publish.yaml"), []byte("targets:\n  - {name: share, kind: file, settings: {folder: "+share+"}}\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "systems", "doors.yaml"), []byte(doors), 0o600))
	start := func(data string) *App {
		a, err := Start(t.Context(), Options{ConfigDir: dir, DataDir: data, Listen: "127.0.0.1:0", Environment: "test", Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		return a
	}
	a := start(t.TempDir())
	publications(t, a)
	a.Stop()
	other := start(t.TempDir())
	defer other.Stop()
	if p := publications(t, other)["share"]; !p.Conflict || p.Size != 0 {
		t.Errorf("another ledger published there: %+v", p)
	}
	now := time.Now()
	other.publicationsAt(t.Context(), now)
	other.publicationsAt(t.Context(), now)
	page, err := other.Store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryAlert), Limit: 100})
	must(t, err)
	if len(page.Rows) == 0 || len(page.Rows) > 2 || !strings.Contains(page.Rows[0].What, "What is published in share contradicts the ledger") { // two around midnight
		t.Errorf("the operator is told %+v", page.Rows)
	}
	opened(t, other) // the ledger goes on all the same
	if _, err := other.Proofs.Covered(t.Context()); err != nil {
		t.Error(err)
	}
}
