package simulation_test

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"testing/synctest"
	"time"
)

// turnstile makes the order of everything that happens one that a seed decides. Whoever comes to a boundary
// between the engine and its world (a vendor, the database, the mail) waits there. When everybody in the bubble
// waits for something, the driver lets one of them go on, and waits until everybody waits again.
//
// Those who came meanwhile came in no order that could be told: they are put in the order of their labels, which
// say what each is about.
type turnstile struct {
	mu      sync.Mutex
	waiting []*visitor
	come    []*visitor // since the driver looked last
	turns   int
	arrived chan struct{} // somebody has come
	unclear string        // a label that two had at the same time: a fault of this test
}

// life is one run of the process, from its start to its crash.
type life struct {
	number int
	over   bool // guarded by the turnstile
	failed bool // it could not start, and ends by itself
}

// place is a kind of boundary; which faults there are depends on it.
type place string

const (
	beforeLook    place = "look"
	afterLook     place = "looked"
	beforeSearch  place = "search"
	beforeApply   place = "apply"
	afterApply    place = "applied"
	beforeWrite   place = "write"
	afterWrite    place = "written"
	beforeCommit  place = "begin"
	afterCommit   place = "committed"
	beforeMail    place = "mail"
	beforeReading place = "read"
)

// visitor is somebody who waits at a boundary.
type visitor struct {
	at    place
	label string
	life  *life
	turn  int // the how manieth visitor this is
	on    chan verdict
	wired func() // what the world may do although the process dies now: a request that was sent arrives
}

// verdict is what the driver decided for a visitor.
type verdict struct {
	fault fault
	died  bool // the process did
	late  bool // the visitor's own time was up before anything happened
}

func newTurnstile() *turnstile { return &turnstile{arrived: make(chan struct{}, 1)} }

// pass waits for the driver's verdict. In a process that has died it does not return, unless the visitor is in a
// transaction, which others wait for and which must therefore fail.
func (t *turnstile) pass(ctx context.Context, v *visitor) verdict {
	v.on = make(chan verdict, 1)
	t.mu.Lock()
	if v.life.over {
		t.mu.Unlock()
		return v.dies()
	}
	t.come = append(t.come, v)
	t.mu.Unlock()
	select {
	case t.arrived <- struct{}{}:
	default:
	}
	var got verdict
	select {
	case got = <-v.on:
	case <-ctx.Done():
		got.late = true
	}
	t.mu.Lock()
	if got.late {
		t.forget(v)
	}
	got.died = v.life.over
	t.mu.Unlock()
	if got.died {
		return v.dies()
	}
	return got
}

func (v *visitor) dies() verdict {
	if v.at == beforeCommit || v.at == afterCommit {
		return verdict{died: true}
	}
	runtime.Goexit()
	return verdict{}
}

func (t *turnstile) forget(v *visitor) {
	is := func(other *visitor) bool { return other == v }
	t.waiting, t.come = slices.DeleteFunc(t.waiting, is), slices.DeleteFunc(t.come, is)
}

// settle waits until everybody waits, and returns who waits here, in an order that the seed alone decides.
func (t *turnstile) settle() []*visitor {
	synctest.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.arrived:
	default:
	}
	slices.SortFunc(t.come, func(a, b *visitor) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.label, b.label)) })
	for i, v := range t.come {
		t.turns++
		v.turn = t.turns
		if i > 0 && t.come[i-1].at == v.at && t.come[i-1].label == v.label {
			t.unclear = string(v.at) + " " + v.label
		}
	}
	t.waiting = append(t.waiting, t.come...)
	t.come = nil
	return slices.Clone(t.waiting)
}

// release lets one go on.
func (t *turnstile) release(v *visitor, with verdict) {
	t.mu.Lock()
	t.forget(v)
	t.mu.Unlock()
	v.on <- with
}

// end lets nobody of a life go on ever again. What was sent by then may arrive all the same.
func (t *turnstile) end(l *life, arrives func() bool) {
	t.mu.Lock()
	l.over = true
	all := append(t.waiting, t.come...)
	t.waiting, t.come = nil, nil
	t.mu.Unlock()
	for _, v := range all {
		if v.wired != nil && arrives() {
			v.wired()
		}
		v.on <- verdict{}
	}
}

// elapse lets time go by until somebody comes, at most d.
func (t *turnstile) elapse(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-t.arrived:
	case <-timer.C:
	}
}
