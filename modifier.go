package exeunt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Modifier changes what a policy asks for, for some of its departures: those of executives, of people on leave, of a
// country. It adds rules, changes them or leaves them out, each with its reason, which the plan shows.
//
// Modifiers count in their order. Where two of them say different things about one rule, one has to be declared over the
// other; a contradiction that nobody settled is asked of the case owner, and meanwhile nothing is done to a guess.
type Modifier struct {
	Name    string
	Version string // first twelve hex digits of the SHA-256 of its source
	Title   string
	Because string    // why there is such a thing; the reason of what it adds
	Applies Condition // System is zero there
	Over    []string  // the modifiers against which it wins
	Add     []Rule
	Change  []Adjustment
	Remove  []Removal
}

// Adjustment is what a modifier changes about a rule. What is nil stays.
type Adjustment struct {
	Rule     string
	Because  string
	Owner    *string // a role, "manager", or an e-mail address
	Approver *string // a role; "" for none
	Start    *Moment
	Deadline *Moment
}

// Removal is a rule that a modifier leaves out.
type Removal struct{ Rule, Because string }

// Applied is a modifier that counts for a case.
type Applied struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Modification is what a modifier did to what stands in a plan.
type Modification struct {
	Modifier string `json:"modifier"`
	What     string `json:"what"` // "added", "deadline start + 1d instead of start + 2d"
	Because  string `json:"because"`
}

// String says it in a line.
func (m Modification) String() string { return m.Modifier + ": " + m.What + ": " + m.Because }

// LeftOut is a rule of the policy that a modifier keeps out of a plan.
type LeftOut struct {
	Rule     string `json:"rule"`
	Title    string `json:"title"`
	Modifier string `json:"modifier"`
	Because  string `json:"because"`
}

// Contradiction is a rule about which two modifiers say different things, and nobody has said which of them wins.
type Contradiction struct {
	Rule   string `json:"rule"`
	First  string `json:"first"` // in their order
	Second string `json:"second"`
	What   string `json:"what"`

	// Whether says that the two differ on whether, when or with whose consent a step is done. That waits for a person; who owns
	// it and by when it has to be done does not.
	Whether bool `json:"whether,omitempty"`
}

// String says it in a line.
func (c Contradiction) String() string {
	return fmt.Sprintf("the modifiers %s and %s contradict each other about %s: %s", c.First, c.Second, c.Rule, c.What)
}

// Contradictions are what two modifiers would disagree on if both counted, the earlier one first. One that is over the
// other has settled that.
func (m Modifier) Contradictions(later Modifier) []Contradiction {
	if slices.Contains(m.Over, later.Name) || slices.Contains(later.Over, m.Name) {
		return nil
	}
	var out []Contradiction
	say := func(rule, what string, whether bool) {
		out = append(out, Contradiction{rule, m.Name, later.Name, what, whether})
	}
	for _, mine := range m.Change {
		for _, other := range later.Change {
			if mine.Rule == other.Rule {
				mine.against(other, say)
			}
		}
	}
	for _, name := range m.touches() {
		switch {
		case m.removes(name) && (later.changes(name) || later.adds(name)):
			say(name, fmt.Sprintf("%s leaves it out, %s has it", m.Name, later.Name), true)
		case later.removes(name) && (m.changes(name) || m.adds(name)):
			say(name, fmt.Sprintf("%s leaves it out, %s has it", later.Name, m.Name), true)
		case m.adds(name) && later.adds(name):
			say(name, "both add it", false)
		}
	}
	return out
}

// touches are the rules that a modifier says something about, each once.
func (m Modifier) touches() []string {
	var out []string
	note := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, r := range m.Add {
		note(r.Name)
	}
	for _, a := range m.Change {
		note(a.Rule)
	}
	for _, r := range m.Remove {
		note(r.Rule)
	}
	return out
}

func (m Modifier) adds(rule string) bool {
	return slices.ContainsFunc(m.Add, func(r Rule) bool { return r.Name == rule })
}

func (m Modifier) changes(rule string) bool {
	return slices.ContainsFunc(m.Change, func(a Adjustment) bool { return a.Rule == rule })
}

func (m Modifier) removes(rule string) bool {
	return slices.ContainsFunc(m.Remove, func(r Removal) bool { return r.Rule == rule })
}

// against says on what two changes of one rule differ.
func (a Adjustment) against(b Adjustment, say func(rule, what string, whether bool)) {
	if a.Owner != nil && b.Owner != nil && *a.Owner != *b.Owner {
		say(a.Rule, fmt.Sprintf("owner %s or %s", *a.Owner, *b.Owner), false)
	}
	if a.Approver != nil && b.Approver != nil && *a.Approver != *b.Approver {
		say(a.Rule, fmt.Sprintf("approver %s or %s", cmp.Or(*a.Approver, "none"), cmp.Or(*b.Approver, "none")), true)
	}
	if a.Start != nil && b.Start != nil && *a.Start != *b.Start {
		say(a.Rule, fmt.Sprintf("start %s or %s", a.Start, b.Start), true)
	}
	if a.Deadline != nil && b.Deadline != nil && *a.Deadline != *b.Deadline {
		say(a.Rule, fmt.Sprintf("deadline %s or %s", a.Deadline, b.Deadline), false)
	}
}

// modified is a policy with the modifiers put into its rules that count for a departure, and what they did.
type modified struct {
	rules          []Rule
	applied        []Applied
	leftOut        []LeftOut
	without        []Rule // the rules that are left out
	contradictions []Contradiction
}

// modify puts the modifiers that count for a departure into the rules.
func (p Policy) modify(f Facts) (modified, error) {
	out := modified{rules: p.Rules}
	var counting []Modifier
	for _, m := range p.Modifiers {
		yes, err := holds(m.Applies, f)
		if err != nil {
			return out, fmt.Errorf("modifier %s: %w", m.Name, err)
		}
		if yes {
			counting = append(counting, m)
			out.applied = append(out.applied, Applied{m.Name, m.Version})
		}
	}
	if len(counting) == 0 {
		return out, nil
	}
	out.rules = slices.Clone(p.Rules)
	for i, m := range counting {
		for _, later := range counting[i+1:] {
			out.contradictions = append(out.contradictions, m.Contradictions(later)...)
		}
	}
	for _, m := range counting {
		out.add(m, counting)
	}
	for _, m := range counting {
		for _, a := range m.Change {
			out.adjust(m, a, counting)
		}
	}
	for _, m := range counting {
		for _, r := range m.Remove {
			out.remove(m, r, counting)
		}
	}
	out.forgetLeftOut()
	out.contradictions = slices.DeleteFunc(out.contradictions, func(c Contradiction) bool { return !out.concerns(c) })
	return out, nil
}

// concerns says whether a contradiction is about a rule of this policy.
func (o *modified) concerns(c Contradiction) bool { return o.place(c.Rule) >= 0 }

func (o *modified) place(rule string) int {
	return slices.IndexFunc(o.rules, func(r Rule) bool { return r.Name == rule })
}

// beaten says whether another modifier that counts is over this one and says what matches about the rule.
func (m Modifier) beaten(counting []Modifier, says func(Modifier) bool) bool {
	return slices.ContainsFunc(counting, func(o Modifier) bool { return slices.Contains(o.Over, m.Name) && says(o) })
}

// add puts in what the policy has not got already; of two modifiers that add one rule, the earlier one's stays.
func (o *modified) add(m Modifier, counting []Modifier) {
	for _, r := range m.Add {
		if o.place(r.Name) >= 0 || m.beaten(counting, func(other Modifier) bool { return other.adds(r.Name) }) {
			continue
		}
		r.Modified = append(slices.Clone(r.Modified), Modification{m.Name, "added", m.Because})
		o.rules = append(o.rules, r)
	}
}

// adjust changes a rule. Of two modifiers that differ, the one that is over the other counts, else the earlier.
func (o *modified) adjust(m Modifier, a Adjustment, counting []Modifier) {
	i := o.place(a.Rule)
	if i < 0 {
		return
	}
	r := o.rules[i]
	r.Modified = slices.Clone(r.Modified)
	counts := func(set func(Adjustment) bool) bool {
		says := func(other Modifier) bool { return other.sets(a.Rule, set) || other.removes(a.Rule) }
		if !set(a) || m.beaten(counting, says) {
			return false
		}
		for _, other := range counting {
			if other.Name == m.Name {
				return true
			}
			if other.sets(a.Rule, set) && !slices.Contains(m.Over, other.Name) && !other.beaten(counting, says) {
				return false
			}
		}
		return true
	}
	say := func(what, now, before string) {
		r.Modified = append(r.Modified, Modification{m.Name, fmt.Sprintf("%s %s instead of %s", what, now, before), a.Because})
	}
	if counts(func(a Adjustment) bool { return a.Owner != nil }) {
		say("owner", *a.Owner, r.ownerWords())
		r = r.ownedBy(*a.Owner)
	}
	if counts(func(a Adjustment) bool { return a.Approver != nil }) {
		say("approver", cmp.Or(*a.Approver, "none"), cmp.Or(r.Approver, "none"))
		r.Approver = *a.Approver
	}
	if counts(func(a Adjustment) bool { return a.Start != nil }) {
		say("start", a.Start.String(), r.Start.String())
		r.Start = *a.Start
	}
	if counts(func(a Adjustment) bool { return a.Deadline != nil }) {
		say("deadline", a.Deadline.String(), r.Deadline.String())
		r.Deadline = *a.Deadline
	}
	o.rules[i] = r
}

// sets says whether a modifier changes this about a rule.
func (m Modifier) sets(rule string, what func(Adjustment) bool) bool {
	return slices.ContainsFunc(m.Change, func(a Adjustment) bool { return a.Rule == rule && what(a) })
}

func (r Rule) ownerWords() string {
	if r.Task != nil {
		return r.Task.Owner
	}
	return cmp.Or(r.Owner, "the system's owner")
}

func (r Rule) ownedBy(owner string) Rule {
	if r.Task == nil {
		r.Owner = owner
		return r
	}
	task := *r.Task
	task.Owner = owner
	r.Task = &task
	return r
}

// remove leaves a rule out, unless another modifier has it: what nobody settled stays.
func (o *modified) remove(m Modifier, gone Removal, counting []Modifier) {
	i := o.place(gone.Rule)
	kept := slices.ContainsFunc(counting, func(other Modifier) bool {
		return (other.changes(gone.Rule) || other.adds(gone.Rule)) && !slices.Contains(m.Over, other.Name)
	})
	if i < 0 || kept {
		return
	}
	r := o.rules[i]
	o.rules = slices.Delete(o.rules, i, i+1)
	o.without = append(o.without, r)
	o.leftOut = append(o.leftOut, LeftOut{r.Name, cmp.Or(r.Title, r.Name), m.Name, gone.Because})
}

// forgetLeftOut lets nothing wait for a rule that is not there, and says so at what does not wait any more.
func (o *modified) forgetLeftOut() {
	for i, r := range o.rules {
		for _, gone := range o.leftOut {
			if !slices.ContainsFunc(r.After, func(a After) bool { return a.Rule == gone.Rule }) {
				continue
			}
			r.After = slices.DeleteFunc(slices.Clone(r.After), func(a After) bool { return a.Rule == gone.Rule })
			r.Modified = append(slices.Clone(r.Modified), Modification{gone.Modifier, "does not wait for " + gone.Rule, gone.Because})
		}
		o.rules[i] = r
	}
}

// why says which modifier kept a rule from reaching a system, or "".
func (o modified) why(f Facts) (string, error) {
	for i, r := range o.without {
		if r.Task != nil {
			continue
		}
		yes, err := holds(r.When, f)
		if err == nil && yes {
			yes, err = holds(r.Systems, f)
		}
		if err != nil {
			return "", err
		}
		if gone := o.leftOut[i]; yes {
			return fmt.Sprintf("the modifier %s leaves out %s, which reached it: %s", gone.Modifier, gone.Rule, gone.Because), nil
		}
	}
	return "", nil
}

// Contradicted is the task by which the case owner settles what the modifiers left open.
const Contradicted = "settle-modifiers"

// settle asks the case owner for a decision on what modifiers contradict each other about. Steps wait for that where it is
// about whether or when they are done, or with whose consent.
func (d *drafter) settle(c []Contradiction) error {
	if len(c) == 0 {
		return nil
	}
	var list []string
	for _, one := range c {
		list = append(list, one.String())
		for i := range d.plan.Steps {
			s := &d.plan.Steps[i]
			if one.Whether && s.Rule == one.Rule && s.Approval == nil {
				s.Approval = d.asks(CaseOwner, one.String())
			}
		}
	}
	rule := Rule{Name: Contradicted, Start: Moment{Anchor: AtTrigger}, Deadline: Moment{Anchor: AtStart, Days: 1}}
	return d.add(rule, Task{
		Key: Contradicted, Branch: "Tasks", Title: "Decide between modifiers that contradict each other", Checklist: list,
		Procedure: "Two modifiers that both count for this departure say different things, and neither is over the other. The plan takes what the earlier one says, and leaves nothing out; steps in systems wait for your approval where the two differ on whether or when they are done, or with whose consent. Look at each, approve or reject the steps that wait, give tasks another owner where needed, and have it settled in the modifiers' files with over:.",
		Owner:     d.roles(CaseOwner, d.plan.Case.Departure.Leaver), Reason: strings.Join(list, "; "),
	})
}

// modifiedDetail tells the ledger which modifiers count for the case, and what they leave out.
func (c Case) modifiedDetail(detail map[string]string) {
	var names, gone []string
	for _, m := range c.Modifiers {
		names = append(names, m.Name+" "+m.Version)
	}
	for _, l := range c.LeftOut {
		gone = append(gone, l.Rule+" by "+l.Modifier+": "+l.Because)
	}
	if len(names) > 0 {
		detail["modifiers"] = strings.Join(names, ", ")
	}
	if len(gone) > 0 {
		detail["left_out"] = strings.Join(gone, "; ")
	}
}
