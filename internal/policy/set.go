package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/calendar"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// Set is everything by which departures are planned: policies in the order in which they are asked, and modifiers in the
// order in which they count. It is versioned by the content of all its files, and can be read again from its text.
type Set struct {
	Version   string // first twelve hex digits of the SHA-256 of its text
	Policies  []Policy
	Modifiers []Modifier
	Calendars []calendar.Calendar

	files []txtar.File
}

// Named is a file of a set.
type Named struct {
	Name   string // "policies/10-standard.yaml", "modifiers/board.yaml"
	Source []byte
}

// library finds the text of what is shipped, by its name: "shipped/standard.yaml".
type library func(name string) ([]byte, error)

// ReadSet compiles the files of a configuration, in the order of their names. Without policies the shipped ones are taken;
// shipped modifiers count unless a file of the same name takes their place. The set can be used only when no fault is an
// error.
func ReadSet(files []Named) (Set, yamlfile.Faults) {
	return readSet(files, shippedText, policyFiles(), modifierFiles)
}

// Kept reads a set again from its text: with what was shipped then.
func Kept(text []byte) (Set, error) {
	archive := txtar.Parse(text)
	var own []Named
	kept := map[string][]byte{}
	for _, f := range archive.Files {
		kept[f.Name] = f.Data
		if !isShipped(f.Name) {
			own = append(own, Named{f.Name, f.Data})
		}
	}
	policies, modifiers := counting(archive.Comment)
	set, faults := readSet(own, func(name string) ([]byte, error) {
		if text, ok := kept[name]; ok {
			return text, nil
		}
		return nil, exeunt.Errorf(exeunt.NotFound, "the policies that are kept have no %s", name)
	}, policies, modifiers)
	if len(faults.Errors()) > 0 {
		return set, exeunt.Errorf(exeunt.Internal, "the policies that a case was planned with cannot be read any more: %s", faults.Errors().Error())
	}
	return set, nil
}

// counting reads which of the shipped files count themselves, as opposed to being extended by others, in their order.
func counting(comment []byte) (policies, modifiers []string) {
	for line := range strings.Lines(string(comment)) {
		switch role, name, _ := strings.Cut(strings.TrimSpace(line), " "); role {
		case "policy":
			policies = append(policies, name)
		case "modifier":
			modifiers = append(modifiers, name)
		}
	}
	return policies, modifiers
}

// Text is the set as it is kept.
func (s Set) Text() []byte {
	var counting strings.Builder
	for _, p := range s.Policies {
		if p.Shipped() {
			fmt.Fprintf(&counting, "policy %s\n", p.File)
		}
	}
	for _, m := range s.Modifiers {
		if m.Shipped() {
			fmt.Fprintf(&counting, "modifier %s\n", m.File)
		}
	}
	return txtar.Format(&txtar.Archive{Comment: []byte(counting.String()), Files: s.files})
}

// Files are the names of the files that the set was made from, each with its text.
func (s Set) Files() []Named {
	out := make([]Named, len(s.files))
	for i, f := range s.files {
		out[i] = Named{f.Name, f.Data}
	}
	return out
}

// Policy is the one that a departure takes, with the modifiers that may count for it.
func (s Set) Policy(d exeunt.Departure) (exeunt.Policy, error) {
	p, err := Choose(s.Policies, d)
	if err != nil {
		return p, err
	}
	p.Set = s.Version
	p.Calendar = func() *exeunt.Calendar { return calendar.Of(s.Calendars, d) }
	p.Modifiers = make([]exeunt.Modifier, len(s.Modifiers))
	for i, m := range s.Modifiers {
		p.Modifiers[i] = m.Modifier
	}
	return p, nil
}

func isShipped(file string) bool { return strings.HasPrefix(file, "shipped/") }

type setReader struct {
	set    Set
	faults yamlfile.Faults
	texts  library
	named  map[string]string // "policy standard" → file
}

func readSet(files []Named, texts library, policies, modifiers []string) (Set, yamlfile.Faults) {
	r := setReader{named: map[string]string{}}
	r.texts = func(name string) ([]byte, error) {
		text, err := texts(name)
		if err == nil {
			r.keep(name, text)
		}
		return text, err
	}
	own := slices.ContainsFunc(files, func(f Named) bool { return strings.HasPrefix(f.Name, "policies/") })
	if !own {
		for _, name := range policies {
			r.shipped(name, r.policy)
		}
	}
	taken := map[string]bool{}
	for _, f := range files {
		if name, ok := strings.CutPrefix(f.Name, "modifiers/"); ok {
			taken[nameIn(name, f.Source)] = true
		}
	}
	for _, name := range modifiers {
		if !taken[strings.TrimSuffix(strings.TrimPrefix(name, "shipped/modifiers/"), ".yaml")] {
			r.shipped(name, r.modifier)
		}
	}
	for _, f := range files {
		source := f.Source
		if len(source) > 0 && source[len(source)-1] != '\n' { // as it is kept
			source = append(slices.Clone(source), '\n')
		}
		r.keep(f.Name, source)
		switch folder, _, _ := strings.Cut(f.Name, "/"); folder {
		case "modifiers":
			r.modifier(f.Name, source)
		case "calendars":
			r.calendar(f.Name, source)
		default:
			r.policy(f.Name, source)
		}
	}
	r.faults = append(r.faults, calendar.Twice(r.set.Calendars)...)
	r.together()
	slices.SortFunc(r.set.files, func(a, b txtar.File) int { return strings.Compare(a.Name, b.Name) })
	digest := sha256.Sum256(r.set.Text())
	r.set.Version = hex.EncodeToString(digest[:])[:12]
	return r.set, r.faults
}

// nameIn is the name that a file gives itself, which is looked at before it is compiled.
func nameIn(file string, source []byte) string {
	var f struct {
		Name string `json:"name"`
	}
	yamlfile.Parse(file, source).Decode(&f)
	return f.Name
}

func (r *setReader) keep(name string, text []byte) {
	if !slices.ContainsFunc(r.set.files, func(f txtar.File) bool { return f.Name == name }) {
		r.set.files = append(r.set.files, txtar.File{Name: name, Data: text})
	}
}

func (r *setReader) shipped(name string, read func(string, []byte)) {
	text, err := r.texts(name)
	if err != nil {
		r.faults = append(r.faults, yamlfile.Fault{File: name, What: err.Error()})
		return
	}
	read(name, text)
}

func (r *setReader) policy(name string, source []byte) {
	p, faults := read(name, source, r.texts)
	r.faults = append(r.faults, faults...)
	if len(faults.Errors()) > 0 || r.twice("policy", p.Name, name, p.Fault) {
		return
	}
	r.set.Policies = append(r.set.Policies, p)
}

func (r *setReader) modifier(name string, source []byte) {
	m, faults := readModifier(name, source, r.texts)
	r.faults = append(r.faults, faults...)
	if len(faults.Errors()) > 0 || r.twice("modifier", m.Name, name, m.Fault) {
		return
	}
	r.set.Modifiers = append(r.set.Modifiers, m)
}

func (r *setReader) calendar(name string, source []byte) {
	c, faults := calendar.Read(name, source)
	r.faults = append(r.faults, faults...)
	if len(faults.Errors()) == 0 {
		r.set.Calendars = append(r.set.Calendars, c)
	}
}

func (r *setReader) twice(what, name, file string, fault func(yamlfile.Problem) yamlfile.Fault) bool {
	other, twice := r.named[what+" "+name]
	if twice {
		r.faults = append(r.faults, fault(yamlfile.Problem{Path: "name", What: fmt.Sprintf("%s is the name of a %s already, in %s", name, what, other), Remedy: "give each " + what + " a name of its own"}))
	}
	r.named[what+" "+name] = file
	return twice
}
