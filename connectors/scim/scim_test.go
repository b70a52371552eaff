package scim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connector/connectortest/description"
	"github.com/exeunt/exeunt/connectors/scim"
	"github.com/exeunt/exeunt/internal/testserver"
)

// house is a real SCIM service, and what a test does in it behind the connector's back.
type house struct {
	testserver.SCIM
	people atomic.Int64
}

func (h *house) do(t testing.TB, method, path string, body any) map[string]any {
	t.Helper()
	var encoded []byte
	if body != nil {
		encoded, _ = json.Marshal(body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, h.URL+path, bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.Token)
	r.Header.Set("Content-Type", "application/scim+json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var got map[string]any
	_ = json.NewDecoder(answer.Body).Decode(&got)
	if answer.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %v", method, path, answer.StatusCode, got)
	}
	return got
}

func (h *house) user(t testing.TB, userName, mail string) string {
	t.Helper()
	made := h.do(t, "POST", "/Users", map[string]any{
		"schemas":  []string{"urn:ietf:params:scim:schemas:core:2.0:User"},
		"userName": userName, "active": true, "name": map[string]string{"familyName": "Test"},
		"emails":       []any{map[string]any{"value": mail, "primary": true}},
		"roles":        []any{map[string]any{"value": "editor", "display": "Editor", "primary": true}, map[string]any{"value": "admin"}},
		"entitlements": []any{map[string]any{"value": "seat"}},
	})
	return made["id"].(string)
}

func (h *house) group(t testing.TB, name string, members ...string) string {
	t.Helper()
	list := []any{}
	for _, m := range members {
		list = append(list, map[string]string{"value": m})
	}
	made := h.do(t, "POST", "/Groups", map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": name, "members": list,
	})
	return made["id"].(string)
}

func (h *house) hire(t testing.TB) exeunt.Leaver {
	t.Helper()
	n := h.people.Add(1)
	mail := fmt.Sprintf(`ann.o'neil+%d@corp.example`, n)
	id := h.user(t, mail, mail)
	stays := h.user(t, fmt.Sprintf("stays-%d", n), fmt.Sprintf("stays-%d@corp.example", n))
	h.group(t, fmt.Sprintf("team %d", n), id, stays)
	h.group(t, fmt.Sprintf("vpn %d", n), id)
	h.group(t, fmt.Sprintf("others %d", n), stays)
	return exeunt.Leaver{
		ID: fmt.Sprint(n), Entity: "corp", Name: "Ann O'Neil", Zone: "UTC",
		Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: mail, exeunt.PrincipalName: mail},
	}
}

// list reads all resources. This service turns pages by POST only.
func (h *house) list(t testing.TB, path string) []any {
	t.Helper()
	all := h.do(t, "POST", path+"/.search", map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:SearchRequest"}, "count": 10_000})
	resources, _ := all["Resources"].([]any)
	return resources
}

// find reads the leaver's user as the service has it.
func (h *house) find(t testing.TB, l exeunt.Leaver) map[string]any {
	t.Helper()
	for _, u := range h.list(t, "/Users") {
		user := u.(map[string]any)
		for _, m := range user["emails"].([]any) {
			if m.(map[string]any)["value"] == l.Identifiers[exeunt.WorkEmail] {
				return user
			}
		}
	}
	t.Fatal("no such user")
	return nil
}

func (h *house) groupsOf(t testing.TB, l exeunt.Leaver) []string {
	t.Helper()
	id := h.find(t, l)["id"]
	var ids []string
	for _, g := range h.list(t, "/Groups") {
		members, _ := g.(map[string]any)["members"].([]any)
		for _, m := range members {
			if m.(map[string]any)["value"] == id {
				ids = append(ids, g.(map[string]any)["id"].(string))
			}
		}
	}
	return ids
}

// described is the service as it describes itself.
func (h *house) described(t *testing.T) *description.SCIM {
	t.Helper()
	var parts [][]byte
	for _, path := range []string{"/Schemas", "/ResourceTypes"} {
		raw, err := json.Marshal(h.do(t, "GET", path, nil))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, raw)
	}
	d, err := description.ReadSCIM(h.URL, parts[0], parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestConforms(t *testing.T) {
	h := &house{SCIM: testserver.Scimmy(t)}
	t.Setenv("SCIM_TOKEN", h.Token)
	t.Setenv("SCIM_WRONG", "wrong-token-0123")
	settings := func(base, token string) json.RawMessage {
		return fmt.Appendf(nil, `{"base_url":%q,"token":"env:%s","match":{"upn":"userName","work_email":"emails"},"roles":["roles","entitlements"]}`, base, token)
	}
	connectortest.Run(t, connectortest.Subject{
		Kind: scim.Kind(), Settings: settings(h.URL, "SCIM_TOKEN"), Description: h.described(t),
		WrongCredentials: settings(h.URL, "SCIM_WRONG"),
		Unreachable:      settings("http://127.0.0.1:1/scim/v2", "SCIM_TOKEN"),
		Secrets:          []string{h.Token, "wrong-token-0123"},
		Hire:             h.hire,
		Removals: func(t testing.TB, l exeunt.Leaver) map[string][]string {
			return map[string][]string{"groups": h.groupsOf(t, l), "roles": {`{"value":"editor","primary":true}`, `{"value":"admin"}`}, "entitlements": {`{"value":"seat"}`}}
		},
		// A SCIM service has no door of its own: active is what its application asks.
		CanSignIn: func(t testing.TB, l exeunt.Leaver) bool { return h.find(t, l)["active"] == true },
		Twin: func(t testing.TB, l exeunt.Leaver) {
			mail := l.Identifiers[exeunt.WorkEmail]
			h.user(t, "second."+mail, mail)
		},
		Rename: func(t testing.TB, l exeunt.Leaver) {
			user := h.find(t, l)
			h.do(t, "PATCH", "/Users/"+user["id"].(string), map[string]any{
				"schemas":    []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"},
				"Operations": []any{map[string]any{"op": "replace", "path": "userName", "value": "renamed-" + user["id"].(string)}},
			})
		},
		Drop: func(t testing.TB, l exeunt.Leaver, action exeunt.Action) (name, value string) {
			if action != exeunt.RemoveGroups {
				return "", ""
			}
			vpn := "vpn " + l.ID
			for _, g := range h.list(t, "/Groups") {
				if group := g.(map[string]any); group["displayName"] == vpn {
					h.do(t, "DELETE", "/Groups/"+group["id"].(string), nil)
					return vpn, group["id"].(string)
				}
			}
			t.Fatalf("no group %s", vpn)
			return "", ""
		},
		Vanish: func(t testing.TB, l exeunt.Leaver) { h.do(t, "DELETE", "/Users/"+h.find(t, l)["id"].(string), nil) },
	})
}

func TestOtherMembersStay(t *testing.T) {
	h := &house{SCIM: testserver.Scimmy(t)}
	t.Setenv("SCIM_TOKEN", h.Token)
	for _, removal := range []string{"filter", "value"} {
		settings := fmt.Appendf(nil, `{"base_url":%q,"token":"env:SCIM_TOKEN","member_removal":%q}`, h.URL, removal)
		c, err := scim.Kind().Open(settings, http.DefaultTransport)
		if err != nil {
			t.Fatal(err)
		}
		leaver := h.hire(t)
		before := h.groupsOf(t, leaver)
		found, err := connectortest.Search(t.Context(), scim.Kind(), settings, c, leaver)
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		if err := c.Apply(t.Context(), found[0], exeunt.RemoveGroups, connectorParameters()); err != nil {
			t.Fatalf("%s: %v", removal, err)
		}
		if left := h.groupsOf(t, leaver); len(before) != 2 || len(left) != 0 {
			t.Errorf("%s: from %v to %v, want none left", removal, before, left)
		}
		team := h.do(t, "GET", "/Groups/"+before[0], nil)
		if members, _ := team["members"].([]any); len(members) != 1 {
			t.Errorf("%s: the team has members %v, want the one who stays", removal, members)
		}
	}
}
