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

	Compared bool // its accounts, with the people
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
	case riskGap(stats.AtRisk) != "":
		return riskGap(stats.AtRisk)
	case s.Asks == exeunt.Live:
		return "Asks to be live: decide whether its connector acts"
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
	case unproven(s, stats, now):
		return "Not proven in 90 days"
	default:
		return ""
	}
}

// unproven says whether nothing has shown for long that access to a system ends.
func unproven(s exeunt.System, stats store.SystemStats, now time.Time) bool {
	return s.Automated() && now.Sub(stats.LastProof) > notProven
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
	Risk bool // people are at risk
	Old  bool // not proven for long

	SSO   string
	Owner string
}

func readSystemFilter(q url.Values) systemFilter {
	f := systemFilter{Text: strings.TrimSpace(q.Get("q")), Gap: q.Get("gap") == "1", Hand: q.Get("way") == "hand", Down: q.Get("alone") == "1",
		Risk: q.Get("risk") == "1", Old: q.Get("proof") == "old", SSO: q.Get("sso"), Owner: q.Get("owner")}
	if n, err := strconv.Atoi(q.Get("tier")); err == nil && n > 0 {
		f.Tier = n
	}
	return f
}

// tab is the part of the address that the tabs choose.
func (f systemFilter) tab() url.Values {
	v := url.Values{}
	if f.Tier > 0 {
		v.Set("tier", strconv.Itoa(f.Tier))
	}
	for name, on := range map[string]bool{"gap": f.Gap, "alone": f.Down, "risk": f.Risk} {
		if on {
			v.Set(name, "1")
		}
	}
	if f.Hand {
		v.Set("way", "hand")
	}
	if f.Old {
		v.Set("proof", "old")
	}
	return v
}

func (f systemFilter) values() url.Values {
	v := f.tab()
	for name, value := range map[string]string{"q": f.Text, "sso": f.SSO, "owner": f.Owner} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

// narrowed says whether more is chosen than a tab.
func (f systemFilter) narrowed() bool { return f.Text+f.SSO+f.Owner != "" }

func (f systemFilter) matches(l systemLine, now time.Time) bool {
	text := strings.ToLower(strings.Join([]string{l.title(), l.System.Name, l.System.Vendor, l.System.Owner.String()}, " "))
	return strings.Contains(text, strings.ToLower(f.Text)) && (f.Tier == 0 || l.System.Tier == f.Tier) &&
		(f.SSO == "" || l.System.SSO == f.SSO) && (f.Owner == "" || l.System.Owner.String() == f.Owner) &&
		(!f.Gap || l.Gap != "") && (!f.Hand || l.Status == statusPerson) && (!f.Down || l.Alone != nil) &&
		(!f.Risk || l.Stats.AtRisk.People() > 0) && (!f.Old || unproven(l.System, l.Stats, now))
}

// systemsView is the inventory.
type systemsView struct {
	Filter systemFilter
	All    []systemLine
	Rows   []systemLine
	Sets   bool // the viewer may add to it
	Zone   *time.Location
	Now    time.Time
}

type systemTab struct {
	Label  string
	Filter systemFilter
	Count  int
	Here   bool
}

// choices are the sign-ons and the owners to choose from.
func (v systemsView) choices() (signOns, owners []string) {
	for _, l := range v.All {
		if l.System.SSO != "" {
			signOns = append(signOns, l.System.SSO)
		}
		owners = append(owners, l.System.Owner.String())
	}
	slices.Sort(signOns)
	slices.Sort(owners)
	return slices.Compact(signOns), slices.Compact(owners)
}

// tabs count under what else was chosen, like the rows.
func (v systemsView) tabs() []systemTab {
	tab := func(label string, f systemFilter) systemTab {
		f.Text, f.SSO, f.Owner = v.Filter.Text, v.Filter.SSO, v.Filter.Owner
		t := systemTab{Label: label, Filter: f, Here: f == v.Filter}
		for _, l := range v.All {
			if f.matches(l, v.Now) {
				t.Count++
			}
		}
		return t
	}
	return []systemTab{tab("All", systemFilter{}), tab("Left alone", systemFilter{Down: true}), tab("People at risk", systemFilter{Risk: true}), tab("Gaps", systemFilter{Gap: true}),
		tab("Not proven in 90 days", systemFilter{Old: true}), tab("By hand", systemFilter{Hand: true}),
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
	alone, err := s.leftAlones(v)
	if err != nil {
		return err
	}
	view := systemsView{Filter: f, Sets: v.may(confirmAccounts), Zone: v.zone, Now: v.now}
	if view.All, err = s.systemLines(v, alone); err != nil {
		return err
	}
	for _, l := range view.All {
		if f.matches(l, v.now) {
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
	Risks   riskView
	Shadow  shadowView
	Sheet   string       // of its connector
	Child   []systemLine // whose access ends with this one's sign-on
	Listens *listensView
	visit   *visit
}

func (s *server) systemPage(v *visit) error {
	alone, err := s.leftAlones(v)
	if err != nil {
		return err
	}
	lines, err := s.systemLines(v, alone)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(lines, func(l systemLine) bool { return l.System.Name == v.PathValue("id") })
	if i < 0 {
		return nothingHere()
	}
	view := systemView{systemLine: lines[i], Sheet: s.Connectors.SheetOf(lines[i].System.Name), visit: v}
	for _, l := range lines {
		if l.System.SSO == view.System.Name {
			view.Child = append(view.Child, l)
		}
	}
	if view.Risks, err = s.risks(v, lines[i]); err != nil {
		return err
	}
	if view.Shadow, err = s.shadow(v, view.System); err != nil {
		return err
	}
	if view.Listens, err = s.listens(v, view.System.Name); err != nil {
		return err
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
