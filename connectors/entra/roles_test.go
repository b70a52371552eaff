package entra_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
)

func TestAnAdministratorIsAskedForFirst(t *testing.T) {
	g := newGraph(t)
	for name, c := range map[string]struct {
		settings string
		flags    []exeunt.Flag
		holds    func(w *world, id string)
		acts     bool
	}{
		"nobody knew":         {},
		"HR knew":             {flags: []exeunt.Flag{exeunt.Privileged}, acts: true},
		"protected":           {flags: []exeunt.Flag{exeunt.Protected}, acts: true},
		"the settings say so": {settings: `,"privileged":"act"`, acts: true},
		"eligible only":       {holds: func(w *world, id string) { w.Active, w.Scheduled = nil, nil }},
		"by a group":          {holds: func(w *world, id string) { g.unrank(w); g.group(w, "Tier 0", object{"isAssignableToRole": true}, id) }},
		"no administrator":    {holds: func(w *world, _ string) { g.unrank(w) }, acts: true},
	} {
		t.Run(name, func(t *testing.T) {
			conn, l := g.open(t, c.settings), g.hire(t)
			l.Flags = c.flags
			if c.holds != nil {
				g.do(func(w *world) { c.holds(w, idOf(l)) })
			}
			for _, action := range []exeunt.Action{exeunt.Disable, exeunt.ResetFactors, exeunt.RevokeSessions} {
				g.requests()
				out := converge(t, conn, l, action)
				if acted := len(changes(g.requests())) > 0; acted != c.acts || (out.Kind == exeunt.Done) != c.acts {
					t.Errorf("%s: acted %t, %s: %s; want %t", action, acted, out.Kind, said(out), c.acts)
				}
				if !c.acts && (exeunt.KindOf(out.Err) != exeunt.Denied || !strings.Contains(said(out), "HR does not say that this person is privileged")) {
					t.Errorf("%s: %s", action, said(out))
				}
			}
		})
	}
}

func (g *graph) unrank(w *world) { w.Active, w.Scheduled, w.Eligible = nil, nil, nil }

func TestRolesForATimeAreEndedAndNotPutBack(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	const activated = "11111111-0000-4000-8000-00000000000a"
	g.do(func(w *world) {
		g.activate(object{"principalId": idOf(l), "roleDefinitionId": activated, "directoryScopeId": "/"}, "Activated", "2030-01-01T00:00:00Z")
		g.offer(object{"principalId": idOf(l), "roleDefinitionId": activated, "directoryScopeId": "/"}, "2030-01-01T00:00:00Z")
	})
	seen, err := c.Observe(t.Context(), account(l))
	if err != nil || !slices.Equal(seen.Snapshot["roles"], []string{globalAdmin + " /"}) || !slices.Equal(seen.Snapshot["eligible_roles"], []string{helpdesk + " /"}) {
		t.Errorf("recorded %v and %v, %v; want what was for good", seen.Snapshot["roles"], seen.Snapshot["eligible_roles"], err)
	}
	if out := converge(t, c, l, exeunt.RemoveRoles); out.Kind != exeunt.Done {
		t.Fatalf("%s: %s", out.Kind, said(out))
	}
	g.do(func(w *world) {
		if len(w.Active)+len(w.Scheduled)+len(w.Eligible) != 0 {
			t.Errorf("left are %v %v %v", w.Active, w.Scheduled, w.Eligible)
		}
	})
}

func TestATenantWithoutScheduledRoles(t *testing.T) {
	g := newGraph(t)
	g.meet = func(_, path string) *answer {
		if strings.Contains(path, "ScheduleInstances") {
			return failure(400, "AadPremiumLicenseRequired", "The tenant needs to have Microsoft Entra ID P2")
		}
		return nil
	}
	c, l := g.open(t, ""), g.hire(t)
	g.do(func(w *world) { w.Eligible = nil })
	if out := converge(t, c, l, exeunt.RemoveRoles); out.Kind != exeunt.Done {
		t.Errorf("%s: %s", out.Kind, said(out))
	}
}
