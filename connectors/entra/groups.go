package entra

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

const groupSelect = "id,displayName,mail,groupTypes,mailEnabled,securityEnabled,membershipRule,onPremisesSyncEnabled,isAssignableToRole,assignedLicenses"

type group struct {
	object
	Mail           string   `json:"mail"`
	Types          []string `json:"groupTypes"`
	MailEnabled    bool     `json:"mailEnabled"`
	Security       bool     `json:"securityEnabled"`
	MembershipRule string   `json:"membershipRule"`
	Synchronised   bool     `json:"onPremisesSyncEnabled"`
	RoleAssignable bool     `json:"isAssignableToRole"`
	Licences       []any    `json:"assignedLicenses"`
}

// standing of a membership: what is to be done about it.
type membership string

const (
	removable membership = "ours"     // Graph takes the account out
	licensing membership = "licence"  // likewise, when licences are reclaimed
	exchanges membership = "Exchange" // only Exchange Online PowerShell does
	ruled     membership = "dynamic"  // the group's rule decides
	sourced   membership = "from Active Directory"
)

// membership says who can end it. Source: learn.microsoft.com/graph/api/group-delete-members and resources/groups-overview.
func (g group) membership() membership {
	switch {
	case slices.Contains(g.Types, "DynamicMembership") || g.MembershipRule != "":
		return ruled
	case g.Synchronised:
		return sourced
	case g.MailEnabled && !slices.Contains(g.Types, "Unified"):
		return exchanges
	case len(g.Licences) > 0:
		return licensing
	}
	return removable
}

// in are the groups of some memberships.
func (l *look) in(which ...membership) []group {
	var out []group
	for _, g := range l.groups {
		if slices.Contains(which, g.membership()) {
			out = append(out, g)
		}
	}
	return out
}

// left names the groups that stay, with the reason.
func (l *look) left() []string {
	var out []string
	for _, g := range l.groups {
		switch m := g.membership(); m {
		case removable:
		case exchanges:
			out = append(out, g.Name+" (distribution list or mail-enabled security group)")
		case licensing:
			out = append(out, g.Name+" (gives a licence)")
		default:
			out = append(out, g.Name+" ("+string(m)+")")
		}
	}
	return out
}

// removeGroups takes the account out of the groups that the look before recorded, and of no others. What only Exchange can
// end is then named, with the commands.
func (t *tenant) removeGroups(ctx context.Context, l *look, with connector.Parameters) error {
	ours := slices.DeleteFunc(l.in(removable), func(g group) bool { return !recorded(with, "groups", g.ID) })
	err := connector.Each(ours, func(g group) string { return g.Name }, func(g group) error { return t.leave(ctx, g, l.user.ID) })
	left := l.in(exchanges)
	if len(left) == 0 || refusedAs(err, exeunt.Throttled, exeunt.Temporary, exeunt.Unauthorised) {
		return err
	}
	var commands []string
	for _, g := range left {
		commands = append(commands, "Remove-DistributionGroupMember -Identity "+shell(cmp.Or(g.Mail, g.Name))+" -Member "+shell(l.user.PrincipalName)+" -BypassSecurityGroupManagerCheck -Confirm:$false")
	}
	const why = "Microsoft Graph takes nobody out of distribution lists and mail-enabled security groups"
	if err == nil {
		return inExchange(why+"; the other groups are done", commands...)
	}
	return inExchange(why+"; "+exeunt.MessageOf(err), commands...)
}

// leave ends one membership. Without /$ref at its end, the address would be that of the user as reached through the group,
// and DELETE would delete the user (learn.microsoft.com/graph/api/group-delete-members). Graph answers 404 to who is no
// member, in the words of a group that is gone: the look that follows tells whether it is as it should be.
func (t *tenant) leave(ctx context.Context, g group, user string) error {
	_, err := t.send(ctx, http.MethodDelete, "/groups/"+g.ID+"/members/"+user+"/$ref", nil)
	if !refusedAs(err, exeunt.Denied) {
		return unless(err, exeunt.NotFound)
	}
	right := "GroupMember.ReadWrite.All"
	if g.RoleAssignable {
		right = "RoleManagement.ReadWrite.Directory, since the group gives administrator roles"
	}
	return exeunt.Errorf(exeunt.Denied, "%s does not let us take the account out of %s: grant our application %s; or do it by hand", name, g.Name, right).Because(err)
}

// joinGroups puts the account back into groups.
func (t *tenant) joinGroups(ctx context.Context, user string, snapshot map[string][]string) error {
	return connector.PutBack("groups", snapshot["groups"], snapshot["group_names"], func(id string) error {
		if !guid.MatchString(id) {
			return exeunt.Errorf(exeunt.Invalid, "%s has no group of this id", name)
		}
		_, err := t.send(ctx, http.MethodPost, "/groups/"+id+"/members/$ref", t.reference(user))
		return unless(err, exeunt.Conflict) // a member already
	})
}

// shell quotes a word for PowerShell.
func shell(word string) string { return "'" + strings.ReplaceAll(word, "'", "''") + "'" }

// unless forgives errors of some kinds.
func unless(err error, kinds ...exeunt.ErrorKind) error {
	if slices.Contains(kinds, exeunt.KindOf(err)) {
		return nil
	}
	return err
}

// recorded says whether the look before had it: what came in between was not recorded, and an undo would not know of it.
func recorded(with connector.Parameters, key, value string) bool {
	return with.Seen.At.IsZero() || slices.Contains(with.Seen.Snapshot[key], value)
}
