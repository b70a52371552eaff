package app

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// TestManifestsAreHeldAgainstTheLog ships hours with honest counts and hours with counts that somebody made up.
func TestManifestsAreHeldAgainstTheLog(t *testing.T) {
	hour := time.Date(2026, 11, 20, 9, 5, 0, 0, time.UTC)
	count := func(entries, cases, closed string) map[string]string {
		return map[string]string{"entries": entries, "cases": cases, "closed": closed}
	}
	for _, c := range []struct {
		name string
		told map[string]string // nothing: the server counts
		says string            // nothing: it holds
	}{
		{"honest", nil, ""},
		{"one case more than the log has", count("9", "3", "0"), "it counts 3 cases, and the log has 2 by entry 9 and 2 by the manifest"},
		{"one case less", count("9", "1", "0"), "it counts 1 cases"},
		{"a closed one", count("9", "2", "1"), "it counts 1 closed cases, and the log has 0"},
		{"more entries than there are", count("5000", "2", "0"), "it counts 5000 entries, and stands at place"},
		{"less than the one before", count("1", "2", "0"), "the one before it told of"},
		{"no number of entries", map[string]string{"cases": "2", "closed": "0"}, "it does not say how many entries"},
		{"a number below nothing", count("9", "-2", "0"), "it does not say how many cases"},
	} {
		t.Run(c.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				s := newShipping(t, db)
				defer s.serve()()
				a := s.app()
				manifests := 0
				manifest := func(at time.Time) {
					s.ship(a)
					done, err := db.Outbox().Manifest(t.Context(), at)
					must(t, err)
					if manifests++; !done {
						t.Fatal("nothing was counted")
					}
					s.ship(a)
				}
				s.cases("E1")
				manifest(hour)
				s.cases("E2")
				if c.told == nil {
					manifest(hour.Add(time.Hour))
				} else {
					var change exeunt.Change
					change.Record(exeunt.EntryManifest, nil, hour, "made up", c.told)
					must(t, db.Commit(t.Context(), &change))
					manifests++
					s.ship(a)
				}
				s.cases("E3")
				s.ship(a)
				until(t, "all is signed", func() bool {
					_, cp, err := a.Proofs.published(t.Context(), "checkpoint")
					size, sized := a.Ledger.Size(t.Context())
					return err == nil && sized == nil && cp.Size == size
				})
				run, err := a.Proofs.Run(t.Context(), byItself)
				must(t, err)
				fault := run.Fault()
				if c.says == "" && fault != "" || !strings.Contains(fault, c.says) || run.Manifests != manifests {
					t.Errorf("of %d manifests the check says %q, want %q", run.Manifests, fault, c.says)
				}
			})
		})
	}
}

// TestEveryCloseIsCounted closes a departure that was carried out, one that was taken back and one whose leaver works here
// again, and counts twice.
func TestEveryCloseIsCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newShipping(t, db)
		now := time.Date(2026, 11, 20, 9, 5, 0, 0, time.UTC)
		s.closed("E1", nil)
		s.closed("E2", func(f store.CaseFile) (exeunt.Change, error) {
			return f.Case.Rescind(exeunt.Trigger{Source: "hr", EventID: "back"}, storetest.Inventory(), f.Steps, f.Tasks, now)
		})
		s.closed("E3", func(f store.CaseFile) (exeunt.Change, error) {
			f.Case.State, f.Case.Hold = exeunt.CaseHeld, "asked for"
			return f.Case.Rehire(exeunt.Trigger{Source: "hr", EventID: "again"}, f.Steps, f.Tasks, now)
		})
		defer s.serve()()
		a := s.app()
		for hour := range 2 { // the second is held against the closes before the first
			s.cases("later " + strconv.Itoa(hour))
			s.ship(a)
			if done, err := db.Outbox().Manifest(t.Context(), now.Add(time.Duration(hour)*time.Hour)); err != nil || !done {
				t.Fatalf("hour %d: counted %t, %v", hour, done, err)
			}
		}
		s.ship(a)
		until(t, "all is signed", func() bool {
			_, cp, err := a.Proofs.published(t.Context(), "checkpoint")
			size, sized := a.Ledger.Size(t.Context())
			return err == nil && sized == nil && cp.Size == size
		})
		run, err := a.Proofs.Run(t.Context(), byItself)
		must(t, err)
		if run.Fault() != "" || run.Closed != 3 || run.Manifests != 2 {
			t.Errorf("%d closed, %d manifests: %s", run.Closed, run.Manifests, run.Fault())
		}
	})
}

// closed opens a case, changes its end, settles whatever is left and closes it.
func (s *shipping) closed(id string, end func(store.CaseFile) (exeunt.Change, error)) {
	s.t.Helper()
	now := time.Now()
	of := storetest.Open(s.t, s.store, storetest.Departure(id, "2026-11-01"), now).Case.ID
	file := func() store.CaseFile {
		f, err := s.store.Everything().CaseFile(s.t.Context(), of)
		must(s.t, err)
		return f
	}
	if end != nil {
		change, err := end(file())
		must(s.t, err)
		must(s.t, s.store.Commit(s.t.Context(), &change))
	}
	s.exec("UPDATE steps SET state = 'confirmed', settled_at = 1 WHERE case_id = " + strconv.FormatInt(int64(of), 10))
	s.exec("UPDATE tasks SET state = 'done', closed_at = 1 WHERE case_id = " + strconv.FormatInt(int64(of), 10))
	change, err := file().Case.Close(now)
	must(s.t, err)
	must(s.t, s.store.Commit(s.t.Context(), &change))
}
