package app

import (
	"context"
	"time"
)

// How often the server makes sure that it still is the only one of its database, and how long the
// answer may take.
const (
	aloneEvery  = 3 * time.Second
	aloneAnswer = 5 * time.Second
)

// Lost is closed when the server had to stop working, since another may work on its database by now.
// Fault then says why. What is left to do is Stop.
func (a *App) Lost() <-chan struct{} { return a.lost }

// Fault is why the server had to stop working; nil while it works.
func (a *App) Fault() error {
	if why := a.fault.Load(); why != nil {
		return *why
	}
	return nil
}

// keepAlone looks at every tick whether the server still is the only one, and stops all work when not:
// two servers would take each other's visits for left over and act twice.
func (a *App) keepAlone(ctx context.Context, ticks <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		asking, cancel := context.WithTimeout(ctx, aloneAnswer)
		err := a.Store.StillAlone(asking)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			continue
		}
		a.fault.Store(&err) // not ready any more
		a.options.Log.Error("the server stops: it may no longer be the only one of its database", "error", err)
		a.cancel()
		now, cancelled := context.WithCancel(context.WithoutCancel(ctx))
		cancelled() // visits are not waited for: the other server may be at the same ones
		if err := a.Engine.Stop(now); err != nil {
			a.options.Log.Warn("the engine did not stop cleanly", "error", err)
		}
		close(a.lost)
		return
	}
}
