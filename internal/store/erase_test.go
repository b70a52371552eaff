package store_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

func TestRowsAreDestroyedOnlyUnderACheckpointThatCoversThem(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now()
		opened := storetest.Open(t, s, storetest.Departure("E-1", "2026-03-02"), now)
		again := storetest.Open(t, s, storetest.Departure("E-2", "2026-03-02"), now)
		for _, told := range []exeunt.Signal{
			{ID: "a", Receiver: "crm", Subject: "email:e-1@acme.example", Case: 1, State: exeunt.SignalWaiting, Action: exeunt.Disable, Token: "e-1@acme.example", MadeAt: now},
			{ID: "b", Receiver: "crm", Subject: "email:e-2@acme.example", Case: 2, State: exeunt.SignalWaiting, Action: exeunt.Disable, Token: "e-2@acme.example", MadeAt: now},
		} {
			_, err := s.KeepSignal(t.Context(), told, 10)
			must(t, err)
			must(t, s.Mentions(t.Context(), "crm", told.Subject, true, now))
		}
		c := *opened.Case
		c.Erasure = &exeunt.Erasure{Rule: "retention.keep: 1095 d", DecidedAt: now}
		decided := exeunt.Change{Case: &c}
		decided.Record(exeunt.EntryErased, c, now, "erased", nil)
		must(t, s.Commit(t.Context(), &decided))
		_, err := s.Outbox().Sequence(t.Context(), 1000)
		must(t, err)
		purge := func(covered int64) error {
			beside, err := s.Beside(t.Context(), c.ID, 1000)
			must(t, err)
			change, err := decided.Case.Erased(beside, now)
			must(t, err)
			return s.CommitWith(t.Context(), &change, store.Purge(c.ID, covered, beside))
		}
		if err := purge(1000); exeunt.KindOf(err) != exeunt.Temporary {
			t.Fatalf("destroyed before it was shipped: %v", err)
		}
		_, err = s.Outbox().MarkShipped(t.Context(), 0, 1000)
		must(t, err)
		left, err := s.Unerased(t.Context(), 10)
		must(t, err)
		if len(left) != 1 || left[0].Place < 0 || left[0].Purged {
			t.Fatalf("%+v", left)
		}
		if err := purge(left[0].Place); exeunt.KindOf(err) != exeunt.Temporary {
			t.Fatalf("destroyed under a checkpoint that does not cover it: %v", err)
		}
		must(t, purge(left[0].Place+1))
		must(t, s.Scrub(t.Context()))
		must(t, s.ErasureDone(t.Context(), c.ID, now))
		if left, err := s.Unerased(t.Context(), 10); err != nil || len(left) != 0 {
			t.Errorf("%+v, %v", left, err)
		}
		for _, table := range []string{"steps", "tasks", "dependencies", "notices"} {
			if n := storetest.Count(t, s, "SELECT COUNT(*) FROM "+table+" WHERE case_id = 1"); n != 0 {
				t.Errorf("%d rows are left in %s", n, table)
			}
		}
		if n := storetest.Count(t, s, "SELECT COUNT(*) FROM outbox WHERE case_id = 1 AND kind <> 'case.erase' AND kind <> 'case.erase-done' AND (body <> '' OR salt <> '' OR what <> '')"); n != 0 {
			t.Errorf("%d entries can still be read", n)
		}
		if n := storetest.Count(t, s, "SELECT COUNT(*) FROM cases WHERE leaver_key LIKE '%E-1%' OR name LIKE 'Maya%E-1' OR search LIKE '%e-1%' OR document LIKE '%Okonkwo E-1%'"); n != 0 {
			t.Errorf("the case still names the person")
		}
		if told, err := s.Signals(t.Context(), "crm", "email:e-1@acme.example"); err != nil || len(told) != 0 {
			t.Errorf("what a receiver was told is left: %+v %v", told, err)
		}
		if told, err := s.Signals(t.Context(), "crm", "email:e-2@acme.example"); err != nil || len(told) != 1 {
			t.Errorf("what a receiver was told of the other case: %+v %v", told, err)
		}
		for subject, want := range map[string]bool{"email:e-1@acme.example": false, "email:e-2@acme.example": true} {
			if _, said, err := s.Mentioned(t.Context(), "crm", subject); err != nil || said != want {
				t.Errorf("that a receiver asked of %s is kept: %v %v", subject, said, err)
			}
		}
		rest, err := s.Case(t.Context(), again.Case.ID)
		if err != nil || rest.Leaver().Name != "Maya Okonkwo E-2" {
			t.Errorf("the other case lost its person: %+v, %v", rest, err)
		}
		next := int64(0)
		for row, err := range s.Outbox().Logged(t.Context(), 0) {
			must(t, err)
			if row.N != next || len(row.Leaf) == 0 || len(row.Differs) > 0 {
				t.Errorf("leaf %d: %+v", next, row)
			}
			next++
		}
	})
}
