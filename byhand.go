package exeunt

import (
	"fmt"
	"slices"
	"time"
)

// Some of what a departure needs is for people to decide: who owns next what others depend on. The connector lists it when
// the step begins, a task asks the owner for each item, and looks say when it is done.

// leave gives to people what a look has shown, item by item.
func (s Step) leave(o Outcome, now time.Time) Change {
	s = s.fail(o, "for people to do", now)
	s.State, s.FailedAs, s.SettledAt, s.Snapshot, s.Awaits = StepByHand, "", time.Time{}, o.Snapshot, 0
	task := s.FallbackTask(now)
	task.Title, task.Checklist = fmt.Sprintf("%s: %s", s.SystemTitle, lower(s.Title)), s.Snapshot[string(s.Action)]
	task.Procedure = "Give each of these another owner in the system. Exeunt looks again, and asks for what is left."
	change := Change{Steps: []Step{s}, Tasks: []Task{task}, Notices: []Notice{task.notice(NoticeAssigned, fmt.Sprintf("by-hand:%d", now.UnixMicro()))}}
	change.Record(EntryByHand, s, now, fmt.Sprintf("%s: %s is for people to do", s.SystemTitle, lower(s.Title)),
		merge(map[string]string{"account": s.Account.ID, "task": task.Key, "owner": task.Owner.String()}, "before.", o.Seen, o.Snapshot))
	change.Record(EntryTaskOpened, task, now, task.Title+", owner "+task.Owner.String(),
		map[string]string{"owner": task.Owner.String(), "deadline": task.Deadline.Format(time.RFC3339), "rule": task.Rule})
	return change
}

// Grown says whether a look shows more for people to do than they were asked for.
func (s Step) Grown(seen Observation) bool {
	key := string(s.Action)
	return s.State == StepByHand && slices.ContainsFunc(seen.Snapshot[key], func(item string) bool { return !slices.Contains(s.Snapshot[key], item) })
}

// lookNow puts a step that people say they have done back to be looked at: the system shows whether they have.
func (s Step) lookNow(by string, now time.Time) (Step, Change) {
	s = s.again(now)
	var change Change
	change.Record(EntryCameBack, s, now, fmt.Sprintf("%s: %s is said to be done, and is looked at", s.SystemTitle, lower(s.Title)), map[string]string{"reason": by + " says that it is done"})
	return s, change
}
