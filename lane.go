package exeunt

import "time"

// A lane is one system's line of due visits: its own concurrency, rate and brake, so that a slow or
// dead system costs the others nothing. Who stands where in it is decided here.

// DueAt is when a visit has to look at the step next, if ever.
func (s Step) DueAt() (time.Time, bool) {
	switch s.State {
	case StepScheduled:
		return s.StartsAt, true
	case StepReady, StepRunning: // an intent without an answer is looked at as soon as its lease allows
		if s.NextAttemptAt.After(s.StartsAt) {
			return s.NextAttemptAt, true
		}
		return s.StartsAt, true
	case StepFailed, StepByHand:
		return s.NextAttemptAt, !s.NextAttemptAt.IsZero()
	default:
		return s.driftLookAt()
	}
}

// Head starts in the line of a system. Who waits longer than the head start of another goes first all the
// same, so that nobody starves.
const (
	urgentHeadStart = 24 * time.Hour // an immediate departure
	tierHeadStart   = time.Hour      // each tier of risk above the lowest
	lowestTier      = 3
)

// Place is the step's place in its lane: the smaller goes first. It is when the step is due, less the
// head starts of immediate departures and of risky systems. A mere look at what is settled has none.
func (s Step) Place(due time.Time) time.Time {
	if s.State.WithPeople() || s.State == StepConfirmed {
		return due
	}
	if s.Urgent {
		due = due.Add(-urgentHeadStart)
	}
	if s.Tier > 0 && s.Tier < lowestTier {
		due = due.Add(-time.Duration(lowestTier-s.Tier) * tierHeadStart)
	}
	return due
}

// ReminderAt is when the task's owner is chased next, if ever.
func (t Task) ReminderAt() (time.Time, bool) {
	if at := t.RemindAt(); t.State == TaskOpen && t.Reminded < len(at) {
		return at[t.Reminded], true
	}
	return time.Time{}, false
}
