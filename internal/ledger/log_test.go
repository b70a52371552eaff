package ledger_test

import (
	"encoding/json"
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
	"golang.org/x/mod/sumdb/tlog"
)

// quick makes tests wait less for batches and checkpoints.
var quick = ledger.Options{BatchAge: 4 * time.Millisecond, CheckpointInterval: 100 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)}

func openLog(t testing.TB, dir string) *ledger.Log {
	t.Helper()
	l, err := ledger.Open(t.Context(), dir, ledgertest.Origin, quick)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// sequenced returns the records of an outbox with their leaves.
func sequenced(t testing.TB, o *ledgertest.Outbox) []exeunt.Record {
	t.Helper()
	if _, err := o.Sequence(t.Context(), 1<<30); err != nil {
		t.Fatal(err)
	}
	return o.Records()
}

func verifierOf(t testing.TB, l *ledger.Log) string {
	t.Helper()
	key, err := l.VerifierKey(t.Context())
	must(t, err)
	return key
}

func appendAll(t testing.TB, l *ledger.Log, records []exeunt.Record) {
	t.Helper()
	must(t, l.Append(t.Context(), records))
}

func verifyDir(t testing.TB, dir, key string) (verify.LogReport, error) {
	t.Helper()
	return verify.Log(os.DirFS(filepath.Join(dir, "log")), verify.LogOptions{Keys: []string{key}})
}

func TestAppendedEntriesAreThereAfterReopening(t *testing.T) {
	dir := t.TempDir()
	o := ledgertest.New()
	for id := range exeunt.CaseID(30) {
		o.Add(ledgertest.Handle(id+1), ledgertest.Entries(id+1, 18, true)...)
	}
	o.Add("", exeunt.Entry{Kind: exeunt.EntryManifest, What: "600 entries, 30 cases"})
	records := sequenced(t, o)

	l := openLog(t, dir)
	key := verifierOf(t, l)
	appendAll(t, l, records[:300])
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openLog(t, dir)
	appendAll(t, l, records[300:])
	if verifierOf(t, l) != key {
		t.Error("reopening changed the key")
	}
	next := int64(0)
	for e, err := range l.Entries(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Index != next || !slices.Equal(e.Leaf, records[next].Leaf) {
			t.Fatalf("entry %d of the log is %s", next, e.Leaf)
		}
		next++
	}
	if next != int64(len(records)) {
		t.Fatalf("the log has %d entries, want %d", next, len(records))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	report, err := verifyDir(t, dir, key)
	if err != nil {
		t.Fatal(err)
	}
	if report.Size != 601 || len(report.Cases) != 31 || !report.Cases[ledgertest.Handle(7)].Closed {
		t.Errorf("report: size %d, %d cases", report.Size, len(report.Cases))
	}
}

func TestAppendTakesOnlyWhatContinuesTheLog(t *testing.T) {
	o := ledgertest.New()
	o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 8, false)...)
	records := sequenced(t, o)
	l := openLog(t, t.TempDir())
	appendAll(t, l, records[:3])

	var repeated exeunt.Entry
	must(t, json.Unmarshal(records[0].Body, &repeated))
	repeated.Kind = exeunt.EntryConfirmed
	other := func(change func(*exeunt.Record)) []exeunt.Record {
		r := records[3]
		change(&r)
		return []exeunt.Record{r}
	}
	relabel := func(from, to string) func(*exeunt.Record) {
		return func(r *exeunt.Record) { r.Leaf = []byte(strings.Replace(string(r.Leaf), from, to, 1)) }
	}
	again := ledgertest.New()
	again.Add(ledgertest.Handle(1), ledgertest.Entries(1, 2, false)...)
	again.Add(ledgertest.Handle(1), repeated)
	twice := sequenced(t, again)[3:]
	fork := append(slices.Clone(records[1:2]), sequenced(t, again)[2:]...)
	long := ledgertest.New()
	long.Add(ledgertest.Handle(1), ledgertest.Entries(1, 3, false)[:3]...)
	long.Add(ledgertest.Handle(1), exeunt.Entry{Kind: exeunt.EntryTaskSaved, What: strings.Repeat("a", exeunt.MaxBody)})
	for _, c := range []struct {
		name    string
		records []exeunt.Record
		kind    exeunt.ErrorKind
	}{
		{"a body that fits into no packet", sequenced(t, long)[3:4], exeunt.Invalid},
		{"what is there already", records[1:3], ""},
		{"nothing", nil, ""},
		{"another leaf where one stands", fork, exeunt.Conflict},
		{"a gap", records[4:5], exeunt.Conflict},
		{"a gap inside", []exeunt.Record{records[3], records[5]}, exeunt.Invalid},
		{"another body", other(func(r *exeunt.Record) { r.Body = []byte("{}") }), exeunt.Invalid},
		{"another salt", other(func(r *exeunt.Record) { r.Salt[0]++ }), exeunt.Invalid},
		{"another case", other(func(r *exeunt.Record) { r.Case = "x" }), exeunt.Invalid},
		{"a leaf of another kind", other(relabel(`"kind":"event"`, `"kind":"manifest"`)), exeunt.Invalid},
		{"another event id", other(func(r *exeunt.Record) { r.EventID = "x" }), exeunt.Invalid},
		{"no event id", other(func(r *exeunt.Record) { r.EventID = "" }), exeunt.Invalid},
		{"another log's leaf", other(relabel(ledgertest.Origin, "elsewhere")), exeunt.Invalid},
		{"a leaf with blanks", other(relabel(`"n":3`, `"n": 3`)), exeunt.Invalid},
		{"an event that is there under another number", twice, exeunt.Conflict},
	} {
		if err := l.Append(t.Context(), c.records); exeunt.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want %s", c.name, err, c.kind)
		}
	}
	if size, _ := l.Size(t.Context()); size != 3 {
		t.Fatalf("the log has %d entries after refused appends, want 3", size)
	}
	appendAll(t, l, records[1:6]) // as a second shipper does that read the outbox before the first one marked
	appendAll(t, l, records[3:])
	if size, _ := l.Size(t.Context()); size != int64(len(records)) {
		t.Fatalf("the log has %d entries, the outbox %d", size, len(records))
	}
	if p, err := l.Packet(t.Context(), ledgertest.Handle(1)); err != nil || len(p.Entries) != len(records) || p.Entries[2].Body == nil {
		t.Errorf("the packet: %d entries, %v", len(p.Entries), err)
	}
}

func TestAFolderBelongsToOneProcess(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir)
	if _, err := ledger.Open(t.Context(), dir, ledgertest.Origin, quick); exeunt.KindOf(err) != exeunt.Conflict {
		t.Fatalf("opened twice: %v", err)
	}
	l.Close()
	openLog(t, dir)
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		spoil  func(t *testing.T, dir string)
		origin string
		kind   exeunt.ErrorKind
	}{
		{name: "a key that others can read", kind: exeunt.Denied, spoil: func(t *testing.T, dir string) {
			must(t, os.Chmod(filepath.Join(dir, "key"), 0o640))
		}},
		{name: "a missing key", kind: exeunt.Conflict, spoil: func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "key")))
		}},
		{name: "a key.pub of another key", kind: exeunt.Conflict, spoil: func(t *testing.T, dir string) {
			other := openLog(t, t.TempDir())
			must(t, os.WriteFile(filepath.Join(dir, "key.pub"), []byte(verifierOf(t, other)), 0o600))
		}},
		{name: "another origin", origin: "another.example/log", kind: exeunt.Conflict},
		{name: "an origin with a blank", origin: "my log", kind: exeunt.Invalid},
		{name: "a tile that was changed", kind: exeunt.Conflict, spoil: func(t *testing.T, dir string) {
			flip(t, filepath.Join(dir, "log", "tile", "0", "001.p", "44"), 100)
		}},
		{name: "a tree state that was changed", kind: exeunt.Conflict, spoil: func(t *testing.T, dir string) {
			flip(t, filepath.Join(dir, "log", ".state", "treeState"), 30)
		}},
		{name: "a log that is shorter than what was signed", kind: exeunt.Conflict, spoil: func(t *testing.T, dir string) {
			short := t.TempDir()
			o := ledgertest.New()
			o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 9, false)...)
			l := openLog(t, short)
			appendAll(t, l, sequenced(t, o))
			l.Close()
			state, err := os.ReadFile(filepath.Join(short, "log", ".state", "treeState"))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(dir, "log", ".state", "treeState"), state, 0o600))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			o := ledgertest.New()
			o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 299, false)...)
			l := openLog(t, dir)
			appendAll(t, l, sequenced(t, o))
			must(t, l.Close())
			if c.spoil != nil {
				c.spoil(t, dir)
			}
			if c.origin == "" {
				c.origin = ledgertest.Origin
			}
			l, err := ledger.Open(t.Context(), dir, c.origin, quick)
			if exeunt.KindOf(err) != c.kind {
				t.Errorf("got %v, want %s", err, c.kind)
			}
			if err == nil {
				l.Close()
			}
		})
	}
}

func TestOpenSweepsWhatAKilledWriterLeft(t *testing.T) {
	dir := t.TempDir()
	o := ledgertest.New()
	o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 299, false)...)
	l := openLog(t, dir)
	appendAll(t, l, sequenced(t, o))
	must(t, l.Close())
	before := filesIn(t, dir)
	for _, name := range []string{
		"log/checkpoint123", "log/.state/treeState99", "log/.state/gcState7", "log/tile/0/0011837264512",
		"log/tile/0/001.p/441837264512", "log/tile/entries/000552", "log/tile/entries/001.p/2561",
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600))
	}
	openLog(t, dir).Close()
	if after := filesIn(t, dir); !slices.Equal(before, after) {
		t.Errorf("files after reopening:\n%s\nwant\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}
}

func TestProofsHoldUnderTheCheckpoint(t *testing.T) {
	o := ledgertest.New()
	o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 599, false)...)
	records := sequenced(t, o)
	l := openLog(t, t.TempDir())
	appendAll(t, l, records[:77])
	if _, err := l.Packet(t.Context(), ledgertest.Handle(1)); err != nil {
		t.Fatal(err)
	}
	_, old, err := l.Head(t.Context())
	must(t, err)
	appendAll(t, l, records[77:])
	if _, err := l.Packet(t.Context(), ledgertest.Handle(1)); err != nil { // waits for the checkpoint
		t.Fatal(err)
	}
	_, cp, err := l.Head(t.Context())
	must(t, err)
	for _, index := range []int64{0, 76, 255, 256, 599} {
		p, err := l.Inclusion(t.Context(), index)
		must(t, err)
		if err := tlog.CheckRecord(p.Hashes, cp.Size, cp.Root, index, tlog.RecordHash(records[index].Leaf)); err != nil {
			t.Errorf("inclusion of %d: %v", index, err)
		}
	}
	proof, _, err := l.Consistency(t.Context(), old.Size)
	must(t, err)
	if err := tlog.CheckTree(proof, cp.Size, cp.Root, old.Size, old.Root); err != nil {
		t.Errorf("consistency from %d to %d: %v", old.Size, cp.Size, err)
	}
	if _, err := l.Inclusion(t.Context(), 600); exeunt.KindOf(err) != exeunt.NotFound {
		t.Errorf("inclusion of what is not there: %v", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// flip inverts one bit of a file.
func flip(t testing.TB, path string, bit int) {
	t.Helper()
	raw, err := os.ReadFile(path)
	must(t, err)
	raw[bit/8] ^= 1 << (bit % 8)
	must(t, os.WriteFile(path, raw, 0o600))
}

func filesIn(t testing.TB, dir string) []string {
	t.Helper()
	var list []string
	must(t, fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, path)
		}
		return err
	}))
	return list
}
