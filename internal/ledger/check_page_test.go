package ledger

import (
	"crypto/rand"
	"log/slog"
	"testing"

	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
)

// A case that is erased while its ledger is checked, and goes on, has another key than the check knows of it.
func TestAKeyThatChangesDuringACheckIsReadAgain(t *testing.T) {
	o, dir := ledgertest.New(), t.TempDir()
	o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 3, true)...)
	if _, err := o.Sequence(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	l, err := Open(t.Context(), dir, ledgertest.Origin, Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Append(t.Context(), o.Records()); err != nil {
		t.Fatal(err)
	}
	db, err := openBodiesToRead(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	size := int64(len(o.Records()))
	c := &check{log: l, size: size, to: size}
	if err := c.prepare(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	p := newPages(c)
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	if p.keys[ledgertest.Handle(1)], err = aead(key); err != nil {
		t.Fatal(err)
	}
	if err := p.page(t.Context(), 0); err != nil || c.result.Bodies != size || c.result.Differences.Count != 0 {
		t.Errorf("%d of %d bodies, %d differences, %v", c.result.Bodies, size, c.result.Differences.Count, err)
	}
}
