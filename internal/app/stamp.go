package app

import (
	"context"
	"fmt"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/stamp"
)

// How often it is looked for closed cases without a time stamp, and how long at most after a failure.
const (
	stampEvery  = 5 * time.Second
	stampAtMost = 5 * time.Minute
	stampAtOnce = 32
)

// keepStamping gets a time stamp for each case that is closed, again and again until there is one.
func (a *App) keepStamping(ctx context.Context) {
	wait := stampEvery
	again(ctx, wait, func(now time.Time) time.Duration {
		wait = a.stampOnce(ctx, wait, now)
		return wait
	})
}

// stampOnce says how long to wait before the next time: longer each time that it fails.
func (a *App) stampOnce(ctx context.Context, wait time.Duration, now time.Time) time.Duration {
	c := a.Config().Ledger.TimeStamp
	if c == nil {
		return stampEvery
	}
	err := a.stampClosed(ctx, stamp.Authority{URL: c.URL, Roots: c.Roots}, now)
	if err == nil || ctx.Err() != nil {
		return stampEvery
	}
	wait = min(2*wait, stampAtMost)
	a.options.Log.Warn("a closed case has no time stamp yet; it is tried again", "why", exeunt.MessageOf(err), "in", wait)
	return wait
}

// stampClosed stamps what is closed, and tells the operator when the oldest has waited for long.
func (a *App) stampClosed(ctx context.Context, authority stamp.Authority, now time.Time) error {
	list, since, err := a.Store.Unstamped(ctx, stampAtOnce)
	if err != nil || len(list) == 0 {
		return err
	}
	for _, u := range list {
		token, s, err := authority.Ask(ctx, u.Leaf)
		if err != nil {
			if late := now.Sub(since); late >= a.Config().Ledger.AlertAfter {
				a.alert(ctx, fmt.Sprintf("A case that was closed %s ago has no time stamp yet: %s", late.Round(time.Minute), exeunt.MessageOf(err)), "stamp:"+now.UTC().Format(time.DateOnly))
			}
			return err
		}
		if err := a.Store.SaveStamp(ctx, u, token, s.Authority, s.At); err != nil && exeunt.KindOf(err) != exeunt.Conflict {
			return err
		}
	}
	return nil
}

// stamps puts the time stamps into a packet.
func (p *Proofs) stamps(ctx context.Context, packet *ledger.Packet) error {
	for i := range packet.Entries {
		e := &packet.Entries[i]
		leaf, err := verify.DecodeLeaf(e.Leaf)
		if err != nil || leaf.Kind != exeunt.LeafClose {
			continue
		}
		if e.Stamp, err = p.store.Stamp(ctx, e.Leaf); err != nil {
			return err
		}
	}
	return nil
}
