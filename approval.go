package exeunt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Approvals say what needs a second person in every plan.
type Approvals struct {
	Approver    string        // the role that is asked; the case owner when empty
	Lasts       time.Duration // after which the next in line is asked; zero for approvalLasts
	Destructive bool          // every step that loses data
	Flags       []Flag        // every step of people with one of these
}

const approvalLasts = 4 * time.Hour

// Approval is the second person that a step needs.
type Approval struct {
	Role  string        `json:"role"`
	Owner Person        `json:"owner"` // who is asked first
	Lasts time.Duration `json:"lasts"` // after which the next in line is asked
	For   string        `json:"for"`   // why it needs one
	By    *Override     `json:"by,omitempty"`
}

// Open says whether the step needs an approval that nobody has given: it was not decided, or it was rejected.
func (a *Approval) Open() bool { return a != nil && a.By == nil }

func (a *Approval) why() string {
	return fmt.Sprintf("waits for the approval of %s: %s", cmp.Or(a.Owner.String(), a.Role), a.For)
}

// approval is what a step needs by its rule, its system or the installation, in this order.
func (d *drafter) approval(rule Rule, system *System, spec ActionSpec) *Approval {
	all := d.approvals
	leaver := d.plan.Case.Departure.Leaver
	role, reason := "", ""
	flag := slices.IndexFunc(all.Flags, leaver.Has)
	switch {
	case spec.Action == CheckAccess:
		return nil
	case rule.Approver != "":
		role, reason = rule.Approver, "the rule "+rule.Name+" wants it"
	case system.Approver != "":
		role, reason = system.Approver, cmp.Or(system.Title, system.Name)+" wants it for every step"
	case all.Destructive && spec.Destructive:
		role, reason = all.Approver, "it loses data"
	case flag >= 0:
		role, reason = all.Approver, fmt.Sprintf("the account is %s", strings.ReplaceAll(string(all.Flags[flag]), "_", " "))
	default:
		return nil
	}
	return d.asks(cmp.Or(role, CaseOwner), reason)
}

// asks is the approval of a role.
func (d *drafter) asks(role, reason string) *Approval {
	return &Approval{Role: role, Owner: d.roles(role, d.plan.Case.Departure.Leaver), Lasts: cmp.Or(d.approvals.Lasts, approvalLasts), For: reason}
}

// hold stops what a legal hold forbids and what needs approval, and asks for that.
func (d *drafter) hold() {
	c := &d.plan.Case
	if c.LegalHold == nil && c.Departure.Leaver.Has(LitigationHold) && !c.legalReleased() {
		c.LegalHold = flagged(c.Source, d.roles(LegalRole, c.Departure.Leaver), d.now)
	}
	for i := range d.plan.Steps {
		s := &d.plan.Steps[i]
		if s.Destructive && c.Forbids(true) {
			*s = s.holdFor(HoldLegal, c.LegalHold.why(), c.LegalHold.Owner, d.now)
		}
		if s.Approval.Open() {
			*s = s.holdFor(HoldApproval, s.Approval.why(), s.Approval.Owner, d.now)
		}
	}
	d.plan.ask(d.now)
}

// ask asks for the approval of the steps that are held for it, with one task for each role.
func (p *Plan) ask(now time.Time) {
	asked := map[string][]*Step{}
	var order []string
	for i := range p.Steps {
		s := &p.Steps[i]
		if len(s.Holds) == 0 || s.HeldFor(HoldApproval) == nil {
			continue
		}
		if asked[s.Approval.Role] == nil {
			order = append(order, s.Approval.Role)
		}
		asked[s.Approval.Role] = append(asked[s.Approval.Role], s)
	}
	for _, role := range order {
		p.Tasks = append(p.Tasks, approvalTask(p.Case.ID, approvalKey(role), asked[role], now))
	}
}

// approvalTask asks for the approval of steps. It is due before the first of them starts, but never at once.
func approvalTask(of CaseID, key string, steps []*Step, now time.Time) Task {
	first := steps[0]
	t := Task{
		Case: of, Key: key, State: TaskOpen, Asks: AsksApproval, Branch: first.Branch, Owner: first.Approval.Owner,
		Title:     fmt.Sprintf("Approve %d steps", len(steps)),
		Procedure: "Look at each step and approve or reject it, with a reason. It does not begin before. Whoever started the departure cannot approve it.",
		Reason:    first.Approval.For, OpenedAt: now, StartsAt: now, StartRule: Moment{Anchor: AtTrigger},
	}
	if len(steps) == 1 {
		t.Title = fmt.Sprintf("Approve %s: %s", first.SystemTitle, lower(first.Title))
	}
	starts := first.StartsAt
	for _, s := range steps {
		t.Approves = append(t.Approves, s.Key)
		t.Checklist = append(t.Checklist, fmt.Sprintf("%s: %s", s.SystemTitle, lower(s.Title)))
		if s.StartsAt.Before(starts) {
			starts = s.StartsAt
		}
		if s.Branch == "Access" {
			t.Branch = s.Branch
		}
	}
	lasts := max(starts.Sub(now), first.Approval.Lasts)
	t.Deadline, t.DeadlineRule = now.Add(lasts), Moment{Anchor: AtStart, Offset: lasts}
	return t
}

func approvalKey(role string) string { return "approval-by-" + strings.ReplaceAll(role, "_", "-") }

// askAgain holds a step whose approval is open and asks about it alone. Of one that is held for that already, a task
// asks: a second one would stay open for ever when the first is decided.
func (c *Change) askAgain(s Step, now time.Time) Step {
	asked := s.HeldFor(HoldApproval) != nil
	s = s.holdFor(HoldApproval, s.Approval.why(), s.Approval.Owner, now)
	if asked {
		return s
	}
	task := approvalTask(s.Case, s.Key+"-approve", []*Step{&s}, now)
	c.Tasks, c.Notices = append(c.Tasks, task), append(c.Notices, task.notice(NoticeAssigned, fmt.Sprintf("approve:%d", now.UnixMicro())))
	return s
}

// HoldForApproval stops a step that was about to act although nobody has approved it, and asks for that.
func HoldForApproval(s Step, now time.Time) Change {
	var change Change
	s = change.askAgain(s, now)
	change.Steps = []Step{s}
	change.Record(EntryStepHeld, s, now, fmt.Sprintf("%s: %s is held", s.SystemTitle, lower(s.Title)), map[string]string{"reason": s.Reason, "owner": s.Approval.Owner.String()})
	return change
}

// waitsFor are the steps of an approval task that still wait, or those of them that are named.
func (t Task) waitsFor(steps []Step, keys []string) (chosen, rest []Step) {
	for _, s := range steps {
		if !slices.Contains(t.Approves, s.Key) || s.HeldFor(HoldApproval) == nil || s.State.Settled() {
			continue
		}
		if len(keys) == 0 || slices.Contains(keys, s.Key) {
			chosen = append(chosen, s)
		} else {
			rest = append(rest, s)
		}
	}
	return chosen, rest
}

// secondPerson refuses a decision by somebody who stands behind the departure already, or whose own it is.
func (c Case) secondPerson(by Override) error {
	if err := by.Check(); err != nil {
		return err
	}
	if c.Override != nil && c.Override.SamePerson(by) {
		return Errorf(Denied, "%s started this departure, so somebody else has to decide: this needs two people, administrators too", c.Override.By)
	}
	leaver := c.Departure.Leaver
	for _, kind := range []IdentifierKind{WorkEmail, PrincipalName, PersonalEmail} {
		if id := leaver.Identifier(kind); id != "" && strings.EqualFold(id, by.Account) {
			return Errorf(Denied, "nobody decides on their own departure")
		}
	}
	return nil
}

// Decide is the decision of a second person on the steps that a task asks to approve, or on some of them.
// What is approved goes on; what is rejected becomes a task of its system's owner, as when a connector fails.
func (c Case) Decide(t Task, steps []Step, keys []string, approve bool, by Override, now time.Time) (Change, error) {
	if t.Asks != AsksApproval || t.State != TaskOpen {
		return Change{}, Errorf(Conflict, "%s asks for no approval now", t.ID)
	}
	if err := c.secondPerson(by); err != nil {
		return Change{}, err
	}
	chosen, rest := t.waitsFor(steps, keys)
	if len(chosen) == 0 {
		return Change{}, Errorf(Conflict, "none of these steps waits for an approval any more")
	}
	var change Change
	for _, s := range chosen {
		if approve {
			change.approve(s, by, now)
		} else {
			change.reject(s, by, now)
		}
	}
	if len(rest) == 0 {
		t.State, t.DoneBy, t.ClosedAt, t.Note = TaskDone, by.By, now, by.Reason
		change.Record(EntryTaskDone, t, now, t.Title+" decided", map[string]string{"by": by.By, "note": t.Note})
	}
	change.Tasks = append(change.Tasks, t)
	return change, nil
}

func (c *Change) approve(s Step, by Override, now time.Time) {
	a := *s.Approval
	a.By = &by
	s.Approval = &a
	s = s.lift(HoldApproval, now)
	c.Steps = append(c.Steps, s)
	c.Record(EntryApproved, s, now, fmt.Sprintf("%s: %s approved by %s", s.SystemTitle, lower(s.Title), by.By), by.detail())
}

func (c *Change) reject(s Step, by Override, now time.Time) {
	s.Holds = slices.DeleteFunc(slices.Clone(s.Holds), func(h StepHold) bool { return h.Kind == HoldApproval })
	failed := s.giveUp(Outcome{Kind: GaveUp, Err: Errorf(Denied, "rejected by %s: %s", by.By, by.Reason)}, now)
	c.Record(EntryRejected, s, now, fmt.Sprintf("%s: %s rejected by %s", s.SystemTitle, lower(s.Title), by.By), by.detail())
	c.Steps = append(c.Steps, failed.Steps...)
	c.Tasks = append(c.Tasks, failed.Tasks...)
	c.Notices = append(c.Notices, failed.Notices...)
	c.Entries = append(c.Entries, failed.Entries...)
}

// Escalate hands a request for approval that nobody has answered in time to the next in line, who has as
// long as the one before. The last in line is chased like anybody else.
func (t Task) Escalate(line []Person, now time.Time) (Change, bool) {
	if t.Asks != AsksApproval || !t.Late(now) {
		return Change{}, false
	}
	at := slices.IndexFunc(line, func(p Person) bool { return strings.EqualFold(p.Email, t.Owner.Email) })
	var next Person
	for _, p := range line[at+1:] {
		if p.Named() && !strings.EqualFold(p.Email, t.Owner.Email) {
			next = p
			break
		}
	}
	if !next.Named() {
		return Change{}, false
	}
	before := t.Owner
	next.Role = before.Role // the role is still who is asked
	lasts := t.Deadline.Sub(t.StartsAt)
	t.Owner, t.StartsAt, t.Deadline, t.Reminded = next, now, now.Add(lasts), 0
	change := Change{Tasks: []Task{t}, Notices: []Notice{t.notice(NoticeAssigned, fmt.Sprintf("escalated:%d", now.UnixMicro()))}}
	change.Record(EntryEscalated, t, now, fmt.Sprintf("%s: %s did not answer, %s is asked", t.Title, before, next), map[string]string{"from": before.String(), "to": next.String()})
	return change, true
}
