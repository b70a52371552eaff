package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// lag is since when something is behind what it has to keep up with.
type lag struct{ since time.Time }

// behind notes whether it is, and says for how long.
func (l *lag) behind(is bool, now time.Time) time.Duration {
	if !is {
		l.since = time.Time{}
		return 0
	}
	if l.since.IsZero() {
		l.since = now
	}
	return now.Sub(l.since)
}

// keepUp is how far behind the witnesses are, as it was seen last.
type keepUp struct {
	mu   sync.Mutex
	at   time.Time     // when they cosigned last
	late time.Duration // for how long they have been behind
}

func (k *keepUp) anchored(at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at = at
}

func (k *keepUp) seen() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.at
}

func (k *keepUp) behind(long time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.late = long
}

// WitnessesLate is for how long the witnesses have not cosigned what the log has.
func (p *Proofs) WitnessesLate() time.Duration {
	p.keepUp.mu.Lock()
	defer p.keepUp.mu.Unlock()
	return p.keepUp.late
}

// watchEvery is how often it is looked whether witnesses keep up.
const watchEvery = time.Minute

// keepWatchingWitnesses tells the operator when the witnesses have not cosigned for long what the log signed. Nothing
// else waits for them, but erasures.
func (a *App) keepWatchingWitnesses(ctx context.Context) {
	if !a.Proofs.policy.Witnessed() {
		return
	}
	var late lag
	every(ctx, watchEvery, func(now time.Time) { a.witnessesAt(ctx, &late, now) })
}

func (a *App) witnessesAt(ctx context.Context, late *lag, now time.Time) {
	_, newest, err := a.Proofs.published(ctx, "checkpoint")
	if err != nil {
		return // the check of the ledger says it
	}
	signed, cosigned, err := a.Proofs.published(ctx, ledger.CosignedFile)
	var seen []verify.Cosignature
	if err == nil { // by our policy, which may be another one than the ledger's
		seen, err = a.Proofs.policy.Check(signed)
	}
	if err == nil && len(seen) > 0 {
		a.Proofs.keepUp.anchored(seen[0].At)
	}
	why := "see that they are reachable"
	if err != nil {
		cosigned.Size = 0
	}
	if exeunt.KindOf(err) == exeunt.Invalid {
		why = "what they cosigned does not count here, see that this server has the policy that the ledger has (" + exeunt.MessageOf(err) + ")"
	}
	long := late.behind(err != nil || cosigned.Size < newest.Size, now)
	if limit := a.Config().Ledger.AlertAfter; long >= limit && limit > 0 {
		a.alert(ctx, fmt.Sprintf("The witnesses have cosigned %d of %d entries of the ledger, and nothing newer for %s: %s. Departures go on; erasures wait.", cosigned.Size, newest.Size, long.Round(time.Minute), why),
			"witnesses:"+now.UTC().Format(time.DateOnly))
	}
	a.Proofs.keepUp.behind(long)
}
