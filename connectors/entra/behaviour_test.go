package entra_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connectors/entra"
)

// converge makes one attempt at an action.
func converge(t *testing.T, c connector.Connector, l exeunt.Leaver, action exeunt.Action) exeunt.Outcome {
	t.Helper()
	i := slices.IndexFunc(entra.Kind().Actions, func(a exeunt.ActionSpec) bool { return a.Action == action })
	out, err := connector.Converge(t.Context(), c, connector.Aim{Account: account(l), Spec: entra.Kind().Actions[i], With: with(l)}, func(exeunt.Observation) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func said(out exeunt.Outcome) string {
	if out.Err == nil {
		return ""
	}
	return out.Err.Message
}

// changes are the requests that change something.
func changes(all []string) []string {
	return slices.DeleteFunc(all, func(r string) bool { return strings.HasPrefix(r, "GET ") })
}

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

func TestPeopleAreSoughtByEveryIdentifier(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	mail := l.Identifiers[exeunt.PrincipalName]
	quoted := strings.NewReplacer("'", "%27%27", "+", "%2B", "#", "%23", "&", "%26", "@", "%40").Replace(mail)
	if !strings.ContainsAny(mail, "'") || !strings.ContainsAny(mail, "+#&") {
		t.Fatalf("%q is no trap", mail)
	}
	for attribute, key := range map[string]struct{ value, filter string }{
		"userPrincipalName":     {strings.ToUpper(mail), ""},
		"mail":                  {mail, "mail%20eq%20%27" + quoted + "%27"},
		"employeeId":            {l.ID, "employeeId%20eq%20%27" + l.ID + "%27"},
		"proxyAddresses":        {mail, "proxyAddresses%2Fany%28p%3Ap%20eq%20%27SMTP%3A" + quoted + "%27%29%20or%20proxyAddresses%2Fany%28p%3Ap%20eq%20%27smtp%3A" + quoted + "%27%29"},
		"onPremisesImmutableId": {"abc+/" + idOf(l) + "==", "onPremisesImmutableId%20eq%20%27abc%2B%2F" + idOf(l) + "%3D%3D%27"},
		"id":                    {idOf(l), "id%20eq%20%27" + idOf(l) + "%27"},
	} {
		g.requests()
		found, err := c.Find(t.Context(), []exeunt.Key{{Attribute: attribute, Value: key.value}})
		if err != nil || len(found) != 1 || found[0].ID != idOf(l) || found[0].Closed || found[0].Login != mail {
			t.Errorf("by %s: %+v, %v", attribute, found, err)
		}
		if asked := strings.Join(g.requests(), "\n"); !strings.Contains(asked, "$filter="+key.filter) {
			t.Errorf("by %s: asked %s\nwant $filter=%s", attribute, asked, key.filter)
		}
	}
	for _, key := range []exeunt.Key{{Attribute: "id", Value: mail}, {Attribute: "id", Value: "me"}, {Attribute: "onPremisesImmutableId", Value: "ABC+/" + idOf(l) + "=="}, {Attribute: "mail"}, {Attribute: "nickname", Value: "ann"}} {
		if found, err := c.Find(t.Context(), []exeunt.Key{key}); err != nil || len(found) != 0 {
			t.Errorf("by %v: %+v, %v; want nobody", key, found, err)
		}
	}
	for _, id := range []string{"me", mail, idOf(l) + "/manager", ""} {
		if _, err := c.Observe(t.Context(), exeunt.Account{ID: id}); exeunt.KindOf(err) != exeunt.NotFound {
			t.Errorf("the account %q: %v, want not found", id, err)
		}
	}
}

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
	if out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Unsupported || !strings.Contains(said(out), "hardwareOath") {
		t.Errorf("a factor that Graph cannot delete: %s: %s", out.Kind, said(out))
	}
	g.do(func(w *world) {
		if left := w.Users[idOf(l)].Factors; len(left) != 1 {
			t.Errorf("left are %v, want the one that Graph cannot delete", left)
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
	if out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Unsupported || !strings.Contains(said(out), command) || !strings.Contains(said(out), "'finance@corp.example'") {
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

// TestWhatMayNotBeReadIsNotSaidToBeDone takes from our application one right after the other.
func TestWhatMayNotBeReadIsNotSaidToBeDone(t *testing.T) {
	g := newGraph(t)
	for _, c := range []struct {
		lacks  string
		action exeunt.Action
	}{
		{"UserAuthenticationMethod.ReadWrite.All", exeunt.ResetFactors}, {"RoleManagement.ReadWrite.Directory", exeunt.RemoveRoles},
		{"GroupMember.ReadWrite.All", exeunt.RemoveGroups}, {"AppRoleAssignment.ReadWrite.All", exeunt.RemoveApps},
		{"DelegatedPermissionGrant.ReadWrite.All", exeunt.RevokeGrants}, {"Device.ReadWrite.All", exeunt.LockDevices},
		{"MailboxSettings.ReadWrite", exeunt.SetAutoReply}, {"Files.ReadWrite.All", exeunt.TransferData},
		{"User.EnableDisableAccount.All", exeunt.Disable}, {"User.RevokeSessions.All", exeunt.RevokeSessions}, {"LicenseAssignment.ReadWrite.All", exeunt.ReclaimLicence},
	} {
		g.granted["full"] = slices.DeleteFunc(slices.Clone(everything), func(s string) bool { return s == c.lacks })
		conn, l := g.open(t, `,"auto_reply":"x","files_to_manager":true`), g.hire(t)
		out := converge(t, conn, l, c.action)
		if out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Denied {
			t.Errorf("%s without %s: %s: %s", c.action, c.lacks, out.Kind, said(out))
		}
		seen, err := conn.Observe(t.Context(), account(l))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(entra.Kind().Actions, func(a exeunt.ActionSpec) bool { return a.Action == c.action })
		for _, key := range entra.Kind().Actions[i].Takes {
			if _, recorded := seen.Snapshot[key]; recorded && seen.Of(c.action) == exeunt.Unknown && key != "eligible_roles" {
				t.Errorf("without %s, %s is not known and %v is recorded", c.lacks, c.action, seen.Snapshot[key])
			}
		}
		if c.action != exeunt.Disable {
			if out := converge(t, conn, l, exeunt.Disable); out.Kind != exeunt.Done {
				t.Errorf("without %s, disable: %s: %s; want it done all the same", c.lacks, out.Kind, said(out))
			}
		}
		rights, err := connector.Examine(t.Context(), conn)
		i = slices.IndexFunc(rights, func(r connector.Right) bool { return r.Name == c.lacks })
		if err != nil || i < 0 || rights[i].State != connector.Lacking || !slices.Contains(rights[i].For, c.action) {
			t.Errorf("%s is not said to lack for %s: %+v, %v", c.lacks, c.action, rights, err)
		}
	}
}

func TestAPermissionThatAllowsMoreIsSaidToBeTooMuch(t *testing.T) {
	g := newGraph(t)
	g.granted["full"] = []string{"User.ReadWrite.All", "UserAuthMethod-Phone.ReadWrite.All"}
	g.meet = func(string, string) *answer { return &answer{status: 200, body: object{"value": []any{}}} }
	rights, err := connector.Examine(t.Context(), g.open(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]connector.Right{}
	for _, r := range rights {
		states[r.Name] = r
	}
	if r := states["User.EnableDisableAccount.All"]; r.State != connector.Granted || !strings.Contains(r.Why, "User.ReadWrite.All, which allows more than is needed") {
		t.Errorf("got %+v", r)
	}
	if r := states["UserAuthenticationMethod.ReadWrite.All"]; r.State != connector.Unknown {
		t.Errorf("with a permission for phones only: %+v", r)
	}
	if r := states["an administrator role of our application"]; r.State != connector.Unknown || !slices.Contains(r.For, exeunt.Disable) {
		t.Errorf("got %+v", r)
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

func TestAPartOfABatchIsThrottled(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	g.meet = func(_, path string) *answer {
		if strings.Contains(path, "/authentication/methods") {
			return &answer{status: 429, body: object{"error": object{"code": "TooManyRequests"}}, header: map[string]string{"retry-after": "17"}}
		}
		return nil
	}
	out := converge(t, c, l, exeunt.ResetFactors)
	if out.Kind != exeunt.TryAgain || exeunt.KindOf(out.Err) != exeunt.Throttled || out.Wait != 17*time.Second {
		t.Errorf("%s after %v: %s", out.Kind, out.Wait, said(out))
	}
	if out := converge(t, c, l, exeunt.RevokeGrants); out.Kind != exeunt.Done {
		t.Errorf("what is not throttled: %s: %s", out.Kind, said(out))
	}
	g.meet = func(_, path string) *answer {
		if path == "/$batch" {
			return &answer{status: 200, body: object{"responses": []any{}}}
		}
		return nil
	}
	if out := converge(t, c, l, exeunt.Disable); out.Kind != exeunt.TryAgain || exeunt.KindOf(out.Err) != exeunt.Temporary {
		t.Errorf("a batch without answers: %s: %s", out.Kind, said(out))
	}
}

// TestDroppedAnswersConverge loses the answer to every change once, after it was made.
func TestDroppedAnswersConverge(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, `,"auto_reply":"`+reply+`","files_to_manager":true`), g.hire(t)
	lost := map[string]bool{}
	g.drop = func(method, path string) bool {
		if method == "GET" || path == "/$batch" || lost[method+path] {
			return false
		}
		lost[method+path] = true
		return true
	}
	for _, spec := range entra.Kind().Actions {
		out := converge(t, c, l, spec.Action)
		for range 20 {
			if out.Kind == exeunt.Done {
				break
			}
			out = converge(t, c, l, spec.Action)
		}
		if out.Kind != exeunt.Done {
			t.Errorf("%s: %s: %s", spec.Action, out.Kind, said(out))
		}
	}
	if len(lost) < 15 {
		t.Errorf("only %d answers were lost: the test would prove nothing", len(lost))
	}
}

func TestFilesAreGivenToWhomHRAndTheDirectoryName(t *testing.T) {
	g := newGraph(t)
	c := g.open(t, `,"files_to_manager":true`)
	for name, change := range map[string]func(l *exeunt.Leaver, p *person){
		"another manager": func(l *exeunt.Leaver, _ *person) { l.Manager.Email = "other@corp.example" },
		"no manager":      func(_ *exeunt.Leaver, p *person) { p.Manager = "" },
	} {
		l := g.hire(t)
		g.do(func(w *world) { change(&l, w.Users[idOf(l)]) })
		g.requests()
		if out := converge(t, c, l, exeunt.TransferData); out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Invalid || len(changes(g.requests())) != 0 {
			t.Errorf("%s: %s: %s", name, out.Kind, said(out))
		}
	}
	l := g.hire(t)
	g.do(func(w *world) { w.Users[idOf(l)].HasFiles, w.Users[idOf(l)].Reply = false, nil })
	if out := converge(t, c, l, exeunt.TransferData); out.Kind != exeunt.Done || out.Changed {
		t.Errorf("without a OneDrive: %s: %s", out.Kind, said(out))
	}
	if out := converge(t, g.open(t, `,"auto_reply":"x"`), l, exeunt.SetAutoReply); out.Kind != exeunt.Done || out.Changed {
		t.Errorf("without a mailbox: %s: %s", out.Kind, said(out))
	}
}

func TestAListWhosePlaceIsForgottenBeginsAgain(t *testing.T) {
	g := newGraph(t)
	c := g.open(t, "")
	for _, cursor := range []string{g.URL + "/v1.0/users?$skiptoken=gone", "https://elsewhere.example/v1.0/users?$skiptoken=1", g.URL + "/v1.0/groups?$skiptoken=1"} {
		if _, err := connector.List(t.Context(), c, cursor, nil); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("%s: %v, want conflict", cursor, err)
		}
	}
}

// TestAVisitIsAFewRoundTrips holds what a departure costs: a look is one request for what the step wants to know.
func TestAVisitIsAFewRoundTrips(t *testing.T) {
	g := newGraph(t)
	g.page = 100 // as Graph has it
	t.Setenv("ENTRA_SECRET", secret)
	var trips int
	count := counting(func(r *http.Request) { trips++ })
	c, err := entra.Kind().Open(g.settings(t, ""), count)
	if err != nil {
		t.Fatal(err)
	}
	l := g.hire(t)
	if found, err := connectortest.Search(t.Context(), entra.Kind(), g.settings(t, ""), c, l); err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	g.requests()
	for _, action := range []exeunt.Action{exeunt.ResetFactors, exeunt.Disable, exeunt.RevokeSessions, exeunt.RemoveRoles, exeunt.RemoveGroups, exeunt.RemoveApps, exeunt.RevokeGrants, exeunt.LockDevices, exeunt.RevokeSessionsAgain} {
		if out := converge(t, c, l, action); out.Kind != exeunt.Done {
			t.Fatalf("%s: %s: %s", action, out.Kind, said(out))
		}
	}
	writes := len(changes(g.requests()))
	// A token, a search, three looks a step, the changes, and two looks at the moment from which sessions count.
	if want := 2 + 3*9 + writes + 2; trips != want {
		t.Errorf("%d round trips for %d changes, want %d", trips, writes, want)
	}
	t.Logf("%d round trips, %d of them changes", trips, writes)
}

type counting func(*http.Request)

func (f counting) RoundTrip(r *http.Request) (*http.Response, error) {
	f(r)
	return http.DefaultTransport.RoundTrip(r)
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	const good = `"tenant":"corp.example","client_id":"c","client_secret":"env:S"`
	for settings, field := range map[string]string{
		"{" + good + "}": "",
		`{"tenant":"corp.example","client_id":"c","certificate":"file:/c.pem","private_key":"file:/k.pem"}`: "",
		`{"client_id":"c","client_secret":"env:S"}`:                                                         "tenant",
		`{"tenant":"corp.example/x","client_id":"c","client_secret":"env:S"}`:                               "tenant",
		`{"tenant":"corp.example","client_secret":"env:S"}`:                                                 "client_id",
		`{"tenant":"corp.example","client_id":"c"}`:                                                         "client_secret",
		"{" + good + `,"certificate":"file:/c.pem"}`:                                                        "client_secret",
		"{" + good + `,"private_key":"file:/k.pem"}`:                                                        "private_key",
		"{" + good + `,"privileged":"never"}`:                                                               "privileged",
		"{" + good + `,"graph_url":"http://graph.example"}`:                                                 "graph_url",
		"{" + good + `,"login_url":"ftp://login.example"}`:                                                  "login_url",
		"{" + good + `,"match":{"work_email":"nickname"}}`:                                                  "match",
	} {
		_, err := entra.Kind().Open([]byte(settings), http.DefaultTransport)
		if (field == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v, want %q named", settings, err, field)
		}
	}
	for settings, want := range map[string]int{"{" + good + "}": 10, "{" + good + `,"auto_reply":"x"}`: 11, "{" + good + `,"auto_reply":"x","files_to_manager":true}`: 12} {
		if specs, err := entra.Kind().Specs([]byte(settings)); err != nil || len(specs) != want {
			t.Errorf("%s: %d actions, %v; want %d", settings, len(specs), err, want)
		}
	}
}

func TestErrorsAreClassedByTheirCode(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	for _, e := range []struct {
		status        int
		code, message string
		kind          exeunt.ErrorKind
		says          string
	}{
		{403, "Authorization_RequestDenied", "Insufficient privileges", exeunt.Denied, "a higher administrator"},
		{400, "Request_BadRequest", "Unable to update the specified properties for on-premises mastered Directory Sync objects", exeunt.Unsupported, "Active Directory"},
		{400, "Request_BadRequest", "whatever s3cret", exeunt.Invalid, "400"},
		{404, "Request_ResourceNotFound", "gone", exeunt.NotFound, "Request_ResourceNotFound"},
		{409, "Conflict", "x", exeunt.Conflict, "409"},
		{400, "Directory_ConcurrencyViolation", "x", exeunt.Temporary, "at that moment"},
		{429, "Authorization_RequestDenied", "x", exeunt.Throttled, "slow down"},
		{503, "serviceNotAvailable", "x", exeunt.Temporary, "503"},
		{500, "", "x", exeunt.Temporary, "500"},
		{401, "Authorization_IdentityNotFound", "x", exeunt.Unauthorised, "consent"},
	} {
		g.meet = func(method, _ string) *answer {
			if method == "PATCH" {
				return failure(e.status, e.code, e.message)
			}
			return nil
		}
		err := c.Apply(t.Context(), account(l), exeunt.Disable, with(l))
		if exeunt.KindOf(err) != e.kind || !strings.Contains(fmt.Sprint(err), e.says) || strings.Contains(fmt.Sprint(err), "s3cret") {
			t.Errorf("%d %s: %v (%s), want %s with %q", e.status, e.code, err, exeunt.KindOf(err), e.kind, e.says)
		}
	}
}

// TestSignsInWithACertificate holds the assertion to what Entra wants: signed by the certificate's key, and naming it.
func TestSignsInWithACertificate(t *testing.T) {
	g := newGraph(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "entra.pem")
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
	if err := os.WriteFile(file, both, 0o600); err != nil {
		t.Fatal(err)
	}
	settings := strings.Replace(string(g.settings(t, "")), `"client_secret":"env:ENTRA_SECRET"`, fmt.Sprintf(`"certificate":%q`, "file:"+file), 1)
	var assertion string
	c, err := entra.Kind().Open([]byte(settings), counting(func(r *http.Request) {
		if r.GetBody != nil && strings.HasSuffix(r.URL.Path, "/token") {
			body, _ := r.GetBody()
			raw, _ := io.ReadAll(body)
			form, _ := url.ParseQuery(string(raw))
			assertion = form.Get("client_assertion")
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if out := converge(t, c, g.hire(t), exeunt.Disable); out.Kind != exeunt.Done {
		t.Fatalf("%s: %s", out.Kind, said(out))
	}
	signed, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{jose.PS256})
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.Claims
	sum := sha256.Sum256(der)
	if err := signed.Claims(key.Public(), &claims); err != nil || claims.Issuer != clientID || claims.Subject != clientID || !claims.Audience.Contains(g.URL+"/corp.example/oauth2/v2.0/token") {
		t.Errorf("%+v, %v", claims, err)
	}
	if got := signed.Headers[0].ExtraHeaders["x5t#S256"]; got != base64.RawURLEncoding.EncodeToString(sum[:]) {
		t.Errorf("the certificate is named %v", got)
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

func TestPeopleOfAnApplicationAreCountedWhole(t *testing.T) {
	g := newGraph(t)
	c := g.open(t, "")
	made := g.offers(t)
	g.do(func(w *world) {
		w.Assignments = append(w.Assignments, object{"id": g.id(6), "principalId": g.id(2), "principalType": "Group", "resourceId": made.ID, "appRoleId": g.id(9)})
	})
	page, err := connector.ListApplications(t.Context(), c, "")
	if err != nil || len(page.Applications) != 1 || page.Applications[0].People != 0 {
		t.Errorf("%+v, %v; want nobody counted where a group is assigned", page, err)
	}
}

func TestWhatIsNotThePersonsStays(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	for _, action := range []exeunt.Action{exeunt.RemoveApps, exeunt.RevokeGrants} {
		if out := converge(t, c, l, action); out.Kind != exeunt.Done {
			t.Errorf("%s: %s: %s", action, out.Kind, said(out))
		}
	}
	g.do(func(w *world) {
		if len(some(w.Assignments, "principalType", "Group")) != 1 || len(some(w.Assignments, "principalType", "User")) != 0 {
			t.Errorf("assignments: %v; want the group's only", w.Assignments)
		}
		if len(some(w.Consents, "consentType", "AllPrincipals")) != 1 || len(w.Consents) != 1 {
			t.Errorf("consents: %v; want the administrator's only", w.Consents)
		}
	})
}
