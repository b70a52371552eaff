package exeunt

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Amend takes an open case to the plan that its policy gives now. fresh is that plan, drafted from the
// changed departure.
//
//   - what is settled or has begun stays as it is, also when the plan leaves it out
//   - what is pending is scheduled anew, by the rules, deadlines and owners of now
//   - what the plan does not ask for any more is cancelled, with the reason; but not because its system is not there any more
//   - what it asks for in addition is added
//   - what was done before it is due now is done again at its time, which is nothing while it still holds;
//     whether it is put back until then is for the case owner to decide
//
// The generation rises, so that whoever decided on the old plan looks again.
func (c Case) Amend(t Trigger, fresh Plan, steps []Step, tasks []Task, now time.Time) (Change, error) {
	return c.replanned(t, fresh, steps, tasks, cause{after: "after HR's change"}, now)
}

// replanned takes a case to a fresh plan, for whatever cause.
func (c Case) replanned(t Trigger, fresh Plan, steps []Step, tasks []Task, why cause, now time.Time) (Change, error) {
	if !c.UnderWay() {
		return Change{}, Errorf(Conflict, "case %s is %s: it can be planned anew only while it is under way", c.ID, c.State)
	}
	r := replan{before: c, cause: why, fresh: fresh, served: fresh.Systems(), now: now.UTC(), keys: map[string]string{}, retried: map[string]bool{}}
	var err error
	if r.c, err = c.amended(t, fresh.Case, steps, now); err != nil {
		return Change{}, err
	}
	if err := r.mergeSteps(steps); err != nil {
		return Change{}, err
	}
	if err := r.mergeTasks(tasks); err != nil {
		return Change{}, err
	}
	r.forbid(steps, tasks)
	r.link(steps, tasks)
	r.withdrawFallbacks(tasks)
	r.askSecond(steps, tasks)
	r.decide()
	if r.c.State != CaseHeld {
		r.c.State = r.c.goesOn(r.standing(steps), now)
	}
	if doubt := t.Departure.Doubt(now); doubt != "" && why.by == nil { // by a person's word nothing about the departure has changed
		r.c = r.c.held(doubt, nil, now)
	}
	return r.change(t), nil
}

// amended is the case with the changed departure and the policy that it takes now.
func (c Case) amended(t Trigger, fresh Case, steps []Step, now time.Time) (Case, error) {
	if err := t.Departure.Check(); err != nil {
		return c, err
	}
	before := c
	c.Departure = t.Departure
	if t.Wave != 0 {
		c.Wave = t.Wave
	}
	c.Policy, c.PolicyVersion, c.PolicySet, c.CutOffClock = fresh.Policy, fresh.PolicyVersion, fresh.PolicySet, fresh.CutOffClock
	c.Modifiers, c.LeftOut, c.Calendar = fresh.Modifiers, fresh.LeftOut, fresh.Calendar
	if fresh.Owner.Named() {
		c.Owner = fresh.Owner
	}
	if c.LegalHold == nil && c.Departure.Leaver.Has(LitigationHold) && !before.Departure.Leaver.Has(LitigationHold) {
		if c.LegalHold = fresh.LegalHold; c.LegalHold == nil { // flagged anew after an earlier hold was released
			c.LegalHold = flagged(t.Source, c.Owner, now)
		}
	}
	c, err := c.underTerms(t.Departure.Embargo)
	if err != nil {
		return c, err
	}
	cutOff, err := CutOffOf(c.Departure, c.CutOffClock, c.notBefore(now))
	if err != nil {
		return c, err
	}
	// A cut-off that has passed stays, and so does its limit: lateness is not amended away. While a case is
	// held from its start nothing has begun.
	begun := slices.ContainsFunc(steps, func(s Step) bool { return !s.BegunAt.IsZero() })
	if passed := !before.CutOff.After(now) && (before.State != CaseHeld || begun); !passed || cutOff.After(now) {
		c.CutOff, c.AccessBy = cutOff, cutOff.Add(fresh.AccessBy.Sub(fresh.CutOff))
	}
	if c.RehiredOn <= c.Departure.LastDay { // hired again before that day is not hired again after it
		c.RehiredOn = ""
	}
	c.Generation++
	return c, nil
}

// replan is an amendment while it is worked out.
type replan struct {
	before, c Case
	cause     cause
	fresh     Plan
	served    []string // the systems of the inventory that the fresh plan was made from
	now       time.Time
	steps     []Step            // as they shall be
	tasks     []Task            // likewise
	watched   []Step            // done again at a new time: saved as they are, so that a look for drift that is under way collides
	keys      map[string]string // key in the fresh plan → key in the case
	retried   map[string]bool   // steps that no person has to stand in for any more
	tell      []string          // keys of tasks whose owner hears of them

	moved, added, dropped, kept []string // for the record
	early                       []string // for the case owner to decide
	offers                      []string // for each of those the key of the step that can be put back, or ""
	stopped                     Change   // what a legal hold forbids now
}

// baseKey is the key by which a plan knows what may have been done before: "directory-disable-again-3"
// is directory-disable.
func baseKey(key string) (base string, round int) {
	i := strings.LastIndex(key, "-again-")
	if i < 0 {
		return key, 0
	}
	n, err := strconv.Atoi(key[i+len("-again-"):])
	if err != nil || n < 1 {
		return key, 0
	}
	return key[:i], n
}

func (r *replan) againKey(base string) string {
	return fmt.Sprintf("%s-again-%d", base, r.c.Generation)
}

// current finds what stands for each key of a plan now: the last round of it.
func current[T any](all []T, key func(T) string, planned func(T) bool) map[string]T {
	out, rounds := map[string]T{}, map[string]int{}
	for _, x := range all {
		base, round := baseKey(key(x))
		if before, ok := rounds[base]; planned(x) && (!ok || round >= before) {
			out[base], rounds[base] = x, round
		}
	}
	return out
}

func (r *replan) why() string {
	if r.before.Policy != r.c.Policy {
		return fmt.Sprintf("%s the policy is %s, which does not ask for it", r.cause.after, r.c.Policy)
	}
	return r.cause.after + " the plan does not ask for it"
}

func (r *replan) datesChanged() bool {
	b, d := r.before.Departure, r.c.Departure
	return b.LastDay != d.LastDay || b.TerminationDate != d.TerminationDate
}

func (r *replan) identifiersChanged() bool {
	return !maps.Equal(r.before.Departure.Leaver.Identifiers, r.c.Departure.Leaver.Identifiers)
}

// link resolves what the changed steps and tasks wait for: only what is not settled, by its key in the
// case. It gives them the states that follow.
func (r *replan) link(steps []Step, tasks []Task) {
	open := map[string]bool{}
	for _, s := range steps {
		open[s.Key] = !s.State.Settled()
	}
	for _, t := range tasks {
		open[t.Key] = t.Open()
	}
	for _, s := range r.steps {
		open[s.Key] = !s.State.Settled()
	}
	for _, t := range r.tasks {
		open[t.Key] = t.Open()
	}
	resolve := func(own string, after []Dependency) (out []Dependency) {
		for _, d := range after {
			if d.Key = r.keys[d.Key]; open[d.Key] && d.Key != own && !waits(out, d.Key) {
				out = append(out, d)
			}
		}
		return out
	}
	for i, s := range r.steps {
		if s.State == StepWaiting { // as merged: its state is not decided yet
			s.After = resolve(s.Key, s.After)
			r.steps[i] = s.begin(r.now)
		}
	}
	for i, t := range r.tasks {
		if t.State != TaskWaiting {
			continue
		}
		if t.After = resolve(t.Key, t.After); len(t.After) == 0 {
			t.State, t.OpenedAt = TaskOpen, r.now
			r.tell = append(r.tell, t.Key)
		}
		r.tasks[i] = t
	}
}

// standing is every step of the case as it shall be, without those that are cancelled.
func (r *replan) standing(steps []Step) []Step {
	changed := map[string]bool{}
	all := slices.Clone(r.steps)
	for _, s := range r.steps {
		changed[s.Key] = true
	}
	for _, s := range steps {
		if !changed[s.Key] {
			all = append(all, s)
		}
	}
	return slices.DeleteFunc(all, func(s Step) bool { return s.State == StepCancelled })
}

// decide asks the case owner about what the new plan would have done otherwise. It is for people to say
// whether it is put back.
func (r *replan) decide() {
	if len(r.early) == 0 {
		return
	}
	t := Task{
		Case: r.c.ID, Key: fmt.Sprintf("decide-%d", r.c.Generation), Branch: "Tasks", State: TaskOpen, Owner: r.c.Owner,
		Title:     "Decide about what was done before the plan changed",
		Procedure: "These steps were done before HR changed the departure, or before the case was planned anew. Nothing is put back by itself. Decide for each whether it stays or is put back until its new time: on the step's page, where a connector can do it, or by hand. That page lists what the step had recorded before. At its new time access is looked at again, and ended where it is open.",
		Checklist: r.early, Offers: r.offers, OpenedAt: r.now, StartsAt: r.now,
		Deadline: r.now.Add(4 * time.Hour), DeadlineRule: Moment{Anchor: AtStart, Offset: 4 * time.Hour},
	}
	r.tasks, r.tell = append(r.tasks, t), append(r.tell, t.Key)
}

func (r *replan) change(t Trigger) Change {
	change := Change{Case: &r.c, Steps: append(r.steps, r.watched...), Tasks: r.tasks, Replanned: true}
	quiet := r.c.State == CaseHeld || r.c.Embargoed() // nobody is asked then; who ends it tells them
	for _, task := range r.tasks {
		if task.State == TaskOpen && slices.Contains(r.tell, task.Key) && !quiet {
			change.Notices = append(change.Notices, task.notice(NoticeAssigned, fmt.Sprintf("assigned:%d", r.c.Generation)))
		}
	}
	b, c := r.before, r.c
	detail := map[string]string{
		"source": t.Source, "event": t.EventID,
		"last_day_before": string(b.Departure.LastDay), "last_day_after": string(c.Departure.LastDay),
		"type_before": string(b.Departure.Type), "type_after": string(c.Departure.Type),
		"cut_off_before": b.CutOff.Format(time.RFC3339), "cut_off": c.CutOff.Format(time.RFC3339),
		"policy_before": b.Policy + " " + b.PolicyVersion, "policy": c.Policy + " " + c.PolicyVersion,
	}
	for name, list := range map[string][]string{"scheduled_anew": r.moved, "added": r.added, "cancelled": r.dropped, "kept": r.kept, "to_decide": r.early} {
		if len(list) > 0 {
			detail[name] = strings.Join(list, "; ")
		}
	}
	c.modifiedDetail(detail)
	what := r.cause.what(t.Source)
	if by := r.cause.by; by != nil {
		detail["by"], detail["reason"] = by.By, by.Reason
	}
	if b.PolicySet != c.PolicySet {
		detail["policies_before"], detail["policies"] = b.PolicySet, c.PolicySet
	}
	if late := lateBy(c.Departure, c.CutOffClock, r.now); late != "" && !c.CutOff.Equal(b.CutOff) {
		detail["late_by"] = late
		what += ", " + late + " after the cut-off: caught up at once"
	}
	change.RecordBy(t.Source, r.cause.entry(), c, r.now, what, detail)
	if b.LegalHold == nil && c.LegalHold != nil {
		change.RecordBy(t.Source, EntryLegalHold, c, r.now, "legal hold placed by "+t.Source, map[string]string{"reason": c.LegalHold.Reason, "owner": c.LegalHold.Owner.String()})
	}
	change.Entries = append(change.Entries, r.stopped.Entries...)
	if c.State == CaseHeld && b.State != CaseHeld {
		change.Record(EntryHeld, c, r.now, "held for a person", map[string]string{"reason": c.Hold})
	}
	return change
}
