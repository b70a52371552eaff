package app

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/evidence"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/testserver"
)

// TestDocumentsAreInTheLedger sees that the record of a closed case is written by itself, is told to the ledger once,
// and is the one that people print and that the packet has.
func TestDocumentsAreInTheLedger(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{"sqlite": func(testing.TB) string { return "" }, "postgresql": testserver.Postgres} {
		t.Run(name, func(t *testing.T) { documented(t, database(t)) })
	}
}

func documented(t *testing.T, database string) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "systems"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "exeunt.yaml"), []byte(company), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "systems", "doors.yaml"), []byte(doors), 0o600))
	a, err := Start(t.Context(), Options{ConfigDir: dir, DataDir: t.TempDir(), Database: database, Listen: "127.0.0.1:0", Environment: "test", Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	defer onceStopped(a)()
	id, auditor := leaves(t, a, exeunt.Leaver{ID: "E-7", Name: "Zoë Ångström"}), exeunt.Viewer{Name: "Aud Itor"}
	eventually(t, "its record is written without anybody asking", func() bool { return documentsOf(t, a, id) == 1 })

	packet := taken(t, a, id)
	page, err := a.Proofs.Record(t.Context(), id, false, auditor)
	must(t, err)
	pdf, err := a.Proofs.Record(t.Context(), id, true, auditor)
	must(t, err)
	if !bytes.Equal(page.Body, packet[verify.RecordPage]) || !bytes.Equal(pdf.Body, packet[verify.RecordPDF]) || !strings.Contains(string(page.Body), "Zoë Ångström") {
		t.Error("what is printed is not what the packet has")
	}
	if page.Policy != evidence.PagePolicy || pdf.Type != "application/pdf" {
		t.Errorf("%s %s", page.Policy, pdf.Type)
	}
	if n := documentsOf(t, a, id); n != 1 {
		t.Errorf("nothing changed, and the ledger was told of documents %d times", n)
	}
	if due, err := a.Store.Everything().Undocumented(t.Context(), time.Now().Add(-time.Hour), 10); err != nil || len(due) > 0 {
		t.Errorf("documents of %v are to be made, %v", due, err)
	}

	// Of an open case the record is written when somebody asks, and anew when something came.
	d := exeunt.Departure{Type: exeunt.Voluntary, Leaver: exeunt.Leaver{ID: "E-8", Name: "Still Here"}, LastDay: exeunt.Date(time.Now().AddDate(0, 1, 0).Format(time.DateOnly))}
	open, err := a.commands(exeunt.Viewer{}).StartCase(t.Context(), d, exeunt.Override{By: "Hera Lind", Reason: "announced by the manager"})
	must(t, err)
	taken(t, a, open)
	before := documentsOf(t, a, open)
	must(t, a.commands(exeunt.Viewer{}).HoldCase(t.Context(), open, exeunt.Override{By: "Hera Lind", Reason: "the date is disputed"}))
	if newer := taken(t, a, open); !strings.Contains(string(newer[verify.RecordPage]), "the date is disputed") || documentsOf(t, a, open) != before+1 {
		t.Errorf("the ledger was told of its documents %d times and then %d times", before, documentsOf(t, a, open))
	}
}

// documentsOf is how often the ledger was told of documents of a case.
func documentsOf(t *testing.T, a *App, id exeunt.CaseID) int {
	t.Helper()
	page, err := a.Store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryDocuments), Limit: 1000})
	must(t, err)
	n := 0
	for _, row := range page.Rows {
		if row.Entry.About == id {
			n++
		}
	}
	return n
}

// taken exports the packet of a case, verifies it, and unpacks it.
func taken(t *testing.T, a *App, id exeunt.CaseID) map[string][]byte {
	t.Helper()
	var packet bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, a.Proofs.Evidence(ctx, &packet, id, exeunt.Viewer{Name: "Aud Itor"}))
	key, err := a.Proofs.Key(t.Context())
	must(t, err)
	if _, err := evidence.Verify(packet.Bytes(), []string{key}); err != nil {
		t.Error(err)
	}
	z, err := zip.NewReader(bytes.NewReader(packet.Bytes()), int64(packet.Len()))
	must(t, err)
	files := map[string][]byte{}
	for _, f := range z.File {
		in, err := f.Open()
		must(t, err)
		files[f.Name], err = io.ReadAll(in)
		must(t, err)
	}
	return files
}
