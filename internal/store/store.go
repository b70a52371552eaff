// Package store keeps cases, steps, tasks and the ledger's outbox in SQLite or PostgreSQL.
//
// [Store.Commit] is the only way to change a case: state, the jobs that follow from it and its
// ledger entries are written in one transaction. Everything in read_*.go reads for pages, API and
// CLI. dialect.go, sqlite.go and postgres.go hold what differs between the two databases; nothing else does.
package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/exeunt/exeunt"
)

// Committed is what a durable commit has to tell.
type Committed struct {
	Case    exeunt.CaseID // zero for what concerns the installation
	Settled bool          // something of the case was settled: it may be complete
	Lanes   []string      // the systems and duties that have something to do, now or later
}

// The duties: what is to be done that is no visit to a system. Each is a lane of its own, and one node
// at a time does it.
const (
	DutyEvents    = "duty/events"    // what HR said
	DutyReminders = "duty/reminders" // tasks to chase
	DutyMessages  = "duty/messages"  // notices to deliver
	DutyReveals   = "duty/reveals"   // embargoes that end
	DutyWaves     = "duty/waves"     // mass departures to drive on
	DutyFuse      = "duty/fuse"      // trips of the fuse that wait, and cases that they let go
	DutyStrays    = "duty/strays"    // what is due in systems that are configured no more
	DutyErasure   = "duty/erasure"   // records whose retention is over
	DutyCleaning  = "duty/cleaning"  // what was kept long enough
)

// Store is one open database.
type Store struct {
	dialect   dialect
	origin    string // of the ledger: the Source of every leaf
	committed func(Committed)
	receipts  receipts // of events, by this server
	sealer    atomic.Pointer[Sealer]
	crowded   atomic.Bool // other nodes work on this database: their lanes are woken through it
}

// Open opens DIR/exeunt.db, or the PostgreSQL database when address is a postgres:// URL. origin names
// the ledger. The schema is not touched: see Migrate.
func Open(ctx context.Context, dir, address, origin string) (*Store, error) {
	s := &Store{origin: origin, committed: func(Committed) {}}
	switch {
	case address == "":
		d, err := openSQLite(dir)
		if err != nil {
			return nil, err
		}
		s.dialect = d
	case isPostgres(address):
		d, err := openPostgres(ctx, address)
		if err != nil {
			return nil, err
		}
		s.dialect = d
	default:
		return nil, exeunt.Errorf(exeunt.Invalid, "the database address must be a postgres:// URL, or empty for SQLite in the data directory")
	}
	return s, nil
}

// Shared says whether other processes may work on the database too.
func (s *Store) Shared() bool { return s.dialect.shared() }

// Close closes the database.
func (s *Store) Close() { s.dialect.close() }

// OnCommit sets who hears of commits. Call it before the first commit.
func (s *Store) OnCommit(committed func(Committed)) { s.committed = committed }

// Ping says whether the database can be written to.
func (s *Store) Ping(ctx context.Context) error {
	return s.write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.exec(ctx, "UPDATE counters SET value = value WHERE name = 'case'")
		return err
	})
}

// write runs do in one transaction, perhaps together with what others write, and returns once it is
// durable. do may run several times: what it keeps outside the transaction it must set, not add to. The
// context bounds the wait for a turn only.
func (s *Store) write(ctx context.Context, do func(context.Context, Tx) error) error {
	return s.writeIn(ctx, turn{}, do)
}

func (s *Store) writeIn(ctx context.Context, t turn, do func(context.Context, Tx) error) error {
	inside := context.WithoutCancel(ctx) // who shares the transaction must not suffer from one who leaves
	return translate(s.dialect.write(ctx, t, func(tx Tx) error { return do(inside, tx) }))
}

// doubt is after how long the bells are rung of a write that failed without an answer: not at once, so that who
// tries it again at each bell does not do so without a pause.
const doubt = time.Second

// tell rings the bells of a write that is durable, and later those of one that may be although it failed: the
// database went away before it said how it ended. What nobody was told of would wait for a poll.
func (s *Store) tell(done Committed, err error) {
	switch {
	case err == nil:
		s.committed(done)
	case !itsOwn(err) && (len(done.Lanes) > 0 || done.Case != 0):
		time.AfterFunc(doubt, func() { s.committed(done) })
	}
}

// wake tells the other nodes, should there be any, that lanes have something to do.
func (s *Store) wake(ctx context.Context, tx Tx, lanes ...string) error {
	if !s.crowded.Load() {
		return nil
	}
	for _, lane := range lanes {
		if err := s.dialect.notify(ctx, tx, lane); err != nil {
			return err
		}
	}
	return nil
}

// Listen calls hear with the name of each lane that another node's commit has woken, until ctx is done or
// the database's session ends. It returns at once where no other node can be.
func (s *Store) Listen(ctx context.Context, hear func(lane string)) error {
	return translate(s.dialect.listen(ctx, hear))
}

// NextCase gives the next case id. An id that is then not used leaves a gap, which is harmless.
func (s *Store) NextCase(ctx context.Context) (exeunt.CaseID, error) {
	var id int64
	err := s.write(ctx, func(ctx context.Context, tx Tx) error {
		return tx.queryRow(ctx, "UPDATE counters SET value = value + 1 WHERE name = 'case' RETURNING value").Scan(&id)
	})
	return exeunt.CaseID(id), err
}

// Setting returns a value that is made once per installation and then kept.
func (s *Store) Setting(ctx context.Context, name string, first func() string) (string, error) {
	var value string
	err := s.write(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := tx.exec(ctx, "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, first()); err != nil {
			return err
		}
		return tx.queryRow(ctx, "SELECT value FROM settings WHERE name = $1", name).Scan(&value)
	})
	return value, err
}

// Replace keeps a value in place of the one before, together with the entry that says what is different. Nothing is
// written when it is the same, or when another server was faster.
func (s *Store) Replace(ctx context.Context, name, value string, change func(before string) exeunt.Change) error {
	var before string
	err := s.dialect.reader().queryRow(ctx, "SELECT value FROM settings WHERE name = $1", name).Scan(&before)
	if err = translate(err); err != nil && exeunt.KindOf(err) != exeunt.NotFound {
		return err
	}
	if before == value {
		return nil
	}
	c := change(before)
	err = s.onOne(ctx, &c, `INSERT INTO settings (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE settings.value = $3`, name, value, before)
	if exeunt.KindOf(err) == exeunt.Conflict {
		return nil
	}
	return err
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

// scanDocument reads a row whose last column is a document, and those before it.
func scanDocument(r row, into any, columns ...any) error {
	var doc string
	if err := r.Scan(append(columns, &doc)...); err != nil {
		return err
	}
	return fromDocument(doc, into)
}

// documents reads rows of one column, each the document of a T.
func documents[T any](ctx context.Context, q querier, query string, args ...any) ([]T, error) {
	var out []T
	err := eachRow(ctx, q, func(r row) error {
		var one T
		err := scanDocument(r, &one)
		out = append(out, one)
		return err
	}, query, args...)
	return out, err
}

// Random returns n random bytes in hex.
func Random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return hex.EncodeToString(b)
}
