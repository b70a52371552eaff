package ui

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt/internal/inventory"
)

// gapFilter is the address of the gaps.
type gapFilter struct {
	Tier  int
	Found bool // what sources show and the inventory lacks
}

func readGapFilter(q url.Values) gapFilter {
	tier, err := strconv.Atoi(q.Get("tier"))
	if err != nil || tier < 1 || tier > 3 {
		tier = 0
	}
	return gapFilter{Tier: tier, Found: q.Get("found") == "1"}
}

func (f gapFilter) values() url.Values {
	v := url.Values{}
	if f.Tier > 0 {
		v.Set("tier", strconv.Itoa(f.Tier))
	}
	if f.Found {
		v.Set("found", "1")
	}
	return v
}

func (f gapFilter) matches(g inventory.Gap) bool {
	return (f.Tier == 0 || g.Tier == f.Tier) && (!f.Found || g.System == "")
}

// gapsView is what nobody knows or has written down.
type gapsView struct {
	Filter gapFilter
	All    []inventory.Gap
	Sheets []inventory.Sheet
}

func (v gapsView) rows() []inventory.Gap {
	return slices.DeleteFunc(slices.Clone(v.All), func(g inventory.Gap) bool { return !v.Filter.matches(g) })
}

type gapTab struct {
	Label  string
	Filter gapFilter
	Count  int
	Here   bool
}

func (v gapsView) tabs() []gapTab {
	tab := func(label string, f gapFilter) gapTab {
		t := gapTab{Label: label, Filter: f, Here: f == v.Filter}
		for _, g := range v.All {
			if f.matches(g) {
				t.Count++
			}
		}
		return t
	}
	return []gapTab{tab("All", gapFilter{}), tab("Not in the inventory", gapFilter{Found: true}), tab("Tier 1", gapFilter{Tier: 1}), tab("Tier 2", gapFilter{Tier: 2}), tab("Tier 3", gapFilter{Tier: 3})}
}

// summary says how many there are, and by what they were found.
func (v gapsView) summary() string {
	out := plural(len(v.All), "gap", "gaps")
	if len(v.Sheets) == 0 {
		return out + " · nothing is imported yet, so that only what the inventory says of itself is compared"
	}
	var sources []string
	for _, s := range v.Sheets {
		sources = append(sources, fmt.Sprintf("%s (%s)", s.Source.Words(), plural(len(s.Found), "application", "applications")))
	}
	return out + " · compared with " + strings.Join(sources, ", ")
}

// gapKind says what a gap is about, and with which status it is drawn.
func gapKind(g inventory.Gap) (drawn status, words string) {
	switch g.Kind {
	case inventory.Unlisted:
		return statusLate, "Not in the inventory"
	case inventory.Undecided:
		return statusPerson, "To decide"
	case inventory.NoOwner:
		return statusLate, "No owner"
	case inventory.NoFallback:
		return statusLate, "No way by hand"
	case inventory.Identifier:
		return statusLate, "Other identifier"
	case inventory.OtherOwner:
		return statusPerson, "Other owner"
	case inventory.NoAPI:
		return statusPerson, "No API"
	case inventory.ByHand:
		return statusPerson, "Done by hand"
	case inventory.SignOnGap:
		return statusPerson, "Sign-on differs"
	case inventory.NoData:
		return statusPerson, "Not described"
	case inventory.Unseen:
		return statusPerson, "Still used?"
	default:
		return statusPerson, string(g.Kind)
	}
}

// gapTodo is what to do, as a sentence unless it is a command to type.
func gapTodo(g inventory.Gap) string {
	if strings.HasPrefix(g.Todo, "exeunt ") {
		return g.Todo
	}
	return sentence(g.Todo)
}

// gapExtent is how much an application is used.
func gapExtent(g inventory.Gap) string {
	var out []string
	if g.People > 0 {
		out = append(out, plural(g.People, "person", "people"))
	}
	if g.Spend != 0 {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%.2f %s", g.Spend, g.Currency)))
	}
	return strings.Join(out, " · ")
}

func (s *server) gapsPage(v *visit) error {
	f := readGapFilter(v.URL.Query())
	if !sameValues(v.URL.Query(), f.values()) {
		http.Redirect(v.w, v.Request, address("/gaps", f.values()), http.StatusFound)
		return nil
	}
	view := gapsView{Filter: f, All: s.Inventory.Gaps(), Sheets: s.Inventory.Sheets()}
	return v.show(gapsTemplate(s.chrome(v, "inventory", "What is missing", crumb{"Systems", "/systems"}), view))
}
