package engine_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// shelf is a ledger whose checkpoints come when a test lets them.
type shelf struct {
	mu      sync.Mutex
	covered int64
	erased  []string
}

func (s *shelf) Covered(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.covered, nil
}

func (s *shelf) Erase(_ context.Context, handle string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erased = append(s.erased, handle)
	return nil
}

func (s *shelf) cover(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.covered = n
}

// closedLongAgo is an engine over a store with a closed case, without a legal hold or with one.
func closedLongAgo(t *testing.T, hold bool) (*company, *shelf, exeunt.Case) {
	t.Helper()
	s := storetest.SQLite(t)
	opened := storetest.Open(t, s, storetest.Departure("E-1", "2000-01-03"), time.Now())
	c := *opened.Case
	if hold {
		c.LegalHold = &exeunt.LegalHold{Override: exeunt.Override{By: "Lea Roth"}}
	}
	settled := exeunt.Change{Case: &c}
	for _, step := range opened.Steps {
		step.State, step.SettledAt = exeunt.StepConfirmed, time.Now()
		settled.Steps = append(settled.Steps, step)
	}
	for _, task := range opened.Tasks {
		task.State, task.ClosedAt = exeunt.TaskDone, time.Now()
		settled.Tasks = append(settled.Tasks, task)
	}
	settled.Record(exeunt.EntryTaskDone, c, time.Now(), "all is done", nil)
	if err := s.Commit(t.Context(), &settled); err != nil {
		t.Fatal(err)
	}
	closed, err := settled.Case.Close(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), &closed); err != nil {
		t.Fatal(err)
	}
	k := &company{t: t, store: s, inventory: storetest.Inventory()}
	ledger := &shelf{}
	k.engine = engine.New(engine.Config{Store: s, Systems: k, Planner: k, Intake: k, Messenger: k, Log: slog.New(slog.DiscardHandler), Node: "one", Poll: 24 * time.Hour,
		Ledger: ledger, Retention: func() exeunt.Retention { return exeunt.Retention{Keep: 60 * 24 * time.Hour} }})
	if err := k.engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k, ledger, *closed.Case
}

// ship does what the ledger's shipper does.
func (c *company) ship() {
	c.t.Helper()
	if _, err := c.store.Outbox().Sequence(c.t.Context(), 1000); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.store.Outbox().MarkShipped(c.t.Context(), 0, 1000); err != nil {
		c.t.Fatal(err)
	}
}

func TestACaseIsErasedWhenItsRetentionIsOverAndACheckpointCoversIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ledger, c := closedLongAgo(t, false)
		defer k.stop()
		pass(60*24*time.Hour - time.Hour)
		is := func(decided bool, keys int, gone bool) {
			t.Helper()
			now, err := k.store.Case(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			if (now.Erasure != nil) != decided || len(ledger.erased) != keys || (now.Leaver().Name == exeunt.ErasedName) != gone {
				t.Fatalf("erasure %+v, keys %v, leaver %q", now.Erasure, ledger.erased, now.Leaver().Name)
			}
		}
		is(false, 0, false)
		pass(2 * time.Hour)
		is(true, 0, false) // decided, and waits for the ledger
		k.ship()
		pass(time.Minute)
		is(true, 0, false) // in the log, under no checkpoint
		ledger.cover(1000)
		pass(time.Minute)
		is(true, 1, true)
		page, err := k.store.Everything().Erasures(t.Context())
		if err != nil || len(page) != 1 || page[0].Erasure.Rule != "retention.keep: 60 d" || page[0].Erasure.DoneAt.IsZero() {
			t.Errorf("%+v, %v", page, err)
		}
	})
}

func TestALegalHoldKeepsARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ledger, c := closedLongAgo(t, true)
		defer k.stop()
		ledger.cover(1000)
		pass(200 * 24 * time.Hour)
		k.ship()
		pass(time.Hour)
		if now, err := k.store.Case(t.Context(), c.ID); err != nil || now.Erasure != nil || len(ledger.erased) > 0 {
			t.Errorf("%+v, %v, %v", now.Erasure, ledger.erased, err)
		}
	})
}

// People of a wave that was stopped before their turn have no case with which their rows could go. The database is being
// read when they are due, so that what is deleted can be overwritten only later.
func TestRowsOfAWaveGoWithTheRetentionWhereNoCaseCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, held := closedLongAgo(t, true)
		defer k.stop()
		of := func(ids ...string) *waving {
			ask := exeunt.WaveRequest{Clock: time.Now().Add(48 * time.Hour).Format(time.RFC3339)}
			for _, id := range ids {
				d := storetest.Departure(id, "")
				d.Leaver.Zone, d.Leaver.Name = time.UTC.String(), "Zephyrine "+id
				if id == "P-flagged" {
					d.Leaver.Flags = []exeunt.Flag{exeunt.LitigationHold}
				}
				ask.People = append(ask.People, d)
			}
			return k.makeWave(ask)
		}
		stopped, draft := of("P-1", "P-flagged", "P-2", held.Leaver().ID), of("P-3")
		stopped.must(stopped.do().StopWave(t.Context(), stopped.id, roth))
		names := func(w *waving) (names []string) {
			for _, m := range w.file().Members {
				names = append(names, m.Departure.Leaver.Name)
			}
			return names
		}
		pass(60*24*time.Hour - time.Hour)
		if got := names(stopped); got[0] == exeunt.ErasedName {
			t.Fatal("it is erased before its time")
		}
		if !strings.Contains(storetest.Bytes(t, k.store), "Zephyrine P-1") {
			t.Fatal("the person is nowhere before: this looks in the wrong place")
		}
		end := storetest.Reading(t, k.store)
		pass(2 * time.Hour)
		gone := exeunt.ErasedName
		if got := names(stopped); !slices.Equal(got, []string{gone, "Zephyrine P-flagged", gone, "Zephyrine " + held.Leaver().ID}) {
			t.Errorf("after the retention: %v", got)
		}
		if got := names(draft); got[0] == gone {
			t.Error("rows of a wave that is not over are erased")
		}
		end()
		pass(time.Minute)
		for name, is := range map[string]bool{"Zephyrine P-1": false, "Zephyrine P-2": false, "Zephyrine P-flagged": true} {
			if strings.Contains(storetest.Bytes(t, k.store), name) != is {
				t.Errorf("%s is on disk: %t", name, !is)
			}
		}
		pass(72 * time.Hour)
		page, err := k.store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryWaveErased)})
		if err != nil || page.Total != 1 || page.Rows[0].Wave != stopped.id || page.Rows[0].Detail["rows"] != "2" {
			t.Errorf("the record: %+v, %v", page.Rows, err)
		}
		if n := storetest.Count(t, k.store, "SELECT COUNT(*) FROM settings WHERE name = 'scrub'"); n != 0 {
			t.Error("it is overwritten again and again")
		}
	})
}
