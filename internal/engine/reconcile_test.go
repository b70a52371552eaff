package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// workforce hires people in both systems; the last of them have no account in payroll.
func (c *company) workforce(n, unpaid int) []exeunt.Worker {
	var people []exeunt.Worker
	for i := range n {
		l := storetest.Departure(fmt.Sprintf("E%d", i+1), "").Leaver
		l.Identifiers = map[exeunt.IdentifierKind]string{exeunt.EmployeeID: l.ID, exeunt.WorkEmail: fmt.Sprintf("e%d@x.example", i+1)}
		c.directory.Hire(l)
		if i < n-unpaid {
			c.payroll.Hire(l)
		}
		people = append(people, exeunt.Worker{Leaver: l})
	}
	return people
}

func (c *company) reconciliation() exeunt.Reconciliation {
	c.t.Helper()
	r, err := c.store.Everything().Reconciliation(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func (c *company) reconciled(system string) exeunt.SystemReconciled {
	c.t.Helper()
	r := c.reconciliation()
	i := slices.IndexFunc(r.Systems, func(s exeunt.SystemReconciled) bool { return s.System == system })
	return r.Systems[i]
}

func (c *company) findings(system string, kind exeunt.FindingKind) []exeunt.Finding {
	c.t.Helper()
	found, err := c.store.Everything().Findings(c.t.Context(), store.FindingQuery{System: system, Kind: kind, Limit: 100})
	if err != nil {
		c.t.Fatal(err)
	}
	return found
}

func (c *company) reconcile(people []exeunt.Worker) {
	c.t.Helper()
	if _, err := c.do().Reconcile(c.t.Context(), people, hera); err != nil {
		c.t.Fatal(err)
	}
}

func TestEverybodyIsReconciledWithEverySystem(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		people := c.workforce(25, 3)
		c.directory.Hire(exeunt.Leaver{ID: "X1", Name: "stranger"})
		c.directory.PageSize(4)
		c.directory.Fail(connectortest.List, 3, exeunt.Errorf(exeunt.Throttled, "slow down").After(40*time.Second))
		c.payroll.Fail(connectortest.List, 2, exeunt.Errorf(exeunt.Temporary, "no answer"))
		c.reconcile(people)
		pass(30 * time.Second)
		if s := c.reconciled("directory"); s.State != exeunt.ReconcileWaiting {
			t.Errorf("asked to wait, and it is %s", s.State)
		}
		pass(10 * time.Minute)
		r := c.reconciliation()
		if r.EndedAt.IsZero() || r.People != 25 || len(r.Systems) != 2 {
			t.Fatalf("%+v", r)
		}
		if d := c.reconciled("directory"); d.State != exeunt.ReconcileDone || d.Listed != 26 || d.Tally != (exeunt.Tally{Matched: 25, Orphaned: 1}) {
			t.Errorf("directory %+v", d)
		}
		if p := c.reconciled("payroll"); p.State != exeunt.ReconcileDone || p.Tally != (exeunt.Tally{Matched: 22, Missing: 3}) {
			t.Errorf("payroll %+v", p)
		}
		if missing := c.findings("payroll", exeunt.FoundMissing); len(missing) != 3 || missing[0].Name == "" {
			t.Errorf("missing %+v", missing)
		}
		if begun, ended := c.entries(exeunt.EntryReconcileBegun), c.entries(exeunt.EntryReconciled); begun != 1 || ended != 2 {
			t.Errorf("%d and %d entries", begun, ended)
		}
	})
}

func TestASystemThatCannotBeListedIsSaidAndHoldsUpNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		people := c.workforce(3, 0)
		c.directory.Fail(connectortest.List, connectortest.Always, exeunt.Errorf(exeunt.Denied, "the credentials lack a permission"))
		c.reconcile(people)
		pass(time.Minute)
		if d := c.reconciled("directory"); d.State != exeunt.ReconcileFailed || d.Why != "the credentials lack a permission" {
			t.Errorf("directory %+v", d)
		}
		if p := c.reconciled("payroll"); p.State != exeunt.ReconcileDone || c.reconciliation().EndedAt.IsZero() {
			t.Errorf("payroll %+v", p)
		}
	})
}

// A list goes on with the page that is next, after a restart too; one whose place is forgotten begins again.
func TestAReconciliationGoesOnWhereItWas(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		people := c.workforce(10, 0)
		c.directory.PageSize(1)
		c.directory.Slow(time.Second)
		c.reconcile(people)
		pass(4500 * time.Millisecond)
		c.stop()
		read := c.reconciled("directory").Listed
		if read < 2 || read > 5 {
			t.Fatalf("%d accounts were listed before the restart", read)
		}
		before := c.directory.Calls(connectortest.List)
		c.start()
		pass(time.Minute)
		if d := c.reconciled("directory"); d.State != exeunt.ReconcileDone || d.Tally.Matched != 10 {
			t.Errorf("directory %+v", d)
		}
		if again := c.directory.Calls(connectortest.List) - before; again != 10-read {
			t.Errorf("%d pages were read after the restart, %d were missing", again, 10-read)
		}
		c.directory.Heal()
		c.directory.PageSize(4)
		c.directory.Slow(time.Second)
		calls := c.directory.Calls(connectortest.List)
		c.reconcile(people)
		pass(500 * time.Millisecond)
		c.directory.Fail(connectortest.List, 1, exeunt.Errorf(exeunt.Conflict, "forgotten")) // for the second page, while the first is read
		pass(time.Minute)
		if again := c.directory.Calls(connectortest.List) - calls; again != 2+3 {
			t.Errorf("%d pages were asked for", again)
		}
		if d := c.reconciled("directory"); d.State != exeunt.ReconcileDone || d.Listed != 10 {
			t.Errorf("directory %+v", d)
		}
	})
}

func TestWhatAPersonConfirmedComesBeforeAnyRule(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		l := leaving().Leaver
		right, wrong := c.directory.Hire(l, "eng"), c.directory.Hire(l)
		c.payroll.Hire(l)
		service := c.directory.Hire(exeunt.Leaver{ID: "svc", Name: "backup"})
		c.reconcile([]exeunt.Worker{{Leaver: l}})
		pass(time.Minute)
		ambiguous, orphans := c.findings("directory", exeunt.FoundAmbiguous), c.findings("directory", exeunt.FoundOrphaned)
		if len(ambiguous) != 1 || len(orphans) != 1 || orphans[0].Accounts[0].ID != service.ID {
			t.Fatalf("%+v %+v", ambiguous, orphans)
		}
		ctx := t.Context()
		if err := c.do().ConfirmAccount(ctx, ambiguous[0].ID, exeunt.Confirmation{Account: "account-99", Leaver: l.Key()}, hera); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("an account of nobody: %v", err)
		}
		if err := c.do().ConfirmAccount(ctx, orphans[0].ID, exeunt.Confirmation{Leaver: l.Key() + "1"}, hera); exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), "nobody has the key") {
			t.Errorf("of a key that nobody has: %v", err)
		}
		if err := c.do().ConfirmAccount(ctx, ambiguous[0].ID, exeunt.Confirmation{Account: right.ID, Leaver: l.Key()}, hera); err != nil {
			t.Fatal(err)
		}
		if err := c.do().ConfirmAccount(ctx, ambiguous[0].ID, exeunt.Confirmation{Account: wrong.ID, Leaver: l.Key()}, roth); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("decided twice: %v", err)
		}
		if err := c.do().ConfirmAccount(ctx, orphans[0].ID, exeunt.Confirmation{Account: "", Leaver: ""}, hera); err != nil {
			t.Fatal(err)
		}
		if n := c.entries(exeunt.EntryMapped); n != 2 {
			t.Errorf("%d entries of what was confirmed", n)
		}
		c.reconcile([]exeunt.Worker{{Leaver: l}})
		pass(time.Minute)
		if d := c.reconciled("directory"); d.Tally != (exeunt.Tally{Matched: 1, Orphaned: 1, Nobodys: 1}) {
			t.Errorf("again: %+v", d.Tally)
		}
		c.hear("1", exeunt.Announced, leaving())
		pass(time.Minute)
		if !c.directory.Done(right.ID, exeunt.Disable) || c.directory.Done(wrong.ID, exeunt.Disable) {
			t.Error("the visit did not end the account that was confirmed, and that alone")
		}
	})
}

func TestOneReconciliationAtATime(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		people := c.workforce(3, 0)
		c.directory.Slow(time.Hour)
		c.reconcile(people)
		if _, err := c.do().Reconcile(t.Context(), people, hera); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("a second one: %v", err)
		}
		if err := c.do().StopReconciling(t.Context(), hera); err != nil {
			t.Fatal(err)
		}
		if c.reconciliation().EndedAt.IsZero() {
			t.Error("it was stopped and goes on")
		}
		c.directory.Heal()
		c.reconcile(people)
	})
}

func TestAnOrphanOfALeaverBecomesACaseLikeAnyOther(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		before := c.departed()
		orphan := c.directory.Hire(leaving().Leaver, "eng")
		c.directory.Vanish(before.ID)
		stranger := c.directory.Hire(exeunt.Leaver{ID: "svc", Name: "backup"})
		pass(24 * time.Hour) // until the last day is over at the place of work
		c.reconcile([]exeunt.Worker{{Leaver: exeunt.Leaver{ID: "E9", Name: "Somebody Else"}}})
		pass(time.Minute)
		orphans := c.findings("directory", exeunt.FoundOrphaned)
		if len(orphans) != 2 || orphans[0].Accounts[0].ID != orphan.ID || orphans[0].Leaver != leaving().Leaver.Key() || orphans[0].Case == 0 {
			t.Fatalf("%+v", orphans)
		}
		if _, err := c.do().CleanUp(t.Context(), orphans[1].ID, "", asIs, hera); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("the account of nobody known: %v", err)
		}
		id, err := c.do().CleanUp(t.Context(), orphans[0].ID, "", asIs, hera)
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if !c.directory.Done(orphan.ID, exeunt.Disable) || !c.directory.Done(orphan.ID, exeunt.RemoveGroups) || c.directory.Done(stranger.ID, exeunt.Disable) {
			t.Error("the orphan is open, or more than it was ended")
		}
		f, err := c.store.Everything().CaseFile(t.Context(), id)
		if err != nil || f.Case.State != exeunt.CaseClosed || f.Case.Follows != orphans[0].Case || len(f.Steps) != 2 || f.Case.Override == nil || f.Case.Override.By != hera.By {
			t.Errorf("%+v with %d steps, %v", f.Case, len(f.Steps), err)
		}
		if after := c.findings("directory", exeunt.FoundOrphaned); after[0].Decided == nil {
			t.Error("nothing says that somebody saw to it")
		}
	})
}

// Whoever left before there were cases gets the whole departure, since nobody knows what else was forgotten.
func TestAnOrphanFromBeforeOurTimeGetsTheWholeDeparture(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		l := leaving().Leaver
		orphan := c.directory.Hire(l, "eng")
		c.payroll.Hire(l)
		c.reconcile([]exeunt.Worker{{Leaver: exeunt.Leaver{ID: "E9", Name: "Somebody Else"}}, {Leaver: l, LeftOn: "1999-12-30"}})
		pass(time.Minute)
		orphans := c.findings("", exeunt.FoundOrphaned)
		if len(orphans) != 2 || orphans[0].Name != l.Name {
			t.Fatalf("%+v", orphans)
		}
		if _, err := c.do().CleanUp(t.Context(), orphans[0].ID, "", asIs, hera); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if !c.directory.Done(orphan.ID, exeunt.Disable) || len(c.only().Tasks) == 0 {
			t.Errorf("%+v", c.only())
		}
		for _, o := range c.findings("", exeunt.FoundOrphaned) {
			if o.Decided == nil {
				t.Errorf("the case sees to all of the person's accounts: %+v", o)
			}
		}
	})
}

// Two accounts of one person in one system: a person decides on each, and a case ends one of them.
func TestEachAccountOfALeaverIsCleanedUpByItself(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.departed()
		first, second := c.directory.Hire(leaving().Leaver), c.directory.Hire(leaving().Leaver)
		pass(24 * time.Hour)
		for i, orphan := range []exeunt.Account{first, second} {
			c.reconcile([]exeunt.Worker{{Leaver: exeunt.Leaver{ID: "E9", Name: "Somebody Else"}}})
			pass(time.Minute)
			found := c.findings("directory", exeunt.FoundOrphaned)
			if len(found) != 2-i || found[0].Accounts[0].ID != orphan.ID || found[0].Leaver != leaving().Leaver.Key() {
				t.Fatalf("%+v", found)
			}
			if _, err := c.do().CleanUp(t.Context(), found[0].ID, "", asIs, hera); err != nil {
				t.Fatal(err)
			}
			pass(time.Minute)
			if !c.directory.Done(orphan.ID, exeunt.Disable) {
				t.Errorf("%s is open", orphan.ID)
			}
			if i == 0 {
				if rest := c.findings("directory", exeunt.FoundOrphaned); c.directory.Done(second.ID, exeunt.Disable) || rest[0].Decided == nil || rest[1].Decided != nil {
					t.Errorf("what nobody asked for is ended, or counts as seen to: %+v", rest)
				}
			}
		}
	})
}

// In another system than the one that was asked for, which of two accounts is theirs is nobody's to guess.
func TestACleanUpTakesNoneOfTwoUnasked(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		l := leaving().Leaver
		paid := c.payroll.Hire(l)
		first, second := c.directory.Hire(l), c.directory.Hire(l)
		c.reconcile([]exeunt.Worker{{Leaver: exeunt.Leaver{ID: "E9", Name: "Somebody Else"}}, {Leaver: l, LeftOn: "1999-06-30"}})
		pass(time.Minute)
		found := c.findings("payroll", exeunt.FoundOrphaned)
		if len(found) != 1 || found[0].Accounts[0].ID != paid.ID {
			t.Fatalf("%+v", found)
		}
		id, err := c.do().CleanUp(t.Context(), found[0].ID, "", asIs, hera)
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if c.directory.Done(first.ID, exeunt.Disable) || c.directory.Done(second.ID, exeunt.Disable) {
			t.Error("one of two was taken for theirs")
		}
		for _, o := range c.findings("directory", exeunt.FoundOrphaned) {
			if o.Decided != nil {
				t.Errorf("the case %s does not see to it: %+v", id, o)
			}
		}
	})
}

// A system that is taken out of the configuration meanwhile is not waited for.
func TestAReconciliationEndsWithoutASystemThatIsTakenOut(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		people := c.workforce(3, 0)
		c.directory.Slow(time.Hour)
		c.reconcile(people)
		pass(time.Minute)
		c.stop()
		c.inventory = c.inventory[1:] // without the directory
		c.start()
		pass(15 * time.Minute)
		if d := c.reconciled("directory"); d.State != exeunt.ReconcileFailed || !strings.Contains(d.Why, "taken out of the configuration") {
			t.Errorf("%+v", d)
		}
		if c.reconciliation().EndedAt.IsZero() {
			t.Error("the reconciliation goes on for ever")
		}
	})
}
