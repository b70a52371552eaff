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
	sent  bool   // it has arrived, while the process was paused
}

// verdict is what the driver decided for a visitor.
type verdict struct {
	fault fault
	died  bool // the process did
	late  bool // the visitor's own time was up before anything happened
}

func newTurnstile() *turnstile { return &turnstile{arrived: make(chan struct{}, 1)} }

// pass waits for the driver's verdict. In a process that has died it does not return, unless the visitor is in a
// transaction or a search, which others wait for and which must therefore fail.
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
		if got.late = !t.stopped(v.life); !got.late { // who is paused hears nothing
			got = <-v.on
		}
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
	switch v.at {
	case beforeCommit, afterCommit:
		return verdict{died: true}
	case beforeSearch: // others wait for whoever looks on their behalf; it cannot write what it hears
		return verdict{died: true, late: true}
	default:
	}
	runtime.Goexit()
	return verdict{}
}

func (t *turnstile) forget(v *visitor) {
	is := func(other *visitor) bool { return other == v }
	t.waiting, t.come = slices.DeleteFunc(t.waiting, is), slices.DeleteFunc(t.come, is)
}

func (t *turnstile) stopped(l *life) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return l.paused
}

// settle waits until everybody waits, and returns who waits here in a process that runs, in
// an order that the seed alone decides.
func (t *turnstile) settle() []*visitor {
	synctest.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.arrived:
	default:
	}
	slices.SortFunc(t.come, func(a, b *visitor) int { return a.compare(b) })
	for i, v := range t.come {
		t.turns++
		v.turn = t.turns
		if i > 0 && v.compare(t.come[i-1]) == 0 {
			t.unclear = string(v.at) + " " + v.label
		}
	}
	t.waiting = append(t.waiting, t.come...)
	t.come = nil
	return slices.DeleteFunc(slices.Clone(t.waiting), func(v *visitor) bool { return v.life.paused })
}

func (v *visitor) compare(other *visitor) int {
	return cmp.Or(cmp.Compare(v.at, other.at), cmp.Compare(v.label, other.label), cmp.Compare(v.life.number, other.life.number))
}

// pause lets nobody of a life go on until it is resumed. What is on the wire by then may arrive all the same.
func (t *turnstile) pause(l *life, arrives func() bool) {
	t.mu.Lock()
	l.paused = true
	all := slices.Clone(t.waiting)
	t.mu.Unlock()
	for _, v := range all {
		if v.life == l && v.wired != nil && arrives() {
			v.wired()
			v.wired, v.sent = nil, true
		}
	}
}

func (t *turnstile) resume(l *life) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.paused = false
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
	others := func(v *visitor) bool { return v.life != l }
	mine := slices.DeleteFunc(append(slices.Clone(t.waiting), t.come...), others)
	is := func(v *visitor) bool { return v.life == l }
	t.waiting, t.come = slices.DeleteFunc(t.waiting, is), slices.DeleteFunc(t.come, is)
	t.mu.Unlock()
	for _, v := range mine {
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
