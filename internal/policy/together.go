package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// What shows only when policies and modifiers are read together.

func (r *setReader) together() {
	if len(r.faults.Errors()) > 0 { // what is missing may be in what could not be read
		return
	}
	for _, m := range r.set.Modifiers {
		if !m.Shipped() {
			r.rulesOf(m)
		}
		r.over(m)
		r.circles(m)
	}
	for i, m := range r.set.Modifiers {
		for _, later := range r.set.Modifiers[i+1:] {
			r.contradict(m, later)
		}
	}
}

func (r *setReader) report(m Modifier, path, what, remedy string) {
	r.faults = append(r.faults, m.Fault(yamlfile.Problem{Path: path, What: what, Remedy: remedy}))
}

// rulesOf checks that the rules exist that a modifier speaks of, and those do not that it adds.
func (r *setReader) rulesOf(m Modifier) {
	speaks := func(path, rule string) {
		if len(r.inPolicies(rule)) == 0 && !r.added(rule, m.Name) {
			r.report(m, path, fmt.Sprintf("no policy has a rule %q, and no other modifier adds it", rule), "name one of "+strings.Join(r.ruleNames(), ", "))
		}
	}
	for i, rule := range m.Add {
		if in := r.inPolicies(rule.Name); len(in) > 0 {
			r.report(m, fmt.Sprintf("add[%d].name", i), fmt.Sprintf("the policy %s has a rule %s already", in[0].policy, rule.Name), "change that rule, or give this one another name")
		}
		for j, a := range rule.After {
			if len(r.inPolicies(a.Rule)) == 0 && !r.added(a.Rule, "") {
				r.report(m, fmt.Sprintf("add[%d].after[%d].rule", i, j), fmt.Sprintf("there is no rule %q", a.Rule), "name a rule of a policy or of a modifier")
			}
		}
	}
	for i, a := range m.Change {
		path := fmt.Sprintf("change[%d]", i)
		speaks(path+".rule", a.Rule)
		in := r.inPolicies(a.Rule)
		tasks := !slices.ContainsFunc(in, func(p placed) bool { return p.Task == nil })
		if a.Approver != nil && *a.Approver != "" && len(in) > 0 && tasks {
			r.report(m, path+".approver", a.Rule+" is a task of a person, which needs no approval", "change its owner instead")
		}
	}
	for i, gone := range m.Remove {
		speaks(fmt.Sprintf("remove[%d].rule", i), gone.Rule)
	}
}

// placed is a rule and the policy that it stands in.
type placed struct {
	exeunt.Rule
	policy string
}

func (r *setReader) inPolicies(rule string) []placed {
	var out []placed
	for _, p := range r.set.Policies {
		for _, one := range p.Rules {
			if one.Name == rule {
				out = append(out, placed{one, p.Name})
			}
		}
	}
	return out
}

// added says whether a modifier adds a rule, other than the one that is named.
func (r *setReader) added(rule, besides string) bool {
	return slices.ContainsFunc(r.set.Modifiers, func(m Modifier) bool {
		return m.Name != besides && slices.ContainsFunc(m.Add, func(a exeunt.Rule) bool { return a.Name == rule })
	})
}

func (r *setReader) ruleNames() []string {
	var out []string
	for _, p := range r.set.Policies {
		for _, rule := range p.Rules {
			if !slices.Contains(out, rule.Name) {
				out = append(out, rule.Name)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (r *setReader) over(m Modifier) {
	for i, name := range m.Over {
		at := slices.IndexFunc(r.set.Modifiers, func(o Modifier) bool { return o.Name == name })
		path := fmt.Sprintf("over[%d]", i)
		switch {
		case name == m.Name:
			r.report(m, path, "a modifier cannot be over itself", "name another")
		case at < 0:
			r.report(m, path, fmt.Sprintf("there is no modifier %q", name), "name one of "+strings.Join(r.modifierNames(), ", "))
		case slices.Contains(r.set.Modifiers[at].Over, m.Name):
			r.report(m, path, fmt.Sprintf("%s and %s are over each other", m.Name, name), "take one of them out")
		}
	}
}

func (r *setReader) modifierNames() []string {
	out := make([]string, len(r.set.Modifiers))
	for i, m := range r.set.Modifiers {
		out[i] = m.Name
	}
	return out
}

// circles finds what a modifier adds that waits in a circle.
func (r *setReader) circles(m Modifier) {
	for _, p := range r.set.Policies {
		var all File
		at := map[string]int{}
		put := func(rule exeunt.Rule) {
			if _, known := at[rule.Name]; known {
				return
			}
			at[rule.Name] = len(all.Rules)
			after := make([]After, len(rule.After))
			for i, a := range rule.After {
				after[i] = After(a)
			}
			all.Rules = append(all.Rules, Rule{Name: rule.Name, After: after})
		}
		for _, rule := range p.Rules {
			put(rule)
		}
		for _, other := range r.set.Modifiers {
			for _, rule := range other.Add {
				put(rule)
			}
		}
		for i, rule := range m.Add {
			for j, a := range rule.After {
				if all.path(at, a.Rule, rule.Name, map[string]bool{}) {
					r.report(m, fmt.Sprintf("add[%d].after[%d].rule", i, j), fmt.Sprintf("%s and %s wait for each other", rule.Name, a.Rule), "take one of the dependencies out")
					return
				}
			}
		}
	}
}

// contradict reports what two modifiers differ on, when there are departures for which both count. Where no such departure
// is found, one may still come: then the plan asks the case owner.
func (r *setReader) contradict(m, later Modifier) {
	for _, c := range m.Contradictions(later.Modifier) {
		if len(r.inPolicies(c.Rule)) == 0 && !r.added(c.Rule, "") {
			continue // a rule that nobody has
		}
		d, found := together(m, later)
		if !found {
			return
		}
		at, other := later, m
		if at.Shipped() {
			at, other = m, later
		}
		r.report(at, at.path(c.Rule), fmt.Sprintf("%s and %s contradict each other about %s (%s), and both count for somebody (%s)", m.Name, later.Name, c.Rule, c.What, inWords(d)),
			fmt.Sprintf("say which of them wins: over: [%s], or let their applies exclude each other", other.Name))
	}
}

// path is where a modifier speaks of a rule.
func (m Modifier) path(rule string) string {
	if i := slices.IndexFunc(m.read.Add, func(r Rule) bool { return r.Name == rule }); i >= 0 {
		return fmt.Sprintf("add[%d]", i)
	}
	if i := slices.IndexFunc(m.read.Change, func(a AdjustmentFile) bool { return a.Rule == rule }); i >= 0 {
		return fmt.Sprintf("change[%d]", i)
	}
	if i := slices.IndexFunc(m.read.Remove, func(r RemovalFile) bool { return r.Rule == rule }); i >= 0 {
		return fmt.Sprintf("remove[%d]", i)
	}
	return ""
}
