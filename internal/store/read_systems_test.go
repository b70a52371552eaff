package store_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// wholeTables finds, in the plan of either database, that every row of a big table is read. SQLite scans an index of
// open rows too, which are few: that says USING.
var wholeTables = regexp.MustCompile(`(?m)Seq Scan on (steps|tasks|outbox)|SCAN (steps|tasks|outbox)$`)

func TestWhatIsSaidOfSystemsReadsNoTableWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		plans, err := s.Plans(t.Context(), func(v store.View) error {
			stats, err := v.SystemStats(t.Context(), storetest.Inventory(), now)
			if err == nil && stats[0].Open == 0 {
				t.Errorf("nothing is open in %s", stats[0].System)
			}
			return err
		})
		if err != nil || len(plans) == 0 {
			t.Fatalf("%d plans, %v", len(plans), err)
		}
		all := strings.Join(plans, "\n\n")
		if found := wholeTables.FindString(all); found != "" {
			t.Errorf("%s:\n%s", found, all)
		}
		for _, index := range []string{"steps_open", "steps_failed", "steps_confirmed", "steps_timers", "tasks_open", "outbox_looks"} {
			if !s.Shared() && !strings.Contains(all, index) { // PostgreSQL goes by costs, which differ little here
				t.Errorf("the index %s is not used:\n%s", index, all)
			}
		}
	})
}
