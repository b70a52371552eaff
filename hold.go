package exeunt

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// held is the case stopped: nothing acts and nobody is chased until a person releases it.
func (c Case) held(why string, by *Override, now time.Time) Case {
	if c.Fuse != 0 { // the fuse holds it first
		c.Doubt = why
		return c
	}
	c.State, c.Hold, c.HeldBy, c.HeldAt = CaseHeld, why, by, now.UTC()
	return c
}

// goesOn is the state of a case that nothing holds: scheduled until something of it is due.
func (c Case) goesOn(steps []Step, now time.Time) CaseState {
	begun := slices.ContainsFunc(steps, func(s Step) bool {
		return !s.BegunAt.IsZero() || s.State == StepReady || s.State.Settled() || s.State == StepScheduled && !s.StartsAt.After(now)
	})
	if c.CutOff.After(now) && !begun {
		return CaseScheduled
	}
	return CaseRunning
}

// HoldBy stops a case by a person's decision: nothing acts in a system and nobody is chased until it is
// released. What a system is doing at that moment is still looked at, so that the record is true.
func (c Case) HoldBy(by Override, now time.Time) (Change, error) {
	if err := by.Check(); err != nil {
		return Change{}, err
	}
	switch {
	case !c.UnderWay():
		return Change{}, Errorf(Conflict, "case %s is %s: only a departure that is under way can be held", c.ID, cmp.Or(c.State, CaseClosed))
	case c.State == CaseHeld:
		return Change{}, Errorf(Conflict, "case %s is held already: %s", c.ID, c.Hold)
	}
	c = c.held(by.Reason, &by, now)
	change := Change{Case: &c}
	change.Record(EntryHeld, c, now, "held by "+by.By, by.detail())
	return change, nil
}

// Release lets a held case go on, with the steps and tasks that it was opened with. What became late
// meanwhile is due at once, and who was not told of a task while the case was held is told now.
func (c Case) Release(steps []Step, tasks []Task, by Override, now time.Time) (Change, error) {
	if c.State != CaseHeld {
		return Change{}, Errorf(Conflict, "case %s is %s, not held", c.ID, c.State)
	}
	if err := by.Check(); err != nil {
		return Change{}, err
	}
	if err := c.fused(); err != nil {
		return Change{}, err
	}
	c = c.deviate(Deviation{Kind: DeviateRelease, What: "release of a held case", State: DeviationDone, Request: Request{Override: by, At: now.UTC()}})
	return c.release(steps, tasks, by, now), nil
}

func (c Case) release(steps []Step, tasks []Task, by Override, now time.Time) Change {
	detail := by.detail()
	detail["held_for"] = c.Hold
	if !c.HeldAt.IsZero() {
		detail["held_since"] = c.HeldAt.Format(time.RFC3339)
	}
	c.State, c.Hold, c.HeldBy, c.HeldAt = c.goesOn(steps, now), "", nil, time.Time{}
	c.Fuse, c.Doubt = 0, ""
	change := Change{Case: &c}
	late := 0
	for _, s := range steps {
		at, due := s.DueAt()
		if s.State.Settled() && !due { // what is looked at again stands in line, too
			continue
		}
		if due && at.Before(now) && !s.State.Settled() {
			late++
		}
		change.Steps = append(change.Steps, s)
	}
	for _, t := range tasks {
		if t.State == TaskOpen {
			change.Tasks = append(change.Tasks, t)
			change.Notices = append(change.Notices, t.notice(NoticeAssigned, "assigned"))
		}
	}
	if late > 0 {
		detail["late"] = fmt.Sprintf("%d steps were due while it was held and start now", late)
	}
	change.Record(EntryReleased, c, now, "released by "+by.By, detail)
	return change
}
