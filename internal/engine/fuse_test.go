package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// somebody leaves at once; n tells them apart.
func somebody(n int) exeunt.Departure {
	d := storetest.Departure(fmt.Sprintf("E%d", n), "1999-12-31")
	d.Immediate = true
	return d
}

func (c *company) states() (held, other int) {
	c.t.Helper()
	page, err := c.store.Everything().Cases(c.t.Context(), store.CaseQuery{Size: 1000}, time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, r := range page.Rows {
		if r.State == exeunt.CaseHeld {
			held++
		} else {
			other++
		}
	}
	return held, other
}

func (c *company) alerts(about string) int {
	n := 0
	for _, m := range c.messages() {
		if m.Kind == exeunt.NoticeAlert && strings.Contains(m.Text, about) {
			n++
		}
	}
	return n
}

func TestTheFuseHoldsAMassDepartureUntilTwoPeopleDecide(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.fuse = exeunt.Fuse{Departures: 3, Window: time.Hour}
		for n := range 8 {
			c.directory.Hire(somebody(n).Leaver)
			c.payroll.Hire(somebody(n).Leaver)
			c.hear(fmt.Sprint(n), exeunt.Announced, somebody(n))
			pass(time.Minute)
		}
		if held, other := c.states(); held != 5 || other != 3 {
			t.Fatalf("%d held, %d not", held, other)
		}
		if got := c.alerts("fuse has tripped"); got != 1 {
			t.Errorf("%d alerts for one trip", got)
		}
		if got := c.directory.Applied(exeunt.Disable); got != 3 {
			t.Errorf("%d accounts were disabled; the three that were let through are not held up", got)
		}
		c.stop()
		c.start() // the count and the decision are in the database
		c.hear("9", exeunt.Announced, somebody(9))
		pass(time.Minute)
		if held, _ := c.states(); held != 6 {
			t.Errorf("%d held after a restart", held)
		}
		hr := c.engine.As(exeunt.Viewer{})
		if err := hr.ReleaseCase(t.Context(), 5, ana); exeunt.KindOf(err) != exeunt.Denied {
			t.Errorf("one person released a case: %v", err)
		}
		if err := hr.AskFuseRelease(t.Context(), 1, ana, 0); err != nil {
			t.Fatal(err)
		}
		if err := hr.ConfirmFuseRelease(t.Context(), 1, ana); exeunt.KindOf(err) != exeunt.Denied {
			t.Errorf("confirmed by who asked: %v", err)
		}
		if err := hr.ConfirmFuseRelease(t.Context(), 1, lea); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if held, other := c.states(); held != 0 || other != 9 {
			t.Errorf("%d held, %d not", held, other)
		}
		if got := c.directory.Applied(exeunt.Disable); got != 8 { // the ninth was never hired there
			t.Errorf("%d accounts were disabled", got)
		}
		// What two people have seen is not counted again.
		c.hear("10", exeunt.Announced, somebody(10))
		pass(time.Minute)
		if held, _ := c.states(); held != 0 {
			t.Error("the release did not reset the fuse")
		}
		for _, kind := range []exeunt.EntryKind{exeunt.EntryTripped, exeunt.EntryFuseAsked, exeunt.EntryFuseReleased, exeunt.EntryHeld, exeunt.EntryReleased} {
			c.hasEntry(kind)
		}
	})
}

// Two people let some of the held cases go; the others, and who comes after them, stay held.
func TestTwoPeopleReleaseChosenCasesOfAMassDeparture(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.fuse = exeunt.Fuse{Departures: 1, Window: time.Hour}
		for n := range 4 {
			c.directory.Hire(somebody(n).Leaver)
			c.payroll.Hire(somebody(n).Leaver)
			c.hear(fmt.Sprint(n), exeunt.Announced, somebody(n))
			pass(time.Minute)
		}
		hr := c.engine.As(exeunt.Viewer{})
		is := func(held, disabled int) {
			t.Helper()
			pass(time.Minute)
			if got, _ := c.states(); got != held || c.directory.Applied(exeunt.Disable) != disabled {
				t.Fatalf("%d held, %d accounts disabled, want %d and %d", got, c.directory.Applied(exeunt.Disable), held, disabled)
			}
		}
		is(3, 1)
		decide := func(only ...exeunt.CaseID) error {
			t.Helper()
			if err := hr.AskFuseRelease(t.Context(), 1, ana, 0, only...); err != nil {
				return err
			}
			is(3, 1)
			return hr.ConfirmFuseRelease(t.Context(), 1, lea)
		}
		if err := decide(1); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("a case that the fuse does not hold: %v", err)
		}
		if err := decide(2, 4); err != nil {
			t.Fatal(err)
		}
		is(1, 3)
		c.hear("9", exeunt.Announced, somebody(9))
		is(2, 3)
		if f := c.file(4); f.Case.Fuse != 0 || c.file(3).Case.State != exeunt.CaseHeld || c.entries(exeunt.EntryFuseReleased) != 1 {
			t.Errorf("the released case is held by %s, the other one is %s", f.Case.Fuse, c.file(3).Case.State)
		}
		if err := hr.RejectFuseRelease(t.Context(), 1, ana); err != nil {
			t.Fatal(err)
		}
		c.hear("10", exeunt.Announced, somebody(10)) // which trips the fuse once more
		is(3, 3)
		if err := hr.AskFuseRelease(t.Context(), 1, ana, 0); exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(err.Error(), "decide on F-2 first") {
			t.Errorf("one trip is opened again while another one waits: %v", err)
		}
	})
}

// The decision is one commit and each case goes on in its own: what a crash left behind goes on after it.
func TestAChosenCaseGoesOnAfterACrash(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.fuse = exeunt.Fuse{Departures: 1, Window: time.Hour}
		for n := range 3 {
			c.hear(fmt.Sprint(n), exeunt.Announced, somebody(n))
			pass(time.Minute)
		}
		if err := c.engine.As(exeunt.Viewer{}).AskFuseRelease(t.Context(), 1, ana, 0, 3); err != nil {
			t.Fatal(err)
		}
		c.stop()
		trip, err := c.store.Everything().Trip(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		change, err := trip.Confirm(lea, []exeunt.CaseID{2, 3}, time.Now())
		if err == nil {
			err = c.store.Commit(t.Context(), &change)
		}
		if err != nil {
			t.Fatal(err)
		}
		c.start()
		pass(time.Minute)
		if c.file(3).Case.State == exeunt.CaseHeld || c.file(2).Case.State != exeunt.CaseHeld {
			t.Errorf("the chosen case is %s, the other one %s", c.file(3).Case.State, c.file(2).Case.State)
		}
	})
}

// Two people stand behind a wave: its cases pass the fuse and are not counted.
func TestAWavePassesTheFuse(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.fuse = exeunt.Fuse{Departures: 1, Window: time.Hour}
		for n := range 4 {
			body, err := json.Marshal(exeunt.Trigger{Kind: exeunt.Announced, OccurredAt: time.Now(), Departure: somebody(n), Wave: 7})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.engine.Receive(t.Context(), store.Event{Source: "hr", ID: fmt.Sprint(n), Body: body, ReceivedAt: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		c.hear("9", exeunt.Announced, somebody(9))
		pass(time.Minute)
		if held, other := c.states(); held != 0 || other != 5 {
			t.Errorf("%d held of a wave", held)
		}
	})
}

func TestTheWindowOfTheFuseSlides(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.fuse = exeunt.Fuse{Departures: 3, Window: time.Hour}
		for n := range 12 {
			c.hear(fmt.Sprint(n), exeunt.Announced, somebody(n))
			pass(21 * time.Minute)
		}
		if held, other := c.states(); held != 0 || other != 12 {
			t.Errorf("%d held of a trickle", held)
		}
	})
}

func TestWhatStaysHeldIsReleasedByNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.fuse = exeunt.Fuse{Departures: 1, Window: time.Hour}
		c.hear("1", exeunt.Announced, somebody(1))
		pass(time.Second)
		c.hear("2", exeunt.Announced, somebody(2))
		pass(5*time.Hour + time.Minute)
		if got := c.alerts("nobody has decided"); got != 4 { // after one hour and after five, to the owner and the operator
			t.Errorf("%d reminders", got)
		}
		if err := c.engine.As(exeunt.Viewer{}).RejectFuseRelease(t.Context(), 1, ana); err != nil {
			t.Fatal(err)
		}
		pass(24 * time.Hour)
		if held, _ := c.states(); held != 1 {
			t.Error("a rejected trip let its case go")
		}
		if got := c.alerts("nobody has decided"); got != 4 {
			t.Errorf("%d reminders after the decision", got)
		}
		c.hear("3", exeunt.Rescinded, somebody(2)) // HR takes it back
		pass(time.Minute)
		if held, _ := c.states(); held != 0 {
			t.Error("HR could not take back what the fuse held")
		}
	})
}

func TestAProtectedPersonWaitsForTwoPeopleOfTheirOwn(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.fuse = exeunt.Fuse{Departures: 5, Window: time.Hour, Protected: []string{"E1"}}
		c.hear("1", exeunt.Announced, somebody(1))
		c.hear("2", exeunt.Announced, somebody(2))
		pass(time.Minute)
		if held, other := c.states(); held != 1 || other != 1 {
			t.Fatalf("%d held, %d not", held, other)
		}
		trips, err := c.store.Everything().Trips(t.Context())
		if err != nil || len(trips) != 1 || trips[0].Kind != exeunt.TripProtected || trips[0].Case == 0 || trips[0].Held != 1 {
			t.Errorf("%v %+v", err, trips)
		}
		if strings.Contains(fmt.Sprint(trips[0].Why, c.messages()[0].Text), "Okonkwo") {
			t.Error("the alert names somebody")
		}
	})
}

// A protected person's trip is as secret as their case.
func TestATripOfASecretCaseIsSecret(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		d := storetest.Departure("E1", "2000-02-01")
		d.Leaver.Flags = []exeunt.Flag{exeunt.Protected}
		d.Embargo = &exeunt.EmbargoTerms{Until: "2000-01-20 09:00", VisibleTo: []string{"lea@x.example"}}
		c.hear("1", exeunt.Announced, d)
		pass(time.Minute)
		for email, want := range map[string]int{"lea@x.example": 1, "hera@x.example": 0} {
			trips, err := c.store.For(exeunt.Viewer{Email: email}).Trips(t.Context())
			if err != nil || len(trips) != want {
				t.Errorf("%s sees %d trips, %v", email, len(trips), err)
			}
		}
		if got := c.alerts("fuse"); got != 0 {
			t.Errorf("%d people were told of a secret case", got)
		}
	})
}

// However many open cases at once, the count is right: it is looked at again in the transaction that opens.
func TestTheFuseCountsRightUnderConcurrency(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := newCompany(t, s)
		defer c.stop()
		c.mu.Lock()
		c.fuse = exeunt.Fuse{Departures: 4, Window: time.Hour}
		c.mu.Unlock()
		var all sync.WaitGroup
		for n := range 16 {
			all.Go(func() {
				d := storetest.Departure(fmt.Sprintf("E%d", n), exeunt.Date(time.Now().AddDate(0, 0, 20).Format(time.DateOnly)))
				by := exeunt.Override{By: fmt.Sprint("Person ", n), Reason: "the HR system is down"}
				if _, err := c.engine.As(exeunt.Viewer{}).StartCase(t.Context(), d, by); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if held, other := c.states(); held != 12 || other != 4 {
			t.Errorf("%d held, %d let through", held, other)
		}
		trips, err := s.Everything().Trips(t.Context())
		if err != nil || len(trips) != 1 || trips[0].Held != 12 {
			t.Errorf("%v %+v", err, trips)
		}
		for _, by := range []exeunt.Override{ana, lea} { // the decision and new cases at once
			if by == ana {
				err = c.engine.As(exeunt.Viewer{}).AskFuseRelease(t.Context(), trips[0].ID, by, 0)
			} else {
				err = c.engine.As(exeunt.Viewer{}).ConfirmFuseRelease(context.WithoutCancel(t.Context()), trips[0].ID, by)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if held, other := c.states(); held != 0 || other != 16 {
			t.Errorf("%d held, %d let go", held, other)
		}
		if released, err := s.Released(t.Context()); err != nil || len(released) != 0 {
			t.Errorf("%v %+v", err, released)
		}
	})
}
