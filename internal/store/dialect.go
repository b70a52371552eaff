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
	scrub(ctx context.Context) error                          // overwrites on disk what was deleted, as far as it is in our hands
	close()
}

// ---- SQLite

type sqliteDialect struct {
	writing *sql.DB
	writer  *sql.Conn // the one of them that is used
	writes  *statements
	read    *sql.DB
	reads   *statements
	groups
}

// openSQLite opens DIR/exeunt.db: one writing connection, since SQLite has one writer anyway and a
// queue in front of it is fairer than its busy loop; readers on their own, who never wait in WAL.
// synchronous=FULL: a commit that was answered survives a power cut.
func openSQLite(dir string) (*sqliteDialect, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	pragmas := "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=secure_delete(1)&_pragma=cache_size(-16000)"
	name := "file:" + (&url.URL{Path: filepath.Join(dir, "exeunt.db")}).EscapedPath()
	write, err := sql.Open("sqlite", name+"?"+pragmas)
	if err != nil {
		return nil, err
	}
	read, err := sql.Open("sqlite", name+"?_pragma=query_only(1)&"+pragmas)
	if err != nil {
		return nil, err
	}
	read.SetMaxOpenConns(4)
	read.SetMaxIdleConns(4)
	conn, err := write.Conn(context.Background())
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Temporary, "the database in the data directory cannot be opened: check that the disk has space and that its files are ours").Because(err)
	}
	d := &sqliteDialect{writing: write, writer: conn, writes: newStatements(conn), read: read, reads: newStatements(read)}
	d.groups = groups{leaders: 1, transaction: oneWriter(d.writes)}
	return d, nil
}

// oneWriter runs transactions on a connection of its own. Immediate, so that it is the writer from the
// start and never has to give up half way.
func oneWriter(prepared *statements) func(context.Context, func(querier) error) error {
	q := sqlQuerier{prepared}
	return func(ctx context.Context, do func(querier) error) error {
		if _, err := q.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
			return err
		}
		err := do(q)
		if err == nil {
			if _, err = q.exec(ctx, "COMMIT"); err == nil {
				return nil
			}
		}
		_, _ = q.exec(ctx, "ROLLBACK") // it fails when SQLite has rolled back already, as on a full disk
		return err
	}
}

func (d *sqliteDialect) reader() querier  { return sqlQuerier{d.reads} }
func (d *sqliteDialect) sharing() string  { return "" } // nobody else writes
func (d *sqliteDialect) identity() string { return "INTEGER PRIMARY KEY AUTOINCREMENT" }

// An immediate transaction already excludes every other writer.
func (d *sqliteDialect) lockSequencer(context.Context, Tx) (bool, error) { return true, nil }
func (d *sqliteDialect) lockSchema(context.Context, Tx) error            { return nil }
func (d *sqliteDialect) lockFuse(context.Context, Tx) error              { return nil }

// One process has the file: the data directory's lock, which the app takes, is the database's too.
func (d *sqliteDialect) shared() bool                                { return false }
func (d *sqliteDialect) notify(context.Context, Tx, string) error    { return nil }
func (d *sqliteDialect) listen(context.Context, func(string)) error  { return nil }
func (d *sqliteDialect) now(context.Context, querier) (int64, error) { return micros(time.Now()), nil }

// scrub empties the write-ahead log, on a connection of its own: the writer's may be in a transaction.
func (d *sqliteDialect) scrub(ctx context.Context) error {
	var busy, frames, moved int
	if err := d.writing.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return exeunt.Errorf(exeunt.Temporary, "what was deleted is not yet overwritten on disk, since the database is being read: it is tried again")
	}
	return nil
}

func (d *sqliteDialect) close() {
	_ = d.read.Close()
	d.writes.close()
	_ = d.writer.Close()
	_ = d.writing.Close()
}

type sqlRows struct{ *sql.Rows }

func (r sqlRows) Close() { _ = r.Rows.Close() } // Err has told whatever matters

// ---- PostgreSQL

type postgresDialect struct {
	pool *pgxpool.Pool
	groups
}

// abandoned is after how many milliseconds the database ends a transaction in which nobody says anything: a
// server that was paused or cut off in the middle of one holds its locks, the sequencer's among them.
const abandoned = "5000"

// How long PostgreSQL may keep us waiting. A database that was cut off says nothing, and nobody else would
// tell: what waits for it would wait for ever. Our statements take milliseconds.
const (
	connectTime   = 5 * time.Second
	statementTime = 10 * time.Second
	listenTime    = 5 * time.Second // without a word, until the session is asked whether it lives
)

// writersAtOnce is how many groups are written to PostgreSQL at once. Rows of one case are touched by
// visits to several systems, so that more of them wait for each other rather than work.
const writersAtOnce = 4

func openPostgres(ctx context.Context, address string) (*postgresDialect, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "the database address is not a valid postgres:// URL").Because(err)
	}
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = abandoned
	config.MaxConns = max(config.MaxConns, 2*writersAtOnce)
	config.PingTimeout = connectTime
	if own := config.ConnConfig.ConnectTimeout; own == 0 || own > connectTime { // connect_timeout in the address may be shorter
		config.ConnConfig.ConnectTimeout = connectTime
	}
	config.AfterConnect = durable
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "the database address is not a valid postgres:// URL").Because(err)
	}
	within, cancel := context.WithTimeout(ctx, 2*connectTime)
	defer cancel()
	if err := pool.Ping(within); err != nil {
		pool.Close()
		return nil, exeunt.Errorf(exeunt.Temporary, "the PostgreSQL database does not answer: check that it runs and that the address, user and password are right").Because(err)
	}
	d := &postgresDialect{pool: pool}
	d.groups = groups{leaders: writersAtOnce, transaction: d.transaction}
	return d, nil
}

// durable sees that what was committed is on disk before we say so, also where the server's default is faster:
// the ledger would know what the database has forgotten.
func durable(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'")
	return err
}

// transaction bounds each of its steps.
func (d *postgresDialect) transaction(ctx context.Context, do func(querier) error) error {
	bounded := func(step func(context.Context) error) error {
		within, cancel := context.WithTimeout(ctx, statementTime)
		defer cancel()
		return step(within)
	}
	var tx pgx.Tx
	if err := bounded(func(ctx context.Context) (err error) { tx, err = d.pool.Begin(ctx); return err }); err != nil {
		return err
	}
	if err := do(pgxQuerier{tx}); err != nil {
		_ = bounded(tx.Rollback) // a session that cannot even do that is closed, which rolls back
		return err
	}
	return bounded(tx.Commit)
}

func (d *postgresDialect) reader() querier  { return pgxQuerier{d.pool} }
func (d *postgresDialect) identity() string { return "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY" }
func (d *postgresDialect) sharing() string  { return " FOR SHARE" }
func (d *postgresDialect) shared() bool     { return true }

// Whoever runs the database says when its files are vacuumed: see docs/retention.md.
func (d *postgresDialect) scrub(context.Context) error { return nil }
func (d *postgresDialect) close()                      { d.pool.Close() }

// now is the server's clock, so that nodes whose own clocks differ agree on when a lease ends.
func (d *postgresDialect) now(ctx context.Context, q querier) (int64, error) {
	var us int64
	err := q.queryRow(ctx, "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint").Scan(&us)
	return us, err
}

// The advisory locks, arbitrary constants: one node at a time is the sequencer, and one changes the schema.
const (
	sequencerLock = 0x457865756e74
	schemaLock    = sequencerLock + 1
)

// It does not wait for the lock: others' commits may be in the same transaction, and whoever has it may be paused.
func (d *postgresDialect) lockSequencer(ctx context.Context, tx Tx) (bool, error) {
	var got bool
	err := tx.queryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", int64(sequencerLock)).Scan(&got)
	return got, err
}

// fuseLock is an arbitrary constant: the advisory lock under which departures are counted. A node that is
// paused while it has it loses its session soon: see abandoned.
const fuseLock = 0x457865756e77

func (d *postgresDialect) lockFuse(ctx context.Context, tx Tx) error {
	_, err := tx.exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(fuseLock))
	return err
}

// Two nodes that start at once on an empty database make no table twice: CREATE TABLE IF NOT EXISTS fails for
// the second of two at the same instant.
func (d *postgresDialect) lockSchema(ctx context.Context, tx Tx) error {
	_, err := tx.exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(schemaLock))
	return err
}

// wakeChannel carries the names of lanes that have new work to the nodes that own them.
const wakeChannel = "exeunt_wake"

// notify reaches the listeners when the transaction commits, and once per name.
func (d *postgresDialect) notify(ctx context.Context, tx Tx, lane string) error {
	_, err := tx.exec(ctx, "SELECT pg_notify($1, $2)", wakeChannel, lane)
	return err
}

// listen holds a session of its own. It ends with the session's error; the caller listens again.
func (d *postgresDialect) listen(ctx context.Context, hear func(lane string)) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { // a session that listens is not one to give back
		_ = conn.Hijack().Close(context.WithoutCancel(ctx))
	}()
	within, cancel := statement(ctx)
	_, err = conn.Exec(within, "LISTEN "+wakeChannel)
	cancel()
	if err != nil {
		return err
	}
	for {
		n, err := await(ctx, conn.Conn())
		if err != nil {
			return err
		}
		if n != nil {
			hear(n.Payload)
		}
	}
}

// await returns the next notification, or nothing after a time in which the session was found to live.
func await(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	quiet, cancel := context.WithTimeout(ctx, listenTime)
	defer cancel()
	n, err := conn.WaitForNotification(quiet)
	if err == nil || ctx.Err() != nil || !pgconn.Timeout(err) {
		return n, err
	}
	within, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	return nil, conn.Ping(within)
}

type pgxQuerier struct {
	db interface {
		Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
		Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
		QueryRow(ctx context.Context, query string, args ...any) pgx.Row
	}
}

func (q pgxQuerier) exec(ctx context.Context, query string, args ...any) (int64, error) {
	within, cancel := statement(ctx)
	defer cancel()
	tag, err := q.db.Exec(within, query, args...)
	return tag.RowsAffected(), err
}

func (q pgxQuerier) query(ctx context.Context, query string, args ...any) (rows, error) {
	within, cancel := statement(ctx)
	found, err := q.db.Query(within, query, args...)
	if err != nil {
		cancel()
		return nil, err
	}
	return pgxRows{found, cancel}, nil
}

func (q pgxQuerier) queryRow(ctx context.Context, query string, args ...any) row {
	within, cancel := statement(ctx)
	return pgxRow{q.db.QueryRow(within, query, args...), cancel}
}

// statement bounds one statement, unless whoever runs it knows better.
func statement(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, statementTime)
}

type pgxRows struct {
	pgx.Rows
	done context.CancelFunc
}

func (r pgxRows) Close() { r.Rows.Close(); r.done() }

type pgxRow struct {
	pgx.Row
	done context.CancelFunc
}

func (r pgxRow) Scan(into ...any) error {
	defer r.done()
	return r.Row.Scan(into...)
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
