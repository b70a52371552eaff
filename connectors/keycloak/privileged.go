package keycloak

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
)

// administers says whether a role lets its owner administer: one of the client that administers this realm, or, in the realm
// master, of one that administers another, or its own for all of them. Source: AdminRoles.java, and Constants.java for the client.
// Roles that hold such a role are not seen as such: reading what they hold needs view-realm.
func (r *realm) administers(one role) bool {
	master := r.name == "master"
	if one.client == "" {
		return master && (one.Name == "admin" || one.Name == "create-realm")
	}
	return one.of == "realm-management" || master && strings.HasSuffix(one.of, "-realm")
}

// allowed refuses accounts of administrators of whom HR does not know: who approves the steps of privileged people was not
// asked.
func (r *realm) allowed(ctx context.Context, account exeunt.Account, leaver exeunt.Leaver) error {
	if r.privileged.Lets(leaver) {
		return nil
	}
	own, err := r.roles(ctx, at(account))
	if err != nil {
		return err
	}
	byGroup, err := r.inherited(ctx, account)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(append(own, byGroup...), r.administers) {
		return r.privileged.Refuse("the account may administer the realm")
	}
	return nil
}

type group struct {
	ID, Name string
	Parent   string `json:"parentId"` // since Keycloak 23
}

// mostParents bounds how far groups lie within one another.
const mostParents = 20

// inherited are the roles that come with groups, and with those that these lie in.
// Who may view users may read them (GroupPermissions.java, canView).
func (r *realm) inherited(ctx context.Context, account exeunt.Account) ([]role, error) {
	direct, err := r.memberships(ctx, account)
	if err != nil {
		return nil, err
	}
	var all []role
	seen := map[string]bool{}
	for _, g := range direct {
		for range mostParents {
			if seen[g.ID] {
				break
			}
			seen[g.ID] = true
			path := "/groups/" + url.PathEscape(g.ID)
			some, err := r.roles(ctx, path)
			if exeunt.KindOf(err) == exeunt.NotFound { // deleted meanwhile, and its roles with it
				break
			}
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
			if g.Parent == "" {
				break
			}
			g = group{ID: g.Parent}
			if err := r.get(ctx, "/groups/"+url.PathEscape(g.ID), &g); err != nil && exeunt.KindOf(err) != exeunt.NotFound {
				return nil, err
			}
		}
	}
	return all, nil
}
