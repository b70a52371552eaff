package exeunt_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

func TestAClockTimeIsTheLeavers(t *testing.T) {
	cases := []struct {
		name, day, clock, zone, want string
	}{
		{"winter", "2026-01-31", "17:00", "Europe/Berlin", "2026-01-31T16:00:00Z"},
		{"summer", "2026-07-31", "17:00", "Europe/Berlin", "2026-07-31T15:00:00Z"},
		{"another day in UTC", "2026-07-31", "01:00", "Asia/Kathmandu", "2026-07-30T19:15:00Z"},
		{"skipped: the first instant after the gap", "2026-03-29", "02:30", "Europe/Berlin", "2026-03-29T01:00:00Z"},
		{"skipped in New York", "2026-03-08", "02:15", "America/New_York", "2026-03-08T07:00:00Z"},
		{"half an hour, skipped", "2026-10-04", "02:10", "Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
		{"last before the gap", "2026-03-29", "01:59", "Europe/Berlin", "2026-03-29T00:59:00Z"},
		{"first after the gap", "2026-03-29", "03:00", "Europe/Berlin", "2026-03-29T01:00:00Z"},
		{"repeated: the earlier one", "2026-10-25", "02:30", "Europe/Berlin", "2026-10-25T00:30:00Z"},
		{"the start of the repeated hour", "2026-10-25", "02:00", "Europe/Berlin", "2026-10-25T00:00:00Z"},
		{"just after it", "2026-10-25", "03:00", "Europe/Berlin", "2026-10-25T02:00:00Z"},
		{"repeated in New York", "2026-11-01", "01:30", "America/New_York", "2026-11-01T05:30:00Z"},
		{"half an hour, repeated", "2026-04-05", "01:45", "Australia/Lord_Howe", "2026-04-04T14:45:00Z"},
		{"two hours, repeated", "2026-10-25", "02:30", "Antarctica/Troll", "2026-10-25T00:30:00Z"},
		{"two hours, skipped", "2026-03-29", "02:30", "Antarctica/Troll", "2026-03-29T01:00:00Z"},
		{"a day that was skipped", "2011-12-30", "17:00", "Pacific/Apia", "2011-12-30T10:00:00Z"},
		{"the hour before midnight, repeated", "2026-10-29", "23:30", "Africa/Cairo", "2026-10-29T20:30:00Z"},
		{"midnight that is skipped", "2026-04-24", "00:00", "Africa/Cairo", "2026-04-23T22:00:00Z"},
	}
	for _, c := range cases {
		got, err := exeunt.Date(c.day).At(c.clock, c.zone)
		if err != nil || got.Format(time.RFC3339) != c.want {
			t.Errorf("%s: %s %s in %s is %s, %v; want %s", c.name, c.day, c.clock, c.zone, got.Format(time.RFC3339), err, c.want)
		}
	}
	for _, c := range [][3]string{{"2026-02-30", "17:00", "UTC"}, {"2026-01-31", "25:00", "UTC"}, {"2026-01-31", "17:00", "Mars/Olympus"}, {"2026-01-31", "17:00", ""}, {"2026-01-31", "17:00", "Local"}, {"", "17:00", "UTC"}} {
		if at, err := exeunt.Date(c[0]).At(c[1], c[2]); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%v is %s, %v", c, at, err)
		}
	}
}

// A cut-off never comes after the clock time that was meant, whatever the zone does: invariant 12.
func TestAccessNeverEndsLateOnAnyDayOfTheYear(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Asia/Tehran"} {
		location, err := exeunt.Zone(zone)
		if err != nil {
			t.Fatal(err)
		}
		for day := range 366 {
			date := exeunt.Date(time.Date(2026, 1, 1+day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
			for minute := 0; minute < 24*60; minute += 15 {
				clock := time.Date(2000, 1, 1, 0, minute, 0, 0, time.UTC).Format("15:04")
				at, err := date.At(clock, zone)
				if err != nil {
					t.Fatal(err)
				}
				local := at.In(location).Format("2006-01-02 15:04")
				meant := string(date) + " " + clock
				if before := at.Add(-time.Nanosecond).In(location).Format("2006-01-02 15:04"); before >= meant {
					t.Fatalf("%s in %s is %s: that wall clock had been reached before", meant, zone, at)
				}
				for _, back := range []time.Duration{30 * time.Minute, time.Hour} {
					if at.Add(-back).In(location).Format("2006-01-02 15:04") == meant {
						t.Fatalf("%s in %s is %s: the later of two", meant, zone, at)
					}
				}
				if local < meant {
					t.Fatalf("%s in %s is %s there, too early", meant, zone, local)
				}
			}
		}
	}
}

func TestMomentsAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]string{
		"trigger": "trigger", "cut-off + 30m": "cut-off + 30m", "last-day-5d": "last-day - 5d", "  last-day  -  5d ": "last-day - 5d",
		"termination-date + 2w": "termination-date + 14d", "start + 90m": "start + 90m", "start + 120m": "start + 2h", "cut-off + 0s": "cut-off", "trigger - 1s": "trigger - 1s",
	} {
		m, err := exeunt.ParseMoment(text)
		if err != nil || m.String() != want {
			t.Errorf("%q is %q, %v; want %q", text, m, err, want)
		}
	}
	for _, text := range []string{"", "now", "cutoff", "cut-off 30m", "cut-off + 30", "cut-off + m", "cut-off + -3m", "cut-off + 1.5h", "last-days", "trigger ++ 1d", "start + 999999999w", "start + 99999999999999999999d"} {
		if m, err := exeunt.ParseMoment(text); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%q is %q, %v", text, m, err)
		}
	}
	var m exeunt.Moment
	if err := m.UnmarshalText(nil); err != nil || m.Anchor != exeunt.AtTrigger {
		t.Errorf("an empty moment is %v, %v", m, err)
	}
}

func FuzzMoment(f *testing.F) {
	for _, s := range []string{"trigger", "cut-off + 30m", "last-day - 5d", "termination-date + 2w", "start + 999999999w"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := exeunt.ParseMoment(text)
		if err != nil {
			return
		}
		again, err := exeunt.ParseMoment(m.String())
		if err != nil || again != m {
			t.Errorf("%q is %v, written as %q, read as %v, %v", text, m, m.String(), again, err)
		}
	})
}

func TestDatesAreRead(t *testing.T) {
	for text, want := range map[string]exeunt.Date{"2026-01-31": "2026-01-31", " 2026-01-31 ": "2026-01-31", "2026-01-31T23:00:00Z": "2026-01-31"} {
		if d, err := exeunt.ParseDate(text); err != nil || d != want {
			t.Errorf("%q is %q, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "31.01.2026", "2026-02-29", "2026-1-31", "tomorrow", "0000-00-00"} {
		if d, err := exeunt.ParseDate(text); err == nil {
			t.Errorf("%q is %q", text, d)
		}
	}
}

// A day before or after is the same clock time at the place of work, also when the clocks change in
// between: invariant 12.
func TestDaysAreThoseOfTheCalendarAtThePlaceOfWork(t *testing.T) {
	for _, c := range []struct {
		name, zone, clock string
		last              exeunt.Date
		start, want       string
	}{
		{"no change", "Europe/Berlin", "17:00", "2026-06-30", "last-day - 5d", "2026-06-25T15:00:00Z"},
		{"over the gap", "Europe/Berlin", "17:00", "2026-03-31", "last-day - 5d", "2026-03-26T16:00:00Z"},
		{"over the overlap", "America/New_York", "17:00", "2026-11-03", "last-day - 1w", "2026-10-27T21:00:00Z"},
		{"half an hour", "Australia/Lord_Howe", "17:00", "2026-10-06", "last-day - 5d", "2026-10-01T06:30:00Z"},
		{"into the gap", "Europe/Berlin", "02:30", "2026-04-03", "last-day - 5d", "2026-03-29T01:00:00Z"},
		{"into the overlap", "Europe/Berlin", "02:30", "2026-10-30", "last-day - 5d", "2026-10-25T00:30:00Z"},
		{"after the cut-off", "Europe/Berlin", "17:00", "2026-03-28", "cut-off + 1d", "2026-03-29T15:00:00Z"},
		{"from the start of a day", "Europe/Berlin", "17:00", "2026-03-27", "termination-date + 2d", "2026-03-29T22:00:00Z"},
		{"hours are time as it passes", "Europe/Berlin", "17:00", "2026-03-28", "cut-off + 24h", "2026-03-29T16:00:00Z"},
		{"seven years", "Europe/Berlin", "17:00", "2026-03-31", "last-day + 2557d", "2033-03-31T15:00:00Z"},
		{"seven years, into winter", "America/New_York", "17:00", "2026-06-30", "last-day + 2739d", "2033-12-29T22:00:00Z"},
		{"a hundred years", "Asia/Kathmandu", "17:00", "2026-06-30", "last-day + 36524d", "2126-06-30T11:15:00Z"},
	} {
		d := leaving
		d.Leaver.Zone, d.CutOffClock, d.LastDay = c.zone, c.clock, c.last
		d.TerminationDate = exeunt.Date(must(time.Parse(time.DateOnly, string(c.last))).AddDate(0, 0, 1).Format(time.DateOnly))
		rule := everywhere(exeunt.Disable)
		rule.Start, rule.Deadline = moment(c.start), moment("start + 1d")
		plan, err := exeunt.Draft(exeunt.Policy{Name: "p", Rules: []exeunt.Rule{rule}}, exeunt.Case{ID: 1, Departure: d, Owner: hilde},
			[]exeunt.System{live("directory", "", exeunt.Disable)}, someone, time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		s := plan.Steps[0]
		if got := s.StartsAt.Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s of %s in %s is %s, want %s", c.name, c.start, c.last, c.zone, got, c.want)
		}
		location := must(exeunt.Zone(c.zone))
		if from, to := s.StartsAt.In(location), s.Deadline.In(location); from.Format("15:04") != to.Format("15:04") || from.AddDate(0, 0, 1).Day() != to.Day() {
			t.Errorf("%s: a day after %s is %s", c.name, from, to)
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
