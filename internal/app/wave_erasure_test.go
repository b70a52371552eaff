package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/testserver"
)

// TestNothingOfWhoWasOnlyInAWaveIsLeft stops a wave before somebody's turn, erases its rows, and looks for the person in
// every byte of the data directory, or in every row of PostgreSQL.
func TestNothingOfWhoWasOnlyInAWaveIsLeft(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{"sqlite": func(testing.TB) string { return "" }, "postgresql": testserver.Postgres} {
		t.Run(name, func(t *testing.T) { erasedFromWave(t, database(t)) })
	}
}

func erasedFromWave(t *testing.T, database string) {
	dir, data := t.TempDir(), t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "systems"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "exeunt.yaml"), []byte(company), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "systems", "doors.yaml"), []byte(doors), 0o600))
	a, err := Start(t.Context(), Options{ConfigDir: dir, DataDir: data, Database: database, Listen: "127.0.0.1:0", Environment: "test", Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	stop := onceStopped(a)
	defer stop()
	hera := exeunt.Override{By: "Hera Lind", Account: "hera@acme.example", Reason: "the site closes"}
	do := a.commands(exeunt.Viewer{})
	of := func(id, name, email string) exeunt.Departure {
		return exeunt.Departure{Leaver: exeunt.Leaver{ID: id, Name: name, Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: email}}}
	}
	id, err := do.MakeWave(t.Context(), exeunt.WaveRequest{Title: "Site", Type: exeunt.Layoff, Clock: time.Now().Add(48 * time.Hour).Format(time.RFC3339),
		People: []exeunt.Departure{of(marks[4], "Zephyrine Quillfeather", marks[3]), of("E-2", "Othmar Staying", "othmar@acme.example")}}, hera)
	must(t, err)
	must(t, do.CheckWave(t.Context(), id, hera))
	eventually(t, "it is checked", func() bool {
		w, err := a.Store.Everything().Wave(t.Context(), id)
		return err == nil && !w.Checking()
	})
	must(t, do.StopWave(t.Context(), id, hera))
	if found := traces(t, data, database); len(found) == 0 {
		t.Fatal("the person is nowhere before: this looks in the wrong place")
	}

	waves, err := a.Store.WavesWithCaseless(t.Context())
	must(t, err)
	if len(waves) != 1 {
		t.Fatalf("%d waves have rows without a case", len(waves))
	}
	keep, later := exeunt.Retention{Keep: 30 * 24 * time.Hour}, time.Now().Add(31*24*time.Hour)
	people, err := a.Store.Caseless(t.Context(), id)
	must(t, err)
	if _, err := waves[0].EraseRows(keep, people, time.Now()); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("erased before its time: %v", err)
	}
	change, err := waves[0].EraseRows(keep, people, later)
	must(t, err)
	must(t, a.Store.CommitWith(t.Context(), &change, store.ForgetRows(people)))
	must(t, a.Store.ScrubForgotten(t.Context()))
	if waves, err := a.Store.WavesWithCaseless(t.Context()); err != nil || len(waves) != 0 {
		t.Errorf("%d waves are left, %v", len(waves), err)
	}
	stop()
	if found := traces(t, data, database); len(found) > 0 {
		t.Errorf("the person is in %v", found)
	}
}
