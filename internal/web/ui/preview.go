package ui

import (
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

// previewFields are the facts of a departure that a preview asks for, as its address carries them. Nobody's name is among
// them: addresses are kept by browsers and proxies.
var previewFields = []string{"case", "type", "last_day", "cut_off_clock", "immediate", "leaver.entity", "leaver.title", "leaver.department", "leaver.place", "leaver.zone", "leaver.country", "leaver.region", "leaver.employment", "view", "scale", "page"}

// previewFlags are what modifiers look at, with the words of the form.
var previewFlags = []exeunt.Flag{exeunt.Executive, exeunt.OnLeave, exeunt.LitigationHold, exeunt.Privileged, exeunt.Protected}

// previewRows is how many rows a page of the preview draws; all are in its table, page by page.
const previewRows = 60

// previewForm is what somebody wants to see the plan of. Its address is the only place where it is kept.
type previewForm struct{ startForm }

func readPreviewForm(q url.Values) previewForm {
	out := url.Values{}
	for _, name := range previewFields {
		if value := strings.TrimSpace(q.Get(name)); value != "" {
			out.Set(name, value)
		}
	}
	for _, flag := range previewFlags {
		if slices.Contains(q["flag"], string(flag)) {
			out.Add("flag", string(flag))
		}
	}
	if out.Get("view") != "table" {
		out.Del("view")
		out.Del("page")
	}
	if scaleOf(out.Get("scale")) == scaleAuto {
		out.Del("scale")
	}
	if n, err := strconv.Atoi(out.Get("page")); err != nil || n < 2 {
		out.Del("page")
	}
	return previewForm{startForm{Values: out}}
}

func (f previewForm) flagged(flag exeunt.Flag) bool {
	return slices.Contains(f.Values["flag"], string(flag))
}

// url is the address of the preview with some of it changed; another view begins on its first page.
func (f previewForm) url(changes ...string) string {
	v := url.Values{}
	for name, values := range f.Values {
		v[name] = values
	}
	for i := 0; i+1 < len(changes); i += 2 {
		v.Del(changes[i])
		if changes[i+1] != "" {
			v.Set(changes[i], changes[i+1])
		}
	}
	return address("/preview", v)
}

func (f previewForm) page() int {
	n, err := strconv.Atoi(f.value("page"))
	if err != nil {
		return 1
	}
	return n
}

// anybody stands for who leaves where the preview is of nobody in particular.
const anybody = "Somebody who leaves"

// departure puts what was filled in over what is known of a case, as far as the viewer may know that.
func (f previewForm) departure(known *exeunt.Departure, v viewer) exeunt.Departure {
	d := exeunt.Departure{Leaver: exeunt.Leaver{ID: "preview", Name: anybody}}
	if known != nil {
		d = *known
		d.Leaver.Flags = v.flags(d.Leaver)
		if !v.may(seeType) { // the policy would tell what the page does not
			d.Type = ""
		}
	}
	over := func(field *string, name string) { *field = orElse(f.value(name), *field) }
	l := &d.Leaver
	for name, field := range map[string]*string{
		"leaver.entity": &l.Entity, "leaver.title": &l.Title, "leaver.department": &l.Department, "leaver.place": &l.Place, "leaver.zone": &l.Zone,
		"leaver.country": &l.Country, "leaver.region": &l.Region, "leaver.employment": &l.Employment, "cut_off_clock": &d.CutOffClock,
	} {
		over(field, name)
	}
	d.Type = exeunt.DepartureType(orElse(f.value("type"), string(d.Type)))
	if day := f.value("last_day"); day != "" && exeunt.Date(day) != d.LastDay {
		d.LastDay, d.TerminationDate, d.CutOffAt = exeunt.Date(day), exeunt.Date(day), time.Time{}
	}
	d.Immediate = d.Immediate || f.value("immediate") != ""
	for _, flag := range previewFlags {
		if f.flagged(flag) && !l.Has(flag) {
			l.Flags = append(slices.Clone(l.Flags), flag)
		}
	}
	return d
}

// previewView is the plan of a departure that may come, drawn as that of a case.
type previewView struct {
	Form   previewForm
	Made   bool // there is a plan to show
	Plan   exeunt.Preview
	Case   caseView
	Folded int // rows that the timeline leaves to the table
	Rows   []previewRow
	Viewer viewer
	now    time.Time
}

func (s *server) previewPage(v *visit) error {
	f := readPreviewForm(v.URL.Query())
	if !sameValues(v.URL.Query(), f.Values) {
		http.Redirect(v.w, v.Request, f.url(), http.StatusFound)
		return nil
	}
	view := previewView{Form: f, Viewer: v.viewer, now: v.now}
	known, err := s.previewed(v, f)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if d := f.departure(known, v.viewer); d.Type != "" {
		view.Plan, err = s.Previews.Preview(v.Context(), d)
		switch exeunt.KindOf(err) {
		case "":
			view.draw(v)
		case exeunt.Invalid:
			view.Form.Error, view.Form.Field = sentence(exeunt.MessageOf(err)), fieldOf(err)
			status = http.StatusUnprocessableEntity
		default:
			return err
		}
	}
	ch := s.chrome(v, "cases", "Preview", crumb{"Cases", "/cases"})
	return write(v.w, v.Request, status, previewTemplate(ch, view))
}

// previewed is the departure of the case that is asked about; nil where none is.
func (s *server) previewed(v *visit, f previewForm) (*exeunt.Departure, error) {
	if f.value("case") == "" {
		return nil, nil
	}
	id, err := exeunt.ParseCaseID(f.value("case"))
	if err != nil {
		return nil, nothingHere()
	}
	file, err := s.Reader(v.Viewer()).CaseFile(v.Context(), id)
	if err != nil {
		return nil, err
	}
	return &file.Case.Departure, nil
}

// draw makes the timeline and the table.
func (p *previewView) draw(v *visit) {
	p.Made = true
	plan := p.Plan.Plan()
	for i, step := range plan.Steps {
		if step.State == exeunt.StepReady { // nothing has begun, also of what would begin at once
			plan.Steps[i].State = exeunt.StepScheduled
		}
	}
	p.Case = viewCase(store.CaseFile{Case: plan.Case, Steps: plan.Steps, Tasks: plan.Tasks}, nil, LedgerCheck{}, v.viewer, scaleOf(p.Form.value("scale")), v.now)
	p.Rows = p.rows()
	why := map[string]string{}
	for _, r := range p.Rows {
		why[r.id] = sentence(r.Why)
	}
	room := previewRows
	for i := range p.Case.Branches {
		b := &p.Case.Branches[i]
		keep := min(len(b.Rows), room)
		p.Folded, room = p.Folded+len(b.Rows)-keep, room-keep
		b.Rows = b.Rows[:keep]
		for n := range b.Rows { // there is nothing behind them yet
			b.Rows[n].URL, b.Rows[n].Note = "", orElse(why[b.Rows[n].ID], b.Rows[n].Note)
		}
	}
}

// previewRow is a step or task of the table.
type previewRow struct {
	id                                       string
	Branch, Title, Where, Owner, Why, Proven string
	Starts, By                               time.Time
	StartRule, DeadlineRule                  string
	Waits                                    []string
}

func (p *previewView) rows() []previewRow {
	var out []previewRow
	for _, s := range p.Plan.Steps {
		out = append(out, previewRow{
			"s-" + slug(s.Key), s.Branch, s.Title, s.SystemTitle, s.Owner.String(), s.Why, gradeWords(s.Grade), s.StartsAt, s.Deadline, s.StartRule.String(), s.DeadlineRule.String(), waitingWords(s.After, s.Approval),
		})
	}
	for _, t := range p.Plan.Tasks {
		out = append(out, previewRow{
			"t-" + slug(t.Key), t.Branch, t.Title, "", t.Owner.String(), t.Why, gradeWords(t.Grade), t.StartsAt, t.Deadline, t.StartRule.String(), t.DeadlineRule.String(), waitingWords(t.After, nil),
		})
	}
	slices.SortStableFunc(out, func(a, b previewRow) int { return a.Starts.Compare(b.Starts) })
	return out
}

func gradeWords(p exeunt.Proof) string {
	word, _, _ := strings.Cut(proofWords[p], ":")
	return orElse(word, string(p))
}

// waitingWords are what a step waits for, each reason once.
func waitingWords(after []exeunt.Dependency, a *exeunt.Approval) []string {
	var out []string
	if a != nil {
		out = append(out, fmt.Sprintf("Approval of %s: %s", orElse(a.Owner.String(), a.Role), a.For))
	}
	for _, d := range after {
		if words := sentence(d.Because); !slices.Contains(out, words) {
			out = append(out, words)
		}
	}
	return out
}

// shown are the rows of the page of the table.
func (p previewView) shown() []previewRow {
	from := min((p.Form.page()-1)*previewRows, len(p.Rows))
	return p.Rows[from:min(from+previewRows, len(p.Rows))]
}

func (p previewView) pages() int { return (len(p.Rows) + previewRows - 1) / previewRows }

func (p previewView) pageURL(n int) string {
	if n <= 1 {
		return p.Form.url("page", "")
	}
	return p.Form.url("page", strconv.Itoa(n))
}

func (p previewView) scaleURL(scale string) string {
	if scale == scaleAuto {
		scale = ""
	}
	return p.Form.url("scale", scale)
}

// lastDay is what the form proposes: the one that was asked for, else a fortnight ahead.
func (p previewView) lastDay() string {
	if p.Form.value("last_day") != "" || p.Form.value("case") != "" {
		return p.Form.value("last_day")
	}
	return p.now.AddDate(0, 0, 14).Format(time.DateOnly)
}

// byPeople is how many tasks people would have.
func (p previewView) byPeople() int { return len(p.Plan.Tasks) }

// covered counts the systems that a plan covers in one way.
func (p previewView) covered(by exeunt.Coverage) int {
	n := 0
	for _, s := range p.Plan.Systems {
		if s.By == by {
			n++
		}
	}
	return n
}

// modified says what modifiers did, each thing once.
func (p previewView) modified() []string {
	var out []string
	note := func(title string, all []exeunt.Modification) {
		for _, m := range all {
			line := fmt.Sprintf("%s: %s %s, since %s", m.Modifier, lower(title), m.What, m.Because)
			if !slices.Contains(out, line) {
				out = append(out, line)
			}
		}
	}
	for _, s := range p.Plan.Steps {
		note(s.Rule, s.Modified)
	}
	for _, t := range p.Plan.Tasks {
		note(t.Rule, t.Modified)
	}
	for _, gone := range p.Plan.LeftOut {
		out = append(out, fmt.Sprintf("%s: %s is left out, since %s", gone.Modifier, gone.Title, gone.Because))
	}
	return out
}
