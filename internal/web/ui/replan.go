package ui

import (
	"context"
	"fmt"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

// replanView is what planning a case anew by the present policies would change.
type replanView struct {
	exeunt.Replanning
	ID     exeunt.CaseID
	Name   string
	Viewer viewer
}

func (r replanView) summary() string {
	if r.PolicySet == r.NewPolicySet {
		return "The case is planned by the present policies already; systems and people may have changed since."
	}
	return fmt.Sprintf("The case keeps the policies that it was planned with (%s, version %s). By the present ones it would be %s, version %s.", r.Policy, r.PolicyVersion, r.NewPolicy, r.NewPolicyVersion)
}

// changeWords are how a difference is drawn.
func changeWords(d exeunt.PlanDifference) (drawn status, words string) {
	switch d.Kind {
	case "added":
		return statusScheduled, "Added"
	case "removed":
		return statusSkipped, "Left out"
	default:
		return statusWaiting, "Changed"
	}
}

func (s *server) replanPage(v *visit) error {
	id, err := v.caseID()
	if err != nil {
		return err
	}
	file, err := s.Reader(v.Viewer()).CaseFile(v.Context(), id)
	if err != nil {
		return err
	}
	what, err := s.Commands(v.Viewer()).PreviewReplan(v.Context(), id)
	if err != nil {
		return err
	}
	view := replanView{what, id, file.Case.Leaver().Name, v.viewer}
	return v.show(replanTemplate(s.chrome(v, "cases", "Plan anew", crumb{"Cases", "/cases"}, crumb{id.String(), "/cases/" + id.String()}), view))
}

func (s *server) replanCase(v *visit) error {
	decide := func(d web.Decisions, ctx context.Context, id exeunt.CaseID, by exeunt.Override) error {
		return d.ReplanCase(ctx, id, v.PostFormValue("to"), by)
	}
	return s.decideCase(v, decide, "Planned anew by "+v.signs()+".")
}

// mayReplan says whether the viewer can take the case to the present policies.
func (c caseView) mayReplan() bool {
	return c.Case.UnderWay() && c.Case.Follows == 0 && c.Case.PutsBack == 0 && c.Viewer.may(releaseCases)
}
