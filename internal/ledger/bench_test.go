package ledger_test

import (
	"fmt"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
)

func benchLog(b *testing.B, dir string) *ledger.Log {
	b.Helper()
	l, err := ledger.Open(b.Context(), dir, ledgertest.Origin, ledger.Options{Logger: quick.Logger})
	must(b, err)
	b.Cleanup(func() { l.Close() })
	return l
}

// BenchmarkAppend measures groups of one (an interactive commit) and of a full batch.
func BenchmarkAppend(b *testing.B) {
	for _, group := range []int{1, 1024} {
		b.Run(fmt.Sprint(group), func(b *testing.B) {
			o := ledgertest.New()
			l := benchLog(b, b.TempDir())
			n := 0
			for id := exeunt.CaseID(1); b.Loop(); id++ {
				b.StopTimer()
				o.Add(ledgertest.Handle(id), ledgertest.Entries(id, group, false)[:group]...)
				records := sequenced(b, o)[n:]
				b.StartTimer()
				appendAll(b, l, records)
				n += group
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkPacket gathers a case of 50 entries that are spread over a log of so many.
func BenchmarkPacket(b *testing.B) {
	for _, entries := range []int{50_000, 1_000_000} {
		b.Run(fmt.Sprint(entries), func(b *testing.B) {
			l := spreadLog(b, b.TempDir(), entries)
			for b.Loop() {
				p, err := l.Packet(b.Context(), ledgertest.Handle(7))
				if err != nil || len(p.Entries) != 50 {
					b.Fatal(len(p.Entries), err)
				}
			}
		})
	}
}

// BenchmarkVerifyLog verifies a log of 50,000 entries.
func BenchmarkVerifyLog(b *testing.B) {
	dir := b.TempDir()
	l := spreadLog(b, dir, 50_000)
	must(b, l.Close())
	var size int64
	for b.Loop() {
		r, err := verifyDir(b, dir, verifierOf(b, l))
		must(b, err)
		size += r.Size
	}
	b.ReportMetric(float64(size)/b.Elapsed().Seconds(), "entries/s")
}

// spreadLog is a log of cases of 50 entries each, one of every case after the other.
func spreadLog(b *testing.B, dir string, entries int) *ledger.Log {
	b.Helper()
	const each = 50
	o := ledgertest.New()
	lists := make([][]exeunt.Entry, entries/each)
	for i := range lists {
		lists[i] = ledgertest.Entries(exeunt.CaseID(i+1), each-2, true)
	}
	for i := range each {
		for c, list := range lists {
			o.Add(ledgertest.Handle(exeunt.CaseID(c+1)), list[i])
		}
	}
	l := benchLog(b, dir)
	appendAll(b, l, sequenced(b, o))
	_, err := l.Packet(b.Context(), ledgertest.Handle(7)) // waits until all is signed
	must(b, err)
	return l
}
