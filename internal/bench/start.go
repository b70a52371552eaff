package bench

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// Start is how long an engine takes to be at work again over a database that has grown.
type Start struct {
	Closed int           `json:"closed"` // cases, with the steps of two actions each
	Took   time.Duration `json:"took"`   // from opening the database and the ledger to every lane drained by this server
	Bytes  int64         `json:"bytes"`  // of the database
}

// copiesAtOnce bounds a transaction that fills the database.
const copiesAtOnce = 20_000

// RunStart closes one case, copies it many times, and starts anew.
func RunStart(ctx context.Context, o Options) (*Start, error) {
	h, err := openHouse(ctx, o.Dir, o.Database, exeunt.Rate{})
	if err != nil {
		return nil, err
	}
	if err := inHouse(ctx, h, func(h *house) error {
		if err := h.announce(ctx, "s0001", true); err != nil {
			return err
		}
		if err := h.closed(ctx, 1); err != nil {
			return err
		}
		return h.shippedAll(ctx)
	}); err != nil {
		return nil, err
	}
	s := Start{Closed: o.Cases}
	if s.Bytes, err = fill(ctx, o); err != nil {
		return nil, fmt.Errorf("fill the database: %w", err)
	}
	began := time.Now()
	if h, err = openHouse(ctx, o.Dir, o.Database, exeunt.Rate{}); err != nil {
		return nil, err
	}
	return &s, inHouse(ctx, h, func(h *house) error {
		if err := h.announce(ctx, "s0002", true); err != nil { // whoever is at work answers a departure
			return err
		}
		asked := func() bool { return !h.askedEverywhere("s0002").IsZero() }
		for !asked() {
			select {
			case <-h.commits:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		s.Took = time.Since(began)
		return nil
	})
}

// fill copies the one closed case with two of its steps, and says how large the database is then.
func fill(ctx context.Context, o Options) (bytes int64, err error) {
	db, err := openFile(o.Dir, "exeunt.db", o.Database)
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	cases, err := copying(ctx, db, "cases", map[string]string{"id": "id + 10 + n.i", "handle": "handle || '-' || n.i", "leaver_key": "leaver_key || '-' || n.i"}, "id = 1")
	if err != nil {
		return 0, err
	}
	steps, err := copying(ctx, db, "steps", map[string]string{"case_id": "case_id + 10 + n.i"}, "case_id = 1 AND system = 'system-02'")
	if err != nil {
		return 0, err
	}
	for from := 0; from < o.Cases; from += copiesAtOnce {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		for _, statement := range []string{cases, steps} {
			if _, err := tx.ExecContext(ctx, statement, from, min(from+copiesAtOnce, o.Cases)); err != nil {
				_ = tx.Rollback()
				return 0, err
			}
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
	}
	if _, err := db.ExecContext(ctx, "UPDATE counters SET value = $1 WHERE name = 'case'", o.Cases+10); err != nil {
		return 0, err
	}
	size := "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
	if o.Database != "" {
		size = "SELECT pg_total_relation_size('cases') + pg_total_relation_size('steps')"
	}
	return bytes, db.QueryRowContext(ctx, size).Scan(&bytes)
}

// copying writes the statement that copies rows of a table under numbers $1+1 to $2, with some columns otherwise.
func copying(ctx context.Context, db *sql.DB, table string, otherwise map[string]string, which string) (string, error) {
	rows, err := db.QueryContext(ctx, "SELECT * FROM "+table+" LIMIT 0") //nolint:gosec // two names of ours
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	values := slices.Clone(columns)
	for i, c := range columns {
		if with, ok := otherwise[c]; ok {
			values[i] = with
		}
	}
	return fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT CAST($1 AS BIGINT) + 1 UNION ALL SELECT i + 1 FROM n WHERE i < CAST($2 AS BIGINT)) INSERT INTO %s (%s) SELECT %s FROM %s, n WHERE %s",
		table, strings.Join(columns, ", "), strings.Join(values, ", "), table, which), rows.Err()
}
