package engine

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// node is this process among those that share a database: which lanes it has, and until when.
//
// It renews its leases several times in their length. One that cannot, since it is cut off from the
// database or was paused, stops its lanes by its own clock before the others may take them; and what a
// paused node had begun is stopped by the versions of the rows, and right before each action by mayAct.
type node struct {
	e    *Engine
	name string

	mu    sync.Mutex
	lanes map[string]*tenure
	fence *time.Timer // stops the lanes when no beat comes in time; nil while no other node can be
	gone  bool        // it takes no lanes any more

	renewed atomic.Pointer[time.Time] // when the last beat that worked was begun
}

// tenure is one lane while this node has it.
type tenure struct {
	bell   chan struct{}      // there is something to do
	cancel context.CancelFunc // ends it at once
	rest   context.CancelFunc // ends it after what is under way
	done   chan struct{}
}

func newNode(e *Engine, name string) *node {
	return &node{e: e, name: name, lanes: map[string]*tenure{}}
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

// wake rings a lane's bell, should this node have it.
func (n *node) wake(lane string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if t := n.lanes[lane]; t != nil {
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
		}
		if err := n.beat(ctx); err != nil && ctx.Err() == nil {
			n.e.log.Error("this node could not renew its lanes; others take them if that lasts", "error", err)
		}
	}
}

// beat renews this node's leases and begins and ends lanes accordingly.
func (n *node) beat(ctx context.Context) error {
	began := time.Now()
	names := n.names()
	b, err := n.e.store.Beat(ctx, n.name, names, n.e.lease)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.gone {
		return nil
	}
	n.renewed.Store(&began)
	n.setFence()
	for name, t := range n.lanes {
		if !slices.Contains(b.Lanes, name) {
			n.e.log.Warn("another node has taken a lane of this one", "lane", name)
			t.cancel()
			delete(n.lanes, name)
		}
	}
	keep, surplus := b.Lanes[:len(b.Lanes)-b.Surplus], b.Lanes[len(b.Lanes)-b.Surplus:]
	for _, name := range keep {
		if n.lanes[name] == nil && slices.Contains(names, name) {
			n.lanes[name] = n.begin(ctx, name)
		}
	}
	for _, name := range surplus {
		if t := n.lanes[name]; t != nil {
			t.rest()
			n.e.running.Go(func() { n.handOver(ctx, name, t) })
		}
	}
	return nil
}

// begin starts a lane.
func (n *node) begin(ctx context.Context, name string) *tenure {
	work, cancel := context.WithCancel(ctx)
	resting, rest := context.WithCancel(work)
	t := &tenure{bell: make(chan struct{}, 1), cancel: cancel, rest: rest, done: make(chan struct{})}
	run := newLane(n.e, name, t.bell).run
	if d, ok := n.e.duties[name]; ok {
		run = duty{name: name, work: d.work}.runner(n.e, t.bell)
	}
	n.e.running.Go(func() {
		defer close(t.done)
		defer cancel()
		run(work, resting)
	})
	return t
}

// handOver gives a lane to the others once what is under way has ended.
func (n *node) handOver(ctx context.Context, name string, t *tenure) {
	<-t.done
	n.mu.Lock()
	if n.lanes[name] == t {
		delete(n.lanes, name)
	}
	n.mu.Unlock()
	if err := n.e.store.LetGo(ctx, n.name, name); err != nil && ctx.Err() == nil {
		n.e.log.Warn("a lane could not be handed over at once; its lease ends by itself", "lane", name, "error", err)
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
	return at != nil && time.Since(*at) < n.e.lease-n.margin()
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
			pause(ctx, time.Second)
		}
	}
}

// leave ends every lane: after what is under way as long as ctx allows, then at once.
func (n *node) leave(ctx context.Context) {
	n.mu.Lock()
	n.gone = true
	if n.fence != nil {
		n.fence.Stop()
	}
	var all []*tenure
	for _, t := range n.lanes {
		t.rest()
		all = append(all, t)
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

// pause waits, or less when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
