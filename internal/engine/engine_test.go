package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

func TestOneDepartureGoesThroughTheWholeHouse(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := leaving()
		c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Second)
		c.expect(map[string]exeunt.StepState{
			"directory-disable": exeunt.StepConfirmed, "directory-remove-groups": exeunt.StepConfirmed,
			"payroll-end-employment": exeunt.StepConfirmed, "payroll-schedule-final-pay": exeunt.StepWaiting,
		})
		if got := c.step("directory-disable"); got.Proof != exeunt.Observed || got.Attempt != 1 || got.Account.ID == "" {
			t.Errorf("the step keeps %+v", got)
		}
		c.complete("timesheet", "badges-by-hand", "wiki-check")
		pass(5 * time.Second)
		c.expect(map[string]exeunt.StepState{"payroll-schedule-final-pay": exeunt.StepConfirmed})
		if f := c.only(); f.Case.State != exeunt.CaseClosed || f.Entries[0].Kind != exeunt.EntryClosed {
			t.Errorf("the case is %s and its newest entry %s", f.Case.State, f.Entries[0].Kind)
		}
	})
}

func (c *company) complete(keys ...string) {
	c.t.Helper()
	for _, key := range keys {
		if err := c.engine.As(exeunt.Viewer{}).CompleteTask(c.t.Context(), c.task(key).ID, nil, "", "Tom Reyes"); err != nil {
			c.t.Fatal(err)
		}
	}
}

func TestIndependentBranchesStartTogetherAndAScheduledOneWaitsForItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Second)
		c.expect(map[string]exeunt.StepState{"payroll-end-employment": exeunt.StepConfirmed, "directory-disable": exeunt.StepScheduled})
		pass(time.Until(cutOff) - time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepScheduled})
		pass(40 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed})
		if late := c.step("directory-disable").SettledAt.Sub(cutOff); late > 31*time.Second {
			t.Errorf("access ended %s after the cut-off", late)
		}
	})
}

func TestWhatFailsBecomesATaskOfTheOwnerWithTheFallback(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.payroll.Hire(leaving().Leaver)
		c.hear("1", exeunt.Announced, leaving()) // nobody was hired in the directory
		pass(5 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepFailed, "directory-remove-groups": exeunt.StepFailed})
		task := c.task("directory-disable-exception")
		if task.Owner.Email != "ana.silva@northwind.example" || task.Procedure != "Disable it in the console." || !strings.Contains(task.Reason, "no account matches") {
			t.Errorf("the task is %+v", task)
		}
		c.wasTold(exeunt.NoticeFailed, "ana.silva@northwind.example")
		c.hasEntry(exeunt.EntryFailed)
		c.complete("directory-disable-exception")
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepAttested, "directory-remove-groups": exeunt.StepAttested})
	})
}

func (c *company) wasTold(kind exeunt.NoticeKind, address string) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.ContainsFunc(c.told, func(n exeunt.Notice) bool { return n.Kind == kind && n.To.Email == address }) {
		c.t.Errorf("%s was not told that something %s: %+v", address, kind, c.told)
	}
}

func (c *company) hasEntry(kind exeunt.EntryKind) {
	c.t.Helper()
	page, err := c.store.Everything().Entries(c.t.Context(), store.EntryQuery{Kind: string(kind)})
	if err != nil || page.Total == 0 {
		c.t.Errorf("the ledger has no %s, %v", kind, err)
	}
}

func TestAFailedStepComesBackWhenItsOwnerHasMendedIt(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.payroll.Hire(leaving().Leaver)
		c.hear("1", exeunt.Announced, leaving())
		pass(5 * time.Second)
		c.directory.Hire(leaving().Leaver)
		if err := c.engine.As(exeunt.Viewer{}).RetryStep(t.Context(), c.only().Case.ID, "directory-disable", exeunt.Override{By: "Ana", Reason: "login corrected"}); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "directory-remove-groups": exeunt.StepConfirmed})
		if got := c.task("directory-disable-exception"); got.State != exeunt.TaskWithdrawn {
			t.Errorf("its task is %s", got.State)
		}
	})
}

func TestAVendorThatAnswersAndDoesNothingIsNeverConfirmed(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(leaving().Leaver)
		c.payroll.Hire(leaving().Leaver)
		c.directory.Lie(connectortest.Always)
		c.hear("1", exeunt.Announced, leaving())
		pass(12 * time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepFailed})
		if got := c.step("directory-disable"); !strings.Contains(got.Reason, "nothing has changed") {
			t.Errorf("the reason is %q", got.Reason)
		}
	})
}

func TestALostAnswerIsLookedAtAndNotRepeated(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(leaving().Leaver)
		c.payroll.Hire(leaving().Leaver)
		c.directory.LoseAnswers(1)
		c.hear("1", exeunt.Announced, leaving())
		pass(time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed})
		if n := c.directory.Applied(exeunt.Disable); n != 1 {
			t.Errorf("it was applied %d times", n)
		}
	})
}

func TestAThrottledSystemIsTriedAgainWhenItSays(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(leaving().Leaver)
		c.payroll.Hire(leaving().Leaver)
		c.directory.Fail(connectortest.Apply, 1, exeunt.Errorf(exeunt.Throttled, "slow down").After(90*time.Second))
		c.hear("1", exeunt.Announced, leaving())
		pass(85 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepReady, "payroll-end-employment": exeunt.StepConfirmed})
		pass(2 * time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed, "directory-remove-groups": exeunt.StepConfirmed})
	})
}

func TestADeadSystemCostsTheOthersNothingAndEndsAsATask(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.payroll.Hire(leaving().Leaver)
		c.directory.Fail(connectortest.Find, connectortest.Always, exeunt.Errorf(exeunt.Temporary, "no answer in time"))
		c.hear("1", exeunt.Announced, leaving())
		pass(5 * time.Second)
		c.expect(map[string]exeunt.StepState{"payroll-end-employment": exeunt.StepConfirmed})
		pass(12 * time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepFailed})
	})
}

func TestADuplicateIsAbsorbedAnAmendmentReplansARescissionCancels(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		d.LastDay, d.TerminationDate = "2000-01-10", "2000-01-10"
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		c.hear("1", exeunt.Announced, d)
		pass(2 * time.Second)
		c.hear("2", exeunt.Announced, d)
		pass(2 * time.Second)
		if n := c.directory.Applied(exeunt.Disable); n != 0 {
			t.Fatal("cut before the last day")
		}
		earlier := d
		earlier.LastDay, earlier.TerminationDate = "2000-01-01", "2000-01-01"
		c.hear("3", exeunt.Announced, earlier)
		pass(2 * time.Second)
		if got := c.only().Case.CutOff; !got.Equal(cutOff) {
			t.Errorf("the cut-off is %s", got)
		}
		c.hear("4", exeunt.Rescinded, earlier)
		pass(20 * time.Minute)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepCancelled, "payroll-end-employment": exeunt.StepConfirmed, "payroll-end-employment-undo": exeunt.StepConfirmed})
		if n := c.directory.Applied(exeunt.Disable); n != 0 {
			t.Error("a rescinded departure was cut")
		}
	})
}

func TestAnAmendmentToAnEarlierDayCutsOnThatDay(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		d.LastDay = "2000-02-10"
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(2 * time.Second)
		d.LastDay = "2000-01-01"
		c.hear("2", exeunt.Announced, d)
		pass(time.Until(cutOff.Add(time.Minute)))
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed})
	})
}

func TestWhatIsNoDepartureIsRecordedAndIgnored(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		if _, err := c.engine.Receive(t.Context(), store.Event{Source: "hr", ID: "x", Body: []byte("lunch"), ReceivedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		c.hasEntry(exeunt.EntryRefused)
		if page, _ := c.store.Everything().Cases(t.Context(), store.CaseQuery{}, time.Now()); page.All != 0 {
			t.Error("lunch became a case")
		}
	})
}

func TestADoubtfulDepartureWaitsForAPerson(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := storetest.Departure("E1", "1990-01-01")
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(10 * time.Minute)
		if f := c.only(); f.Case.State != exeunt.CaseHeld || c.directory.Applied(exeunt.Disable) != 0 {
			t.Fatalf("the case is %s", f.Case.State)
		}
		if err := c.engine.As(exeunt.Viewer{}).ReleaseCase(t.Context(), 1, exeunt.Override{By: "Ana", Reason: "HR confirmed the date by phone"}); err != nil {
			t.Fatal(err)
		}
		pass(40 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed})
	})
}

func TestAPersonCanStartACaseWithAReason(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(leaving().Leaver)
		c.payroll.Hire(leaving().Leaver)
		if _, err := c.engine.As(exeunt.Viewer{}).StartCase(t.Context(), leaving(), exeunt.Override{By: "Ana", Reason: "now"}); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("a case without a reason was answered %v", err)
		}
		id, err := c.engine.As(exeunt.Viewer{}).StartCase(t.Context(), leaving(), exeunt.Override{By: "Ana", Reason: "the HR system is down today"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.engine.As(exeunt.Viewer{}).StartCase(t.Context(), leaving(), exeunt.Override{By: "Ana", Reason: "the HR system is down today"}); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("a second case was answered %v", err)
		}
		pass(5 * time.Second)
		if f := c.only(); f.Case.ID != id || f.Case.Override == nil || f.Case.Override.By != "Ana" {
			t.Errorf("the case is %+v", f.Case)
		}
	})
}

func TestOwnersAreRemindedAndLatenessIsEscalated(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(leaving().Leaver)
		c.payroll.Hire(leaving().Leaver)
		c.hear("1", exeunt.Announced, leaving())
		pass(11 * time.Minute)
		c.wasTold(exeunt.NoticeReminder, "tom.reyes@northwind.example")
		pass(10 * time.Minute)
		c.wasTold(exeunt.NoticeLate, "tom.reyes@northwind.example")
		c.wasTold(exeunt.NoticeLate, "priya.nair@northwind.example")
	})
}

func TestAMessageThatDoesNotArriveIsRecordedAndSentLater(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Hire(leaving().Leaver)
		c.payroll.Hire(leaving().Leaver)
		c.mu.Lock()
		c.mailFault = exeunt.Errorf(exeunt.Temporary, "the mail server is away")
		c.mu.Unlock()
		c.hear("1", exeunt.Announced, leaving())
		pass(10 * time.Minute)
		c.hasEntry(exeunt.EntryNoticeFailed)
		c.mu.Lock()
		c.mailFault = nil
		c.mu.Unlock()
		pass(20 * time.Minute)
		c.wasTold(exeunt.NoticeAssigned, "tom.reyes@northwind.example")
	})
}

// A visit that is cut off after it acted and before it could say so is found again: the system is
// looked at, and what is so already is not done twice.
func TestACrashBetweenActingAndSayingSoIsHarmless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(t, storetest.SQLite(t))
		d := leaving()
		account := c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.stop()
		change := storetest.Open(t, c.store, d, time.Now())
		intent := change.Steps[0].Intend(account, exeunt.Observation{}, time.Now())
		if err := c.store.Commit(t.Context(), &intent); err != nil {
			t.Fatal(err)
		}
		if err := c.directory.Apply(t.Context(), account, exeunt.Disable, connector.Parameters{}); err != nil {
			t.Fatal(err)
		}
		c.start()
		defer c.stop()
		pass(10 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed})
		if n := c.directory.Applied(exeunt.Disable); n != 1 {
			t.Errorf("it was done %d times", n)
		}
	})
}

// A visit that is cut off before it sent anything costs no settling time: nothing is on its way that could settle.
func TestACrashBeforeActingDoesNotWaitForTheSystemToSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(t, storetest.SQLite(t))
		d := leaving()
		account := c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.stop()
		c.inventory[0].Actions[0].Settles = time.Hour
		change := storetest.Open(t, c.store, d, time.Now())
		intent := change.Steps[0].Intend(account, exeunt.Observation{}, time.Now())
		if err := c.store.Commit(t.Context(), &intent); err != nil {
			t.Fatal(err)
		}
		c.start()
		defer c.stop()
		pass(10 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepConfirmed})
	})
}

func TestADepartureThatIsDoneIsNotDoneAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := leaving()
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Second)
		c.complete("timesheet", "badges-by-hand", "wiki-check")
		pass(5 * time.Second)
		if got := c.only().Case.State; got != exeunt.CaseClosed {
			t.Fatalf("the case is %s", got)
		}
		d.Immediate = false // HR sets the status when the day has come
		c.hear("2", exeunt.Announced, d)
		pass(5 * time.Second)
		id := c.only().Case.ID
		for _, told := range []string{"SELECT COUNT(*) FROM outbox WHERE kind = 'trigger.refuse' AND case_id = 0 AND about = %d", "SELECT COUNT(*) FROM events WHERE event_id = '2' AND case_id = %d"} {
			if storetest.Count(t, c.store, fmt.Sprintf(told, id)) != 1 {
				t.Error("what HR said again stands nowhere beside the case, so that it does not go when that is erased")
			}
		}
		if n := c.payroll.Applied(exeunt.ScheduleFinalPay); n != 1 {
			t.Errorf("final pay was scheduled %d times", n)
		}
		d.LastDay = "2000-01-09"
		c.hear("4", exeunt.Announced, d)
		pass(5 * time.Second)
		page, err := c.store.Everything().Cases(t.Context(), store.CaseQuery{State: "held"}, time.Now())
		if err != nil || len(page.Rows) != 1 {
			t.Errorf("%d cases are held for a person, %v", len(page.Rows), err)
		}
	})
}

func TestWhatIsOlderChangesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := leaving()
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.hearAt("2", exeunt.Rescinded, d, time.Now())
		pass(5 * time.Second)
		c.hearAt("1", exeunt.Announced, d, time.Now().Add(-time.Hour))
		pass(5 * time.Second)
		if page, _ := c.store.Everything().Cases(t.Context(), store.CaseQuery{}, time.Now()); page.All != 0 || c.directory.Applied(exeunt.Disable) != 0 {
			t.Error("an announcement that was taken back before it arrived was carried out")
		}
		if page, _ := c.store.Everything().Entries(t.Context(), store.EntryQuery{Text: "older than what was heard"}); page.Total != 1 {
			t.Error("it was not settled and noted as older")
		}
	})
}

func TestAnAmendmentThatCannotBeIsRefusedAloud(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := soon()
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Second)
		d.CutOffClock = "5pm"
		c.hear("2", exeunt.Announced, d)
		pass(5 * time.Second)
		c.wasTold(exeunt.NoticeAlert, "ops@x.example")
	})
}

func TestARescissionLooksAtWhatMayHaveTakenEffect(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := leaving()
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.directory.Lie(connectortest.Always) // so that it stays under way
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Second)
		c.complete("badges-by-hand")
		c.hear("2", exeunt.Rescinded, d)
		pass(5 * time.Second)
		c.expect(map[string]exeunt.StepState{"directory-disable": exeunt.StepCancelled, "directory-disable-undo": exeunt.StepConfirmed, "payroll-end-employment-undo": exeunt.StepConfirmed})
		if n := c.directory.Undone(exeunt.Disable); n != 0 {
			t.Errorf("what had not taken effect was put back %d times", n)
		}
		if got := c.task("put-back").Checklist; !slices.Equal(got, []string{"Badges: end access by hand, done by Tom Reyes"}) {
			t.Errorf("by hand: %q", got)
		}
	})
}

func TestACaseSettledWhileHeldClosesWhenReleased(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.hear("1", exeunt.Announced, storetest.Departure("E1", "1990-01-01"))
		pass(5 * time.Second)
		by := exeunt.Override{By: "Ana", Reason: "nothing of this applies here"}
		for _, s := range c.only().Steps {
			c.waive(s.Case, s.Key)
		}
		c.complete("timesheet", "badges-by-hand", "wiki-check")
		if err := c.engine.As(exeunt.Viewer{}).ReleaseCase(t.Context(), 1, by); err != nil {
			t.Fatal(err)
		}
		pass(30 * time.Second)
		if got := c.only().Case.State; got != exeunt.CaseClosed {
			t.Errorf("the case is %s", got)
		}
	})
}

// A system that takes minutes to show what it accepted is looked at less and less often, and the record is not
// filled with looks that showed nothing.
func TestWhatSettlesIsLookedAtLessAndLessOften(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.inventory[2].Actions[0].Settles = time.Hour
		c.payroll.Lag(8)
		c.directory.Hire(leaving().Leaver)
		c.payroll.Hire(leaving().Leaver)
		c.hear("1", exeunt.Announced, leaving())
		pass(2 * time.Minute)
		c.expect(map[string]exeunt.StepState{"payroll-end-employment": exeunt.StepReady})
		pass(9 * time.Minute)
		c.expect(map[string]exeunt.StepState{"payroll-end-employment": exeunt.StepConfirmed})
		looks, said := 0, ""
		for _, e := range c.only().Entries {
			switch {
			case e.Step != "payroll-end-employment":
			case e.Kind == exeunt.EntryRetry:
				looks++
			case e.Kind == exeunt.EntryConfirmed:
				said = e.Detail["looks_while_settling"]
			}
		}
		if looks != 1 || said != "8" {
			t.Errorf("%d looks are recorded, and %q in sum", looks, said)
		}
	})
}
