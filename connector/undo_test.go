package connector_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
)

func TestRestored(t *testing.T) {
	const holds, absent, pending, unknown = exeunt.Holds, exeunt.Absent, exeunt.Pending, exeunt.Unknown
	type lists = map[string][]string
	for _, c := range []struct {
		name     string
		recorded lists
		stands   exeunt.Standing
		now      lists
		want     exeunt.Standing
		missing  string
	}{
		{"nothing was taken", lists{"groups": {}}, holds, nil, holds, ""},
		{"all gone", lists{"groups": {"a", "b"}}, holds, nil, absent, "groups a,groups b"},
		{"one is back", lists{"groups": {"a", "b"}}, absent, lists{"groups": {"b"}}, absent, "groups a"},
		{"all back", lists{"groups": {"a", "b"}}, absent, lists{"groups": {"b", "a"}}, holds, ""},
		{"all back, and more", lists{"groups": {"a"}}, absent, lists{"groups": {"c", "a"}}, holds, ""},
		{"two lists, one is short", lists{"groups": {"a"}, "roles": {"r"}}, absent, lists{"groups": {"a"}}, absent, "roles r"},
		{"what another action took is not asked for", lists{"groups": {"a"}, "container": {"ou"}}, absent, lists{"groups": {"a"}}, holds, ""},
		{"listed, but said to be gone", lists{"groups": {"a"}}, holds, lists{"groups": {"a"}}, absent, ""},
		{"on its way", lists{"groups": {"a"}}, pending, lists{"groups": {"a"}}, pending, ""},
		{"cannot be asked", lists{"groups": {"a"}}, unknown, nil, unknown, "groups a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := exeunt.ActionSpec{Action: exeunt.RemoveGroups, Takes: []string{"groups", "roles"}}
			seen := exeunt.Observation{Standing: map[exeunt.Action]exeunt.Standing{exeunt.RemoveGroups: c.stands}, Snapshot: c.now}
			if got := connector.Restored(spec, c.recorded, seen); got != c.want {
				t.Errorf("it %s, want %s", got, c.want)
			}
			if got := strings.Join(connector.Missing(spec, c.recorded, seen), ","); got != c.missing {
				t.Errorf("missing %q, want %q", got, c.missing)
			}
		})
	}
}

// undoing prepares an account in memory of which the groups were removed, and the aim to put them back.
func undoing(t *testing.T, settles time.Duration) (*connectortest.Vendor, connector.Aim) {
	t.Helper()
	v := connectortest.NewVendor()
	leaver := connectortest.Leaver(1)
	a := connector.Aim{Account: v.Hire(leaver, "eng", "vpn"), Spec: connectortest.Actions()[3], With: connector.Parameters{Leaver: leaver}}
	a.Spec.Settles = settles
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

func TestConvergePutsBack(t *testing.T) {
	slow := exeunt.Errorf(exeunt.Throttled, "slow down").After(7 * time.Second)
	for _, c := range []struct {
		name    string
		settles time.Duration
		given   func(*connectortest.Vendor, *connector.Aim)
		want    exeunt.OutcomeKind
		changed bool
		kind    exeunt.ErrorKind
		says    string
		undone  int
		groups  string
	}{
		{name: "put back and seen", want: exeunt.Done, changed: true, undone: 1, groups: "eng,vpn"},
		{name: "back already", given: func(v *connectortest.Vendor, a *connector.Aim) { v.Reopen(a.Account.ID, a.Spec.Action) },
			want: exeunt.Done, groups: "eng,vpn"},
		{name: "back already after our intent: the lost answer was ours", given: func(v *connectortest.Vendor, a *connector.Aim) {
			a.Intended = true
			v.Reopen(a.Account.ID, a.Spec.Action)
		}, want: exeunt.Done, changed: true, groups: "eng,vpn"},
		{name: "nothing was taken", given: func(_ *connectortest.Vendor, a *connector.Aim) { a.With.Snapshot = map[string][]string{"groups": {}} }, want: exeunt.Done},
		{name: "a lost answer", given: func(v *connectortest.Vendor, _ *connector.Aim) { v.LoseAnswers(1) }, want: exeunt.Done, changed: true, undone: 1, groups: "eng,vpn"},
		{name: "a lie", given: func(v *connectortest.Vendor, _ *connector.Aim) { v.Lie(1) }, want: exeunt.TryAgain, kind: exeunt.Temporary, says: "groups eng, groups vpn", undone: 1},
		{name: "not shown yet by a slow vendor", settles: time.Minute, given: func(v *connectortest.Vendor, _ *connector.Aim) { v.Lie(1) },
			want: exeunt.NotYet, changed: true, kind: exeunt.Temporary, undone: 1},
		{name: "on its way", given: func(v *connectortest.Vendor, _ *connector.Aim) { v.Lag(1) }, want: exeunt.NotYet, changed: true, kind: exeunt.Temporary, undone: 1, groups: "eng,vpn"},
		{name: "an action that cannot be repeated is put back again all the same", settles: time.Minute, given: func(_ *connectortest.Vendor, a *connector.Aim) {
			a.Intended, a.Spec.Repeatable = true, false
		}, want: exeunt.Done, changed: true, undone: 1, groups: "eng,vpn"},
		{name: "throttled", given: func(v *connectortest.Vendor, _ *connector.Aim) { v.Fail(connectortest.Apply, 1, slow) }, want: exeunt.TryAgain, kind: exeunt.Throttled},
		{name: "a group is no more", given: func(v *connectortest.Vendor, _ *connector.Aim) { v.DropGroup("eng") },
			want: exeunt.GaveUp, kind: exeunt.NotFound, says: "groups no longer there, so not put back: eng.", undone: 1, groups: "vpn"},
		{name: "nothing was recorded", given: func(_ *connectortest.Vendor, a *connector.Aim) { a.With.Snapshot = nil }, want: exeunt.GaveUp, kind: exeunt.Invalid, says: "nothing was recorded"},
		{name: "something else was recorded", given: func(_ *connectortest.Vendor, a *connector.Aim) {
			a.With.Snapshot = map[string][]string{"roles": {"admin"}}
		}, want: exeunt.GaveUp, kind: exeunt.Invalid},
		{name: "it cannot be put back", given: func(_ *connectortest.Vendor, a *connector.Aim) { a.Spec.Reversible = false }, want: exeunt.GaveUp, kind: exeunt.Unsupported, says: "by hand"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, a := undoing(t, c.settles)
			if c.given != nil {
				c.given(v, &a)
			}
			intents, acted := 0, v.Calls(connectortest.Apply)
			out, err := connector.Converge(t.Context(), v, a, func(exeunt.Observation) error { intents++; return nil })
			if err != nil {
				t.Fatal(err)
			}
			if out.Kind != c.want || out.Changed != c.changed {
				t.Errorf("%s, changed %v, %v; want %s, %v", out.Kind, out.Changed, out.Err, c.want, c.changed)
			}
			if out.Kind == exeunt.Done && out.Proof != exeunt.Observed {
				t.Errorf("proven as %s", out.Proof)
			}
			checkError(t, out, c.kind)
			if out.Err != nil && !strings.Contains(out.Err.Message, c.says) {
				t.Errorf("says %q, want %q in it", out.Err.Message, c.says)
			}
			if acts := v.Calls(connectortest.Apply) - acted; v.Undone(a.Spec.Action) != c.undone || intents != acts {
				t.Errorf("put back %d times in %d calls with %d intents, want %d", v.Undone(a.Spec.Action), acts, intents, c.undone)
			}
			if got := strings.Join(v.Groups(a.Account.ID), ","); got != c.groups {
				t.Errorf("groups %q, want %q", got, c.groups)
			}
		})
	}
}

func TestPutBackNamesWhatItLeavesOut(t *testing.T) {
	gone, no := exeunt.Errorf(exeunt.NotFound, "no such group"), exeunt.Errorf(exeunt.Denied, "it is protected")
	for _, c := range []struct {
		name  string
		fails map[string]error
		kind  exeunt.ErrorKind
		says  string
		tried string
	}{
		{"all back", nil, "", "", "1,2,3"},
		{"one is gone", map[string]error{"2": gone}, exeunt.NotFound, "not put back: two.", "1,2,3"},
		{"one is gone, one refused", map[string]error{"1": gone, "3": no}, exeunt.Denied, "one, three (it is protected)", "1,2,3"},
		{"slow down", map[string]error{"1": gone, "2": fails(exeunt.Throttled)}, exeunt.Throttled, "", "1,2"},
		{"a fault of ours", map[string]error{"1": errors.New("s3cret")}, exeunt.Internal, "", "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tried []string
			err := connector.PutBack("groups", []string{"1", "2", "3"}, []string{"one", "two", "three"}, func(item string) error {
				tried = append(tried, item)
				return c.fails[item]
			})
			if exeunt.KindOf(err) != c.kind || !strings.Contains(exeunt.MessageOf(err), c.says) || strings.Contains(exeunt.MessageOf(err), "s3cret") {
				t.Errorf("%s %v, want %s %q", exeunt.KindOf(err), err, c.kind, c.says)
			}
			if got := strings.Join(tried, ","); got != c.tried {
				t.Errorf("tried %s, want %s", got, c.tried)
			}
		})
	}
	if err := connector.PutBack("groups", []string{"cn=eng"}, nil, func(string) error { return gone }); !strings.Contains(err.Error(), "cn=eng") {
		t.Errorf("without names: %v", err)
	}
}
