package exeunt

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// PutBackBranch is where a case shows what undoes it, apart from what ended access. Like that, it tells what
// accounts somebody has.
const PutBackBranch = "Put back"

// Rescind takes a departure back. What is pending is cancelled. What a connector did and can undo becomes a
// step that puts it back from what was recorded before, in the reverse order inside each system; everything
// else that was done becomes one task. The case is open until all of that is settled.
//
// inventory is the systems as they are configured now: what can be undone is theirs to say.
func (c Case) Rescind(t Trigger, inventory []System, steps []Step, tasks []Task, now time.Time) (Change, error) {
	if !c.UnderWay() {
		return Change{}, Errorf(Conflict, "case %s is already %s", c.ID, c.State)
	}
	c.State, c.Hold, c.HeldBy, c.HeldAt = CaseRescinded, "", nil, time.Time{}
	c.Generation++
	change := Change{Case: &c, Replanned: true}
	u := undoing{id: c.ID, inventory: inventory, now: now.UTC()}
	u.look(steps, tasks)
	for _, s := range steps {
		pending := !s.State.Settled() && s.Undoes == ""
		failed := s.State == StepFailed && s.Undoes != "" // whose task ends, too: what it was to put back is listed
		if s.Case == c.ID && (pending || failed) {
			change.Steps = append(change.Steps, s.cancelled("the departure was taken back", now))
		}
	}
	for _, task := range tasks {
		if task.Open() && task.Case == c.ID {
			change.Tasks = append(change.Tasks, task.withdrawn("the departure was taken back", now))
		}
	}
	u.into(&change, c)
	change.Steps = append(change.Steps, c.watched(steps)...)
	detail := u.detail()
	detail["source"], detail["event"] = t.Source, t.EventID
	change.RecordBy(t.Source, EntryRescinded, c, now, "taken back by "+t.Source, detail)
	return change, nil
}

// PutBack opens a case that puts back what a closed one did, since a departure was taken back only then: the
// record of the closed one is sealed. It has an id, a handle and evidence of its own. It returns false when
// there is nothing to put back.
func (c Case) PutBack(id CaseID, handle string, t Trigger, inventory []System, steps []Step, tasks []Task, now time.Time) (Change, bool) {
	u := undoing{id: id, inventory: inventory, now: now.UTC()}
	u.look(steps, tasks)
	if len(u.steps)+len(u.items) == 0 {
		return Change{}, false
	}
	back := c.next(id, handle, now)
	back.State, back.PutsBack, back.Source, back.EventID, back.Override = CaseRescinded, c.ID, t.Source, t.EventID, t.Override
	change := Change{Case: &back}
	detail := u.detail()
	detail["source"], detail["event"], detail["puts_back"] = t.Source, t.EventID, c.ID.String()
	detail["leaver"], detail["employee_id"], detail["entity"] = c.Departure.Leaver.Name, c.Departure.Leaver.ID, c.Departure.Leaver.Entity
	if t.Override != nil {
		detail["by"], detail["reason"] = t.Override.By, t.Override.Reason
	}
	change.RecordBy(t.Source, EntryOpened, back, now, fmt.Sprintf("case opened by %s to put back what case %s did", t.Source, c.ID), detail)
	u.into(&change, back)
	return change, true
}

func (s Step) cancelled(why string, now time.Time) Step {
	s.State, s.SettledAt, s.NextAttemptAt, s.Reason, s.After = StepCancelled, now, time.Time{}, why, nil
	return s
}

func (t Task) withdrawn(why string, now time.Time) Task {
	t.State, t.ClosedAt, t.Reason, t.After = TaskWithdrawn, now, why, nil
	return t
}

// AllOf is what a case did, with what those did that it follows. What it did again counts once.
func AllOf(own, earlier []Step) []Step {
	all := slices.Clone(own)
	for _, s := range earlier {
		again := slices.ContainsFunc(own, func(o Step) bool { return o.Key == s.Key && !o.AppliedAt.IsZero() })
		if !again {
			all = append(all, s)
		}
	}
	return all
}

// undoing collects what has to be put back of one case.
type undoing struct {
	id        CaseID // of the case that puts it back
	inventory []System
	now       time.Time

	steps []Step   // that put something back
	items []string // for people
	left  []string // found so already: not ours to put back
}

func (u *undoing) look(steps []Step, tasks []Task) {
	var acted []Step
	for _, s := range steps {
		undo := undoOf(s, steps)
		switch {
		case s.Undoes != "" || s.Action == CheckAccess:
		case undo.State == StepFailed, undo.State == StepWaived:
			u.items = append(u.items, fmt.Sprintf("%s: %s could not be put back before: look", s.SystemTitle, s.Title))
		case undo.Key != "" && undo.State != StepSkipped: // somebody had decided that it is put back
		case s.State == StepAttested:
			u.items = append(u.items, fmt.Sprintf("%s: %s, %s", s.SystemTitle, s.Title, s.Reason))
		case s.AppliedAt.IsZero():
			if s.State.Succeeded() {
				u.left = append(u.left, s.Key)
			}
		case u.reversible(s):
			acted = append(acted, s)
		case s.State.Succeeded():
			u.items = append(u.items, fmt.Sprintf("%s: %s", s.SystemTitle, s.Title))
		default: // under way, failed half way, or overridden after it had begun
			u.items = append(u.items, fmt.Sprintf("%s: %s may have taken effect: look", s.SystemTitle, s.Title))
		}
	}
	for _, task := range tasks {
		if task.State == TaskDone && task.System != "" && len(task.Steps) == 0 && task.Coverage != CoverInherited { // what steps attest is listed with them
			u.items = append(u.items, task.Title+", done by "+task.DoneBy)
		}
	}
	u.putBack(acted, steps)
}

// undoOf is the step that puts another one back; none has no key.
func undoOf(s Step, steps []Step) Step {
	i := slices.IndexFunc(steps, func(o Step) bool { return o.Undoes == s.Key && o.Case == s.Case && o.State != StepCancelled })
	if i < 0 {
		return Step{}
	}
	return steps[i]
}

// wasUndone says whether a step was put back, is about to be, or may have been.
func (s Step) wasUndone(steps []Step) bool {
	undo := undoOf(s, steps)
	return undo.Key != "" && (!undo.AppliedAt.IsZero() || undo.State != StepSkipped && undo.State != StepWaived)
}

// reversible says whether the system's connector can put a step back from what was recorded.
func (u *undoing) reversible(s Step) bool {
	i := slices.IndexFunc(u.inventory, func(system System) bool { return system.Name == s.System && system.Automated() })
	if i < 0 {
		return false
	}
	spec, can := u.inventory[i].Can(s.Action)
	return can && spec.Reversible && slices.ContainsFunc(spec.Takes, func(key string) bool { _, ok := s.Snapshot[key]; return ok })
}

// putBack makes the steps that undo others: in each system what was done last comes first.
func (u *undoing) putBack(acted, all []Step) {
	slices.SortStableFunc(acted, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.System, b.System), b.AppliedAt.Compare(a.AppliedAt), cmp.Compare(b.Order, a.Order))
	})
	for i, s := range acted {
		undo := s.undo(u.id, u.now)
		if before := undoOf(s, all); before.Case == u.id { // one that gave way is begun anew
			undo.Version = before.Version
		}
		if i > 0 && acted[i-1].System == s.System {
			undo.After = []Dependency{{Key: u.steps[i-1].Key, Because: "what was done last is put back first"}}
		}
		undo.Order = -1000 + i // before whatever else is to be done there
		u.steps = append(u.steps, undo.begin(u.now))
	}
}

// undo is the step that puts this one back. Whether there is something to put back, its look decides.
func (s Step) undo(id CaseID, now time.Time) Step {
	undo := Step{
		Case: id, Key: s.Key + "-undo", Undoes: s.Key, System: s.System, SystemTitle: s.SystemTitle, Action: s.Action, Title: "Undo: " + lower(s.Title),
		Branch: PutBackBranch, Tier: s.Tier, Urgent: true, Rule: "taken-back", Owner: s.Owner,
		Fallback:  "The departure was taken back. Put back by hand what this step had taken away; what was there before is listed.",
		StartRule: Moment{Anchor: AtTrigger}, DeadlineRule: Moment{Anchor: AtStart, Offset: leastForStep},
		StartsAt: now, Deadline: now.Add(leastForStep), Account: s.Account, Snapshot: s.Snapshot,
	}
	return undo
}

// into puts what has to be put back into a change of the case that does it.
func (u *undoing) into(change *Change, c Case) {
	change.Steps = append(change.Steps, u.steps...)
	if len(u.items) == 0 {
		return
	}
	task := Task{
		Case: c.ID, Key: "put-back", Branch: PutBackBranch, State: TaskOpen, Owner: c.Owner,
		Title:     "Put back what was removed",
		Procedure: "The departure was taken back after these steps were done, and no connector can undo them. Each step's page lists what it had recorded before.",
		Checklist: u.items, OpenedAt: u.now, StartsAt: u.now,
		Deadline: u.now.Add(leastForTask), DeadlineRule: Moment{Anchor: AtStart, Offset: leastForTask},
	}
	change.Tasks = append(change.Tasks, task)
	if !c.Embargoed() {
		change.Notices = append(change.Notices, task.notice(NoticeAssigned, fmt.Sprintf("assigned:%d", c.Generation)))
	}
}

// UndoneInVain says whether a step of a newer departure ends now, or has ended, what this one would put back.
func (s Step) UndoneInVain(newer Step, now time.Time) bool {
	if newer.System != s.System || newer.Action != s.Action || newer.Undoes != "" {
		return false
	}
	switch newer.State {
	case StepCancelled, StepWaived, StepSkipped:
		return false
	default:
		return newer.State.Settled() || !newer.StartsAt.After(now)
	}
}

func (u *undoing) detail() map[string]string {
	detail := map[string]string{}
	var keys []string
	for _, s := range u.steps {
		keys = append(keys, s.Undoes)
	}
	for name, list := range map[string][]string{"put_back": keys, "by_hand": u.items, "left_as_found": u.left} {
		if len(list) > 0 {
			detail[name] = strings.Join(list, "; ")
		}
	}
	return detail
}

// recorded lists a snapshot for a person: "groups: a, b".
func recorded(snapshot map[string][]string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(snapshot)) {
		out = append(out, key+": "+strings.Join(snapshot[key], ", "))
	}
	return out
}

// Overtaken keeps what a visit did to a step that was settled otherwise while it was there: it happened all
// the same. When the departure was taken back meanwhile it has to be put back, also when the undo had looked
// before and found nothing to do.
func (c Case) Overtaken(s Step, o Outcome, steps []Step, now time.Time) Change {
	var change Change
	detail := map[string]string{"account": s.Account.ID, "outcome": string(o.Kind), "proof": string(o.Proof)}
	what := fmt.Sprintf("%s: %s took effect after the step was settled otherwise", s.SystemTitle, lower(s.Title))
	if !c.Open() { // its record is sealed
		change.Record(EntryOvertaken, c.ID, now, what, detail)
		change.Notices = c.alert("overtaken:"+s.Key, what+", in case "+c.ID.String()+", which is closed. Look there and decide by hand.")
		return change
	}
	if c.Over() && s.Undoes == "" {
		i := slices.IndexFunc(steps, func(other Step) bool { return other.Undoes == s.Key })
		switch {
		case i < 0:
			task := s.overtakenTask(c, now)
			change.Tasks, change.Notices = []Task{task}, []Notice{task.notice(NoticeAssigned, fmt.Sprintf("overtaken:%d", now.UnixMicro()))}
			detail["task"] = task.Key
		case steps[i].State.Settled():
			undo := steps[i].again(now)
			undo.AppliedAt, undo.Deadline = time.Time{}, now.Add(leastForStep)
			change.Steps = []Step{undo}
			detail["undone_again"] = undo.Key
		}
	}
	change.Record(EntryOvertaken, s, now, what, detail)
	return change
}

func (s Step) overtakenTask(c Case, now time.Time) Task {
	return Task{
		Case: c.ID, Key: s.Key + "-overtaken", Branch: PutBackBranch, System: s.System, State: TaskOpen, Owner: c.Owner,
		Title:     fmt.Sprintf("%s: put back by hand: %s", s.SystemTitle, lower(s.Title)),
		Procedure: "This took effect after the departure was taken back. Put it back by hand.",
		Checklist: recorded(s.Snapshot), OpenedAt: now, StartsAt: now,
		Deadline: now.Add(leastForTask), DeadlineRule: Moment{Anchor: AtStart, Offset: leastForTask},
	}
}

// timeToPutBack is how long before a new departure cuts access again it is worth putting anything back.
const timeToPutBack = leastForTask

// LeaveAfterAll stops putting back what a departure had taken away when the leaver goes all the same, so soon
// that both would meet. It returns false when there is nothing to stop.
func (c Case) LeaveAfterAll(next Case, steps []Step, tasks []Task, now time.Time) (Change, bool) {
	if c.State != CaseRescinded || !c.Open() || next.CutOff.After(now.Add(timeToPutBack)) {
		return Change{}, false
	}
	c.Generation++
	change := Change{Case: &c, Replanned: true}
	why := fmt.Sprintf("the leaver goes after all, by case %s", next.ID)
	for _, s := range steps {
		if !s.State.Settled() {
			change.Steps = append(change.Steps, s.cancelled(why, now))
		}
	}
	for _, t := range tasks {
		if t.Open() {
			change.Tasks = append(change.Tasks, t.withdrawn(why, now))
		}
	}
	if len(change.Steps)+len(change.Tasks) == 0 {
		return Change{}, false
	}
	change.Record(EntryAmended, c, now, "no more is put back: "+why, map[string]string{"next": next.ID.String()})
	return change, true
}

// LookAgain lets a departure look again at what it had ended, since an undo of an earlier one took effect
// after that. It returns false when nothing of it ended that.
func (c Case) LookAgain(undo Step, steps []Step, now time.Time) (Change, bool) {
	var change Change
	for _, s := range steps {
		if !c.UnderWay() || s.System != undo.System || s.Action != undo.Action || s.Undoes != "" || !s.State.Succeeded() {
			continue
		}
		s = s.again(now)
		s.Reason, s.Deadline = fmt.Sprintf("case %s had put it back just then", undo.Case), now.Add(leastForStep)
		change.Steps = append(change.Steps, s)
		change.Record(EntryRetried, s, now, fmt.Sprintf("%s: %s is looked at again: %s", s.SystemTitle, lower(s.Title), s.Reason), map[string]string{"undone_by": undo.Case.String()})
	}
	return change, len(change.Steps) > 0
}
