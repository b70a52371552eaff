package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait. What is waited for takes seconds; the rest is for a busy machine.
const patience = 60 * time.Second

// installation is a server's folders and environment, and the process that runs on them.
type installation struct {
	program            string // the binary; another build in some tests
	config, data, home string
	database           string // postgres:// URL, or "" for SQLite
	port               int
	env                map[string]string // secrets, which are in no file
	token              string

	process *exec.Cmd
	ended   chan struct{} // closed when the process is gone
	log     lockedBuffer
}

// warden runs the server in its own place, so that a signal meets it and nobody else, and beside it a
// watcher that ends it when the pipe from the test process closes, in whatever way that happens.
const warden = `exec 3<&0; (cat <&3; kill -9 $$) >/dev/null 2>&1 & exec "$@" </dev/null 3<&-`

// install makes the folders of an installation that listens on a port of its own.
func install(t testing.TB, database string) *installation {
	t.Helper()
	dir := t.TempDir()
	s := &installation{program: binary, config: filepath.Join(dir, "config"), data: filepath.Join(dir, "data"), home: filepath.Join(dir, "home"),
		database: database, port: freePort(t), env: map[string]string{}}
	must(t, os.MkdirAll(s.home, 0o700))
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// freePort is one that stays free while the server is down: below those that the kernel gives to
// outgoing connections (ip_local_port_range).
func freePort(t testing.TB) int {
	t.Helper()
	for range 200 {
		port := 20_000 + rand.IntN(10_000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			must(t, l.Close())
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func (s *installation) url() string { return fmt.Sprintf("http://127.0.0.1:%d", s.port) }

// write puts a file into the configuration.
func (s *installation) write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(s.config, name)
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

func (s *installation) environ(more ...string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.home, "XDG_CONFIG_HOME=" + s.home, "LANG=C.UTF-8",
		"EXEUNT_URL=" + s.url(), "EXEUNT_TOKEN=" + s.token}
	for k, v := range s.env {
		env = append(env, k+"="+v)
	}
	return append(env, more...)
}

// serve starts the server and waits until it is ready. It ends with the test.
func (s *installation) serve(t *testing.T) {
	t.Helper()
	s.launch(t)
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("the server said:\n%s", tail(s.log.String()))
		}
	})
	s.ready(t)
}

// launch starts the process and does not wait.
func (s *installation) launch(t testing.TB) {
	t.Helper()
	args := []string{"serve", "--config", s.config, "--data", s.data, "--listen", fmt.Sprintf("127.0.0.1:%d", s.port)}
	if s.database != "" {
		args = append(args, "--database", s.database)
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c", warden, "warden", s.program}, args...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = s.environ(), &s.log, &s.log
	_, err := cmd.StdinPipe() // the warden's leash; Wait closes it
	must(t, err)
	must(t, cmd.Start())
	ended := make(chan struct{})
	s.process, s.ended = cmd, ended
	go func() { _ = cmd.Wait(); close(ended) }()
}

// ready waits for /readyz, and fails at once when the process has ended.
func (s *installation) ready(t testing.TB) {
	t.Helper()
	eventually(t, "the server is ready", func() (bool, string) {
		select {
		case <-s.ended:
			t.Fatalf("the server ended by itself:\n%s", tail(s.log.String()))
		default:
		}
		answer, err := http.Get(s.url() + "/readyz")
		if err != nil {
			return false, err.Error()
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		return answer.StatusCode == http.StatusOK, string(body)
	})
}

// kill is kill -9: the process is given no chance to do anything.
func (s *installation) kill(t testing.TB) {
	t.Helper()
	must(t, s.process.Process.Kill())
	<-s.ended
}

// stop asks the server to end, as a service manager does.
func (s *installation) stop() {
	_ = s.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		_ = s.process.Process.Kill()
		<-s.ended
	}
}

// authorise makes a token as the manual says: on the server's own data, beside the running server. With it two people decide
// that each connector acts whose file asks for that.
func (s *installation) authorise(t testing.TB) {
	t.Helper()
	for _, as := range [][]string{{"--as", "lea@larkfield.example", "--role", "it"}, nil} {
		args := append([]string{"token", "create", "--data", s.data}, as...)
		if s.database != "" {
			args = append(args, "--database", s.database)
		}
		s.token = strings.TrimSpace(s.run(t, 0, args...).out)
		if s.token == "" {
			t.Fatal("no token was printed")
		}
		for _, name := range s.undecided(t) {
			must(t, s.api(http.MethodPost, "/systems/"+name+"/live", map[string]string{"reason": "it was rehearsed with the systems of this test"}, nil))
		}
	}
}

// undecided are the systems whose file says stage: live, and which count as shadow since nobody has decided.
func (s *installation) undecided(t testing.TB) (names []string) {
	t.Helper()
	var list struct{ Systems []struct{ Name, Asks string } }
	must(t, s.api(http.MethodGet, "/systems", nil, &list))
	for _, system := range list.Systems {
		if system.Asks != "" {
			names = append(names, system.Name)
		}
	}
	return names
}

// said is what a command printed.
type said struct {
	code     int
	out, err string
}

// run runs a command and fails unless it ends with the code.
func (s *installation) run(t testing.TB, code int, args ...string) said {
	t.Helper()
	got := s.try(t, nil, args...)
	if got.code != code {
		t.Fatalf("exeunt %s ended with %d, want %d\nstdout: %s\nstderr: %s", strings.Join(args, " "), got.code, code, tail(got.out), tail(got.err))
	}
	return got
}

func (s *installation) try(t testing.TB, env []string, args ...string) said {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var out, errOut bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = s.environ(env...), s.home, &out, &errOut
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return said{cmd.ProcessState.ExitCode(), out.String(), errOut.String()}
}

// ask runs a command with --json, which must print one document of the schema and nothing else.
func (s *installation) ask(t testing.TB, into any, code int, schema string, args ...string) {
	t.Helper()
	got := s.run(t, code, append(args, "--json")...)
	var kind struct {
		Schema string `json:"schema"`
	}
	d := json.NewDecoder(strings.NewReader(got.out))
	var document json.RawMessage
	if err := d.Decode(&document); err != nil || d.More() {
		t.Fatalf("exeunt %s printed no single JSON document (%v): %s", strings.Join(args, " "), err, tail(got.out))
	}
	must(t, json.Unmarshal(document, &kind))
	if kind.Schema != schema {
		t.Errorf("exeunt %s: schema %q, want %q", strings.Join(args, " "), kind.Schema, schema)
	}
	if into != nil {
		must(t, json.Unmarshal(document, into))
	}
}

// eventually polls until something is so, and says what was seen last when it never is.
func eventually(t testing.TB, what string, is func() (bool, string)) {
	t.Helper()
	within(t, patience, what, is)
}

func within(t testing.TB, patience time.Duration, what string, is func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, seen := is()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s. Seen last: %s", patience, what, tail(seen))
		}
		<-tick.C
	}
}

func tail(text string) string { return text[max(0, len(text)-6000):] }

// lockedBuffer is what a process writes to while the test reads.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// client loses patience where a server was stopped in the middle of an answer.
var client = &http.Client{Timeout: 30 * time.Second}

// api calls the HTTP API as a program would that is not ours.
func (s *installation) api(method, path string, in, out any) error {
	r, err := http.NewRequest(method, s.url()+"/api/v1"+path, bytes.NewReader(encoded(in)))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return err
	case answer.StatusCode >= 300:
		return fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, body)
	case out == nil:
		return nil
	}
	return json.Unmarshal(body, out)
}
