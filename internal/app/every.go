package app

import (
	"context"
	"time"
)

// every does something again and again until the context ends, for the first time after one period.
func every(ctx context.Context, period time.Duration, do func(now time.Time)) {
	again(ctx, period, func(now time.Time) time.Duration {
		do(now)
		return period
	})
}

// again does something after a wait, and then after each wait that it returns, until the context ends.
func again(ctx context.Context, wait time.Duration, do func(now time.Time) time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-timer.C:
			timer.Reset(do(now))
		}
	}
}
