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
	Trip    *Trip
	Steps   []Step
	Tasks   []Task
	Notices []Notice
	Entries []Entry

	// Replanned says that the case was planned anew: what its steps and tasks here wait for is what their
	// After says, whatever they waited for before.
	Replanned bool

	// Once says that there is nothing to record when everybody has had these notices before: what lasts is found again
	// each minute, and the ledger forgets nothing.
	Once bool

	Shadows []ShadowRun // what connectors in stage shadow saw of the case

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

// and is one change with another one of the same case.
func (c Change) and(more Change) Change {
	c.Steps, c.Tasks = append(c.Steps, more.Steps...), append(c.Tasks, more.Tasks...)
	c.Notices, c.Entries = append(c.Notices, more.Notices...), append(c.Entries, more.Entries...)
	return c
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
