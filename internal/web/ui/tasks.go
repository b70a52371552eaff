package ui

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// tasksShown bounds the list; the nearest deadlines come first, so what is cut off can wait.
const tasksShown = 100

// taskFilter is the address of the inbox.
type taskFilter struct {
	Group string // due, case or system
	Owner string // "me", an e-mail address or a name
	State string // "" for open ones, done
	Sel   exeunt.TaskID
}

var taskGroups = []struct{ Key, Label string }{{"", "By due date"}, {"case", "By case"}, {"system", "By system"}}

func readTaskFilter(q url.Values, v viewer) taskFilter {
	f := taskFilter{Owner: strings.TrimSpace(q.Get("owner"))}
	if g := q.Get("group"); g == "case" || g == "system" {
		f.Group = g
	}
	if q.Get("state") == "done" {
		f.State = "done"
	}
	if id, err := exeunt.ParseTaskID(q.Get("sel")); err == nil {
		f.Sel = id
	}
	if !v.may(seeAllTasks) {
		f.Owner = "me"
	}
	return f
}

func (f taskFilter) values(v viewer) url.Values {
	out := url.Values{}
	for key, value := range map[string]string{"group": f.Group, "owner": f.Owner, "state": f.State} {
		if value != "" && !(key == "owner" && !v.may(seeAllTasks)) {
			out.Set(key, value)
		}
	}
	if f.Sel != 0 {
		out.Set("sel", f.Sel.String())
	}
	return out
}

// tasksView is the inbox: groups on the left, one task on the right.
type tasksView struct {
	Filter  taskFilter
	Groups  []taskGroup
	Open    int
	Late    int
	More    bool
	Owners  []exeunt.Person
	Detail  *taskDetail
	Picked  bool // the reader chose the task; on a small screen it then comes first
	visit   *visit
	Command string
}

type taskGroup struct {
	Name string
	Rows []taskLine
}

type taskLine struct {
	store.TaskRow
	Status  status
	When    string
	Hot     bool
	Current bool
}

// taskDetail is one task with its form.
type taskDetail struct {
	store.TaskRow
	Status status
	Word   string
	Zone   *time.Location
	Ticked map[int]bool
	Note   string
	Error  string
	Field  string
	Since  []store.EntryRow // what others did since the form was opened
	Stale  bool
	Back   string
}

func (s *server) tasksPage(v *visit) error {
	f := readTaskFilter(v.URL.Query(), v.viewer)
	if !sameValues(v.URL.Query(), f.values(v.viewer)) && !wants(v.Request, "section#inbox") {
		http.Redirect(v.w, v.Request, address("/tasks", f.values(v.viewer)), http.StatusFound)
		return nil
	}
	view, err := s.viewTasks(v, f, nil)
	if err != nil {
		return err
	}
	if wants(v.Request, "section#inbox") {
		v.w.Header().Set("HX-Push-Url", address("/tasks", f.values(v.viewer)))
		return v.show(inbox(view))
	}
	return v.show(tasksTemplate(s.chrome(v, "tasks", "Tasks"), view))
}

// viewTasks reads the inbox. A detail that is given, such as a form that was refused, stands in for
// the one that would be read.
func (s *server) viewTasks(v *visit, f taskFilter, given *taskDetail) (tasksView, error) {
	view := tasksView{Filter: f, visit: v, Picked: f.Sel != 0, Detail: given}
	owner := f.Owner
	if owner == "me" {
		owner = v.Email
	}
	rows, err := s.Reader(v.Viewer()).Tasks(v.Context(), store.TaskQuery{State: f.State, Owner: owner, Limit: tasksShown + 1}, v.now)
	if err != nil {
		return view, err
	}
	rows = slices.DeleteFunc(rows, func(r store.TaskRow) bool { return !v.sees(r.Task) })
	if len(rows) > tasksShown {
		rows, view.More = rows[:tasksShown], true
	}
	if view.Detail == nil {
		if view.Detail, err = s.pickTask(v, f, rows); err != nil {
			return view, err
		}
	}
	for _, r := range rows {
		if r.Open() {
			view.Open++
		}
		if r.Late(v.now) {
			view.Late++
		}
		if !slices.ContainsFunc(view.Owners, func(p exeunt.Person) bool { return ownerKey(p) == ownerKey(r.Owner) }) && r.Owner.Named() {
			view.Owners = append(view.Owners, r.Owner)
		}
	}
	slices.SortFunc(view.Owners, func(a, b exeunt.Person) int { return cmp.Compare(a.String(), b.String()) })
	view.group(rows)
	return view, nil
}

func ownerKey(p exeunt.Person) string { return cmp.Or(p.Email, p.Name) }

// pickTask is the chosen task, or the first one. A task of somebody else does not exist for who sees
// only their own.
func (s *server) pickTask(v *visit, f taskFilter, rows []store.TaskRow) (*taskDetail, error) {
	var row store.TaskRow
	switch {
	case f.Sel != 0:
		var err error
		if row, err = s.Reader(v.Viewer()).Task(v.Context(), f.Sel); err != nil {
			return nil, err
		}
		if !v.sees(row.Task) {
			return nil, nothingHere()
		}
	case len(rows) > 0:
		row = rows[0]
	default:
		return nil, nil
	}
	return detail(row, f.values(v.viewer), v), nil
}

func detail(row store.TaskRow, back url.Values, v *visit) *taskDetail {
	d := &taskDetail{TaskRow: row, Zone: zoneOr(row.Zone, v.zone), Ticked: map[int]bool{}, Note: row.Note}
	d.Status, d.Word = taskStatus(row.Task, v.now)
	for _, i := range row.Ticked {
		d.Ticked[i] = true
	}
	d.Back = back.Encode()
	return d
}

// group puts the rows into groups that keep the order of their first row.
func (t *tasksView) group(rows []store.TaskRow) {
	for _, r := range rows {
		line := taskLine{TaskRow: r, Hot: r.Late(t.visit.now), Current: t.Detail != nil && t.Detail.ID == r.ID}
		line.Status, _ = taskStatus(r.Task, t.visit.now)
		line.When = t.when(r)
		name := t.groupOf(r)
		i := slices.IndexFunc(t.Groups, func(g taskGroup) bool { return g.Name == name })
		if i < 0 {
			t.Groups = append(t.Groups, taskGroup{Name: name})
			i = len(t.Groups) - 1
		}
		t.Groups[i].Rows = append(t.Groups[i].Rows, line)
	}
}

func (t *tasksView) groupOf(r store.TaskRow) string {
	switch {
	case t.Filter.Group == "case":
		return r.Name + ", " + r.Case.String()
	case t.Filter.Group == "system":
		return orElse(r.System, "No system")
	case !r.Open():
		return "Done"
	case r.State == exeunt.TaskWaiting:
		return "Waiting for something else"
	case r.Late(t.visit.now):
		return "Late"
	}
	zone := zoneOr(r.Zone, t.visit.zone)
	deadline := exeunt.Date(r.Deadline.In(zone).Format(time.DateOnly))
	switch relativeDay(deadline, t.visit.now, zone) {
	case "today", "yesterday":
		return "Today"
	}
	if r.Deadline.Sub(t.visit.now) < 7*day {
		return "Next 7 days"
	}
	return "Later"
}

// when is the deadline as the list says it: lateness, what is left, or the day.
func (t *tasksView) when(r store.TaskRow) string {
	zone := zoneOr(r.Zone, t.visit.zone)
	left := r.Deadline.Sub(t.visit.now)
	switch {
	case !r.Open():
		return "by " + orElse(r.DoneBy, "nobody")
	case left < 0:
		return took(-left) + " late"
	case left < 12*time.Hour:
		return "in " + took(left)
	default:
		return r.Deadline.In(zone).Format("Mon 2 Jan")
	}
}

// progress is the title with how much of its list is done.
func (l taskLine) progress() string {
	if len(l.Checklist) == 0 || !l.Open() || len(l.Ticked) == 0 {
		return l.Title
	}
	return fmt.Sprintf("%s, %d of %d", l.Title, len(l.Ticked), len(l.Checklist))
}

func (t tasksView) hasOwner() bool {
	return slices.ContainsFunc(t.Owners, func(p exeunt.Person) bool { return ownerKey(p) == t.Filter.Owner })
}

func (t tasksView) ownerWords() string {
	if t.Filter.Owner == "me" {
		return "yours"
	}
	return t.Filter.Owner
}

func (t tasksView) selectURL(id exeunt.TaskID) string {
	f := t.Filter
	f.Sel = id
	return address("/tasks", f.values(t.visit.viewer))
}

// completeWords says how much is left open, before it is decided.
func (d taskDetail) completeWords() string {
	open := len(d.Checklist) - len(d.Ticked)
	if open <= 0 {
		return "Complete"
	}
	return "Complete with " + plural(open, "open item", "open items")
}
