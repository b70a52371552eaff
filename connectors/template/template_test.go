package template

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
)

const (
	rightToken = "tok-service-0123456789"
	wrongToken = "tok-service-9876543210"
)

// vendor is the service in memory. Replace it by the vendor's own sandbox, or by a real server of internal/testserver: what
// nobody here wrote finds more.
type vendor struct {
	mu       sync.Mutex
	users    map[string]*user
	sessions map[string][]string
	groups   map[string][]string // group → ids of its members
	hired    atomic.Int64
}

func newVendor(t *testing.T) (*vendor, string) {
	v := &vendor{users: map[string]*user{}, sessions: map[string][]string{}, groups: map[string][]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users", v.search)
	mux.HandleFunc("GET /users/{id}", v.of(func(u *user, w http.ResponseWriter, _ *http.Request) { write(w, u) }))
	mux.HandleFunc("PATCH /users/{id}", v.of(func(u *user, w http.ResponseWriter, r *http.Request) {
		_ = json.NewDecoder(r.Body).Decode(u)
		write(w, u)
	}))
	mux.HandleFunc("GET /users/{id}/sessions", v.of(func(u *user, w http.ResponseWriter, _ *http.Request) {
		write(w, append([]string{}, v.sessions[u.ID]...))
	}))
	mux.HandleFunc("DELETE /users/{id}/sessions", v.of(func(u *user, _ http.ResponseWriter, _ *http.Request) { delete(v.sessions, u.ID) }))
	mux.HandleFunc("GET /users/{id}/groups", v.of(func(u *user, w http.ResponseWriter, _ *http.Request) { write(w, v.groupsOf(u.ID)) }))
	mux.HandleFunc("PUT /groups/{group}/members/{id}", v.of(func(u *user, w http.ResponseWriter, r *http.Request) { v.join(u.ID, w, r, true) }))
	mux.HandleFunc("DELETE /groups/{group}/members/{id}", v.of(func(u *user, w http.ResponseWriter, r *http.Request) { v.join(u.ID, w, r, false) }))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+rightToken {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return v, server.URL
}

func write(w http.ResponseWriter, value any) { _ = json.NewEncoder(w).Encode(value) }

func (v *vendor) search(w http.ResponseWriter, r *http.Request) {
	found := []*user{}
	for _, u := range v.users {
		if strings.Contains(u.Email, r.URL.Query().Get("email")) { // as fuzzy as searches are
			found = append(found, u)
		}
	}
	write(w, found)
}

func (v *vendor) of(do func(*user, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		u, there := v.users[r.PathValue("id")]
		if !there {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		do(u, w, r)
	}
}

func (v *vendor) groupsOf(id string) []string {
	groups := []string{}
	for name, members := range v.groups {
		if slices.Contains(members, id) {
			groups = append(groups, name)
		}
	}
	slices.Sort(groups)
	return groups
}

func (v *vendor) join(id string, w http.ResponseWriter, r *http.Request, member bool) {
	name := r.PathValue("group")
	members, there := v.groups[name]
	if !there {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	members = slices.DeleteFunc(slices.Clone(members), func(m string) bool { return m == id })
	if member {
		members = append(members, id)
	}
	v.groups[name] = members
}

// change does something behind the connector's back.
func (v *vendor) change(do func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	do()
}

func (v *vendor) add(email string) string {
	id := fmt.Sprintf("u-%d", v.hired.Add(1))
	v.change(func() { v.users[id] = &user{ID: id, Email: email, Active: true} })
	return id
}

func (v *vendor) hire(testing.TB) exeunt.Leaver {
	leaver := connectortest.Leaver(int(v.hired.Add(1)))
	id := v.add(leaver.Identifier(exeunt.WorkEmail))
	v.change(func() {
		v.sessions[id] = []string{"session of " + id}
		v.groups["staff of "+id], v.groups["admins of "+id] = []string{id}, []string{id}
	})
	return leaver
}

func (v *vendor) idOf(leaver exeunt.Leaver) (id string) {
	v.change(func() {
		for _, u := range v.users {
			if u.Email == leaver.Identifier(exeunt.WorkEmail) {
				id = u.ID
			}
		}
	})
	return id
}

// TestConforms holds the connector to every promise of connector/connectortest. What your vendor cannot do is left out of the
// subject, and the suite says so.
func TestConforms(t *testing.T) {
	v, address := newVendor(t)
	t.Setenv("TEMPLATE_TOKEN", rightToken)
	t.Setenv("TEMPLATE_WRONG", wrongToken)
	settings := func(base, secret string) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"base_url":%q,"token":"env:%s"}`, base, secret))
	}
	connectortest.Run(t, connectortest.Subject{
		Kind: Kind(), Settings: settings(address, "TEMPLATE_TOKEN"),
		WrongCredentials: settings(address, "TEMPLATE_WRONG"), Unreachable: settings("http://127.0.0.1:1", "TEMPLATE_TOKEN"),
		Secrets: []string{rightToken, wrongToken}, Unlisted: true,
		Hire: v.hire,
		Twin: func(_ testing.TB, leaver exeunt.Leaver) { v.add(leaver.Identifier(exeunt.WorkEmail)) },
		Removals: func(_ testing.TB, leaver exeunt.Leaver) map[string][]string {
			id := v.idOf(leaver)
			return map[string][]string{"groups": {"staff of " + id, "admins of " + id}}
		},
		CanSignIn: func(_ testing.TB, leaver exeunt.Leaver) (can bool) {
			id := v.idOf(leaver)
			v.change(func() { can = v.users[id].Active })
			return can
		},
		Vanish: func(_ testing.TB, leaver exeunt.Leaver) {
			id := v.idOf(leaver)
			v.change(func() { delete(v.users, id) })
		},
		Drop: func(_ testing.TB, leaver exeunt.Leaver, action exeunt.Action) (name, value string) {
			if action != exeunt.RemoveGroups {
				return "", ""
			}
			name = "staff of " + v.idOf(leaver)
			v.change(func() { delete(v.groups, name) })
			return name, name
		},
	})
}
