package exeunt

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Date is a calendar day without a zone, as HR systems give it: "2006-01-02", or "" for none.
type Date string

// ParseDate reads a calendar day. It takes an ISO date, also when a time follows it.
func ParseDate(s string) (Date, error) {
	day, _, _ := strings.Cut(strings.TrimSpace(s), "T")
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return "", Errorf(Invalid, "%q is not a date: write it as 2006-01-02", s)
	}
	return Date(day), nil
}

// At is the instant of a clock time ("17:00") on the day, in an IANA zone.
//
// A clock time that the zone skips when it moves its clocks forward becomes the first instant
// after the gap, and one that it repeats becomes the earlier one, so that access never ends late.
func (d Date) At(clock, zone string) (time.Time, error) {
	location, err := Zone(zone)
	if err != nil {
		return time.Time{}, err
	}
	wanted := string(d) + " " + clock
	t, err := time.Parse("2006-01-02 15:04", wanted)
	if err != nil {
		return time.Time{}, Errorf(Invalid, "%q is not a day and a clock time such as \"2006-01-02 17:00\"", wanted)
	}
	return onTheWall(t, location), nil
}

// onTheWall is the instant at which the clocks of a place show what t shows in UTC. A time that they
// skip becomes the first instant after the gap, and one that they show twice becomes the earlier one.
func onTheWall(wall time.Time, in *time.Location) time.Time {
	year, month, day := wall.Date()
	t := time.Date(year, month, day, wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), in)
	begins, ends := t.ZoneBounds()
	switch wanted, got := shown(wall), shown(t); { // skipped: package time gives an instant on either side of the gap
	case got.Before(wanted):
		return ends.UTC()
	case got.After(wanted):
		return begins.UTC()
	}
	if !begins.IsZero() { // shown twice when the clocks went back to it
		_, before := begins.Add(-time.Nanosecond).Zone()
		_, after := t.Zone()
		if earlier := t.Add(time.Duration(after-before) * time.Second); earlier.Before(begins) && shown(earlier).Equal(shown(t)) {
			return earlier.UTC()
		}
	}
	return t.UTC()
}

// shown is what the clocks show, as if they showed it in UTC.
func shown(t time.Time) time.Time {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	return time.Date(year, month, day, hour, minute, second, t.Nanosecond(), time.UTC)
}

// addDays is the same clock time at the place of work, calendar days later or earlier: a day on which the
// clocks change has 23 or 25 hours.
func addDays(t time.Time, days int, in *time.Location) time.Time {
	if days == 0 {
		return t.UTC()
	}
	year, month, day := t.In(in).Date()
	hour, minute, second := t.In(in).Clock()
	return onTheWall(time.Date(year, month, day+days, hour, minute, second, t.Nanosecond(), time.UTC), in)
}

var zones sync.Map // time.LoadLocation reads the zone file on each call; keep what it returned

// Zone loads an IANA zone once.
func Zone(name string) (*time.Location, error) {
	if kept, ok := zones.Load(name); ok {
		return kept.(*time.Location), nil
	}
	if name == "" || name == "Local" {
		return nil, Errorf(Invalid, "no time zone is named: give the IANA zone of the place of work, such as Europe/Berlin")
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, Errorf(Invalid, "%q is not an IANA time zone such as Europe/Berlin", name)
	}
	zones.Store(name, location)
	return location, nil
}

// Anchor is an instant that every case has, from which starts and deadlines are counted.
type Anchor string

// The anchors.
const (
	AtTrigger     Anchor = "trigger"          // when the HR system's event was received
	AtCutOff      Anchor = "cut-off"          // when access ends
	AtLastDay     Anchor = "last-day"         // the end of the last working day, 17:00 at the place of work unless a clock time follows
	AtTermination Anchor = "termination-date" // the start of the day on which employment has ended
	AtStart       Anchor = "start"            // when the step itself may start; deadlines only
)

// Moment is an anchor moved by calendar days or by a length of time: "trigger", "cut-off + 30m",
// "last-day - 5d".
type Moment struct {
	Anchor Anchor
	Days   int           // calendar days at the place of work
	Offset time.Duration // time as it passes

	BusinessDays int // days on which people work there; the anchor's own day is not counted
}

// ParseMoment reads "anchor", "anchor + 30m" or "anchor - 5d". Units are s, m, h, d, w and bd, business days. Days and weeks
// are those of the calendar at the place of work, so that "last-day - 5d" has the same clock time as the
// last day, whatever the clocks do in between.
func ParseMoment(s string) (Moment, error) {
	text := strings.TrimSpace(s)
	for _, a := range []Anchor{AtTrigger, AtCutOff, AtLastDay, AtTermination, AtStart} {
		rest, ok := strings.CutPrefix(text, string(a))
		if !ok {
			continue
		}
		rest = strings.ReplaceAll(rest, " ", "")
		if days, ok := strings.CutSuffix(rest, "bd"); ok {
			n, err := parseOffset(days + "d")
			if err != nil {
				return Moment{}, Errorf(Invalid, "%q: an offset in business days is written + 5bd or - 5bd", s)
			}
			return Moment{Anchor: a, BusinessDays: int(n / (24 * time.Hour))}, nil
		}
		offset, err := parseOffset(rest)
		switch {
		case err != nil:
			return Moment{}, Errorf(Invalid, "%q: %v", s, err)
		case strings.HasSuffix(rest, "d"), strings.HasSuffix(rest, "w"):
			return Moment{Anchor: a, Days: int(offset / (24 * time.Hour))}, nil
		default:
			return Moment{Anchor: a, Offset: offset}, nil
		}
	}
	return Moment{}, Errorf(Invalid, "%q is not a moment: write trigger, cut-off, last-day, termination-date or start, and an offset such as + 30m, - 5d or + 3bd", s)
}

// from is the moment counted from its anchor's instant.
func (m Moment) from(base time.Time, at Place) time.Time {
	days := m.Days
	if m.BusinessDays != 0 {
		days += at.Calendar.businessDays(base.In(at.Zone), m.BusinessDays)
	}
	return addDays(base, days, at.Zone).Add(m.Offset)
}

func parseOffset(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	sign := time.Duration(1)
	switch s[0] {
	case '-':
		sign = -1
	case '+':
	default:
		return 0, fmt.Errorf("an offset starts with + or -")
	}
	d, err := ParseDuration(s[1:])
	return sign * d, err
}

// longest bounds lengths of time, far above what any law asks to keep and far below an overflow.
const longest = 100 * 366 * 24 * time.Hour

// ParseDuration reads a length of time in one unit: 30s, 15m, 48h, 5d, 2w; at most 100 years. Here a day
// is 24 hours.
func ParseDuration(s string) (time.Duration, error) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	if len(s) > 1 {
		if unit, ok := units[s[len(s)-1]]; ok {
			n, err := strconv.ParseUint(s[:len(s)-1], 10, 32) // unsigned: it takes no sign of its own
			if err == nil && n <= uint64(longest/unit) {
				return time.Duration(n) * unit, nil
			}
		}
	}
	return 0, fmt.Errorf("%q is not a length of time such as 30s, 15m, 48h, 5d or 2w", s)
}

// String writes the moment as it is parsed.
func (m Moment) String() string {
	switch {
	case m.BusinessDays < 0:
		return fmt.Sprintf("%s - %dbd", m.Anchor, -m.BusinessDays)
	case m.BusinessDays > 0:
		return fmt.Sprintf("%s + %dbd", m.Anchor, m.BusinessDays)
	case m.Days < 0:
		return fmt.Sprintf("%s - %dd", m.Anchor, -m.Days)
	case m.Days > 0:
		return fmt.Sprintf("%s + %dd", m.Anchor, m.Days)
	}
	sign, d := "+", m.Offset.Round(time.Second)
	if d < 0 {
		sign, d = "-", -d
	}
	if d == 0 {
		return string(m.Anchor) // none, or less than half a second
	}
	unit, name := time.Second, "s"
	switch {
	case d%time.Hour == 0:
		unit, name = time.Hour, "h"
	case d%time.Minute == 0:
		unit, name = time.Minute, "m"
	}
	return fmt.Sprintf("%s %s %d%s", m.Anchor, sign, d/unit, name)
}

// MarshalText writes the moment as it is parsed.
func (m Moment) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText wrote; an empty text is the trigger.
func (m *Moment) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*m = Moment{Anchor: AtTrigger}
		return nil
	}
	parsed, err := ParseMoment(string(text))
	*m = parsed
	return err
}
