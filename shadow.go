package exeunt

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ShadowRun is one task of a person in a system of stage shadow, as its connector sees it: it looks when it would itself
// have begun, and again when the task is ticked. It never acts. (Case, Task) is its identity.
type ShadowRun struct {
	Case    CaseID   `json:"case"`
	Task    string   `json:"task"` // key
	System  string   `json:"system"`
	Version int64    `json:"version"`
	Would   []Action `json:"would"` // what the connector would be asked for

	DoneAt time.Time   `json:"done_at,omitzero"` // the task was ticked
	Off    bool        `json:"off,omitempty"`    // the task was withdrawn: there is nothing to compare
	Before *ShadowLook `json:"before,omitempty"` // when the connector would have begun; nil when the person was earlier
	After  *ShadowLook `json:"after,omitempty"`  // when the person had done it
	LookAt time.Time   `json:"look_at,omitzero"` // the next look; zero for none
	Tries  int         `json:"tries,omitempty"`  // looks without an answer, of the one that is due
}

// ShadowLook is what a connector saw at a moment. What it read is safe to record, as everything that is observed.
type ShadowLook struct {
	At       time.Time           `json:"at"`
	Account  Account             `json:"account,omitzero"`
	FailedAs ErrorKind           `json:"failed_as,omitempty"` // why it would have given up; "" when it would not
	Why      string              `json:"why,omitempty"`       // likewise, in words
	Standing map[Action]Standing `json:"standing,omitempty"`
	Facts    map[string]string   `json:"facts,omitempty"`
	Snapshot map[string][]string `json:"snapshot,omitempty"` // what would be taken away
	Forbids  []Action            `json:"forbids,omitempty"`  // what a legal hold would have stopped
	Open     []Action            `json:"open,omitempty"`     // after the person: what the connector would have done and is not so
	More     []string            `json:"more,omitempty"`     // after the person: what they took away besides
}

// The looks at what people do.
const (
	shadowAgain = time.Hour // after which what was found open behind a ticked task is looked at once more
	shadowTries = Attempts  // of one look, as of a step
)

// Follow is the run of a task as that is now.
func (r ShadowRun) Follow(t Task) ShadowRun {
	r.Case, r.Task, r.System, r.Would, r.Off = t.Case, t.Key, t.System, t.Would, t.State == TaskWithdrawn
	switch t.State {
	case TaskOpen:
		if !r.DoneAt.IsZero() { // opened anew
			r.DoneAt, r.After, r.Tries = time.Time{}, nil, 0
		}
		if r.Before != nil && t.StartsAt.After(r.Before.At) { // it begins later now
			r.Before = nil
		}
		switch {
		case r.Before != nil:
			r.LookAt = time.Time{}
		case r.Tries == 0 || r.LookAt.Before(t.StartsAt):
			r.LookAt, r.Tries = t.StartsAt, 0
		}
	case TaskDone:
		if r.DoneAt.IsZero() {
			r.DoneAt, r.LookAt, r.Tries = t.ClosedAt, t.ClosedAt, 0
		}
	default:
		r.LookAt = time.Time{}
	}
	return r
}

// SeenAt is when the newest look was; zero when there was none.
func (r ShadowRun) SeenAt() time.Time {
	switch {
	case r.After != nil:
		return r.After.At
	case r.Before != nil:
		return r.Before.At
	default:
		return time.Time{}
	}
}

// Account is the one that a look has found; it is never looked for twice, so that a reused address cannot lead to
// somebody else.
func (r ShadowRun) Account() Account {
	if r.Before != nil {
		return r.Before.Account
	}
	return Account{}
}

// OnlyChecks says whether nothing but the end of access was to be checked: then that there is no account is an answer.
func (r ShadowRun) OnlyChecks() bool { return len(r.Would) == 1 && r.Would[0] == CheckAccess }

// Unanswered is the run after a look that brought no answer and may bring one later; ok is false when it is time to say
// that the connector would have given up.
func (r ShadowRun) Unanswered(err *Error, deadline, now time.Time) (_ ShadowRun, ok bool) {
	if !passes(err) {
		return r, false
	}
	r.Tries++
	if KindOf(errOrNil(err)) == Throttled { // to be told to wait is not to fail
		r.Tries--
	}
	if r.Tries >= shadowTries && !now.Before(deadline) {
		return r, false
	}
	r.LookAt = now.Add(max(Backoff(r.Tries), err.RetryAfter))
	return r, true
}

// Saw is what an observation says of the actions that the connector would be asked for.
func (r ShadowRun) Saw(account Account, seen Observation, of Case, system System, now time.Time) ShadowLook {
	look := ShadowLook{At: now.UTC(), Account: account, Standing: map[Action]Standing{}, Facts: seen.Facts, Snapshot: seen.Snapshot}
	for _, a := range r.Would {
		look.Standing[a] = seen.Of(a)
	}
	for _, spec := range system.Actions {
		look.Standing[spec.Action] = seen.Of(spec.Action)
		if slices.Contains(r.Would, spec.Action) && of.Forbids(spec.Destructive) {
			look.Forbids = append(look.Forbids, spec.Action)
		}
	}
	return look
}

// SawNobody is a look that found no account for sure, where only the end of access was to be checked.
func (r ShadowRun) SawNobody(now time.Time) ShadowLook {
	return ShadowLook{At: now.UTC(), Why: "the leaver has no account there", Standing: map[Action]Standing{CheckAccess: Holds}}
}

// SawFault is a look at which the connector would have given up.
func SawFault(account Account, err *Error, now time.Time) ShadowLook {
	return ShadowLook{At: now.UTC(), Account: account, FailedAs: KindOf(errOrNil(err)), Why: messageOf(err, "the connector could not look")}
}

// Looked records a look. It is the one before, unless the task was ticked when it began.
func (r ShadowRun) Looked(of Case, t Task, look ShadowLook, system System, now time.Time) Change {
	r.Tries, r.LookAt = 0, time.Time{}
	if r.DoneAt.IsZero() || look.At.Before(r.DoneAt) {
		r.Before = &look
		if !r.DoneAt.IsZero() {
			r.LookAt = r.DoneAt
		}
		return r.record(EntryShadowed, of, t, r.would(system), look.detail("before.", r.Would), now)
	}
	look.Open, look.More = r.open(look), r.more(look, system)
	first := r.After == nil
	r.After = &look
	verdict := r.Verdict()
	said := fmt.Sprintf("%s: what was done by hand was compared with what the connector would have done: %s", titleOf(system), verdict.Words())
	if verdict == ShadowStillOpen {
		said += " (" + actionWords(look.Open) + ")"
	}
	detail := look.detail("after.", r.Would)
	detail["verdict"], detail["done_by"] = string(verdict), t.DoneBy
	if verdict == ShadowStillOpen && first {
		r.LookAt = now.Add(shadowAgain).UTC()
		detail["next"] = r.LookAt.Format(time.RFC3339)
	}
	change := r.record(EntryCompared, of, t, said, detail, now)
	if verdict == ShadowStillOpen && !first {
		change.Notices = r.stillOpen(of, t, system)
	}
	return change
}

// record adds the entry to the case's own record while that is open, else beside it, since the record of a closed case is
// sealed.
func (r ShadowRun) record(kind EntryKind, of Case, t Task, what string, detail map[string]string, now time.Time) Change {
	change := Change{Shadows: []ShadowRun{r}}
	if of.Open() {
		change.Record(kind, t, now, what, detail)
		return change
	}
	change.Record(kind, of.ID, now, what, detail)
	e := &change.Entries[0]
	e.System, e.Task = t.System, t.Key
	return change
}

// would says what the look before was followed by in stage live.
func (r ShadowRun) would(system System) string {
	look, title := r.Before, titleOf(system)
	if look.FailedAs != "" {
		return fmt.Sprintf("%s, in stage shadow: the connector would have stopped: %s", title, look.Why)
	}
	does := r.Does()
	if does == "" {
		return title + ", in stage shadow: the connector would have had nothing to do"
	}
	return fmt.Sprintf("%s, in stage shadow: the connector would have done this: %s. Nothing was done", title, does)
}

// Does is in words what the connector would have done, as it saw the account before; "" when nothing.
func (r ShadowRun) Does() string {
	if r.Before == nil || r.Before.FailedAs != "" {
		return ""
	}
	var does []Action
	for _, a := range r.Would {
		if s := r.Before.Standing[a]; a != CheckAccess && (s == Absent || s == Unknown) && !slices.Contains(r.Before.Forbids, a) {
			does = append(does, a)
		}
	}
	return actionWords(does)
}

// detail is how an entry tells of a look.
func (l ShadowLook) detail(prefix string, would []Action) map[string]string {
	detail := map[string]string{"account": l.Account.ID}
	if l.FailedAs != "" {
		detail["class"] = string(l.FailedAs)
	}
	if l.Why != "" {
		detail["reason"] = l.Why
	}
	for _, a := range would {
		if s := l.Standing[a]; s != "" {
			detail["standing."+string(a)] = string(s)
		}
	}
	for name, list := range map[string][]Action{"forbidden": l.Forbids, "open": l.Open} {
		if len(list) > 0 {
			detail[name] = actionWords(list)
		}
	}
	if len(l.More) > 0 {
		detail["more"] = strings.Join(l.More, "; ")
	}
	return merge(detail, prefix, l.Facts, l.Snapshot)
}

// open lists what the connector would have done and is not so.
func (r ShadowRun) open(after ShadowLook) []Action {
	var out []Action
	for _, a := range r.Would {
		if after.FailedAs == "" && after.Standing[a] == Absent && !slices.Contains(after.Forbids, a) {
			out = append(out, a)
		}
	}
	return out
}

// more lists what the person took away and the connector would not have: what removals of other actions take, and the
// account itself. What follows from closing an account, such as the end of its sessions, is not told from it.
func (r ShadowRun) more(after ShadowLook, system System) []string {
	if r.Before == nil || r.Before.FailedAs != "" {
		return nil
	}
	if after.FailedAs == NotFound {
		return []string{"the account is gone"}
	}
	var out []string
	for _, spec := range system.Actions {
		takes := len(spec.Takes) > 0 || spec.Destructive
		if takes && !slices.Contains(r.Would, spec.Action) && r.Before.Standing[spec.Action] == Absent && after.Standing[spec.Action] == Holds {
			out = append(out, spec.Action.Words())
		}
	}
	return out
}

// stillOpen tells whoever owns the work and the case that a ticked task has not ended what it was to end. It names no task,
// since what is about a task that is done is told to nobody.
func (r ShadowRun) stillOpen(of Case, t Task, system System) []Notice {
	var out []Notice
	for _, to := range uniquePeople(t.Owner, of.Owner) {
		out = append(out, Notice{Kind: NoticeAlert, To: to, Case: of.ID, Dedup: fmt.Sprintf("still-open:%s:%d", t.Key, r.DoneAt.UnixMicro()),
			Text: fmt.Sprintf("%s: %s ticked %q, and an hour later this is not so there: %s (%s). Look again, and do it.", titleOf(system), t.DoneBy, t.Title, actionWords(r.After.Open), of.ID)})
	}
	return out
}

func titleOf(s System) string {
	if s.Title != "" {
		return s.Title
	}
	return s.Name
}
