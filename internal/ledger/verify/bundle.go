package verify

import (
	"iter"
	"runtime"
	"strconv"
	"sync"

	"github.com/exeunt/exeunt"
	"golang.org/x/mod/sumdb/tlog"
)

// bundle is up to 256 entries as their file has them, with what can be said of them without those before.
type bundle struct {
	name    string // of the file
	first   int64  // index of the first entry
	entries [][]byte
	leaves  []exeunt.Leaf // as many as are leaves
	hashes  []tlog.Hash
	root    tlog.Hash // of the hash tile over a full bundle
	err     error     // why it does not hold
}

// where names an entry for people.
func (b *bundle) where(i int) string {
	return "entry " + strconv.FormatInt(b.first+int64(i), 10) + " (in " + b.name + ")"
}

// bundles reads and hashes the bundles of a log on all processors, and gives them in order.
func (t Tiles) bundles(size int64) iter.Seq[*bundle] {
	return func(yield func(*bundle) bool) {
		workers := runtime.GOMAXPROCS(0)
		inOrder := make(chan chan *bundle, 4*workers) // bounds what is read ahead
		stop := make(chan struct{})
		var running sync.WaitGroup
		defer running.Wait()
		defer close(stop)
		running.Go(func() {
			defer close(inOrder)
			slots := make(chan struct{}, workers)
			for first := int64(0); first < size; first += tileWidth {
				out := make(chan *bundle, 1)
				select {
				case slots <- struct{}{}:
				case <-stop:
					return
				}
				select {
				case inOrder <- out:
				case <-stop:
					return
				}
				running.Go(func() {
					out <- t.bundle(first/tileWidth, int(min(tileWidth, size-first)))
					<-slots
				})
			}
		})
		for out := range inOrder {
			if !yield(<-out) {
				return
			}
		}
	}
}

// bundle reads one bundle, and compares its hash tile when it is full.
func (t Tiles) bundle(n int64, width int) *bundle {
	b := &bundle{first: n * tileWidth}
	var raw []byte
	if raw, b.name, b.err = t.read("entries", n, width); b.err != nil {
		return b
	}
	var end int
	if b.entries, end, b.err = splitBundle(b.name, raw, width); b.err != nil {
		return b
	}
	if b.err = t.partials("entries", n, raw[:end], b.endOf); b.err != nil {
		return b
	}
	b.leaves, b.hashes = make([]exeunt.Leaf, 0, width), make([]tlog.Hash, 0, width)
	text, at := string(raw), 0 // one text for all, of which leaves are parts
	for i, encoded := range b.entries {
		at += 2 + len(encoded)
		leaf, err := decodeLeaf(text[at-len(encoded) : at])
		if err != nil {
			b.err = fault(b.where(i), "%v", err)
			return b
		}
		b.leaves, b.hashes = append(b.leaves, leaf), append(b.hashes, tlog.RecordHash(encoded))
	}
	if width == tileWidth {
		b.root, b.err = perfect(b.hashes), t.compare(0, n, b.hashes)
	}
	return b
}

// endOf says where the first w entries end, if there are so many.
func (b *bundle) endOf(w int) (int, bool) {
	if w > len(b.entries) {
		return 0, false
	}
	end := 0
	for _, e := range b.entries[:w] {
		end += 2 + len(e)
	}
	return end, true
}
