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

// Watch ticks when the case may have changed, until ctx is done. Case 0 watches all.
func (e *Engine) Watch(ctx context.Context, id exeunt.CaseID) <-chan struct{} {
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
