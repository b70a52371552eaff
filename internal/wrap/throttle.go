package wrap

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// patience is how long a caller itself waits when the vendor asked for a pause. A longer pause is
// handed back as Throttled with the wait, so that the engine looks again later and no worker sleeps.
const patience = 2 * time.Second

// defaultConcurrency is what exeunt.Rate documents for zero.
const defaultConcurrency = 4

// Lane is what all callers of one system on this node share: its request rate, how many calls run at
// once, and the pause that the vendor last asked for. A slow system fills its own lane only.
type Lane struct {
	system string
	seats  chan struct{}

	mu      sync.Mutex
	limiter *rate.Limiter
	tenure  *connector.Tenure // in which the limiter's budget is being spent
	paused  time.Time         // until when
}

// NewLane makes the lane of a system. A rate of zero does not limit; a concurrency of zero means 4.
func NewLane(system string, r exeunt.Rate) *Lane {
	limit, burst := rate.Inf, 1
	if r.PerSecond > 0 {
		limit, burst = rate.Limit(r.PerSecond), max(1, int(r.PerSecond))
	}
	seats := r.Concurrency
	if seats <= 0 {
		seats = defaultConcurrency
	}
	return &Lane{system: system, limiter: rate.NewLimiter(limit, burst), seats: make(chan struct{}, seats)}
}

// Pause stops every caller of the system for a while. A shorter pause never shortens a longer one.
func (l *Lane) Pause(wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(wait); until.After(l.paused) {
		l.paused = until
	}
}

// Paused is how much of the vendor's pause is left.
func (l *Lane) Paused() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, time.Until(l.paused))
}

// Throttle gives each verb a seat and a request of the lane's rate. For HTTP connectors the requests
// after a verb's first are counted by Lane.Transport.
func Throttle(c connector.Connector, l *Lane) connector.Connector {
	return around{c, func(ctx context.Context, _ string, call func(context.Context) error) error {
		select {
		case l.seats <- struct{}{}:
			defer func() { <-l.seats }()
		case <-ctx.Done():
			return exeunt.Errorf(exeunt.Temporary, "%s is busy with other work: no turn came in time", l.system).Because(ctx.Err())
		}
		if err := l.turn(ctx); err != nil {
			return err
		}
		err := call(context.WithValue(ctx, prepaidKey{}, &prepaid{left: 1}))
		if e, ok := errors.AsType[*exeunt.Error](err); ok && e.RetryAfter > 0 {
			l.Pause(e.RetryAfter)
		}
		return err
	}}
}

// turn waits for the pause to end and for the rate to allow a request, or says how long that takes.
func (l *Lane) turn(ctx context.Context) error {
	if left := l.Paused(); left > patience {
		return l.throttled(left)
	} else if left > 0 {
		if err := sleep(ctx, left); err != nil {
			return l.throttled(left)
		}
	}
	tenure := connector.TenureOf(ctx)
	r := l.budget(tenure).Reserve()
	wait := r.Delay()
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
		r.Cancel()
		return l.throttled(wait)
	}
	if err := sleep(ctx, wait); err != nil {
		r.Cancel()
		return exeunt.Errorf(exeunt.Temporary, "%s: the call was given up while it waited for its turn", l.system).Because(err)
	}
	return tenure.Over() // the process may have been paused meanwhile
}

// budget is the lane's limiter. At the beginning of a tenure it is empty, since the server that had the lane
// before may have spent all that there was.
func (l *Lane) budget(t *connector.Tenure) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t != nil && t != l.tenure {
		l.tenure = t
		if !t.Since.IsZero() {
			l.limiter = rate.NewLimiter(l.limiter.Limit(), l.limiter.Burst())
			l.limiter.ReserveN(t.Since, l.limiter.Burst())
		}
	}
	return l.limiter
}

func (l *Lane) throttled(wait time.Duration) error {
	return exeunt.Errorf(exeunt.Throttled, "%s asked us to slow down; going on in %s", l.system, shown(wait)).After(wait)
}

// shown rounds up: "going on in 0s" helps nobody.
func shown(wait time.Duration) time.Duration {
	return max(wait.Round(time.Second), time.Second)
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// prepaid carries the request that a verb has paid for to the transport, so that the first request
// of a verb does not cost two.
type (
	prepaid struct {
		mu   sync.Mutex
		left int
	}
	prepaidKey struct{}
)

func (p *prepaid) take() bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left == 0 {
		return false
	}
	p.left--
	return true
}

// Transport counts HTTP requests against the lane and takes up the pause that an answer asks for: 429
// and 503 with a Retry-After (RFC 9110 §10.2.3, RFC 6585 §4) or a rate limit reset; and any other that
// says that it was the last one for now, so that no visit is lost to the 429 that would follow.
func (l *Lane) Transport(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		paid, _ := r.Context().Value(prepaidKey{}).(*prepaid)
		if !paid.take() {
			if err := l.turn(r.Context()); err != nil {
				closeBody(r)
				return nil, err
			}
		} else if err := connector.TenureOf(r.Context()).Over(); err != nil {
			closeBody(r)
			return nil, err
		}
		answer, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		asks := connector.Spent
		if answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusServiceUnavailable {
			asks = connector.RetryAfter
		}
		if wait := asks(answer.Header, time.Now()); wait > 0 {
			l.Pause(wait)
		}
		return answer, nil
	})
}
