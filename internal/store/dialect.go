package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What differs between SQLite (sqlite.go) and PostgreSQL (postgres.go): opening, transactions, locks, and how errors are
// classed. The SQL is the same.

// querier is what both databases offer to the one SQL.
type querier interface {
	exec(ctx context.Context, query string, args ...any) (affected int64, err error)
	query(ctx context.Context, query string, args ...any) (rows, error)
	queryRow(ctx context.Context, query string, args ...any) row
}

type row interface{ Scan(into ...any) error }

type rows interface {
	row
	Next() bool
	Err() error
	Close()
}

// Tx is an open transaction.
type Tx struct{ querier }

// dialect is one kind of database.
type dialect interface {
	write(ctx context.Context, t turn, do func(Tx) error) error // in one transaction, perhaps with others' work
	reader() querier
	now(ctx context.Context, q querier) (int64, error) // the clock that all who share the database go by, in microseconds
	shared() bool                                      // whether other processes may write too
	notify(ctx context.Context, tx Tx, lane string) error
	listen(ctx context.Context, hear func(lane string)) error // until ctx is done; returns at once when nobody else can speak
	sharing() string                                          // appended to a SELECT: its rows do not change before the transaction ends
	identity() string                                         // column type of a generated key
	lockSequencer(ctx context.Context, tx Tx) (bool, error)   // held to the end of the transaction; false when another has it
	lockSchema(ctx context.Context, tx Tx) error              // likewise; waits for it
	lockFuse(ctx context.Context, tx Tx) error                // waits for it, and holds it to the end of the transaction
	remains(ctx context.Context) ([]int64, error)             // pages in which something is left of deleted rows, see internal/remains
	scrub(ctx context.Context) error                          // overwrites on disk what was deleted, as far as it is in our hands
	close()
}

// translate classes a database's error, once, at the edge. What the statement held is not repeated.
func translate(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*exeunt.Error](err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, sql.ErrNoRows) { // pgx.ErrNoRows is one too
		return exeunt.Errorf(exeunt.NotFound, "there is no such record").Because(err)
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB) {
		return exeunt.Errorf(exeunt.Internal, "the database's file is damaged: restore it from the backup").Because(err)
	}
	if duplicate(err) {
		return exeunt.Errorf(exeunt.Conflict, "the record exists already").Because(err)
	}
	return exeunt.Errorf(exeunt.Temporary, "the database could not do it: check that it runs and that its disk has space").Because(err)
}

// silent says whether the database did not answer in time, or cannot be reached.
func silent(err error) bool {
	_, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok || errors.Is(err, context.DeadlineExceeded)
}

func duplicate(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "23505" // unique_violation
}

func isPostgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}
