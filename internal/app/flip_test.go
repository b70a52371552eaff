package app

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/store"
)

// covered is all that the log covers of a database: what a check must find the smallest change of.
const covered = `SELECT event_id, case_id, about, handle, kind, at, actor, system, what, salt, body, n, seq, leaf, hash, COALESCE(log_index, -1) FROM outbox WHERE n IS NOT NULL ORDER BY n`

// coveredBodies is the same of the sealed bodies. A key is covered when it seals something.
const coveredBodies = `SELECT b.event, b.n, b.holder, b.handle, b.kind, b.leaf_hash, hex(b.sealed), hex(k.key) FROM bodies b LEFT JOIN keys k ON k.holder = b.holder ORDER BY b.n`

// contents is what a query finds in a database file, or why it cannot be read.
func contents(t *testing.T, path, query string) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=query_only(1)")
	must(t, err)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	names, _ := rows.Columns()
	var out strings.Builder
	for rows.Next() {
		values := make([]any, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err.Error()
		}
		fmt.Fprintf(&out, "%q\n", values)
	}
	if err := rows.Err(); err != nil {
		return err.Error()
	}
	return out.String()
}

// stopped is the data directory of a server that has stopped, with everything shipped.
func stopped(t *testing.T) (dir string, origin string) {
	t.Helper()
	a := shipped(t)
	return a.options.DataDir, a.Config().Ledger.Origin
}

// shipped is a server that has stopped, with everything shipped.
func shipped(t *testing.T) *App {
	t.Helper()
	a := started(t)
	opened(t, a)
	must(t, a.accesses.record(t.Context(), exeunt.Access{Kind: exeunt.EntryExported, What: "something taken out"}))
	deadline := time.Now().Add(20 * time.Second)
	for {
		a.Shipper.Wake()
		n, err := a.Store.Outbox().Backlog(t.Context())
		must(t, err)
		if n == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("not everything was shipped")
		}
		<-time.After(20 * time.Millisecond)
	}
	a.Stop()
	return a
}

// checked opens a data directory and runs the check over it; an error at opening finds it too.
func checked(t *testing.T, dir, origin string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s, err := store.Open(ctx, dir, "", origin)
	if err != nil {
		return err
	}
	defer s.Close()
	log, err := ledger.Open(ctx, filepath.Join(dir, "ledger"), origin, ledger.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer log.Close()
	p := &Proofs{store: s, log: log, accesses: newAccesses(s)}
	var run store.CheckRun
	r := &running{}
	if err := p.compare(ctx, r, &run); err != nil {
		return err
	}
	if fault := run.Fault(); fault != "" {
		return exeunt.Errorf(exeunt.Conflict, "%s", fault)
	}
	return nil
}

// uncovered are files whose change nothing finds, and why that is said to be so in docs/proof.md.
func uncovered(name string) bool {
	base := filepath.Base(name)
	return base == "lock" || strings.HasPrefix(base, "exeunt.lock") || strings.Contains(name, "/.state/gcState") || strings.Contains(name, "/.state/version") ||
		strings.HasSuffix(name, "-shm") // made anew at every opening
}

// TestAFlippedBitAnywhereOnDiskIsFoundOrUncovered flips bits at random places of every file of a data directory. What is
// not found must have changed nothing that the log covers: a free page, an index, a table of the day's work.
func TestAFlippedBitAnywhereOnDiskIsFoundOrUncovered(t *testing.T) {
	t.Parallel()
	dir, origin := stopped(t)
	if err := checked(t, dir, origin); err != nil {
		t.Fatalf("the untouched directory: %v", err)
	}
	rows, bodies := contents(t, filepath.Join(dir, "exeunt.db"), covered), contents(t, filepath.Join(dir, "ledger", "bodies.db"), coveredBodies)
	if strings.Count(rows, "\n") < 5 || strings.Count(bodies, "\n") < 5 {
		t.Fatalf("%d rows and %d bodies are too few", strings.Count(rows, "\n"), strings.Count(bodies, "\n"))
	}
	found, left := 0, 0
	for _, name := range filesOf(t, dir) {
		if uncovered(name) {
			continue
		}
		for range flips(name) {
			copied := t.TempDir()
			must(t, os.CopyFS(copied, os.DirFS(dir)))
			must(t, os.Chmod(filepath.Join(copied, "ledger", "key"), 0o600))
			at := flipOne(t, filepath.Join(copied, name))
			if err := checked(t, copied, origin); err != nil {
				found++
				continue
			}
			left++
			same := contents(t, filepath.Join(copied, "exeunt.db"), covered) == rows && contents(t, filepath.Join(copied, "ledger", "bodies.db"), coveredBodies) == bodies
			if strings.HasSuffix(name, ".state/treeState") && sameState(t, filepath.Join(dir, name), filepath.Join(copied, name)) ||
				strings.HasPrefix(name, "ledger/key") && sameKey(t, filepath.Join(dir, name), filepath.Join(copied, name)) {
				continue
			}
			if !same || !strings.Contains(name, ".db") {
				t.Errorf("bit %d of %s was flipped, and the check found nothing", at, name)
			}
		}
	}
	if found < 20 { // some 38, give or take 4
		t.Errorf("only %d flips were found, %d were of no consequence", found, left)
	}
}

// sameState says whether two files of the log's private state say the same: base64 has spare bits.
func sameState(t *testing.T, one, other string) bool {
	t.Helper()
	var states [2]struct {
		Size int64
		Root []byte
	}
	for i, path := range []string{one, other} {
		raw, err := os.ReadFile(path)
		must(t, err)
		must(t, json.Unmarshal(raw, &states[i]))
	}
	return states[0].Size == states[1].Size && bytes.Equal(states[0].Root, states[1].Root)
}

// sameKey says whether two files hold the same half of the same key: the digits of its hash have two cases, and there is
// more than one kind of white space at the end.
func sameKey(t *testing.T, one, other string) bool {
	t.Helper()
	var keys [2]string
	for i, path := range []string{one, other} {
		raw, err := os.ReadFile(path)
		must(t, err)
		name, key, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(raw)), "PRIVATE+KEY+"), "+")
		hash, rest, _ := strings.Cut(key, "+")
		keys[i] = name + "+" + strings.ToLower(hash) + "+" + rest
	}
	return keys[0] == keys[1]
}

// flips is how many bits of a file are flipped, one at a time.
func flips(name string) int {
	if strings.Contains(name, ".db") {
		return 30
	}
	return 4
}

func filesOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	must(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, _ := d.Info(); info != nil && info.Size() > 0 {
				names = append(names, name)
			}
		}
		return err
	}))
	return names
}

func flipOne(t *testing.T, path string) int {
	t.Helper()
	raw, err := os.ReadFile(path)
	must(t, err)
	at := rand.IntN(8 * len(raw))
	raw[at/8] ^= 1 << (at % 8)
	must(t, os.WriteFile(path, raw, 0o600))
	return at
}

// TestEveryEditedFieldIsNamed edits each column that the log covers, of a row in the middle, and wants the check to
// name entry and field.
func TestEveryEditedFieldIsNamed(t *testing.T) {
	t.Parallel()
	dir, origin := stopped(t)
	for _, c := range []struct{ file, edit, field string }{
		{"exeunt.db", "UPDATE outbox SET event_id = 'x' WHERE n = 2", "event_id"},
		{"exeunt.db", "UPDATE outbox SET case_id = 99 WHERE n = 2", "case_id"},
		{"exeunt.db", "UPDATE outbox SET about = 99 WHERE n = 2", "about"},
		{"exeunt.db", "UPDATE outbox SET handle = 'x' WHERE n = 2", "handle"},
		{"exeunt.db", "UPDATE outbox SET kind = 'case.close' WHERE n = 2", "kind"},
		{"exeunt.db", "UPDATE outbox SET at = at + 1 WHERE n = 2", "at"},
		{"exeunt.db", "UPDATE outbox SET actor = 'x' WHERE n = 2", "actor"},
		{"exeunt.db", "UPDATE outbox SET system = 'x' WHERE n = 2", "system"},
		{"exeunt.db", "UPDATE outbox SET what = what || '.' WHERE n = 2", "what"},
		{"exeunt.db", "UPDATE outbox SET salt = UPPER(salt) WHERE n = 2", "salt"},
		{"exeunt.db", "UPDATE outbox SET body = REPLACE(body, '\"detail\"', '\"detaiL\"') || ' ' WHERE n = 2", "body, salt"},
		{"exeunt.db", "UPDATE outbox SET body = '', salt = '' WHERE n = 2", "body, salt"},
		{"exeunt.db", "UPDATE outbox SET seq = 77 WHERE n = 2", "seq"},
		{"exeunt.db", "UPDATE outbox SET leaf = REPLACE(leaf, '\"v\":1', '\"v\":2') WHERE n = 2", "leaf"},
		{"exeunt.db", "UPDATE outbox SET hash = 'x' WHERE n = 2", "hash"},
		{"exeunt.db", "UPDATE outbox SET log_index = 99 WHERE n = 2", "log_index"},
		{"exeunt.db", "DELETE FROM outbox WHERE n = 2", "entry 2"},
		{"exeunt.db", "DELETE FROM outbox WHERE case_id > 0", "has no entry"},
		{"exeunt.db", "DELETE FROM cases", "case C-1 has entries and is not there"},
		{"ledger/bodies.db", "UPDATE bodies SET event = 'x' WHERE n = 2", "sealed"},
		{"ledger/bodies.db", "UPDATE bodies SET handle = 'x' WHERE n = 2", "handle"},
		{"ledger/bodies.db", "UPDATE bodies SET holder = 'x' WHERE n = 2", "holder"},
		{"ledger/bodies.db", "UPDATE bodies SET kind = 'close' WHERE n = 2", "kind"},
		{"ledger/bodies.db", "UPDATE bodies SET leaf_hash = 'x' WHERE n = 2", "leaf_hash"},
		{"ledger/bodies.db", "UPDATE bodies SET sealed = NULL WHERE n = 2", "sealed"},
		{"ledger/bodies.db", "UPDATE bodies SET sealed = zeroblob(LENGTH(sealed)) WHERE n = 2", "sealed"},
		{"ledger/bodies.db", "DELETE FROM bodies WHERE n = 2", "its body is missing"},
		{"ledger/bodies.db", "UPDATE keys SET key = zeroblob(32) WHERE holder <> ''", "sealed"},
		{"ledger/bodies.db", "DELETE FROM keys WHERE holder <> ''", "sealed"},
	} {
		copied := t.TempDir()
		must(t, os.CopyFS(copied, os.DirFS(dir)))
		must(t, os.Chmod(filepath.Join(copied, "ledger", "key"), 0o600))
		db, err := sql.Open("sqlite", "file:"+filepath.Join(copied, c.file))
		must(t, err)
		_, err = db.ExecContext(t.Context(), c.edit)
		must(t, err)
		must(t, db.Close())
		got := runOver(t, copied, origin)
		named := false
		for _, d := range got.Kept {
			named = named || d.Field == c.field || strings.Contains(d.String(), c.field)
		}
		if !named {
			t.Errorf("after %q the check names %v", c.edit, got.Kept)
		}
	}
}

func runOver(t *testing.T, dir, origin string) exeunt.Differences {
	t.Helper()
	s, err := store.Open(t.Context(), dir, "", origin)
	must(t, err)
	defer s.Close()
	log, err := ledger.Open(t.Context(), filepath.Join(dir, "ledger"), origin, ledger.Options{Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	defer log.Close()
	p := &Proofs{store: s, log: log, accesses: newAccesses(s)}
	run, err := p.Run(t.Context(), "test")
	must(t, err)
	return run.Differences
}
