package store_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

var (
	listed   = exeunt.Viewer{Email: "Hera.Lind@northwind.example"}
	admin    = exeunt.Viewer{Email: "ida@northwind.example", Roles: []string{"admin"}}
	noSecret = exeunt.EmbargoTerms{Until: "2026-12-01 09:00", VisibleTo: []string{"hera.lind@northwind.example"}}
	reveal   = time.Date(2026, 12, 1, 17, 0, 0, 0, time.UTC) // 09:00 in Los Angeles
)

// counted is how much a view shows.
type counted struct{ cases, all, needing, tasks, entries, steps, leaving int }

func count(t *testing.T, v store.View) counted {
	t.Helper()
	ctx, later := t.Context(), now.AddDate(1, 0, 0)
	page, err := v.Cases(ctx, store.CaseQuery{}, now)
	must(t, err)
	needing, err := v.NeedingPerson(ctx, later)
	must(t, err)
	tasks, err := v.Tasks(ctx, store.TaskQuery{State: "all"}, now)
	must(t, err)
	entries, err := v.Entries(ctx, store.EntryQuery{})
	must(t, err)
	stats, err := v.SystemStats(ctx, storetest.Inventory(), now)
	must(t, err)
	o, err := v.Overview(ctx, now)
	must(t, err)
	got := counted{len(page.Rows), page.All, needing, len(tasks), entries.Total, 0, o.Leaving[0].Count}
	for _, s := range stats {
		got.steps += s.Open
	}
	if page.Total != got.cases || page.Counts[""] != got.cases || o.Cases != got.all || len(entries.Rows) != got.entries {
		t.Errorf("the counts differ from the rows: %+v %+v", page.Counts, o)
	}
	return got
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnEmbargoedCaseExistsForThoseOnItsListOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		without := count(t, s.For(admin))
		d := storetest.Departure("E2", "2026-11-20")
		d.Embargo = &noSecret
		secret := storetest.Open(t, s, d, now)
		var change exeunt.Change // an entry of the installation that tells of it
		change.Record(exeunt.EntryExported, secret.Case.ID, now, "evidence of case C-2 exported", nil)
		must(t, s.Commit(t.Context(), &change))
		if got := count(t, s.For(admin)); got != without {
			t.Errorf("an administrator who is not on the list sees %+v instead of %+v", got, without)
		}
		if got := count(t, s.For(exeunt.Viewer{})); got != without {
			t.Errorf("nobody sees %+v", got)
		}
		whole := count(t, s.Everything())
		if got := count(t, s.For(listed)); got != whole || whole == without || whole.entries != without.entries+len(secret.Entries)+1 {
			t.Errorf("who is on the list sees %+v of %+v", got, whole)
		}
		hiddenOne(t, s, secret)
		revealed, err := secret.Case.Reveal(secret.Steps, secret.Tasks, nil, reveal)
		must(t, err)
		must(t, s.Commit(t.Context(), &revealed))
		whole.entries++
		if got := count(t, s.For(admin)); got != whole {
			t.Errorf("after its end an administrator sees %+v of %+v", got, whole)
		}
	})
}

// hiddenOne asks for everything of a hidden case by its id, as if guessed.
func hiddenOne(t *testing.T, s *store.Store, secret exeunt.Change) {
	t.Helper()
	ctx, id, see := t.Context(), secret.Case.ID, s.For(admin)
	entries, err := s.For(listed).Entries(ctx, store.EntryQuery{Case: id})
	must(t, err)
	for what, err := range map[string]error{
		"the case":  second(see.Case(ctx, id)),
		"its file":  second(see.CaseFile(ctx, id)),
		"a step":    second(see.Step(ctx, id, secret.Steps[0].Key)),
		"a task":    second(see.Task(ctx, secret.Tasks[0].ID)),
		"an entry":  second(see.Entry(ctx, entries.Rows[0].Number)),
		"by leaver": second(see.NewestCaseOf(ctx, secret.Case.Leaver().Key())),
	} {
		if exeunt.KindOf(err) != exeunt.NotFound {
			t.Errorf("%s: %v", what, err)
		}
	}
	steps, _ := see.Steps(ctx, id)
	tasks, _ := see.CaseTasks(ctx, id)
	if len(steps)+len(tasks) > 0 {
		t.Errorf("%d steps and %d tasks of it are read", len(steps), len(tasks))
	}
	if page, _ := see.Cases(ctx, store.CaseQuery{Text: "e2"}, now); len(page.Rows) > 0 {
		t.Error("the search finds it")
	}
	if _, err := s.For(listed).CaseFile(ctx, id); err != nil {
		t.Errorf("who is on the list: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestNothingOfAnEmbargoedCaseIsDue holds that the queue of due work has nothing of it, however late it is,
// until the end of the embargo is committed, and that nobody off the list is told.
func TestNothingOfAnEmbargoedCaseIsDue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := storetest.Departure("E2", "2026-11-20")
		d.Embargo = &noSecret
		secret := storetest.Open(t, s, d, now)
		ctx, late := t.Context(), reveal.AddDate(1, 0, 0)
		// A task that is done early unblocks another step, and its owner is not on the list.
		task, err := s.TaskByKey(ctx, secret.Case.ID, "timesheet")
		must(t, err)
		done, err := task.Complete(nil, nil, "", "Hera Lind", now)
		must(t, err)
		must(t, s.Commit(ctx, &done))
		asked := secret.Case.AskedFor(exeunt.Override{By: "Omar", Reason: "he resigned today"}, now)
		asked.Notices = append(asked.Notices, exeunt.Notice{Kind: exeunt.NoticeAlert, To: exeunt.Person{Email: admin.Email}, Case: secret.Case.ID, Dedup: "x", Text: "x"})
		must(t, s.Commit(ctx, &asked))
		if visits, reminders, unsent := allDue(t, s, late); visits+reminders > 0 || len(unsent) != 1 || unsent[0].To.Email != "hera.lind@northwind.example" {
			t.Errorf("due are %d visits, %d reminders and the messages %+v", visits, reminders, unsent)
		}
		due, next, err := s.DueReveals(ctx, now)
		if err != nil || len(due) > 0 || !next.Equal(reveal) {
			t.Errorf("%v are revealed, the next at %s: %v", due, next, err)
		}
		due, next, err = s.DueReveals(ctx, reveal)
		if err != nil || len(due) != 1 || !next.IsZero() {
			t.Errorf("%v are revealed, the next at %s: %v", due, next, err)
		}
		file, err := s.Everything().CaseFile(ctx, secret.Case.ID)
		must(t, err)
		revealed, err := file.Case.Reveal(file.Steps, file.Tasks, nil, reveal)
		must(t, err)
		must(t, s.Commit(ctx, &revealed))
		if visits, reminders, unsent := allDue(t, s, late); visits != 2 || reminders == 0 || len(unsent) < 2 {
			t.Errorf("after the reveal %d visits, %d reminders and %d messages are due", visits, reminders, len(unsent))
		}
	})
}

// allDue counts what is due by a moment.
func allDue(t *testing.T, s *store.Store, at time.Time) (visits, reminders int, unsent []exeunt.Notice) {
	t.Helper()
	for _, system := range storetest.Inventory() {
		line, err := s.Line(t.Context(), system.Name, at, nobody, 10)
		must(t, err)
		visits += len(line)
	}
	tasks, _, err := s.Reminders(t.Context(), at, 100)
	must(t, err)
	ids, _, err := s.Unsent(t.Context(), at, 100)
	must(t, err)
	for _, id := range ids {
		n, _, err := s.Notice(t.Context(), id)
		must(t, err)
		unsent = append(unsent, n)
	}
	return visits, len(tasks), unsent
}
