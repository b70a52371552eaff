package exeunt_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

var noon = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)

func ready() exeunt.Step {
	return exeunt.Step{
		Case: 1, Key: "directory-disable", State: exeunt.StepReady, System: "directory", SystemTitle: "Directory", Action: exeunt.Disable, Title: "Disable account",
		Branch: "Access", Owner: owner, Fallback: "Disable the account by hand.", StartsAt: noon, Deadline: noon.Add(4 * time.Hour),
		StartRule: moment("cut-off"), DeadlineRule: moment("start + 4h"),
	}
}

func troubled(kind exeunt.OutcomeKind, class exeunt.ErrorKind) exeunt.Outcome {
	return exeunt.Outcome{Kind: kind, Err: exeunt.Errorf(class, "it is %s", class)}
}

func TestEveryOutcomeOfAnAttemptHasItsState(t *testing.T) {
	done := func(p exeunt.Proof) exeunt.Outcome { return exeunt.Outcome{Kind: exeunt.Done, Proof: p, Changed: true} }
	cases := []struct {
		name    string
		attempt int           // before this one
		at      time.Duration // after noon; the deadline is at +4h
		outcome exeunt.Outcome
		state   exeunt.StepState
		entry   exeunt.EntryKind
		proof   exeunt.Proof
	}{
		{"seen", 1, 0, done(exeunt.Observed), exeunt.StepConfirmed, exeunt.EntryConfirmed, exeunt.Observed},
		{"said, cannot be seen", 1, 0, done(exeunt.Acknowledged), exeunt.StepAcknowledged, exeunt.EntryAcknowledged, exeunt.Acknowledged},
		{"no account", 1, 0, exeunt.Outcome{Kind: exeunt.NoAccount}, exeunt.StepSkipped, exeunt.EntrySkipped, ""},
		{"moot", 1, 0, exeunt.Outcome{Kind: exeunt.BecameMoot, Err: exeunt.Errorf(exeunt.Conflict, "moot")}, exeunt.StepSkipped, exeunt.EntrySkipped, ""},
		{"not shown yet", 1, 0, exeunt.Outcome{Kind: exeunt.NotYet}, exeunt.StepReady, exeunt.EntryRetry, ""},
		{"not shown by the deadline", 20, 5 * time.Hour, exeunt.Outcome{Kind: exeunt.NotYet}, exeunt.StepFailed, exeunt.EntryFailed, ""},
		{"temporary", 1, 0, troubled(exeunt.TryAgain, exeunt.Temporary), exeunt.StepReady, exeunt.EntryRetry, ""},
		{"temporary, once too often", exeunt.Attempts - 1, 0, troubled(exeunt.TryAgain, exeunt.Temporary), exeunt.StepFailed, exeunt.EntryFailed, ""},
		{"temporary, past the deadline, first try", 0, 5 * time.Hour, troubled(exeunt.TryAgain, exeunt.Temporary), exeunt.StepReady, exeunt.EntryRetry, ""},
		{"temporary, past the deadline, third try", 2, 5 * time.Hour, troubled(exeunt.TryAgain, exeunt.Temporary), exeunt.StepFailed, exeunt.EntryFailed, ""},
		{"throttled, often", exeunt.Attempts + 3, 0, troubled(exeunt.TryAgain, exeunt.Throttled), exeunt.StepReady, exeunt.EntryRetry, ""},
		{"throttled past the deadline", exeunt.Attempts + 3, 5 * time.Hour, troubled(exeunt.TryAgain, exeunt.Throttled), exeunt.StepFailed, exeunt.EntryFailed, ""},
		{"denied", 0, 0, troubled(exeunt.GaveUp, exeunt.Denied), exeunt.StepFailed, exeunt.EntryFailed, ""},
		{"ambiguous", 0, 0, troubled(exeunt.GaveUp, exeunt.Ambiguous), exeunt.StepFailed, exeunt.EntryFailed, ""},
		{"an outcome that nobody knows", 0, 0, exeunt.Outcome{Kind: "?"}, exeunt.StepFailed, exeunt.EntryFailed, ""},
	}
	for _, before := range []exeunt.StepState{exeunt.StepReady, exeunt.StepRunning, exeunt.StepScheduled} {
		for _, c := range cases {
			t.Run(fmt.Sprintf("%s/%s", before, c.name), func(t *testing.T) {
				s := ready()
				s.State, s.Attempt = before, c.attempt
				if before == exeunt.StepRunning {
					s.Attempt++ // its intent counted the attempt
				}
				now := noon.Add(c.at)
				change := s.Finish(c.outcome, now)
				after := change.Steps[0]
				if after.State != c.state || after.Proof != c.proof || len(change.Entries) != 1 || change.Entries[0].Kind != c.entry {
					t.Fatalf("%s %q %+v", after.State, after.Proof, change.Entries)
				}
				checkAfter(t, after, change, now)
			})
		}
	}
}

// checkAfter holds what is true of a finished attempt in whichever state it leaves the step.
func checkAfter(t *testing.T, s exeunt.Step, change exeunt.Change, now time.Time) {
	t.Helper()
	failed := s.State == exeunt.StepFailed
	if failed != (len(change.Tasks) == 1) || failed != (len(change.Notices) == 1) {
		t.Errorf("%s with %d tasks and %d notices: no silent failure, and no needless alarm", s.State, len(change.Tasks), len(change.Notices))
	}
	if failed {
		task := change.Tasks[0]
		if task.Owner != owner || task.Procedure != s.Fallback || task.State != exeunt.TaskOpen || !slices.Contains(task.Steps, s.Key) || !task.Deadline.After(now) {
			t.Errorf("fallback: %+v", task)
		}
		if change.Notices[0].To != owner || change.Notices[0].Kind != exeunt.NoticeFailed || change.Notices[0].Dedup == "" {
			t.Errorf("notice: %+v", change.Notices[0])
		}
	}
	again := s.State == exeunt.StepReady
	looks := failed && s.FailedAs != exeunt.Unsupported || s.State == exeunt.StepConfirmed && s.Proof == exeunt.Observed // a look, not an attempt
	if at, due := s.DueAt(); due != (again || looks) || due && !at.After(now) || looks && at.Before(now.Add(15*time.Minute)) {
		t.Errorf("%s is due at %s: a step is neither forgotten nor run again when settled", s.State, at)
	}
	if s.BegunAt.IsZero() || change.Entries[0].Step != s.Key || change.Entries[0].Case != 1 {
		t.Errorf("%+v", change.Entries[0])
	}
	if s.State.Settled() == s.SettledAt.IsZero() && !failed {
		t.Errorf("%s, settled at %v", s.State, s.SettledAt)
	}
}

func TestAnIntentIsRecordedBeforeActing(t *testing.T) {
	before := exeunt.Observation{Facts: map[string]string{"locked": "no"}, Snapshot: map[string][]string{"groups": {"a", "b"}}}
	change := ready().Intend(exeunt.Account{ID: "uuid-1"}, before, noon)
	s := change.Steps[0]
	e := change.Entries[0]
	if s.State != exeunt.StepRunning || s.Attempt != 1 || !s.AppliedAt.Equal(noon) || e.Kind != exeunt.EntryIntent || e.Detail["before.groups"] != "a; b" || e.Detail["before.groups.count"] != "2" || e.Detail["account"] != "uuid-1" {
		t.Errorf("%+v %+v", s, e)
	}
	again := s.Intend(exeunt.Account{ID: "uuid-1"}, exeunt.Observation{Snapshot: map[string][]string{"groups": {}}}, noon.Add(time.Minute)).Steps[0]
	if again.Attempt != 2 || len(again.Snapshot["groups"]) != 2 || !again.BegunAt.Equal(noon) {
		t.Errorf("the second attempt forgets what was there before the first: %+v", again)
	}
}

func TestTheWaitOfAVendorIsHonoured(t *testing.T) {
	o := troubled(exeunt.TryAgain, exeunt.Throttled)
	o.Wait = 7 * time.Minute
	if s := ready().Finish(o, noon).Steps[0]; !s.NextAttemptAt.Equal(noon.Add(7 * time.Minute)) {
		t.Errorf("next try %s", s.NextAttemptAt)
	}
	for n, want := range map[int]time.Duration{-1: 2 * time.Second, 0: 2 * time.Second, 1: 2 * time.Second, 2: 4 * time.Second, 8: 256 * time.Second, 9: 512 * time.Second, 10: 15 * time.Minute, 1000: 15 * time.Minute} {
		if got := exeunt.Backoff(n); got != want {
			t.Errorf("attempt %d waits %s, want %s", n, got, want)
		}
	}
}

func TestAVisitThatCannotBeginGivesOneTaskForAllItsSteps(t *testing.T) {
	a, b := ready(), ready()
	b.Key, b.Title = "directory-remove-groups", "Remove groups"
	change := exeunt.GiveUpAll([]exeunt.Step{a, b}, troubled(exeunt.GaveUp, exeunt.Ambiguous), noon)
	if len(change.Tasks) != 1 || len(change.Steps) != 2 || len(change.Entries) != 2 || len(change.Notices) != 1 {
		t.Fatalf("%d tasks, %d steps, %d entries, %d notices", len(change.Tasks), len(change.Steps), len(change.Entries), len(change.Notices))
	}
	task := change.Tasks[0]
	if !slices.Equal(task.Steps, []string{a.Key, b.Key}) || !slices.Equal(task.Checklist, []string{"Disable account", "Remove groups"}) {
		t.Errorf("%+v", task)
	}
	done, err := task.Complete(change.Steps, []int{0, 1}, "", "Ida", noon)
	if err != nil || len(done.Steps) != 2 || done.Steps[1].State != exeunt.StepAttested || done.Steps[1].Proof != exeunt.Attested || len(done.Entries) != 3 {
		t.Errorf("%v %+v", err, done)
	}
}

func TestOnlyAFailedStepIsTriedAgain(t *testing.T) {
	by := exeunt.Override{By: "Ida", Reason: "the directory is back"}
	failed := ready().Finish(troubled(exeunt.GaveUp, exeunt.Denied), noon)
	change, err := exeunt.Retry(failed.Steps, &failed.Tasks[0], by, noon.Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	s := change.Steps[0]
	if s.State != exeunt.StepReady || s.Attempt != 0 || s.Reason != "" || !s.Deadline.After(noon.Add(24*time.Hour)) || change.Tasks[0].State != exeunt.TaskWithdrawn || change.Entries[0].Actor != "Ida" {
		t.Errorf("%+v", change)
	}
	for _, state := range []exeunt.StepState{exeunt.StepReady, exeunt.StepRunning, exeunt.StepConfirmed, exeunt.StepWaived, exeunt.StepCancelled} {
		other := ready()
		other.State = state
		if _, err := exeunt.Retry([]exeunt.Step{other}, nil, by, noon); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("%s: %v", state, err)
		}
	}
}

// What a system accepts and never shows ends with a person who is told just that.
func TestWhatIsAcceptedAndNeverShownIsGivenUpWithItsReason(t *testing.T) {
	s := ready()
	for n := range 3 {
		change := s.Intend(exeunt.Account{ID: "a"}, exeunt.Observation{}, noon)
		s = change.Steps[0].Finish(exeunt.Outcome{Kind: exeunt.NotYet, Changed: true}, noon).Steps[0]
		if n < 2 {
			s = s.Finish(exeunt.Outcome{Kind: exeunt.NotYet}, noon).Steps[0] // a look while it settles does not count
		}
	}
	if s.State != exeunt.StepFailed || !strings.Contains(s.Reason, "answered 3 times that it was done, but nothing has changed") {
		t.Errorf("%s: %q", s.State, s.Reason)
	}
}

// A look that is throttled says nothing of an action that may have worked: only a refused action does.
func TestOnlyARefusedActionIsForgotten(t *testing.T) {
	intended := ready().Intend(exeunt.Account{ID: "a"}, exeunt.Observation{}, noon).Steps[0]
	throttled := troubled(exeunt.TryAgain, exeunt.Throttled)
	if after := intended.Finish(throttled, noon).Steps[0]; after.AppliedAt.IsZero() {
		t.Error("a throttled look made us forget that we may have acted")
	}
	throttled.Refused = true
	if after := intended.Finish(throttled, noon).Steps[0]; !after.AppliedAt.IsZero() {
		t.Error("a refused action is waited for")
	}
}
