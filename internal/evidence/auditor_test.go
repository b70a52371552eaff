package evidence_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/testserver"
)

// verifier is where the verifier for auditors lies. It is read, so that a test that passed is run again once it changes.
func verifier(t *testing.T) string {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "verify", "verify.py")
	_, err := os.ReadFile(path)
	must(t, err)
	return path
}

// audits runs the verifier for auditors as they do: its exit code, and what it prints.
func audits(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	python := exec.CommandContext(t.Context(), testserver.PythonWithOpenSSL(t), append([]string{"-B", verifier(t)}, args...)...)
	out, err := python.CombinedOutput()
	if python.ProcessState == nil {
		t.Fatal(err)
	}
	return python.ProcessState.ExitCode(), string(out)
}

func TestAnAuditorVerifiesALogAndAPacketAgainstIt(t *testing.T) {
	f, dir := fixtureOf(), t.TempDir()
	log := filepath.Join(dir, "log")
	must(t, os.CopyFS(log, os.DirFS(filepath.Join(f.dir, "log"))))
	packet, key := filepath.Join(dir, "packet.zip"), filepath.Join(dir, "key.pub")
	must(t, os.WriteFile(packet, f.packets[2], 0o600))
	must(t, os.WriteFile(key, []byte(f.key+"\n"), 0o600))
	if code, said := audits(t, "packet", packet, "--key", key, "--log", log); code != 0 || !strings.Contains(said, "case C-2 holds: 6 entries") {
		t.Errorf("%d %s", code, said)
	}
	if code, said := audits(t, "log", log, "--key", f.key, "--earlier", filepath.Join(log, "checkpoint")); code != 0 || !strings.Contains(said, "47 entries of 4 cases") {
		t.Errorf("%d %s", code, said)
	}
	if code, said := audits(t, "packet", filepath.Join(dir, "nowhere.zip"), "--key", key); code != 2 || !strings.Contains(said, "nowhere.zip") {
		t.Errorf("no file: %d %s", code, said)
	}
	for _, name := range []string{"checkpoint", "tile/entries/000.p/47", "tile/0/000.p/47"} {
		path := filepath.Join(log, filepath.FromSlash(name))
		raw, err := os.ReadFile(path)
		must(t, err)
		for _, at := range []int{0, len(raw) / 2, len(raw) - 2} {
			flipped := bytes.Clone(raw)
			flipped[at] ^= 4
			must(t, os.WriteFile(path, flipped, 0o600))
			if code, said := audits(t, "log", log, "--key", f.key); code != 1 || !strings.Contains(said, "REFUSED") {
				t.Errorf("%s, byte %d: %d %s", name, at, code, said)
			}
			if _, err := verify.Log(os.DirFS(log), verify.LogOptions{Keys: []string{f.key}}); err == nil {
				t.Errorf("%s, byte %d: ours takes it", name, at)
			}
		}
		must(t, os.WriteFile(path, raw, 0o600))
	}
	kept, _ := resign(t, f.packets[1]) // of a log with the same entries, by another key
	must(t, os.WriteFile(filepath.Join(dir, "kept"), unpack(t, kept).files["checkpoint"], 0o600))
	if code, said := audits(t, "log", log, "--key", f.key, "--earlier", filepath.Join(dir, "kept")); code != 1 {
		t.Errorf("a kept checkpoint of somebody else: %d %s", code, said)
	}
}

// witness cosigns as https://c2sp.org/tlog-cosignature has it.
type witness struct {
	name    string
	private ed25519.PrivateKey
	id      []byte
}

func newWitness(t *testing.T, name string) (w witness, key string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	material := append([]byte{4}, public...)
	sum := sha256.Sum256(append([]byte(name+"\n"), material...))
	return witness{name, private, sum[:4]}, fmt.Sprintf("%s+%x+%s", name, sum[:4], base64.StdEncoding.EncodeToString(material))
}

func (w witness) cosigns(checkpoint []byte) []byte {
	const at = 1_780_000_000
	text, _, _ := strings.Cut(string(checkpoint), "\n\n")
	signature := ed25519.Sign(w.private, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s\n", at, text))
	stamped := append(binary.BigEndian.AppendUint64(bytes.Clone(w.id), at), signature...)
	return fmt.Appendf(bytes.Clone(checkpoint), "— %s %s\n", w.name, base64.StdEncoding.EncodeToString(stamped))
}

func TestAnAuditorDemandsWitnesses(t *testing.T) {
	f, dir := fixtureOf(), t.TempDir()
	one, oneKey := newWitness(t, "witness.example/one")
	other, otherKey := newWitness(t, "witness.example/other")
	stranger, _ := newWitness(t, "witness.example/other") // of the same name
	plain := unpack(t, f.packets[1]).files[verify.CheckpointFile]
	wrong := one
	wrong.private = stranger.private
	for _, c := range []struct {
		name       string
		checkpoint []byte
		quorum     string
		code       int
	}{
		{"both", other.cosigns(one.cosigns(plain)), "2", 0},
		{"one, and one is enough", one.cosigns(plain), "1", 0},
		{"one of two", one.cosigns(plain), "2", 1},
		{"stripped", plain, "1", 1},
		{"a stranger", stranger.cosigns(plain), "1", 1},
		{"one and a stranger", stranger.cosigns(one.cosigns(plain)), "1", 0},
		{"a wrong one", wrong.cosigns(plain), "1", 1},
		{"a wrong one beside a good one", other.cosigns(wrong.cosigns(plain)), "1", 1},
		{"one twice", one.cosigns(one.cosigns(plain)), "2", 1},
	} {
		a := unpack(t, f.packets[1])
		if !bytes.Equal(c.checkpoint, plain) {
			a.replaceCheckpoint(c.checkpoint)
		}
		name := filepath.Join(dir, "packet.zip")
		must(t, os.WriteFile(name, a.pack(t), 0o600))
		if code, said := audits(t, "packet", name, "--key", f.key, "--witness", oneKey, "--witness", otherKey, "--quorum", c.quorum); code != c.code {
			t.Errorf("%s: %d %s", c.name, code, said)
		}
	}
}

// A key may stand in two of the files that an auditor was given.
func TestAWitnessThatIsNamedTwiceIsOne(t *testing.T) {
	f, dir := fixtureOf(), t.TempDir()
	one, key := newWitness(t, "witness.example/one")
	a := unpack(t, f.packets[1])
	a.replaceCheckpoint(one.cosigns(a.files[verify.CheckpointFile]))
	packet, again := filepath.Join(dir, "packet.zip"), filepath.Join(dir, "witnesses")
	must(t, os.WriteFile(packet, a.pack(t), 0o600))
	must(t, os.WriteFile(again, []byte(key+"\n"), 0o600))
	if code, said := audits(t, "packet", packet, "--key", f.key, "--witness", key, "--witness", again); code != 0 {
		t.Errorf("all witnesses have signed: %d %s", code, said)
	}
	if code, said := audits(t, "packet", packet, "--key", f.key, "--witness", key, "--witness", again, "--quorum", "2"); code == 0 {
		t.Errorf("one witness is a quorum of two: %s", said)
	}
}

// What witnesses have signed lies beside the checkpoint, which waits for nobody.
func TestAnAuditorDemandsWitnessesOfALog(t *testing.T) {
	f, dir := fixtureOf(), t.TempDir()
	log, packet := filepath.Join(dir, "log"), filepath.Join(dir, "packet.zip")
	must(t, os.CopyFS(log, os.DirFS(filepath.Join(f.dir, "log"))))
	plain, err := os.ReadFile(filepath.Join(log, "checkpoint"))
	must(t, err)
	one, key := newWitness(t, "witness.example/one")
	other, _ := resign(t, f.packets[1]) // of the same entries, by another key
	a := unpack(t, f.packets[2])
	a.replaceCheckpoint(one.cosigns(a.files[verify.CheckpointFile]))
	must(t, os.WriteFile(packet, a.pack(t), 0o600))
	for _, c := range []struct {
		name     string
		cosigned []byte
		code     int
	}{
		{"nothing is cosigned", nil, 1},
		{"cosigned", one.cosigns(plain), 0},
		{"cosigned by nobody", plain, 1},
		{"another log's", one.cosigns(unpack(t, other).files[verify.CheckpointFile]), 1},
	} {
		if c.cosigned != nil {
			must(t, os.WriteFile(filepath.Join(log, "cosigned"), c.cosigned, 0o600))
		}
		code, said := audits(t, "log", log, "--key", f.key, "--witness", key)
		if code != c.code || c.code == 0 && !strings.Contains(said, "The first 47 are under a checkpoint that the witnesses have signed") {
			t.Errorf("%s: %d %s", c.name, code, said)
		}
		if code, said := audits(t, "packet", packet, "--key", f.key, "--witness", key, "--log", log); code != 0 {
			t.Errorf("%s, a packet against it: %d %s", c.name, code, said)
		}
	}
}
