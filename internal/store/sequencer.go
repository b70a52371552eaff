package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// Sequence gives the next entries their places: n in the whole log, seq and prev within the case, and
// the final leaf. One node at a time does it, under a lock.
//
// It orders by id. On PostgreSQL ids may commit out of order, but whatever was caused by an entry has
// a higher id and commits later, so cause stays before effect.
func (o Outbox) Sequence(ctx context.Context, limit int) (int, error) {
	for {
		done, busy, err := o.sequence(ctx, limit)
		if err != nil || !busy {
			return done, err
		}
		select {
		case <-time.After(sequencerPause):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// sequencerPause is how long a server waits that found another one sequencing.
const sequencerPause = 20 * time.Millisecond

func (o Outbox) sequence(ctx context.Context, limit int) (done int, busy bool, err error) {
	err = o.store.write(ctx, func(ctx context.Context, tx Tx) error {
		done = 0
		got, err := o.store.dialect.lockSequencer(ctx, tx)
		if busy = !got; err != nil || busy {
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
		done = len(pending)
		return q.place(ctx, pending)
	})
	return done, busy, err
}

type unplaced struct {
	id                       int64
	handle, kind, salt, body string
}

func unsequenced(ctx context.Context, tx Tx, limit int) ([]unplaced, error) {
	var pending []unplaced
	carried := 0
	err := eachRow(ctx, tx, func(r row) error {
		if carried > mostCarried {
			return nil
		}
		var p unplaced
		err := r.Scan(&p.id, &p.handle, &p.kind, &p.salt, &p.body)
		pending = append(pending, p)
		carried += len(p.body)
		return err
	}, "SELECT id, handle, kind, salt, body FROM outbox WHERE n IS NULL ORDER BY id LIMIT $1", limit)
	return pending, err
}

// tail is the last leaf of a chain.
type tail struct {
	seq  int64
	hash string
}

// sequencer gives places. It asks and writes in batches, since on PostgreSQL each statement is a journey.
type sequencer struct {
	Tx
	origin string
	next   int64
	tails  map[string]tail
}

func (q *sequencer) place(ctx context.Context, pending []unplaced) error {
	for batch := range batches(pending) {
		if err := q.fetchTails(ctx, batch); err != nil {
			return err
		}
		args := make([]any, 0, placeColumns*len(batch))
		for _, p := range batch {
			leaf, encoded, err := q.leaf(p)
			if err != nil {
				return err
			}
			hash := exeunt.LeafHash(encoded)
			args = append(args, p.id, leaf.N, leaf.Seq, string(encoded), hash)
			q.tails[p.handle] = tail{leaf.Seq, hash}
			q.next++
		}
		if _, err := q.exec(ctx, "UPDATE outbox SET n = v.column2, seq = v.column3, leaf = v.column4, hash = v.column5 FROM "+
			values(len(batch), "BIGINT", "BIGINT", "BIGINT", "TEXT", "TEXT")+" AS v WHERE outbox.id = v.column1", args...); err != nil {
			return err
		}
	}
	return nil
}

const placeColumns = 5

// leaf is the next one of the log and of its chain.
func (q *sequencer) leaf(p unplaced) (exeunt.Leaf, []byte, error) {
	salt, ok := saltOf(p.salt)
	if !ok {
		return exeunt.Leaf{}, nil, exeunt.Errorf(exeunt.Conflict, "the salt of row %d of the outbox is none: the row was changed by hand before it got its place in the log; put it back from the backup", p.id)
	}
	t := q.tails[p.handle]
	leaf := exeunt.Leaf{
		Version: 1, Source: q.origin, N: q.next, Case: p.handle, Seq: t.seq + 1, Prev: t.hash,
		Kind: exeunt.LeafKindOf(exeunt.EntryKind(p.kind)), Commit: exeunt.Commitment(salt, []byte(p.body)),
	}
	if leaf.Kind == exeunt.LeafClose {
		leaf.Count = leaf.Seq + 1
	}
	return leaf, leaf.Encode(), nil
}

// fetchTails reads the last leaf of each chain that the batch goes on with and that is not known yet.
func (q *sequencer) fetchTails(ctx context.Context, batch []unplaced) error {
	var unknown []string
	for _, p := range batch {
		if _, ok := q.tails[p.handle]; !ok {
			q.tails[p.handle] = tail{seq: -1}
			unknown = append(unknown, p.handle)
		}
	}
	const last = "(SELECT o.%s FROM outbox o WHERE o.handle = v.column1 AND o.seq IS NOT NULL ORDER BY o.seq DESC LIMIT 1)"
	for some := range batches(unknown) {
		args := make([]any, len(some))
		for i, handle := range some {
			args[i] = handle
		}
		err := eachRow(ctx, q, func(r row) error {
			var handle string
			var seq *int64
			var hash *string
			if err := r.Scan(&handle, &seq, &hash); err != nil || seq == nil {
				return err
			}
			q.tails[handle] = tail{*seq, *hash}
			return nil
		}, "SELECT v.column1, "+fmt.Sprintf(last, "seq")+", "+fmt.Sprintf(last, "hash")+" FROM "+values(len(some), "TEXT")+" AS v", args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// batches cuts a list into parts whose lengths are powers of two, so that there are few statements to
// prepare.
func batches[T any](list []T) func(yield func([]T) bool) {
	return func(yield func([]T) bool) {
		for size := 128; len(list) > 0; size /= 2 {
			for len(list) >= size {
				if !yield(list[:size]) {
					return
				}
				list = list[size:]
			}
		}
	}
}

// values writes a table of so many rows, numbered parameters for all of its columns. Both databases call
// the columns column1, column2…; PostgreSQL takes the types from the first row.
func values(rows int, types ...string) string {
	var b strings.Builder
	b.WriteString("(VALUES ")
	for row := range rows {
		for column, kind := range types {
			switch {
			case column > 0:
				b.WriteString(", ")
			case row > 0:
				b.WriteString("), (")
			default:
				b.WriteString("(")
			}
			if row > 0 {
				fmt.Fprintf(&b, "$%d", row*len(types)+column+1)
				continue
			}
			fmt.Fprintf(&b, "CAST($%d AS %s)", column+1, kind)
		}
	}
	b.WriteString("))")
	return b.String()
}
