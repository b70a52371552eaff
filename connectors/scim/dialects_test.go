package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors/scim"
)

// odd is a SCIM service of one user and one group with ways of its own. It keeps what it is told, and refuses the rest.
type odd struct {
	mu      sync.Mutex
	user    map[string]any
	members []string
	version int
	asked   []string

	config  string                                     // ServiceProviderConfig; "" for none
	patch   func(op map[string]any) (status int)       // of a user, before it is done; nil takes what the RFC has
	leave   func(op map[string]any) (ids []string)     // of a group: who is put out; nil for a refusal
	filter  func(filter string) (knows bool, all bool) // all: what it does not know is everybody to it
	meddler func()                                     // acts between a read of the group and the next write
}

func (o *odd) refuse(w http.ResponseWriter, status int, word string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"%d","scimType":%q}`, status, word)
}

func (o *odd) group() map[string]any {
	members := []any{}
	for _, m := range o.members {
		members = append(members, map[string]any{"value": m})
	}
	return map[string]any{"id": "g1", "displayName": "Team", "members": members, "meta": map[string]any{"version": `W/"` + strconv.Itoa(o.version) + `"`}}
}

func (o *odd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, r.Method+" "+r.URL.Path)
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	say := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	list := func(resources ...any) {
		say(map[string]any{"totalResults": len(resources), "startIndex": 1, "Resources": resources})
	}
	switch asked := r.Method + " " + r.URL.Path; asked {
	case "GET /ServiceProviderConfig":
		if o.config == "" {
			o.refuse(w, http.StatusNotFound, "")
			return
		}
		_, _ = fmt.Fprint(w, o.config)
	case "GET /Users":
		stranger := map[string]any{"id": "u2", "userName": "bob@corp.example", "emails": []any{map[string]any{"value": "bob@corp.example"}}}
		switch knows, all := o.filter(r.URL.Query().Get("filter")); {
		case knows:
			list(o.user)
		case all || r.URL.Query().Get("filter") == "":
			list(stranger, o.user)
		default:
			o.refuse(w, http.StatusBadRequest, "invalidFilter")
		}
	case "GET /Users/u1":
		say(o.user)
	case "PATCH /Users/u1":
		for _, one := range body["Operations"].([]any) {
			op := one.(map[string]any)
			if o.patch != nil {
				if status := o.patch(op); status != 0 {
					o.refuse(w, status, "invalidSyntax")
					return
				}
			}
			o.apply(op)
		}
		say(o.user)
	case "GET /Groups":
		list(o.group())
	case "GET /Groups/g1":
		say(o.group())
		if o.meddler != nil {
			o.meddler()
			o.meddler = nil
		}
	case "PATCH /Groups/g1":
		for _, one := range body["Operations"].([]any) {
			out := o.leave(one.(map[string]any))
			if out == nil {
				o.refuse(w, http.StatusBadRequest, "invalidPath")
				return
			}
			o.members = slices.DeleteFunc(o.members, func(m string) bool { return slices.Contains(out, m) })
		}
		w.WriteHeader(http.StatusNoContent)
	case "PUT /Groups/g1":
		if r.Header.Get("If-Match") != `W/"`+strconv.Itoa(o.version)+`"` {
			o.refuse(w, http.StatusPreconditionFailed, "")
			return
		}
		o.members, o.version = nil, o.version+1
		for _, m := range body["members"].([]any) {
			o.members = append(o.members, m.(map[string]any)["value"].(string))
		}
		say(o.group())
	default:
		o.refuse(w, http.StatusNotFound, "")
	}
}

func (o *odd) apply(op map[string]any) {
	path, _ := op["path"].(string)
	switch {
	case op["op"] == "remove":
		delete(o.user, path)
	case op["op"] == "add":
		list, _ := o.user[path].([]any)
		o.user[path] = append(slices.Clone(list), op["value"].([]any)...)
	case path != "":
		o.user[path] = op["value"]
	default:
		for name, value := range op["value"].(map[string]any) {
			o.user[name] = value
		}
	}
}

// opened starts the service, with Ann in the group, and opens it.
func (o *odd) opened(t *testing.T, settings string) connector.Connector {
	t.Helper()
	o.user = map[string]any{"id": "u1", "userName": "ann@corp.example", "active": true, "emails": []any{map[string]any{"value": "ann@corp.example"}}}
	o.members, o.version = []string{"u1", "u2"}, 1
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	t.Setenv("SCIM_ODD_TOKEN", secret)
	c, err := scim.Kind().Open([]byte(`{"base_url":"`+server.URL+`","token":"env:SCIM_ODD_TOKEN"`+settings+`}`), http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (o *odd) count(method, path string) int {
	return len(slices.DeleteFunc(slices.Clone(o.asked), func(a string) bool { return a != method+" "+path }))
}

// Whatever a service takes, it is found out once, and the look decides.
func TestADialectThatIsRefusedIsFollowedByTheNext(t *testing.T) {
	for name, takes := range map[string]func(op map[string]any) bool{
		"by path":              func(op map[string]any) bool { return op["path"] == "active" && op["value"] == false },
		"in the value":         func(op map[string]any) bool { return op["path"] == nil },
		"as text, which it is": func(op map[string]any) bool { return op["value"] == "False" },
	} {
		o := &odd{patch: func(op map[string]any) int {
			if takes(op) {
				return 0
			}
			return http.StatusBadRequest
		}}
		c := o.opened(t, "")
		for range 2 {
			if err := disable(t, c); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		seen, err := c.Observe(t.Context(), account)
		if err != nil || seen.Of(exeunt.Disable) != exeunt.Holds {
			t.Errorf("%s: %v %v", name, seen.Standing, err)
		}
		if tries := o.count("PATCH", "/Users/u1"); name == "by path" && tries != 2 || name == "in the value" && tries != 3 || strings.HasPrefix(name, "as text") && tries != 4 {
			t.Errorf("%s: asked %d times", name, tries)
		}
	}
	for settings, most := range map[string]int{"": 3, `,"boolean":"boolean"`: 2, `,"boolean":"string"`: 1} {
		o := &odd{patch: func(map[string]any) int { return http.StatusBadRequest }}
		c := o.opened(t, settings)
		if err := disable(t, c); exeunt.KindOf(err) != exeunt.Invalid || o.count("PATCH", "/Users/u1") != most {
			t.Errorf("%s: %v after %d", settings, err, o.count("PATCH", "/Users/u1"))
		}
	}
	o := &odd{patch: func(map[string]any) int { return http.StatusInternalServerError }} // which may have had effect
	if err := disable(t, o.opened(t, "")); exeunt.KindOf(err) != exeunt.Temporary || o.count("PATCH", "/Users/u1") != 1 {
		t.Errorf("a failure: %v after %d", err, o.count("PATCH", "/Users/u1"))
	}
}

func TestAMemberIsTakenOutInTheWayThatTheServiceTakes(t *testing.T) {
	byFilter := func(op map[string]any) []string {
		if op["path"] == `members[value eq "u1"]` {
			return []string{"u1"}
		}
		return nil
	}
	byValue := func(op map[string]any) []string {
		if op["path"] != "members" {
			return nil
		}
		return []string{op["value"].([]any)[0].(map[string]any)["value"].(string)}
	}
	for name, leave := range map[string]func(map[string]any) []string{"filter": byFilter, "value": byValue} {
		o := &odd{leave: leave}
		if err := o.opened(t, "").Apply(t.Context(), account, exeunt.RemoveGroups, connector.Parameters{}); err != nil || !slices.Equal(o.members, []string{"u2"}) {
			t.Errorf("%s: %v, and %v are in", name, err, o.members)
		}
		other := map[string]string{"filter": "value", "value": "filter"}[name]
		o = &odd{leave: leave}
		err := o.opened(t, `,"member_removal":"`+other+`"`).Apply(t.Context(), account, exeunt.RemoveGroups, connector.Parameters{})
		if exeunt.KindOf(err) != exeunt.Invalid || len(o.members) != 2 {
			t.Errorf("%s, with the setting for %s: %v", name, other, err)
		}
	}
}

// Without PATCH a group is written as a whole: over the version that was read, or not at all.
func TestAGroupIsReplacedOnlyOverTheVersionThatWasRead(t *testing.T) {
	o := &odd{config: `{"patch":{"supported":false},"etag":{"supported":true}}`}
	c := o.opened(t, "")
	before, err := c.Observe(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	o.meddler = func() { o.members, o.version = append(o.members, "u3"), o.version+1 }
	if err := c.Apply(t.Context(), account, exeunt.RemoveGroups, connector.Parameters{}); exeunt.KindOf(err) != exeunt.Temporary || !slices.Contains(o.members, "u3") {
		t.Errorf("over somebody else's change: %v, and %v are in", err, o.members)
	}
	if err := c.Apply(t.Context(), account, exeunt.RemoveGroups, connector.Parameters{}); err != nil || !slices.Equal(o.members, []string{"u2", "u3"}) {
		t.Errorf("anew: %v, and %v are in", err, o.members)
	}
	undo := connector.Parameters{Undo: true, Snapshot: before.Snapshot}
	for range 2 {
		if err := c.Apply(t.Context(), account, exeunt.RemoveGroups, undo); err != nil || !slices.Equal(o.members, []string{"u2", "u3", "u1"}) {
			t.Errorf("put back: %v, and %v are in", err, o.members)
		}
	}
	o = &odd{config: `{"patch":{"supported":false}}`}
	err = o.opened(t, "").Apply(t.Context(), account, exeunt.RemoveGroups, connector.Parameters{})
	if exeunt.KindOf(err) != exeunt.Unsupported || !strings.Contains(err.Error(), "put out") || len(o.members) != 2 {
		t.Errorf("without versions: %v", err)
	}
}

func TestAFilterThatIsRefusedIsWrittenOtherwiseOrEverybodyIsRead(t *testing.T) {
	key := []exeunt.Key{{Attribute: "emails", Value: "ann@corp.example"}}
	nothing := func(string) (bool, bool) { return false, false }
	for name, c := range map[string]struct {
		config         string
		filter         func(string) (bool, bool)
		first, further int // requests
	}{
		"as the RFC has it":          {"", func(f string) (bool, bool) { return strings.HasPrefix(f, "emails[value eq"), false }, 1, 1},
		"by its value":               {"", func(f string) (bool, bool) { return strings.HasPrefix(f, "emails.value eq"), false }, 2, 1},
		"by the attribute":           {"", func(f string) (bool, bool) { return strings.HasPrefix(f, "emails eq"), false }, 3, 1},
		"not at all":                 {"", nothing, 4, 4},
		"not at all, and it says so": {`{"filter":{"supported":false}}`, nothing, 1, 1},
		"is not heeded":              {"", func(string) (bool, bool) { return false, true }, 1, 1},
	} {
		o := &odd{config: c.config, filter: c.filter}
		conn := o.opened(t, "")
		for i, want := range []int{c.first, c.further} {
			o.asked = nil
			found, err := conn.Find(t.Context(), key)
			if err != nil || len(found) != 1 || found[0].ID != "u1" || o.count("GET", "/Users") != want {
				t.Errorf("%s, time %d: %v %v with %d requests, want %d", name, i+1, found, err, o.count("GET", "/Users"), want)
			}
		}
	}
}

func TestNoMoreIsAskedForThanTheServiceGives(t *testing.T) {
	var counts []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ServiceProviderConfig" {
			_, _ = fmt.Fprint(w, `{"filter":{"supported":true,"maxResults":20}}`)
			return
		}
		counts = append(counts, r.URL.Query().Get("count"))
		_, _ = fmt.Fprint(w, `{"totalResults":0,"Resources":[]}`)
	}))
	defer server.Close()
	t.Setenv("SCIM_ODD_TOKEN", secret)
	c, err := scim.Kind().Open([]byte(`{"base_url":"`+server.URL+`","token":"env:SCIM_ODD_TOKEN"}`), http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Find(t.Context(), []exeunt.Key{{Attribute: "userName", Value: "ann"}}); err != nil || !slices.Equal(counts, []string{"20"}) {
		t.Errorf("asked for %v: %v", counts, err)
	}
}

func TestRolesThatArePlainTextsGoAndComeBack(t *testing.T) {
	o := &odd{}
	c := o.opened(t, `,"roles":["roles"]`)
	o.user["roles"], o.user["entitlements"] = []any{"admin", map[string]any{"value": "editor", "display": "Editor"}}, []any{"seat"}
	before, err := c.Observe(t.Context(), account)
	if err != nil || before.Of(exeunt.RemoveRoles) != exeunt.Absent || before.Facts["roles"] != "admin, editor" || before.Facts["entitlements"] != "seat" {
		t.Fatalf("%v %v %v", before.Standing, before.Facts, err)
	}
	if err := c.Apply(t.Context(), account, exeunt.RemoveRoles, connector.Parameters{}); err != nil {
		t.Fatal(err)
	}
	if o.user["roles"] != nil || o.user["entitlements"] == nil {
		t.Errorf("left with %v", o.user)
	}
	for range 2 {
		if err := c.Apply(t.Context(), account, exeunt.RemoveRoles, connector.Parameters{Undo: true, Snapshot: before.Snapshot}); err != nil {
			t.Fatal(err)
		}
	}
	after, err := c.Observe(t.Context(), account)
	if err != nil || !slices.Equal(after.Snapshot["roles"], before.Snapshot["roles"]) {
		t.Errorf("back: %v, want %v", after.Snapshot, before.Snapshot)
	}
}

func TestAPrivilegedRoleIsLeftToAPerson(t *testing.T) {
	for name, give := range map[string]func(o *odd){
		"by value":   func(o *odd) { o.user["roles"] = []any{map[string]any{"value": "Owner"}} },
		"by display": func(o *odd) { o.user["entitlements"] = []any{map[string]any{"value": "7", "display": "owner"}} },
	} {
		o := &odd{}
		c := o.opened(t, `,"privileged_roles":["owner"]`)
		give(o)
		err := disable(t, c)
		if exeunt.KindOf(err) != exeunt.Denied || !strings.Contains(err.Error(), "has owner") || o.user["active"] != true {
			t.Errorf("%s: %v", name, err)
		}
		known := connector.Parameters{Leaver: exeunt.Leaver{Flags: []exeunt.Flag{exeunt.Privileged}}}
		if err := c.Apply(t.Context(), account, exeunt.Disable, known); err != nil || o.user["active"] == true {
			t.Errorf("%s, as HR knows: %v", name, err)
		}
	}
	o := &odd{}
	c := o.opened(t, `,"privileged_roles":["team"]`)
	o.user["groups"] = []any{map[string]any{"value": "g1", "display": "Team"}}
	if err := disable(t, c); exeunt.KindOf(err) != exeunt.Denied {
		t.Errorf("by group: %v", err)
	}
}
