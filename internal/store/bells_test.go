package store_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// TestTheBellsOfAWriteInDoubtRing: the database goes away after the commit and before its answer.
func TestTheBellsOfAWriteInDoubtRing(t *testing.T) {
	dir := storetest.Folder(t)
	synctest.Test(t, func(t *testing.T) {
		unheard, refused := false, false
		s, err := storetest.Through(t.Context(), dir, store.Seam{
			Transaction: func(run func() error) error { return run() },
			Write: func(_ context.Context, _ string, write func() error) error {
				if refused {
					return exeunt.Errorf(exeunt.Conflict, "somebody was faster")
				}
				if err := write(); err != nil || !unheard {
					return err
				}
				return exeunt.Errorf(exeunt.Temporary, "no answer in time")
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		opened := storetest.Open(t, s, storetest.Departure("E1", "2000-01-20"), time.Now())
		var mu sync.Mutex
		var rung []string
		s.OnCommit(func(done store.Committed) {
			mu.Lock()
			defer mu.Unlock()
			rung = append(rung, done.Lanes...)
		})
		heard := func() []string {
			mu.Lock()
			defer mu.Unlock()
			out := rung
			rung = nil
			return out
		}
		intent := opened.Steps[0].Intend(exeunt.Account{ID: "a"}, exeunt.Observation{}, time.Now())
		end := intent.Steps[0].Finish(exeunt.Outcome{Kind: exeunt.NotYet, Account: exeunt.Account{ID: "a"}}, time.Now())
		for _, c := range []struct {
			name             string
			unheard, refused bool
			do               func() error
			at               time.Duration
			want             string
		}{
			{"an intent", true, false, func() error { return s.Commit(t.Context(), &intent) }, time.Second, opened.Steps[0].System},
			{"an event", true, false, func() error {
				_, err := s.Receive(t.Context(), store.Event{Source: "hr", ID: "1", Body: []byte("{}"), ReceivedAt: time.Now()})
				return err
			}, time.Second, store.DutyEvents},
			{"what was refused", false, true, func() error { return s.Commit(t.Context(), &end) }, time.Second, ""},
		} {
			unheard, refused = c.unheard, c.refused
			if err := c.do(); err == nil {
				t.Fatalf("%s: it was answered", c.name)
			}
			if rung := heard(); len(rung) > 0 {
				t.Errorf("%s: rung at once, so that a database that is away is asked without a pause", c.name)
			}
			time.Sleep(c.at)
			synctest.Wait()
			if rung := heard(); c.want == "" && len(rung) > 0 || c.want != "" && !slices.Contains(rung, c.want) {
				t.Errorf("%s: rung for %v", c.name, rung)
			}
		}
	})
}
