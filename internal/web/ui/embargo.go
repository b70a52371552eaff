package ui

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

func (s *server) revealCase(v *visit) error {
	return s.decideCase(v, web.Decisions.RevealCase, "Revealed by "+v.signs()+". Everything that waited for it starts now.")
}

func (s *server) extendEmbargo(v *visit) error {
	terms := embargoOf(v.PostForm)
	return s.decideCase(v, func(d web.Decisions, ctx context.Context, id exeunt.CaseID, by exeunt.Override) error {
		return d.ExtendEmbargo(ctx, id, terms, by)
	}, "The embargo is changed.")
}

// embargoOf reads the fields of a form; the browser's form of a moment has no zone, so it is the place of work's.
func embargoOf(f url.Values) exeunt.EmbargoTerms {
	return exeunt.EmbargoTerms{
		Until:     strings.TrimSpace(f.Get("embargo.until")),
		VisibleTo: strings.FieldsFunc(f.Get("embargo.visible_to"), func(r rune) bool { return strings.ContainsRune(",; \r\n\t", r) }),
	}
}

// embargoNeed is the banner of a case under embargo, which only those on its list can be reading.
func (c caseView) embargoNeed() need {
	e := c.Case.Embargo
	n := need{ID: "n-embargo", Status: statusScheduled, Subject: "Under embargo.", Secret: true, mark: fmt.Sprint(e.Until, e.VisibleTo, c.Case.State)}
	n.Text = "It stays so: the departure was taken back before it was revealed."
	if until, ends := c.Case.RevealsAt(); ends {
		n.Subject = "Under embargo until " + at(until, c.Zone) + "."
		n.When = "Revealed " + distance(until, c.Now)
		n.Text = "Nothing happens in any system and nobody is told before."
	}
	n.Text += " Only these people can see it: " + strings.Join(e.VisibleTo, ", ") + "."
	return n
}

// mayReveal says whether the viewer can end or change the embargo.
func (c caseView) mayReveal() bool {
	_, ends := c.Case.RevealsAt()
	return ends && c.Viewer.may(releaseCases)
}

// embargoUntil is the reveal time as a form takes it, at the place of work.
func (c caseView) embargoUntil() string {
	return c.Case.Embargo.Until.In(c.Zone).Format("2006-01-02T15:04")
}

// startTerms are the embargo that the form for a new case asks for, if any.
func startTerms(f url.Values) *exeunt.EmbargoTerms {
	terms := embargoOf(f)
	if terms.Until == "" && len(terms.VisibleTo) == 0 {
		return nil
	}
	return &terms
}
