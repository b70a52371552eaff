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
// step that is due there, in the order inside the system; then it looks again at what had failed, and at what
// had been confirmed. Each step keeps its own state and proof.
func (e *Engine) visit(ctx context.Context, v store.Visit) (verdict, error) {
	steps := due(v.Steps, time.Now())
	acting, failed, confirmed := sortOut(steps)
	if !v.Case.Open() {
		acting, failed = nil, nil
	}
	if v.Case.State == exeunt.CaseHeld || len(acting)+len(failed)+len(confirmed) == 0 {
		return verdict{}, nil
	}
	opened, err := e.systems.Connector(steps[0].System)
	if err != nil {
		return verdict{did: len(acting)+len(failed) > 0}, e.abandon(ctx, acting, failed, exeunt.Outcome{Kind: exeunt.GaveUp, Err: exeunt.Errorf(exeunt.Unsupported,
			"the system has no working connector any more: %s", exeunt.MessageOf(err))})
	}
	if acting, failed, err = e.giveWay(ctx, v, acting, failed); err != nil {
		return verdict{did: true}, ignoreConflict(err)
	}
	c := &witness{Connector: opened, node: e.node}
	for _, part := range []struct {
		steps []exeunt.Step
		do    func(context.Context, connector.Connector, store.Visit, []exeunt.Step) error
	}{{acting, e.converge}, {failed, e.lookAgain}, {confirmed, e.lookForDrift}} {
		if len(part.steps) == 0 {
			continue
		}
		if err := part.do(ctx, c, v, part.steps); err != nil {
			return c.verdict(), err
		}
	}
	return c.verdict(), nil
}

// sortOut sets apart what is to be done, what has failed and what was confirmed.
func sortOut(steps []exeunt.Step) (acting, failed, confirmed []exeunt.Step) {
	for _, s := range steps {
		switch s.State {
		case exeunt.StepFailed, exeunt.StepByHand:
			failed = append(failed, s)
		case exeunt.StepConfirmed:
			confirmed = append(confirmed, s)
		default:
			acting = append(acting, s)
		}
	}
	return acting, failed, confirmed
}

// verdict is what a visit says of the system.
type verdict struct {
	did   bool          // there was something to do
	asked bool          // the system was called
	last  *exeunt.Error // how the last call ended; nil when it was answered
}

// witness sees how the system answers during one visit, and lets nothing be done unless this node surely
// has its lanes.
type witness struct {
	connector.Connector
	node  *node
	asked bool
	last  *exeunt.Error
}

func (w *witness) verdict() verdict { return verdict{did: true, asked: w.asked, last: w.last} }

func (w *witness) saw(err error) {
	w.asked, w.last = true, nil
	if err != nil {
		w.last = exeunt.Errorf(exeunt.KindOf(err), "%s", exeunt.MessageOf(err)).After(exeunt.RetryAfterOf(err))
	}
}

func (w *witness) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	found, err := w.Connector.Find(ctx, keys)
	w.saw(err)
	return found, err
}

func (w *witness) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	seen, err := w.Connector.Observe(ctx, account)
	w.saw(err)
	return seen, err
}

func (w *witness) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if !w.node.mayAct() {
		connector.NotServed(ctx)
		return exeunt.Errorf(exeunt.Throttled, "this node has lost touch with the database, and another may be at it by now")
	}
	err := w.Connector.Apply(ctx, account, action, with)
	w.saw(err)
	return err
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

func (e *Engine) converge(ctx context.Context, c connector.Connector, v store.Visit, steps []exeunt.Step) error {
	account, exception := e.account(ctx, c, v, steps)
	if exception != nil {
		return e.stopAll(ctx, steps, *exception)
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
	if step.Undoes == "" && of.Forbids(spec.Destructive) { // the last line: the plan holds it already, if it knew
		change := of.HoldForLegal(step, time.Now())
		return exeunt.Outcome{}, ignoreConflict(e.commit(ctx, &change))
	}
	if step.Approval.Open() { // likewise
		change := exeunt.HoldForApproval(step, time.Now())
		return exeunt.Outcome{}, ignoreConflict(e.commit(ctx, &change))
	}
	aim := connector.Aim{
		Account: account, Spec: spec, With: parameters(of, step),
		Intended: !step.AppliedAt.IsZero(),
		Settling: settling(step, spec),
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
	outcome.Settles = settles(spec)
	outcome.Wait = e.jitter(step.Pause(outcome, time.Now()))
	change := step.Finish(outcome, time.Now())
	err = e.commit(ctx, &change)
	if exeunt.KindOf(err) == exeunt.Conflict && outcome.Changed {
		return outcome, e.recordOvertaken(ctx, step, outcome)
	}
	return outcome, err
}

// settling says whether an action may still be about to show. Where whoever recorded the intent was cut off
// before it heard an answer, nothing may have been sent at all: what may be repeated does not wait then.
func settling(step exeunt.Step, spec exeunt.ActionSpec) bool {
	cutOff := step.State == exeunt.StepRunning
	if step.AppliedAt.IsZero() || cutOff && (spec.Repeatable || step.Undoes != "") {
		return false
	}
	return time.Since(step.AppliedAt) < settles(spec)
}

// settles is how long an action whose answer is not known is given to show before it is done again. A
// request for what must not be done twice may still be on its way from a node that was paused or killed.
func settles(spec exeunt.ActionSpec) time.Duration {
	if !spec.Repeatable {
		return max(spec.Settles, onItsWay)
	}
	return spec.Settles
}

// onItsWay is how long a request that was sent may take to arrive: longer than a call is waited for.
const onItsWay = time.Minute

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
	if err := e.commit(ctx, &change); err != nil || step.Undoes == "" {
		return err
	}
	return e.endAgain(ctx, c, step)
}

// endAgain lets the next departure of the leaver, which stopped an undo, look again at what it may have
// opened after that departure had ended it.
func (e *Engine) endAgain(ctx context.Context, of exeunt.Case, undo exeunt.Step) error {
	next, err := e.newest(ctx, of.Leaver().Key())
	if err != nil || next == nil || next.ID == of.ID {
		return err
	}
	again := false
	change, err := e.onCase(ctx, next.ID, func(steps []exeunt.Step, _ []exeunt.Task) (change exeunt.Change, err error) {
		change, again = next.LookAgain(undo, steps, time.Now())
		return change, nil
	})
	if err != nil || !again {
		return err
	}
	return e.commit(ctx, &change)
}

func parameters(of exeunt.Case, step exeunt.Step) connector.Parameters {
	begun := step.BegunAt
	if begun.IsZero() { // this is the first attempt
		begun = time.Now()
	}
	return connector.Parameters{
		Case: of.ID, Leaver: of.Leaver(), LastDay: of.Departure.LastDay, TerminationDate: of.Departure.TerminationDate,
		Step: step.Key, IdempotencyKey: fmt.Sprintf("%s-%s", of.Handle, step.Key), Begun: begun,
		Undo: step.Undoes != "", Snapshot: step.Snapshot,
	}
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
	o.Wait, o.Refused = e.jitter(steps[0].Pause(o, time.Now())), false // what was refused was another step's action
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
