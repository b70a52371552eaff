package google

import (
	"context"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Apply does one action, or puts it back. It begins with a look at the account, which says whose it is.
func (t *tenant) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if _, err := connector.Able(name, t.Specs(), action, with); err != nil {
		return err
	}
	u, err := t.account(ctx, account)
	if err != nil {
		return err
	}
	if with.Undo {
		return t.undo(ctx, u, action, with.Snapshot)
	}
	if err := t.allowed(u, with.Leaver); err != nil {
		return err
	}
	seen := with.Seen
	if seen.At.IsZero() {
		if seen, err = t.Observe(ctx, account); err != nil {
			return err
		}
	}
	return t.act(ctx, u, action, with, seen)
}

func (t *tenant) act(ctx context.Context, u user, action exeunt.Action, with connector.Parameters, seen exeunt.Observation) error {
	switch action {
	case exeunt.RemoveRoles:
		return t.removeRoles(ctx, u, seen)
	case exeunt.SetAutoReply:
		return t.setAutoReply(ctx, u, with)
	case delegateMailbox:
		return t.delegateMailbox(ctx, u, with)
	case exeunt.ResetPassword:
		return t.resetPassword(ctx, u)
	case exeunt.ResetFactors:
		return t.resetFactors(ctx, u)
	case exeunt.RevokeTokens:
		return t.removeAppPasswords(ctx, u)
	case exeunt.RevokeGrants:
		return t.revokeGrants(ctx, u)
	case exeunt.RevokeSessions:
		return t.signOut(ctx, u)
	case exeunt.Disable:
		return t.patch(ctx, u, map[string]any{"suspended": true})
	case exeunt.TransferData:
		return t.transferData(ctx, u, with)
	case exeunt.LockDevices:
		return t.tellDevices(ctx, u, device.locked, "block")
	case wipeDevices:
		return t.tellDevices(ctx, u, device.wiped, "admin_account_wipe")
	case exeunt.RemoveGroups:
		return t.removeGroups(ctx, u, seen)
	case exeunt.MoveToArchive:
		return t.patch(ctx, u, map[string]any{"orgUnitPath": t.ArchiveUnit, "includeInGlobalAddressList": false})
	default:
		return t.reclaimLicences(ctx, u, seen)
	}
}

// allowed refuses our own administrator, without whom nothing can be done or undone any more, and administrators of whom HR
// does not know: who approves the steps of privileged people was not asked.
func (t *tenant) allowed(u user, leaver exeunt.Leaver) error {
	for _, own := range u.addresses() {
		if strings.EqualFold(own, t.Delegate) {
			return exeunt.Errorf(exeunt.Denied, "this is the administrator for whom Exeunt acts at %s: name another as delegate first", name)
		}
	}
	if !u.SuperAdmin && !u.DelegatedAdmin || t.Privileged.Lets(leaver) {
		return nil
	}
	return t.Privileged.Refuse("the account is an administrator's")
}

func (t *tenant) undo(ctx context.Context, u user, action exeunt.Action, recorded map[string][]string) error {
	switch action {
	case exeunt.RemoveRoles:
		return t.regiveRoles(ctx, u, recorded)
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
