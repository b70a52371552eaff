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
	rows, err := s.Reader.Tasks(v.Context(), store.TaskQuery{State: f.State, Owner: owner, Limit: tasksShown + 1}, v.now)
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
		if row, err = s.Reader.Task(v.Context(), f.Sel); err != nil {
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

// taskPost saves, completes, hands on or chases a task, whichever button was pressed.
func (s *server) taskPost(v *visit) error {
	id, err := exeunt.ParseTaskID(v.PathValue("id"))
	if err != nil {
		return nothingHere()
	}
	row, err := s.Reader.Task(v.Context(), id)
	if err != nil {
		return err
	}
	if !v.mayDo(row.Task) {
		if v.sees(row.Task) {
			return exeunt.Errorf(exeunt.Denied, "this task is not yours and your role may not do it, so nothing was changed")
		}
		return nothingHere()
	}
	back, _ := url.ParseQuery(v.PostFormValue("back")) // what does not parse is dropped with the unknown
	f := readTaskFilter(back, v.viewer)
	f.Sel = id
	form := readTaskForm(v.Request)
	if form.stale(row.Task, v.signs()) {
		return s.showStale(v, f, row, form, "")
	}
	if form.repeated(row.Task) {
		return v.goTo(s.afterTask(v, f), "This is recorded already.")
	}
	message, err := s.doTask(v, row, form)
	switch exeunt.KindOf(err) {
	case "":
		s.changed()
		return v.goTo(s.afterTask(v, f), message)
	case exeunt.Conflict:
		why := exeunt.MessageOf(err)
		if row, err = s.Reader.Task(v.Context(), id); err != nil {
			return err
		}
		return s.showStale(v, f, row, form, why)
	case exeunt.Invalid:
		d := detail(row, f.values(v.viewer), v)
		d.keep(form)
		d.Error, d.Field = sentence(exeunt.MessageOf(err)), fieldOf(err)
		return s.showTask(v, f, d, http.StatusUnprocessableEntity)
	default:
		return err
	}
}

// afterTask is where the reader goes on: to the case that they came from, or to the task.
func (s *server) afterTask(v *visit, f taskFilter) string {
	if id, err := exeunt.ParseCaseID(v.PostFormValue("from")); err == nil && v.may(seeCases) {
		return "/cases/" + id.String()
	}
	if v.PostFormValue("act") == "complete" && f.State == "" {
		f.Sel = 0 // the next one
	}
	return address("/tasks", f.values(v.viewer))
}

func (s *server) doTask(v *visit, row store.TaskRow, form taskForm) (string, error) {
	switch form.Act {
	case "save":
		return fmt.Sprintf("Saved. %s", doneWords(len(form.Ticked), len(row.Checklist))), s.Commands.SaveTask(v.Context(), row.ID, form.Ticked, form.Note, v.signs())
	case "complete":
		return row.Title + " is complete.", s.Commands.CompleteTask(v.Context(), row.ID, form.Ticked, form.Note, v.signs())
	case "reassign":
		if !form.To.Named() {
			return "", exeunt.Errorf(exeunt.Invalid, "name the person who takes the task, or give their e-mail address").In("owner")
		}
		return row.Title + " is now with " + form.To.String() + ".", s.Commands.ReassignTask(v.Context(), row.ID, form.To, v.override(form.Reason))
	case "remind":
		return row.Owner.String() + " is reminded.", s.Commands.RemindTask(v.Context(), row.ID, v.signs())
	default:
		return "", exeunt.Errorf(exeunt.Invalid, "the form did not say what to do: open the task and press one of its buttons")
	}
}

func doneWords(done, all int) string {
	if all == 0 {
		return "The note is kept."
	}
	return fmt.Sprintf("%d of %d done.", done, all)
}

// taskForm is what a person sent.
type taskForm struct {
	Act     string
	Version int64
	Opened  time.Time // when the form was drawn
	Ticked  []int
	Note    string
	To      exeunt.Person
	Reason  string
}

func readTaskForm(r *http.Request) taskForm {
	f := taskForm{Act: r.PostFormValue("act"), Note: strings.TrimSpace(r.PostFormValue("note")), Reason: strings.TrimSpace(r.PostFormValue("why"))}
	f.To = exeunt.Person{Name: strings.TrimSpace(r.PostFormValue("to")), Email: strings.TrimSpace(r.PostFormValue("to_email"))}
	f.Version, _ = strconv.ParseInt(r.PostFormValue("version"), 10, 64) // 0 where a form carries none, such as Remind
	if opened, err := time.Parse(time.RFC3339Nano, r.PostFormValue("opened")); err == nil {
		f.Opened = opened
	}
	for _, value := range r.PostForm["item"] {
		if i, err := strconv.Atoi(value); err == nil {
			f.Ticked = append(f.Ticked, i)
		}
	}
	return f
}

// stale says whether somebody changed the task after the form was drawn. The same form sent twice is
// not stale: what it asks for is already so.
func (f taskForm) stale(t exeunt.Task, by string) bool {
	if f.Version == 0 || f.Version == t.Version {
		return false
	}
	same := slices.Equal(f.Ticked, t.Ticked) && f.Note == t.Note
	switch f.Act {
	case "save":
		return !(same && t.State == exeunt.TaskOpen)
	case "complete":
		return !(same && t.State == exeunt.TaskDone && t.DoneBy == by)
	case "reassign":
		return ownerKey(f.To) != ownerKey(t.Owner)
	default:
		return false
	}
}

// repeated says whether the form asks for what is already so.
func (f taskForm) repeated(t exeunt.Task) bool {
	return f.Version != 0 && f.Version != t.Version && (f.Act == "complete" || f.Act == "save" || f.Act == "reassign")
}

func (d *taskDetail) keep(f taskForm) {
	d.Note, d.Ticked = f.Note, map[int]bool{}
	for _, i := range f.Ticked {
		d.Ticked[i] = true
	}
}

// showStale answers a form that came too late: what changed meanwhile and by whom, with what was
// typed kept, so that it can be sent again on top of the new state.
func (s *server) showStale(v *visit, f taskFilter, row store.TaskRow, form taskForm, why string) error {
	d := detail(row, f.values(v.viewer), v)
	if row.State == exeunt.TaskOpen {
		d.keep(form)
	}
	d.Stale, d.Error = true, sentence(why)
	file, err := s.Reader.CaseFile(v.Context(), row.Case)
	if err != nil {
		return err
	}
	for _, e := range file.Entries {
		if e.Task == row.Key && e.At.After(form.Opened) && len(d.Since) < 5 {
			d.Since = append(d.Since, e)
		}
	}
	return s.showTask(v, f, d, http.StatusConflict)
}

func (s *server) showTask(v *visit, f taskFilter, d *taskDetail, code int) error {
	view, err := s.viewTasks(v, f, d)
	if err != nil {
		return err
	}
	return write(v.w, v.Request, code, tasksTemplate(s.chrome(v, "tasks", "Tasks"), view))
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
