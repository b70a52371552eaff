package engine

import (
	"context"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// readBreaker reads the lane's breaker: once, since another node may have opened it; and while it is open
// each time, since a person may ask to try at once.
func (l *lane) readBreaker(ctx context.Context) bool {
	if l.known && !l.breaker.Open() {
		return true
	}
	b, err := l.e.store.Breaker(ctx, l.system)
	if err != nil {
		l.failed(ctx, "its breaker could not be read", err)
		pause(ctx)
		return false
	}
	l.breaker, l.known = b, true
	return true
}

// judge lets the breaker follow how a visit ended, and keeps and tells what changed.
func (l *lane) judge(ctx context.Context, end ending) {
	v := end.verdict
	l.keepPause(ctx, v.last)
	if !v.asked || !l.readBreaker(ctx) {
		return
	}
	now := time.Now().UTC()
	before := l.breaker
	if before.Open() && before.Concerns(v.last) && now.Before(before.ProbeAt) {
		return // a visit that began before it opened
	}
	after := before.After(v.last, now).Heed(before.AskedAt, end.began)
	if after == before {
		return
	}
	l.breaker = after
	if !after.Open() && !before.Open() {
		return // counting is not kept: a lane that moves begins anew
	}
	if err := l.e.keepBreaker(ctx, before, after, now); err != nil {
		l.failed(ctx, "its breaker could not be kept", err)
		l.breaker = before // what nobody was told of has not happened: the next visit says it again
	}
}

// worthKeeping is from which length on a pause is kept for whoever has the lane next: a shorter one is over by then.
const worthKeeping = 5 * time.Second

// keepPause keeps what a system asks for, unless that is known.
func (l *lane) keepPause(ctx context.Context, last *exeunt.Error) {
	if last == nil || last.Kind != exeunt.Throttled || last.RetryAfter < worthKeeping {
		return
	}
	until := time.Now().Add(last.RetryAfter)
	if until.Before(l.paused.Add(worthKeeping)) {
		return
	}
	if err := l.e.store.KeepPause(ctx, l.system, last.RetryAfter); err != nil {
		l.failed(ctx, "how long it asked to be left alone could not be kept", err)
		return
	}
	l.paused = until
}

// keepBreaker keeps a breaker and tells when it opened or closed. When it closes, what had failed because of it goes on.
func (e *Engine) keepBreaker(ctx context.Context, before, after exeunt.Breaker, now time.Time) error {
	system, err := e.systems.System(after.System)
	if err != nil {
		system = exeunt.System{Name: after.System, Title: after.System}
	}
	if err := e.store.KeepBreaker(ctx, after, after.Tell(before, system, e.planner.Operator(), now)); err != nil {
		return err
	}
	if after.Open() {
		return nil
	}
	failed, err := e.store.FailedIn(ctx, after.System)
	if err != nil {
		return err
	}
	var passing []exeunt.Step
	for _, s := range failed {
		if s.Passing() {
			passing = append(passing, s)
		}
	}
	return e.comeBack(ctx, passing, "the system answers again")
}

// stayOff leaves the system alone while its breaker is open, except for one visit at a time that tries
// whether it is back. What is due by a deadline meanwhile becomes a task of the owner's then.
func (l *lane) stayOff(ctx, resting context.Context, visits *sync.WaitGroup) {
	now := time.Now()
	overdue, next, err := l.e.store.OverdueIn(resting, l.system, now, seats)
	if err != nil {
		l.failed(resting, "what is overdue could not be read", err)
		pause(resting)
		return
	}
	for _, v := range overdue {
		acting, _, _ := sortOut(overdueOnly(due(v.Steps, now), now))
		why := exeunt.Errorf(l.breaker.Class, "the system has been left alone since it did not answer: %s", l.breaker.Reason)
		if err := l.e.stopAll(ctx, acting, exeunt.Outcome{Kind: exeunt.GaveUp, Err: why}); err != nil {
			l.failed(ctx, "what is overdue could not be given to people", err)
			pause(resting)
			return
		}
	}
	if len(overdue) == seats {
		return
	}
	if l.underWay() == 0 && !now.Before(l.breaker.ProbeAt) {
		if probe, ok := l.probe(resting, now); ok {
			l.begin(ctx, visits, probe)
		}
	}
	l.wait(resting, true, func(ctx context.Context) time.Duration {
		wait := l.untilNext(ctx)
		if until := l.breaker.ProbeAt.Sub(now); until > 0 {
			wait = min(wait, until)
		}
		if !next.IsZero() {
			wait = min(wait, next.Sub(now))
		}
		return max(wait, time.Millisecond)
	})
}

// probe finds a visit that tries whether the system is back: the first in line, or one that had failed because
// of it, which is then looked at before its time.
func (l *lane) probe(ctx context.Context, now time.Time) (store.Visit, bool) {
	first, ok := l.look(ctx, 1)
	if !ok {
		return store.Visit{}, false
	}
	if len(first) > 0 {
		return first[0], true
	}
	failed, err := l.e.store.FailedIn(ctx, l.system)
	if err != nil {
		l.failed(ctx, "what had failed could not be read", err)
		return store.Visit{}, false
	}
	for _, s := range failed {
		if !s.Passing() {
			continue
		}
		visit, err := l.e.store.VisitTo(ctx, l.system, s.Case)
		if err != nil {
			l.failed(ctx, "what had failed could not be read", err)
			return store.Visit{}, false
		}
		for i := range visit.Steps {
			if visit.Steps[i].State == exeunt.StepFailed && visit.Steps[i].Passing() {
				visit.Steps[i].NextAttemptAt = now
			}
		}
		return visit, true
	}
	return store.Visit{}, false
}

func overdueOnly(steps []exeunt.Step, now time.Time) []exeunt.Step {
	var out []exeunt.Step
	for _, s := range steps {
		if !s.Deadline.After(now) {
			out = append(out, s)
		}
	}
	return out
}
