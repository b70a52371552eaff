package google

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// part is what a look reads beside the account itself.
type part struct {
	of   exeunt.Action
	look func(ctx context.Context, u user, s *sight) error
}

func (t *tenant) parts() []part {
	return []part{
		{exeunt.RemoveRoles, t.lookAtRoles},
		{exeunt.SetAutoReply, t.lookAtReply},
		{exeunt.ResetFactors, t.lookAtFactors},
		{exeunt.RevokeTokens, t.lookAtAppPasswords},
		{exeunt.RevokeGrants, t.lookAtGrants},
		{exeunt.TransferData, t.lookAtTransfers},
		{exeunt.LockDevices, t.lookAtLocks},
		{wipeDevices, t.lookAtDevices},
		{exeunt.RemoveGroups, t.lookAtGroups},
		{exeunt.ReclaimLicence, t.lookAtLicences},
	}
}

// sight is what was seen so far.
type sight struct {
	mu sync.Mutex
	exeunt.Observation
}

// tell adds what was read for one action. Nothing is said of a standing that is not known.
func (s *sight) tell(action exeunt.Action, standing exeunt.Standing, facts map[string]string, snapshot map[string][]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if standing != exeunt.Unknown {
		s.Standing[action] = standing
	}
	maps.Copy(s.Facts, facts)
	maps.Copy(s.Snapshot, snapshot)
}

// moot tells that an action can no longer be done, and why that is of no consequence.
func (s *sight) moot(action exeunt.Action, why string, facts map[string]string) {
	s.tell(action, exeunt.Moot, facts, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Why[action] = why
}

// Observe reads the account by its id, and then side by side what it has.
func (t *tenant) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	u, err := t.account(ctx, account)
	if err != nil {
		return exeunt.Observation{}, err
	}
	s := &sight{Observation: exeunt.Observation{
		At: time.Now().UTC(), Standing: map[exeunt.Action]exeunt.Standing{}, Facts: map[string]string{}, Snapshot: map[string][]string{}, Why: map[exeunt.Action]string{},
	}}
	t.lookAtUser(u, s)
	parts := t.wanted(ctx)
	failed := make([]error, len(parts))
	var all sync.WaitGroup
	for i, p := range parts {
		all.Go(func() { failed[i] = t.lookAt(ctx, p, u, s) })
	}
	all.Wait()
	for _, err := range failed {
		if err != nil {
			return exeunt.Observation{}, err
		}
	}
	return s.Observation, nil
}

// wanted are the parts of the actions that the settings leave and that somebody wants to know of. A look at everything is
// some 15 requests, and a departure has two looks for each action.
func (t *tenant) wanted(ctx context.Context) []part {
	specs := t.Specs()
	return slices.DeleteFunc(t.parts(), func(p part) bool {
		return !connector.Looks(ctx, p.of) || !slices.ContainsFunc(specs, func(spec exeunt.ActionSpec) bool { return spec.Action == p.of })
	})
}

// lookAt reads one part. What we may not read leaves its action unknown and the others as they are: acting will say why.
func (t *tenant) lookAt(ctx context.Context, p part, u user, s *sight) error {
	err := scoped(p.look(ctx, u, s))
	if isKind(err, exeunt.Denied) {
		s.tell(p.of, exeunt.Unknown, map[string]string{string(p.of): "may not be read"}, nil)
		return nil
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
	if t.ArchiveUnit == "" {
		return
	}
	moved := u.OrgUnitPath == t.ArchiveUnit
	s.tell(exeunt.MoveToArchive, standing(moved && !u.Listed), nil, map[string][]string{
		"org_unit": when(!moved, u.OrgUnitPath), "listed": when(u.Listed, "true"),
	})
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
