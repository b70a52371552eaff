package bench

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// The bound is what a bare loop commits: for each step its intent and its end, each an update of the step's row
// and an insert of the entry, in transactions of 200, prepared, on one connection, as durable as ours. It decides
// nothing, reads nothing, asks nobody and feeds no ledger, so that nothing that does can be faster.
const (
	boundGroup = 200
	boundFor   = 3 * time.Second
)

// measureBound says how many steps a second the bare loop commits.
func measureBound(ctx context.Context, dir, database string) (float64, error) {
	db, err := openBare(dir, database)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range []string{
		"CREATE TABLE bare_steps (id BIGINT PRIMARY KEY, version BIGINT NOT NULL, state TEXT NOT NULL, document TEXT NOT NULL)",
		"CREATE TABLE bare_entries (id BIGINT PRIMARY KEY, body TEXT NOT NULL)",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return 0, err
		}
	}
	document, body := strings.Repeat("d", 1200), strings.Repeat("e", 600) // as large as ours
	began, steps := time.Now(), 0
	for ; time.Since(began) < boundFor; steps += boundGroup {
		if err := bareGroup(ctx, db, steps, document, body); err != nil {
			return 0, err
		}
	}
	return float64(steps) / time.Since(began).Seconds(), nil
}

// bareGroup commits 200 steps: first all intents, then all ends.
func bareGroup(ctx context.Context, db *sql.DB, from int, document, body string) error {
	for pass, write := range []string{
		"INSERT INTO bare_steps (id, version, state, document) VALUES ($1, 1, 'running', $2)",
		"UPDATE bare_steps SET version = 2, state = 'confirmed', document = $2 WHERE id = $1 AND version = 1",
	} {
		if err := barePass(ctx, db, from, pass, write, document, body); err != nil {
			return err
		}
	}
	return nil
}

func barePass(ctx context.Context, db *sql.DB, from, pass int, write, document, body string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	step, err := tx.PrepareContext(ctx, write)
	if err != nil {
		return err
	}
	defer step.Close()
	entry, err := tx.PrepareContext(ctx, "INSERT INTO bare_entries (id, body) VALUES ($1, $2)")
	if err != nil {
		return err
	}
	defer entry.Close()
	for i := from; i < from+boundGroup; i++ {
		if _, err := step.ExecContext(ctx, i, document); err != nil {
			return err
		}
		if _, err := entry.ExecContext(ctx, 2*i+pass, body); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func openBare(dir, database string) (*sql.DB, error) { return openFile(dir, "bare.db", database) }

// openFile opens a SQLite file of a folder, as durable as ours, or a PostgreSQL database.
func openFile(dir, file, database string) (*sql.DB, error) {
	if database != "" {
		return sql.Open("pgx", database)
	}
	name := (&url.URL{Path: filepath.Join(dir, file)}).EscapedPath()
	return sql.Open("sqlite", "file:"+name+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
}

// ownSchema gives a part of the run a schema of its own in the PostgreSQL database, and says how to reach it.
func ownSchema(ctx context.Context, database, name string) (address string, drop func() error, err error) {
	db, err := sql.Open("pgx", database)
	if err != nil {
		return "", nil, err
	}
	if _, err := db.ExecContext(ctx, fmt.Sprintf("CREATE SCHEMA %q", name)); err != nil {
		return "", nil, fmt.Errorf("a schema for the measurement: %w", err)
	}
	u, err := url.Parse(database)
	if err != nil {
		return "", nil, err
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String(), func() error {
		defer db.Close()
		_, err := db.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("DROP SCHEMA %q CASCADE", name))
		return err
	}, nil
}
