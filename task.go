package exeunt

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TaskID is short and sayable: T-311. The store gives it.
type TaskID int64

// String writes the id as people say it.
func (id TaskID) String() string { return "T-" + strconv.FormatInt(int64(id), 10) }

// MarshalText makes the sayable form the one in JSON and addresses too.
func (id TaskID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads T-311, t-311 or 311.
func (id *TaskID) UnmarshalText(text []byte) error {
	parsed, err := ParseTaskID(string(text))
	*id = parsed
	return err
}

// ParseTaskID reads T-311, t-311 or 311.
func ParseTaskID(s string) (TaskID, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "T-"), 10, 64)
	if err != nil || n <= 0 {
		return 0, Errorf(Invalid, "%q is not a task: tasks are called T-1, T-2, …", s)
	}
	return TaskID(n), nil
}

// TaskState says how far a task is.
type TaskState string

// The states of a task.
const (
	TaskWaiting   TaskState = "waiting"   // a declared dependency is open
	TaskOpen      TaskState = "open"      //
	TaskDone      TaskState = "done"      // a named person completed it
	TaskWithdrawn TaskState = "withdrawn" // no longer needed, with the reason
)

// Task is what a person is asked to do. (Case, Key) is its identity; ID is what people say.
type Task struct {
	ID           TaskID         `json:"id,omitzero"` // zero until the store has given one
	Case         CaseID         `json:"case"`
	Key          string         `json:"key"`
	Version      int64          `json:"version"`
	State        TaskState      `json:"state"`
	Steps        []string       `json:"steps,omitempty"`  // keys of the failed steps that it stands in for
	System       string         `json:"system,omitempty"` //
	Branch       string         `json:"branch"`
	Coverage     Coverage       `json:"coverage,omitempty"` // set when this task is how the plan covers System
	Title        string         `json:"title"`
	Procedure    string         `json:"procedure,omitempty"`
	Checklist    []string       `json:"checklist,omitempty"`
	Ticked       []int          `json:"ticked,omitempty"` // indexes into Checklist
	Offers       []string       `json:"offers,omitempty"` // for each item of Checklist the key of the step that may be put back, or ""
	Owner        Person         `json:"owner"`
	Rule         string         `json:"rule,omitempty"`
	Modified     []Modification `json:"modified,omitempty"` // what modifiers did to that rule
	Reason       string         `json:"reason,omitempty"`   // why it exists or was withdrawn
	Note         string         `json:"note,omitempty"`     // what the person wrote
	DoneBy       string         `json:"done_by,omitempty"`
	OpenedAt     time.Time      `json:"opened_at,omitzero"`
	StartsAt     time.Time      `json:"starts_at"`
	Deadline     time.Time      `json:"deadline"`
	StartRule    Moment         `json:"start_rule"`
	DeadlineRule Moment         `json:"deadline_rule"`
	ClosedAt     time.Time      `json:"closed_at,omitzero"`
	Reminded     int            `json:"reminded,omitempty"`   // reminders sent
	Reassigned   bool           `json:"reassigned,omitempty"` // a person chose the owner
	Asks         TaskAsks       `json:"asks,omitempty"`       // a decision instead of work
	Approves     []string       `json:"approves,omitempty"`   // keys of the steps that wait for it
	Override     int            `json:"override,omitempty"`   // number of the override that it asks to confirm
	After        []Dependency   `json:"after,omitempty"`
	Would        []Action       `json:"would,omitempty"` // what the connector of a system in stage shadow would do in its place
}

// TaskAsks says which decision of a second person a task asks for. It is approved or rejected, never
// simply completed.
type TaskAsks string

// The decisions.
const (
	AsksApproval     TaskAsks = "approval"     // of planned steps
	AsksConfirmation TaskAsks = "confirmation" // of an override that another person asked for
)

// Open says whether somebody still has to act, now or later.
func (t Task) Open() bool { return t.State == TaskOpen || t.State == TaskWaiting }

// Late says whether the deadline has passed.
func (t Task) Late(now time.Time) bool { return t.State == TaskOpen && now.After(t.Deadline) }

// Save keeps what a person ticked and wrote without completing the task.
func (t Task) Save(ticked []int, note, by string, now time.Time) (Change, error) {
	if t.State != TaskOpen {
		return Change{}, t.notOpen()
	}
	if t.Asks != "" {
		return Change{}, t.decideInstead()
	}
	t.Ticked, t.Note = t.valid(ticked), strings.TrimSpace(note)
	change := Change{Tasks: []Task{t}}
	change.Record(EntryTaskSaved, t, now, fmt.Sprintf("%s: %d of %d done", t.Title, len(t.Ticked), len(t.Checklist)), map[string]string{"by": by, "note": t.Note})
	return change, nil
}

// Complete ends the task in a person's name. The failed steps that it stood in for become attested; what people were meant
// to do from the start, and the system shows, is looked at.
func (t Task) Complete(steps []Step, ticked []int, note, by string, now time.Time) (Change, error) {
	if t.State != TaskOpen {
		return Change{}, t.notOpen()
	}
	if t.Asks != "" {
		return Change{}, t.decideInstead()
	}
	if strings.TrimSpace(by) == "" {
		return Change{}, Errorf(Invalid, "a task is completed in somebody's name").In("by")
	}
	t.State, t.DoneBy, t.ClosedAt = TaskDone, by, now
	t.Ticked, t.Note = t.valid(ticked), strings.TrimSpace(note)
	change := Change{Tasks: []Task{t}}
	what := t.Title + " completed"
	if open := len(t.Checklist) - len(t.Ticked); open > 0 {
		what = fmt.Sprintf("%s completed with %d open items", t.Title, open)
	}
	change.Record(EntryTaskDone, t, now, what, map[string]string{"by": by, "note": t.Note})
	for _, s := range steps {
		if !s.State.WithPeople() || !slices.Contains(t.Steps, s.Key) {
			continue
		}
		if s.State == StepByHand {
			looked, said := s.lookNow(by, now)
			change.Steps, change.Entries = append(change.Steps, looked), append(change.Entries, said.Entries...)
			continue
		}
		s.State, s.Proof, s.SettledAt, s.Reason = StepAttested, Attested, now, "done by hand by "+by
		change.Steps = append(change.Steps, s)
		change.Record(EntryAttested, s, now, fmt.Sprintf("%s: %s attested", s.SystemTitle, lower(s.Title)), map[string]string{"by": by})
	}
	return change, nil
}

// Reassign hands the task to somebody else.
func (t Task) Reassign(to Person, by Override, now time.Time) (Change, error) {
	if !t.Open() {
		return Change{}, t.notOpen()
	}
	asked := Override{By: t.Owner.Name, Account: t.Owner.Email}
	if t.Asks != "" && !asked.SamePerson(by) { // or whoever wants to decide could ask themselves
		return Change{}, Errorf(Denied, "%s asks %s for a decision: only they can hand it on", t.ID, t.Owner)
	}
	if !to.Named() {
		return Change{}, Errorf(Invalid, "name the person who takes the task").In("owner")
	}
	before := t.Owner
	t.Owner, t.Reassigned = to, true
	change := Change{Tasks: []Task{t}, Notices: []Notice{t.notice(NoticeAssigned, fmt.Sprintf("owner:%d", now.UnixMicro()))}}
	change.Record(EntryTaskReassigned, t, now, fmt.Sprintf("%s: from %s to %s", t.Title, before, to), map[string]string{"by": by.By, "reason": by.Reason})
	return change, nil
}

// Remind tells the owner again: before the deadline, and the case owner too once it has passed.
func (t Task) Remind(caseOwner Person, now time.Time) (Change, bool) {
	if t.State != TaskOpen {
		return Change{}, false
	}
	t.Reminded++
	return t.tell(caseOwner, fmt.Sprintf("reminder:%d:%d", t.Reminded, t.Deadline.Unix()), now), true
}

// RemindNow tells the owner because somebody asks for it. The reminders that are due go on as they were.
func (t Task) RemindNow(by string, now time.Time) (Change, error) {
	if t.State != TaskOpen {
		return Change{}, t.notOpen()
	}
	change := t.tell(t.Owner, fmt.Sprintf("asked:%d", now.UnixMicro()), now)
	change.Entries[0].Actor = by
	return change, nil
}

func (t Task) tell(caseOwner Person, dedup string, now time.Time) Change {
	kind := NoticeReminder
	if t.Late(now) {
		kind = NoticeLate
	}
	change := Change{Tasks: []Task{t}, Notices: []Notice{t.notice(kind, dedup)}}
	if kind == NoticeLate && caseOwner.Email != t.Owner.Email {
		escalation := t.notice(NoticeLate, dedup+":escalated")
		escalation.To = caseOwner
		change.Notices = append(change.Notices, escalation)
	}
	change.Record(EntryTaskReminded, t, now, fmt.Sprintf("%s: %s told", t.Title, t.Owner), map[string]string{"kind": string(kind)})
	return change
}

// RemindAt lists when the owner is reminded: 48 h before the deadline, or half way to it when that
// is sooner, and at the deadline.
func (t Task) RemindAt() []time.Time {
	first := t.Deadline.Add(-48 * time.Hour)
	if half := t.StartsAt.Add(t.Deadline.Sub(t.StartsAt) / 2); first.Before(half) {
		first = half
	}
	return []time.Time{first, t.Deadline.Add(time.Second)}
}

// reschedule computes the deadline from the case anew, and the start of a task that is not yet to begin.
func (t Task) reschedule(c Case, now time.Time) (Task, error) {
	if t.StartsAt.After(now) {
		return t.schedule(c, now)
	}
	return t.due(c)
}

// schedule computes start and deadline from the case.
func (t Task) schedule(c Case, now time.Time) (Task, error) {
	var err error
	if t.StartsAt, err = c.instant(t.StartRule, time.Time{}); err != nil {
		return t, err
	}
	if earliest := c.notBefore(now); t.StartsAt.Before(earliest) {
		t.StartsAt = earliest
	}
	return t.due(c)
}

// due computes the deadline from the case and the start.
func (t Task) due(c Case) (Task, error) {
	deadline, err := c.instant(t.DeadlineRule, t.StartsAt)
	if err != nil {
		return t, err
	}
	if deadline = caughtUp(deadline, t.StartsAt, leastForTask); !deadline.Equal(t.Deadline) {
		t.Deadline, t.Reminded = deadline, 0 // a new deadline is chased anew
	}
	return t, nil
}

func (t Task) decideInstead() error {
	return Errorf(Denied, "%s asks for a decision: approve or reject it, with a reason, signed in as yourself", t.ID)
}

func (t Task) notOpen() error {
	return Errorf(Conflict, "%s %q is %s, so it cannot be changed", t.ID, t.Title, t.State)
}

// valid keeps the indexes that exist, each once, in order.
func (t Task) valid(ticked []int) []int {
	on := make([]bool, len(t.Checklist))
	for _, i := range ticked {
		if i >= 0 && i < len(on) {
			on[i] = true
		}
	}
	var kept []int
	for i, ok := range on {
		if ok {
			kept = append(kept, i)
		}
	}
	return kept
}
