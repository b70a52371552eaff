package ui

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// measure is one card: a figure with its goal, or a dash with the reason why there is none.
type measure struct {
	Title  string
	Value  string // "" for none
	Unit   string
	Met    bool
	Goal   string
	Why    string   // why there is no figure
	Label  string   // of the picture, in words
	Bars   []column // how the values are spread
	Share  int      // of 1,000; with Of 1,000 a meter is drawn
	HasBar bool
	GoalX  string
}

// column is one bar of a spread.
type column struct {
	X, Y, W, H string
	Over       bool // beyond the goal
}

const revocationGoal = 4 * time.Hour

// overviewView is the first page.
type overviewView struct {
	store.Overview
	Viewer   viewer
	Zone     *time.Location
	Now      time.Time
	Measures []measure
	Gaps     []systemLine
	Systems  int
	Setup    []setupLine
	Trips    []exeunt.TripTally // of the fuse, that nobody has decided on
	Alone    []leftAlone        // for who sees systems
	Clocks   []store.WrongClock // likewise

	Misconfigured []string // what is wrong with the configuration
}

// overviewPage is the first page; who sees only tasks goes there.
func (s *server) overviewPage(v *visit) error {
	if !v.may(seeOverview) {
		http.Redirect(v.w, v.Request, "/tasks", http.StatusSeeOther)
		return nil
	}
	o, err := s.Reader(v.Viewer()).Overview(v.Context(), v.now)
	if err != nil {
		return err
	}
	o.Attention = slices.Clone(o.Attention)
	for i, r := range o.Attention {
		o.Attention[i] = v.row(r)
	}
	view := overviewView{Overview: o, Viewer: v.viewer, Zone: v.zone, Now: v.now, Measures: measures(o)}
	trips, err := s.Reader(v.Viewer()).Trips(v.Context())
	if err != nil {
		return err
	}
	view.Trips = undecided(trips)
	systems := s.Inventory.Systems()
	view.Systems = len(systems)
	if o.Cases == 0 {
		view.Setup = s.setup(systems)
	}
	if v.may(seeSystems) {
		stats, err := s.Reader(v.Viewer()).SystemStats(v.Context(), systems, v.now)
		if err != nil {
			return err
		}
		if view.Alone, err = s.leftAlones(v); err != nil {
			return err
		}
		if view.Clocks, err = s.Reader(v.Viewer()).WrongClocks(v.Context()); err != nil {
			return err
		}
		if s.Misconfigured != nil {
			if view.Misconfigured, err = s.Misconfigured(v.Context()); err != nil {
				return err
			}
		}
		view.Gaps = onlyGaps(systemLines(systems, stats, view.Alone, v.now))
	}
	return v.show(overviewTemplate(s.chrome(v, "overview", "Overview"), view))
}

func measures(o store.Overview) []measure {
	return []measure{
		revocation(o.AccessTimes),
		share("Steps complete on time", o.OnTime, o.Settled, 950, "Goal 95%", "No step or task was settled in the last 90 days"),
		{Title: "Sign-ins after departure", Goal: "Goal 0", Why: "No sign-in logs connected"},
		share("Cases complete with sealed evidence", o.Complete, o.Closed, 1000, "Goal 100%", "No case was closed in the last 90 days"),
	}
}

// revocation is the median time from cut-off to the last access step. A median of few cases is still
// theirs; how many there are is said beside it.
func revocation(times []time.Duration) measure {
	m := measure{Title: "Time to full access revocation", Goal: "Goal under 4 h", Why: "No case's access ended in the last 90 days"}
	if len(times) == 0 {
		return m
	}
	sorted := slices.Sorted(slices.Values(times))
	median := sorted[len(sorted)/2]
	if len(sorted)%2 == 0 {
		median = (sorted[len(sorted)/2-1] + sorted[len(sorted)/2]) / 2
	}
	within := 0
	for _, t := range sorted {
		if t < revocationGoal {
			within++
		}
	}
	m.Why, m.Value, m.Unit, m.Met = "", took(median), "median", median < revocationGoal
	m.Goal = fmt.Sprintf("Goal under 4 h. %s of %s within it, the longest %s", number(within), plural(len(sorted), "case", "cases"), took(sorted[len(sorted)-1]))
	m.Bars, m.GoalX = spread(sorted)
	m.Label = fmt.Sprintf("How long it took: %d of %d cases under 4 hours.", within, len(sorted))
	return m
}

// spread counts sorted lengths into 24 columns, up to the goal or the longest, whichever is more.
func spread(sorted []time.Duration) (columns []column, goal string) {
	const n = 24
	top := max(revocationGoal, sorted[len(sorted)-1]+1)
	var counts [n]int
	for _, t := range sorted {
		counts[min(int(max(t, 0)*n/top), n-1)]++
	}
	highest := slices.Max(counts[:])
	for i, count := range counts {
		h := 2.0
		if count > 0 {
			h = 4 + 26*float64(count)/float64(highest)
		}
		at := func(x float64) string { return fmt.Sprintf("%.2f", x) }
		columns = append(columns, column{
			X: at(float64(i)*100/n + 0.4), W: at(100.0/n - 0.8), Y: at(32 - h), H: at(h),
			Over: top/n*time.Duration(i) >= revocationGoal,
		})
	}
	return columns, fmt.Sprintf("%.2f", float64(revocationGoal)/float64(top)*100)
}

// share is a part of a whole; of nothing there is no share.
func share(title string, part, whole, goal int, goalWords, whyNot string) measure {
	m := measure{Title: title, Goal: goalWords, Why: whyNot}
	if whole == 0 {
		return m
	}
	m.Why, m.HasBar, m.Share = "", true, part*1000/whole
	m.Value, m.Unit, m.Met = shareWords(part, whole), "of "+number(whole), m.Share >= goal
	m.GoalX = fmt.Sprintf("%.1f", float64(goal)/10)
	if open := whole - part; open > 0 {
		m.Goal += ". " + number(open) + " missed it"
	}
	m.Label = fmt.Sprintf("%s of %s", number(part), number(whole))
	return m
}

// shareWords rounds down, so that 99.96% never reads as all.
func shareWords(part, whole int) string {
	tenths := part * 1000 / whole
	if tenths%10 == 0 {
		return fmt.Sprintf("%d%%", tenths/10)
	}
	return fmt.Sprintf("%d.%d%%", tenths/10, tenths%10)
}

// dayWidth is the bar of a day against the fullest day.
func (o overviewView) dayWidth(d store.DayCount) string {
	most := 0
	for _, other := range o.Leaving {
		most = max(most, other.Count)
	}
	return percent(d.Count, most)
}

func (o overviewView) leaving() int {
	n := 0
	for _, d := range o.Leaving {
		n += d.Count
	}
	return n
}
