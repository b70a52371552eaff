package ui

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// systemLine is one system of the inventory with what the cases say about it.
type systemLine struct {
	System exeunt.System
	Stats  store.SystemStats
	Way    string // how access ends there, in words
	Status status
	Gap    string // what is missing, or ""
	Alone  *leftAlone
}

func (l systemLine) title() string { return cmp.Or(l.System.Title, l.System.Name) }

// notProven is how old the newest proof of a system may be before that is said.
const notProven = 90 * day

func systemLines(systems []exeunt.System, stats []store.SystemStats, alone []leftAlone, now time.Time) []systemLine {
	byName := map[string]store.SystemStats{}
	for _, s := range stats {
		byName[s.System] = s
	}
	titles := map[string]string{}
	for _, system := range systems {
		titles[system.Name] = system.Title
	}
	var out []systemLine
	for _, system := range systems {
		l := systemLine{System: system, Stats: byName[system.Name], Alone: findAlone(alone, system.Name)}
		l.Way, l.Status = way(system, titles)
		l.Gap = gap(system, l.Stats, now)
		out = append(out, l)
	}
	slices.SortStableFunc(out, func(a, b systemLine) int {
		return cmp.Or(cmp.Compare(a.System.Tier, b.System.Tier), cmp.Compare(strings.ToLower(a.title()), strings.ToLower(b.title())))
	})
	return out
}

// way is how access ends in a system, as it is configured now.
func way(s exeunt.System, titles map[string]string) (string, status) {
	parent := cmp.Or(titles[s.SSO], s.SSO)
	switch {
	case s.SSO != "" && s.Automated():
		return "Sign-on of " + parent + ", checked by its connector", statusDone
	case s.SSO != "":
		return "Sign-on of " + parent + ", checked by hand", statusSaid
	case s.Automated():
		return "Its connector (" + s.Kind + ")", statusDone
	default:
		return "By hand", statusPerson
	}
}

// gap is the most telling thing that a system lacks. A system without an owner cannot be configured.
func gap(s exeunt.System, stats store.SystemStats, now time.Time) string {
	_, disables := s.Can(exeunt.Disable)
	switch {
	case stats.Failed > 0:
		return plural(stats.Failed, "step has failed", "steps have failed")
	case s.Stage == exeunt.Shadow:
		return "Not live: a person does it"
	case s.Stage == exeunt.Manual && s.Kind != "manual":
		return "Not live: a person does it until a rehearsal has passed"
	case s.Kind == "manual" && s.SSO == "":
		return "No API: tracked by hand"
	case s.Automated() && !disables && s.SSO == "" && cmp.Or(s.Branch, accessBranch) == accessBranch:
		return "Its connector cannot end access"
	case s.Automated() && stats.LastProof.IsZero():
		return "Never proven in a case"
	case s.Automated() && now.Sub(stats.LastProof) > notProven:
		return "Not proven in 90 days"
	default:
		return ""
	}
}

func onlyGaps(lines []systemLine) []systemLine {
	return slices.DeleteFunc(slices.Clone(lines), func(l systemLine) bool { return l.Gap == "" })
}

// systemFilter is the address of the inventory.
type systemFilter struct {
	Text string
	Tier int
	Gap  bool
	Hand bool
	Down bool // left alone
}

func readSystemFilter(q url.Values) systemFilter {
	f := systemFilter{Text: strings.TrimSpace(q.Get("q")), Gap: q.Get("gap") == "1", Hand: q.Get("way") == "hand", Down: q.Get("alone") == "1"}
	if n, err := strconv.Atoi(q.Get("tier")); err == nil && n > 0 {
		f.Tier = n
	}
	return f
}

func (f systemFilter) values() url.Values {
	v := url.Values{}
	if f.Text != "" {
		v.Set("q", f.Text)
	}
	if f.Tier > 0 {
		v.Set("tier", strconv.Itoa(f.Tier))
	}
	if f.Gap {
		v.Set("gap", "1")
	}
	if f.Hand {
		v.Set("way", "hand")
	}
	if f.Down {
		v.Set("alone", "1")
	}
	return v
}

func (f systemFilter) matches(l systemLine) bool {
	text := strings.ToLower(strings.Join([]string{l.title(), l.System.Name, l.System.Vendor, l.System.Owner.String()}, " "))
	return strings.Contains(text, strings.ToLower(f.Text)) && (f.Tier == 0 || l.System.Tier == f.Tier) &&
		(!f.Gap || l.Gap != "") && (!f.Hand || l.Status == statusPerson) && (!f.Down || l.Alone != nil)
}

// systemsView is the inventory.
type systemsView struct {
	Filter systemFilter
	All    []systemLine
	Rows   []systemLine
	Zone   *time.Location
	Now    time.Time
}

type systemTab struct {
	Label  string
	Filter systemFilter
	Count  int
	Here   bool
}

// tabs count under the text that was searched for, like the rows.
func (v systemsView) tabs() []systemTab {
	tab := func(label string, f systemFilter) systemTab {
		f.Text = v.Filter.Text
		t := systemTab{Label: label, Filter: f, Here: f == v.Filter}
		for _, l := range v.All {
			if f.matches(l) {
				t.Count++
			}
		}
		return t
	}
	return []systemTab{tab("All", systemFilter{}), tab("Left alone", systemFilter{Down: true}), tab("Gaps", systemFilter{Gap: true}), tab("By hand", systemFilter{Hand: true}),
		tab("Tier 1", systemFilter{Tier: 1}), tab("Tier 2", systemFilter{Tier: 2}), tab("Tier 3", systemFilter{Tier: 3})}
}

// summary says how access ends, over the inventory.
func (v systemsView) summary() string {
	var connector, signOn, hand int
	for _, l := range v.All {
		switch {
		case l.System.SSO != "":
			signOn++
		case l.System.Automated():
			connector++
		default:
			hand++
		}
	}
	return fmt.Sprintf("%s · %d by connector · %d with a sign-on · %d by hand", plural(len(v.All), "system", "systems"), connector, signOn, hand)
}

func (s *server) systemsPage(v *visit) error {
	f := readSystemFilter(v.URL.Query())
	if !sameValues(v.URL.Query(), f.values()) {
		http.Redirect(v.w, v.Request, address("/systems", f.values()), http.StatusFound)
		return nil
	}
	stats, err := s.Reader(v.Viewer()).SystemStats(v.Context(), s.Inventory.Systems(), v.now)
	if err != nil {
		return err
	}
	alone, err := s.leftAlones(v)
	if err != nil {
		return err
	}
	view := systemsView{Filter: f, All: systemLines(s.Inventory.Systems(), stats, alone, v.now), Zone: v.zone, Now: v.now}
	for _, l := range view.All {
		if f.matches(l) {
			view.Rows = append(view.Rows, l)
		}
	}
	return v.show(systemsTemplate(s.chrome(v, "inventory", "Systems"), view))
}

// systemView is the page of one system.
type systemView struct {
	systemLine
	Tasks   []store.TaskRow
	Entries []store.EntryRow
	Child   []systemLine // whose access ends with this one's sign-on
	visit   *visit
}

func (s *server) systemPage(v *visit) error {
	stats, err := s.Reader(v.Viewer()).SystemStats(v.Context(), s.Inventory.Systems(), v.now)
	if err != nil {
		return err
	}
	alone, err := s.leftAlones(v)
	if err != nil {
		return err
	}
	lines := systemLines(s.Inventory.Systems(), stats, alone, v.now)
	i := slices.IndexFunc(lines, func(l systemLine) bool { return l.System.Name == v.PathValue("id") })
	if i < 0 {
		return nothingHere()
	}
	view := systemView{systemLine: lines[i], visit: v}
	for _, l := range lines {
		if l.System.SSO == view.System.Name {
			view.Child = append(view.Child, l)
		}
	}
	if view.Tasks, err = s.Reader(v.Viewer()).Tasks(v.Context(), store.TaskQuery{System: view.System.Name, Limit: 20}, v.now); err != nil {
		return err
	}
	page, err := s.Reader(v.Viewer()).Entries(v.Context(), store.EntryQuery{System: view.System.Name, Limit: 20})
	if err != nil {
		return err
	}
	view.Entries = page.Rows
	return v.show(systemTemplate(s.chrome(v, "inventory", view.title(), crumb{"Systems", "/systems"}), view))
}

// yes writes a promise of a connector out.
func yes(b bool) string {
	if b {
		return "Yes"
	}
	return "No"
}
