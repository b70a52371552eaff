package okta_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/testserver"
)

// TestAnEmulatorThatNobodyHereWroteIsUnderstood ends and reopens an account at emulate, which keeps users, their lifecycle
// and groups as Okta does, and knows neither group rules, roles, factors nor tokens. It also gives everybody for every
// filter, which must lead to nobody else.
func TestAnEmulatorThatNobodyHereWroteIsUnderstood(t *testing.T) {
	base := testserver.Emulate(t, "okta")
	var made struct{ ID string }
	call(t, base, http.MethodPost, "/api/v1/users?activate=true", map[string]any{"profile": map[string]string{
		"login": "jane@acme.example", "email": "jane.doe@acme.example", "firstName": "Jane", "lastName": "Doe"}}, &made)
	t.Setenv("OKTA_TOKEN", testserver.EmulatedToken)
	text := written(t, map[string]any{"base_url": base, "token": "env:OKTA_TOKEN", "privileged": "act", "deactivate": true})
	c := open(t, text)
	for _, k := range []exeunt.Key{{Attribute: "login", Value: "jane@acme.example"}, {Attribute: "email", Value: "Jane.Doe@acme.example"}, {Attribute: "id", Value: made.ID}} {
		found, err := c.Find(t.Context(), []exeunt.Key{k})
		if err != nil || len(found) != 1 || found[0].ID != made.ID || found[0].Login != "jane@acme.example" || found[0].Closed {
			t.Fatalf("by %s: %+v, %v", k.Attribute, found, err)
		}
	}
	if found, err := c.Find(t.Context(), []exeunt.Key{{Attribute: "login", Value: "nobody@acme.example"}}); err != nil || len(found) != 0 {
		t.Errorf("nobody: %+v, %v", found, err)
	}
	p := &person{id: made.ID}
	status := func(want string) {
		t.Helper()
		var shown struct{ Status string }
		if call(t, base, http.MethodGet, "/api/v1/users/"+made.ID, nil, &shown); shown.Status != want {
			t.Errorf("the emulator has the account as %s, want %s", shown.Status, want)
		}
	}
	status("ACTIVE")
	for _, changed := range []bool{true, false} {
		if out := attempt(t, c, text, p, exeunt.Disable, leaver(1)); out.Kind != exeunt.Done || out.Proof != exeunt.Observed || out.Changed != changed {
			t.Fatalf("disable: %s %v, changed %v; want %v", out.Kind, out.Err, out.Changed, changed)
		}
		status("SUSPENDED")
	}
	back := connector.Parameters{Undo: true, Snapshot: map[string][]string{"enabled": {"true"}}}
	for range 2 {
		if err := c.Apply(t.Context(), exeunt.Account{ID: made.ID}, exeunt.Disable, back); err != nil {
			t.Fatal(err)
		}
		status("ACTIVE")
	}
	if out := attempt(t, c, text, p, exeunt.Deactivate, leaver(1)); out.Kind != exeunt.Done || !out.Changed {
		t.Fatalf("deactivate: %s %v", out.Kind, out.Err)
	}
	status("DEPROVISIONED")
	if _, err := c.Find(t.Context(), []exeunt.Key{{Attribute: "id", Value: "00unobody"}}); err != nil {
		t.Errorf("an id of nobody: %v", err)
	}
}

// call makes a request as an administrator of the emulator.
func call(t *testing.T, base, method, path string, body, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, base+path, bytes.NewReader(written(t, body)))
	if err != nil {
		t.Fatal(err)
	}
	if body == nil {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	r.Header.Set("Authorization", "SSWS "+testserver.EmulatedToken)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 || json.Unmarshal(raw, into) != nil {
		t.Fatalf("%s %s: %s %s %v", method, path, answer.Status, raw, err)
	}
}
