package store_test

import (
	"slices"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// Nodes commit out of order, and people edit rows: whatever lies where, every row that has a number is read once, in the
// order of the numbers.
func TestRowsAreReadInTheOrderOfTheirNumbers(t *testing.T) {
	for name, statements := range map[string][]string{
		"as they were written":  nil,
		"exchanged":             {"UPDATE outbox SET n = -1 WHERE n = 2", "UPDATE outbox SET n = 2 WHERE n = 5", "UPDATE outbox SET n = 5 WHERE n = -1"},
		"the first lies last":   {"UPDATE outbox SET n = -1 WHERE n = 0", "UPDATE outbox SET n = 0 WHERE n = 7", "UPDATE outbox SET n = 7 WHERE n = -1"},
		"one is not there":      {"DELETE FROM outbox WHERE n = 3"},
		"the first is not":      {"DELETE FROM outbox WHERE n = 0"},
		"others lie in between": {"UPDATE outbox SET n = NULL WHERE n = 3", "UPDATE outbox SET n = 3 WHERE n = 7"},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				for range 8 {
					change := exeunt.Change{}
					change.Record(exeunt.EntryAlert, nil, now, "something", nil)
					must(t, s.Commit(t.Context(), &change))
				}
				_, err := s.Outbox().Sequence(t.Context(), 100)
				must(t, err)
				for _, statement := range statements {
					storetest.Exec(t, s, statement)
				}
				var got []int64
				for row, err := range s.Outbox().Logged(t.Context(), 0) {
					must(t, err)
					got = append(got, row.N)
				}
				if due := storetest.Count(t, s, "SELECT COUNT(*) FROM outbox WHERE n >= 0"); !slices.IsSorted(got) || len(slices.Compact(got)) != due {
					t.Errorf("rows %v where %d are due", got, due)
				}
			})
		})
	}
}
