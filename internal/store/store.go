// Package store keeps cases, steps, tasks and the ledger's outbox in SQLite or PostgreSQL.
//
// [Store.Commit] is the only way to change a case: state, the jobs that follow from it and its
// ledger entries are written in one transaction. Everything in read_*.go reads for pages, API and
// CLI. dialect.go holds what differs between the two databases; nothing else does.
package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/exeunt/exeunt"
)

// Enqueue writes the jobs that follow from a change in the transaction of that change.
type Enqueue func(ctx context.Context, tx Tx, jobs []exeunt.Job) error

// Store is one open database.
type Store struct {
	dialect   dialect
	databases Databases
	origin    string // of the ledger: the Source of every leaf
	enqueue   Enqueue
	committed func(exeunt.CaseID) // after each commit
}

// Open opens DIR/exeunt.db, or the PostgreSQL database when address is a postgres:// URL. origin names
// the ledger. The schema is not touched: see Migrate.
func Open(ctx context.Context, dir, address, origin string) (*Store, error) {
	s := &Store{
		origin:    origin,
		enqueue:   func(context.Context, Tx, []exeunt.Job) error { return nil },
		committed: func(exeunt.CaseID) {},
	}
	switch {
	case address == "":
		d, write, err := openSQLite(dir)
		if err != nil {
			return nil, err
		}
		s.dialect, s.databases.SQLite = d, write
	case isPostgres(address):
		d, err := openPostgres(ctx, address)
		if err != nil {
			return nil, err
		}
		s.dialect, s.databases.Postgres = d, d.pool
	default:
		return nil, exeunt.Errorf(exeunt.Invalid, "the database address must be a postgres:// URL, or empty for SQLite in the data directory")
	}
	return s, nil
}

// Close closes the database.
func (s *Store) Close() { s.dialect.close() }

// ServeAlone makes this process the only server of the database, until Close. Conflict when there is one
// already: two would take each other's leases for left over.
func (s *Store) ServeAlone(ctx context.Context) error { return translate(s.dialect.serveAlone(ctx)) }

// StillAlone says whether this process still is the only server, as ServeAlone made it. Conflict when that is
// lost for good: whoever works on works beside another.
func (s *Store) StillAlone(ctx context.Context) error { return s.dialect.stillAlone(ctx) }

// Databases are the open handles, for the job queue, which shares them.
func (s *Store) Databases() Databases { return s.databases }

// OnCommit sets who enqueues jobs and who hears that a case changed. Call it before the first commit.
func (s *Store) OnCommit(enqueue Enqueue, committed func(exeunt.CaseID)) {
	s.enqueue, s.committed = enqueue, committed
}

// Ping says whether the database can be written to.
func (s *Store) Ping(ctx context.Context) error {
	return s.write(ctx, func(tx Tx) error {
		_, err := tx.exec(ctx, "UPDATE counters SET value = value WHERE name = 'case'")
		return err
	})
}

func (s *Store) write(ctx context.Context, do func(Tx) error) error {
	var after []func()
	err := s.dialect.writer(ctx, func(tx Tx) error {
		after = nil
		tx.after = &after
		return do(tx)
	})
	if err != nil {
		return translate(err)
	}
	for _, do := range after {
		do()
	}
	return nil
}

// NextCase gives the next case id. An id that is then not used leaves a gap, which is harmless.
func (s *Store) NextCase(ctx context.Context) (exeunt.CaseID, error) {
	var id int64
	err := s.write(ctx, func(tx Tx) error {
		return tx.queryRow(ctx, "UPDATE counters SET value = value + 1 WHERE name = 'case' RETURNING value").Scan(&id)
	})
	return exeunt.CaseID(id), err
}

// Setting returns a value that is made once per installation and then kept.
func (s *Store) Setting(ctx context.Context, name string, first func() string) (string, error) {
	var value string
	err := s.write(ctx, func(tx Tx) error {
		if _, err := tx.exec(ctx, "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, first()); err != nil {
			return err
		}
		return tx.queryRow(ctx, "SELECT value FROM settings WHERE name = $1", name).Scan(&value)
	})
	return value, err
}

// eachRow scans every row of a query and closes it.
func eachRow(ctx context.Context, q querier, scan func(row) error, query string, args ...any) error {
	r, err := q.query(ctx, query, args...)
	if err != nil {
		return translate(err)
	}
	defer r.Close()
	for r.Next() {
		if err := scan(r); err != nil {
			return translate(err)
		}
	}
	return translate(r.Err())
}

// ---- encoding

func micros(t time.Time) int64 { return t.UnixMicro() }

// instant is nil for the zero time.
func instant(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	us := t.UnixMicro()
	return &us
}

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

func fromInstant(us *int64) time.Time {
	if us == nil {
		return time.Time{}
	}
	return fromMicros(*us)
}

func document(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("store: a %T did not encode: %v", v, err)) // domain values always do
	}
	return string(b)
}

func fromDocument(text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return exeunt.Errorf(exeunt.Internal, "a stored record does not decode: the database was changed by hand or by a newer version").Because(err)
	}
	return nil
}

// Random returns n random bytes in hex.
func Random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return hex.EncodeToString(b)
}

// WithTx runs do in one transaction, for what is no change of a case: jobs that were lost.
func (s *Store) WithTx(ctx context.Context, do func(context.Context, Tx) error) error {
	return s.write(ctx, func(tx Tx) error { return do(ctx, tx) })
}
