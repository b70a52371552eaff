package ui

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web"
)

// comparedRows is how many people a page of the comparison shows, and comparedWorks how many kinds of difference.
const (
	comparedRows  = 25
	comparedWorks = 30
	comparedEach  = 8 // differences of one person that are shown at once
)

// compareFilter is the address of a comparison.
type compareFilter struct {
	web.Comparison
	Effect exeunt.Effect // only departures that have it; "" for all
	Page   int
}

func readCompareFilter(q url.Values) compareFilter {
	f := compareFilter{Comparison: web.Comparison{Against: q.Get("against"), From: exeunt.Date(q.Get("from")), To: exeunt.Date(q.Get("to"))}, Page: 1}
	for _, e := range exeunt.Effects {
		if q.Get("effect") == effectSlug(e) {
			f.Effect = e
		}
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 1 {
		f.Page = n
	}
	return f
}

func (f compareFilter) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{"against": f.Against, "from": string(f.From), "to": string(f.To), "effect": effectSlug(f.Effect)} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if f.Page > 1 {
		v.Set("page", strconv.Itoa(f.Page))
	}
	return v
}

// url is the address of the comparison with another effect or page.
func (f compareFilter) url(effect exeunt.Effect, page int) string {
	f.Effect, f.Page = effect, page
	return address("/preview/compare", f.values())
}

func effectSlug(e exeunt.Effect) string { return strings.ReplaceAll(string(e), " ", "-") }

// effectWords are an effect as people read it, and how it is drawn.
func effectWords(e exeunt.Effect) (drawn status, words string) {
	switch e {
	case exeunt.EffectAdded:
		return statusScheduled, "Added"
	case exeunt.EffectGone:
		return statusSkipped, "Gone"
	case exeunt.EffectLater:
		return statusLate, "Later"
	case exeunt.EffectSooner:
		return statusRunning, "Sooner"
	case exeunt.EffectOtherOwner:
		return statusPerson, "Other owner"
	default:
		return statusWaiting, "Otherwise"
	}
}

// compareView is how departures would go otherwise by the present policies.
type compareView struct {
	web.DeparturesCompared
	Filter compareFilter
	Sets   []store.PolicySet
	Error  string
	visit  *visit
}

func (s *server) comparePage(v *visit) error {
	f := readCompareFilter(v.URL.Query())
	if !sameValues(v.URL.Query(), f.values()) {
		http.Redirect(v.w, v.Request, address("/preview/compare", f.values()), http.StatusFound)
		return nil
	}
	view := compareView{Filter: f, visit: v}
	var err error
	if view.Sets, err = s.Policies.PolicySets(v.Context()); err != nil {
		return err
	}
	code := http.StatusOK
	view.DeparturesCompared, err = s.Previews.CompareDepartures(v.Context(), v.Viewer(), f.Comparison)
	switch exeunt.KindOf(err) {
	case "":
	case exeunt.Invalid:
		view.Error, code = sentence(exeunt.MessageOf(err)), http.StatusUnprocessableEntity
	default:
		return err
	}
	ch := s.chrome(v, "cases", "Compare policies", crumb{"Cases", "/cases"}, crumb{"Preview", "/preview"})
	return write(v.w, v.Request, code, compareTemplate(ch, view))
}

// rows are the departures that have the effect that is asked about.
func (c compareView) rows() []exeunt.DepartureCompared {
	if c.Filter.Effect == "" {
		return c.Differ
	}
	return slices.DeleteFunc(slices.Clone(c.Differ), func(d exeunt.DepartureCompared) bool { return !d.Has(c.Filter.Effect) })
}

func (c compareView) shown() []exeunt.DepartureCompared {
	all := c.rows()
	from := min((c.Filter.Page-1)*comparedRows, len(all))
	return all[from:min(from+comparedRows, len(all))]
}

func (c compareView) pages() int { return max((len(c.rows())+comparedRows-1)/comparedRows, 1) }

// works are the kinds of difference with the effect that is asked about, those that concern most departures first.
func (c compareView) works() []exeunt.WorkTally {
	if c.Filter.Effect == "" {
		return c.Tally.Works
	}
	return slices.DeleteFunc(slices.Clone(c.Tally.Works), func(w exeunt.WorkTally) bool { return w.Effect != c.Filter.Effect })
}

func (c compareView) summary() string {
	against := "those that each was planned by"
	if c.Filter.Against != "" {
		against = "version " + c.Filter.Against
	}
	return fmt.Sprintf("The present policies (version %s) against %s, for last days %s.", c.Set, against, c.days())
}

func (c compareView) days() string {
	if c.To == "" {
		return "from " + longDay(c.From)
	}
	return "from " + longDay(c.From) + " to " + longDay(c.To)
}

// label is a version as people choose it.
func (c compareView) label(set store.PolicySet) string {
	out := set.Version + ", since " + full(set.KeptAt, c.visit.zone)
	if set.Version == c.Set {
		out += " (present)"
	}
	return out
}

// policyWords are the policy of a departure before and now.
func policyWords(d exeunt.DepartureCompared) string {
	if d.Before == d.Policy || d.Before == "" {
		return d.Policy
	}
	if d.Policy == "" {
		return d.Before
	}
	return d.Before + " → " + d.Policy
}

// lastDayOf draws a last day in lists.
func (c compareView) lastDayOf(d exeunt.DepartureCompared) string {
	return shortDay(d.LastDay, c.visit.now)
}

// day is what the form shows for one.
func (c compareView) day(asked, used exeunt.Date) string { return orElse(string(asked), string(used)) }

// changeOf is a difference in a word.
func changeOf(d exeunt.PlanDifference) string {
	_, words := changeWords(d)
	return words
}
