package ui

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web"
)

// Policies are the policies and modifiers of the configuration, as they are and as cases were planned with them.
type Policies interface {
	// PolicyVersion is that of the present ones.
	PolicyVersion() string
	// PolicySets lists the versions that are kept, the newest first.
	PolicySets(ctx context.Context) ([]store.PolicySet, error)
	// PolicyBook is one version, to be read.
	PolicyBook(ctx context.Context, version string) (PolicyBook, error)
}

// PolicyBook is one version of everything by which departures are planned.
type PolicyBook struct {
	Version   string
	Policies  []exeunt.Policy   // in the order in which they are asked
	Modifiers []exeunt.Modifier // in the order in which they count
	Texts     []PolicyText
}

// PolicyText is a file of it.
type PolicyText struct{ Name, Text string }

// policiesView is the page of the policies.
type policiesView struct {
	Book    PolicyBook
	Now     string // the present version
	Sets    []store.PolicySet
	Against *PolicyBook // the version that it is compared with
	Viewer  viewer
	zone    *time.Location
}

func (s *server) policiesPage(v *visit) error {
	q := v.URL.Query()
	view := policiesView{Now: s.Policies.PolicyVersion(), Viewer: v.viewer, zone: v.zone}
	version, against := orElse(q.Get("version"), view.Now), q.Get("against")
	if wanted := policiesValues(version, against, view.Now); !sameValues(q, wanted) {
		http.Redirect(v.w, v.Request, address("/policies", wanted), http.StatusFound)
		return nil
	}
	var err error
	if view.Sets, err = s.Policies.PolicySets(v.Context()); err != nil {
		return err
	}
	if view.Book, err = s.Policies.PolicyBook(v.Context(), version); err != nil {
		return err
	}
	if against != "" {
		other, err := s.Policies.PolicyBook(v.Context(), against)
		if err != nil {
			return err
		}
		view.Against = &other
	}
	return v.show(policiesTemplate(s.chrome(v, "inventory", "Policies", crumb{"Systems", "/systems"}), view))
}

// policiesValues are the address of a version, without what needs no saying.
func policiesValues(version, against, now string) url.Values {
	v := url.Values{}
	if version != now {
		v.Set("version", version)
	}
	if against != "" && against != version {
		v.Set("against", against)
	}
	return v
}

// comparison is what the departures are compared with from here: the version that is not the present one.
func (p policiesView) comparison() web.Comparison {
	for _, version := range []string{p.Book.Version, p.against()} {
		if version != p.Now {
			return web.Comparison{Against: version}
		}
	}
	return web.Comparison{}
}

func (p policiesView) summary() string {
	out := fmt.Sprintf("%s · %s · version %s", plural(len(p.Book.Policies), "policy", "policies"), plural(len(p.Book.Modifiers), "modifier", "modifiers"), p.Book.Version)
	if p.Book.Version == p.Now {
		return out + ", which new cases are planned by"
	}
	return out + ", which new cases are not planned by any more"
}

// label is a version as people choose it.
func (p policiesView) label(set store.PolicySet) string {
	out := set.Version + ", since " + full(set.KeptAt, p.zone)
	if set.Version == p.Now {
		out += " (present)"
	}
	return out
}

// against is the version that is chosen to compare with.
func (p policiesView) against() string {
	if p.Against == nil {
		return ""
	}
	return p.Against.Version
}

// modifierSays is what a modifier does, a line for each rule.
func modifierSays(m exeunt.Modifier) []string {
	var out []string
	for _, r := range m.Add {
		out = append(out, fmt.Sprintf("adds %s: %s", orElse(r.Title, r.Name), m.Because))
	}
	for _, a := range m.Change {
		var what []string
		if a.Owner != nil {
			what = append(what, "owner "+*a.Owner)
		}
		if a.Approver != nil {
			what = append(what, "approver "+orElse(*a.Approver, "none"))
		}
		if a.Start != nil {
			what = append(what, "start "+a.Start.String())
		}
		if a.Deadline != nil {
			what = append(what, "deadline "+a.Deadline.String())
		}
		out = append(out, fmt.Sprintf("changes %s: %s, since %s", a.Rule, strings.Join(what, ", "), a.Because))
	}
	for _, r := range m.Remove {
		out = append(out, fmt.Sprintf("leaves out %s, since %s", r.Rule, r.Because))
	}
	return out
}

// ruleDoes is what a rule asks for.
func ruleDoes(r exeunt.Rule) string {
	if r.Task != nil {
		return "task of " + r.Task.Owner
	}
	words := make([]string, len(r.Actions))
	for i, a := range r.Actions {
		words[i] = a.Words()
	}
	out := strings.Join(words, ", ")
	if r.Approver != "" {
		out += ", approved by " + r.Approver
	}
	return out
}

// textDiff is how a file differs between two versions.
type textDiff struct {
	Name  string
	Lines []diffLine
}

// diffLine is a line that was added ("+"), removed ("-"), or stands around those ("").
type diffLine struct{ Mark, Text string }

// diffs are the files that differ, in the order of their names.
func (p policiesView) diffs() []textDiff {
	before, after := map[string]string{}, map[string]string{}
	var names []string
	for _, t := range p.Against.Texts {
		before[t.Name] = t.Text
		names = append(names, t.Name)
	}
	for _, t := range p.Book.Texts {
		after[t.Name] = t.Text
		names = append(names, t.Name)
	}
	slices.Sort(names)
	var out []textDiff
	for _, name := range slices.Compact(names) {
		if before[name] != after[name] {
			out = append(out, textDiff{name, around(compareLines(linesOf(before[name]), linesOf(after[name])), 2)})
		}
	}
	return out
}

func linesOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// compareLines aligns two texts by their longest common sequence of lines. Policies have some hundreds of them.
func compareLines(a, b []string) []diffLine {
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []diffLine
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, diffLine{"", a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, diffLine{"-", a[i]})
			i++
		default:
			out = append(out, diffLine{"+", b[j]})
			j++
		}
	}
	return out
}

// around keeps what differs with some lines on either side, and an ellipsis for the rest.
func around(lines []diffLine, keep int) []diffLine {
	var out []diffLine
	for i, l := range lines {
		near := slices.ContainsFunc(lines[max(0, i-keep):min(len(lines), i+keep+1)], func(o diffLine) bool { return o.Mark != "" })
		switch {
		case near:
			out = append(out, l)
		case len(out) == 0 || out[len(out)-1].Mark != "…":
			out = append(out, diffLine{"…", ""})
		}
	}
	return out
}

// modifierNames are the modifiers that count for a case.
func modifierNames(c exeunt.Case) string {
	names := make([]string, len(c.Modifiers))
	for i, m := range c.Modifiers {
		names[i] = m.Name
	}
	return strings.Join(names, ", ")
}

// spanWords is a length of time as a policy writes it: 30 min, 4 h.
func spanWords(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d min", d/time.Minute)
}
