package app

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/store"
)

// BenchmarkCheck checks ledgers of a size whole: tiles, chains, bodies, and every row of the database. It makes them
// itself, which for the largest takes some minutes and 3 GB of disk; -short leaves that one out.
func BenchmarkCheck(b *testing.B) {
	for _, size := range []int64{100_000, 1_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			if size > 100_000 && testing.Short() {
				b.Skip("left out with -short")
			}
			p := generated(b, size)
			for b.Loop() {
				run, err := p.Run(b.Context(), byItself)
				if err != nil || !run.Holds() || run.Entries != size || run.Bodies != size {
					b.Fatalf("%+v, %v", run, err)
				}
			}
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

const benchOrigin = "bench.example/log"

// generated is a ledger of a size, of cases with twenty entries each, and the rows of the database that it was
// shipped from.
func generated(b *testing.B, size int64) *Proofs {
	b.Helper()
	p, _ := filled(b, size, func(log *ledger.Log, records []exeunt.Record) { must(b, log.Append(b.Context(), records)) })
	for {
		_, cp, err := p.log.(*ledger.Log).Head(b.Context())
		must(b, err)
		if cp.Size == size {
			return p
		}
		<-time.After(50 * time.Millisecond)
	}
}

// filled is a database of so many entries with their places, which are given to each in groups, and an empty ledger.
func filled(b *testing.B, size int64, each func(*ledger.Log, []exeunt.Record)) (p *Proofs, dir string) {
	b.Helper()
	dir = b.TempDir()
	s, err := store.Open(b.Context(), dir, "", benchOrigin)
	must(b, err)
	b.Cleanup(s.Close)
	_, err = s.Migrate(b.Context())
	must(b, err)
	log, err := ledger.Open(b.Context(), filepath.Join(dir, "ledger"), benchOrigin, ledger.Options{Logger: slog.New(slog.DiscardHandler)})
	must(b, err)
	b.Cleanup(func() { _ = log.Close() })
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "exeunt.db")+"?_pragma=synchronous(OFF)&_pragma=busy_timeout(10000)")
	must(b, err)
	defer db.Close()
	for first := int64(0); first < size; first += groupOfBench {
		records := make([]exeunt.Record, 0, groupOfBench)
		tx, err := db.BeginTx(b.Context(), nil)
		must(b, err)
		for n := first; n < min(first+groupOfBench, size); n++ {
			records = append(records, putRow(b, tx, n))
		}
		must(b, tx.Commit())
		each(log, records)
	}
	return &Proofs{store: s, log: log, accesses: newAccesses(s)}, dir
}

const (
	groupOfBench = 20_480
	perCase      = 20
)

var benchHash string // of the leaf before

// putRow writes the nth row: entry n modulo twenty of its case.
func putRow(b *testing.B, tx *sql.Tx, n int64) exeunt.Record {
	b.Helper()
	id, seq := exeunt.CaseID(n/perCase+1), n%perCase
	kind := exeunt.EntryConfirmed
	if seq == 0 {
		kind, benchHash = exeunt.EntryOpened, ""
		_, err := tx.ExecContext(b.Context(), `INSERT INTO cases (id, version, generation, handle, state, leaver_key, search, name, type, department, place, last_day, opened_at, document)
			VALUES ($1, 1, 1, $2, 'running', $2, '', '', '', '', '', '', 1, '{}')`, int64(id), fmt.Sprintf("%032x", int64(id)))
		must(b, err)
	}
	entry := exeunt.Entry{ID: fmt.Sprintf("%032x", n), Kind: kind, At: time.Unix(1_780_000_000+n, 0).UTC(), Actor: "engine", Case: id, System: "directory", Step: "directory/disable",
		What: "account disabled and seen to be", Detail: map[string]string{"account": "S-1-5-21-1004336348", "proof": "observed", "before": "enabled", "after": "disabled"}}
	r := exeunt.Record{N: n, EventID: entry.ID, Case: fmt.Sprintf("%032x", int64(id)), Body: entry.Body()}
	_, _ = rand.Read(r.Salt[:])
	leaf := exeunt.Leaf{Version: 1, Source: benchOrigin, N: n, Case: r.Case, Seq: seq, Prev: benchHash, Kind: exeunt.LeafKindOf(kind), Commit: exeunt.Commitment(r.Salt, r.Body)}
	r.Leaf = leaf.Encode()
	benchHash = exeunt.LeafHash(r.Leaf)
	_, err := tx.ExecContext(b.Context(), `INSERT INTO outbox (event_id, case_id, about, handle, kind, at, actor, system, what, salt, body, n, seq, leaf, hash, log_index)
		VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $11)`,
		r.EventID, int64(id), r.Case, string(kind), entry.At.UnixMicro(), entry.Actor, entry.System, entry.What, hex.EncodeToString(r.Salt[:]), string(r.Body), n, seq, string(r.Leaf), benchHash)
	must(b, err)
	return r
}
