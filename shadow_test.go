package exeunt_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// shadowOf is a system in stage shadow, a task in it, and the run that follows that.
func shadowOf() (exeunt.System, exeunt.Task, exeunt.ShadowRun) {
	s := live("directory", "", exeunt.Disable, exeunt.RemoveGroups, exeunt.ReclaimLicence)
	s.Stage = exeunt.Shadow
	for i := range s.Actions {
		s.Actions[i].Takes = []string{"was"}
	}
	t := exeunt.Task{Case: 7, Key: "directory-by-hand", System: "directory", Title: "End access by hand", State: exeunt.TaskOpen, Owner: exeunt.Person{Name: "Ana", Email: "ana@x.example"},
		StartsAt: monday, Deadline: monday.Add(time.Hour), Would: []exeunt.Action{exeunt.Disable, exeunt.RemoveGroups}}
	return s, t, exeunt.ShadowRun{}.Follow(t)
}

func seen(standing exeunt.Standing, actions ...exeunt.Action) exeunt.Observation {
	o := exeunt.Observation{Standing: map[exeunt.Action]exeunt.Standing{}, Facts: map[string]string{"active": "yes"}, Snapshot: map[string][]string{"groups": {"eng"}}}
	for _, a := range actions {
		o.Standing[a] = standing
	}
	return o
}

var all = []exeunt.Action{exeunt.Disable, exeunt.RemoveGroups, exeunt.ReclaimLicence}

func TestHowAPersonAndAConnectorCompare(t *testing.T) {
	open := seen(exeunt.Absent, all...)
	half := seen(exeunt.Absent, exeunt.RemoveGroups, exeunt.ReclaimLicence)
	half.Standing[exeunt.Disable] = exeunt.Holds
	done := seen(exeunt.Absent, exeunt.ReclaimLicence)
	done.Standing[exeunt.Disable], done.Standing[exeunt.RemoveGroups] = exeunt.Holds, exeunt.Holds
	fault := func(kind exeunt.ErrorKind) *exeunt.Error { return exeunt.Errorf(kind, "because") }
	for name, test := range map[string]struct {
		before, after any // an Observation, an *Error or nil
		verdict       exeunt.ShadowVerdict
		why           string
	}{
		"nothing yet":                    {nil, nil, exeunt.ShadowWaiting, ""},
		"the person is at it":            {open, nil, exeunt.ShadowWaiting, ""},
		"as the connector would":         {open, done, exeunt.ShadowAgreed, ""},
		"it was so already":              {done, done, exeunt.ShadowAgreed, ""},
		"the person was earlier":         {nil, done, exeunt.ShadowAgreed, ""},
		"half of it":                     {open, half, exeunt.ShadowStillOpen, "not so: remove groups"},
		"more than it":                   {open, seen(exeunt.Holds, all...), exeunt.ShadowDidMore, "reclaim licence"},
		"the licence was gone before":    {seen(exeunt.Holds, all...), seen(exeunt.Holds, all...), exeunt.ShadowAgreed, ""},
		"the account is gone":            {open, fault(exeunt.NotFound), exeunt.ShadowDidMore, "the account is gone"},
		"not found":                      {fault(exeunt.NotFound), nil, exeunt.ShadowNotFound, "because"},
		"two of them":                    {fault(exeunt.Ambiguous), done, exeunt.ShadowNotFound, "because"},
		"not found afterwards only":      {nil, fault(exeunt.NotFound), exeunt.ShadowNotFound, "because"},
		"no right":                       {fault(exeunt.Denied), done, exeunt.ShadowWouldFail, "because"},
		"the system is away afterwards":  {open, fault(exeunt.Temporary), exeunt.ShadowUnseen, "because"},
		"the system shows nothing of it": {seen(exeunt.Unknown, all...), seen(exeunt.Unknown, all...), exeunt.ShadowUnseen, "the system does not show whether it is so"},
	} {
		t.Run(name, func(t *testing.T) {
			s, task, run := shadowOf()
			c := exeunt.Case{ID: 7}
			look := func(what any, now time.Time) {
				account := exeunt.Account{ID: "a1"}
				switch w := what.(type) {
				case exeunt.Observation:
					run = run.Looked(c, task, run.Saw(account, w, c, s, now), s, now).Shadows[0]
				case *exeunt.Error:
					run = run.Looked(c, task, exeunt.SawFault(account, w, now), s, now).Shadows[0]
				}
			}
			look(test.before, monday)
			task.State, task.ClosedAt, task.DoneBy = exeunt.TaskDone, monday.Add(time.Minute), "Ana"
			run = run.Follow(task)
			look(test.after, monday.Add(2*time.Minute))
			if run.Verdict() != test.verdict || run.Why() != test.why {
				t.Errorf("%s (%q), expected %s (%q)", run.Verdict(), run.Why(), test.verdict, test.why)
			}
		})
	}
}

func TestALegalHoldWouldHaveStoppedWhatDestroys(t *testing.T) {
	s, task, run := shadowOf()
	s.Actions[1].Destructive = true
	c := exeunt.Case{ID: 7, LegalHold: &exeunt.LegalHold{}}
	change := run.Looked(c, task, run.Saw(exeunt.Account{ID: "a1"}, seen(exeunt.Absent, all...), c, s, monday), s, monday)
	if e := change.Entries[0]; !strings.HasSuffix(e.What, "would have done this: disable. Nothing was done") || e.Detail["forbidden"] != "remove groups" {
		t.Errorf("the record says %+v", e)
	}
	task.State, task.ClosedAt = exeunt.TaskDone, monday
	run = change.Shadows[0].Follow(task)
	half := seen(exeunt.Absent, exeunt.RemoveGroups)
	half.Standing[exeunt.Disable] = exeunt.Holds
	if run = run.Looked(c, task, run.Saw(exeunt.Account{ID: "a1"}, half, c, s, monday), s, monday).Shadows[0]; run.Verdict() != exeunt.ShadowAgreed {
		t.Errorf("%s: %s", run.Verdict(), run.Why())
	}
}

func TestARunFollowsItsTask(t *testing.T) {
	s, task, run := shadowOf()
	if !run.LookAt.Equal(monday) || !slices.Equal(run.Would, task.Would) {
		t.Fatalf("%+v", run)
	}
	moved := task
	moved.StartsAt = monday.Add(24 * time.Hour)
	if got := run.Follow(moved); !got.LookAt.Equal(moved.StartsAt) {
		t.Errorf("moved, it is looked at %s", got.LookAt)
	}
	waiting := task
	waiting.State = exeunt.TaskWaiting
	if got := run.Follow(waiting); !got.LookAt.IsZero() {
		t.Errorf("while it waits, it is looked at %s", got.LookAt)
	}
	run = run.Looked(exeunt.Case{ID: 7}, task, run.Saw(exeunt.Account{ID: "a1"}, seen(exeunt.Absent, all...), exeunt.Case{}, s, monday), s, monday).Shadows[0]
	if got := run.Follow(task); !got.LookAt.IsZero() || got.Before == nil {
		t.Errorf("looked at, %+v", got)
	}
	if got := run.Follow(moved); got.Before != nil || !got.LookAt.Equal(moved.StartsAt) {
		t.Errorf("moved after the look, %+v", got)
	}
	done := task
	done.State, done.ClosedAt = exeunt.TaskDone, monday.Add(time.Hour)
	ended := run.Follow(done)
	if !ended.LookAt.Equal(done.ClosedAt) || !ended.DoneAt.Equal(done.ClosedAt) {
		t.Errorf("done, %+v", ended)
	}
	if got := ended.Follow(task); !got.DoneAt.IsZero() || !got.LookAt.IsZero() {
		t.Errorf("opened anew, %+v", got)
	}
	withdrawn := task
	withdrawn.State = exeunt.TaskWithdrawn
	if got := run.Follow(withdrawn); got.Verdict() != exeunt.ShadowOff || !got.LookAt.IsZero() {
		t.Errorf("withdrawn, %+v", got)
	}
}

func TestAReportSpeaksForAConnectorOrSaysWhatSpeaksAgainstIt(t *testing.T) {
	agreed := exeunt.ShadowRun{Would: all[:1], After: &exeunt.ShadowLook{Standing: map[exeunt.Action]exeunt.Standing{exeunt.Disable: exeunt.Holds}}}
	stillOpen := exeunt.ShadowRun{Would: all[:1], After: &exeunt.ShadowLook{Open: all[:1]}}
	missing := exeunt.ShadowRun{Before: &exeunt.ShadowLook{FailedAs: exeunt.NotFound}}
	fails := exeunt.ShadowRun{Before: &exeunt.ShadowLook{FailedAs: exeunt.Denied}}
	more := exeunt.ShadowRun{Would: all[:1], After: &exeunt.ShadowLook{More: []string{"remove roles"}}}
	for _, test := range []struct {
		runs    []exeunt.ShadowRun
		against string
	}{
		{nil, "0 departures were compared, and 3 are the least to go by"},
		{[]exeunt.ShadowRun{agreed, agreed}, "2 departures were compared, and 3 are the least to go by"},
		{[]exeunt.ShadowRun{agreed, agreed, stillOpen}, ""},
		{[]exeunt.ShadowRun{agreed, agreed, agreed, missing}, "1 account was not found by the connector"},
		{[]exeunt.ShadowRun{agreed, agreed, agreed, fails, fails}, "the connector would have failed in 2 departures"},
		{[]exeunt.ShadowRun{agreed, agreed, agreed, more}, "people did more than the connector would have in 1 departure"},
	} {
		if got := exeunt.TallyShadow(test.runs).Against(); got != test.against {
			t.Errorf("%q, expected %q", got, test.against)
		}
	}
}
