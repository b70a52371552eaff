package ledger

import (
	"context"
	"encoding/json"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/transparency-dev/tessera"
)

// Append adds records at the end of the log and returns their indexes. First their bodies are made
// durable, then the leaves are added, and it waits until they are integrated, which is durable too;
// signing and witnesses come later and hold up nobody.
//
// Records have to continue the log: the first one's N is the log's size. That makes a repeated or a
// lost append a Conflict instead of a double or a gap.
//
// After an error some of the records may be in the log, always the first ones. Whoever calls finds
// out with [Log.Entries]; see [Shipper].
func (l *Log) Append(ctx context.Context, records []exeunt.Record) ([]int64, error) {
	leaves, err := l.check(records)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	l.appending.Lock()
	defer l.appending.Unlock()
	if l.shutdown == nil {
		return nil, exeunt.Errorf(exeunt.Temporary, "the ledger is closed")
	}
	size, err := l.Size(ctx)
	if err != nil {
		return nil, err
	}
	if records[0].N != size {
		return nil, exeunt.Errorf(exeunt.Conflict, "the ledger has %d entries, so entry n %d cannot be the next: the database and the ledger are not from the same time", size, records[0].N)
	}
	if err := checkFree(l.dir, l.opts.MinFree); err != nil {
		return nil, err
	}
	if err := l.bodies.add(ctx, records, leaves); err != nil {
		return nil, err
	}
	indexes := make([]int64, 0, len(records))
	for len(indexes) < len(records) {
		group, err := l.addGroup(records[len(indexes):])
		if err != nil {
			return nil, err
		}
		indexes = append(indexes, group...)
	}
	return indexes, nil
}

// check refuses what would be in the log for ever and never verify.
func (l *Log) check(records []exeunt.Record) ([]exeunt.Leaf, error) {
	leaves := make([]exeunt.Leaf, len(records))
	for i, r := range records {
		leaf, err := verify.DecodeLeaf(r.Leaf)
		if err != nil {
			return nil, exeunt.Errorf(exeunt.Invalid, "entry n %d cannot be logged: %w", r.N, err)
		}
		why := ""
		var body exeunt.Entry
		switch {
		case leaf.Source != l.origin:
			why = "its leaf was written for another log"
		case leaf.N != r.N || r.N != records[0].N+int64(i):
			why = "its number is not the next one"
		case leaf.Case != r.Case:
			why = "its leaf names another case"
		case leaf.Commit != exeunt.Commitment(r.Salt, r.Body):
			why = "its leaf does not commit to its body"
		case json.Unmarshal(r.Body, &body) != nil || body.ID == "" || body.ID != r.EventID:
			why = "its body is not the entry with its event id"
		case exeunt.LeafKindOf(body.Kind) != leaf.Kind:
			why = "its leaf is not of the kind that its body tells of"
		}
		if why != "" {
			return nil, exeunt.Errorf(exeunt.Invalid, "entry n %d cannot be logged: %s", r.N, why)
		}
		leaves[i] = leaf
	}
	return leaves, nil
}

// addGroup adds as many leaves as surely go into one batch of Tessera, and waits for all of them.
//
// Tessera ends a batch at its size or when its first entry reaches BatchAge, and a batch that fails
// (a full disk) does not keep the next one from being integrated in its place. A group that
// straddled two batches could so lose its first half and keep its second. Hence a group stops growing
// at half that age.
func (l *Log) addGroup(records []exeunt.Record) ([]int64, error) {
	var futures []tessera.IndexFuture
	begun := time.Now()
	for _, r := range records {
		if len(futures) == batchSize || time.Since(begun) > l.opts.BatchAge/2 {
			break
		}
		futures = append(futures, l.add(l.done, tessera.NewEntry(r.Leaf)))
	}
	indexes := make([]int64, len(futures))
	var first error
	for i, future := range futures {
		index, err := future()
		if err != nil && first == nil {
			first = diskError("the log could not be extended", err)
		}
		if indexes[i] = int64(index.Index); err == nil && indexes[i] != records[i].N && first == nil {
			first = exeunt.Errorf(exeunt.Conflict, "entry n %d stands at index %d of the log: something else writes to it; stop it, and verify the log", records[i].N, indexes[i])
		}
	}
	return indexes, first
}
