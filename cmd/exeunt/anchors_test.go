package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/app"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/testserver"
)

// house is a server that can be stopped and started again, and a shell that speaks to it.
type house struct {
	*app.App
	shell
	t      *testing.T
	config string
}

// start starts the server of a configuration; again on the same data.
func (h *house) start(ledger string) {
	h.t.Helper()
	must(h.t, os.WriteFile(filepath.Join(h.config, "exeunt.yaml"), []byte(smallCompany+ledger), 0o600))
	var err error
	h.App, err = app.Start(h.t.Context(), app.Options{ConfigDir: h.config, DataDir: h.data, Listen: "127.0.0.1:0", Environment: "test", Log: slog.New(slog.DiscardHandler)})
	must(h.t, err)
	token, err := h.Accounts.CreateToken(h.t.Context(), store.User{Email: "ida@acme.example", Name: "Ida Novak", Roles: []string{"admin"}}, "test", time.Hour)
	must(h.t, err)
	data := h.data
	h.shell = newShell(h.t, "EXEUNT_URL="+h.URL(), "EXEUNT_TOKEN="+token)
	h.data = data
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, config: folder(t, map[string]string{"systems/doors.yaml": smallDoors})}
	h.data = t.TempDir()
	return h
}

// key is the ledger's.
func (h *house) key() string {
	h.t.Helper()
	raw, err := os.ReadFile(filepath.Join(h.data, "ledger", "key.pub"))
	must(h.t, err)
	return strings.TrimSpace(string(raw))
}

func (h *house) file(name, text string) (path string) {
	h.t.Helper()
	path = filepath.Join(h.config, name)
	must(h.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// export writes the packet of a case.
func (h *house) export(id string) (path string) {
	h.t.Helper()
	path = filepath.Join(h.t.TempDir(), "packet.zip")
	h.document(h.t, 0, "evidence", "export", id, "-o", path)
	return path
}

// cosigned exports the packet of a case until it satisfies a policy: an export waits for witnesses only for seconds.
func (h *house) cosigned(id, key, policy string) (path string) {
	h.t.Helper()
	h.until("the packet of "+id+" is cosigned", func() bool {
		path = h.export(id)
		return h.run(h.t, "", "evidence", "verify", path, "--key", key, "--policy", policy).code == 0
	})
	return path
}

func (h *house) until(what string, is func() bool) {
	h.t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			h.t.Fatalf("not within a minute: %s", what)
		}
	}
}

// verdict is one way to run a verification, and how it has to end.
type verdict struct {
	args string
	code int
	says string
}

func (v verdict) holds(t *testing.T, by shell) {
	t.Helper()
	if got := by.run(t, "", strings.Fields(v.args)...); got.code != v.code || !strings.Contains(got.out+got.err, v.says) {
		t.Errorf("%s: %d, want %d saying %q\n%s%s", v.args, got.code, v.code, v.says, got.out, got.err)
	}
}

// TestPacketsAreHeldToWitnessesAndTimeStamps has a real witness and an authority, and an auditor who has their keys, or
// those of others.
func TestPacketsAreHeldToWitnessesAndTimeStamps(t *testing.T) {
	t.Parallel()
	authority, another := testserver.TimeStamps(t), testserver.TimeStamps(t)
	h := newHouse(t)
	h.start("")
	key, origin := h.key(), h.Config().Ledger.Origin
	h.Stop()
	one := testserver.Witness(t, "witness.example/one", origin, key)
	stranger := testserver.Witness(t, "witness.example/stranger", "another.example/log", key)
	policy := func(name string, w testserver.CosigningWitness) string {
		return h.file(name, fmt.Sprintf("log %s\nwitness one %s %s\nquorum one\n", key, w.Key, w.URL))
	}
	good, bad := policy("witnesses.policy", one), policy("others.policy", stranger)
	pem, err := os.ReadFile(authority.Authority)
	must(t, err)
	h.file("tsa.pem", string(pem))
	h.start("ledger: {witnesses: witnesses.policy, timestamp: {url: \"" + authority.URL + "\", authority: tsa.pem}}\n")
	defer func() { h.Stop() }()

	open, closed := h.starts(t, "1", "2099-01-30"), h.starts(t, "2", "2026-01-30")
	h.finish(closed)
	h.until("the close is stamped", func() bool {
		page, err := h.Store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryStamped)})
		return err == nil && page.Total == 1
	})
	packet, running := h.cosigned(closed, key, good), h.cosigned(open, key, good)
	copied := copyOfLog(t, h.data)
	auditor := newShell(t)
	for _, v := range []verdict{
		{"evidence verify " + packet + " --policy " + good + " --tsa-ca " + authority.Authority, 0, "witness.example/one"},
		{"evidence verify " + packet + " --policy " + good, 0, ""},
		{"evidence verify " + packet + " --policy " + bad, 5, "no witness of the policy"},
		{"evidence verify " + packet + " --key " + key + " --tsa-ca " + authority.Authority, 0, "The close was time-stamped by"},
		{"evidence verify " + packet + " --key " + key + " --tsa-ca " + filepath.Join(t.TempDir(), "nowhere"), 2, "cannot be read"},
		{"evidence verify " + packet + " --key " + key + " --tsa-ca " + another.Authority, 5, ""},
		{"evidence verify " + running + " --policy " + good, 0, ""},
		{"evidence verify " + running + " --key " + key + " --tsa-ca " + authority.Authority, 5, ""},
		{"evidence verify " + packet + " --policy " + filepath.Join(t.TempDir(), "nowhere"), 2, "cannot be read"},
		{"ledger verify --log " + copied + " --policy " + good, 0, "the quorum of witnesses has cosigned"},
		{"ledger verify --log " + copied + " --policy " + bad, 5, "no witness of the policy"},
	} {
		v.holds(t, auditor)
	}
	stampsAgree(t, packet, running, key, authority.Authority, another.Authority)
}

// stampsAgree holds time stamps, good ones and others, against our verifier and the one for auditors in docs/verify: both
// have to come to the same verdict.
func stampsAgree(t *testing.T, packet, running, key, authority, another string) {
	t.Helper()
	python := testserver.PythonWithOpenSSL(t)
	stamp := func(edit func(data []byte) []byte) string {
		path := filepath.Join(t.TempDir(), "packet.zip")
		rewrite(t, packet, path, func(name string, data []byte) []byte {
			if strings.HasSuffix(name, ".tst") {
				return edit(data)
			}
			return data
		})
		return path
	}
	for name, c := range map[string]struct {
		packet, authority string
		holds             bool
	}{
		"as it is":          {packet, authority, true},
		"another authority": {packet, another, false},
		"an open case":      {running, authority, false},
		"no stamp":          {stamp(func([]byte) []byte { return nil }), authority, false},
		"no stamp wanted":   {stamp(func([]byte) []byte { return nil }), "", true},
		"a flipped bit":     {stamp(func(data []byte) []byte { data[len(data)-1] ^= 1; return data }), authority, false},
		"cut short":         {stamp(func(data []byte) []byte { return data[:len(data)/2] }), authority, false},
	} {
		args := []string{"evidence", "verify", c.packet, "--key", key}
		script := []string{"-B", "../../docs/verify/verify.py", "packet", c.packet, "--key", key}
		if c.authority != "" {
			args, script = append(args, "--tsa-ca", c.authority), append(script, "--tsa-ca", c.authority)
		}
		ours, theirs := newShell(t).run(t, "", args...), exec.CommandContext(t.Context(), python, script...)
		said, _ := theirs.CombinedOutput()
		if (ours.code == 0) != c.holds || (theirs.ProcessState.ExitCode() == 0) != c.holds || !c.holds && (ours.code != 5 || theirs.ProcessState.ExitCode() != 1) {
			t.Errorf("%s: ours says %d %s%s\nthe other one %d %s", name, ours.code, ours.out, ours.err, theirs.ProcessState.ExitCode(), said)
		}
		if stamped := strings.Contains(string(said), "Its close was time-stamped at 20"); stamped != (c.holds && c.authority != "") {
			t.Errorf("%s: the other one says %s", name, said)
		}
	}
}

// finish does every task of a case.
func (h *house) finish(id string) {
	h.t.Helper()
	h.until("every task of "+id+" is done", func() bool {
		doc := h.document(h.t, 0, "case", "show", id)
		if of, ok := doc["case"].(map[string]any); ok && of["state"] == "closed" {
			return true
		}
		tasks, _ := doc["tasks"].([]any)
		for _, task := range tasks {
			h.run(h.t, "", "task", "done", fmt.Sprint(task.(map[string]any)["id"]), "--note", "done")
		}
		return false
	})
}

// TestTheKeyIsChanged changes the signing key of a witnessed ledger by the commands for it, and verifies with what each
// auditor knows at each time.
func TestTheKeyIsChanged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("")
	old, origin, dir := h.key(), h.Config().Ledger.Origin, filepath.Join(h.data, "ledger")
	id := h.starts(t, "1", "2026-01-30")
	before := h.export(id)
	admin := newShell(t)
	verdict{"ledger rotate-key --ledger " + dir + " --origin " + origin, 7, "in use by another process"}.holds(t, h.shell)
	h.Stop()
	witness := testserver.Witness(t, "witness.example/one", origin, old)
	h.file("witnesses.policy", fmt.Sprintf("witness one %s %s\nquorum one\n", witness.Key, witness.URL))
	policy := filepath.Join(h.config, "witnesses.policy")
	const witnessed = "ledger: {witnesses: witnesses.policy}\n"
	verdict{"ledger retire-key --ledger " + dir, 7, "there is none to retire"}.holds(t, admin)
	verdict{"ledger rotate-key --ledger " + dir + " --origin another.example/log", 7, "they have to be the same"}.holds(t, admin)
	fresh := admin.document(t, 0, "ledger", "rotate-key", "--ledger", dir, "--origin", origin)["key"].(string)
	verdict{"ledger rotate-key --ledger " + dir + " --origin " + origin, 7, "the key before this one signs still"}.holds(t, admin)
	if fresh == old || h.key() != fresh {
		t.Fatalf("the key was %s and is %s; the command says %s", old, h.key(), fresh)
	}

	h.start(witnessed)
	h.run(t, "", "case", "hold", id, "--reason", "the date is disputed")
	both := h.cosigned(id, fresh, policy)
	for _, v := range []verdict{
		{"evidence verify " + before + " --key " + old, 0, ""},
		{"evidence verify " + before + " --key " + fresh, 5, ""},
		{"evidence verify " + both + " --key " + old + " --policy " + policy, 0, "Cosigned by the witness witness.example/one"},
		{"evidence verify " + both + " --key " + fresh + " --policy " + policy, 0, "Cosigned by the witness witness.example/one"},
	} {
		v.holds(t, admin)
	}
	verdict{"ledger verify", 0, "no break"}.holds(t, h.shell)
	h.Stop()

	verdict{"ledger retire-key --ledger " + dir, 0, "One key signs."}.holds(t, admin)
	witness.Learn(t, origin, fresh)
	h.start(witnessed)
	defer func() { h.Stop() }()
	h.run(t, "", "case", "release", id, "--reason", "the date is settled now")
	after := h.cosigned(id, fresh, policy)
	for _, v := range []verdict{
		{"evidence verify " + before + " --key " + old, 0, ""},
		{"evidence verify " + after + " --key " + old, 5, ""},
		{"evidence verify " + after + " --key " + fresh + " --policy " + policy, 0, "Cosigned by the witness witness.example/one"},
		{"evidence verify " + before + " --key " + fresh + " --key " + old, 0, ""},
	} {
		v.holds(t, admin)
	}
	verdict{"ledger verify", 0, "no break"}.holds(t, h.shell)
	page, err := h.Store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryKeyChanged)})
	if must(t, err); page.Total != 1 || page.Rows[0].Detail["now"] != fresh {
		t.Errorf("the record of the change: %+v", page.Rows)
	}
}
