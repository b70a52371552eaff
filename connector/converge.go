package connector

import (
	"context"

	"github.com/exeunt/exeunt"
)

// Aim is one step as Converge sees it.
type Aim struct {
	Account exeunt.Account
	Spec    exeunt.ActionSpec
	With    Parameters

	// Intended says that an earlier attempt recorded its intent and its answer is not known, or
	// was not seen to take effect.
	Intended bool
	// Settling says that the intent is younger than the spec's Settles: the vendor may still be on its way.
	Settling bool
}

// Converge makes one attempt: observe, and when it is not so already, record the intent, apply,
// observe again. Done means seen to be done; an answer alone is never proof.
//
//   - found so already: done, without acting
//   - answered and seen: done, observed
//   - answered and not readable: done, acknowledged
//   - no longer possible, and of no consequence any more: moot, with the reason
//   - for people to do: for people, with what there is to do; nothing is applied
//   - answered and not seen: not yet, until the vendor's settling time is over; then try again
//   - lost answer: look; repeat only what is repeatable; else a person must find out
//
// An undo goes the same way: there, "so already" means that all that was taken away is back.
//
// intend must make the intent durable before it returns; Converge does not act when it fails.
func Converge(ctx context.Context, c Connector, a Aim, intend func(before exeunt.Observation) error) (exeunt.Outcome, error) {
	if err := a.refuse(); err != nil {
		return failed(err), nil
	}
	before, err := c.Observe(lookingAt(ctx, a.Spec.Action), a.Account)
	if err != nil {
		return failed(err), nil
	}
	if out, ended := a.withoutActing(before); ended {
		return out, nil
	}
	if err := intend(before); err != nil {
		return exeunt.Outcome{}, err
	}
	a.With.Seen = before
	acting, service := withService(ctx)
	applyErr := c.Apply(acting, a.Account, a.Spec.Action, a.With)
	out := judge(ctx, c, a, before, applyErr)
	// Whoever is told to slow down or to sign in first was not served (RFC 6585 §4, RFC 9110 §15.5.2), unless a
	// request before that one was. What an earlier attempt may have done is not taken back by this one.
	if k := exeunt.KindOf(applyErr); applyErr != nil && (k == exeunt.Throttled || k == exeunt.Unauthorised) {
		out.Refused = service.nothingDone() && !a.Intended
	}
	return out, nil
}

// withoutActing says whether what the look showed ends the attempt: since it is so already, is on its way, or must
// not be done.
func (a Aim) withoutActing(before exeunt.Observation) (out exeunt.Outcome, ended bool) {
	standing := a.standing(before)
	switch standing {
	case exeunt.Holds:
		return done(a, before, exeunt.Observed, a.Intended), true
	case exeunt.Pending:
		return notYet(a, before), true
	case exeunt.Moot:
		return moot(a, before), true
	case exeunt.Unknown:
		if a.Intended && !a.repeatable() {
			return unknowable(a, before), true
		}
	case exeunt.Absent: // there is something to do
	}
	switch {
	case a.Spec.Action == exeunt.CheckAccess:
		return stillOpen(a, before), true
	case a.Spec.ByHand:
		return forPeople(a, before), true
	}
	if a.Intended && a.Settling && standing == exeunt.Absent {
		return notYet(a, before), true
	}
	if a.Intended && !a.repeatable() && standing == exeunt.Absent && a.Spec.Settles > 0 {
		return unknowable(a, before), true
	}
	return exeunt.Outcome{}, false
}

// judge looks again after acting. What it sees counts for more than what the vendor answered.
func judge(ctx context.Context, c Connector, a Aim, before exeunt.Observation, applyErr error) exeunt.Outcome {
	if applyErr != nil && !uncertain(applyErr) {
		return withSnapshot(failed(applyErr), before)
	}
	after, err := c.Observe(lookingAt(ctx, a.Spec.Action), a.Account)
	if err != nil {
		return withSnapshot(failed(err), before)
	}
	standing := a.standing(after)
	missing := Missing(a.Spec, a.With.Snapshot, after)
	after.Snapshot = before.Snapshot
	switch standing {
	case exeunt.Holds:
		return done(a, after, exeunt.Observed, true)
	case exeunt.Pending:
		return unshown(a, after)
	case exeunt.Moot:
		return moot(a, after)
	case exeunt.Unknown:
		switch {
		case applyErr == nil:
			return done(a, after, exeunt.Acknowledged, true)
		case !a.repeatable():
			return unknowable(a, after)
		}
		return withSnapshot(failed(applyErr), before)
	case exeunt.Absent: // refused, late, or a lie
	}
	if applyErr != nil {
		return withSnapshot(failed(applyErr), before)
	}
	if a.Spec.Settles > 0 {
		return unshown(a, after)
	}
	lie := exeunt.Errorf(exeunt.Temporary, "the system answered that it was done, but nothing has changed there")
	if a.With.Undo && len(missing) > 0 {
		lie = exeunt.Errorf(exeunt.Temporary, "the system answered that it was put back, but does not show %s", listed(missing))
	}
	out := failed(lie)
	out.Seen = after.Facts
	return withSnapshot(out, before)
}

// uncertain says whether the action may have taken effect all the same: the answer was lost, or the
// system says that it is in that state already.
func uncertain(err error) bool {
	switch exeunt.KindOf(err) {
	case exeunt.Temporary, exeunt.Conflict, exeunt.Internal:
		return true
	default:
		return false
	}
}

func done(a Aim, o exeunt.Observation, proof exeunt.Proof, changed bool) exeunt.Outcome {
	return exeunt.Outcome{Kind: exeunt.Done, Proof: proof, Account: a.Account, Changed: changed, Seen: o.Facts, Snapshot: o.Snapshot}
}

func notYet(a Aim, o exeunt.Observation) exeunt.Outcome {
	where := ""
	if why := o.Why[a.Spec.Action]; why != "" {
		where = " (" + why + ")"
	}
	return exeunt.Outcome{Kind: exeunt.NotYet, Account: a.Account, Seen: o.Facts, Snapshot: o.Snapshot,
		Err: exeunt.Errorf(exeunt.Temporary, "the system accepted it and has not shown it yet%s; looking again", where)}
}

// moot is of what can no longer be done and need not be. Of what an undo is to put back nothing was taken away then.
func moot(a Aim, o exeunt.Observation) exeunt.Outcome {
	return exeunt.Outcome{Kind: exeunt.BecameMoot, Account: a.Account, Seen: o.Facts, Snapshot: o.Snapshot, Err: exeunt.Errorf(exeunt.Conflict, "moot: %s", o.WhyMoot(a.Spec.Action))}
}

// unshown is notYet right after acting: each of these counts, the looks that follow do not.
func unshown(a Aim, o exeunt.Observation) exeunt.Outcome {
	out := notYet(a, o)
	out.Changed = true
	return out
}

func unknowable(a Aim, o exeunt.Observation) exeunt.Outcome {
	return exeunt.Outcome{Kind: exeunt.GaveUp, Account: a.Account, Seen: o.Facts, Snapshot: o.Snapshot,
		Err: exeunt.Errorf(exeunt.Conflict, "an earlier attempt may or may not have worked, the system cannot be asked, and it must not be done twice: a person has to find out")}
}

// forPeople leaves to people what the look showed, item by item.
func forPeople(a Aim, o exeunt.Observation) exeunt.Outcome {
	key := string(a.Spec.Action)
	out := exeunt.Outcome{Kind: exeunt.ForPeople, Account: a.Account, Seen: o.Facts, Snapshot: map[string][]string{key: o.Snapshot[key]}}
	if o.Of(a.Spec.Action) == exeunt.Unknown {
		out.Kind, out.Err = exeunt.GaveUp, exeunt.Errorf(exeunt.Unsupported, "this system does not show what there is to %s: look by hand", a.Spec.Action.Words())
		return out
	}
	what := "people have to do it"
	if a.Spec.Action == exeunt.HandOver {
		what = "people have to say who has it next"
	}
	out.Err = exeunt.Errorf(exeunt.Conflict, "%s: %s", what, listed(o.Snapshot[key]))
	return out
}

func stillOpen(a Aim, o exeunt.Observation) exeunt.Outcome {
	out := exeunt.Outcome{Kind: exeunt.TryAgain, Seen: o.Facts, Snapshot: o.Snapshot,
		Err: exeunt.Errorf(exeunt.Temporary, "the account is still open although its single sign-on was cut")}
	if o.Of(a.Spec.Action) == exeunt.Unknown {
		out.Kind, out.Err = exeunt.GaveUp, exeunt.Errorf(exeunt.Unsupported, "this system cannot be asked whether the account is open: look by hand")
	}
	return out
}

func withSnapshot(o exeunt.Outcome, before exeunt.Observation) exeunt.Outcome {
	o.Snapshot = before.Snapshot
	return o
}

// failed classes an error: what may pass is tried again, what cannot is given up.
func failed(err error) exeunt.Outcome {
	e := classed(err)
	out := exeunt.Outcome{Kind: exeunt.GaveUp, Err: e, Wait: e.RetryAfter}
	switch e.Kind {
	case exeunt.Throttled, exeunt.Temporary, exeunt.Unauthorised, exeunt.Internal:
		out.Kind = exeunt.TryAgain
	default: // the others do not pass by themselves
	}
	return out
}

// classed gives a foreign error a kind without showing its words, which may hold a secret.
func classed(err error) *exeunt.Error {
	e := exeunt.Errorf(exeunt.KindOf(err), "%s", exeunt.MessageOf(err)).Because(err)
	if own, ok := asError(err); ok {
		return own
	}
	return e
}
