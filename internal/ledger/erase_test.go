package ledger_test

import (
	"bytes"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
)

// keyOf reads the key of a case as it is on disk.
func keyOf(t *testing.T, dir, handle string) []byte {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "bodies.db"))
	must(t, err)
	defer db.Close()
	var key []byte
	must(t, db.QueryRow("SELECT key FROM keys WHERE holder = ?", handle).Scan(&key))
	return key
}

// holding lists the files in which bytes occur.
func holding(t *testing.T, dir string, what []byte) []string {
	t.Helper()
	var list []string
	for _, name := range filesIn(t, dir) {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the checkpoint's temporary file got its name meanwhile
		}
		must(t, err)
		if bytes.Contains(raw, what) {
			list = append(list, name)
		}
	}
	return list
}

func TestErasureLeavesNoKeyAndTheProofs(t *testing.T) {
	dir := t.TempDir()
	o := ledgertest.New()
	gone, other := ledgertest.Handle(1), ledgertest.Handle(2)
	o.Add(gone, ledgertest.Entries(1, 20, true)...)
	o.Add(other, ledgertest.Entries(2, 20, true)...)
	l := openLog(t, dir)
	appendAll(t, l, sequenced(t, o))

	if err := l.Erase(t.Context(), gone, -1); exeunt.KindOf(err) != exeunt.Conflict {
		t.Fatalf("erased without an erase entry: %v", err)
	}
	o.Add(gone, exeunt.Entry{Kind: exeunt.EntryErased, Case: 1, Actor: "dpo@example.com", What: "erased after retention"})
	o.Add(gone, exeunt.Entry{Kind: exeunt.EntryExported, Case: 1, What: "exported after the erase entry, before the erasure"})
	appendAll(t, l, sequenced(t, o)[44:])

	key := keyOf(t, dir, gone)
	if len(holding(t, dir, key)) == 0 {
		t.Fatal("the key is nowhere on disk before: the test looks in the wrong place")
	}
	for range 2 { // repeating it is harmless
		must(t, l.Erase(t.Context(), gone, -1))
	}
	if found := holding(t, dir, key); len(found) > 0 {
		t.Errorf("the key is still in %v", found)
	}
	for _, r := range o.Records()[:22] {
		if found := holding(t, dir, r.Body); len(found) > 0 {
			t.Errorf("a body is readable in %v", found)
		}
		if found := holding(t, dir, r.Salt[:]); len(found) > 0 {
			t.Errorf("a salt is readable in %v", found)
		}
	}

	must(t, l.Close())
	l = openLog(t, dir)
	p, err := l.Packet(t.Context(), gone)
	must(t, err)
	if len(p.Entries) != 24 {
		t.Fatalf("the erased case has %d entries, want 24", len(p.Entries))
	}
	for i, e := range p.Entries {
		if erased := i < 22; (e.Body == nil) != erased || (e.Salt == nil) != erased {
			t.Errorf("entry %d: body %s", i, e.Body)
		}
	}
	p, err = l.Packet(t.Context(), other)
	must(t, err)
	for i, e := range p.Entries {
		if e.Body == nil {
			t.Errorf("entry %d of the other case lost its body", i)
		}
	}
}

func TestBodiesAreSealed(t *testing.T) {
	dir := t.TempDir()
	o := ledgertest.New()
	o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 5, true)...)
	l := openLog(t, dir)
	appendAll(t, l, sequenced(t, o))
	must(t, l.Close())
	if found := holding(t, dir, []byte("ada@example.com")); len(found) > 0 {
		t.Errorf("personal data is readable in %v", found)
	}
	if found := holding(t, dir, []byte("okta:disable")); len(found) > 0 {
		t.Errorf("what happened is readable in %v", found)
	}

	db, err := sql.Open("sqlite", filepath.Join(dir, "bodies.db"))
	must(t, err)
	_, err = db.Exec("UPDATE bodies SET sealed = (SELECT sealed FROM bodies WHERE n = 2) WHERE n = 3")
	must(t, err)
	must(t, db.Close())
	if _, err := openLog(t, dir).Packet(t.Context(), ledgertest.Handle(1)); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("exchanged bodies: %v", err)
	}
}

// What tells of a case without being part of its record is under the case's key too, and goes with it.
func TestErasureTakesWhatStandsBesideTheCase(t *testing.T) {
	dir := t.TempDir()
	o := ledgertest.New()
	gone := ledgertest.Handle(1)
	o.Add(gone, ledgertest.Entries(1, 2, true)...)
	o.Add("", exeunt.Entry{Kind: exeunt.EntryNoted, About: 1, What: "payroll says that Ada leaves"}, exeunt.Entry{Kind: exeunt.EntryAlert, What: "the disk is full"})
	o.Add(gone, exeunt.Entry{Kind: exeunt.EntryErased, Case: 1, What: "erased after retention"})
	records := sequenced(t, o)
	beside := len(records) - 3
	records[beside].Holder = gone
	l := openLog(t, dir)
	appendAll(t, l, records)
	must(t, l.Erase(t.Context(), gone, -1))
	must(t, l.Close())
	db, err := sql.Open("sqlite", filepath.Join(dir, "bodies.db"))
	must(t, err)
	defer db.Close()
	for n, kept := range map[int]bool{beside: false, beside + 1: true} {
		var sealed []byte
		must(t, db.QueryRow("SELECT sealed FROM bodies WHERE n = ?", n).Scan(&sealed))
		if (sealed != nil) != kept {
			t.Errorf("entry %d is there: %t", n, sealed != nil)
		}
	}
}

// A row that somebody edited is named, and harms nobody else.
func TestABodyWithoutAPlaceIsNamed(t *testing.T) {
	dir := t.TempDir()
	o := ledgertest.New()
	o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 3, true)...)
	o.Add(ledgertest.Handle(2), ledgertest.Entries(2, 3, true)...)
	l := openLog(t, dir)
	appendAll(t, l, sequenced(t, o))
	db, err := sql.Open("sqlite", filepath.Join(dir, "bodies.db"))
	must(t, err)
	defer db.Close()
	_, err = db.Exec("UPDATE bodies SET n = -1 WHERE n = 2")
	must(t, err)
	if _, err := l.Packet(t.Context(), ledgertest.Handle(1)); exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(exeunt.MessageOf(err), "the number -1") {
		t.Errorf("its case: %v", err)
	}
	if _, err := l.Packet(t.Context(), ledgertest.Handle(2)); err != nil {
		t.Errorf("another case: %v", err)
	}
}

// TestAnErasureThatACheckHasSeenIsNotLookedFor puts back bodies that do not know of an erasure: its leaf is found where the
// check saw it, without reading what comes before, and in the whole log when the check was wrong.
func TestAnErasureThatACheckHasSeenIsNotLookedFor(t *testing.T) {
	dir := t.TempDir()
	gone := ledgertest.Handle(1)
	o := ledgertest.New()
	o.Add(gone, ledgertest.Entries(1, 3, true)...)
	o.Add(ledgertest.Handle(2), ledgertest.Entries(2, 300, true)...) // more than a bundle
	o.Add(gone, exeunt.Entry{Kind: exeunt.EntryErased, Case: 1, What: "erased after retention"})
	records := sequenced(t, o)
	at := int64(len(records)) - 1
	l := openLog(t, dir)
	appendAll(t, l, records)
	exec := func(statement string) {
		db, err := sql.Open("sqlite", filepath.Join(dir, "bodies.db"))
		must(t, err)
		defer db.Close()
		_, err = db.ExecContext(t.Context(), statement)
		must(t, err)
	}
	exec("UPDATE bodies SET kind = 'event' WHERE kind = 'erase'")
	for _, wrong := range []int64{-1, 0, at - 1, at + 100} {
		must(t, l.Erase(t.Context(), gone, wrong))
	}
	first := filepath.Join(dir, "log", "tile", "entries", "000")
	must(t, os.Remove(first))
	if err := l.Erase(t.Context(), gone, -1); err == nil {
		t.Error("the log is read without its first entries")
	}
	must(t, l.Erase(t.Context(), gone, at))
}
