package scim

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// attributes are what a user may be searched by: the filter, and what a user has of it. userName and the values of emails
// are not case sensitive, externalId is (RFC 7643 §4.1, §3.1).
var attributes = map[string]struct {
	exact  bool
	filter func(quoted string) string
	of     func(user resource) []string
}{
	"userName":   {false, func(q string) string { return "userName eq " + q }, func(u resource) []string { return one(text(u, "userName")) }},
	"externalId": {true, func(q string) string { return "externalId eq " + q }, func(u resource) []string { return one(text(u, "externalId")) }},
	"emails": {false, func(q string) string { return "emails[value eq " + q + "]" }, func(u resource) []string {
		var all []string
		for _, mail := range items(u, "emails") {
			all = append(all, one(text(mail, "value"))...)
		}
		return all
	}},
}

func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// Find searches for each of the keys.
func (s *service) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	var out []exeunt.Found
	seen := map[string]bool{}
	for _, k := range keys {
		attribute, known := attributes[k.Attribute]
		if !known || k.Value == "" {
			continue
		}
		users, err := s.list(ctx, "/Users", search{Filter: attribute.filter(quote(k.Value))})
		if err != nil {
			return nil, err
		}
		for _, user := range users {
			f := found(user)
			has := slices.ContainsFunc(f.Has[k.Attribute], func(v string) bool { return v == k.Value || !attribute.exact && strings.EqualFold(v, k.Value) })
			if f.ID == "" || seen[f.ID] || !has {
				continue // services that do not know a filter return everybody
			}
			seen[f.ID] = true
			out = append(out, f)
		}
	}
	return out, nil
}

// byPost marks a cursor of a service whose list is asked for by POST.
const byPost = "post:"

// List implements connector.Lister.
func (s *service) List(ctx context.Context, cursor string, _ []string) (connector.Page, error) {
	place, post := strings.CutPrefix(cursor, byPost)
	at, err := connector.OverlapOf("the "+name, place)
	if err != nil {
		return connector.Page{}, err
	}
	users, more, post, err := s.listed(ctx, at.At+1, post)
	if err != nil {
		return connector.Page{}, err
	}
	ids := make([]string, len(users))
	for i, user := range users {
		ids[i] = text(user, "id")
	}
	fresh, next, err := at.Take("the "+name, ids, more)
	if err != nil {
		return connector.Page{}, err
	}
	var page connector.Page
	for _, user := range users[fresh:] {
		if f := found(user); f.ID != "" {
			page.Accounts = append(page.Accounts, f)
		}
	}
	if next != nil {
		page.Next = next.Cursor()
		if post {
			page.Next = byPost + page.Next
		}
	}
	return page, nil
}

// found is an account as a user resource shows it.
func found(user resource) exeunt.Found {
	f := exeunt.Found{Account: exeunt.Account{ID: text(user, "id"), Login: text(user, "userName")}, Has: map[string][]string{}}
	for name, attribute := range attributes {
		if values := attribute.of(user); len(values) > 0 {
			f.Has[name] = values
		}
	}
	active, shown := truth(user["active"])
	f.Closed = shown && !active
	return f
}

// quote writes a filter value, which is a JSON string (RFC 7644 §3.4.2.2).
func quote(value string) string {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // a string always encodes
	return strings.TrimSpace(out.String())
}

// Observe reads the user by id, and its groups.
func (s *service) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	user, err := s.user(ctx, account)
	if err != nil {
		return exeunt.Observation{}, err
	}
	o := exeunt.Observation{At: time.Now().UTC(), Standing: map[exeunt.Action]exeunt.Standing{}, Facts: map[string]string{}, Snapshot: map[string][]string{}}
	if active, ok := truth(user["active"]); ok {
		o.Standing[exeunt.Disable] = standing(!active)
		o.Facts["active"] = strconv.FormatBool(active)
		if active {
			o.Snapshot["enabled"] = []string{"true"}
		}
	} else {
		o.Facts["active"] = "not shown" // the attribute is optional: RFC 7643 §4.1.1
	}
	if s.WithoutGroups {
		return o, nil
	}
	groups, err := s.groups(ctx, account, user)
	if isKind(err, exeunt.Unsupported) {
		return o, nil // cannot be listed, so nothing is known of them
	}
	if err != nil {
		return exeunt.Observation{}, err
	}
	o.Standing[exeunt.RemoveGroups] = standing(len(groups) == 0)
	o.Facts["groups"] = strconv.Itoa(len(groups))
	o.Snapshot["groups"], o.Snapshot["group_names"] = []string{}, []string{}
	for _, g := range groups {
		o.Snapshot["groups"] = append(o.Snapshot["groups"], g.id)
		o.Snapshot["group_names"] = append(o.Snapshot["group_names"], g.name)
	}
	return o, nil
}

func standing(holds bool) exeunt.Standing {
	if holds {
		return exeunt.Holds
	}
	return exeunt.Absent
}

func (s *service) user(ctx context.Context, account exeunt.Account) (resource, error) {
	user, err := s.ask(ctx, http.MethodGet, "/Users/"+url.PathEscape(account.ID), nil, nil)
	if err != nil {
		return nil, err
	}
	if id := text(user, "id"); id != account.ID {
		return nil, exeunt.Errorf(exeunt.Temporary, "%s answered with something other than the account that was asked for", name)
	}
	return user, nil
}

type group struct{ id, name string }

// groups are the direct memberships. The attribute groups is the user's own account of them, but a
// service may leave it out, also when it is merely empty; then the groups themselves are asked.
func (s *service) groups(ctx context.Context, account exeunt.Account, user resource) ([]group, error) {
	if _, shown := user["groups"]; shown {
		var out []group
		for _, g := range items(user, "groups") {
			if id := text(g, "value"); id != "" && text(g, "type") != "indirect" {
				out = append(out, group{id, text(g, "display")})
			}
		}
		return out, nil
	}
	return s.groupsHaving(ctx, account.ID)
}

// groupsHaving searches the groups for a member. Where the search is refused, and some services fail
// on it as soon as one group is empty, all groups are read.
func (s *service) groupsHaving(ctx context.Context, id string) ([]group, error) {
	shown := []string{"displayName", "members"}
	found, err := s.list(ctx, "/Groups", search{Filter: "members.value eq " + quote(id), Attributes: shown})
	searched := err == nil
	if isKind(err, exeunt.Invalid) || isKind(err, exeunt.Unsupported) {
		found, err = s.list(ctx, "/Groups", search{Attributes: shown})
	}
	if isKind(err, exeunt.NotFound) || isKind(err, exeunt.Invalid) {
		return nil, exeunt.Errorf(exeunt.Unsupported, "%s does not list the groups of an account", name)
	}
	if err != nil {
		return nil, err
	}
	var out []group
	for _, g := range found {
		// A service that was searched may leave the members out; one that does not know the search
		// returns every group.
		if members := items(g, "members"); contains(members, id) || searched && len(members) == 0 {
			out = append(out, group{text(g, "id"), text(g, "displayName")})
		}
	}
	return out, nil
}

func contains(members []resource, id string) bool {
	for _, m := range members {
		if text(m, "value") == id {
			return true
		}
	}
	return false
}

// Apply does one action.
func (s *service) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if _, err := connector.Able("a "+name, s.Specs(), action, with); err != nil {
		return err
	}
	switch {
	case with.Undo:
		return s.undo(ctx, account, action, with.Snapshot)
	case action == exeunt.Disable:
		return s.activate(ctx, account, false)
	default:
		return s.removeGroups(ctx, account, with.Seen)
	}
}

// activate sets active by PATCH, or by replacing the whole user where there is no PATCH.
func (s *service) activate(ctx context.Context, account exeunt.Account, active bool) error {
	can, err := s.discover(ctx)
	if err != nil {
		return err
	}
	if can.patch {
		_, err = s.ask(ctx, http.MethodPatch, "/Users/"+url.PathEscape(account.ID), nil, operation("replace", "active", s.boolean(active)))
		if !isKind(err, exeunt.Unsupported) {
			return err
		}
	}
	return s.replace(ctx, account, can, active)
}

// boolean is a truth value in the service's dialect.
func (s *service) boolean(so bool) any {
	switch {
	case s.Boolean != "string":
		return so
	case so:
		return "True"
	}
	return "False"
}

// replace writes the user back with active changed. PUT clears what it leaves out (RFC 7644 §3.5.1), so
// all that was read goes back, except what is read-only; If-Match keeps a change in between.
func (s *service) replace(ctx context.Context, account exeunt.Account, can features, active bool) error {
	user, err := s.user(ctx, account)
	if err != nil {
		return err
	}
	body := maps.Clone(user)
	delete(body, "meta")
	delete(body, "groups")
	body["active"] = s.boolean(active)
	var headers []string
	meta, _ := user["meta"].(map[string]any)
	if version, _ := meta["version"].(string); can.etag && version != "" {
		headers = []string{"If-Match", version}
	}
	_, err = s.ask(ctx, http.MethodPut, "/Users/"+url.PathEscape(account.ID), nil, body, headers...)
	return err
}

// removeGroups takes the account out of the groups that the look before recorded, and of no others.
func (s *service) removeGroups(ctx context.Context, account exeunt.Account, seen exeunt.Observation) error {
	if seen.At.IsZero() {
		var err error
		if seen, err = s.Observe(ctx, account); err != nil {
			return err
		}
	}
	groups, listed := seen.Snapshot["groups"]
	if !listed {
		return exeunt.Errorf(exeunt.Unsupported, "%s does not list the groups of an account: remove it from them by hand", name)
	}
	for _, id := range groups {
		body := operation("remove", "members[value eq "+quote(account.ID)+"]", nil)
		if s.MemberRemoval == "value" {
			body = operation("remove", "members", []any{map[string]string{"value": account.ID}})
		}
		_, err := s.ask(ctx, http.MethodPatch, "/Groups/"+url.PathEscape(id), nil, body)
		// A group that is gone, or that the account is not in any more, is as it should be.
		if err != nil && !isKind(err, exeunt.NotFound) && !isKind(err, exeunt.Conflict) {
			return err
		}
	}
	return nil
}

func operation(op, path string, value any) map[string]any {
	o := map[string]any{"op": op, "path": path}
	if value != nil {
		o["value"] = value
	}
	return map[string]any{"schemas": []string{patchOp}, "Operations": []any{o}}
}

func text(r resource, field string) string {
	s, _ := r[field].(string)
	return s
}

func items(r resource, field string) []resource {
	list, _ := r[field].([]any)
	var out []resource
	for _, item := range list {
		if object, ok := item.(map[string]any); ok {
			out = append(out, object)
		}
	}
	return out
}
