package exeunt

import (
	"cmp"
	"strings"
	"time"
)

// WaveClock is when access ends for everybody in a wave: at one instant, or at one day and clock time
// at each place of work.
type WaveClock struct {
	At    time.Time // one instant; zero when it is the clock of each place
	Day   Date
	Clock string // "15:04"
}

// ParseWaveClock reads an instant ("2026-11-23T15:00:00Z", "2026-11-23 09:00 America/Chicago"), a day and
// clock time of each place of work ("2026-11-23 17:00"), or "now".
func ParseWaveClock(s string, now time.Time) (WaveClock, error) {
	s = strings.TrimSpace(s)
	if strings.EqualFold(s, "now") {
		return WaveClock{At: now.UTC().Truncate(time.Second)}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return WaveClock{At: t.UTC().Truncate(time.Second)}, nil
	}
	day, rest, _ := strings.Cut(s, " ")
	clock, zone, _ := strings.Cut(strings.TrimSpace(rest), " ")
	c := WaveClock{Day: Date(day), Clock: clock}
	if zone == "" {
		return c, c.wellFormed()
	}
	t, err := c.Day.At(clock, strings.TrimSpace(zone))
	if err != nil {
		return WaveClock{}, Errorf(Invalid, "%q is not a clock: %s", s, MessageOf(err)).In("clock")
	}
	return WaveClock{At: t}, nil
}

// check refuses what is no clock, and what has passed for everybody.
func (c WaveClock) check(now time.Time) error {
	if err := c.wellFormed(); err != nil {
		return err
	}
	if c.before(now) {
		return Errorf(Invalid, "the clock %s has passed: correct it, or write now", c).In("clock")
	}
	return nil
}

func (c WaveClock) wellFormed() error {
	if !c.At.IsZero() {
		return nil
	}
	if _, err := c.Day.At(c.Clock, "UTC"); err != nil {
		return Errorf(Invalid, "the clock of a wave is an instant (2026-11-23T15:00:00Z, or 2026-11-23 09:00 America/Chicago), a day and time at each place of work (2026-11-23 17:00), or now").In("clock")
	}
	return nil
}

// before says whether the clock has passed for everybody. A minute is given for typing.
func (c WaveClock) before(now time.Time) bool {
	at := c.At
	if at.IsZero() {
		at, _ = c.Day.At(c.Clock, "Etc/GMT+12") // the last place on earth to reach it
	}
	return at.Before(now.Add(-time.Minute))
}

// In is the instant of the clock at a place of work.
func (c WaveClock) In(zone string) (time.Time, error) {
	if !c.At.IsZero() {
		return c.At, nil
	}
	return c.Day.At(c.Clock, zone)
}

// String writes the clock as it is parsed.
func (c WaveClock) String() string {
	if !c.At.IsZero() {
		return c.At.UTC().Format(time.RFC3339)
	}
	return strings.TrimSpace(cmp.Or(string(c.Day), "no day") + " " + c.Clock)
}

// MarshalText writes the clock as it is parsed.
func (c WaveClock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (c *WaveClock) UnmarshalText(text []byte) error {
	parsed, err := ParseWaveClock(string(text), time.Time{})
	*c = parsed
	return err
}

// OnClock gives a departure the clock of a wave. What HR says of somebody in a wave changes facts and
// leaves the clock as it is: HR systems send a day, and whoever runs the wave has chosen the minute. An
// earlier last day, or "immediate", is HR's decision that access ends before, and stands.
func (d Departure) OnClock(at time.Time) Departure {
	if at.IsZero() || d.Immediate {
		return d
	}
	if day := d.dayOf(at); day == "" || d.LastDay < day {
		return d
	}
	d.CutOffAt = at.UTC()
	return d
}

// OnClockOf leaves a case of a wave on the wave's clock, whatever HR says of it later.
func (t Trigger) OnClockOf(newest *Case) Trigger {
	if t.Kind == Announced && newest != nil && newest.UnderWay() {
		t.Departure = t.Departure.OnClock(newest.Departure.CutOffAt)
	}
	return t
}

// dayOf is the calendar day of an instant at the place of work.
func (d Departure) dayOf(at time.Time) Date {
	z, err := Zone(d.Leaver.Zone)
	if err != nil {
		return ""
	}
	return Date(at.In(z).Format(time.DateOnly))
}

// Due says how many people may be released now, and when to ask again; a zero time is never, until
// somebody decides. Time that was lost, as while the server was down, is caught up by at most a minute's
// worth at once: a rate is there so that people and systems can follow.
func (w Wave) Due(now time.Time) (people int, next time.Time) {
	switch w.State {
	case WaveCanary:
		return max(w.Canary-w.Released, 0), time.Time{}
	case WaveRunning:
	default:
		return 0, time.Time{}
	}
	left := w.Size - w.Released
	if left <= 0 {
		return 0, time.Time{}
	}
	if w.Rate == 0 {
		return left, time.Time{}
	}
	from := w.usedFrom(now)
	if from.After(now) {
		return 0, from
	}
	people = min(left, 1+int(now.Sub(from)/w.interval()))
	if people < left {
		next = w.after(people, now)
	}
	return people, next
}

func (w Wave) interval() time.Duration { return time.Minute / time.Duration(max(w.Rate, 1)) }

// usedFrom is from when the rate may be used.
func (w Wave) usedFrom(now time.Time) time.Time {
	if oldest := now.Add(-time.Minute + w.interval()); w.NextAt.Before(oldest) {
		if w.NextAt.IsZero() {
			return now
		}
		return oldest
	}
	return w.NextAt
}

// after is when the next one may go once so many have gone now. Looking more than once a second would
// gain nothing: what a second allows goes together.
func (w Wave) after(people int, now time.Time) time.Time {
	next := w.usedFrom(now).Add(time.Duration(people) * w.interval())
	if soonest := now.Add(time.Second); next.Before(soonest) {
		return soonest
	}
	return next
}

// Release asks for the cases of people of the wave, in the order of the list.
func (w Wave) Release(people []Member, now time.Time) Change {
	if w.State == WaveRunning && w.Rate > 0 {
		w.NextAt = w.usedFrom(now).Add(time.Duration(len(people)) * w.interval())
	}
	w.Released += len(people)
	change := Change{Wave: &w}
	for _, m := range people {
		m.State, m.ReleasedAt = MemberReleased, now.UTC()
		change.Members = append(change.Members, m)
	}
	w.record(&change, EntryWaveReleased, now, plural(len(people), "person", "people")+" released", map[string]string{
		"people": itoa(len(people)), "first_row": itoa(people[0].Position), "last_row": itoa(people[len(people)-1].Position), "of": itoa(w.Size),
	})
	return change
}

// Hold stops at the hold point, once every case of the canary has come.
func (w Wave) Hold(now time.Time) Change {
	w.State, w.HeldAt = WaveHeld, now.UTC()
	change := Change{Wave: &w}
	w.record(&change, EntryWaveHeld, now, "the canary of "+itoa(w.Canary)+" is out: held until a named person goes on", nil)
	return change
}

// Finish ends a wave of which nobody has anything left to do.
func (w Wave) Finish(seen WaveProgress, now time.Time) Change {
	w.State, w.DoneAt = WaveDone, now.UTC()
	change := Change{Wave: &w}
	w.record(&change, EntryWaveDone, now, "done: "+seen.String(), nil)
	return change
}
