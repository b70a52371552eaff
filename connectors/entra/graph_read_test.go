package entra_test

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// read answers a GET of the segments of a path: one resource, a list, or an error.
func (w *world) read(s []string, q url.Values) any {
	switch s[0] {
	case "users":
		if len(s) == 1 {
			return w.people(q)
		}
		p := w.Users[s[1]]
		if p == nil {
			return notThere
		}
		if len(s) == 2 {
			return chosen(p.Is, q)
		}
		return w.of(s[1], p, strings.Join(s[2:], "/"))
	case "roleManagement":
		uid := strings.Trim(strings.TrimPrefix(q.Get("$filter"), "principalId eq "), "'")
		return some(map[string][]object{"roleAssignments": w.Active, "roleEligibilityScheduleInstances": w.Eligible, "roleAssignmentScheduleInstances": w.Scheduled}[s[2]], "principalId", uid)
	case "directory":
		if gone := some(w.Deleted, "id", s[2]); len(gone) > 0 {
			return gone[0]
		}
		return notThere
	case "groups", "applications":
		return w.owners(s[1])
	case "servicePrincipals":
		if len(s) == 3 && s[2] == "owners" {
			return w.owners(s[1])
		}
		if len(s) == 1 {
			if q.Get("$filter") != "tags/any(t:t eq 'WindowsAzureActiveDirectoryIntegratedApp')" {
				return failure(400, "Request_UnsupportedQuery", "bad")
			}
			return w.Apps
		}
		return some(w.Assignments, "resourceId", s[1])
	}
	return failure(400, "Request_BadRequest", "the fake has no such place")
}

func (w *world) of(uid string, p *person, what string) any {
	switch what {
	case "memberOf/microsoft.graph.group":
		in := []object{}
		for _, gid := range sorted(w.Groups) {
			if slices.Contains(w.Members[gid], uid) {
				in = append(in, w.Groups[gid])
			}
		}
		return in
	case "ownedObjects":
		return p.Owned
	case "appRoleAssignments":
		own := some(w.Assignments, "principalId", uid)
		for _, gid := range sorted(w.Groups) { // those by a group are listed, too
			if slices.Contains(w.Members[gid], uid) {
				own = append(own, some(w.Assignments, "principalId", gid)...)
			}
		}
		return own
	case "oauth2PermissionGrants":
		return append(some(w.Consents, "principalId", uid), some(w.Consents, "consentType", "AllPrincipals")...)
	case "authentication/methods":
		return append([]object{{"@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": "28c10230-6103-485e-b985-444c60001490"}}, p.Factors...)
	case "ownedDevices":
		all := []object{}
		for _, d := range p.Devices {
			if w.Devices[d] != nil {
				all = append(all, w.Devices[d])
			}
		}
		return all
	case "manager":
		if m := w.Users[p.Manager]; m != nil {
			is := maps.Clone(m.Is)
			is["@odata.type"] = "#microsoft.graph.user" // a manager is any object of the directory
			return is
		}
		return notThere
	case "mailboxSettings":
		if p.Reply == nil {
			return failure(404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise.")
		}
		return object{"automaticRepliesSetting": p.Reply, "timeZone": "UTC", "userPurpose": first(p.Purpose, "user")}
	case "drive/items/root/permissions":
		if !p.HasFiles {
			return failure(404, "itemNotFound", "User's mysite not found.")
		}
		return p.Files
	}
	return failure(400, "Request_BadRequest", "the fake has no such place")
}

// chosen gives a property only when it is asked for, as Graph does with most.
func chosen(is object, q url.Values) object {
	out := object{}
	for name := range strings.SplitSeq(first(q.Get("$select"), "id,displayName,userPrincipalName"), ",") {
		if v, ok := is[name]; ok {
			out[name] = v
		}
	}
	return out
}

var (
	equal = regexp.MustCompile(`^(\w+) eq '((?:[^']|'')*)'$`)
	any_  = regexp.MustCompile(`^(\w+)/any\(p:p eq '((?:[^']|'')*)'\)$`)
)

// people answers a search or a list.
func (w *world) people(q url.Values) any {
	found := []object{}
	for _, id := range sorted(w.Users) {
		is := w.Users[id].Is
		matches := q.Get("$filter") == ""
		for term := range strings.SplitSeq(q.Get("$filter"), " or ") {
			if m := equal.FindStringSubmatch(term); m != nil {
				if m[1] == "id" && !oneID.MatchString(m[2]) {
					return failure(400, "Request_BadRequest", "Invalid object identifier")
				}
				v, _ := is[m[1]].(string)
				matches = matches || strings.EqualFold(v, strings.ReplaceAll(m[2], "''", "'"))
			} else if m := any_.FindStringSubmatch(term); m != nil {
				matches = matches || slices.Contains(texts(is[m[1]]), strings.ReplaceAll(m[2], "''", "'"))
			}
		}
		if matches {
			found = append(found, chosen(is, q))
		}
	}
	return found
}

func texts(v any) []string {
	if list, ok := v.([]string); ok {
		return list
	}
	var out []string
	list, _ := v.([]any)
	for _, one := range list {
		out = append(out, one.(string))
	}
	return out
}

// limited is what an application is shown of objects that it may not read.
func limited(found any) any {
	all, is := found.([]object)
	if !is {
		return found
	}
	out := []object{}
	for _, o := range all {
		out = append(out, object{"@odata.type": o["@odata.type"], "id": o["id"], "displayName": nil, "accountEnabled": nil})
	}
	return out
}

// owners are those of a thing, by what each person owns.
func (w *world) owners(id string) any {
	out := []object{}
	for _, uid := range sorted(w.Users) {
		if len(some(w.Users[uid].Owned, "id", id)) > 0 {
			out = append(out, object{"@odata.type": "#microsoft.graph.user", "id": uid})
		}
	}
	if len(out) == 0 {
		return notThere
	}
	return out
}
