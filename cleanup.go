package exeunt

import (
	"fmt"
	"slices"
	"time"
)

// CleanUpSource is the source of a case that ends what an earlier departure missed.
const CleanUpSource = "clean-up"

// Missed is what somebody who left still has.
type Missed struct {
	Newest   *Case              // the person's newest case; nil for whoever left before there were cases
	Steps    []Step             // of that case, and of those that it follows
	Accounts map[string]Account // by system
	Asked    string             // the system in which somebody wants it ended
}

// Ends says whether the account of a finding may be ended as one of somebody who left. heard is what HR said last of the person,
// newest the newest case, and begun when the reconciliation began: what was found then is no news of who came back since.
func (f Finding) Ends(newest *Case, heard Said, begun time.Time) error {
	switch {
	case f.Kind != FoundOrphaned || f.Worker == nil:
		return Errorf(Invalid, "nobody knows whose account that was, so that there is no departure to clean up after: confirm whose it is, or end it by hand")
	case f.Decided != nil:
		return Errorf(Conflict, "somebody saw to this finding already")
	case newest != nil && newest.UnderWay():
		return Errorf(Conflict, "%s's departure is under way: case %s ends what is open", f.Name, newest.ID)
	case newest == nil && heard.Stays():
		return Errorf(Conflict, "HR said last that %s stays or works here again, and nobody opened a case since: if they have left after all, start that departure", f.Name)
	case newest != nil && (newest.Over() || newest.RehiredOn != "" || heard.Stays() && !heard.ReceivedAt.Before(newest.OpenedAt)):
		return Errorf(Conflict, "%s stays or works here again since case %s: if they have left after all, start that departure", f.Name, newest.ID)
	case heard.ReceivedAt.After(begun):
		return Errorf(Conflict, "something was heard of %s after everybody was compared with the systems: compare again", f.Name)
	}
	return nil
}

// CleanedUp says of a finding which case sees to it, and records that with the change that opens it.
func (f Finding) CleanedUp(id CaseID, by Override, opening *Change, now time.Time) Finding {
	by.Reason = "cleaned up by case " + id.String() + ": " + by.Reason
	f.Decided = &Decision{by, now.UTC()}
	opening.Record(EntryMapped, id, now, "an orphaned account is cleaned up by case "+id.String(), map[string]string{"by": by.By, "reason": by.Reason, "account": f.Accounts[0].ID, "leaver": f.Leaver})
	opening.Entries[len(opening.Entries)-1].System = f.System
	return f
}

// CleanUpCase begins the case that ends at once what a closed departure has missed, for a plan to be made of it. It goes on under
// the legal hold and the embargo of that one, whatever was decided about them by hand.
func (c Case) CleanUpCase(id CaseID, handle string, now time.Time) Case {
	next := c.next(id, handle, now)
	next.Departure.Immediate, next.Follows, next.Owner = true, c.ID, Person{}
	return next
}

// CleanUp opens a case that ends what a departure missed. Of the plan of one that is over it keeps what concerns the systems in
// which the leaver still has an account; the accounts are known, so that nothing is searched again. Of somebody who left before
// there were cases it is the whole departure.
//
// What is done for a date, such as a payment, belongs to the departure and is not done once more: a person sees that it was done,
// where no case tells.
func (p Plan) CleanUp(m Missed, t Trigger, now time.Time) (Change, error) {
	if m.Newest == nil {
		change := p.long(now).Open(t, t.Departure.Doubt(now), now)
		change.Entries[0].Detail["systems"] = fmt.Sprint(len(m.Accounts))
		return change, nil
	}
	p = p.only(m, now)
	if !slices.Contains(p.Systems(), m.Asked) {
		return Change{}, Errorf(Unsupported, "the policy ends nothing more in %s: end the account by hand, and confirm that it is nobody's", m.Asked)
	}
	p.Case.Follows = m.Newest.ID
	change := p.Open(t, "", now)
	change.Entries[0].Detail["follows"], change.Entries[0].Detail["systems"] = m.Newest.ID.String(), fmt.Sprint(len(p.Systems()))
	return change, nil
}

// Systems are those in which the plan has something to do, each once.
func (p Plan) Systems() []string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, s := range p.Steps {
		add(s.System)
	}
	for _, t := range p.Tasks {
		add(t.System)
	}
	return names
}

// only keeps what ends the accounts that were missed.
func (p Plan) only(m Missed, now time.Time) Plan {
	p = p.reduced(func(s Step) bool {
		account := m.Accounts[s.System].ID
		return account != "" && (!s.Action.dated() || s.Action == EndEmployment && !m.ended(s.System, account))
	}, func(t Task) bool { return m.Accounts[t.System].ID != "" }, now)
	for i := range p.Steps {
		p.Steps[i].Account, p.Steps[i].Urgent = m.Accounts[p.Steps[i].System], true
	}
	return p
}

// ended says whether the departure was seen to end the employment on record in a system.
func (m Missed) ended(system, account string) bool {
	return slices.ContainsFunc(m.Steps, func(s Step) bool {
		return s.System == system && s.Account.ID == account && s.Action == EndEmployment && (s.State == StepConfirmed || s.State == StepAcknowledged)
	})
}

// long is the plan of a departure that was long ago: what was due then on its date is for people to look at.
func (p Plan) long(now time.Time) Plan {
	then := func(s Step) bool { return s.Action.dated() && s.Action != EndEmployment }
	looks := map[string]*Task{}
	var order []string
	for _, s := range p.Steps {
		switch look := looks[s.System]; {
		case !then(s):
		case look == nil:
			looks[s.System], order = s.lookBack(p.Case, now), append(order, s.System)
		default:
			look.Checklist = append(look.Checklist, s.Title)
		}
	}
	p = p.reduced(func(s Step) bool { return !then(s) }, func(Task) bool { return true }, now)
	for _, system := range order {
		p.Tasks = append(p.Tasks, *looks[system])
	}
	return p
}

// lookBack asks the owner of a system whether a step of a departure was done at its time.
func (s Step) lookBack(of Case, now time.Time) *Task {
	return &Task{
		Case: of.ID, Key: s.System + "-at-its-time", State: TaskOpen, System: s.System, Branch: s.Branch, Coverage: CoverTask, Owner: s.Owner, Rule: s.Rule,
		Title:     s.SystemTitle + ": see what was done when the person left",
		Procedure: fmt.Sprintf("The person left on %s, and no case tells what was done then. Nothing of this is done a second time: see that each was done, and do by hand what was not.", of.Departure.LastDay),
		Reason:    "it is done for a date, which has passed", Checklist: []string{s.Title},
		OpenedAt: now, StartsAt: now, StartRule: Moment{Anchor: AtTrigger}, Deadline: now.Add(leastForTask), DeadlineRule: Moment{Anchor: AtStart, Offset: leastForTask},
	}
}

// reduced is the plan without the steps and tasks that are not kept: nothing waits for them, and nobody is asked to approve them.
func (p Plan) reduced(keepStep func(Step) bool, keepTask func(Task) bool, now time.Time) Plan {
	p.Steps = slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return !keepStep(s) })
	p.Tasks = slices.DeleteFunc(slices.Clone(p.Tasks), func(t Task) bool { return t.Asks == AsksApproval || !keepTask(t) })
	kept := map[string]bool{}
	for _, s := range p.Steps {
		kept[s.Key] = true
	}
	for _, t := range p.Tasks {
		kept[t.Key] = true
	}
	gone := func(d Dependency) bool { return !kept[d.Key] }
	for i, s := range p.Steps {
		s.After = slices.DeleteFunc(slices.Clone(s.After), gone)
		p.Steps[i] = s.begin(now)
	}
	for i := range p.Tasks {
		t := &p.Tasks[i]
		if t.After = slices.DeleteFunc(slices.Clone(t.After), gone); len(t.After) == 0 {
			t.State = TaskOpen
		}
	}
	p.ask(now)
	return p
}
