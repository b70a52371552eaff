package ui

import (
	"context"
	"fmt"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web"
)

func (s *server) holdCase(v *visit) error {
	return s.decideCase(v, web.Decisions.HoldCase, "Held by "+v.signs()+". Nothing happens until it is released.")
}

func (s *server) releaseCase(v *visit) error {
	return s.decideCase(v, web.Decisions.ReleaseCase, "Released by "+v.signs()+". The case goes on.")
}

// decideCase takes a named person's decision about a case and shows the case as it is then.
func (s *server) decideCase(v *visit, decide func(web.Decisions, context.Context, exeunt.CaseID, exeunt.Override) error, done string) error {
	id, err := v.caseID()
	if err != nil {
		return err
	}
	if err := reasonFor(v); err != nil {
		return err
	}
	if err := decide(s.Commands(v.Viewer()), v.Context(), id, v.override(v.PostFormValue("reason"))); err != nil {
		return err
	}
	s.changed()
	return v.goTo("/cases/"+id.String(), done)
}

// mayHold says whether the viewer can stop the case now.
func (c caseView) mayHold() bool {
	underWay := c.Case.State == exeunt.CaseScheduled || c.Case.State == exeunt.CaseRunning
	return underWay && c.Case.Open() && c.Viewer.may(holdCases)
}

func (c caseView) mayPlaceLegalHold() bool {
	return c.Case.Erasure == nil && c.Case.LegalHold == nil && c.Viewer.may(legalHolds)
}

func (c caseView) legalHoldQuestion() string {
	if !c.Case.Open() {
		return "The record is not erased, whatever its retention, until two people release it. Why?"
	}
	return "Nothing that loses data happens until two people release it. Access is cut all the same. Why?"
}

func (c caseView) decisionsMark() string {
	return fmt.Sprint(c.mayHold(), c.mayReplan(), c.mayPlaceLegalHold(), c.mayErase())
}

// heldNeed is the banner of a held case: why, by whom, since when, and that nothing happens.
func (c caseView) heldNeed() need {
	n := need{ID: "n-held", Status: statusPerson, Subject: "The case is held.", Held: true, mark: c.Case.Hold}
	n.Text = sentence(c.Case.Hold)
	if by := c.Case.HeldBy; by != nil {
		n.Subject = "The case is held by " + by.By + "."
	}
	if !c.Case.HeldAt.IsZero() {
		n.When = "Held " + distance(c.Case.HeldAt, c.Now)
	}
	if !c.Viewer.may(seeType) {
		n.Text = "" // why somebody is held may tell how they leave
	}
	if fuse := c.Case.Fuse; fuse != 0 { // two people release the trip, not one the case
		n.Subject, n.Held, n.URL = "The case is held by the fuse.", false, "/fuse/"+fuse.String()
		n.Text = sentence(c.Case.Hold)
		if c.Case.Doubt != "" && c.Viewer.may(seeType) {
			n.Text += " " + sentence(c.Case.Doubt)
		}
	}
	n.mark += n.URL
	n.Text += " Nothing happens in any system and nobody is reminded until it is released."
	n.Text = strings.TrimSpace(n.Text)
	return n
}

func (s *server) placeLegalHold(v *visit) error {
	return s.decideCase(v, web.Decisions.PlaceLegalHold, "Under legal hold by "+v.signs()+".")
}

func (s *server) askLegalRelease(v *visit) error {
	ask := func(d web.Decisions, ctx context.Context, id exeunt.CaseID, by exeunt.Override) error {
		_, err := d.AskLegalRelease(ctx, id, by, 0)
		return err
	}
	return s.decideCase(v, ask, "Asked for. Another person has to confirm it within a day.")
}

func (s *server) approveTask(v *visit) error { return s.answerTask(v, true, "Approved by ") }
func (s *server) rejectTask(v *visit) error  { return s.answerTask(v, false, "Rejected by ") }

// answerTask takes a second person's answer to what a task asks.
func (s *server) answerTask(v *visit, yes bool, said string) error {
	id, err := exeunt.ParseTaskID(v.PathValue("id"))
	if err != nil {
		return nothingHere()
	}
	row, err := s.Reader(v.Viewer()).Task(v.Context(), id)
	if err != nil {
		return err
	}
	if err := s.answerSecond(v, row.Task, nil, yes); err != nil {
		return err
	}
	s.changed()
	return v.goTo("/cases/"+row.Case.String(), said+v.signs()+".")
}

func (s *server) answerSecond(v *visit, t exeunt.Task, steps []string, yes bool) error {
	if !v.sees(t) {
		return nothingHere()
	}
	if t.Asks != "" && !v.mayDecide(t) {
		return exeunt.Errorf(exeunt.Denied, "this asks somebody else (%s), so nothing was changed", t.Owner)
	}
	by := v.override(v.PostFormValue("reason"))
	if err := by.Check(); err != nil {
		return err
	}
	return s.Commands(v.Viewer()).DecideTask(v.Context(), t.ID, steps, yes, by)
}

func (s *server) approveStep(v *visit) error { return s.answerStep(v, true, " is approved.") }
func (s *server) rejectStep(v *visit) error  { return s.answerStep(v, false, " is rejected.") }

// answerStep takes a second person's answer about one step of those that a task asks to approve.
func (s *server) answerStep(v *visit, yes bool, said string) error {
	form := map[bool]string{true: "approve", false: "reject"}[yes]
	return s.decide(v, form, func(view stepView, _ exeunt.Override) error {
		if view.Approval == nil {
			return exeunt.Errorf(exeunt.Conflict, "this step waits for no approval any more")
		}
		return s.answerSecond(v, *view.Approval, []string{view.Step.Key}, yes)
	}, &said)
}

// legalNeed says that a legal hold stops what loses data, and what it stops.
func (c caseView) legalNeed(f store.CaseFile) []need {
	h := c.Case.LegalHold
	if h == nil {
		return nil
	}
	held := 0
	for _, s := range f.Steps {
		if s.HeldFor(exeunt.HoldLegal) != nil && !s.State.Settled() {
			held++
		}
	}
	n := need{ID: "n-legal", Status: statusPerson, Legal: true, Subject: "A legal hold keeps all data.", When: "Placed " + distance(h.Since, c.Now)}
	if c.Viewer.may(seeType) {
		n.Text = h.By + ": " + sentence(h.Reason) + " "
	}
	stops := "No open step loses data."
	if held > 0 {
		stops = plural(held, "step is", "steps are") + " held."
	}
	n.Text += fmt.Sprintf("%s Access is cut all the same. Owner: %s.", stops, orElse(h.Owner.String(), "–"))
	n.mark = n.Text
	return []need{n}
}

// secondNeeds are the decisions that wait for a second person, whenever they are due.
func (c caseView) secondNeeds(f store.CaseFile) []need {
	var out []need
	for _, t := range f.Tasks {
		if t.State != exeunt.TaskOpen || t.Asks == "" || !c.visible(t.Branch) {
			continue
		}
		n := c.taskNeed(t)
		n.Text = sentence(t.Reason)
		if t.Asks == exeunt.AsksApproval {
			n.Text = sentence(strings.Join(t.Checklist, "; ")) + " " + n.Text
		}
		out = append(out, n)
	}
	return out
}

// consequence is what an approval brings about, and otherwise what a rejection does.
func (n need) consequence() string {
	if n.Task.Asks == exeunt.AsksApproval {
		return "What waits for it goes on as planned."
	}
	return "What was asked for takes effect at once."
}

func (n need) otherwise() string {
	if n.Task.Asks == exeunt.AsksApproval {
		return "Its system's owner gets a task instead."
	}
	return "What was asked for has no effect."
}

// overrides are what people decided otherwise, as far as the viewer sees it.
func (c caseView) overrides() []exeunt.Deviation {
	var out []exeunt.Deviation
	for _, d := range c.Case.Overrides {
		if d.Step != "" && !c.Viewer.may(seeAccess) {
			continue
		}
		d.State = d.Standing(c.Now)
		out = append(out, d)
	}
	return out
}

func (c caseView) overridesMark() string {
	var marks []string
	for _, d := range c.overrides() {
		marks = append(marks, string(d.State))
	}
	return strings.Join(marks, " ")
}

// deviationWords is how far an override is, with its icon.
func deviationWords(s exeunt.DeviationState) (status, string) {
	switch s {
	case exeunt.DeviationAsked:
		return statusPerson, "Waits for a second person"
	case exeunt.DeviationRefused:
		return statusSkipped, "Refused"
	case exeunt.DeviationExpired:
		return statusSkipped, "Expired without effect"
	default:
		return statusOverride, "In effect"
	}
}

// decidedBy is a name with its reason, which only those see who may know how somebody leaves.
func (c caseView) decidedBy(o exeunt.Override) string {
	if !c.Viewer.may(seeType) {
		return o.By
	}
	return o.By + ": " + o.Reason
}

// waiving is what an override of the failed step brings about, and the question that it needs.
func (n need) waiving() string {
	if n.Second {
		return "The step is settled without being done once another person confirms it, within a day. Why is that right?"
	}
	return "The step is settled without being done. Why is that right?"
}
