package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// route is one operation of the description.
type route struct{ method, path string }

// filled is the path with an id in each place: that of what exists, or of what does not.
func (r route) filled(id string) string {
	return strings.NewReplacer("{id}", id, "{step}", "crm-disable", "{name}", "crm").Replace(r.path)
}

func described(t *testing.T, server *httptest.Server) (map[string]any, []route) {
	t.Helper()
	got := call(t, server, http.MethodGet, "/api/v1/openapi.json", "", "")
	if got.StatusCode != http.StatusOK {
		t.Fatalf("the description is answered %d without a token", got.StatusCode)
	}
	document := got.json(t)
	var routes []route
	for path, item := range document["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			routes = append(routes, route{strings.ToUpper(method), path})
		}
	}
	slices.SortFunc(routes, func(a, b route) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return document, routes
}

// TestTheDescriptionIsOpenAPI31 lets another reader of OpenAPI load it and resolve every reference.
func TestTheDescriptionIsOpenAPI31(t *testing.T) {
	_, server := newServer(t)
	document, routes := described(t, server)
	if version, _ := document["openapi"].(string); !strings.HasPrefix(version, "3.1.") {
		t.Errorf("openapi: %v", document["openapi"])
	}
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatalf("kin-openapi cannot read it: %v", err)
	}
	if loaded.Paths.Len() == 0 || len(routes) < 14 {
		t.Errorf("%d paths, %d operations", loaded.Paths.Len(), len(routes))
	}
	operations := map[string]bool{}
	for path, item := range loaded.Paths.Map() {
		for method, o := range item.Operations() {
			if o.Summary == "" || len(o.Tags) == 0 || o.OperationID == "" || operations[o.OperationID] {
				t.Errorf("%s %s has no summary, no tag, or an operationId that is not its own: %q", method, path, o.OperationID)
			}
			operations[o.OperationID] = true
			if o.Responses.Default() == nil || o.Responses.Default().Value.Content["application/problem+json"] == nil {
				t.Errorf("%s %s does not say that its errors are problems", method, path)
			}
			if strings.Count(path, "{") != len(o.Parameters)-queries(o) {
				t.Errorf("%s %s does not describe each part of its path", method, path)
			}
		}
	}
	if scheme := loaded.Components.SecuritySchemes["token"]; scheme == nil || scheme.Value.Scheme != "bearer" || len(loaded.Security) == 0 {
		t.Error("it does not say that a bearer token is needed")
	}
}

func queries(o *openapi3.Operation) (n int) {
	for _, p := range o.Parameters {
		if p.Value.In == "query" {
			n++
		}
	}
	return n
}

// TestEveryRouteNeedsAToken goes through all that is described, so that a new one is held to it too.
func TestEveryRouteNeedsAToken(t *testing.T) {
	b, server := newServer(t)
	_, routes := described(t, server)
	for _, r := range routes {
		for bearer, challenge := range map[string]string{
			"": "Bearer", "Bearer": "Bearer", "Bearer ": "Bearer", "Basic aWRhOng=": "Bearer", token: "Bearer",
			"Bearer wrong": `Bearer error="invalid_token"`,
		} {
			got := call(t, server, r.method, r.filled("1"), bearer, "")
			isProblem(t, got, http.StatusUnauthorized)
			if got.Header.Get("WWW-Authenticate") != challenge {
				t.Errorf("%s %s with %q: WWW-Authenticate %q", r.method, r.path, bearer, got.Header.Get("WWW-Authenticate"))
			}
		}
		if got := call(t, server, r.method, r.filled("1"), "bearer "+token, "{}"); got.StatusCode == http.StatusUnauthorized {
			t.Errorf("%s %s refuses a valid token: RFC 9110 §11.1, the scheme's case does not matter", r.method, r.path)
		}
	}
	if len(b.asked) == 0 {
		t.Error("no route reached what lies behind it")
	}
	isProblem(t, call(t, server, http.MethodGet, "/api/v1/cases", "Bearer while-the-database-is-gone", ""), http.StatusServiceUnavailable)
}

// TestWhatIsUnknownIs404 goes through all routes that name something.
func TestWhatIsUnknownIs404(t *testing.T) {
	b, server := newServer(t)
	_, routes := described(t, server)
	bodies := map[string]string{
		"legal-hold": `{"reason":"confirmed by Hera Lind"}`, "replan": `{"reason":"confirmed by Hera Lind"}`, "erase": `{"reason":"confirmed by Hera Lind"}`, "legal-release": `{"reason":"confirmed by Hera Lind"}`, "hold": `{"reason":"confirmed by Hera Lind"}`, "confirm": `{"reason":"confirmed by Hera Lind"}`, "reject": `{"reason":"confirmed by Hera Lind"}`, "reveal": `{"reason":"confirmed by Hera Lind"}`, "embargo": `{"reason":"confirmed by Hera Lind"}`, "release": `{"reason":"confirmed by Hera Lind"}`, "waive": `{"reason":"confirmed by Hera Lind"}`, "put-back": `{"reason":"confirmed by Hera Lind"}`, "retry": `{}`,
		"check": `{"reason":"confirmed by Hera Lind"}`, "approve": `{"reason":"confirmed by Hera Lind"}`, "start": `{"reason":"confirmed by Hera Lind"}`,
		"go-on": `{"reason":"confirmed by Hera Lind"}`, "stop": `{"reason":"confirmed by Hera Lind"}`,
		"clean-up": `{"reason":"confirmed by Hera Lind"}`, "complete": `{}`, "reassign": `{"email":"omar@acme.example"}`,
	}
	seen := 0
	for _, r := range routes {
		if !strings.Contains(r.path, "{id}") {
			continue
		}
		seen++
		body := bodies[r.path[strings.LastIndex(r.path, "/")+1:]]
		isProblem(t, call(t, server, r.method, r.filled("999"), "Bearer "+token, body), http.StatusNotFound)
		if p := isProblem(t, call(t, server, r.method, r.filled("x-1"), "Bearer "+token, body), http.StatusUnprocessableEntity); !strings.Contains(p["detail"].(string), "x-1") {
			t.Errorf("%s %s does not say what is wrong with the id: %v", r.method, r.path, p)
		}
	}
	if len(b.asked) > 0 || seen < 9 {
		t.Errorf("%d routes name something; reached: %v", seen, b.asked)
	}
	isProblem(t, call(t, server, http.MethodGet, "/api/v1/systems/nothing", "Bearer "+token, ""), http.StatusNotFound)
	isProblem(t, call(t, server, http.MethodPost, "/api/v1/systems/nothing/try", "Bearer "+token, "{}"), http.StatusNotFound)
	isProblem(t, call(t, server, http.MethodGet, "/api/v1/systems/nothing/shadow", "Bearer "+token, ""), http.StatusNotFound)
	isProblem(t, call(t, server, http.MethodPost, "/api/v1/cases/1/steps/nothing/retry", "Bearer "+token, "{}"), http.StatusNotFound)
}
