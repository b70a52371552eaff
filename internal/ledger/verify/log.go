package verify

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"math/bits"
	"strconv"

	"github.com/exeunt/exeunt"
	"golang.org/x/mod/sumdb/tlog"
)

// LogOptions say how a log is verified.
type LogOptions struct {
	Keys     []string                                                  // trusted verifier keys, at least one
	Earlier  []Checkpoint                                              // checkpoints of the same log that somebody kept: the log has to begin with what they signed
	Progress func(done, total int64)                                   // called now and then with leaves; may be nil
	Each     func(index int64, leaf exeunt.Leaf, encoded []byte) error // called for each leaf that held, to compare with a database; may be nil. Texts are parts of a larger one: what is kept is to be cloned
}

// LogReport is what a verified log is known to be.
type LogReport struct {
	Checkpoint
	Cases map[string]Tail // by handle, "" for what concerns the installation
}

// Log verifies a whole log: the checkpoint's signature, every entry against every hash tile up to
// the signed root, and the history that the leaves form. Only what is signed is looked at: entries
// that a running server added since its last checkpoint are left out.
//
// Bundles are read and hashed on all processors, and taken in order. Memory is bounded by the number of cases;
// bodies are no part of a log.
func Log(files fs.FS, o LogOptions) (LogReport, error) {
	raw, err := fs.ReadFile(files, "checkpoint")
	if err != nil {
		return LogReport{}, unreadable("checkpoint", err)
	}
	cp, err := OpenCheckpoint(raw, o.Keys)
	if err != nil {
		return LogReport{}, err
	}
	for _, e := range o.Earlier {
		if e.Origin != cp.Origin || e.Size > cp.Size {
			return LogReport{}, fault("checkpoint", "it is over %d entries of %q, but an earlier one was over %d of %q: entries were cut off, or it is another log", cp.Size, cp.Origin, e.Size, e.Origin)
		}
	}
	s := &scan{tiles: Tiles{files}, opts: o, chain: chain{source: cp.Origin, cases: map[string]*Tail{}}}
	for b := range s.tiles.bundles(cp.Size) {
		if err := s.bundle(b); err != nil {
			return LogReport{}, err
		}
		if o.Progress != nil {
			o.Progress(s.index, cp.Size)
		}
	}
	if err := s.finish(cp); err != nil {
		return LogReport{}, err
	}
	report := LogReport{Checkpoint: cp, Cases: map[string]Tail{}}
	for handle, t := range s.chain.cases {
		report.Cases[handle] = *t
	}
	return report, nil
}

// Covers says whether a verified packet has everything that the log holds of its case. A packet
// alone cannot show that nothing was added to the case after its last entry.
func (r LogReport) Covers(p Report) error {
	t, ok := r.Cases[p.Case.Handle]
	switch {
	case r.Origin != p.Origin:
		return fault(p.Case.Handle, "the packet is from the log %q, this is %q", p.Origin, r.Origin)
	case !ok:
		return fault(p.Case.Handle, "the log has no such case")
	case t.Leaves < int64(len(p.Entries)):
		return fault(p.Case.Handle, "the packet has %d entries, this log only %d: take a newer copy of the log", len(p.Entries), t.Leaves)
	case t.Leaves > int64(len(p.Entries)):
		return fault(p.Case.Handle, "the packet has %d entries, the log has %d: the last %d are left out or came later", len(p.Entries), t.Leaves, t.Leaves-int64(len(p.Entries)))
	case t.Last != p.Last:
		return fault(p.Case.Handle, "the packet's last entry is not the one in this log")
	}
	return nil
}

// scan goes through a log once, from left to right, and rebuilds its hash tiles.
type scan struct {
	tiles  Tiles
	opts   LogOptions
	index  int64
	levels [][]tlog.Hash // per level, the hashes of the tile that is being filled
	counts []int64       // per level, how many full tiles went before it
	chain  chain
}

// bundle adds the entries of a bundle, which hold by themselves, to the history and the tree.
func (s *scan) bundle(b *bundle) error {
	for i, leaf := range b.leaves {
		if err := s.chain.add(leaf, b.hashes[i], s.index); err != nil {
			return fault(b.where(i), "%v", err)
		}
		if s.opts.Each != nil {
			if err := s.opts.Each(s.index, leaf, b.entries[i]); err != nil {
				return err
			}
		}
		s.index++
	}
	if b.err != nil {
		return b.err
	}
	if err := s.earlier(b); err != nil {
		return err
	}
	if len(b.hashes) < tileWidth {
		return s.pushAll(b.hashes)
	}
	return s.full(b.root)
}

// earlier compares the checkpoints that were signed within a bundle with the tree as it was then.
func (s *scan) earlier(b *bundle) error {
	first := s.index - int64(len(b.hashes))
	for _, e := range s.opts.Earlier {
		if e.Size <= first || e.Size > s.index {
			continue
		}
		levels := append([][]tlog.Hash{b.hashes[:e.Size-first]}, s.levels[min(1, len(s.levels)):]...)
		if rootOf(levels) != e.Root {
			return fault("checkpoint", "an earlier checkpoint over %d entries was signed for other entries than these: the log was rewritten", e.Size)
		}
	}
	return nil
}

func (s *scan) pushAll(hashes []tlog.Hash) error {
	for _, h := range hashes {
		if err := s.push(0, h); err != nil {
			return err
		}
	}
	return nil
}

// full adds a full bundle by the root of its hash tile, which was compared already.
func (s *scan) full(root tlog.Hash) error {
	if len(s.levels) == 0 {
		s.levels, s.counts = [][]tlog.Hash{nil}, []int64{0}
	}
	s.counts[0]++
	return s.push(1, root)
}

// push adds a hash to a level of the tiled tree; a tile that is full is compared with its file and
// its own hash goes one level up.
func (s *scan) push(level int, h tlog.Hash) error {
	if level == len(s.levels) {
		s.levels, s.counts = append(s.levels, make([]tlog.Hash, 0, tileWidth)), append(s.counts, 0)
	}
	s.levels[level] = append(s.levels[level], h)
	if len(s.levels[level]) < tileWidth {
		return nil
	}
	if err := s.tile(level); err != nil {
		return err
	}
	h = perfect(s.levels[level])
	s.levels[level] = s.levels[level][:0]
	s.counts[level]++
	return s.push(level+1, h)
}

// tile compares the hashes of one level with what the file has.
func (s *scan) tile(level int) error {
	return s.tiles.compare(level, s.counts[level], s.levels[level])
}

// compare compares the hashes of a tile with what the file has.
func (t Tiles) compare(level int, n int64, hashes []tlog.Hash) error {
	want := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		want = append(want, h[:]...)
	}
	raw, name, err := t.read(strconv.Itoa(level), n, len(hashes))
	if err != nil {
		return err
	}
	below := "the tiles below it"
	if level == 0 {
		below = TilePath("entries", n)
	}
	if err := samePrefix(name, below, raw, want); err != nil {
		return err
	}
	return t.partials(strconv.Itoa(level), n, want, func(w int) (int, bool) { return w * tlog.HashSize, w <= len(hashes) })
}

// samePrefix compares a file with what it should begin with. Only a full tile may go on, where the log
// has grown since the checkpoint.
func samePrefix(name, below string, raw, want []byte) error {
	const full = tileWidth * tlog.HashSize
	switch {
	case !bytes.HasPrefix(raw, want):
		return fault(name, "its hashes are not those of %s: one of the two was changed", below)
	case len(raw) > len(want) && len(raw) != full:
		return fault(name, "%d bytes follow its last hash", len(raw)-len(want))
	}
	return nil
}

// partials checks the files of smaller widths that were not yet collected: clients that hold an
// older checkpoint read them. endOf says where the first w items of want end, if it has so many.
func (t Tiles) partials(level string, n int64, want []byte, endOf func(w int) (int, bool)) error {
	dir := TilePath(level, n) + ".p"
	list, err := fs.ReadDir(t.Files, dir)
	if err != nil {
		return nil // none, or files that cannot be listed such as those behind a web server
	}
	for _, item := range list {
		w, err := strconv.Atoi(item.Name())
		if err != nil || w < 1 || w >= tileWidth {
			continue // what a killed writer left behind; nobody asks for it
		}
		name := dir + "/" + item.Name()
		raw, err := fs.ReadFile(t.Files, name)
		if err != nil {
			return unreadable(name, err)
		}
		end, within := endOf(w)
		if within && !bytes.Equal(raw, want[:end]) || !within && !bytes.HasPrefix(raw, want) {
			return fault(name, "it differs from the log at a later size")
		}
	}
	return nil
}

// finish compares the unfilled tile of each level, and the root.
func (s *scan) finish(cp Checkpoint) error {
	for level, hashes := range s.levels {
		if len(hashes) > 0 {
			if err := s.tile(level); err != nil {
				return err
			}
		}
	}
	if root := rootOf(s.levels); root != cp.Root {
		return fault("checkpoint", "the %d entries hash to %s, but the signed root is %s", cp.Size, root, cp.Root)
	}
	return nil
}

// rootOf folds what the levels hold beside their full tiles, from the right edge of the tree
// inwards, as RFC 6962 section 2.1 splits a tree that is not a power of two.
func rootOf(levels [][]tlog.Hash) tlog.Hash {
	var right *tlog.Hash
	for _, hashes := range levels {
		for len(hashes) > 0 {
			whole := 1 << bits.TrailingZeros(uint(len(hashes))) // the smallest subtree, at the right edge
			hash := perfect(hashes[len(hashes)-whole:])
			if right != nil {
				hash = tlog.NodeHash(hash, *right)
			}
			right, hashes = &hash, hashes[:len(hashes)-whole]
		}
	}
	if right == nil {
		return sha256.Sum256(nil) // of the empty tree
	}
	return *right
}

// perfect hashes a subtree whose number of leaves is a power of two.
func perfect(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := len(hashes) / 2
	return tlog.NodeHash(perfect(hashes[:half]), perfect(hashes[half:]))
}
