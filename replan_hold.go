package exeunt

import "slices"

// What an amendment means for holds: a legal hold that HR has just flagged stops what is pending and what
// has begun alike, and a second person is asked about what needs them now, and about nothing else.

// approvalBy is what the plan of now wants approved. Somebody's approval stands while the plan still wants one.
func (s Step) approvalBy(f Step) Step {
	given := s.Approval != nil && s.Approval.By != nil
	s.Destructive = f.Destructive
	s.Holds = slices.DeleteFunc(slices.Clone(s.Holds), func(h StepHold) bool { return h.Kind == HoldApproval })
	switch {
	case f.Approval == nil:
		s.Approval = nil
	case !given:
		s.Approval = f.Approval
		if hold := f.HeldFor(HoldApproval); hold != nil {
			s.Holds = append(s.Holds, *hold)
		}
	}
	return s
}

// forbid stops what the legal hold of the case forbids, among all steps as they shall be.
func (r *replan) forbid(steps []Step, tasks []Task) {
	if r.c.LegalHold == nil {
		return
	}
	r.stopped.stopDestructive(r.c, r.standing(steps), tasks, r.now)
	for _, s := range r.stopped.Steps {
		if i := slices.IndexFunc(r.steps, func(o Step) bool { return o.Key == s.Key }); i >= 0 {
			r.steps[i] = s
		} else {
			r.steps = append(r.steps, s)
		}
	}
}

// askSecond asks a second person about the steps that wait for one now, and no more about the others.
func (r *replan) askSecond(steps []Step, tasks []Task) {
	for _, t := range r.stopped.Tasks { // what nobody is to do by hand any more
		if !slices.ContainsFunc(r.tasks, func(o Task) bool { return o.Key == t.Key }) {
			r.tasks = append(r.tasks, t)
		}
	}
	waiting := map[string]Step{}
	var order []string
	for _, s := range r.standing(steps) {
		if s.HeldFor(HoldApproval) != nil && !s.State.Settled() {
			waiting[s.Key] = s
			order = append(order, s.Key)
		}
	}
	for _, t := range tasks {
		if t.Asks != AsksApproval || t.State != TaskOpen {
			continue
		}
		if before := len(t.Approves); r.stillAsks(&t, waiting) < before {
			r.tasks = append(r.tasks, t)
		}
	}
	anew := map[string][]*Step{}
	var roles []string
	for _, key := range order {
		s, open := waiting[key]
		if !open {
			continue // asked already
		}
		if anew[s.Approval.Role] == nil {
			roles = append(roles, s.Approval.Role)
		}
		anew[s.Approval.Role] = append(anew[s.Approval.Role], &s)
	}
	for _, role := range roles {
		t := approvalTask(r.c.ID, r.againKey(approvalKey(role)), anew[role], r.now)
		r.tasks, r.tell = append(r.tasks, t), append(r.tell, t.Key)
	}
}

// stillAsks keeps of a task what still waits, takes that off the list, and says how much it is.
func (r *replan) stillAsks(t *Task, waiting map[string]Step) int {
	var keys, list []string
	for i, key := range t.Approves {
		if _, open := waiting[key]; open {
			keys = append(keys, key)
			if i < len(t.Checklist) {
				list = append(list, t.Checklist[i])
			}
			delete(waiting, key)
		}
	}
	t.Approves, t.Checklist = keys, list
	if len(keys) == 0 {
		t.State, t.ClosedAt, t.Reason = TaskWithdrawn, r.now, r.cause.after+" nothing waits for it any more"
	}
	return len(keys)
}
