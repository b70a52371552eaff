package ledger_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// shipOver runs a shipper until everything is in the log, or until it stops for good.
func shipOver(t *testing.T, o *ledgertest.Outbox, l *ledger.Log) error {
	t.Helper()
	s := ledger.NewShipper(o, l, slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
			if s.Status().Size == int64(len(o.Records())) {
				return nil
			}
			s.Wake()
		}
	}
}

func TestKeysOverlapAndTheOldOneIsRetired(t *testing.T) {
	dir := t.TempDir()
	o := ledgertest.New()
	o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 5, true)...)
	l := openLog(t, dir)
	must(t, shipOver(t, o, l))
	old, err := l.VerifierKey(t.Context())
	must(t, err)
	if _, err := ledger.RotateKey(t.Context(), dir, ledgertest.Origin); err == nil {
		t.Fatal("rotated while the ledger is open")
	}
	must(t, l.Close())
	first, err := os.ReadFile(filepath.Join(dir, "log", "checkpoint"))
	must(t, err)

	fresh, err := ledger.RotateKey(t.Context(), dir, ledgertest.Origin)
	must(t, err)
	if fresh == old {
		t.Fatal("the key is the same")
	}
	if _, err := ledger.RotateKey(t.Context(), dir, ledgertest.Origin); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("rotated twice at once: %v", err)
	}
	o.Add(ledgertest.Handle(2), ledgertest.Entries(2, 5, true)...)
	l = openLog(t, dir)
	must(t, shipOver(t, o, l)) // the database goes on with the new key
	if known, _ := o.Ledger(t.Context(), "another"); known != fresh {
		t.Errorf("the database believes in %s", known)
	}
	must(t, l.Close())
	verifies(t, dir, true, old)
	verifies(t, dir, true, fresh)
	verifies(t, dir, true, fresh, old) // an auditor may hold several

	must(t, ledger.RetireKey(dir))
	o.Add(ledgertest.Handle(3), ledgertest.Entries(3, 5, true)...)
	l = openLog(t, dir)
	must(t, shipOver(t, o, l))
	must(t, l.Close())
	verifies(t, dir, false, old)
	verifies(t, dir, true, fresh)
	if _, err := verify.OpenCheckpoint(first, []string{fresh, old}); err != nil {
		t.Errorf("what the old key signed is not proven any more: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "key.previous")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the retired key is still there: %v", err)
	}
	if got, err := verify.Follow(os.DirFS(filepath.Join(dir, "log")), old); err != nil || !slices.Equal(got, []string{old, fresh}) {
		t.Errorf("from the old key one comes to %v, %v", got, err)
	}
}

// verifies says whether the whole log verifies with keys.
func verifies(t *testing.T, dir string, want bool, keys ...string) {
	t.Helper()
	_, err := verify.Log(os.DirFS(filepath.Join(dir, "log")), verify.LogOptions{Keys: keys})
	if (err == nil) != want {
		t.Errorf("verifies with %v: %v", keys, err)
	}
}

// A run that was cut off anywhere is finished by the next, and the ledger does not open in between.
func TestARotationThatWasCutOffIsFinished(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir)
	must(t, l.Close())
	before, err := os.ReadFile(filepath.Join(dir, "key"))
	must(t, err)
	fresh, err := ledger.RotateKey(t.Context(), dir, ledgertest.Origin)
	must(t, err)
	for _, name := range []string{"key", "key.pub"} { // as it is just before its last steps
		raw, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, "key.next"+name[len("key"):]), raw, 0o600))
	}
	watched := filepath.Join(dir, "watched") // the same file by another name: what a kill before its removal leaves
	must(t, os.Link(filepath.Join(dir, "key.next"), watched))
	must(t, os.WriteFile(filepath.Join(dir, "key"), before, 0o600))
	if _, err := ledger.Open(t.Context(), dir, ledgertest.Origin, ledger.Options{Logger: slog.New(slog.DiscardHandler)}); exeunt.KindOf(err) != exeunt.Conflict {
		t.Fatalf("opened with half a rotation: %v", err)
	}
	again, err := ledger.RotateKey(t.Context(), dir, ledgertest.Origin)
	if err != nil || again != fresh {
		t.Fatalf("%s instead of %s: %v", again, fresh, err)
	}
	must(t, openLog(t, dir).Close())
	left, err := os.ReadFile(watched)
	must(t, err)
	if present, err := os.ReadFile(filepath.Join(dir, "key")); err != nil || !bytes.Equal(left, present) {
		t.Errorf("a kill at its end leaves a key.next of which no run makes a key: %q, %v", left, err)
	}
}

// A run of retire-key that was cut off leaves zeros.
func TestARetirementThatWasCutOffIsFinished(t *testing.T) {
	dir := t.TempDir()
	must(t, openLog(t, dir).Close())
	fresh, err := ledger.RotateKey(t.Context(), dir, ledgertest.Origin)
	must(t, err)
	previous := filepath.Join(dir, "key.previous")
	raw, err := os.ReadFile(previous)
	must(t, err)
	must(t, os.WriteFile(previous, make([]byte, len(raw)), 0o600))
	_, err = ledger.Open(t.Context(), dir, ledgertest.Origin, quick)
	if exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(exeunt.MessageOf(err), "retire-key") {
		t.Fatalf("what to do is not said: %v", err)
	}
	must(t, ledger.RetireKey(dir))
	l := openLog(t, dir)
	defer l.Close()
	if verifierOf(t, l) != fresh {
		t.Error("another key signs")
	}
}

// A statement counts only when both keys signed it: who has another key cannot slip in.
func TestAnotherLedgerIsNoRotation(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	o := ledgertest.New()
	o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 5, true)...)
	l := openLog(t, dir)
	must(t, shipOver(t, o, l))
	must(t, l.Close())
	stranger := openLog(t, other)
	must(t, stranger.Close())
	_, err := ledger.RotateKey(t.Context(), other, ledgertest.Origin)
	must(t, err)
	stranger = openLog(t, other)
	defer stranger.Close()
	if err := shipOver(t, o, stranger); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("another ledger was taken for a rotated one: %v", err)
	}
}

// A ledger that is away for a moment is no other ledger.
func TestStatementsThatCannotBeReadAreAskedForAgain(t *testing.T) {
	away := unreadableFS{errors.New("cut off")}
	if got, err := verify.Follow(away, "trusted"); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("followed to %v, %v", got, err)
	}
	if got, err := verify.Follow(os.DirFS(t.TempDir()), "trusted"); err != nil || !slices.Equal(got, []string{"trusted"}) {
		t.Errorf("without statements followed to %v, %v", got, err)
	}
}

type unreadableFS struct{ err error }

func (u unreadableFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: u.err}
}
