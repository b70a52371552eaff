package store_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// A row becomes longer when it gets its place in the log, and moves to another page; what it said stays behind in the one
// where it was, whatever SQLite overwrites of the row itself.
func TestNothingIsLeftWhereARowHadBeen(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(t.Context(), dir, "", "test.example/log")
	must(t, err)
	defer s.Close()
	_, err = s.Migrate(t.Context())
	must(t, err)
	const entries = 1000
	mark := func(i int) string { return fmt.Sprintf("Zephyrine-%04d", i) }
	for i := range entries {
		change := exeunt.Change{}
		change.Record(exeunt.EntryAlert, nil, now, "something", map[string]string{"name": mark(i), "more": strings.Repeat("m", i*37%400)})
		must(t, s.Commit(t.Context(), &change))
		if i%5 == 4 {
			_, err := s.Outbox().Sequence(t.Context(), 100)
			must(t, err)
		}
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "exeunt.db")+"?_pragma=busy_timeout(10000)&_pragma=secure_delete(1)")
	must(t, err)
	defer db.Close()
	_, err = db.Exec("UPDATE outbox SET body = '', salt = '' WHERE id % 2 = 0")
	must(t, err)
	must(t, s.Scrub(t.Context()))
	raw, err := os.ReadFile(filepath.Join(dir, "exeunt.db"))
	must(t, err)
	for i := range entries {
		if erased, left := (i+1)%2 == 0, bytes.Contains(raw, []byte(mark(i))); left == erased {
			t.Errorf("entry %d: erased %t, and what it said is in the file: %t", i+1, erased, left)
		}
	}
	var sound string
	var bodies int
	must(t, db.QueryRow("PRAGMA integrity_check").Scan(&sound))
	must(t, db.QueryRow("SELECT COUNT(*) FROM outbox WHERE body <> ''").Scan(&bodies))
	if sound != "ok" || bodies != entries/2 {
		t.Errorf("the file: %s; %d bodies are left", sound, bodies)
	}
}
