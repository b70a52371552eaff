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
