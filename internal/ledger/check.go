package ledger

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"slices"
	"sync"

	"github.com/exeunt/exeunt"
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
	if err := c.prepare(ctx, db); err != nil {
		return Checked{}, err
	}
	if err = c.pages(ctx); err == nil {
		c.result.Unerased, err = unerased(ctx, db, c.result.At)
	}
	return c.result, err
}

// check goes through a range of bodies once.
type check struct {
	log      *Log
	query    *sql.Stmt // of the bodies of a page
	keyOf    *sql.Stmt
	size     int64
	from, to int64 // the range

	mu     sync.Mutex
	result Checked
}

// prepare readies what is asked of the bodies, which end with the connection: to parse it costs as much as to run it.
func (c *check) prepare(ctx context.Context, bodies *sql.DB) (err error) {
	if c.query, err = bodies.PrepareContext(ctx, bodiesOfPage); err == nil {
		c.keyOf, err = bodies.PrepareContext(ctx, "SELECT key FROM keys WHERE holder = ?")
	}
	if err != nil {
		return diskError("the ledger's bodies cannot be read", err)
	}
	return nil
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
