package ledger_test

import (
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// Many records go into the log in groups, the bodies of one being written while the log takes the one before. No leaf is in
// the log without its body, also where those of a later group cannot be written.
func TestBodiesAreThereBeforeTheirLeaves(t *testing.T) {
	const group, all = 1024, 3*1024 + 7
	o := ledgertest.New()
	for id := exeunt.CaseID(1); len(sequenced(t, o)) < all; id++ {
		o.Add(ledgertest.Handle(id), ledgertest.Entries(id, 48, true)...)
	}
	records := sequenced(t, o)[:all]
	spoilt := append([]exeunt.Record(nil), records...)
	spoilt[2*group+9] = again(t, records[0], records[2*group+9])
	l := openLog(t, t.TempDir())
	holds := func(size int64) {
		t.Helper()
		found, err := l.Check(t.Context(), nil)
		if err != nil || found.Bodies != size || found.Differences.Count != 0 {
			t.Errorf("%d bodies where %d entries are due, %+v, %v", found.Bodies, size, found.Differences, err)
		}
	}
	if err := l.Append(t.Context(), spoilt); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("an event that is there already: %v", err)
	}
	holds(2 * group)
	appendAll(t, l, records)
	holds(all)
}

// again is what was logged, at the place of another record.
func again(t *testing.T, logged, at exeunt.Record) exeunt.Record {
	t.Helper()
	leaf, err := verify.DecodeLeaf(at.Leaf)
	must(t, err)
	at.EventID, at.Body, at.Salt = logged.EventID, logged.Body, logged.Salt
	leaf.Kind, leaf.Count, leaf.Commit = exeunt.LeafOpen, 0, exeunt.Commitment(at.Salt, at.Body)
	at.Leaf = leaf.Encode()
	return at
}
