package remote_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/ledger/remote"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
	"github.com/exeunt/exeunt/internal/testserver"
)

// TestMain lets the test binary be the processes that are killed.
func TestMain(m *testing.M) {
	dir := os.Getenv("EXEUNT_REMOTE_DIR")
	var err error
	switch os.Getenv("EXEUNT_REMOTE_CHILD") {
	case "":
		os.Exit(m.Run())
	case "ledger":
		err = beLedger(dir)
	case "node":
		err = beNode(dir, os.Getenv("EXEUNT_REMOTE_DATABASE"), os.Getenv("EXEUNT_REMOTE_POINT"))
	}
	fmt.Println("child:", err)
	os.Exit(3)
}

func beLedger(dir string) error {
	ctx := context.Background()
	l, err := ledger.Open(ctx, filepath.Join(dir, "ledger"), ledgertest.Origin, quick)
	if err != nil {
		return err
	}
	s, err := remote.Open(ctx, l, remote.Options{Address: socketIn(dir), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	return s.Serve()
}

func socketIn(dir string) string { return "unix://" + filepath.Join(dir, "ledger.sock") }

// node commits and ships until it is killed: by somebody else, or by itself at a point of shipping.
type node struct {
	store.Outbox
	*remote.Client
	point string

	appends, marks atomic.Int64 // the shipper marks one group while it appends the next
}

func (n *node) at(point string, count *atomic.Int64) {
	if n.point == point && count.Load() == 3 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func (n *node) Append(ctx context.Context, r []exeunt.Record) error {
	n.appends.Add(1)
	n.at("before append", &n.appends)
	err := n.Client.Append(ctx, r)
	n.at("after append", &n.appends)
	return err
}

func (n *node) MarkShipped(ctx context.Context, first, last int64) (int, error) {
	marked, err := n.Outbox.MarkShipped(ctx, first, last)
	n.marks.Add(1)
	n.at("after mark", &n.marks)
	return marked, err
}

func beNode(dir, database, point string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, dir, database, ledgertest.Origin)
	if err != nil {
		return err
	}
	c, err := remote.NewClient(ledgertest.Origin, remote.Target{Address: socketIn(dir)})
	if err != nil {
		return err
	}
	n := &node{Outbox: s.Outbox(), Client: c, point: point}
	shipper := ledger.NewShipper(n, n, slog.New(slog.DiscardHandler))
	go func() {
		fmt.Println("child: the shipper ended:", shipper.Run(ctx))
		os.Exit(4)
	}()
	tick := time.NewTicker(2 * time.Millisecond)
	for {
		if err := openCase(ctx, s); err != nil && exeunt.KindOf(err) != exeunt.Temporary {
			return err
		}
		shipper.Wake()
		for <-tick.C; ; <-tick.C { // commits do not run away from the ledger
			if waiting, err := s.Outbox().Backlog(ctx); err == nil && waiting < 400 {
				break
			}
		}
	}
}

// openCase commits a case with its first entries.
func openCase(ctx context.Context, s *store.Store) error {
	id, err := s.NextCase(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	d := storetest.Departure(id.String(), "2026-11-20")
	c := exeunt.Case{ID: id, Handle: store.Random(16), Generation: 1, Departure: d, Owner: storetest.Roles("hr", d.Leaver)}
	p, err := exeunt.Draft(storetest.Policy(), c, storetest.Inventory(), storetest.Roles, now)
	if err != nil {
		return err
	}
	change := p.Open(exeunt.Trigger{Source: "hr", EventID: d.Leaver.ID, Departure: d}, "", now)
	return s.Commit(ctx, &change)
}

// battle is a database, a ledger process and the nodes that share them.
type battle struct {
	dir, database string
	running       []*process     // the ledger first
	killed        map[string]int // how often, by side
}

type process struct {
	kind  string
	cmd   *exec.Cmd
	out   *os.File
	ended chan struct{}
}

func (b *battle) launch(t *testing.T, i int, kind, point string) {
	t.Helper()
	out, err := os.CreateTemp(b.dir, kind)
	must(t, err)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "EXEUNT_REMOTE_CHILD="+kind, "EXEUNT_REMOTE_DIR="+b.dir, "EXEUNT_REMOTE_DATABASE="+b.database, "EXEUNT_REMOTE_POINT="+point)
	cmd.Stdout, cmd.Stderr = out, out
	must(t, cmd.Start())
	p := &process{kind: kind, cmd: cmd, out: out, ended: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.ended) }()
	if i == len(b.running) {
		b.running = append(b.running, nil)
	}
	b.running[i] = p
}

// end waits until a process is dead, and fails when it was not killed.
func (p *process) end(t *testing.T) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(60 * time.Second):
		t.Fatalf("the %s does not die", p.kind)
	}
	state, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	said, err := os.ReadFile(p.out.Name())
	must(t, err)
	if !ok || state.Signal() != syscall.SIGKILL {
		t.Fatalf("the %s ended by itself with %v: %s", p.kind, p.cmd.ProcessState, said)
	}
	must(t, p.out.Close())
	must(t, os.Remove(p.out.Name()))
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		said, _ := os.ReadFile(p.out.Name())
		t.Fatalf("the %s is gone: %s", p.kind, said)
	}
}

// TestKilledOnEitherSide kills the ledger and those who ship to it, again and again, at the points that
// matter and at random moments, pauses one while the others go on, and then finds each entry in the log
// exactly once and in order. EXEUNT_KILLS says how often each side is killed at least; 100 times when it says nothing.
func TestKilledOnEitherSide(t *testing.T) {
	kills := 100
	if more, err := strconv.Atoi(os.Getenv("EXEUNT_KILLS")); err == nil {
		kills = more
	}
	for name, c := range map[string]struct {
		nodes    int
		database func(testing.TB) string
	}{
		"SQLite":     {1, func(testing.TB) string { return "" }},
		"PostgreSQL": {2, testserver.Postgres},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &battle{dir: t.TempDir(), database: c.database(t), killed: map[string]int{}}
			s, err := store.Open(t.Context(), b.dir, b.database, ledgertest.Origin)
			must(t, err)
			defer s.Close()
			_, err = s.Migrate(t.Context())
			must(t, err)
			b.launch(t, 0, "ledger", "")
			for i := range c.nodes {
				b.launch(t, i+1, "node", "")
			}
			for i := 0; b.killed["ledger"] < kills || b.killed["node"] < kills; i++ {
				b.strike(t, s, i)
			}
			b.judge(t, s, kills)
		})
	}
}

// strike lets them work for a while and then kills one.
func (b *battle) strike(t *testing.T, s *store.Store, round int) {
	t.Helper()
	if round%3 == 0 { // not only those that have hardly begun
		before, err := s.Outbox().LastShipped(t.Context())
		must(t, err)
		until(t, "something reaches the ledger", func() bool {
			now, err := s.Outbox().LastShipped(t.Context())
			must(t, err)
			return now > before
		})
	}
	<-time.After(time.Duration(rand.IntN(60)) * time.Millisecond)
	i := 0 // both sides about as often
	if b.killed["node"] <= b.killed["ledger"] {
		i = 1 + rand.IntN(len(b.running)-1)
	}
	victim, point := b.running[i], ""
	switch {
	case round%10 == 9: // one node stands still while the ledger dies, and goes on with what it has in its hands
		last := b.running[len(b.running)-1]
		last.signal(t, syscall.SIGSTOP)
		<-time.After(time.Duration(rand.IntN(60)) * time.Millisecond)
		defer last.signal(t, syscall.SIGCONT)
		i, victim = 0, b.running[0]
	case victim.kind == "node" && rand.IntN(2) == 0:
		point = []string{"before append", "after append", "after mark"}[rand.IntN(3)]
	}
	victim.signal(t, syscall.SIGKILL)
	victim.end(t)
	b.killed[victim.kind]++
	b.launch(t, i, victim.kind, point)
	if point != "" { // this one kills itself
		b.running[i].end(t)
		b.killed[victim.kind]++
		b.launch(t, i, victim.kind, "")
	}
}

// judge lets the ledger take what is left, and compares it with the database.
func (b *battle) judge(t *testing.T, s *store.Store, kills int) {
	t.Helper()
	for _, p := range b.running {
		p.signal(t, syscall.SIGKILL)
		p.end(t)
	}
	unshipped, err := s.Outbox().Backlog(t.Context())
	must(t, err)
	l, err := ledger.Open(t.Context(), filepath.Join(b.dir, "ledger"), ledgertest.Origin, quick)
	must(t, err)
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- ledger.NewShipper(s.Outbox(), l, slog.New(slog.DiscardHandler)).Run(ctx) }()
	until(t, "the rest is shipped", func() bool {
		n, err := s.Outbox().Backlog(t.Context())
		must(t, err)
		return n == 0
	})
	cancel()
	must(t, <-done)
	rows, err := s.Outbox().Sequenced(t.Context(), 0, 1<<30)
	must(t, err)
	seen := map[string]bool{}
	for e, err := range l.Entries(t.Context(), 0) {
		must(t, err)
		r := rows[e.Index]
		if r.N != e.Index || string(r.Leaf) != string(e.Leaf) || seen[r.EventID] {
			t.Fatalf("entry %d of the log is %s; the database has n %d, %s", e.Index, e.Leaf, r.N, r.Leaf)
		}
		seen[r.EventID] = true
	}
	entries, err := s.Everything().Entries(t.Context(), store.EntryQuery{Limit: 1})
	must(t, err)
	if len(seen) != len(rows) || len(rows) != entries.Total || len(rows) < 10*kills {
		t.Errorf("the log has %d entries, the database %d, of which %d have a place", len(seen), entries.Total, len(rows))
	}
	key, err := l.VerifierKey(t.Context())
	must(t, err)
	until(t, "all is signed, what a killed ledger had integrated too", func() bool {
		_, cp, err := l.Head(t.Context())
		must(t, err)
		return cp.Size == int64(len(rows))
	})
	must(t, l.Close())
	report, err := verify.Log(os.DirFS(filepath.Join(b.dir, "ledger", "log")), verify.LogOptions{Keys: []string{key}})
	if err != nil || report.Size != int64(len(rows)) {
		t.Errorf("the log of %d entries: %d are signed, %v", len(rows), report.Size, err)
	}
	t.Logf("%d entries; the ledger was killed %d times, its nodes %d times; %d were shipped at the end", len(rows), b.killed["ledger"], b.killed["node"], unshipped)
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
