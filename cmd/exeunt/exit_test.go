package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web/api"
	"golang.org/x/mod/sumdb/note"
)

// TestExitCodes holds what scripts rely on: the table of `exeunt help exit-codes`.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	s := serving(t)
	running := s.starts(t, "1", "2026-01-30")
	held := s.starts(t, "2", "2099-01-30") // a last day that far ahead is held for a person
	nowhere := newShell(t, "EXEUNT_URL=http://127.0.0.1:9", "EXEUNT_TOKEN=x")
	stranger := newShell(t, s.env[len(s.env)-2], "EXEUNT_TOKEN=not-a-token")
	broken := folder(t, map[string]string{"exeunt.yaml": "company: {}\n"})
	for _, c := range []struct {
		shell
		args string
		code int
		says string // on stderr, or on stdout where it is what was asked for
	}{
		{s, "", 0, "exeunt demo"},
		{s, "help exit-codes", 0, "5    verification failed"},
		{s, "version", 0, "exeunt"},
		{s, "frobnicate", 2, `unknown command "frobnicate"`},
		{s, "case list --colour", 2, "unknown flag: --colour"},
		{s, "case show", 2, "accepts 1 arg(s)"},
		{s, "check", 2, `required flag(s) "config" not set`},
		{s, "case show 12x", 2, "cases are called C-1"},
		{s, "check --config " + broken, 2, "exeunt.yaml:1:1: zone: missing"},
		{s, "serve --config " + broken + " --data " + t.TempDir(), 2, "exeunt.yaml:1:1: zone: missing"},
		{s, "serve --config " + filepath.Join(broken, "nowhere") + " --data " + t.TempDir(), 2, "it does not exist"},
		{s, "plan preview --config " + broken + " --leaver -", 2, "exeunt.yaml:1:1: zone: missing"},
		{s, "token invite --data " + t.TempDir() + " --email a@b.example --role king", 2, `"king" is not a role`},
		{newShell(t), "case list", 2, "set EXEUNT_TOKEN"},
		{s, "case show C-999", 3, ""},
		{s, "case watch C-999", 3, ""},
		{s, "task done T-999", 3, ""},
		{s, "evidence export C-999", 3, ""},
		{s, "case retry " + running + " --step nothing-disable", 3, ""},
		{stranger, "case list", 3, "token"},
		{s, "case watch " + running, 4, "waits for people"},
		{nowhere, "case list", 6, "no server answers at http://127.0.0.1:9"},
		{nowhere, "ledger verify", 6, "no server answers"},
		{s, "case hold " + running + " --reason short", 2, "reason"},
		{s, "case hold " + running + " --reason the-date-is-disputed", 0, ""},
		{s, "case hold " + running + " --reason the-date-is-disputed", 7, "held already"},
		{s, "case release " + running + " --reason the-date-is-settled-now", 0, ""},
		{s, "case release " + held + " --reason short", 2, "reason"},
		{s, "case release " + running + " --reason it-is-not-held-at-all", 7, "not held"},
		{s, "case release " + held + " --reason confirmed-by-Hera-Lind", 0, ""},
		{s, "case release " + held + " --reason confirmed-by-Hera-Lind", 7, "not held"},
		{s, "case legal-hold " + running + " --reason short", 2, "reason"},
		{s, "case legal-release " + running + " --reason nothing-is-kept-here", 7, "under no legal hold"},
		{s, "case legal-hold " + running + " --reason a-law-suit-is-coming", 0, "under legal hold"},
		{s, "case legal-release " + running + " --reason the-suit-is-settled --lasts soon", 2, "length of time"},
		{s, "case legal-release " + running + " --reason the-suit-is-settled --lasts 2h", 0, "another person has to confirm it"},
		{s, "case overrides " + running, 0, "asked"},
		{s, "task approve T-999 --reason the-suit-is-settled", 3, ""},
		{s, "fuse list", 0, "TRIP"},
		{s, "fuse show F-9", 3, ""},
		{s, "fuse confirm F-9 --reason agreed-with-the-board", 3, ""},
		{s, "fuse release F-9 --case C-1 --reason agreed-with-the-board", 3, ""},
		{s, "fuse show 9x", 2, "F-1"},
		{s, "case put-back " + running + " --step doors-by-hand", 2, `required flag(s) "reason" not set`},
		{s, "case put-back " + running + " --step nothing-disable --reason they-work-another-week", 3, "no step nothing-disable"},
		{s, "case reveal " + running + " --reason it-is-no-secret-at-all", 7, "under no embargo"},
		{s, "case embargo " + running + " --visible-to a@b.example --reason it-is-no-secret-at-all", 7, "under no embargo"},
		{s, "ledger verify", 0, "no break"},
		{s, "evidence verify nowhere.zip", 2, "nowhere.zip cannot be read"},
	} {
		t.Run(c.args, func(t *testing.T) {
			got := c.run(t, "", strings.Fields(c.args)...)
			if got.code != c.code || !strings.Contains(got.out+got.err, c.says) {
				t.Errorf("ended with %d, want %d saying %q\nstdout: %s\nstderr: %s", got.code, c.code, c.says, got.out, got.err)
			}
			if c.code != 0 && got.err == "" && !strings.HasPrefix(c.args, "check ") {
				t.Error("nothing on stderr says why")
			}
		})
	}
}

// TestEvidenceIsVerifiedOffline sees the codes of `evidence verify`: trusted, not vouched for, edited.
func TestEvidenceIsVerifiedOffline(t *testing.T) {
	t.Parallel()
	s := serving(t)
	id := s.starts(t, "1", "2026-01-30")
	s.document(t, 0, "evidence", "export", id)
	packet := filepath.Join(s.home, id+".evidence.zip")
	key := strings.TrimSpace(s.run(t, "", "ledger", "key").out)
	must(t, os.WriteFile(filepath.Join(s.home, "exeunt.vkey"), []byte(key+"\n"), 0o600))
	auditor := newShell(t) // no server, no token, no key
	for name, got := range map[string]said{
		"remembered at the export": s.run(t, "", "evidence", "verify", packet),
		"by --key":                 auditor.run(t, "", "evidence", "verify", packet, "--key", key),
		"by a file":                auditor.run(t, "", "evidence", "verify", packet, "--key", filepath.Join(s.home, "exeunt.vkey")),
		"by the environment":       newShell(t, "EXEUNT_LEDGER_KEY="+key).run(t, "", "evidence", "verify", packet),
	} {
		if got.code != 0 || !strings.Contains(got.out, "none missing, in order, signed. not closed") {
			t.Errorf("a key %s: %d %s%s", name, got.code, got.out, got.err)
		}
	}
	if got := auditor.run(t, "", "evidence", "verify", packet); got.code != 4 || !strings.Contains(got.err, "nobody vouched for the key") {
		t.Errorf("no key: %d %s", got.code, got.err)
	}
	other := strings.TrimSpace(serving(t).run(t, "", "ledger", "key").out)
	if doc := auditor.document(t, 5, "evidence", "verify", packet, "--key", other); doc["verified"] != false || doc["fault"] == "" {
		t.Errorf("another log's key: %v", doc)
	}
	edited := filepath.Join(s.home, "edited.zip")
	for name, edit := range map[string]func(name string, data []byte) []byte{
		"a word changed": func(_ string, data []byte) []byte {
			return bytes.Replace(data, []byte(`"case.open"`), []byte(`"case.over"`), 1)
		},
		"an entry left out": func(name string, data []byte) []byte {
			if strings.Contains(name, "000003") {
				return nil
			}
			return data
		},
		"the checkpoint of something else": func(name string, data []byte) []byte {
			if name == verify.CheckpointFile {
				return bytes.Replace(data, []byte("\n"), []byte("x\n"), 1)
			}
			return data
		},
	} {
		rewrite(t, packet, edited, edit)
		if got := auditor.run(t, "", "evidence", "verify", edited, "--key", key); got.code != 5 || !strings.Contains(got.out, "Not verified") {
			t.Errorf("%s: %d %s%s", name, got.code, got.out, got.err)
		}
	}
	rewrite(t, packet, edited, func(_ string, data []byte) []byte { return data })
	if got := auditor.run(t, "", "evidence", "verify", edited, "--key", key); got.code != 0 {
		t.Errorf("packed anew with nothing changed: %d %s%s", got.code, got.out, got.err)
	}
}

// TestAnotherKeyOfALogIsNotRemembered has a server that shows another key than the one that is known for its log.
func TestAnotherKeyOfALogIsNotRemembered(t *testing.T) {
	t.Parallel()
	s := serving(t)
	id := s.starts(t, "1", "2026-01-30")
	shown := strings.TrimSpace(s.run(t, "", "ledger", "key").out)
	origin, _, _ := strings.Cut(shown, "+")
	_, before, err := note.GenerateKey(rand.Reader, origin)
	must(t, err)
	s.document(t, 0, "evidence", "export", id) // the first is trusted
	must(t, os.WriteFile(filepath.Join(s.home, "exeunt", "known-ledgers"), []byte(before+"\n"), 0o600))
	packet := filepath.Join(s.home, id+".evidence.zip")
	must(t, os.Remove(packet))
	if got := s.run(t, "", "evidence", "export", id); got.code != 4 || !strings.Contains(got.err, "not the one that is known for it") {
		t.Errorf("another key: %d %s", got.code, got.err)
	}
	if got := s.run(t, "", "evidence", "verify", packet); got.code != 5 {
		t.Errorf("what the other key signed passes for vouched: %d %s%s", got.code, got.out, got.err)
	}
	if got := s.run(t, "", "evidence", "export", id, "--key", before); got.code != 4 {
		t.Errorf("a key that the server does not have is given: %d %s", got.code, got.err)
	}
	if got := s.run(t, "", "evidence", "export", id, "--key", shown); got.code != 0 {
		t.Errorf("a person gives the new key: %d %s", got.code, got.err)
	}
	if got := s.run(t, "", "evidence", "verify", packet); got.code != 0 {
		t.Errorf("it is remembered now: %d %s%s", got.code, got.out, got.err)
	}
	known := filepath.Join(s.home, "exeunt", "known-ledgers")
	raw, err := os.ReadFile(known)
	if must(t, err); string(raw) != before+"\n"+shown+"\n" {
		t.Errorf("remembered are %q", raw)
	}
	must(t, os.Rename(known, known+".moved"))
	must(t, os.Mkdir(known, 0o700)) // which is there, and cannot be read
	for _, args := range [][]string{{"evidence", "export", id}, {"evidence", "verify", packet}} {
		if got := s.run(t, "", args...); got.code != 2 || !strings.Contains(got.err, "cannot be read") {
			t.Errorf("%v with known keys that cannot be read: %d %s%s", args, got.code, got.out, got.err)
		}
	}
}

// TestAPacketOutlivesTheKeyThatSignedIt holds a packet against a log that another key signs by now.
func TestAPacketOutlivesTheKeyThatSignedIt(t *testing.T) {
	t.Parallel()
	s := serving(t)
	id := s.starts(t, "1", "2026-01-30")
	s.document(t, 0, "evidence", "export", id)
	old := strings.TrimSpace(s.run(t, "", "ledger", "key").out)
	origin, _, _ := strings.Cut(old, "+")
	log := filepath.Join(t.TempDir(), "log")
	must(t, os.CopyFS(log, os.DirFS(filepath.Join(s.data, "ledger", "log"))))
	checkpoint, err := os.ReadFile(filepath.Join(log, "checkpoint"))
	must(t, err)
	private, fresh, err := note.GenerateKey(rand.Reader, origin)
	must(t, err)
	signer, err := note.NewSigner(private)
	must(t, err)
	text, _, _ := strings.Cut(string(checkpoint), "\n\n")
	again, err := note.Sign(&note.Note{Text: text + "\n"}, signer)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(log, "checkpoint"), again, 0o600))
	auditor, packet := newShell(t), filepath.Join(s.home, id+".evidence.zip")
	auditor.document(t, 0, "evidence", "verify", packet, "--key", old, "--key", fresh, "--log", log)
	if got := auditor.run(t, "", "evidence", "verify", packet, "--key", old, "--log", log); got.code != 5 {
		t.Errorf("a log that only an unknown key signed: %d %s%s", got.code, got.out, got.err)
	}
}

// TestALogIsVerifiedOffline checks a copy of the log, and a packet against it: only the log shows what came
// after the packet.
func TestALogIsVerifiedOffline(t *testing.T) {
	t.Parallel()
	s := serving(t)
	id := s.starts(t, "1", "2026-01-30")
	s.document(t, 0, "evidence", "export", id)
	packet := filepath.Join(s.home, id+".evidence.zip")
	key := strings.TrimSpace(s.run(t, "", "ledger", "key").out)
	copied := copyOfLog(t, s.data)
	auditor := newShell(t)
	if doc := auditor.document(t, 0, "ledger", "verify", "--log", copied, "--key", key); doc["verified"] != true || doc["cases"] != 1.0 || doc["origin"] == "" {
		t.Errorf("the log: %v", doc)
	}
	auditor.document(t, 0, "evidence", "verify", packet, "--key", key, "--log", copied)
	if got := auditor.run(t, "", "ledger", "verify", "--log", copied); got.code != 2 || !strings.Contains(got.err, "no key to verify the log with") {
		t.Errorf("without a key: %d %s", got.code, got.err)
	}

	s.run(t, "", "case", "hold", id, "--reason", "the date is disputed")
	s.document(t, 0, "evidence", "export", id, "-o", filepath.Join(s.home, "newer.zip")) // waits until the log has it
	newer := copyOfLog(t, s.data)
	if got := auditor.run(t, "", "evidence", "verify", packet, "--key", key, "--log", newer); got.code != 5 || !strings.Contains(got.out, "left out or came later") {
		t.Errorf("a packet that is behind the log: %d %s%s", got.code, got.out, got.err)
	}
	auditor.document(t, 0, "evidence", "verify", filepath.Join(s.home, "newer.zip"), "--key", key, "--log", newer)
	if got := auditor.run(t, "", "evidence", "verify", filepath.Join(s.home, "newer.zip"), "--key", key, "--log", copied); got.code != 5 {
		t.Errorf("a log that is behind the packet: %d %s%s", got.code, got.out, got.err)
	}
	holdsAgainstWhatWasPublished(t, auditor, key, copied, newer, packet)
	entries, err := filepath.Glob(filepath.Join(newer, "tile", "entries", "000.p", "*"))
	must(t, err)
	for _, name := range entries {
		raw, err := os.ReadFile(name)
		must(t, err)
		must(t, os.WriteFile(name, bytes.Replace(raw, []byte(`"seq":1,`), []byte(`"seq":2,`), 1), 0o600))
	}
	if got := auditor.run(t, "", "ledger", "verify", "--log", newer, "--key", key); got.code != 5 || !strings.Contains(got.out, "The log does not hold: entry 1") {
		t.Errorf("an edited log: %d %s%s", got.code, got.out, got.err)
	}
}

// holdsAgainstWhatWasPublished gives a log, and one that went on from it, the checkpoints that were published of both.
func holdsAgainstWhatWasPublished(t *testing.T, auditor shell, key, older, newer, packet string) {
	t.Helper()
	kept := t.TempDir()
	for i, log := range []string{older, newer} {
		signed, err := os.ReadFile(filepath.Join(log, "checkpoint"))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(kept, fmt.Sprintf("%d.checkpoint", i)), signed, 0o600))
	}
	if doc := auditor.document(t, 0, "ledger", "verify", "--log", newer, "--key", key, "--published", kept); doc["published"] != 2.0 {
		t.Errorf("against both: %v", doc)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"ledger", "verify", "--log", newer, "--published", filepath.Join(kept, "0.checkpoint")}, 0, "It goes on from what was published: 1 checkpoints"},
		{[]string{"ledger", "verify", "--log", older, "--published", kept}, 5, "entries were cut off"},
		{[]string{"ledger", "verify", "--published", kept}, 2, "with --log"},
		{[]string{"ledger", "verify", "--log", newer, "--published", older}, 2, "no file that ends with .checkpoint"},
		{[]string{"ledger", "verify", "--log", newer, "--published", packet}, 2, "its signature is wrong or it is not a signed note"},
		{[]string{"evidence", "verify", packet, "--published", filepath.Join(kept, "0.checkpoint"), "--log", older}, 0, "none missing"},
		{[]string{"evidence", "verify", packet, "--published", kept}, 2, "give it with --log"},
		{[]string{"evidence", "verify", packet, "--published", kept, "--log", older}, 5, "entries were cut off"},
	} {
		if got := auditor.run(t, "", append(c.args, "--key", key)...); got.code != c.code || !strings.Contains(got.out+got.err, c.says) {
			t.Errorf("%v: %d %s%s", c.args, got.code, got.out, got.err)
		}
	}
}

// copyOfLog copies what is shown of the log of a running server: the checkpoint first, as its name has it, and then at least
// what it covers. Temporary files come and go meanwhile.
func copyOfLog(t *testing.T, data string) string {
	t.Helper()
	from, to := os.DirFS(filepath.Join(data, "ledger", "log")), filepath.Join(t.TempDir(), "log")
	must(t, fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && (!ledger.Public(name) || d.IsDir()) {
			return nil
		}
		var raw []byte
		if err == nil {
			raw, err = fs.ReadFile(from, name)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		path := filepath.Join(to, filepath.FromSlash(name))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o700)
		}
		if err == nil {
			err = os.WriteFile(path, raw, 0o600)
		}
		return err
	}))
	return to
}

// rewrite packs a packet anew with each file as edit wants it; nil leaves it out.
func rewrite(t *testing.T, from, to string, edit func(name string, data []byte) []byte) {
	t.Helper()
	in, err := zip.OpenReader(from)
	must(t, err)
	defer in.Close()
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range in.File {
		r, err := f.Open()
		must(t, err)
		data, err := io.ReadAll(r)
		must(t, err)
		if data = edit(f.Name, data); data == nil {
			continue
		}
		w, err := out.Create(f.Name)
		must(t, err)
		_, err = w.Write(data)
		must(t, err)
	}
	must(t, out.Close())
	must(t, os.WriteFile(to, b.Bytes(), 0o600))
}

// TestWatchingIsInterruptedWithoutHarm needs a case in which something is always under way.
func TestWatchingIsInterruptedWithoutHarm(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(api.CaseFile{
			Schema: "case/v1", Case: exeunt.Case{ID: 7, State: exeunt.CaseRunning}, Steps: []exeunt.Step{{Case: 7, Key: "a", State: exeunt.StepReady}},
			Entries: []store.EntryRow{{Number: 1, Entry: exeunt.Entry{Case: 7, Kind: exeunt.EntryOpened, What: "case opened", At: time.Now()}}},
		})
	}))
	defer server.Close()
	cmd := newShell(t, "EXEUNT_URL="+server.URL, "EXEUNT_TOKEN=x").command(t.Context(), "case", "watch", "C-7", "--json")
	out, err := cmd.StdoutPipe()
	must(t, err)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	must(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		_ = cmd.Wait()
		t.Fatal(err, errOut.String())
	}
	var e struct{ Kind, What string }
	if err := json.Unmarshal(line, &e); err != nil || e.Kind != "case.open" {
		t.Errorf("the first line is %s", line)
	}
	must(t, cmd.Process.Signal(os.Interrupt))
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("interrupted with %d, want 130", cmd.ProcessState.ExitCode())
	}
}
