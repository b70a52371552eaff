package store_test

import (
	"fmt"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
	"github.com/exeunt/exeunt/internal/testserver"
)

// BenchmarkCommit is one durable transaction: a step's intent, or its end, with its ledger entry.
func BenchmarkCommit(b *testing.B) {
	for _, on := range []struct {
		name    string
		address func() string
	}{{"sqlite", func() string { return "" }}, {"postgresql", func() string { return testserver.Postgres(b) }}} {
		b.Run(on.name, func(b *testing.B) {
			s, err := store.Open(b.Context(), b.TempDir(), on.address(), "bench.example/log")
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(s.Close)
			if _, err := s.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			step := storetest.Open(b, s, storetest.Departure("E1", "2026-11-20"), now).Steps[0]
			for b.Loop() {
				change := step.Intend(exeunt.Account{ID: "a"}, exeunt.Observation{}, now)
				if err := s.Commit(b.Context(), &change); err != nil {
					b.Fatal(err)
				}
				step = change.Steps[0]
			}
		})
	}
}

// BenchmarkCases is the list of cases that need attention, among many.
func BenchmarkCases(b *testing.B) {
	s := storetest.SQLite(b)
	for i := range 10_000 {
		change := storetest.Open(b, s, storetest.Departure(fmt.Sprintf("E%d", i), "2026-11-20"), now)
		if i%50 == 0 {
			failed := change.Steps[0].Finish(exeunt.Outcome{Kind: exeunt.GaveUp}, now)
			if err := s.Commit(b.Context(), &failed); err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		if _, err := s.Everything().Cases(b.Context(), store.CaseQuery{State: "attention"}, now); err != nil {
			b.Fatal(err)
		}
	}
}
