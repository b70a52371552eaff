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
		"a probe that is slowed down":    {ends: []*exeunt.Error{refused, slow}},
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
