package connectortest

import (
	"context"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// undoing breaks the undo of a connector, and leaves the rest as it is.
func undoing(broken func(v *Vendor, ctx context.Context, a exeunt.Account, action exeunt.Action, with connector.Parameters) error) func(*Vendor) func(connector.Connector) connector.Connector {
	return func(v *Vendor) func(connector.Connector) connector.Connector {
		return func(c connector.Connector) connector.Connector {
			return hooked{Connector: c, apply: func(ctx context.Context, a exeunt.Account, action exeunt.Action, with connector.Parameters) error {
				if !with.Undo {
					return c.Apply(ctx, a, action, with)
				}
				return broken(v, ctx, a, action, with)
			}}
		}
	}
}

// Each fault is one that the undo of a connector really may have.
func TestTheSuiteCatchesAnUndoThat(t *testing.T) {
	type params = connector.Parameters
	for _, c := range []struct {
		fault, check string
		broken       func(v *Vendor, ctx context.Context, a exeunt.Account, action exeunt.Action, with params) error
	}{
		{"does nothing", "undone is as before", func(*Vendor, context.Context, exeunt.Account, exeunt.Action, params) error { return nil }},
		{"forgets one group", "undone is as before", func(v *Vendor, ctx context.Context, a exeunt.Account, action exeunt.Action, with params) error {
			if groups := with.Snapshot["groups"]; action == exeunt.RemoveGroups && len(groups) > 1 {
				with.Snapshot = map[string][]string{"groups": groups[1:]}
			}
			return v.Apply(ctx, a, action, with)
		}},
		{"brings one group more", "undone is as before", func(v *Vendor, ctx context.Context, a exeunt.Account, action exeunt.Action, with params) error {
			if action == exeunt.RemoveGroups {
				with.Snapshot = map[string][]string{"groups": append([]string{"admins"}, with.Snapshot["groups"]...)}
			}
			return v.Apply(ctx, a, action, with)
		}},
		{"fails when it is back already", "undone is as before", func(v *Vendor, ctx context.Context, a exeunt.Account, action exeunt.Action, with params) error {
			if v.Undone(action) > 0 && !v.Done(a.ID, action) {
				return exeunt.Errorf(exeunt.Invalid, "it is back already")
			}
			return v.Apply(ctx, a, action, with)
		}},
		{"does the action again", "all is put back in reverse", func(v *Vendor, ctx context.Context, a exeunt.Account, action exeunt.Action, with params) error {
			err := v.Apply(ctx, a, action, with)
			v.set(func() { v.accounts[a.ID].done[exeunt.RemoveGroups] = 0 })
			return err
		}},
		{"gives the old password back", "all is put back in reverse", func(v *Vendor, ctx context.Context, a exeunt.Account, action exeunt.Action, with params) error {
			v.Reopen(a.ID, exeunt.ResetPassword)
			return v.Apply(ctx, a, action, with)
		}},
		{"guesses without a snapshot", "nothing recorded puts nothing back", func(v *Vendor, ctx context.Context, a exeunt.Account, action exeunt.Action, with params) error {
			v.Reopen(a.ID, action)
			return nil
		}},
		{"promises what it cannot", "what cannot be put back says so", func(*Vendor, context.Context, exeunt.Account, exeunt.Action, params) error { return nil }},
		{"stops at a group that is gone", "what is gone meanwhile is named", func(v *Vendor, ctx context.Context, a exeunt.Account, action exeunt.Action, with params) error {
			for _, group := range with.Snapshot["groups"] {
				if v.dropped[group] {
					return exeunt.Errorf(exeunt.NotFound, "there is no %s", group)
				}
			}
			return v.Apply(ctx, a, action, with)
		}},
		{"is silent about a group that is gone", "what is gone meanwhile is named", func(v *Vendor, ctx context.Context, a exeunt.Account, action exeunt.Action, with params) error {
			_ = v.Apply(ctx, a, action, with)
			return nil
		}},
		{"does not name what is gone", "what is gone meanwhile is named", func(v *Vendor, ctx context.Context, a exeunt.Account, action exeunt.Action, with params) error {
			if err := v.Apply(ctx, a, action, with); err != nil {
				return exeunt.Errorf(exeunt.NotFound, "something is gone")
			}
			return nil
		}},
		{"fails for good after a lost answer", "a lost answer to an undo converges", halfThenNo},
		{"ignores its context", "a cancelled undo ends without effect", func(v *Vendor, _ context.Context, a exeunt.Account, action exeunt.Action, with params) error {
			return v.Apply(context.Background(), a, action, with)
		}},
		{"takes a vanished account for a success", "an undo of a vanished account is not found", func(v *Vendor, ctx context.Context, a exeunt.Account, action exeunt.Action, with params) error {
			_ = v.Apply(ctx, a, action, with)
			return nil
		}},
	} {
		t.Run(c.fault, func(t *testing.T) {
			v := NewVendor()
			if said := watch(t, c.check, subject(v, undoing(c.broken)(v))); said == "" {
				t.Errorf("%q passes", c.check)
			}
		})
	}
}

// halfThenNo puts one group back, and refuses to go on from there.
func halfThenNo(v *Vendor, ctx context.Context, a exeunt.Account, action exeunt.Action, with connector.Parameters) error { //nolint:revive // shaped like the broken ones beside it
	if v.Undone(action) > 0 {
		return exeunt.Errorf(exeunt.Denied, "somebody is at it")
	}
	if action == exeunt.RemoveGroups {
		with.Snapshot = map[string][]string{"groups": with.Snapshot["groups"][:1]}
	}
	return v.Apply(ctx, a, action, with)
}

// An undo needs a look that recorded something.
func TestTheSuiteCatchesALookThatRecordsNothing(t *testing.T) {
	s := subject(NewVendor(), func(c connector.Connector) connector.Connector {
		return hooked{Connector: c, observe: func(ctx context.Context, a exeunt.Account) (exeunt.Observation, error) {
			o, err := c.Observe(ctx, a)
			delete(o.Snapshot, "enabled")
			return o, err
		}}
	})
	if watch(t, "undone is as before", s) == "" {
		t.Error("nothing is recorded and nobody minds")
	}
}
