package exeunt

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// DeviationKind says what somebody decided otherwise than the plan.
type DeviationKind string

// The kinds.
const (
	DeviateWaive        DeviationKind = "waive"         // a step is settled without being done
	DeviateRelease      DeviationKind = "release"       // a held case goes on
	DeviateLegalRelease DeviationKind = "legal_release" // a legal hold ends
)

// DeviationState says whether an override has an effect.
type DeviationState string

// The states of an override.
const (
	DeviationAsked   DeviationState = "asked"   // waits for its second person
	DeviationDone    DeviationState = "done"    // has had its effect
	DeviationRefused DeviationState = "refused" // the second person said no
	DeviationExpired DeviationState = "expired" // nobody confirmed it in time: it has no effect
)

// Deviation is one override of a case: who decided otherwise, why, and, where it is dangerous, who
// confirmed it.
type Deviation struct {
	N        int            `json:"n"`
	Kind     DeviationKind  `json:"kind"`
	Step     string         `json:"step,omitempty"`
	What     string         `json:"what"`
	State    DeviationState `json:"state"`
	Request                 // by whom, why, when; Expires is zero for what needs no second person
	Second   *Override      `json:"second,omitempty"`
	SecondAt time.Time      `json:"second_at,omitzero"`
}

// Standing is the state at a moment: what nobody confirmed in time has expired, whoever has noticed.
func (d Deviation) Standing(now time.Time) DeviationState {
	if d.State == DeviationAsked && !d.Waits(now) {
		return DeviationExpired
	}
	return d.State
}

// legalReleased says whether two people have released a legal hold of the case: HR's flag alone does not
// place it again.
func (c Case) legalReleased() bool {
	return slices.ContainsFunc(c.Overrides, func(d Deviation) bool { return d.Kind == DeviateLegalRelease && d.State == DeviationDone })
}

// subject is what its entries are filed under: its step, which not everybody sees, or the case.
func (d Deviation) subject(c Case) any {
	if d.Step != "" {
		return Step{Case: c.ID, Key: d.Step}
	}
	return c
}

// deviate adds an override to the list of the case.
func (c Case) deviate(d Deviation) Case {
	d.N = len(c.Overrides) + 1
	c.Overrides = append(slices.Clone(c.Overrides), d)
	return c
}

// Dangerous says whether one person alone may not waive the step: an open account in a system of the
// highest risk.
func (s Step) Dangerous() bool { return s.Tier == 1 && s.Branch == "Access" && s.Undoes == "" }

func (s Step) words() string { return s.SystemTitle + ": " + lower(s.Title) }

// Waive settles a step by a named person's decision against it. Where that leaves an account of the
// highest risk open it has no effect until a second person confirms it, whom the change asks.
func (c Case) Waive(key string, steps []Step, tasks []Task, second Person, by Override, lasts time.Duration, now time.Time) (Change, error) {
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Key == key })
	if i < 0 {
		return Change{}, Errorf(NotFound, "case %s has no step %q", c.ID, key)
	}
	s := steps[i]
	if s.State.Settled() {
		return Change{}, Errorf(Conflict, "%s is already %s", s.words(), s.State)
	}
	if !s.Dangerous() {
		if err := by.Check(); err != nil {
			return Change{}, err
		}
		c = c.deviate(Deviation{Kind: DeviateWaive, Step: key, What: s.words(), State: DeviationDone, Request: Request{Override: by, At: now.UTC()}})
		change := Change{Case: &c}
		change.waive(s, tasks, by, now)
		return change, nil
	}
	if slices.ContainsFunc(c.Overrides, func(d Deviation) bool { return d.Step == key && d.State == DeviationAsked && d.Waits(now) }) {
		return Change{}, Errorf(Conflict, "somebody has asked to override %s already: another person has to confirm it", s.words())
	}
	return c.ask(Deviation{Kind: DeviateWaive, Step: key, What: s.words()}, "Confirm that "+s.words()+" is left undone", s.Branch, second, by, lasts, now)
}

// waive settles the step, and what people were asked to do about it.
func (c *Change) waive(s Step, tasks []Task, by Override, now time.Time) {
	s.State, s.Proof, s.SettledAt, s.Reason, s.Holds = StepWaived, Waived, now, by.By+": "+by.Reason, nil
	c.Steps = append(c.Steps, s)
	for _, t := range tasks {
		switch {
		case !t.Open():
		case slices.Contains(t.Steps, s.Key) && len(t.Steps) == 1: // one that stands in for others too goes on
			c.Tasks = append(c.Tasks, withdraw(&t, "overridden by "+by.By, now)...)
		case t.Asks == AsksApproval && slices.Contains(t.Approves, s.Key):
			t.Approves = slices.DeleteFunc(slices.Clone(t.Approves), func(k string) bool { return k == s.Key })
			if len(t.Approves) == 0 {
				t.State, t.ClosedAt, t.Reason = TaskWithdrawn, now, "overridden by "+by.By
			}
			c.Tasks = append(c.Tasks, t)
		}
	}
	c.Record(EntryWaived, s, now, s.words()+" overridden", by.detail())
}

// AskLegalRelease asks for the end of the legal hold, which a second person has to confirm.
func (c Case) AskLegalRelease(second Person, by Override, lasts time.Duration, now time.Time) (Change, error) {
	if c.LegalHold == nil {
		return Change{}, Errorf(Conflict, "case %s is under no legal hold", c.ID)
	}
	if !c.Open() {
		return c.releaseClosedHold(by, lasts, now)
	}
	if slices.ContainsFunc(c.Overrides, func(d Deviation) bool {
		return d.Kind == DeviateLegalRelease && d.State == DeviationAsked && d.Waits(now)
	}) {
		return Change{}, Errorf(Conflict, "somebody has asked for the release of the legal hold already: another person has to confirm it")
	}
	return c.ask(Deviation{Kind: DeviateLegalRelease, What: "release of the legal hold"}, "Confirm the release of the legal hold", "Tasks", second, by, lasts, now)
}

// ask puts a dangerous override before a second person.
func (c Case) ask(d Deviation, title, branch string, second Person, by Override, lasts time.Duration, now time.Time) (Change, error) {
	r, err := Ask(by, lasts, now)
	if err != nil {
		return Change{}, err
	}
	d.Request, d.State = r, DeviationAsked
	c = c.deviate(d)
	n := len(c.Overrides)
	t := Task{
		Case: c.ID, Key: fmt.Sprintf("confirm-%d", n), State: TaskOpen, Asks: AsksConfirmation, Override: n, Branch: branch, Owner: second,
		Title: title, Reason: by.By + ": " + by.Reason, Procedure: by.By + " asks for it. It has no effect until another person approves it, and none at all after its deadline.",
		OpenedAt: now, StartsAt: now, Deadline: r.Expires, DeadlineRule: Moment{Anchor: AtStart, Offset: r.Expires.Sub(now)},
	}
	change := Change{Case: &c, Tasks: []Task{t}, Notices: []Notice{t.notice(NoticeAssigned, "assigned")}}
	change.Record(EntryAsked, d.subject(c), now, by.By+" asks for an override: "+d.What, r.detail(map[string]string{"override": fmt.Sprint(n), "step": d.Step, "second": second.String()}))
	return change, nil
}

// asked finds the override that a task asks to confirm.
func (c Case) asked(t Task) (int, error) {
	i := t.Override - 1
	if t.Asks != AsksConfirmation || t.State != TaskOpen || i < 0 || i >= len(c.Overrides) || c.Overrides[i].State != DeviationAsked {
		return 0, Errorf(Conflict, "%s asks for no confirmation now", t.ID)
	}
	return i, nil
}

// Confirm is the second person's answer to a dangerous override. Yes gives it its effect; no, or an answer
// that comes after it expired, gives it none.
func (c Case) Confirm(t Task, steps []Step, tasks []Task, yes bool, by Override, now time.Time) (Change, error) {
	i, err := c.asked(t)
	if err != nil {
		return Change{}, err
	}
	if expired, ok := c.Lapse(t, now); ok && !yes { // as it would have by itself, had its clock not been stopped
		return expired, nil
	}
	if err := c.Overrides[i].confirmedBy(by, now); err != nil {
		return Change{}, err
	}
	c.Overrides = slices.Clone(c.Overrides)
	d := &c.Overrides[i]
	d.Second, d.SecondAt, d.State = &by, now.UTC(), DeviationRefused
	change := Change{Case: &c}
	if yes {
		d.State = DeviationDone
		if change, err = c.carryOut(*d, steps, tasks, by, now); err != nil {
			return Change{}, err
		}
	} else {
		change.Record(EntryRefusedBy, d.subject(c), now, fmt.Sprintf("%s refused an override: %s", by.By, d.What), d.second())
	}
	t.State, t.DoneBy, t.ClosedAt, t.Note = TaskDone, by.By, now, by.Reason
	change.Tasks = append(change.Tasks, t)
	change.Record(EntryTaskDone, t, now, t.Title+" decided", map[string]string{"by": by.By, "note": t.Note})
	return change, nil
}

// second is how the entry of a confirmed override names both people.
func (d Deviation) second() map[string]string {
	detail := d.Second.detail()
	detail["asked_by"], detail["asked_reason"], detail["override"] = d.By, d.Reason, fmt.Sprint(d.N)
	return detail
}

// carryOut does what two people have decided.
func (c Case) carryOut(d Deviation, steps []Step, tasks []Task, by Override, now time.Time) (Change, error) {
	var change Change
	both := Override{By: d.By + " and " + by.By, Reason: cmp.Or(d.Reason, by.Reason)}
	switch d.Kind {
	case DeviateLegalRelease:
		if c.LegalHold == nil {
			return Change{}, Errorf(Conflict, "case %s is under no legal hold any more", c.ID)
		}
		change = c.liftLegalHold(steps, both, now)
	case DeviateWaive:
		i := slices.IndexFunc(steps, func(s Step) bool { return s.Key == d.Step })
		if i < 0 || steps[i].State.Settled() {
			return Change{}, Errorf(Conflict, "%s is settled already", d.What)
		}
		change = Change{Case: &c}
		change.waive(steps[i], tasks, both, now)
	default:
		return Change{}, Errorf(Internal, "an override of kind %q needs no second person", d.Kind)
	}
	e := &change.Entries[0]
	e.Actor = by.By
	maps.Copy(e.Detail, d.second())
	return change, nil
}

// Lapse ends a request that nobody has confirmed in time. Whoever asked is told.
func (c Case) Lapse(t Task, now time.Time) (Change, bool) {
	i, err := c.asked(t)
	if err != nil || c.Overrides[i].Waits(now) {
		return Change{}, false
	}
	c.Overrides = slices.Clone(c.Overrides)
	d := &c.Overrides[i]
	d.State = DeviationExpired
	t.State, t.ClosedAt, t.Reason = TaskWithdrawn, now, "nobody confirmed it in time"
	change := Change{Case: &c, Tasks: []Task{t}}
	if strings.Contains(d.Account, "@") {
		change.Notices = []Notice{{Kind: NoticeAlert, To: Person{Name: d.By, Email: d.Account}, Case: c.ID, Dedup: fmt.Sprintf("expired:%d", d.N),
			Text: fmt.Sprintf("Nobody confirmed in time what you asked for in case %s (%s), so it has no effect.", c.ID, d.What)}}
	}
	change.Record(EntryExpired, d.subject(c), now, "an override expired before anybody confirmed it: "+d.What, map[string]string{"asked_by": d.By, "override": fmt.Sprint(d.N)})
	return change, true
}
