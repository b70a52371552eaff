package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt/internal/app"
	"github.com/exeunt/exeunt/internal/store"
)

// The tests run the command in a process of its own, which is this test's binary under another name:
// exit codes, the environment and both outputs are then the real ones, and tests can run side by side.
const asCommand = "EXEUNT_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shell is where commands run: a home of their own, and the server that they speak to.
type shell struct {
	home string
	env  []string
	data string // of its server, when it has one
}

func newShell(t testing.TB, env ...string) shell {
	t.Helper()
	home := t.TempDir()
	return shell{home: home, env: append([]string{asCommand + "=yes", "PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home, "LANG=C.UTF-8", "TMPDIR=" + home}, env...)}
}

// said is what a command left behind.
type said struct {
	code     int
	out, err string
}

func (s shell) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Dir, cmd.Env = s.home, s.env
	return cmd
}

func (s shell) run(t testing.TB, stdin string, args ...string) said {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := s.command(ctx, args...)
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errOut
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return said{cmd.ProcessState.ExitCode(), out.String(), errOut.String()}
}

// document runs a command with --json: one document on stdout and nothing else there.
func (s shell) document(t testing.TB, code int, args ...string) map[string]any {
	t.Helper()
	got := s.run(t, "", append(args, "--json")...)
	if got.code != code {
		t.Fatalf("exeunt %s ended with %d, want %d\n%s\n%s", strings.Join(args, " "), got.code, code, got.out, got.err)
	}
	d := json.NewDecoder(strings.NewReader(got.out))
	var document map[string]any
	if err := d.Decode(&document); err != nil {
		t.Fatalf("exeunt %s printed no JSON: %v\n%s", strings.Join(args, " "), err, got.out)
	}
	if rest, err := d.Token(); err != io.EOF {
		t.Errorf("exeunt %s prints more than one document: %v", strings.Join(args, " "), rest)
	}
	if document["schema"] == nil || document["schema"] == "" {
		t.Errorf("exeunt %s does not say which schema its document has: %s", strings.Join(args, " "), got.out)
	}
	return document
}

// ---- a server to speak to

const smallCompany = `
company: {name: Acme}
zone: Europe/Berlin
url: http://127.0.0.1:8080
people:
  case_owner: {name: Hilde Brandt, email: hilde@acme.example}
  roles:
    it: {name: Ida Novak, email: ida@acme.example}
    hr: {name: Hera Lind, email: hera@acme.example}
    legal: {name: Lea Roth, email: lea@acme.example}
`

const smallDoors = `
name: doors
kind: manual
identifier: employee_id
tier: 1
owner: {role: it}
fallback: Block the badge.
`

// folder writes a configuration.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

// serving starts a server of a small company and returns a shell with a token for it.
func serving(t *testing.T) shell {
	t.Helper()
	return servingFor(t, "Ida Novak")[0]
}

// servingFor starts one for several people, each an administrator with a token and a shell of their own.
func servingFor(t *testing.T, people ...string) []shell {
	t.Helper()
	return servingWith(t, nil, people...)
}

// servingWith starts one with more files in its folder.
func servingWith(t *testing.T, more map[string]string, people ...string) []shell {
	t.Helper()
	data, files := t.TempDir(), map[string]string{"exeunt.yaml": smallCompany, "systems/doors.yaml": smallDoors}
	maps.Copy(files, more)
	a, err := app.Start(t.Context(), app.Options{
		ConfigDir: folder(t, files),
		DataDir:   data, Listen: "127.0.0.1:0", Environment: "test", Log: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	t.Cleanup(a.Stop)
	var shells []shell
	for _, name := range people {
		first, _, _ := strings.Cut(strings.ToLower(name), " ")
		token, err := a.Accounts.CreateToken(t.Context(), store.User{Email: first + "@acme.example", Name: name, Roles: []string{"admin"}}, "test", time.Hour)
		must(t, err)
		s := newShell(t, "EXEUNT_URL="+a.URL(), "EXEUNT_TOKEN="+token)
		s.data = data
		shells = append(shells, s)
	}
	return shells
}

// starts opens a case by hand and returns its name.
func (s shell) starts(t testing.TB, id, lastDay string) string {
	t.Helper()
	leaver := fmt.Sprintf("type: voluntary\nlast_day: %s\nleaver: {id: %q, name: Jane Doe, identifiers: {work_email: jane@acme.example}}\n", lastDay, id)
	got := s.run(t, leaver, "trigger", "send", "--leaver", "-", "--reason", "the HR system is down", "--json")
	var started struct{ Schema, Case string }
	if err := json.Unmarshal([]byte(got.out), &started); err != nil || got.code != 0 || started.Schema != "started/v1" {
		t.Fatalf("%d %s %s", got.code, got.out, got.err)
	}
	return started.Case
}
