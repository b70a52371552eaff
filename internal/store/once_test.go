package store_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// TestWhatIsToldOnceIsRecordedOnce tells two operators of what lasts, again and again, beside what is told each time.
func TestWhatIsToldOnceIsRecordedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		tell := func(once bool, dedup string, to ...string) exeunt.ErrorKind {
			change := exeunt.Change{Once: once}
			for _, email := range to {
				change.Notices = append(change.Notices, exeunt.Notice{Kind: exeunt.NoticeAlert, To: exeunt.Person{Email: email}, Text: "the share is full", Dedup: dedup})
			}
			change.Record(exeunt.EntryAlert, nil, time.Now(), "the share is full", nil)
			return exeunt.KindOf(s.Commit(t.Context(), &change))
		}
		for i, c := range []struct {
			once    bool
			dedup   string
			to      []string
			kind    exeunt.ErrorKind
			entries int
		}{
			{true, "monday", []string{"olga"}, "", 1},
			{true, "monday", []string{"olga"}, exeunt.Conflict, 1},
			{true, "monday", []string{"olga", "hera"}, "", 2},
			{true, "tuesday", []string{"olga"}, "", 3},
			{false, "tuesday", []string{"olga"}, "", 4},
		} {
			if kind := tell(c.once, c.dedup, c.to...); kind != c.kind {
				t.Errorf("%d: %q, want %q", i, kind, c.kind)
			}
			if n := storetest.Count(t, s, "SELECT COUNT(*) FROM outbox WHERE kind = 'alert'"); n != c.entries {
				t.Errorf("%d: %d entries, want %d", i, n, c.entries)
			}
		}
	})
}
