package ledger

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/transparency-dev/tessera"
)

// Append adds records at the end of the log; once it returns nil, each stands at the index that is its
// N. First their bodies are made durable, then the leaves are added, and it waits until they are
// integrated, which is durable too; signing and witnesses come later and hold up nobody.
//
// Records that are in the log already are left as they are, so that an append may be repeated by whoever
// lost its answer, and by a second shipper. What would be a fork, another leaf where one stands, or a
// gap is a Conflict.
//
// After an error some of the records may be in the log, always the first ones.
func (l *Log) Append(ctx context.Context, records []exeunt.Record) error {
	leaves, err := l.check(records)
	if err != nil || len(records) == 0 {
		return err
	}
	l.appending.Lock()
	defer l.appending.Unlock()
	if l.shutdown == nil {
		return exeunt.Errorf(exeunt.Temporary, "the ledger is closed")
	}
	known, err := l.known(ctx, records)
	if err != nil || known == len(records) {
		return err
	}
	records, leaves = records[known:], leaves[known:]
	if err := checkFree(l.dir, l.opts.MinFree); err != nil {
		return err
	}
	return l.extend(ctx, records, leaves)
}

// extend makes the bodies of each group durable and then adds its leaves. While the log takes the leaves of one group, the
// bodies of the next are written: both wait for the disk most of the time. Bodies whose leaves never arrive are taken for
// nothing, and written over.
func (l *Log) extend(ctx context.Context, records []exeunt.Record, leaves []exeunt.Leaf) error {
	end := min(batchSize, len(records))
	if err := l.bodies.add(ctx, records[:end], leaves[:end]); err != nil {
		return err
	}
	for first := 0; first < len(records); {
		ahead := min(end+batchSize, len(records))
		durable := make(chan error, 1)
		go func(from int) {
			if from == ahead {
				durable <- nil
				return
			}
			durable <- l.bodies.add(ctx, records[from:ahead], leaves[from:ahead])
		}(end)
		var failed error
		for first < end && failed == nil {
			var added int
			added, failed = l.addGroup(records[first:end])
			first += added
		}
		if err := <-durable; failed != nil || err != nil {
			return cmp.Or(failed, err)
		}
		end = ahead
	}
	return nil
}

// known is how many of the records are in the log already, always the first ones.
func (l *Log) known(ctx context.Context, records []exeunt.Record) (int, error) {
	size, err := l.Size(ctx)
	if err != nil {
		return 0, err
	}
	first := records[0].N
	if first > size {
		return 0, exeunt.Errorf(exeunt.Conflict, "the ledger has %d entries, so entry n %d cannot be the next: those between are missing; the database and the ledger are not from the same time, or rows were deleted", size, first)
	}
	known := int(min(size-first, int64(len(records))))
	if known == 0 {
		return 0, nil
	}
	for entry, err := range l.Entries(ctx, first) {
		if err != nil {
			return 0, err
		}
		r := records[entry.Index-first]
		if !bytes.Equal(entry.Leaf, r.Leaf) {
			return 0, exeunt.Errorf(exeunt.Conflict, "entry n %d (event %s) is not the one that stands at that place of the ledger: taking it would fork the record; one of the two was restored from a backup or changed", r.N, r.EventID)
		}
		if entry.Index == first+int64(known)-1 {
			break
		}
	}
	return known, nil
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
		var body struct {
			ID   string           `json:"id"`
			Kind exeunt.EntryKind `json:"kind"`
		}
		switch {
		case leaf.Source != l.origin:
			why = "its leaf was written for another log"
		case leaf.N != r.N || r.N != records[0].N+int64(i):
			why = "its number is not the next one"
		case leaf.Case != r.Case:
			why = "its leaf names another case"
		case leaf.Case != "" && r.Holder != "" && r.Holder != leaf.Case:
			why = "another case's key is to seal it"
		case leaf.Commit != exeunt.Commitment(r.Salt, r.Body):
			why = "its leaf does not commit to its body"
		case json.Unmarshal(r.Body, &body) != nil || body.ID == "" || body.ID != r.EventID:
			why = "its body is not the entry with its event id"
		case len(r.Body) > exeunt.MaxBody:
			why = fmt.Sprintf("its body is larger than %d bytes", exeunt.MaxBody)
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

// addGroup adds as many leaves as surely go into one batch of Tessera, waits for all of them, and says
// how many.
//
// Tessera ends a batch at its size or when its first entry reaches BatchAge, and a batch that fails
// (a full disk) does not keep the next one from being integrated in its place. A group that
// straddled two batches could so lose its first half and keep its second. Hence a group stops growing
// at half that age.
func (l *Log) addGroup(records []exeunt.Record) (added int, err error) {
	var futures []tessera.IndexFuture
	begun := time.Now()
	for _, r := range records {
		if len(futures) == batchSize || time.Since(begun) > l.opts.BatchAge/2 {
			break
		}
		futures = append(futures, l.add(l.done, tessera.NewEntry(r.Leaf)))
	}
	for i, future := range futures {
		index, failed := future()
		switch {
		case err != nil:
		case failed != nil:
			err = diskError("the log could not be extended", failed)
		case int64(index.Index) != records[i].N:
			err = exeunt.Errorf(exeunt.Conflict, "entry n %d stands at index %d of the log: something else writes to it; stop it, and verify the log", records[i].N, index.Index)
		}
	}
	return len(futures), err
}
