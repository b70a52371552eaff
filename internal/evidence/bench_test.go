package evidence_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/evidence"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
)

// A log of a million entries: so many cases, of so many entries each, that all run at the same time, so that the
// entries of one are spread over all of it.
const (
	benchCases   = 20_000
	benchEntries = 50
)

// BenchmarkEvidence measures what an export does for a case of 50 entries in a log of a million: gather it from the
// ledger with its proofs, write its documents and the packet, and verify that; and to verify a packet by itself.
// To make the log takes some minutes.
func BenchmarkEvidence(b *testing.B) {
	l, o := millionLog(b)
	c, handle, about := caseOf(7), ledgertest.Handle(7), "documents of 7"
	p, err := l.Packet(b.Context(), handle)
	must(b, err)
	d, err := evidence.Document(c, p)
	must(b, err)
	made := d.Made.Made(c.ID, time.Now()).Entries[0]
	made.ID = about
	add(b, l, o, "", made)
	p, err = l.Packet(b.Context(), handle, about)
	must(b, err)
	var packet bytes.Buffer
	must(b, evidence.Write(&packet, c, p, d))
	b.Run("gather", func(b *testing.B) {
		for b.Loop() {
			if p, err := l.Packet(b.Context(), handle, about); err != nil || len(p.Entries) != benchEntries {
				b.Fatal(len(p.Entries), err)
			}
		}
	})
	b.Run("document", func(b *testing.B) {
		for b.Loop() {
			_, err := evidence.Document(c, p)
			must(b, err)
		}
	})
	b.Run("export", func(b *testing.B) {
		for b.Loop() {
			p, err := l.Packet(b.Context(), handle, about)
			must(b, err)
			d, err := evidence.Document(c, p)
			must(b, err)
			must(b, evidence.Write(new(bytes.Buffer), c, p, d))
		}
		b.ReportMetric(float64(packet.Len()), "bytes")
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			_, err := evidence.Verify(packet.Bytes(), []string{p.Key})
			must(b, err)
		}
	})
}

func millionLog(b *testing.B) (*ledger.Log, *ledgertest.Outbox) {
	b.Helper()
	dir, err := os.MkdirTemp("", "million")
	must(b, err)
	b.Cleanup(func() { os.RemoveAll(dir) })
	l, err := ledger.Open(b.Context(), dir, ledgertest.Origin, ledger.Options{Logger: slog.New(slog.DiscardHandler)})
	must(b, err)
	b.Cleanup(func() { l.Close() })
	o := ledgertest.New()
	for i := range benchEntries {
		for id := exeunt.CaseID(1); id <= benchCases; id++ {
			e := ledgertest.Entries(id, 1, true)[min(i, 1)]
			if i == benchEntries-1 {
				e = ledgertest.Entries(id, 1, true)[2]
			}
			e.ID = fmt.Sprint(id, "-", i)
			o.Add(ledgertest.Handle(id), e)
		}
	}
	add(b, l, o, "")
	return l, o
}

// add brings entries of a handle, and what waits, into the log.
func add(b *testing.B, l *ledger.Log, o *ledgertest.Outbox, handle string, entries ...exeunt.Entry) {
	b.Helper()
	o.Add(handle, entries...)
	_, err := o.Sequence(b.Context(), benchCases*benchEntries+1)
	must(b, err)
	size, err := l.Size(b.Context())
	must(b, err)
	must(b, l.Append(b.Context(), o.Records()[size:]))
}
