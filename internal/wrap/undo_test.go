package wrap_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/wrap"
)

// removed is an account whose groups were removed, and the aim to put them back.
func removed(t *testing.T) (*connectortest.Vendor, connector.Aim) {
	t.Helper()
	v := connectortest.NewVendor()
	a := connector.Aim{Account: v.Hire(connectortest.Leaver(1), "eng", "vpn"), Spec: connectortest.Actions()[3]}
	before, err := v.Observe(t.Context(), a.Account)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Apply(t.Context(), a.Account, a.Spec.Action, a.With); err != nil {
		t.Fatal(err)
	}
	a.With.Undo, a.With.Snapshot = true, before.Snapshot
	return v, a
}

func TestAnUndoGoesThroughTheWholeStack(t *testing.T) {
	v, a := removed(t)
	c := wrap.Stack(v, wrap.Options{System: "hr", Lane: wrap.NewLane("hr", exeunt.Rate{})})
	out, err := connector.Converge(t.Context(), c, a, func(exeunt.Observation) error { return nil })
	if err != nil || out.Kind != exeunt.Done || !slices.Equal(v.Groups(a.Account.ID), []string{"eng", "vpn"}) {
		t.Errorf("%s %v %v, groups %v", out.Kind, out.Err, err, v.Groups(a.Account.ID))
	}
}

func TestASnapshotShowsNoCredential(t *testing.T) {
	leaky := fake{observe: func(context.Context) (exeunt.Observation, error) {
		return exeunt.Observation{Snapshot: map[string][]string{"groups": {"eng", "token=abcdef0123456789"}}}, nil
	}}
	seen, err := wrap.Redact(leaky, "hr", nil).Observe(t.Context(), exeunt.Account{})
	if err != nil || seen.Snapshot["groups"][0] != "eng" || strings.Contains(seen.Snapshot["groups"][1], "abcdef") {
		t.Errorf("%v %v", seen.Snapshot, err)
	}
}
