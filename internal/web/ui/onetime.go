package ui

import (
	"net/http"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

// oneTimeView is the page of one task for somebody without an account. It knows nothing of how or why
// somebody leaves, and no other task.
type oneTimeView struct {
	Link
	Zone    *time.Location
	Now     time.Time
	Ticked  map[int]bool
	Note    string
	Saved   string
	Error   string
	HandOn  bool // the form that asks for the right person is open
	Changed bool
}

// oneTimePage only reads: mail scanners follow links.
func (s *server) oneTimePage(w http.ResponseWriter, r *http.Request) error {
	link, err := s.openLink(w, r)
	if err != nil {
		return s.linkTrouble(w, r, err)
	}
	view := viewLink(link, time.Now())
	switch r.URL.Query().Get("now") {
	case "saved":
		view.Saved = "Saved. " + doneWords(len(link.Task.Ticked), len(link.Task.Checklist))
	case "done":
		view.Saved = "Recorded."
	}
	return write(w, r, http.StatusOK, oneTimeTemplate(s.bare(r, oneTimeTitle(link)), view))
}

func (s *server) openLink(w http.ResponseWriter, r *http.Request) (Link, error) {
	w.Header().Set("Referrer-Policy", "no-referrer") // the address is the secret
	return s.Links.Open(r.Context(), r.PathValue("token"))
}

func viewLink(l Link, now time.Time) oneTimeView {
	v := oneTimeView{Link: l, Zone: zoneOr(l.Task.Zone, time.UTC), Now: now, Ticked: map[int]bool{}, Note: l.Task.Note}
	for _, i := range l.Task.Ticked {
		v.Ticked[i] = true
	}
	return v
}

// oneTimePost records in the name of whom the link was given to.
func (s *server) oneTimePost(w http.ResponseWriter, r *http.Request) error {
	link, err := s.openLink(w, r)
	if err != nil {
		return s.linkTrouble(w, r, err)
	}
	form := readTaskForm(r)
	by := link.Task.Owner.String()
	if form.stale(link.Task.Task, by) {
		return s.oneTimeAgain(w, r, link, form, exeunt.Errorf(exeunt.Conflict, "this task changed after you opened the page, so nothing was saved: compare, then save again"))
	}
	after := "saved"
	switch form.Act {
	case "save":
		err = s.Commands(link.viewer()).SaveTask(r.Context(), link.Task.ID, form.Ticked, form.Note, by)
	case "complete":
		after = "done"
		if link.Task.State != exeunt.TaskDone || link.Task.DoneBy != by { // the same form twice is harmless
			err = s.Commands(link.viewer()).CompleteTask(r.Context(), link.Task.ID, form.Ticked, form.Note, by)
		}
	case "hand-on":
		return s.handOn(w, r, link, form)
	default:
		err = exeunt.Errorf(exeunt.Invalid, "the form did not say what to do: press one of its buttons")
	}
	if err != nil {
		return s.oneTimeAgain(w, r, link, form, err)
	}
	s.changed()
	http.Redirect(w, r, r.URL.Path+"?now="+after, http.StatusSeeOther)
	return nil
}

// oneTimeAgain shows the form again with what was typed, when that can help.
func (s *server) oneTimeAgain(w http.ResponseWriter, r *http.Request, link Link, form taskForm, err error) error {
	kind := exeunt.KindOf(err)
	if kind != exeunt.Invalid && kind != exeunt.Conflict {
		return err
	}
	view := viewLink(link, time.Now())
	view.Error, view.Note, view.Ticked = sentence(exeunt.MessageOf(err)), form.Note, map[int]bool{}
	for _, i := range form.Ticked {
		view.Ticked[i] = true
	}
	view.Changed, view.HandOn = kind == exeunt.Conflict, form.Act == "hand-on"
	return write(w, r, web.Status(err), oneTimeTemplate(s.bare(r, oneTimeTitle(link)), view))
}

// handOn gives the task to the right person, after which the link opens nothing any more.
func (s *server) handOn(w http.ResponseWriter, r *http.Request, link Link, form taskForm) error {
	by := link.Task.Owner.String()
	var err error
	if form.To.Email == "" || form.To.Name == "" {
		err = exeunt.Errorf(exeunt.Invalid, "name the right person and give their e-mail address, so that they can be told").In("owner")
	} else {
		err = s.Commands(link.viewer()).ReassignTask(r.Context(), link.Task.ID, form.To, exeunt.Override{By: by, Reason: "not the right person, handed on by the task's link"})
	}
	if err != nil {
		return s.oneTimeAgain(w, r, link, form, err)
	}
	s.changed()
	return write(w, r, http.StatusOK, handedOnView(s.bare(r, "Handed on"), form.To))
}

// oneTimeTitle names the task for as long as there is something to do: a link that was left in a mailbox
// tells nothing afterwards.
func oneTimeTitle(l Link) string {
	if l.Task.Open() {
		return l.Task.Title
	}
	return "Nothing is left to do here"
}
