package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

var (
	hera = exeunt.Override{By: "Hera Lind", Account: "hera@acme.example", Reason: "the site closes"}
	roth = exeunt.Override{By: "Lea Roth", Account: "lea@acme.example", Reason: "agreed with the council"}
)

// waving is a company in which a wave is made and driven.
type waving struct {
	*company
	id exeunt.WaveID
}

// listOf is a list of n people, who have accounts in every system.
func (c *company) listOf(n int) string {
	var b strings.Builder
	b.WriteString("employee_id,name,entity,zone,work_email,manager_name,manager_email\n")
	for i := range n {
		d := storetest.Departure(fmt.Sprintf("E%d", i+1), "")
		c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s,Tom Reyes,tom@acme.example\n", d.Leaver.ID, d.Leaver.Name, d.Leaver.Entity, d.Leaver.Zone, d.Leaver.Identifiers[exeunt.WorkEmail])
	}
	return b.String()
}

func (c *company) makeWave(ask exeunt.WaveRequest) *waving {
	c.t.Helper()
	ask.Title, ask.Type = "Site", exeunt.Layoff
	id, err := c.do().MakeWave(c.t.Context(), ask, func(*exeunt.Departure) error { return nil }, hera)
	if err != nil {
		c.t.Fatal(err)
	}
	return &waving{c, id}
}

// approved makes, checks and approves a wave.
func (c *company) approved(ask exeunt.WaveRequest) *waving {
	c.t.Helper()
	w := c.makeWave(ask)
	w.must(w.do().CheckWave(c.t.Context(), w.id, hera))
	for w.wave().Checking() {
		pass(time.Second)
	}
	w.must(w.do().ApproveWave(c.t.Context(), w.id, roth))
	return w
}

// do are the commands of the person who made the wave.
func (c *company) do() engine.Commands {
	return c.engine.As(exeunt.Viewer{Name: "Hera Lind", Email: "hera@acme.example"})
}

func (w *waving) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *waving) wave() exeunt.Wave {
	w.t.Helper()
	got, err := w.store.Everything().Wave(w.t.Context(), w.id)
	w.must(err)
	return got
}

func (w *waving) file() store.WaveFile {
	w.t.Helper()
	f, err := w.store.Everything().WaveFile(w.t.Context(), w.id, time.Now())
	w.must(err)
	return f
}

// is fails unless the wave stands as it should: state, and people by how far they are.
func (w *waving) is(state exeunt.WaveState, want string) {
	w.t.Helper()
	f := w.file()
	p := f.Progress
	got := fmt.Sprintf("%d waiting, %d coming, %d cases, %d ended", p.Waiting, p.Released, p.Cases, p.Ended)
	if f.Wave.State != state || got != want {
		w.t.Errorf("the wave is %s with %s; want %s with %s", f.Wave.State, got, state, want)
	}
}

func (c *company) cases() int {
	c.t.Helper()
	page, err := c.store.Everything().Cases(c.t.Context(), store.CaseQuery{Size: 1}, time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	return page.All
}

func TestAWaveGoesFromCanaryToEverybody(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		w := c.approved(exeunt.WaveRequest{CSV: c.listOf(9), Clock: "now", Canary: 2, Rate: 6})
		check := w.wave().Check
		if check.Exceptions() != 0 || check.Looked() != 18 || len(check.Left) != 0 || len(check.Budget) != 2 || len(check.ByHand) == 0 {
			t.Errorf("the check found %+v", check)
		}
		if c.cases() != 0 {
			t.Fatal("a wave that is not started opened cases")
		}
		w.must(w.do().StartWave(t.Context(), w.id, hera))
		pass(15 * time.Second)
		w.is(exeunt.WaveHeld, "7 waiting, 0 coming, 2 cases, 0 ended")
		pass(time.Hour)
		w.is(exeunt.WaveHeld, "7 waiting, 0 coming, 2 cases, 0 ended")
		w.must(w.do().GoOnWave(t.Context(), w.id, hera))
		pass(25 * time.Second) // at six a minute: one at once, and at ten and twenty seconds
		w.is(exeunt.WaveRunning, "4 waiting, 0 coming, 5 cases, 0 ended")
		pass(time.Minute)
		w.is(exeunt.WaveRunning, "0 waiting, 0 coming, 9 cases, 0 ended")
		if n := c.directory.Applied(exeunt.Disable); n != 9 {
			t.Errorf("%d accounts are disabled", n)
		}
		for _, m := range w.file().Members {
			if m.State != exeunt.MemberOpened || m.Case == 0 {
				t.Errorf("row %d is %s", m.Position, m.State)
			}
		}
		c.finishAll()
		pass(2 * time.Minute)
		w.is(exeunt.WaveDone, "0 waiting, 0 coming, 9 cases, 9 ended")
	})
}

// finishAll completes every open task, until there is none.
func (c *company) finishAll() {
	c.t.Helper()
	for range 10 {
		tasks, err := c.store.Everything().Tasks(c.t.Context(), store.TaskQuery{}, time.Now())
		if err != nil {
			c.t.Fatal(err)
		}
		if len(tasks) == 0 {
			return
		}
		for _, task := range tasks {
			if task.State == exeunt.TaskOpen {
				if err := c.do().CompleteTask(c.t.Context(), task.ID, nil, "", "Ana Silva"); err != nil {
					c.t.Fatal(err)
				}
			}
		}
		pass(time.Minute)
	}
}

func TestEverybodyHasTheClockOfTheWave(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		at := time.Now().Add(40 * time.Minute).Truncate(time.Second)
		w := c.approved(exeunt.WaveRequest{CSV: c.listOf(5), Clock: at.Format(time.RFC3339)})
		w.must(w.do().StartWave(t.Context(), w.id, hera))
		pass(time.Minute)
		w.is(exeunt.WaveRunning, "0 waiting, 0 coming, 5 cases, 0 ended")
		for _, m := range w.file().Members {
			of, err := c.store.Case(t.Context(), m.Case)
			if err != nil || !of.CutOff.Equal(at) || of.Wave != w.id {
				t.Errorf("case %s of wave %s is cut off %s, %v", of.ID, of.Wave, of.CutOff, err)
			}
		}
		d := storetest.Departure("E2", "2000-03-31") // HR says a day of its own, later, and without a time
		c.hear("later", exeunt.Announced, d)
		pass(time.Until(at) - time.Second)
		if n := c.directory.Applied(exeunt.Disable); n != 0 {
			t.Errorf("%d accounts were cut before the clock", n)
		}
		pass(40 * time.Second)
		if n := c.directory.Applied(exeunt.Disable); n != 5 || c.cases() != 5 {
			t.Errorf("%d accounts were cut at the clock, in %d cases", n, c.cases())
		}
	})
}

func TestAWaveMayWaitForItsClock(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		at := time.Now().Add(40 * time.Minute).Truncate(time.Second)
		w := c.approved(exeunt.WaveRequest{CSV: c.listOf(3), Clock: at.Format(time.RFC3339), Opens: exeunt.OpensAtCutOff})
		w.must(w.do().StartWave(t.Context(), w.id, hera))
		pass(time.Until(at) - time.Second)
		w.is(exeunt.WaveRunning, "3 waiting, 0 coming, 0 cases, 0 ended")
		pass(20 * time.Second)
		w.is(exeunt.WaveRunning, "0 waiting, 0 coming, 3 cases, 0 ended")
		if n := c.directory.Applied(exeunt.Disable); n != 3 {
			t.Errorf("%d accounts are disabled", n)
		}
	})
}

func TestAStoppedWaveStaysStopped(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		w := c.approved(exeunt.WaveRequest{CSV: c.listOf(8), Clock: time.Now().Add(2 * time.Hour).Format(time.RFC3339), Rate: 2})
		w.must(w.do().StartWave(t.Context(), w.id, hera))
		pass(65 * time.Second)
		w.is(exeunt.WaveRunning, "5 waiting, 0 coming, 3 cases, 0 ended")
		w.must(w.do().StopWave(t.Context(), w.id, roth))
		pass(15 * time.Second)
		for _, m := range w.file().Members[:3] {
			of, err := c.store.Case(t.Context(), m.Case)
			if err != nil || of.State != exeunt.CaseHeld || !strings.Contains(of.Hold, "W-1 was stopped") || m.State != exeunt.MemberStopped {
				t.Errorf("a case whose access had not begun to end is %s (%s), %v", of.State, of.Hold, err)
			}
		}
		first := w.file().Members[0].Case
		w.must(w.do().ReleaseCase(t.Context(), first, roth))
		c.stop()
		c.start()
		pass(130 * time.Minute)
		w.is(exeunt.WaveStopped, "5 waiting, 0 coming, 3 cases, 0 ended")
		if n := c.directory.Applied(exeunt.Disable); n != 1 || c.cases() != 3 {
			t.Errorf("%d accounts are cut, want that of the released case; %d cases", n, c.cases())
		}
	})
}

func TestWhatHasBegunEndsAfterAStop(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		w := c.approved(exeunt.WaveRequest{CSV: c.listOf(4), Clock: "now", Canary: 2})
		c.directory.Slow(3 * time.Second)
		w.must(w.do().StartWave(t.Context(), w.id, hera))
		pass(2 * time.Second)
		w.must(w.do().StopWave(t.Context(), w.id, roth))
		pass(2 * time.Minute)
		if n := c.directory.Applied(exeunt.Disable); n != 2 || c.cases() != 2 {
			t.Errorf("%d accounts are cut in %d cases, want those of the canary", n, c.cases())
		}
	})
}

func TestAWaveGoesOnWhereARestartCutIt(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.directory.Slow(time.Second)
		w := c.makeWave(exeunt.WaveRequest{CSV: c.listOf(120), Clock: "now", Rate: 60})
		w.must(w.do().CheckWave(t.Context(), w.id, hera))
		pass(35 * time.Second)
		finds := c.directory.Calls(connectortest.Find)
		if finds == 0 || !w.wave().Checking() {
			t.Fatalf("%d looks, and the check is over", finds)
		}
		c.stop()
		c.start()
		pass(5 * time.Minute)
		if check := w.wave().Check; w.wave().Checking() || check.Looked() != 240 {
			t.Fatalf("the check did not go on: %d looks", check.Looked())
		}
		if again := c.directory.Calls(connectortest.Find) - 120; again > 55 {
			t.Errorf("%d looks were taken twice", again)
		}
		w.must(w.do().ApproveWave(t.Context(), w.id, roth))
		c.directory.Heal()
		w.must(w.do().StartWave(t.Context(), w.id, hera))
		for range 10 {
			pass(9 * time.Second)
			c.stop()
			c.start()
		}
		pass(3 * time.Minute)
		w.is(exeunt.WaveRunning, "0 waiting, 0 coming, 120 cases, 0 ended")
		if c.cases() != 120 || c.directory.Applied(exeunt.Disable) != 120 {
			t.Errorf("%d cases, %d accounts cut", c.cases(), c.directory.Applied(exeunt.Disable))
		}
	})
}

func TestTheCheckSaysWhoIsNotFound(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		list := c.listOf(6) + "E99,Nobody Known,northwind,Europe/Berlin,nobody@acme.example,,\n"
		twice := storetest.Departure("E1", "").Leaver
		c.directory.Hire(twice)
		w := c.makeWave(exeunt.WaveRequest{CSV: list, Clock: "now"})
		c.directory.Fail(connectortest.Find, 2, exeunt.Errorf(exeunt.Throttled, "slow down").After(5*time.Second))
		c.payroll.Fail(connectortest.Find, connectortest.Always, exeunt.Errorf(exeunt.Unauthorised, "the token has ended"))
		w.must(w.do().CheckWave(t.Context(), w.id, hera))
		pass(time.Minute)
		check := w.wave().Check
		if got := fmt.Sprint(check.Identity); got != "[{directory Directory 5 1 1 0 } {payroll Payroll 0 0 0 7 the token has ended}]" {
			t.Errorf("the check found %s", got)
		}
		if n := c.payroll.Calls(connectortest.Find); n > 2 {
			t.Errorf("a system that turns us away was asked %d times", n)
		}
		exceptions, err := c.store.Everything().Exceptions(t.Context(), w.id, 1, 100)
		if err != nil || len(exceptions) != 9 {
			t.Errorf("%d exceptions, %v", len(exceptions), err)
		}
	})
}

func TestWhoIsLeavingCannotBeInAWave(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.hear("1", exeunt.Announced, storetest.Departure("E2", "2000-02-29"))
		pass(time.Second)
		ask := exeunt.WaveRequest{Title: "Site", Type: exeunt.Layoff, Clock: "now", CSV: c.listOf(3)}
		_, err := c.do().MakeWave(t.Context(), ask, func(*exeunt.Departure) error { return nil }, hera)
		faults, ok := errors.AsType[exeunt.RowFaults](err)
		if !ok || len(faults) != 1 || faults[0].Line != 3 || !strings.Contains(faults[0].What, "case C-1") {
			t.Errorf("%v", err)
		}
		ask.CSV = c.listOf(1)
		if id, err := c.do().MakeWave(t.Context(), ask, func(*exeunt.Departure) error { return nil }, hera); err != nil || id != 1 {
			t.Errorf("the first wave that is right is %s, %v", id, err)
		}
	})
}

// A thousand people on vendors in memory: all of their cases come, and none twice, although the server is
// killed in the middle and everything is announced again.
func TestAThousandLeaveAndNoneTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(t, storetest.SQLite(t))
		defer c.stop()
		c.fuse = exeunt.Fuse{Departures: 5, Window: time.Hour} // two people stand behind a wave: it does not trip
		w := c.approved(exeunt.WaveRequest{CSV: c.listOf(1000), Clock: "now", Canary: 10})
		w.must(w.do().StartWave(t.Context(), w.id, hera))
		pass(20 * time.Second)
		w.must(w.do().GoOnWave(t.Context(), w.id, hera))
		pass(time.Millisecond)
		c.stop()
		c.start()
		pass(10 * time.Minute)
		f := w.file()
		if f.Progress.Cases != 1000 || c.cases() != 1000 {
			t.Errorf("%d people have a case, and there are %d cases", f.Progress.Cases, c.cases())
		}
		seen := map[exeunt.CaseID]bool{}
		for _, m := range f.Members {
			seen[m.Case] = true
		}
		if len(seen) != 1000 || c.directory.Applied(exeunt.Disable) != 1000 {
			t.Errorf("%d cases differ, %d accounts are cut", len(seen), c.directory.Applied(exeunt.Disable))
		}
	})
}

// tenures notes in whose tenure a system is asked.
type tenures struct {
	connector.Connector
	finding, acting *connector.Tenure
}

func (n *tenures) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	n.finding = connector.TenureOf(ctx)
	return n.Connector.Find(ctx, keys)
}

func (n *tenures) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	n.acting = connector.TenureOf(ctx)
	return n.Connector.Apply(ctx, account, action, with)
}

// TestACheckLooksWithinTheLaneOfItsSystem: a rate is kept by the node that has the lane, so that who looks elsewhere
// would spend another budget beside it.
func TestACheckLooksWithinTheLaneOfItsSystem(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		seen := &tenures{Connector: c.directory}
		c.instead = seen
		w := c.approved(exeunt.WaveRequest{CSV: c.listOf(1), Clock: "now"})
		looked := seen.finding
		w.must(w.do().StartWave(t.Context(), w.id, hera))
		pass(time.Minute)
		if looked == nil || looked != seen.acting {
			t.Errorf("the check looked in the tenure %p, and what is due is done in %p", looked, seen.acting)
		}
	})
}
