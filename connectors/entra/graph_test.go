package entra_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest/description"
)

// object is a resource of Graph as JSON.
type object = map[string]any

// world is what a tenant knows. Reads are given a copy of it that may lag behind.
type world struct {
	Users       map[string]*person
	Groups      map[string]object
	Members     map[string][]string // group → users
	Active      []object            // role assignments
	Eligible    []object            // instances of eligibility schedules
	Scheduled   []object            // instances of assignment schedules
	Assignments []object            // app role assignments
	Consents    []object
	Devices     map[string]object
	Apps        []object
	Deleted     []object
}

type person struct {
	Is       object
	Password string
	Factors  []object // the first is the default one
	Manager  string
	Reply    object // nil without a mailbox
	Purpose  string // of the mailbox; "" for a person's own
	HasFiles bool
	Files    []object
	Devices  []string
	Owned    []object
}

// graph is a tenant that keeps to Microsoft's description of its API, and that lags, lies, throttles and drops answers.
type graph struct {
	*httptest.Server
	t        testing.TB
	contract *description.Graph

	mu          sync.Mutex
	truth       *world
	shown       *world // nil while reads do not lag
	granted     map[string][]string
	made        int
	hired       []exeunt.Leaver
	page        int      // how many of a list come at a time
	strictCasts bool     // a cast is taken with ConsistencyLevel and $count only
	log         []string // every request, parts of batches included

	meet func(method, path string) *answer // what happens instead, nil for nothing
	drop func(method, path string) bool    // whether the answer is lost, after all was done
}

type answer struct {
	status int
	body   any
	header map[string]string
}

func failure(status int, code, message string) *answer {
	return &answer{status: status, body: object{"error": object{"code": code, "message": message + " of person s3cret-reply", "innerError": object{"request-id": "r"}}}}
}

const (
	clientID = "99999999-0000-4000-8000-000000000001"
	secret   = "s3cret+of/the client"
	wrong    = "wr0ng-s3cret"
)

// oneID is the id of an object of the directory.
var oneID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// everything are the least permissions that all actions together need, and no more.
var everything = []string{
	"User.Read.All", "UserAuthenticationMethod.ReadWrite.All", "User.EnableDisableAccount.All", "User.RevokeSessions.All", "RoleManagement.ReadWrite.Directory",
	"GroupMember.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All", "Device.ReadWrite.All", "MailboxSettings.ReadWrite", "MailboxSettings.Read", "GroupMember.Read.All",
	"User-PasswordProfile.ReadWrite.All", "Files.ReadWrite.All", "LicenseAssignment.ReadWrite.All", "Application.Read.All",
}

// described is Microsoft's description of Graph.
func described(t testing.TB) *description.Graph {
	t.Helper()
	raw, err := os.ReadFile("testdata/msgraph-leaver.csdl.json")
	if err != nil {
		t.Fatal(err)
	}
	d, err := description.ReadGraph(raw)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func newGraph(t testing.TB) *graph {
	t.Helper()
	g := &graph{t: t, page: 2, contract: described(t), granted: map[string][]string{"full": everything, "reader": {"User.Read.All"}},
		truth: &world{Users: map[string]*person{}, Groups: map[string]object{}, Members: map[string][]string{}, Devices: map[string]object{}}}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

func (g *graph) do(f func(w *world)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(g.truth)
	if g.shown != nil {
		g.shown = g.truth.copy()
	}
}

// lag makes reads show what was, until catchUp.
func (g *graph) lag() { g.do(func(w *world) { g.shown = w.copy() }) }

func (g *graph) catchUp() { g.do(func(*world) {}) }

func (w *world) copy() *world {
	raw, err := json.Marshal(w)
	if err != nil {
		panic(err)
	}
	var c world
	if err := json.Unmarshal(raw, &c); err != nil {
		panic(err)
	}
	return &c
}

// id makes a new one.
func (g *graph) id(kind int) string {
	g.made++
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", kind, g.made)
}

// requests are those that were made since the last call.
func (g *graph) requests() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.log
	g.log = nil
	return all
}

func (g *graph) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	if strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token") {
		g.token(w, r, raw)
		return
	}
	scopes, known := g.rights(r)
	if !known {
		write(w, failure(401, "InvalidAuthenticationToken", "Lifetime validation failed"))
		return
	}
	var body object
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &body); err != nil || r.Header.Get("Content-Type") != "application/json" {
			g.t.Errorf("%s %s: a body that is no JSON: %v", r.Method, r.URL, err)
		}
	}
	address, versioned := strings.CutPrefix(r.URL.RequestURI(), "/v1.0")
	if !versioned {
		g.t.Errorf("%s is not of v1.0", r.URL)
	}
	g.mu.Lock()
	var out *answer
	if r.Method == http.MethodPost && address == "/$batch" {
		out = g.batch(scopes, body)
	} else {
		out = g.one(scopes, r.Method, address, body, r.Header.Get("ConsistencyLevel"))
	}
	lost := g.drop != nil && g.drop(r.Method, address)
	if out.body != nil { // what it is made of may change as soon as the lock is given back
		encoded, _ := json.Marshal(out.body)
		out = &answer{status: out.status, header: out.header, body: json.RawMessage(encoded)}
	}
	g.mu.Unlock()
	if lost {
		panic(http.ErrAbortHandler)
	}
	write(w, out)
}

func write(w http.ResponseWriter, a *answer) {
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	if a.body != nil {
		_ = json.NewEncoder(w).Encode(a.body)
	}
}

// token answers a request by client credentials (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
func (g *graph) token(w http.ResponseWriter, r *http.Request, raw []byte) {
	form, _ := url.ParseQuery(string(raw))
	user, pass, _ := r.BasicAuth()
	pass, _ = url.QueryUnescape(pass)
	who := map[string]string{secret: "full", "reader": "reader"}[pass]
	if form.Get("client_assertion") != "" && form.Get("client_id") == clientID {
		user, who = clientID, "full"
	}
	if r.URL.Path != "/corp.example/oauth2/v2.0/token" || form.Get("grant_type") != "client_credentials" || form.Get("scope") != g.URL+"/.default" {
		g.t.Errorf("a request for a token at %s with %v", r.URL, form)
	}
	if user != clientID || who == "" {
		write(w, &answer{status: 401, body: object{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret " + pass}})
		return
	}
	claims, _ := json.Marshal(object{"roles": g.granted[who], "wids": []string{"b79fbf4d-3ef9-4689-8143-76b194e85509"}})
	token := "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString(claims) + ".c2ln"
	write(w, &answer{status: 200, body: object{"token_type": "Bearer", "expires_in": 3599, "access_token": token}})
}

func (g *graph) rights(r *http.Request) ([]string, bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	parts := strings.Split(token, ".")
	if !ok || len(parts) != 3 {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	var said struct{ Roles []string }
	readable := err == nil && json.Unmarshal(raw, &said) == nil
	return said.Roles, readable
}

// batch answers in another order than it was asked.
func (g *graph) batch(scopes []string, body object) *answer {
	requests, _ := body["requests"].([]any)
	if len(requests) == 0 || len(requests) > 20 {
		g.t.Errorf("a batch of %d", len(requests))
		return failure(400, "BadRequest", "Number of batch request steps exceeds the maximum value of 20")
	}
	if a := g.meeting("POST", "/$batch"); a != nil {
		return a
	}
	responses := []any{}
	for _, one := range slices.Backward(requests) {
		r := one.(object)
		method, address := r["method"].(string), r["url"].(string)
		if method != "GET" {
			g.t.Errorf("a batch that changes something: %s %s", method, address)
		}
		level := ""
		if headers, given := r["headers"].(object); given {
			level, _ = headers["ConsistencyLevel"].(string)
		}
		a := g.one(scopes, method, address, nil, level)
		response := object{"id": r["id"], "status": a.status, "body": a.body}
		if len(a.header) > 0 {
			response["headers"] = a.header
		}
		responses = append(responses, response)
	}
	return &answer{status: 200, body: object{"responses": responses}}
}

func (g *graph) meeting(method, path string) *answer {
	if g.meet == nil {
		return nil
	}
	return g.meet(method, path)
}

// one answers one request that keeps to the contract.
func (g *graph) one(scopes []string, method, address string, body object, level string) *answer {
	g.log = append(g.log, method+" "+address)
	if err := g.contract.Check(method, address, body); err != nil {
		g.t.Errorf("%s %s %v is against Microsoft's description: %v", method, address, body, err)
		return failure(400, "BadRequest", "bad")
	}
	if a := g.meeting(method, address); a != nil {
		return a
	}
	if g.strictCasts && strings.Contains(address, "/microsoft.graph.") && (level != "eventual" || !strings.Contains(address, "count=true")) {
		return failure(400, "Request_UnsupportedQuery", "The specified casting is not supported without ConsistencyLevel.")
	}
	path, _, _ := strings.Cut(address, "?")
	need := permission(method, path)
	if body["passwordProfile"] != nil {
		need = []string{"User-PasswordProfile.ReadWrite.All"}
	}
	if !slices.ContainsFunc(need, func(n string) bool { return slices.Contains(scopes, n) }) {
		return failure(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
	u, _ := url.Parse(address)
	s := strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")
	for i := range s {
		s[i], _ = url.PathUnescape(s[i])
	}
	if method == "GET" {
		from := g.truth
		if g.shown != nil {
			from = g.shown
		}
		found := from.read(s, u.Query())
		for place, right := range map[string]string{"memberOf": "GroupMember.ReadWrite.All", "ownedDevices": "Device.ReadWrite.All"} {
			if slices.Contains(s, place) && !slices.Contains(scopes, right) {
				found = limited(found)
			}
		}
		return g.paged(address, u.Query(), found)
	}
	return g.change(method, s, body)
}

// needs are the least permissions of what is asked (permissions.json), in the order in which a path is matched.
var needs = []struct {
	method     string
	path       *regexp.Regexp
	permission string
}{
	{"GET", regexp.MustCompile(`/authentication/`), "UserAuthenticationMethod.ReadWrite.All"},
	{"DELETE", regexp.MustCompile(`/authentication/`), "UserAuthenticationMethod.ReadWrite.All"},
	{"GET", regexp.MustCompile(`/mailboxSettings`), "MailboxSettings.Read MailboxSettings.ReadWrite"},
	{"PATCH", regexp.MustCompile(`/mailboxSettings`), "MailboxSettings.ReadWrite"},
	{"", regexp.MustCompile(`/drive/`), "Files.ReadWrite.All"},
	{"GET", regexp.MustCompile(`^/directory/deletedItems/`), "User.Read.All"},
	{"", regexp.MustCompile(`^/roleManagement/`), "RoleManagement.ReadWrite.Directory"},
	{"GET", regexp.MustCompile(`^/groups/[^/]*/owners`), "GroupMember.Read.All GroupMember.ReadWrite.All"},
	{"GET", regexp.MustCompile(`^/applications/`), "Application.Read.All"},
	{"", regexp.MustCompile(`^/groups/`), "GroupMember.ReadWrite.All"},
	{"", regexp.MustCompile(`^/users/.*/appRoleAssignments`), "AppRoleAssignment.ReadWrite.All"},
	{"", regexp.MustCompile(`/oauth2PermissionGrants`), "DelegatedPermissionGrant.ReadWrite.All"},
	{"", regexp.MustCompile(`^/devices/`), "Device.ReadWrite.All"},
	{"", regexp.MustCompile(`^/servicePrincipals`), "Application.Read.All"},
	{"POST", regexp.MustCompile(`/revokeSignInSessions`), "User.RevokeSessions.All"},
	{"POST", regexp.MustCompile(`/assignLicense`), "LicenseAssignment.ReadWrite.All"},
	{"PATCH", regexp.MustCompile(`^/users/[^/]*$`), "User.EnableDisableAccount.All"},
	{"GET", regexp.MustCompile(`^/users`), "User.Read.All"},
}

func permission(method, path string) []string {
	for _, n := range needs {
		if (n.method == "" || n.method == method) && n.path.MatchString(path) {
			return strings.Fields(n.permission)
		}
	}
	return nil
}

// paged gives two of a collection at a time.
func (g *graph) paged(address string, q url.Values, found any) *answer {
	switch v := found.(type) {
	case *answer:
		return v
	case []object:
		from, err := strconv.Atoi(first(q.Get("$skiptoken"), "0"))
		if err != nil || from > len(v) {
			return failure(400, "Directory_ExpiredPageToken", "The specified page token value has expired")
		}
		size := g.page
		if q.Get("$top") == "200" { // people
			size = 7
		}
		to := min(from+size, len(v))
		body := object{"@odata.context": g.URL, "value": append([]object{}, v[from:to]...)}
		if to < len(v) {
			path, _, _ := strings.Cut(address, "?")
			q.Set("$skiptoken", strconv.Itoa(to))
			body["@odata.nextLink"] = g.URL + "/v1.0" + path + "?" + q.Encode()
		}
		return &answer{status: 200, body: body}
	}
	return &answer{status: 200, body: found, header: map[string]string{"Date": time.Now().UTC().Format(http.TimeFormat)}}
}

func first(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

var notThere = failure(404, "Request_ResourceNotFound", "Resource 'x' does not exist or one of its queried reference-property objects are not present.")

func sorted[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// some are those of a list that have a value.
func some(all []object, key, value string) []object {
	return slices.DeleteFunc(slices.Clone(all), func(o object) bool { return o[key] != value })
}
