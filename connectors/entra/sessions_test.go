package entra_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors/entra"
)

func TestTheDefaultFactorGoesLast(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	g.requests()
	if out := converge(t, c, l, exeunt.ResetFactors); out.Kind != exeunt.Done {
		t.Fatalf("%s: %s", out.Kind, said(out))
	}
	sent := changes(g.requests())
	if last := sent[len(sent)-1]; len(sent) != 6 || !strings.Contains(last, "microsoftAuthenticatorMethods/0%2FmicrosoftAuthenticator=") || !strings.Contains(sent[0], "microsoftAuthenticatorMethods") {
		t.Errorf("sent\n%s\nwant the default one tried first and removed last", strings.Join(sent, "\n"))
	}
	g.do(func(w *world) {
		w.Users[idOf(l)].Factors = []object{{"@odata.type": "#microsoft.graph.hardwareOathAuthenticationMethod", "id": "h"}, {"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": "p"}}
	})
	out := converge(t, c, l, exeunt.ResetFactors)
	if out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Denied || !strings.Contains(said(out), "hardwareOath") {
		t.Errorf("a factor that Graph cannot delete: %s: %s", out.Kind, said(out))
	}
	g.do(func(w *world) {
		if left := w.Users[idOf(l)].Factors; len(left) != 1 {
			t.Errorf("left are %v, want the one that Graph cannot delete", left)
		}
	})
}

func TestWhatComesFromActiveDirectoryIsDisabledThere(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	g.do(func(w *world) { w.Users[idOf(l)].Is["onPremisesSyncEnabled"] = true })
	g.requests()
	out := converge(t, c, l, exeunt.Disable)
	if out.Kind != exeunt.GaveUp || !strings.Contains(said(out), "comes from Active Directory: change it there") || len(changes(g.requests())) != 0 {
		t.Errorf("%s: %s", out.Kind, said(out))
	}
	if out := converge(t, c, l, exeunt.RemoveGroups); out.Kind != exeunt.Done {
		t.Errorf("its cloud groups: %s: %s", out.Kind, said(out))
	}
	g.do(func(w *world) { w.Users[idOf(l)].Is["accountEnabled"] = false }) // synchronised
	if out := converge(t, c, l, exeunt.Disable); out.Kind != exeunt.Done || out.Changed {
		t.Errorf("disabled there: %s: %s", out.Kind, said(out))
	}
}

func TestRevokedIsWhatIsSeenToBe(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	for name, lie := range map[string]*answer{
		"nothing happens": {status: 200, body: object{"value": true}}, "204 and nothing": {status: 204}, "false": {status: 200, body: object{"value": false}},
	} {
		g.meet = func(_, path string) *answer {
			if strings.HasSuffix(path, "/revokeSignInSessions") {
				return lie
			}
			return nil
		}
		if out := converge(t, c, l, exeunt.RevokeSessions); out.Kind != exeunt.TryAgain {
			t.Errorf("%s: %s: %s", name, out.Kind, said(out))
		}
	}
	g.meet = nil
	if out := converge(t, c, l, exeunt.RevokeSessions); out.Kind != exeunt.Done {
		t.Errorf("%s: %s", out.Kind, said(out))
	}
	g.meet = func(_, path string) *answer {
		if strings.HasSuffix(path, "/revokeSignInSessions") {
			return &answer{status: 200, body: object{"value": false}}
		}
		return nil
	}
	if out := converge(t, c, l, exeunt.RevokeSessionsAgain); out.Kind != exeunt.TryAgain {
		t.Errorf("false, a moment after it was true: %s: %s", out.Kind, said(out))
	}
	g.meet = nil
	out := converge(t, c, l, exeunt.RevokeSessionsAgain)
	from, err := time.Parse(time.RFC3339, out.Seen["sessions_valid_from"])
	if out.Kind != exeunt.Done || out.Proof != exeunt.Acknowledged || err != nil || time.Since(from) > time.Hour {
		t.Errorf("%s %s, sessions from %s: %s", out.Kind, out.Proof, out.Seen["sessions_valid_from"], said(out))
	}
}

func TestWhoIsDangerousIsLockedOutFirst(t *testing.T) {
	specs := slices.SortedFunc(slices.Values(entra.Kind().Actions), func(a, b exeunt.ActionSpec) int { return a.In(true) - b.In(true) })
	if specs[0].Action != exeunt.Disable || specs[1].Action != exeunt.RevokeSessions {
		t.Errorf("an immediate departure begins with %s and %s", specs[0].Action, specs[1].Action)
	}
	place := func(a exeunt.Action) int {
		return slices.IndexFunc(specs, func(s exeunt.ActionSpec) bool { return s.Action == a })
	}
	for _, before := range []exeunt.Action{exeunt.RemoveGroups, exeunt.RemoveRoles, exeunt.RemoveApps} {
		if place(before) > place(exeunt.RevokeSessionsAgain) {
			t.Errorf("sessions are revoked again before %s", before)
		}
	}
}

func TestThePasswordIsSeenToChange(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	g.meet = func(method, _ string) *answer {
		if method == "PATCH" {
			return nothing()
		}
		return nil
	}
	if out := converge(t, c, l, exeunt.ResetPassword); out.Kind != exeunt.TryAgain {
		t.Errorf("204 and nothing: %s: %s", out.Kind, said(out))
	}
	g.meet = nil
	if out := converge(t, c, l, exeunt.ResetPassword); out.Kind != exeunt.Done || out.Proof != exeunt.Acknowledged {
		t.Errorf("%s %s: %s", out.Kind, out.Proof, said(out))
	}
	var first, second string
	g.do(func(w *world) { first = w.Users[idOf(l)].Password })
	converge(t, c, l, exeunt.ResetPassword)
	g.do(func(w *world) {
		second = w.Users[idOf(l)].Password
		w.Users[idOf(l)].Is["onPremisesSyncEnabled"] = true
	})
	if first == firstPassword || first == second || len(second) < 40 {
		t.Errorf("set to %q, then to %q", first, second)
	}
	g.requests()
	if out := converge(t, c, l, exeunt.ResetPassword); out.Kind != exeunt.BecameMoot || !strings.Contains(said(out), "reset there") || len(changes(g.requests())) != 0 {
		t.Errorf("from Active Directory: %s: %s", out.Kind, said(out))
	}
}
