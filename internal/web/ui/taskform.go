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

// taskPost saves, completes, hands on or chases a task, whichever button was pressed.
func (s *server) taskPost(v *visit) error {
	id, err := exeunt.ParseTaskID(v.PathValue("id"))
	if err != nil {
		return nothingHere()
	}
	row, err := s.Reader(v.Viewer()).Task(v.Context(), id)
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
		if row, err = s.Reader(v.Viewer()).Task(v.Context(), id); err != nil {
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
		return fmt.Sprintf("Saved. %s", doneWords(len(form.Ticked), len(row.Checklist))), s.Commands(v.Viewer()).SaveTask(v.Context(), row.ID, form.Ticked, form.Note, v.signs())
	case "complete":
		return row.Title + " is complete.", s.Commands(v.Viewer()).CompleteTask(v.Context(), row.ID, form.Ticked, form.Note, v.signs())
	case "reassign":
		if !form.To.Named() {
			return "", exeunt.Errorf(exeunt.Invalid, "name the person who takes the task, or give their e-mail address").In("owner")
		}
		return row.Title + " is now with " + form.To.String() + ".", s.Commands(v.Viewer()).ReassignTask(v.Context(), row.ID, form.To, v.override(form.Reason))
	case "remind":
		return row.Owner.String() + " is reminded.", s.Commands(v.Viewer()).RemindTask(v.Context(), row.ID, v.signs())
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
	file, err := s.Reader(v.Viewer()).CaseFile(v.Context(), row.Case)
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
