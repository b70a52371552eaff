package exeunt

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// HoldKind says what stops a step.
type HoldKind string

// The kinds.
const (
	HoldLegal    HoldKind = "legal"    // a legal hold forbids what destroys data
	HoldApproval HoldKind = "approval" // a second person has not approved it
)

// StepHold stops one step. Everything else of the case goes on.
type StepHold struct {
	Kind   HoldKind  `json:"kind"`
	Reason string    `json:"reason"`
	Owner  Person    `json:"owner"` // who can lift it
	Since  time.Time `json:"since"`
}

// HeldFor returns what stops the step in one way; nil when that does not.
func (s Step) HeldFor(kind HoldKind) *StepHold {
	i := slices.IndexFunc(s.Holds, func(h StepHold) bool { return h.Kind == kind })
	if i < 0 {
		return nil
	}
	return &s.Holds[i]
}

// holdFor stops the step. One that waits for others goes on waiting, and is held after that.
func (s Step) holdFor(kind HoldKind, reason string, owner Person, now time.Time) Step {
	if s.HeldFor(kind) == nil {
		s.Holds = append(slices.Clone(s.Holds), StepHold{Kind: kind, Reason: reason, Owner: owner, Since: now.UTC()})
	}
	s.NextAttemptAt, s.SettledAt = time.Time{}, time.Time{}
	return s.begin(now)
}

// lift takes one hold away. What became late meanwhile is due at once and given time anew.
func (s Step) lift(kind HoldKind, now time.Time) Step {
	s.Holds = slices.DeleteFunc(slices.Clone(s.Holds), func(h StepHold) bool { return h.Kind == kind })
	if len(s.Holds) == 0 && s.Deadline.Before(now) {
		s.Deadline = now.Add(leastForStep)
	}
	if len(s.Holds) == 0 {
		s.Holds = nil
	}
	return s.begin(now)
}

// LegalHold forbids every destructive step of a case until legal releases it. It is kept with the case and
// not with the leaver's flags, so that nothing that HR sends later can lift it by leaving it out.
type LegalHold struct {
	Override           // who placed it; HR's source where a flag did
	Owner    Person    `json:"owner"` // of the legal role: who can release it
	Since    time.Time `json:"since"`
	Ask      *Request  `json:"ask,omitempty"` // its release on a closed case waits for a second person
}

// why is what a step that it stops says. The reason of the hold is not for everybody who sees the step.
func (h LegalHold) why() string { return "a legal hold forbids what destroys data" }

// flagged is the legal hold that HR's flag places.
func flagged(source string, owner Person, now time.Time) *LegalHold {
	if source == "" {
		source = "the HR system"
	}
	return &LegalHold{Override: Override{By: source, Reason: "HR flags the person with a litigation hold"}, Owner: owner, Since: now.UTC()}
}

// Forbids says whether the legal hold of the case stops a step now.
func (c Case) Forbids(destructive bool) bool { return destructive && c.LegalHold != nil }

// Caution is what whoever does something by hand for the case has to heed; "" when nothing. No connector stands between
// them and the data, so that they are told.
func (c Case) Caution() string {
	if c.LegalHold == nil {
		return ""
	}
	return "A legal hold is in force. End access, and keep everything else as it is: delete, wipe and give back nothing. Ask " + cmp.Or(c.LegalHold.Owner.String(), "legal") + " before you do otherwise."
}

// PlaceLegalHold stops everything destructive of a case that has not happened, also what a person was
// asked to do by hand after a connector had failed. Access is cut all the same. On a closed case it keeps the record from
// being erased.
func (c Case) PlaceLegalHold(steps []Step, tasks []Task, owner Person, by Override, now time.Time) (Change, error) {
	if err := by.Check(); err != nil {
		return Change{}, err
	}
	if c.Erasure != nil {
		return Change{}, Errorf(Conflict, "the record of case %s is erased, or about to be: there is nothing left to hold", c.ID)
	}
	if c.LegalHold != nil {
		return Change{}, Errorf(Conflict, "case %s is under a legal hold already, placed by %s", c.ID, c.LegalHold.By)
	}
	c.LegalHold = &LegalHold{Override: by, Owner: owner, Since: now.UTC()}
	change := Change{Case: &c}
	stopped := change.stopDestructive(c, steps, tasks, now)
	detail := by.detail()
	detail["owner"], detail["steps"] = owner.String(), fmt.Sprint(stopped)
	change.Record(EntryLegalHold, c, now, "legal hold placed by "+by.By, detail)
	return change, nil
}

// stopDestructive holds what a legal hold forbids and counts it.
func (c *Change) stopDestructive(of Case, steps []Step, tasks []Task, now time.Time) int {
	stopped := 0
	var withdrawn []string
	for _, s := range steps {
		if !s.Destructive || s.Undoes != "" || s.State.Settled() || s.HeldFor(HoldLegal) != nil {
			continue
		}
		if s.State.WithPeople() {
			withdrawn = append(withdrawn, s.Key)
			s.Attempt, s.Unshown = 0, 0
		}
		s = s.holdFor(HoldLegal, of.LegalHold.why(), of.LegalHold.Owner, now)
		c.Steps = append(c.Steps, s)
		c.Record(EntryStepHeld, s, now, fmt.Sprintf("%s: %s is held", s.SystemTitle, lower(s.Title)), map[string]string{"reason": s.Reason, "owner": of.LegalHold.Owner.String()})
		stopped++
	}
	for _, t := range tasks {
		if kept := t.without(withdrawn, "a legal hold forbids it", now); kept != nil {
			c.Tasks = append(c.Tasks, *kept)
		}
	}
	return stopped
}

// without is the stand-in task without the steps that nobody is to do by hand any more; nil when it does
// not concern them.
func (t Task) without(keys []string, why string, now time.Time) *Task {
	if !t.Open() || !slices.ContainsFunc(t.Steps, func(k string) bool { return slices.Contains(keys, k) }) {
		return nil
	}
	var steps, list []string
	for i, k := range t.Steps {
		if slices.Contains(keys, k) {
			continue
		}
		steps = append(steps, k)
		if i < len(t.Checklist) {
			list = append(list, t.Checklist[i])
		}
	}
	if len(steps) == 0 {
		t.State, t.ClosedAt, t.Reason = TaskWithdrawn, now, why
		return &t
	}
	t.Steps, t.Checklist, t.Ticked = steps, list, nil
	return &t
}

// liftLegalHold lets what the legal hold stopped go on.
func (c Case) liftLegalHold(steps []Step, by Override, now time.Time) Change {
	held := *c.LegalHold
	c.LegalHold = nil
	change := Change{Case: &c}
	for _, s := range steps {
		if s.HeldFor(HoldLegal) == nil || s.State.Settled() {
			continue
		}
		s = s.lift(HoldLegal, now)
		if s.Approval.Open() && s.HeldFor(HoldApproval) == nil { // it was rejected before
			s = change.askAgain(s, now)
		}
		change.Steps = append(change.Steps, s)
	}
	if c.State == CaseHeld { // who is asked is told at its release
		change.Notices = nil
	}
	detail := by.detail()
	detail["placed_by"], detail["placed_for"], detail["steps"] = held.By, held.Reason, fmt.Sprint(len(change.Steps))
	change.Record(EntryLegalReleased, c, now, "legal hold released by "+by.By, detail)
	return change
}

// HoldForLegal stops a step that turned out to be destructive only when it was about to act: the connector's
// description of its action has changed since the plan was made.
func (c Case) HoldForLegal(s Step, now time.Time) Change {
	s.Destructive = true
	s = s.holdFor(HoldLegal, c.LegalHold.why(), c.LegalHold.Owner, now)
	change := Change{Steps: []Step{s}}
	change.Record(EntryStepHeld, s, now, fmt.Sprintf("%s: %s is held", s.SystemTitle, lower(s.Title)), map[string]string{"reason": s.Reason, "owner": c.LegalHold.Owner.String()})
	return change
}
