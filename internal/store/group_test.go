package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// Many write at once, some of whose work is refused: those are told, and nobody else notices.
func TestWhoIsRefusedInAGroupHarmsNobodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const all = 60
		var wrong atomic.Int32
		var wait sync.WaitGroup
		for i := range all {
			wait.Go(func() {
				change := storetest.Plan(t, exeunt.CaseID(i+1), storetest.Departure(fmt.Sprint("E", i%(all/2)), "2026-11-20"), now).Open(exeunt.Trigger{Source: "hr"}, "", now)
				err := s.Commit(t.Context(), &change) // two departures of each person: one of them is a conflict
				if exeunt.KindOf(err) == exeunt.Conflict {
					wrong.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		page, err := s.Everything().Cases(t.Context(), store.CaseQuery{}, now)
		if err != nil || page.Total != all/2 || wrong.Load() != all/2 {
			t.Errorf("%d cases, %d refused, %v", page.Total, wrong.Load(), err)
		}
	})
}

func TestWorkThatFailsIsRolledBackAndTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		mine := errors.New("mine")
		change := opened.Steps[0].Intend(exeunt.Account{ID: "a"}, exeunt.Observation{}, now)
		if err := s.CommitWith(t.Context(), &change, func(context.Context, store.Tx) error { return mine }); !errors.Is(err, mine) {
			t.Errorf("told %v", err)
		}
		if got := stepOf(t, s, opened.Case.ID, opened.Steps[0].Key); got.Version != 1 || change.Steps[0].Version != 1 {
			t.Errorf("version %d is kept, %d told", got.Version, change.Steps[0].Version)
		}
	})
}

func TestWhoHasLeftWritesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		gone, leave := context.WithCancel(t.Context())
		blocked, release := make(chan struct{}), make(chan struct{})
		var wait sync.WaitGroup
		for i := range 4 { // as many as may lead on either database
			wait.Go(func() {
				var change exeunt.Change
				change.Record(exeunt.EntryAlert, nil, now, fmt.Sprint(i), nil)
				err := s.CommitWith(t.Context(), &change, func(context.Context, store.Tx) error { blocked <- struct{}{}; <-release; return nil })
				if err != nil {
					t.Error(err)
				}
			})
		}
		<-blocked
		change := opened.Steps[0].Intend(exeunt.Account{ID: "a"}, exeunt.Observation{}, now)
		leave()
		err := s.Commit(gone, &change)
		close(release)
		go func() {
			for range blocked { // the others
			}
		}()
		wait.Wait()
		close(blocked)
		if got := stepOf(t, s, opened.Case.ID, opened.Steps[0].Key); (err == nil) != (got.Version == 2) {
			t.Errorf("answered %v, and version %d is kept", err, got.Version)
		}
	})
}
