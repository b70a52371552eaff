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
	edges, by, own := d.graph()
	where := d.systems()
	rules = slices.SortedFunc(slices.Values(rules), func(a, b Rule) int { return cmp.Compare(a.Name, b.Name) })
	for _, borrowed := range []bool{false, true} { // what a rule has of its own first: borrowed edges must not close a circle with those
		for _, rule := range rules {
			for _, a := range rule.After {
				for _, target := range slices.Sorted(slices.Values(d.made[a.Rule])) {
					if (by[target] != a.Rule) != borrowed || by[target] == rule.Name {
						continue
					}
					for _, key := range own[rule.Name] {
						if a.SameSystem && where[key] != where[target] {
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
	for i, s := range d.plan.Steps {
		d.plan.Steps[i].After = edges[s.Key]
	}
	for i, t := range d.plan.Tasks {
		d.plan.Tasks[i].After = edges[t.Key]
	}
}

// graph is what waits for what so far, by which rule each key is there, and what each rule has there.
func (d *drafter) graph() (edges map[string][]Dependency, by map[string]string, own map[string][]string) {
	most := len(d.plan.Steps) + len(d.plan.Tasks)
	edges, by, own = make(map[string][]Dependency, most), make(map[string]string, most), map[string][]string{}
	for _, s := range d.plan.Steps {
		edges[s.Key], by[s.Key], own[s.Rule] = s.After, s.Rule, append(own[s.Rule], s.Key)
	}
	for _, t := range d.plan.Tasks {
		edges[t.Key], by[t.Key], own[t.Rule] = t.After, t.Rule, append(own[t.Rule], t.Key)
	}
	for _, keys := range own {
		slices.Sort(keys)
	}
	return edges, by, own
}

// systems says in which system each key of the plan is.
func (d *drafter) systems() map[string]string {
	where := make(map[string]string, len(d.plan.Steps)+len(d.plan.Tasks))
	for _, s := range d.plan.Steps {
		where[s.Key] = s.System
	}
	for _, t := range d.plan.Tasks {
		where[t.Key] = t.System
	}
	return where
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
