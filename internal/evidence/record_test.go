package evidence_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/evidence"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/testserver"
	"golang.org/x/net/html"
)

// textOf reads a PDF back with Poppler.
func textOf(t *testing.T, pdf []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "record.pdf")
	must(t, os.WriteFile(name, pdf, 0o600))
	out, err := exec.CommandContext(t.Context(), testserver.PDFToText(t), "-layout", name, "-").Output()
	must(t, err)
	return strings.Join(strings.Fields(string(out)), " ")
}

// textOfPage is what a page says, and the elements that it has.
func textOfPage(t *testing.T, page []byte) (text string, elements []string, style string) {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(page))
	must(t, err)
	var b strings.Builder
	for n := range root.Descendants() {
		switch {
		case n.Type == html.ElementNode:
			elements = append(elements, n.Data)
			for _, a := range n.Attr {
				if slices.Contains([]string{"src", "href", "style", "onload", "onclick"}, a.Key) {
					t.Errorf("<%s> has the attribute %s: the page has to need nothing else", n.Data, a.Key)
				}
			}
		case n.Type == html.TextNode && n.Parent.Data == "style":
			style += n.Data
		case n.Type == html.TextNode:
			b.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " "), elements, style
}

func TestARecordSaysWhatTheEntriesSay(t *testing.T) {
	f := fixtureOf()
	pdf := textOf(t, f.documents[1].PDF)
	page, elements, style := textOfPage(t, f.documents[1].Page)
	for _, want := range []string{
		"Record of case C-1", "Ada Example", "2026-03-31 15:00:00 UTC", "case opened by bamboohr", "seen disabled", "okta:disable-4", "okta",
		"Observed: read back from the system (11)", "Attested: a person's word (0)", "closed: every step and task is settled",
		"before.status: ACTIVE", "What is not proved", "for everybody who left", "closed: the entries are complete", ledgertest.Origin, ledgertest.Handle(1),
	} {
		if !strings.Contains(pdf, want) {
			t.Errorf("the PDF does not say %q", want)
		}
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, e := range f.ledgers[1].Entries {
		if hash := exeunt.LeafHash(e.Leaf); !strings.Contains(pdf, hash) || !strings.Contains(page, hash) {
			t.Errorf("leaf %s is not in both", hash)
		}
	}
	for _, no := range []string{"script", "link", "img", "iframe", "form", "object"} {
		if slices.Contains(elements, no) {
			t.Errorf("the page has a <%s>", no)
		}
	}
	sum := sha256.Sum256([]byte(style))
	if strings.Contains(style, "url(") || strings.Contains(style, "@import") || !strings.Contains(style, "@media print") || !strings.Contains(evidence.PagePolicy, base64.StdEncoding.EncodeToString(sum[:])) {
		t.Errorf("the style reaches out, has none for print, or is not the one of the policy %s", evidence.PagePolicy)
	}
	if colours := regexp.MustCompile(`#[0-9a-f]{3,6}`).FindAllString(style, -1); slices.ContainsFunc(colours, func(c string) bool { return strings.Trim(c[1:], c[1:2]) != "" && c != "#767676" }) {
		t.Errorf("the style has colours, which a grey print loses: %v", colours)
	}
}

func TestARecordOfErasedEntriesSaysSo(t *testing.T) {
	f := fixtureOf()
	pdf := textOf(t, f.documents[3].PDF)
	page, _, _ := textOfPage(t, f.documents[3].Page)
	for _, text := range []string{pdf, page} {
		if strings.Contains(text, "seen disabled") || strings.Count(text, "Erased: what this entry said") != 10 || !strings.Contains(text, "erased after retention") {
			t.Errorf("got %s", text)
		}
	}
}

// Names are written in more than one alphabet; the fonts in the PDF have Latin, Greek and Cyrillic, and it says
// where they do not reach.
func TestNamesOfManyAlphabets(t *testing.T) {
	f := fixtureOf()
	for name, inPDF := range map[string]string{
		"Łukasz Żółć-Đorđević": "Łukasz Żółć-Đorđević",
		"Nguyễn Thị Ánh":       "Nguyễn Thị Ánh",
		"Ελένη Παπαδοπούλου":   "Ελένη Παπαδοπούλου",
		"Юлія Ґонґадзе":        "Юлія Ґонґадзе",
		"山田 太郎":                "□□ □□",
	} {
		c := caseOf(1)
		c.Departure.Leaver.Name = name
		d, err := evidence.Document(c, f.ledgers[1])
		must(t, err)
		pdf := textOf(t, d.PDF)
		page, _, _ := textOfPage(t, d.Page)
		if !strings.Contains(pdf, inPDF) || !strings.Contains(page, name) {
			t.Errorf("%s is not in the documents: %.300s", name, pdf)
		}
		if says := strings.Contains(pdf, "has no font for"); says != (inPDF != name) {
			t.Errorf("%s: that something cannot be shown is said: %t", name, says)
		}
	}
}

func TestTheSameEntriesGiveTheSameRecord(t *testing.T) {
	f := fixtureOf()
	again, err := evidence.Document(caseOf(1), f.ledgers[1])
	must(t, err)
	if !again.Made.Same(f.documents[1].Made) || !bytes.Equal(again.PDF, f.documents[1].PDF) || !bytes.Equal(again.Page, f.documents[1].Page) {
		t.Error("the documents differ from those of a moment ago")
	}
	later := f.ledgers[1]
	later.Checkpoint = []byte("a later one")
	if d, err := evidence.Document(caseOf(1), later); err != nil || !d.Made.Same(again.Made) {
		t.Errorf("the documents change with the checkpoint: %v", err)
	}
	shorter := f.ledgers[1]
	shorter.Entries = shorter.Entries[:5]
	if d, err := evidence.Document(caseOf(1), shorter); err != nil || d.Made.Same(again.Made) {
		t.Errorf("fewer entries give the same documents: %v", err)
	}
	if _, err := evidence.Document(caseOf(1), ledger.Packet{}); exeunt.KindOf(err) != exeunt.NotFound {
		t.Errorf("no entries: %v", err)
	}
}

func TestWhatTheLedgerIsToldOfDocuments(t *testing.T) {
	made := fixtureOf().documents[1].Made
	entry := made.Made(7, time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)).Entries[0]
	if back, ok := exeunt.DocumentsOf(entry); !ok || !back.Same(made) || entry.About != 7 || entry.Case != 0 {
		t.Errorf("%+v, %t", back, ok)
	}
	entry.Detail["entries"] = "many"
	if _, ok := exeunt.DocumentsOf(entry); ok {
		t.Error("an entry that cannot be read counts")
	}
}
