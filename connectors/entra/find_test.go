package entra_test

import (
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

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

func TestAListWhosePlaceIsForgottenBeginsAgain(t *testing.T) {
	g := newGraph(t)
	c := g.open(t, "")
	for _, cursor := range []string{g.URL + "/v1.0/users?$skiptoken=gone", "https://elsewhere.example/v1.0/users?$skiptoken=1", g.URL + "/v1.0/groups?$skiptoken=1"} {
		if _, err := connector.List(t.Context(), c, cursor, nil); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("%s: %v, want conflict", cursor, err)
		}
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
