package exeunt

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rehire closes what was still to come of a departure whose leaver works here again: what starts after the
// last day, such as the deletion of what was kept. What was done stays as it is, for it was right. Access
// that has not ended by then is left alone, and the case owner is asked to look at it.
//
// What is under way of pay and people goes on. A case that is held stops altogether: nobody has decided that
// anything of it is right.
func (c Case) Rehire(t Trigger, steps []Step, tasks []Task, now time.Time) (Change, error) {
	if !c.UnderWay() {
		return Change{}, Errorf(Conflict, "case %s is %s: nothing of it is still to come", c.ID, c.State)
	}
	r := rehire{c: c, now: now.UTC(), today: Date(now.In(c.Zone()).Format(time.DateOnly)), held: c.State == CaseHeld}
	r.c.RehiredOn = max(t.Departure.Leaver.HiredOn, c.Departure.LastDay)
	if t.Departure.Leaver.HiredOn == "" {
		r.c.RehiredOn = r.today
	}
	r.c.Generation++
	if c.Departure.LastDay < r.today || r.held { // before that the departure is still to be carried out
		r.c.State, r.c.Hold, r.c.HeldBy, r.c.HeldAt = CaseRehired, "", nil, time.Time{}
	}
	for _, s := range steps {
		r.step(s)
	}
	for _, task := range tasks {
		r.task(task)
	}
	change := Change{Case: &r.c, Steps: r.steps, Tasks: r.tasks, Replanned: true}
	if r.c.State.Over() {
		change.Steps = append(change.Steps, r.c.watched(steps)...)
	}
	if len(r.open) > 0 {
		look := r.look()
		change.Tasks = append(change.Tasks, look)
		if !r.c.Embargoed() {
			change.Notices = append(change.Notices, look.notice(NoticeAssigned, fmt.Sprintf("assigned:%d", r.c.Generation)))
		}
	}
	detail := map[string]string{"source": t.Source, "event": t.EventID, "rehired_on": string(r.c.RehiredOn), "last_day": string(c.Departure.LastDay)}
	if len(r.dropped) > 0 {
		detail["cancelled"] = strings.Join(r.dropped, "; ")
	}
	change.RecordBy(t.Source, EntryRehired, r.c, now, "the leaver works here again: "+t.Source, detail)
	return change, nil
}

// RehiredAfter notes beside the sealed record of a closed case that its leaver works here again, and ends the
// looks at what it had ended: what is open from now on is right.
func (c Case) RehiredAfter(t Trigger, steps []Step, now time.Time) Change {
	var change Change
	change.RecordBy(t.Source, EntryRehired, c.ID, now, fmt.Sprintf("the leaver of case %s works here again: %s", c.ID, t.Source), map[string]string{"source": t.Source, "event": t.EventID})
	return change.and(c.EndLooks(steps, WhyRehired, now))
}

type rehire struct {
	c       Case
	now     time.Time
	today   Date // at the place of work
	held    bool
	steps   []Step
	tasks   []Task
	dropped []string
	open    []string // access that did not end
	asked   []string // steps that still wait for an approval
}

// WhyRehired is why what was to follow of a departure does not.
const WhyRehired = "the leaver works here again"

// delayed says whether something that starts then is not to happen any more: it comes after the last day.
// What a departure asks for on the last day is right, also when it is late.
func (c Case) delayed(starts time.Time) bool {
	last, err := c.instant(Moment{Anchor: AtLastDay}, time.Time{})
	return err == nil && starts.After(last) && starts.After(c.CutOff)
}

// here says whether they work here again already.
func (r *rehire) here() bool { return r.c.RehiredOn <= r.today }

func (r *rehire) step(s Step) {
	acted := !s.AppliedAt.IsZero()
	ends := s.Branch == "Access" && r.here()
	switch {
	case s.State.Settled() || s.Undoes != "":
	case acted && !ends && !r.held:
	case acted:
		r.open = append(r.open, fmt.Sprintf("%s: %s may have taken effect: look", s.SystemTitle, s.Title))
		r.drop(s)
	case r.held, ends, s.StartsAt.After(r.now) && r.c.delayed(s.StartsAt):
		r.drop(s)
	}
	if s.HeldFor(HoldApproval) != nil && !slices.Contains(r.dropped, s.Key) {
		r.asked = append(r.asked, s.Key)
	}
}

func (r *rehire) drop(s Step) {
	r.steps = append(r.steps, s.cancelled(WhyRehired, r.now))
	r.dropped = append(r.dropped, s.Key)
}

func (r *rehire) task(t Task) {
	if !t.Open() {
		return
	}
	ends := t.Branch == "Access" && r.here() && (t.System != "" || len(t.Steps) > 0)
	moot := t.Asks == AsksApproval && !slices.ContainsFunc(t.Approves, func(key string) bool { return slices.Contains(r.asked, key) })
	if r.held || ends || moot || t.StartsAt.After(r.now) && r.c.delayed(t.StartsAt) {
		r.tasks = append(r.tasks, t.withdrawn(WhyRehired, r.now))
		r.dropped = append(r.dropped, t.Key)
	}
}

func (r *rehire) look() Task {
	return Task{
		Case: r.c.ID, Key: fmt.Sprintf("rehired-%d", r.c.Generation), Branch: "Access", State: TaskOpen, Owner: r.c.Owner,
		Title:     "Look at the access of somebody who works here again",
		Procedure: "HR says that the person works here again. These steps were under way and were stopped; they may have ended access that is needed now.",
		Checklist: r.open, OpenedAt: r.now, StartsAt: r.now,
		Deadline: r.now.Add(leastForStep), DeadlineRule: Moment{Anchor: AtStart, Offset: leastForStep},
	}
}

// NextDeparture asks the case owner what to make of a departure that comes after the leaver is hired again,
// and that HR announces before this one is over: a leaver has one departure under way.
func (c Case) NextDeparture(t Trigger, tasks []Task, now time.Time) Change {
	var change Change
	d := t.Departure
	detail := map[string]string{"source": t.Source, "event": t.EventID, "hired_on": string(d.Leaver.HiredOn), "last_day": string(d.LastDay)}
	what := fmt.Sprintf("%s announces the next departure, on %s, before this one is over", t.Source, d.LastDay)
	change.RecordBy(t.Source, EntryRefused, c, now, what, detail)
	task := Task{
		Case: c.ID, Key: "next-departure-" + string(d.LastDay), Branch: "Tasks", State: TaskOpen, Owner: c.Owner,
		Title:     "Decide about the next departure of this person",
		Procedure: fmt.Sprintf("HR says that the person is hired again on %s and leaves on %s. This departure, on %s, is not over; it goes on unchanged. If it no longer holds, have HR take it back; else have the next one announced once this one is over.", d.Leaver.HiredOn, d.LastDay, c.Departure.LastDay),
		OpenedAt:  now, StartsAt: now, Deadline: now.Add(leastForTask), DeadlineRule: Moment{Anchor: AtStart, Offset: leastForTask},
	}
	if slices.ContainsFunc(tasks, func(other Task) bool { return other.Key == task.Key }) {
		return change
	}
	change.Tasks = []Task{task}
	if c.State != CaseHeld && !c.Embargoed() {
		change.Notices = []Notice{task.notice(NoticeAssigned, "assigned")}
	}
	return change
}

// ChangedAfter tells the owner of a closed case that HR changed what it is about: its record is sealed.
func (c Case) ChangedAfter(t Trigger, now time.Time) Change {
	what := fmt.Sprintf("%s changed the type or the flags of the departure after case %s was closed", t.Source, c.ID)
	change := Change{Notices: c.alert("changed:"+t.Source+":"+t.EventID, what+". Its record is sealed and nothing was done: see whether something has to follow.")}
	change.RecordBy(t.Source, EntryRefused, c.ID, now, what, map[string]string{"source": t.Source, "event": t.EventID})
	return change
}
