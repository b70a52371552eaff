package app

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/store"
)

// checks runs the check of the ledger, one at a time.
type checks struct {
	mu      sync.Mutex
	running *running
}

// running is a check that has not ended. Who asks for another one gets the same.
type running struct {
	store.CheckRun
	log, bodies atomic.Int64 // how far each half is
	total       atomic.Int64
	ended       chan struct{}
	cancel      context.CancelFunc
	err         error
}

// now is the run as far as it is: both halves go over every entry.
func (r *running) now() store.CheckRun {
	run := r.CheckRun
	if !run.EndedAt.IsZero() {
		return run
	}
	run.Total, run.Done = r.total.Load(), (r.log.Load()+r.bodies.Load())/2
	return run
}

// Checks lists the newest runs of the check, first the one that runs.
func (p *Proofs) Checks(ctx context.Context, limit int) ([]store.CheckRun, error) {
	runs, err := p.store.Checks(ctx, limit)
	if err != nil {
		return nil, err
	}
	p.checks.mu.Lock()
	defer p.checks.mu.Unlock()
	if r := p.checks.running; r != nil {
		runs = append([]store.CheckRun{r.now()}, runs...)
	}
	return runs, nil
}

// Run checks the whole log from its files, what lies beside it, and the database against it. A run that is
// under way is joined. That a person asked for one is recorded, and that one found something.
func (p *Proofs) Run(ctx context.Context, by string) (store.CheckRun, error) {
	r := p.begin(ctx, by)
	select {
	case <-r.ended:
		return r.CheckRun, r.err
	case <-ctx.Done():
		return store.CheckRun{}, ctx.Err()
	}
}

// runFor is Run for whoever can wait for so long only: after that they get the run as far as it is, without an end. It goes
// on, and is among [Proofs.Checks].
func (p *Proofs) runFor(ctx context.Context, by string, wait time.Duration) (store.CheckRun, error) {
	r := p.begin(ctx, by)
	patience := time.NewTimer(wait)
	defer patience.Stop()
	select {
	case <-r.ended:
		return r.CheckRun, r.err
	case <-patience.C:
		return p.soFar(r), nil
	case <-ctx.Done():
		return store.CheckRun{}, ctx.Err()
	}
}

func (p *Proofs) soFar(r *running) store.CheckRun {
	p.checks.mu.Lock()
	defer p.checks.mu.Unlock()
	return r.now()
}

// begin is the run that is under way, or a new one.
func (p *Proofs) begin(ctx context.Context, by string) *running {
	p.checks.mu.Lock()
	defer p.checks.mu.Unlock()
	r := p.checks.running
	if r == nil {
		work, cancel := context.WithCancel(context.WithoutCancel(ctx)) // whoever asked may leave; others have joined
		r = &running{CheckRun: store.CheckRun{By: by, BegunAt: time.Now().UTC()}, ended: make(chan struct{}), cancel: cancel}
		p.checks.running = r
		go p.run(work, r)
	}
	return r
}

// stop ends a run that is under way.
func (p *Proofs) stop() {
	p.checks.mu.Lock()
	r := p.checks.running
	p.checks.mu.Unlock()
	if r != nil {
		r.cancel()
		<-r.ended
	}
}

func (p *Proofs) run(ctx context.Context, r *running) {
	defer close(r.ended)
	defer r.cancel()
	run := r.CheckRun
	err := p.compare(ctx, r, &run)
	run.EndedAt = time.Now().UTC()
	if err == nil && (run.By != byItself || !run.Holds()) {
		err = p.accesses.record(ctx, checkAccess(run))
	}
	if err == nil {
		run, err = p.store.SaveCheck(ctx, run)
	}
	if err != nil && ctx.Err() == nil { // whoever asked may have gone
		cmp.Or(p.logger, slog.Default()).Warn("the ledger could not be checked", "error", exeunt.MessageOf(err), "cause", errors.Unwrap(err))
	}
	p.checks.mu.Lock()
	defer p.checks.mu.Unlock()
	r.CheckRun, r.err, p.checks.running = run, err, nil
}

// byItself is who runs the hourly check.
const byItself = "engine"

func checkAccess(run store.CheckRun) exeunt.Access {
	what := fmt.Sprintf("ledger checked, %d entries: no difference", run.Entries)
	if !run.Holds() {
		what = fmt.Sprintf("ledger checked: %d differences, the first is %s", run.Differences.Count, run.Differences.Kept[0])
	}
	return exeunt.Access{Kind: exeunt.EntryChecked, Who: run.By, What: what, Detail: map[string]string{"root": run.Root}}
}

// compare does the work. Its error says that the check could not be made; what does not hold is in the run.
func (p *Proofs) compare(ctx context.Context, r *running, run *store.CheckRun) error {
	key, err := p.Key(ctx)
	if err != nil {
		return err
	}
	run.Fingerprint = verify.Fingerprint(key)
	size, err := p.log.Size(ctx)
	if err != nil {
		return err
	}
	r.total.Store(size)
	erased, err := p.store.Outbox().Erased(ctx) // before: what is erased meanwhile may be seen as it was
	if err != nil {
		return asDifference(err, "the database", &run.Differences)
	}
	var beside ledger.Checked
	var besideErr error
	var both sync.WaitGroup
	both.Go(func() {
		beside, besideErr = p.log.Check(ctx, func(done, _ int64) { r.bodies.Store(done) })
	})
	err = p.compareLog(ctx, key, r, run)
	both.Wait()
	for _, err := range []error{err, asDifference(besideErr, "the bodies", &run.Differences), p.compareCounts(ctx, run)} {
		if err != nil {
			return err
		}
	}
	run.Bodies, run.Erased = beside.Bodies, beside.Gone
	run.Differences.Join(beside.Differences)
	p.eraseAnew(ctx, run, beside, erased)
	run.Done, run.Total = size, size
	run.Waiting, err = p.store.Outbox().Backlog(ctx)
	return err
}

// asDifference makes of what contradicts a difference, and leaves what could only not be read.
func asDifference(err error, where string, into *exeunt.Differences) error {
	if kind := exeunt.KindOf(err); kind != exeunt.Invalid && kind != exeunt.Conflict && kind != exeunt.Internal {
		return err
	}
	into.Add(exeunt.Difference{Where: where, Entry: -1, What: exeunt.MessageOf(err)})
	return nil
}

// compareLog goes over the log and the database's rows side by side.
func (p *Proofs) compareLog(ctx context.Context, key string, r *running, run *store.CheckRun) error {
	c := newComparison(ctx, p.store.Outbox().Logged(ctx, 0), run)
	defer c.stop()
	files := p.log.Files(ctx)
	found, err := verify.Log(files, verify.LogOptions{Keys: []string{key}, Each: c.see, Progress: func(done, _ int64) { r.log.Store(done) }})
	if err != nil {
		contradicts := exeunt.KindOf(err) != exeunt.Temporary
		if err := asDifference(err, "the log", &run.Differences); err != nil || !contradicts {
			return err
		}
		return p.diagnose(ctx, run)
	}
	if err := c.accounted(); err != nil {
		return err
	}
	run.Entries, run.Root = found.Size, hex.EncodeToString(found.Root[:])
	for handle, tail := range found.Cases {
		if handle != "" {
			run.Cases++
		}
		if tail.Closed {
			run.Closed++
		}
	}
	return nil
}

// diagnose holds a log that does not hold against what the database knows of it, entry by entry, to say which
// bytes of which entry are not as they were.
func (p *Proofs) diagnose(ctx context.Context, run *store.CheckRun) error {
	size, err := p.log.Size(ctx)
	if err != nil {
		return err
	}
	tiles := verify.Tiles{Files: p.log.Files(ctx)}
	var bundle [][]byte
	for row, err := range p.store.Outbox().Logged(ctx, 0) {
		if err != nil {
			return asDifference(err, "the database", &run.Differences)
		}
		if row.N >= size {
			return nil
		}
		const width = 256 // https://c2sp.org/tlog-tiles
		if row.N%width == 0 || bundle == nil {
			first := row.N / width * width
			if bundle, err = tiles.Bundle(row.N/width, int(min(width, size-first))); err != nil {
				bundle = [][]byte{}
			}
		}
		if at := int(row.N % width); at < len(bundle) && string(bundle[at]) != row.Leaf {
			run.Differences.Add(exeunt.Difference{Where: "the log", Entry: row.N, Case: row.Handle, Field: "tile/entries",
				What: "against the database's copy of the leaf, " + exeunt.BytesThatDiffer(bundle[at], []byte(row.Leaf))})
		}
	}
	return nil
}

// comparison holds the rows of the database against a log that is gone through from its beginning.
type comparison struct {
	ctx  context.Context
	next func() (store.Logged, error, bool)
	stop func()
	run  *store.CheckRun

	row      store.Logged // the next one
	more     bool
	erasures ledger.Erasures
	counts   counts
}

func newComparison(ctx context.Context, rows iter.Seq2[store.Logged, error], run *store.CheckRun) *comparison {
	c := &comparison{ctx: ctx, run: run, more: true, row: store.Logged{N: -1}}
	c.next, c.stop = iter.Pull2(rows)
	return c
}

func (c *comparison) differs(n int64, handle, field, what string) {
	c.run.Differences.Add(exeunt.Difference{Where: "the database", Entry: n, Case: handle, Field: field, What: what})
}

// see compares the leaf at an index. Its row was committed before it went to the log, so it must be there.
func (c *comparison) see(index int64, leaf exeunt.Leaf, encoded []byte) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	for c.more && c.row.N < index {
		if err := c.advance(); err != nil {
			return err
		}
	}
	if leaf.Kind == exeunt.LeafErase {
		c.erasures.Erased(strings.Clone(leaf.Case), index)
	}
	c.counts.see(leaf)
	if !c.more || c.row.N != index {
		c.differs(index, leaf.Case, "", "it is in the log and not in the database: the database was restored from an older backup, or rows were deleted")
		return nil
	}
	c.same(leaf, encoded)
	return nil
}

// advance takes the next row. A database that cannot be read any further is a difference.
func (c *comparison) advance() (err error) {
	if c.row, err, c.more = c.next(); err != nil {
		c.more = false
		return asDifference(err, "the database", &c.run.Differences)
	}
	return nil
}

func (c *comparison) same(leaf exeunt.Leaf, encoded []byte) {
	row := c.row
	if leaf.Kind == exeunt.LeafManifest {
		c.run.Manifests++
		c.run.Differences.Add(c.counts.against(leaf.N, row.Manifest)...)
	}
	if row.Leaf != string(encoded) {
		c.differs(row.N, leaf.Case, "leaf", exeunt.BytesThatDiffer([]byte(row.Leaf), encoded))
	}
	for _, field := range row.Differs {
		c.differs(row.N, leaf.Case, field, "it is not what the entry says")
	}
	if row.Handle != leaf.Case {
		c.differs(row.N, leaf.Case, "handle", "it is not that of the leaf")
	}
	if row.Seq != leaf.Seq {
		c.differs(row.N, leaf.Case, "seq", fmt.Sprintf("it is %d where %d is due", row.Seq, leaf.Seq))
	}
	if row.Kind != leaf.Kind {
		c.differs(row.N, leaf.Case, "kind", "it is not that of the leaf")
	}
	switch {
	case row.Commit == "":
		c.erasures.Gone(row.N, row.Holder, leaf.Case == "")
	case row.Commit != leaf.Commit:
		c.differs(row.N, leaf.Case, "body, salt", "they are not what the leaf commits to")
	case row.ErasureDone:
		c.erasures.Done(leaf.Case, row.Beside)
	}
}

// accounted sees that what is gone was erased. What was erased while the log was gone through has its leaf after
// the checkpoint that was.
func (c *comparison) accounted() error {
	for c.more && len(c.erasures.GoneTo) > 0 {
		if err := c.advance(); err != nil {
			return err
		}
		if c.more && c.row.Kind == exeunt.LeafErase {
			c.erasures.Erased(c.row.Handle, c.row.N)
		}
		if c.more && c.row.ErasureDone {
			c.erasures.Done(c.row.Handle, c.row.Beside)
		}
	}
	c.erasures.Unaccounted(func(n int64, holder, what string) { c.differs(n, holder, "body, salt", "they are "+what) })
	return nil
}
