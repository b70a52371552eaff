package store

import (
	"context"
	"encoding/hex"
	"encoding/json"

	"github.com/exeunt/exeunt"
)

// Outbox is the ledger's view of the store: entries in the order of their commits.
type Outbox struct{ store *Store }

// Outbox returns the ledger's view of the store.
func (s *Store) Outbox() Outbox { return Outbox{s} }

// Sequence gives the next entries their places: n in the whole log, seq and prev within the case, and
// the final leaf. One node at a time does it, under a lock.
//
// It orders by id. On PostgreSQL ids may commit out of order, but whatever was caused by an entry has
// a higher id and commits later, so cause stays before effect.
func (o Outbox) Sequence(ctx context.Context, limit int) (int, error) {
	var done int
	err := o.store.write(ctx, func(tx Tx) error {
		if err := o.store.dialect.lockSequencer(ctx, tx); err != nil {
			return err
		}
		pending, err := unsequenced(ctx, tx, limit)
		if err != nil || len(pending) == 0 {
			return err
		}
		q := sequencer{Tx: tx, origin: o.store.origin, tails: map[string]tail{}}
		if err := tx.queryRow(ctx, "SELECT COALESCE(MAX(n) + 1, 0) FROM outbox").Scan(&q.next); err != nil {
			return err
		}
		for _, p := range pending {
			if err := q.place(ctx, p); err != nil {
				return err
			}
		}
		done = len(pending)
		return nil
	})
	return done, err
}

type unplaced struct {
	id                       int64
	handle, kind, salt, body string
}

func unsequenced(ctx context.Context, tx Tx, limit int) ([]unplaced, error) {
	var pending []unplaced
	err := eachRow(ctx, tx, func(r row) error {
		var p unplaced
		err := r.Scan(&p.id, &p.handle, &p.kind, &p.salt, &p.body)
		pending = append(pending, p)
		return err
	}, "SELECT id, handle, kind, salt, body FROM outbox WHERE n IS NULL ORDER BY id LIMIT $1", limit)
	return pending, err
}

// tail is the last leaf of a chain.
type tail struct {
	seq  int64
	hash string
}

type sequencer struct {
	Tx
	origin string
	next   int64
	tails  map[string]tail
}

func (q *sequencer) place(ctx context.Context, p unplaced) error {
	t, err := q.tail(ctx, p.handle)
	if err != nil {
		return err
	}
	var salt [32]byte
	if _, err := hex.Decode(salt[:], []byte(p.salt)); err != nil {
		return err
	}
	leaf := exeunt.Leaf{
		Version: 1, Source: q.origin, N: q.next, Case: p.handle, Seq: t.seq + 1, Prev: t.hash,
		Kind: exeunt.LeafKindOf(exeunt.EntryKind(p.kind)), Commit: exeunt.Commitment(salt, []byte(p.body)),
	}
	if leaf.Kind == exeunt.LeafClose {
		leaf.Count = leaf.Seq + 1
	}
	encoded := leaf.Encode()
	hash := exeunt.LeafHash(encoded)
	_, err = q.exec(ctx, "UPDATE outbox SET n = $1, seq = $2, leaf = $3, hash = $4 WHERE id = $5", leaf.N, leaf.Seq, string(encoded), hash, p.id)
	q.tails[p.handle] = tail{leaf.Seq, hash}
	q.next++
	return err
}

func (q *sequencer) tail(ctx context.Context, handle string) (tail, error) {
	if t, ok := q.tails[handle]; ok {
		return t, nil
	}
	t := tail{seq: -1}
	err := eachRow(ctx, q, func(r row) error { return r.Scan(&t.seq, &t.hash) },
		"SELECT seq, hash FROM outbox WHERE handle = $1 AND seq IS NOT NULL ORDER BY seq DESC LIMIT 1", handle)
	return t, err
}

// Unshipped returns what is sequenced and not yet known to be in the log, in order.
func (o Outbox) Unshipped(ctx context.Context, limit int) ([]exeunt.Record, error) {
	var out []exeunt.Record
	err := eachRow(ctx, o.store.dialect.reader(), func(r row) error {
		var rec exeunt.Record
		var leaf, salt, body string
		if err := r.Scan(&rec.N, &rec.EventID, &rec.Case, &leaf, &salt, &body); err != nil {
			return err
		}
		if _, err := hex.Decode(rec.Salt[:], []byte(salt)); err != nil {
			return err
		}
		rec.Leaf, rec.Body = []byte(leaf), []byte(body)
		out = append(out, rec)
		return nil
	}, "SELECT n, event_id, handle, leaf, salt, body FROM outbox WHERE n IS NOT NULL AND log_index IS NULL ORDER BY n LIMIT $1", limit)
	return out, err
}

// MarkShipped records where in the log entries stand.
func (o Outbox) MarkShipped(ctx context.Context, marks []exeunt.Mark) error {
	return o.store.write(ctx, func(tx Tx) error {
		for _, m := range marks {
			if _, err := tx.exec(ctx, "UPDATE outbox SET log_index = $1 WHERE n = $2", m.Index, m.N); err != nil {
				return err
			}
		}
		return nil
	})
}

// LastShipped returns the newest mark, or -1, -1.
func (o Outbox) LastShipped(ctx context.Context) (n, index int64, err error) {
	n, index = -1, -1
	err = eachRow(ctx, o.store.dialect.reader(), func(r row) error { return r.Scan(&n, &index) },
		"SELECT n, log_index FROM outbox WHERE log_index IS NOT NULL ORDER BY n DESC LIMIT 1")
	return n, index, err
}

// Backlog is how many entries the ledger does not have yet.
func (o Outbox) Backlog(ctx context.Context) (int, error) {
	var n int
	err := o.store.dialect.reader().queryRow(ctx, "SELECT COUNT(*) FROM outbox WHERE log_index IS NULL").Scan(&n)
	return n, translate(err)
}

// EachLeaf calls see with every sequenced leaf hash in order, so that the log can be checked against
// the database.
func (o Outbox) EachLeaf(ctx context.Context, see func(n int64, hash string, index int64) error) error {
	return eachRow(ctx, o.store.dialect.reader(), func(r row) error {
		var n int64
		var hash string
		var index *int64
		if err := r.Scan(&n, &hash, &index); err != nil {
			return err
		}
		at := int64(-1)
		if index != nil {
			at = *index
		}
		return see(n, hash, at)
	}, "SELECT n, hash, log_index FROM outbox WHERE n IS NOT NULL ORDER BY n")
}

func entryOf(body string) (exeunt.Entry, error) {
	var e exeunt.Entry
	err := json.Unmarshal([]byte(body), &e)
	return e, err
}
