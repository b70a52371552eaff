package ui

import (
	"net/http"
	"slices"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// stepView is the page of one step.
type stepView struct {
	Case     exeunt.Case
	Step     exeunt.Step
	Row      row
	Task     *exeunt.Task // that stands in for it
	Approval *exeunt.Task // that asks for its approval
	Offered  bool         // somebody is asked whether it is put back
	Attempts []store.EntryRow
	Viewer   viewer
	View     caseView
	Can      exeunt.ActionSpec
	Error    string // of a form on the page
	Reason   string // what was typed
	Form     string // which form
}

// typed is what a form of the page held when it was refused.
func (v stepView) typed(form string) string {
	if v.Form == form {
		return v.Reason
	}
	return ""
}

func (s *server) stepPage(v *visit) error {
	view, err := s.readStep(v)
	if err != nil {
		return err
	}
	return v.show(stepTemplate(s.stepChrome(v, view), view))
}

func (s *server) stepChrome(v *visit, view stepView) chrome {
	id := view.Case.ID.String()
	return s.chrome(v, "cases", view.Step.SystemTitle+": "+lower(view.Step.Title), crumb{"Cases", "/cases"}, crumb{id, "/cases/" + id})
}

func (s *server) readStep(v *visit) (stepView, error) {
	id, err := v.caseID()
	if err != nil {
		return stepView{}, err
	}
	file, err := s.Reader(v.Viewer()).CaseFile(v.Context(), id)
	if err != nil {
		return stepView{}, err
	}
	i := slices.IndexFunc(file.Steps, func(step exeunt.Step) bool { return step.Key == v.PathValue("step") })
	if i < 0 {
		return stepView{}, nothingHere()
	}
	view := stepView{Case: file.Case, Step: file.Steps[i], Viewer: v.viewer}
	if tellsOfAccess(view.Step.Branch) && !v.may(seeAccess) {
		return stepView{}, nothingHere()
	}
	alone, err := s.leftAlones(v)
	if err != nil {
		return stepView{}, err
	}
	view.View = caseView{Case: file.Case, Alone: alone, Viewer: v.viewer, Zone: file.Case.Zone(), Now: v.now, Axis: newAxis(file.Case, lastInstant(file), scaleAuto)}
	var b branch
	b.addStep(view.View, view.Step)
	if len(b.Rows) > 0 {
		view.Row = b.Rows[0]
	} else {
		view.Row.Status, view.Row.Word = stepStatus(view.Step, v.now)
	}
	view.Offered = exeunt.Offer(file.Tasks, view.Step.Key) != nil && !slices.ContainsFunc(file.Steps, func(o exeunt.Step) bool { return o.Undoes == view.Step.Key })
	for _, t := range file.Tasks {
		if slices.Contains(t.Steps, view.Step.Key) {
			view.Task = &t
		}
		if t.State == exeunt.TaskOpen && slices.Contains(t.Approves, view.Step.Key) && view.Step.HeldFor(exeunt.HoldApproval) != nil {
			view.Approval = &t
		}
	}
	for _, e := range file.Entries {
		if e.Step == view.Step.Key {
			view.Attempts = append(view.Attempts, e)
		}
	}
	for _, system := range s.Inventory.Systems() {
		if system.Name == view.Step.System {
			view.Can, _ = system.Can(view.Step.Action)
		}
	}
	return view, nil
}

func (s *server) retryStep(v *visit) error {
	return s.decide(v, "retry", func(view stepView, by exeunt.Override) error {
		return s.Commands(v.Viewer()).RetryStep(v.Context(), view.Case.ID, view.Step.Key, by)
	}, new(" is tried again."))
}

func (s *server) waiveStep(v *visit) error {
	said := " is overridden."
	return s.decide(v, "waive", func(view stepView, by exeunt.Override) error {
		_, err := s.Commands(v.Viewer()).WaiveStep(v.Context(), view.Case.ID, view.Step.Key, by, 0)
		if view.Step.Dangerous() {
			said = ": another person has to confirm it within a day."
		}
		return err
	}, &said)
}

func (s *server) putBackStep(v *visit) error {
	return s.decide(v, "put-back", func(view stepView, by exeunt.Override) error {
		return s.Commands(v.Viewer()).PutBackStep(v.Context(), view.Case.ID, view.Step.Key, by)
	}, new(" is put back until its new time."))
}

// decide takes a named person's decision on a step. A reason that is missing comes back beside its
// field; a step that changed meanwhile is shown as it is now, with what was typed.
func (s *server) decide(v *visit, form string, command func(stepView, exeunt.Override) error, done *string) error {
	view, err := s.readStep(v)
	if err != nil {
		return err
	}
	view.Form, view.Reason = form, v.PostFormValue("reason")
	if err = reasonFor(v); err == nil {
		err = command(view, v.override(view.Reason))
	}
	switch exeunt.KindOf(err) {
	case "":
		s.changed()
		return v.goTo("/cases/"+view.Case.ID.String()+"#s-"+slug(view.Step.Key), view.Step.SystemTitle+": "+lower(view.Step.Title)+*done)
	case exeunt.Invalid, exeunt.Conflict, exeunt.Denied:
		message := sentence(exeunt.MessageOf(err))
		status := http.StatusUnprocessableEntity
		if exeunt.KindOf(err) == exeunt.Denied {
			status = http.StatusForbidden
		}
		if exeunt.KindOf(err) == exeunt.Conflict {
			status = http.StatusConflict
			if view, err = s.readStep(v); err != nil {
				return err
			}
			view.Form, view.Reason = form, v.PostFormValue("reason")
		}
		view.Error = message
		return write(v.w, v.Request, status, stepTemplate(s.stepChrome(v, view), view))
	default:
		return err
	}
}

func (v stepView) mayApprove() bool { return v.Approval != nil && v.Viewer.mayDecide(*v.Approval) }

// mayPutBack says whether somebody is asked whether the step is put back, and the viewer may answer.
func (v stepView) mayPutBack() bool { return v.Offered && v.Viewer.may(waiveSteps) }

// mayDecide says whether there is anything that the viewer can decide about the step.
func (v stepView) mayDecide() bool {
	return v.mayApprove() || v.mayPutBack() || v.Step.State.WithPeople() && v.Viewer.may(retrySteps) || !v.Step.State.Settled() && v.Viewer.may(waiveSteps)
}

// waiveWords is what an override of the step brings about.
func (v stepView) waiveWords() string {
	const record = "Your name and reason stay in the record for good."
	if v.Step.Dangerous() {
		return "The step is settled without being done once another person confirms it, within a day. " + record
	}
	return "The step is settled without being done. " + record
}
