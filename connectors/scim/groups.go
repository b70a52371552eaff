package scim

import (
	"context"
	"maps"
	"net/http"
	"net/url"

	"github.com/exeunt/exeunt"
)

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
		err := s.leave(ctx, id, account.ID)
		// A group that is gone, or that the account is not in any more, is as it should be.
		if err != nil && !isKind(err, exeunt.NotFound) && !isKind(err, exeunt.Conflict) {
			return err
		}
	}
	return nil
}

// leave takes a member out of a group. Which way of naming one in a PATCH a service takes is not to be foreseen: what it
// refuses as malformed has had no effect, so the other way is tried.
func (s *service) leave(ctx context.Context, id, member string) error {
	can, err := s.discover(ctx)
	if err != nil {
		return err
	}
	if !can.patch {
		return s.rewrite(ctx, id, can, without(member))
	}
	byFilter := operation("remove", "members[value eq "+quote(member)+"]", nil)
	byValue := operation("remove", "members", memberOf(member))
	ways := map[string][]map[string]any{"": {byFilter, byValue}, "filter": {byFilter}, "value": {byValue}}[s.MemberRemoval]
	var first error
	for _, body := range ways {
		_, err := s.ask(ctx, http.MethodPatch, "/Groups/"+url.PathEscape(id), nil, body)
		if isKind(err, exeunt.Unsupported) {
			return s.rewrite(ctx, id, can, without(member))
		}
		if !isKind(err, exeunt.Invalid) {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// join makes an account a member. One that is a member already is no change and a success (RFC 7644 §3.5.2.1).
func (s *service) join(ctx context.Context, id, member string) error {
	can, err := s.discover(ctx)
	if err != nil {
		return err
	}
	with := func(members []any) []any { return append(without(member)(members), memberOf(member)...) }
	if !can.patch {
		return s.rewrite(ctx, id, can, with)
	}
	_, err = s.ask(ctx, http.MethodPatch, "/Groups/"+url.PathEscape(id), nil, operation("add", "members", memberOf(member)))
	if isKind(err, exeunt.Unsupported) {
		return s.rewrite(ctx, id, can, with)
	}
	return err
}

func memberOf(id string) []any { return []any{map[string]string{"value": id}} }

// without leaves out a member.
func without(id string) func([]any) []any {
	return func(members []any) []any {
		out := []any{}
		for _, m := range members {
			if one, _ := m.(map[string]any); text(one, "value") != id {
				out = append(out, m)
			}
		}
		return out
	}
}

// rewrite replaces a whole group with other members. Whoever joined between reading and writing would be lost, so that it is
// done only where the service refuses to write over a version that it no longer has (RFC 7644 §3.14).
func (s *service) rewrite(ctx context.Context, id string, can features, change func([]any) []any) error {
	path := "/Groups/" + url.PathEscape(id)
	group, err := s.ask(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return err
	}
	version := versionOf(group)
	if !can.etag || version == "" {
		return exeunt.Errorf(exeunt.Unsupported, "%s changes the members of a group only by replacing all of them, and gives the group no version: somebody who joins meanwhile would be put out. Change the group by hand", name)
	}
	members, _ := group["members"].([]any)
	body := maps.Clone(group)
	delete(body, "meta")
	body["members"] = change(members)
	_, err = s.ask(ctx, http.MethodPut, path, nil, body, "If-Match", version)
	return err
}
