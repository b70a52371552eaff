package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// Outbox is the ledger's view of the store: entries in the order of their commits.
type Outbox struct{ store *Store }

// Outbox returns the ledger's view of the store.
func (s *Store) Outbox() Outbox { return Outbox{s} }

// mostCarried bounds the bytes that are carried in one go, of entries that may be large: the rest comes with the next.
const mostCarried = 16 << 20

// Unshipped returns what is sequenced and not yet known to be in the log, in order.
func (o Outbox) Unshipped(ctx context.Context, limit int) ([]exeunt.Record, error) {
	return o.records(ctx, "n IS NOT NULL AND log_index IS NULL ORDER BY n LIMIT $1", limit)
}

// Sequenced returns what is sequenced from a number on, in order. What was erased has its leaf only.
func (o Outbox) Sequenced(ctx context.Context, from int64, limit int) ([]exeunt.Record, error) {
	return o.records(ctx, "n >= $1 ORDER BY n LIMIT $2", from, limit)
}

// holder is the case whose key seals an entry: also that of an entry beside it that tells of it, so that it is erased with
// the case.
const (
	holder   = "CASE WHEN " + isBeside + " THEN " + besideOf + " ELSE handle END"
	isBeside = "handle = '' AND about > 0"
	besideOf = "COALESCE((SELECT c.handle FROM cases c WHERE c.id = outbox.about), '')"
)

func (o Outbox) records(ctx context.Context, which string, args ...any) ([]exeunt.Record, error) {
	var out []exeunt.Record
	carried := 0
	err := eachRow(ctx, o.store.dialect.reader(), func(r row) error {
		if carried > mostCarried {
			return nil
		}
		var rec exeunt.Record
		var leaf, salt, body string
		if err := r.Scan(&rec.N, &rec.EventID, &rec.Case, &rec.Holder, &leaf, &salt, &body); err != nil {
			return err
		}
		rec.Salt, _ = saltOf(salt) // one that is none does not commit to the body, which the ledger refuses by the entry's number
		rec.Leaf, rec.Body = []byte(leaf), []byte(body)
		out = append(out, rec)
		carried += len(leaf) + len(body)
		return nil
	}, "SELECT n, event_id, handle, "+holder+", leaf, salt, body FROM outbox WHERE "+which, args...)
	return out, err
}

// MarkShipped records that the entries of these numbers are in the log, each at the index that is its
// number, and says how many were not known to be.
func (o Outbox) MarkShipped(ctx context.Context, first, last int64) (int, error) {
	var marked int64
	err := o.store.write(ctx, func(ctx context.Context, tx Tx) (err error) {
		marked, err = tx.exec(ctx, "UPDATE outbox SET log_index = n WHERE n >= $1 AND n <= $2 AND log_index IS NULL", first, last)
		return err
	})
	return int(marked), err
}

// LastShipped returns the highest number that is known to be in the log, or -1.
func (o Outbox) LastShipped(ctx context.Context) (int64, error) {
	last := int64(-1)
	err := eachRow(ctx, o.store.dialect.reader(), func(r row) error { return r.Scan(&last) },
		"SELECT n FROM outbox WHERE log_index IS NOT NULL ORDER BY n DESC LIMIT 1")
	return last, err
}

// Ledger returns the verifier key of the ledger that the entries of this database go to: the one that was
// named first, by whichever server.
func (o Outbox) Ledger(ctx context.Context, key string) (string, error) {
	return o.store.Setting(ctx, "ledger", func() string { return key })
}

// ReplaceLedger records that the ledger with one verifier key signs with another one now.
func (o Outbox) ReplaceLedger(ctx context.Context, known, key string) error {
	var change exeunt.Change
	change.Record(exeunt.EntryKeyChanged, nil, time.Now(), "the ledger signs with another key", map[string]string{"before": known, "now": key})
	return o.store.CommitWith(ctx, &change, func(ctx context.Context, tx Tx) error {
		n, err := tx.exec(ctx, "UPDATE settings SET value = $1 WHERE name = 'ledger' AND value = $2", key, known)
		if err == nil && n == 0 {
			return exeunt.Errorf(exeunt.Conflict, "another server has recorded the change of keys already, or the ledger is another one")
		}
		return err
	})
}

// Backlog is how many entries the ledger does not have yet.
func (o Outbox) Backlog(ctx context.Context) (int, error) {
	var n int
	err := o.store.dialect.reader().queryRow(ctx, `SELECT (SELECT COUNT(*) FROM outbox WHERE n IS NULL) +
		(SELECT COUNT(*) FROM outbox WHERE n IS NOT NULL AND log_index IS NULL)`).Scan(&n) // as the partial indexes have it: health asks often
	return n, translate(err)
}

// saltOf reads a salt in the one spelling that it has. Somebody may have edited its row.
func saltOf(text string) (salt [32]byte, ok bool) {
	if len(text) != hex.EncodedLen(len(salt)) {
		return salt, false
	}
	_, err := hex.Decode(salt[:], []byte(text))
	return salt, err == nil && !strings.ContainsAny(text, "ABCDEF")
}

func entryOf(body string) (exeunt.Entry, error) {
	var e exeunt.Entry
	err := json.Unmarshal([]byte(body), &e)
	return e, err
}
