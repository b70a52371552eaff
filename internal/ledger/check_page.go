package ledger

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// pages checks the bodies of a bundle at a time, on all processors.
func (c *check) pages(ctx context.Context) error {
	var next atomic.Int64
	next.Store(c.from / bundleWidth)
	var running sync.WaitGroup
	faults := make([]error, runtime.GOMAXPROCS(0))
	for i := range faults {
		running.Go(func() {
			p := newPages(c)
			for faults[i] == nil {
				first := (next.Add(1) - 1) * bundleWidth
				if first >= c.to {
					return
				}
				faults[i] = p.page(ctx, first)
			}
			next.Store(c.to) // the others need not go on
		})
	}
	running.Wait()
	for _, err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}

// pages is what one processor uses again from page to page.
type pages struct {
	*check
	row          sealedRow
	holder       *string // where it is not that of the handle
	hash, sealed sql.RawBytes
	into         []any                  // what a row is read into
	plain        []byte                 // its salt and body
	keys         map[string]cipher.AEAD // by holder, as they were when they were read
}

func newPages(c *check) *pages {
	p := &pages{check: c, keys: map[string]cipher.AEAD{}}
	p.into = []any{&p.row.n, &p.row.event, &p.holder, &p.row.handle, &p.row.kind, &p.hash, &p.sealed}
	return p
}

// mostKeys bounds how many keys are at hand: of the cases that run at a time.
const mostKeys = 4096

// sealedRow is a row of bodies, whose bytes are those of the database until the next one is read.
type sealedRow struct {
	stored
	kind string
}

// page checks the bodies of a bundle.
func (p *pages) page(ctx context.Context, first int64) error {
	last := min(first+bundleWidth, p.size)
	p.log.sealed.RLock()
	defer p.log.sealed.RUnlock()
	leaves, err := p.log.tiles.Bundle(first/bundleWidth, int(last-first))
	if exeunt.KindOf(err) == exeunt.Temporary {
		return err
	}
	if err != nil {
		p.differs(exeunt.Difference{Where: inLog, Entry: first, What: exeunt.MessageOf(err)})
		return nil
	}
	from, to := max(first, p.from), min(last, p.to)
	rows, err := p.query.QueryContext(ctx, from, to)
	if err != nil {
		return diskError("the ledger's bodies cannot be read", err)
	}
	defer rows.Close()
	there, err := p.next(rows)
	for n := from; n < to && err == nil; n++ {
		is := there && p.row.n == n
		if err = p.entry(ctx, n, leaves[n-first], is); err == nil && is {
			there, err = p.next(rows)
		}
	}
	return err
}

const bodiesOfPage = "SELECT n, event, NULLIF(holder, handle), handle, kind, leaf_hash, sealed FROM bodies WHERE n >= ? AND n < ? ORDER BY n"

// next reads the next row, if there is one.
func (p *pages) next(rows *sql.Rows) (bool, error) {
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return false, diskError("the ledger's bodies cannot be read", err)
		}
		return false, nil
	}
	if err := rows.Scan(p.into...); err != nil {
		return false, diskError("the ledger's bodies cannot be read", err)
	}
	p.row.holder = p.row.handle
	if p.holder != nil {
		p.row.holder = *p.holder
	}
	p.row.leafHash, p.row.sealed = p.hash, p.sealed
	return true, nil
}

// entry checks the body of an entry, when it is there.
func (p *pages) entry(ctx context.Context, n int64, raw []byte, is bool) error {
	leaf, err := verify.DecodeLeaf(raw)
	if err != nil {
		p.differs(exeunt.Difference{Where: inLog, Entry: n, What: exeunt.MessageOf(err)})
		return nil
	}
	if leaf.Kind == exeunt.LeafErase { // also where its own body is missing
		p.mu.Lock()
		p.result.Erased(leaf.Case, leaf.N)
		p.mu.Unlock()
	}
	if !is {
		p.differs(exeunt.Difference{Where: inBodies, Entry: n, Case: leaf.Case, What: "its body is missing"})
		return nil
	}
	return p.body(ctx, leaf, raw)
}

// body compares one body with its leaf.
func (p *pages) body(ctx context.Context, leaf exeunt.Leaf, raw []byte) error {
	row := &p.row
	found := func(field, what string) {
		p.differs(exeunt.Difference{Where: inBodies, Entry: row.n, Case: leaf.Case, Field: field, What: what})
	}
	for _, column := range []struct {
		name string
		is   bool
	}{
		{"handle", row.handle == leaf.Case}, {"kind", row.kind == string(leaf.Kind)}, {"leaf_hash", row.is(raw)},
		{"holder", leaf.Case == "" || row.holder == leaf.Case || leaf.Kind == exeunt.LeafErase && row.holder == ""},
	} {
		if !column.is {
			found(column.name, "it is not that of the leaf")
		}
	}
	if p.count(row, leaf); row.sealed == nil {
		return nil
	}
	err := p.open(ctx)
	switch {
	case exeunt.KindOf(err) == exeunt.Temporary:
		return err
	case err != nil:
		found("sealed", exeunt.MessageOf(err))
	case exeunt.Commitment([32]byte(p.plain[:32]), p.plain[32:]) != leaf.Commit:
		found("sealed", "it is not what the leaf commits to")
	default:
		if beside, ok := doneErasure(p.plain[32:]); ok {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.result.Done(leaf.Case, beside)
		}
	}
	return nil
}

// open opens the body of the row. A case that was erased and got entries since has another key than it had.
func (p *pages) open(ctx context.Context) (err error) {
	if key := p.keys[p.row.holder]; key != nil {
		if plain, err := p.row.openInto(p.plain[:0], key); err == nil {
			p.plain = plain
			return nil
		}
	}
	if err := p.readKey(ctx, p.row.holder); err != nil {
		return err
	}
	p.plain, err = p.row.openInto(p.plain[:0], p.keys[p.row.holder])
	return err
}

// readKey reads the key of a holder, if it has one that can be one.
func (p *pages) readKey(ctx context.Context, holder string) error {
	if len(p.keys) >= mostKeys {
		clear(p.keys)
	}
	delete(p.keys, holder)
	var key []byte
	err := p.keyOf.QueryRowContext(ctx, holder).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return diskError("the ledger's case keys cannot be read", err)
	}
	if opens, err := aead(key); err == nil {
		p.keys[holder] = opens
	}
	return nil
}

// count notes that a body was looked at, or is gone.
func (p *pages) count(row *sealedRow, leaf exeunt.Leaf) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if row.sealed != nil {
		p.result.Bodies++
		return
	}
	p.result.Gone++
	p.result.Erasures.Gone(row.n, row.holder, leaf.Case == "")
}
