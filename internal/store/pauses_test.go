package store_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

func TestWhoTakesALaneLearnsOfItsPause(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		has := beat(t, s, "one", time.Hour).Lanes
		for _, wait := range []time.Duration{10 * time.Minute, time.Second} { // the shorter one does not count
			if err := s.KeepPause(t.Context(), has[0], wait); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.LetGo(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		next := beat(t, s, "two", time.Hour)
		if left := next.Pauses[has[0]]; left > 10*time.Minute || left < 9*time.Minute || len(next.Pauses) != 1 {
			t.Errorf("the next node learns of %v", next.Pauses)
		}
		storetest.Exec(t, s, "UPDATE pauses SET until = until - 3600000000")
		if over := beat(t, s, "two", time.Hour).Pauses; len(over) != 0 {
			t.Errorf("a pause that is over is told: %v", over)
		}
	})
}
