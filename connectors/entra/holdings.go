package entra

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// own are the assignments to applications that are the account's own and not a group's.
func (l *look) own() []assignment {
	return slices.DeleteFunc(slices.Clone(l.assignments), func(a assignment) bool { return !strings.EqualFold(a.PrincipalID, l.user.ID) })
}

func (t *tenant) removeAssignments(ctx context.Context, l *look, with connector.Parameters) error {
	own := slices.DeleteFunc(l.own(), func(a assignment) bool { return !recorded(with, "app_assignments", a.key()) })
	return connector.Each(own, func(a assignment) string { return a.ResourceName }, func(a assignment) error {
		_, err := t.send(ctx, http.MethodDelete, "/users/"+l.user.ID+"/appRoleAssignments/"+escape(a.ID), nil)
		return unless(err, exeunt.NotFound)
	})
}

func (t *tenant) assign(ctx context.Context, user string, snapshot map[string][]string) error {
	return connector.PutBack("applications", snapshot["app_assignments"], snapshot["app_names"], func(key string) error {
		resource, role, _ := strings.Cut(key, " ")
		_, err := t.send(ctx, http.MethodPost, "/users/"+user+"/appRoleAssignments", map[string]string{"principalId": user, "resourceId": resource, "appRoleId": role})
		return unless(err, exeunt.Conflict)
	})
}

// personal are the consents that the person gave; one for AllPrincipals is an administrator's.
func (l *look) personal() []consent {
	return slices.DeleteFunc(slices.Clone(l.consents), func(c consent) bool { return c.Kind != "Principal" })
}

func (t *tenant) revokeConsents(ctx context.Context, l *look) error {
	return connector.Each(l.personal(), func(c consent) string { return c.ClientID }, func(c consent) error {
		_, err := t.send(ctx, http.MethodDelete, "/oauth2PermissionGrants/"+escape(c.ID), nil)
		return unless(err, exeunt.NotFound)
	})
}

// open are the devices that still let somebody in.
func (l *look) open() []device {
	return slices.DeleteFunc(slices.Clone(l.devices), func(d device) bool { return d.Enabled == nil || !*d.Enabled })
}

func (t *tenant) disableDevices(ctx context.Context, l *look, with connector.Parameters) error {
	open := slices.DeleteFunc(l.open(), func(d device) bool { return !recorded(with, "devices", d.ID) })
	return connector.Each(open, func(d device) string { return d.Name }, func(d device) error {
		return unless(t.switchDevice(ctx, d.ID, false), exeunt.NotFound)
	})
}

func (t *tenant) switchDevice(ctx context.Context, id string, on bool) error {
	if !guid.MatchString(id) {
		return exeunt.Errorf(exeunt.Invalid, "%s has no device of this id", name)
	}
	_, err := t.send(ctx, http.MethodPatch, "/devices/"+id, map[string]bool{"accountEnabled": on})
	return err
}

func (t *tenant) enableDevices(ctx context.Context, snapshot map[string][]string) error {
	return connector.PutBack("devices", snapshot["devices"], snapshot["device_names"], func(id string) error { return t.switchDevice(ctx, id, true) })
}

// direct are the licences that were given to the account itself; a group's go with the group.
func (l *look) direct() []string {
	var skus []string
	for _, s := range l.user.Licences {
		if s.Group == "" && !slices.Contains(skus, s.SKU) {
			skus = append(skus, s.SKU)
		}
	}
	return skus
}

// reclaim takes away the licences: those of the account, and the groups that give one. The mailbox that shall outlive the
// account is a shared one by then, or the licence would take it along.
func (t *tenant) reclaim(ctx context.Context, l *look) error {
	if t.SharedMailbox && l.personalMailbox() {
		return exeunt.Errorf(exeunt.Denied, "the mailbox is still the person's own, and goes when its licence does: make it a shared one first, as the task to share the mailbox says, then try again")
	}
	if skus := l.direct(); len(skus) > 0 {
		_, err := t.send(ctx, http.MethodPost, "/users/"+l.user.ID+"/assignLicense", map[string]any{"addLicenses": []any{}, "removeLicenses": skus})
		if err != nil {
			return err
		}
	}
	return connector.Each(l.in(licensing), func(g group) string { return g.Name }, func(g group) error { return t.leave(ctx, g, l.user.ID) })
}

// names are those of objects, in their order.
func names[T any](all []T, of func(T) string) []string {
	out := []string{}
	for _, one := range all {
		out = append(out, of(one))
	}
	return out
}

// told lists names for the facts, which stay readable.
func told(all []string) string {
	const most = 20
	if len(all) > most {
		return strings.Join(all[:most], ", ") + " and others"
	}
	return strings.Join(all, ", ")
}

// refusedAs says whether an error is of some kinds; no error is of none.
func refusedAs(err error, kinds ...exeunt.ErrorKind) bool {
	return err != nil && slices.Contains(kinds, exeunt.KindOf(err))
}
