package app

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
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
	policy string // of its witnesses
}

func newShipping(t *testing.T, s *store.Store) *shipping {
	return &shipping{t: t, store: s, dir: filepath.Join(t.TempDir(), "ledger"), origin: origin, socket: "unix://" + filepath.Join(t.TempDir(), "ledger.sock")}
}

var quiet = slog.New(slog.DiscardHandler)

// serve runs the ledger's side; the returned function ends it.
func (s *shipping) serve() (stop func()) {
	s.t.Helper()
	log, err := ledger.Open(s.t.Context(), s.dir, origin, ledger.Options{Logger: quiet, BatchAge: 4 * time.Millisecond, CheckpointInterval: 100 * time.Millisecond, Witnesses: s.policy})
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
	a := &App{Store: s.store, Ledger: client, Shipper: ledger.NewShipper(s.store.Outbox(), client, quiet), options: Options{Log: quiet}}
	a.now.Store(&served{config: &config.Config{People: config.People{Operators: []exeunt.Person{{Name: "Olga", Email: "olga@acme.example"}}}}})
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

func until(t testing.TB, what string, is func() bool) {
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

// contradiction is a way to bring database and ledger apart, and what has to say so.
type contradiction struct {
	name  string
	spoil func(*shipping)
	says  string // to the operator, in the record, and where it stops also at /readyz
	kind  exeunt.ErrorKind
}

// after opens two more cases and gives their entries places, so that there is something to ship.
func (s *shipping) after() {
	s.t.Helper()
	s.cases("E3", "E4")
	_, err := s.store.Outbox().Sequence(s.t.Context(), 1000)
	must(s.t, err)
}

func (s *shipping) exec(statement string) { s.t.Helper(); storetest.Exec(s.t, s.store, statement) }

// shipment is the number of the first entry that is due, as SQL has it.
const shipment = "(SELECT MIN(n) FROM outbox WHERE log_index IS NULL)"

// stopping are the contradictions that must be found before anything more is signed.
var stopping = []contradiction{
	{"rollback: the ledger was restored from an older backup", func(s *shipping) {
		old := filepath.Join(s.t.TempDir(), "old")
		must(s.t, os.CopyFS(old, os.DirFS(s.dir)))
		must(s.t, os.Chmod(filepath.Join(old, "key"), 0o600))
		stop := s.serve()
		s.cases("E3", "E4")
		s.ship(s.app())
		stop()
		must(s.t, os.RemoveAll(s.dir))
		must(s.t, os.Rename(old, s.dir))
	}, "restored from an older backup, or its end was cut off", exeunt.Conflict},
	{"rollback: the database was restored from an older backup", func(s *shipping) { s.exec("DELETE FROM outbox WHERE n >= 5") }, "entry 5 of the ledger is not in the database", exeunt.Conflict},
	{"rollback: the database is empty", func(s *shipping) { s.exec("DELETE FROM outbox") }, "entry 0 of the ledger is not in the database", exeunt.Conflict},
	{"fork: the database was restored and went on", func(s *shipping) {
		s.exec("DELETE FROM outbox WHERE n >= 3")
		s.after()
	}, "entry 3 of the ledger is not the one that the database has as n 3", exeunt.Conflict},
	{"fork: the ledger is a new one", func(s *shipping) { must(s.t, os.RemoveAll(s.dir)) }, "it is another ledger", exeunt.Conflict},
	{"fork: the configuration names another log", func(s *shipping) { s.origin = "other.example/log" }, `this is the ledger of "test.example/log", and "other.example/log" was asked for`, exeunt.Conflict},
	{"truncated log: its last entries were cut off", func(s *shipping) {
		s.after()
		must(s.t, os.Truncate(s.lastBundle(), 500))
	}, "it is cut short", exeunt.Invalid},
	{"truncated log: its last entries are gone", func(s *shipping) {
		s.after()
		must(s.t, os.Remove(s.lastBundle()))
	}, "the file is missing", exeunt.Invalid},
	{"deleted row: one that is due", func(s *shipping) {
		s.after()
		s.exec("DELETE FROM outbox WHERE n = 2 + " + shipment)
	}, "rows were deleted, or its numbers were changed", exeunt.Conflict},
	{"deleted row: the first that is due", func(s *shipping) {
		s.after()
		s.exec("DELETE FROM outbox WHERE n = " + shipment)
	}, "those between are missing", exeunt.Conflict},
	{"changed row: the leaf of one that reached the log without its mark", func(s *shipping) {
		s.exec(`UPDATE outbox SET log_index = NULL, leaf = replace(leaf, '"v":1', '"v":2') WHERE n >= 5`)
	}, "entry 5 of the ledger is not the one that the database has as n 5", exeunt.Conflict},
	{"changed row: what one that is due says", func(s *shipping) {
		s.after()
		s.exec("UPDATE outbox SET body = replace(body, 'E3', 'E9') WHERE n = " + shipment)
	}, "its leaf does not commit to its body", exeunt.Invalid},
	{"changed row: the salt of one that is due", func(s *shipping) {
		s.after()
		s.exec("UPDATE outbox SET salt = salt || '00' WHERE n = " + shipment)
	}, "its leaf does not commit to its body", exeunt.Invalid},
	{"changed row: the case of one that is due", func(s *shipping) {
		s.after()
		s.exec("UPDATE outbox SET handle = 'another' WHERE n = " + shipment)
	}, "its leaf names another case", exeunt.Invalid},
	{"changed row: the number of one that is due", func(s *shipping) {
		s.after()
		s.exec("UPDATE outbox SET n = n + 1000 WHERE n = 1 + " + shipment)
	}, "rows were deleted, or its numbers were changed", exeunt.Conflict},
}

// found are those that only the check sees, since what is marked is not read again: shipping goes on.
var found = []contradiction{
	{name: "fork: the log was written anew, with the right key", spoil: func(s *shipping) { s.rewrite() }, says: "entry 2"},
	{name: "deleted row: one that is in the log", spoil: func(s *shipping) { s.exec("DELETE FROM outbox WHERE n = 2") }, says: "it is in the log and not in the database"},
	{name: "deleted rows: all of a case", spoil: func(s *shipping) { s.exec("DELETE FROM outbox WHERE case_id = 1") }, says: "it is in the log and not in the database"},
	{name: "changed row: the hash of one that is in the log", spoil: func(s *shipping) {
		s.exec("UPDATE outbox SET hash = (SELECT o.hash FROM outbox o WHERE o.n = 1) WHERE n = 2")
	}, says: "hash: it is not what the entry says"},
	{name: "changed row: what one that is in the log says", spoil: func(s *shipping) {
		s.exec("UPDATE outbox SET body = replace(body, 'E1', 'E9') WHERE n = 0")
	}, says: "body, salt: they are not what the leaf commits to"},
	{name: "truncated log: entries of long ago", spoil: func(s *shipping) {
		change := exeunt.Change{}
		for i := range 300 { // more than a bundle of them
			change.Record(exeunt.EntryExported, nil, time.Now(), fmt.Sprint("list ", i, " taken out"), nil)
		}
		must(s.t, s.store.Commit(s.t.Context(), &change))
		stop := s.serve()
		s.ship(s.app())
		stop()
		must(s.t, os.Truncate(filepath.Join(s.dir, "log", "tile", "entries", "000"), 500))
	}, says: "it is cut short"},
}

// lastBundle is the file of the newest entries.
func (s *shipping) lastBundle() string {
	s.t.Helper()
	path := filepath.Join(s.dir, "log", "tile", "entries", "000.p")
	items, err := os.ReadDir(path)
	must(s.t, err)
	widest := 0
	for _, i := range items { // names are widths
		width, err := strconv.Atoi(i.Name())
		must(s.t, err)
		widest = max(widest, width)
	}
	return filepath.Join(path, strconv.Itoa(widest))
}

// rewrite makes another log with the same key, in which the third entry has another salt.
func (s *shipping) rewrite() {
	s.t.Helper()
	records, err := s.store.Outbox().Sequenced(s.t.Context(), 0, 1000)
	must(s.t, err)
	var changed string
	for i, r := range records {
		var leaf exeunt.Leaf
		must(s.t, json.Unmarshal(r.Leaf, &leaf))
		if before := exeunt.LeafHash(r.Leaf); i == 2 {
			r.Salt[0] ^= 1
			leaf.Commit = exeunt.Commitment(r.Salt, r.Body)
			r.Leaf, changed = leaf.Encode(), before
		} else if changed != "" && leaf.Prev == changed {
			leaf.Prev, changed = exeunt.LeafHash(records[2].Leaf), before
			r.Leaf = leaf.Encode()
		}
		records[i] = r
	}
	other := filepath.Join(s.t.TempDir(), "ledger")
	must(s.t, os.MkdirAll(other, 0o700))
	for name, mode := range map[string]os.FileMode{"key": 0o600, "key.pub": 0o600} {
		raw, err := os.ReadFile(filepath.Join(s.dir, name))
		must(s.t, err)
		must(s.t, os.WriteFile(filepath.Join(other, name), raw, mode))
	}
	log, err := ledger.Open(s.t.Context(), other, origin, ledger.Options{Logger: quiet, BatchAge: 4 * time.Millisecond})
	must(s.t, err)
	must(s.t, log.Append(s.t.Context(), records))
	must(s.t, log.Close())
	must(s.t, os.RemoveAll(s.dir))
	must(s.t, os.Rename(other, s.dir))
}

// each runs a contradiction over both databases: a server ships two cases and stops, something is spoiled, and another
// server starts.
func (c contradiction) each(t *testing.T, judge func(*shipping)) {
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
			judge(s)
			s.isToldOf(c.says)
		})
	})
}

// isToldOf wants one alert, in the record and to the operator.
func (s *shipping) isToldOf(says string) {
	s.t.Helper()
	page, err := s.store.Everything().Entries(s.t.Context(), store.EntryQuery{Kind: string(exeunt.EntryAlert)})
	must(s.t, err)
	if len(page.Rows) != 1 || !strings.Contains(page.Rows[0].What, says) {
		s.t.Errorf("the record has no alert that says %q: %+v", says, page.Rows)
	}
	if n := storetest.Count(s.t, s.store, "SELECT COUNT(*) FROM notices WHERE recipient = 'olga@acme.example'"); n != 1 {
		s.t.Errorf("%d messages to the operator", n)
	}
}

// TestContradictionsStopAndAlert brings database and ledger apart in every way that a restored backup or an
// intruder can, and wants a stop, an alert to the operator, and a server that is not ready and says why.
func TestContradictionsStopAndAlert(t *testing.T) {
	for _, c := range stopping {
		c.each(t, func(s *shipping) {
			a := s.app()
			size, err := a.Ledger.Size(s.t.Context())
			s.ship(a)
			st := a.Shipper.Status()
			if !st.Stopped || exeunt.KindOf(st.Err) != c.kind || !strings.Contains(st.Err.Error(), c.says) {
				s.t.Fatalf("the shipper: %+v, want %q", st, c.says)
			}
			var health readiness
			w := readyAnswer(s.t, a)
			must(s.t, json.Unmarshal(w.Body.Bytes(), &health))
			if w.Code != http.StatusServiceUnavailable || !strings.Contains(health.Ledger, c.says) || health.Database != "ok" || ledgerUp(s.t, a) != 0 {
				s.t.Errorf("its health: %d %+v", w.Code, health)
			}
			if now, _ := a.Ledger.Size(s.t.Context()); err == nil && now != size {
				s.t.Errorf("it wrote to the ledger all the same: %d entries, then %d", size, now)
			}
		})
	}
}

// TestTheCheckFindsWhatShippingDoesNotReadAgain spoils what has its mark already.
func TestTheCheckFindsWhatShippingDoesNotReadAgain(t *testing.T) {
	for _, c := range found {
		c.each(t, func(s *shipping) {
			a := s.app()
			if n := differences(s.t, a); !math.IsNaN(n) {
				s.t.Errorf("before a check %v differences are counted", n)
			}
			a.check(s.t.Context())
			if n := differences(s.t, a); math.IsNaN(n) || n == 0 {
				s.t.Error("/metrics counts no differences")
			}
			if check, err := a.Proofs.VerifyLedger(s.t.Context(), "test", time.Minute); err != nil || check.Verified {
				s.t.Errorf("a check finds nothing: %+v, %v", check, err)
			}
			if runs, err := s.store.Checks(s.t.Context(), 2); err != nil || len(runs) != 2 || runs[1].Holds() {
				s.t.Errorf("the runs are not kept: %+v, %v", runs, err)
			}
		})
	}
}

// TestALedgerThatIsDamagedHoldsNobodyUp starts a server whose own ledger contradicts itself: people leave all the same, the
// operator reads why, entries wait, and they are shipped once the folder is right again.
func TestALedgerThatIsDamagedHoldsNobodyUp(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		says  string
	}{
		{"its key is missing", func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "key"))) }, "its signing key is missing"},
		{"it is shorter than what was signed", func(t *testing.T, dir string) {
			empty := sha256.Sum256(nil)
			raw, err := json.Marshal(map[string]any{"size": 0, "root": empty[:]})
			must(t, err)
			must(t, os.WriteFile(filepath.Join(dir, "log", ".state", "treeState"), raw, 0o600))
		}, "a part is missing; restore it from the backup. Then start the server anew"},
		{"its bodies are no database", func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "bodies.db"), []byte(strings.Repeat("no database ", 500)), 0o600))
		}, "its file is damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := shipped(t)
			whole, own := filepath.Join(t.TempDir(), "whole"), filepath.Join(before.options.DataDir, "ledger")
			must(t, os.CopyFS(whole, os.DirFS(own)))
			must(t, os.Chmod(filepath.Join(whole, "key"), 0o600))
			c.spoil(t, own)
			a, err := Start(t.Context(), before.options)
			must(t, err)
			until(t, "the shipper has stopped", func() bool { return a.Shipper.Status().Stopped })
			leaving(t, a, "E-2")
			if w := readyAnswer(t, a); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("its health: %d %s", w.Code, w.Body)
			}
			until(t, "the record says it", func() bool {
				page, err := a.Store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryAlert)})
				must(t, err)
				return len(page.Rows) == 1 && strings.Contains(page.Rows[0].What, c.says)
			})
			a.Stop()
			must(t, os.RemoveAll(own))
			must(t, os.Rename(whole, own))
			a, err = Start(t.Context(), before.options)
			must(t, err)
			defer a.Stop()
			until(t, "the ledger has what waited", func() bool {
				n, err := a.Store.Outbox().Backlog(t.Context())
				return err == nil && n == 0 && a.Shipper.Status().Err == nil
			})
			if check, err := a.Proofs.VerifyLedger(t.Context(), "test", time.Minute); err != nil || check.Fault != "" {
				t.Errorf("%+v, %v", check, err)
			}
		})
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
			if check, err := a.Proofs.VerifyLedger(t.Context(), "test", time.Minute); err != nil || check.Fault != "" {
				t.Errorf("round %d: %+v, %v", round, check, err)
			}
			stop()
		}
	})
}

// ledgerUp and differences are what /metrics says.
func ledgerUp(t *testing.T, a *App) float64 {
	t.Helper()
	return ledgerFigure(t, a, "exeunt_ledger_up")
}

func differences(t *testing.T, a *App) float64 {
	t.Helper()
	return ledgerFigure(t, a, "exeunt_ledger_differences")
}

func ledgerFigure(t *testing.T, a *App, name string) float64 {
	t.Helper()
	families, err := a.metrics.registry(a).Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("/metrics has no %s", name)
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
