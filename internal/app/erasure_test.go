package app

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/evidence"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/testserver"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// marks are what could lead to the person.
var marks = []string{"Zephyrine", "zephyrine", "Quillfeather", "quillfeather@acme.example", "E-77412-Zq", "handed in by Zephyrine"}

// TestNothingOfAnErasedCaseIsLeft runs a departure to its end, erases it, and looks for the person in every byte of the
// data directory, or in every row of PostgreSQL, while somebody else's departure stays.
func TestNothingOfAnErasedCaseIsLeft(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{"sqlite": func(testing.TB) string { return "" }, "postgresql": testserver.Postgres} {
		t.Run(name, func(t *testing.T) { erased(t, database(t)) })
	}
}

func erased(t *testing.T, database string) {
	dir, data := t.TempDir(), t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "systems"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "exeunt.yaml"), []byte(company), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "systems", "doors.yaml"), []byte(doors), 0o600))
	a, err := Start(t.Context(), Options{ConfigDir: dir, DataDir: data, Database: database, Listen: "127.0.0.1:0", Environment: "test", Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	stop := onceStopped(a)
	defer stop()

	id := leaves(t, a, exeunt.Leaver{ID: marks[4], Name: "Zephyrine Quillfeather", Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: marks[3]}})
	other := leaves(t, a, exeunt.Leaver{ID: "E-2", Name: "Othmar Staying", Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "othmar@acme.example"}})
	var before bytes.Buffer // which is an entry beside the case, about it
	must(t, a.Proofs.Evidence(t.Context(), &before, id, exeunt.Viewer{Name: "Aud Itor"}))
	if found := traces(t, data, database); len(found) == 0 {
		t.Fatal("the person is nowhere before: this looks in the wrong place")
	}

	ask := exeunt.Override{By: "Lea Roth", Account: "lea@acme.example", Reason: "the person asked for erasure"}
	state, err := a.commands(exeunt.Viewer{}).EraseCase(t.Context(), id, ask, 0)
	if err != nil || state != exeunt.DeviationAsked {
		t.Fatalf("one person alone erased it before its time: %s, %v", state, err)
	}
	if _, err := a.commands(exeunt.Viewer{}).EraseCase(t.Context(), id, ask, 0); exeunt.KindOf(err) != exeunt.Denied {
		t.Fatalf("the same person was the second one: %v", err)
	}
	second := exeunt.Override{By: "Hera Lind", Account: "hera@acme.example", Reason: "agreed, nothing keeps it"}
	if _, err := a.commands(exeunt.Viewer{}).EraseCase(t.Context(), id, second, 0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the case is erased", func() bool {
		c, err := a.Store.Case(t.Context(), id)
		return err == nil && c.Leaver().Name == exeunt.ErasedName
	})
	eventually(t, "its traces are overwritten", func() bool { left, err := a.Store.Unerased(t.Context(), 10); return err == nil && len(left) == 0 })

	provenStill(t, a, id, other)
	c, err := a.Store.Case(t.Context(), id)
	must(t, err)
	if e := c.Erasure; e.By.By != "Lea Roth" || e.Second.By != "Hera Lind" || e.DoneAt.IsZero() {
		t.Errorf("it is not on record who erased it and when: %+v", e)
	}
	if found := traces(t, data, database); len(found) > 0 {
		t.Errorf("while the server runs the person is in %v", found)
	}
	stop()
	if found := traces(t, data, database); len(found) > 0 {
		t.Errorf("after it was stopped the person is in %v", found)
	}
}

// leaves brings somebody's departure to its closed record.
func leaves(t *testing.T, a *App, who exeunt.Leaver) exeunt.CaseID {
	t.Helper()
	d := exeunt.Departure{Type: exeunt.Involuntary, Leaver: who, Immediate: true, LastDay: exeunt.Date(time.Now().Format(time.DateOnly))}
	id, err := a.commands(exeunt.Viewer{}).StartCase(t.Context(), d, exeunt.Override{By: "Hera Lind", Reason: "asked for by " + who.Name})
	must(t, err)
	eventually(t, "the case is closed", func() bool {
		f, err := a.Store.Everything().CaseFile(t.Context(), id)
		must(t, err)
		for _, task := range f.Tasks {
			if task.State == exeunt.TaskOpen {
				var all []int
				for i := range task.Checklist {
					all = append(all, i)
				}
				_ = a.commands(exeunt.Viewer{}).CompleteTask(t.Context(), task.ID, all, "the badge was handed in by "+who.Name, "Ida Novak") // tried again
			}
		}
		return !f.Case.Open()
	})
	return id
}

// provenStill sees that the log, the erased case's packet and the other case's verify.
func provenStill(t *testing.T, a *App, id, other exeunt.CaseID) {
	t.Helper()
	check, err := a.Proofs.Verify(t.Context(), "test")
	if err != nil || check.Fault != "" || check.Entries == 0 {
		t.Errorf("the ledger does not verify: %+v, %v", check, err)
	}
	for of, gone := range map[exeunt.CaseID]bool{id: true, other: false} {
		var packet bytes.Buffer
		must(t, a.Proofs.Evidence(t.Context(), &packet, of, exeunt.Viewer{Name: "Aud Itor"}))
		key, err := a.Proofs.Key(t.Context())
		must(t, err)
		report, err := evidence.Verify(packet.Bytes(), []string{key})
		if err != nil || report.Erased != gone || (report.Missing > 0) != gone || !report.Closed {
			t.Errorf("case %s: erased %t, %d bodies missing, closed %t, %v", of, report.Erased, report.Missing, report.Closed, err)
		}
	}
	page, err := a.Store.Everything().Entries(t.Context(), store.EntryQuery{Limit: 1000})
	must(t, err)
	all, err := json.Marshal(page.Rows)
	must(t, err)
	if held := held(string(all)); len(held) > 0 || !strings.Contains(string(all), "Othmar") {
		t.Errorf("the list of entries holds %v; the other person's are there: %t", held, strings.Contains(string(all), "Othmar"))
	}
}

func held(text string) (found []string) {
	for _, mark := range marks {
		if strings.Contains(text, mark) {
			found = append(found, mark)
		}
	}
	return found
}

// traces lists where the person is to be found: in files, and in rows.
func traces(t *testing.T, dir, database string) (found []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		raw, err := os.ReadFile(path)
		for _, mark := range held(string(raw)) {
			found = append(found, filepath.Base(path)+": "+mark)
		}
		return ignoreGone(err)
	}))
	if database == "" {
		return found
	}
	db, err := sql.Open("pgx", database)
	must(t, err)
	defer db.Close()
	tables, err := db.QueryContext(t.Context(), "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'")
	must(t, err)
	defer tables.Close()
	for tables.Next() {
		var table string
		var all sql.NullString
		must(t, tables.Scan(&table))
		must(t, db.QueryRowContext(t.Context(), "SELECT string_agg(r::text, ' ') FROM "+table+" r").Scan(&all))
		for _, mark := range held(all.String) {
			found = append(found, table+": "+mark)
		}
	}
	must(t, tables.Err())
	return found
}

func ignoreGone(err error) error {
	if os.IsNotExist(err) { // a temporary file of the log that got its name meanwhile
		return nil
	}
	return err
}

func onceStopped(a *App) func() {
	stopped := false
	return func() {
		if !stopped {
			stopped = true
			a.Stop()
		}
	}
}

// eventually waits for what should happen.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it did not come so far that %s", what)
		}
	}
}
