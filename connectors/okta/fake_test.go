package okta_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// organisation is an Okta in memory, as its description has it. Every request is held to that description; see held.
type organisation struct {
	t  testing.TB
	mu sync.Mutex

	users   []*person
	groups  map[string]*groupOf
	apps    []*appOf
	hired   int
	lag     int  // looks until a status shows, and until the index knows somebody
	noPages bool // everything on one page
	bare    bool // nothing is embedded
	fault   func(w http.ResponseWriter, r *http.Request) bool

	clients map[string]*client
	asked   []string // method and path of what was asked

	*httptest.Server
}

type person struct {
	id, status, turning string
	profile             map[string]string
	factors, consents   []string
	clients             []string // with tokens of the person
	tokens              []string // own API tokens
	roles, groupRoles   []string
	custom              []string // own roles of the organisation, by a binding
	groups              map[string]bool
	apps                map[string]string // application → USER or GROUP
	devices             map[string]string // device → status
	settles, indexed    int               // looks until it shows
	sessions            int
}

type groupOf struct {
	id, kind, name string
	rule           bool
	owners         []string
}

type appOf struct{ id, label, mode, template, status string }

// anOrganisation starts an empty one with its groups.
func anOrganisation(t testing.TB) *organisation {
	o := &organisation{t: t, groups: map[string]*groupOf{}, clients: map[string]*client{}}
	for _, g := range []*groupOf{
		{id: "00geveryone", kind: "BUILT_IN", name: "Everyone"}, {id: "00gad", kind: "APP_GROUP", name: "Domain Users"},
		{id: "00grule", kind: "OKTA_GROUP", name: "All of Sales", rule: true}, {id: "00geng", kind: "OKTA_GROUP", name: "Engineering"},
	} {
		o.groups[g.id] = g
	}
	o.Server = httptest.NewServer(held(t, o.serve))
	t.Cleanup(o.Close)
	return o
}

// hire makes an active person who has one of everything, and a group of their own.
func (o *organisation) hire(login, email, number string) *person {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hired++
	n := strconv.Itoa(o.hired)
	own := &groupOf{id: "00gown" + n, kind: "OKTA_GROUP", name: "Project " + n}
	o.groups[own.id] = own
	p := &person{
		id: "00uperson" + n, status: "ACTIVE", indexed: o.lag, profile: map[string]string{"login": login, "email": email, "employeeNumber": number, "firstName": "Per", "lastName": "Son"},
		factors: []string{"uft" + n, "sms" + n}, consents: []string{"oag" + n}, clients: []string{"0oaclient" + n}, tokens: []string{"00Token" + n},
		roles: []string{"HELP_DESK_ADMIN"}, groupRoles: []string{"REPORT_ADMIN"},
		groups:  map[string]bool{"00geveryone": true, "00gad": true, "00grule": true, "00geng": true, own.id: true},
		apps:    map[string]string{o.app("Own " + n).id: "USER", o.app("Shared " + n).id: "GROUP"},
		devices: map[string]string{"guo" + n: "ACTIVE", "gup" + n: "ACTIVE", "gus" + n: "DEACTIVATED"}, sessions: 1,
	}
	own.owners = []string{p.id}
	o.groups["00gad"].owners = []string{p.id, "00ucolleague"}
	o.users = append(o.users, p)
	return p
}

// app makes an application.
func (o *organisation) app(label string) *appOf {
	one := &appOf{id: fmt.Sprintf("0oa%05d", len(o.apps)), label: label, mode: "SAML_2_0", template: "${source.login}", status: "ACTIVE"}
	o.apps = append(o.apps, one)
	return one
}

func (o *organisation) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}

// paged cuts a list into pages of two, by an opaque cursor.
func (o *organisation) paged(w http.ResponseWriter, r *http.Request, all []any) {
	from := 0
	if after := r.URL.Query().Get("after"); after != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(after, "opaque-"))
		if err != nil {
			refuse(w, http.StatusBadRequest, "E0000031")
			return
		}
		from = n
	}
	to := min(from+2, len(all))
	if o.noPages {
		to = len(all)
	}
	w.Header().Add("Link", fmt.Sprintf(`<%s%s>; rel="self"`, o.URL, r.URL.RequestURI()))
	if to < len(all) {
		q := r.URL.Query()
		q.Set("after", "opaque-"+strconv.Itoa(to))
		w.Header().Add("Link", fmt.Sprintf(`<%s%s?%s>; rel="next"`, o.URL, r.URL.Path, q.Encode()))
	}
	answer(w, http.StatusOK, all[min(from, to):to])
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body)
	}
}

// refuse answers as Okta does; its words are never to be shown.
func refuse(w http.ResponseWriter, status int, code string) {
	answer(w, status, map[string]any{"errorCode": code, "errorSummary": "summary-not-to-be-shown", "errorLink": code, "errorId": "oae1", "errorCauses": []any{}})
}

// routes are what the organisation answers to. The parts of a path in braces are handed on.
var routes = []struct {
	method, pattern string
	do              func(o *organisation, w http.ResponseWriter, r *http.Request, parts []string)
}{
	{"GET", "/api/v1/users", (*organisation).listUsers},
	{"GET", "/api/v1/users/{}", withPerson((*organisation).showUser)},
	{"POST", "/api/v1/users/{}/lifecycle/{}", withPerson((*organisation).move)},
	{"DELETE", "/api/v1/users/{}/sessions", withPerson(func(_ *organisation, p *person, w http.ResponseWriter, r *http.Request, _ []string) {
		p.sessions = 0
		if r.URL.Query().Get("oauthTokens") == "true" {
			p.clients = nil
		}
		answer(w, http.StatusNoContent, nil)
	})},
	{"GET", "/api/v1/users/{}/factors", listed(func(p *person) []any {
		return each(p.factors, func(id string) any {
			return map[string]any{"id": id, "factorType": "token:software:totp", "provider": "GOOGLE", "status": "ACTIVE"}
		})
	})},
	{"DELETE", "/api/v1/users/{}/factors/{}", withPerson(func(_ *organisation, p *person, w http.ResponseWriter, _ *http.Request, parts []string) {
		if p.status == "DEPROVISIONED" {
			refuse(w, http.StatusForbidden, "E0000038")
			return
		}
		remove(w, &p.factors, parts[1])
	})},
	{"GET", "/api/v1/users/{}/grants", listed(func(p *person) []any {
		return each(p.consents, func(id string) any {
			return map[string]any{"id": id, "issuer": "https://x", "scopeId": "okta.users.read"}
		})
	})},
	{"DELETE", "/api/v1/users/{}/grants", withPerson(func(_ *organisation, p *person, w http.ResponseWriter, _ *http.Request, _ []string) {
		p.consents = nil
		answer(w, http.StatusNoContent, nil)
	})},
	{"GET", "/api/v1/users/{}/clients", listed(func(p *person) []any {
		return each(p.clients, func(id string) any { return map[string]any{"client_id": id, "client_name": "A client"} })
	})},
	{"DELETE", "/api/v1/users/{}/clients/{}/tokens", withPerson(func(_ *organisation, p *person, w http.ResponseWriter, _ *http.Request, parts []string) {
		remove(w, &p.clients, parts[1])
	})},
	{"GET", "/api/v1/users/{}/roles", listed(func(p *person) []any {
		assigned := func(how string) func(string) any {
			return func(kind string) any {
				return map[string]any{"id": how + kind, "label": strings.ToLower(kind), "type": kind, "status": "ACTIVE", "assignmentType": how}
			}
		}
		bound := each(p.custom, func(id string) any {
			return map[string]any{"id": id, "label": "Custom", "type": "CUSTOM", "status": "ACTIVE", "assignmentType": "USER", "role": "cr0own", "resource-set": "iamoJdFK"}
		})
		return append(append(bound, each(p.roles, assigned("USER"))...), each(p.groupRoles, assigned("GROUP"))...)
	})},
	{"DELETE", "/api/v1/iam/resource-sets/{}/bindings/{}/members/{}", func(o *organisation, w http.ResponseWriter, _ *http.Request, parts []string) {
		for _, p := range o.users {
			if parts[0] == "iamoJdFK" && parts[1] == "cr0own" && slices.Contains(p.custom, parts[2]) {
				remove(w, &p.custom, parts[2])
				return
			}
		}
		refuse(w, http.StatusNotFound, "E0000007")
	}},
	{"GET", "/api/v1/apps/{}/users/{}", func(o *organisation, w http.ResponseWriter, _ *http.Request, parts []string) {
		p := o.person(parts[1])
		if p == nil || p.apps[parts[0]] == "" {
			refuse(w, http.StatusNotFound, "E0000007")
			return
		}
		answer(w, http.StatusOK, map[string]any{"id": p.id, "scope": p.apps[parts[0]], "status": "ACTIVE", "created": "2026-01-01T00:00:00.000Z", "lastUpdated": "2026-01-01T00:00:00.000Z",
			"statusChanged": "2026-01-01T00:00:00.000Z", "credentials": map[string]any{}, "profile": map[string]any{}, "_links": map[string]any{}})
	}},
	{"DELETE", "/api/v1/users/{}/roles/{}", withPerson(func(_ *organisation, p *person, w http.ResponseWriter, _ *http.Request, parts []string) {
		kind, own := strings.CutPrefix(parts[1], "USER")
		if !own {
			refuse(w, http.StatusForbidden, "E0000006")
			return
		}
		remove(w, &p.roles, kind)
	})},
	{"GET", "/api/v1/users/{}/groups", withPerson(func(o *organisation, p *person, w http.ResponseWriter, r *http.Request, _ []string) {
		o.paged(w, r, each(slices.Sorted(maps.Keys(p.groups)), func(id string) any {
			return map[string]any{"id": id, "type": o.groups[id].kind, "profile": map[string]any{"name": o.groups[id].name}}
		}))
	})},
	{"GET", "/api/v1/groups/rules", func(o *organisation, w http.ResponseWriter, r *http.Request, _ []string) {
		rule := func(id, status string, groups ...string) any {
			return map[string]any{"id": id, "name": id, "status": status, "type": "group_rule", "actions": map[string]any{"assignUserToGroups": map[string]any{"groupIds": append([]string{}, groups...)}}}
		}
		o.paged(w, r, []any{rule("r1", "INACTIVE", "00geng"), rule("r2", "ACTIVE"), rule("r3", "ACTIVE", "00grule")})
	}},
	{"GET", "/api/v1/groups/{}/owners", func(o *organisation, w http.ResponseWriter, r *http.Request, parts []string) {
		g := o.groups[parts[0]]
		if g == nil {
			refuse(w, http.StatusNotFound, "E0000007")
			return
		}
		o.paged(w, r, each(g.owners, func(id string) any { return map[string]any{"id": id, "type": "USER", "originType": "OKTA_DIRECTORY"} }))
	}},
	{"PUT", "/api/v1/groups/{}/users/{}", membership(true)},
	{"DELETE", "/api/v1/groups/{}/users/{}", membership(false)},
	{"GET", "/api/v1/api-tokens", func(o *organisation, w http.ResponseWriter, r *http.Request, _ []string) {
		all := []any{}
		for _, p := range o.users {
			all = append(all, each(p.tokens, func(id string) any { return map[string]any{"id": id, "name": "script " + id, "userId": p.id} })...)
		}
		answer(w, http.StatusOK, all)
	}},
	{"DELETE", "/api/v1/api-tokens/{}", func(o *organisation, w http.ResponseWriter, _ *http.Request, parts []string) {
		for _, p := range o.users {
			if slices.Contains(p.tokens, parts[0]) {
				remove(w, &p.tokens, parts[0])
				return
			}
		}
		refuse(w, http.StatusNotFound, "E0000007")
	}},
	{"GET", "/api/v1/apps", (*organisation).listApps},
	{"DELETE", "/api/v1/apps/{}/users/{}", func(o *organisation, w http.ResponseWriter, _ *http.Request, parts []string) {
		p := o.person(parts[1])
		if p == nil || p.apps[parts[0]] != "USER" {
			refuse(w, http.StatusNotFound, "E0000007")
			return
		}
		delete(p.apps, parts[0])
		answer(w, http.StatusNoContent, nil)
	}},
	{"GET", "/api/v1/users/{}/devices", listed(func(p *person) []any {
		return each(slices.Sorted(maps.Keys(p.devices)), func(id string) any {
			return map[string]any{"deviceUserId": "x", "device": showDevice(id, p.devices[id])}
		})
	})},
	{"GET", "/api/v1/devices", func(_ *organisation, w http.ResponseWriter, _ *http.Request, _ []string) {
		answer(w, http.StatusOK, []any{})
	}},
	{"GET", "/api/v1/devices/{}", withDevice(func(p *person, w http.ResponseWriter, id string, _ []string) {
		answer(w, http.StatusOK, showDevice(id, p.devices[id]))
	})},
	{"POST", "/api/v1/devices/{}/lifecycle/{}", withDevice(func(p *person, w http.ResponseWriter, id string, parts []string) {
		from, to := "ACTIVE", "SUSPENDED"
		if parts[1] == "unsuspend" {
			from, to = to, from
		}
		if p.devices[id] != from {
			refuse(w, http.StatusForbidden, "E0000038")
			return
		}
		p.devices[id] = to
		answer(w, http.StatusNoContent, nil)
	})},
}

func each(ids []string, show func(string) any) []any {
	all := []any{}
	for _, id := range ids {
		all = append(all, show(id))
	}
	return all
}

func remove(w http.ResponseWriter, from *[]string, id string) {
	if !slices.Contains(*from, id) {
		refuse(w, http.StatusNotFound, "E0000007")
		return
	}
	*from = slices.DeleteFunc(slices.Clone(*from), func(other string) bool { return other == id })
	answer(w, http.StatusNoContent, nil)
}

func (o *organisation) person(id string) *person {
	i := slices.IndexFunc(o.users, func(p *person) bool { return p.id == id || id == "login-of-p" }) // Okta takes a login, too
	if i < 0 {
		return nil
	}
	return o.users[i]
}

type handler = func(o *organisation, w http.ResponseWriter, r *http.Request, parts []string)

func withPerson(do func(o *organisation, p *person, w http.ResponseWriter, r *http.Request, parts []string)) handler {
	return func(o *organisation, w http.ResponseWriter, r *http.Request, parts []string) {
		if p := o.person(parts[0]); p != nil {
			do(o, p, w, r, parts)
			return
		}
		refuse(w, http.StatusNotFound, "E0000007")
	}
}

func listed(of func(*person) []any) handler {
	return withPerson(func(o *organisation, p *person, w http.ResponseWriter, r *http.Request, _ []string) {
		o.paged(w, r, of(p))
	})
}

func withDevice(do func(p *person, w http.ResponseWriter, id string, parts []string)) handler {
	return func(o *organisation, w http.ResponseWriter, _ *http.Request, parts []string) {
		for _, p := range o.users {
			if _, has := p.devices[parts[0]]; has {
				do(p, w, parts[0], parts)
				return
			}
		}
		refuse(w, http.StatusNotFound, "E0000007")
	}
}

func showDevice(id, status string) map[string]any {
	return map[string]any{"id": id, "status": status, "resourceDisplayName": map[string]any{"value": "Laptop " + id, "sensitive": false}}
}

func membership(in bool) handler {
	return func(o *organisation, w http.ResponseWriter, _ *http.Request, parts []string) {
		p, g := o.person(parts[1]), o.groups[parts[0]]
		switch {
		case p == nil || g == nil:
			refuse(w, http.StatusNotFound, "E0000007")
			return
		case g.kind != "OKTA_GROUP":
			refuse(w, http.StatusForbidden, "E0000006")
			return
		case in:
			p.groups[g.id] = true
		default:
			delete(p.groups, g.id)
		}
		answer(w, http.StatusNoContent, nil)
	}
}

func (o *organisation) show(p *person) map[string]any {
	shown := map[string]any{"id": p.id, "status": p.status, "profile": p.profile, "statusChanged": time.Now().UTC().Format(time.RFC3339),
		"credentials": map[string]any{"provider": map[string]any{"type": "OKTA", "name": "OKTA"}}}
	if p.turning != "" {
		shown["transitioningToStatus"] = p.turning
	}
	return shown
}

// showUser counts down what is on its way.
func (o *organisation) showUser(p *person, w http.ResponseWriter, _ *http.Request, _ []string) {
	if p.settles > 0 {
		p.settles--
	} else if p.turning != "" {
		p.status, p.turning, p.apps = p.turning, "", map[string]string{}
	}
	answer(w, http.StatusOK, o.show(p))
}

func (o *organisation) move(p *person, w http.ResponseWriter, r *http.Request, parts []string) {
	from, to := map[string]string{"suspend": "ACTIVE", "unsuspend": "SUSPENDED"}[parts[1]], map[string]string{"suspend": "SUSPENDED", "unsuspend": "ACTIVE"}[parts[1]]
	switch {
	case parts[1] == "reset_factors" && p.status == "DEPROVISIONED", parts[1] == "deactivate" && p.status == "DEPROVISIONED":
		refuse(w, http.StatusForbidden, "E0000038")
		return
	case parts[1] == "reset_factors":
		p.factors = p.factors[min(1, len(p.factors)):] // Okta resets what its policies know: one is left to be taken by itself
	case parts[1] == "deactivate":
		if r.Header.Get("Prefer") != "respond-async" {
			o.t.Errorf("deactivated with Prefer %q", r.Header.Get("Prefer"))
		}
		p.turning, p.settles = "DEPROVISIONED", o.lag
	case p.status != from:
		refuse(w, http.StatusBadRequest, "E0000001")
		return
	default:
		p.status = to
	}
	answer(w, http.StatusOK, map[string]any{})
}

var condition = regexp.MustCompile(`^profile\.([A-Za-z]+) eq "(.*)"$`)

// listUsers knows the filters and the searches that Okta documents; its index is late.
func (o *organisation) listUsers(w http.ResponseWriter, r *http.Request, _ []string) {
	q := r.URL.Query()
	all := []any{}
	for _, p := range o.users {
		said := q.Get("filter") + q.Get("search")
		if q.Has("search") && p.indexed > 0 {
			p.indexed--
			continue
		}
		is := condition.FindStringSubmatch(said)
		switch {
		case is != nil && q.Has("filter") && is[1] != "login" && is[1] != "email":
			refuse(w, http.StatusBadRequest, "E0000053")
			return
		case is != nil && !strings.EqualFold(p.profile[is[1]], unquoted(is[2])):
		case said == "" && p.status == "DEPROVISIONED": // a plain list leaves them out
		default:
			all = append(all, o.show(p))
		}
	}
	o.paged(w, r, all)
}

func unquoted(s string) string { return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s) }

func (o *organisation) listApps(w http.ResponseWriter, r *http.Request, _ []string) {
	id, ofOne := strings.CutPrefix(r.URL.Query().Get("filter"), `user.id eq "`)
	p := o.person(strings.TrimSuffix(id, `"`))
	all := []any{}
	for _, one := range o.apps {
		shown := map[string]any{"id": one.id, "label": one.label, "signOnMode": one.mode, "status": one.status, "credentials": map[string]any{"userNameTemplate": map[string]any{"template": one.template}}}
		if ofOne {
			if p == nil || p.apps[one.id] == "" {
				continue
			}
			if o.bare {
				all = append(all, shown)
				continue
			}
			shown["_embedded"] = map[string]any{"user": map[string]any{"id": p.id, "scope": p.apps[one.id]}}
		}
		all = append(all, shown)
	}
	o.paged(w, r, all)
}

// serve answers a request that is signed in.
func (o *organisation) serve(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, r.Method+" "+r.URL.Path)
	if o.fault != nil && o.fault(w, r) {
		return
	}
	if r.URL.Path == "/oauth2/v1/token" {
		o.giveToken(w, r)
		return
	}
	us := o.signedIn(r)
	if us == "" {
		refuse(w, http.StatusUnauthorized, "E0000011")
		return
	}
	for _, route := range routes {
		pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(route.pattern), `\{\}`, "([^/]+)") + "$")
		is := pattern.FindStringSubmatch(r.URL.EscapedPath())
		if is == nil || r.Method != route.method {
			continue
		}
		for i, part := range is {
			is[i], _ = url.PathUnescape(part)
		}
		if len(is) > 1 && is[1] == "me" {
			is[1] = us
		}
		route.do(o, w, r, is[1:])
		return
	}
	refuse(w, http.StatusNotFound, "E0000022")
}
