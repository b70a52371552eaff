package google

import (
	"context"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Apply does one action, or puts it back, on what the look before it saw.
func (t *tenant) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if _, err := connector.Able(name, t.Specs(), action, with); err != nil {
		return err
	}
	s := t.recent.take(account.ID, with.Seen.At, action)
	if s == nil {
		var err error
		if s, err = t.look(ctx, account, func(a exeunt.Action) bool { return a == action }); err != nil {
			return err
		}
	}
	if with.Seen.At.IsZero() {
		with.Seen = s.Observation
	}
	switch {
	case s.refused[action] != nil:
		return s.refused[action]
	case s.user.Deletion != "":
		return exeunt.Errorf(exeunt.Denied, "the account was deleted at %s: restore it in the Admin console, within 20 days", name)
	case with.Undo:
		return t.undo(ctx, s, action, with.Snapshot)
	}
	if err := t.allowed(s.user, with.Leaver); err != nil {
		return err
	}
	return t.act(ctx, s, action, with)
}

func (t *tenant) act(ctx context.Context, s *sight, action exeunt.Action, with connector.Parameters) error {
	u := s.user
	switch action {
	case exeunt.RemoveRoles:
		return t.removeRoles(ctx, s, with.Seen)
	case exeunt.SetAutoReply:
		return t.setAutoReply(ctx, u, with)
	case delegateMailbox:
		return t.delegateMailbox(ctx, u, with)
	case exeunt.ResetPassword:
		return t.resetPassword(ctx, u)
	case exeunt.ResetFactors:
		return t.resetFactors(ctx, u)
	case exeunt.RevokeTokens:
		return t.removeAppPasswords(ctx, s)
	case exeunt.RevokeGrants:
		return t.revokeGrants(ctx, s)
	case exeunt.RevokeSessions:
		return t.signOut(ctx, u)
	case exeunt.Disable:
		return t.patch(ctx, u, map[string]any{"suspended": true})
	case exeunt.TransferData:
		return t.transferData(ctx, s, with)
	case exeunt.LockDevices:
		return t.tellDevices(ctx, s, device.locked, "block")
	case wipeDevices:
		return t.tellDevices(ctx, s, device.wiped, "admin_account_wipe")
	case exeunt.RemoveGroups:
		return t.removeGroups(ctx, u, with.Seen)
	case exeunt.MoveToArchive:
		return t.patch(ctx, u, map[string]any{"orgUnitPath": t.ArchiveUnit, "includeInGlobalAddressList": false})
	default:
		return t.reclaimLicences(ctx, u, with.Seen)
	}
}

// allowed refuses our own administrator, without whom nothing can be done or undone any more, and administrators of whom HR
// does not know: who approves the steps of privileged people was not asked.
func (t *tenant) allowed(u user, leaver exeunt.Leaver) error {
	if u.has(t.Delegate) {
		return exeunt.Errorf(exeunt.Denied, "this is the administrator for whom Exeunt acts at %s: name another as delegate first", name)
	}
	if !u.SuperAdmin && !u.DelegatedAdmin || t.Privileged.Lets(leaver) {
		return nil
	}
	return t.Privileged.Refuse("the account is an administrator's")
}

func (t *tenant) undo(ctx context.Context, s *sight, action exeunt.Action, recorded map[string][]string) error {
	u := s.user
	switch action {
	case exeunt.RemoveRoles:
		return t.regiveRoles(ctx, s, recorded)
	case exeunt.Disable:
		if len(recorded["enabled"]) == 0 {
			return nil
		}
		return t.patch(ctx, u, map[string]any{"suspended": false})
	case exeunt.RemoveGroups:
		return t.rejoinGroups(ctx, u, recorded)
	case exeunt.MoveToArchive:
		return t.moveBack(ctx, u, recorded)
	default:
		return t.reassignLicences(ctx, u, recorded)
	}
}

// moveBack puts the account into its old unit, unless somebody moved it on from the archive meanwhile.
func (t *tenant) moveBack(ctx context.Context, u user, recorded map[string][]string) error {
	fields := map[string]any{}
	if len(recorded["listed"]) > 0 {
		fields["includeInGlobalAddressList"] = true
	}
	if len(recorded["org_unit"]) > 0 && u.OrgUnitPath == t.ArchiveUnit {
		fields["orgUnitPath"] = recorded["org_unit"][0]
	}
	if len(fields) == 0 {
		return nil
	}
	err := t.patch(ctx, u, fields)
	if unit := recorded["org_unit"]; isKind(err, exeunt.Invalid) && len(unit) > 0 {
		return exeunt.Errorf(exeunt.NotFound, "the organisational unit %s is not there any more, so the account was not put back into it: choose another by hand", unit[0])
	}
	return err
}
