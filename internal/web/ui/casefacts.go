package ui

import (
	"fmt"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// facts are the four figures above a case's timeline.
type facts struct {
	Access accessClock
	Done   int
	All    int
	Groups int
	Open   int // tasks that wait for a person now
	Next   *exeunt.Task
	Logged int
	Sealed int
	Check  LedgerCheck
}

// accessClock is how long full revocation takes, against its limit.
type accessClock struct {
	Started bool
	From    time.Time
	By      time.Time
	Limit   time.Duration
	Ended   time.Time // zero while something is open
	Done    int
	All     int
}

func (a accessClock) over(now time.Time) bool {
	if !a.Ended.IsZero() {
		return a.Ended.After(a.By)
	}
	return a.Started && now.After(a.By)
}

func (c caseView) facts(f store.CaseFile, check LedgerCheck) facts {
	out := facts{Logged: f.Logged, Sealed: f.Sealed, Check: check, Groups: len(c.Branches), Access: c.access(f)}
	for _, b := range c.Branches {
		out.Done, out.All = out.Done+b.Done, out.All+b.All
	}
	for _, t := range f.Tasks {
		if t.State != exeunt.TaskOpen || t.StartsAt.After(c.Now) {
			continue
		}
		out.Open++
		if c.visible(t.Branch) && (out.Next == nil || t.Deadline.Before(out.Next.Deadline)) {
			out.Next = &t
		}
	}
	return out
}

// access counts every way in which the plan ends access: steps, and tasks of people. A task that
// stands in for a failed step is that step.
func (c caseView) access(f store.CaseFile) accessClock {
	a := accessClock{From: f.Case.CutOff, By: f.Case.AccessBy, Limit: f.Case.AccessBy.Sub(f.Case.CutOff), Started: !c.Now.Before(f.Case.CutOff)}
	count := func(settled bool, at time.Time) {
		a.All++
		if settled {
			a.Done++
			a.Ended = later(a.Ended, at)
		}
	}
	for _, s := range f.Steps {
		if st, _ := stepStatus(s, c.Now); s.Branch == accessBranch && st != statusSkipped {
			count(s.State.Settled(), s.SettledAt)
		}
	}
	for _, t := range f.Tasks {
		if t.Branch == accessBranch && len(t.Steps) == 0 && t.State != exeunt.TaskWithdrawn {
			count(!t.Open(), t.ClosedAt)
		}
	}
	if a.Done < a.All || a.All == 0 {
		a.Ended = time.Time{}
	}
	return a
}

// nobody says that nobody has to act, as far as the viewer sees it.
func (c caseView) nobody() string {
	if c.Facts.Open > 0 {
		return "None of them in your branches"
	}
	return "Nobody has to act now"
}

// need is one open matter: what happened, what it means, since when, and what can be done.
type need struct {
	ID      string
	Status  status
	Subject string
	Text    string
	When    string
	URL     string
	Step    string // a failed step: it can be tried again or overridden
	Second  bool   // overriding it needs a second person
	Task    *exeunt.Task
	Held    bool
	Secret  bool // under embargo
	Legal   bool // a legal hold
	by      time.Time
	mark    string
}

// soon is how near a deadline has to be for a task to stand among what needs a person now.
const soon = day

// needs are sorted by deadline. Tasks that are days away stay in the timeline.
func (c caseView) needs(f store.CaseFile) []need {
	var out []need
	if f.Case.Embargoed() {
		out = append(out, c.embargoNeed())
	}
	if f.Case.State == exeunt.CaseHeld {
		out = append(out, c.heldNeed())
	}
	out = append(out, c.legalNeed(f)...)
	out = append(out, c.secondNeeds(f)...)
	said := map[string]bool{} // steps that a line speaks of already
	for _, s := range f.Steps {
		if s.State == exeunt.StepFailed && c.visible(s.Branch) && !said[s.Key] {
			together := failedTogether(f, s)
			for _, key := range together {
				said[key] = true
			}
			out = append(out, c.failedNeed(s, len(together)))
		}
	}
	for _, t := range f.Tasks {
		stands := slices.ContainsFunc(t.Steps, func(key string) bool { return said[key] })
		near := t.State == exeunt.TaskOpen && !t.StartsAt.After(c.Now) && t.Deadline.Sub(c.Now) < soon
		if near && !stands && t.Asks == "" && c.visible(t.Branch) {
			out = append(out, c.taskNeed(t))
		}
	}
	slices.SortStableFunc(out, func(a, b need) int { return a.by.Compare(b.by) })
	return out
}

func (c caseView) visible(branch string) bool {
	return !tellsOfAccess(branch) || c.Viewer.may(seeAccess)
}

// failedTogether are the steps that one open task stands in for along with this one: one visit failed
// for one reason, and that is one matter.
func failedTogether(f store.CaseFile, s exeunt.Step) []string {
	for _, t := range f.Tasks {
		if t.Open() && slices.Contains(t.Steps, s.Key) {
			return t.Steps
		}
	}
	return []string{s.Key}
}

func (c caseView) failedNeed(s exeunt.Step, together int) need {
	n := need{
		ID: "n-" + slug(s.Key), Status: statusFailed, Step: s.Key, Second: s.Dangerous(), by: s.Deadline,
		Subject: fmt.Sprintf("%s: %s stopped.", s.SystemTitle, lower(s.Title)),
		Text:    sentence(s.Reason), When: "Stopped " + distance(s.SettledAt, c.Now),
		URL: fmt.Sprintf("/cases/%s/steps/%s", s.Case, s.Key),
	}
	if together > 1 {
		n.Subject = fmt.Sprintf("%s: %d steps stopped.", s.SystemTitle, together)
	}
	if s.Branch == accessBranch {
		n.Text += " The account may still be open."
	}
	n.Text += c.goesOn(s) + " Owner: " + s.Owner.String() + "."
	n.mark = fmt.Sprint(s.Version, together, c.waits(s) != nil)
	return n
}

// asked is a task's title inside a sentence. One that begins with the name of a system keeps its letters.
func asked(t exeunt.Task) string {
	if t.System != "" {
		return t.Title
	}
	return lower(t.Title)
}

func (c caseView) taskNeed(t exeunt.Task) need {
	st, _ := taskStatus(t, c.Now)
	n := need{
		ID: "n-" + slug(t.Key), Status: st, Task: &t, by: t.Deadline, URL: taskURL(t),
		Subject: t.Owner.String() + ": " + asked(t) + ".", When: due(t.Deadline, c.Now),
		mark: fmt.Sprint(t.Version, st),
	}
	if st == statusRunning {
		n.Text = fmt.Sprintf("%d of %d done.", len(t.Ticked), len(t.Checklist))
	} else if t.Coverage == exeunt.CoverTask || len(t.Steps) > 0 {
		n.Text = sentence(t.Reason)
	}
	return n
}
