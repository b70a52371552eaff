package exeunt

import (
	"fmt"
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
//
// The plan does not depend on the order of the rules. Where two ask for the same, the one that waits for
// nothing counts before one that waits, and then the one that starts first.
func Draft(p Policy, c Case, inventory []System, roles Roles, now time.Time) (Plan, error) {
	m, err := p.modify(Facts{Departure: c.Departure, Made: map[string]any{}, Lasting: p.Lasting})
	if err != nil {
		return Plan{}, fmt.Errorf("policy %s, %w", p.Name, err)
	}
	p.Rules, c.Calendar = m.rules, nil
	if p.Calendar != nil && p.usesBusinessDays() {
		c.Calendar = p.Calendar()
	}
	if c.Embargo, err = p.embargoOf(c, now); err != nil {
		return Plan{}, err
	}
	cutOff, err := CutOffOf(c.Departure, p.CutOff, c.notBefore(now))
	if err != nil {
		return Plan{}, err
	}
	if c.OpenedAt.IsZero() { // one that is planned anew keeps when it was opened: what counts from the trigger stays
		c.OpenedAt = now.UTC()
	}
	c.CutOff, c.AccessBy = cutOff, cutOff.Add(p.AccessSLA)
	c.Policy, c.PolicyVersion, c.PolicySet, c.CutOffClock = p.Name, p.Version, p.Set, p.CutOff
	c.Modifiers, c.LeftOut = m.applied, m.leftOut
	d := newDrafter(p, c, inventory, roles, now)
	d.modified = m
	if err := d.applyAll(p); err != nil {
		return Plan{}, err
	}
	if err := d.cover(); err != nil {
		return Plan{}, err
	}
	if err := d.settle(m.contradictions); err != nil {
		return Plan{}, err
	}
	d.link(p.Rules)
	d.arrange(p.Rules)
	d.hold()
	d.plan.settleStates(d.now)
	return d.plan, nil
}

// Open is the change that turns a plan into a running case.
func (p Plan) Open(t Trigger, doubt string, now time.Time) Change {
	c := p.Case
	c.Source, c.EventID, c.Override, c.Wave = t.Source, t.EventID, t.Override, t.Wave
	if c.Embargo != nil {
		c.Embargo = new(c.Embargo.knows(t.Override))
	}
	c.State = c.goesOn(p.Steps, now)
	if doubt != "" {
		c = c.held(doubt, nil, now)
	}
	change := Change{Case: &c, Steps: p.Steps, Tasks: p.Tasks}
	detail := map[string]string{
		"source": t.Source, "event": t.EventID, "policy": c.Policy, "policy_version": c.PolicyVersion, "policies": c.PolicySet,
		"type": string(c.Departure.Type), "last_day": string(c.Departure.LastDay), "zone": c.Departure.Leaver.Zone,
		"cut_off": c.CutOff.Format(time.RFC3339), "steps": fmt.Sprint(len(p.Steps)), "tasks": fmt.Sprint(len(p.Tasks)),
		"leaver": c.Departure.Leaver.Name, "employee_id": c.Departure.Leaver.ID, "entity": c.Departure.Leaver.Entity,
	}
	c.modifiedDetail(detail)
	if t.Override != nil {
		detail["by"], detail["reason"] = t.Override.By, t.Override.Reason
	}
	if c.Embargoed() {
		detail["embargo_until"], detail["visible_to"] = c.Embargo.Until.Format(time.RFC3339), strings.Join(c.Embargo.VisibleTo, ", ")
	}
	if t.Wave != 0 {
		detail["wave"] = t.Wave.String()
	}
	what := "case opened by " + t.Source
	if late := lateBy(c.Departure, c.CutOffClock, now); late != "" && !c.Embargoed() {
		detail["late_by"] = late
		what += ", " + late + " after the cut-off: caught up at once"
	}
	change.RecordBy(t.Source, EntryOpened, c, now, what, detail)
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
	covered := make(map[string]bool, len(inventory))
	for i := range p.Steps {
		covered[p.Steps[i].System] = true
	}
	for i := range p.Tasks {
		covered[p.Tasks[i].System] = true
	}
	var out []string
	for i := range inventory {
		if name := inventory[i].Name; !covered[name] {
			out = append(out, name)
		}
	}
	return out
}

// settleStates gives each step and task the state in which it begins.
func (p *Plan) settleStates(now time.Time) {
	for i := range p.Steps {
		s := &p.Steps[i]
		s.State, s.Reason = s.beginning(now)
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
	s.State, s.Reason = s.beginning(now)
	return s
}

func (s *Step) beginning(now time.Time) (StepState, string) {
	switch {
	case len(s.After) > 0:
		return StepWaiting, "waits: " + s.After[0].Because
	case len(s.Holds) > 0:
		return StepHeld, s.Holds[0].Reason
	case s.Approval.Open(): // rejected, and stopped by something else since: that its end lets it go approves nothing
		return StepHeld, s.Approval.why()
	case s.StartsAt.After(now):
		return StepScheduled, ""
	default:
		return StepReady, ""
	}
}

// Unblock is the state of a step whose last dependency was met. A deadline counted from its start
// begins anew, in days at the place of work.
func (s Step) Unblock(place Place, now time.Time) Step {
	s.After = nil
	if s.StartsAt.Before(now) {
		if s.DeadlineRule.Anchor == AtStart {
			s.Deadline = s.DeadlineRule.from(now, place)
		}
		s.StartsAt = now
	}
	return s.begin(now)
}

// Unblock is the state of a task whose last dependency was met, and the notice to its owner.
func (t Task) Unblock(place Place, now time.Time) (Task, Notice) {
	t.After, t.State, t.OpenedAt = nil, TaskOpen, now
	if t.StartsAt.Before(now) {
		if t.DeadlineRule.Anchor == AtStart {
			t.Deadline = t.DeadlineRule.from(now, place)
		}
		t.StartsAt = now
	}
	return t, t.notice(NoticeAssigned, "assigned")
}
