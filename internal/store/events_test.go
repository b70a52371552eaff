package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// What comes in one delivery, at one instant or while the clock is slewed back, keeps its order: a rescission that
// HR sent with the announcement in the same second must not count as the older of the two.
func TestWhatIsReceivedAtOneInstantKeepsItsOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now().UTC()
		var before time.Time
		for i, at := range []time.Time{now, now, now, now.Add(-time.Second), now.Add(time.Hour), now.Add(time.Hour)} {
			e := store.Event{Source: "hr", ID: fmt.Sprint(i), Body: []byte("{}"), ReceivedAt: at}
			if _, err := s.Receive(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			got, _, err := s.Event(t.Context(), e.Source, e.ID)
			if err != nil || !got.ReceivedAt.After(before) {
				t.Errorf("%d: received at %s, after %s: %v", i, got.ReceivedAt, before, err)
			}
			before = got.ReceivedAt
		}
		e := store.Event{Source: "hr", ID: "the clock was set back", Body: []byte("{}"), ReceivedAt: now}
		if _, err := s.Receive(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if got, _, err := s.Event(t.Context(), e.Source, e.ID); err != nil || got.ReceivedAt.After(now) {
			t.Errorf("received at %s, by the clock at %s: %v", got.ReceivedAt, now, err)
		}
	})
}

func TestOnlyWhatIsNotOlderIsHeard(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		heard := func(said, received time.Time) error {
			var change exeunt.Change
			change.Record(exeunt.EntryRefused, nil, at, "something was said", nil)
			return s.CommitWith(t.Context(), &change, store.Heard("E1", exeunt.Said{At: said, ReceivedAt: received, Kind: exeunt.Rescinded}))
		}
		later := at.Add(time.Microsecond)
		for _, x := range []struct {
			said, received time.Time
			want           exeunt.ErrorKind
		}{{at, at, ""}, {at, later, ""}, {at, later, ""}, {at, at, exeunt.Conflict}, {at.Add(-1e9), later.Add(time.Hour), exeunt.Conflict}, {later, at, ""}} {
			if got := exeunt.KindOf(heard(x.said, x.received)); got != x.want {
				t.Errorf("said %s, received %s: %q, want %q", x.said, x.received, got, x.want)
			}
		}
		if got, err := s.HeardOf(t.Context(), "E1"); err != nil || !got.At.Equal(later) || !got.ReceivedAt.Equal(at) || !got.Stays() {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// Who decides by what was heard commits only while nothing else was.
func TestNothingNewerIsHeardUntilItIsCommitted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		commit := func(also func(context.Context, store.Tx) error) error {
			var change exeunt.Change
			change.Record(exeunt.EntryRefused, nil, at, "something was decided", nil)
			return s.CommitWith(t.Context(), &change, also)
		}
		said := exeunt.Said{At: at, ReceivedAt: at, Kind: exeunt.Announced}
		if err := commit(store.NothingNewer("E1", exeunt.Said{})); err != nil {
			t.Errorf("nothing was heard at all: %v", err)
		}
		if err := commit(store.Heard("E1", said)); err != nil {
			t.Fatal(err)
		}
		if err := commit(store.NothingNewer("E1", exeunt.Said{})); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("heard for the first time meanwhile: %v", err)
		}
		if err := commit(store.NothingNewer("E1", said)); err != nil {
			t.Errorf("nothing was heard since: %v", err)
		}
		if err := commit(store.Heard("E1", exeunt.Said{At: at, ReceivedAt: at.Add(time.Second), Kind: exeunt.Rehired})); err != nil {
			t.Fatal(err)
		}
		if err := commit(store.NothingNewer("E1", said)); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("heard of meanwhile: %v", err)
		}
	})
}
