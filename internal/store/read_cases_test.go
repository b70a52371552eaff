package store_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt/internal/store/storetest"
)

func TestTheCountOfNeedyCasesIsThatOfTheOverview(t *testing.T) {
	s := storetest.SQLite(t)
	storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
	for _, c := range []struct {
		at   time.Time
		want int
	}{{now, 0}, {now.AddDate(1, 0, 0), 1}} { // by then its tasks are late
		n, err := s.Everything().NeedingPerson(t.Context(), c.at)
		if err != nil || n != c.want {
			t.Errorf("%d cases need a person at %s, want %d: %v", n, c.at, c.want, err)
		}
		if o, err := s.Everything().Overview(t.Context(), c.at); err != nil || o.Needing != n {
			t.Errorf("the overview counts %d, %v", o.Needing, err)
		}
	}
}
