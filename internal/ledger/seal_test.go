package ledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/testserver"
)

// TestFullTilesAreSealed seals a log that grows before and after, and then tries what whoever took over the ledger's user
// would.
func TestFullTilesAreSealed(t *testing.T) {
	testserver.ImmutableFiles(t)
	dir := t.TempDir()
	t.Cleanup(func() {
		_, err := ledger.Unseal(dir)
		must(t, err)
	})
	o := ledgertest.New()
	grow := func(l *ledger.Log, id exeunt.CaseID, entries int) {
		t.Helper()
		o.Add(ledgertest.Handle(id), ledgertest.Entries(id, entries-2, true)...)
		appendAll(t, l, sequenced(t, o))
		signedOver(t, l)
	}
	seal := func(sealed, before int) {
		t.Helper()
		if now, were, err := ledger.Seal(dir); now != sealed || were != before || err != nil {
			t.Fatalf("%d files were sealed, %d before, %v; want %d and %d", now, were, err, sealed, before)
		}
	}
	l := openLog(t, dir)
	seal(0, 0) // nothing is signed yet
	grow(l, 1, 250)
	seal(0, 0)
	grow(l, 2, 300)
	seal(4, 0) // of each kind two
	grow(l, 3, 300)
	seal(2, 4)
	must(t, l.Close())

	bundle := filepath.Join(dir, "log", "tile", "entries", "000")
	for what, err := range map[string]error{
		"changed":  os.WriteFile(bundle, []byte("x"), 0o600),
		"removed":  os.Remove(bundle),
		"replaced": os.Rename(filepath.Join(dir, "key.pub"), bundle),
		"linked":   os.Link(bundle, filepath.Join(dir, "log", "other")),
	} {
		if !errors.Is(err, syscall.EPERM) {
			t.Errorf("a sealed bundle can be %s: %v", what, err)
		}
	}

	l = openLog(t, dir)
	grow(l, 4, 300)
	must(t, l.Close())
	if report, err := verifyDir(t, dir, verifierOf(t, l)); err != nil || report.Size != 1150 {
		t.Errorf("%d entries, %v", report.Size, err)
	}
	if n, err := ledger.Unseal(dir); n != 6 || err != nil {
		t.Errorf("%d files were unsealed, %v", n, err)
	}
	must(t, os.Remove(bundle))
}

// TestSealingTouchesNothingElse lets whoever took over the ledger's user lay traps for root, and a killed writer leave a
// temporary file.
func TestSealingTouchesNothingElse(t *testing.T) {
	testserver.ImmutableFiles(t)
	dir := t.TempDir()
	l := openLog(t, dir)
	o := ledgertest.New()
	o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 300, true)...)
	appendAll(t, l, sequenced(t, o))
	signedOver(t, l)
	must(t, l.Close())
	bundles := filepath.Join(dir, "log", "tile", "entries")
	for name, trap := range map[string]func(at string){
		"a link to a file elsewhere": func(at string) {
			elsewhere := filepath.Join(t.TempDir(), "shadow")
			must(t, os.WriteFile(elsewhere, nil, 0o600))
			must(t, os.Symlink(elsewhere, at))
			t.Cleanup(func() { must(t, os.Remove(elsewhere)) })
		},
		"a link to a file of its own": func(at string) {
			must(t, os.WriteFile(filepath.Join(dir, "log", "mine"), nil, 0o600))
			must(t, os.Symlink("../../mine", at))
		},
		"a file with two names": func(at string) {
			must(t, os.WriteFile(at, nil, 0o600))
			must(t, os.Link(at, at+"12345"))
		},
		"a pipe":   func(at string) { must(t, syscall.Mkfifo(at, 0o600)) },
		"a folder": func(at string) { must(t, os.Mkdir(at, 0o700)) },
	} {
		must(t, os.RemoveAll(filepath.Join(bundles, "000")))
		trap(filepath.Join(bundles, "000"))
		sealed, _, err := ledger.Seal(dir)
		if err == nil && sealed != 1 { // the tile of hashes alone, the first time
			t.Errorf("%s: %d files were sealed", name, sealed)
		}
		_, err = ledger.Unseal(dir)
		must(t, err)
		if err := os.RemoveAll(filepath.Join(bundles, "000")); err != nil {
			t.Errorf("%s was sealed: %v", name, err)
		}
		must(t, os.RemoveAll(filepath.Join(bundles, "00012345")))
		must(t, os.RemoveAll(filepath.Join(dir, "log", "mine")))
	}
}

// TestAForgedCheckpointSealsNothing: what the log's key did not sign does not say what is full.
func TestAForgedCheckpointSealsNothing(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir)
	o := ledgertest.New()
	o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 300, true)...)
	appendAll(t, l, sequenced(t, o))
	must(t, l.Close())
	other := openLog(t, t.TempDir())
	must(t, os.WriteFile(filepath.Join(dir, "key.pub"), []byte(verifierOf(t, other)), 0o600))
	if sealed, _, err := ledger.Seal(dir); sealed != 0 || exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("%d files were sealed, %v", sealed, err)
	}
}

// signedOver waits until all that is in the log is signed.
func signedOver(t *testing.T, l *ledger.Log) {
	t.Helper()
	size, err := l.Size(t.Context())
	must(t, err)
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, cp, err := l.Head(t.Context()); err == nil && cp.Size == size {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d entries are not signed", size)
		}
	}
}
