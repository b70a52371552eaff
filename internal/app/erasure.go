package app

import (
	"context"
	"errors"
	"io/fs"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/store"
)

// Covered is how many entries are under a checkpoint that counts: cosigned, where witnesses are configured. What the
// database still has of them could be lost now.
func (p *Proofs) Covered(ctx context.Context) (int64, error) {
	name := "checkpoint"
	if p.policy.Witnessed() {
		name = ledger.CosignedFile
	}
	signed, cp, err := p.published(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err == nil {
		_, err = p.policy.Check(signed)
	}
	return cp.Size, err
}

// published is a signed checkpoint among the log's files.
func (p *Proofs) published(ctx context.Context, name string) ([]byte, verify.Checkpoint, error) {
	key, err := p.Key(ctx)
	if err != nil {
		return nil, verify.Checkpoint{}, err
	}
	signed, err := fs.ReadFile(p.log.Files(ctx), name)
	if err != nil {
		return nil, verify.Checkpoint{}, exeunt.Errorf(exeunt.Temporary, "the ledger's %s cannot be read", name).Because(err)
	}
	keys, err := verify.Follow(p.log.Files(ctx), key)
	if err != nil {
		return nil, verify.Checkpoint{}, err
	}
	cp, err := verify.OpenCheckpoint(signed, keys)
	return signed, cp, err
}

// Erase destroys the key of a case in the ledger.
func (p *Proofs) Erase(ctx context.Context, handle string) error { return p.log.Erase(ctx, handle, -1) }

// eraseAnew erases what was erased and can be read again in the ledger: its bodies were put back from a backup that is
// older than the erasure. That is a difference once, since nobody may have meant it.
func (p *Proofs) eraseAnew(ctx context.Context, run *store.CheckRun, beside ledger.Checked, erased map[string]bool) {
	for _, handle := range beside.Unerased {
		if !erased[handle] {
			continue // it is under way
		}
		what := "the case is erased, and its bodies could be read: bodies.db was put back from a backup older than the erasure. They are erased anew"
		if err := p.log.Erase(ctx, handle, beside.At[handle]); err != nil {
			what = "the case is erased, and its bodies can be read: bodies.db was put back from a backup older than the erasure. They could not be erased anew: " + exeunt.MessageOf(err)
		}
		run.Differences.Add(exeunt.Difference{Where: "the bodies", Entry: -1, Case: handle, Field: "sealed", What: what})
	}
}
