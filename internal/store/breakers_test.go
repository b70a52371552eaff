package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
	"github.com/exeunt/exeunt/internal/testserver"
)

// openedBreaker keeps a breaker that has just opened.
func openedBreaker(t *testing.T, s *store.Store) exeunt.Breaker {
	t.Helper()
	before := exeunt.Breaker{System: "directory"}
	b := before.After(exeunt.Errorf(exeunt.Unauthorised, "renew the token"), now)
	if err := s.KeepBreaker(t.Context(), b, b.Tell(before, storetest.Inventory()[0], exeunt.Person{}, now)); err != nil {
		t.Fatal(err)
	}
	return b
}

var ida = exeunt.Override{By: "Ida Novak", Reason: "renewed the token"}

func TestWhatAPersonAsksOfABreakerIsKeptUnlessItHasChanged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		open := openedBreaker(t, s)
		asked, change, err := open.TryNow(storetest.Inventory()[0], ida, now.Add(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		var woken []string
		s.OnCommit(func(done store.Committed) { woken = append(woken, done.Lanes...) })
		if err := s.TryBreaker(t.Context(), open, asked, change); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(woken, "directory") {
			t.Errorf("woken: %v", woken)
		}
		kept, err := s.Breaker(t.Context(), "directory")
		if err != nil || kept != asked {
			t.Errorf("kept %+v, %v", kept, err)
		}
		// Somebody who read it before, as a lane that has closed it meanwhile.
		if err := s.TryBreaker(t.Context(), open, asked, change); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("what has changed was overwritten: %v", err)
		}
		page, err := s.For(exeunt.Viewer{}).Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryBreakerTried)})
		if err != nil || page.Total != 1 || page.Rows[0].Actor != "Ida Novak" {
			t.Errorf("the record says %+v, %v", page.Rows, err)
		}
		seen, err := s.For(exeunt.Viewer{}).OpenBreakers(t.Context())
		if err != nil || len(seen) != 1 || seen["directory"].Reason != "renew the token" {
			t.Errorf("anybody sees %v, %v", seen, err)
		}
	})
}

// The node that has the lane is another one than the one that was asked.
func TestTheNodeThatHasTheLaneHearsThatAPersonAsked(t *testing.T) {
	address := testserver.Postgres(t)
	var nodes [2]*store.Store
	for i := range nodes {
		s, err := store.Open(t.Context(), "", address, "test.example/log")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		nodes[i] = s
	}
	if _, err := nodes[0].Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // each knows that there are others
		for i, s := range nodes {
			if _, err := s.Beat(t.Context(), store.Node{Name: []string{"one", "two"}[i], Knows: lanes, Lease: time.Hour}); err != nil {
				t.Fatal(err)
			}
		}
	}
	woken := make(chan string, 10)
	listening, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { _ = nodes[1].Listen(listening, func(lane string) { woken <- lane }) }()
	open := openedBreaker(t, nodes[0])
	until(t, "the other node hears it", func() bool {
		asked, change, err := open.TryNow(storetest.Inventory()[0], ida, time.Now().UTC().Round(0))
		if err != nil {
			t.Fatal(err)
		}
		if err := nodes[0].TryBreaker(t.Context(), open, asked, change); err != nil {
			t.Fatal(err)
		}
		open = asked
		return heard(woken) == "directory"
	})
}

func TestTheLineOfASystemIsCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		storetest.Open(t, s, storetest.Departure("E2", "2026-11-20"), now.Add(time.Minute))
		lines, err := s.For(exeunt.Viewer{}).SystemLines(t.Context(), now.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) != 1 || lines[0].System != "payroll" || lines[0].Waiting != 2 || !lines[0].Since.Equal(now) { // the directory's turn is at the cut-off
			t.Errorf("in line: %+v", lines)
		}
		if lines, _ = s.For(exeunt.Viewer{}).SystemLines(t.Context(), now.Add(-time.Hour)); len(lines) != 0 {
			t.Errorf("before anything is due: %+v", lines)
		}
	})
}
