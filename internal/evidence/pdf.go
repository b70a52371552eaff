package evidence

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// Millimetres and points on A4.
const (
	marginSide, marginTop, marginBottom = 16, 16, 20
	sizeTitle, sizeHead, sizeText       = 16, 11.5, 9
	sizeSmall                           = 7.5
	namesWidth                          = 34
)

// sheet writes a record as a PDF, from top to bottom.
type sheet struct {
	*fpdf.Fpdf
	foreign bool // something could not be shown in the fonts
}

// pdf writes the record. The same record gives the same bytes: dates are the record's, and objects are sorted.
func (r record) pdf() ([]byte, error) {
	s := newSheet(r)
	s.text("B", sizeTitle, r.Title())
	s.text("", sizeText, fmt.Sprintf("What was done, when, where, by whom, and how well it is known. %d entries; %s.", len(r.Lines), r.State()))
	s.head("The departure")
	s.text("", sizeSmall, "What the database said when this was written; not proved.")
	s.facts(r.Head())
	s.head("In the log")
	s.facts(r.Identity())
	s.head("What is proved, with the evidence packet that this belongs to")
	s.list(r.Proved())
	s.head("What is not proved")
	s.list(r.NotProved())
	s.head("How well it is known")
	for _, g := range r.Grades {
		s.list([]string{g.Words()})
	}
	if r.Missing > 0 {
		s.text("", sizeText, fmt.Sprintf("Of %d entries, what they said was destroyed after retention.", r.Missing))
	}
	s.head("Entries")
	for _, l := range r.Lines {
		s.line(l)
	}
	if s.foreign {
		s.text("", sizeSmall, "Characters that this PDF has no font for are shown as □; record.html, which belongs to the same packet, has them.")
	}
	var out bytes.Buffer
	err := s.Output(&out)
	return out.Bytes(), err
}

func newSheet(r record) *sheet {
	s := &sheet{Fpdf: fpdf.New("P", "mm", "A4", "")}
	s.SetCatalogSort(true)
	made := r.Facts.OpenedAt // not when it was written: a record that is made again is the same one
	if n := len(r.Lines); !r.Lines[n-1].Erased {
		made = r.Lines[n-1].Entry.At
	}
	s.SetCreationDate(made.UTC().Truncate(time.Second))
	s.SetModificationDate(made.UTC().Truncate(time.Second))
	s.SetTitle(r.Title(), true)
	s.SetSubject("Evidence from the log "+r.Facts.Log, true)
	s.SetCreator("Exeunt", true)
	s.SetProducer("Exeunt", true)
	s.SetLang("en")
	s.SetDisplayMode("fullwidth", "continuous")
	s.SetMargins(marginSide, marginTop, marginSide)
	s.SetAutoPageBreak(true, marginBottom)
	s.AddUTF8FontFromBytes("noto", "", regularFont)
	s.AddUTF8FontFromBytes("noto", "B", boldFont)
	s.AliasNbPages("")
	s.SetFooterFunc(func() {
		s.SetY(-marginBottom + 6)
		s.SetFont("noto", "", sizeSmall)
		s.CellFormat(0, 4, fmt.Sprintf("%s · %s · page %d of {nb}", r.Title(), r.Facts.Log, s.PageNo()), "", 0, "C", false, 0, "")
	})
	s.AddPage()
	return s
}

// shown is a text as the fonts can show it.
func (s *sheet) shown(text string) string {
	out, foreign := shown(text)
	s.foreign = s.foreign || foreign
	return out
}

func (s *sheet) text(style string, size float64, text string) {
	s.SetFont("noto", style, size)
	s.MultiCell(0, size*0.48, s.shown(text), "", "L", false)
}

func (s *sheet) head(text string) {
	s.room(18)
	s.Ln(3.5)
	s.Bookmark(text, 0, -1)
	s.text("B", sizeHead, text)
	y := s.GetY() + 0.4
	width, _ := s.GetPageSize()
	s.SetDrawColor(110, 110, 110)
	s.Line(marginSide, y, width-marginSide, y)
	s.Ln(1.6)
}

// room begins a page when less than so much is left of this one.
func (s *sheet) room(height float64) {
	_, page := s.GetPageSize()
	if s.GetY()+height > page-marginBottom {
		s.AddPage()
	}
}

func (s *sheet) facts(list []fact) {
	for _, f := range list {
		s.SetFont("noto", "B", sizeText)
		s.CellFormat(namesWidth, sizeText*0.5, s.shown(f.Name), "", 0, "L", false, 0, "")
		s.SetFont("noto", "", sizeText)
		s.MultiCell(0, sizeText*0.5, s.shown(f.Value), "", "L", false)
	}
}

func (s *sheet) list(items []string) {
	for _, item := range items {
		s.SetFont("noto", "", sizeText)
		s.CellFormat(4, sizeText*0.5, "·", "", 0, "L", false, 0, "")
		s.MultiCell(0, sizeText*0.5, s.shown(item), "", "L", false)
	}
}

// line writes one entry, its first lines on one page.
func (s *sheet) line(l line) {
	s.room(20)
	s.text("B", sizeText, strings.TrimSpace(fmt.Sprintf("%d   %s   %s", l.Seq, l.At(), l.What())))
	if !l.Erased {
		known := []string{"By " + l.Entry.Actor}
		for _, part := range []string{l.Where(), l.ProofWords()} {
			if part != "" {
				known = append(known, part)
			}
		}
		s.text("", sizeText, strings.Join(known, " · "))
	}
	for _, d := range l.Detail {
		s.text("", sizeSmall, "    "+d)
	}
	s.text("", sizeSmall, fmt.Sprintf("    Index %d · leaf %s", l.Index, l.Leaf))
	if !l.Erased {
		s.text("", sizeSmall, fmt.Sprintf("    %s · event %s", l.Entry.Kind, l.Entry.ID))
	}
	s.Ln(1.8)
}
