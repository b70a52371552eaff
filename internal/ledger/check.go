package ledger

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// Checked is what a check of the ledger's own side found: of what is not in the public files.
type Checked struct {
	Bodies      int64              `json:"bodies"` // that were opened and compared with what their leaves commit to
	Gone        int64              `json:"gone"`   // that were erased
	Differences exeunt.Differences `json:"differences"`

	Erasures
	Unerased []string `json:"unerased,omitempty"` // cases with an erase leaf of which bodies can be read: their erasure is under way, or the bodies were put back
}

// CheckPart is how many entries are checked in one go.
const CheckPart = 64 << 10

// CheckAll checks a ledger part by part, and then whether what is gone was erased. Progress may be nil.
func CheckAll(size func() (int64, error), progress func(done, total int64), part func(first, last int64) (Checked, error)) (Checked, error) {
	var all Checked
	end, err := size()
	if err != nil {
		return all, err
	}
	for first := int64(0); first == 0 || first < end; first += CheckPart { // the keys also of an empty one
		last := min(first+CheckPart, end)
		found, err := part(first, last)
		if err != nil {
			return all, err
		}
		all.join(found)
		if progress != nil {
			progress(last, end)
		}
	}
	if len(all.unaccounted()) > 0 { // what was erased meanwhile has its leaf after the end as it was
		grown, err := size()
		if err != nil {
			return all, err
		}
		found, err := part(max(end, 1), grown)
		if err != nil {
			return all, err
		}
		all.join(found)
	}
	all.Differences.Add(all.unaccounted()...)
	return all, nil
}

// unaccounted lists the bodies that are gone although nothing that the log has accounts for it.
func (c *Checked) unaccounted() (list []exeunt.Difference) {
	c.Unaccounted(func(n int64, holder, what string) {
		list = append(list, exeunt.Difference{Where: inBodies, Entry: n, Case: holder, Field: "sealed", What: "its body is " + what})
	})
	return list
}

func (c *Checked) join(part Checked) {
	c.Bodies += part.Bodies
	c.Gone += part.Gone
	c.Differences.Join(part.Differences)
	c.Erasures.join(part.Erasures)
	c.Unerased = append(c.Unerased, part.Unerased...)
}

// Where differences are found.
const (
	inLog    = "the log"
	inBodies = "the bodies"
	inKeys   = "the keys"
)

// Check opens every sealed body and compares it with what its leaf commits to, and looks whether the keys on
// disk are still those that sign.
func (l *Log) Check(ctx context.Context, progress func(done, total int64)) (Checked, error) {
	return CheckAll(func() (int64, error) { return l.Size(ctx) }, progress, func(first, last int64) (Checked, error) { return l.CheckPart(ctx, first, last) })
}

// CheckPart is Check for the entries of a range. It takes a page at a time, so that neither an append nor an
// erasure waits for long.
func (l *Log) CheckPart(ctx context.Context, first, last int64) (Checked, error) {
	size, err := l.Size(ctx)
	if err != nil {
		return Checked{}, err
	}
	db, err := openBodiesToRead(l.dir)
	if err != nil {
		return Checked{}, err
	}
	defer db.Close()
	c := check{log: l, size: size}
	if first == 0 {
		c.keys()
	}
	c.from, c.to = first, min(last, size)
	if c.query, err = db.PrepareContext(ctx, bodiesOfPage); err != nil { // once: to parse it costs as much as to run it
		return Checked{}, diskError("the ledger's bodies cannot be read", err)
	}
	defer c.query.Close()
	if err = c.pages(ctx); err == nil {
		c.result.Unerased, err = unerased(ctx, db, c.result.At)
	}
	return c.result, err
}

// check goes through a range of bodies once.
type check struct {
	log      *Log
	query    *sql.Stmt
	size     int64
	from, to int64 // the range

	mu     sync.Mutex
	result Checked
}

// openBodiesToRead opens the bodies beside the connection that writes them. No statement outlives a page, so
// that an erasure can truncate the write-ahead log.
func openBodiesToRead(dir string) (*sql.DB, error) {
	q := url.Values{"_pragma": {"busy_timeout(10000)", "query_only(1)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.Join(dir, "bodies.db")}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, diskError("the ledger's bodies cannot be opened", err)
	}
	return db, nil
}

func (c *check) differs(d ...exeunt.Difference) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.result.Differences.Add(d...)
}

// keys sees whether the files of the keys are still those that were read at the start.
func (c *check) keys() {
	signing, err := c.log.opts.Keys.Open(c.log.origin, false)
	what := "they are others than the running ledger signs with"
	if err != nil {
		what = exeunt.MessageOf(err)
	}
	if err != nil || !slices.Equal(signing.Verifiers, c.log.signing.Verifiers) {
		c.differs(exeunt.Difference{Where: inKeys, Entry: -1, Field: "key, key.pub", What: what})
	}
	c.differs(c.log.refusals.list()...)
	c.log.appending.Lock() // or the checkpoint may be newer than the state that was read before it
	defer c.log.appending.Unlock()
	if err := c.log.checkState(); err != nil {
		c.differs(exeunt.Difference{Where: inLog, Entry: -1, Field: ".state/treeState", What: exeunt.MessageOf(err)})
	}
}

// pages checks the bodies of a bundle at a time, on all processors.
func (c *check) pages(ctx context.Context) error {
	var next atomic.Int64
	next.Store(c.from / bundleWidth)
	var running sync.WaitGroup
	faults := make([]error, runtime.GOMAXPROCS(0))
	for i := range faults {
		running.Go(func() {
			for faults[i] == nil {
				first := (next.Add(1) - 1) * bundleWidth
				if first >= c.to {
					return
				}
				faults[i] = c.page(ctx, first)
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

// page checks the bodies of a bundle.
func (c *check) page(ctx context.Context, first int64) error {
	last := min(first+bundleWidth, c.size)
	c.log.sealed.RLock()
	defer c.log.sealed.RUnlock()
	leaves, err := c.log.tiles.Bundle(first/bundleWidth, int(last-first))
	if exeunt.KindOf(err) == exeunt.Temporary {
		return err
	}
	if err != nil {
		c.differs(exeunt.Difference{Where: inLog, Entry: first, What: exeunt.MessageOf(err)})
		return nil
	}
	rows, err := c.rows(ctx, max(first, c.from), min(last, c.to))
	if err != nil {
		return err
	}
	for i, raw := range leaves {
		n := first + int64(i)
		if n < c.from || n >= c.to {
			continue
		}
		leaf, err := verify.DecodeLeaf(raw)
		if err == nil && leaf.Kind == exeunt.LeafErase { // also where its own body is missing
			c.mu.Lock()
			c.result.Erased(leaf.Case, leaf.N)
			c.mu.Unlock()
		}
		switch row, ok := rows[n]; {
		case err != nil:
			c.differs(exeunt.Difference{Where: inLog, Entry: n, What: exeunt.MessageOf(err)})
		case !ok:
			c.differs(exeunt.Difference{Where: inBodies, Entry: n, Case: leaf.Case, What: "its body is missing"})
		default:
			c.body(row, leaf, raw)
		}
	}
	return nil
}

// sealedRow is a row of bodies with the key that opens it.
type sealedRow struct {
	stored
	kind string
	key  []byte
}

const bodiesOfPage = `SELECT b.event, b.n, b.holder, b.handle, b.kind, b.leaf_hash, b.sealed, k.key
	FROM bodies b LEFT JOIN keys k ON k.holder = b.holder WHERE b.n >= ? AND b.n < ?`

func (c *check) rows(ctx context.Context, first, last int64) (map[int64]sealedRow, error) {
	list, err := c.query.QueryContext(ctx, first, last)
	if err != nil {
		return nil, diskError("the ledger's bodies cannot be read", err)
	}
	defer list.Close()
	rows := make(map[int64]sealedRow, last-first)
	for list.Next() {
		var r sealedRow
		if err := list.Scan(&r.event, &r.n, &r.holder, &r.handle, &r.kind, &r.leafHash, &r.sealed, &r.key); err != nil {
			return nil, diskError("the ledger's bodies cannot be read", err)
		}
		if _, twice := rows[r.n]; twice {
			c.differs(exeunt.Difference{Where: inBodies, Entry: r.n, Case: r.handle, What: "there are two bodies of this number"})
		}
		rows[r.n] = r
	}
	if err := list.Err(); err != nil {
		return nil, diskError("the ledger's bodies cannot be read", err)
	}
	return rows, nil
}

// body compares one body with its leaf.
func (c *check) body(row sealedRow, leaf exeunt.Leaf, raw []byte) {
	found := func(field, what string) {
		c.differs(exeunt.Difference{Where: inBodies, Entry: row.n, Case: leaf.Case, Field: field, What: what})
	}
	for _, column := range []struct {
		name string
		is   bool
	}{
		{"handle", row.handle == leaf.Case}, {"kind", row.kind == string(leaf.Kind)}, {"leaf_hash", row.leafHash == exeunt.LeafHash(raw)},
		{"holder", leaf.Case == "" || row.holder == leaf.Case || leaf.Kind == exeunt.LeafErase && row.holder == ""},
	} {
		if !column.is {
			found(column.name, "it is not that of the leaf")
		}
	}
	if c.count(row, leaf); row.sealed == nil {
		return
	}
	keys := map[string]cipher.AEAD{}
	if key, err := aead(row.key); err == nil && row.key != nil {
		keys[row.holder] = key
	}
	salt, body, err := row.open(keys)
	switch {
	case err != nil:
		found("sealed", exeunt.MessageOf(err))
	case exeunt.Commitment([32]byte(salt), body) != leaf.Commit:
		found("sealed", "it is not what the leaf commits to")
	default:
		if beside, ok := doneErasure(body); ok {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.result.Done(leaf.Case, beside)
		}
	}
}

// count notes that a body was looked at, or is gone.
func (c *check) count(row sealedRow, leaf exeunt.Leaf) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if row.sealed != nil {
		c.result.Bodies++
		return
	}
	c.result.Gone++
	c.result.Erasures.Gone(row.n, row.holder, leaf.Case == "")
}
