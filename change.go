package exeunt

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Change is all that one decision alters. A store commits it whole, with the jobs that follow from
// it, or not at all; it refuses a change without entries, so that nothing happens unrecorded.
//
// Steps and tasks carry the version that the decision was taken on: a commit fails with Conflict
// when somebody else was faster.
type Change struct {
	Case    *Case
	Steps   []Step
	Tasks   []Task
	Notices []Notice
	Entries []Entry

	Wave    *Wave    // the mass departure that the decision is about
	Members []Member // its people, as they shall be
}

// Record adds what happened by itself, or, when the detail says by whom, by a person. The subject is
// the Case, Step or Task that it happened to; a CaseID when it is no part of that case's record and
// tells of it all the same, so that whoever may not see the case does not see the entry.
func (c *Change) Record(kind EntryKind, subject any, now time.Time, what string, detail map[string]string) {
	c.RecordBy("engine", kind, subject, now, what, detail)
}

// RecordBy adds what somebody or something else than the engine brought about: an HR system.
func (c *Change) RecordBy(actor string, kind EntryKind, subject any, now time.Time, what string, detail map[string]string) {
	e := Entry{Kind: kind, At: now.UTC(), Actor: cmp.Or(actor, "engine"), What: what, Detail: detail}
	switch s := subject.(type) {
	case Case:
		e.Case = s.ID
	case CaseID:
		e.About = s
	case Step:
		e.Case, e.Step, e.System = s.Case, s.Key, s.System
	case Task:
		e.Case, e.Task, e.System = s.Case, s.Key, s.System
	}
	if by := detail["by"]; by != "" {
		e.Actor = by
	}
	c.Entries = append(c.Entries, e)
}

// Settled lists the keys on which something else may wait and which this change settles.
func (c Change) Settled() []string {
	var keys []string
	for _, s := range c.Steps {
		if s.State.Settled() {
			keys = append(keys, s.Key)
		}
	}
	for _, t := range c.Tasks {
		if !t.Open() {
			keys = append(keys, t.Key)
		}
	}
	return keys
}

// JobKind names what is to be done later.
type JobKind string

// The kinds of job.
const (
	JobVisit   JobKind = "visit"   // go to one system for one case
	JobRemind  JobKind = "remind"  // chase one task
	JobClose   JobKind = "close"   // see whether the case is complete
	JobDeliver JobKind = "deliver" // send one notice
)

// Job is something that follows from a change. It carries ids and a generation and nothing else:
// whoever runs it reads the truth first.
type Job struct {
	Kind       JobKind
	Case       CaseID
	System     string // JobVisit
	Task       string // JobRemind
	Notice     int64  // JobDeliver
	Generation int64
	At         time.Time
	Urgent     bool
	Tier       int
}

// Jobs derives what follows from the state that a change leaves. Jobs for notices are added by the
// store, which gives them their ids.
func (c Change) Jobs(of Case) []Job {
	var jobs []Job
	seen := map[Job]bool{}
	add := func(j Job) {
		if !seen[j] {
			seen[j] = true
			jobs = append(jobs, j)
		}
	}
	if of.State == CaseHeld || of.Embargoed() {
		return nil
	}
	for _, s := range c.Steps {
		if at, ok := s.runsAt(); ok {
			add(Job{Kind: JobVisit, Case: s.Case, System: s.System, Generation: of.Generation, At: at, Urgent: of.Urgent(), Tier: s.Tier})
		}
	}
	for _, t := range c.Tasks {
		if t.State == TaskOpen && t.Reminded < len(t.RemindAt()) {
			add(Job{Kind: JobRemind, Case: t.Case, Task: t.Key, Generation: of.Generation, At: t.RemindAt()[t.Reminded]})
		}
	}
	// Work may have been settled while the case was held, so whatever changes a case looks again.
	if (len(c.Settled()) > 0 || (c.Case != nil && of.Version > 1)) && of.Open() {
		add(Job{Kind: JobClose, Case: of.ID, Generation: of.Generation})
	}
	return jobs
}

// runsAt is when a visit has to look at the step next, if ever.
func (s Step) runsAt() (time.Time, bool) {
	switch s.State {
	case StepScheduled:
		return s.StartsAt, true
	case StepReady:
		if s.NextAttemptAt.After(s.StartsAt) {
			return s.NextAttemptAt, true
		}
		return s.StartsAt, true
	default:
		return time.Time{}, false
	}
}

func lower(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	second, _ := utf8.DecodeRuneInString(s[size:])
	if unicode.IsUpper(second) { // an abbreviation such as SSO stays
		return s
	}
	return string(unicode.ToLower(first)) + s[size:]
}

// merge adds facts and lists under a prefix to the detail of an entry.
func merge(detail map[string]string, prefix string, facts map[string]string, lists map[string][]string) map[string]string {
	out := maps.Clone(detail)
	for k, v := range facts {
		out[prefix+k] = v
	}
	for k, v := range lists {
		out[prefix+k] = strings.Join(v, "; ")
		out[prefix+k+".count"] = fmt.Sprint(len(v))
	}
	return out
}

func messageOf(e *Error, otherwise string) string {
	if e == nil {
		return otherwise
	}
	return e.Message
}

// errOrNil avoids the typed nil that a *Error in an error interface would be.
func errOrNil(e *Error) error {
	if e == nil {
		return nil
	}
	return e
}
