package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/exeunt/exeunt"
)

// Lone is one departure after another on an engine with nothing else to do.
type Lone struct {
	FirstRequest Quantiles `json:"first_request"` // from the webhook's receipt to the first request to the last of the systems
	AllConfirmed Quantiles `json:"all_confirmed"` // to the last step confirmed, durable
}

// lonePeople is how many departures are timed.
const lonePeople = 200

// RunLone measures lone departures.
func RunLone(ctx context.Context, o Options) (*Lone, error) {
	h, err := openHouse(ctx, o.Dir, o.Database, exeunt.Rate{})
	if err != nil {
		return nil, err
	}
	var first, all []time.Duration
	err = inHouse(ctx, h, func(h *house) error {
		for i := range lonePeople {
			employee := fmt.Sprintf("l%04d", i)
			began := time.Now()
			if err := h.announce(ctx, employee, true); err != nil {
				return err
			}
			if err := h.closed(ctx, i+1); err != nil {
				return err
			}
			all = append(all, time.Since(began))
			first = append(first, h.askedEverywhere(employee).Sub(began))
		}
		return nil
	})
	return &Lone{quantiles(first), quantiles(all)}, err
}

// askedEverywhere is when the last of the systems was first asked about somebody; zero while one was not.
func (h *house) askedEverywhere(employee string) time.Time {
	var last time.Time
	for _, v := range h.vendors {
		at := v.askedOf(employee)
		if at.IsZero() {
			return at
		}
		if at.After(last) {
			last = at
		}
	}
	return last
}
