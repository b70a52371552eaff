package sim

import (
	"crypto/rand"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// newDirectory is a SCIM 2.0 service (RFC 7644), as much of it as ending an account needs.
func newDirectory() *Vendor {
	token := rand.Text()
	v := newVendor("directory", "dir-", token, bearer(token))
	v.handle("GET /ServiceProviderConfig", func(w http.ResponseWriter, _ *http.Request) {
		scimReply(w, http.StatusOK, map[string]any{"patch": map[string]any{"supported": true}, "etag": map[string]any{"supported": false}})
	})
	v.handle("GET /Users", func(w http.ResponseWriter, r *http.Request) {
		matches, ok := scimFilter(r.FormValue("filter"))
		if !ok {
			scimRefuse(w, "invalidFilter")
			return
		}
		list := []any{}
		for _, a := range v.accounts {
			if matches(a) {
				list = append(list, scimUser(a))
			}
		}
		scimPage(w, r, list)
	})
	v.handle("GET /Groups", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("filter") != "" {
			scimRefuse(w, "invalidFilter")
			return
		}
		scimPage(w, r, scimGroups(v.accounts))
	})
	v.withAccount("GET /Users/{id}", func(w http.ResponseWriter, _ *http.Request, a *account) { scimReply(w, http.StatusOK, scimUser(a)) })
	v.withAccount("PATCH /Users/{id}", func(w http.ResponseWriter, r *http.Request, a *account) {
		for _, op := range operations(r) {
			active, isBool := op["value"].(bool)
			if op["path"] != "active" || !isBool {
				scimRefuse(w, "invalidValue")
				return
			}
			v.change(func() { a.closed = !active })
		}
		scimReply(w, http.StatusOK, scimUser(a))
	})
	v.handle("PATCH /Groups/{group}", func(w http.ResponseWriter, r *http.Request) {
		group := r.PathValue("group")
		for _, op := range operations(r) {
			members, join, ok := memberChange(op)
			if !ok {
				scimRefuse(w, "invalidPath")
				return
			}
			for _, a := range v.accounts {
				if slices.Contains(members, a.id) {
					v.change(func() { a.member(group, join) })
				}
			}
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return v
}

// scimPage answers with one page of a list (RFC 7644 §3.4.2.4).
func scimPage(w http.ResponseWriter, r *http.Request, list []any) {
	start, count := number(r, "startIndex", 1), number(r, "count", 100)
	from := min(start-1, len(list))
	page := list[from:min(from+count, len(list))]
	scimReply(w, http.StatusOK, map[string]any{
		"schemas":      []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		"totalResults": len(list), "startIndex": start, "itemsPerPage": len(page), "Resources": page,
	})
}

// number reads a parameter that is one, from 1.
func number(r *http.Request, name string, otherwise int) int {
	if n, err := strconv.Atoi(r.FormValue(name)); err == nil && n >= 1 {
		return n
	}
	return otherwise
}

var (
	memberPath = regexp.MustCompile(`^members\[value eq "([^"]*)"\]$`)
	equality   = regexp.MustCompile(`^(userName|externalId|emails\[value) eq "([^"]*)"\]?$`)
)

// memberChange reads who joins or leaves a group: added by value, removed by a filter in the path.
func memberChange(op map[string]any) (members []string, join, ok bool) {
	path, _ := op["path"].(string)
	if named := memberPath.FindStringSubmatch(path); op["op"] == "remove" && named != nil {
		return []string{named[1]}, false, true
	}
	list, isList := op["value"].([]any)
	for _, item := range list {
		member, _ := item.(map[string]any)
		id, _ := member["value"].(string)
		members = append(members, id)
	}
	return members, true, isList && op["op"] == "add" && path == "members"
}

// member makes an account a member of a group, once, or ends that.
func (a *account) member(group string, join bool) {
	a.groups = slices.DeleteFunc(a.groups, func(g string) bool { return g == group })
	if join {
		a.groups = append(a.groups, group)
	}
}

// scimFilter understands the three searches for a person.
func scimFilter(filter string) (func(*account) bool, bool) {
	if filter == "" {
		return func(*account) bool { return true }, true
	}
	m := equality.FindStringSubmatch(filter)
	if m == nil {
		return nil, false
	}
	return func(a *account) bool {
		switch m[1] {
		case "externalId":
			return a.person.EmployeeID == m[2]
		case "userName":
			return strings.EqualFold(a.login, m[2])
		default:
			return strings.EqualFold(a.person.WorkEmail, m[2])
		}
	}, true
}

func scimUser(a *account) map[string]any {
	user := map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "id": a.id, "userName": a.login,
		"externalId": a.person.EmployeeID, "displayName": a.person.Name(), "active": !a.closed,
		"emails": []any{map[string]any{"value": a.person.WorkEmail, "primary": true}},
	}
	groups := []any{}
	for _, g := range a.groups {
		groups = append(groups, map[string]any{"value": g, "display": groupTitle(g), "type": "direct"})
	}
	user["groups"] = groups
	return user
}

// scimGroups are the groups that somebody is in, and who.
func scimGroups(accounts []*account) []any {
	members := map[string][]any{}
	for _, a := range accounts {
		for _, g := range a.groups {
			members[g] = append(members[g], map[string]any{"value": a.id, "display": a.person.Name()})
		}
	}
	list := []any{}
	for _, g := range slices.Sorted(maps.Keys(members)) {
		list = append(list, map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "id": g, "displayName": groupTitle(g), "members": members[g]})
	}
	return list
}

func groupTitle(g string) string { return strings.ToUpper(g[:1]) + g[1:] }

func operations(r *http.Request) []map[string]any {
	body, _ := read(r)
	list, _ := body["Operations"].([]any)
	var out []map[string]any
	for _, item := range list {
		if op, ok := item.(map[string]any); ok {
			out = append(out, op)
		}
	}
	return out
}

func scimReply(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/scim+json")
	reply(w, status, body)
}

// scimRefuse answers that a request is wrong, by a word of RFC 7644 §3.12.
func scimRefuse(w http.ResponseWriter, word string) {
	scimReply(w, http.StatusBadRequest, map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "status": "400", "scimType": word})
}
