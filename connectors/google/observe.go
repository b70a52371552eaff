package google

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// part is what a look reads beside the account itself, for one action or more.
type part struct {
	of   []exeunt.Action
	look func(ctx context.Context, u user, s *sight) error
}

func (t *tenant) parts() []part {
	of := func(actions ...exeunt.Action) []exeunt.Action { return actions }
	return []part{
		{of(exeunt.RemoveRoles), t.lookAtRoles},
		{of(exeunt.SetAutoReply), t.lookAtReply},
		{of(exeunt.ResetFactors), t.lookAtFactors},
		{of(exeunt.RevokeTokens), t.lookAtAppPasswords},
		{of(exeunt.RevokeGrants), t.lookAtGrants},
		{of(exeunt.TransferData), t.lookAtTransfers},
		{of(exeunt.LockDevices, wipeDevices), t.lookAtMobiles},
		{of(exeunt.RemoveGroups, exeunt.HandOver), t.lookAtGroups},
		{of(exeunt.ReclaimLicence), t.lookAtLicences},
	}
}

// Observe reads the account by its id, and then side by side what it has.
func (t *tenant) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	s, err := t.look(ctx, account, func(action exeunt.Action) bool { return connector.Looks(ctx, action) })
	if err != nil {
		return exeunt.Observation{}, err
	}
	t.recent.keep(account.ID, s)
	return s.Observation, nil
}

// look reads what somebody wants to know.
func (t *tenant) look(ctx context.Context, account exeunt.Account, wants func(exeunt.Action) bool) (*sight, error) {
	u, err := t.account(ctx, account)
	if err != nil {
		return nil, err
	}
	s := t.newSight(u, wants)
	if u.Deletion != "" {
		t.lookAtDeleted(u, s)
		return s, nil
	}
	t.lookAtUser(u, s)
	parts := t.wanted(s)
	failed := make([]error, len(parts))
	var all sync.WaitGroup
	for i, p := range parts {
		all.Go(func() { failed[i] = t.lookAt(ctx, p, u, s) })
	}
	all.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// wanted are the parts of the actions that the settings leave and that somebody wants to know of. A look at everything is
// some 15 requests, and a departure has two looks for each action.
func (t *tenant) wanted(s *sight) []part {
	return slices.DeleteFunc(t.parts(), func(p part) bool {
		return !slices.ContainsFunc(p.of, func(action exeunt.Action) bool { return s.looked[action] })
	})
}

// lookAt reads one part. What we may not read leaves its actions unknown and the others as they are: acting will say why.
func (t *tenant) lookAt(ctx context.Context, p part, u user, s *sight) error {
	err := scoped(p.look(ctx, u, s))
	switch {
	case isKind(err, exeunt.Denied):
		for _, action := range p.of {
			s.refuse(action, err)
		}
		return nil
	case isKind(err, exeunt.NotFound):
		// The account was read a moment ago: it is not gone, the list does not know of it yet or just now.
		return exeunt.Errorf(exeunt.Temporary, "%s has the account, and does not find what belongs to it", name).Because(err)
	}
	return err
}

// lookAtUser tells what the account itself says.
func (t *tenant) lookAtUser(u user, s *sight) {
	facts := map[string]string{"suspended": strconv.FormatBool(u.Suspended), "orgUnitPath": u.OrgUnitPath}
	for fact, value := range map[string]string{"suspensionReason": u.SuspensionReason, "lastLoginTime": u.LastLogin} {
		if value != "" {
			facts[fact] = value
		}
	}
	if u.Archived {
		facts["archived"] = "true"
	}
	switch {
	case u.SuperAdmin:
		facts["administrator"] = "super administrator"
	case u.DelegatedAdmin:
		facts["administrator"] = "delegated"
	}
	s.tell(exeunt.Disable, standing(u.closed()), facts, map[string][]string{"enabled": when(!u.closed(), "true")})
	if _, refused := t.signedOut.Load(u.ID); refused && u.Suspended {
		s.moot(exeunt.RevokeSessions, "the account is suspended, which ends its sessions: Google signs nobody out beside that", nil)
	}
	if t.ArchiveUnit == "" {
		return
	}
	moved := u.OrgUnitPath == t.ArchiveUnit
	s.tell(exeunt.MoveToArchive, standing(moved && !u.Listed), nil, map[string][]string{
		"org_unit": when(!moved, u.OrgUnitPath), "listed": when(u.Listed, "true"),
	})
}

// lookAtDeleted tells of an account that somebody deleted, which is kept for 20 days in which it can be restored.
// Source: developers.google.com/workspace/admin/directory/v1/guides/manage-users#undelete_user.
func (t *tenant) lookAtDeleted(u user, s *sight) {
	facts := map[string]string{"deleted": u.Deletion}
	for _, spec := range t.Specs() {
		switch spec.Action {
		case exeunt.Disable:
			s.tell(spec.Action, exeunt.Holds, facts, nil)
		case exeunt.HandOver: // it is not told any more of what
		case exeunt.TransferData:
			s.refuse(spec.Action, exeunt.Errorf(exeunt.Denied, "the account was deleted at %s, and its data goes with it 20 days later: restore it in the Admin console before, and hand the data over", name))
		default:
			s.moot(spec.Action, "the account was deleted, and lets nobody in", facts)
		}
	}
}

func standing(holds bool) exeunt.Standing {
	if holds {
		return exeunt.Holds
	}
	return exeunt.Absent
}

// when is a list of the one value, or none.
func when(so bool, value string) []string {
	if so {
		return []string{value}
	}
	return []string{}
}

// counted writes how many there are, and which, where they have names.
func counted(names []string) string {
	if len(names) == 0 {
		return "0"
	}
	return strconv.Itoa(len(names)) + ": " + strings.Join(names, ", ")
}
