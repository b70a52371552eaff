package keycloak_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connector/connectortest/description"
	"github.com/exeunt/exeunt/connectors/keycloak"
)

const (
	clientSecret = "secret-keycloak-0123456789"
	wrongSecret  = "secret-keycloak-9876543210"
)

func settings(base, secret string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"base_url":%q,"realm":"corp","client_id":"exeunt","client_secret":"env:%s","match":{"login":"username","work_email":"email","employee_id":"hrId"}}`, base, secret))
}

func secrets(t *testing.T) {
	t.Setenv("KEYCLOAK_SECRET", clientSecret)
	t.Setenv("KEYCLOAK_WRONG", wrongSecret)
}

// behind does something behind the connector's back.
func (h *house) behind(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	do()
}

// add makes an account, and returns its id.
func (h *house) add(leaver exeunt.Leaver, username string) (id string) {
	h.behind(func() {
		h.hired++
		id = fmt.Sprintf("u-%d", h.hired)
		h.order = append(h.order, id)
		h.groups["staff-"+id], h.groups["admins-"+id] = "Staff of "+id, "Admins of "+id
		h.roles["auditor-"+id], h.roles["seller-"+id] = "auditor of "+id, "seller of "+id
		h.people[id] = &person{
			Whole: map[string]any{"id": id, "username": username, "email": strings.ToLower(leaver.Identifier(exeunt.WorkEmail)), "enabled": true, "emailVerified": true,
				"attributes": map[string]any{"hrId": []any{leaver.Identifier(exeunt.EmployeeID)}, "desk": []any{"4711"}}, "federatedIdentities": []any{map[string]any{"identityProvider": "google", "userId": "g"}}},
			Credentials: []map[string]string{{"id": "p-" + id, "type": "password"}, {"id": "o-" + id, "type": "otp"}, {"id": "w-" + id, "type": "webauthn"}},
			Sessions:    []string{"s-" + id}, Consents: []string{"crm", "a b/c"}, Groups: []string{"staff-" + id, "admins-" + id},
			Roles: map[string][]string{"realm": {"auditor-" + id}, crmClient: {"seller-" + id}},
		}
	})
	return id
}

func (h *house) hire(testing.TB) exeunt.Leaver {
	n := 0
	h.behind(func() { n = h.hired + 1 })
	leaver := connectortest.Leaver(n)
	h.add(leaver, leaver.Identifier(exeunt.Login))
	return leaver
}

func (h *house) idOf(leaver exeunt.Leaver) (id string) {
	h.behind(func() {
		for i, p := range h.people {
			if p.Whole["email"] == strings.ToLower(leaver.Identifier(exeunt.WorkEmail)) && (id == "" || i < id) {
				id = i
			}
		}
	})
	return id
}

// described is Keycloak's description of itself. What it says of statuses is what its generator guesses.
func described(t *testing.T) connectortest.Description {
	t.Helper()
	raw, err := os.ReadFile("testdata/keycloak-leaver.json")
	if err != nil {
		t.Fatal(err)
	}
	d, err := description.NewOpenAPI(raw, "")
	if err != nil {
		t.Fatal(err)
	}
	d.AnySuccess = true
	return description.Any(d, description.Token("/realms/corp/protocol/openid-connect/token"))
}

func TestConforms(t *testing.T) {
	secrets(t)
	h, address := newHouse(t)
	weak, weakAddress := newHouse(t)
	weak.weak = true
	weak.hire(t)
	connectortest.Run(t, connectortest.Subject{
		Kind: keycloak.Kind(), Settings: settings(address, "KEYCLOAK_SECRET"), WrongCredentials: settings(address, "KEYCLOAK_WRONG"), Unreachable: settings("http://127.0.0.1:1", "KEYCLOAK_SECRET"),
		Secrets: []string{clientSecret, wrongSecret, "access-token-0123"}, Powerless: settings(weakAddress, "KEYCLOAK_SECRET"), Needs: exeunt.Disable,
		Description: described(t), Hire: h.hire,
		Twin: func(_ testing.TB, leaver exeunt.Leaver) { h.add(leaver, leaver.Identifier(exeunt.Login)+"-2") },
		Removals: func(_ testing.TB, leaver exeunt.Leaver) map[string][]string {
			id := h.idOf(leaver)
			return map[string][]string{"groups": {"staff-" + id, "admins-" + id}, "roles": {"realm/auditor-" + id, crmClient + "/seller-" + id}, "factors": {"otp", "webauthn"}}
		},
		CanSignIn: func(_ testing.TB, leaver exeunt.Leaver) (can bool) {
			id := h.idOf(leaver)
			h.behind(func() {
				p := h.people[id]
				can = p.Whole["enabled"] == true && slices.ContainsFunc(p.Credentials, func(c map[string]string) bool { return c["type"] == "password" })
			})
			return can
		},
		Rename: func(_ testing.TB, leaver exeunt.Leaver) {
			id := h.idOf(leaver)
			h.behind(func() {
				h.people[id].Whole["username"], h.people[id].Whole["email"] = "renamed-"+id, "renamed@corp.example"
			})
		},
		Vanish: func(_ testing.TB, leaver exeunt.Leaver) {
			id := h.idOf(leaver)
			h.behind(func() { delete(h.people, id) })
		},
		Drop: func(_ testing.TB, leaver exeunt.Leaver, action exeunt.Action) (name, value string) {
			id := h.idOf(leaver)
			h.behind(func() {
				switch action {
				case exeunt.RemoveGroups:
					name, value = h.groups["staff-"+id], "staff-"+id
					delete(h.groups, value)
				case exeunt.RemoveRoles:
					name, value = "crm."+h.roles["seller-"+id], crmClient+"/seller-"+id
					delete(h.roles, "seller-"+id)
				}
			})
			return name, value
		},
	})
}

// opened is a realm with one person in it.
func opened(t *testing.T) (*house, connector.Connector, exeunt.Account) {
	t.Helper()
	secrets(t)
	h, address := newHouse(t)
	c, err := keycloak.Kind().Open(settings(address, "KEYCLOAK_SECRET"), http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	return h, c, exeunt.Account{ID: h.idOf(h.hire(t))}
}

func TestDisablingLosesNothingElse(t *testing.T) {
	h, c, account := opened(t)
	if err := c.Apply(t.Context(), account, exeunt.Disable, connector.Parameters{}); err != nil {
		t.Fatal(err)
	}
	whole := h.people[account.ID].Whole
	if attributes, _ := whole["attributes"].(map[string]any); whole["enabled"] != false || whole["emailVerified"] != true || fmt.Sprint(attributes["desk"]) != "[4711]" || whole["email"] == nil {
		t.Errorf("left of the account: %v", whole)
	}
}

func TestAnAccountOfADirectoryIsRefusedWithWords(t *testing.T) {
	h, c, account := opened(t)
	h.behind(func() { h.people[account.ID].Whole["federationLink"] = "ldap-1" })
	for action, refused := range map[exeunt.Action]bool{exeunt.Disable: true, exeunt.ResetPassword: true, exeunt.ResetFactors: false, exeunt.RevokeSessions: false} {
		err := c.Apply(t.Context(), account, action, connector.Parameters{})
		if refused != (exeunt.KindOf(err) == exeunt.Unsupported && strings.Contains(exeunt.MessageOf(err), "comes from a directory")) || !refused && err != nil {
			t.Errorf("%s: %v", action, err)
		}
	}
	seen, err := c.Observe(t.Context(), account)
	if err != nil || seen.Facts["comes_from"] != "a directory" || seen.Facts["linked_identities"] != "google: they stay" || h.people[account.ID].Whole["enabled"] != true {
		t.Errorf("%+v, %v", seen.Facts, err)
	}
}

func TestSessionsOfflineTokensAndConsentsEnd(t *testing.T) {
	h, c, account := opened(t)
	if err := c.Apply(t.Context(), account, exeunt.RevokeSessions, connector.Parameters{}); err != nil {
		t.Fatal(err)
	}
	if p := h.people[account.ID]; len(p.Sessions)+len(p.Consents) > 0 || len(p.Credentials) != 3 {
		t.Errorf("left: %+v", p)
	}
}

func TestAValueThatASearchCannotHoldIsNotSearched(t *testing.T) {
	_, c, _ := opened(t)
	if _, err := c.Find(t.Context(), []exeunt.Key{{Attribute: "hrId", Value: `x" OR "`}}); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("%v", err)
	}
	if found, err := c.Find(t.Context(), []exeunt.Key{{Attribute: "hrId", Value: ""}, {Attribute: "hrId", Value: "E0001"}}); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	secrets(t)
	for name, raw := range map[string]string{
		"no realm": `{"base_url":"https://sso.example","client_id":"x","client_secret":"env:KEYCLOAK_SECRET"}`,
		"a path":   `{"base_url":"https://sso.example","realm":"a/b","client_id":"x","client_secret":"env:KEYCLOAK_SECRET"}`,
		"no proof": `{"base_url":"https://sso.example","realm":"corp","client_id":"x"}`,
		"http":     `{"base_url":"http://sso.example","realm":"corp","client_id":"x","client_secret":"env:KEYCLOAK_SECRET"}`,
		"match":    `{"base_url":"https://sso.example","realm":"corp","client_id":"x","client_secret":"env:KEYCLOAK_SECRET","match":{"login":"a b"}}`,
	} {
		if _, err := keycloak.Kind().Open([]byte(raw), http.DefaultTransport); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
