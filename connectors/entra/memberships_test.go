package entra_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors/entra"
)

// TestAMembershipIsEndedByItsReference holds the very address: without /$ref at its end, Graph deletes the user.
func TestAMembershipIsEndedByItsReference(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	seen, err := c.Observe(t.Context(), account(l))
	if err != nil {
		t.Fatal(err)
	}
	g.requests()
	if out := converge(t, c, l, exeunt.RemoveGroups); out.Kind != exeunt.Done || out.Proof != exeunt.Observed {
		t.Fatalf("%s: %s", out.Kind, said(out))
	}
	var want []string
	for _, gid := range seen.Snapshot["groups"] {
		want = append(want, "DELETE /groups/"+gid+"/members/"+idOf(l)+"/$ref")
	}
	got := changes(g.requests())
	if slices.Sort(got); len(want) != 3 || !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("sent\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	g.do(func(w *world) {
		if w.Users[idOf(l)] == nil {
			t.Error("the user is deleted")
		}
	})
}

func TestGroupsThatStayAreNamed(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	g.do(func(w *world) {
		g.group(w, "All staff", object{"mailEnabled": true, "securityEnabled": false, "mail": "all'staff@corp.example"}, idOf(l))
		g.group(w, "Finance", object{"mailEnabled": true, "securityEnabled": true, "mail": "finance@corp.example"}, idOf(l))
	})
	out := converge(t, c, l, exeunt.RemoveGroups)
	command := "Remove-DistributionGroupMember -Identity 'all''staff@corp.example' -Member '" + strings.ReplaceAll(l.Identifiers[exeunt.PrincipalName], "'", "''") + "'"
	if out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Denied || len(out.Err.ByHand) != 2 || !strings.HasPrefix(out.Err.ByHand[0], command) || !strings.Contains(said(out), "'finance@corp.example'") {
		t.Errorf("%s: %s\nwant the command %s", out.Kind, said(out), command)
	}
	seen, err := c.Observe(t.Context(), account(l))
	if err != nil || len(seen.Snapshot["groups"]) != 0 || seen.Of(exeunt.RemoveGroups) != exeunt.Absent {
		t.Errorf("%v, groups %v, %s; want the others gone and the step open", err, seen.Snapshot["groups"], seen.Of(exeunt.RemoveGroups))
	}
	for _, words := range []string{"everybody", "(dynamic)", "synced", "(from Active Directory)", "licensed", "(gives a licence)", "All staff", "(distribution list or mail-enabled security group)"} {
		if !strings.Contains(seen.Facts["groups_left"], words) {
			t.Errorf("%q are left, and %s is not said", seen.Facts["groups_left"], words)
		}
	}
	if !strings.Contains(seen.Facts["owns"], "Nightly export (servicePrincipal)") {
		t.Errorf("what the person owns is not said: %q", seen.Facts["owns"])
	}
	g.do(func(w *world) {
		for gid, group := range w.Groups {
			if group["mailEnabled"] == true && group["mail"] != nil {
				w.Members[gid] = nil // a person ran the commands
			}
		}
	})
	if out := converge(t, c, l, exeunt.RemoveGroups); out.Kind != exeunt.Done || out.Changed {
		t.Errorf("after the commands: %s: %s", out.Kind, said(out))
	}
}

func TestAGroupThatGivesRolesWantsARightOfItsOwn(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	g.do(func(w *world) { g.group(w, "Tier 0", object{"isAssignableToRole": true}, idOf(l)) })
	g.meet = func(method, path string) *answer {
		if method == "DELETE" && strings.Contains(path, g.named("Tier 0")) {
			return failure(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
		}
		return nil
	}
	out := converge(t, c, l, exeunt.RemoveGroups)
	if out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Denied || !strings.Contains(said(out), "out of Tier 0: grant our application RoleManagement.ReadWrite.Directory") {
		t.Errorf("%s: %s", out.Kind, said(out))
	}
}

// named is the id of a group; the lock is held by the request that asks.
func (g *graph) named(name string) string {
	for gid, group := range g.truth.Groups {
		if group["displayName"] == name {
			return gid
		}
	}
	return "none"
}

func TestLicencesGoLastAndOnlyOurs(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	g.do(func(w *world) {
		p := w.Users[idOf(l)]
		p.Is["licenseAssignmentStates"] = append(p.Is["licenseAssignmentStates"].([]object), object{"skuId": g.id(9), "assignedByGroup": g.id(2)})
	})
	if out := converge(t, c, l, exeunt.ReclaimLicence); out.Kind != exeunt.Done {
		t.Fatalf("%s: %s", out.Kind, said(out))
	}
	g.do(func(w *world) {
		if left := w.Users[idOf(l)].Is["licenseAssignmentStates"].([]object); len(left) != 1 || left[0]["assignedByGroup"] == nil {
			t.Errorf("left are %v, want the one that a group gives", left)
		}
	})
	specs := entra.Kind().Actions
	for _, s := range specs {
		if s.Order > specs[len(specs)-1].Order || (s.Action == exeunt.ReclaimLicence) != s.Destructive {
			t.Errorf("%s has order %d and destructive %t: licences go last, and they alone lose data", s.Action, s.Order, s.Destructive)
		}
	}
}

// TestOnlyWhatWasRecordedIsTaken lets somebody add the account to a group between the look and the act: nobody would put
// that membership back.
func TestOnlyWhatWasRecordedIsTaken(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	seen, err := c.Observe(t.Context(), account(l))
	if err != nil {
		t.Fatal(err)
	}
	var late string
	g.do(func(w *world) { late = g.group(w, "late", nil, idOf(l)) })
	parameters := with(l)
	parameters.Seen = seen
	if err := c.Apply(t.Context(), account(l), exeunt.RemoveGroups, parameters); err != nil {
		t.Fatal(err)
	}
	after, err := c.Observe(t.Context(), account(l))
	if err != nil || !slices.Equal(after.Snapshot["groups"], []string{late}) {
		t.Errorf("left are %v, %v; want the one that was not recorded", after.Snapshot["groups"], err)
	}
}
