package wrap

import (
	"context"
	"errors"
	"net/http"
	"slices"
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
//
// A seat and a request of the rate are given together, to whoever stands furthest ahead (connector.PlaceOf):
// who waits holds nothing that a more urgent one could use.
type Lane struct {
	system string

	mu      sync.Mutex
	seats   int // that are free
	limiter *rate.Limiter
	tenure  *connector.Tenure // in which the limiter's budget is being spent
	paused  time.Time         // until when
	waiting []*caller
	arrived int64 // callers so far
	timer   *time.Timer
}

// caller waits for its turn.
type caller struct {
	place   time.Time
	arrival int64
	sits    bool // it needs a seat, too
	turn    chan struct{}
}

// before says whether a caller's turn comes first.
func (c *caller) before(o *caller) bool {
	if !c.place.Equal(o.place) {
		return c.place.Before(o.place)
	}
	return c.arrival < o.arrival
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
	return &Lane{system: system, limiter: rate.NewLimiter(limit, burst), seats: seats}
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
		if err := l.turn(ctx, true); err != nil {
			connector.NotServed(ctx)
			return err
		}
		defer l.leave()
		err := call(context.WithValue(ctx, prepaidKey{}, &prepaid{left: 1}))
		if e, ok := errors.AsType[*exeunt.Error](err); ok && e.RetryAfter > 0 {
			l.Pause(e.RetryAfter)
		}
		return err
	}}
}

// turn waits for the pause to end, for the rate to allow a request and, for who sits, for a seat. A pause that
// is longer than our patience is handed back.
func (l *Lane) turn(ctx context.Context, sits bool) error {
	tenure := connector.TenureOf(ctx)
	if left := l.begin(tenure); left > patience {
		return l.throttled(left)
	}
	c := l.wait(connector.PlaceOf(ctx), sits)
	select {
	case <-c.turn:
	case <-ctx.Done():
		l.giveUp(c)
		return exeunt.Errorf(exeunt.Throttled, "%s is busy with other work, or slowed us down: no turn came in time", l.system).Because(ctx.Err())
	}
	if err := tenure.Over(); err != nil { // the process may have been paused meanwhile
		if sits {
			l.leave()
		}
		return err
	}
	return nil
}

// begin begins a tenure, should it be a new one, and says how long the system's pause lasts.
func (l *Lane) begin(t *connector.Tenure) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.budget(t)
	return time.Until(l.paused)
}

// wait puts a caller into the queue.
func (l *Lane) wait(place time.Time, sits bool) *caller {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrived++
	c := &caller{place: place, arrival: l.arrived, sits: sits, turn: make(chan struct{})}
	l.waiting = append(l.waiting, c)
	l.serve()
	return c
}

// leave gives a seat back.
func (l *Lane) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seats++
	l.serve()
}

// giveUp takes back a caller who waits no longer. One whose turn has come in the same moment gives its seat back.
func (l *Lane) giveUp(c *caller) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiting, c); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	} else if c.sits {
		l.seats++
	}
	l.serve()
}

// serve gives turns while there are any, and looks again when the next one is due.
func (l *Lane) serve() {
	for {
		next := l.first()
		if next < 0 {
			return
		}
		wait := time.Until(l.paused)
		if wait <= 0 {
			r := l.limiter.Reserve()
			if wait = r.Delay(); wait > 0 {
				r.Cancel()
			}
		}
		if wait > 0 {
			l.later(wait)
			return
		}
		c := l.waiting[next]
		l.waiting = slices.Delete(l.waiting, next, next+1)
		if c.sits {
			l.seats--
		}
		close(c.turn)
	}
}

// first is who stands furthest ahead of those who could go, or -1. Few wait: the engine sends no more visits
// than a system can take.
func (l *Lane) first() int {
	first := -1
	for i, c := range l.waiting {
		if (!c.sits || l.seats > 0) && (first < 0 || c.before(l.waiting[first])) {
			first = i
		}
	}
	return first
}

func (l *Lane) later(wait time.Duration) {
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer = time.AfterFunc(wait, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.serve()
	})
}

// budget begins a tenure with an empty budget, since the server that had the lane before may have spent all
// that there was, and with the pause that the system asked that one for. Who still comes from an earlier one spends the budget that there is: it begins no other.
func (l *Lane) budget(t *connector.Tenure) {
	if t == nil || l.tenure != nil && !t.Since.After(l.tenure.Since) {
		return
	}
	l.tenure = t
	if t.NotBefore.After(l.paused) {
		l.paused = t.NotBefore
	}
	if !t.Since.IsZero() {
		l.limiter = rate.NewLimiter(l.limiter.Limit(), l.limiter.Burst())
		l.limiter.ReserveN(t.Since, l.limiter.Burst())
	}
}

func (l *Lane) throttled(wait time.Duration) error {
	return exeunt.Errorf(exeunt.Throttled, "%s asked us to slow down; going on in %s", l.system, shown(wait)).After(wait)
}

// shown rounds up: "going on in 0s" helps nobody.
func shown(wait time.Duration) time.Duration {
	return max(wait.Round(time.Second), time.Second)
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
			if err := l.turn(r.Context(), false); err != nil {
				connector.NotServed(r.Context())
				closeBody(r)
				return nil, err
			}
		} else if err := connector.TenureOf(r.Context()).Over(); err != nil {
			connector.NotServed(r.Context())
			closeBody(r)
			return nil, err
		}
		answer, err := next.RoundTrip(r)
		if err != nil {
			tellService(r, 0)
			return nil, err
		}
		tellService(r, answer.StatusCode)
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

// tellService says whether a request may have changed something: not one that only asks (RFC 9110 §9.2.1), and not
// one that was refused before it was looked at. One without an answer, whose status is 0, may have.
func tellService(r *http.Request, status int) {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusTooManyRequests:
		connector.NotServed(r.Context())
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions:
		connector.Served(r.Context())
	}
}
