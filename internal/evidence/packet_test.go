package evidence_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/evidence"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"golang.org/x/mod/sumdb/note"
)

var update = flag.Bool("update", false, "write golden files anew")

// fixture is a log with four cases: 1 closed, 2 open, 3 erased, 4 closed; and its packets.
type fixture struct {
	key     string
	dir     string
	packets map[exeunt.CaseID][]byte

	ledgers   map[exeunt.CaseID]ledger.Packet // what they were made of
	documents map[exeunt.CaseID]evidence.Documents
}

var fixtureOf = sync.OnceValue(func() fixture {
	dir, err := os.MkdirTemp("", "evidence")
	if err != nil {
		panic(err)
	}
	f := fixture{dir: dir, packets: map[exeunt.CaseID][]byte{}, ledgers: map[exeunt.CaseID]ledger.Packet{}, documents: map[exeunt.CaseID]evidence.Documents{}}
	if err := f.make(); err != nil {
		panic(err)
	}
	return f
})

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	os.RemoveAll(fixtureOf().dir)
	os.Exit(code)
}

func (f *fixture) make() error {
	ctx := context.Background()
	l, err := ledger.Open(ctx, f.dir, ledgertest.Origin, ledger.Options{BatchAge: 4 * time.Millisecond, CheckpointInterval: 100 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer l.Close()
	if f.key, err = l.VerifierKey(ctx); err != nil {
		return err
	}
	o := ledgertest.New()
	perCase := map[exeunt.CaseID][]exeunt.Entry{
		1: ledgertest.Entries(1, 11, true), 2: ledgertest.Entries(2, 5, false),
		3: ledgertest.Entries(3, 8, true), 4: ledgertest.Entries(4, 11, true),
	}
	for i := range 13 { // interleaved, as parallel cases are
		for id := exeunt.CaseID(1); id <= 4; id++ {
			if i < len(perCase[id]) {
				o.Add(ledgertest.Handle(id), perCase[id][i])
			}
		}
	}
	o.Add(ledgertest.Handle(3), exeunt.Entry{Kind: exeunt.EntryErased, Case: 3, Actor: "dpo@example.com", What: "erased after retention"})
	if _, err := o.Sequence(ctx, 1000); err != nil {
		return err
	}
	if err := l.Append(ctx, o.Records()); err != nil {
		return err
	}
	if err := l.Erase(ctx, ledgertest.Handle(3), -1); err != nil {
		return err
	}
	return f.document(ctx, l, o)
}

// document writes the documents of each case, has the ledger take their digests, and makes the packets.
func (f *fixture) document(ctx context.Context, l *ledger.Log, o *ledgertest.Outbox) error {
	before := len(o.Records())
	documents := map[exeunt.CaseID]evidence.Documents{}
	for id := exeunt.CaseID(1); id <= 4; id++ {
		p, err := l.Packet(ctx, ledgertest.Handle(id))
		if err != nil {
			return err
		}
		d, err := evidence.Document(caseOf(id), p)
		if err != nil {
			return err
		}
		documents[id] = d
		made := d.Made.Made(id, time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)).Entries[0]
		made.ID = fmt.Sprint("documents of ", id)
		o.Add("", made)
	}
	if _, err := o.Sequence(ctx, 1000); err != nil {
		return err
	}
	if err := l.Append(ctx, o.Records()[before:]); err != nil {
		return err
	}
	for id, d := range documents {
		p, err := l.Packet(ctx, ledgertest.Handle(id), fmt.Sprint("documents of ", id))
		if err != nil {
			return err
		}
		f.ledgers[id], f.documents[id] = p, d
		var buf bytes.Buffer
		if err := evidence.Write(&buf, caseOf(id), p, d); err != nil {
			return err
		}
		f.packets[id] = buf.Bytes()
	}
	return nil
}

func caseOf(id exeunt.CaseID) exeunt.Case {
	return exeunt.Case{
		ID: id, Handle: ledgertest.Handle(id), State: exeunt.CaseRunning,
		Departure: exeunt.Departure{
			Leaver: exeunt.Leaver{ID: "7", Name: "Ada Example"}, Type: exeunt.Voluntary, LastDay: "2026-03-31",
		},
		Owner: exeunt.Person{Name: "Hanna Personal"}, OpenedAt: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC),
	}
}

// archive is a packet taken apart: names in order, and contents.
type archive struct {
	names []string
	files map[string][]byte
	extra []byte              // a field that zip has for every file
	spoil func([]byte) []byte // changes the bytes of the packed archive
}

func unpack(t testing.TB, packet []byte) *archive {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(packet), int64(len(packet)))
	must(t, err)
	a := &archive{files: map[string][]byte{}}
	for _, f := range z.File {
		in, err := f.Open()
		must(t, err)
		data, err := io.ReadAll(in)
		must(t, err)
		a.names = append(a.names, f.Name)
		a.files[f.Name] = data
	}
	return a
}

func (a *archive) pack(t testing.TB) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range a.names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Extra: a.extra})
		must(t, err)
		_, err = w.Write(a.files[name])
		must(t, err)
	}
	must(t, z.Close())
	return buf.Bytes()
}

// entry is the four files of an entry by suffix.
type entry map[string][]byte

// entries takes the entries out; put puts some back, numbered anew, and makes case.json agree. That
// is what somebody would do who wants a change to go unseen.
func (a *archive) entries() []entry {
	var list []entry
	for seq := 0; a.files[verify.EntryName(seq)+verify.LeafSuffix] != nil; seq++ {
		e := entry{}
		for _, name := range a.names {
			if suffix, ok := strings.CutPrefix(name, verify.EntryName(seq)); ok {
				e[suffix] = a.files[name]
			}
		}
		list = append(list, e)
	}
	return list
}

func (a *archive) put(list []entry) {
	a.names = slices.DeleteFunc(a.names, func(name string) bool {
		inside := strings.HasPrefix(name, "entries/")
		if inside {
			delete(a.files, name)
		}
		return inside
	})
	for seq, e := range list {
		for _, suffix := range []string{verify.LeafSuffix, verify.ProofSuffix, verify.BodySuffix, verify.SaltSuffix} {
			if data, ok := e[suffix]; ok {
				a.names = append(a.names, verify.EntryName(seq)+suffix)
				a.files[verify.EntryName(seq)+suffix] = data
			}
		}
	}
	a.facts(func(f *verify.CaseFacts) { f.Entries = len(list) })
}

func (a *archive) facts(change func(*verify.CaseFacts)) {
	var f verify.CaseFacts
	if err := json.Unmarshal(a.files[verify.CaseFile], &f); err != nil {
		panic(err)
	}
	change(&f)
	a.files[verify.CaseFile], _ = json.Marshal(f)
}

func TestAPacketProvesItsCase(t *testing.T) {
	f := fixtureOf()
	for _, c := range []struct {
		id              exeunt.CaseID
		entries         int
		closed, erased  bool
		missing, leaves int
	}{
		{id: 1, entries: 13, closed: true},
		{id: 2, entries: 6},
		{id: 3, entries: 11, closed: true, erased: true, missing: 10},
		{id: 4, entries: 13, closed: true},
	} {
		r, err := evidence.Verify(f.packets[c.id], []string{f.key})
		if err != nil {
			t.Errorf("case %s: %v", c.id, err)
			continue
		}
		if len(r.Entries) != c.entries || r.Closed != c.closed || r.Erased != c.erased || r.Missing != c.missing || !r.Pinned {
			t.Errorf("case %s: %d entries, closed %v, erased %v, missing %d, pinned %v", c.id, len(r.Entries), r.Closed, r.Erased, r.Missing, r.Pinned)
		}
		if last := r.Entries[len(r.Entries)-1]; last.Entry == nil || last.Entry.Case != c.id {
			t.Errorf("case %s: last entry %+v", c.id, last)
		}
	}
	if size := len(f.packets[1]); size > 64<<10 {
		t.Errorf("a packet of 13 entries with its documents has %d bytes", size)
	}
}

func TestWithoutATrustedKeyThePacketIsNotPinned(t *testing.T) {
	f := fixtureOf()
	r, err := evidence.Verify(f.packets[1], nil)
	if err != nil || r.Pinned || r.Fingerprint != verify.Fingerprint(f.key) {
		t.Errorf("pinned %v, fingerprint %s, %v", r.Pinned, r.Fingerprint, err)
	}
	// Whoever signs a checkpoint with a key of their own passes as unpinned, and only so.
	forged, other := resign(t, f.packets[1])
	if r, err := evidence.Verify(forged, nil); err != nil || r.Pinned || r.Fingerprint != verify.Fingerprint(other) {
		t.Errorf("forged: pinned %v, %v", r.Pinned, err)
	}
	if _, err := evidence.Verify(forged, []string{f.key}); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("forged, with the real key: %v", err)
	}
}

// resign gives the packet another key of the same name, and signs its checkpoint with that.
func resign(t testing.TB, packet []byte) (forged []byte, key string) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, ledgertest.Origin)
	must(t, err)
	signer, err := note.NewSigner(private)
	must(t, err)
	a := unpack(t, packet)
	old := a.files[verify.CheckpointFile]
	text, _, _ := strings.Cut(string(old), "\n\n")
	signed, err := note.Sign(&note.Note{Text: text + "\n"}, signer)
	must(t, err)
	for name, data := range a.files {
		a.files[name] = bytes.ReplaceAll(data, old, signed)
	}
	a.files[verify.KeyFile] = []byte(public + "\n")
	return a.pack(t), public
}

func (a *archive) replaceCheckpoint(to []byte) {
	old := a.files[verify.CheckpointFile]
	if bytes.Equal(old, to) {
		panic("the checkpoint did not change")
	}
	for name, data := range a.files {
		a.files[name] = bytes.ReplaceAll(data, old, to)
	}
}

func TestATruncatedPacketIsRefused(t *testing.T) {
	f := fixtureOf()
	for _, size := range []int{0, 1, 100, len(f.packets[1]) / 2, len(f.packets[1]) - 1} {
		if _, err := evidence.Verify(f.packets[1][:size], []string{f.key}); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// The tail of an open case can be left out without the packet showing it; the whole log shows it.
func TestTheLogShowsWhatAPacketLeavesOut(t *testing.T) {
	f := fixtureOf()
	log, err := verify.Log(os.DirFS(filepath.Join(f.dir, "log")), verify.LogOptions{Keys: []string{f.key}})
	must(t, err)
	whole, err := evidence.Verify(f.packets[2], []string{f.key})
	must(t, err)
	if err := log.Covers(whole); err != nil {
		t.Error(err)
	}
	// Its documents show it too, unless they were made when there was no more.
	a := unpack(t, f.packets[2])
	a.put(a.entries()[:4])
	if _, err := evidence.Verify(a.pack(t), []string{f.key}); err == nil || !strings.Contains(err.Error(), "tell of 6 entries") {
		t.Errorf("cut: %v", err)
	}
	part := whole
	part.Entries, part.Last = whole.Entries[:4], whole.Entries[4].Leaf.Prev
	if err := log.Covers(part); err == nil || !strings.Contains(err.Error(), "the last 2 are left out") {
		t.Errorf("covers: %v", err)
	}
}

func TestWriteRefusesWhatDoesNotVerify(t *testing.T) {
	f := fixtureOf()
	p, d := f.ledgers[1], f.documents[1]
	var first, again bytes.Buffer
	must(t, evidence.Write(&first, caseOf(1), p, d))
	must(t, evidence.Write(&again, caseOf(1), p, d))
	if !bytes.Equal(first.Bytes(), again.Bytes()) || !bytes.Equal(first.Bytes(), f.packets[1]) {
		t.Error("the same case gives different bytes")
	}
	p.Entries = slices.Delete(slices.Clone(p.Entries), 4, 5)
	first.Reset()
	if err := evidence.Write(&first, caseOf(1), p, d); exeunt.KindOf(err) != exeunt.Conflict || first.Len() > 0 {
		t.Errorf("with a gap: %v, %d bytes written", err, first.Len())
	}
	if err := evidence.Write(&first, caseOf(4), p, d); exeunt.KindOf(err) != exeunt.Internal {
		t.Errorf("for another case: %v", err)
	}
}

func TestFilesOfAPacket(t *testing.T) {
	f := fixtureOf()
	a := unpack(t, f.packets[1])
	var b strings.Builder
	for _, name := range a.names {
		fmt.Fprintln(&b, name)
	}
	text := strings.ReplaceAll(string(a.files["README.txt"]), verify.Fingerprint(f.key), "FINGERPRINT")
	fmt.Fprintf(&b, "\n-- README.txt --\n%s\n-- case.json --\n%s", text, a.files["case.json"])
	golden := filepath.Join("testdata", "packet.golden")
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(golden, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func FuzzVerify(f *testing.F) {
	x := fixtureOf()
	f.Add(x.packets[1])
	f.Add(x.packets[3])
	want, err := evidence.Verify(x.packets[1], []string{x.key})
	must(f, err)
	f.Fuzz(func(t *testing.T, packet []byte) {
		r, err := evidence.Verify(packet, []string{x.key})
		if err == nil && r.Root != want.Root {
			t.Errorf("it passes with root %s", r.Root)
		}
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
