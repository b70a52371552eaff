package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
)

// lane drains one system's line: urgent visits before others, as many at once as the lane has seats. It
// looks a few visits ahead, and anew whenever it was woken, so that who comes later and stands further
// ahead does not wait for those who were seen before. While the system's breaker is open it only tries, now and
// then, whether the system is back.
type lane struct {
	e      *Engine
	system string
	bell   chan struct{}
	ended  chan ending

	mu      sync.Mutex
	there   map[exeunt.CaseID]string    // visits under way, and to whom
	resting map[exeunt.CaseID]time.Time // not to be looked at before: the last look failed or found nothing

	seats   int            // visits at once; as many again when they are urgent
	breaker exeunt.Breaker // of this lane's loop alone
	known   bool           // the breaker was read
	paused  time.Time      // until when the system asked to be left alone, as far as that is kept
}

// ending is how a visit ended.
type ending struct {
	of      exeunt.CaseID
	began   time.Time
	verdict verdict
}

// Seats are visits at once. Most of a visit's time goes by waiting: for the vendor, whose own limits the
// connector's lane keeps, and for commits, which are cheaper together. A system that is limited is sent as many
// visits as keep it busy and no more, since a visit that has begun waits inside its time.
const (
	seats         = 16
	busyFor       = 10 // seconds
	callsInAVisit = 5  // to find, and for each of some two steps to look, act and look
)

// seatsFor is how many visits a system is sent at once, urgent ones not counted.
func seatsFor(r exeunt.Rate) int {
	if r.PerSecond <= 0 {
		return seats
	}
	return min(max(int(r.PerSecond*busyFor/callsInAVisit), 1), seats)
}

// fresh is how long visits that were looked ahead are taken without looking again after a wake-up.
const fresh = 20 * time.Millisecond

// restAfter is how long a case is left alone in a lane after a visit that could not be brought to an end.
const restAfter = 5 * time.Second

func newLane(e *Engine, system string, bell chan struct{}) *lane {
	return &lane{e: e, system: system, bell: bell, ended: make(chan ending, 2*seats), there: map[exeunt.CaseID]string{}, resting: map[exeunt.CaseID]time.Time{}, breaker: exeunt.Breaker{System: system}}
}

// run drains the lane until resting ends, lets visits that are under way finish, and returns. When ctx ends
// they are cut off.
func (l *lane) run(ctx, resting context.Context) {
	var visits sync.WaitGroup
	defer visits.Wait()
	var ahead []store.Visit
	var looked time.Time
	l.seats = seats
	for resting.Err() == nil {
		if !l.readBreaker(resting) {
			continue
		}
		if l.breaker.Open() {
			ahead = nil
			l.stayOff(ctx, resting, &visits)
			continue
		}
		l.sit()
		free := l.seats - l.underWay()
		if free > -l.seats && (len(ahead) == 0 || time.Since(looked) > fresh) {
			looked = time.Now()
			var ok bool
			if ahead, ok = l.look(resting, 2*l.seats); !ok {
				continue
			}
		}
		more := len(ahead) == 2*l.seats
		before := free
		for ; len(ahead) > 0 && (free > 0 || free > -l.seats && urgent(ahead[0])); ahead = ahead[1:] {
			if l.begin(ctx, &visits, ahead[0]) {
				free--
			}
		}
		if free <= 0 || !more || free == before {
			l.wait(resting, free > 0, l.untilNext)
		}
	}
}

// sit makes as many seats as the system's rate allows now: another configuration may say another one.
func (l *lane) sit() {
	if system, err := l.e.systems.System(l.system); err == nil {
		l.seats = seatsFor(system.Rate)
	}
}

// urgent says whether a visit is one of an immediate departure, which need not wait for a seat.
func urgent(v store.Visit) bool {
	return slices.ContainsFunc(v.Steps, func(s exeunt.Step) bool { return s.Urgent && !s.State.Settled() })
}

// place is where a visit stands in the line: with the first of its steps.
func place(v store.Visit, now time.Time) time.Time {
	first := now
	for _, s := range due(v.Steps, now) {
		at, _ := s.DueAt()
		if p := s.Place(at); p.Before(first) {
			first = p
		}
	}
	return first
}

// look reads the beginning of the line. It is not ok when the database did not answer, after a pause.
func (l *lane) look(ctx context.Context, limit int) (visits []store.Visit, ok bool) {
	visits, err := l.e.store.Line(ctx, l.system, time.Now(), l.leftOut, limit)
	if err != nil {
		l.failed(ctx, "its line could not be read", err)
		pause(ctx)
	}
	return visits, err == nil
}

// wait returns when there may be something to do. An idle lane waits for a time, too.
func (l *lane) wait(ctx context.Context, idle bool, atMost func(context.Context) time.Duration) {
	var timer <-chan time.Time
	if idle {
		t := time.NewTimer(atMost(ctx))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-l.bell:
	case end := <-l.ended:
		l.mu.Lock()
		delete(l.there, end.of)
		l.mu.Unlock()
		l.judge(ctx, end)
	case <-timer:
	case <-ctx.Done():
	}
}

// untilNext is how long nothing becomes due, at most the poll.
func (l *lane) untilNext(ctx context.Context) time.Duration {
	now := time.Now()
	wait := l.e.poll
	next, err := l.e.store.NextVisit(ctx, l.system, now)
	if err != nil {
		l.failed(ctx, "its next timer could not be read", err)
		return time.Second
	}
	if !next.IsZero() {
		wait = min(wait, next.Sub(now))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, until := range l.resting {
		if until.After(now) {
			wait = min(wait, until.Sub(now))
		} else {
			delete(l.resting, id)
		}
	}
	return max(wait, time.Millisecond)
}

func (l *lane) underWay() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.there)
}

// leftOut says whether a case is not to be visited now.
func (l *lane) leftOut(id exeunt.CaseID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.there[id] != "" || l.resting[id].After(time.Now())
}

// begin begins a visit, unless another case of the same person is visited: one that is put back and one by
// which they leave again must not be at the same account at once. It is found in line again after that.
func (l *lane) begin(ctx context.Context, visits *sync.WaitGroup, v store.Visit) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	person := v.Case.Leaver().Key()
	for _, other := range l.there {
		if other == person {
			return false
		}
	}
	l.there[v.Case.ID] = person
	visits.Go(func() { l.visit(ctx, v) })
	return true
}

// visit makes one visit. One that fails leaves its steps due: they rest for a while, so that a fault of ours
// does not become a storm.
func (l *lane) visit(ctx context.Context, v store.Visit) {
	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, visitTimeout)
	defer cancel()
	verdict, err := l.e.visit(connector.WithPlace(bounded, place(v, time.Now())), v)
	if err != nil {
		l.failed(ctx, "a visit failed", err, "case", v.Case.ID)
	}
	if err != nil || !verdict.did {
		l.mu.Lock()
		l.resting[v.Case.ID] = time.Now().Add(restAfter)
		l.mu.Unlock()
	}
	l.ended <- ending{v.Case.ID, began, verdict}
}

func (l *lane) failed(ctx context.Context, what string, err error, also ...any) {
	if ctx.Err() == nil { // else we were stopped
		l.e.log.Error("lane: "+what+"; it is looked at again in some seconds", append([]any{"system", l.system, "error", err}, also...)...)
	}
}
