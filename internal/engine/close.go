package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
)

// closing closes cases of which nothing is left to do. It looks at those that were just changed, and now
// and then at all that are open, should a crash have come between the last settlement and the look.
type closing struct {
	e    *Engine
	bell chan struct{}

	mu   sync.Mutex
	seen map[exeunt.CaseID]bool
}

// closingPoll is how often all open cases are looked at.
const closingPoll = time.Minute

// lastClosing bounds what is closed while the engine stops.
const lastClosing = 3 * time.Second

func newClosing(e *Engine) *closing {
	return &closing{e: e, bell: make(chan struct{}, 1), seen: map[exeunt.CaseID]bool{}}
}

// look says that something of a case was settled.
func (c *closing) look(id exeunt.CaseID) {
	c.mu.Lock()
	c.seen[id] = true
	c.mu.Unlock()
	tickle(c.bell)
}

// run closes what becomes complete until it is to leave, and at last what was settled by then.
func (c *closing) run(leave context.Context) {
	ctx, end := context.WithCancel(context.WithoutCancel(leave))
	defer end()
	defer context.AfterFunc(leave, func() { time.AfterFunc(lastClosing, end) })()
	tick := time.NewTicker(max(c.e.poll, closingPoll))
	defer tick.Stop()
	c.close(ctx) // all
	for {
		select {
		case <-leave.Done():
			c.closeSeen(ctx)
			return
		case <-tick.C:
			c.close(ctx)
		case <-c.bell:
			c.closeSeen(ctx)
		}
	}
}

func (c *closing) closeSeen(ctx context.Context) {
	if ids := c.take(); len(ids) > 0 {
		c.close(ctx, ids...)
	}
}

// mostClosing bounds a query.
const mostClosing = 256

func (c *closing) take() []exeunt.CaseID {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []exeunt.CaseID
	for id := range c.seen {
		if len(ids) == mostClosing {
			tickle(c.bell)
			break
		}
		ids = append(ids, id)
		delete(c.seen, id)
	}
	slices.Sort(ids)
	return ids
}

// close closes those of some cases, or of all, that are complete.
func (c *closing) close(ctx context.Context, of ...exeunt.CaseID) {
	complete, err := c.e.store.Complete(ctx, of...)
	if err == nil {
		err = each(complete, func(k exeunt.Case) error {
			change, err := k.Close(time.Now().UTC())
			if err != nil {
				return ignoreConflict(err)
			}
			return ignoreConflict(c.e.commit(ctx, &change))
		})
	}
	if err != nil && ctx.Err() == nil {
		c.e.log.Error("complete cases could not be closed; they are looked at again in a minute", "error", err)
	}
}
