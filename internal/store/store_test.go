package store_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestWhatIsCommittedIsRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		change := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		file, err := s.Everything().CaseFile(t.Context(), change.Case.ID)
		if err != nil {
			t.Fatal(err)
		}
		if file.Case.Leaver().Name != "Maya Okonkwo E1" || file.Case.Version != 1 || len(file.Steps) != 4 || len(file.Tasks) != 3 {
			t.Errorf("read %q version %d with %d steps and %d tasks", file.Case.Leaver().Name, file.Case.Version, len(file.Steps), len(file.Tasks))
		}
		if file.Steps[0].DeadlineRule != (exeunt.Moment{Anchor: exeunt.AtStart, Offset: time.Hour}) {
			t.Errorf("the deadline's rule was not kept: %v", file.Steps[0].DeadlineRule)
		}
		if file.Logged != len(change.Entries) || file.Sealed != 0 {
			t.Errorf("%d of %d entries, %d sealed", file.Logged, len(change.Entries), file.Sealed)
		}
	})
}

func TestAChangeWithoutEntriesIsRefused(t *testing.T) {
	s := storetest.SQLite(t)
	if err := s.Commit(t.Context(), &exeunt.Change{}); exeunt.KindOf(err) != exeunt.Internal {
		t.Fatalf("got %v", err)
	}
}

// What is committed cannot be taken back, and the ledger would never get past it.
func TestAnEntryTooLongForTheLedgerIsRefusedBeforeItIsCommitted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		task, err := s.TaskByKey(t.Context(), opened.Case.ID, "timesheet")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			note string
			want exeunt.ErrorKind
		}{
			{strings.Repeat("<", exeunt.MaxBody/6), exeunt.Invalid}, // JSON writes it with six characters
			{strings.Repeat("a", exeunt.MaxBody), exeunt.Invalid},
			{strings.Repeat("a", exeunt.MaxBody-1000), ""},
		} {
			change, err := task.Save(nil, c.note, "Tom Reyes", now)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Commit(t.Context(), &change); exeunt.KindOf(err) != c.want {
				t.Errorf("a note of %d characters was answered %v, want %q", len(c.note), err, c.want)
			}
		}
		page, err := s.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryTaskSaved)})
		if err != nil || page.Total != 1 {
			t.Errorf("%d of the notes are recorded, %v", page.Total, err)
		}
	})
}

func TestWhoeverIsSecondIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		first := opened.Steps[0].Intend(exeunt.Account{ID: "a"}, exeunt.Observation{}, now)
		second := opened.Steps[0].Intend(exeunt.Account{ID: "a"}, exeunt.Observation{}, now)
		if err := s.Commit(t.Context(), &first); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), &second); exeunt.KindOf(err) != exeunt.Conflict {
			t.Fatalf("the second intent was answered %v", err)
		}
		page, err := s.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryIntent)})
		if err != nil || page.Total != 1 {
			t.Errorf("%d intents are recorded, %v", page.Total, err)
		}
	})
}

func TestWhatIsDueStandsInLineWithTheChangeOrNotAtAll(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		refuse := errors.New("no")
		s.OnCommit(func(store.Committed) { t.Error("told of a change that was rolled back") })
		change := storetest.Plan(t, 7, storetest.Departure("E1", "2026-11-20"), now).Open(exeunt.Trigger{Source: "hr"}, "", now)
		if err := s.CommitWith(t.Context(), &change, func(context.Context, store.Tx) error { return refuse }); err == nil {
			t.Fatal("committed although what belongs to it was not")
		}
		if _, err := s.Case(t.Context(), 7); exeunt.KindOf(err) != exeunt.NotFound {
			t.Errorf("the case is there: %v", err)
		}
		var told store.Committed
		s.OnCommit(func(done store.Committed) { told = done })
		if err := s.Commit(t.Context(), &change); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(told.Lanes, "directory") || !slices.Contains(told.Lanes, "payroll") || slices.Contains(told.Lanes, "badges") || told.Case != 7 {
			t.Errorf("told of %+v", told)
		}
		visits, err := s.Line(t.Context(), "payroll", now, nobody, 10)
		if err != nil || len(visits) != 1 || visits[0].Case.ID != 7 || len(visits[0].Steps) != 2 {
			t.Errorf("in line: %+v, %v", visits, err)
		}
	})
}

// nobody is left out of a line.
func nobody(exeunt.CaseID) bool { return false }

func TestWhatWaitedGoesOnWithTheLastThingItWaitedFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		pay := stepOf(t, s, opened.Case.ID, "payroll-schedule-final-pay")
		if pay.State != exeunt.StepWaiting {
			t.Fatalf("final pay is %s before the timesheet is approved", pay.State)
		}
		task, err := s.TaskByKey(t.Context(), opened.Case.ID, "timesheet")
		if err != nil {
			t.Fatal(err)
		}
		later := now.Add(5 * time.Hour)
		change, err := task.Complete(nil, nil, "", "Tom Reyes", later)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), &change); err != nil {
			t.Fatal(err)
		}
		pay = stepOf(t, s, opened.Case.ID, "payroll-schedule-final-pay")
		if pay.State != exeunt.StepReady || !pay.Deadline.Equal(later.Add(time.Hour)) {
			t.Errorf("final pay is %s with deadline %s", pay.State, pay.Deadline)
		}
	})
}

// Two steps that settle at the same time, each unaware of the other, must not both believe that the
// other one still blocks.
func TestTwoSettlingAtOnceUnblockExactlyOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for range 10 {
			opened := twoBlockers(t, s)
			var wait sync.WaitGroup
			for _, step := range opened.Steps[:2] {
				wait.Go(func() {
					change := step.Finish(exeunt.Outcome{Kind: exeunt.Done, Proof: exeunt.Observed}, now)
					if err := s.Commit(t.Context(), &change); err != nil {
						t.Error(err)
					}
				})
			}
			wait.Wait()
			if got := stepOf(t, s, opened.Case.ID, opened.Steps[2].Key); got.State != exeunt.StepReady {
				t.Fatalf("the dependent is %s", got.State)
			}
		}
	})
}

func twoBlockers(t *testing.T, s *store.Store) exeunt.Change {
	t.Helper()
	id, err := s.NextCase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plan := storetest.Plan(t, id, storetest.Departure("E"+id.String(), "2026-11-20"), now)
	plan.Steps[2].After = []exeunt.Dependency{{Key: plan.Steps[0].Key, Because: "test"}, {Key: plan.Steps[1].Key, Because: "test"}}
	plan.Steps[2].State = exeunt.StepWaiting
	change := plan.Open(exeunt.Trigger{Source: "hr"}, "", now)
	if err := s.Commit(t.Context(), &change); err != nil {
		t.Fatal(err)
	}
	return change
}

func TestOneDepartureIsUnderWayForEachLeaver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		change := storetest.Plan(t, 99, storetest.Departure("E1", "2026-11-21"), now).Open(exeunt.Trigger{Source: "hr"}, "", now)
		if err := s.Commit(t.Context(), &change); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("a second case of the same leaver was answered %v", err)
		}
	})
}

func TestAnEventIsTakenOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var woken []string
		s.OnCommit(func(done store.Committed) { woken = append(woken, done.Lanes...) })
		for i, want := range []bool{true, false, false} {
			fresh, err := s.Receive(t.Context(), store.Event{Source: "hr", ID: "1", Body: []byte("{}"), ReceivedAt: now})
			if err != nil || fresh != want {
				t.Errorf("receipt %d: fresh %t, %v", i, fresh, err)
			}
		}
		due, _, err := s.DueEvents(t.Context(), now, 10)
		if err != nil || len(due) != 1 || len(woken) != 1 || woken[0] != store.DutyEvents {
			t.Errorf("%d events are due, %v is woken, %v", len(due), woken, err)
		}
	})
}

func TestTheSequencerGivesDenseNumbersAndChains(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, id := range []string{"E1", "E2", "E3"} {
			storetest.Open(t, s, storetest.Departure(id, "2026-11-20"), now)
		}
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for {
					if n, err := s.Outbox().Sequence(t.Context(), 2); err != nil || n == 0 {
						if err != nil {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		wait.Wait()
		records, err := s.Outbox().Unshipped(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range records {
			if r.N != int64(i) {
				t.Fatalf("entry %d has number %d", i, r.N)
			}
		}
		outbox := s.Outbox()
		for _, want := range []int{2, 0} { // marking again is harmless
			if n, err := outbox.MarkShipped(t.Context(), 0, 1); n != want || err != nil {
				t.Fatalf("%d entries were marked, want %d; %v", n, want, err)
			}
		}
		if n, err := outbox.LastShipped(t.Context()); n != 1 || err != nil {
			t.Errorf("last shipped is %d, %v", n, err)
		}
		if left, err := outbox.Unshipped(t.Context(), 1000); err != nil || len(left) != len(records)-2 || left[0].N != 2 {
			t.Errorf("%d entries are left, %v", len(left), err)
		}
		if all, err := outbox.Sequenced(t.Context(), 1, 3); err != nil || len(all) != 3 || all[0].N != 1 || string(all[2].Leaf) != string(records[3].Leaf) {
			t.Errorf("from 1 on: %+v, %v", all, err)
		}
		for _, key := range []string{"first", "second"} {
			if known, err := outbox.Ledger(t.Context(), key); known != "first" || err != nil {
				t.Errorf("the ledger is %q, %v", known, err)
			}
		}
	})
}

func TestTheListOfCasesIsFilteredAndCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		failed := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		storetest.Open(t, s, storetest.Departure("E2", "2026-12-20"), now)
		change := failed.Steps[0].Finish(exeunt.Outcome{Kind: exeunt.GaveUp, Err: exeunt.Errorf(exeunt.NotFound, "nobody")}, now)
		if err := s.Commit(t.Context(), &change); err != nil {
			t.Fatal(err)
		}
		page, err := s.Everything().Cases(t.Context(), store.CaseQuery{State: "attention"}, now)
		if err != nil || len(page.Rows) != 1 || page.Rows[0].ID != failed.Case.ID || page.Rows[0].Worst != "Directory: disable stopped" {
			t.Fatalf("attention shows %+v, %v", page.Rows, err)
		}
		if page.Counts[""] != 2 || page.Counts["attention"] != 1 || page.Counts["closed"] != 0 {
			t.Errorf("counts %v", page.Counts)
		}
		page, err = s.Everything().Cases(t.Context(), store.CaseQuery{Text: "e2@north"}, now)
		if err != nil || len(page.Rows) != 1 || page.Rows[0].EmployeeID != "E2" {
			t.Errorf("a search by address shows %+v, %v", page.Rows, err)
		}
		numbered := storetest.Departure("E3", "2026-12-21")
		numbered.Leaver.Identifiers[exeunt.EmployeeID] = "LK-00123" // HR's own id is another one
		storetest.Open(t, s, numbered, now)
		if page, _ = s.Everything().Cases(t.Context(), store.CaseQuery{Text: "lk-00123"}, now); len(page.Rows) != 1 {
			t.Errorf("a search by employee number shows %+v", page.Rows)
		}
		if page, _ = s.Everything().Cases(t.Context(), store.CaseQuery{Text: "100%_"}, now); len(page.Rows) != 0 {
			t.Error("a search text was taken for a pattern")
		}
	})
}

func TestEveryReadAnswersOnBothDatabases(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		ctx := t.Context()
		if o, err := s.Everything().Overview(ctx, now); err != nil || o.Cases != 1 || o.OpenTasks != 2 || o.Leaving[0].Count != 1 {
			t.Errorf("overview %+v, %v", o, err)
		}
		if rows, err := s.Everything().Tasks(ctx, store.TaskQuery{Owner: "TOM.REYES@northwind.example"}, now); err != nil || len(rows) != 1 {
			t.Errorf("tasks %+v, %v", rows, err)
		} else if one, err := s.Everything().Task(ctx, rows[0].ID); err != nil || one.Name != "Maya Okonkwo E1" {
			t.Errorf("task %+v, %v", one, err)
		}
		if stats, err := s.Everything().SystemStats(ctx, storetest.Inventory(), now); err != nil || len(stats) == 0 {
			t.Errorf("system stats %+v, %v", stats, err)
		}
		if e, err := s.Everything().Entry(ctx, 1); err != nil || e.Kind != exeunt.EntryOpened || e.N != -1 {
			t.Errorf("entry %+v, %v", e, err)
		}
		if due, _, err := s.Reminders(ctx, now.Add(24*time.Hour), 10); err != nil || len(due) != 2 {
			t.Errorf("reminders %+v, %v", due, err)
		}
		if due, _, err := s.Unsent(ctx, now, 10); err != nil || len(due) != 2 {
			t.Errorf("unsent %+v, %v", due, err)
		}
		if next, err := s.NextVisit(ctx, "directory", now); err != nil || !next.Equal(opened.Steps[0].StartsAt) {
			t.Errorf("next visit %s, %v", next, err)
		}
		if complete, err := s.Complete(ctx, opened.Case.ID); err != nil || len(complete) != 0 {
			t.Errorf("complete %+v, %v", complete, err)
		}
		if _, err := s.Case(ctx, 12345); exeunt.KindOf(err) != exeunt.NotFound {
			t.Errorf("an unknown case was answered %v", err)
		}
	})
}

func TestPeopleSignInWithWhatTheyChose(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		var change exeunt.Change
		change.Record("access.roles", nil, now, "user added", nil)
		u, err := s.PutUser(ctx, store.User{Email: "Ana@x.example", Name: "Ana", Roles: []string{"admin"}}, &change)
		if err != nil {
			t.Fatal(err)
		}
		invitation, err := s.Grant(ctx, u, store.CredentialInvitation, "", now, now.Add(time.Hour), told())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignIn(ctx, "ana@x.example", ""); exeunt.KindOf(err) != exeunt.Unauthorised {
			t.Errorf("signed in without a password: %v", err)
		}
		if _, err := s.Redeem(ctx, invitation, "", "short", now, told()); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("a short password was answered %v", err)
		}
		if _, err := s.Redeem(ctx, invitation, "Ana Silva", "correct horse battery", now, told()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Redeem(ctx, invitation, "", "another good password", now, told()); exeunt.KindOf(err) != exeunt.Unauthorised {
			t.Errorf("an invitation was used twice: %v", err)
		}
		if got, err := s.SignIn(ctx, "ANA@x.example", "correct horse battery"); err != nil || got.Name != "Ana Silva" {
			t.Errorf("signed in as %+v, %v", got, err)
		}
		if _, err := s.SignIn(ctx, "nobody@x.example", "correct horse battery"); exeunt.KindOf(err) != exeunt.Unauthorised {
			t.Errorf("nobody signed in: %v", err)
		}
		token, _ := s.Grant(ctx, u, store.CredentialToken, "ci", now, now.Add(time.Hour), told())
		if _, err := s.Bearer(ctx, token, store.CredentialSession, now); err == nil {
			t.Error("a token was taken for a session")
		}
		if _, err := s.Bearer(ctx, token, store.CredentialToken, now.Add(2*time.Hour)); err == nil {
			t.Error("a token outlived its time")
		}
	})
}

func stepOf(t *testing.T, s *store.Store, id exeunt.CaseID, key string) exeunt.Step {
	t.Helper()
	step, err := s.Step(t.Context(), id, key)
	if err != nil {
		t.Fatal(err)
	}
	return step
}

func TestNobodySignsAsSomebodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for i, want := range []exeunt.ErrorKind{"", exeunt.Invalid} {
			var change exeunt.Change
			change.Record(exeunt.EntrySignedIn, nil, now, "invited", nil)
			u, err := s.PutUser(t.Context(), store.User{Email: []string{"a@x.example", "b@x.example"}[i], Roles: []string{"it"}}, &change)
			if err != nil {
				t.Fatal(err)
			}
			invitation, err := s.Grant(t.Context(), u, store.CredentialInvitation, "", now, now.Add(time.Hour), told())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Redeem(t.Context(), invitation, []string{"Priya Nair", " priya  NAIR"}[i], "correct horse battery", now, told()); exeunt.KindOf(err) != want {
				t.Errorf("the name was answered %v", err)
			}
		}
	})
}

// What was decided while a case was open must not be added behind its close, which counts its entries.
func TestTheRecordOfAClosedCaseIsSealed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		opened := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		step := opened.Steps[0]
		late := exeunt.Change{Steps: []exeunt.Step{step}}
		late.Record(exeunt.EntryLooked, step, now, "looked at again", nil)
		settleAll(t, s)
		closed, err := opened.Case.Close(now)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), &closed); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), &late); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("an entry after the close was answered %v", err)
		}
		var beside exeunt.Change
		beside.Record(exeunt.EntryLooked, opened.Case.ID, now, "looked at again", nil)
		if err := s.Commit(t.Context(), &beside); err != nil {
			t.Errorf("an entry beside its record was answered %v", err)
		}
	})
}

// SQLite keeps a connection with open statements, and its files, for ever.
func TestAClosedDatabaseIsOneFile(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(t.Context(), dir, "", "test.example/log")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Close()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("after the close there are %v, %v", left, err)
	}
}

// Somebody may edit a row before it has its place.
func TestASaltThatIsNoneIsNamed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		for _, salt := range []string{strings.Repeat("ab", 33), strings.Repeat("ab", 31), "zz" + strings.Repeat("ab", 31), strings.Repeat("AB", 32)} {
			storetest.Exec(t, s, "UPDATE outbox SET salt = '"+salt+"' WHERE id = (SELECT MIN(id) FROM outbox)")
			if _, err := s.Outbox().Sequence(t.Context(), 100); exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(exeunt.MessageOf(err), "row 1 of the outbox") {
				t.Errorf("%s: %v", salt, err)
			}
		}
	})
}
