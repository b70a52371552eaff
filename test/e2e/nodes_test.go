package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/exeunt/exeunt/internal/testserver"
)

// lease is how long a server that falls silent keeps its lanes (internal/engine).
const lease = 6 * time.Second

// handover is how soon after a server was lost a departure that comes in then is through all systems: the
// lease, the others' next look, what has queued up meanwhile, and a busy machine.
const handover = 5 * lease

// TestSeveralServers takes servers away in every way and puts them back, while departures come in. No
// departure may be lost, nothing that must not be repeated may happen twice, no system may be asked more often
// than it allows, and what the missing server had to do goes on elsewhere within seconds.
func TestSeveralServers(t *testing.T) {
	t.Parallel()
	const staff = 1000
	f := openFleet(t, 3, staff)
	f.stream(t, max(700*time.Millisecond, soak()/(staff-200))) // the last of them are for what is measured
	faults := []struct {
		what string
		do   func(*testing.T, *member)
	}{
		{"is killed", func(t *testing.T, m *member) {
			m.kill(t)
			f.through(t, "one of three was killed")
			f.moved(t, m)
			f.start(t, m)
		}},
		{"is cut off from the database", func(t *testing.T, m *member) {
			m.wire.Cut()
			f.through(t, "one of three was cut off from the database")
			f.moved(t, m)
			m.health(t, http.StatusServiceUnavailable, "lost touch with the database")
			m.wire.Heal()
		}},
		{"hears nothing from the database any more", func(t *testing.T, m *member) {
			m.wire.Stall()
			f.through(t, "the database fell silent for one of three")
			f.moved(t, m)
			m.wire.Heal()
		}},
		{"is paused for longer than its lease", func(t *testing.T, m *member) {
			must(t, m.process.Process.Signal(syscall.SIGSTOP))
			f.through(t, "one of three was paused")
			f.moved(t, m)
			must(t, m.process.Process.Signal(syscall.SIGCONT))
		}},
	}
	for round := range rounds() {
		for i, fault := range faults {
			f.settled(t)
			m := f.owner(t, []string{"directory", "payroll", "duty/events"}[(i+round)%3])
			m.leave(true)
			fault.do(t, m)
			f.takesPart(t, m, fault.what)
			m.leave(false)
		}
	}
	f.stranger(t)
	f.upgrade(t)
	f.enough()
	f.judge(t)
	f.rate.judge(t)
}

// rounds is how often a test goes through its faults: once, or as often as make soak asks for.
func rounds() int {
	if soak() > 0 {
		return max(1, int(soak()/(2*time.Minute)))
	}
	return 1
}

// soak is how long make soak lets a test go on; zero otherwise.
func soak() time.Duration {
	d, _ := time.ParseDuration(os.Getenv("SOAK"))
	return d
}

// upgrade puts another build in the place of each server, one by one.
func (f *fleet) upgrade(t *testing.T) {
	t.Helper()
	newer := filepath.Join(t.TempDir(), "exeunt")
	out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", newer, "github.com/exeunt/exeunt/cmd/exeunt").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, m := range f.members {
		f.settled(t)
		m.leave(true)
		m.stop()
		f.through(t, "one of four was stopped for an upgrade")
		m.program = newer
		f.start(t, m)
		f.takesPart(t, m, "was upgraded")
		m.leave(false)
	}
}

// stranger puts a server beside the others that has one system more, and lets it be alone for a while, so that
// there is something to do that the others know nothing of. It neither keeps them from their work nor loses its own.
func (f *fleet) stranger(t *testing.T) {
	t.Helper()
	wire := testserver.Wire(t, f.database)
	m := &member{installation: install(t, wire.URL), wire: wire}
	must(t, os.CopyFS(m.config, os.DirFS(f.config)))
	m.env, m.token = f.env, f.token
	f.company.Chat.Heal()
	f.company.Chat.Lag(0)
	server := httptest.NewServer(f.vendor(f.company.Chat))
	t.Cleanup(server.Close)
	m.write(t, "systems/chat.yaml", fmt.Sprintf(chatYAML, server.URL))
	others := f.members
	f.members = append(slices.Clone(others), m)
	f.start(t, m)
	m.authorise(t)
	for _, o := range others {
		o.leave(true)
		o.stop()
	}
	p := f.next()
	eventually(t, "a case that only one server can finish", func() (bool, string) {
		var list caseList
		err := m.api(http.MethodGet, "/cases?q="+p.EmployeeID, nil, &list)
		return err == nil && len(list.Cases) == 1, fmt.Sprint(list, err)
	})
	for _, o := range others {
		f.start(t, o)
		o.leave(false)
	}
	f.lanes++
	f.settled(t)
	f.through(t, "a server with another configuration had joined")
	eventually(t, "what only one server can do is done", func() (bool, string) {
		return f.effects(p, "/final-payment") == 1 && !f.company.Chat.CanWork(p), "not yet"
	})
	if left := m.undecided(t); len(left) > 0 {
		t.Errorf("servers that know nothing of it ended the decision about %v", left)
	}
}

const chatYAML = `
name: chat
kind: http
identifier: work_email
tier: 1
owner: {role: it}
fallback: Do it by hand.
stage: live
settings: {spec: workspace, base_url: %s, token: env:EXEUNT_SIM_CHAT_TOKEN}
`

// TestASecondServerBringsNoLedgerOfItsOwn refuses what could never be proved.
func TestASecondServerBringsNoLedgerOfItsOwn(t *testing.T) {
	t.Parallel()
	database := testserver.Postgres(t)
	first, second := install(t, database), install(t, database)
	for _, s := range []*installation{first, second} {
		s.company(t, "http://127.0.0.1:9", map[string]string{"EXEUNT_SIM_HR_WEBHOOK_KEY": "x", "EXEUNT_SIM_HR_TOKEN": "x"}, "")
		s.write(t, "systems/badge.yaml", badgeYAML)
	}
	first.serve(t)
	got := second.try(t, nil, "serve", "--config", second.config, "--data", second.data, "--listen", "127.0.0.1:0", "--database", database)
	if got.code != 7 || !strings.Contains(got.err, "ledger.address") {
		t.Errorf("a second server with a ledger of its own ends with %d: %s", got.code, got.err)
	}
	first.health(t, http.StatusOK, "ready")
}
