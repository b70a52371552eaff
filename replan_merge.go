package exeunt

import (
	"fmt"
	"slices"
	"time"
)

// How what a case has meets what its new plan asks for, one key at a time.

func (r *replan) mergeSteps(steps []Step) error {
	have := current(steps, func(s Step) string { return s.Key }, func(s Step) bool { return s.Undoes == "" })
	asked := map[string]bool{}
	for _, f := range r.fresh.Steps {
		at, err := r.c.instant(f.StartRule, time.Time{})
		if err != nil {
			return err
		}
		if r.c.RehiredOn != "" && r.c.delayed(at) {
			continue
		}
		asked[f.Key] = true
		r.keys[f.Key] = f.Key
		f.Case, f.State = r.c.ID, StepWaiting // link decides
		s, known := have[f.Key]
		if !known {
			r.added = append(r.added, f.Key)
			err = r.put(f, time.Time{})
		} else {
			r.keys[f.Key] = s.Key
			err = r.mergeStep(s, f, at, s.wasUndone(steps))
		}
		if err != nil {
			return err
		}
	}
	for _, s := range steps {
		base, _ := baseKey(s.Key)
		switch {
		case s.Undoes != "" || asked[base] || have[base].Key != s.Key:
		case r.forgotten(s.System) && !s.State.Settled():
			at, err := r.keep(s.Key, s.System, s.StartRule, s.After)
			if err == nil {
				err = r.mergeStep(s, s, at, false)
			}
			if err != nil {
				return err
			}
		default:
			r.dropStep(s, s.wasUndone(steps))
		}
	}
	return nil
}

// forgotten says whether the inventory of the fresh plan has not got a system: every system that it has is covered there.
// Perhaps the server that plans reads an older folder than the one that opened the case, or half of one; what is to be ended
// in the system is not called off by that. It becomes its owner's task where nobody can do it.
func (r *replan) forgotten(system string) bool {
	return system != "" && !slices.Contains(r.served, system)
}

// keep says when a step or task of a forgotten system begins, by its own rule and the facts of now. It waits for what it waited for.
func (r *replan) keep(key, system string, start Moment, after []Dependency) (time.Time, error) {
	for _, d := range after {
		if _, known := r.keys[d.Key]; !known {
			r.keys[d.Key] = d.Key
		}
	}
	r.kept = append(r.kept, key+": the inventory has no system "+system+" any more, and nobody decided that access may stay there")
	return r.c.instant(start, time.Time{})
}

// mergeStep takes a step to what the plan asks for under its key, from a moment on. What was put back since the plan
// had left it out, or until its new time, is done anew.
func (r *replan) mergeStep(s, f Step, at time.Time, undone bool) error {
	ahead := at.After(r.c.notBefore(r.now))
	if s.State.Succeeded() && s.Action.dated() && r.datesChanged() {
		r.ask("", fmt.Sprintf("%s: %s, done with the last day %s and the termination date %s: correct the dates there",
			s.SystemTitle, s.Title, r.before.Departure.LastDay, r.before.Departure.TerminationDate))
	}
	switch {
	case s.State == StepCancelled, s.State == StepSkipped && r.identifiersChanged():
		f.Version = s.Version
		r.added = append(r.added, f.Key)
		f.Key = s.Key
		return r.put(f, time.Time{})
	case s.State.Succeeded() && (ahead || undone) && !s.Action.dated():
		return r.again(s, f, !undone)
	case s.State.Settled(), s.State == StepRunning && !ahead:
		return nil
	case s.State.WithPeople() && !ahead && !(r.identifiersChanged() && s.Account.ID == ""):
		return nil // its task is with its owner
	}
	return r.moveStep(s, f, ahead)
}

// moveStep plans a step anew that is not settled, from a moment ahead or from now on.
func (r *replan) moveStep(s, f Step, ahead bool) error {
	acted := !s.AppliedAt.IsZero()
	if ahead && acted {
		r.ask("", fmt.Sprintf("%s: %s may have taken effect: look", s.SystemTitle, s.Title))
	}
	r.moved = append(r.moved, s.Key)
	began := s.StartsAt
	retrying := s.State == StepReady && !s.BegunAt.IsZero() && !ahead
	if s = s.plannedBy(f); retrying {
		s.After = nil
	} else {
		r.retried[s.Key] = s.State.WithPeople()
		s.State, s.Attempt, s.Unshown, s.NextAttemptAt, s.SettledAt = StepWaiting, 0, 0, time.Time{}, time.Time{}
		if !acted {
			s.BegunAt = time.Time{}
		}
	}
	if began.After(r.now) || ahead {
		began = time.Time{}
	}
	return r.put(s, began)
}

// plannedBy is the step with everything that a plan decides taken from another one.
func (s Step) plannedBy(f Step) Step {
	s.SystemTitle, s.Title, s.Branch, s.Coverage, s.Tier, s.Order = f.SystemTitle, f.Title, f.Branch, f.Coverage, f.Tier, f.Order
	s.Rule, s.Modified, s.Owner, s.Fallback = f.Rule, f.Modified, f.Owner, f.Fallback
	s.StartRule, s.DeadlineRule, s.After = f.StartRule, f.DeadlineRule, f.After
	return s.approvalBy(f)
}

// put schedules a step. One that had begun to be due keeps its start, and its deadline is counted from there.
func (r *replan) put(s Step, began time.Time) error {
	s, err := s.reschedule(r.c, r.now)
	if err != nil {
		return err
	}
	if !began.IsZero() {
		s.StartsAt = began
		if s.Deadline, err = r.c.instant(s.DeadlineRule, began); err != nil {
			return err
		}
		s.Deadline = caughtUp(s.Deadline, began, leastForStep)
	}
	r.steps = append(r.steps, s)
	return nil
}

// ask puts something to the case owner: what was done, and the step that did it, should it be one that can be put back.
func (r *replan) ask(key, what string) {
	r.early, r.offers = append(r.early, what), append(r.offers, key)
}

// again plans anew what was done before its time. While it still holds, the look at that time finds it so.
func (r *replan) again(s, f Step, ask bool) error {
	base := f.Key
	f.Key, f.Account = r.againKey(base), s.Account
	if s.State != StepConfirmed { // nobody has seen it done, so that what must not come twice is a person's to find out
		f.AppliedAt = s.SettledAt
	}
	if _, looks := s.driftLookAt(); looks {
		r.watched = append(r.watched, s)
	}
	r.keys[base] = f.Key
	r.added = append(r.added, f.Key)
	if ask && s.Action != CheckAccess {
		r.ask(s.Key, fmt.Sprintf("%s: %s", s.SystemTitle, s.Title))
	}
	return r.put(f, time.Time{})
}

// dropStep settles what the plan does not ask for any more, unless it has begun.
func (r *replan) dropStep(s Step, undone bool) {
	switch {
	case s.State == StepCancelled || s.State == StepSkipped || s.State == StepWaived:
	case s.State.Succeeded() || !s.AppliedAt.IsZero():
		r.kept = append(r.kept, s.Key+": "+r.why())
		if !undone && s.Action != CheckAccess {
			r.ask(s.Key, fmt.Sprintf("%s: %s, which the plan does not ask for any more", s.SystemTitle, s.Title))
		}
	default:
		r.retried[s.Key] = s.State.WithPeople()
		s.State, s.SettledAt, s.NextAttemptAt, s.Reason, s.After = StepCancelled, r.now, time.Time{}, r.why(), nil
		r.dropped = append(r.dropped, s.Key)
		r.steps = append(r.steps, s)
	}
}

func (r *replan) mergeTasks(tasks []Task) error {
	have := current(tasks, func(t Task) string { return t.Key }, Task.planned)
	asked := map[string]bool{}
	for _, f := range r.fresh.Tasks {
		if f.Asks != "" {
			continue // askSecond does
		}
		at, err := r.c.instant(f.StartRule, time.Time{})
		if err != nil {
			return err
		}
		if r.c.RehiredOn != "" && r.c.delayed(at) {
			continue
		}
		asked[f.Key] = true
		r.keys[f.Key] = f.Key
		f.Case, f.State = r.c.ID, TaskWaiting // link decides
		t, known := have[f.Key]
		if !known {
			r.added = append(r.added, f.Key)
			err = r.putTask(f)
		} else {
			r.keys[f.Key] = t.Key
			err = r.mergeTask(t, f, at.After(r.c.notBefore(r.now)))
		}
		if err != nil {
			return err
		}
	}
	for _, t := range tasks {
		base, _ := baseKey(t.Key)
		switch {
		case !t.planned() || asked[base] || have[base].Key != t.Key:
		case r.forgotten(t.System) && t.Open():
			at, err := r.keep(t.Key, t.System, t.StartRule, t.After)
			if err == nil {
				err = r.mergeTask(t, t, at.After(r.c.notBefore(r.now)))
			}
			if err != nil {
				return err
			}
		default:
			r.dropTask(t)
		}
	}
	return nil
}

// planned says whether a plan asked for the task, as opposed to what came up on the way.
func (t Task) planned() bool { return t.Rule != "" && len(t.Steps) == 0 }

func (r *replan) mergeTask(t, f Task, ahead bool) error {
	switch {
	case t.State == TaskWithdrawn:
		f.ID, f.Version, f.Key = t.ID, t.Version, t.Key
		r.added = append(r.added, t.Key)
		return r.putTask(f)
	case t.State == TaskDone && t.System != "" && ahead:
		base := f.Key
		f.Key = r.againKey(base)
		r.keys[base] = f.Key
		r.added = append(r.added, f.Key)
		if t.Coverage != CoverInherited {
			r.ask("", t.Title+", done by "+t.DoneBy)
		}
		return r.putTask(f)
	case t.State == TaskDone:
		return nil
	}
	r.moved = append(r.moved, t.Key)
	owner := t.Owner
	t.Branch, t.Coverage, t.System, t.Title, t.Procedure, t.Rule, t.Reason = f.Branch, f.Coverage, f.System, f.Title, f.Procedure, f.Rule, f.Reason
	t.StartRule, t.DeadlineRule, t.Modified, t.Would = f.StartRule, f.DeadlineRule, f.Modified, f.Would
	if !t.Reassigned {
		t.Owner = f.Owner
	}
	if !slices.Equal(t.Checklist, f.Checklist) && !t.begun() { // what was ticked keeps its list
		t.Checklist = f.Checklist
	}
	schedule := Task.reschedule
	if ahead { // it begins anew
		schedule = Task.schedule
	}
	t, err := schedule(t, r.c, r.now)
	if err != nil {
		return err
	}
	if t.State == TaskWaiting {
		t.After = f.After
	}
	if t.Owner != owner {
		r.tell = append(r.tell, t.Key)
	}
	r.tasks = append(r.tasks, t)
	return nil
}

// begun says whether its owner has started on it.
func (t Task) begun() bool { return len(t.Ticked) > 0 || t.Note != "" }

func (r *replan) putTask(t Task) error {
	t, err := t.schedule(r.c, r.now)
	r.tasks = append(r.tasks, t)
	return err
}

func (r *replan) dropTask(t Task) {
	switch {
	case t.State == TaskWithdrawn:
	case t.State == TaskDone || t.begun():
		r.kept = append(r.kept, t.Key+": "+r.why())
		if t.State == TaskDone && t.System != "" && t.Coverage != CoverInherited {
			r.ask("", t.Title+", done by "+t.DoneBy+", which the plan does not ask for any more")
		}
	default:
		t.State, t.ClosedAt, t.Reason, t.After = TaskWithdrawn, r.now, r.why(), nil
		r.dropped = append(r.dropped, t.Key)
		r.tasks = append(r.tasks, t)
	}
}

// withdrawFallbacks takes back the tasks that stood in for steps that go on by themselves or are cancelled.
func (r *replan) withdrawFallbacks(tasks []Task) {
	for _, t := range tasks {
		if !t.Open() || len(t.Steps) == 0 {
			continue
		}
		if !slices.ContainsFunc(t.Steps, func(key string) bool { return !r.retried[key] }) {
			t.State, t.ClosedAt, t.Reason = TaskWithdrawn, r.now, r.cause.after+" it is done by itself at its time, or not at all"
			r.tasks = append(r.tasks, t)
		}
	}
}
