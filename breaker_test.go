package exeunt_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

func TestTheBreakerOpensOnceAndClosesWithTheFirstAnswer(t *testing.T) {
	away, refused := exeunt.Errorf(exeunt.Temporary, "no answer in time"), exeunt.Errorf(exeunt.Unauthorised, "renew the token")
	slow, wrong := exeunt.Errorf(exeunt.Throttled, "slow down"), exeunt.Errorf(exeunt.NotFound, "no such account")
	for name, c := range map[string]struct {
		ends   []*exeunt.Error // of visits, in order; nil was answered
		open   bool
		probes int
	}{
		"four without an answer":         {ends: []*exeunt.Error{away, away, away, away}},
		"five in a row":                  {ends: []*exeunt.Error{away, away, away, away, away}, open: true},
		"an answer between":              {ends: []*exeunt.Error{away, away, away, away, nil, away}},
		"an error about one account":     {ends: []*exeunt.Error{away, away, away, away, wrong, away}},
		"to be slowed down is no answer": {ends: []*exeunt.Error{away, away, slow, away, away, away}, open: true},
		"one refused credential":         {ends: []*exeunt.Error{refused}, open: true},
		"probes in vain":                 {ends: []*exeunt.Error{refused, refused, away}, open: true, probes: 2},
		"a probe that is answered":       {ends: []*exeunt.Error{refused, nil}},
		"a probe that is slowed down":    {ends: []*exeunt.Error{refused, slow}, open: true},
	} {
		b := exeunt.Breaker{System: "directory"}
		for _, end := range c.ends {
			b = b.After(end, monday)
		}
		if b.Open() != c.open || b.Probes != c.probes || b.Open() && !b.ProbeAt.After(monday) {
			t.Errorf("%s: %+v", name, b)
		}
	}
}

func TestProbesAreMadeLessAndLessOften(t *testing.T) {
	b := exeunt.Breaker{System: "directory"}
	var waits []time.Duration
	for range 20 {
		b = b.After(exeunt.Errorf(exeunt.Unauthorised, "no"), monday)
		waits = append(waits, b.ProbeAt.Sub(monday))
	}
	if waits[0] != 30*time.Second || waits[1] != time.Minute || waits[19] != 15*time.Minute {
		t.Errorf("waits: %v", waits)
	}
}

func TestAPersonMayAskToTryAtOnce(t *testing.T) {
	system, ida := exeunt.System{Name: "directory"}, exeunt.Override{By: "Ida Novak", Account: "ida@acme.example", Reason: "renewed the token"}
	closed := exeunt.Breaker{System: "directory"}
	if _, _, err := closed.TryNow(system, ida, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("one that is closed: %v", err)
	}
	refused := exeunt.Errorf(exeunt.Unauthorised, "renew the token")
	open := closed.After(refused, monday)
	if _, _, err := open.TryNow(system, exeunt.Override{}, monday); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("by nobody: %v", err)
	}
	asked, change, err := open.TryNow(system, ida, monday.Add(time.Second))
	if err != nil || !asked.Open() || !asked.ProbeAt.Equal(monday.Add(time.Second)) {
		t.Errorf("%+v %v", asked, err)
	}
	if e := change.Entries[0]; e.Kind != exeunt.EntryBreakerTried || e.System != "directory" || e.Actor != "Ida Novak" || e.Detail["reason"] != "renewed the token" {
		t.Errorf("the ledger is told %+v", e)
	}
	late := monday.Add(10 * time.Second)
	if again := asked.After(refused, late).Heed(asked.AskedAt, monday); !again.ProbeAt.Equal(asked.AskedAt) {
		t.Errorf("a visit that had begun before they asked puts the next one off to %s", again.ProbeAt)
	}
	if again := asked.After(refused, late).Heed(asked.AskedAt, monday.Add(2*time.Second)); !again.ProbeAt.After(late) {
		t.Errorf("the visit that they asked for was refused too, and the next is at %s", again.ProbeAt)
	}
	if b := asked.After(nil, late).Heed(asked.AskedAt, monday); b.Open() {
		t.Error("an answer closes it, whoever asked for what")
	}
	if open.Remedy() == (exeunt.Breaker{Class: exeunt.Temporary}).Remedy() {
		t.Error("what to do about a refused credential is what to do about a dead system")
	}
}
