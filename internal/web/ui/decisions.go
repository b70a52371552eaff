package ui

import (
	"context"
	"fmt"
	"strings"

	"github.com/exeunt/exeunt"
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

func (c caseView) decisionsMark() string { return fmt.Sprint(c.mayHold()) }

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
