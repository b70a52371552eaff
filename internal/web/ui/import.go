package ui

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/inventory"
	"github.com/exeunt/exeunt/internal/web"
)

// maxExport is the largest export that a form may bring; the command takes larger ones.
const maxExport = 32 << 20

// scaffoldsShown is how many files of systems a page writes out; the command writes each.
const scaffoldsShown = 40

// importView is what an export shows, matched with the inventory. Nothing of it is kept on the server: what is to be remembered
// is a file of the configuration, which is reviewed and kept as the rest of it is.
type importView struct {
	Error, Field string
	Source       inventory.Source
	Sheet        *inventory.Sheet // nil before an export was read
	Unread       int
	State        string // the sheet as the form carries it
	Systems      []exeunt.System
	Typed        map[int]string // reasons, by line
	Decided      bool           // somebody decided something now
	File, Text   string         // the sheet as the configuration keeps it
	Begun        []begunFile
	More         int // scaffolds that are not written out
}

// begunFile is the file of a system that the inventory lacks.
type begunFile struct{ Name, File, Text string }

func (s *server) importPage(v *visit) error {
	return v.show(importTemplate(s.importChrome(v), importView{Source: inventory.Finance}))
}

func (s *server) importChrome(v *visit) chrome {
	return s.chrome(v, "inventory", "Import", crumb{"Systems", "/systems"})
}

// importExport reads an export, or what a person decided of one that was read before, and shows what would be kept.
func (s *server) importExport(v *visit) error {
	v.Body = http.MaxBytesReader(v.w, v.Body, maxExport)
	if err := v.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return exeunt.Errorf(exeunt.Invalid, "the form did not arrive in full, or its file is larger than 32 MB: export a shorter time, or use exeunt inventory import").Because(err)
	}
	view := importView{Source: inventory.Source(v.PostFormValue("source")), Systems: s.Inventory.Systems(), Typed: map[int]string{}}
	sheet, err := s.exported(v, &view)
	if err != nil {
		view.Error, view.Field = sentence(exeunt.MessageOf(err)), cmp.Or(fieldOf(err), "file")
		if !slices.Contains(inventory.Sources, view.Source) {
			view.Source = inventory.Finance
		}
		return write(v.w, v.Request, web.Status(err), importTemplate(s.importChrome(v), view))
	}
	if sheet, err = view.decide(v, sheet); err != nil {
		view.Error = sentence(exeunt.MessageOf(err))
	}
	if again := view.lay(sheet, s.Inventory.Sheets()); again != nil {
		return again
	}
	return write(v.w, v.Request, web.Status(err), importTemplate(s.importChrome(v), view))
}

// exported is the sheet of the file that was chosen, or the one that the form carries.
func (s *server) exported(v *visit, view *importView) (inventory.Sheet, error) {
	if state := v.PostFormValue("sheet"); state != "" {
		var sheet inventory.Sheet
		if json.Unmarshal([]byte(state), &sheet) != nil || !slices.Contains(inventory.Sources, sheet.Source) {
			return sheet, exeunt.Errorf(exeunt.Invalid, "what was read before did not come back whole: choose the file again")
		}
		view.Source = sheet.Source
		return sheet, nil
	}
	if !slices.Contains(inventory.Sources, view.Source) {
		return inventory.Sheet{}, exeunt.Errorf(exeunt.Invalid, "say whose export it is").In("source")
	}
	file, head, err := v.FormFile("file")
	if err != nil {
		return inventory.Sheet{}, exeunt.Errorf(exeunt.Invalid, "choose a file: an export as CSV")
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(file)
	if err != nil {
		return inventory.Sheet{}, exeunt.Errorf(exeunt.Invalid, "the file did not arrive in full: send it again").Because(err)
	}
	found, unread, err := inventory.Read(view.Source, text, nil)
	if err != nil {
		return inventory.Sheet{}, err
	}
	view.Unread = unread
	said := inventory.Sheet{Source: view.Source, From: filepath.Base(head.Filename), Read: exeunt.Date(v.now.In(v.zone).Format("2006-01-02"))}
	return inventory.Import(said, found, view.Systems, s.Inventory.Sheets()), nil
}

// decide puts what the viewer decided of single applications into the sheet, with their name.
func (view *importView) decide(v *visit, sheet inventory.Sheet) (inventory.Sheet, error) {
	for i, l := range sheet.Found {
		said, reason := strings.TrimSpace(v.PostFormValue(fmt.Sprint("other-", i))), strings.TrimSpace(v.PostFormValue(fmt.Sprint("why-", i)))
		said = cmp.Or(said, v.PostFormValue(fmt.Sprint("is-", i)))
		view.Typed[i] = reason
		if said == "" || l.Decided() {
			continue
		}
		d := inventory.Decision{Name: l.Name, Is: said, By: v.signs()}
		switch {
		case said == noSystem && len(reason) < 3:
			return sheet, exeunt.Errorf(exeunt.Invalid, "say why %q is no system of ours: later imports go by it", l.Name)
		case said == noSystem:
			d.Is, d.Ignored = "", reason
		case !slices.ContainsFunc(view.Systems, func(s exeunt.System) bool { return s.Name == said }):
			return sheet, exeunt.Errorf(exeunt.Invalid, "there is no system %q in the inventory", said)
		}
		changed, err := inventory.Decide([]inventory.Sheet{sheet}, d)
		if err != nil {
			return sheet, err
		}
		sheet, view.Decided = changed[0], true
	}
	return sheet, nil
}

// noSystem is what a person chooses of an application that is no system of ours. No system has such a name.
const noSystem = "-"

// lay puts a sheet into the view: as the form carries it, as the configuration keeps it, and what to begin with of what the
// inventory lacks, the riskiest first.
func (view *importView) lay(sheet inventory.Sheet, before []inventory.Sheet) error {
	state, err := json.Marshal(sheet)
	if err != nil {
		return err
	}
	text, err := sheet.YAML()
	if err != nil {
		return err
	}
	view.Sheet, view.State, view.File, view.Text = &sheet, string(state), sheet.File(), string(text)
	sheets := append(slices.DeleteFunc(slices.Clone(before), func(b inventory.Sheet) bool { return b.File() == sheet.File() }), sheet)
	items := make([]inventory.Item, len(view.Systems))
	for i, s := range view.Systems {
		items[i] = inventory.Item{System: s}
	}
	for _, g := range inventory.Gaps(items, sheets) {
		if g.Kind != inventory.Unlisted || !slices.Contains(g.Sources, sheet.Source) {
			continue
		}
		if len(view.Begun) == scaffoldsShown {
			view.More++
			continue
		}
		if file, text, err := inventory.Scaffold(g.Name, items, sheets); err == nil {
			view.Begun = append(view.Begun, begunFile{g.Name, file, string(text)})
		}
	}
	return nil
}

// importLine is one application of the sheet, with its place.
type importLine struct {
	At int
	inventory.Line
}

// asked are those of which a person says what they are.
func (view importView) asked() []importLine {
	return view.lines(func(l inventory.Line) bool { return !l.Decided() && len(l.Maybe) > 0 })
}

// known are those that are taken for a system.
func (view importView) known() []importLine {
	return view.lines(func(l inventory.Line) bool { return l.Is != "" })
}

func (view importView) lines(which func(inventory.Line) bool) []importLine {
	var out []importLine
	for i, l := range view.Sheet.Found {
		if which(l) {
			out = append(out, importLine{i, l})
		}
	}
	return out
}

// summary says what the export shows.
func (view importView) summary() string {
	none := len(view.lines(func(l inventory.Line) bool { return l.Ignored != "" }))
	out := fmt.Sprintf("%s shows %s: %d in the inventory, %d no system of ours, %d to decide, %d not in the inventory", orElse(view.Sheet.From, "The export"),
		plural(len(view.Sheet.Found), "application", "applications"), len(view.known()), none, len(view.asked()), len(view.Begun)+view.More)
	if view.Unread > 0 {
		out += "; " + plural(view.Unread, "row names no application", "rows name no application")
	}
	return out
}

// linesShown is how many applications a table shows: the file has them all.
const linesShown = 50

func some(lines []importLine) []importLine { return lines[:min(len(lines), linesShown)] }

func (view importView) titleOf(name string) string {
	for _, s := range view.Systems {
		if s.Name == name {
			return orElse(s.Title, s.Name)
		}
	}
	return name
}

// decided is who says what an application is.
func decidedBy(l importLine) string {
	if l.By != "" {
		return "decided by " + l.By
	}
	return sureness(l.Confidence) + ", " + l.Because
}

func sureness(confidence float64) string { return strconv.Itoa(int(100*confidence+0.5)) + " %" }

// addPage writes the beginning of the file of one system.
func (s *server) addPage(v *visit) error {
	view := addView{Name: strings.Join(strings.Fields(v.URL.Query().Get("name")), " ")}
	systems := s.Inventory.Systems()
	if view.Name != "" {
		items := make([]inventory.Item, len(systems))
		for i, system := range systems {
			items[i] = inventory.Item{System: system}
		}
		view.Maybe = inventory.NewMatcher(systems).Matches(view.Name)
		file, text, err := inventory.Begin(view.Name, items, s.Inventory.Sheets())
		if err != nil {
			view.Error = sentence(exeunt.MessageOf(err))
		} else {
			view.Begun = &begunFile{view.Name, file, string(text)}
		}
	}
	view.Systems = systems
	return v.show(addTemplate(s.chrome(v, "inventory", "Add a system", crumb{"Systems", "/systems"}), view))
}

// addView is the beginning of one system.
type addView struct {
	Name, Error string
	Maybe       []inventory.Match // systems that it may be already
	Systems     []exeunt.System
	Begun       *begunFile
}
