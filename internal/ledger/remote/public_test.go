package remote_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/ledger/remote"
)

// behind serves the ledger of a folder at an address until the returned function is called.
func behind(t *testing.T, dir, address string) (stop func()) {
	t.Helper()
	l, err := ledger.Open(t.Context(), dir, ledgertest.Origin, quick)
	must(t, err)
	s, err := remote.Open(t.Context(), l, remote.Options{Address: address, Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve() }()
	return func() { s.Close(); must(t, <-done); must(t, l.Close()) }
}

// shipped brings an outbox into the ledger behind a client, or says why the shipper stopped.
func shipped(t *testing.T, o *ledgertest.Outbox, c *remote.Client) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := ledger.NewShipper(o, c, slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.Status().Size < int64(len(o.Records())) {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
			s.Wake()
		}
	}
	cancel()
	return <-ended
}

// TestAServerFollowsTheKeyOfALedgerProcess changes the key of a ledger that servers reach over a socket.
func TestAServerFollowsTheKeyOfALedgerProcess(t *testing.T) {
	dir, address := t.TempDir(), "unix://"+filepath.Join(t.TempDir(), "ledger.sock")
	c := client(t, ledgertest.Origin, address)
	o := ledgertest.New()
	o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 5, true)...)
	stop := behind(t, dir, address)
	must(t, shipped(t, o, c))
	stop()
	fresh, err := ledger.RotateKey(t.Context(), dir, ledgertest.Origin)
	must(t, err)
	o.Add(ledgertest.Handle(2), ledgertest.Entries(2, 5, true)...)
	stop = behind(t, dir, address)
	defer stop()
	if err := shipped(t, o, c); err != nil {
		t.Errorf("the server ships no more: %v", err)
	}
	if known, _ := o.Ledger(t.Context(), "another"); known != fresh {
		t.Errorf("the database believes in %s", known)
	}
	if size, err := c.Size(t.Context()); err != nil || size != int64(len(o.Records())) {
		t.Errorf("the ledger has %d of %d entries, %v", size, len(o.Records()), err)
	}
}

// TestWhatWitnessesCosignedIsSeenOverASocket asks for what the ledger's process writes beside its checkpoint.
func TestWhatWitnessesCosignedIsSeenOverASocket(t *testing.T) {
	dir, address := t.TempDir(), "unix://"+filepath.Join(t.TempDir(), "ledger.sock")
	defer behind(t, dir, address)()
	files := client(t, ledgertest.Origin, address).Files(t.Context())
	if _, err := fs.ReadFile(files, ledger.CosignedFile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before there is one: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "log", ledger.CosignedFile), []byte("cosigned\n"), 0o600))
	if raw, err := fs.ReadFile(files, ledger.CosignedFile); err != nil || string(raw) != "cosigned\n" {
		t.Errorf("read %q, %v", raw, err)
	}
}
