package app

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/remote"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

const origin = "test.example/log" // as storetest names it

// shipping is as much of a server as keeps a ledger: a database, a ledger process, and what lies between.
type shipping struct {
	t      *testing.T
	store  *store.Store
	dir    string // of the ledger
	origin string // that the server believes in
	socket string
}

func newShipping(t *testing.T, s *store.Store) *shipping {
	return &shipping{t: t, store: s, dir: filepath.Join(t.TempDir(), "ledger"), origin: origin, socket: "unix://" + filepath.Join(t.TempDir(), "ledger.sock")}
}

var quiet = slog.New(slog.DiscardHandler)

// serve runs the ledger's side; the returned function ends it.
func (s *shipping) serve() (stop func()) {
	s.t.Helper()
	log, err := ledger.Open(s.t.Context(), s.dir, origin, ledger.Options{Logger: quiet, BatchAge: 4 * time.Millisecond, CheckpointInterval: 100 * time.Millisecond})
	must(s.t, err)
	server, err := remote.Open(s.t.Context(), log, remote.Options{Address: s.socket, Logger: quiet})
	must(s.t, err)
	done := make(chan error, 1)
	go func() { done <- server.Serve() }()
	return func() {
		server.Close()
		must(s.t, <-done)
		must(s.t, log.Close())
	}
}

// app is the server's side.
func (s *shipping) app() *App {
	s.t.Helper()
	client, err := remote.NewClient(s.origin, remote.Target{Address: s.socket})
	must(s.t, err)
	a := &App{Store: s.store, Ledger: client, Shipper: ledger.NewShipper(s.store.Outbox(), client, quiet), options: Options{Log: quiet},
		Config: &config.Config{People: config.People{Operators: []exeunt.Person{{Name: "Olga", Email: "olga@acme.example"}}}}}
	a.Engine = engine.New(engine.Config{Store: s.store, Log: quiet})
	a.metrics = newMetrics()
	a.Proofs = &Proofs{store: s.store, log: client, shipper: a.Shipper, accesses: newAccesses(s.store)}
	return a
}

// ship runs the server's shipper until nothing waits or it has stopped for good.
func (s *shipping) ship(a *App) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	go func() { a.ship(ctx); close(done) }()
	until(s.t, "everything is shipped, or the shipper has stopped", func() bool {
		n, err := s.store.Outbox().Backlog(s.t.Context())
		must(s.t, err)
		st := a.Shipper.Status()
		return st.Stopped || n == 0 && st.Err == nil && !st.At.IsZero()
	})
	if !a.Shipper.Status().Stopped {
		cancel()
	}
	<-done
	cancel()
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within half a minute: %s", what)
		}
	}
}

func (s *shipping) cases(ids ...string) {
	s.t.Helper()
	for _, id := range ids {
		storetest.Open(s.t, s.store, storetest.Departure(id, "2026-11-20"), time.Now())
	}
}

// TestContradictionsStopAndAlert brings database and ledger apart in every way that a restored backup or an
// intruder can, and wants a stop, an alert to the operator, and a server that is not ready.
func TestContradictionsStopAndAlert(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*shipping)
		says  string
		later bool // only the check finds it: what is marked is not read again
	}{
		{"the ledger was restored from an older backup", func(s *shipping) {
			stop := s.serve()
			old := filepath.Join(s.t.TempDir(), "old")
			must(s.t, os.CopyFS(old, os.DirFS(s.dir)))
			must(s.t, os.Chmod(filepath.Join(old, "key"), 0o600))
			s.cases("E3", "E4")
			s.ship(s.app())
			stop()
			must(s.t, os.RemoveAll(s.dir))
			must(s.t, os.Rename(old, s.dir))
		}, "restored from an older backup, or its end was cut off", false},
		{"the ledger is a new one", func(s *shipping) { must(s.t, os.RemoveAll(s.dir)) }, "it is another ledger", false},
		{"the configuration names another log", func(s *shipping) { s.origin = "other.example/log" }, `this is the ledger of "test.example/log", and "other.example/log" was asked for`, false},
		{"the database was restored and went on: a fork", func(s *shipping) {
			storetest.Exec(s.t, s.store, "DELETE FROM outbox WHERE n >= 3")
			s.cases("E3", "E4", "E5")
			_, err := s.store.Outbox().Sequence(s.t.Context(), 1000)
			must(s.t, err)
		}, "entry 3 of the ledger is not the one that the database has as n 3", false},
		{"a leaf in the database was changed before its mark", func(s *shipping) {
			storetest.Exec(s.t, s.store, "UPDATE outbox SET log_index = NULL, leaf = replace(leaf, '\"v\":1', '\"v\":2') WHERE n >= 5")
		}, "entry 5 of the ledger is not the one that the database has as n 5", false},
		{"the newest rows were deleted", func(s *shipping) { storetest.Exec(s.t, s.store, "DELETE FROM outbox WHERE n >= 5") }, "entry 5 of the ledger is not in the database", false},
		{"the database was emptied", func(s *shipping) { storetest.Exec(s.t, s.store, "DELETE FROM outbox") }, "entry 0 of the ledger is not in the database", false},
		{"a row was deleted before it was shipped", func(s *shipping) {
			s.cases("E3", "E4")
			_, err := s.store.Outbox().Sequence(s.t.Context(), 1000)
			must(s.t, err)
			storetest.Exec(s.t, s.store, "DELETE FROM outbox WHERE n = (SELECT MIN(n) + 2 FROM outbox WHERE log_index IS NULL)")
		}, "rows were deleted, or its numbers were changed", false},
		{"the first row that is due was deleted", func(s *shipping) {
			s.cases("E3", "E4")
			_, err := s.store.Outbox().Sequence(s.t.Context(), 1000)
			must(s.t, err)
			storetest.Exec(s.t, s.store, "DELETE FROM outbox WHERE n = (SELECT MIN(n) FROM outbox WHERE log_index IS NULL)")
		}, "those between are missing", false},
		{"a shipped row was deleted", func(s *shipping) { storetest.Exec(s.t, s.store, "DELETE FROM outbox WHERE n = 2") }, "it is in the log and not in the database", true},
		{"a shipped row was exchanged", func(s *shipping) {
			storetest.Exec(s.t, s.store, "UPDATE outbox SET hash = (SELECT o.hash FROM outbox o WHERE o.n = 1) WHERE n = 2")
		}, "hash: it is not what the entry says", true},
		{"a tile of the log was cut short", func(s *shipping) {
			path := filepath.Join(s.dir, "log", "tile", "entries", "000.p")
			items, err := os.ReadDir(path)
			must(s.t, err)
			newest := filepath.Join(path, items[len(items)-1].Name())
			for _, i := range items { // names are widths
				if len(i.Name()) > len(filepath.Base(newest)) || len(i.Name()) == len(filepath.Base(newest)) && i.Name() > filepath.Base(newest) {
					newest = filepath.Join(path, i.Name())
				}
			}
			must(s.t, os.Truncate(newest, 500))
		}, "it is cut short", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				s := newShipping(t, db)
				stop := s.serve()
				s.cases("E1", "E2")
				first := s.app()
				s.ship(first)
				if st := first.Shipper.Status(); st.Err != nil {
					t.Fatal(st.Err)
				}
				stop()
				c.spoil(s)
				stop = s.serve()
				defer stop()
				s.judge(c.says, c.later)
			})
		})
	}
}

// judge runs a server on what was spoiled.
func (s *shipping) judge(says string, later bool) {
	s.t.Helper()
	a := s.app()
	size, err := a.Ledger.Size(s.t.Context())
	if !later {
		s.ship(a)
		st := a.Shipper.Status()
		if !st.Stopped || exeunt.KindOf(st.Err) != exeunt.Conflict || !strings.Contains(st.Err.Error(), says) {
			s.t.Fatalf("the shipper: %+v, want %q", st, says)
		}
		if code := readyCode(s.t, a); code != http.StatusServiceUnavailable {
			s.t.Errorf("it says that it is ready: %d", code)
		}
		if now, _ := a.Ledger.Size(s.t.Context()); err == nil && now != size {
			s.t.Errorf("it wrote to the ledger all the same: %d entries, then %d", size, now)
		}
	} else {
		a.check(s.t.Context())
	}
	page, err := s.store.Everything().Entries(s.t.Context(), store.EntryQuery{Kind: string(exeunt.EntryAlert)})
	must(s.t, err)
	if len(page.Rows) != 1 || !strings.Contains(page.Rows[0].What, says) {
		s.t.Errorf("the record has no alert that says %q: %+v", says, page.Rows)
	}
	if check, err := a.Proofs.VerifyLedger(s.t.Context(), "test"); err == nil && check.Verified && later {
		s.t.Errorf("a check finds nothing: %+v", check)
	}
}

// TestALedgerThatIsAwayHoldsNobodyUp starts without a ledger, loses it again and gets it back: cases go on,
// health says why entries wait, and they are shipped by themselves.
func TestALedgerThatIsAwayHoldsNobodyUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newShipping(t, db)
		a := s.app()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { a.ship(ctx); close(done) }()
		defer func() { cancel(); <-done }()
		for round, id := range []string{"E1", "E2", "E3"} {
			s.cases(id)
			a.Shipper.Wake()
			until(t, "health says that the ledger is away", func() bool {
				w := readyAnswer(t, a)
				return ledgerUp(t, a) == 0 && w.Code == http.StatusServiceUnavailable && strings.Contains(w.Body.String(), "nothing listens there; start exeunt ledger serve")
			})
			if n, err := db.Outbox().Backlog(t.Context()); err != nil || n == 0 {
				t.Fatalf("%d entries wait, %v", n, err)
			}
			if _, err := a.Proofs.Verify(t.Context(), "test"); exeunt.KindOf(err) != exeunt.Temporary {
				t.Errorf("a check without a ledger: %v", err)
			}
			stop := s.serve()
			until(t, "the ledger has them all, and health says so", func() bool {
				n, err := db.Outbox().Backlog(t.Context())
				return err == nil && n == 0 && readyCode(t, a) == http.StatusOK && ledgerUp(t, a) == 1
			})
			if check, err := a.Proofs.VerifyLedger(t.Context(), "test"); err != nil || check.Fault != "" {
				t.Errorf("round %d: %+v, %v", round, check, err)
			}
			stop()
		}
	})
}

// ledgerUp is what /metrics says.
func ledgerUp(t *testing.T, a *App) float64 {
	t.Helper()
	families, err := a.metrics.registry(a).Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() == "exeunt_ledger_up" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("/metrics does not say whether the ledger is up")
	return 0
}

func readyCode(t *testing.T, a *App) int {
	t.Helper()
	return readyAnswer(t, a).Code
}

func readyAnswer(t *testing.T, a *App) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	a.ready(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	return w
}
