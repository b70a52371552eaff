package sim

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// newIdentity is the identity provider of connectors/yaml/identity.yaml. Its tokens last a minute, so
// that a demonstration sees them renewed.
func newIdentity() *Vendor {
	v := newVendor("identity", "usr-", rand.Text(), nil)
	tokens := map[string]time.Time{}
	v.authorised = func(r *http.Request) bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		until, ok := tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		return ok && time.Now().Before(until)
	}
	v.handle("POST /oauth/token", func(w http.ResponseWriter, r *http.Request) {
		if id, secret, _ := r.BasicAuth(); id != ClientID || secret != v.Token || r.FormValue("grant_type") != "client_credentials" {
			refuse(w, http.StatusUnauthorized, "invalid_client")
			return
		}
		token := rand.Text()
		tokens[token] = time.Now().Add(time.Minute)
		reply(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 60})
	})
	v.offered = applications()
	v.handle("GET /api/v1/applications", func(w http.ResponseWriter, r *http.Request) { listApplications(v, w, r) })
	v.handle("GET /api/v1/users", func(w http.ResponseWriter, r *http.Request) { searchUsers(v, w, r) })
	v.withAccount("GET /api/v1/users/{id}", func(w http.ResponseWriter, _ *http.Request, a *account) { reply(w, http.StatusOK, identityUser(a)) })
	suspend := func(closed bool) func(http.ResponseWriter, *http.Request, *account) {
		return func(w http.ResponseWriter, _ *http.Request, a *account) {
			if a.closed == closed {
				refuse(w, http.StatusConflict, word(closed, "suspended", "active"))
				return
			}
			v.change(func() { a.closed = closed })
			w.WriteHeader(http.StatusNoContent)
		}
	}
	v.withAccount("POST /api/v1/users/{id}/suspend", suspend(true))
	v.withAccount("POST /api/v1/users/{id}/unsuspend", suspend(false))
	v.withAccount("GET /api/v1/users/{id}/sessions", func(w http.ResponseWriter, _ *http.Request, a *account) {
		reply(w, http.StatusOK, map[string]any{"sessions": ids(a.sessions)})
	})
	v.withAccount("DELETE /api/v1/users/{id}/sessions", func(w http.ResponseWriter, _ *http.Request, a *account) {
		v.change(func() { a.sessions = nil })
		w.WriteHeader(http.StatusNoContent)
	})
	v.withAccount("GET /api/v1/users/{id}/factors", func(w http.ResponseWriter, _ *http.Request, a *account) {
		list := ids(a.factors)
		for _, f := range list {
			f["type"], _, _ = strings.Cut(f["id"], "-")
		}
		reply(w, http.StatusOK, map[string]any{"factors": list})
	})
	v.withAccount("DELETE /api/v1/users/{id}/factors/{factor}", func(w http.ResponseWriter, r *http.Request, a *account) {
		factor := r.PathValue("factor")
		switch {
		case !slices.Contains(a.factors, factor):
			refuse(w, http.StatusNotFound, "not_found")
		case a.closed:
			refuse(w, http.StatusConflict, "suspended") // as with most: first the factors, then the account
		default:
			v.change(func() { a.factors = slices.DeleteFunc(a.factors, func(f string) bool { return f == factor }) })
			w.WriteHeader(http.StatusNoContent)
		}
	})
	return v
}

// ClientID is by what the identity provider knows us.
const ClientID = "exeunt"

func identityUser(a *account) map[string]any {
	return map[string]any{"id": a.id, "login": a.login, "name": a.person.Name(), "status": word(a.closed, "suspended", "active")}
}

func word(yes bool, is, isNot string) string {
	if yes {
		return is
	}
	return isNot
}

func ids(list []string) []map[string]string {
	out := []map[string]string{}
	for _, id := range list {
		out = append(out, map[string]string{"id": id})
	}
	return out
}

// searchUsers finds what the text is a part of, and so finds strangers: ann.o finds ann.olsen too. Two
// to a page.
func searchUsers(v *Vendor, w http.ResponseWriter, r *http.Request) {
	text := strings.ToLower(r.FormValue("search"))
	local, _, _ := strings.Cut(text, "@")
	var found []map[string]any
	for _, a := range v.accounts {
		if strings.Contains(strings.ToLower(a.login), local) {
			found = append(found, identityUser(a))
		}
	}
	from, _ := strconv.Atoi(r.FormValue("after"))
	from = min(max(from, 0), len(found))
	to := min(from+2, len(found))
	var next any
	if to < len(found) {
		next = strconv.Itoa(to)
	}
	reply(w, http.StatusOK, map[string]any{"users": append([]map[string]any{}, found[from:to]...), "next": next})
}

// newWorkspace is an application of connectors/yaml/workspace.yaml.
func newWorkspace(name string) *Vendor {
	token := rand.Text()
	v := newVendor(name, name[:2]+"-", token, bearer(token))
	show := func(a *account) map[string]any {
		return map[string]any{"id": a.id, "email": a.login, "status": word(a.closed, "suspended", "active")}
	}
	v.handle("GET /v2/users", func(w http.ResponseWriter, r *http.Request) {
		list := []any{}
		for _, a := range v.accounts {
			if strings.Contains(strings.ToLower(a.login), strings.ToLower(r.FormValue("email"))) {
				list = append(list, show(a))
			}
		}
		page, _ := strconv.Atoi(r.FormValue("page"))
		reply(w, http.StatusOK, map[string]any{"items": turn(w, r, list, page)})
	})
	v.withAccount("GET /v2/users/{id}", func(w http.ResponseWriter, _ *http.Request, a *account) { reply(w, http.StatusOK, show(a)) })
	v.withAccount("PATCH /v2/users/{id}", func(w http.ResponseWriter, r *http.Request, a *account) {
		body, ok := read(r)
		status, _ := body["status"].(string)
		if !ok || status != "suspended" && status != "active" {
			refuse(w, http.StatusBadRequest, "invalid")
			return
		}
		v.change(func() { a.closed = status == "suspended" })
		reply(w, http.StatusOK, map[string]any{"id": a.id, "email": a.login, "status": word(a.closed, "suspended", word(status == "suspended", "suspending", "active"))})
	})
	v.withAccount("GET /v2/users/{id}/sessions", func(w http.ResponseWriter, _ *http.Request, a *account) {
		reply(w, http.StatusOK, map[string]any{"items": ids(a.sessions)})
	})
	v.withAccount("DELETE /v2/users/{id}/sessions", func(w http.ResponseWriter, _ *http.Request, a *account) {
		v.change(func() { a.sessions = nil })
		w.WriteHeader(http.StatusNoContent)
	})
	return v
}

// turn gives one page of a list and the Link to the next.
func turn(w http.ResponseWriter, r *http.Request, list []any, page int) []any {
	const size = 2
	page = max(page, 1)
	from := min((page-1)*size, len(list))
	to := min(from+size, len(list))
	if to < len(list) {
		next := *r.URL
		q := next.Query()
		q.Set("page", strconv.Itoa(page+1))
		next.RawQuery = q.Encode()
		w.Header().Set("Link", fmt.Sprintf(`<%s>; rel="next"`, next.RequestURI()))
	}
	return list[from:to]
}

// Organisation is the company's on the code host.
const Organisation = "larkfield-instruments"

// newCodeHost is as much of GitHub's API as connectors/yaml/github.yaml uses.
func newCodeHost() *Vendor {
	token := "ghs_" + rand.Text()
	v := newVendor("code", "", token, bearer(token))
	withLogin := func(pattern string, h func(http.ResponseWriter, *account)) {
		v.handle(pattern, func(w http.ResponseWriter, r *http.Request) {
			for _, a := range v.accounts {
				if strings.EqualFold(a.login, r.PathValue("login")) {
					h(w, a)
					return
				}
			}
			refuse(w, http.StatusNotFound, "not_found")
		})
	}
	withLogin("GET /users/{login}", func(w http.ResponseWriter, a *account) {
		reply(w, http.StatusOK, codeUser(a))
	})
	member := func(h func(http.ResponseWriter, *account)) func(http.ResponseWriter, *account) {
		return func(w http.ResponseWriter, a *account) {
			if a.outside {
				refuse(w, http.StatusNotFound, "not_found")
				return
			}
			h(w, a)
		}
	}
	org := "/orgs/" + Organisation
	withLogin("GET "+org+"/memberships/{login}", member(func(w http.ResponseWriter, _ *account) {
		reply(w, http.StatusOK, map[string]any{"state": "active", "role": "member"})
	}))
	withLogin("DELETE "+org+"/memberships/{login}", member(func(w http.ResponseWriter, a *account) {
		v.change(func() { a.outside = true })
		w.WriteHeader(http.StatusNoContent)
	}))
	v.handle("GET "+org+"/members", func(w http.ResponseWriter, r *http.Request) {
		list := []any{}
		for _, a := range v.accounts {
			if !a.outside {
				list = append(list, codeUser(a))
			}
		}
		page, _ := strconv.Atoi(r.FormValue("page"))
		reply(w, http.StatusOK, turn(w, r, list, page))
	})
	withLogin("GET "+org+"/members/{login}", member(func(w http.ResponseWriter, _ *account) { w.WriteHeader(http.StatusNoContent) }))
	return v
}

func codeUser(a *account) map[string]any {
	id, _ := strconv.Atoi(a.id)
	return map[string]any{"id": id, "login": a.login, "type": "User"}
}

func basic(user, password string) func(*http.Request) bool {
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	return func(r *http.Request) bool { return r.Header.Get("Authorization") == want }
}
