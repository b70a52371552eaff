package keycloak

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Apply does one action, or puts it back.
func (r *realm) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if _, err := connector.Able(name, actions, action, with); err != nil {
		return err
	}
	if !with.Undo {
		if err := r.allowed(ctx, account, with.Leaver); err != nil {
			return err
		}
	}
	if with.Seen.At.IsZero() && !with.Undo {
		var err error
		if with.Seen, err = r.Observe(ctx, account); err != nil {
			return err
		}
	}
	switch action {
	case exeunt.ResetFactors:
		return r.removeCredentials(ctx, account, func(kind string) bool { return kind != passwordType })
	case exeunt.ResetPassword:
		return r.removePassword(ctx, account)
	case exeunt.Disable:
		return r.enable(ctx, account, with)
	case exeunt.RevokeSessions:
		return r.revoke(ctx, account)
	case exeunt.RemoveGroups:
		return r.groups(ctx, account, with)
	default:
		return r.mapRoles(ctx, account, with)
	}
}

// removePassword removes the one that the realm has. The one of a directory is asked for there at each sign-in.
func (r *realm) removePassword(ctx context.Context, account exeunt.Account) error {
	u, err := r.user(ctx, account)
	if err != nil {
		return err
	}
	if err := r.removeCredentials(ctx, account, func(kind string) bool { return kind == passwordType }); err != nil || u.FederationLink == "" {
		return err
	}
	return inDirectory("password")
}

// inDirectory is the error of what belongs to the directory that an account comes from: Keycloak reads it there.
func inDirectory(what string) error {
	return exeunt.Errorf(exeunt.Unsupported, "the account comes from a directory (LDAP or Active Directory), which has its %s: do it there, and make %s a system whose sign-on is that directory", what, name)
}

// removeCredentials removes those of some types, read anew: their ids are no business of the record.
func (r *realm) removeCredentials(ctx context.Context, account exeunt.Account, wanted func(kind string) bool) error {
	var all []struct{ ID, Type string }
	if err := r.get(ctx, at(account)+"/credentials", &all); err != nil {
		return err
	}
	for _, c := range all {
		if !wanted(c.Type) {
			continue
		}
		if err := gone(r.change(ctx, http.MethodDelete, at(account)+"/credentials/"+url.PathEscape(c.ID), nil)); err != nil {
			return err
		}
	}
	return nil
}

// enable writes the account back whole with enabled changed: what a PUT leaves out of the attributes is lost, by version.
func (r *realm) enable(ctx context.Context, account exeunt.Account, with connector.Parameters) error {
	if with.Undo && len(with.Snapshot["enabled"]) == 0 {
		return nil
	}
	var whole map[string]any
	if err := r.get(ctx, at(account), &whole); err != nil {
		return err
	}
	delete(whole, "access") // what we may do, and links to other providers, are read-only here
	delete(whole, "federatedIdentities")
	whole["enabled"] = with.Undo
	err := r.change(ctx, http.MethodPut, at(account), whole)
	if link, _ := whole["federationLink"].(string); link != "" && readOnly(err) {
		return inDirectory("state")
	}
	return err
}

// revoke ends the sessions, which also makes refresh tokens of before stale, and then consents with their offline tokens.
func (r *realm) revoke(ctx context.Context, account exeunt.Account) error {
	if err := r.change(ctx, http.MethodPost, at(account)+"/logout", nil); err != nil {
		return err
	}
	var consents []struct {
		Client string `json:"clientId"`
	}
	if err := r.get(ctx, at(account)+"/consents", &consents); err != nil {
		return err
	}
	for _, c := range consents {
		if err := gone(r.change(ctx, http.MethodDelete, at(account)+"/consents/"+url.PathEscape(c.Client), nil)); err != nil {
			return err
		}
	}
	return nil
}

// groups takes the account out of the groups that the look recorded, or puts it back into them.
func (r *realm) groups(ctx context.Context, account exeunt.Account, with connector.Parameters) error {
	place := func(id string) string { return at(account) + "/groups/" + url.PathEscape(id) }
	if with.Undo {
		if _, err := r.user(ctx, account); err != nil { // else it would be a group that is not found
			return err
		}
		return connector.PutBack("groups", with.Snapshot["groups"], with.Snapshot["group_names"], func(id string) error { return r.change(ctx, http.MethodPut, place(id), nil) })
	}
	ids, names := with.Seen.Snapshot["groups"], with.Seen.Snapshot["group_names"]
	return connector.Each(ids, func(id string) string { return names[slices.Index(ids, id)] }, func(id string) error {
		return gone(r.change(ctx, http.MethodDelete, place(id), nil))
	})
}

// mapRoles takes the roles away that the look recorded, or puts them back.
func (r *realm) mapRoles(ctx context.Context, account exeunt.Account, with connector.Parameters) error {
	if with.Undo {
		if _, err := r.user(ctx, account); err != nil {
			return err
		}
		return connector.PutBack("roles", with.Snapshot["roles"], with.Snapshot["role_names"], func(key string) error { return r.giveRole(ctx, account, key) })
	}
	mapped, err := r.roles(ctx, at(account))
	if err != nil {
		return err
	}
	recorded := slices.DeleteFunc(mapped, func(one role) bool { return !slices.Contains(with.Seen.Snapshot["roles"], one.key()) })
	return connector.Each(recorded, role.title, func(one role) error {
		return gone(r.change(ctx, http.MethodDelete, one.place(account), one.mapping()))
	})
}

// giveRole maps a role again. It is read by its id, since it may have another name by now.
func (r *realm) giveRole(ctx context.Context, account exeunt.Account, key string) error {
	client, id, _ := strings.Cut(key, "/")
	one := role{ID: id}
	if client != "realm" {
		one.client = client
	}
	if err := r.get(ctx, "/roles-by-id/"+url.PathEscape(id), &one); err != nil {
		return err
	}
	return r.change(ctx, http.MethodPost, one.place(account), one.mapping())
}
