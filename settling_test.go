package exeunt_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// accepted is a step whose action the system took at noon, and the looks at it so far.
func accepted(looks int) exeunt.Step {
	s := ready().Intend(exeunt.Account{ID: "a"}, exeunt.Observation{}, noon).Steps[0]
	for range looks {
		s = s.Finish(exeunt.Outcome{Kind: exeunt.NotYet, Seen: map[string]string{"state": "leaving"}}, noon).Steps[0]
	}
	return s
}

func TestTheLooksAtWhatSettlesBackOff(t *testing.T) {
	for _, c := range []struct {
		name    string
		looks   int
		settles time.Duration
		at      time.Duration // after noon; the deadline is at +4h
		want    time.Duration
	}{
		{"the first", 0, time.Hour, 0, 2 * time.Second},
		{"the third", 2, time.Hour, 0, 8 * time.Second},
		{"the twentieth", 19, time.Hour, 0, 5 * time.Minute},
		{"the end of its time is not slept through", 19, time.Hour, 58 * time.Minute, 2 * time.Minute},
		{"after that", 19, time.Hour, 2 * time.Hour, 5 * time.Minute},
		{"nor the deadline", 19, 9 * time.Hour, 3*time.Hour + 59*time.Minute, time.Minute},
		{"a system that says nothing of its time", 19, 0, time.Minute, 5 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := accepted(c.looks).Pause(exeunt.Outcome{Kind: exeunt.NotYet, Settles: c.settles}, noon.Add(c.at))
			if got != c.want {
				t.Errorf("the next look is in %s, want %s", got, c.want)
			}
		})
	}
}

func TestOnlyWhatALookAddsIsRecorded(t *testing.T) {
	s := accepted(4)
	same := s.Finish(exeunt.Outcome{Kind: exeunt.NotYet, Seen: map[string]string{"state": "leaving"}}, noon)
	if len(same.Entries) != 0 || !same.Waits() {
		t.Errorf("a look that showed nothing new: %+v", same.Entries)
	}
	news := s.Finish(exeunt.Outcome{Kind: exeunt.NotYet, Seen: map[string]string{"state": "half gone"}}, noon)
	if len(news.Entries) != 1 || news.Waits() || news.Entries[0].Detail["looks_while_settling"] != "5" {
		t.Errorf("a look that showed something new: %+v", news.Entries)
	}
	for _, o := range []exeunt.Outcome{{Kind: exeunt.Done, Proof: exeunt.Observed}, {Kind: exeunt.GaveUp}} {
		end := s.Finish(o, noon)
		if end.Waits() || end.Entries[0].Detail["looks_while_settling"] != "4" || end.Steps[0].Awaits != 0 {
			t.Errorf("%s: %+v", o.Kind, end.Entries)
		}
	}
	intent := s.Intend(exeunt.Account{ID: "a"}, exeunt.Observation{}, noon)
	if intent.Entries[0].Detail["looks_while_settling"] != "4" || intent.Steps[0].Awaits != 0 {
		t.Errorf("done again: %+v", intent.Entries)
	}
}
