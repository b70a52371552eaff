package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// A departure has calls that take seconds beside tasks that take weeks. One linear axis hides one of
// the two, so the axis has linear segments with visible borders. Zero is the cut-off; a case that was
// announced ahead has a segment before it.

type segment struct {
	From, To time.Duration // since the cut-off
	X0, X1   float64       // percent of the width
	Label    string
	Band     bool // tinted
}

type tickMark struct {
	X     string
	Label string
	Minor bool   // left out where there is little room
	Line  bool   // a thin line runs down from it
	At    string // anchor of the text
}

type axis struct {
	Start    time.Time // zero of the axis
	Segments []segment
	Marks    []tickMark
}

const (
	scaleAuto   = "auto"
	scaleAccess = "access"
	scaleDay    = "day"
	scaleAll    = "all"
)

var scales = []struct{ Key, Label string }{{scaleAuto, "Auto"}, {scaleAccess, "Access"}, {scaleDay, "First day"}, {scaleAll, "All"}}

// scaleOf reads ?scale=; anything unknown is auto.
func scaleOf(s string) string {
	for _, known := range scales {
		if s == known.Key {
			return s
		}
	}
	return scaleAuto
}

// newAxis lays out the axis of a case for a scale. Last is the latest instant that it has to show.
func newAxis(c exeunt.Case, last time.Time, scale string) axis {
	a := axis{Start: c.CutOff}
	limit := c.AccessBy.Sub(c.CutOff)
	if limit < 5*time.Minute || limit > 12*time.Hour {
		limit = 30 * time.Minute
	}
	before := c.CutOff.Sub(c.OpenedAt)
	end := max(14*day, weeks(last.Sub(c.CutOff)))
	switch scale {
	case scaleAccess:
		a.Segments = []segment{{0, limit, 0, 100, "First " + words(limit), false}}
	case scaleDay:
		a.Segments = []segment{{0, day, 0, 100, "First day", false}}
	case scaleAll:
		a.Segments = []segment{{-max(before, 0), end, 0, 100, "From the trigger to " + words(end) + " after the cut-off", false}}
	default:
		a.Segments = auto(before, limit, end)
	}
	a.mark()
	return a
}

// auto gives the first segment, in which access has to end, half of the width.
func auto(before, limit, end time.Duration) []segment {
	zero := 0.0
	var out []segment
	if before > time.Minute {
		zero = 16
		out = append(out, segment{-before, 0, 0, zero, "Before the cut-off", true})
	}
	at := func(share float64) float64 { return zero + (100-zero)*share }
	return append(out,
		segment{0, limit, zero, at(0.52), "First " + words(limit), false},
		segment{limit, day, at(0.52), at(0.76), "First day", true},
		segment{day, end, at(0.76), 100, "First " + words(end), false},
	)
}

func weeks(d time.Duration) time.Duration {
	const week = 7 * day
	return (d + week - 1) / week * week
}

// words writes a round length out: 30 minutes, 4 hours, 14 days.
func words(d time.Duration) string {
	switch {
	case d%day == 0 && d > day:
		return plural(int(d/day), "day", "days")
	case d%time.Hour == 0:
		return plural(int(d/time.Hour), "hour", "hours")
	default:
		return plural(int(d/time.Minute), "minute", "minutes")
	}
}

// x is the place of an offset from the cut-off, in percent.
func (a axis) x(d time.Duration) float64 {
	first := a.Segments[0]
	if d <= first.From {
		return first.X0
	}
	for _, s := range a.Segments {
		if d <= s.To {
			return s.X0 + (s.X1-s.X0)*float64(d-s.From)/float64(s.To-s.From)
		}
	}
	return 100
}

func (a axis) at(t time.Time) float64 { return a.x(t.Sub(a.Start)) }

func (a axis) now(now time.Time) string { return pc(a.at(now)) }

// mark labels the axis: the borders always, and round steps between them where there is room.
func (a *axis) mark() {
	a.add(a.Segments[0].From, false, false)
	for i, s := range a.Segments {
		parts := s.parts()
		for p := 1; p < parts; p++ {
			d := s.From + (s.To-s.From)*time.Duration(p)/time.Duration(parts)
			if s.To-s.From > 2*day {
				d = d.Round(day)
			}
			a.add(d, p%2 == 1, parts == 2 || p%2 == 0)
		}
		a.add(s.To, false, i < len(a.Segments)-1)
	}
}

func (a *axis) add(d time.Duration, minor, line bool) {
	m := tickMark{X: pc(a.x(d)), Label: short(d), Minor: minor, Line: line, At: "middle"}
	if x := a.x(d); x <= 0 {
		m.At = "start"
	} else if x >= 99 {
		m.At = "end"
	}
	a.Marks = append(a.Marks, m)
}

// parts is into how many steps a segment is divided: the most that its width has room for and that
// give round steps.
func (s segment) parts() int {
	switch width := s.X1 - s.X0; {
	case width < 18:
		return 1
	case width < 40:
		return 2
	}
	for _, n := range []int{6, 5, 4, 3} {
		step := (s.To - s.From) / time.Duration(n)
		if s.To-s.From > 2*day || step%time.Hour == 0 || step < time.Hour && time.Hour%step == 0 {
			return n
		}
	}
	return 2
}

// short labels an offset: −14 d, 0, 5 min, 12 h.
func short(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "−", -d
	}
	switch {
	case d == 0:
		return "0"
	case d < 2*time.Hour && d%time.Hour != 0:
		return fmt.Sprintf("%s%d min", sign, int(d.Minutes()))
	case d < 36*time.Hour && d != day:
		return fmt.Sprintf("%s%d h", sign, int(d.Hours()+0.5))
	default:
		return fmt.Sprintf("%s%d d", sign, int(d.Hours()/24+0.5))
	}
}

// script gives the browser the same segments, in seconds and percent, to move the now line by.
func (a axis) script() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, s := range a.Segments {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "[%g,%g,%g,%g]", s.From.Seconds(), s.To.Seconds(), s.X0, s.X1)
	}
	b.WriteByte(']')
	return b.String()
}

// lines are the thin lines behind the bars: borders of segments, and the marks between them.
func (a axis) lines() (borders, middles []string) {
	for _, s := range a.Segments[1:] {
		borders = append(borders, pc(s.X0))
	}
	for _, m := range a.Marks {
		if m.Line && !slices.Contains(borders, m.X) {
			middles = append(middles, m.X)
		}
	}
	return borders, middles
}

// bar is one row's picture. Everything is an SVG length, so that the policy needs no exception.
type bar struct {
	X, W  string
	Tiny  bool
	Fill  string // width of what is done or used, or ""
	Grows bool   // its end is now
	Used  bool   // its fill ends at now
	OverX string // from the deadline to now, when it passed
	OverW string
	Stop  string // where it stopped
	Due   string // the deadline
	None  bool
}

func (a axis) bar(st status, start, end, deadline, now time.Time, ticked, of int) bar {
	from, to := a.at(start), a.at(end)
	b := bar{X: pc(from), W: pc(max(to-from, 0)), Tiny: to-from < 0.9}
	if !deadline.IsZero() {
		b.Due = pc(a.at(deadline))
	}
	switch st {
	case statusFailed:
		b.Stop = pc(to)
	case statusLate:
		b.Fill = b.W
		b.OverX, b.OverW = pc(a.at(deadline)), pc(max(a.at(now)-a.at(deadline), 0))
	case statusRunning:
		if of > 0 {
			b.Fill = pc((to - from) * float64(ticked) / float64(of))
		} else {
			b.Grows = true
		}
	case statusPerson:
		if now.After(start) {
			b.Fill, b.Used = pc(max(a.at(now)-from, 0)), true
		}
	case statusSkipped:
		b.None = true
	default: // the bar alone tells it
	}
	return b
}
