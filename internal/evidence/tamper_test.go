package evidence_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/evidence"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/testserver"
)

// tamper is one thing that somebody could do to a packet.
type tamper struct {
	name   string
	of     exeunt.CaseID // 1 when zero
	change func(*archive)
	where  string // what the error names
	what   string // and says
}

// packed is the tampered packet.
func (c tamper) packed(t testing.TB) []byte {
	a := unpack(t, fixtureOf().packets[max(c.of, 1)])
	c.change(a)
	packet := a.pack(t)
	if a.spoil != nil {
		packet = a.spoil(packet)
	}
	return packet
}

// tampers are what both verifiers have to refuse: ours, and the one for auditors in docs/verify.
func tampers(t testing.TB) []tamper {
	f := fixtureOf()
	other := unpack(t, f.packets[4]).entries()
	second := verify.EntryName(2)
	edit := func(name, from, to string) func(*archive) {
		return func(a *archive) {
			changed := bytes.Replace(a.files[name], []byte(from), []byte(to), 1)
			if bytes.Equal(changed, a.files[name]) {
				panic(name + " has no " + from)
			}
			a.files[name] = changed
		}
	}
	list := func(change func([]entry) []entry) func(*archive) {
		return func(a *archive) { a.put(change(a.entries())) }
	}
	remove := func(names ...string) func(*archive) {
		return func(a *archive) {
			a.names = slices.DeleteFunc(a.names, func(n string) bool { return slices.Contains(names, n) })
		}
	}
	spoil := func(change func([]byte) []byte) func(*archive) {
		return func(a *archive) { a.spoil = change }
	}
	return []tamper{
		{"first entry dropped", 0, list(func(l []entry) []entry { return l[1:] }), "entries/000000", "seq is 1 where 0 is due"},
		{"middle entry dropped", 0, list(func(l []entry) []entry { return slices.Delete(l, 5, 6) }), "entries/000005", "seq is 6 where 5 is due: 1 of the case's entries before it are missing"},
		{"two middle entries dropped", 0, list(func(l []entry) []entry { return slices.Delete(l, 5, 7) }), "entries/000005", "2 of the case's entries"},
		{"close dropped", 0, list(func(l []entry) []entry { return l[:12] }), "case.json", "close entry is missing"},
		{"files of an entry removed", 0, remove(second+".leaf.json", second+".body.json", second+".salt", second+".tlog-proof"), "entries/", "entries before it are missing"},
		{"leaf removed", 0, remove(second + ".leaf.json"), second, "not a leaf"},
		{"proof removed", 0, remove(second + ".tlog-proof"), second, "not a proof"},
		{"body edited", 0, edit(second+".body.json", "seen disabled", "seen deleted"), second, "body and salt"},
		{"body re-spelled", 0, edit(second+".body.json", `{"id"`, `{ "id"`), second, "body and salt"},
		{"body of another entry", 0, list(func(l []entry) []entry {
			l[2][verify.BodySuffix], l[2][verify.SaltSuffix] = l[3][verify.BodySuffix], l[3][verify.SaltSuffix]
			return l
		}), second, "body and salt"},
		{"body removed", 0, remove(second + ".body.json"), second, "body and salt"},
		{"salt edited", 0, func(a *archive) { a.files[second+".salt"][31] ^= 1 }, second, "body and salt"},
		{"salt cut", 0, func(a *archive) { a.files[second+".salt"] = a.files[second+".salt"][:31] }, second, "31 bytes"},
		{"salt removed", 0, remove(second + ".salt"), second, "0 bytes"},
		{"body and salt removed without an erasure", 0, remove(second+".body.json", second+".salt"), second, "body is missing"},
		{"erase entry dropped", 3, list(func(l []entry) []entry { return l[:10] }), "entries/000009", "body is missing"},
		{"body of the erase entry removed", 3, remove("entries/000010.body.json", "entries/000010.salt"), "entries/000010", "body is missing"},
		{"leaf edited", 0, edit(second+".leaf.json", `"seq":2`, `"seq":3`), second, "does not have this leaf"},
		{"leaf's commitment exchanged", 0, list(func(l []entry) []entry {
			l[2][verify.LeafSuffix] = l[3][verify.LeafSuffix]
			return l
		}), second, "does not have this leaf"},
		{"leaf re-spelled", 0, edit(second+".leaf.json", `"seq":2`, `"seq": 2`), second, "canonical"},
		{"leaf with a field twice", 0, edit(second+".leaf.json", `"seq":2`, `"seq":9,"seq":2`), second, "canonical"},
		{"entries swapped", 0, list(func(l []entry) []entry { l[4], l[5] = l[5], l[4]; return l }), "entries/000004", "seq is 5 where 4 is due"},
		{"leaf and proof swapped, bodies not", 0, list(func(l []entry) []entry {
			for _, s := range []string{verify.LeafSuffix, verify.ProofSuffix} {
				l[4][s], l[5][s] = l[5][s], l[4][s]
			}
			return l
		}), "entries/000004", "seq is 5 where 4 is due"},
		{"entry repeated in place", 0, list(func(l []entry) []entry { return slices.Insert(l, 5, l[4]) }), "entries/000005", "repeated or out of order"},
		{"entry repeated at the end", 0, list(func(l []entry) []entry { return append(l, l[12]) }), "entries/000013", "repeated or out of order"},
		{"entry of another case added", 0, list(func(l []entry) []entry { return append(l, other[12]) }), "entries/000013", "belongs to case"},
		{"entry of another case in place", 0, list(func(l []entry) []entry { l[3] = other[3]; return l }), "entries/000003", "belongs to case"},
		{"all entries of another case", 0, list(func([]entry) []entry { return other }), "entries/000000", "belongs to case"},
		{"another case, and the handle too", 0, func(a *archive) {
			a.put(other)
			a.facts(func(f *verify.CaseFacts) { f.Handle = ledgertest.Handle(4) })
		}, "entries/000000", "about case C-4 where it has to be about C-1"},
		{"no entries", 0, list(func([]entry) []entry { return nil }), "case.json", "0 entries"},
		{"proof of another index", 0, edit(second+".tlog-proof", "index 8", "index 9"), second, "index 9"},
		{"proof without its last hash", 0, func(a *archive) {
			lines := strings.SplitAfter(string(a.files[second+".tlog-proof"]), "\n")
			a.files[second+".tlog-proof"] = []byte(strings.Join(append(lines[:2], lines[3:]...), ""))
		}, second, "does not have this leaf"},
		{"proof with extra data", 0, edit(second+".tlog-proof", "index", "extra AAAA\nindex"), second, "not an index"},
		{"proof under another checkpoint", 0, edit(second+".tlog-proof", "\n\n"+ledgertest.Origin, "\n\nx"), second, "another checkpoint"},
		{"signature stripped", 0, func(a *archive) {
			text, _, _ := strings.Cut(string(a.files["checkpoint"]), "\n\n")
			a.replaceCheckpoint([]byte(text + "\n"))
		}, "checkpoint", "not a signed note"},
		{"signature edited", 0, func(a *archive) {
			cp := bytes.Clone(a.files["checkpoint"])
			i := len(cp) - 20
			cp[i] ^= 1
			a.replaceCheckpoint(cp)
		}, "checkpoint", "signature is wrong"},
		{"signature of somebody else only", 0, func(a *archive) {
			forged, _ := resign(t, a.pack(t))
			*a = *unpack(t, forged)
		}, "checkpoint", "not signed by a trusted key"},
		{"checkpoint edited", 0, func(a *archive) {
			a.replaceCheckpoint(bytes.Replace(a.files["checkpoint"], []byte("\n47\n"), []byte("\n48\n"), 1))
		}, "checkpoint", "signature is wrong"},
		{"case id edited", 0, func(a *archive) { a.facts(func(f *verify.CaseFacts) { f.Case = 9 }) }, "entries/000000", "about case C-1 where it has to be about C-9"},
		{"handle edited", 0, func(a *archive) { a.facts(func(f *verify.CaseFacts) { f.Handle = "x" }) }, "entries/000000", "belongs to case"},
		{"said to be open", 0, func(a *archive) { a.facts(func(f *verify.CaseFacts) { f.Closed = false }) }, "case.json", "not closed, but an entry closes it"},
		{"said to be closed", 2, func(a *archive) { a.facts(func(f *verify.CaseFacts) { f.Closed = true }) }, "case.json", "close entry is missing"},
		{"count of entries edited", 0, func(a *archive) { a.facts(func(f *verify.CaseFacts) { f.Entries = 12 }) }, "case.json", "12 entries"},
		{"another format", 0, func(a *archive) { a.facts(func(f *verify.CaseFacts) { f.Format = "v2" }) }, "case.json", "format"},
		{"a file more", 0, func(a *archive) { a.names = append(a.names, "entries/000002.note.txt") }, "000002.note.txt", "no file of a packet"},
		{"a file twice", 0, func(a *archive) { a.names = append(a.names, second+".body.json") }, second + ".body.json", "twice"},
		{"readme removed", 0, remove("README.txt"), "README.txt", "missing"},
		{"checkpoint removed", 0, remove("checkpoint"), "checkpoint", "missing"},

		{"page exchanged", 0, edit("record.html", "seen disabled", "seen deleted"), "record.html", "not the document whose digest"},
		{"PDF exchanged", 0, func(a *archive) { a.files["record.pdf"] = unpack(t, f.packets[4]).files["record.pdf"] }, "record.pdf", "not the document whose digest"},
		{"documents of another case, with their entry", 0, func(a *archive) {
			of := unpack(t, f.packets[4])
			for name, data := range of.files {
				if strings.HasPrefix(name, "documents.") || strings.HasPrefix(name, "record.") {
					a.files[name] = data
				}
			}
		}, "documents", "documents of case C-1"},
		{"documents' entry edited", 0, edit("documents.body.json", `"entries":"13"`, `"entries":"12"`), "documents", "body and salt"},
		{"documents' entry of the case itself", 0, func(a *archive) {
			for suffix, data := range a.entries()[12] {
				a.files["documents"+suffix] = data
			}
		}, "documents", "installation"},
		{"documents' entry without its body", 0, remove("documents.body.json", "documents.salt"), "documents.body.json", "missing"},
		{"page removed", 0, remove("record.html"), "record.html", "missing"},
		{"PDF removed", 0, remove("record.pdf"), "record.pdf", "missing"},
		{"last entries of an open case left out", 2, list(func(l []entry) []entry { return l[:4] }), "documents", "entries"},
		{"another log named", 0, func(a *archive) { a.facts(func(f *verify.CaseFacts) { f.Log = "elsewhere.example/log" }) }, "case.json", "another log"},

		{"cut short", 0, spoil(func(p []byte) []byte { return p[:len(p)-1] }), "packet", ""},
		{"cut in half", 0, spoil(func(p []byte) []byte { return p[:len(p)/2] }), "packet", ""},
		{"empty", 0, spoil(func([]byte) []byte { return nil }), "packet", ""},
		{"bytes before the archive", 0, spoil(func(p []byte) []byte { return append([]byte("#!/bin/sh\n"), p...) }), "", ""},
		{"bytes after the archive", 0, spoil(func(p []byte) []byte { return append(p, 0) }), "packet", ""},
		{"a comment of the archive", 0, spoil(func(p []byte) []byte {
			p = append(p, "hello"...)
			binary.LittleEndian.PutUint16(p[len(p)-7:], 5)
			return p
		}), "packet", "belong to none of its files"},
		{"another archive in front", 0, spoil(func(p []byte) []byte { return append(bytes.Clone(f.packets[4]), p...) }), "", ""},
		{"a file whose name differs in front of it", 0, spoil(func(p []byte) []byte { return bytes.Replace(p, []byte("README.txt"), []byte("README.exe"), 1) }), "README.txt", "differ"},
		{"a file whose size differs in front of it", 0, spoil(func(p []byte) []byte {
			p[bytes.Index(p, []byte("PK\x07\x08"))+8] ^= 1
			return p
		}), "README.txt", "differ"},
		{"a byte of a file flipped", 0, spoil(func(p []byte) []byte {
			p[60] ^= 0x10
			return p
		}), "README.txt", "damaged"},
		{"a checksum that is not", 0, spoil(func(p []byte) []byte {
			p[bytes.Index(p, []byte("PK\x07\x08"))+4] ^= 1
			p[bytes.Index(p, []byte("PK\x01\x02"))+16] ^= 1
			return p
		}), "README.txt", "damaged"},
		{"no checksum", 0, func(a *archive) { // which package zip does not compare
			a.spoil = func([]byte) []byte { return plainly(t, a, func([]byte) uint32 { return 0 }) }
		}, "README.txt", "damaged"},
		{"bytes behind what a file unpacks to", 0, spoil(func(p []byte) []byte {
			at := bytes.LastIndex(p[:bytes.Index(p, []byte("PK\x01\x02"))], []byte("PK\x07\x08"))
			p = slices.Insert(p, at, []byte("hidden")...)
			for _, field := range []int{at + 6 + 8, bytes.LastIndex(p, []byte("PK\x01\x02")) + 20, len(p) - 6} { // packed size, twice, and where the list begins
				binary.LittleEndian.PutUint32(p[field:], binary.LittleEndian.Uint32(p[field:])+6)
			}
			return p
		}), "", "6 bytes follow what it unpacks to"},
		{"a size that is not", 0, spoil(func(p []byte) []byte {
			at := bytes.LastIndex(p, []byte("PK\x01\x02"))
			binary.LittleEndian.PutUint32(p[at+24:], 1<<31)
			return p
		}), "", ""},
		{"a file of great size", 0, func(a *archive) { a.files["README.txt"] = make([]byte, 1<<20+1) }, "README.txt", "larg"},
		{"an absolute path", 0, func(a *archive) { a.names = append(a.names, "/etc/passwd") }, "/etc/passwd", "no file of a packet"},
		{"a path that climbs", 0, func(a *archive) { a.names = append(a.names, "../../.profile") }, "../../.profile", "no file of a packet"},
		{"a folder", 0, func(a *archive) { a.names = append(a.names, "entries/") }, "entries/", "no file of a packet"},
		{"a name that other systems take for another", 0, func(a *archive) { a.names = append(a.names, "record.PDF") }, "record.PDF", "no file of a packet"},
		{"a field that names the file anew", 0, func(a *archive) { a.extra = []byte("up\x05\x00\x01abcd") }, "README.txt", "more of the file than its name"},
	}
}

// plainly packs an archive without compression, and with sizes and checksums in front of the files only.
func plainly(t testing.TB, a *archive, sum func([]byte) uint32) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range a.names {
		data := a.files[name]
		w, err := z.CreateRaw(&zip.FileHeader{Name: name, CRC32: sum(data), CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(data))})
		must(t, err)
		_, err = w.Write(data)
		must(t, err)
	}
	must(t, z.Close())
	return out.Bytes()
}

func TestAChangedPacketIsRefused(t *testing.T) {
	for _, c := range tampers(t) {
		t.Run(c.name, func(t *testing.T) {
			_, err := evidence.Verify(c.packed(t), []string{fixtureOf().key})
			if exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), c.where) || !strings.Contains(err.Error(), c.what) {
				t.Errorf("got %v\nwant one that names %q and says %q", err, c.where, c.what)
			}
		})
	}
}

// auditor runs the verifier for auditors over files, and reports per file what it says: "" when all holds.
const auditor = `
import glob, os, sys
sys.path.insert(0, sys.argv[1])
import verify
trust = verify.Trust([sys.argv[2]], [], None)
for name in sorted(glob.glob(os.path.join(sys.argv[3], "*.zip"))):
    try:
        verify.Packet(open(name, "rb").read(), trust)
        said = ""
    except verify.Refused as fault:
        said = "REFUSED " + str(fault)
    except Exception as fault:
        said = "CRASHED " + repr(fault)
    print(os.path.basename(name), said.replace("\n", " "), sep="\t")
`

// The verifier for auditors was written from the specifications. Both have to agree on everything.
func TestTheVerifierForAuditorsAgrees(t *testing.T) {
	f, dir := fixtureOf(), t.TempDir()
	list := tampers(t)
	for i, c := range list {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d.zip", i)), c.packed(t), 0o600))
	}
	for id, packet := range f.packets {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("good-%s.zip", id)), packet, 0o600))
	}
	must(t, os.WriteFile(filepath.Join(dir, "good-again.zip"), unpack(t, f.packets[1]).pack(t), 0o600))
	plain := plainly(t, unpack(t, f.packets[1]), crc32.ChecksumIEEE)
	must(t, os.WriteFile(filepath.Join(dir, "good-plain.zip"), plain, 0o600))
	if _, err := evidence.Verify(plain, []string{f.key}); err != nil {
		t.Errorf("packed plainly: %v", err)
	}
	python := exec.CommandContext(t.Context(), testserver.PythonWithOpenSSL(t), "-B", "-c", auditor, filepath.Dir(verifier(t)), f.key, dir)
	python.Stderr = os.Stderr
	out, err := python.Output()
	must(t, err)
	verdicts := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, said, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		verdicts[name] = said
	}
	if want := len(list) + len(f.packets) + 2; len(verdicts) != want {
		t.Fatalf("it judged %d of %d packets:\n%s", len(verdicts), want, out)
	}
	for name, said := range verdicts {
		if strings.HasPrefix(name, "good-") && said != "" {
			t.Errorf("%s: %s", name, said)
		}
	}
	for i, c := range list {
		said := verdicts[fmt.Sprintf("%03d.zip", i)]
		if !strings.HasPrefix(said, "REFUSED ") || strings.HasPrefix(c.where, "entries/0") && !strings.Contains(said, c.where) {
			t.Errorf("%s: %q; ours names %q", c.name, said, c.where)
		}
	}
}
