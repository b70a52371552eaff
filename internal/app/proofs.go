package app

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/evidence"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/exeunt/exeunt/internal/web/ui"
)

// Proofs are what the ledger says of itself and of cases.
type Proofs struct {
	store   *store.Store
	log     *ledger.Log
	shipper *ledger.Shipper

	mu   sync.Mutex
	last ui.LedgerCheck
}

// Key is the ledger's verifier key.
func (p *Proofs) Key() string { return p.log.VerifierKey() }

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

// VerifyLedger checks the whole log from its files, and the database against it: every entry that
// the database believes to be in the log must be there, at its place, and no other.
func (p *Proofs) VerifyLedger(ctx context.Context) (api.LedgerReport, error) {
	report := api.LedgerReport{Fingerprint: verify.Fingerprint(p.Key())}
	waiting, err := p.store.Outbox().Backlog(ctx)
	if err != nil {
		return report, err
	}
	report.Waiting = waiting
	var inLog []string // leaf hash by index
	found, err := verify.Log(p.log.Files(), verify.LogOptions{Keys: []string{p.Key()}, Each: func(index int64, leaf exeunt.Leaf, encoded []byte) error {
		inLog = append(inLog, exeunt.LeafHash(encoded))
		return nil
	}})
	if err != nil {
		report.Fault = exeunt.MessageOf(err)
		return report, nil
	}
	report.Entries, report.Root = found.Size, hex.EncodeToString(found.Root[:])
	if err := p.compare(ctx, inLog, found.Size); err != nil {
		if exeunt.KindOf(err) == exeunt.Temporary {
			return report, err
		}
		report.Fault = exeunt.MessageOf(err)
		return report, nil
	}
	report.Verified = true
	return report, nil
}

// compare holds the database against the verified log.
func (p *Proofs) compare(ctx context.Context, inLog []string, size int64) error {
	seen, last := int64(0), int64(-1)
	err := p.store.Outbox().EachLeaf(ctx, func(n int64, hash string, index int64) error {
		last = max(last, index)
		switch {
		case index < 0 || index >= size: // not shipped, or not under a signature yet
			return nil
		case inLog[index] != hash:
			return exeunt.Errorf(exeunt.Conflict, "entry %d of the database is not the one that stands at %d in the log", n, index)
		}
		seen++
		return nil
	})
	if err != nil {
		return err
	}
	// What is marked was in the log before it was marked, so the log is read after the marks.
	integrated, err := p.log.Size(ctx)
	switch {
	case err != nil:
		return err
	case last >= integrated:
		return exeunt.Errorf(exeunt.Conflict, "the database has entries up to place %d in the log, and the log has %d entries: the ledger was restored from an older backup, or its end was cut off", last, integrated)
	case seen < size-int64(p.unmarked(ctx)):
		return exeunt.Errorf(exeunt.Conflict, "the log has %d entries and the database knows %d of them: the database was restored from an older backup, or rows were deleted", size, seen)
	}
	return nil
}

// unmarked is how many entries may be in the log without the database having noted it yet.
func (p *Proofs) unmarked(ctx context.Context) int {
	n, err := p.store.Outbox().Backlog(ctx)
	if err != nil {
		return 0
	}
	return n
}

// patience is how long an export waits for the ledger to take the case's newest entries.
const patience = 10 * time.Second

// Evidence writes the packet of a case and records who took it.
func (p *Proofs) Evidence(ctx context.Context, w io.Writer, id exeunt.CaseID, by string) error {
	c, err := p.store.Case(ctx, id)
	if err != nil {
		return err
	}
	if err := p.settled(ctx, id); err != nil {
		return err
	}
	packet, err := p.log.Packet(ctx, c.Handle)
	if err != nil {
		return err
	}
	// The export is an entry of the installation, not of the case: a packet cannot hold its own making.
	var change exeunt.Change
	change.Record(exeunt.EntryExported, nil, time.Now(), fmt.Sprintf("evidence of case %s exported", id), map[string]string{"by": by, "case": id.String()})
	if err := p.store.Commit(ctx, &change); err != nil {
		return err
	}
	return evidence.Write(w, c, packet)
}

// settled waits until the ledger has every entry of a case that the database has now.
func (p *Proofs) settled(ctx context.Context, id exeunt.CaseID) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		p.shipper.Wake()
		f, err := p.store.CaseFile(ctx, id)
		if err == nil && f.Sealed >= f.Logged {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return exeunt.Errorf(exeunt.Temporary, "the ledger has %d of the %d entries of case %s: see /readyz, and try again", f.Sealed, f.Logged, id)
		}
	}
}
