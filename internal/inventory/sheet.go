package inventory

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/exeunt/exeunt"
)

// Sheet is inventory/<source>.yaml, or inventory/sso-<system>.yaml of a single sign-on that was asked itself: what a source showed last, which system each application is, and who said so.
// It lies beside the systems, so that it is reviewed and kept as they are; the next import goes by it.
type Sheet struct {
	Source Source      `json:"source" jsonschema:"required,enum=finance,enum=sso,enum=survey" remedy:"say whose export it is" jsonschema_description:"Who showed it: finance, sso or survey."`
	System string      `json:"system,omitempty" jsonschema_description:"The system of the inventory that was asked itself, where it was."`
	Read   exeunt.Date `json:"read,omitempty" jsonschema_description:"When the export was read."`
	From   string      `json:"from,omitempty" jsonschema_description:"Name of the file that was read."`
	Found  []Line      `json:"found" jsonschema_description:"The applications that it shows."`
}

// Line is one application and what it is.
type Line struct {
	ID          string   `json:"id,omitempty" jsonschema_description:"The id that the single sign-on gives it."`
	Name        string   `json:"name" jsonschema:"required" remedy:"give the name as the source writes it" jsonschema_description:"The name as the source writes it."`
	Is          string   `json:"is,omitempty" jsonschema_description:"The system that it is."`
	Ignored     string   `json:"ignored,omitempty" jsonschema_description:"Why it is no system of ours."`
	By          string   `json:"by,omitempty" jsonschema_description:"Who decided that. Empty when the name decided."`
	Confidence  float64  `json:"confidence,omitempty" jsonschema_description:"How sure the name is: 0 to 1."`
	Because     string   `json:"because,omitempty" jsonschema_description:"Why it is that system, or may be those."`
	Maybe       []string `json:"maybe,omitempty" jsonschema_description:"The systems that it may be: a person decides."`
	Also        []string `json:"also,omitempty" jsonschema_description:"Other ways in which the source writes it."`
	Spend       float64  `json:"spend,omitempty" jsonschema_description:"What was paid, summed up."`
	Currency    string   `json:"currency,omitempty" jsonschema_description:"ISO 4217."`
	People      int      `json:"people,omitempty" jsonschema_description:"Users or seats."`
	Owner       string   `json:"owner,omitempty" jsonschema_description:"Who answers for it, as the source says."`
	Departments []string `json:"departments,omitempty" jsonschema_description:"Who uses it."`
	SignsIn     string   `json:"signs_in,omitempty" jsonschema_description:"By what the sign-on names people to it."`
	Mode        string   `json:"mode,omitempty" jsonschema_description:"How the sign-on lets people in."`
	Inactive    bool     `json:"inactive,omitempty" jsonschema_description:"The source says that it is switched off."`
	Holds       []string `json:"holds,omitempty" jsonschema_description:"What data lies there."`
}

// Decided says whether it is known what an application is.
func (l Line) Decided() bool { return l.Is != "" || l.Ignored != "" }

func lineOf(f Found) Line {
	return Line{
		ID: f.ID, Name: f.Name, Also: f.Also, Spend: math.Round(f.Spend*100) / 100, Currency: f.Currency, People: f.People, Owner: f.Owner, Departments: f.Departments,
		SignsIn: f.SignsIn, Mode: f.Mode, Inactive: f.Inactive, Holds: f.Holds,
	}
}

// with adds what another line says of the same application.
func (l Line) with(other Line) Line {
	l.Spend, l.People = l.Spend+other.Spend, max(l.People, other.People)
	l.Currency, l.Owner, l.SignsIn, l.Mode = cmp.Or(l.Currency, other.Currency), cmp.Or(l.Owner, other.Owner), cmp.Or(l.SignsIn, other.SignsIn), cmp.Or(l.Mode, other.Mode)
	l.Departments, l.Holds = union(slices.Clone(l.Departments), other.Departments), union(slices.Clone(l.Holds), other.Holds)
	return l
}

// File is where the sheet is kept in a configuration.
func (s Sheet) File() string {
	name := string(s.Source)
	if s.System != "" {
		name += "-" + s.System
	}
	return "inventory/" + name + ".yaml"
}

// Import puts what a source shows in the place of what it showed before: said is its sheet without the lines. What a person has
// decided stays decided, in whichever sheet; the rest goes by the names.
func Import(said Sheet, found []Found, systems []exeunt.System, sheets []Sheet) Sheet {
	m := NewMatcher(systems)
	people := decisions(sheets)
	for _, d := range people {
		if d.Is != "" {
			m.learn(called{system: d.Is, as: d.Name, brand: true})
		}
	}
	out := said
	for _, f := range found {
		out.Found = append(out.Found, m.decide(said.System, lineOf(f), people))
	}
	slices.SortStableFunc(out.Found, func(a, b Line) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return out
}

// decisions are what people have decided, by the core of the name, and by the id that a single sign-on gives it.
func decisions(sheets []Sheet) map[string]Line {
	out := map[string]Line{}
	for _, s := range sheets {
		for _, l := range s.Found {
			if l.By == "" || !l.Decided() {
				continue
			}
			out[keyOf(l.Name)] = l
			if l.ID != "" {
				out[idKey(s.System, l.ID)] = l
			}
		}
	}
	return out
}

// idKey cannot be the core of a name, which has no such characters.
func idKey(system, id string) string { return system + "#" + id }

func (m *Matcher) decide(system string, l Line, people map[string]Line) Line {
	d, ok := people[keyOf(l.Name)]
	if !ok && l.ID != "" { // it was given another name
		d, ok = people[idKey(system, l.ID)]
	}
	if ok {
		l.Is, l.Ignored, l.By, l.Because = d.Is, d.Ignored, d.By, d.Because
		return l
	}
	matches := m.Matches(l.Name)
	switch {
	case clearest(matches):
		l.Is, l.Confidence, l.Because = matches[0].System, matches[0].Confidence, matches[0].Because
	case len(matches) > 0:
		l.Confidence, l.Because = matches[0].Confidence, matches[0].Because
		for _, one := range matches[:min(3, len(matches))] {
			l.Maybe = append(l.Maybe, one.System)
		}
	}
	l.Confidence = math.Round(l.Confidence*100) / 100
	return l
}

// Decision is what a person says of an application.
type Decision struct {
	Name    string // as a sheet has it, in any spelling
	Is      string // the system that it is; "" when it is none
	Ignored string // why it is none
	By      string
}

// Decide keeps a decision in every sheet that shows the application, and says which those are.
func Decide(sheets []Sheet, d Decision) (changed []Sheet, err error) {
	key := keyOf(d.Name)
	for _, s := range sheets {
		hit := false
		s.Found = slices.Clone(s.Found)
		for i, l := range s.Found {
			if keyOf(l.Name) == key {
				l.Is, l.Ignored, l.By, l.Confidence, l.Because, l.Maybe = d.Is, d.Ignored, d.By, 0, "", nil
				s.Found[i], hit = l, true
			}
		}
		if hit {
			changed = append(changed, s)
		}
	}
	if len(changed) == 0 {
		return nil, exeunt.Errorf(exeunt.NotFound, "no source shows an application %q: see exeunt inventory gaps for the names", d.Name)
	}
	return changed, nil
}

// YAML is the sheet as it stands in the configuration.
func (s Sheet) YAML() ([]byte, error) {
	text, err := json.Marshal(s) // the keys and what is left out stand in the tags already
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	block(&document)
	var out bytes.Buffer
	out.WriteString("# Written by exeunt inventory import and exeunt inventory decide; edit it as you like: what has a \"by\" stays.\n")
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(&document); err != nil {
		return nil, err
	}
	return out.Bytes(), e.Close()
}

// block lays out what was read as JSON as people write YAML: short lists stay on their line.
func block(n *yaml.Node) {
	scalars := n.Kind == yaml.SequenceNode && !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return c.Kind != yaml.ScalarNode })
	if n.Style = 0; scalars {
		n.Style = yaml.FlowStyle
	}
	for _, c := range n.Content {
		block(c)
	}
}
