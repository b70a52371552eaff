package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
)

// visit looks at one system for one case: it finds the leaver's account once and converges every
// step that is due there, in the order inside the system. Each step keeps its own state and proof. It says
// whether there was anything to do.
func (e *Engine) visit(ctx context.Context, v store.Visit) (did bool, err error) {
	if !v.Case.Open() || v.Case.State == exeunt.CaseHeld {
		return false, nil
	}
	steps := due(v.Steps, time.Now())
	if len(steps) == 0 {
		return false, nil
	}
	return true, e.converge(ctx, v, steps)
}

// due are the steps that may run now.
func due(steps []exeunt.Step, now time.Time) []exeunt.Step {
	var out []exeunt.Step
	for _, s := range steps {
		if at, ok := s.DueAt(); ok && !at.After(now) {
			out = append(out, s)
		}
	}
	return out
}

func (e *Engine) converge(ctx context.Context, v store.Visit, steps []exeunt.Step) error {
	c, err := e.systems.Connector(steps[0].System)
	if err != nil {
		return e.stopAll(ctx, steps, exeunt.Outcome{Kind: exeunt.GaveUp, Err: exeunt.Errorf(exeunt.Unsupported,
			"the system has no working connector any more: %s", exeunt.MessageOf(err))})
	}
	c = fenced{c, e.node}
	account := known(v.Steps)
	if account.ID == "" {
		found, exception := connector.Correlate(ctx, c, v.Case.Leaver())
		if exception != nil {
			return e.stopAll(ctx, steps, *exception)
		}
		account = found
	}
	for i, step := range steps {
		outcome, err := e.attempt(ctx, c, v.Case, step, account)
		if err != nil {
			return ignoreConflict(err)
		}
		if outcome.Kind == exeunt.TryAgain && ofTheLane(outcome.Err) {
			return e.postpone(ctx, steps[i+1:], outcome)
		}
	}
	return nil
}

// fenced acts only while this node surely has its lanes.
type fenced struct {
	connector.Connector
	node *node
}

func (f fenced) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if !f.node.mayAct() {
		return exeunt.Errorf(exeunt.Temporary, "this node has lost touch with the database, and another may be at it by now")
	}
	return f.Connector.Apply(ctx, account, action, with)
}

// known is the account that an earlier visit found; it is never looked for twice, so that a reused
// address cannot lead to somebody else.
func known(steps []exeunt.Step) exeunt.Account {
	for _, s := range steps {
		if s.Account.ID != "" {
			return s.Account
		}
	}
	return exeunt.Account{}
}

// attempt makes one attempt at one step and commits what came of it.
func (e *Engine) attempt(ctx context.Context, c connector.Connector, of exeunt.Case, step exeunt.Step, account exeunt.Account) (exeunt.Outcome, error) {
	system, err := e.systems.System(step.System)
	if err != nil {
		return exeunt.Outcome{}, err
	}
	spec, ok := system.Can(step.Action)
	switch {
	case step.Action == exeunt.CheckAccess:
		spec = exeunt.ActionSpec{Action: exeunt.CheckAccess, Proof: exeunt.Observed, Repeatable: true}
	case !ok:
		return exeunt.Outcome{}, e.stopAll(ctx, []exeunt.Step{step}, exeunt.Outcome{Kind: exeunt.GaveUp,
			Err: exeunt.Errorf(exeunt.Unsupported, "the connector cannot %s any more", step.Action.Words())})
	}
	if spec.Destructive && step.Undoes == "" && of.Leaver().Has(exeunt.LitigationHold) {
		return exeunt.Outcome{}, e.stopAll(ctx, []exeunt.Step{step}, exeunt.Outcome{Kind: exeunt.GaveUp,
			Err: exeunt.Errorf(exeunt.Denied, "a legal hold forbids what destroys data: do it when legal has released the hold")})
	}
	aim := connector.Aim{
		Account: account, Spec: spec, With: parameters(of, step),
		Intended: !step.AppliedAt.IsZero(),
		Settling: !step.AppliedAt.IsZero() && time.Since(step.AppliedAt) < spec.Settles,
	}
	outcome, err := connector.Converge(ctx, c, aim, func(before exeunt.Observation) error {
		change := step.Intend(account, before, time.Now())
		if err := e.commit(ctx, &change); err != nil {
			return err
		}
		step = change.Steps[0]
		return nil
	})
	if err != nil {
		return outcome, err
	}
	if ctx.Err() != nil { // we were stopped, not the vendor: the next visit looks again
		return outcome, ctx.Err()
	}
	outcome.Wait = e.jitter(wait(outcome, step))
	change := step.Finish(outcome, time.Now())
	err = e.commit(ctx, &change)
	if exeunt.KindOf(err) == exeunt.Conflict && outcome.Changed {
		return outcome, e.recordOvertaken(ctx, step, outcome)
	}
	return outcome, err
}

// recordOvertaken keeps what a visit did to a step that was settled otherwise meanwhile: it happened all the
// same, and may have to be put back.
func (e *Engine) recordOvertaken(ctx context.Context, step exeunt.Step, o exeunt.Outcome) error {
	for range answerTries - 1 {
		if err := e.overtaken(ctx, step, o); exeunt.KindOf(err) != exeunt.Conflict {
			return err
		}
	}
	return e.overtaken(ctx, step, o)
}

func (e *Engine) overtaken(ctx context.Context, step exeunt.Step, o exeunt.Outcome) error {
	c, err := e.store.Case(ctx, step.Case)
	if err != nil {
		return err
	}
	steps, err := e.store.Steps(ctx, step.Case)
	if err != nil {
		return err
	}
	change := c.Overtaken(step, o, steps, time.Now())
	return e.commit(ctx, &change)
}

func parameters(of exeunt.Case, step exeunt.Step) connector.Parameters {
	return connector.Parameters{
		Case: of.ID, Leaver: of.Leaver(), LastDay: of.Departure.LastDay, TerminationDate: of.Departure.TerminationDate,
		IdempotencyKey: fmt.Sprintf("%s-%s", of.Handle, step.Key),
		Undo:           step.Undoes != "", Snapshot: step.Snapshot,
	}
}

// wait is how long until the next look: what the vendor asked for, or our backoff.
func wait(o exeunt.Outcome, s exeunt.Step) time.Duration {
	if o.Wait > 0 {
		return o.Wait
	}
	return exeunt.Backoff(s.Attempt)
}

// jitter spreads retries over a fifth of the wait, so that a system that comes back is not hit by all
// at once.
func (e *Engine) jitter(d time.Duration) time.Duration { return d + e.spread(d/5) }

func anySpread(most time.Duration) time.Duration { return rand.N(most + 1) } //nolint:gosec // not a secret

// ofTheLane says whether an error concerns the whole system, so that further steps would only fail alike.
func ofTheLane(err *exeunt.Error) bool {
	switch exeunt.KindOf(err) {
	case exeunt.Throttled, exeunt.Unauthorised:
		return true
	default:
		return false
	}
}

// stopAll ends a visit that cannot begin: for good with one task for all its steps, or until later.
func (e *Engine) stopAll(ctx context.Context, steps []exeunt.Step, o exeunt.Outcome) error {
	if o.Kind == exeunt.TryAgain {
		return e.postpone(ctx, steps, o)
	}
	now := time.Now()
	checks, rest := splitChecks(steps, o)
	if len(checks) > 0 {
		change := mergeFinish(checks, o, now)
		if err := e.commit(ctx, &change); err != nil {
			return ignoreConflict(err)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	o.Kind = exeunt.GaveUp
	change := exeunt.GiveUpAll(rest, o, now)
	return ignoreConflict(e.commit(ctx, &change))
}

// splitChecks sets apart the checks of inherited access that are answered by there being no account,
// which only a search that worked can say.
func splitChecks(steps []exeunt.Step, o exeunt.Outcome) (checks, rest []exeunt.Step) {
	for _, s := range steps {
		if s.Action == exeunt.CheckAccess && o.Kind == exeunt.NoAccount {
			checks = append(checks, s)
		} else {
			rest = append(rest, s)
		}
	}
	return checks, rest
}

// postpone records the same outcome for several steps, in one commit.
func (e *Engine) postpone(ctx context.Context, steps []exeunt.Step, o exeunt.Outcome) error {
	if len(steps) == 0 {
		return nil
	}
	o.Wait, o.Refused = e.jitter(wait(o, steps[0])), false // what was refused was another step's action
	change := mergeFinish(steps, o, time.Now())
	return ignoreConflict(e.commit(ctx, &change))
}

func mergeFinish(steps []exeunt.Step, o exeunt.Outcome, now time.Time) exeunt.Change {
	var all exeunt.Change
	for _, s := range steps {
		one := s.Finish(o, now)
		all.Steps = append(all.Steps, one.Steps...)
		all.Tasks = append(all.Tasks, one.Tasks...)
		all.Notices = append(all.Notices, one.Notices...)
		all.Entries = append(all.Entries, one.Entries...)
	}
	return all
}

// ignoreConflict drops the error of having been overtaken: whoever was faster has seen to it.
func ignoreConflict(err error) error {
	if exeunt.KindOf(err) == exeunt.Conflict {
		return nil
	}
	return err
}
