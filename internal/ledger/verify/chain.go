package verify

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/exeunt/exeunt"
	"golang.org/x/mod/sumdb/tlog"
)

// Tail is what is known of one case after its leaves were checked in order.
type Tail struct {
	Leaves int64  // how many, from seq 0 without a gap
	Last   string // hex leaf hash of the last one
	Closed bool   // a close leaf whose count matched was among them
	Erased bool   // an erase leaf was among them
}

// chain holds the rules that make leaves a history: a dense number over the log, and per case a
// dense sequence in which each leaf names the hash of the one before.
type chain struct {
	source string // the log's origin, which every leaf names
	cases  map[string]*Tail
}

// add checks the leaf at a log index against everything that was added before it.
func (c *chain) add(leaf exeunt.Leaf, hash tlog.Hash, index int64) error {
	t := c.cases[leaf.Case]
	if t == nil {
		t = &Tail{}
		c.cases[strings.Clone(leaf.Case)] = t // by itself: it is a part of the text of 256 leaves
	}
	if err := c.place(leaf, t, index); err != nil {
		return err
	}
	if err := kind(leaf); err != nil {
		return err
	}
	t.Leaves++
	t.Last = hex.EncodeToString(hash[:])
	t.Closed = t.Closed || leaf.Kind == exeunt.LeafClose
	t.Erased = t.Erased || leaf.Kind == exeunt.LeafErase
	return nil
}

// place checks where the leaf stands in the log and in its case.
func (c *chain) place(leaf exeunt.Leaf, t *Tail, index int64) error {
	switch {
	case leaf.Version != 1:
		return finding("its leaf has version %d; this program knows version 1", leaf.Version)
	case leaf.Source != c.source:
		return finding("its leaf was written for the log %q, but this is %q: two logs were mixed", leaf.Source, c.source)
	case leaf.N != index:
		return finding("its leaf is numbered n %d but stands at index %d of the log: entries were dropped, repeated or reordered", leaf.N, index)
	case leaf.Seq > t.Leaves:
		return finding("its seq is %d where %d is due: %d of the case's entries before it are missing", leaf.Seq, t.Leaves, leaf.Seq-t.Leaves)
	case leaf.Seq < t.Leaves:
		return finding("its seq is %d where %d is due: an entry is repeated or out of order", leaf.Seq, t.Leaves)
	case leaf.Prev != t.Last:
		return finding("its prev is not the hash of the case's entry before it: one of the two was exchanged")
	}
	return nil
}

// kind checks what a leaf's kind demands of its other fields.
func kind(leaf exeunt.Leaf) error {
	first := leaf.Seq == 0
	switch leaf.Kind {
	case exeunt.LeafOpen, exeunt.LeafClose, exeunt.LeafErase:
		if leaf.Case == "" {
			return finding("a leaf of kind %s belongs to no case", leaf.Kind)
		}
	case exeunt.LeafManifest:
		if leaf.Case != "" {
			return finding("a manifest leaf stands in a case")
		}
	case exeunt.LeafEvent:
	default:
		return finding("no such kind of leaf: %q", leaf.Kind)
	}
	switch {
	case leaf.Case != "" && first != (leaf.Kind == exeunt.LeafOpen):
		return finding("its kind is %s at seq %d: a case has one open leaf, and it is the first", leaf.Kind, leaf.Seq)
	case leaf.Kind == exeunt.LeafClose && leaf.Count != leaf.Seq+1:
		return finding("it closes the case with a count of %d, but it is entry number %d", leaf.Count, leaf.Seq+1)
	case leaf.Kind != exeunt.LeafClose && leaf.Count != 0:
		return finding("a leaf of kind %s carries a count", leaf.Kind)
	}
	return nil
}

// finding is a fault whose place the caller adds.
func finding(format string, args ...any) error { return fmt.Errorf(format, args...) }
