package ui

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"
	"github.com/exeunt/exeunt"
)

func (s *server) casePage(v *visit) error {
	c, err := s.readCase(v)
	if err != nil {
		return err
	}
	ch := s.chrome(v, "cases", c.Case.ID.String(), crumb{"Cases", "/cases"})
	ch.Title, ch.Live = c.Case.Leaver().Name+", "+c.Case.ID.String(), c.Case.Open()
	return v.show(caseTemplate(ch, c))
}

func (s *server) readCase(v *visit) (caseView, error) {
	id, err := v.caseID()
	if err != nil {
		return caseView{}, err
	}
	file, err := s.Reader(v.Viewer()).CaseFile(v.Context(), id)
	if err != nil {
		return caseView{}, err
	}
	alone, err := s.leftAlones(v)
	if err != nil {
		return caseView{}, err
	}
	return viewCase(file, alone, s.ledgerCheck(v), v.viewer, scaleOf(v.URL.Query().Get("scale")), v.now), nil
}

// ledgerCheck is the newest verification; one that cannot be read is shown as none, never as good.
func (s *server) ledgerCheck(v *visit) LedgerCheck {
	check, err := s.Proofs.Check(v.Context())
	if err != nil {
		s.log(v.Request, http.StatusOK, err)
		return LedgerCheck{}
	}
	return check
}

// part is a piece of the page that the stream replaces as a whole.
type part struct {
	id       string
	mark     string // changes when what the part says does
	swap     string
	say      string // for a screen reader
	draw     templ.Component
	children []part // replaced alone while the mark stays
}

// parts are the live pieces of the page. Rows are pieces of their branch and branches of the
// timeline, so that one changed step sends one row.
func (c caseView) parts() []part {
	var bodies []part
	var names []string
	for i, b := range c.Branches {
		var rows []part
		var ids []string
		rows = append(rows, part{id: "b-" + b.ID, mark: fmt.Sprint(b.Done, b.All), swap: "outerHTML", draw: branchHead(c, b)})
		for _, r := range b.Rows {
			ids = append(ids, r.ID)
			rows = append(rows, part{id: r.ID, mark: r.mark, swap: "outerHTML", draw: timelineRow(c, r, true), say: r.System + ": " + lower(r.Title) + ", " + lower(r.Word)})
		}
		names = append(names, b.ID)
		bodies = append(bodies, part{id: "tb-" + b.ID, mark: strings.Join(ids, " ") + "|" + strings.Join(b.Skipped, "|"), swap: "outerHTML", draw: branchBody(c, b, i == 0), children: rows})
	}
	f := c.Facts
	next := exeunt.TaskID(0)
	if f.Next != nil {
		next = f.Next.ID
	}
	var needs []string
	for _, n := range c.Needs {
		needs = append(needs, n.ID, n.mark)
	}
	newest := int64(0)
	if len(c.Feed) > 0 {
		newest = c.Feed[0].Number
	}
	return []part{
		{id: "state", mark: c.StateIs, swap: "outerMorph", draw: statePill(c), say: "Case: " + lower(c.StateIs)},
		{id: "decisions", mark: c.decisionsMark(), swap: "outerMorph", draw: caseDecisions(c)},
		{id: "facts", mark: fmt.Sprint(f.Done, f.All, f.Open, next, f.Logged, f.Sealed, f.Check.Fault, f.Access.Done, f.Access.All, f.Access.Started, f.Access.over(c.Now), f.Access.Ended), swap: "outerMorph", draw: factsStrip(c)},
		{id: "needs", mark: strings.Join(needs, " "), swap: "outerMorph", draw: needsList(c)},
		{id: "overrides", mark: c.overridesMark(), swap: "outerMorph", draw: overridesCard(c)},
		{id: "timeline", mark: strings.Join(names, " "), swap: "outerHTML", draw: timeline(c), children: bodies},
		{id: "feed", mark: fmt.Sprint(newest), swap: "outerMorph", draw: feedList(c)},
	}
}

// marks flattens the marks of parts.
func marks(parts []part, into map[string]string) map[string]string {
	for _, p := range parts {
		into[p.id] = p.mark
		marks(p.children, into)
	}
	return into
}

// changed are the parts whose marks differ from those sent before, the smallest that suffice.
func changed(parts []part, sent map[string]string) []part {
	var out []part
	for _, p := range parts {
		if before, ok := sent[p.id]; !ok || before != p.mark {
			out = append(out, p)
			continue
		}
		out = append(out, changed(p.children, sent)...)
	}
	return out
}

// evidence is the packet that proves the case offline. It is written to memory first, so that a
// fault half way is an error page and not a broken file.
func (s *server) evidence(v *visit) error {
	id, err := v.caseID()
	if err != nil {
		return err
	}
	if _, err := s.Reader(v.Viewer()).CaseFile(v.Context(), id); err != nil {
		return err
	}
	var packet bytes.Buffer
	if err := s.Proofs.Evidence(v.Context(), &packet, id, v.Viewer()); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", id.String()+".evidence.zip"))
	_, err = v.w.Write(packet.Bytes())
	return ignoreGone(v.Request, err)
}

// record is what the entries of the case say, as a page to print.
func (s *server) record(v *visit) error { return s.sheet(v, false) }

// recordPDF is the same as a PDF.
func (s *server) recordPDF(v *visit) error { return s.sheet(v, true) }

func (s *server) sheet(v *visit, asPDF bool) error {
	id, err := v.caseID()
	if err != nil {
		return err
	}
	if _, err := s.Reader(v.Viewer()).CaseFile(v.Context(), id); err != nil {
		return err
	}
	sheet, err := s.Proofs.Record(v.Context(), id, asPDF, v.Viewer())
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", sheet.Type)
	h.Set("Content-Security-Policy", sheet.Policy)
	if asPDF {
		h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", id.String()+".record.pdf"))
	}
	_, err = v.w.Write(sheet.Body)
	return ignoreGone(v.Request, err)
}

// reasonFor refuses a decision without a reason worth reading before anything is asked of the engine.
func reasonFor(v *visit) error { return v.override(v.PostFormValue("reason")).Check() }

// scaleURL is the address of the case on another scale.
func (c caseView) scaleURL(scale string) string {
	address := "/cases/" + c.Case.ID.String()
	if scale == scaleAuto {
		return address
	}
	return address + "?" + url.Values{"scale": {scale}}.Encode()
}

// streamURL carries what the page already says, so that a stream that connects at once sends nothing.
func (c caseView) streamURL() string {
	q := url.Values{"since": {c.Digest}}
	if c.Scale != scaleAuto {
		q.Set("scale", c.Scale)
	}
	return "/cases/" + c.Case.ID.String() + "/stream?" + q.Encode()
}
