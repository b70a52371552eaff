package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"sync/atomic"
	"testing"
)

// counting is a database that counts the statements that are open.
type counting struct{ open atomic.Int32 }

func (c *counting) Connect(context.Context) (driver.Conn, error) { return c, nil }
func (c *counting) Driver() driver.Driver                        { return nil }
func (c *counting) Close() error                                 { return nil }
func (c *counting) Begin() (driver.Tx, error)                    { return nil, driver.ErrSkip }

func (c *counting) Prepare(string) (driver.Stmt, error) {
	c.open.Add(1)
	return &counted{of: c}, nil
}

type counted struct{ of *counting }

func (s *counted) NumInput() int                              { return 0 }
func (s *counted) Query([]driver.Value) (driver.Rows, error)  { return nil, driver.ErrSkip }
func (s *counted) Exec([]driver.Value) (driver.Result, error) { return driver.RowsAffected(1), nil }
func (s *counted) Close() error                               { s.of.open.Add(-1); return nil }

func TestNoMoreStatementsAreOpenThanAreKept(t *testing.T) {
	c := &counting{}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(1)
	defer db.Close()
	s := newStatements(db)
	q := sqlQuerier{s}
	held, err := s.take(t.Context(), "held")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 * mostStatements {
		for _, text := range []string{fmt.Sprint("text ", n), "often"} {
			if _, err := q.exec(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := c.open.Load(); n != mostStatements {
		t.Errorf("%d statements are open, want %d", n, mostStatements)
	}
	if s.kept["often"] == nil || s.kept["text 0"] != nil {
		t.Error("it was not the one unused for longest that was closed")
	}
	if _, err := held.ExecContext(t.Context()); err != nil {
		t.Errorf("a statement was closed under the hands of who runs it: %v", err)
	}
	s.give(held)
	if s.close(); c.open.Load() != 0 {
		t.Errorf("%d statements are open at the end", c.open.Load())
	}
}

func TestParametersLoseTheirNamesWhereTheirOrderSaysAsMuch(t *testing.T) {
	for given, want := range map[string]string{
		"SELECT 1":                       "SELECT 1",
		"UPDATE t SET a = $1 WHERE b=$2": "UPDATE t SET a = ? WHERE b=?",
		"VALUES ($1, $2), ($3, $4), ($5, $6), ($7, $8), ($9, $10)": "VALUES (?, ?), (?, ?), (?, ?), (?, ?), (?, ?)",
		"a = $1 OR b = $1":             "a = $1 OR b = $1",
		"a = $2 AND b = $1":            "a = $2 AND b = $1",
		"a = $1 AND b = $3":            "a = $1 AND b = $3",
		"json_extract(d, '$.a') = $1":  "json_extract(d, '$.a') = ?",
		"a = '$1' AND b = $1":          "a = '$1' AND b = ?",
		"a = 'it''s $1' AND b = $1":    "a = 'it''s $1' AND b = ?",
		"a = $ AND b = $1 AND c = $11": "a = $ AND b = $1 AND c = $11",
	} {
		if got := unnamed(given); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", given, got, want)
		}
	}
}
