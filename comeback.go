package exeunt

import (
	"fmt"
	"slices"
	"time"
)

// A failed step is not forgotten by automation: it is looked at now and then, so that the work goes on by
// itself when the owner has mended the identifier or the system is back, and so that what a person did by
// hand is seen, not only said.

// lookAgainAfter are the waits between the looks at a failed step; the last one repeats.
var lookAgainAfter = []time.Duration{15 * time.Minute, time.Hour, 4 * time.Hour, 24 * time.Hour}

// nextLook is when a failed step is looked at next. What its system cannot do at all is left to people.
func (s Step) nextLook(now time.Time) time.Time {
	if s.FailedAs == Unsupported || s.Approval.Open() { // what a second person rejected does not go on by itself
		return time.Time{}
	}
	return now.Add(lookAgainAfter[min(s.Rechecks+s.Comebacks, len(lookAgainAfter)-1)])
}

// fail ends the step's automation for now. A system that was read and showed that it had not done what it
// had said does not get better by waiting, whatever the class of its error.
func (s Step) fail(o Outcome, otherwise string, now time.Time) Step {
	s.State, s.SettledAt, s.Reason = StepFailed, now, messageOf(o.Err, otherwise)
	s.FailedAs, s.Rechecks = KindOf(errOrNil(o.Err)), 0
	if s.Passing() && o.Seen != nil {
		s.FailedAs = Conflict
	}
	s.NextAttemptAt = s.nextLook(now)
	return s
}

// Passing says whether the step failed for a reason that may pass without anybody's doing: the system was
// away, or did not let us in.
func (s Step) Passing() bool {
	switch s.FailedAs {
	case Temporary, Throttled, Unauthorised, Internal:
		return true
	default:
		return false
	}
}

// StillFailed notes that a look at a failed step changed nothing, and says when to look again.
func (s Step) StillFailed(why string, now time.Time) Change {
	s.Rechecks++
	s.NextAttemptAt = s.nextLook(now)
	change := Change{Steps: []Step{s}}
	change.Record(EntryLooked, s, now, fmt.Sprintf("%s: %s looked at again: nothing has changed", s.SystemTitle, lower(s.Title)), map[string]string{"reason": why})
	return change
}

// NoMoreTries notes that a step which failed before cannot go on by itself any more, such as when its system was taken
// out: it is left to whoever has its task.
func (s Step) NoMoreTries(why string, now time.Time) Change {
	s.FailedAs = Unsupported
	return s.StillFailed(why, now)
}

// ComeBack puts steps that are with people back to work by themselves, with the reason, and withdraws the task that
// stood in for them.
func ComeBack(steps []Step, task *Task, why string, now time.Time) Change {
	var change Change
	var back []string
	stays := false
	for _, s := range steps {
		if !s.State.WithPeople() {
			continue
		}
		if s.Approval.Open() { // what a second person rejected is theirs to let go on
			stays = true
			continue
		}
		back = append(back, s.Key)
		s = s.again(now)
		s.Comebacks++ // one that fails again and again is looked at less and less often
		change.Steps = append(change.Steps, s)
		change.Record(EntryCameBack, s, now, fmt.Sprintf("%s: %s goes on by itself: %s", s.SystemTitle, lower(s.Title), why), map[string]string{"reason": why})
	}
	switch {
	case !stays:
		change.Tasks = withdraw(task, "goes on by itself: "+why, now)
	case task != nil:
		if kept := task.without(back, "goes on by itself: "+why, now); kept != nil {
			change.Tasks = []Task{*kept}
		}
	}
	return change
}

// again is the step as if it had not been tried, with the time to be tried properly. What it had done, and
// may have done, stays known.
func (s Step) again(now time.Time) Step {
	s.State, s.Attempt, s.Unshown, s.NextAttemptAt, s.SettledAt, s.Reason = StepReady, 0, 0, now, time.Time{}, ""
	s.FailedAs, s.Rechecks, s.Awaits, s.Looks, s.Proof = "", 0, 0, 0, ""
	if s.Deadline.Before(now.Add(leastForRetry)) {
		s.Deadline = now.Add(leastForRetry)
	}
	return s
}

// leastForRetry is the least time that a step is given when it is tried anew.
const leastForRetry = 2 * time.Hour

// SeenDone settles a failed step of which a look has shown that a person has done it. The task is closed
// with the last of its steps.
func (s Step) SeenDone(seen Observation, task *Task, others []Step, now time.Time) Change {
	s.Seen = seen.Facts
	change := s.settle(Outcome{Kind: Done, Proof: Observed, Account: s.Account, Seen: seen.Facts}, now)
	change.Entries[0].Detail["how"] = "done by hand, seen by us"
	return s.endsTask(change, task, others, "seen to be done", now)
}

// SeenMoot lets go a failed step of which a look has shown that it can no longer be done, and need not be: such as when
// somebody has deactivated the account meanwhile. Nobody is asked for it any longer.
func (s Step) SeenMoot(seen Observation, task *Task, others []Step, now time.Time) Change {
	s.Seen = seen.Facts
	change := s.skip(Outcome{Kind: BecameMoot, Account: s.Account, Seen: seen.Facts, Err: Errorf(Conflict, "moot: %s", seen.WhyMoot(s.Action))}, now)
	return s.endsTask(change, task, others, "there is nothing left to do", now)
}

// endsTask closes the task that stood in for a step, with the last of its steps.
func (s Step) endsTask(change Change, task *Task, others []Step, why string, now time.Time) Change {
	open := slices.ContainsFunc(others, func(o Step) bool { return o.Key != s.Key && !o.State.Settled() })
	if task != nil && !open {
		change.Tasks = withdraw(task, why, now)
	}
	return change
}
