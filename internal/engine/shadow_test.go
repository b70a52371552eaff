package engine_test

import (
	"context"
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

// shadowed is a company whose directory is in stage shadow.
func shadowed(t *testing.T, run func(*testing.T, *company)) {
	t.Helper()
	inBubble(t, func(t *testing.T, c *company) {
		inventory := slices.Clone(c.stock())
		inventory[0].Stage = exeunt.Shadow
		c.reconfigure(inventory)
		run(t, c)
		if n := c.directory.Calls(connectortest.Apply); n != 0 {
			t.Errorf("a connector in stage shadow acted %d times", n)
		}
	})
}

// report is what is said of the directory.
func (c *company) report() exeunt.ShadowReport {
	c.t.Helper()
	lines, err := c.store.Everything().ShadowLines(c.t.Context(), "directory", exeunt.ShadowWindow)
	if err != nil {
		c.t.Fatal(err)
	}
	system, _ := c.System("directory")
	return exeunt.ReportShadow(system, nil, lines)
}

func (c *company) verdict(want exeunt.ShadowVerdict) exeunt.ShadowLine {
	c.t.Helper()
	r := c.report()
	if len(r.Lines) != 1 || r.Lines[0].Verdict != want {
		c.t.Fatalf("the report says %+v, %s was expected", r, want)
	}
	return r.Lines[0]
}

// leaves lets somebody leave of whom the directory knows, or not.
func (c *company) leaves(hired bool, groups ...string) exeunt.Account {
	c.t.Helper()
	var account exeunt.Account
	if hired {
		account = c.directory.Hire(leaving().Leaver, groups...)
	}
	c.payroll.Hire(leaving().Leaver)
	c.hear("1", exeunt.Announced, leaving())
	pass(5 * time.Second)
	return account
}

// byHand does in the directory what its owner is asked for, as they would in its own console.
func (c *company) byHand(a exeunt.Account, actions ...exeunt.Action) {
	for _, action := range actions {
		c.directory.Close(a.ID, action)
	}
}

func TestAConnectorInStageShadowLooksBeforeAndAfterAndNeverActs(t *testing.T) {
	shadowed(t, func(t *testing.T, c *company) {
		account := c.leaves(true, "eng")
		task := c.task("directory-by-hand")
		if task.State != exeunt.TaskOpen || !slices.Equal(task.Would, []exeunt.Action{exeunt.Disable, exeunt.RemoveGroups}) || !strings.Contains(task.Reason, "the connector looks before and after") {
			t.Fatalf("the task is %+v", task)
		}
		line := c.verdict(exeunt.ShadowWaiting)
		if line.Before.Account != account || line.Before.Standing[exeunt.Disable] != exeunt.Absent || !slices.Equal(line.Before.Snapshot["groups"], []string{"eng"}) {
			t.Errorf("before, it saw %+v", line.Before)
		}
		entry := c.entry(exeunt.EntryShadowed)
		if entry.Case != 1 || entry.Task != task.Key || !strings.Contains(entry.What, "would have done this: disable, remove groups") || entry.Detail["before.groups"] != "eng" {
			t.Errorf("the record says %+v", entry)
		}
		c.byHand(account, exeunt.Disable, exeunt.RemoveGroups)
		c.complete("directory-by-hand")
		pass(5 * time.Second)
		line = c.verdict(exeunt.ShadowAgreed)
		if line.DoneBy != "Tom Reyes" || line.Name != leaving().Leaver.Name || c.entry(exeunt.EntryCompared).Detail["verdict"] != "agreed" {
			t.Errorf("the line is %+v", line)
		}
		if f := c.only(); len(f.Steps) == 0 || slices.ContainsFunc(f.Steps, func(s exeunt.Step) bool { return s.System == "directory" }) {
			t.Errorf("the steps are %+v", f.Steps)
		}
	})
}

// entry is the newest one of a kind.
func (c *company) entry(kind exeunt.EntryKind) exeunt.Entry {
	c.t.Helper()
	page, err := c.store.Everything().Entries(c.t.Context(), store.EntryQuery{Kind: string(kind)})
	if err != nil || len(page.Rows) == 0 {
		c.t.Fatalf("the ledger has no %s, %v", kind, err)
	}
	return page.Rows[0].Entry
}

func TestWhatIsOpenBehindATickedTaskIsToldAfterAnHour(t *testing.T) {
	shadowed(t, func(t *testing.T, c *company) {
		account := c.leaves(true, "eng")
		c.byHand(account, exeunt.Disable)
		c.complete("directory-by-hand")
		pass(time.Minute)
		if line := c.verdict(exeunt.ShadowStillOpen); !slices.Equal(line.After.Open, []exeunt.Action{exeunt.RemoveGroups}) || line.LookAt.IsZero() {
			t.Errorf("the line is %+v", line)
		}
		for _, n := range c.heard() {
			if n.Kind == exeunt.NoticeAlert {
				t.Fatalf("somebody was told at once: %+v", n)
			}
		}
		pass(time.Hour)
		c.wasTold(exeunt.NoticeAlert, "ana.silva@northwind.example")
		c.wasTold(exeunt.NoticeAlert, "priya.nair@northwind.example")
		if line := c.verdict(exeunt.ShadowStillOpen); !line.LookAt.IsZero() {
			t.Errorf("it is looked at again at %s", line.LookAt)
		}
	})
}

func (c *company) heard() []exeunt.Notice {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.told)
}

func TestATaskThatWasTickedTooEarlyAgreesWhenItIsDoneWithinTheHour(t *testing.T) {
	shadowed(t, func(t *testing.T, c *company) {
		account := c.leaves(true)
		c.complete("directory-by-hand")
		pass(time.Minute)
		c.byHand(account, exeunt.Disable, exeunt.RemoveGroups)
		pass(time.Hour)
		c.verdict(exeunt.ShadowAgreed)
	})
}

func TestWhatTheConnectorWouldHaveStoppedAtIsSaid(t *testing.T) {
	denied := exeunt.Errorf(exeunt.Denied, "the credentials lack a permission")
	for name, test := range map[string]struct {
		hired   bool
		fault   error
		pass    time.Duration
		verdict exeunt.ShadowVerdict
		why     string
	}{
		"no account":          {false, nil, time.Second, exeunt.ShadowNotFound, "no account matches"},
		"no permission":       {true, denied, time.Second, exeunt.ShadowWouldFail, "lack a permission"},
		"never an answer":     {true, exeunt.Errorf(exeunt.Temporary, "no answer in time"), 90 * time.Minute, exeunt.ShadowWouldFail, "no answer in time"},
		"refused credentials": {true, exeunt.Errorf(exeunt.Unauthorised, "the token has expired"), 4 * time.Hour, exeunt.ShadowWouldFail, "the token has expired"},
	} {
		t.Run(name, func(t *testing.T) {
			shadowed(t, func(t *testing.T, c *company) {
				if test.fault != nil {
					c.directory.Fail(connectortest.Find, connectortest.Always, test.fault)
				}
				c.leaves(test.hired)
				pass(test.pass)
				if line := c.verdict(test.verdict); !strings.Contains(line.Why, test.why) {
					t.Errorf("it says why: %q", line.Why)
				}
				if n := c.directory.Calls(connectortest.Find); n > 2*exeunt.Attempts {
					t.Errorf("it was searched %d times", n)
				}
				if got := c.task("directory-by-hand"); got.State != exeunt.TaskOpen {
					t.Errorf("the task is %s", got.State)
				}
			})
		})
	}
}

func TestALookInStageShadowThatIsNotAnsweredIsMadeLater(t *testing.T) {
	shadowed(t, func(t *testing.T, c *company) {
		c.directory.Fail(connectortest.Find, 3, exeunt.Errorf(exeunt.Temporary, "no answer in time"))
		c.leaves(true)
		pass(time.Minute)
		if line := c.verdict(exeunt.ShadowWaiting); line.Before.FailedAs != "" || line.Tries != 0 {
			t.Errorf("the line is %+v", line)
		}
	})
}

func TestNothingIsLookedAtWhileACaseIsHeldAndOnceThePersonStays(t *testing.T) {
	shadowed(t, func(t *testing.T, c *company) {
		d := soon()
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Second)
		if err := c.do().HoldCase(t.Context(), 1, hera); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		if n := c.directory.Calls(connectortest.Find); n != 0 {
			t.Fatalf("a held case was looked at %d times", n)
		}
		if err := c.do().ReleaseCase(t.Context(), 1, hera); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		c.verdict(exeunt.ShadowWaiting)
		c.complete("directory-by-hand")
		c.hear("2", exeunt.Rescinded, d)
		pass(3 * time.Hour)
		if r := c.report(); len(r.Lines) != 0 {
			t.Errorf("the report compares what was taken back: %+v", r.Lines)
		}
	})
}

func TestWhatIsUnderEmbargoIsLookedAtOnceItIsRevealed(t *testing.T) {
	shadowed(t, func(t *testing.T, c *company) {
		d := secret()
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Minute)
		if n := c.directory.Calls(connectortest.Find); n != 0 || !c.only().Case.Embargoed() {
			t.Fatalf("a secret case was looked at %d times", n)
		}
		pass(24 * time.Hour)
		c.verdict(exeunt.ShadowWaiting)
	})
}

// The look that follows the last tick of a case is told beside its record, which is sealed by then.
func TestALookGoesOnAfterARestartAndAfterTheEndOfItsCase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(t, storetest.SQLite(t))
		defer func() { c.stop() }()
		inventory := slices.Clone(c.stock())
		inventory[0].Stage = exeunt.Shadow
		c.reconfigure(inventory)
		account := c.leaves(true)
		c.byHand(account, exeunt.Disable, exeunt.RemoveGroups)
		c.directory.Fail(connectortest.Observe, connectortest.Always, exeunt.Errorf(exeunt.Temporary, "no answer in time"))
		c.complete("directory-by-hand", "timesheet", "badges-by-hand")
		pass(5 * time.Second)
		c.complete("wiki-check")
		pass(5 * time.Second)
		if f := c.only(); f.Case.State != exeunt.CaseClosed {
			t.Fatalf("the case is %s", f.Case.State)
		}
		c.stop()
		c.directory.Heal()
		c.start()
		pass(time.Minute)
		c.verdict(exeunt.ShadowAgreed)
		if e := c.entry(exeunt.EntryCompared); e.Case != 0 || e.About != 1 || e.System != "directory" || e.Task != "directory-by-hand" {
			t.Errorf("the entry is %+v", e)
		}
	})
}

func TestALookKeepsToABreakerAndItsAnswerClosesIt(t *testing.T) {
	shadowed(t, func(t *testing.T, c *company) {
		open := exeunt.Breaker{System: "directory", Failures: 5, OpenedAt: time.Now(), ProbeAt: time.Now().Add(10 * time.Minute), Class: exeunt.Temporary, Reason: "no answer in time"}
		if err := c.store.KeepBreaker(t.Context(), open, exeunt.Change{}); err != nil {
			t.Fatal(err)
		}
		c.leaves(true)
		pass(9 * time.Minute)
		if n := c.directory.Calls(connectortest.Find); n != 0 {
			t.Fatalf("a system that is left alone was asked %d times", n)
		}
		pass(2 * time.Minute)
		c.verdict(exeunt.ShadowWaiting)
		if b, err := c.store.Breaker(t.Context(), "directory"); err != nil || b.Open() {
			t.Errorf("its breaker is %+v, %v", b, err)
		}
		c.hasEntry(exeunt.EntryBreakerClosed)
	})
}

func TestAnAccountThatIsGoneIsMoreThanTheConnectorWouldHaveDone(t *testing.T) {
	shadowed(t, func(t *testing.T, c *company) {
		account := c.leaves(true)
		c.directory.Vanish(account.ID)
		c.complete("directory-by-hand")
		pass(time.Minute)
		if line := c.verdict(exeunt.ShadowDidMore); line.Why != "the account is gone" {
			t.Errorf("it says %q", line.Why)
		}
	})
}

// A look that began before the tick is the one before, however late it is told of.
func TestATickDuringALookDoesNotMakeItTheLookAfter(t *testing.T) {
	shadowed(t, func(t *testing.T, c *company) {
		c.mu.Lock()
		c.instead = &ticking{Connector: c.directory, tick: func(a exeunt.Account) {
			c.byHand(a, exeunt.Disable, exeunt.RemoveGroups)
			c.complete("directory-by-hand")
		}}
		c.mu.Unlock()
		c.leaves(true)
		pass(time.Minute)
		line := c.verdict(exeunt.ShadowAgreed)
		if line.Before == nil || line.Before.Standing[exeunt.Disable] != exeunt.Absent || line.After.Standing[exeunt.Disable] != exeunt.Holds {
			t.Errorf("the line is %+v", line)
		}
	})
}

// ticking lets a person finish between the first look and its answer.
type ticking struct {
	connector.Connector
	tick func(exeunt.Account)
}

func (s *ticking) Observe(ctx context.Context, a exeunt.Account) (exeunt.Observation, error) {
	seen, err := s.Connector.Observe(ctx, a)
	if tick := s.tick; tick != nil {
		s.tick = nil
		pass(time.Second)
		tick(a)
	}
	return seen, err
}

// Who keeps on trying a credential that is refused may lock the account that it is of.
func TestASystemThatRefusesOurCredentialsIsNotAskedAgainAtOnce(t *testing.T) {
	shadowed(t, func(t *testing.T, c *company) {
		c.directory.Fail(connectortest.Find, connectortest.Always, exeunt.Errorf(exeunt.Unauthorised, "the token has expired"))
		c.leaves(true)
		pass(10 * time.Minute)
		if n := c.directory.Calls(connectortest.Find); n != 1 {
			t.Errorf("it was asked %d times in ten minutes", n)
		}
	})
}
