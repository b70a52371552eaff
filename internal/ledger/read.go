package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"iter"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"golang.org/x/mod/sumdb/tlog"
)

// LogEntry is a leaf where it stands in the log.
type LogEntry struct {
	Index int64
	Leaf  []byte
}

// Size is how many leaves are integrated. The last of them may not be signed yet.
func (l *Log) Size(ctx context.Context) (int64, error) {
	size, err := l.reader.IntegratedSize(ctx)
	if err != nil {
		return 0, diskError("the log's size cannot be read", err)
	}
	return int64(size), nil
}

// Entries goes through the integrated leaves from an index on.
func (l *Log) Entries(ctx context.Context, from int64) iter.Seq2[LogEntry, error] {
	return func(yield func(LogEntry, error) bool) {
		size, err := l.Size(ctx)
		if err != nil {
			yield(LogEntry{}, err)
			return
		}
		for from < size {
			bundle, err := l.bundleOf(from, size)
			if err != nil {
				yield(LogEntry{}, err)
				return
			}
			for _, leaf := range bundle[from%bundleWidth:] {
				if err := ctx.Err(); err != nil {
					yield(LogEntry{}, err)
					return
				}
				if !yield(LogEntry{from, leaf}, nil) {
					return
				}
				from++
			}
		}
	}
}

const bundleWidth = 256 // https://c2sp.org/tlog-tiles

// bundleOf reads the bundle that holds an index, in a log of a size.
func (l *Log) bundleOf(index, size int64) ([][]byte, error) {
	n := index / bundleWidth
	return l.tiles.Bundle(n, int(min(bundleWidth, size-n*bundleWidth)))
}

// Head is the newest signed checkpoint, as published, and what it says.
func (l *Log) Head(ctx context.Context) (signed []byte, cp verify.Checkpoint, err error) {
	if err := ctx.Err(); err != nil {
		return nil, cp, err
	}
	if signed, err = fs.ReadFile(l.tiles.Files, "checkpoint"); err != nil {
		return nil, cp, diskError("the checkpoint cannot be read", err)
	}
	cp, err = verify.OpenCheckpoint(signed, l.signing.Verifiers)
	return signed, cp, err
}

// provable is a checkpoint over at least size leaves to prove something with: the cosigned one where there is one in a
// few seconds, since it convinces more people.
func (l *Log) provable(ctx context.Context, size int64) ([]byte, verify.Checkpoint, error) {
	signed, cp, err := l.headOver(ctx, size)
	if err != nil || !l.policy.Witnessed() {
		return signed, cp, err
	}
	soon, cancel := context.WithTimeout(ctx, cosignedSoon)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if cosigned, over, err := l.Cosigned(soon); err == nil && over.Size >= size {
			return cosigned, over, nil
		}
		select {
		case <-tick.C:
		case <-soon.Done():
			return signed, cp, ctx.Err()
		}
	}
}

// headOver waits for a checkpoint over at least size leaves, all of them integrated.
func (l *Log) headOver(ctx context.Context, size int64) ([]byte, verify.Checkpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, checkpointPatience)
	defer cancel()
	tick := time.NewTicker(checkpointPoll)
	defer tick.Stop()
	for {
		signed, cp, err := l.Head(ctx)
		if err == nil && cp.Size >= size {
			return signed, cp, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, cp, exeunt.Errorf(exeunt.Temporary, "the log has not been signed up to entry %d yet: try again shortly, and look at free disk space if it stays so", size-1).Because(err)
		}
	}
}

// Inclusion proves that a leaf stands at an index, under the newest checkpoint.
func (l *Log) Inclusion(ctx context.Context, index int64) (verify.Proof, error) {
	signed, cp, err := l.Head(ctx)
	if err != nil {
		return verify.Proof{}, err
	}
	return l.inclusion(index, signed, cp)
}

func (l *Log) inclusion(index int64, signed []byte, cp verify.Checkpoint) (verify.Proof, error) {
	if index < 0 || index >= cp.Size {
		return verify.Proof{}, exeunt.Errorf(exeunt.NotFound, "the signed log has %d entries, there is none at index %d", cp.Size, index)
	}
	hashes, err := tlog.ProveRecord(cp.Size, index, tlog.TileHashReader(cp.Tree(), l.tiles))
	if err != nil {
		return verify.Proof{}, damaged(err)
	}
	return verify.Proof{Index: index, Hashes: hashes, Checkpoint: signed}, nil
}

// Consistency proves that the log of an older size is the beginning of the one under the newest
// checkpoint, which is returned with it.
func (l *Log) Consistency(ctx context.Context, older int64) (tlog.TreeProof, []byte, error) {
	signed, cp, err := l.Head(ctx)
	if err != nil {
		return nil, nil, err
	}
	if older < 1 || older > cp.Size {
		return nil, nil, exeunt.Errorf(exeunt.Invalid, "the signed log has %d entries: a proof is from a size of 1 to %d", cp.Size, cp.Size)
	}
	proof, err := tlog.ProveTree(cp.Size, older, tlog.TileHashReader(cp.Tree(), l.tiles))
	if err != nil {
		return nil, nil, damaged(err)
	}
	return proof, signed, nil
}

func damaged(err error) *exeunt.Error {
	return exeunt.Errorf(exeunt.Conflict, "the log's files contradict its signed checkpoint: run a full verification, and restore them from the backup").Because(err)
}

// checkState compares the log's files with its last checkpoint before anything is signed again: what
// is integrated must be the continuation of what was signed. It reads Tessera's private tree state
// (v1.0.4, storage/posix/files.go), since its root is what would be signed next.
func (l *Log) checkState() error {
	raw, err := fs.ReadFile(l.tiles.Files, ".state/treeState")
	if err != nil {
		return diskError("the log's state cannot be read", err)
	}
	var state struct {
		Size int64  `json:"size"`
		Root []byte `json:"root"`
	}
	if json.Unmarshal(raw, &state) != nil || len(state.Root) != tlog.HashSize || state.Size < 0 {
		return damaged(nil)
	}
	signed, err := fs.ReadFile(l.tiles.Files, "checkpoint")
	if err != nil && state.Size == 0 {
		return nil // killed before its first checkpoint
	}
	if err != nil {
		return diskError("the checkpoint cannot be read", err)
	}
	cp, err := verify.OpenCheckpoint(signed, l.signing.Verifiers)
	if err != nil {
		return err
	}
	tree := tlog.Tree{N: state.Size, Hash: tlog.Hash(state.Root)}
	if err := l.continues(cp, tree); err != nil {
		return err
	}
	return l.continuesCosigned(tree)
}

// continuesCosigned checks that a tree goes on from what witnesses have cosigned: a checkpoint that was put back with an
// older tree agrees with that, and this one does not. One that no present key has signed says nothing.
func (l *Log) continuesCosigned(tree tlog.Tree) error {
	signed, err := fs.ReadFile(l.tiles.Files, CosignedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return diskError("the cosigned checkpoint cannot be read", err)
	}
	cp, err := verify.OpenCheckpoint(signed, l.signing.Verifiers)
	if err != nil {
		return nil //nolint:nilerr // a retired key's, or none: whoever wants to be rid of it could as well remove it
	}
	return l.continues(cp, tree)
}

// continues checks that a tree, whose tiles are on disk, begins with what a checkpoint signed.
func (l *Log) continues(cp verify.Checkpoint, tree tlog.Tree) error {
	if tree.N < cp.Size {
		return exeunt.Errorf(exeunt.Conflict, "the log has %d entries on disk, but a checkpoint over %d was signed: a part is missing; restore it from the backup", tree.N, cp.Size)
	}
	if tree.N == 0 {
		return nil
	}
	reader := tlog.TileHashReader(tree, l.tiles)
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil || !bytes.Equal(root[:], tree.Hash[:]) {
		return damaged(err)
	}
	if cp.Size == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(tree.N, cp.Size, reader)
	if err == nil {
		err = tlog.CheckTree(proof, tree.N, tree.Hash, cp.Size, cp.Root)
	}
	if err != nil {
		return damaged(err)
	}
	return nil
}
