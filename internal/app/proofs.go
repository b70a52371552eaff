package app

import (
	"context"
	"io/fs"
	"log/slog"
	"time"

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
	Erase(ctx context.Context, handle string, at int64) error
	// Check looks at what is not among the public files: bodies and keys.
	Check(ctx context.Context, progress func(done, total int64)) (ledger.Checked, error)
	// Publications are where checkpoints are published, and how that goes.
	Publications(ctx context.Context) ([]ledger.Publication, error)
	Close() error
}

// Proofs are what the ledger says of itself and of cases.
type Proofs struct {
	store   *store.Store
	log     Ledger
	shipper *ledger.Shipper

	logger   *slog.Logger
	accesses *accesses
	checks   checks
	policy   verify.Policy // of witnesses; the zero one asks for none
	keepUp   keepUp        // whether they do
	outside  outside       // what is published
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
func (p *Proofs) Check(ctx context.Context) (ui.LedgerCheck, error) {
	runs, err := p.store.Checks(ctx, 1)
	if err != nil || len(runs) == 0 {
		return ui.LedgerCheck{}, err
	}
	check := checkOf(runs[0])
	check.Anchored = later(p.keepUp.seen(), p.outside.newest())
	return check, nil
}

func checkOf(run store.CheckRun) ui.LedgerCheck {
	return ui.LedgerCheck{At: run.EndedAt, Entries: run.Entries, Head: run.Root, Fault: run.Fault()}
}

// Inclusion is the proof that a leaf stands at an index of the log.
func (p *Proofs) Inclusion(ctx context.Context, index int64) (ui.Inclusion, error) {
	key, err := p.Key(ctx)
	if err != nil {
		return ui.Inclusion{}, err
	}
	e, err := ledger.Explain(p.log.Files(ctx), []string{key}, index)
	if err != nil {
		return ui.Inclusion{}, err
	}
	proof := ui.Inclusion{Index: e.Index, Size: e.Size, Leaf: e.Leaf, LeafHash: e.LeafHash, Root: e.Root}
	for _, s := range e.Steps {
		proof.Steps = append(proof.Steps, ui.InclusionStep(s))
	}
	return proof, nil
}

// pageWaits is how long a page waits for a check before it shows how far it is.
const pageWaits = 20 * time.Second

// Verify runs a verification now, in the name of who asks for it. One that takes longer than a page waits has no time yet.
func (p *Proofs) Verify(ctx context.Context, by string) (ui.LedgerCheck, error) {
	run, err := p.runFor(ctx, by, pageWaits)
	if err != nil {
		return ui.LedgerCheck{}, err
	}
	return checkOf(run), nil
}

// VerifyLedger is Verify for the API, whose callers say how long they wait.
func (p *Proofs) VerifyLedger(ctx context.Context, by string, wait time.Duration) (api.LedgerReport, error) {
	run, err := p.runFor(ctx, by, wait)
	if err != nil {
		return api.LedgerReport{}, err
	}
	return api.ReportOf(run), nil
}
