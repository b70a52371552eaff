package exeunt

import (
	"cmp"
	"slices"
)

// Dependency is a step or task that must be settled first, and why.
type Dependency struct {
	Key     string `json:"key"`
	Because string `json:"because"`
}

// link resolves declared dependencies between rules to keys. What is there by a rule follows that rule; who
// waits for a rule waits for all that it asks for, also where another rule's step does it, unless that one
// waits for the waiting one.
func (d *drafter) link(rules []Rule) {
	rules = slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return len(r.After) == 0 })
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Compare(a.Name, b.Name) })
	edges, own := d.graph(rules)
	for _, borrowed := range []bool{false, true} { // what a rule has of its own first: borrowed edges must not close a circle with those
		for _, rule := range rules {
			for _, a := range rule.After {
				for _, target := range slices.Sorted(slices.Values(d.made[a.Rule])) {
					by, where := d.placed(target)
					if (by != a.Rule) != borrowed || by == rule.Name {
						continue
					}
					for _, key := range own[rule.Name] {
						if _, here := d.placed(key); a.SameSystem && here != where {
							continue
						}
						if !waits(edges[key], target) && !leads(edges, target, key, map[string]bool{}) {
							edges[key] = append(edges[key], Dependency{Key: target, Because: a.Because})
						}
					}
				}
			}
		}
	}
	for i := range d.plan.Steps {
		d.plan.Steps[i].After = edges[d.plan.Steps[i].Key]
	}
	for i := range d.plan.Tasks {
		d.plan.Tasks[i].After = edges[d.plan.Tasks[i].Key]
	}
}

// graph is what waits for what so far, and what each of the rules has in the plan.
func (d *drafter) graph(rules []Rule) (edges map[string][]Dependency, own map[string][]string) {
	edges, own = map[string][]Dependency{}, make(map[string][]string, len(rules))
	for i := range rules {
		own[rules[i].Name] = nil
	}
	note := func(key, rule string, after []Dependency) {
		if len(after) > 0 {
			edges[key] = after
		}
		if keys, asked := own[rule]; asked {
			own[rule] = append(keys, key)
		}
	}
	for i := range d.plan.Steps {
		note(d.plan.Steps[i].Key, d.plan.Steps[i].Rule, d.plan.Steps[i].After)
	}
	for i := range d.plan.Tasks {
		note(d.plan.Tasks[i].Key, d.plan.Tasks[i].Rule, d.plan.Tasks[i].After)
	}
	for _, keys := range own {
		slices.Sort(keys)
	}
	return edges, own
}

// placed says by which rule a key is there, and in which system; it is asked before the plan is arranged.
func (d *drafter) placed(key string) (rule, system string) {
	if i, ok := d.taskAt[key]; ok {
		return d.plan.Tasks[i].Rule, d.plan.Tasks[i].System
	}
	if i, ok := d.stepAt[key]; ok {
		return d.plan.Steps[i].Rule, d.plan.Steps[i].System
	}
	return "", ""
}

func waits(after []Dependency, key string) bool {
	return slices.ContainsFunc(after, func(d Dependency) bool { return d.Key == key })
}

// leads says whether one key is another or waits for it, however far away.
func leads(edges map[string][]Dependency, from, to string, seen map[string]bool) bool {
	if from == to {
		return true
	}
	seen[from] = true
	return slices.ContainsFunc(edges[from], func(next Dependency) bool { return !seen[next.Key] && leads(edges, next.Key, to, seen) })
}
