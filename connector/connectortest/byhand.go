package connectortest

import (
	"slices"
	"testing"

	"github.com/exeunt/exeunt"
)

func forPeopleIsSound(t testing.TB, spec exeunt.ActionSpec) {
	t.Helper()
	if spec.ByHand && (spec.Proof != exeunt.Observed || spec.Destructive || spec.Reversible) {
		t.Errorf("%s is for people to do: it must be seen, and takes nothing", spec.Action)
	}
}

// forPeopleIsListedAndSeen sees that what is left to people is told to them, and that nobody but them does it.
func forPeopleIsListedAndSeen(t testing.TB, s Subject) {
	specs := slices.DeleteFunc(s.everySpec(t), func(spec exeunt.ActionSpec) bool { return !spec.ByHand })
	if len(specs) == 0 {
		t.Logf("not checked: the kind leaves nothing to people")
		return
	}
	if s.HandOver == nil {
		t.Fatal("the kind leaves something to people, and the subject has no HandOver")
	}
	c := s.open(t)
	leaver, account := s.hire(t, c)
	for _, spec := range specs {
		out, _ := s.drive(t, c, aim(leaver, account, spec))
		if out.Kind != exeunt.ForPeople || len(out.Snapshot[string(spec.Action)]) == 0 {
			t.Errorf("%s: %s, %q: want what there is for people to do: %s", spec.Action, out.Kind, out.Snapshot, reason(out))
		}
		if err := c.Apply(t.Context(), account, spec.Action, aim(leaver, account, spec).With); exeunt.KindOf(err) != exeunt.Unsupported {
			t.Errorf("%s is applied: %v", spec.Action, err)
		}
	}
	s.HandOver(t, leaver)
	for _, spec := range specs {
		out, _ := s.drive(t, c, aim(leaver, account, spec))
		if out.Kind != exeunt.Done || out.Proof != exeunt.Observed || out.Changed {
			t.Errorf("%s once people have done it: %s, %s, changed by us: %t: %s", spec.Action, out.Kind, out.Proof, out.Changed, reason(out))
		}
	}
}
