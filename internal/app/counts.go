package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// counts are what the log has opened and closed so far.
type counts struct {
	opened, closed []int64 // the numbers of those entries
	manifest       int64   // of how many entries the newest manifest told
}

// see takes the next leaf.
func (c *counts) see(leaf exeunt.Leaf) {
	switch leaf.Kind {
	case exeunt.LeafOpen:
		c.opened = append(c.opened, leaf.N)
	case exeunt.LeafClose:
		c.closed = append(c.closed, leaf.N)
	default: // counts nothing
	}
}

// against holds a manifest against the log before it. It counted entries first and then cases, and both before it got its
// own place: what it says of cases lies between what the log had by the entries that it counted, and what the log has
// before the manifest itself.
func (c *counts) against(n int64, told map[string]string) (found []exeunt.Difference) {
	differs := func(what string, args ...any) {
		found = append(found, exeunt.Difference{Where: "the log", Entry: n, Field: "manifest", What: fmt.Sprintf(what, args...)})
	}
	var said [3]int64
	for i, name := range []string{"entries", "cases", "closed"} {
		count, err := strconv.ParseInt(told[name], 10, 64)
		if err != nil || count < 0 {
			differs("it does not say how many %s there were", name)
			return found
		}
		said[i] = count
	}
	entries := said[0]
	if entries > n || entries < c.manifest {
		differs("it counts %d entries, and stands at place %d; the one before it told of %d", entries, n, c.manifest)
		return found
	}
	c.manifest = entries
	for _, of := range []struct {
		what string
		said int64
		at   []int64
	}{{"cases", said[1], c.opened}, {"closed cases", said[2], c.closed}} {
		least, _ := slices.BinarySearch(of.at, entries)
		if of.said < int64(least) || of.said > int64(len(of.at)) {
			differs("it counts %d %s, and the log has %d by entry %d and %d by the manifest", of.said, of.what, least, entries, len(of.at))
		}
	}
	return found
}

// compareCounts sees that the log has not become shorter than the database knows it, and that no case is without
// a record. The log is asked after the marks: what is marked was in the log before.
func (p *Proofs) compareCounts(ctx context.Context, run *store.CheckRun) error {
	last, err := p.store.Outbox().LastShipped(ctx)
	if err != nil {
		return asDifference(err, "the database", &run.Differences)
	}
	size, err := p.log.Size(ctx)
	if err != nil {
		return err
	}
	if last >= size {
		run.Differences.Add(exeunt.Difference{Where: "the log", Entry: -1, What: fmt.Sprintf("the database has entries up to place %d in the log, and the log has %d entries: the ledger was restored from an older backup, or its end was cut off", last, size)})
	}
	ids, err := p.store.Outbox().Unrecorded(ctx)
	for _, id := range ids {
		run.Differences.Add(exeunt.Difference{Where: "the database", Entry: -1, Field: "cases", What: "case " + id.String() + " has no entry: it was written into the database by hand, or its entries were deleted"})
	}
	if err != nil {
		return asDifference(err, "the database", &run.Differences)
	}
	return p.compareCases(ctx, run)
}

// compareCases sees that every case of the log is in the database.
func (p *Proofs) compareCases(ctx context.Context, run *store.CheckRun) error {
	there, err := p.store.Outbox().Cases(ctx) // after the log: a case is in the database before
	if err != nil || there >= run.Cases {
		return asDifference(err, "the database", &run.Differences)
	}
	run.Differences.Add(exeunt.Difference{Where: "the database", Entry: -1, Field: "cases", What: fmt.Sprintf("it has %d cases, and the log has opened %d: some were deleted", there, run.Cases)})
	ids, err := p.store.Outbox().Removed(ctx)
	for _, id := range ids {
		run.Differences.Add(exeunt.Difference{Where: "the database", Entry: -1, Field: "cases", What: "case " + id.String() + " has entries and is not there: its row was deleted"})
	}
	return asDifference(err, "the database", &run.Differences)
}
