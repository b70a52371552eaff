package okta_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// TestAMissingScopeTakesItsOwnActionsAway grants all scopes but one.
func TestAMissingScopeTakesItsOwnActionsAway(t *testing.T) {
	o := anOrganisation(t)
	for scope, action := range map[string]exeunt.Action{
		"okta.devices.manage": exeunt.LockDevices, "okta.apps.read": exeunt.RemoveApps, "okta.groups.read": exeunt.RemoveGroups, "okta.apiTokens.read": exeunt.RevokeTokens, "okta.roles.manage": exeunt.RemoveRoles,
	} {
		granted := slices.DeleteFunc(slices.Clone(allScopes), func(s string) bool { return s == scope })
		text := settings(t, o, "narrow", o.application(t, "narrow", granted...), nil)
		c := open(t, text)
		p := o.hire("p-"+scope, scope+"@acme.example", scope)
		out := attempt(t, c, text, p, action, leaver(1))
		if out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Denied || !strings.Contains(out.Err.Message, "no token with "+scope) {
			t.Errorf("%s without %s: %s %v", action, scope, out.Kind, out.Err)
		}
		seen, err := c.Observe(t.Context(), exeunt.Account{ID: p.id})
		if hidden := strings.HasSuffix(scope, ".read"); err != nil || seen.Of(exeunt.Disable) != exeunt.Absent || hidden != (seen.Of(action) == exeunt.Unknown) || hidden != strings.Contains(seen.Facts[string(action)], scope) {
			t.Errorf("a look at everything without %s: %v, %v, %v", scope, seen.Standing, seen.Facts, err)
		}
		if out := attempt(t, c, text, p, exeunt.Disable, leaver(1)); out.Kind != exeunt.Done {
			t.Errorf("disable without %s: %s %v", scope, out.Kind, out.Err)
		}
	}
}

func TestOneRefusalDoesNotKeepTheRest(t *testing.T) {
	o, c, text := opened(t, nil)
	p := o.hire("p", "p@acme.example", "1")
	for action, refused := range map[exeunt.Action]string{exeunt.RemoveGroups: "/api/v1/groups/00geng/users/" + p.id, exeunt.LockDevices: "/api/v1/devices/guo1/lifecycle/suspend"} {
		o.set(func() {
			o.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != refused {
					return false
				}
				refuse(w, http.StatusForbidden, "E0000006")
				return true
			}
		})
		out := attempt(t, c, text, p, action, leaver(1))
		if out.Kind != exeunt.GaveUp || !strings.Contains(out.Err.Message, "the other 1 are done") {
			t.Errorf("%s: %s %v", action, out.Kind, out.Err)
		}
	}
	o.set(func() {
		if p.groups["00gown1"] || !p.groups["00geng"] || p.devices["gup1"] != "SUSPENDED" {
			t.Errorf("left %v and %v, want only what was refused", p.groups, p.devices)
		}
	})
}

// TestNothingIsTakenForAnEmptyList answers every list with null.
func TestNothingIsTakenForAnEmptyList(t *testing.T) {
	o, c, text := opened(t, nil)
	p := o.hire("p", "p@acme.example", "1")
	o.set(func() {
		o.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || r.URL.Path == "/api/v1/users/"+p.id || strings.HasSuffix(r.URL.Path, "/roles") {
				return false
			}
			_, _ = w.Write([]byte("null"))
			return true
		}
	})
	for _, action := range []exeunt.Action{exeunt.ResetFactors, exeunt.RevokeGrants, exeunt.RevokeTokens, exeunt.RemoveGroups, exeunt.RemoveApps, exeunt.LockDevices} {
		if out := attempt(t, c, text, p, action, leaver(1)); out.Kind != exeunt.TryAgain || exeunt.KindOf(out.Err) != exeunt.Temporary {
			t.Errorf("%s: %s %v", action, out.Kind, out.Err)
		}
	}
	if _, err := connector.List(t.Context(), c, "", nil); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("a list of everybody: %v", err)
	}
}

func TestACustomRoleIsTakenByItsBinding(t *testing.T) {
	o, c, text := opened(t, nil)
	p := o.hire("p", "p@acme.example", "1")
	o.set(func() { p.custom = []string{"irb1"} })
	if out := attempt(t, c, text, p, exeunt.RemoveRoles, leaver(1)); out.Kind != exeunt.Done || !out.Changed {
		t.Errorf("%s %v", out.Kind, out.Err)
	}
	if n := asked(o, "DELETE /api/v1/iam/resource-sets/iamoJdFK/bindings/cr0own/members/irb1"); n != 1 {
		t.Errorf("asked %d times for the binding", n)
	}
}

func TestHowSomebodyCameToAnApplicationIsAsked(t *testing.T) {
	o, c, text := opened(t, nil)
	p := o.hire("p", "p@acme.example", "1")
	o.set(func() { o.bare = true })
	out := attempt(t, c, text, p, exeunt.RemoveApps, leaver(1))
	if out.Kind != exeunt.Done || !out.Changed || out.Seen["applications_by_group"] != "Shared 1" {
		t.Errorf("%s %v, %v", out.Kind, out.Err, out.Seen)
	}
}

func TestAFeatureThatIsOffIsSaidToBe(t *testing.T) {
	o, c, text := opened(t, nil)
	p := o.hire("p", "p@acme.example", "1")
	o.set(func() {
		o.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/devices") {
				return false
			}
			refuse(w, http.StatusForbidden, "E0000015")
			return true
		}
	})
	if out := attempt(t, c, text, p, exeunt.LockDevices, leaver(1)); out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Unsupported || !strings.Contains(out.Err.Message, "switched on") {
		t.Errorf("%s %v", out.Kind, out.Err)
	}
	if seen, err := c.Observe(t.Context(), exeunt.Account{ID: p.id}); err != nil || seen.Of(exeunt.LockDevices) != exeunt.Unknown || seen.Of(exeunt.RemoveGroups) != exeunt.Absent {
		t.Errorf("a look at everything: %v, %v", seen.Standing, err)
	}
}

func TestWhatOnlyThePersonOwnsIsListed(t *testing.T) {
	o, c, text := opened(t, nil)
	p := o.hire("p", "p@acme.example", "1")
	want := []string{"the API token script 00Token1: let what works with it have another, and revoke this one", "the group Project 1 (00gown1), which nobody else owns"}
	if out := attempt(t, c, text, p, exeunt.HandOver, leaver(1)); out.Kind != exeunt.ForPeople || !slices.Equal(out.Snapshot[string(exeunt.HandOver)], want) {
		t.Errorf("%s %v, %q; want %q", out.Kind, out.Err, out.Snapshot, want)
	}
	o.set(func() { // no group has owners there
		o.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/owners") {
				return false
			}
			refuse(w, http.StatusForbidden, "E0000015")
			return true
		}
	})
	if out := attempt(t, c, text, p, exeunt.HandOver, leaver(1)); !slices.Equal(out.Snapshot[string(exeunt.HandOver)], want[:1]) {
		t.Errorf("%s %v, %q; want %q", out.Kind, out.Err, out.Snapshot, want[:1])
	}
}
