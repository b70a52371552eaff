package store_test

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

var iris = exeunt.Override{By: "Iris Vale", Reason: "before the first departure"}

// begun begins a reconciliation of so many people with the systems of the test inventory.
func begun(t *testing.T, s *store.Store, people int) store.Listing {
	t.Helper()
	var all []exeunt.Worker
	for i := range people {
		all = append(all, exeunt.Worker{Leaver: exeunt.Leaver{ID: fmt.Sprint(i), Entity: "main", Name: fmt.Sprint("N", i)}})
	}
	r, change, err := exeunt.BeginReconciliation(all, storetest.Inventory(), iris, now)
	must(t, err)
	_, err = s.BeginReconciliation(t.Context(), r, all, &change)
	must(t, err)
	open, err := s.Listings(t.Context(), "directory")
	must(t, err)
	if len(open) != 1 {
		t.Fatalf("%d lists of the directory are open", len(open))
	}
	return open[0]
}

// ended ends the list of a system with findings.
func ended(t *testing.T, s *store.Store, l store.Listing, findings ...exeunt.Finding) {
	t.Helper()
	var change exeunt.Change
	l.System, change = l.System.End(exeunt.Tally{}, now)
	must(t, s.EndListing(t.Context(), l, findings, &change))
}

func orphan(of exeunt.Case) exeunt.Finding {
	return exeunt.Finding{System: "directory", Kind: exeunt.FoundOrphaned, Leaver: of.Leaver().Key(), Name: of.Leaver().Name, LeftOn: "2026-11-20", Case: of.ID, Besides: []exeunt.Account{{ID: "a2"}},
		Accounts: []exeunt.Account{{ID: "a1", Login: "m.o"}}, Why: of.Leaver().Name + " left", Worker: &exeunt.Worker{Leaver: of.Leaver()}}
}

func TestAListIsKeptPageByPage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		at := begun(t, s, 1200)
		first, err := s.SavePage(ctx, at, []exeunt.Found{account("a", "mail", "a@x"), account("b")}, "c1")
		must(t, err)
		if _, err := s.SavePage(ctx, at, []exeunt.Found{account("z")}, "c1"); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("the same page twice: %v", err)
		}
		_, err = s.SavePage(ctx, first, []exeunt.Found{account("c")}, "")
		must(t, err)
		open, err := s.Listings(ctx, "directory")
		must(t, err)
		got, err := s.ListedAccounts(ctx, open[0])
		must(t, err)
		if open[0].Page != 2 || open[0].Cursor != "" || open[0].System.Listed != 3 || len(got) != 3 || got[0].Has["mail"][0] != "a@x" {
			t.Errorf("%+v %+v", open, got)
		}
		again, err := s.ListAgain(ctx, open[0])
		must(t, err)
		if got, err := s.ListedAccounts(ctx, again); err != nil || len(got) != 0 || again.System.Listed != 0 {
			t.Errorf("begun again with %v, %v", got, err)
		}
		people, err := s.Workers(ctx, at.Reconciliation, time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC))
		if err != nil || len(people) != 1200 || people[1199].Leaver.ID != "1199" {
			t.Errorf("%d people, %v", len(people), err)
		}
		ended(t, s, again)
		rest, err := s.Listings(ctx, "")
		must(t, err)
		if r, err := s.Everything().Reconciliation(ctx); err != nil || len(rest) != 1 || !r.EndedAt.IsZero() {
			t.Errorf("%d are open, ended %s, %v", len(rest), r.EndedAt, err)
		}
		ended(t, s, rest[0])
		r, err := s.Everything().Reconciliation(ctx)
		if err != nil || r.EndedAt.IsZero() || r.People != 1200 || len(r.Systems) != 2 {
			t.Errorf("%+v, %v", r, err)
		}
		for _, table := range []string{"reconciled_people", "listed_pages"} {
			if n := storetest.Count(t, s, "SELECT COUNT(*) FROM "+table); n != 0 {
				t.Errorf("%d rows are left in %s", n, table)
			}
		}
	})
}

func account(id string, pairs ...string) exeunt.Found {
	f := exeunt.Found{Account: exeunt.Account{ID: id, Login: id}, Has: map[string][]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Has[pairs[i]] = append(f.Has[pairs[i]], pairs[i+1])
	}
	return f
}

// Whose an orphan was is known by a case; who may not see the case sees an orphan of nobody.
func TestAFindingRevealsNoHiddenDeparture(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		d := storetest.Departure("E2", "2026-11-20")
		d.Embargo = &noSecret
		secret := storetest.Open(t, s, d, now)
		at := begun(t, s, 1)
		people, err := s.Workers(ctx, at.Reconciliation, time.Date(2026, 12, 24, 12, 0, 0, 0, time.UTC))
		if err != nil || len(people) != 2 || people[1].Case != secret.Case.ID || people[1].LeftOn != "2026-11-20" {
			t.Errorf("whoever left by a case of ours is not among the people: %+v, %v", people, err)
		}
		ended(t, s, at, orphan(*secret.Case))
		for who, v := range map[string]store.View{"an administrator": s.For(admin), "nobody": s.For(exeunt.Viewer{})} {
			found, err := v.Findings(ctx, store.FindingQuery{System: "directory", Kind: exeunt.FoundOrphaned, Limit: 10})
			if err != nil || len(found) != 1 || found[0].Why != exeunt.OrphanOfNobody || found[0].Name+found[0].Leaver+string(found[0].LeftOn) != "" || found[0].Case != 0 || found[0].Worker != nil || len(found[0].Besides) > 0 {
				t.Errorf("%s sees %+v, %v", who, found, err)
			}
			if one, err := v.Finding(ctx, found[0].ID); err != nil || one.Worker != nil || one.Leaver != "" {
				t.Errorf("%s sees %+v, %v", who, one, err)
			}
		}
		found, err := s.For(listed).Findings(ctx, store.FindingQuery{Limit: 10})
		if err != nil || len(found) != 1 || found[0].Case != secret.Case.ID || found[0].Worker == nil || found[0].Name == "" || len(found[0].Besides) != 1 {
			t.Errorf("who is on the list sees %+v, %v", found, err)
		}
		f, m, change, err := found[0].Confirm(exeunt.Confirmation{Leaver: found[0].Leaver}, nil, exeunt.Override{By: "Iris Vale", Reason: "cleaned up by case C-1"}, now)
		must(t, err)
		must(t, s.Decide(ctx, f, &m, &change))
		told, err := s.For(exeunt.Viewer{}).Finding(ctx, f.ID)
		if err != nil || told.Decided == nil || told.Decided.By != "Iris Vale" || told.Decided.Reason != "" {
			t.Errorf("nobody sees who decided, or sees why: %+v, %v", told.Decided, err)
		}
		if told, err = s.For(listed).Finding(ctx, f.ID); err != nil || told.Decided == nil || told.Decided.Reason == "" {
			t.Errorf("who is on the list does not see why: %+v, %v", told.Decided, err)
		}
	})
}

// The open accounts of people who left come first, over all pages, for whoever may know of the departure.
func TestFindingsAreReadTheMostUrgentFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		d := storetest.Departure("E2", "2026-11-20")
		d.Embargo = &noSecret
		secret := storetest.Open(t, s, d, now)
		known := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		unknown := exeunt.Finding{System: "directory", Kind: exeunt.FoundOrphaned, Accounts: []exeunt.Account{{ID: "svc"}}, Why: exeunt.OrphanOfNobody}
		missing := exeunt.Finding{System: "directory", Kind: exeunt.FoundMissing, Leaver: "main/7", Name: "Ann", Why: "she has none"}
		ended(t, s, begun(t, s, 1), unknown, missing, orphan(*secret.Case), unknown, orphan(*known.Case))
		for who, c := range map[string]struct {
			view store.View
			want string
		}{
			"who is on the list": {s.For(listed), "northwind/E2 northwind/E1 ? main/7 ?"},
			"nobody":             {s.For(exeunt.Viewer{}), "northwind/E1 ? main/7 ? ?"},
		} {
			for _, size := range []int{1, 2, 100} {
				var got []string
				var after int64
				for page := 0; page < 10; page++ {
					some, err := c.view.Findings(ctx, store.FindingQuery{After: after, Limit: size})
					must(t, err)
					if len(some) == 0 {
						break
					}
					for _, f := range some {
						got = append(got, cmp.Or(f.Leaver, "?"))
					}
					after = some[len(some)-1].ID
				}
				if strings.Join(got, " ") != c.want {
					t.Errorf("%s reads %v by %d, want %s", who, got, size, c.want)
				}
			}
		}
		first, err := s.Everything().Findings(ctx, store.FindingQuery{Kind: exeunt.FoundOrphaned, Limit: 100})
		must(t, err)
		if first[0].Leaver != "northwind/E2" || len(first) != 4 {
			t.Errorf("among orphans it is %+v", first)
		}
	})
}

func TestAReconciliationThatIsStoppedLeavesNothingOpen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		begun(t, s, 3)
		stop := func() error {
			var change exeunt.Change
			change.Record(exeunt.EntryReconciled, nil, now, "stopped", map[string]string{"by": "Iris Vale"})
			return s.StopReconciliation(t.Context(), now.Add(time.Minute), &change)
		}
		must(t, stop())
		if open, err := s.Listings(t.Context(), ""); err != nil || len(open) != 0 {
			t.Errorf("%v, %v", open, err)
		}
		if err := stop(); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("stopped twice: %v", err)
		}
		begun(t, s, 3)
	})
}

// Who has left is told by the newest case of each, at the place of work, and by what HR said after it was opened.
func TestTheNewestCaseTellsWhoHasLeft(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		ends := func(id string, state exeunt.CaseState) {
			storetest.Open(t, s, storetest.Departure(id, "2026-11-20"), now)
			storetest.Exec(t, s, fmt.Sprintf("UPDATE cases SET state = '%s', closed_at = 1 WHERE closed_at IS NULL", state))
		}
		heard := func(id string, kind exeunt.TriggerKind, at time.Time) {
			var change exeunt.Change
			change.Record(exeunt.EntryRehired, nil, at, "something was said", nil)
			must(t, s.CommitWith(ctx, &change, store.Heard(storetest.Departure(id, "").Leaver.Key(), exeunt.Said{At: at, ReceivedAt: at, Kind: kind})))
		}
		for _, id := range []string{"left", "put back", "hired again", "left by a wave", "announced again"} {
			ends(id, exeunt.CaseClosed)
		}
		ends("put back", exeunt.CaseRescinded)
		heard("hired again", exeunt.Rehired, now.Add(time.Hour))
		heard("left by a wave", exeunt.Rehired, now.Add(-time.Hour))
		heard("announced again", exeunt.Announced, now.Add(time.Hour))
		at := begun(t, s, 1)
		for when, want := range map[string]string{"2026-11-20T22:00:00Z": "", "2026-11-22T00:00:00Z": "announced again, left by a wave, left"} {
			moment, err := time.Parse(time.RFC3339, when)
			must(t, err)
			people, err := s.Workers(ctx, at.Reconciliation, moment)
			must(t, err)
			var left []string
			for _, w := range people {
				if w.Case != 0 {
					left = append(left, w.Leaver.ID)
				}
			}
			if got := strings.Join(left, ", "); got != want {
				t.Errorf("at %s: %s; want %s", when, got, want)
			}
		}
	})
}

// The last two systems end at the same moment, again and again: one of them sees that nothing is left.
func TestTwoSystemsThatEndAtOnceEndTheReconciliation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for round := range 10 {
			begun(t, s, 1)
			open, err := s.Listings(t.Context(), "")
			must(t, err)
			if len(open) != 2 {
				t.Fatalf("%d systems are open", len(open))
			}
			atOnce(2, func(i int) {
				l := open[i]
				var change exeunt.Change
				l.System, change = l.System.End(exeunt.Tally{}, now)
				if err := s.EndListing(t.Context(), l, nil, &change); err != nil {
					t.Error(err)
				}
			})
			if r, err := s.Everything().Reconciliation(t.Context()); err != nil || r.EndedAt.IsZero() {
				t.Fatalf("round %d: nothing is left to compare, and it goes on: %v", round, err)
			}
		}
	})
}

func TestOfTwoWhoBeginAtOnceOneIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var refused, began atomic.Int64
		atOnce(8, func(int) {
			r, change, err := exeunt.BeginReconciliation([]exeunt.Worker{{Leaver: exeunt.Leaver{ID: "1"}}}, storetest.Inventory(), iris, now)
			if err == nil {
				_, err = s.BeginReconciliation(t.Context(), r, nil, &change)
			}
			switch {
			case err == nil:
				began.Add(1)
			case exeunt.KindOf(err) == exeunt.Conflict:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
		if began.Load() != 1 || refused.Load() != 7 {
			t.Errorf("%d began, %d were refused", began.Load(), refused.Load())
		}
	})
}

// atOnce does something so many times at the same moment, and waits.
func atOnce(n int, do func(i int)) {
	var all sync.WaitGroup
	ready := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-ready
			do(i)
		})
	}
	close(ready)
	all.Wait()
}

// Of somebody whom the list names as having left, the case that knows it hides and erases what is found.
func TestWhoLeftByTheListIsKnownByTheCase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		after := now.AddDate(0, 1, 0)
		left, works := exeunt.Worker{Leaver: opened.Case.Leaver(), LeftOn: "2026-11-20"}, exeunt.Worker{Leaver: storetest.Departure("E2", "").Leaver}
		r, change, err := exeunt.BeginReconciliation([]exeunt.Worker{works, left}, storetest.Inventory(), iris, now)
		must(t, err)
		r, err = s.BeginReconciliation(t.Context(), r, []exeunt.Worker{works, left}, &change)
		must(t, err)
		people, err := s.Workers(t.Context(), r.ID, after)
		if err != nil || len(people) != 2 || people[0].Case != 0 || people[1].Case != opened.Case.ID {
			t.Errorf("%+v, %v", people, err)
		}
	})
}

// The list names somebody whose departure is closed: both is said, unless the departure is hidden.
func TestAListThatContradictsAClosedCaseIsSaidToDoSo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var people []exeunt.Worker
		opened := map[string]exeunt.CaseID{}
		for _, id := range []string{"closed", "under way", "hidden"} {
			d := storetest.Departure(id, "2026-11-20")
			if id == "hidden" {
				d.Embargo = &noSecret
			}
			c := *storetest.Open(t, s, d, now).Case
			opened[id] = c.ID
			if id != "under way" {
				storetest.Exec(t, s, "UPDATE steps SET state = 'confirmed'; UPDATE tasks SET state = 'done'")
				c.State, c.ClosedAt = exeunt.CaseClosed, now
				closed := exeunt.Change{Case: &c}
				closed.Record(exeunt.EntryClosed, c, now, "closed", nil)
				must(t, s.Commit(t.Context(), &closed))
			}
			people = append(people, exeunt.Worker{Leaver: d.Leaver})
		}
		r, change, err := exeunt.BeginReconciliation(people, storetest.Inventory(), iris, now)
		must(t, err)
		r, err = s.BeginReconciliation(t.Context(), r, people, &change)
		must(t, err)
		got, err := s.Workers(t.Context(), r.ID, now.AddDate(0, 1, 0))
		must(t, err)
		for _, w := range got {
			want := exeunt.Worker{Leaver: w.Leaver}
			if w.Leaver.ID == "closed" {
				want.Case, want.Ended = opened["closed"], "2026-11-20"
			}
			if w.Case != want.Case || w.Ended != want.Ended || w.LeftOn != "" {
				t.Errorf("%s: %+v, want %+v", w.Leaver.ID, w, want)
			}
		}
	})
}
