package okta

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Apply implements connector.Connector.
func (a *api) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if _, err := connector.Able("Okta with these settings", a.Specs(), action, with); err != nil {
		return err
	}
	u, err := a.user(ctx, account.ID) // else what is not found would be a group or a token
	if err != nil {
		return err
	}
	if with.Undo {
		return a.undo(ctx, u, action, with.Snapshot)
	}
	if err := a.allowed(ctx, u, with.Leaver); err != nil {
		return err
	}
	switch action {
	case exeunt.Disable:
		return a.suspend(ctx, u)
	case exeunt.Deactivate:
		return a.deactivate(ctx, u)
	case exeunt.RevokeSessions:
		return a.change(ctx, http.MethodDelete, path(u.ID)+"/sessions?oauthTokens=true&forgetDevices=true")
	case exeunt.ResetFactors:
		return a.resetFactors(ctx, u)
	case exeunt.RevokeGrants:
		return a.revokeGrants(ctx, u)
	case exeunt.RevokeTokens:
		return a.revokeTokens(ctx, u)
	case exeunt.RemoveRoles:
		return a.removeRoles(ctx, u)
	case exeunt.RemoveGroups:
		return a.removeGroups(ctx, u)
	case exeunt.RemoveApps:
		return a.removeApplications(ctx, u)
	default:
		return a.suspendDevices(ctx, u)
	}
}

// allowed refuses accounts with an admin role of which HR does not know: who approves the steps of privileged people was not
// asked.
func (a *api) allowed(ctx context.Context, u user, leaver exeunt.Leaver) error {
	if a.Privileged.Lets(leaver) {
		return nil
	}
	own, byGroup, err := a.roles(ctx, u.ID)
	if err != nil || len(own)+len(byGroup) == 0 {
		return err
	}
	return a.Privileged.Refuse("the account has an admin role at " + vendor)
}

// suspend closes the account. By its description Okta suspends active accounts only; that it also takes those that are locked
// out, expired or in recovery is said by others and unverified: where it does not, the conflict goes to a person.
func (a *api) suspend(ctx context.Context, u user) error {
	if u.closed() {
		return nil
	}
	if err := a.ourselves(ctx, u.ID); err != nil {
		return err
	}
	err := a.lifecycle(ctx, path(u.ID), "suspend", nil)
	if remedy := ways[u.Status]; remedy != "" && is(err, exeunt.Conflict) {
		return exeunt.Errorf(exeunt.Conflict, "%s suspends active accounts only, and this one is %s: %s", vendor, u.Status, remedy).Because(err)
	}
	return err
}

// ways are what a person does to close an account that is not active. Nobody is let in meanwhile, so that it is not done for
// them: an account that is unlocked or activated is open for a moment.
var ways = map[string]string{
	"LOCKED_OUT":       "unlock it in the Okta admin console, which lets it be suspended, and suspend it at once; or deactivate it",
	"PASSWORD_EXPIRED": "set a password that nobody knows in the Okta admin console and suspend it; or deactivate it",
	"RECOVERY":         "set a password that nobody knows in the Okta admin console and suspend it; or deactivate it",
	"PROVISIONED":      "deactivate it in the Okta admin console: it was never signed in to, and the link to activate it still works",
}

// deactivate does not wait: the account shows that it is on its way.
func (a *api) deactivate(ctx context.Context, u user) error {
	if u.Status == deactivated || u.Turning == deactivated {
		return nil
	}
	if err := a.ourselves(ctx, u.ID); err != nil {
		return err
	}
	return a.lifecycle(ctx, path(u.ID), "deactivate?sendEmail=false", http.Header{"Prefer": {"respond-async"}})
}

// resetFactors resets all at once, and takes one by one those that are still listed then.
func (a *api) resetFactors(ctx context.Context, u user) error {
	factors, err := a.factors(ctx, u.ID)
	if err != nil || len(factors) == 0 {
		return err
	}
	if u.Status == deactivated {
		return exeunt.Errorf(exeunt.Conflict, "%s: %s", vendor, tooLate)
	}
	if err := a.lifecycle(ctx, path(u.ID), "reset_factors", nil); err != nil && !is(err, exeunt.Conflict) {
		return err
	}
	if factors, err = a.factors(ctx, u.ID); err != nil {
		return err
	}
	return connector.Each(factors, func(f factor) string { return f.Type }, func(f factor) error { // taking one may take others with it
		return a.change(ctx, http.MethodDelete, path(u.ID)+"/factors/"+url.PathEscape(f.ID)+"?removeRecoveryEnrollment=true")
	})
}

func (a *api) revokeGrants(ctx context.Context, u user) error {
	if err := a.change(ctx, http.MethodDelete, path(u.ID)+"/grants"); err != nil {
		return err
	}
	clients, err := a.clients(ctx, u.ID)
	if err != nil {
		return err
	}
	return connector.Each(clients, func(c app) string { return c.ID }, func(c app) error {
		return a.change(ctx, http.MethodDelete, path(u.ID)+"/clients/"+url.PathEscape(c.ID)+"/tokens")
	})
}

func (a *api) revokeTokens(ctx context.Context, u user) error {
	if err := a.ourselves(ctx, u.ID); err != nil {
		return err
	}
	tokens, err := a.tokens(ctx, u.ID)
	if err != nil {
		return err
	}
	return connector.Each(tokens, func(t apiToken) string { return t.Name }, func(t apiToken) error {
		return a.change(ctx, http.MethodDelete, "/api/v1/api-tokens/"+url.PathEscape(t.ID))
	})
}

func (a *api) removeRoles(ctx context.Context, u user) error {
	own, _, err := a.roles(ctx, u.ID)
	if err != nil {
		return err
	}
	return connector.Each(own, role.name, func(r role) error {
		if r.custom() { // an assignment of one is a member of a binding
			return a.change(ctx, http.MethodDelete, "/api/v1/iam/resource-sets/"+url.PathEscape(r.Resources)+"/bindings/"+url.PathEscape(r.Role)+"/members/"+url.PathEscape(r.ID))
		}
		return a.change(ctx, http.MethodDelete, path(u.ID)+"/roles/"+url.PathEscape(r.ID))
	})
}

func (a *api) removeGroups(ctx context.Context, u user) error {
	own, _, err := a.groups(ctx, u.ID)
	if err != nil {
		return err
	}
	return connector.Each(own, func(g group) string { return g.Profile.Name }, func(g group) error {
		return a.change(ctx, http.MethodDelete, membership(g.ID, u.ID))
	})
}

func membership(group, id string) string {
	return "/api/v1/groups/" + url.PathEscape(group) + "/users/" + url.PathEscape(id)
}

func (a *api) removeApplications(ctx context.Context, u user) error {
	own, _, err := a.applications(ctx, u.ID)
	if err != nil {
		return err
	}
	return connector.Each(own, func(one application) string { return one.Label }, func(one application) error {
		return a.change(ctx, http.MethodDelete, "/api/v1/apps/"+url.PathEscape(one.ID)+"/users/"+url.PathEscape(u.ID)+"?sendEmail=false")
	})
}

func (a *api) suspendDevices(ctx context.Context, u user) error {
	devices, err := a.devices(ctx, u.ID)
	if err != nil {
		return err
	}
	working := slices.DeleteFunc(devices, func(d device) bool { return !d.working() })
	return connector.Each(working, func(d device) string { return d.Display.Value }, func(d device) error {
		err := a.lifecycle(ctx, "/api/v1/devices/"+url.PathEscape(d.ID), "suspend", nil)
		if is(err, exeunt.NotFound) {
			return nil
		}
		return err
	})
}

// undo puts back what an action took away, by what was recorded before it.
func (a *api) undo(ctx context.Context, u user, action exeunt.Action, recorded map[string][]string) error {
	switch action {
	case exeunt.Disable:
		switch {
		case len(recorded["enabled"]) == 0 || !u.closed():
			return nil
		case u.Status != suspended:
			return exeunt.Errorf(exeunt.Conflict, "%s: the account was %s, and suspending is not what closed it: activate it by hand, and put its applications back", vendor, u.Status)
		}
		return a.lifecycle(ctx, path(u.ID), "unsuspend", nil)
	case exeunt.RemoveGroups: // a member that is there already stays one
		return connector.PutBack("groups", recorded["groups"], recorded["group_names"], func(id string) error {
			return a.change(ctx, http.MethodPut, membership(id, u.ID))
		})
	default:
		return connector.PutBack("devices", recorded["devices"], recorded["device_names"], func(id string) error {
			d, err := a.device(ctx, id)
			if err != nil || d.working() {
				return err
			}
			return a.lifecycle(ctx, "/api/v1/devices/"+url.PathEscape(id), "unsuspend", nil)
		})
	}
}
