package engine

import (
	"context"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
)

// shadowing is what a lane does for a system in stage shadow, beside its visits and within the same tenure: its connector
// looks at what people do, when it would itself have begun and when they have ticked their task.
type shadowing struct {
	e      *Engine
	system string

	mu    sync.Mutex
	until time.Time // not before: it refused our credentials, and may lock the account that keeps on trying
}

// refusedFor is how long a system is left alone that refused our credentials.
const refusedFor = 15 * time.Minute

// spectator is a connector that can only look. Nothing in stage shadow is given more than that.
type spectator struct {
	connector.Connector
	system string
}

// Apply is refused: nobody who looks may act.
func (s spectator) Apply(context.Context, exeunt.Account, exeunt.Action, connector.Parameters) error {
	return exeunt.Errorf(exeunt.Internal, "a connector in stage shadow was asked to act in %s: a fault of ours; please report it", s.system)
}

// step makes the looks that are due. It says when to come again: zero for when it is woken.
func (s *shadowing) step(ctx context.Context) (again time.Time, err error) {
	now := time.Now()
	if until := s.restsUntil(); now.Before(until) {
		return until, nil
	}
	system, err := s.e.systems.System(s.system)
	if err != nil || system.Stage == exeunt.Manual || len(system.Actions) == 0 {
		return time.Time{}, ignoreGone(err)
	}
	due, next, err := s.e.store.ShadowsDue(ctx, s.system, now, batch)
	if err != nil || len(due) == 0 {
		return next, err
	}
	breaker, err := s.e.store.Breaker(ctx, s.system)
	if err != nil {
		return time.Time{}, err
	}
	if breaker.Open() { // one look at a time tries whether the system is back, as one visit does
		if now.Before(breaker.ProbeAt) {
			return breaker.ProbeAt, nil
		}
		due = due[:1]
	}
	ctx = connector.WithPlace(ctx, backOfTheLine)
	err = each(due, func(one store.Shadowed) error { return s.look(ctx, one, system, breaker) })
	if ctx.Err() != nil {
		return time.Time{}, ctx.Err()
	}
	return time.Now(), err
}

// look makes one look and keeps what came of it.
func (s *shadowing) look(ctx context.Context, one store.Shadowed, system exeunt.System, breaker exeunt.Breaker) error {
	began := time.Now().UTC()
	c, err := s.e.systems.Connector(s.system)
	if err != nil {
		return s.keep(ctx, one, exeunt.SawFault(exeunt.Account{}, exeunt.Errorf(exeunt.Unsupported, "the connector cannot be opened: %s", exeunt.MessageOf(err)), began), system)
	}
	seen := &witness{Connector: spectator{c, s.system}, node: s.e.node}
	look, fault := s.see(ctx, seen, one, system, began)
	if ctx.Err() != nil { // cut off: whoever has the lane looks again
		return ctx.Err()
	}
	if err := s.answered(ctx, breaker, seen, began); err != nil {
		return err
	}
	if fault != nil {
		s.heed(fault)
		if run, later := one.Run.Unanswered(fault, one.Task.Deadline, time.Now()); later {
			return ignoreConflict(s.e.store.PostponeShadow(ctx, run))
		}
	}
	return s.keep(ctx, one, look, system)
}

// see asks the system. A fault is also the look that it makes when it lasts.
func (s *shadowing) see(ctx context.Context, c connector.Connector, one store.Shadowed, system exeunt.System, began time.Time) (exeunt.ShadowLook, *exeunt.Error) {
	account := one.Run.Account()
	if account.ID == "" {
		var exception *exeunt.Outcome
		account, exception = s.e.correlate(ctx, c, s.system, one.Case.Leaver())
		switch {
		case exception == nil:
		case exception.Kind == exeunt.NoAccount && one.Run.OnlyChecks():
			return one.Run.SawNobody(began), nil
		default:
			return exeunt.SawFault(exeunt.Account{}, exception.Err, began), exception.Err
		}
	}
	seen, err := c.Observe(ctx, account)
	if err != nil {
		fault := exeunt.Errorf(exeunt.KindOf(err), "%s", exeunt.MessageOf(err)).After(exeunt.RetryAfterOf(err))
		return exeunt.SawFault(account, fault, began), fault
	}
	return one.Run.Saw(account, seen, one.Case, system, began), nil
}

// answered lets a breaker that is open follow the look that tried the system. A look opens none: nobody waits for it.
func (s *shadowing) answered(ctx context.Context, before exeunt.Breaker, seen *witness, began time.Time) error {
	if !before.Open() || !seen.asked {
		return nil
	}
	now := time.Now().UTC()
	after := before.After(seen.last, now).Heed(before.AskedAt, began)
	if after == before {
		return nil
	}
	return s.e.keepBreaker(ctx, before, after, now)
}

func (s *shadowing) restsUntil() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.until
}

func (s *shadowing) heed(fault *exeunt.Error) {
	if fault.Kind != exeunt.Unauthorised {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = time.Now().Add(refusedFor)
}

// keep commits a look. Whoever ticked the task or closed the case meanwhile does not make it untrue: it is told of the case
// as that is now.
func (s *shadowing) keep(ctx context.Context, one store.Shadowed, look exeunt.ShadowLook, system exeunt.System) error {
	for range answerTries {
		change := one.Run.Looked(one.Case, one.Task, look, system, time.Now().UTC())
		err := s.e.commit(ctx, &change)
		if exeunt.KindOf(err) != exeunt.Conflict {
			return err
		}
		if one, err = s.e.store.Shadowed(ctx, store.TaskRef{Case: one.Case.ID, Key: one.Task.Key}); err != nil {
			return ignoreGone(err)
		}
		if one.Run.LookAt.IsZero() { // nobody asks any more
			return nil
		}
	}
	return nil // it is due still
}
