package google_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// call is one request that the contract allows.
type call struct {
	method string
	path   map[string]string
	query  url.Values
	body   []byte
	who    bearer
}

func (c call) sent() map[string]any {
	var body map[string]any
	_ = json.Unmarshal(c.body, &body)
	return body
}

func absent(what string) (int, any) {
	return http.StatusNotFound, refusal("notFound", "Resource Not Found: "+what)
}

func fine(body any) (int, any) { return http.StatusOK, body }

type object = map[string]any

// do does what a method does. Who is above our administrator is out of reach.
func (w *workspace) do(c call) (int, any) {
	switch {
	case strings.HasPrefix(c.method, "gmail."):
		return w.gmail(c)
	case strings.HasPrefix(c.method, "licensing."):
		return w.licensing(c)
	case strings.HasPrefix(c.method, "datatransfer."):
		return w.transferring(c)
	case c.path["userKey"] != "":
		return w.user(c)
	case c.path["groupKey"] != "":
		return w.membership(c)
	}
	switch c.method {
	case "directory.users.list":
		return w.users(c)
	case "directory.groups.list":
		p := w.person(c.query.Get("userKey"))
		if c.query.Get("customer") != "" {
			return fine(object{})
		}
		if p == nil {
			return absent("userKey")
		}
		var all []any
		for _, id := range slices.Sorted(maps.Keys(w.groups)) {
			g := w.groups[id]
			if p.shown.groups[id] != "" || g.nested != "" && p.shown.groups[g.nested] != "" {
				all = append(all, object{"id": id, "email": g.email})
			}
		}
		return paged(c, "groups", all, 2)
	case "directory.roles.get":
		title, there := w.roles[c.path["roleId"]]
		if !there {
			return absent("roleId")
		}
		return fine(object{"roleName": title, "isSuperAdminRole": title == "_SEED_ADMIN_ROLE"})
	case "directory.mobiledevices.list", "directory.mobiledevices.action":
		return w.mobile(c)
	}
	return w.assignment(c)
}

// paged gives a few of them, and a token that is good for the next.
func paged(c call, field string, all []any, size int) (int, any) {
	from := 0
	if token := c.query.Get("pageToken"); token != "" {
		var err error
		if from, err = strconv.Atoi(strings.TrimPrefix(token, "page-")); err != nil || from > len(all) || !strings.HasPrefix(token, "page-") {
			return http.StatusBadRequest, refusal("invalid", "Invalid Input: pageToken")
		}
	}
	to := min(from+size, len(all))
	body := object{field: all[from:to]}
	if to < len(all) {
		body["nextPageToken"] = fmt.Sprintf("page-%d", to)
	}
	return fine(body)
}

func (p *person) resource() object {
	return object{
		"id": p.id, "primaryEmail": p.email, "aliases": p.aliases, "externalIds": []object{{"value": p.employeeID, "type": "organization"}, {"value": "badge-" + p.employeeID, "type": "custom"}},
		"suspended": p.suspended, "archived": p.archived, "isAdmin": p.admin, "isDelegatedAdmin": !p.admin && len(p.live.roles) > 0, "isEnrolledIn2Sv": p.shown.enrolled, "isEnforcedIn2Sv": p.enforced,
		"orgUnitPath": p.unit, "includeInGlobalAddressList": !p.unlisted, "lastLoginTime": "2030-06-01T08:00:00.000Z",
		"recoveryEmail": p.recovery,
	}
}

var searched = regexp.MustCompile(`^(email|externalId)='((?:[^'\\]|\\.)*)'$`)

func (w *workspace) users(c call) (int, any) {
	var all []any
	if c.query.Get("showDeleted") == "true" {
		for _, one := range w.binned {
			all = append(all, one)
		}
		return paged(c, "users", all, 2)
	}
	people := slices.SortedFunc(maps.Values(w.people), func(a, b *person) int { return strings.Compare(a.email, b.email) })
	query := searched.FindStringSubmatch(c.query.Get("query"))
	if c.query.Get("query") != "" && query == nil {
		w.t.Errorf("a search that Google does not understand: %s", c.query.Get("query"))
	}
	for _, p := range people {
		if query != nil {
			value := strings.NewReplacer(`\'`, `'`, `\\`, `\`).Replace(query[2])
			if query[1] == "externalId" && value != p.employeeID && value != "badge-"+p.employeeID || query[1] == "email" && w.person(value) != p {
				continue
			}
		}
		all = append(all, p.resource())
	}
	return paged(c, "users", all, 5)
}

func (w *workspace) user(c call) (int, any) {
	p := w.person(c.path["userKey"])
	if p == nil {
		if _, host, address := strings.Cut(c.path["userKey"], "@"); address && host != domain {
			return http.StatusForbidden, refusal("forbidden", "Not Authorized to access this resource/api")
		}
		return absent("userKey")
	}
	us := w.person(c.who.as)
	if p.admin && !us.admin && c.method != "directory.users.get" {
		return http.StatusForbidden, refusal("forbidden", "Not Authorized to access this resource/api")
	}
	switch c.method {
	case "directory.users.get":
		return fine(p.resource())
	case "directory.users.patch":
		return w.patch(p, c.sent())
	case "directory.users.makeAdmin":
		p.admin = c.sent()["status"] == true
	case "directory.users.signOut":
		p.sessions = 0
	default:
		return p.security(c)
	}
	return fine(nil)
}

func (w *workspace) patch(p *person, sent object) (int, any) {
	if unit, moved := sent["orgUnitPath"].(string); moved {
		if !slices.Contains(w.units, unit) {
			return http.StatusBadRequest, refusal("invalid", "Invalid Input: INVALID_OU_ID")
		}
		p.unit = unit
	}
	if suspended, said := sent["suspended"].(bool); said {
		p.suspended = suspended
		if suspended {
			p.sessions = 0
		}
	}
	if listed, said := sent["includeInGlobalAddressList"].(bool); said {
		p.unlisted = !listed
	}
	if password, said := sent["password"].(string); said {
		p.password = password
	}
	if recovery, said := sent["recoveryEmail"].(string); said && sent["recoveryPhone"] == "" {
		p.recovery = recovery
	}
	return fine(p.resource())
}

func (p *person) security(c call) (int, any) {
	switch c.method {
	case "directory.verificationCodes.list":
		return fine(object{"items": slices.Repeat([]object{{"userId": p.id, "verificationCode": "s3cret-0123"}}, p.shown.codes)})
	case "directory.verificationCodes.invalidate":
		if p.suspended {
			return http.StatusBadRequest, refusal("invalid", "Invalid Input: userKey")
		}
		p.live.codes = 0
	case "directory.twoStepVerification.turnOff":
		if !p.live.enrolled {
			return http.StatusBadRequest, refusal("invalid", "Invalid Input: userKey")
		}
		p.live.enrolled = false
	case "directory.asps.list":
		var items []object
		for _, id := range slices.Sorted(maps.Keys(p.shown.asps)) {
			items = append(items, object{"codeId": id, "name": p.shown.asps[id]})
		}
		return fine(object{"items": items})
	case "directory.asps.delete":
		id, _ := strconv.Atoi(c.path["codeId"])
		if p.live.asps[id] == "" {
			return http.StatusBadRequest, refusal("invalid", "Invalid Input: codeId")
		}
		delete(p.live.asps, id)
	case "directory.tokens.list":
		var items []object
		for _, id := range slices.Sorted(maps.Keys(p.shown.grants)) {
			items = append(items, object{"clientId": id, "displayText": p.shown.grants[id]})
		}
		return fine(object{"items": items})
	case "directory.tokens.delete":
		if p.live.grants[c.path["clientId"]] == "" {
			return absent("clientId")
		}
		delete(p.live.grants, c.path["clientId"])
	}
	return fine(nil)
}

func (w *workspace) membership(c call) (int, any) {
	g := w.groups[c.path["groupKey"]]
	if g == nil {
		return absent("groupKey")
	}
	if c.method == "directory.members.list" {
		var all []any
		for _, of := range slices.Sorted(maps.Keys(w.people)) {
			p := w.people[of]
			if role := p.live.groups[c.path["groupKey"]]; role != "" && role == c.query.Get("roles") {
				all = append(all, object{"id": p.id, "role": role, "type": "USER", "status": map[bool]string{true: "SUSPENDED", false: "ACTIVE"}[p.suspended]})
			}
		}
		return paged(c, "members", all, 1)
	}
	key := c.path["memberKey"]
	if c.method == "directory.members.insert" {
		key, _ = c.sent()["id"].(string)
	}
	p, id := w.person(key), c.path["groupKey"]
	switch {
	case p == nil, c.method != "directory.members.insert" && p.live.groups[id] == "":
		return absent("memberKey")
	case c.method == "directory.members.get":
		return fine(object{"id": p.id, "role": p.live.groups[id], "type": "USER", "delivery_settings": cmp.Or(p.live.delivery[id], "ALL_MAIL")})
	case g.dynamic:
		return http.StatusForbidden, refusal("forbidden", "Permission denied")
	case c.method == "directory.members.delete":
		delete(p.live.groups, id)
		delete(p.live.delivery, id)
		return fine(nil)
	case p.live.groups[id] != "":
		return http.StatusConflict, refusal("duplicate", "Member already exists.")
	}
	p.live.groups[id], _ = c.sent()["role"].(string)
	p.live.delivery[id], _ = c.sent()["delivery_settings"].(string)
	return fine(object{"id": p.id})
}

func (w *workspace) assignment(c call) (int, any) {
	switch c.method {
	case "directory.roleAssignments.list":
		p := w.person(c.query.Get("userKey"))
		if p == nil {
			return fine(object{})
		}
		var items []any
		for _, of := range slices.Sorted(maps.Keys(w.people)) {
			for _, id := range slices.Sorted(maps.Keys(w.people[of].shown.roles)) {
				if of == p.id || w.forgetful {
					items = append(items, w.people[of].shown.roles[id])
				}
			}
		}
		return paged(c, "items", items, 2)
	case "directory.roleAssignments.delete":
		for _, p := range w.people {
			if p.live.roles[c.path["roleAssignmentId"]] != nil {
				delete(p.live.roles, c.path["roleAssignmentId"])
				return fine(nil)
			}
		}
		return absent("roleAssignmentId")
	}
	sent := c.sent()
	role, _ := sent["roleId"].(string)
	assignee, _ := sent["assignedTo"].(string)
	if w.roles[role] == "" || w.person(assignee) == nil {
		return absent("roleId")
	}
	w.assign(w.person(assignee), role, sent)
	return fine(sent)
}

// assign gives a role, with more that the assignment has.
func (w *workspace) assign(p *person, role string, more object) {
	w.made++
	id := strconv.Itoa(w.made)
	p.live.roles[id] = maps.Clone(more)
	maps.Copy(p.live.roles[id], object{"roleAssignmentId": id, "roleId": role, "assignedTo": p.id, "assigneeType": "user"})
}

func (w *workspace) mobile(c call) (int, any) {
	if c.method == "directory.mobiledevices.action" {
		for _, p := range w.people {
			if p.live.devices[c.path["resourceId"]] != "" {
				next := map[any]string{"admin_account_wipe": "ACCOUNT_WIPING", "block": "BLOCKED"}[c.sent()["action"]]
				if next == "" || p.live.devices[c.path["resourceId"]] == "ACCOUNT_WIPED" {
					w.t.Errorf("a device that is %s is told to %v", p.live.devices[c.path["resourceId"]], c.sent()["action"])
				}
				p.live.devices[c.path["resourceId"]] = next
				return fine(nil)
			}
		}
		return absent("resourceId")
	}
	var all []any
	for _, of := range slices.Sorted(maps.Keys(w.people)) { // in one order, or a device falls between two pages
		p := w.people[of]
		if prefix := strings.TrimPrefix(c.query.Get("query"), "email:"); !strings.HasPrefix(p.email, prefix) {
			continue
		}
		for _, id := range slices.Sorted(maps.Keys(p.shown.devices)) {
			all = append(all, object{"resourceId": id, "status": p.shown.devices[id], "model": "Pixel", "email": []string{p.email}})
		}
	}
	if c.query.Get("orderBy") == "" && c.query.Get("pageToken") != "" {
		slices.Reverse(all) // whose order nobody asked for
	}
	return paged(c, "mobiledevices", all, 1)
}

func (w *workspace) transferring(c call) (int, any) {
	if c.method == "datatransfer.applications.list" {
		var all []any
		for _, one := range w.offered {
			all = append(all, one)
		}
		return paged(c, "applications", all, 2)
	}
	if c.method == "datatransfer.transfers.list" {
		var all []any
		for _, one := range w.transfers[:w.begun] {
			if from := c.query.Get("oldOwnerUserId"); from == "" || from == one["oldOwnerUserId"] {
				all = append(all, one)
			}
		}
		return paged(c, "dataTransfers", all, 1)
	}
	sent := c.sent()
	sent["id"], sent["requestTime"], sent["overallTransferStatusCode"] = strconv.Itoa(len(w.transfers)), time.Now().UTC().Format(time.RFC3339), "new"
	w.transfers = append(w.transfers, sent)
	return fine(sent)
}
