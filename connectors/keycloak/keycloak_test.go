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

func secrets(t testing.TB) {
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

// TestAnAccountOfADirectory has one that the realm may disable by itself, as it may where accounts are imported, and one that
// it may not.
func TestAnAccountOfADirectory(t *testing.T) {
	h, c, account := opened(t)
	h.behind(func() {
		h.people[account.ID].Whole["federationLink"] = "ldap-1"
		h.people[account.ID].Credentials = h.people[account.ID].Credentials[1:] // the directory has the password
	})
	attempt := func(action exeunt.Action) exeunt.Outcome {
		i := slices.IndexFunc(keycloak.Kind().Actions, func(s exeunt.ActionSpec) bool { return s.Action == action })
		out, err := connector.Converge(t.Context(), c, connector.Aim{Account: account, Spec: keycloak.Kind().Actions[i]}, func(exeunt.Observation) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := attempt(exeunt.ResetPassword); out.Kind != exeunt.GaveUp || !strings.Contains(out.Err.Message, "comes from a directory") {
		t.Errorf("its password: %s, %v", out.Kind, out.Err)
	}
	for _, said := range []string{`{"errorMessage":"Federated storage is not writable"}`, `{"errorMessage":"User is read only!"}`, `{"errorMessage":"Could not update user!"}`} {
		h.behind(func() { h.reply = said })
		if out := attempt(exeunt.Disable); out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Unsupported || !strings.Contains(out.Err.Message, "comes from a directory") {
			t.Errorf("%s: %s, %v", said, out.Kind, out.Err)
		}
	}
	h.behind(func() { h.reply = "" })
	for _, action := range []exeunt.Action{exeunt.ResetFactors, exeunt.RevokeSessions, exeunt.Disable} {
		if out := attempt(action); out.Kind != exeunt.Done || out.Proof != exeunt.Observed || out.Seen["comes_from"] != "a directory" {
			t.Errorf("%s: %s, %v, %v", action, out.Kind, out.Err, out.Seen)
		}
	}
}

func TestWhatADirectoryHoldsIsNamedAndTheRestGoes(t *testing.T) {
	h, c, account := opened(t)
	h.behind(func() { h.held["staff-"+account.ID], h.held["auditor-"+account.ID] = true, true })
	for action, left := range map[exeunt.Action]string{exeunt.RemoveGroups: "Staff of " + account.ID, exeunt.RemoveRoles: "auditor of " + account.ID} {
		err := c.Apply(t.Context(), account, action, connector.Parameters{})
		if exeunt.KindOf(err) != exeunt.Unsupported || !strings.Contains(exeunt.MessageOf(err), left) || !strings.Contains(exeunt.MessageOf(err), "a directory's") {
			t.Errorf("%s: %v", action, err)
		}
	}
	p := h.people[account.ID]
	if !slices.Equal(p.Groups, []string{"staff-" + account.ID}) || len(p.Roles["realm"]) != 1 || len(p.Roles[crmClient]) != 0 {
		t.Errorf("left: %v, %v", p.Groups, p.Roles)
	}
}

func TestAnAccountThatBreaksTheProfileSaysWhere(t *testing.T) {
	h, c, account := opened(t)
	for reply, says := range map[string]string{
		`{"field":"lastName","errorMessage":"error-user-attribute-required","params":["lastName"]}`:                                            "since its lastName breaks",
		`{"errors":[{"field":"phone","errorMessage":"error-invalid-length","params":["s3cret"]},{"field":"s3cret value","errorMessage":"x"}]}`: "since its phone breaks",
	} {
		h.behind(func() { h.reply = reply })
		err := c.Apply(t.Context(), account, exeunt.Disable, connector.Parameters{})
		if exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(exeunt.MessageOf(err), says) || strings.Contains(fmt.Sprint(err), "s3cret") {
			t.Errorf("%s: %v", reply, err)
		}
	}
}

func TestNothingIsDoneToAnAdministratorUnasked(t *testing.T) {
	for name, grant := range map[string]func(h *house, p *person, group string){
		"by a role": func(_ *house, p *person, _ string) { p.Roles[managementClient] = []string{"manager"} },
		"by a group": func(h *house, _ *person, group string) {
			h.grants[group] = map[string][]string{managementClient: {"manager"}}
		},
		"by what it lies in": func(h *house, _ *person, group string) {
			h.groups["it"], h.parents[group] = "IT", "it"
			h.grants["it"] = map[string][]string{managementClient: {"manager"}}
		},
	} {
		h, c, account := opened(t)
		h.behind(func() {
			h.roles["manager"] = "manage-realm"
			grant(h, h.people[account.ID], "staff-"+account.ID)
		})
		for _, spec := range keycloak.Kind().Actions {
			if err := c.Apply(t.Context(), account, spec.Action, connector.Parameters{}); exeunt.KindOf(err) != exeunt.Denied || !strings.Contains(exeunt.MessageOf(err), "flag the person as privileged") {
				t.Errorf("%s, %s: %v", name, spec.Action, err)
			}
		}
		flagged := connector.Parameters{Leaver: exeunt.Leaver{Flags: []exeunt.Flag{exeunt.Privileged}}}
		if err := c.Apply(t.Context(), account, exeunt.Disable, flagged); err != nil || h.people[account.ID].Whole["enabled"] != false {
			t.Errorf("%s, of whom HR knows: %v", name, err)
		}
		err := c.Apply(t.Context(), account, exeunt.RemoveGroups, flagged)
		if alone := name == "by a group"; alone != (exeunt.KindOf(err) == exeunt.Denied && strings.Contains(err.Error(), "Staff of")) || !alone && err != nil {
			t.Errorf("%s, out of the groups: %v", name, err)
		}
		if slices.Contains(h.people[account.ID].Groups, "admins-"+account.ID) {
			t.Errorf("%s: the other group is not left", name)
		}
		h.behind(func() { h.people[account.ID].Groups = []string{"staff-" + account.ID} })
		seen, err := c.Observe(t.Context(), account)
		if inherited := seen.Facts["roles_by_groups"]; err != nil || name != "by a role" && inherited != "realm-management.manage-realm" {
			t.Errorf("%s: %q, %v", name, inherited, err)
		}
	}
}

func TestAnImmediateDepartureLocksOutFirst(t *testing.T) {
	order := slices.SortedFunc(slices.Values(keycloak.Kind().Actions), func(a, b exeunt.ActionSpec) int { return a.In(true) - b.In(true) })
	if order[0].Action != exeunt.Disable || order[1].Action != exeunt.RevokeSessions {
		t.Errorf("it begins with %s and %s", order[0].Action, order[1].Action)
	}
}

func TestWhatAnAccountHasIsTold(t *testing.T) {
	h, c, account := opened(t)
	h.behind(func() { h.people[account.ID].Whole["requiredActions"] = []any{"UPDATE_PASSWORD"} })
	seen, err := c.Observe(t.Context(), account)
	for fact, want := range map[string]string{"factors": "2: otp, webauthn", "required_actions": "UPDATE_PASSWORD", "linked_identities": "google: they stay"} {
		if err != nil || seen.Facts[fact] != want {
			t.Errorf("%s is %q, want %q (%v)", fact, seen.Facts[fact], want, err)
		}
	}
	if found, err := c.Find(t.Context(), []exeunt.Key{{Attribute: "id", Value: account.ID}, {Attribute: "id", Value: "nobody"}}); err != nil || len(found) != 1 || found[0].ID != account.ID {
		t.Errorf("by its id: %v, %v", found, err)
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
