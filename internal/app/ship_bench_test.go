package app

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
)

// BenchmarkShip ships what a database has got while its ledger was away: each entry gets its place, goes into the ledger
// and is marked.
func BenchmarkShip(b *testing.B) {
	const backlog = 200_000
	for b.Loop() {
		b.StopTimer()
		p := waiting(b, backlog)
		shipper := ledger.NewShipper(p.store.Outbox(), p.log, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		b.StartTimer()
		go func() { ended <- shipper.Run(ctx) }()
		for shipper.Status().Size < backlog {
			<-time.After(time.Millisecond)
		}
		b.StopTimer()
		stop()
		must(b, <-ended)
		b.StartTimer()
	}
	b.ReportMetric(backlog*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// waiting is a database of so many entries that have no place yet, and an empty ledger.
func waiting(b *testing.B, size int64) *Proofs {
	b.Helper()
	p, dir := filled(b, size, func(*ledger.Log, []exeunt.Record) {})
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "exeunt.db")+"?_pragma=busy_timeout(10000)")
	must(b, err)
	defer db.Close()
	_, err = db.ExecContext(b.Context(), "UPDATE outbox SET n = NULL, seq = NULL, leaf = NULL, hash = NULL, log_index = NULL")
	must(b, err)
	return p
}
