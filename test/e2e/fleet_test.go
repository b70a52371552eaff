package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/exeunt/exeunt/internal/sim"
	"github.com/exeunt/exeunt/internal/testserver"
)

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
		eventually(t, "each server knows what people decided about stages", func() (bool, string) {
			left := m.undecided(t)
			return len(left) == 0, fmt.Sprint(left)
		})
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
