package remote_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/ledger/remote"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/testserver"
)

// BenchmarkShip takes entries that are committed through sequencer, socket, bodies, log and marks.
func BenchmarkShip(b *testing.B) {
	for name, database := range map[string]func(testing.TB) string{"SQLite": func(testing.TB) string { return "" }, "PostgreSQL": testserver.Postgres} {
		b.Run(name, func(b *testing.B) {
			s, err := store.Open(b.Context(), b.TempDir(), database(b), ledgertest.Origin)
			must(b, err)
			defer s.Close()
			_, err = s.Migrate(b.Context())
			must(b, err)
			l, err := ledger.Open(b.Context(), b.TempDir(), ledgertest.Origin, ledger.Options{Logger: slog.New(slog.DiscardHandler)})
			must(b, err)
			defer l.Close()
			address := "unix://" + filepath.Join(b.TempDir(), "ledger.sock")
			server, err := remote.Open(b.Context(), l, remote.Options{Address: address, Logger: slog.New(slog.DiscardHandler)})
			must(b, err)
			go func() { _ = server.Serve() }()
			defer server.Close()
			for left := b.N; left > 0; left -= 500 {
				var change exeunt.Change
				for range min(left, 500) {
					change.Record(exeunt.EntryAlert, 0, time.Now(), "Ida Novak completed the task of blocking a badge", map[string]string{"before": "active", "after": "blocked", "reason": "last day"})
				}
				must(b, s.Commit(b.Context(), &change))
			}
			shipper := ledger.NewShipper(s.Outbox(), client(b, ledgertest.Origin, address), slog.New(slog.DiscardHandler))
			b.ResetTimer()
			go func() { _ = shipper.Run(b.Context()) }()
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for shipper.Status().Size < int64(b.N) {
				<-tick.C
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
