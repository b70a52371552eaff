package app

import (
	"context"
	"encoding/hex"
	"io/fs"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/exeunt/exeunt/internal/web/ui"
)

// Ledger is the tamper-evident record: a [ledger.Log] in this process, or a [remote.Client] of one in a
// process of its own.
type Ledger interface {
	ledger.Destination
	// Files are the log's public files, in the layout of https://c2sp.org/tlog-tiles.
	Files(ctx context.Context) fs.FS
	Packet(ctx context.Context, handle string, about ...string) (ledger.Packet, error)
	Erase(ctx context.Context, handle string) error
	Close() error
}

// Proofs are what the ledger says of itself and of cases.
type Proofs struct {
	store   *store.Store
	log     Ledger
	shipper *ledger.Shipper

	accesses *accesses

	mu   sync.Mutex
	last ui.LedgerCheck
}

// Key is the verifier key of the ledger that this database's entries go to, which another ledger in its place
// does not change.
func (p *Proofs) Key(ctx context.Context) (string, error) {
	key, err := p.log.VerifierKey(ctx)
	if err != nil {
		return "", err
	}
	return p.store.Outbox().Ledger(ctx, key)
}

// Check is the newest verification.
func (p *Proofs) Check(context.Context) (ui.LedgerCheck, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, nil
}

// Verify runs a verification now.
func (p *Proofs) Verify(ctx context.Context) (ui.LedgerCheck, error) {
	report, err := p.VerifyLedger(ctx)
	if err != nil {
		return ui.LedgerCheck{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = ui.LedgerCheck{At: time.Now().UTC(), Entries: report.Entries, Head: report.Root, Fault: report.Fault}
	return p.last, nil
}

// VerifyLedger checks the whole log from its files, and the database against it: every entry of the log
// must be in the database under its number, and what the database believes to be in the log must be there.
func (p *Proofs) VerifyLedger(ctx context.Context) (api.LedgerReport, error) {
	var report api.LedgerReport
	key, err := p.Key(ctx)
	if err != nil {
		return report, err
	}
	report.Fingerprint = verify.Fingerprint(key)
	if report.Waiting, err = p.store.Outbox().Backlog(ctx); err != nil {
		return report, err
	}
	rows := comparison{ctx: ctx, outbox: p.store.Outbox()}
	found, err := verify.Log(p.log.Files(ctx), verify.LogOptions{Keys: []string{key}, Each: rows.see})
	if err == nil {
		report.Entries, report.Root = found.Size, hex.EncodeToString(found.Root[:])
		err = p.whole(ctx)
	}
	if exeunt.KindOf(err) == exeunt.Temporary {
		return report, err
	}
	if err != nil {
		report.Fault = exeunt.MessageOf(err)
		return report, nil
	}
	report.Verified = true
	return report, nil
}

// whole sees that the log has not become shorter than the database knows it. The log is asked after the
// marks: what is marked was in the log before.
func (p *Proofs) whole(ctx context.Context) error {
	last, err := p.store.Outbox().LastShipped(ctx)
	if err != nil {
		return err
	}
	size, err := p.log.Size(ctx)
	if err != nil {
		return err
	}
	if last >= size {
		return exeunt.Errorf(exeunt.Conflict, "the database has entries up to place %d in the log, and the log has %d entries: the ledger was restored from an older backup, or its end was cut off", last, size)
	}
	return nil
}

// comparison holds the database against a log that is gone through from its beginning. It keeps a page of
// hashes and not all of them.
type comparison struct {
	ctx    context.Context
	outbox store.Outbox
	page   []store.Leaf
}

const comparePage = 4096

// see compares the leaf at an index. Its row was committed before it went to the log, so it must be there.
func (c *comparison) see(index int64, _ exeunt.Leaf, encoded []byte) (err error) {
	if len(c.page) == 0 {
		if c.page, err = c.outbox.Leaves(c.ctx, index, comparePage); err != nil {
			return err
		}
	}
	switch {
	case len(c.page) == 0 || c.page[0].N != index:
		return exeunt.Errorf(exeunt.Conflict, "entry %d of the log is not in the database: the database was restored from an older backup, or rows were deleted", index)
	case c.page[0].Hash != exeunt.LeafHash(encoded):
		return exeunt.Errorf(exeunt.Conflict, "entry %d of the database is not the one that stands at that place of the log: one of the two was changed", index)
	}
	c.page = c.page[1:]
	return nil
}
