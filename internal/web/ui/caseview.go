package ui

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// caseView is all that the page of a case says, computed once from what was read. The template only
// draws it, and the stream compares two of them.
type caseView struct {
	Case     exeunt.Case
	Viewer   viewer
	Zone     *time.Location
	Now      time.Time
	Scale    string
	Axis     axis
	Branches []branch
	Facts    facts
	Needs    []need
	Feed     []store.EntryRow
	State    status
	StateIs  string
	Digest   string // of everything but the passing of time
	Alone    []leftAlone

	FollowedBy, PutBackBy []exeunt.CaseID
}

// branch is one group of rows.
type branch struct {
	Name, ID   string
	Done, All  int
	Rows       []row
	Skipped    []string // what does not apply, folded into one line
	SpanX      string
	SpanW      string
	Closed     bool // the viewer sees only how far it is
	from, last time.Time
}

// row is one step or task.
type row struct {
	ID      string
	Status  status
	Word    string
	Title   string
	System  string
	URL     string
	Note    string
	Outcome string
	Detail  string
	Bar     bar
	mark    string // changes when what the row says does, apart from running times
}

const accessBranch = "Access"

// tellsOfAccess says whether a branch shows what accounts somebody has: where access ends, and where it is
// put back.
func tellsOfAccess(branch string) bool {
	return branch == accessBranch || branch == exeunt.PutBackBranch
}

// viewCase computes the page of a case.
func viewCase(f store.CaseFile, alone []leftAlone, check LedgerCheck, v viewer, scale string, now time.Time) caseView {
	c := caseView{Case: f.Case, Viewer: v, Zone: f.Case.Zone(), Now: now, Scale: scale, Alone: alone, FollowedBy: f.FollowedBy, PutBackBy: f.PutBackBy}
	c.Axis = newAxis(f.Case, lastInstant(f), scale)
	c.Branches = c.branches(f)
	c.Facts = c.facts(f, check)
	c.Needs = c.needs(f)
	c.Feed = c.feed(f)
	c.State, c.StateIs = c.state(f)
	c.Digest = c.digest()
	return c
}

// lastInstant is the latest start or deadline, so that the axis ends behind it.
func lastInstant(f store.CaseFile) time.Time {
	last := f.Case.AccessBy
	for _, s := range f.Steps {
		last = later(last, s.Deadline)
	}
	for _, t := range f.Tasks {
		last = later(last, t.Deadline)
	}
	return last
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// branches groups steps and tasks in the order of the plan, which never changes while live: rows
// must not jump. The task that stands in for a failed step follows it.
func (c caseView) branches(f store.CaseFile) []branch {
	var out []branch
	find := func(name string) *branch {
		i := slices.IndexFunc(out, func(b branch) bool { return b.Name == name })
		if i < 0 {
			out = append(out, branch{Name: name, ID: slug(name), Closed: tellsOfAccess(name) && !c.Viewer.may(seeAccess)})
			i = len(out) - 1
		}
		return &out[i]
	}
	standIns := map[string]exeunt.Task{} // by the last step that they stand in for
	for _, t := range f.Tasks {
		if n := len(t.Steps); n > 0 {
			standIns[t.Steps[n-1]] = t
		}
	}
	for _, s := range f.Steps {
		b := find(s.Branch)
		b.addStep(c, s)
		if t, ok := standIns[s.Key]; ok {
			b.addTask(c, t)
		}
	}
	for _, t := range f.Tasks {
		if len(t.Steps) == 0 {
			find(t.Branch).addTask(c, t)
		}
	}
	for i := range out {
		b := &out[i]
		b.SpanX, b.SpanW = pc(c.Axis.at(b.from)), pc(max(c.Axis.at(b.last)-c.Axis.at(b.from), 0))
		if b.Closed {
			b.Rows, b.Skipped = nil, nil
		}
	}
	return out
}

func slug(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(s))
}

func (b *branch) span(from, to time.Time) {
	if b.from.IsZero() || from.Before(b.from) {
		b.from = from
	}
	b.last = later(b.last, to)
}

func (b *branch) addStep(c caseView, s exeunt.Step) {
	st, word := stepStatus(s, c.Now)
	if st == statusSkipped {
		b.Skipped = append(b.Skipped, s.SystemTitle+": "+lower(s.Title))
		return
	}
	b.All++
	if s.State.Settled() {
		b.Done++
	}
	note := stepNote(s, st)
	if a := c.waits(s); a != nil && !s.State.Settled() && s.State != exeunt.StepFailed {
		st, word, note = statusWaiting, "Waits for "+a.title(), c.waitNote(*a)
	}
	start, end := stepSpan(s, st, c.Now)
	b.span(start, later(end, s.Deadline))
	deadline := s.Deadline
	if s.State.Settled() {
		deadline = time.Time{}
	}
	r := row{
		ID: "s-" + slug(s.Key), Status: st, Word: word, Title: s.Title, System: s.SystemTitle,
		URL:  fmt.Sprintf("/cases/%s/steps/%s", s.Case, s.Key),
		Note: note, Bar: c.Axis.bar(st, start, end, deadline, c.Now, 0, 0),
	}
	r.Outcome, r.Detail = c.stepOutcome(s, st, start, end)
	r.mark = fmt.Sprint(s.Version, s.State, s.Attempt, s.Deadline.Unix(), st, word, r.Note)
	b.Rows = append(b.Rows, r)
}

// stepSpan is from when to when a step's bar reaches.
func stepSpan(s exeunt.Step, st status, now time.Time) (start, end time.Time) {
	start = s.BegunAt
	if start.IsZero() {
		start = s.StartsAt
	}
	switch {
	case !s.SettledAt.IsZero():
		return start, later(start, s.SettledAt)
	case st == statusRunning:
		return start, later(start, now)
	default:
		return start, start
	}
}

// stepNote is the one line below a step's name: why it is not simply done.
func stepNote(s exeunt.Step, st status) string {
	switch {
	case st == statusFailed, st == statusWaiting, st == statusOverride, s.State == exeunt.StepHeld:
		return sentence(s.Reason)
	case s.State == exeunt.StepReady && s.Attempt > 0:
		return sentence(s.Reason) + fmt.Sprintf(" Attempt %d of %d.", s.Attempt, exeunt.Attempts)
	case (s.State == exeunt.StepReady || s.State == exeunt.StepRunning) && s.Reason != "":
		return sentence(s.Reason)
	case s.Comebacks > 0 && (s.State == exeunt.StepConfirmed || !s.State.Settled()):
		return cameBack(s)
	case s.State == exeunt.StepAcknowledged:
		return "The system said ok and cannot be read back."
	case s.State == exeunt.StepAttested:
		return sentence(s.Reason)
	default:
		return ""
	}
}

// stepOutcome says in words what the bar shows.
func (c caseView) stepOutcome(s exeunt.Step, st status, start, end time.Time) (outcome, detail string) {
	stamp := func(t time.Time) string { return t.In(c.Zone).Format("15:04:05") }
	if end.Sub(c.Axis.Start).Abs() > day {
		stamp = func(t time.Time) string { return t.In(c.Zone).Format("2 Jan 15:04") }
	}
	switch {
	case s.State.Succeeded():
		return took(end.Sub(start)), stamp(end)
	case st == statusOverride:
		return "Overridden", stamp(end)
	case st == statusFailed:
		return "Stopped " + distance(end, c.Now), stamp(end)
	case st == statusRunning && c.Now.After(s.Deadline):
		return took(c.Now.Sub(s.Deadline)) + " late", "since " + stamp(start)
	case st == statusRunning:
		return took(c.Now.Sub(start)) + " so far", "since " + stamp(start)
	case st == statusScheduled:
		return starts(s.StartsAt, c.Now), near(s.StartsAt, c.Now, c.Zone)
	case s.State == exeunt.StepHeld && len(s.Holds) > 0:
		return "Held", "since " + near(s.Holds[0].Since, c.Now, c.Zone)
	case !s.BegunAt.IsZero():
		return "Waits", "due " + near(s.Deadline, c.Now, c.Zone)
	default:
		return "Not started", "due " + near(s.Deadline, c.Now, c.Zone)
	}
}

// starts is when something begins; what is due to begin is not said to have begun.
func starts(t, now time.Time) string {
	if !t.After(now) {
		return "Starts now"
	}
	return "Starts " + distance(t, now)
}

func dueWords(t, now time.Time) string {
	if now.After(t) {
		return dueShort(t, now)
	}
	return "due " + dueShort(t, now)
}

func (b *branch) addTask(c caseView, t exeunt.Task) {
	st, word := taskStatus(t, c.Now)
	if st == statusSkipped {
		if len(t.Steps) == 0 {
			b.Skipped = append(b.Skipped, t.Title)
		}
		return
	}
	if len(t.Steps) == 0 { // the steps that it stands in for are counted already
		b.All++
		if !t.Open() {
			b.Done++
		}
	}
	start, end, deadline := t.StartsAt, t.Deadline, t.Deadline
	if !t.Open() {
		end, deadline = later(start, t.ClosedAt), time.Time{}
	}
	if t.State == exeunt.TaskWaiting || st == statusScheduled {
		end = start
	}
	b.span(start, later(end, t.Deadline))
	r := row{
		ID: "t-" + slug(t.Key), Status: st, Word: word, Title: t.Title, System: t.Owner.String(),
		URL: taskURL(t), Note: taskNote(t, st), Bar: c.Axis.bar(st, start, end, deadline, c.Now, len(t.Ticked), len(t.Checklist)),
	}
	r.Outcome, r.Detail = c.taskOutcome(t, st)
	r.mark = fmt.Sprint(t.Version, t.State, t.Deadline.Unix(), st, t.Owner, t.Ticked)
	b.Rows = append(b.Rows, r)
}

func taskURL(t exeunt.Task) string {
	address := "/tasks?sel=" + t.ID.String()
	if !t.Open() {
		address = "/tasks?sel=" + t.ID.String() + "&state=done"
	}
	return address
}

func taskNote(t exeunt.Task, st status) string {
	switch {
	case st == statusWaiting && len(t.After) > 0:
		return sentence("waits: " + t.After[0].Because)
	case t.Coverage == exeunt.CoverTask && t.Open():
		return sentence(t.Reason)
	case len(t.Steps) == 1 && t.Open():
		return "Stands in for the step above."
	case len(t.Steps) > 1 && t.Open():
		return fmt.Sprintf("Stands in for the %d steps above.", len(t.Steps))
	case !t.Open() && t.Note != "":
		return "“" + t.Note + "”"
	default:
		return ""
	}
}

func (c caseView) taskOutcome(t exeunt.Task, st status) (outcome, detail string) {
	local := func(at time.Time) string { return near(at, c.Now, c.Zone) }
	switch {
	case t.State == exeunt.TaskDone:
		return "By " + orElse(t.DoneBy, "a person"), local(t.ClosedAt)
	case st == statusScheduled:
		return starts(t.StartsAt, c.Now), local(t.StartsAt)
	case st == statusWaiting:
		return "Not started", "due " + local(t.Deadline)
	case st == statusRunning:
		return fmt.Sprintf("%d of %d done", len(t.Ticked), len(t.Checklist)), dueWords(t.Deadline, c.Now)
	default:
		return due(t.Deadline, c.Now), local(t.Deadline)
	}
}

// state is the pill beside the name.
func (c caseView) state(f store.CaseFile) (status, string) {
	failed, late := 0, 0
	for _, s := range f.Steps {
		if s.State == exeunt.StepFailed {
			failed++
		}
	}
	for _, t := range f.Tasks {
		if t.Late(c.Now) {
			late++
		}
	}
	if f.Case.State != exeunt.CaseHeld && failed > 0 {
		return statusFailed, plural(failed, "step failed", "steps failed")
	}
	if f.Case.State != exeunt.CaseHeld && late > 0 {
		return statusLate, plural(late, "task late", "tasks late")
	}
	return caseStatus(store.CaseRow{State: f.Case.State})
}

// feed is the key moments of a case; every attempt is on its step's page and in the audit list. It
// leaves out what the viewer does not see in detail.
func (c caseView) feed(f store.CaseFile) []store.EntryRow {
	closed := map[string]bool{}
	for _, s := range f.Steps {
		if tellsOfAccess(s.Branch) && !c.Viewer.may(seeAccess) {
			closed[s.Key] = true
		}
	}
	for _, t := range f.Tasks {
		if tellsOfAccess(t.Branch) && !c.Viewer.may(seeAccess) {
			closed[t.Key] = true
		}
	}
	var out []store.EntryRow
	for _, e := range f.Entries {
		everyday := e.Kind == exeunt.EntryIntent || e.Kind == exeunt.EntryRetry
		if !everyday && !closed[cmp.Or(e.Step, e.Task)] && len(out) < 25 {
			out = append(out, e)
		}
	}
	return out
}

// digest names what the page says apart from running times, so that a stream that just connected
// sends nothing when the page is still right.
func (c caseView) digest() string { return digestOf(c.parts()) }

func digestOf(parts []part) string {
	h := fnv.New64a()
	for _, part := range parts {
		fmt.Fprintln(h, part.id, part.mark)
	}
	return strconv.FormatUint(h.Sum64(), 36)
}
