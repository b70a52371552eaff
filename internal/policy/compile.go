package policy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// Defaults of a policy that says nothing.
const (
	defaultCutOff    = "17:00"       // the end of the working day at the place of work
	defaultAccessSLA = 4 * time.Hour // SPEC §7: the standard departure
)

// Policy is a compiled policy and what a configuration checks about it.
type Policy struct {
	exeunt.Policy
	File   string         // where it came from: "policies/10-standard.yaml", "shipped/standard.yaml"
	Owners map[string]Use // role or address that a task asks for → where

	doc *yamlfile.File
}

// Fault is something that is wrong with the policy in its surroundings, at its place.
func (p Policy) Fault(problem yamlfile.Problem) yamlfile.Fault { return p.doc.Fault(problem) }

// Shipped says whether the policy is one that came with the product, as it came.
func (p Policy) Shipped() bool { return isShipped(p.File) }

// Use is the place at which something is named.
type Use struct{ Rule, Path string }

// read compiles one policy. Every fault of the file is reported at once; the policy can be used only
// when none is an error.
func read(name string, source []byte, texts library) (Policy, yamlfile.Faults) {
	doc := yamlfile.Parse(name, source)
	var f File
	doc.Decode(&f)
	own := f
	version := sha256.New()
	version.Write(source)
	if f.Extends != "" && !doc.Failed() {
		base, parent, problems := extended(f, texts)
		doc.Report(problems...)
		f = base
		version.Write(parent)
	}
	if doc.Failed() {
		doc.Report(own.dryProblems()...)
		return Policy{}, doc.Faults().Sorted()
	}
	p, problems := f.compile()
	doc.Report(problems...)
	p.doc, p.File, p.Version = doc, name, hex.EncodeToString(version.Sum(nil))[:12]
	return p, doc.Faults().Sorted()
}

// dryProblems are those that can be said of a file that is broken elsewhere too: its conditions.
func (f File) dryProblems() []yamlfile.Problem {
	_, problems := f.compile()
	return slices.DeleteFunc(problems, func(p yamlfile.Problem) bool { return p.Line == 0 })
}

func (f File) compile() (Policy, []yamlfile.Problem) {
	out := Policy{Owners: map[string]Use{}}
	out.Policy = exeunt.Policy{Name: f.Name, Title: cmp.Or(f.Title, f.Name), CutOff: cmp.Or(f.CutOff, defaultCutOff), AccessSLA: defaultAccessSLA}
	if f.AccessSLA != nil {
		out.AccessSLA = time.Duration(*f.AccessSLA)
	}
	var problems []yamlfile.Problem
	if !slugPattern.MatchString(f.Name) {
		problems = append(problems, slugProblem("name", f.Name))
	}
	if _, err := time.Parse("15:04", out.CutOff); err != nil || len(out.CutOff) != 5 {
		problems = append(problems, yamlfile.Problem{Path: "cut_off", What: "this is not a clock time", Remedy: "write it as \"17:00\", in quotes"})
	}
	var more []yamlfile.Problem
	out.Applies, more = compile("applies", f.Applies, false)
	problems = append(problems, more...)
	out.Embargo, more = f.Embargo.compile()
	problems = append(problems, more...)
	if len(f.Rules) == 0 {
		problems = append(problems, yamlfile.Problem{Path: "rules", What: "the policy has no rules", Remedy: "write rules, or take a shipped policy with extends: standard"})
	}
	for i, r := range f.Rules {
		rule, more := r.compile(fmt.Sprintf("rules[%d]", i))
		problems = append(problems, more...)
		out.Rules = append(out.Rules, rule)
		r.asks(fmt.Sprintf("rules[%d]", i), out.Owners)
	}
	return out, append(problems, f.orderProblems()...)
}

func (e *Embargo) compile() (*exeunt.EmbargoRule, []yamlfile.Problem) {
	if e == nil || e.Until == nil { // what is required is said where it is decoded
		return nil, nil
	}
	var problems []yamlfile.Problem
	if e.Until.Anchor == exeunt.AtStart {
		problems = append(problems, yamlfile.Problem{Path: "embargo.until", What: "an embargo ends for the case as a whole, which has no start of its own", Remedy: "count from trigger, cut-off, last-day or termination-date"})
	}
	if len(e.VisibleTo) == 0 {
		problems = append(problems, yamlfile.Problem{Path: "embargo.visible_to", What: "nobody could see the case", Remedy: "list the e-mail addresses of who may"})
	}
	for i, who := range e.VisibleTo {
		if a, err := mail.ParseAddress(who); err != nil || a.Address != who {
			problems = append(problems, yamlfile.Problem{Path: fmt.Sprintf("embargo.visible_to[%d]", i), What: "this is not an e-mail address", Remedy: "write it as name@company.example"})
		}
	}
	return &exeunt.EmbargoRule{Until: *e.Until, VisibleTo: e.VisibleTo}, problems
}

var slugPattern = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

func slugProblem(path, name string) yamlfile.Problem {
	return yamlfile.Problem{Path: path, What: fmt.Sprintf("%q is not a name", name), Remedy: "use small letters, digits and hyphens, beginning with a letter"}
}

func (r Rule) compile(path string) (exeunt.Rule, []yamlfile.Problem) {
	out := exeunt.Rule{Approver: r.Approver, Name: r.Name, Title: r.Title, Branch: r.Branch, Actions: r.Actions}
	problems := r.shapeProblems(path)
	var more []yamlfile.Problem
	out.When, more = compile(path+".when", r.When, false)
	problems = append(problems, more...)
	out.Systems, more = compile(path+".systems", r.Systems, true)
	problems = append(problems, more...)
	out.Text = exeunt.ConditionTexts{When: strings.TrimSpace(r.When), Systems: strings.TrimSpace(r.Systems), SystemsAlone: systemsAlone(r.Systems)}
	if r.Start != nil {
		out.Start = *r.Start
	}
	if r.Deadline != nil {
		out.Deadline = *r.Deadline
	}
	if r.Task != nil {
		out.Task = &exeunt.TaskPattern{Owner: r.Task.Owner, Procedure: r.Task.Procedure, Checklist: r.Task.Checklist}
	}
	for _, a := range r.After {
		out.After = append(out.After, exeunt.After(a))
	}
	return out, problems
}

var actionPattern = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func (r Rule) shapeProblems(path string) []yamlfile.Problem {
	var out []yamlfile.Problem
	add := func(key, what, remedy string) {
		out = append(out, yamlfile.Problem{Path: path + key, What: what, Remedy: remedy})
	}
	if r.Name != "" && !slugPattern.MatchString(r.Name) {
		out = append(out, slugProblem(path+".name", r.Name))
	}
	switch {
	case r.Task == nil && len(r.Actions) == 0:
		add("", "the rule does nothing", "give it actions (in systems) or a task (of a person)")
	case r.Task != nil && len(r.Actions) > 0:
		add("", "the rule has both actions and a task", "make two rules of it")
	case r.Task != nil && r.Approver != "":
		add(".approver", "a task of a person needs no approval", "name an approver in rules that act in systems")
	case r.Task != nil && r.Systems != "":
		add(".systems", "a task is not done in systems", "use when: to say for which departures it is")
	case r.Task == nil && r.Systems == "":
		add(".systems", "the rule does not say in which systems it acts", "write systems: \"true\" for all of them, or a condition such as system.tier == 1")
	}
	if r.Start != nil && r.Start.Anchor == exeunt.AtStart {
		add(".start", "a rule cannot start relative to its own start", "count from trigger, cut-off, last-day or termination-date")
	}
	for i, a := range r.Actions {
		if !actionPattern.MatchString(string(a)) {
			add(fmt.Sprintf(".actions[%d]", i), fmt.Sprintf("%q is not an action", a), "use small letters and underscores, such as revoke_sessions")
		}
	}
	return out
}

// orderProblems finds dependencies on nothing and dependencies in a circle.
func (f File) orderProblems() []yamlfile.Problem {
	var out []yamlfile.Problem
	at := map[string]int{}
	for i, r := range f.Rules {
		if first, twice := at[r.Name]; twice && r.Name != "" {
			out = append(out, yamlfile.Problem{Path: fmt.Sprintf("rules[%d].name", i), What: fmt.Sprintf("the rule %s exists already as rules[%d]", r.Name, first), Remedy: "give each rule a name of its own"})
			continue
		}
		at[r.Name] = i
	}
	for i, r := range f.Rules {
		for j, a := range r.After {
			path := fmt.Sprintf("rules[%d].after[%d].rule", i, j)
			if _, ok := at[a.Rule]; !ok && a.Rule != "" {
				out = append(out, yamlfile.Problem{Path: path, What: fmt.Sprintf("there is no rule %q in this policy", a.Rule), Remedy: "name a rule of the same policy"})
			} else if circle := f.path(at, a.Rule, r.Name, map[string]bool{}); circle {
				out = append(out, yamlfile.Problem{Path: path, What: fmt.Sprintf("%s and %s wait for each other", r.Name, a.Rule), Remedy: "take one of the dependencies out"})
			}
		}
	}
	return out
}

// path says whether a rule waits, directly or not, for another.
func (f File) path(at map[string]int, from, to string, seen map[string]bool) bool {
	if from == to {
		return true
	}
	i, ok := at[from]
	if !ok || seen[from] {
		return false
	}
	seen[from] = true
	return slices.ContainsFunc(f.Rules[i].After, func(a After) bool { return f.path(at, a.Rule, to, seen) })
}

// IsAddress says whether an owner is given by e-mail address and not by role.
func IsAddress(owner string) bool {
	a, err := mail.ParseAddress(owner)
	return err == nil && a.Address == owner
}
