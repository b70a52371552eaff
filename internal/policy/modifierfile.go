package policy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// ModifierFile is a modifier as it stands in modifiers/*.yaml.
type ModifierFile struct {
	Name    string           `json:"name" jsonschema:"required,pattern=^[a-z][a-z0-9-]*$" remedy:"give the modifier a short name, such as executive" jsonschema_description:"Short name; the plan shows it at what it changes. One with the name of a shipped modifier takes its place."`
	Title   string           `json:"title,omitempty" jsonschema_description:"What people call it."`
	Extends string           `json:"extends,omitempty" jsonschema:"enum=executive,enum=on-leave,enum=litigation-hold,enum=privileged,enum=contractor,enum=jurisdiction-de,enum=jurisdiction-gb,enum=jurisdiction-us" jsonschema_description:"A shipped modifier to start from. What is said here about a rule takes the place of what it says about that rule."`
	Applies string           `json:"applies,omitempty" jsonschema_description:"CEL over leaver and departure: for which departures it counts. Required unless it extends another; false for none."`
	Because string           `json:"because,omitempty" jsonschema_description:"Why there is such a thing; the plan shows it at each rule that it adds. Required unless it extends another."`
	Over    []string         `json:"over,omitempty" jsonschema_description:"Modifiers against which it wins where both count and say different things about one rule."`
	Add     []Rule           `json:"add,omitempty" jsonschema_description:"Rules that it adds to the policy."`
	Change  []AdjustmentFile `json:"change,omitempty" jsonschema_description:"Rules that it changes."`
	Remove  []RemovalFile    `json:"remove,omitempty" jsonschema_description:"Rules that it leaves out. Systems that nothing else reaches are then a task of their owners, with the reason."`
}

// AdjustmentFile is what a modifier changes about a rule.
type AdjustmentFile struct {
	Rule     string         `json:"rule" jsonschema:"required" remedy:"name the rule that is changed" jsonschema_description:"The rule that is changed, of the policy or of a modifier."`
	Because  string         `json:"because" jsonschema:"required" remedy:"say why; the plan shows it" jsonschema_description:"Why; the plan shows it."`
	Owner    *string        `json:"owner,omitempty" jsonschema_description:"Who owns it instead: a role of exeunt.yaml, manager, or an e-mail address."`
	Approver *string        `json:"approver,omitempty" jsonschema_description:"A role that must approve its steps, or \"\" for none."`
	Start    *exeunt.Moment `json:"start,omitempty" jsonschema_description:"When it may start instead."`
	Deadline *exeunt.Moment `json:"deadline,omitempty" jsonschema_description:"By when instead."`
}

// RemovalFile is a rule that a modifier leaves out.
type RemovalFile struct {
	Rule    string `json:"rule" jsonschema:"required" remedy:"name the rule that is left out" jsonschema_description:"The rule that is left out."`
	Because string `json:"because" jsonschema:"required" remedy:"say why; the plan shows it" jsonschema_description:"Why; the plan shows it."`
}

// Modifier is a compiled modifier and what a configuration checks about it.
type Modifier struct {
	exeunt.Modifier
	File   string         // where it came from: "modifiers/board.yaml", "shipped/modifiers/executive.yaml"
	Owners map[string]Use // role or address that it asks → where

	doc  *yamlfile.File
	read ModifierFile
}

// Shipped says whether the modifier came with the product, as it came.
func (m Modifier) Shipped() bool { return isShipped(m.File) }

// Fault is something that is wrong with the modifier in its surroundings, at its place.
func (m Modifier) Fault(problem yamlfile.Problem) yamlfile.Fault { return m.doc.Fault(problem) }

// readModifier compiles one modifier. Every fault of the file is reported at once.
func readModifier(name string, source []byte, texts library) (Modifier, yamlfile.Faults) {
	doc := yamlfile.Parse(name, source)
	var f ModifierFile
	doc.Decode(&f)
	version := sha256.New()
	version.Write(source)
	if f.Extends != "" && !doc.Failed() {
		parent, err := texts("shipped/modifiers/" + f.Extends + ".yaml")
		if err != nil {
			doc.Report(yamlfile.Problem{Path: "extends", What: exeunt.MessageOf(err), Remedy: "name one of the shipped modifiers"})
		} else {
			var base ModifierFile
			yamlfile.Parse("shipped/modifiers/"+f.Extends+".yaml", parent).Decode(&base)
			f = f.onto(base)
			version.Write(parent)
		}
	}
	m, problems := f.compile()
	if doc.Failed() { // its conditions can be said all the same
		problems = slices.DeleteFunc(problems, func(p yamlfile.Problem) bool { return p.Line == 0 })
	}
	doc.Report(problems...)
	m.doc, m.File, m.read, m.Version = doc, name, f, hex.EncodeToString(version.Sum(nil))[:12]
	return m, doc.Faults().Sorted()
}

// onto puts what a file says over the modifier that it extends; what it says about a rule comes first, so that its
// places in the file are its own.
func (f ModifierFile) onto(base ModifierFile) ModifierFile {
	out := f
	out.Title, out.Applies, out.Because = cmp.Or(f.Title, base.Title), cmp.Or(f.Applies, base.Applies), cmp.Or(f.Because, base.Because)
	out.Over = slices.Concat(f.Over, base.Over)
	said := func(rule string) bool {
		return slices.ContainsFunc(f.Add, func(r Rule) bool { return r.Name == rule }) ||
			slices.ContainsFunc(f.Change, func(a AdjustmentFile) bool { return a.Rule == rule }) ||
			slices.ContainsFunc(f.Remove, func(r RemovalFile) bool { return r.Rule == rule })
	}
	out.Add, out.Change, out.Remove = slices.Clone(f.Add), slices.Clone(f.Change), slices.Clone(f.Remove)
	for _, r := range base.Add {
		if slices.ContainsFunc(f.Remove, func(gone RemovalFile) bool { return gone.Rule == r.Name }) {
			out.Remove = slices.DeleteFunc(out.Remove, func(gone RemovalFile) bool { return gone.Rule == r.Name })
		} else if !said(r.Name) {
			out.Add = append(out.Add, r)
		}
	}
	for _, a := range base.Change {
		if !said(a.Rule) {
			out.Change = append(out.Change, a)
		}
	}
	for _, r := range base.Remove {
		if !said(r.Rule) {
			out.Remove = append(out.Remove, r)
		}
	}
	return out
}

func (f ModifierFile) compile() (Modifier, []yamlfile.Problem) {
	out := Modifier{Owners: map[string]Use{}}
	out.Modifier = exeunt.Modifier{Name: f.Name, Title: cmp.Or(f.Title, f.Name), Because: f.Because, Over: f.Over}
	problems := f.shapeProblems()
	var more []yamlfile.Problem
	out.Applies, more = compile("applies", f.Applies, false)
	problems = append(problems, more...)
	for i, r := range f.Add {
		path := fmt.Sprintf("add[%d]", i)
		rule, more := r.compile(path)
		problems = append(problems, more...)
		out.Add = append(out.Add, rule)
		r.asks(path, out.Owners)
	}
	for i, a := range f.Change {
		path := fmt.Sprintf("change[%d]", i)
		problems = append(problems, a.problems(path)...)
		out.Change = append(out.Change, exeunt.Adjustment{Rule: a.Rule, Because: a.Because, Owner: a.Owner, Approver: a.Approver, Start: a.Start, Deadline: a.Deadline})
		if a.Owner != nil && *a.Owner != "" {
			out.Owners[*a.Owner] = Use{a.Rule, path + ".owner"}
		}
		if a.Approver != nil && *a.Approver != "" {
			out.Owners[*a.Approver] = Use{a.Rule, path + ".approver"}
		}
	}
	for _, r := range f.Remove {
		out.Remove = append(out.Remove, exeunt.Removal(r))
	}
	return out, problems
}

func (f ModifierFile) shapeProblems() []yamlfile.Problem {
	var out []yamlfile.Problem
	add := func(path, what, remedy string) {
		out = append(out, yamlfile.Problem{Path: path, What: what, Remedy: remedy})
	}
	if f.Name != "" && !slugPattern.MatchString(f.Name) {
		out = append(out, slugProblem("name", f.Name))
	}
	if f.Applies == "" {
		add("applies", "missing", "say for which departures it counts: \"executive\" in leaver.flags, or \"true\" for all")
	}
	if f.Because == "" {
		add("because", "missing", "say why there is such a modifier; the plan shows it")
	}
	if len(f.Add)+len(f.Change)+len(f.Remove) == 0 {
		add("", "the modifier does nothing", "give it add, change or remove")
	}
	said := map[string]string{}
	once := func(path, rule string) {
		if first, twice := said[rule]; twice && rule != "" {
			add(path, fmt.Sprintf("%s says something about %s already", first, rule), "say all that one modifier has to say about a rule in one place")
		}
		said[rule] = path
	}
	for i, r := range f.Add {
		once(fmt.Sprintf("add[%d].name", i), r.Name)
	}
	for i, a := range f.Change {
		once(fmt.Sprintf("change[%d].rule", i), a.Rule)
	}
	for i, r := range f.Remove {
		once(fmt.Sprintf("remove[%d].rule", i), r.Rule)
	}
	return out
}

func (a AdjustmentFile) problems(path string) []yamlfile.Problem {
	var out []yamlfile.Problem
	switch {
	case a.Owner == nil && a.Approver == nil && a.Start == nil && a.Deadline == nil:
		out = append(out, yamlfile.Problem{Path: path, What: "nothing is changed", Remedy: "give owner, approver, start or deadline"})
	case a.Owner != nil && *a.Owner == "":
		out = append(out, yamlfile.Problem{Path: path + ".owner", What: "nobody would own it", Remedy: "name a role, manager, or an e-mail address"})
	}
	if a.Start != nil && a.Start.Anchor == exeunt.AtStart {
		out = append(out, yamlfile.Problem{Path: path + ".start", What: "a rule cannot start relative to its own start", Remedy: "count from trigger, cut-off, last-day or termination-date"})
	}
	return out
}

// asks notes whom a rule asks.
func (r Rule) asks(path string, owners map[string]Use) {
	if _, known := owners[r.Approver]; !known && r.Approver != "" {
		owners[r.Approver] = Use{r.Name, path + ".approver"}
	}
	if r.Task == nil {
		return
	}
	if _, known := owners[r.Task.Owner]; !known {
		owners[r.Task.Owner] = Use{r.Name, path + ".task.owner"}
	}
}
