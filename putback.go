package exeunt

import (
	"fmt"
	"slices"
	"time"
)

// Offer is the open task that asks whether a step is put back; nil when none does.
func Offer(tasks []Task, key string) *Task {
	i := slices.IndexFunc(tasks, func(t Task) bool { return t.State == TaskOpen && key != "" && slices.Contains(t.Offers, key) })
	if i < 0 {
		return nil
	}
	return &tasks[i]
}

// PutBackStep puts back one step that was done before HR changed the departure, as the case owner was asked to decide.
// It ticks the item of that task. What comes at the new time, or has come, is not undone by it.
func (c Case) PutBackStep(key string, inventory []System, steps []Step, tasks []Task, by Override, now time.Time) (Change, error) {
	if err := by.Check(); err != nil {
		return Change{}, err
	}
	i, task := slices.IndexFunc(steps, func(s Step) bool { return s.Key == key }), Offer(tasks, key)
	if i < 0 {
		return Change{}, Errorf(NotFound, "case %s has no step %s", c.ID, key)
	}
	s := steps[i]
	u := undoing{id: c.ID, inventory: inventory, now: now.UTC()}
	switch {
	case !c.UnderWay() || task == nil:
		return Change{}, Errorf(Conflict, "nobody is asked whether %s of %s is put back: only what was done before HR's change is", lower(s.Title), s.SystemTitle)
	case s.AppliedAt.IsZero():
		return Change{}, Errorf(Conflict, "%s of %s was found so already: it is not ours to put back", lower(s.Title), s.SystemTitle)
	case !s.State.Succeeded() || !u.reversible(s):
		return Change{}, Errorf(Unsupported, "no connector can put back %s of %s: do it by hand; what was there before is on the step's page", lower(s.Title), s.SystemTitle)
	case slices.ContainsFunc(steps, func(o Step) bool { return o.Undoes == s.Key }):
		return Change{}, Errorf(Conflict, "%s of %s is put back already, or about to be", lower(s.Title), s.SystemTitle)
	case s.endsAnew(steps, now):
		return Change{}, Errorf(Conflict, "the new time of %s in %s has come: it is right that it has ended", lower(s.Title), s.SystemTitle)
	}
	undo := s.undo(c.ID, u.now)
	undo.Rule, undo.Order = "decided", -1000
	undo.Fallback = "Somebody decided to put this back until its new time. Put back by hand what this step had taken away; what was there before is listed."
	asked := *task
	asked.Ticked = asked.valid(append(slices.Clone(asked.Ticked), slices.Index(asked.Offers, key)))
	change := Change{Case: &c, Steps: []Step{undo.begin(u.now)}, Tasks: []Task{asked}}
	detail := by.detail()
	detail["undo"], detail["task"] = undo.Key, task.Key
	change.Record(EntryPutBack, s, now, fmt.Sprintf("%s: %s is put back until its new time", s.SystemTitle, lower(s.Title)), detail)
	return change, nil
}

// endsAnew says whether another step of the same case ends now, or has ended, what this one had ended before its time.
func (s Step) endsAnew(steps []Step, now time.Time) bool {
	return slices.ContainsFunc(steps, func(o Step) bool {
		return o.Key != s.Key && o.StartsAt.After(s.StartsAt) && s.UndoneInVain(o, now)
	})
}

// TooLate says whether an undo step of a departure that is under way would open what has ended at its new time, or is
// to end now. steps are those of the case in its system.
func (s Step) TooLate(steps []Step, now time.Time) bool {
	i := slices.IndexFunc(steps, func(o Step) bool { return o.Key == s.Undoes })
	return s.Undoes != "" && i >= 0 && steps[i].endsAnew(steps, now)
}

// GiveWay settles undo steps that come too late, and what people were asked to do in their stead.
func GiveWay(late []Step, tasks []Task, why string, now time.Time) Change {
	var change Change
	var keys []string
	for _, s := range late {
		change = change.and(s.Finish(Outcome{Kind: NoAccount, Err: Errorf(Conflict, "%s", why)}, now))
		keys = append(keys, s.Key)
	}
	for _, t := range tasks {
		if kept := t.without(keys, why, now); kept != nil {
			change.Tasks = append(change.Tasks, *kept)
		}
	}
	return change
}
