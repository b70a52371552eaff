package app

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/evidence"
	"github.com/exeunt/exeunt/internal/stamp"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/testserver"
)

// TestTheCloseOfACaseIsTimeStamped has an authority refuse at first; the stamp comes all the same, and the packet has it.
func TestTheCloseOfACaseIsTimeStamped(t *testing.T) {
	authority := testserver.TimeStamps(t)
	authority.Refuse.Store(true)
	dir := t.TempDir()
	pem, err := os.ReadFile(authority.Authority)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "tsa.pem"), pem, 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "systems"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "exeunt.yaml"), []byte(company+"ledger: {timestamp: {url: \""+authority.URL+"\", authority: tsa.pem}}\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "systems", "doors.yaml"), []byte(doors), 0o600))
	a, err := Start(t.Context(), Options{ConfigDir: dir, DataDir: t.TempDir(), Listen: "127.0.0.1:0", Environment: "test", Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	defer a.Stop()
	id := leaves(t, a, exeunt.Leaver{ID: "E-2", Name: "Othmar Staying"})
	asked := stamp.Authority{URL: authority.URL, Roots: a.Config().Ledger.TimeStamp.Roots}
	eventually(t, "the close is in the log", func() bool { list, _, err := a.Store.Unstamped(t.Context(), 10); return err == nil && len(list) == 1 })
	if err := a.stampClosed(t.Context(), asked, time.Now()); exeunt.KindOf(err) != exeunt.Temporary {
		t.Fatalf("while it refuses: %v", err)
	}
	late := time.Now().Add(2 * time.Hour)
	for range 3 {
		_ = a.stampClosed(t.Context(), asked, late) // refused again, and for long
	}
	page, err := a.Store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryAlert), Limit: 100})
	must(t, err)
	if len(page.Rows) != 1 || !strings.Contains(page.Rows[0].What, "has no time stamp yet") {
		t.Errorf("the operator was not told: %+v", page.Rows)
	}
	authority.Refuse.Store(false)
	eventually(t, "the case is stamped", func() bool { list, _, err := a.Store.Unstamped(t.Context(), 10); return err == nil && len(list) == 0 })

	var packet bytes.Buffer
	must(t, a.Proofs.Evidence(t.Context(), &packet, id, exeunt.Viewer{Name: "Aud Itor"}))
	report, err := evidence.Verify(packet.Bytes(), nil)
	must(t, err)
	stamped := 0
	for _, e := range report.Entries {
		if e.Stamp == nil {
			continue
		}
		stamped++
		if s, err := stamp.Check(e.Stamp, e.Raw, asked.Roots); err != nil || e.Leaf.Kind != exeunt.LeafClose || time.Since(s.At).Abs() > time.Hour {
			t.Errorf("%+v, %v", s, err)
		}
	}
	if stamped != 1 {
		t.Errorf("%d entries are stamped", stamped)
	}
}
