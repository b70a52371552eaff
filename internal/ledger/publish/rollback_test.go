package publish_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/ledger/publish"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/testserver"
)

// told is a log that says when a publication was noted.
type told struct {
	*ledger.Log
	noted chan ledger.Publication
}

func (l told) Published(ctx context.Context, p ledger.Publication) error {
	err := l.Log.Published(ctx, p)
	l.noted <- p
	return err
}

// publishNow starts a publisher as a process does, and stops it when it has noted how the first publication went.
func publishNow(t *testing.T, l *ledger.Log, place publish.Place) ledger.Publication {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	log, ended := told{l, make(chan ledger.Publication, 16)}, make(chan struct{})
	go func() {
		defer close(ended)
		publish.Publisher{Log: log, Targets: []publish.Target{{Name: "archive", Kind: "test", Place: place}}, Logger: slog.New(slog.DiscardHandler)}.Run(ctx)
	}()
	defer func() { stop(); <-ended }()
	select {
	case p := <-log.noted:
		return p
	case <-time.After(time.Minute):
		t.Fatal("nothing is published")
		return ledger.Publication{}
	}
}

// copied is a copy of a folder, as a backup makes it.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	must(t, os.CopyFS(to, os.DirFS(dir)))
	must(t, os.Chmod(filepath.Join(to, "ledger", "key"), 0o600))
	return to
}

// opened is the ledger in a folder, and the outbox beside it.
func opened(t *testing.T, dir string) (*ledger.Log, *ledgertest.Outbox) {
	t.Helper()
	o, err := ledgertest.Open(filepath.Join(dir, "outbox"))
	must(t, err)
	return openLog(t, filepath.Join(dir, "ledger")), o
}

// verifyAgainst verifies a whole log against a checkpoint that lies in a place.
func verifyAgainst(t *testing.T, l *ledger.Log, place publish.Readable, size int64) error {
	t.Helper()
	signed, err := place.AtLeast(t.Context(), l.Origin(), size)
	must(t, err)
	published, err := l.OpenPublished(signed)
	must(t, err)
	key, err := l.VerifierKey(t.Context())
	must(t, err)
	_, err = verify.Log(l.Files(t.Context()), verify.LogOptions{Keys: []string{key}, Earlier: []verify.Checkpoint{published}})
	return err
}

// TestARestoredBackupIsFoundByWhatWasPublished puts the whole ledger back to an older state, its database and its memory of
// what was published with it, and lets it go on from there. Nothing on the machine can show that; what lies elsewhere does,
// to the ledger itself and to whoever verifies with it.
func TestARestoredBackupIsFoundByWhatWasPublished(t *testing.T) {
	store := testserver.S3(t)
	store.Bucket(t, "archive", true)
	for name, place := range map[string]publish.Readable{
		"folder": publish.Folder{Path: t.TempDir()}, "bucket": bucketIn(t, store, "archive", publish.Lock{Mode: "COMPLIANCE", Days: 3650}),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l, o := opened(t, dir)
			first := filled(t, o, l, 1, 300)
			if p := publishNow(t, l, place); p.Size != first.Size || p.Root != first.Root || p.Fault != "" {
				t.Fatalf("the first publication: %+v", p)
			}
			must(t, l.Close())
			backup := copied(t, dir)

			l, o = opened(t, dir)
			second := filled(t, o, l, 2, 300)
			if p := publishNow(t, l, place); p.Size != second.Size || p.Root != second.Root || p.Fault != "" {
				t.Fatalf("the second publication: %+v", p)
			}
			for _, size := range []int64{first.Size, second.Size} {
				must(t, verifyAgainst(t, l, place, size))
			}
			must(t, l.Close())

			l, o = opened(t, backup)
			for _, c := range []struct {
				entries int
				says    string
				found   string
			}{
				{100, "put back to an older state", "entries were cut off"},
				{400, "rewritten", "rewritten"},
			} {
				filled(t, o, l, exeunt.CaseID(c.entries), c.entries)
				if p := publishNow(t, l, place); !p.Conflict || !strings.Contains(p.Fault, c.says) || p.Size != first.Size {
					t.Errorf("with %d entries of its own: %+v", c.entries, p)
				}
				must(t, verifyAgainst(t, l, place, first.Size))
				if err := verifyAgainst(t, l, place, second.Size); exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(exeunt.MessageOf(err), c.found) {
					t.Errorf("with %d entries of its own it verifies against what was published: %v", c.entries, err)
				}
			}
			if signed, err := place.AtLeast(t.Context(), l.Origin(), second.Size+1); err != nil || signed != nil {
				t.Errorf("a fork was published: %q, %v", signed, err)
			}
		})
	}
}

// TestAChangedKeyGoesOnWhereTheOldOnePublished changes the key and retires the old one at once, as after a theft, and lets the
// ledger go on: from what it remembers, and with its memory of what was published gone, under a second key and a third.
func TestAChangedKeyGoesOnWhereTheOldOnePublished(t *testing.T) {
	for name, forget := range map[string]bool{"remembered": false, "forgotten": true} {
		t.Run(name, func(t *testing.T) {
			dir, place := t.TempDir(), publish.Folder{Path: t.TempDir()}
			l, o := opened(t, dir)
			for round := range exeunt.CaseID(3) {
				cp := filled(t, o, l, 1+round, 5)
				if p := publishNow(t, l, place); p.Size != cp.Size || p.Root != cp.Root || p.Fault != "" {
					t.Fatalf("after %d changes of keys: %+v", round, p)
				}
				must(t, l.Close())
				_, err := ledger.RotateKey(t.Context(), filepath.Join(dir, "ledger"), l.Origin())
				must(t, err)
				must(t, ledger.RetireKey(filepath.Join(dir, "ledger")))
				if forget {
					must(t, os.Remove(filepath.Join(dir, "ledger", "published")))
				}
				l, o = opened(t, dir)
			}
			stranger, _ := opened(t, t.TempDir())
			if _, err := stranger.OpenPublished(read(t, l, place)); exeunt.KindOf(err) != exeunt.Conflict {
				t.Errorf("another ledger of the name takes it for its own: %v", err)
			}
		})
	}
}

// read is the first checkpoint that lies in a place.
func read(t *testing.T, l *ledger.Log, place publish.Readable) []byte {
	t.Helper()
	signed, err := place.AtLeast(t.Context(), l.Origin(), 1)
	must(t, err)
	return signed
}
