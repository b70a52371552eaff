package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/exeunt/exeunt/internal/sim"
	"github.com/exeunt/exeunt/internal/testserver"
)

// lease is how long a server that falls silent keeps its lanes (internal/engine).
const lease = 6 * time.Second

// handover is how soon after a server was lost a departure that comes in then is through all systems: the
// lease, the others' next look, what has queued up meanwhile, and a busy machine.
const handover = 5 * lease

// member is one of several servers.
type member struct {
	*installation
	wire *testserver.Line

	mu   sync.Mutex
	away bool // nobody knocks there
}

// fleet is several servers on one PostgreSQL with one ledger, in the middle of a stream of departures.
type fleet struct {
	*battlefield
	database string
	ledger   *ledgerProcess
	members  []*member
	lanes    int // that there are
	rate     *meter
	staff    []sim.Person // who has not left yet
	enough   func()       // ends the stream
}

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

func openFleet(t *testing.T, nodes, people int) *fleet {
	t.Helper()
	f := &fleet{database: testserver.Postgres(t), ledger: newLedgerProcess(t), rate: &meter{perSecond: 40}}
	for range nodes {
		wire := testserver.Wire(t, f.database)
		f.members = append(f.members, &member{installation: install(t, wire.URL), wire: wire})
	}
	first := f.members[0]
	f.battlefield = openBattlefield(t, first.installation, people)
	f.staff, f.people = f.people, nil
	f.slowDown(t)
	first.shareLedger(t, f.ledger)
	f.door = f.any
	for _, m := range f.members[1:] {
		must(t, os.CopyFS(m.config, os.DirFS(first.config)))
		m.env = first.env
	}
	f.ledger.start(t, os.Geteuid())
	for _, m := range f.members { // all at the same instant, on an empty database
		m.launch(t)
	}
	t.Cleanup(f.close(t))
	for _, m := range f.members {
		m.ready(t)
	}
	first.authorise(t)
	for _, m := range f.members {
		m.token = first.token
	}
	f.lanes = f.known(t)
	return f
}

func (f *fleet) close(t *testing.T) func() {
	return func() {
		for i, m := range f.members {
			m.wire.Heal()
			_ = m.process.Process.Signal(syscall.SIGCONT)
			m.stop()
			if t.Failed() {
				t.Logf("server %d said:\n%s", i+1, ending(m.log.String()))
			}
		}
		if t.Failed() {
			t.Logf("the ledger said:\n%s", ending(f.ledger.log.String()))
		}
	}
}

// ending is what a server said last, short enough that why the test failed is not buried under several of them.
func ending(log string) string { return log[max(0, len(log)-1500):] }

// shareLedger names a ledger process in the configuration.
func (s *installation) shareLedger(t testing.TB, l *ledgerProcess) {
	t.Helper()
	replace(t, filepath.Join(s.config, "exeunt.yaml"), "ledger: {origin: exeunt.larkfield.example/ledger}",
		fmt.Sprintf("ledger: {origin: %s, address: \"unix://%s\"}", l.origin, l.socket))
}

func replace(t testing.TB, file, old, with string) {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s does not say %q", file, old)
	}
	must(t, os.WriteFile(file, []byte(strings.Replace(string(text), old, with, 1)), 0o600))
}

// slowDown tells of the limit of one system, and counts its calls from every server.
func (f *fleet) slowDown(t *testing.T) {
	t.Helper()
	file := filepath.Join(f.config, "systems", "directory.yaml")
	replace(t, file, "stage: live\n", fmt.Sprintf("stage: live\nrate: {per_second: %d}\n", f.rate.perSecond))
	f.arrived = func(system string) {
		if system == f.company.Directory.Name {
			f.rate.arrive()
		}
	}
}

// ---- who is there

func (m *member) leave(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = away
}

func (m *member) present() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.away
}

// any is one of the servers at which one may knock: what a load balancer does.
func (f *fleet) any() *installation {
	for {
		if m := f.members[rand.IntN(len(f.members))]; m.present() {
			return m.installation
		}
	}
}

// nodes are the lanes of each server that lives, by the name that it has in the database.
func (f *fleet) nodes(t testing.TB) map[string]int {
	t.Helper()
	c, err := pgx.Connect(t.Context(), f.database)
	must(t, err)
	defer c.Close(context.WithoutCancel(t.Context()))
	const now = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint"
	found, err := c.Query(t.Context(), "SELECT n.name, (SELECT COUNT(*) FROM lanes l WHERE l.node = n.name AND l.until >= "+now+") FROM nodes n WHERE n.until >= "+now)
	must(t, err)
	defer found.Close()
	has := map[string]int{}
	for found.Next() {
		var name string
		var n int
		must(t, found.Scan(&name, &n))
		has[name] = n
	}
	must(t, found.Err())
	return has
}

// owner is the server that has a lane.
func (f *fleet) owner(t testing.TB, lane string) *member {
	t.Helper()
	c, err := pgx.Connect(t.Context(), f.database)
	must(t, err)
	defer c.Close(context.WithoutCancel(t.Context()))
	var node string
	must(t, c.QueryRow(t.Context(), "SELECT node FROM lanes WHERE name = $1", lane).Scan(&node))
	for _, m := range f.members {
		if m.known(t) == node {
			return m
		}
	}
	t.Fatalf("nobody is %s, which has %s", node, lane)
	return nil
}

// known is how many lanes there are, as a server says.
func (f *fleet) known(t testing.TB) (n int) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), f.database)
	must(t, err)
	defer c.Close(context.WithoutCancel(t.Context()))
	must(t, c.QueryRow(t.Context(), "SELECT MAX(json_array_length(knows::json)) FROM nodes").Scan(&n))
	return n
}

var named = regexp.MustCompile(`takes part in the work.* node=(\w+)`)

// known is by what name the database knows a server.
func (m *member) known(t testing.TB) string {
	t.Helper()
	all := named.FindAllStringSubmatch(m.log.String(), -1)
	if len(all) == 0 {
		t.Fatalf("a server does not say who it is:\n%s", tail(m.log.String()))
	}
	return all[len(all)-1][1]
}

// settled waits until every server that lives has about its part of the lanes.
func (f *fleet) settled(t *testing.T) {
	t.Helper()
	eventually(t, "every server has its part", func() (bool, string) {
		has, sum, least := f.nodes(t), 0, 1000
		for _, m := range f.members {
			n := has[m.known(t)]
			sum, least = sum+n, min(least, n)
		}
		return len(has) == len(f.members) && sum == f.lanes && least >= f.lanes/len(has)-1, fmt.Sprint(has)
	})
}

// moved waits until the others have every lane of a server that was lost.
func (f *fleet) moved(t *testing.T, m *member) {
	t.Helper()
	lost := m.known(t)
	eventually(t, "the others have every lane", func() (bool, string) {
		has, sum := f.nodes(t), 0
		for _, n := range has {
			sum += n
		}
		_, lives := has[lost]
		return !lives && sum == f.lanes, fmt.Sprint(has)
	})
}

// takesPart sees that a server that was lost is one of them again.
func (f *fleet) takesPart(t *testing.T, m *member, after string) {
	t.Helper()
	began := time.Now()
	m.health(t, http.StatusOK, `"engine":"ok"`)
	eventually(t, "a server that "+after+" takes part again", func() (bool, string) {
		has := f.nodes(t)
		return has[m.known(t)] > 0, fmt.Sprint(has)
	})
	t.Logf("one that %s had lanes again %s after it was put back", after, time.Since(began).Round(100*time.Millisecond))
}

func (f *fleet) start(t *testing.T, m *member) {
	t.Helper()
	m.launch(t)
	m.ready(t)
}

// ---- the work

// stream lets somebody leave again and again, until the test is over.
func (f *fleet) stream(t *testing.T, every time.Duration) {
	f.begin(t)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	f.enough = func() { cancel(); all.Wait() }
	t.Cleanup(f.enough)
	all.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				f.next()
			case <-ctx.Done():
				return
			}
		}
	})
}

// next lets the next person leave.
func (f *fleet) next() sim.Person {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.staff[0]
	f.staff, f.people = f.staff[1:], append(f.people, p)
	f.queue <- p
	return p
}

// through measures how long somebody takes who leaves now, until every system has seen to it.
func (f *fleet) through(t *testing.T, after string) {
	t.Helper()
	began, p := time.Now(), f.next()
	eventually(t, "a departure after "+after, func() (bool, string) {
		access := !f.company.Directory.CanWork(p) && !f.company.Identity.CanWork(p)
		return access && f.effects(p, "/final-payment") == 1 && f.effects(p, "/notifications") == 1, fmt.Sprint("access cut: ", access)
	})
	took := time.Since(began)
	t.Logf("after %s, a departure was through all systems in %s", after, took.Round(100*time.Millisecond))
	if took > handover {
		t.Errorf("that is more than %s", handover)
	}
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

// meter holds the calls of one system against its limit.
type meter struct {
	perSecond int
	mu        sync.Mutex
	calls     []time.Time
}

func (r *meter) arrive() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, time.Now())
}

// judge sees that in no stretch of time there were more calls than the rate and one burst allow, from all
// servers together.
func (r *meter) judge(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	worst, at := 0.0, 0
	for i := range r.calls {
		for j := i; j < len(r.calls); j++ {
			allowed := float64(r.perSecond) * (1 + r.calls[j].Sub(r.calls[i]).Seconds())
			if over := float64(j-i+1) - allowed; over > worst {
				worst, at = over, i
			}
		}
	}
	if worst > jitter {
		t.Errorf("beginning with call %d of %d, there were %.1f more than %d a second allow", at, len(r.calls), worst, r.perSecond)
	}
	t.Logf("the limited system saw %d calls, in no stretch of time more than %d a second and one burst", len(r.calls), r.perSecond)
}

// jitter is how many calls may arrive closer together than they were sent, on a busy machine.
const jitter = 2
