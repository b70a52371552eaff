package store_test

import (
	"fmt"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

func TestWhatPeopleConfirmedIsLearnedAndErasedWithThePerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		opened := storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		key := opened.Case.Leaver().Key()
		ended(t, s, begun(t, s, 1), orphan(*opened.Case), exeunt.Finding{System: "directory", Kind: exeunt.FoundOrphaned, Accounts: []exeunt.Account{{ID: "svc"}}, Why: exeunt.OrphanOfNobody},
			exeunt.Finding{System: "directory", Kind: exeunt.FoundMissing, Leaver: key, Name: "Maya", Why: "found before there was a case"})
		found, err := s.Everything().Findings(ctx, store.FindingQuery{Limit: 10})
		must(t, err)
		for i, whose := range []string{key, ""} {
			f, m, change, err := found[i].Confirm(exeunt.Confirmation{Leaver: whose}, nil, iris, now)
			must(t, err)
			must(t, s.Decide(ctx, f, &m, &change))
			if err := s.Decide(ctx, f, &m, &change); exeunt.KindOf(err) != exeunt.Conflict {
				t.Errorf("decided twice: %v", err)
			}
		}
		learned, err := s.Learned(ctx, "directory")
		if err != nil || learned.Of[key].Account.ID != "a1" || !learned.Whose.Others("svc", key) || learned.Whose.Others("a1", key) {
			t.Errorf("%+v, %v", learned, err)
		}
		if one, err := s.LearnedOf(ctx, "directory", key); err != nil || one.Account.ID != "a1" {
			t.Errorf("%+v, %v", one, err)
		}
		if one, err := s.LearnedOf(ctx, "payroll", key); err != nil || one.Account.ID != "" {
			t.Errorf("%+v, %v", one, err)
		}
		storetest.Exec(t, s, "INSERT INTO reconciled_keys (leaver_key) VALUES ('"+key+"')") // an old list names them, too
		c := *opened.Case
		c.Erasure = &exeunt.Erasure{Rule: "retention.keep: 1095 d", DecidedAt: now}
		decided := exeunt.Change{Case: &c}
		decided.Record(exeunt.EntryErased, c, now, "erased", nil)
		must(t, s.Commit(ctx, &decided))
		_, err = s.Outbox().Sequence(ctx, 1000)
		must(t, err)
		_, err = s.Outbox().MarkShipped(ctx, 0, 1000)
		must(t, err)
		beside, err := s.Beside(ctx, c.ID, 1000)
		must(t, err)
		change, err := decided.Case.Erased(beside, now)
		must(t, err)
		must(t, s.CommitWith(ctx, &change, store.Purge(c.ID, 1000, beside)))
		for table, want := range map[string]int{"findings": 1, "mappings": 1, "reconciled_keys": 1} {
			if n := storetest.Count(t, s, "SELECT COUNT(*) FROM "+table); n != want {
				t.Errorf("%d rows in %s after the erasure, want %d", n, table, want)
			}
		}
	})
}

// Two people at once: what the one confirmed is not overwritten by the other, who did not know of it.
func TestWhatSomebodyElseConfirmedStands(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		f := exeunt.Finding{System: "directory", Kind: exeunt.FoundOrphaned, Accounts: []exeunt.Account{{ID: "a1", Login: "jane"}}, Why: exeunt.OrphanOfNobody}
		ended(t, s, begun(t, s, 1), f, f, f, f)
		found, err := s.Everything().Findings(ctx, store.FindingQuery{Limit: 10})
		must(t, err)
		say := func(f exeunt.Finding, what exeunt.Confirmation, before ...exeunt.Mapping) error {
			f, m, change, err := f.Confirm(what, before, iris, now)
			must(t, err)
			return s.Decide(ctx, f, &m, &change)
		}
		whose := func() string {
			all, err := s.Mappings(ctx, "directory", "x", "a1", "y")
			must(t, err)
			if len(all) != 1 {
				t.Fatalf("%+v", all)
			}
			return all[0].Leaver
		}
		must(t, say(found[0], exeunt.Confirmation{Leaver: "main/1"}))
		if err := say(found[1], exeunt.Confirmation{Leaver: "main/2"}); exeunt.KindOf(err) != exeunt.Conflict || whose() != "main/1" {
			t.Errorf("overwritten: it is %s's, %v", whose(), err)
		}
		if again, err := s.Everything().Finding(ctx, found[1].ID); err != nil || again.Decided != nil {
			t.Errorf("what was refused counts as decided: %+v, %v", again, err)
		}
		before, err := s.Mappings(ctx, "directory", "a1")
		must(t, err)
		must(t, say(found[1], exeunt.Confirmation{Instead: true}, before...))
		if whose() != "" {
			t.Errorf("it is %s's", whose())
		}
		must(t, say(found[2], exeunt.Confirmation{}))
		if err := say(found[3], exeunt.Confirmation{Leaver: "main/3", Instead: true}, before...); exeunt.KindOf(err) != exeunt.Conflict || whose() != "" {
			t.Errorf("what was replaced meanwhile is replaced again: %s, %v", whose(), err)
		}
	})
}

// A record in payroll that says that employment ended is nobody's open account; an account that was not closed is.
func TestOnlyWhatHasNoAccountToCloseIsEndedOtherwise(t *testing.T) {
	settled := func(a exeunt.Action, state exeunt.StepState) func(*exeunt.Step) {
		return func(s *exeunt.Step) { s.Action, s.State = a, state }
	}
	cases := []struct {
		name   string
		first  func(*exeunt.Step)
		second func(*exeunt.Step)
		ended  bool
	}{
		{"employment ended", settled(exeunt.EndEmployment, exeunt.StepConfirmed), settled(exeunt.ScheduleFinalPay, exeunt.StepFailed), true},
		{"it said ok", settled(exeunt.EndEmployment, exeunt.StepAcknowledged), settled(exeunt.ScheduleFinalPay, exeunt.StepFailed), true},
		{"a person said so", settled(exeunt.EndEmployment, exeunt.StepAttested), settled(exeunt.ScheduleFinalPay, exeunt.StepFailed), false},
		{"it failed", settled(exeunt.EndEmployment, exeunt.StepFailed), settled(exeunt.ScheduleFinalPay, exeunt.StepFailed), false},
		{"groups are gone, and it could not be closed", settled(exeunt.RemoveGroups, exeunt.StepConfirmed), settled(exeunt.Disable, exeunt.StepFailed), false},
		{"sessions are gone, and nothing closes it", settled(exeunt.RevokeSessions, exeunt.StepConfirmed), settled(exeunt.RemoveGroups, exeunt.StepConfirmed), false},
		{"to close it was waived", settled(exeunt.EndEmployment, exeunt.StepConfirmed), settled(exeunt.Disable, exeunt.StepWaived), false},
		{"a person says that it is closed", settled(exeunt.EndEmployment, exeunt.StepConfirmed), settled(exeunt.Disable, exeunt.StepAttested), false},
		{"employment was put back", func(s *exeunt.Step) { s.Action, s.State, s.Undoes = exeunt.EndEmployment, exeunt.StepConfirmed, "x" }, settled(exeunt.RemoveGroups, exeunt.StepFailed), false},
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for i, c := range cases {
			opened := storetest.Open(t, s, storetest.Departure(fmt.Sprint("E", i), "2026-11-20"), now)
			system, change := fmt.Sprint("crm", i), exeunt.Change{}
			for j, as := range []func(*exeunt.Step){c.first, c.second} {
				step := exeunt.Step{Case: opened.Case.ID, Key: fmt.Sprint("crm-", j), System: system, Account: exeunt.Account{ID: "a1"}, Deadline: now, SettledAt: now}
				as(&step)
				change.Steps = append(change.Steps, step)
			}
			change.Record(exeunt.EntryConfirmed, change.Steps[0], now, "settled", nil)
			must(t, s.Commit(t.Context(), &change))
			ended, err := s.EndedOtherwise(t.Context(), system)
			if err != nil || ended["a1"] != c.ended || len(ended) > 1 {
				t.Errorf("%s: ended %v, %v, want %t", c.name, ended, err, c.ended)
			}
		}
	})
}

// Somebody is known by the newest list or by a case that one may see, and by neither once they are erased.
func TestWhoHasAKeyIsKnown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		d := storetest.Departure("E2", "2026-11-20")
		d.Embargo = &noSecret
		storetest.Open(t, s, d, now)
		storetest.Open(t, s, storetest.Departure("E1", "2026-11-20"), now)
		begun(t, s, 700)
		for key, want := range map[string]string{
			"main/0": "true true", "main/699": "true true", "main/700": "false false", "main/": "false false", "northwind/E1": "true true", "northwind/E2": "true false",
		} {
			inside, err := s.For(listed).Knows(ctx, key)
			must(t, err)
			outside, err := s.For(exeunt.Viewer{}).Knows(ctx, key)
			must(t, err)
			if got := fmt.Sprint(inside, " ", outside); got != want {
				t.Errorf("%s is known: %s, want %s", key, got, want)
			}
		}
		var stopped exeunt.Change
		stopped.Record(exeunt.EntryReconciled, nil, now, "stopped", nil)
		must(t, s.StopReconciliation(ctx, now, &stopped))
		if known, err := s.For(listed).Knows(ctx, "main/699"); err != nil || !known {
			t.Errorf("known while it went on only: %t, %v", known, err)
		}
		begun(t, s, 1)
		if known, err := s.For(listed).Knows(ctx, "main/699"); err != nil || known {
			t.Errorf("known by the list before: %t, %v", known, err)
		}
	})
}
