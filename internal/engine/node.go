package engine

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
)

// node is this process among those that share a database: which lanes it has, and until when.
//
// It renews its leases several times in their length. One that cannot, since it is cut off from the
// database or was paused, stops its lanes by its own clock before the others may take them; and what a
// paused node had begun is stopped by the versions of the rows, and right before each action by mayAct.
type node struct {
	e    *Engine
	name string

	mu     sync.Mutex
	lanes  map[string]*tenure
	back   map[string]bool // lanes that are given back (true), or were since the running beat began: what it finds of them may be out of date
	fence  *time.Timer     // stops the lanes when no beat comes in time; nil while no other node can be
	others bool            // other nodes live, as of the last beat
	gone   bool            // it takes no lanes any more
	ahead  time.Duration   // how far its clock is ahead of the database's, when that is too far
	fault  error           // why the last beat failed

	again   chan struct{}             // the configuration is another one: beat at once
	checks  chan struct{}             // a wave may be being checked
	renewed atomic.Pointer[time.Time] // when the last beat that worked was begun
}

// tenure is one lane while this node has it.
type tenure struct {
	bell   chan struct{}      // there is something to do
	looks  chan struct{}      // there is something to look at beside the visits; nobody hears it in a duty
	since  time.Time          // it was taken; zero when nobody else can have had it
	cancel context.CancelFunc // ends it at once
	rest   context.CancelFunc // ends it after what is under way
	giving bool               // it is being handed over
	done   chan struct{}
}

func newNode(e *Engine, name string) *node {
	return &node{e: e, name: name, lanes: map[string]*tenure{}, back: map[string]bool{}, checks: make(chan struct{}, 1), again: make(chan struct{}, 1)}
}

// names are the lanes that this node knows: its configuration's systems, and the duties.
func (n *node) names() []string {
	names := slices.Clone(n.e.systems.Names())
	for name := range n.e.duties {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// wake rings a lane's bell, should this node have it. What there is to do for waves may be a check, which concerns
// all lanes.
func (n *node) wake(lane string) {
	if lane == store.DutyWaves {
		tickle(n.checks)
	}
	system, looks := store.LooksOf(lane)
	n.mu.Lock()
	defer n.mu.Unlock()
	switch t := n.lanes[system]; {
	case t == nil: // another node has it
	case looks:
		tickle(t.looks)
	default:
		tickle(t.bell)
	}
}

func (n *node) keepBeating(ctx context.Context) {
	every := n.e.lease / 4
	if !n.e.store.Shared() {
		every = n.e.poll // nobody waits for it: only what the configuration adds is taken
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-n.again:
		}
		if ctx.Err() != nil { // both at once
			return
		}
		if err := n.beat(ctx); err != nil && ctx.Err() == nil {
			n.e.log.Error("this node could not renew its lanes; others take them if that lasts", "error", err)
		}
	}
}

// beat renews this node's leases and begins and ends lanes accordingly.
func (n *node) beat(ctx context.Context) error {
	n.mu.Lock()
	maps.DeleteFunc(n.back, func(_ string, still bool) bool { return !still })
	gone := n.gone
	n.mu.Unlock()
	began := time.Now()
	names := n.names()
	if gone { // others take what is free
		names = nil
	}
	b, err := n.e.store.Beat(ctx, store.Node{Name: n.name, Knows: names, Lease: n.e.lease, Clock: n.e.clock, Configuration: n.e.version()})
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fault = err; err != nil {
		return err
	}
	for name, t := range n.lanes {
		if !slices.Contains(b.Lanes, name) {
			if !t.giving {
				n.e.log.Warn("another node has taken a lane of this one", "lane", name)
			}
			t.cancel()
			delete(n.lanes, name)
		}
	}
	n.renewed.Store(&began) // not before what was lost is cut off: who was paused may be about to act
	if n.gone {             // what is under way ends under the renewed lease
		return nil
	}
	n.setFence()
	n.others = b.Nodes > 1
	n.setAhead(b.Ahead)
	for _, name := range b.Lanes {
		if _, back := n.back[name]; back { // the next beat knows whose it is
			continue
		}
		t := n.lanes[name]
		switch give := slices.Contains(b.Surplus, name); {
		case give && (t == nil || !t.giving):
			if t == nil { // its name stands on it, and it has not begun it
				t = notBegun()
				n.lanes[name] = t
			}
			t.giving = true
			t.rest()
			n.e.running.Go(func() { n.handOver(ctx, name, t) })
		case !give && t == nil && slices.Contains(names, name):
			n.lanes[name] = n.begin(ctx, name, b.Pauses[name])
		}
	}
	return nil
}

// setAhead keeps how wrong the clock is, and says so when that changes.
func (n *node) setAhead(by time.Duration) {
	switch {
	case by != 0 && n.ahead == 0:
		n.e.log.Error(n.wrongClock(by).String(), "ahead", by.Round(time.Second))
	case by == 0 && n.ahead != 0:
		n.e.log.Info("this server's clock is right again: it takes its part of the work")
	}
	n.ahead = by
}

func (n *node) wrongClock(by time.Duration) store.WrongClock {
	return store.WrongClock{Node: n.name, Ahead: by, Alone: !n.others}
}

// health says what keeps this node from its part of the work; nil when nothing does.
func (n *node) health() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.ahead != 0:
		return exeunt.Errorf(exeunt.Invalid, "%s", n.wrongClock(n.ahead))
	case n.fault != nil && !n.mayAct():
		return exeunt.Errorf(exeunt.Temporary, "this server has lost touch with the database and leaves the work to others until it is back: %s", exeunt.MessageOf(n.fault))
	}
	return nil
}

// begin starts a lane, whose system asked whoever had it before for a pause.
func (n *node) begin(ctx context.Context, name string, pause time.Duration) *tenure {
	work, cancel := context.WithCancel(ctx)
	resting, rest := context.WithCancel(work)
	t := &tenure{bell: make(chan struct{}, 1), looks: make(chan struct{}, 1), cancel: cancel, rest: rest, done: make(chan struct{})}
	if n.e.store.Shared() {
		t.since = time.Now()
	}
	held := &connector.Tenure{Since: t.since, Lasts: n.mayAct}
	if pause > 0 {
		held.NotBefore = time.Now().Add(pause)
	}
	work, looks := connector.WithTenure(work, held), connector.WithTenure(resting, held)
	run := newLane(n.e, name, t.bell).run
	look := (&looking{e: n.e, system: name, bell: t.looks, ended: map[exeunt.WaveID]int{}}).run
	if d, ok := n.e.duties[name]; ok {
		run = duty{name: name, work: d.work}.runner(n.e, t.bell)
		look = func(context.Context) {}
	}
	n.e.running.Go(func() {
		defer close(t.done)
		defer cancel()
		var beside sync.WaitGroup
		defer beside.Wait()
		beside.Go(func() { look(looks) })
		run(work, resting)
	})
	tickle(n.checks)
	return t
}

// notBegun is the tenure of a lane that is given back before anything was done in it.
func notBegun() *tenure {
	_, cancel := context.WithCancel(context.Background())
	t := &tenure{bell: make(chan struct{}, 1), cancel: cancel, rest: cancel, done: make(chan struct{})}
	close(t.done)
	return t
}

// handOver gives a lane to the others once what is under way has ended.
func (n *node) handOver(ctx context.Context, name string, t *tenure) {
	<-t.done
	n.mu.Lock()
	lost := n.lanes[name] != t
	if !lost {
		n.back[name] = true
	}
	n.mu.Unlock()
	if lost { // what stands in the database is another tenure
		return
	}
	if err := n.e.store.LetGo(ctx, n.name, name); err != nil && ctx.Err() == nil {
		n.e.log.Warn("a lane could not be handed over at once; that is tried again", "lane", name, "error", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.back[name] = false
	if n.lanes[name] == t {
		delete(n.lanes, name)
	}
}

// margin is how much earlier than its lease a node stops by its own clock.
func (n *node) margin() time.Duration { return n.e.lease / 4 }

// setFence stops every lane unless the next beat comes in time.
func (n *node) setFence() {
	if !n.e.store.Shared() {
		return
	}
	if n.fence != nil {
		n.fence.Stop()
	}
	n.fence = time.AfterFunc(n.e.lease-n.margin(), func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.mayAct() || len(n.lanes) == 0 {
			return
		}
		n.e.log.Error("this node could not renew its lanes in time and stops them; it goes on when it reaches the database again")
		for name, t := range n.lanes {
			t.cancel()
			delete(n.lanes, name)
		}
	})
}

// mayAct says whether this node's leases are surely its own now. It is asked right before each action, since
// the process may have been paused since the intent was recorded.
func (n *node) mayAct() bool {
	if !n.e.store.Shared() {
		return true
	}
	at := n.renewed.Load()
	if at == nil {
		return false
	}
	// By the wall clock too: the other one stands still while the machine sleeps.
	silent := max(time.Since(*at), time.Now().Round(0).Sub(at.Round(0)))
	return silent < n.e.lease-n.margin()
}

// keepListening hears of what other nodes' commits have woken.
func (n *node) keepListening(ctx context.Context) {
	for ctx.Err() == nil {
		err := n.e.store.Listen(ctx, n.wake)
		if err == nil {
			return // there can be no others
		}
		if ctx.Err() == nil {
			n.e.log.Warn("wake-ups of other nodes are not heard for the moment; lanes are polled", "error", err)
			pause(ctx)
		}
	}
}

// leave ends every lane: after what is under way as long as ctx allows, then at once. Others need not wait for the
// slowest.
func (n *node) leave(ctx context.Context) {
	n.mu.Lock()
	n.gone = true
	if n.fence != nil {
		n.fence.Stop()
	}
	var all []*tenure
	for name, t := range n.lanes {
		t.rest()
		all = append(all, t)
		if n.others && !t.giving {
			t.giving = true
			n.e.running.Go(func() { n.handOver(ctx, name, t) })
		}
	}
	n.mu.Unlock()
	for _, t := range all {
		select {
		case <-t.done:
		case <-ctx.Done():
			t.cancel()
			<-t.done
		}
	}
}

// breather is how long is waited after the database did not answer.
const breather = time.Second

// pause waits for a breather, or less when ctx ends.
func pause(ctx context.Context) {
	timer := time.NewTimer(breather)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
