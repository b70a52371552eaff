package connectortest

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// undoChecks are the promises about putting back (invariant 10).
var undoChecks = []check{
	{"undone is as before", undoneIsAsBefore},
	{"all is put back in reverse", allIsPutBackInReverse},
	{"what was never taken is not put back", neverTakenIsNotPutBack},
	{"nothing recorded puts nothing back", nothingRecordedPutsNothingBack},
	{"what cannot be put back says so", irreversibleSaysSo},
	{"what is gone meanwhile is named", goneMeanwhileIsNamed},
	{"a lost answer to an undo converges", lostUndoConverges},
	{"a throttled undo is tried again", throttledUndoIsTriedAgain},
	{"an undo without effect is never done", lyingUndoIsNeverDone},
	{"a cancelled undo ends without effect", cancelledUndoEndsWithoutEffect},
	{"an undo of a vanished account is not found", undoOfVanishedIsNotFound},
}

// undoIsSound sees that an undo can know what to put back, and see that it is back.
func undoIsSound(t testing.TB, spec exeunt.ActionSpec, taken map[string]exeunt.Action) {
	t.Helper()
	if spec.Reversible != (len(spec.Takes) > 0) {
		t.Errorf("%s: reversible %v, and it takes %v: what can be put back is what the snapshot has of it", spec.Action, spec.Reversible, spec.Takes)
	}
	if spec.Reversible && spec.Proof != exeunt.Observed && !spec.Repeatable {
		t.Errorf("%s can be put back, and neither be read back nor repeated: nobody would know that it is", spec.Action)
	}
	for _, key := range spec.Takes {
		if other, both := taken[key]; both {
			t.Errorf("%s and %s both take %s", other, spec.Action, key)
		}
		taken[key] = spec.Action
	}
}

// reversible are the actions that can be put back, in their order.
func (s Subject) reversible(t testing.TB) []exeunt.ActionSpec {
	t.Helper()
	specs := slices.DeleteFunc(s.specs(t), func(spec exeunt.ActionSpec) bool { return !spec.Reversible })
	if len(specs) == 0 {
		t.Logf("not checked: the kind puts nothing back")
	}
	return specs
}

// undo turns the aim at an action into the aim at its undo, as the engine does for an undo step.
func undo(a connector.Aim, recorded map[string][]string) connector.Aim {
	a.With.Undo, a.With.Snapshot, a.With.IdempotencyKey = true, recorded, a.With.IdempotencyKey+"-undo"
	return a
}

// taken does an action on a fresh account, after those that come before it; it returns the look before
// the action and the aim to put it back.
func (s Subject) taken(t testing.TB, c connector.Connector, spec exeunt.ActionSpec) (exeunt.Leaver, exeunt.Observation, connector.Aim) {
	t.Helper()
	leaver, account := s.hire(t, c)
	for _, earlier := range s.specs(t) {
		if earlier.Order < spec.Order {
			s.drive(t, c, aim(leaver, account, earlier))
		}
	}
	fresh := s.settled(t, c, account)
	out, before := s.drive(t, c, aim(leaver, account, spec))
	if out.Kind != exeunt.Done {
		t.Fatalf("%s: %s: %s", spec.Action, out.Kind, reason(out))
	}
	if !slices.ContainsFunc(spec.Takes, func(key string) bool { return len(before.Snapshot[key]) > 0 }) {
		t.Fatalf("%s: the look before it records nothing under %v, so that nothing can be put back", spec.Action, spec.Takes)
	}
	return leaver, fresh, undo(aim(leaver, account, spec), before.Snapshot)
}

// same says what of the actions' standing and of what they take away differs between two looks. Facts
// are free: dates and counters move on. What cannot be read back is not looked at.
func same(t testing.TB, when string, specs []exeunt.ActionSpec, before, after exeunt.Observation) {
	t.Helper()
	for _, spec := range specs {
		if spec.Proof != exeunt.Observed {
			continue
		}
		if before.Of(spec.Action) != after.Of(spec.Action) {
			t.Errorf("%s: %s stands %s, before it was %s", when, spec.Action, after.Of(spec.Action), before.Of(spec.Action))
		}
		for _, key := range spec.Takes {
			if was, is := slices.Sorted(slices.Values(before.Snapshot[key])), slices.Sorted(slices.Values(after.Snapshot[key])); !slices.Equal(was, is) {
				t.Errorf("%s: %s %q, before it was %q", when, key, is, was)
			}
		}
	}
}

// settled looks until nothing is on its way any more.
func (s Subject) settled(t testing.TB, c connector.Connector, account exeunt.Account) exeunt.Observation {
	t.Helper()
	var o exeunt.Observation
	for range 20 {
		o = observe(t, c, account)
		pending := func(spec exeunt.ActionSpec) bool { return o.Of(spec.Action) == exeunt.Pending }
		if !slices.ContainsFunc(s.specs(t), pending) {
			break
		}
		if s.Later != nil {
			s.Later(t)
		}
	}
	return o
}

func undoneIsAsBefore(t testing.TB, s Subject) {
	c := s.open(t)
	specs := s.reversible(t)
	for _, spec := range specs {
		_, fresh, back := s.taken(t, c, spec)
		when := "after the undo of " + string(spec.Action)
		out, _ := s.drive(t, c, back)
		if out.Kind != exeunt.Done || out.Proof != spec.Proof || !out.Changed {
			t.Fatalf("the undo of %s: %s %s, changed %v: %s", spec.Action, out.Kind, out.Proof, out.Changed, reason(out))
		}
		if spec.Proof != exeunt.Observed { // the next one asks again, and may be answered the same
			continue
		}
		same(t, when, specs, fresh, s.settled(t, c, back.Account))
		applied := c.applied.Load()
		if out, _ = s.drive(t, c, back); out.Kind != exeunt.Done || out.Changed || c.applied.Load() != applied {
			t.Errorf("%s once more: %s, changed %v, %d calls; want done without acting", when, out.Kind, out.Changed, c.applied.Load()-applied)
		}
		if err := c.Apply(t.Context(), back.Account, spec.Action, back.With); err != nil && exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("the undo of %s applied twice: %s: %v", spec.Action, exeunt.KindOf(err), err)
		}
		same(t, when+", applied twice", specs, fresh, s.settled(t, c, back.Account))
	}
}

// allIsPutBackInReverse ends an account and puts it back, the last action first, as a rescission does.
func allIsPutBackInReverse(t testing.TB, s Subject) {
	c := s.open(t)
	leaver, account := s.hire(t, c)
	fresh := observe(t, c, account)
	recorded := map[exeunt.Action]map[string][]string{}
	password := false
	for _, spec := range s.specs(t) {
		out, before := s.drive(t, c, aim(leaver, account, spec))
		if out.Kind != exeunt.Done {
			t.Fatalf("%s: %s: %s", spec.Action, out.Kind, reason(out))
		}
		recorded[spec.Action] = before.Snapshot
		password = password || spec.Action == exeunt.ResetPassword
	}
	specs := s.reversible(t)
	for _, spec := range slices.Backward(specs) {
		if out, _ := s.drive(t, c, undo(aim(leaver, account, spec), recorded[spec.Action])); out.Kind != exeunt.Done {
			t.Fatalf("the undo of %s: %s: %s", spec.Action, out.Kind, reason(out))
		}
	}
	same(t, "with all put back", specs, fresh, s.settled(t, c, account))
	if password && s.CanSignIn != nil && s.CanSignIn(t, leaver) {
		t.Error("with all put back, the password from before the departure works again")
	}
}

func neverTakenIsNotPutBack(t testing.TB, s Subject) {
	c := s.open(t)
	specs := s.reversible(t)
	for _, spec := range specs {
		leaver, account := s.hire(t, c)
		fresh := observe(t, c, account)
		out, _ := s.drive(t, c, undo(aim(leaver, account, spec), fresh.Snapshot))
		if out.Kind != exeunt.Done || out.Changed {
			t.Errorf("%s was never done, and its undo: %s, changed %v: %s", spec.Action, out.Kind, out.Changed, reason(out))
		}
		if c.applied.Load() != 0 {
			t.Fatalf("%s was never done, and its undo acts", spec.Action)
		}
		same(t, "never done", specs, fresh, s.settled(t, c, account))
	}
}

func nothingRecordedPutsNothingBack(t testing.TB, s Subject) {
	c := s.open(t)
	for _, spec := range s.reversible(t) {
		_, _, back := s.taken(t, c, spec)
		applied := c.applied.Load()
		back.With.Snapshot = nil
		out, _ := s.drive(t, c, back)
		if out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Invalid || c.applied.Load() != applied {
			t.Errorf("the undo of %s without a snapshot: %s: %s", spec.Action, out.Kind, reason(out))
		}
		if err := c.Apply(t.Context(), back.Account, spec.Action, back.With); err != nil {
			t.Logf("refused: %v", err)
		}
		if stands := observe(t, c, back.Account).Of(spec.Action); stands != exeunt.Holds && spec.Proof == exeunt.Observed {
			t.Errorf("nothing was recorded, and after its undo %s stands %s", spec.Action, stands)
		}
	}
}

func irreversibleSaysSo(t testing.TB, s Subject) {
	c := s.open(t)
	for _, spec := range s.specs(t) {
		if spec.Reversible {
			continue
		}
		leaver, account := s.hire(t, c)
		back := undo(aim(leaver, account, spec), observe(t, c, account).Snapshot)
		if err := c.Apply(t.Context(), account, spec.Action, back.With); exeunt.KindOf(err) != exeunt.Unsupported {
			t.Errorf("the undo of %s, which cannot be put back: %v (%s), want unsupported", spec.Action, err, exeunt.KindOf(err))
		}
	}
}

func goneMeanwhileIsNamed(t testing.TB, s Subject) {
	if s.Drop == nil {
		missing(t, "Drop")
		return
	}
	c := s.open(t)
	specs := s.reversible(t)
	for _, spec := range specs {
		leaver, fresh, back := s.taken(t, c, spec)
		name, value := s.Drop(t, leaver, spec.Action)
		if name == "" {
			continue
		}
		out, _ := s.drive(t, c, back)
		if out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.NotFound || !strings.Contains(reason(out), name) {
			t.Errorf("the undo of %s after %q is gone: %s: %s; want it named as not found", spec.Action, name, out.Kind, reason(out))
		}
		for _, key := range spec.Takes {
			fresh.Snapshot[key] = slices.DeleteFunc(slices.Clone(fresh.Snapshot[key]), func(v string) bool { return v == value })
		}
		same(t, "without what is gone", []exeunt.ActionSpec{spec}, fresh, s.settled(t, c, back.Account))
	}
}

func lostUndoConverges(t testing.TB, s Subject) {
	c := &losing{Connector: s.open(t)}
	for _, spec := range s.reversible(t) {
		_, fresh, back := s.taken(t, c, spec)
		c.answers.Store(1)
		if out, _ := s.drive(t, c, back); out.Kind != exeunt.Done {
			t.Errorf("the undo of %s after a lost answer: %s: %s", spec.Action, out.Kind, reason(out))
		}
		same(t, "after a lost answer", []exeunt.ActionSpec{spec}, fresh, s.settled(t, c, back.Account))
	}
}

func throttledUndoIsTriedAgain(t testing.TB, s Subject) {
	c := &busy{Connector: s.open(t)}
	for _, spec := range s.reversible(t) {
		_, fresh, back := s.taken(t, c, spec)
		c.calls.Store(1)
		out, _ := s.attempt(t, c, back, 1)
		if out.Kind != exeunt.TryAgain {
			t.Errorf("the throttled undo of %s: %s: %s", spec.Action, out.Kind, reason(out))
		}
		if out, _ = s.drive(t, c, back); out.Kind != exeunt.Done {
			t.Errorf("the undo of %s after it was throttled: %s: %s", spec.Action, out.Kind, reason(out))
		}
		same(t, "after it was throttled", []exeunt.ActionSpec{spec}, fresh, s.settled(t, c, back.Account))
	}
}

func lyingUndoIsNeverDone(t testing.TB, s Subject) {
	c := s.open(t)
	for _, spec := range s.reversible(t) {
		_, _, back := s.taken(t, c, spec)
		if out, _ := s.attempt(t, lying{c}, back, 3); out.Kind == exeunt.Done && (spec.Proof == exeunt.Observed || out.Proof == exeunt.Observed) {
			t.Errorf("%s: nothing was put back and it counts as done", spec.Action)
		}
	}
}

func cancelledUndoEndsWithoutEffect(t testing.TB, s Subject) {
	c := s.open(t)
	for _, spec := range s.reversible(t) {
		_, _, back := s.taken(t, c, spec)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Apply(ctx, back.Account, spec.Action, back.With); err == nil {
			t.Errorf("the undo of %s succeeded with a cancelled context", spec.Action)
		}
		if stands := observe(t, c, back.Account).Of(spec.Action); stands != exeunt.Holds && spec.Proof == exeunt.Observed {
			t.Errorf("the undo of %s took effect with a cancelled context: it stands %s", spec.Action, stands)
		}
	}
}

func undoOfVanishedIsNotFound(t testing.TB, s Subject) {
	if s.Vanish == nil {
		missing(t, "Vanish")
		return
	}
	c := s.open(t)
	for _, spec := range s.reversible(t) {
		leaver, _, back := s.taken(t, c, spec)
		s.Vanish(t, leaver)
		if out, _ := s.drive(t, c, back); out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.NotFound {
			t.Errorf("the undo of %s of a vanished account: %s: %s", spec.Action, out.Kind, reason(out))
		}
		if err := c.Apply(t.Context(), back.Account, spec.Action, back.With); exeunt.KindOf(err) != exeunt.NotFound {
			t.Errorf("the undo of %s of a vanished account: %v (%s), want not_found", spec.Action, err, exeunt.KindOf(err))
		}
	}
}

// busy asks to slow down before it does anything, as often as it is told to.
type busy struct {
	connector.Connector
	calls atomic.Int64
}

func (b *busy) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if b.calls.Add(-1) >= 0 {
		return exeunt.Errorf(exeunt.Throttled, "slow down")
	}
	return b.Connector.Apply(ctx, account, action, with)
}
