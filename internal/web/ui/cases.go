package ui

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// rowsAPage is how many cases a page of the list shows.
const rowsAPage = 40

var caseTabs = []struct{ Key, Label string }{
	{"", "All"}, {"attention", "Needs attention"}, {"running", "In progress"}, {"scheduled", "Scheduled"}, {"held", "Held"}, {"closed", "Closed"},
}

var caseSorts = []struct{ Key, Label string }{
	{"", "Needs attention first"}, {"last-day", "Last day"}, {"name", "Name"}, {"newest", "Newest first"},
}

// caseFilter is the address of the list: the only place where its state is kept.
type caseFilter struct {
	store.CaseQuery
}

// readCaseFilter takes what it knows from an address; the rest is dropped.
func readCaseFilter(q url.Values, v viewer) caseFilter {
	f := caseFilter{store.CaseQuery{
		Text: strings.TrimSpace(q.Get("q")), Department: q.Get("dept"), Place: q.Get("place"), Page: 1, Size: rowsAPage,
	}}
	for _, tab := range caseTabs {
		if q.Get("state") == tab.Key {
			f.State = tab.Key
		}
	}
	for _, sort := range caseSorts {
		if q.Get("sort") == sort.Key {
			f.Sort = sort.Key
		}
	}
	if v.may(seeType) && slices.Contains(exeunt.DepartureTypes, exeunt.DepartureType(q.Get("type"))) {
		f.Type = q.Get("type") // for anybody else the filter would tell what the page does not
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 1 {
		f.Page = n
	}
	return f
}

func (f caseFilter) values() url.Values {
	v := url.Values{}
	for key, value := range map[string]string{"state": f.State, "q": f.Text, "type": f.Type, "dept": f.Department, "place": f.Place, "sort": f.Sort} {
		if value != "" {
			v.Set(key, value)
		}
	}
	if f.Page > 1 {
		v.Set("page", strconv.Itoa(f.Page))
	}
	return v
}

// url is the canonical address of the filter with some of it changed; a change begins on page one.
func (f caseFilter) url(changes ...string) string {
	v := f.values()
	for i := 0; i+1 < len(changes); i += 2 {
		v.Del("page")
		v.Del(changes[i])
		if changes[i+1] != "" {
			v.Set(changes[i], changes[i+1])
		}
	}
	return address("/cases", v)
}

func address(path string, v url.Values) string {
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

func (f caseFilter) page(n int) string {
	f.Page = n
	return f.url()
}

// filtered says whether anything but the tab narrows the list.
func (f caseFilter) filtered() bool {
	return f.Text != "" || f.Type != "" || f.Department != "" || f.Place != ""
}

// whyEmpty names the filters that left nothing, so that the reader knows which one to lift.
func (f caseFilter) whyEmpty() string {
	var parts []string
	for _, p := range [][2]string{{"text", f.Text}, {"type", f.Type}, {"department", f.Department}, {"place", f.Place}, {"state", f.State}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" “"+p[1]+"”")
		}
	}
	if len(parts) == 0 {
		return "No departure is on record yet."
	}
	return "Looked for " + strings.Join(parts, ", ") + " in all departures on record."
}

// casesView is the list of cases.
type casesView struct {
	store.CasePage
	Filter caseFilter
	visit  *visit
}

func (c casesView) from() int  { return (c.Filter.Page-1)*rowsAPage + 1 }
func (c casesView) to() int    { return c.from() + len(c.Rows) - 1 }
func (c casesView) pages() int { return (c.Total + rowsAPage - 1) / rowsAPage }

func (s *server) casesPage(v *visit) error {
	f := readCaseFilter(v.URL.Query(), v.viewer)
	if !sameValues(v.URL.Query(), f.values()) && !wants(v.Request, "section#results") {
		http.Redirect(v.w, v.Request, f.url(), http.StatusFound)
		return nil
	}
	page, err := s.Reader(v.Viewer()).Cases(v.Context(), f.CaseQuery, v.now)
	if err != nil {
		return err
	}
	page.Rows = slices.Clone(page.Rows)
	for i, r := range page.Rows {
		page.Rows[i] = v.row(r)
	}
	view := casesView{CasePage: page, Filter: f, visit: v}
	if len(page.Rows) == 0 && page.Total > 0 {
		http.Redirect(v.w, v.Request, f.page(view.pages()), http.StatusFound)
		return nil
	}
	if wants(v.Request, "section#results") {
		v.w.Header().Set("HX-Push-Url", f.url())
		return v.show(caseResults(view))
	}
	return v.show(casesTemplate(s.chrome(v, "cases", "Cases"), view))
}

// sameValues says whether an address is canonical already, whatever the order of its parameters.
func sameValues(a, b url.Values) bool {
	return maps.EqualFunc(a, b, slices.Equal)
}

// accessWords is how far access is, in a list.
func accessWords(r store.CaseRow, v *visit) string {
	switch {
	case !r.AccessAt.IsZero() && r.AccessAt.Before(r.CutOff):
		return "Before the cut-off"
	case !r.AccessAt.IsZero():
		return "In " + took(r.AccessAt.Sub(r.CutOff))
	case r.State == exeunt.CaseRescinded:
		return "Taken back"
	case v.now.Before(r.CutOff):
		return upper(distance(r.CutOff, v.now))
	case r.AccessSteps == 0:
		return "–"
	default:
		return fmt.Sprintf("%d of %d so far", r.AccessDone, r.AccessSteps)
	}
}

// startForm is what a person enters to start a case without the HR system.
type startForm struct {
	Values url.Values
	Error  string
	Field  string
	Reason string
}

func (f startForm) value(name string) string { return f.Values.Get(name) }

func (s *server) newCasePage(v *visit) error {
	form := startForm{Values: url.Values{"leaver.zone": {v.zone.String()}}}
	return v.show(startTemplate(s.chrome(v, "cases", "Start a case", crumb{"Cases", "/cases"}), form))
}

// startCase starts a case in the reader's name. That is an override of the HR system, so it needs a
// reason; the same person again is absorbed by the engine, so a double post is harmless.
func (s *server) startCase(v *visit) error {
	if err := v.ParseForm(); err != nil {
		return exeunt.Errorf(exeunt.Invalid, "the form did not arrive in full: send it again").Because(err)
	}
	form := startForm{Values: v.PostForm}
	d := departureOf(v.PostForm)
	by := v.override(v.PostFormValue("reason"))
	err := d.Check()
	if err == nil {
		err = by.Check()
	}
	var id exeunt.CaseID
	if err == nil {
		id, err = s.Commands(v.Viewer()).StartCase(v.Context(), d, by)
	}
	switch kind := exeunt.KindOf(err); kind {
	case "":
		s.changed()
		return v.goTo("/cases/"+id.String(), "Started by "+v.signs()+".")
	case exeunt.Invalid, exeunt.Conflict:
		form.Error, form.Field = sentence(exeunt.MessageOf(err)), fieldOf(err)
		status := http.StatusUnprocessableEntity
		if kind == exeunt.Conflict {
			status = http.StatusConflict
		}
		return write(v.w, v.Request, status, startTemplate(s.chrome(v, "cases", "Start a case", crumb{"Cases", "/cases"}), form))
	default:
		return err
	}
}

// departureOf reads the fields of the form; they carry the names by which errors call them.
func departureOf(f url.Values) exeunt.Departure {
	get := func(name string) string { return strings.TrimSpace(f.Get(name)) }
	last := exeunt.Date(get("last_day"))
	return exeunt.Departure{
		Leaver: exeunt.Leaver{
			ID: get("leaver.id"), Entity: get("leaver.entity"), Name: get("leaver.name"), Title: get("leaver.title"), Department: get("leaver.department"),
			Manager: exeunt.Person{Name: get("manager.name"), Email: get("manager.email"), Role: "manager"},
			Place:   get("leaver.place"), Zone: get("leaver.zone"),
			Identifiers: map[exeunt.IdentifierKind]string{exeunt.EmployeeID: get("leaver.id"), exeunt.WorkEmail: get("leaver.email")},
		},
		Type: exeunt.DepartureType(get("type")), LastDay: last, TerminationDate: last,
		CutOffClock: get("cut_off_clock"), Immediate: get("immediate") != "", Embargo: startTerms(f),
	}
}

func fieldOf(err error) string {
	if e, ok := asError(err); ok {
		return e.Field
	}
	return ""
}
