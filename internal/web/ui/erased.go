package ui

import "github.com/exeunt/exeunt"

// erasedView is the list of records that were destroyed.
type erasedView struct {
	Cases []exeunt.Case
	visit *visit
}

func (s *server) erasedPage(v *visit) error {
	cases, err := s.Reader(v.Viewer()).Erasures(v.Context())
	if err != nil {
		return err
	}
	return v.show(erasedTemplate(s.chrome(v, "audit", "Erased records", crumb{"Audit", "/audit"}), erasedView{cases, v}))
}

// erasedBy says by which rule a record went, or by whose decision.
func erasedBy(e exeunt.Erasure) string {
	switch {
	case e.Second != nil:
		return e.By.By + " and " + e.Second.By + ": " + e.By.Reason
	case e.By != nil:
		return e.Rule + ", asked for by " + e.By.By
	default:
		return e.Rule
	}
}

func (c caseView) mayErase() bool {
	return !c.Case.Open() && c.Case.Erasure == nil && c.Case.LegalHold == nil && c.Viewer.may(eraseCases)
}

func (s *server) eraseCase(v *visit) error {
	id, err := v.caseID()
	if err != nil {
		return err
	}
	if err := reasonFor(v); err != nil {
		return err
	}
	state, err := s.Commands(v.Viewer()).EraseCase(v.Context(), id, v.override(v.PostFormValue("reason")), 0)
	if err != nil {
		return err
	}
	s.changed()
	if state == exeunt.DeviationDone {
		return v.goTo("/audit/erased", "The record is erased as soon as the ledger has the decision.")
	}
	return v.goTo("/cases/"+id.String(), "Asked for. It has no effect until another person asks for the same within a day.")
}
