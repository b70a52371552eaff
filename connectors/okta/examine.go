package okta

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/signin"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// Examine implements connector.Examiner. Of a service application each scope is asked for by itself. Beside its scopes it
// needs an admin role, of which Okta does not tell it; of an API token those of its owner are read.
func (a *api) Examine(ctx context.Context) ([]connector.Right, error) {
	var rights []connector.Right
	granted := a.scopes()
	if a.Token.IsZero() {
		var err error
		if rights, granted, err = a.tryScopes(ctx); err != nil {
			return nil, err
		}
		rights = append(rights, connector.Right{Name: "an admin role of the application", For: a.acting(), State: connector.Unknown,
			Why: "Okta does not tell an application which roles it has", Remedy: connector.Rehearse})
	}
	reads, err := a.tryReads(ctx, granted)
	if err != nil {
		return nil, err
	}
	rights = append(rights, reads...)
	if a.Token.IsZero() {
		return rights, nil
	}
	owner, err := a.ownersRoles(ctx)
	return append(rights, owner...), err
}

// acting are the actions of these settings.
func (a *api) acting() []exeunt.Action {
	var all []exeunt.Action
	for _, spec := range a.Specs() {
		all = append(all, spec.Action)
	}
	return all
}

// tryScopes asks for a token with each scope.
func (a *api) tryScopes(ctx context.Context) (rights []connector.Right, granted []string, err error) {
	for _, scope := range a.scopes() {
		r := connector.Right{Name: scope, For: a.needing(scope), State: connector.Granted}
		err := signin.Try(ctx, a.signer(a.rt, []string{scope}))
		refused, _ := errors.AsType[signin.Refusal](err)
		switch {
		case err == nil:
			granted = append(granted, scope)
		case refused == "invalid_scope" || refused == "access_denied":
			r.State, r.Why = connector.Lacking, "Okta gives our application no token with it"
			r.Remedy = "grant it on the application's page, under Okta API Scopes"
		default:
			return nil, nil, err
		}
		rights = append(rights, r)
	}
	return rights, granted, nil
}

// needing are the actions that need a scope.
func (a *api) needing(scope string) []exeunt.Action {
	var all []exeunt.Action
	for _, spec := range a.Specs() {
		if slices.Contains(spec.Scopes, scope) {
			all = append(all, spec.Action)
		}
	}
	return all
}

// tryReads asks for one of each kind of thing for which there is the scope.
func (a *api) tryReads(ctx context.Context, granted []string) ([]connector.Right, error) {
	const remedy = "give the application, or the owner of the token, an admin role that may read this"
	var rights []connector.Right
	for _, read := range []struct {
		name, path string
		serves     []exeunt.Action
	}{
		{"read users", "/api/v1/users?limit=1", nil},
		{"read group rules", "/api/v1/groups/rules?limit=1", []exeunt.Action{exeunt.RemoveGroups}},
		{"read API tokens", "/api/v1/api-tokens", []exeunt.Action{exeunt.RevokeTokens}},
		{"read applications", "/api/v1/apps?limit=1", []exeunt.Action{exeunt.RemoveApps}},
		{"read devices", "/api/v1/devices?limit=1", []exeunt.Action{exeunt.LockDevices}},
	} {
		if len(read.serves) > 0 && !a.can(read.serves[0]) || !slices.Contains(granted, scopeOf("", read.path)) {
			continue
		}
		_, err := a.ask(ctx, vendorapi.Question{Path: read.path})
		right, err := connector.Tried(read.name, remedy, err, read.serves...)
		if err != nil {
			return nil, err
		}
		rights = append(rights, right)
	}
	return rights, nil
}

// ownersRoles says what the owner of our API token may do: a Super Administrator everything.
func (a *api) ownersRoles(ctx context.Context) ([]connector.Right, error) {
	right := connector.Right{Name: "admin role of the token's owner", For: a.acting(), State: connector.Unknown, Remedy: connector.Rehearse}
	us, err := a.read(ctx, "me")
	if err != nil {
		return nil, err
	}
	own, byGroup, err := a.roles(ctx, us.ID)
	switch {
	case is(err, exeunt.Denied):
		right.Why = "Okta does not show it"
		return []connector.Right{right}, nil
	case err != nil:
		return nil, err
	}
	roles := append(own, byGroup...)
	var names []string
	for _, r := range roles {
		names = append(names, r.name())
	}
	switch {
	case slices.ContainsFunc(roles, func(r role) bool { return r.Type == "SUPER_ADMIN" }):
		right.State, right.Why, right.Remedy = connector.Granted, "it is a Super Administrator; a service application can be given less", ""
	case len(roles) == 0:
		right.State, right.Why, right.Remedy = connector.Lacking, "it has none", "give it one, or better, use a service application"
	default:
		right.Why = "it has " + strings.Join(names, ", ") + ", which Okta does not spell out"
	}
	return []connector.Right{right}, nil
}
