package entra_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connector/connectortest/description"
	"github.com/exeunt/exeunt/connectors/entra"
)

const (
	globalAdmin   = "62e90394-69f5-4237-9190-012177145e10"
	helpdesk      = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
	firstPassword = "what the person knows"
	reply         = "{name} has left us. Please write to {manager} & the team."
)

func (g *graph) settings(t testing.TB, more string) json.RawMessage {
	t.Helper()
	return fmt.Appendf(nil, `{"tenant":"corp.example","client_id":%q,"client_secret":"env:ENTRA_SECRET","graph_url":%q,"login_url":%q%s}`, clientID, g.URL, g.URL, more)
}

// user makes an account with an address.
func (g *graph) user(w *world, mail string) string {
	id := g.id(1)
	w.Users[id] = &person{Password: firstPassword, Is: object{
		"id": id, "userPrincipalName": mail, "displayName": "Ann O'Neil", "mail": mail, "userType": "Member", "accountEnabled": true,
		"proxyAddresses":                  []string{"SMTP:" + mail, "smtp:also." + mail, "x500:/o=Corp/cn=" + id},
		"onPremisesImmutableId":           "abc+/" + id + "==",
		"lastPasswordChangeDateTime":      "2020-01-01T00:00:00Z",
		"signInSessionsValidFromDateTime": "2020-01-01T00:00:00Z",
		"licenseAssignmentStates":         []object{{"skuId": g.id(9), "assignedByGroup": nil, "state": "Active"}},
	}}
	return id
}

func (g *graph) group(w *world, name string, is object, members ...string) string {
	id := g.id(2)
	w.Groups[id] = object{"@odata.type": "#microsoft.graph.group", "id": id, "displayName": name, "groupTypes": []string{}, "mailEnabled": false, "securityEnabled": true, "assignedLicenses": []any{}}
	for k, v := range is {
		w.Groups[id][k] = v
	}
	w.Members[id] = members
	return id
}

func (g *graph) app(w *world, name string) string {
	id := g.id(5)
	w.Apps = append(w.Apps, object{"id": id, "displayName": name, "accountEnabled": true, "appRoleAssignmentRequired": true, "preferredSingleSignOnMode": "saml"})
	return id
}

// hire makes an account with everything that is taken away.
func (g *graph) hire(testing.TB) exeunt.Leaver {
	var leaver exeunt.Leaver
	g.do(func(w *world) {
		w.forget(g.hired)
		manager := g.user(w, fmt.Sprintf("mia.%d@corp.example", g.made))
		w.Users[manager].Is["displayName"] = "Mia Boss"
		n := g.made
		mail := fmt.Sprintf("ann.o'neil+%d#x&y@corp.example", n)
		id := g.user(w, mail)
		p := w.Users[id]
		p.Is["employeeId"] = fmt.Sprintf("E-%d", n)
		for i, kind := range []string{"microsoftAuthenticator", "phone", "fido2", "softwareOath", "email"} {
			p.Factors = append(p.Factors, object{"@odata.type": "#microsoft.graph." + kind + "AuthenticationMethod", "id": fmt.Sprintf("%d/%s=", i, kind)})
		}
		p.Manager, p.HasFiles, p.Reply = manager, true, object{"status": "disabled", "externalReplyMessage": "", "internalReplyMessage": ""}
		team := g.group(w, fmt.Sprintf("team %d", n), object{"groupTypes": []string{"Unified"}, "mailEnabled": true}, id, manager)
		g.group(w, fmt.Sprintf("vpn %d", n), nil, id)
		g.group(w, fmt.Sprintf("third %d", n), nil, id)
		g.group(w, fmt.Sprintf("everybody %d", n), object{"groupTypes": []string{"DynamicMembership"}, "membershipRule": "user.accountEnabled -eq true"}, id)
		g.group(w, fmt.Sprintf("synced %d", n), object{"onPremisesSyncEnabled": true}, id)
		g.group(w, fmt.Sprintf("licensed %d", n), object{"assignedLicenses": []object{{"skuId": g.id(9)}}}, id)
		for i := range 3 {
			app := g.app(w, fmt.Sprintf("Salesforce %d-%d", n, i))
			w.Assignments = append(w.Assignments, object{"id": g.id(6), "principalId": id, "principalType": "User", "resourceId": app, "resourceDisplayName": fmt.Sprintf("Salesforce %d-%d", n, i), "appRoleId": "00000000-0000-0000-0000-000000000000"})
		}
		w.Assignments = append(w.Assignments, object{"id": g.id(6), "principalId": team, "principalType": "Group", "resourceId": g.app(w, fmt.Sprintf("Wiki %d", n)), "resourceDisplayName": "Wiki", "appRoleId": g.id(9)})
		w.Consents = append(w.Consents, object{"id": "all_" + id, "clientId": g.id(5), "consentType": "AllPrincipals", "scope": "User.Read"}, object{"id": "consent_" + id, "clientId": g.id(5), "consentType": "Principal", "principalId": id, "scope": "Mail.Read"})
		for range 2 {
			d := g.id(3)
			w.Devices[d] = object{"@odata.type": "#microsoft.graph.device", "id": d, "displayName": "laptop " + d, "accountEnabled": true}
			p.Devices = append(p.Devices, d)
		}
		p.Owned = []object{{"@odata.type": "#microsoft.graph.servicePrincipal", "id": g.id(5), "displayName": "Nightly export"}}
		g.activate(object{"principalId": id, "roleDefinitionId": globalAdmin, "directoryScopeId": "/"}, "Assigned", "")
		g.offer(object{"principalId": id, "roleDefinitionId": helpdesk, "directoryScopeId": "/"}, "")
		leaver = exeunt.Leaver{ID: fmt.Sprintf("E-%d", n), Entity: "corp", Name: "Ann O'Neil", Zone: "UTC", Flags: []exeunt.Flag{exeunt.Privileged},
			Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "also." + mail, exeunt.PrincipalName: mail, exeunt.UUID: id},
			Manager:     exeunt.Person{Name: "Mia Boss", Email: w.Users[manager].Is["mail"].(string)}}
		g.hired = append(g.hired, leaver)
	})
	return leaver
}

// forget deletes the leaver before the last four, with all that was made for them: a world that grows makes every copy of it
// slower, and a suite hires hundreds.
func (w *world) forget(hired []exeunt.Leaver) {
	if len(hired) < 4 {
		return
	}
	l := hired[len(hired)-4]
	id, number := idOf(l), strings.TrimPrefix(l.ID, "E-")
	if p := w.Users[id]; p != nil {
		delete(w.Users, p.Manager)
		for _, d := range p.Devices {
			delete(w.Devices, d)
		}
	}
	delete(w.Users, id)
	of := func(o object) bool {
		name, _ := o["displayName"].(string)
		return o["principalId"] == id || o["id"] == "all_"+id || strings.HasSuffix(name, " "+number) || strings.HasPrefix(name, "Salesforce "+number+"-")
	}
	for gid, group := range w.Groups {
		if of(group) {
			delete(w.Groups, gid)
			delete(w.Members, gid)
			w.Assignments = slices.DeleteFunc(w.Assignments, func(a object) bool { return a["principalId"] == gid })
		}
	}
	for _, all := range []*[]object{&w.Active, &w.Eligible, &w.Scheduled, &w.Assignments, &w.Consents, &w.Apps} {
		*all = slices.DeleteFunc(*all, of)
	}
}

func idOf(l exeunt.Leaver) string { return l.Identifiers[exeunt.UUID] }

func (g *graph) subject(t testing.TB) connectortest.Subject {
	t.Setenv("ENTRA_SECRET", secret)
	t.Setenv("ENTRA_WRONG", wrong)
	t.Setenv("ENTRA_READER", "reader")
	const all = `,"auto_reply":"` + reply + `","files_to_manager":true,"match":{"upn":"userPrincipalName","work_email":"proxyAddresses"}`
	with := func(name string) json.RawMessage {
		return json.RawMessage(strings.ReplaceAll(string(g.settings(t, all)), "ENTRA_SECRET", name))
	}
	return connectortest.Subject{
		Description: description.Any(g.contract, description.Token("/corp.example/oauth2/v2.0/token")),
		Kind:        entra.Kind(), Settings: g.settings(t, all), Transport: http.DefaultTransport,
		WrongCredentials: with("ENTRA_WRONG"),
		Powerless:        with("ENTRA_READER"), Needs: exeunt.Disable,
		Unreachable: json.RawMessage(strings.ReplaceAll(string(g.settings(t, all)), g.URL, "http://127.0.0.1:1")),
		Secrets:     []string{secret, wrong, "s3cret-reply", "eyJhbGciOiJub25lIn0"},
		Hire:        g.hire,
		Removals: func(_ testing.TB, l exeunt.Leaver) map[string][]string {
			want := map[string][]string{"roles": {globalAdmin + " /"}, "eligible_roles": {helpdesk + " /"}}
			g.do(func(w *world) {
				for _, gid := range sorted(w.Groups) {
					name := w.Groups[gid]["displayName"].(string)
					if slices.Contains(w.Members[gid], idOf(l)) && (strings.HasPrefix(name, "team") || strings.HasPrefix(name, "vpn") || strings.HasPrefix(name, "third")) {
						want["groups"] = append(want["groups"], gid)
					}
				}
				for _, a := range some(w.Assignments, "principalId", idOf(l)) {
					want["app_assignments"] = append(want["app_assignments"], a["resourceId"].(string)+" "+a["appRoleId"].(string))
				}
				want["devices"] = w.Users[idOf(l)].Devices
			})
			return want
		},
		// What Entra asks of whoever signs in; a session from before goes on unless it was revoked.
		CanSignIn: func(_ testing.TB, l exeunt.Leaver) (open bool) {
			g.do(func(w *world) {
				open = w.Users[idOf(l)].Is["accountEnabled"] == true && w.Users[idOf(l)].Password == firstPassword
			})
			return open
		},
		Twin: func(_ testing.TB, l exeunt.Leaver) {
			g.do(func(w *world) {
				twin := w.Users[g.user(w, "twin@corp.example")]
				twin.Is["proxyAddresses"] = []string{"smtp:" + l.Identifiers[exeunt.WorkEmail]}
			})
		},
		Rename: func(_ testing.TB, l exeunt.Leaver) {
			g.do(func(w *world) {
				is := w.Users[idOf(l)].Is
				is["userPrincipalName"], is["displayName"], is["mail"] = "renamed@corp.example", "Ann Other", "renamed@corp.example"
			})
		},
		Vanish: func(_ testing.TB, l exeunt.Leaver) {
			g.do(func(w *world) {
				delete(w.Users, idOf(l))
				for gid, members := range w.Members { // as Graph has it, whoever is deleted is in no group
					w.Members[gid] = slices.DeleteFunc(members, func(m string) bool { return m == idOf(l) })
				}
			})
		},
		HandOver: func(_ testing.TB, l exeunt.Leaver) {
			g.do(func(w *world) {
				p := w.Users[idOf(l)]
				w.Users[p.Manager].Owned = p.Owned
			})
		},
		Drop:        g.discard,
		Application: g.offers,
	}
}

// discard deletes one of the things that an action took away.
func (g *graph) discard(t testing.TB, l exeunt.Leaver, action exeunt.Action) (name, value string) {
	g.do(func(w *world) {
		switch action {
		case exeunt.RemoveGroups:
			for _, gid := range sorted(w.Groups) {
				if n := "vpn " + strings.TrimPrefix(l.ID, "E-"); w.Groups[gid]["displayName"] == n {
					name, value = n, gid
					delete(w.Groups, gid)
				}
			}
		case exeunt.RemoveApps:
			name = "Salesforce " + strings.TrimPrefix(l.ID, "E-") + "-1"
			for _, a := range some(w.Apps, "displayName", name) {
				value = a["id"].(string) + " 00000000-0000-0000-0000-000000000000"
				remove(&w.Apps, a["id"].(string))
			}
		case exeunt.LockDevices:
			value = w.Users[idOf(l)].Devices[0]
			name = "laptop " + value
			delete(w.Devices, value)
		default:
			return
		}
		if value == "" {
			t.Errorf("nothing to drop for %s", action)
		}
	})
	return name, value
}

// offers makes an application with two people in it, one of them by two roles.
func (g *graph) offers(testing.TB) (made connector.Application) {
	g.do(func(w *world) {
		name := fmt.Sprintf("Payroll %d", g.made)
		id := g.app(w, name)
		one, two := g.id(1), g.id(1)
		for _, who := range []string{one, one, two} {
			w.Assignments = append(w.Assignments, object{"id": g.id(6), "principalId": who, "principalType": "User", "resourceId": id, "appRoleId": g.id(9)})
		}
		made = connector.Application{ID: id, Name: name, Mode: "saml", People: 2}
	})
	return made
}

func TestConforms(t *testing.T) {
	g := newGraph(t)
	connectortest.Run(t, g.subject(t))
}

// TestConformsToATenantThatLags runs the suite where every read shows what was, until some time has passed.
func TestConformsToATenantThatLags(t *testing.T) {
	g := newGraph(t)
	g.lag()
	s := g.subject(t)
	s.Later = func(testing.TB) { g.catchUp() }
	s.Drop = nil // an undo that names what is gone is over at once, before what it put back is shown
	connectortest.Run(t, s)
}

// open opens the connector of a tenant.
func (g *graph) open(t *testing.T, more string) connector.Connector {
	t.Helper()
	t.Setenv("ENTRA_SECRET", secret)
	c, err := entra.Kind().Open(g.settings(t, more), http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func with(l exeunt.Leaver) connector.Parameters { return connector.Parameters{Case: 1, Leaver: l} }

func account(l exeunt.Leaver) exeunt.Account { return exeunt.Account{ID: idOf(l)} }
