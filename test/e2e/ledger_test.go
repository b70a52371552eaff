package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/exeunt/exeunt/internal/testserver"
)

const ledgerCompanyYAML = `
company: {name: Larkfield Instruments}
zone: Europe/Berlin
country: DE
url: %s
people:
  case_owner: {name: Hilde Brandt, email: hilde@larkfield.example}
  roles:
    it: {name: Ida Novak, email: ida@larkfield.example}
    hr: {name: Hera Lind, email: hera@larkfield.example}
    legal: {name: Lea Roth, email: lea@larkfield.example}
ledger: {address: "unix://%s"}
`

const badgeYAML = `
name: badge
kind: manual
identifier: employee_id
tier: 1
owner: {role: it}
fallback: Block the badge.
`

// ledgerProcess is exeunt ledger serve, under a user of its own where the test may choose one.
type ledgerProcess struct {
	dir, socket, origin string
	archive             string              // where it publishes checkpoints
	user                *syscall.Credential // nil is our own
	cmd                 *exec.Cmd
	ended               chan struct{}
	log                 lockedBuffer
}

func newLedgerProcess(t *testing.T) *ledgerProcess {
	t.Helper()
	dir, err := os.MkdirTemp("", "exeunt-ledger-") // every folder of t.TempDir is ours alone
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l := &ledgerProcess{dir: dir, socket: filepath.Join(dir, "ledger.sock"), origin: "127.0.0.1/ledger"}
	l.archive = filepath.Join(dir, "archive")
	must(t, os.Mkdir(l.archive, 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "publish.yaml"), []byte("targets:\n  - {name: archive, kind: file, every: 1m, settings: {folder: "+l.archive+"}}\n"), 0o644))
	if os.Geteuid() == 0 {
		l.user = &syscall.Credential{Uid: 65534, Gid: 65534}
		must(t, errors.Join(os.Chown(dir, 65534, 65534), os.Chown(l.archive, 65534, 65534)))
	}
	return l
}

// start runs it for a user and waits until it listens.
func (l *ledgerProcess) start(t *testing.T, allow int) {
	t.Helper()
	// The binary lies in a folder that only we can enter: hand it over, open.
	l.cmd = exec.Command("/proc/self/fd/3", "ledger", "serve", "--ledger", filepath.Join(l.dir, "ledger"), "--origin", l.origin, "--listen", "unix://"+l.socket, "--allow", fmt.Sprint(allow), "--publish", filepath.Join(l.dir, "publish.yaml"))
	program, err := os.Open(binary)
	must(t, err)
	defer program.Close()
	l.cmd.ExtraFiles = []*os.File{program}
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: l.user, Pdeathsig: syscall.SIGKILL}
	l.cmd.Env, l.cmd.Dir, l.cmd.Stdout, l.cmd.Stderr = []string{"PATH=" + os.Getenv("PATH")}, "/", &l.log, &l.log
	said := len(l.log.String())
	must(t, l.cmd.Start())
	ended := make(chan struct{})
	l.ended = ended
	cmd := l.cmd
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	eventually(t, "the ledger listens", func() (bool, string) {
		select {
		case <-ended:
			t.Fatalf("the ledger ended by itself:\n%s", l.log.String())
		default:
		}
		text := l.log.String()[said:]
		return strings.Contains(text, "listens at "+l.socket), text
	})
}

func (l *ledgerProcess) signal(t *testing.T, s os.Signal) {
	t.Helper()
	must(t, l.cmd.Process.Signal(s))
	select {
	case <-l.ended:
	case <-time.After(patience):
		t.Fatalf("the ledger does not end on %s", s)
	}
}

// readyz is what health says.
func (s *installation) readyz() (int, string) {
	answer, err := http.Get(s.url() + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body)
}

func (s *installation) health(t *testing.T, code int, says string) {
	t.Helper()
	eventually(t, fmt.Sprintf("health is %d and says %q", code, says), func() (bool, string) {
		got, text := s.readyz()
		return got == code && strings.Contains(text, says), text
	})
}

// leaves opens a case by hand.
func (s *installation) leaves(t *testing.T, employee string) string {
	t.Helper()
	file := filepath.Join(s.home, "leaver.yaml")
	must(t, os.WriteFile(file, fmt.Appendf(nil, "type: voluntary\nlast_day: 2030-06-28\nleaver: {id: %s, name: Jo Leaver, identifiers: {employee_id: %s}}\n", employee, employee), 0o600))
	return strings.TrimSpace(s.run(t, 0, "trigger", "send", "--leaver", file, "--reason", "the HR system is down").out)
}

// proven exports the evidence of a case and verifies it.
func (s *installation) proven(t *testing.T, id string) {
	t.Helper()
	file := filepath.Join(s.home, id+".zip")
	s.run(t, 0, "evidence", "export", id, "-o", file)
	s.run(t, 0, "evidence", "verify", file)
	s.run(t, 0, "ledger", "verify")
}

// TestTheLedgerAsAProcessOfItsOwn starts a server before its ledger, takes the ledger away by kill -9 and
// by a stop, and gives it back; and lets in nobody whom it was not told of.
func TestTheLedgerAsAProcessOfItsOwn(t *testing.T) {
	t.Parallel()
	s, l := install(t, ""), newLedgerProcess(t)
	s.write(t, "exeunt.yaml", fmt.Sprintf(ledgerCompanyYAML, s.url(), l.socket))
	s.write(t, "systems/badge.yaml", badgeYAML)
	s.launch(t)
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("the server said:\n%s\nthe ledger said:\n%s", tail(s.log.String()), tail(l.log.String()))
		}
	})
	s.health(t, http.StatusServiceUnavailable, "nothing listens there; start exeunt ledger serve")
	s.authorise(t)
	first := s.leaves(t, "E-1") // cases do not wait for the ledger

	l.start(t, os.Geteuid()+1)
	s.health(t, http.StatusServiceUnavailable, fmt.Sprintf("user %d may not use this ledger", os.Geteuid()))
	l.signal(t, syscall.SIGTERM)
	l.start(t, os.Geteuid())
	s.health(t, http.StatusOK, `"backlog":0`)
	s.proven(t, first)

	l.signal(t, syscall.SIGKILL)
	second := s.leaves(t, "E-2")
	s.health(t, http.StatusServiceUnavailable, "is away")
	if got := s.try(t, nil, "ledger", "verify"); got.code != 6 {
		t.Errorf("a check without a ledger ends with %d: %s", got.code, got.err)
	}
	l.start(t, os.Geteuid())
	s.health(t, http.StatusOK, `"backlog":0`)
	s.proven(t, second)
	s.proven(t, first)

	eventually(t, "a checkpoint is published", func() (bool, string) {
		files, err := filepath.Glob(filepath.Join(l.archive, "127.0.0.1", "ledger", "*.checkpoint"))
		return err == nil && len(files) > 0, fmt.Sprint(files, err)
	})
	s.run(t, 0, "ledger", "verify", "--log", filepath.Join(l.dir, "ledger", "log"), "--key", filepath.Join(l.dir, "ledger", "key.pub"), "--published", l.archive)

	if _, err := os.Stat(filepath.Join(s.data, "ledger")); !os.IsNotExist(err) {
		t.Errorf("the server keeps a ledger too: %v", err)
	}
	if info, err := os.Stat(filepath.Join(l.dir, "ledger", "key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the signing key: %v", err)
	}
}

// TestServersOfOneDatabaseShareOneLedger has two servers, each of which proves what the other did, while the
// ledger dies between. A third one with a ledger of its own is told that it is the wrong one.
func TestServersOfOneDatabaseShareOneLedger(t *testing.T) {
	t.Parallel()
	database, l := testserver.Postgres(t), newLedgerProcess(t)
	l.start(t, os.Geteuid())
	var servers []*installation
	for range 2 {
		s := install(t, database)
		s.write(t, "exeunt.yaml", fmt.Sprintf(ledgerCompanyYAML, s.url(), l.socket))
		s.write(t, "systems/badge.yaml", badgeYAML)
		s.serve(t)
		s.authorise(t)
		servers = append(servers, s)
	}
	one, two := servers[0], servers[1]
	first := one.leaves(t, "E-1")
	two.proven(t, first)
	l.signal(t, syscall.SIGKILL)
	second, third := one.leaves(t, "E-2"), two.leaves(t, "E-3")
	l.start(t, os.Geteuid())
	for _, s := range servers {
		s.health(t, http.StatusOK, `"backlog":0`)
	}
	one.proven(t, third)
	two.proven(t, second)

	wrong := install(t, database)
	wrong.write(t, "exeunt.yaml", strings.Split(fmt.Sprintf(ledgerCompanyYAML, wrong.url(), l.socket), "ledger:")[0]+"ledger: {origin: "+l.origin+"}\n")
	wrong.write(t, "systems/badge.yaml", badgeYAML)
	wrong.launch(t)
	t.Cleanup(wrong.stop)
	select {
	case <-wrong.ended:
	case <-time.After(time.Minute):
		t.Fatal("a server with a ledger of its own serves beside those that share one")
	}
	if said := wrong.log.String(); !strings.Contains(said, "share one ledger process") {
		t.Errorf("it ended and said:\n%s", said)
	}
	fourth := one.leaves(t, "E-4") // and nobody else is disturbed
	two.proven(t, fourth)
}
