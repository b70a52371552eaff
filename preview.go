package exeunt

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Preview is the plan of a departure as people look at it before there is a case: why each step is there, how well it
// will be proven, and what is missing. Nothing of it is kept.
type Preview struct {
	Case     Case             `json:"-"`
	Leaver   string           `json:"leaver"`
	Policy   string           `json:"policy"`
	Title    string           `json:"title"` // of the policy
	Version  string           `json:"policy_version"`
	Set      string           `json:"policies,omitempty"` // version of all policies and modifiers
	CutOff   time.Time        `json:"cut_off"`
	AccessBy time.Time        `json:"access_by"`
	Zone     string           `json:"zone"`
	Doubt    string           `json:"doubt,omitempty"`     // why a person would have to release it
	Applied  []Applied        `json:"modifiers,omitempty"` // that count, in their order
	LeftOut  []LeftOut        `json:"left_out,omitempty"`
	Calendar *Calendar        `json:"calendar,omitempty"` // by which business days are counted
	Missing  []Lack           `json:"missing"`
	Systems  []SystemCoverage `json:"systems"`
	Steps    []PlannedStep    `json:"steps"`
	Tasks    []PlannedTask    `json:"tasks"`
}

// PlannedStep is a step of a preview.
type PlannedStep struct {
	Step
	Of    CaseID `json:"case,omitzero"` // none: there is no case yet
	Why   string `json:"why"`
	Grade Proof  `json:"grade"` // how well it can be proven
}

// PlannedTask is a task of a preview.
type PlannedTask struct {
	Task
	Of    CaseID `json:"case,omitzero"`
	Why   string `json:"why"`
	Grade Proof  `json:"grade"`
}

// SystemCoverage is how a plan covers one system.
type SystemCoverage struct {
	System string   `json:"system"`
	Title  string   `json:"title"`
	Tier   int      `json:"tier"`
	By     Coverage `json:"by"`
}

// Lack is something without which the departure would not go as planned, and what to do about it.
type Lack struct {
	System string `json:"system,omitempty"` // "" when it is not about one
	Title  string `json:"title"`
	What   string `json:"what"`
	Do     string `json:"do"`
}

// Preview explains a plan that a policy gave over an inventory.
func (p Plan) Preview(by Policy, inventory []System, now time.Time) Preview {
	c := p.Case
	out := Preview{
		Case: c, Leaver: c.Departure.Leaver.Name, Policy: c.Policy, Title: by.Title, Version: c.PolicyVersion, Set: c.PolicySet, CutOff: c.CutOff, AccessBy: c.AccessBy, Zone: c.Departure.Leaver.Zone,
		Doubt: c.Departure.Doubt(now), Applied: c.Modifiers, LeftOut: c.LeftOut, Calendar: c.Calendar,
		Steps: make([]PlannedStep, len(p.Steps)), Tasks: make([]PlannedTask, len(p.Tasks)),
	}
	systems := make(map[string]*System, len(inventory))
	for i := range inventory {
		systems[inventory[i].Name] = &inventory[i]
	}
	for i, s := range p.Steps {
		out.Steps[i] = PlannedStep{Step: s, Why: by.whyStep(s), Grade: gradeOf(systems[s.System], s.Action)}
	}
	for i, t := range p.Tasks {
		out.Tasks[i] = PlannedTask{Task: t, Why: by.whyTask(t), Grade: Attested}
	}
	out.Systems, out.Missing = p.coverage(inventory), p.missing(inventory)
	return out
}

// Plan is the plan that is previewed.
func (p Preview) Plan() Plan {
	out := Plan{Case: p.Case, Steps: make([]Step, len(p.Steps)), Tasks: make([]Task, len(p.Tasks))}
	for i, s := range p.Steps {
		out.Steps[i] = s.Step
	}
	for i, t := range p.Tasks {
		out.Tasks[i] = t.Task
	}
	return out
}

func gradeOf(s *System, a Action) Proof {
	if s != nil {
		if spec, can := s.Can(a); can {
			return spec.Proof
		}
	}
	return Observed // a check of what ended with the single sign-on, which reads
}

// rule finds a rule of the policy, or one that a modifier adds to it.
func (p Policy) rule(name string) (Rule, bool) {
	if i := slices.IndexFunc(p.Rules, func(r Rule) bool { return r.Name == name }); i >= 0 {
		return p.Rules[i], true
	}
	for _, m := range p.Modifiers {
		if i := slices.IndexFunc(m.Add, func(r Rule) bool { return r.Name == name }); i >= 0 {
			return m.Add[i], true
		}
	}
	return Rule{}, false
}

// why is which rule asks for something, on which conditions, and what modifiers did to it.
func (p Policy) why(name string, modified []Modification) string {
	r, known := p.rule(name)
	if !known {
		return "so that no system is left out"
	}
	out := "rule " + r.Name
	if r.Title != "" {
		out += " (" + r.Title + ")"
	}
	if r.Text.When != "" {
		out += ", when " + r.Text.When
	}
	if r.Task == nil {
		out += ", " + whereWords(r.Text.Systems)
	}
	for _, m := range modified {
		out += "; modifier " + m.String()
	}
	return out
}

func whereWords(systems string) string {
	if systems == "" || systems == "true" {
		return "in every system"
	}
	return "in systems with " + systems
}

func (p Policy) whyStep(s Step) string {
	if s.Coverage == CoverInherited && len(s.After) > 0 {
		return s.After[0].Because
	}
	return p.why(s.Rule, s.Modified)
}

func (p Policy) whyTask(t Task) string {
	if t.Asks != "" || t.Rule == Contradicted || t.Coverage == CoverInherited {
		return t.Reason
	}
	if t.Reason != "" {
		return t.Reason + "; " + p.why(t.Rule, t.Modified)
	}
	return p.why(t.Rule, t.Modified)
}

// coverage is how the plan covers each system, in the order of the inventory.
func (p Plan) coverage(inventory []System) []SystemCoverage {
	by := make(map[string]Coverage, len(inventory))
	for i := range p.Tasks {
		by[p.Tasks[i].System] = p.Tasks[i].Coverage
	}
	for i := range p.Steps { // where a connector does some of it, that is said first
		by[p.Steps[i].System] = p.Steps[i].Coverage
	}
	out := make([]SystemCoverage, len(inventory))
	for i, s := range inventory {
		out[i] = SystemCoverage{s.Name, cmp.Or(s.Title, s.Name), s.Tier, by[s.Name]}
	}
	return out
}

// missing is what would keep the plan from going by itself: nobody who owns a system, no identifier by which a system knows
// the leaver, no manager, no calendar. Where a preview is of nobody in particular, identifiers are not spoken of.
func (p Plan) missing(inventory []System) []Lack {
	out := []Lack{}
	leaver := p.Case.Departure.Leaver
	for i := range inventory {
		s := &inventory[i]
		title := cmp.Or(s.Title, s.Name)
		if role := s.Owner.Role; !s.Owner.Named() && p.ownerOf(s.Name).Role == CaseOwner && role != CaseOwner {
			out = append(out, Lack{s.Name, title, fmt.Sprintf("nobody else holds the role %s: the case owner is asked", cmp.Or(role, "of its owner")), "name somebody under people.roles in exeunt.yaml"})
		}
		if len(leaver.Identifiers) == 0 || !s.Automated() {
			continue
		}
		if _, err := s.Correlation.Of(leaver); err != nil {
			out = append(out, Lack{s.Name, title, "no identifier by which it knows " + leaver.Name, MessageOf(err)})
		}
	}
	if !leaver.Manager.Named() && len(leaver.Identifiers) > 0 {
		out = append(out, Lack{"", "Manager", "HR names none: what a manager is asked goes to the case owner", "have HR send the manager"})
	}
	if c := p.Case.Calendar; c != nil && c.Doubt != "" {
		out = append(out, Lack{"", "Holidays", c.words(), "put a calendar of the place into the folder calendars"})
	}
	return out
}

// ownerOf is who is asked about a system.
func (p Plan) ownerOf(system string) Person {
	if i := slices.IndexFunc(p.Steps, func(s Step) bool { return s.System == system }); i >= 0 {
		return p.Steps[i].Owner
	}
	if i := slices.IndexFunc(p.Tasks, func(t Task) bool { return t.System == system }); i >= 0 {
		return p.Tasks[i].Owner
	}
	return Person{}
}

// Summary says in a line how the systems are covered.
func (p Preview) Summary() string {
	count := map[Coverage]int{}
	for _, s := range p.Systems {
		count[s.By]++
	}
	return fmt.Sprintf("%d by connector, %d inherited from single sign-on and checked, %d by a person", count[CoverSteps], count[CoverInherited], count[CoverTask])
}
