package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// This file holds all that differs between SQLite and PostgreSQL: opening, transactions, how errors
// are classed, and locks. The SQL is the same.

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

// Tx is an open transaction. Exactly one of SQLite and Postgres is set, for those who must write in
// it with a driver of their own: the job queue.
type Tx struct {
	querier
	SQLite   *sql.Tx
	Postgres pgx.Tx
	after    *[]func()
}

// AfterCommit runs do once the transaction is durable, and not at all when it is rolled back.
func (tx Tx) AfterCommit(do func()) { *tx.after = append(*tx.after, do) }

// dialect is one kind of database.
type dialect interface {
	writer(ctx context.Context, do func(Tx) error) error // one transaction
	reader() querier
	identity() string                               // column type of a generated key
	lockSequencer(ctx context.Context, tx Tx) error // held to the end of the transaction
	serveAlone(ctx context.Context) error           // held until close
	stillAlone(ctx context.Context) error           // whether it is still held
	close()
}

// Databases are the handles for those who share the database: the job queue.
type Databases struct {
	SQLite   *sql.DB
	Postgres *pgxpool.Pool
}

// ---- SQLite

type sqliteDialect struct{ write, read *sql.DB }

// openSQLite opens DIR/exeunt.db: one writing connection, since SQLite has one writer anyway and a
// queue in front of it is fairer than its busy loop; readers on their own, who never wait in WAL.
// synchronous=FULL: a commit that was answered survives a power cut.
func openSQLite(dir string) (*sqliteDialect, *sql.DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the data directory: %w", err)
	}
	pragmas := "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=secure_delete(1)"
	name := "file:" + (&url.URL{Path: filepath.Join(dir, "exeunt.db")}).EscapedPath()
	write, err := sql.Open("sqlite", name+"?_txlock=immediate&"+pragmas)
	if err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", name+"?_pragma=query_only(1)&"+pragmas)
	if err != nil {
		return nil, nil, err
	}
	read.SetMaxOpenConns(4)
	return &sqliteDialect{write, read}, write, nil
}

func (d *sqliteDialect) writer(ctx context.Context, do func(Tx) error) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := do(Tx{querier: sqlQuerier{tx}, SQLite: tx}); err != nil {
		return err
	}
	return tx.Commit()
}

func (d *sqliteDialect) reader() querier  { return sqlQuerier{d.read} }
func (d *sqliteDialect) identity() string { return "INTEGER PRIMARY KEY AUTOINCREMENT" }

// An immediate transaction already excludes every other writer.
func (d *sqliteDialect) lockSequencer(context.Context, Tx) error { return nil }

// The data directory's lock, which the app takes, is the database's too.
func (d *sqliteDialect) serveAlone(context.Context) error { return nil }
func (d *sqliteDialect) stillAlone(context.Context) error { return nil }

func (d *sqliteDialect) close() {
	_ = d.read.Close()
	_ = d.write.Close()
}

type sqlQuerier struct {
	db interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}
}

func (q sqlQuerier) exec(ctx context.Context, query string, args ...any) (int64, error) {
	r, err := q.db.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (q sqlQuerier) query(ctx context.Context, query string, args ...any) (rows, error) {
	r, err := q.db.QueryContext(ctx, query, args...) //nolint:rowserrcheck // eachRow closes and checks
	if err != nil {
		return nil, err
	}
	return sqlRows{r}, nil
}

func (q sqlQuerier) queryRow(ctx context.Context, query string, args ...any) row {
	return q.db.QueryRowContext(ctx, query, args...)
}

type sqlRows struct{ *sql.Rows }

func (r sqlRows) Close() { _ = r.Rows.Close() } // Err has told whatever matters

// ---- PostgreSQL

type postgresDialect struct {
	pool  *pgxpool.Pool
	alone *pgxpool.Conn // holds the lock of the one server; nil when this is none
}

// abandoned is after how many milliseconds the database ends a transaction in which nobody says anything: a
// server that was paused or cut off in the middle of one holds its locks, the sequencer's among them.
const abandoned = "5000"

func openPostgres(ctx context.Context, address string) (*postgresDialect, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "the database address is not a valid postgres:// URL").Because(err)
	}
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = abandoned
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "the database address is not a valid postgres:// URL").Because(err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, exeunt.Errorf(exeunt.Temporary, "the PostgreSQL database does not answer: check that it runs and that the address, user and password are right").Because(err)
	}
	return &postgresDialect{pool: pool}, nil
}

func (d *postgresDialect) writer(ctx context.Context, do func(Tx) error) error {
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		return do(Tx{querier: pgxQuerier{tx}, Postgres: tx})
	})
}

func (d *postgresDialect) reader() querier  { return pgxQuerier{d.pool} }
func (d *postgresDialect) identity() string { return "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY" }

// sequencerLock is an arbitrary constant: the advisory lock that makes one node the sequencer.
const sequencerLock = 0x457865756e74

func (d *postgresDialect) lockSequencer(ctx context.Context, tx Tx) error {
	_, err := tx.exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(sequencerLock))
	return err
}

// serverLock is an arbitrary constant: the advisory lock that makes one server the only one.
const serverLock = 0x457865756e75

// succession is how long a server waits for the one before it to be gone.
const succession = 5 * time.Second

// serveAlone takes a session's advisory lock, which the database gives back when the server is gone.
func (d *postgresDialect) serveAlone(ctx context.Context) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	// After a kill the database may need a moment to see that the old server is gone.
	waiting, cancel := context.WithTimeout(ctx, succession)
	defer cancel()
	if _, err := conn.Exec(waiting, "SELECT pg_advisory_lock($1)", int64(serverLock)); err != nil {
		conn.Release()
		if ctx.Err() != nil || !errors.Is(waiting.Err(), context.DeadlineExceeded) {
			return err // the database's own trouble, or whoever starts us has given up
		}
		return exeunt.Errorf(exeunt.Conflict, "another exeunt serves from this database already: stop it first").Because(err)
	}
	d.alone = conn
	return nil
}

// stillAlone looks at the very session that took the lock: the pool makes a new one when that is lost,
// after which another server may have the lock while everything here seems to work.
func (d *postgresDialect) stillAlone(ctx context.Context) error {
	if d.alone == nil {
		return exeunt.Errorf(exeunt.Conflict, "this server has not made sure that it is the only one of its database")
	}
	if _, err := d.alone.Exec(ctx, "SELECT 1"); err != nil {
		return exeunt.Errorf(exeunt.Conflict, "the database ended the session that makes this server its only one, as when it restarts or fails over, and another server may work by now: start this one again").Because(err)
	}
	return nil
}

func (d *postgresDialect) close() {
	if d.alone != nil {
		d.alone.Release()
	}
	d.pool.Close()
}

type pgxQuerier struct {
	db interface {
		Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
		Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
		QueryRow(ctx context.Context, query string, args ...any) pgx.Row
	}
}

func (q pgxQuerier) exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := q.db.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

func (q pgxQuerier) query(ctx context.Context, query string, args ...any) (rows, error) {
	return q.db.Query(ctx, query, args...) //nolint:sqlclosecheck // eachRow closes
}

func (q pgxQuerier) queryRow(ctx context.Context, query string, args ...any) row {
	return q.db.QueryRow(ctx, query, args...)
}

// ---- errors

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
	if duplicate(err) {
		return exeunt.Errorf(exeunt.Conflict, "the record exists already").Because(err)
	}
	return exeunt.Errorf(exeunt.Temporary, "the database could not do it: check that it runs and that its disk has space").Because(err)
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
