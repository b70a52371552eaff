package connectortest

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// rightsAreToldWithoutActing examines with credentials that may do everything: nothing may be said to lack, nothing may
// change, and every action must be spoken of, if only to say that its rights cannot be known.
func rightsAreToldWithoutActing(t testing.TB, s Subject) {
	c := s.open(t)
	_, account := s.hire(t, c)
	before := observe(t, c, account)
	rights, err := c.Examine(t.Context())
	if err != nil {
		t.Fatalf("Examine: %v", err)
	}
	for _, r := range rights {
		if r.State == connector.Lacking {
			t.Errorf("%s is said to lack (%s), with credentials by which all is done", r.Name, r.Why)
		}
	}
	s.rightsAreSound(t, rights)
	after := observe(t, c, account)
	if !maps.Equal(before.Standing, after.Standing) || !maps.EqualFunc(before.Snapshot, after.Snapshot, slices.Equal) {
		t.Errorf("examining changed the account: %+v before, %+v after", before, after)
	}
	if n := c.applied.Load(); n != 0 {
		t.Errorf("examining applied %d actions", n)
	}
	if s.WrongCredentials != nil {
		if _, err := s.openWith(t, s.WrongCredentials).Examine(t.Context()); exeunt.KindOf(err) != exeunt.Unauthorised && exeunt.KindOf(err) != exeunt.Denied {
			t.Errorf("Examine with wrong credentials: %v (%s), want unauthorised", err, exeunt.KindOf(err))
		}
	}
	if s.Unreachable != nil {
		if _, err := s.openWith(t, s.Unreachable).Examine(t.Context()); exeunt.KindOf(err) != exeunt.Temporary {
			t.Errorf("Examine of a dead system: %v (%s), want temporary", err, exeunt.KindOf(err))
		}
	}
}

// rightsAreSound checks that rights can be read by people: each has a name, and whatever is not granted says why and what
// to do.
func (s Subject) rightsAreSound(t testing.TB, rights []connector.Right) {
	t.Helper()
	spoken := map[exeunt.Action]bool{}
	for _, r := range rights {
		for _, a := range r.For {
			spoken[a] = true
		}
		switch {
		case r.Name == "":
			t.Errorf("a right has no name: %+v", r)
		case r.State != connector.Granted && r.State != connector.Lacking && r.State != connector.Unknown:
			t.Errorf("%s has the state %q", r.Name, r.State)
		case r.State != connector.Granted && (r.Why == "" || r.Remedy == ""):
			t.Errorf("%s is %s, and it is not said why and what to do: %+v", r.Name, r.State, r)
		}
	}
	for _, spec := range s.specs(t) {
		if len(spec.Scopes) > 0 && !spoken[spec.Action] {
			t.Errorf("nothing is said of the rights that %s needs", spec.Action)
		}
	}
}

func rightsThatLackAreTold(t testing.TB, s Subject) {
	if s.Powerless == nil {
		missing(t, "Powerless")
		return
	}
	rights, err := s.openWith(t, s.Powerless).Examine(t.Context())
	if err != nil {
		t.Fatalf("Examine: %v", err)
	}
	s.rightsAreSound(t, rights)
	if !slices.ContainsFunc(rights, func(r connector.Right) bool { return r.State == connector.Lacking && slices.Contains(r.For, s.Needs) }) {
		t.Errorf("nothing is said to lack for %s: %+v", s.Needs, rights)
	}
}

// Forbid takes from us the right to an action. Only Examine tells: Apply acts as before.
func (v *Vendor) Forbid(action exeunt.Action) { v.set(func() { v.lacking[action] = true }) }

// Examine implements connector.Examiner: one right for each action.
func (v *Vendor) Examine(ctx context.Context) ([]connector.Right, error) {
	if err := v.enter(ctx, Examine); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	rights := []connector.Right{{Name: "sign in", State: connector.Granted}}
	for _, spec := range v.specs {
		r := connector.Right{Name: "right to " + string(spec.Action), For: []exeunt.Action{spec.Action}, State: connector.Granted}
		if v.lacking[spec.Action] {
			r.State, r.Why, r.Remedy = connector.Lacking, "it was taken from us", "give it back"
		}
		rights = append(rights, r)
	}
	return rights, nil
}
