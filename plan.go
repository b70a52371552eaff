package exeunt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Plan is what will be done for one departure, and by which rule. It covers every system of the
// inventory that it was drafted from.
type Plan struct {
	Case  Case   `json:"case"`
	Steps []Step `json:"steps"`
	Tasks []Task `json:"tasks"`
}

// Draft turns a departure into a plan. It has no side effects: a preview and a case come out of it
// alike. The case it is given has its id, departure, policy and owner; Draft sets its cut-off.
//
// Every system gets steps, a check of what it inherits from its single sign-on, or a task of its
// owner: what no rule reaches is covered by a task that says so.
func Draft(p Policy, c Case, inventory []System, roles Roles, now time.Time) (Plan, error) {
	var err error
	if c.Embargo, err = c.Departure.Embargo.embargo(c.Departure.Leaver.Zone, now); err != nil {
		return Plan{}, err
	}
	cutOff, err := CutOffOf(c.Departure, p.CutOff, c.notBefore(now))
	if err != nil {
		return Plan{}, err
	}
	c.OpenedAt, c.CutOff, c.AccessBy = now.UTC(), cutOff, cutOff.Add(p.AccessSLA)
	c.Policy, c.PolicyVersion, c.CutOffClock = p.Name, p.Version, p.CutOff
	d := drafter{plan: Plan{Case: c}, inventory: inventory, roles: roles, now: now.UTC(), made: map[string][]string{}}
	for _, rule := range p.Rules {
		if err := d.apply(rule); err != nil {
			return Plan{}, fmt.Errorf("policy %s, rule %s: %w", p.Name, rule.Name, err)
		}
	}
	if err := d.cover(); err != nil {
		return Plan{}, err
	}
	d.link(p.Rules)
	d.plan.settleStates(d.now)
	return d.plan, nil
}

// Open is the change that turns a plan into a running case.
func (p Plan) Open(t Trigger, doubt string, now time.Time) Change {
	c := p.Case
	c.Source, c.EventID, c.Override, c.Wave = t.Source, t.EventID, t.Override, t.Wave
	c.State = c.goesOn(p.Steps, now)
	if doubt != "" {
		c = c.held(doubt, nil, now)
	}
	change := Change{Case: &c, Steps: p.Steps, Tasks: p.Tasks}
	detail := map[string]string{
		"source": t.Source, "event": t.EventID, "policy": c.Policy, "policy_version": c.PolicyVersion,
		"type": string(c.Departure.Type), "last_day": string(c.Departure.LastDay), "zone": c.Departure.Leaver.Zone,
		"cut_off": c.CutOff.Format(time.RFC3339), "steps": fmt.Sprint(len(p.Steps)), "tasks": fmt.Sprint(len(p.Tasks)),
		"leaver": c.Departure.Leaver.Name, "employee_id": c.Departure.Leaver.ID, "entity": c.Departure.Leaver.Entity,
	}
	if t.Override != nil {
		detail["by"], detail["reason"] = t.Override.By, t.Override.Reason
	}
	if c.Embargoed() {
		detail["embargo_until"], detail["visible_to"] = c.Embargo.Until.Format(time.RFC3339), strings.Join(c.Embargo.VisibleTo, ", ")
	}
	if t.Wave != 0 {
		detail["wave"] = t.Wave.String()
	}
	change.RecordBy(t.Source, EntryOpened, c, now, "case opened by "+t.Source, detail)
	if doubt != "" {
		change.Record(EntryHeld, c, now, "held for a person", map[string]string{"reason": doubt})
	}
	for _, task := range p.Tasks {
		change.Record(EntryTaskOpened, task, now, task.Title+", owner "+task.Owner.String(),
			map[string]string{"owner": task.Owner.String(), "deadline": task.Deadline.Format(time.RFC3339), "rule": task.Rule, "reason": task.Reason})
		if task.State == TaskOpen && doubt == "" && !c.Embargoed() { // nobody is asked while the case is held or secret
			change.Notices = append(change.Notices, task.notice(NoticeAssigned, "assigned"))
		}
	}
	return change
}

// Uncovered lists the systems that a plan leaves out. It is empty for every plan that Draft makes;
// whoever stores a plan asks once more, since this is the promise of the product.
func (p Plan) Uncovered(inventory []System) []string {
	covered := map[string]bool{}
	for _, s := range p.Steps {
		covered[s.System] = true
	}
	for _, t := range p.Tasks {
		covered[t.System] = true
	}
	var out []string
	for _, s := range inventory {
		if !covered[s.Name] {
			out = append(out, s.Name)
		}
	}
	return out
}

type drafter struct {
	plan      Plan
	inventory []System
	roles     Roles
	now       time.Time
	made      map[string][]string // rule name → keys that it made
}

func (d *drafter) apply(rule Rule) error {
	ok, err := holds(rule.When, Facts{Departure: d.plan.Case.Departure})
	if err != nil || !ok {
		return err
	}
	if rule.Task != nil {
		return d.addTask(rule)
	}
	for _, system := range d.inventory {
		ok, err := holds(rule.Systems, Facts{Departure: d.plan.Case.Departure, System: system})
		if err != nil {
			return err
		}
		if ok {
			if err := d.addSteps(rule, system); err != nil {
				return err
			}
		}
	}
	return nil
}

func holds(c Condition, f Facts) (bool, error) {
	if c == nil {
		return true, nil
	}
	return c(f)
}

// addSteps puts a rule's actions into one system: those that its connector can do become steps, and
// a system that nothing automates becomes one task of its owner.
func (d *drafter) addSteps(rule Rule, system System) error {
	if !system.Automated() {
		return d.addByHand(rule, system, byHandReason(system))
	}
	var added bool
	for _, spec := range slices.SortedFunc(slices.Values(system.Actions), func(a, b ActionSpec) int { return cmp.Compare(a.Order, b.Order) }) {
		if !slices.Contains(rule.Actions, spec.Action) {
			continue
		}
		if err := d.addStep(rule, system, spec, CoverSteps); err != nil {
			return err
		}
		added = true
	}
	if !added && !d.covers(system) {
		return d.addByHand(rule, system, fmt.Sprintf("its connector (%s) can do none of %s", system.Kind, actionWords(rule.Actions)))
	}
	return nil
}

func (d *drafter) addStep(rule Rule, system System, spec ActionSpec, coverage Coverage) error {
	key := system.Name + "-" + strings.ReplaceAll(string(spec.Action), "_", "-")
	if slices.ContainsFunc(d.plan.Steps, func(s Step) bool { return s.Key == key }) {
		return nil // an earlier rule already asks for it
	}
	s := Step{
		Case: d.plan.Case.ID, Key: key, System: system.Name, SystemTitle: cmp.Or(system.Title, system.Name), Action: spec.Action, Title: spec.Title,
		Branch: cmp.Or(rule.Branch, system.Branch, "Access"), Coverage: coverage, Tier: system.Tier, Order: spec.Order, Rule: rule.Name,
		Owner: d.owner(system), Fallback: system.Fallback, StartRule: rule.Start, DeadlineRule: rule.Deadline,
	}
	s, err := s.reschedule(d.plan.Case, d.now)
	if err != nil {
		return err
	}
	d.plan.Steps = append(d.plan.Steps, s)
	d.made[rule.Name] = append(d.made[rule.Name], key)
	return nil
}

// addByHand makes the task by which a person covers a system.
func (d *drafter) addByHand(rule Rule, system System, reason string) error {
	key := system.Name + "-by-hand"
	if rule.Branch != "" && rule.Branch != "Access" {
		key = system.Name + "-" + rule.Name
	}
	verb := "end access by hand"
	if len(rule.Actions) > 0 && !slices.Contains(rule.Actions, Disable) {
		verb = actionWords(rule.Actions) + " by hand"
	}
	return d.add(rule, Task{
		Key: key, System: system.Name, Coverage: CoverTask, Branch: cmp.Or(rule.Branch, system.Branch, "Access"),
		Title: fmt.Sprintf("%s: %s", cmp.Or(system.Title, system.Name), verb), Procedure: system.Fallback,
		Owner: d.owner(system), Reason: reason,
	})
}

func (d *drafter) addTask(rule Rule) error {
	return d.add(rule, Task{
		Key: rule.Name, Branch: cmp.Or(rule.Branch, "Tasks"), Title: cmp.Or(rule.Title, rule.Name),
		Procedure: rule.Task.Procedure, Checklist: rule.Task.Checklist,
		Owner: d.roles(rule.Task.Owner, d.plan.Case.Departure.Leaver),
	})
}

func (d *drafter) add(rule Rule, t Task) error {
	if slices.ContainsFunc(d.plan.Tasks, func(other Task) bool { return other.Key == t.Key }) {
		return nil
	}
	t.Case, t.Rule, t.StartRule, t.DeadlineRule = d.plan.Case.ID, rule.Name, rule.Start, rule.Deadline
	var err error
	if t.StartsAt, err = d.plan.Case.instant(rule.Start, time.Time{}); err != nil {
		return err
	}
	if earliest := d.plan.Case.notBefore(d.now); t.StartsAt.Before(earliest) {
		t.StartsAt = earliest
	}
	if t.Deadline, err = d.plan.Case.instant(rule.Deadline, t.StartsAt); err != nil {
		return err
	}
	t.Deadline = caughtUp(t.Deadline, t.StartsAt, leastForTask)
	d.plan.Tasks = append(d.plan.Tasks, t)
	d.made[rule.Name] = append(d.made[rule.Name], t.Key)
	return nil
}

// cover sees to the systems that no rule reached: a check of what they inherit, or a task.
func (d *drafter) cover() error {
	access := Moment{Anchor: AtCutOff}
	for _, system := range d.inventory {
		if d.covers(system) {
			continue
		}
		rule := Rule{Name: "full-coverage", Start: access, Deadline: Moment{Anchor: AtStart, Offset: 4 * time.Hour}}
		var err error
		parent := d.cutKeys(system.SSO)
		switch {
		case system.SSO != "" && len(parent) > 0:
			rule.Name, rule.Deadline.Offset = "inherited-from-"+system.SSO, 24*time.Hour
			err = d.inherit(rule, system, parent)
		case !system.Automated():
			err = d.addByHand(rule, system, byHandReason(system))
		default:
			err = d.addByHand(rule, system, "no rule of the policy reaches this system")
		}
		if err != nil {
			return err
		}
	}
	return nil
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

func (d *drafter) covers(system System) bool {
	return slices.ContainsFunc(d.plan.Steps, func(s Step) bool { return s.System == system.Name }) ||
		slices.ContainsFunc(d.plan.Tasks, func(t Task) bool { return t.System == system.Name })
}

// cutKeys are the keys by which the plan ends access in a system.
func (d *drafter) cutKeys(system string) []string {
	var keys []string
	for _, s := range d.plan.Steps {
		if s.System == system && s.Action == Disable {
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

// link resolves declared dependencies between rules to keys.
func (d *drafter) link(rules []Rule) {
	for _, rule := range rules {
		var after []Dependency
		for _, a := range rule.After {
			for _, key := range d.made[a.Rule] {
				after = append(after, Dependency{Key: key, Because: a.Because})
			}
		}
		for i := range d.plan.Steps {
			if slices.Contains(d.made[rule.Name], d.plan.Steps[i].Key) {
				d.plan.Steps[i].After = append(d.plan.Steps[i].After, after...)
			}
		}
		for i := range d.plan.Tasks {
			if slices.Contains(d.made[rule.Name], d.plan.Tasks[i].Key) {
				d.plan.Tasks[i].After = append(d.plan.Tasks[i].After, after...)
			}
		}
	}
}

func (d *drafter) owner(system System) Person {
	if system.Owner.Named() {
		return system.Owner
	}
	return d.roles(system.Owner.Role, d.plan.Case.Departure.Leaver)
}

// settleStates gives each step and task the state in which it begins.
func (p *Plan) settleStates(now time.Time) {
	for i := range p.Steps {
		p.Steps[i] = p.Steps[i].begin(now)
	}
	for i := range p.Tasks {
		t := &p.Tasks[i]
		t.State, t.OpenedAt = TaskOpen, now
		if len(t.After) > 0 {
			t.State = TaskWaiting
		}
	}
}

// begin is the state of a step whose dependencies are open or met.
func (s Step) begin(now time.Time) Step {
	switch {
	case len(s.After) > 0:
		s.State, s.Reason = StepWaiting, "waits: "+s.After[0].Because
	case s.StartsAt.After(now):
		s.State, s.Reason = StepScheduled, ""
	default:
		s.State, s.Reason = StepReady, ""
	}
	return s
}

// Unblock is the state of a step whose last dependency was met. A deadline counted from its start
// begins anew.
func (s Step) Unblock(of Case, now time.Time) Step {
	s.After = nil
	if s.StartsAt.Before(now) {
		if s.DeadlineRule.Anchor == AtStart {
			s.Deadline = s.DeadlineRule.from(now, of.Zone())
		}
		s.StartsAt = now
	}
	return s.begin(now)
}

// Unblock is the state of a task whose last dependency was met, and the notice to its owner.
func (t Task) Unblock(of Case, now time.Time) (Task, Notice) {
	t.After, t.State, t.OpenedAt = nil, TaskOpen, now
	if t.StartsAt.Before(now) {
		if t.DeadlineRule.Anchor == AtStart {
			t.Deadline = t.DeadlineRule.from(now, of.Zone())
		}
		t.StartsAt = now
	}
	return t, t.notice(NoticeAssigned, "assigned")
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
