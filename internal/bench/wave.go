package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
)

// Wave is a mass departure at systems that limit us, with immediate departures thrown in.
type Wave struct {
	Cases     int           `json:"cases"` // in line
	PerSecond float64       `json:"per_second"`
	Watched   time.Duration `json:"watched"`
	Used      float64       `json:"used"`     // calls made ÷ calls that the limits allowed, the least of the systems
	Makespan  float64       `json:"makespan"` // what that makes of the bound: 1 ÷ Used
	Refused   int           `json:"refused"`  // calls beyond the limit, which a vendor answers with 429
	Urgent    Quantiles     `json:"urgent"`   // from an immediate departure's receipt to the first request to the last of the systems
}

const (
	waveRate    = 50 // calls a second that each system allows
	waveWatched = 60 * time.Second
)

// RunWave measures a wave.
func RunWave(ctx context.Context, o Options) (*Wave, error) {
	h, err := openHouse(ctx, o.Dir, o.Database, exeunt.Rate{PerSecond: waveRate})
	if err != nil {
		return nil, err
	}
	w := &Wave{Cases: o.Cases, PerSecond: waveRate, Watched: waveWatched}
	err = inHouse(ctx, h, func(h *house) error {
		if err := announceAll(ctx, h, o.Cases); err != nil {
			return err
		}
		if err := h.opened(ctx, o.Cases); err != nil {
			return err
		}
		o.Note("the wave of %d is in line; watching it for %s", o.Cases, waveWatched)
		return w.watch(ctx, h)
	})
	return w, err
}

func (w *Wave) watch(ctx context.Context, h *house) error {
	before := map[string]int{}
	for name, v := range h.vendors {
		before[name] = v.called()
	}
	began := time.Now()
	times, err := throwIn(ctx, h, int(waveWatched/time.Second))
	if err != nil {
		return err
	}
	allowed := waveRate * time.Since(began).Seconds()
	w.Used = 1
	for name, v := range h.vendors {
		w.Used = min(w.Used, float64(v.called()-before[name])/allowed)
		w.Refused += v.beyond(waveRate)
	}
	w.Makespan, w.Urgent = 1/w.Used, quantiles(times)
	return nil
}

// throwIn announces an immediate departure a second and times how soon each is under way everywhere.
func throwIn(ctx context.Context, h *house, n int) ([]time.Duration, error) {
	var mu sync.Mutex
	var times []time.Duration
	var first error
	var all sync.WaitGroup
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for i := range n {
		<-tick.C
		all.Go(func() {
			took, err := underWay(ctx, h, fmt.Sprintf("u%04d", i))
			mu.Lock()
			defer mu.Unlock()
			if times = append(times, took); err != nil {
				first = err
			}
		})
	}
	all.Wait()
	return times, first
}

func underWay(ctx context.Context, h *house, employee string) (time.Duration, error) {
	began := time.Now()
	if err := h.announce(ctx, employee, true); err != nil {
		return 0, err
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if at := h.askedEverywhere(employee); !at.IsZero() {
			return at.Sub(began), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
