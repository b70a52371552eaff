package store_test

import (
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// Entries may be large: what is on its way to the ledger is bounded in bytes, and still all of it goes.
func TestLargeEntriesGoInSeveralGoes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const entries = 80 // of a quarter of a megabyte
		for range entries {
			change := exeunt.Change{}
			change.Record(exeunt.EntryAlert, nil, now, "something", map[string]string{"list": strings.Repeat("x", exeunt.MaxBody-1000)})
			must(t, s.Commit(t.Context(), &change))
		}
		o := s.Outbox()
		placed, goes := 0, 0
		for ; placed < entries; goes++ {
			n, err := o.Sequence(t.Context(), 1024)
			must(t, err)
			if n == 0 {
				t.Fatalf("%d of %d entries got a place", placed, entries)
			}
			placed += n
		}
		shipped := int64(0)
		for ; shipped < entries; goes++ {
			records, err := o.Unshipped(t.Context(), 1024)
			must(t, err)
			if len(records) == 0 || records[0].N != shipped {
				t.Fatalf("%d records after %d of %d entries", len(records), shipped, entries)
			}
			shipped += int64(len(records))
			_, err = o.MarkShipped(t.Context(), records[0].N, shipped-1)
			must(t, err)
		}
		if goes != 4 {
			t.Errorf("20 MB took %d goes", goes)
		}
	})
}
