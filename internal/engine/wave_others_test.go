package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// HR may announce somebody of a wave at any time: there is one case, with HR's facts and the wave's clock.
func TestHRAnnouncesSomebodyOfAWave(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		at := time.Date(2000, 1, 2, 17, 0, 0, 0, time.UTC)
		w := c.approved(exeunt.WaveRequest{CSV: c.listOf(4), Clock: at.Format(time.RFC3339)})
		before := storetest.Departure("E1", "2000-02-29")
		c.hear("before", exeunt.Announced, before)
		earlier := storetest.Departure("E2", "2000-01-01")
		c.hear("earlier", exeunt.Announced, earlier)
		c.hear("stays", exeunt.Rescinded, storetest.Departure("E3", "2000-01-02"))
		pass(time.Second)
		w.must(w.do().StartWave(t.Context(), w.id, hera))
		pass(15 * time.Second)
		members := w.file().Members
		one, err := c.store.Case(t.Context(), members[0].Case)
		if err != nil || members[0].State != exeunt.MemberJoined || !one.CutOff.Equal(at) || one.Departure.LastDay != "2000-02-29" || one.Source != "hr" || one.Wave != w.id {
			t.Errorf("whom HR announced before is %s: %s on %s, %v", members[0].State, one.CutOff, one.Departure.LastDay, err)
		}
		two, err := c.store.Case(t.Context(), members[1].Case)
		if err != nil || members[1].State != exeunt.MemberJoined || !two.CutOff.Before(at) {
			t.Errorf("whom HR lets go earlier is %s and cut off %s, %v", members[1].State, two.CutOff, err)
		}
		if members[2].State != exeunt.MemberRefused || !strings.Contains(members[2].Reason, "stays") {
			t.Errorf("who stays after all is %s: %s", members[2].State, members[2].Reason)
		}
		c.hear("after", exeunt.Announced, storetest.Departure("E4", "2000-01-02"))
		pass(time.Minute)
		four, err := c.store.Case(t.Context(), members[3].Case)
		if err != nil || !four.CutOff.Equal(at) || c.cases() != 3 {
			t.Errorf("whom HR announces after is cut off %s, %d cases, %v", four.CutOff, c.cases(), err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		told := false
		for _, n := range c.told {
			told = told || n.To.Email == "hera@acme.example" && strings.Contains(n.Text, "row 3") && !strings.Contains(n.Text, "Maya")
		}
		if !told {
			t.Errorf("who made the wave was not told of the one who is not in it: %+v", c.told)
		}
	})
}

// A secret wave leaves no trace in a case that everybody sees, and a wave moves no case that its maker may
// not know of.
func TestSecretsAndWavesDoNotMeet(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		ends := time.Now().Add(time.Hour)
		secret := c.approved(exeunt.WaveRequest{CSV: c.listOf(2), Clock: ends.Add(time.Hour).Format(time.RFC3339),
			Embargo: &exeunt.EmbargoTerms{Until: ends.Format(time.RFC3339), VisibleTo: []string{"lea@acme.example"}}})
		if _, err := c.engine.As(exeunt.Viewer{Email: "ida@acme.example", Roles: []string{"admin"}}).MakeWave(t.Context(), exeunt.WaveRequest{}, nil, hera); err == nil {
			t.Error("a wave of nobody is made")
		}
		if err := c.engine.As(exeunt.Viewer{Email: "ida@acme.example"}).StopWave(t.Context(), secret.id, hera); exeunt.KindOf(err) != exeunt.NotFound {
			t.Errorf("somebody off its list reached it: %v", err)
		}
		c.hear("openly", exeunt.Announced, storetest.Departure("E1", "2000-02-29"))
		pass(time.Second)
		secret.must(secret.do().StartWave(t.Context(), secret.id, hera))
		pass(5 * time.Second)
		people := secret.file().Members
		if people[0].State != exeunt.MemberRefused || people[1].State != exeunt.MemberOpened {
			t.Errorf("whom HR announced openly is %s, the other %s", people[0].State, people[1].State)
		}
		nobody := c.store.For(exeunt.Viewer{Email: "ida@acme.example"})
		entries, err := nobody.Entries(t.Context(), store.EntryQuery{Limit: 1000})
		if err != nil || len(entries.Rows) == 0 {
			t.Fatal(err)
		}
		for _, e := range entries.Rows {
			if strings.Contains(fmt.Sprint(e.What, e.Detail), "W-1") {
				t.Errorf("everybody reads %s %v", e.What, e.Detail)
			}
		}
		pass(time.Until(ends) + 10*time.Second)
		if waves, err := nobody.Waves(t.Context()); err != nil || len(waves) != 1 {
			t.Errorf("after the embargo %d waves are seen, %v", len(waves), err)
		}

		hidden := storetest.Departure("E9", "2000-02-29")
		hidden.Embargo = &exeunt.EmbargoTerms{Until: "2000-02-20", VisibleTo: []string{"vera@acme.example"}}
		c.hear("hidden", exeunt.Announced, hidden)
		pass(time.Second)
		list := "employee_id,name,entity,zone\nE9,Maya Okonkwo E9,northwind,America/Los_Angeles\nE10,Maya Okonkwo E10,northwind,America/Los_Angeles\n"
		w := c.approved(exeunt.WaveRequest{CSV: list, Clock: time.Now().Add(time.Hour).Format(time.RFC3339)})
		w.must(w.do().StartWave(t.Context(), w.id, hera))
		pass(5 * time.Second)
		m := w.file().Members[0]
		if m.State != exeunt.MemberRefused || strings.Contains(m.Reason, "C-") || strings.Contains(m.Reason, "way") {
			t.Errorf("who is hidden is %s: %s", m.State, m.Reason)
		}
		of, err := c.store.NewestCaseOf(t.Context(), "northwind/E9")
		if err != nil || of.Wave != 0 || of.Departure.LastDay != "2000-02-29" {
			t.Errorf("the hidden case was moved: %+v, %v", of.Departure, err)
		}
	})
}

// A server that is killed right after the commit that releases people has not asked for their cases yet. The
// next one does, unless the wave was stopped meanwhile: then nobody is left hanging between.
func TestKilledBetweenReleaseAndEvent(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		w := c.approved(exeunt.WaveRequest{CSV: c.listOf(4), Clock: time.Now().Add(time.Hour).Format(time.RFC3339), Rate: 1})
		w.must(w.do().StartWave(t.Context(), w.id, hera))
		pass(5 * time.Second)
		w.is(exeunt.WaveRunning, "3 waiting, 0 coming, 1 cases, 0 ended")
		release := func() {
			t.Helper()
			c.stop()
			people, _, err := c.store.WaitingMembers(t.Context(), w.id, time.Time{}, 1)
			w.must(err)
			change := w.wave().Release(people, time.Now())
			w.must(c.store.Commit(t.Context(), &change))
		}
		release()
		w.is(exeunt.WaveRunning, "2 waiting, 1 coming, 1 cases, 0 ended")
		c.start()
		pass(3 * time.Second)
		w.is(exeunt.WaveRunning, "2 waiting, 0 coming, 2 cases, 0 ended")

		release()
		change, err := w.wave().Stop(hera, time.Now())
		w.must(err)
		w.must(c.store.Commit(t.Context(), &change))
		c.start()
		pass(10 * time.Second)
		w.is(exeunt.WaveStopped, "1 waiting, 0 coming, 2 cases, 0 ended")
		if m := w.file().Members[2]; m.State != exeunt.MemberRefused || !strings.Contains(m.Reason, "stopped by Hera Lind") {
			t.Errorf("who was released right before the stop is %s: %s", m.State, m.Reason)
		}
	})
}

// Who stays after all and is then in a wave is not put back on the way out.
func TestAWaveStopsThePuttingBack(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := leaving()
		account := c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Second)
		c.directory.Fail(connectortest.Apply, connectortest.Always, exeunt.Errorf(exeunt.Temporary, "no answer in time")) // the undo does not come through
		c.hear("2", exeunt.Rescinded, d)
		pass(5 * time.Second)
		list := "employee_id,name,entity,zone\nE1,Maya Okonkwo E1,northwind,America/Los_Angeles\n"
		w := c.approved(exeunt.WaveRequest{CSV: list, Clock: time.Now().Add(time.Minute).Format(time.RFC3339)})
		w.must(w.do().StartWave(t.Context(), w.id, hera))
		pass(2 * time.Minute)
		c.directory.Heal()
		pass(30 * time.Minute)
		first, next := states(c.file(1)), states(c.file(2))
		if first["directory-disable-undo"] != exeunt.StepCancelled || next["directory-disable"] != exeunt.StepConfirmed || !c.directory.Done(account.ID, exeunt.Disable) {
			t.Errorf("%s: first %v, next %v", w.file().Members[0].State, first, next)
		}
	})
}

// A case that only cuts again what came back is no departure that a wave could give its whole plan to.
func TestAWaveDoesNotJoinACaseThatCutsAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		_, account := c.closed()
		c.directory.Reopen(account.ID, exeunt.Disable)
		c.directory.Fail(connectortest.Apply, connectortest.Always, exeunt.Errorf(exeunt.Denied, "not allowed"))
		list := "employee_id,name,entity,zone\nE1,Maya Okonkwo E1,northwind,America/Los_Angeles\nE2,Maya Okonkwo E2,northwind,America/Los_Angeles\n"
		w := c.approved(exeunt.WaveRequest{CSV: list, Clock: time.Now().Add(26 * time.Hour).Format(time.RFC3339)})
		pass(25 * time.Hour)
		if f := c.file(2); f.Case.Follows != 1 || !f.Case.UnderWay() {
			t.Fatalf("the second case is %s", f.Case.State)
		}
		w.must(w.do().StartWave(t.Context(), w.id, hera))
		pass(time.Minute)
		m, f := w.file().Members[0], c.file(2)
		if m.State != exeunt.MemberRefused || !strings.Contains(m.Reason, "has left already, by case C-2") || len(f.Steps) != 1 || len(f.Tasks) != 1 || f.Case.Wave != 0 {
			t.Errorf("the person is %s (%s); the case has the steps %v and %d tasks", m.State, m.Reason, states(f), len(f.Tasks))
		}
	})
}
