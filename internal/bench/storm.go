package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/exeunt/exeunt"
)

// Storm is many departures at once against vendors that answer at once.
type Storm struct {
	Cases      int           `json:"cases"`
	Steps      int           `json:"steps"`
	Took       time.Duration `json:"took"`        // from the first event received to the last case closed
	PerSecond  float64       `json:"per_second"`  // confirmed steps
	Entries    int           `json:"entries"`     // of the ledger's outbox
	Shipped    time.Duration `json:"shipped"`     // from the first event to the last entry in the log
	Bound      float64       `json:"bound"`       // steps a second that a bare loop commits to the same database
	Ratio      float64       `json:"ratio"`       // of PerSecond to Bound
	PeakMemory int64         `json:"peak_memory"` // bytes, of the whole process
}

// RunStorm measures a storm.
func RunStorm(ctx context.Context, o Options) (*Storm, error) {
	bound, err := measureBound(ctx, o.Dir, o.Database)
	if err != nil {
		return nil, fmt.Errorf("the bare loop: %w", err)
	}
	h, err := openHouse(ctx, o.Dir, o.Database, exeunt.Rate{})
	if err != nil {
		return nil, err
	}
	s := Storm{Cases: o.Cases, Steps: o.Cases * stepsInCase, Bound: bound}
	err = inHouse(ctx, h, func(h *house) error {
		began := time.Now()
		if err := announceAll(ctx, h, o.Cases); err != nil {
			return err
		}
		o.Note("all %d departures are received after %s", o.Cases, time.Since(began).Round(time.Millisecond))
		if err := h.closed(ctx, o.Cases); err != nil {
			return err
		}
		s.Took = time.Since(began)
		s.PerSecond = float64(s.Steps) / s.Took.Seconds()
		s.Ratio = s.PerSecond / s.Bound
		if err := h.shippedAll(ctx); err != nil {
			return err
		}
		s.Shipped, s.PeakMemory = time.Since(began), peakMemory()
		last, err := h.store.Outbox().LastShipped(ctx)
		s.Entries = int(last) + 1
		return err
	})
	return &s, err
}

func announceAll(ctx context.Context, h *house, n int) error {
	errs := make(chan error, 32)
	for w := range cap(errs) {
		go func() {
			var err error
			for i := w; i < n && err == nil; i += cap(errs) {
				err = h.announce(ctx, fmt.Sprintf("e%06d", i), false)
			}
			errs <- err
		}()
	}
	var first error
	for range cap(errs) {
		if err := <-errs; err != nil {
			first = err
		}
	}
	return first
}

// shippedAll waits until the ledger has every entry.
func (h *house) shippedAll(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		backlog, err := h.store.Outbox().Backlog(ctx)
		if err != nil || backlog == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
