package exeunt

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// StepState says how far a step is.
type StepState string

// The states of a step. A step leaves the settled ones only by a named person's retry.
const (
	StepWaiting      StepState = "waiting"      // a declared dependency is open
	StepScheduled    StepState = "scheduled"    // starts at a known time
	StepHeld         StepState = "held"         // a legal hold or a missing approval stops it; see Holds
	StepReady        StepState = "ready"        // may run now, or again at NextAttemptAt
	StepRunning      StepState = "running"      // an intent is recorded and its answer is not known yet
	StepConfirmed    StepState = "confirmed"    // read back from the system
	StepAcknowledged StepState = "acknowledged" // the system said ok and cannot be read back
	StepAttested     StepState = "attested"     // a named person did it
	StepFailed       StepState = "failed"       // automation gave up; a task of the owner is open
	StepByHand       StepState = "by_hand"      // people do it, as is meant: a task of the owner is open, and looks show when it is done
	StepWaived       StepState = "waived"       // a named person decided against it
	StepSkipped      StepState = "skipped"      // does not apply: the leaver has no account there, or it became moot
	StepCancelled    StepState = "cancelled"    // the departure was rescinded
)

// Succeeded says whether what the step aims at is so.
func (s StepState) Succeeded() bool {
	return s == StepConfirmed || s == StepAcknowledged || s == StepAttested
}

// WithPeople says whether a task of the owner stands in for the step, and looks say when it is done.
func (s StepState) WithPeople() bool { return s == StepFailed || s == StepByHand }

// Settled says whether nothing more is to happen to the step.
func (s StepState) Settled() bool {
	return s.Succeeded() || s == StepWaived || s == StepSkipped || s == StepCancelled
}

// Coverage says in which way a plan covers a system.
type Coverage string

// The ways.
const (
	CoverSteps     Coverage = "steps"     // its connector does it
	CoverInherited Coverage = "inherited" // access ends with its single sign-on; this checks it
	CoverTask      Coverage = "task"      // a person does it
)

// Step is one action in one system, done by a connector. (Case, Key) is its identity.
type Step struct {
	Case        CaseID         `json:"case"`
	Key         string         `json:"key"` // "corp-directory-disable"
	Version     int64          `json:"version"`
	State       StepState      `json:"state"`
	System      string         `json:"system"`
	SystemTitle string         `json:"system_title"`
	Action      Action         `json:"action"`
	Undoes      string         `json:"undoes,omitempty"` // the key of the step that this one puts back
	Title       string         `json:"title"`
	Branch      string         `json:"branch"`
	Coverage    Coverage       `json:"coverage"`
	Tier        int            `json:"tier"`
	Urgent      bool           `json:"urgent,omitempty"` // of an immediate departure: it overtakes the others in its lane
	Order       int            `json:"order"`
	Rule        string         `json:"rule"`               // the rule that put it here
	Modified    []Modification `json:"modified,omitempty"` // what modifiers did to that rule
	Owner       Person         `json:"owner"`
	Fallback    string         `json:"fallback"`

	Destructive bool       `json:"destructive,omitempty"` // loses data: a legal hold forbids it
	Approval    *Approval  `json:"approval,omitempty"`    // who must approve it, and who did; nil when nobody has to
	Holds       []StepHold `json:"holds,omitempty"`       // what stops it now

	StartRule    Moment       `json:"start_rule"`
	DeadlineRule Moment       `json:"deadline_rule"`
	StartsAt     time.Time    `json:"starts_at"`
	Deadline     time.Time    `json:"deadline"`
	After        []Dependency `json:"after,omitempty"`

	Attempt       int                 `json:"attempt"`
	FailedAs      ErrorKind           `json:"failed_as,omitempty"` // the class of what made automation give up
	Rechecks      int                 `json:"rechecks,omitempty"`  // looks that brought nothing, since it failed or was last seen to hold
	Comebacks     int                 `json:"comebacks,omitempty"` // times that it went on by itself
	Looks         int                 `json:"looks,omitempty"`     // looks for drift since it was confirmed
	Unlooked      ErrorKind           `json:"unlooked,omitempty"`  // how the system refused the look that is due; "" when it did not
	Unshown       int                 `json:"unshown,omitempty"`   // times that the system accepted it and did not show it
	Awaits        int                 `json:"awaits,omitempty"`    // looks in a row that found the system still on its way
	NextAttemptAt time.Time           `json:"next_attempt_at,omitzero"`
	BegunAt       time.Time           `json:"begun_at,omitzero"`   // first attempt
	AppliedAt     time.Time           `json:"applied_at,omitzero"` // last intent; zero when it never acted
	SettledAt     time.Time           `json:"settled_at,omitzero"` // confirmed, acknowledged, attested, failed…
	Account       Account             `json:"account,omitzero"`
	Proof         Proof               `json:"proof,omitempty"`
	Reason        string              `json:"reason,omitempty"`   // why it waits, failed or does not apply
	Seen          map[string]string   `json:"seen,omitempty"`     // what the last look read
	Snapshot      map[string][]string `json:"snapshot,omitempty"` // what was there before
}

// OutcomeKind says how one attempt at a step ended.
type OutcomeKind string

// The ends of an attempt.
const (
	Done       OutcomeKind = "done"       // with the outcome's proof
	NotYet     OutcomeKind = "not_yet"    // the vendor is on its way; look again
	TryAgain   OutcomeKind = "try_again"  // may work later
	GaveUp     OutcomeKind = "gave_up"    // cannot work without a person
	NoAccount  OutcomeKind = "no_account" // the leaver has none there, and that is known for sure
	BecameMoot OutcomeKind = "moot"       // it can no longer be done, and need not be
	ForPeople  OutcomeKind = "for_people" // people have to do it: the snapshot lists what, under the action's name
)

// Outcome is what an attempt found and did.
type Outcome struct {
	Kind     OutcomeKind
	Proof    Proof
	Account  Account
	Changed  bool              // we changed something, as opposed to finding it so already
	Refused  bool              // the system refused our action for sure, before it did anything
	Seen     map[string]string // safe to record
	Snapshot map[string][]string
	Err      *Error
	Settles  time.Duration // how long the system may take to show it
	Wait     time.Duration // before the next look; zero leaves it to Step.Pause
}

// Attempts bounds how often automation tries before a person takes over; the deadline bounds it too.
const Attempts = 8

// settlePeriods is how many times an action that a system accepted is done before a person has to see
// why it does not show: each time but the last is given the system's own settling time.
const settlePeriods = 3

// Backoff is the wait before the attempt after n: 2 s doubling to at most 15 min. The caller
// adds jitter.
func Backoff(n int) time.Duration {
	return min(2*time.Second<<min(max(n-1, 0), 16), 15*time.Minute)
}

// Intend records that the step is about to act, so that a crash leaves a trace of it.
func (s Step) Intend(account Account, before Observation, now time.Time) Change {
	s.State, s.Account, s.AppliedAt, s.NextAttemptAt = StepRunning, account, now, time.Time{}
	s.Attempt++
	late := s.lateStart(now)
	if s.BegunAt.IsZero() {
		s.BegunAt = now
	}
	if s.Snapshot == nil && s.Undoes == "" { // what is put back is what was there before it was taken away
		s.Snapshot = before.Snapshot
	}
	s.Seen = before.Facts
	change := Change{Steps: []Step{s}}
	change.Record(EntryIntent, s, now, fmt.Sprintf("%s: %s, attempt %d", s.SystemTitle, lower(s.Title), s.Attempt),
		merge(s.awaited(map[string]string{"account": account.ID, "attempt": fmt.Sprint(s.Attempt)}), "before.", before.Facts, before.Snapshot))
	change.Steps[0].Awaits = 0
	return change.saysLate(late)
}

// Finish applies what an attempt found. Failing for good makes the fallback task, the notice to its
// owner and the ledger entry in the same change.
func (s Step) Finish(o Outcome, now time.Time) Change {
	before, late := s, s.lateStart(now)
	if s.BegunAt.IsZero() {
		s.BegunAt = now
	}
	if o.Account.ID != "" {
		s.Account = o.Account
	}
	if o.Seen != nil {
		s.Seen = o.Seen
	}
	s.NextAttemptAt = time.Time{}
	var change Change
	switch o.Kind {
	case Done:
		change = s.settle(o, now)
	case NoAccount, BecameMoot:
		change = s.skip(o, now)
	case NotYet, TryAgain:
		change = s.wait(before, o, now)
	case ForPeople:
		change = s.leave(o, now)
	default:
		change = s.giveUp(o, now)
	}
	return change.saysLate(late)
}

// saysLate adds to the record how late it was begun.
func (c Change) saysLate(by string) Change {
	if by != "" {
		c.Entries[0].Detail["late_by"] = by
	}
	return c
}

// lateStart is how late the first attempt at a step is; "" when it is in time, or not the first. A system
// or the machine may have been away.
func (s Step) lateStart(now time.Time) string {
	if !s.BegunAt.IsZero() {
		return ""
	}
	return overdue(s.StartsAt, now)
}

func (s Step) settle(o Outcome, now time.Time) Change {
	s.State, s.Proof, s.SettledAt, s.Reason = StepConfirmed, o.Proof, now, ""
	kind, said := EntryConfirmed, "confirmed"
	if o.Proof == Acknowledged {
		s.State, kind, said = StepAcknowledged, EntryAcknowledged, "acknowledged; this system cannot be read back"
	}
	how := "changed by us"
	if !o.Changed {
		how = "found so already"
	}
	change := Change{Steps: []Step{s}}
	change.Record(kind, s, now, fmt.Sprintf("%s: %s %s", s.SystemTitle, lower(s.Title), said),
		merge(s.awaited(map[string]string{"account": s.Account.ID, "proof": string(o.Proof), "how": how}), "after.", o.Seen, nil))
	change.Steps[0].Awaits = 0
	return change
}

func (s Step) skip(o Outcome, now time.Time) Change {
	s.State, s.SettledAt, s.Reason = StepSkipped, now, messageOf(o.Err, "the leaver has no account there")
	said, detail := "does not apply", map[string]string{"reason": s.Reason}
	if o.Kind == BecameMoot { // what was seen is the proof
		said, detail = "became moot", merge(map[string]string{"account": s.Account.ID, "reason": s.Reason}, "after.", o.Seen, nil)
	}
	change := Change{Steps: []Step{s}}
	change.Record(EntrySkipped, s, now, fmt.Sprintf("%s: %s %s", s.SystemTitle, lower(s.Title), said), detail)
	return change
}

// wait keeps the step going: within its attempts and its deadline, but always at least three times,
// so that a step that starts late is still tried properly.
func (s Step) wait(before Step, o Outcome, now time.Time) Change {
	if o.Kind == TryAgain && s.State != StepRunning { // an intent has counted it already
		s.Attempt++
	}
	if o.Refused {
		s.AppliedAt = time.Time{} // there is nothing to wait for and nothing to be unsure of
	}
	pause := s.Pause(o, now)
	late := now.Add(pause).After(s.Deadline)
	tired := s.Attempt >= Attempts || (late && s.Attempt >= 3)
	if KindOf(errOrNil(o.Err)) == Throttled { // to be told to wait is not to fail
		tired = late && s.Attempt >= Attempts
	}
	if o.Kind == NotYet { // the system took it and is given its time, but not for ever
		s.Awaits++
		if o.Changed {
			s.Unshown++
		}
		if s.Unshown >= settlePeriods {
			o.Err = Errorf(Temporary, "the system answered %d times that it was done, but nothing has changed there", s.Unshown)
		}
		tired = s.Unshown >= settlePeriods || (late && now.Sub(s.AppliedAt) > 10*time.Minute)
	}
	if tired {
		return s.giveUp(o, now)
	}
	s.State, s.NextAttemptAt = StepReady, now.Add(pause)
	s.Reason = messageOf(o.Err, "the system has not shown it yet; looking again")
	change := Change{Steps: []Step{s}}
	if s.nothingNew(before) {
		return change
	}
	change.Record(EntryRetry, s, now, fmt.Sprintf("%s: %s, next try in %s", s.SystemTitle, lower(s.Title), pause.Round(time.Second)),
		s.awaited(map[string]string{"reason": s.Reason, "attempt": fmt.Sprint(s.Attempt), "class": string(KindOf(errOrNil(o.Err))), "next": s.NextAttemptAt.UTC().Format(time.RFC3339)}))
	return change
}

func (s Step) giveUp(o Outcome, now time.Time) Change {
	s = s.fail(o, "automation could not do it", now)
	task := s.FallbackTask(now)
	if o.Err != nil && len(o.Err.ByHand) > 0 {
		task.Checklist = o.Err.ByHand
	}
	change := Change{Steps: []Step{s}, Tasks: []Task{task}}
	change.Notices = append(change.Notices, task.notice(NoticeFailed, fmt.Sprintf("failed:%d", now.UnixMicro())))
	change.Record(EntryFailed, s, now, fmt.Sprintf("%s: %s stopped", s.SystemTitle, lower(s.Title)),
		s.awaited(map[string]string{"reason": s.Reason, "class": string(KindOf(errOrNil(o.Err))), "attempt": fmt.Sprint(s.Attempt), "task": task.Key, "owner": task.Owner.String()}))
	change.Steps[0].Awaits = 0
	return change
}

// FallbackTask is what the system's owner is asked to do when automation cannot.
func (s Step) FallbackTask(now time.Time) Task {
	deadline := s.Deadline
	if floor := now.Add(2 * time.Hour); deadline.Before(floor) {
		deadline = floor
	}
	t := Task{
		Case: s.Case, Key: s.Key + "-by-hand", Steps: []string{s.Key}, System: s.System, Branch: s.Branch, State: TaskOpen,
		Title:     fmt.Sprintf("%s: %s by hand", s.SystemTitle, lower(s.Title)),
		Procedure: s.Fallback, Reason: s.Reason, Owner: s.Owner, Rule: s.Rule,
		OpenedAt: now, StartsAt: now, Deadline: deadline, DeadlineRule: Moment{Anchor: AtStart, Offset: deadline.Sub(now)},
	}
	if s.Undoes != "" {
		t.Checklist = recorded(s.Snapshot)
	}
	return t
}

// GiveUpAll fails every step of a visit for one reason, such as that no account matches: one task of
// the system's owner stands in for all of them, and another for those that put something back.
func GiveUpAll(steps []Step, o Outcome, now time.Time) Change {
	undo := slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return s.Undoes == "" })
	if len(undo) == 0 || len(undo) == len(steps) {
		return giveUpTogether(steps, o, now)
	}
	change := giveUpTogether(slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return s.Undoes != "" }), o, now)
	return change.and(giveUpTogether(undo, o, now))
}

func giveUpTogether(steps []Step, o Outcome, now time.Time) Change {
	if len(steps) == 1 {
		return steps[0].giveUp(o, now)
	}
	first := steps[0]
	first.Reason = messageOf(o.Err, "automation could not do it")
	task := first.FallbackTask(now)
	task.Key, task.Title, task.Steps, task.Checklist = first.Key+"-exception", first.SystemTitle+": end access by hand", nil, nil
	if first.Undoes != "" {
		task.Title = first.SystemTitle + ": put back by hand"
	}
	change := Change{}
	for _, s := range steps {
		if s.BegunAt.IsZero() {
			s.BegunAt = now
		}
		s = s.fail(o, first.Reason, now)
		change.Steps = append(change.Steps, s)
		task.Steps = append(task.Steps, s.Key)
		item := s.Title
		if s.Undoes != "" {
			item += ": " + strings.Join(recorded(s.Snapshot), "; ")
		}
		task.Checklist = append(task.Checklist, item)
		if s.Deadline.Before(task.Deadline) && s.Deadline.After(now.Add(2*time.Hour)) {
			task.Deadline = s.Deadline
		}
		change.Record(EntryFailed, s, now, fmt.Sprintf("%s: %s stopped", s.SystemTitle, lower(s.Title)),
			map[string]string{"reason": s.Reason, "class": string(KindOf(errOrNil(o.Err))), "task": task.Key, "owner": task.Owner.String()})
	}
	change.Tasks = []Task{task}
	change.Notices = []Notice{task.notice(NoticeFailed, fmt.Sprintf("exception:%d", now.UnixMicro()))}
	return change
}

// Retry puts steps that are with people back to work and withdraws the task that stood in for them.
func Retry(steps []Step, task *Task, by Override, now time.Time) (Change, error) {
	var change Change
	for _, s := range steps {
		if !s.State.WithPeople() {
			continue
		}
		s = s.again(now)
		if s.Approval.Open() { // it failed by being rejected: it needs approval all the same
			s = change.askAgain(s, now)
		}
		change.Steps = append(change.Steps, s)
		change.Record(EntryRetried, s, now, fmt.Sprintf("%s: %s is tried again", s.SystemTitle, lower(s.Title)), map[string]string{"by": by.By, "reason": by.Reason})
	}
	if len(change.Steps) == 0 {
		return Change{}, Errorf(Conflict, "only a failed step can be tried again, and this one is not failed")
	}
	change.Tasks = append(change.Tasks, withdraw(task, "tried again by "+by.By, now)...)
	return change, nil
}

func withdraw(task *Task, why string, now time.Time) []Task {
	if task == nil || !task.Open() {
		return nil
	}
	t := *task
	t.State, t.ClosedAt, t.Reason = TaskWithdrawn, now, why
	return []Task{t}
}

// pending says whether nothing of the step has happened yet, so that it can still be moved. One that
// is ready counts: in a held case it may have been ready for days.
func (s Step) pending() bool {
	return s.State == StepScheduled || s.State == StepWaiting || s.State == StepHeld && s.BegunAt.IsZero() || s.State == StepReady && s.BegunAt.IsZero()
}

// reschedule computes start and deadline from the case anew.
func (s Step) reschedule(c Case, now time.Time) (Step, error) {
	var err error
	s.Urgent = c.Urgent()
	if s.StartsAt, err = c.instant(s.StartRule, time.Time{}); err != nil {
		return s, err
	}
	if earliest := c.notBefore(now); s.StartsAt.Before(earliest) {
		s.StartsAt = earliest
	}
	s.Deadline, err = c.instant(s.DeadlineRule, s.StartsAt)
	s.Deadline = caughtUp(s.Deadline, s.StartsAt, leastForStep)
	return s, err
}

// The least time that a step or a person is given. When HR announces a departure after the fact,
// deadlines counted from its dates have passed before anybody could act; nothing is born late.
const (
	leastForStep = 4 * time.Hour // SPEC §7: the standard departure
	leastForTask = 24 * time.Hour
)

// caughtUp moves a deadline that lies before its start.
func caughtUp(deadline, start time.Time, least time.Duration) time.Time {
	if deadline.After(start) {
		return deadline
	}
	return start.Add(least)
}
