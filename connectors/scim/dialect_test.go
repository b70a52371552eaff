package scim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connectors/scim"
)

func connectorParameters() connector.Parameters { return connector.Parameters{} }

const secret = "tok-abcdef-0123456789"

// script is a SCIM service that answers by "METHOD /path" and keeps what it was asked.
type script struct {
	mu      sync.Mutex
	answers map[string]string // status, a space, the body
	headers map[string]string // of every answer
	asked   []string
	bodies  []string
	got     []http.Header
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	s.bodies = append(s.bodies, string(body))
	s.got = append(s.got, r.Header.Clone())
	answer, ok := s.answers[r.Method+" "+r.URL.Path]
	if !ok {
		answer = `404 {"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404"}`
	}
	for name, value := range s.headers {
		w.Header().Set(name, value)
	}
	var status int
	_, _ = fmt.Sscan(answer, &status)
	w.WriteHeader(status)
	_, text, _ := strings.Cut(answer, " ")
	_, _ = io.WriteString(w, text)
}

func scripted(t *testing.T, answers map[string]string, settings string) (connector.Connector, *script) {
	t.Helper()
	t.Setenv("SCIM_SCRIPT_TOKEN", secret)
	s := &script{answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c, err := scim.Kind().Open([]byte(`{"base_url":"`+server.URL+`","token":"env:SCIM_SCRIPT_TOKEN"`+settings+`}`), http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

var account = exeunt.Account{ID: "u1", Login: "ann@corp.example"}

func disable(t *testing.T, c connector.Connector) error {
	t.Helper()
	return c.Apply(t.Context(), account, exeunt.Disable, connector.Parameters{})
}

const user = `{"id":"u1","userName":"ann@corp.example","active":true,"displayName":"Ann","groups":[{"value":"g1"}],"meta":{"version":"W/\"7\""}}`

func TestDisableSpeaksTheServicesDialect(t *testing.T) {
	for _, c := range []struct {
		name, config, patch, settings string
		want                          []string // requests that change something
		body                          string   // of the last
	}{
		{"boolean", `200 {"patch":{"supported":true}}`, "204 ", "", []string{"PATCH /Users/u1"},
			`{"Operations":[{"op":"replace","path":"active","value":false}],"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}`},
		{"string", `200 {"patch":{"supported":true}}`, "200 " + user, `,"boolean":"string"`, []string{"PATCH /Users/u1"},
			`{"Operations":[{"op":"replace","path":"active","value":"False"}],"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}`},
		{"no description of itself", `404 {}`, "204 ", "", []string{"PATCH /Users/u1"}, ""},
		{"says that it has no PATCH", `200 {"patch":{"supported":false},"etag":{"supported":true}}`, "500 ", "", []string{"PUT /Users/u1"},
			`{"active":false,"displayName":"Ann","id":"u1","userName":"ann@corp.example"}`},
		{"has none after all", `200 {"patch":{"supported":true},"etag":{"supported":true}}`, "501 ", "", []string{"PATCH /Users/u1", "PUT /Users/u1"},
			`{"active":false,"displayName":"Ann","id":"u1","userName":"ann@corp.example"}`},
		{"does not allow it", `200 {}`, "405 ", "", []string{"PATCH /Users/u1", "PUT /Users/u1"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, s := scripted(t, map[string]string{
				"GET /ServiceProviderConfig": c.config, "PATCH /Users/u1": c.patch, "GET /Users/u1": "200 " + user, "PUT /Users/u1": "200 " + user,
			}, c.settings)
			if err := disable(t, conn); err != nil {
				t.Fatal(err)
			}
			changes := slices.DeleteFunc(slices.Clone(s.asked), func(a string) bool { return strings.HasPrefix(a, "GET") })
			if !slices.Equal(changes, c.want) || c.body != "" && s.bodies[len(s.bodies)-1] != c.body {
				t.Errorf("sent %v with %s, want %v with %s", changes, s.bodies[len(s.bodies)-1], c.want, c.body)
			}
			last := s.got[len(s.got)-1]
			if strings.Contains(c.config, "etag") && last.Get("If-Match") != `W/"7"` {
				t.Errorf("a PUT over %q goes without If-Match", c.config)
			}
			if last.Get("Content-Type") != "application/scim+json" || last.Get("Authorization") != "Bearer "+secret {
				t.Errorf("sent %v", last)
			}
		})
	}
}

func TestAServiceIsAskedOnceWhatItCan(t *testing.T) {
	c, s := scripted(t, map[string]string{"GET /ServiceProviderConfig": `200 {"patch":{"supported":true}}`, "PATCH /Users/u1": "204 "}, "")
	for range 3 {
		if err := disable(t, c); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(slices.DeleteFunc(s.asked, func(a string) bool { return a != "GET /ServiceProviderConfig" })); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
}

func TestEveryAnswerIsClassed(t *testing.T) {
	scimError := func(status int, word string) string {
		return fmt.Sprintf(`%d {"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"%d","scimType":%q,"detail":"leaks %s"}`, status, status, word, secret)
	}
	for answer, want := range map[string]exeunt.ErrorKind{
		"401 ":                                exeunt.Unauthorised,
		"403 ":                                exeunt.Denied,
		"404 ":                                exeunt.NotFound,
		"409 ":                                exeunt.Conflict,
		"412 ":                                exeunt.Temporary,
		"429 ":                                exeunt.Throttled,
		"500 ":                                exeunt.Temporary,
		"503 ":                                exeunt.Temporary,
		"302 ":                                exeunt.Invalid,
		"200 <html>":                          exeunt.Temporary,
		`200 {"id":"u1`:                       exeunt.Temporary,
		`200 {"id":"u2"}`:                     exeunt.Temporary,
		"200 ":                                exeunt.Temporary,
		"200 " + strings.Repeat("x", 1<<20+1): exeunt.Invalid,
		scimError(400, "invalidFilter"):       exeunt.Unsupported,
		scimError(400, "tooMany"):             exeunt.Ambiguous,
		scimError(400, "mutability"):          exeunt.Denied,
		scimError(400, "invalidValue"):        exeunt.Invalid,
		scimError(400, "made-up"):             exeunt.Invalid,
		scimError(409, "uniqueness"):          exeunt.Conflict,
	} {
		c, s := scripted(t, map[string]string{"GET /Users/u1": answer}, "")
		s.headers = map[string]string{"Retry-After": "9"}
		_, err := c.Observe(t.Context(), account)
		if exeunt.KindOf(err) != want {
			t.Errorf("%.60s: got %v (%s), want %s", answer, err, exeunt.KindOf(err), want)
		}
		if e, ok := errors.AsType[*exeunt.Error](err); want == exeunt.Throttled && (!ok || e.RetryAfter != 9*time.Second) {
			t.Errorf("%v: want to wait 9 s", err)
		}
		if strings.Contains(fmt.Sprint(err), secret) || strings.Contains(fmt.Sprint(err), "made-up") {
			t.Errorf("%.60s: %v shows the vendor's words", answer, err)
		}
	}
}

func TestFindTurnsPagesAndReturnsNoStranger(t *testing.T) {
	var filters, starts []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/Users" {
			http.NotFound(w, r)
			return
		}
		filters, starts = append(filters, r.URL.Query().Get("filter")), append(starts, r.URL.Query().Get("startIndex"))
		// A service that does not know filters: everybody, a hundred at a time.
		var page []any
		for i := range 100 {
			page = append(page, map[string]any{"id": fmt.Sprint(r.URL.Query().Get("startIndex"), "-", i), "userName": fmt.Sprintf("stranger-%d", i)})
		}
		if r.URL.Query().Get("startIndex") == "101" {
			page = []any{map[string]any{"id": "u1", "userName": `ANN"O@corp.example`, "externalId": "e-1"}}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"totalResults": 101, "Resources": page})
	}))
	defer server.Close()
	t.Setenv("SCIM_SCRIPT_TOKEN", secret)
	settings := []byte(`{"base_url":"` + server.URL + `","token":"env:SCIM_SCRIPT_TOKEN","match":{"work_email":"userName","employee_id":"externalId"}}`)
	c, err := scim.Kind().Open(settings, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	leaver := exeunt.Leaver{ID: "E-1", Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: `ann"o@corp.example`}}
	found, err := connectortest.Search(t.Context(), scim.Kind(), settings, c, leaver)
	if err != nil || len(found) != 1 || found[0].ID != "u1" {
		t.Errorf("found %v, %v; want u1 of the second page; externalId e-1 is not E-1", found, err)
	}
	if filters[2] != `userName eq "ann\"o@corp.example"` || filters[0] != `externalId eq "E-1"` || !slices.Equal(starts, []string{"1", "101", "1", "101"}) {
		t.Errorf("filters %q, starts %v", filters, starts)
	}
	if _, err := connectortest.Search(t.Context(), scim.Kind(), settings, c, exeunt.Leaver{}); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("without any identifier: %v, want invalid", err)
	}
}

func TestObserveBelievesNoMoreThanItSees(t *testing.T) {
	for _, c := range []struct {
		name, user, groups string
		disable, removed   exeunt.Standing
		count              string
	}{
		{"open", user, "404 ", exeunt.Absent, exeunt.Absent, "1"},
		{"closed, as text", `{"id":"u1","active":"False","groups":[]}`, "404 ", exeunt.Holds, exeunt.Holds, "0"},
		{"active is not shown", `{"id":"u1","groups":[]}`, "404 ", exeunt.Unknown, exeunt.Holds, "0"},
		{"only indirect groups", `{"id":"u1","active":false,"groups":[{"value":"g","type":"indirect"}]}`, "404 ", exeunt.Holds, exeunt.Holds, "0"},
		{"groups by asking", `{"id":"u1","active":false}`, `200 {"totalResults":2,"Resources":[{"id":"g1","members":[{"value":"u1"}]},{"id":"g2","members":[{"value":"u2"}]}]}`, exeunt.Holds, exeunt.Absent, "1"},
		{"groups by asking, members not shown", `{"id":"u1","active":false}`, `200 {"totalResults":1,"Resources":[{"id":"g1"}]}`, exeunt.Holds, exeunt.Absent, "1"},
		{"groups cannot be asked", `{"id":"u1","active":false}`, `400 {"scimType":"invalidFilter"}`, exeunt.Holds, exeunt.Unknown, ""},
		{"no groups at all", `{"id":"u1","active":false}`, "501 ", exeunt.Holds, exeunt.Unknown, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, _ := scripted(t, map[string]string{"GET /Users/u1": "200 " + c.user, "GET /Groups": c.groups}, "")
			seen, err := conn.Observe(t.Context(), account)
			if err != nil || seen.Of(exeunt.Disable) != c.disable || seen.Of(exeunt.RemoveGroups) != c.removed || seen.Facts["groups"] != c.count {
				t.Errorf("got %v %v, %v; want %s and %s", seen.Standing, seen.Facts, err, c.disable, c.removed)
			}
		})
	}
}

func TestGroupsThatCannotBeListedAreNotClaimedRemoved(t *testing.T) {
	c, _ := scripted(t, map[string]string{"GET /Users/u1": `200 {"id":"u1","active":false}`, "GET /Groups": "501 "}, "")
	err := c.Apply(t.Context(), account, exeunt.RemoveGroups, connector.Parameters{})
	if exeunt.KindOf(err) != exeunt.Unsupported {
		t.Errorf("got %v, want unsupported", err)
	}
}

func TestSettingsAreRefused(t *testing.T) {
	for settings, want := range map[string]string{
		`{}`: "base_url",
		`{"base_url":"http://corp.example/scim","token":"env:T"}`:                                "https",
		`{"base_url":"https://corp.example/scim"}`:                                               "token",
		`{"base_url":"https://corp.example","token":"tok-abcdef"}`:                               "reference",
		`{"base_url":"https://corp.example","token":"env:T","boolean":1}`:                        "boolean",
		`{"base_url":"https://corp.example","token":"env:T","boolean":"no"}`:                     "boolean",
		`{"base_url":"https://corp.example","token":"env:T","match":{"upn":"nickName"}}`:         "userName",
		`{"base_url":"https://corp.example","token":"env:T","member_removal":"all"}`:             "member_removal",
		`{"base_url":"https://corp.example","token":"env:T","roles":["groups"]}`:                 "entitlements",
		`{"base_url":"https://corp.example","token":"env:T","privileged":"no"}`:                  "privileged",
		`{"base_url":"https://corp.example","token":"env:T","username":"me","password":"env:P"}`: "either",
	} {
		_, err := scim.Kind().Open([]byte(settings), http.DefaultTransport)
		if exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "tok-abcdef") {
			t.Errorf("%s: got %v, want invalid with %q", settings, err, want)
		}
	}
	specs, err := scim.Kind().Specs([]byte(`{"base_url":"https://corp.example","token":"env:T","without_groups":true}`))
	if err != nil || len(specs) != 1 || specs[0].Action != exeunt.Disable {
		t.Errorf("without groups: %v, %v", specs, err)
	}
}
