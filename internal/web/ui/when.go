package ui

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

const day = 24 * time.Hour

// clock writes a running time as 18:42 or 1:02:03.
func clock(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "−", -d
	}
	s := int(d.Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%s%d:%02d:%02d", sign, s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%s%02d:%02d", sign, s/60, s%60)
}

// took writes a length in its largest units: 44 s, 2 min 44 s, 1 h 12 min, 3 d.
func took(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 10*time.Minute && d%time.Minute != 0:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 10*time.Hour:
		if m := int(d.Minutes()) % 60; m != 0 {
			return fmt.Sprintf("%d h %d min", int(d.Hours()), m)
		}
		return fmt.Sprintf("%d h", int(d.Hours()))
	case d < 2*day:
		return fmt.Sprintf("%d h", int(math.Round(d.Hours())))
	default:
		return fmt.Sprintf("%d d", int(math.Round(d.Hours()/24)))
	}
}

// distance writes how far a moment lies from now: "in 11 min", "3 d ago".
func distance(t, now time.Time) string {
	if d := t.Sub(now); d >= 0 {
		return "in " + took(d)
	}
	return took(now.Sub(t)) + " ago"
}

// due writes a deadline as people speak of it: "Due in 11 min", "2 d late".
func due(t, now time.Time) string {
	if now.After(t) {
		return took(now.Sub(t)) + " late"
	}
	return "Due in " + took(t.Sub(now))
}

// dueShort is a deadline after its date: "in 3 d", "2 d late".
func dueShort(t, now time.Time) string {
	if now.After(t) {
		return took(now.Sub(t)) + " late"
	}
	return distance(t, now)
}

// near is a moment in a narrow column: the clock on the same day, the weekday within the week.
func near(t, now time.Time, zone *time.Location) string {
	switch t = t.In(zone); {
	case t.Format(time.DateOnly) == now.In(zone).Format(time.DateOnly):
		return t.Format("15:04")
	case t.Sub(now).Abs() < 6*day:
		return t.Format("Mon 15:04")
	default:
		return t.Format("2 Jan 15:04")
	}
}

// at is the short absolute form, always with its zone.
func at(t time.Time, zone *time.Location) string { return t.In(zone).Format("Mon 2 Jan, 15:04 MST") }

// full is the form of records.
func full(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("Mon 2 Jan 2006, 15:04:05 MST (-07:00)")
}

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// date reads a calendar day as noon UTC, so that formatting it never slips a day.
func date(d exeunt.Date) (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, string(d))
	return t.Add(12 * time.Hour), err == nil
}

// shortDay leaves the year out when it is the current one.
func shortDay(d exeunt.Date, now time.Time) string {
	t, ok := date(d)
	switch {
	case !ok:
		return "–"
	case t.Year() == now.Year():
		return t.Format("Mon 2 Jan")
	default:
		return t.Format("2 Jan 2006")
	}
}

func longDay(d exeunt.Date) string {
	if t, ok := date(d); ok {
		return t.Format("Monday 2 January 2006")
	}
	return ""
}

// relativeDay counts whole days in the zone of the place: a Singapore last day may be yesterday
// while Los Angeles still has today.
func relativeDay(d exeunt.Date, now time.Time, zone *time.Location) string {
	t, ok := date(d)
	if !ok {
		return ""
	}
	today, _ := date(exeunt.Date(now.In(zone).Format(time.DateOnly)))
	days := int(math.Round(t.Sub(today).Hours() / 24))
	switch {
	case days == 0:
		return "today"
	case days == 1:
		return "tomorrow"
	case days == -1:
		return "yesterday"
	case days > 0:
		return fmt.Sprintf("in %d d", days)
	case days > -60:
		return fmt.Sprintf("%d d ago", -days)
	case days > -365:
		return fmt.Sprintf("%d mo ago", -days/30)
	default:
		return fmt.Sprintf("%d y ago", -days/365)
	}
}

// zoneOr loads an IANA zone and falls back where a value was never checked, such as a cookie.
func zoneOr(name string, otherwise *time.Location) *time.Location {
	if zone, err := exeunt.Zone(name); err == nil {
		return zone
	}
	return otherwise
}

// number groups thousands: 48,211.
func number[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// percent is an SVG length, so that charts need no style attribute.
func percent(part, whole int) string {
	if whole <= 0 {
		return "0%"
	}
	return pc(float64(min(part, whole)) / float64(whole) * 100)
}

func pc(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + "%" }

func initials(name string) string {
	var out []rune
	for word := range strings.FieldsSeq(name) {
		out = append(out, []rune(word)[0])
	}
	if len(out) > 2 {
		out = []rune{out[0], out[len(out)-1]}
	}
	return strings.ToUpper(string(out))
}

// shortHash is enough of a hash to compare by eye.
func shortHash(h string) string {
	if len(h) <= 12 {
		return h
	}
	return h[:4] + "…" + h[len(h)-4:]
}
