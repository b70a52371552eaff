package engine

import (
	"context"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
)

// watchers tell live pages that a case changed. A tick is a hint to read again; several changes may
// be one tick.
type watchers struct {
	mu   sync.Mutex
	subs map[chan struct{}]exeunt.CaseID
}

func newWatchers() *watchers { return &watchers{subs: map[chan struct{}]exeunt.CaseID{}} }

func (w *watchers) changed(id exeunt.CaseID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, of := range w.subs {
		if of == id || of == 0 {
			tickle(c)
		}
	}
}

func tickle(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // one is waiting already
	}
}

// elsewhere is how often a watched case is looked at for changes by other nodes, which are not heard here.
const elsewhere = 3 * time.Second

// Watch ticks when a case that somebody may see may have changed, until ctx is done. For a case that is hidden
// from them, as for one that does not exist, it never ticks.
func (e *Engine) Watch(ctx context.Context, who exeunt.Viewer, id exeunt.CaseID) <-chan struct{} {
	if _, err := e.store.For(who).Case(ctx, id); err != nil {
		return make(chan struct{})
	}
	return e.watchCase(ctx, id)
}

// WatchAll ticks when any case may have changed. It is for those who see everything.
func (e *Engine) WatchAll(ctx context.Context) <-chan struct{} { return e.watchCase(ctx, 0) }

func (e *Engine) watchCase(ctx context.Context, id exeunt.CaseID) <-chan struct{} {
	c := make(chan struct{}, 1)
	e.watch.mu.Lock()
	e.watch.subs[c] = id
	e.watch.mu.Unlock()
	go func() {
		tick := time.NewTicker(elsewhere)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				tickle(c)
			case <-ctx.Done():
				e.watch.mu.Lock()
				delete(e.watch.subs, c)
				e.watch.mu.Unlock()
				return
			}
		}
	}()
	return c
}
