package keycloak_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// house is a realm in memory, after UserResource.java: what it answers, and what it forgets when a PUT leaves it out. Its
// distribution is had from no registry that these tests may use, so that none runs beside them.
type house struct {
	mu     sync.Mutex
	people map[string]*person
	order  []string // ids, as they came
	groups map[string]string
	roles  map[string]string // id → name
	weak   bool              // our client may look only

	grants  map[string]map[string][]string // roles that groups give: group → "realm" or a client's id → ids
	parents map[string]string              // group → the one it lies in
	held    map[string]bool                // groups and roles that a directory holds, read-only
	reply   string                         // the error of the next PUT of an account
	hired   int
}

type person struct {
	Whole       map[string]any // the representation
	Credentials []map[string]string
	Sessions    []string
	Consents    []string
	Groups      []string
	Roles       map[string][]string // "realm" or a client's id → ids of roles
}

const crmClient, managementClient = "c-crm", "c-management"

func newHouse(t testing.TB) (*house, string) {
	h := &house{people: map[string]*person{}, groups: map[string]string{}, roles: map[string]string{},
		grants: map[string]map[string][]string{}, parents: map[string]string{}, held: map[string]bool{}}
	mux := http.NewServeMux()
	const realm, one = "/admin/realms/corp", "/admin/realms/corp/users/{id}"
	mux.HandleFunc("POST /realms/corp/protocol/openid-connect/token", h.token)
	mux.HandleFunc("GET "+realm+"/users", h.search)
	mux.HandleFunc("GET "+realm+"/roles-by-id/{role}", func(w http.ResponseWriter, r *http.Request) {
		if h.known(w, h.roles, r.PathValue("role")) {
			say(w, map[string]string{"id": r.PathValue("role"), "name": h.roles[r.PathValue("role")]})
		}
	})
	mux.HandleFunc("GET "+realm+"/groups/{group}", func(w http.ResponseWriter, r *http.Request) {
		if id := r.PathValue("group"); h.known(w, h.groups, id) {
			say(w, h.group(id))
		}
	})
	mux.HandleFunc("GET "+realm+"/groups/{group}/role-mappings", func(w http.ResponseWriter, r *http.Request) {
		if h.known(w, h.groups, r.PathValue("group")) {
			say(w, h.mappings(h.grants[r.PathValue("group")]))
		}
	})
	for pattern, do := range map[string]func(*person, http.ResponseWriter, *http.Request){
		"GET " + one: func(p *person, w http.ResponseWriter, _ *http.Request) { say(w, h.shown(p)) },
		"PUT " + one: h.put,
		"GET " + one + "/credentials": func(p *person, w http.ResponseWriter, _ *http.Request) {
			say(w, append([]map[string]string{}, p.Credentials...))
		},
		"DELETE " + one + "/credentials/{it}": func(p *person, w http.ResponseWriter, r *http.Request) {
			n := len(p.Credentials)
			p.Credentials = slices.DeleteFunc(p.Credentials, func(c map[string]string) bool { return c["id"] == r.PathValue("it") })
			done(w, n > len(p.Credentials))
		},
		"GET " + one + "/sessions": func(p *person, w http.ResponseWriter, _ *http.Request) { say(w, named("id", p.Sessions)) },
		"POST " + one + "/logout":  func(p *person, w http.ResponseWriter, _ *http.Request) { p.Sessions = nil; done(w, true) },
		"GET " + one + "/consents": func(p *person, w http.ResponseWriter, _ *http.Request) { say(w, named("clientId", p.Consents)) },
		"DELETE " + one + "/consents/{it}": func(p *person, w http.ResponseWriter, r *http.Request) {
			n := len(p.Consents)
			p.Consents = without(p.Consents, r.PathValue("it"))
			done(w, n > len(p.Consents))
		},
		"GET " + one + "/groups": h.groupsOf,
		"PUT " + one + "/groups/{it}": func(p *person, w http.ResponseWriter, r *http.Request) {
			if h.known(w, h.groups, r.PathValue("it")) {
				p.Groups = append(without(p.Groups, r.PathValue("it")), r.PathValue("it"))
				done(w, true)
			}
		},
		"DELETE " + one + "/groups/{it}": func(p *person, w http.ResponseWriter, r *http.Request) {
			if h.known(w, h.groups, r.PathValue("it")) && h.free(w, r.PathValue("it")) {
				p.Groups = without(p.Groups, r.PathValue("it"))
				done(w, true)
			}
		},
		"GET " + one + "/role-mappings":     h.rolesOf,
		"POST " + one + "/role-mappings/":   h.mapRole,
		"DELETE " + one + "/role-mappings/": h.mapRole,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			p, there := h.people[r.PathValue("id")]
			switch {
			case !there:
				done(w, false)
			case h.weak && r.Method != http.MethodGet:
				w.WriteHeader(http.StatusForbidden)
			default:
				do(p, w, r)
			}
		})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/admin/") && r.Header.Get("Authorization") != "Bearer access-token-0123" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return h, server.URL
}

func say(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func done(w http.ResponseWriter, found bool) {
	w.WriteHeader(map[bool]int{true: http.StatusNoContent, false: http.StatusNotFound}[found])
}

func named(field string, values []string) []map[string]string {
	out := []map[string]string{}
	for _, v := range values {
		out = append(out, map[string]string{field: v})
	}
	return out
}

func without(list []string, value string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(v string) bool { return v == value })
}

func (h *house) known(w http.ResponseWriter, among map[string]string, id string) bool {
	_, there := among[id]
	if !there {
		done(w, false)
	}
	return there
}

// free refuses to change what a directory holds, and groups of administrators: our client is none (GroupPermissions.java,
// canManageMembership).
func (h *house) free(w http.ResponseWriter, id string) bool {
	if len(h.grants[id][managementClient]) > 0 {
		w.WriteHeader(http.StatusForbidden)
		return false
	}
	if h.held[id] {
		refuse(w, `{"errorMessage":"Not possible to delete LDAP group mappings as mapper mode is READ_ONLY"}`)
	}
	return !h.held[id]
}

func refuse(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, body)
}

func (h *house) group(id string) map[string]string {
	g := map[string]string{"id": id, "name": h.groups[id], "path": "/" + h.groups[id]}
	if h.parents[id] != "" {
		g["parentId"] = h.parents[id]
	}
	return g
}

func (h *house) token(w http.ResponseWriter, r *http.Request) {
	if id, secret, _ := r.BasicAuth(); id != "exeunt" || secret != clientSecret || r.FormValue("grant_type") != "client_credentials" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		say(w, map[string]string{"error": "unauthorized_client"})
		return
	}
	say(w, map[string]any{"access_token": "access-token-0123", "token_type": "Bearer", "expires_in": 60})
}

// shown is a representation with what depends on whoever asks.
func (h *house) shown(p *person) map[string]any {
	whole := map[string]any{"access": map[string]bool{"view": true, "manage": !h.weak, "mapRoles": !h.weak, "manageGroupMembership": !h.weak}}
	for field, value := range p.Whole {
		whole[field] = value
	}
	return whole
}

func (h *house) search(w http.ResponseWriter, r *http.Request) {
	q, found := r.URL.Query(), []map[string]any{}
	for _, id := range h.order {
		p, there := h.people[id]
		if !there {
			continue
		}
		matches := true
		for _, field := range []string{"username", "email"} {
			matches = matches && (q.Get(field) == "" || strings.EqualFold(fmt.Sprint(p.Whole[field]), q.Get(field)))
		}
		if q.Get("q") != "" {
			attribute, value, _ := strings.Cut(q.Get("q"), ":")
			held, _ := p.Whole["attributes"].(map[string]any)
			values, _ := held[strings.Trim(attribute, `"`)].([]any)
			matches = matches && slices.Contains(values, any(strings.Trim(value, `"`)))
		}
		if matches {
			found = append(found, h.shown(p))
		}
	}
	say(w, paged(found, r))
}

func paged[T any](all []T, r *http.Request) []T {
	first, _ := strconv.Atoi(r.URL.Query().Get("first"))
	most, _ := strconv.Atoi(r.URL.Query().Get("max"))
	first = min(first, len(all))
	return all[first:min(first+most, len(all))]
}

// put loses every attribute that it is not given, and refuses who has no name.
func (h *house) put(p *person, w http.ResponseWriter, r *http.Request) {
	var given map[string]any
	_ = json.NewDecoder(r.Body).Decode(&given)
	if h.reply != "" {
		refuse(w, h.reply)
		return
	}
	if given["username"] != p.Whole["username"] || given["access"] != nil || given["federatedIdentities"] != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	given["federatedIdentities"] = p.Whole["federatedIdentities"]
	p.Whole = given
	done(w, true)
}

func (h *house) groupsOf(p *person, w http.ResponseWriter, r *http.Request) {
	all := []map[string]string{}
	for _, id := range p.Groups {
		if _, there := h.groups[id]; there {
			all = append(all, h.group(id))
		}
	}
	say(w, paged(all, r))
}

func (h *house) rolesOf(p *person, w http.ResponseWriter, _ *http.Request) {
	say(w, h.mappings(p.Roles))
}

// mappings are roles as the API shows them.
func (h *house) mappings(roles map[string][]string) map[string]any {
	list := func(ids []string) []map[string]string {
		out := []map[string]string{}
		for _, id := range ids {
			if name, there := h.roles[id]; there {
				out = append(out, map[string]string{"id": id, "name": name})
			}
		}
		return out
	}
	answer := map[string]any{}
	if realm := list(roles["realm"]); len(realm) > 0 {
		answer["realmMappings"] = realm
	}
	clients := map[string]any{}
	for id, client := range map[string]string{crmClient: "crm", managementClient: "realm-management"} {
		if its := list(roles[id]); len(its) > 0 {
			clients[client] = map[string]any{"id": id, "client": client, "mappings": its}
		}
	}
	if len(clients) > 0 {
		answer["clientMappings"] = clients
	}
	return answer
}

// mapRole takes a list of roles, of which id and name must be those of one.
func (h *house) mapRole(p *person, w http.ResponseWriter, r *http.Request) {
	place := strings.TrimPrefix(r.URL.Path[strings.Index(r.URL.Path, "/role-mappings/"):], "/role-mappings/")
	place = strings.TrimPrefix(place, "clients/")
	var given []struct{ ID, Name string }
	if json.NewDecoder(r.Body).Decode(&given) != nil || len(given) == 0 || place != "realm" && place != crmClient && place != managementClient {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, one := range given {
		if h.roles[one.ID] != one.Name {
			done(w, false)
			return
		}
		if !h.free(w, one.ID) {
			return
		}
		p.Roles[place] = without(p.Roles[place], one.ID)
		if r.Method == http.MethodPost {
			p.Roles[place] = append(p.Roles[place], one.ID)
		}
	}
	done(w, true)
}
