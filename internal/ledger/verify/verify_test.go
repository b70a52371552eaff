package verify_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/testserver"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const origin = "exeunt.example/test"

// log is one that is made by package tlog alone, so that nothing of what writes the real one is
// used to check what reads it. It takes any leaf, honest or not.
type log struct {
	signer note.Signer
	key    string
	leaves []exeunt.Leaf
	raw    [][]byte
	salts  [][32]byte
	bodies [][]byte
	hashes []tlog.Hash
	tails  map[string]string
	seqs   map[string]int64
}

func newLog(t testing.TB, name string) *log {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, name)
	must(t, err)
	signer, err := note.NewSigner(private)
	must(t, err)
	return &log{signer: signer, key: public, tails: map[string]string{}, seqs: map[string]int64{}}
}

func (l *log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = l.hashes[x]
	}
	return out, nil
}

// add appends an entry of a case; spoil may change its leaf.
func (l *log) add(t testing.TB, handle string, e exeunt.Entry, spoil func(*exeunt.Leaf)) {
	t.Helper()
	if e.ID == "" {
		e.ID = fmt.Sprint("event ", len(l.raw))
	}
	var salt [32]byte
	rand.Read(salt[:])
	leaf := exeunt.Leaf{
		Version: 1, Source: origin, N: int64(len(l.raw)), Case: handle, Seq: l.seqs[handle], Prev: l.tails[handle],
		Kind: exeunt.LeafKindOf(e.Kind), Commit: exeunt.Commitment(salt, e.Body()),
	}
	if leaf.Kind == exeunt.LeafClose {
		leaf.Count = leaf.Seq + 1
	}
	if spoil != nil {
		spoil(&leaf)
	}
	raw := leaf.Encode()
	hashes, err := tlog.StoredHashes(int64(len(l.raw)), raw, l)
	must(t, err)
	l.hashes = append(l.hashes, hashes...)
	l.leaves, l.raw = append(l.leaves, leaf), append(l.raw, raw)
	l.salts, l.bodies = append(l.salts, salt), append(l.bodies, e.Body())
	l.tails[handle], l.seqs[handle] = exeunt.LeafHash(raw), l.seqs[handle]+1
}

func (l *log) checkpoint(t testing.TB) []byte {
	t.Helper()
	root, err := tlog.TreeHash(int64(len(l.raw)), l)
	must(t, err)
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", origin, len(l.raw), root)}, l.signer)
	must(t, err)
	return signed
}

// files lays the log out as c2sp.org/tlog-tiles has it.
func (l *log) files(t testing.TB) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{"checkpoint": {Data: l.checkpoint(t)}}
	for _, tile := range tlog.NewTiles(8, 0, int64(len(l.raw))) {
		data, err := tlog.ReadTileData(tile, l)
		must(t, err)
		name := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		files[name] = &fstest.MapFile{Data: data}
		if tile.L == 0 {
			var bundle []byte
			for _, raw := range l.raw[tile.N*256:][:tile.W] {
				bundle = append(binary.BigEndian.AppendUint16(bundle, uint16(len(raw))), raw...)
			}
			files[strings.Replace(name, "tile/0/", "tile/entries/", 1)] = &fstest.MapFile{Data: bundle}
		}
	}
	return files
}

// packet puts a case into a packet, and the digests of its documents into the log.
func (l *log) packet(t testing.TB, handle string, id exeunt.CaseID) []byte {
	t.Helper()
	made := exeunt.Documents{Digests: map[string]string{}, Entries: l.seqs[handle], Last: l.tails[handle]}
	for _, name := range []string{verify.RecordPage, verify.RecordPDF} {
		made.Digests[name] = fmt.Sprintf("%x", sha256.Sum256([]byte(name)))
	}
	l.add(t, "", made.Made(id, time.Time{}).Entries[0], nil)
	checkpoint := l.checkpoint(t)
	facts := verify.CaseFacts{Format: verify.PacketFormat, Log: origin, Handle: handle, Case: id}
	files := map[string][]byte{verify.ReadmeFile: nil, verify.KeyFile: []byte(l.key), verify.CheckpointFile: checkpoint}
	for _, name := range []string{verify.RecordPage, verify.RecordPDF} {
		files[name] = []byte(name) // what is in it is of no concern here
	}
	for i, leaf := range l.leaves {
		name := verify.EntryName(facts.Entries)
		switch {
		case i == len(l.leaves)-1:
			name = verify.DocumentsEntry
		case leaf.Case != handle:
			continue
		default:
			facts.Entries++
			facts.Closed = facts.Closed || leaf.Kind == exeunt.LeafClose
		}
		hashes, err := tlog.ProveRecord(int64(len(l.raw)), int64(i), l)
		must(t, err)
		files[name+verify.LeafSuffix], files[name+verify.BodySuffix], files[name+verify.SaltSuffix] = l.raw[i], l.bodies[i], l.salts[i][:]
		files[name+verify.ProofSuffix] = verify.Proof{Index: int64(i), Hashes: hashes, Checkpoint: checkpoint}.Encode()
	}
	files[verify.CaseFile], _ = json.Marshal(facts)
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, data := range files {
		w, err := z.Create(name)
		must(t, err)
		_, err = w.Write(data)
		must(t, err)
	}
	must(t, z.Close())
	return buf.Bytes()
}

func opened() exeunt.Entry { return exeunt.Entry{Kind: exeunt.EntryOpened, Case: 1} }
func event() exeunt.Entry  { return exeunt.Entry{Kind: exeunt.EntryConfirmed, Case: 1} }
func closed() exeunt.Entry { return exeunt.Entry{Kind: exeunt.EntryClosed, Case: 1} }

// lie is a history that somebody signs who holds the key.
type lie struct {
	name string
	adds []added
	what string // is said of it; "" where it adds up
	log  bool   // the log shows it too, without bodies
}

// added is an entry, and what is done to its leaf.
type added struct {
	entry exeunt.Entry
	spoil func(*exeunt.Leaf)
}

func lies() []lie {
	same := event()
	same.ID = "event 0"
	return []lie{
		{"honest", []added{{opened(), nil}, {event(), nil}, {closed(), nil}, {event(), nil}}, "", true},
		{"no open", []added{{event(), nil}}, "one open leaf", true},
		{"opened twice", []added{{opened(), nil}, {opened(), nil}}, "one open leaf", true},
		{"close with too small a count", []added{{opened(), nil}, {event(), nil}, {closed(), func(l *exeunt.Leaf) { l.Count = 2 }}}, "count of 2, but it is entry number 3", true},
		{"event with a count", []added{{opened(), nil}, {event(), func(l *exeunt.Leaf) { l.Count = 2 }}}, "carries a count", true},
		{"a seq left out", []added{{opened(), nil}, {event(), func(l *exeunt.Leaf) { l.Seq = 2 }}}, "seq is 2 where 1 is due", true},
		{"a seq given twice", []added{{opened(), nil}, {event(), nil}, {event(), func(l *exeunt.Leaf) { l.Seq = 1 }}}, "seq is 1 where 2 is due", true},
		{"prev of something else", []added{{opened(), nil}, {event(), func(l *exeunt.Leaf) { l.Prev = strings.Repeat("0", 64) }}}, "prev is not the hash", true},
		{"no prev", []added{{opened(), nil}, {event(), func(l *exeunt.Leaf) { l.Prev = "" }}}, "prev is not the hash", true},
		{"an n left out", []added{{opened(), nil}, {event(), func(l *exeunt.Leaf) { l.N = 2 }}}, "n 2 but stands at index 1", true},
		{"another log's leaf", []added{{opened(), func(l *exeunt.Leaf) { l.Source = "elsewhere" }}}, "two logs were mixed", true},
		{"another version", []added{{opened(), func(l *exeunt.Leaf) { l.Version = 2 }}}, "version 2", true},
		{"a kind that is none", []added{{opened(), nil}, {event(), func(l *exeunt.Leaf) { l.Kind = "x" }}}, "no such kind", true},
		{"a manifest in a case", []added{{opened(), nil}, {event(), func(l *exeunt.Leaf) { l.Kind = exeunt.LeafManifest }}}, "manifest leaf stands in a case", true},
		{"an erasure whose body tells of something else", []added{{opened(), nil}, {event(), func(l *exeunt.Leaf) { l.Kind = exeunt.LeafErase }}}, "its leaf is of kind erase", false},
		{"a close that the leaf hides", []added{{opened(), nil}, {closed(), func(l *exeunt.Leaf) { l.Kind, l.Count = exeunt.LeafEvent, 0 }}}, "its leaf is of kind event", false},
		{"one event told twice", []added{{opened(), nil}, {same, nil}}, "same event", false},
		{"an entry of another case", []added{{opened(), nil}, {exeunt.Entry{Kind: exeunt.EntryConfirmed, Case: 2}, nil}}, "about case C-2", false},
	}
}

// signed is the log that tells a lie.
func (c lie) signed(t testing.TB) *log {
	l := newLog(t, origin)
	for _, a := range c.adds {
		l.add(t, "handle", a.entry, a.spoil)
	}
	return l
}

// Even whoever holds the key cannot sign a history that does not add up.
func TestASignedLogThatLiesIsRefused(t *testing.T) {
	for _, c := range lies() {
		t.Run(c.name, func(t *testing.T) {
			l := c.signed(t)
			packet := l.packet(t, "handle", 1)
			_, err := verify.Packet(bytes.NewReader(packet), int64(len(packet)), []string{l.key})
			wants(t, "packet", err, c.what)
			_, err = verify.Log(l.files(t), verify.LogOptions{Keys: []string{l.key}})
			if !c.log {
				c.what = ""
			}
			wants(t, "log", err, c.what)
		})
	}
}

// auditor runs the verifier for auditors over folders that have a key, a packet and a log, and says of each whether
// packet and log hold.
const auditor = `
import os, sys
sys.path.insert(0, sys.argv[1])
import verify
def holds(judge):
    try:
        judge()
        return "holds"
    except verify.Refused:
        return "refused"
for name in sorted(os.listdir(sys.argv[2])):
    folder = os.path.join(sys.argv[2], name)
    trust = verify.Trust([open(os.path.join(folder, "key")).read()], [], None)
    packet = open(os.path.join(folder, "packet"), "rb").read()
    print(name, holds(lambda: verify.Packet(packet, trust)), holds(lambda: verify.Log(os.path.join(folder, "log"), trust)))
`

func TestTheVerifierForAuditorsRefusesSignedLies(t *testing.T) {
	program, dir := filepath.Join("..", "..", "..", "docs", "verify"), t.TempDir()
	_, err := os.ReadFile(filepath.Join(program, "verify.py")) // so that the test is run again once it changes
	must(t, err)
	var want strings.Builder
	for i, c := range lies() {
		l, folder := c.signed(t), filepath.Join(dir, fmt.Sprintf("%02d", i))
		must(t, os.Mkdir(folder, 0o700))
		must(t, os.WriteFile(filepath.Join(folder, "packet"), l.packet(t, "handle", 1), 0o600))
		must(t, os.WriteFile(filepath.Join(folder, "key"), []byte(l.key), 0o600))
		must(t, os.CopyFS(filepath.Join(folder, "log"), l.files(t)))
		verdict := map[bool]string{true: "holds", false: "refused"}
		fmt.Fprintf(&want, "%02d %s %s\n", i, verdict[c.what == ""], verdict[c.what == "" || !c.log])
	}
	python := exec.CommandContext(t.Context(), testserver.PythonWithOpenSSL(t), "-B", "-c", auditor, program, dir)
	python.Stderr = os.Stderr
	out, err := python.Output()
	must(t, err)
	if string(out) != want.String() {
		t.Errorf("it says\n%s\nand ours\n%s", out, want.String())
	}
}

func wants(t *testing.T, what string, err error, text string) {
	t.Helper()
	switch {
	case text == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case text != "" && (exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), text)):
		t.Errorf("%s: got %v, want %q", what, err, text)
	}
}

func TestLogsOfEverySizeVerify(t *testing.T) {
	l := newLog(t, origin)
	check := map[int]bool{0: true, 1: true, 2: true, 3: true, 7: true, 8: true, 255: true, 256: true, 257: true, 511: true, 512: true, 600: true, 65535: true, 65536: true, 65537: true, 65800: true}
	for size := 0; size <= 65800; size++ {
		if check[size] {
			r, err := verify.Log(l.files(t), verify.LogOptions{Keys: []string{l.key}})
			if err != nil || r.Size != int64(size) {
				t.Errorf("size %d: %d, %v", size, r.Size, err)
			}
		}
		e := event()
		if l.seqs[strconv.Itoa(size%100)] == 0 {
			e = opened()
		}
		l.add(t, strconv.Itoa(size%100), e, nil)
	}
}

// A log that was rewritten and signed again verifies by itself; a checkpoint that somebody kept shows it.
func TestAKeptCheckpointShowsARewrittenLog(t *testing.T) {
	grow := func(l *log, n int) {
		for range n {
			e := event()
			if len(l.raw) == 0 {
				e = opened()
			}
			l.add(t, "handle", e, nil)
		}
	}
	l := newLog(t, origin)
	grow(l, 300)
	kept, err := verify.OpenCheckpoint(l.checkpoint(t), []string{l.key})
	must(t, err)
	check := func(l *log) error {
		_, err := verify.Log(l.files(t), verify.LogOptions{Keys: []string{l.key}, Earlier: []verify.Checkpoint{kept}})
		return err
	}
	wants(t, "the same log", check(l), "")
	grow(l, 300)
	wants(t, "the log, grown", check(l), "")

	rewritten := newLog(t, origin)
	grow(rewritten, 299)
	wants(t, "a shorter log", check(rewritten), "entries were cut off")
	grow(rewritten, 301)
	wants(t, "a rewritten log", check(rewritten), "the log was rewritten")
}

func TestASignedRootThatIsNotThatOfTheEntriesIsRefused(t *testing.T) {
	l := newLog(t, origin)
	l.add(t, "handle", opened(), nil)
	files := l.files(t)
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n1\n%s\n", origin, tlog.RecordHash(nil))}, l.signer)
	must(t, err)
	files["checkpoint"].Data = signed
	_, err = verify.Log(files, verify.LogOptions{Keys: []string{l.key}})
	wants(t, "log", err, "but the signed root is")
}

func TestAProofHasOneSpelling(t *testing.T) {
	h := tlog.RecordHash([]byte("x"))
	p := verify.Proof{Index: 7, Hashes: tlog.RecordProof{h, h}, Checkpoint: []byte("origin\n9\n")}
	good := string(p.Encode())
	back, err := verify.DecodeProof([]byte(good))
	if err != nil || back.Index != 7 || len(back.Hashes) != 2 || string(back.Checkpoint) != "origin\n9\n" {
		t.Fatalf("%+v, %v", back, err)
	}
	text := h.String() // 32 bytes leave two bits of the last digit unused; A and B then decode alike
	last := text[len(text)-2]
	for name, bad := range map[string]string{
		"unused bits":   strings.Replace(good, text, text[:len(text)-2]+string(last+1)+"=", 1),
		"leading zero":  strings.Replace(good, "index 7", "index 07", 1),
		"sign":          strings.Replace(good, "index 7", "index +7", 1),
		"negative":      strings.Replace(good, "index 7", "index -7", 1),
		"carriage":      strings.ReplaceAll(good, "\n", "\r\n"),
		"another":       strings.Replace(good, "@v1", "@v2", 1),
		"no checkpoint": strings.Split(good, "\n\n")[0],
		"short hash":    strings.Replace(good, text, text[4:], 1),
		"empty":         "",
	} {
		if _, err := verify.DecodeProof([]byte(bad)); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACheckpointOfAnotherLogIsRefused(t *testing.T) {
	l := newLog(t, "elsewhere") // the key is trusted, but it is not this log's
	l.add(t, "handle", opened(), nil)
	_, err := verify.Log(l.files(t), verify.LogOptions{Keys: []string{l.key}})
	wants(t, "log", err, `signed by elsewhere, but it is a checkpoint of the log "`+origin)
}

func TestAPacketIsComparedWithTheLog(t *testing.T) {
	l := newLog(t, origin)
	l.add(t, "handle", opened(), nil)
	l.add(t, "handle", event(), nil)
	packet := l.packet(t, "handle", 1)
	p, err := verify.Packet(bytes.NewReader(packet), int64(len(packet)), nil)
	must(t, err)
	for _, c := range []struct {
		name  string
		extra func(*log)
		what  string
	}{
		{"the same", nil, ""},
		{"it grew", func(l *log) { l.add(t, "handle", event(), nil) }, "the last 1 are left out or came later"},
		{"another history", func(l *log) {
			*l = *newLog(t, origin)
			l.add(t, "handle", opened(), nil)
			l.add(t, "handle", event(), nil)
		}, "last entry is not the one"},
		{"an older copy", func(l *log) {
			*l = *newLog(t, origin)
			l.add(t, "handle", opened(), nil)
		}, "take a newer copy"},
		{"no such case", func(l *log) {
			*l = *newLog(t, origin)
			l.add(t, "other", opened(), nil)
		}, "no such case"},
	} {
		other := *l
		if c.extra != nil {
			other.tails, other.seqs = map[string]string{"handle": l.tails["handle"]}, map[string]int64{"handle": 2}
			c.extra(&other)
		}
		r, err := verify.Log(other.files(t), verify.LogOptions{Keys: []string{other.key}})
		must(t, err)
		wants(t, c.name, r.Covers(p), c.what)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
