package store

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

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

// What is left in PostgreSQL's pages is its vacuum's.
func (d *postgresDialect) remains(context.Context) ([]int64, error) { return nil, nil }
func (d *postgresDialect) close()                                   { d.pool.Close() }

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
