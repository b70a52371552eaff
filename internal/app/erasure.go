package app

import (
	"context"
	"io/fs"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// Covered is how many entries are under a checkpoint that counts. What the database still has of them could be lost now.
func (p *Proofs) Covered(ctx context.Context) (int64, error) {
	key, err := p.Key(ctx)
	if err != nil {
		return 0, err
	}
	signed, err := fs.ReadFile(p.log.Files(ctx), "checkpoint")
	if err != nil {
		return 0, exeunt.Errorf(exeunt.Temporary, "the ledger's checkpoint cannot be read").Because(err)
	}
	cp, err := verify.OpenCheckpoint(signed, []string{key})
	return cp.Size, err
}

// Erase destroys the key of a case in the ledger.
func (p *Proofs) Erase(ctx context.Context, handle string) error { return p.log.Erase(ctx, handle) }
