package exeunt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// drafter makes one plan. What it does in which order is decided by the rules' content, never by the
// order in which they were written down.
type drafter struct {
	plan      Plan
	inventory []System
	roles     Roles
	approvals Approvals
	now       time.Time
	made      map[string][]string // rule name → keys that it asks for
	byHand    map[string][]Action // key of a task by hand → what is asked of it
}

func (d *drafter) applyAll(p Policy) error {
	rules, err := d.precedence(p.Rules)
	if err != nil {
		return err
	}
	var left []leftover
	for _, rule := range rules {
		more, err := d.apply(rule)
		if err != nil {
			return fmt.Errorf("policy %s, rule %s: %w", p.Name, rule.Name, err)
		}
		left = append(left, more...)
	}
	for _, l := range left {
		// Access ends with whatever the connector can do; in a system of the rule's own branch, such as a
		// payroll, each rule is a duty of its own.
		if d.hasSteps(l.system) && (accessBranch(l.rule) || l.system.Branch != l.rule.Branch) {
			continue
		}
		reason := fmt.Sprintf("its connector (%s) can do none of %s", l.system.Kind, actionWords(l.rule.Actions))
		if err := d.addByHand(l.rule, l.system, reason); err != nil {
			return err
		}
	}
	return nil
}

// precedence is the order in which rules count where they ask for the same: what waits for nothing first,
// so that nothing urgent hangs on somebody's approval, then what starts and what ends first.
func (d *drafter) precedence(rules []Rule) ([]Rule, error) {
	type timed struct {
		Rule
		waits           bool
		start, deadline time.Time
	}
	var all []timed
	for _, rule := range rules {
		t := timed{Rule: rule, waits: len(rule.After) > 0}
		var err error
		if t.start, err = d.plan.Case.instant(rule.Start, time.Time{}); err != nil {
			return nil, err
		}
		if t.deadline, err = d.plan.Case.instant(rule.Deadline, t.start); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	slices.SortStableFunc(all, func(a, b timed) int {
		if a.waits != b.waits {
			if b.waits {
				return -1
			}
			return 1
		}
		return cmp.Or(a.start.Compare(b.start), a.deadline.Compare(b.deadline), cmp.Compare(a.Name, b.Name))
	})
	out := make([]Rule, len(all))
	for i, t := range all {
		out[i] = t.Rule
	}
	return out, nil
}

// leftover is a system whose connector can do nothing of what a rule asks for.
type leftover struct {
	rule   Rule
	system System
}

func (d *drafter) apply(rule Rule) ([]leftover, error) {
	ok, err := holds(rule.When, Facts{Departure: d.plan.Case.Departure})
	if err != nil || !ok {
		return nil, err
	}
	if rule.Task != nil {
		return nil, d.addTask(rule)
	}
	var left []leftover
	for _, system := range d.inventory {
		ok, err := holds(rule.Systems, Facts{Departure: d.plan.Case.Departure, System: system})
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		added, err := d.addSteps(rule, system)
		if err != nil {
			return nil, err
		}
		if !added {
			left = append(left, leftover{rule, system})
		}
	}
	return left, nil
}

func holds(c Condition, f Facts) (bool, error) {
	if c == nil {
		return true, nil
	}
	return c(f)
}

// addSteps puts a rule's actions into one system: those that its connector can do become steps, and
// a system that nothing automates becomes one task of its owner. It says whether the rule came to anything.
func (d *drafter) addSteps(rule Rule, system System) (bool, error) {
	if !system.Automated() {
		return true, d.addByHand(rule, system, byHandReason(system))
	}
	var added bool
	for _, spec := range slices.SortedFunc(slices.Values(system.Actions), func(a, b ActionSpec) int { return cmp.Compare(a.Order, b.Order) }) {
		if !slices.Contains(rule.Actions, spec.Action) {
			continue
		}
		if err := d.addStep(rule, system, spec, CoverSteps); err != nil {
			return false, err
		}
		added = true
	}
	return added, nil
}

func (d *drafter) addStep(rule Rule, system System, spec ActionSpec, coverage Coverage) error {
	key := system.Name + "-" + strings.ReplaceAll(string(spec.Action), "_", "-")
	d.made[rule.Name] = append(d.made[rule.Name], key) // who waits for the rule waits for it, whosever it is
	if slices.ContainsFunc(d.plan.Steps, func(s Step) bool { return s.Key == key }) {
		return nil // a rule that counts before this one asks for it
	}
	s := Step{
		Case: d.plan.Case.ID, Key: key, System: system.Name, SystemTitle: cmp.Or(system.Title, system.Name), Action: spec.Action, Title: spec.Title,
		Branch: cmp.Or(rule.Branch, system.Branch, "Access"), Coverage: coverage, Tier: system.Tier, Order: spec.Order, Rule: rule.Name,
		Owner: d.owner(system), Fallback: system.Fallback, StartRule: rule.Start, DeadlineRule: rule.Deadline,
		Destructive: spec.Destructive, Approval: d.approval(rule, system, spec),
	}
	s, err := s.reschedule(d.plan.Case, d.now)
	if err != nil {
		return err
	}
	d.plan.Steps = append(d.plan.Steps, s)
	return nil
}

// addByHand makes the task by which a person covers a system.
func (d *drafter) addByHand(rule Rule, system System, reason string) error {
	key := system.Name + "-by-hand"
	if !accessBranch(rule) {
		key = system.Name + "-" + rule.Name
	}
	for _, a := range rule.Actions {
		if !slices.Contains(d.byHand[key], a) {
			d.byHand[key] = append(d.byHand[key], a)
		}
	}
	title := cmp.Or(system.Title, system.Name) + ": " + byHandWords(d.byHand[key])
	if i := slices.IndexFunc(d.plan.Tasks, func(t Task) bool { return t.Key == key }); i >= 0 {
		d.plan.Tasks[i].Title = title // several rules ask one thing of one person: all of it
	}
	return d.add(rule, Task{
		Key: key, System: system.Name, Coverage: CoverTask, Branch: cmp.Or(rule.Branch, system.Branch, "Access"),
		Title: title, Procedure: system.Fallback, Owner: d.owner(system), Reason: reason,
	})
}

func byHandWords(actions []Action) string {
	if len(actions) > 0 && !slices.Contains(actions, Disable) {
		return actionWords(actions) + " by hand"
	}
	return "end access by hand"
}

func accessBranch(r Rule) bool { return r.Branch == "" || r.Branch == "Access" }

func (d *drafter) addTask(rule Rule) error {
	return d.add(rule, Task{
		Key: rule.Name, Branch: cmp.Or(rule.Branch, "Tasks"), Title: cmp.Or(rule.Title, rule.Name),
		Procedure: rule.Task.Procedure, Checklist: rule.Task.Checklist,
		Owner: d.roles(rule.Task.Owner, d.plan.Case.Departure.Leaver),
	})
}

func (d *drafter) add(rule Rule, t Task) error {
	d.made[rule.Name] = append(d.made[rule.Name], t.Key)
	if slices.ContainsFunc(d.plan.Tasks, func(other Task) bool { return other.Key == t.Key }) {
		return nil
	}
	t.Case, t.Rule, t.StartRule, t.DeadlineRule = d.plan.Case.ID, rule.Name, rule.Start, rule.Deadline
	t, err := t.schedule(d.plan.Case, d.now)
	if err != nil {
		return err
	}
	d.plan.Tasks = append(d.plan.Tasks, t)
	return nil
}

// cover sees to the systems that no rule reached: a check of what they inherit, or a task. A system comes
// after the one whose sign-on it uses, which may itself be reached only here.
func (d *drafter) cover() error {
	var left []System
	for _, system := range d.inventory {
		if !d.covers(system) {
			left = append(left, system)
		}
	}
	for len(left) > 0 {
		var later []System
		for _, system := range left {
			if slices.ContainsFunc(left, func(s System) bool { return s.Name == system.SSO }) {
				later = append(later, system)
			}
		}
		if len(later) == len(left) { // each waits for another of them: they sign on in a circle
			for i := range left {
				left[i].SSO = ""
			}
			continue
		}
		for _, system := range left {
			if slices.ContainsFunc(later, func(s System) bool { return s.Name == system.Name }) {
				continue
			}
			if err := d.coverOne(system); err != nil {
				return err
			}
		}
		left = later
	}
	return nil
}

func (d *drafter) coverOne(system System) error {
	rule := Rule{Name: "full-coverage", Start: Moment{Anchor: AtCutOff}, Deadline: Moment{Anchor: AtStart, Offset: 4 * time.Hour}}
	parent := d.cutKeys(system.SSO)
	switch {
	case system.SSO != "" && len(parent) > 0:
		rule.Name, rule.Deadline.Offset = "inherited-from-"+system.SSO, 24*time.Hour
		return d.inherit(rule, system, parent)
	case !system.Automated():
		return d.addByHand(rule, system, byHandReason(system))
	default:
		return d.addByHand(rule, system, "no rule of the policy reaches this system")
	}
}

// inherit checks a system whose access ends with its single sign-on, after that has been cut.
func (d *drafter) inherit(rule Rule, system System, parent []string) error {
	because := fmt.Sprintf("access to %s ends with the sign-on of %s", cmp.Or(system.Title, system.Name), system.SSO)
	var after []Dependency
	for _, key := range parent {
		after = append(after, Dependency{Key: key, Because: because})
	}
	if system.Automated() {
		spec := ActionSpec{Action: CheckAccess, Title: "Check that access has ended", Order: 1000, Proof: Observed, Repeatable: true}
		if err := d.addStep(rule, system, spec, CoverInherited); err != nil {
			return err
		}
		d.plan.Steps[len(d.plan.Steps)-1].After = after
		return nil
	}
	err := d.add(rule, Task{
		Key: system.Name + "-check", System: system.Name, Coverage: CoverInherited, Branch: cmp.Or(system.Branch, "Access"),
		Title: fmt.Sprintf("%s: check that access has ended", cmp.Or(system.Title, system.Name)), Procedure: system.Fallback,
		Owner: d.owner(system), Reason: because + "; " + byHandReason(system),
	})
	if err == nil {
		d.plan.Tasks[len(d.plan.Tasks)-1].After = after
	}
	return err
}

func (d *drafter) hasSteps(system System) bool {
	return slices.ContainsFunc(d.plan.Steps, func(s Step) bool { return s.System == system.Name })
}

func (d *drafter) covers(system System) bool {
	return d.hasSteps(system) ||
		slices.ContainsFunc(d.plan.Tasks, func(t Task) bool { return t.System == system.Name })
}

// cutKeys are the keys by which the plan ends access in a system, or sees that it has ended.
func (d *drafter) cutKeys(system string) []string {
	var keys []string
	for _, s := range d.plan.Steps {
		if s.System == system && (s.Action == Disable || s.Coverage == CoverInherited) {
			keys = append(keys, s.Key)
		}
	}
	for _, t := range d.plan.Tasks {
		if t.System == system {
			keys = append(keys, t.Key)
		}
	}
	return keys
}

// arrange puts the plan into the order in which its rules are written, for whoever reads it.
func (d *drafter) arrange(rules []Rule) {
	place := map[string]int{}
	for i, rule := range rules {
		place[rule.Name] = i - len(rules) // what no rule reached comes last
	}
	slices.SortStableFunc(d.plan.Steps, func(a, b Step) int { return cmp.Compare(place[a.Rule], place[b.Rule]) })
	slices.SortStableFunc(d.plan.Tasks, func(a, b Task) int { return cmp.Compare(place[a.Rule], place[b.Rule]) })
}

func (d *drafter) owner(system System) Person {
	if system.Owner.Named() {
		return system.Owner
	}
	return d.roles(system.Owner.Role, d.plan.Case.Departure.Leaver)
}

func byHandReason(s System) string {
	switch {
	case s.Stage == Shadow:
		return "not trusted to act yet (stage shadow); a person does it"
	case s.Stage == Manual && s.Kind != "manual":
		return "not live yet (stage manual); a person does it"
	default:
		return "tracked by hand (no API)"
	}
}

func actionWords(actions []Action) string {
	var words []string
	for _, a := range actions {
		words = append(words, a.Words())
	}
	return strings.Join(words, ", ")
}
