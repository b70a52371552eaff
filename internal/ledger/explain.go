package ledger

import (
	"encoding/hex"
	"io/fs"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"golang.org/x/mod/sumdb/tlog"
)

// Explained is an inclusion proof, step by step, as somebody follows it by hand: from the leaf up to the root that
// is signed. All hashes are in hex.
type Explained struct {
	Index, Size int64
	Leaf        string // as it stands in the log
	LeafHash    string
	Steps       []ProofStep
	Root        string // of the signed checkpoint; the last step gives it
	Key         string // that signed it
}

// ProofStep puts a hash of the proof beside what is known so far.
type ProofStep struct {
	Sibling string
	Left    bool // the sibling stands on the left
	Hash    string
}

// Explain proves from a log's public files that a leaf stands at an index, under the newest checkpoint that one of
// the keys has signed. NotFound when none covers it yet; Conflict when the files do not prove it.
func Explain(files fs.FS, keys []string, index int64) (Explained, error) {
	signed, err := fs.ReadFile(files, "checkpoint")
	if err != nil {
		return Explained{}, diskError("the checkpoint cannot be read", err)
	}
	cp, err := verify.OpenCheckpoint(signed, keys)
	if err != nil {
		return Explained{}, err
	}
	if index < 0 || index >= cp.Size {
		return Explained{}, exeunt.Errorf(exeunt.NotFound, "the signed log has %d entries, there is none at index %d", cp.Size, index)
	}
	tiles := verify.Tiles{Files: files}
	first := index / bundleWidth * bundleWidth
	bundle, err := tiles.Bundle(index/bundleWidth, int(min(bundleWidth, cp.Size-first)))
	if err != nil {
		return Explained{}, err
	}
	proof, err := tlog.ProveRecord(cp.Size, index, tlog.TileHashReader(cp.Tree(), tiles))
	if err != nil {
		return Explained{}, damaged(err)
	}
	leaf := bundle[index-first]
	hash := tlog.RecordHash(leaf)
	e := Explained{Index: index, Size: cp.Size, Leaf: string(leaf), LeafHash: hex.EncodeToString(hash[:]), Root: hex.EncodeToString(cp.Root[:]), Key: cp.Key}
	e.Steps, hash = climb(proof, hash, index, cp.Size)
	if hash != cp.Root {
		return Explained{}, damaged(nil)
	}
	return e, nil
}

// climb follows an inclusion proof as RFC 9162, section 2.1.3.2, has it.
func climb(proof tlog.RecordProof, hash tlog.Hash, index, size int64) ([]ProofStep, tlog.Hash) {
	steps := make([]ProofStep, 0, len(proof))
	last := size - 1
	for _, sibling := range proof {
		left := index&1 == 1 || index == last
		if left {
			hash = tlog.NodeHash(sibling, hash)
			for index&1 == 0 && index != 0 {
				index, last = index>>1, last>>1
			}
		} else {
			hash = tlog.NodeHash(hash, sibling)
		}
		index, last = index>>1, last>>1
		steps = append(steps, ProofStep{hex.EncodeToString(sibling[:]), left, hex.EncodeToString(hash[:])})
	}
	return steps, hash
}
