package activedirectory

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// Relative identifiers of groups, which are the same in every language (MS-DTYP 2.4.2.4).
const (
	domainUsers    = 513
	domainGuests   = 514
	protectedUsers = 525
)

// privileges are the groups whose members are administrators of a kind, by their relative identifiers: those that the domain
// itself protects (MS-ADTS 3.1.1.6.1.1), and those who may change what those do. In a domain and in its BUILTIN.
var privileges = []uint32{
	512, 518, 519, // Domain, Schema and Enterprise Admins
	520,      // Group Policy Creator Owners
	526, 527, // Key Admins, Enterprise Key Admins
	protectedUsers,     // who is in there was put there for what they may do
	544, 548, 549, 550, // Administrators, Account, Server and Print Operators
	551, 552, // Backup Operators, Replicator
}

// group is one that an account is in.
type group struct {
	dn, name string
	rid      uint32
}

// privileged says whether its members are administrators of a kind.
func (g group) privileged() bool {
	return slices.Contains(privileges, g.rid) || strings.EqualFold(g.name, "DnsAdmins") // whose RID is as any other's
}

// ridOf is the relative identifier at the end of a SID (MS-DTYP 2.4.2.2); zero for what is none.
func ridOf(sid []byte) uint32 {
	if len(sid) < 12 {
		return 0
	}
	return binary.LittleEndian.Uint32(sid[len(sid)-4:])
}

// sidText writes a SID as S-1-5-… (MS-DTYP 2.4.2.1), with another relative identifier.
func sidText(sid []byte, rid string) string {
	if len(sid) < 12 || len(sid)%4 != 0 {
		return ""
	}
	out := fmt.Sprintf("S-%d-%d", sid[0], binary.BigEndian.Uint64(append([]byte{0, 0}, sid[2:8]...)))
	for part := sid[8 : len(sid)-4]; len(part) > 0; part = part[4:] {
		out += "-" + strconv.FormatUint(uint64(binary.LittleEndian.Uint32(part)), 10)
	}
	return out + "-" + rid
}

var shown = []string{"sAMAccountName", "objectSid"}

func groupOf(e *ldap.Entry) group {
	return group{dn: e.DN, name: e.GetAttributeValue("sAMAccountName"), rid: ridOf(e.GetRawAttributeValue("objectSid"))}
}

// ordinaryPrimary says whether the primary group is one that everybody has.
func (u user) ordinaryPrimary() bool {
	return slices.Contains([]string{"", strconv.Itoa(domainUsers), strconv.Itoa(domainGuests)}, u.primaryGroup)
}

// primary is the primary group of an account, which neither memberOf nor member shows; of which it is no member there.
func primary(c *ldap.Conn, u user, rid string) (group, error) {
	e, err := directory.Read(c, "<SID="+sidText(u.sid, rid)+">", shown...)
	if err != nil {
		return group{}, err
	}
	return groupOf(e), nil
}

// memberships are all the groups that an account is in, through groups, too: those that list it, those that it is in by
// another one, and its primary group where that is none that everybody has.
func (d *domain) memberships(c *ldap.Conn, u user) (direct, nested []group, err error) {
	through := []string{u.dn}
	var first []group
	if !u.ordinaryPrimary() {
		own, err := primary(c, u, u.primaryGroup)
		if err != nil {
			return nil, nil, err
		}
		through, first = append(through, own.dn), []group{own}
	}
	if len(u.groups)+len(first) == 0 {
		return nil, nil, nil
	}
	var filter strings.Builder
	for _, dn := range through {
		filter.WriteString("(member:" + inChain + ":=" + ldap.EscapeFilter(dn) + ")")
	}
	found, err := directory.Search(c, d.BaseDN, "(|"+filter.String()+")", shown...)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range found {
		if g := groupOf(e); slices.Contains(u.groups, g.dn) {
			direct = append(direct, g)
		} else if !slices.Contains(through, g.dn) {
			nested = append(nested, g)
		}
	}
	byName := func(a, b group) int { return strings.Compare(a.dn, b.dn) }
	slices.SortFunc(nested, byName)
	return append(first, direct...), nested, nil
}

// authority says in words what makes an account an administrator's; "" when nothing does.
func authority(u user, groups []group) string {
	var why []string
	for _, g := range groups {
		if g.privileged() {
			why = append(why, g.name)
		}
	}
	slices.Sort(why)
	switch {
	case len(why) > 0 && u.adminCount:
		return "is in " + strings.Join(why, ", ") + " (adminCount=1)"
	case len(why) > 0:
		return "is in " + strings.Join(why, ", ")
	case u.adminCount: // nobody takes the mark away when somebody is no administrator any more
		return "is or was in a group that the domain protects (adminCount=1)"
	}
	return ""
}

// allowed refuses accounts with an administrator's rights of which HR does not know.
func (d *domain) allowed(c *ldap.Conn, u user, leaver exeunt.Leaver) error {
	if d.Privileged.Lets(leaver) {
		return nil
	}
	direct, nested, err := d.memberships(c, u)
	if err != nil {
		return err
	}
	if has := authority(u, append(direct, nested...)); has != "" {
		return d.Privileged.Refuse("the account " + has)
	}
	return nil
}

// takenAway says of a right that we lack whether the domain itself takes it away. SDProp sets the rights to protected accounts to those
// of AdminSDHolder, once an hour (MS-ADTS 3.1.1.6.1.2).
func takenAway(u user, err error) error {
	if !u.adminCount || !directory.Is(err, ldap.LDAPResultInsufficientAccessRights) {
		return err
	}
	return exeunt.Errorf(exeunt.Denied, "our account may not do this to a protected account (adminCount=1): the domain sets the rights to it back to those of AdminSDHolder every hour (SDProp). Delegate the right on CN=AdminSDHolder,CN=System, or let an administrator do it by hand").Because(err)
}

// removeGroups goes through the groups, since memberOf itself cannot be written. A primary group is left by making another one
// that: the domain lists the account in the one before then, as in any other.
func (d *domain) removeGroups(c *ldap.Conn, account exeunt.Account, u user) error {
	if !u.ordinaryPrimary() {
		if err := setPrimary(c, account, u, strconv.Itoa(domainUsers)); err != nil {
			return err
		}
		after, err := read(c, account)
		if err != nil {
			return err
		}
		u = after
	}
	for _, group := range u.groups {
		if err := leave(c, group, u.dn); err != nil {
			return err
		}
	}
	return nil
}

// setPrimary makes a group the primary one; only who is a member may have it as that.
func setPrimary(c *ldap.Conn, account exeunt.Account, u user, rid string) error {
	to, err := primary(c, u, rid)
	if err != nil {
		return err
	}
	if err := join(c, to.dn, u.dn); err != nil {
		return err
	}
	m := ldap.NewModifyRequest(byGUID(account), nil)
	m.Replace("primaryGroupID", []string{rid})
	return c.Modify(m)
}

func leave(c *ldap.Conn, group, member string) error {
	m := ldap.NewModifyRequest(group, []ldap.Control{ldap.NewControlString(permissive, true, "")})
	m.Delete("member", []string{member})
	err := c.Modify(m)
	if err != nil && !left(c, group, member, err) {
		return err
	}
	return nil
}

// joinGroups makes an account a member again of what it was in, and its primary group what it was.
func joinGroups(c *ldap.Conn, account exeunt.Account, u user, recorded map[string][]string) error {
	back := connector.PutBack("groups", recorded[takesGroups], nil, func(group string) error { return join(c, group, u.dn) })
	for _, rid := range recorded[takesPrimaryGroup] {
		if rid == u.primaryGroup {
			continue
		}
		was, err := primary(c, u, u.primaryGroup)
		if err != nil {
			return err
		}
		if err := setPrimary(c, account, u, rid); err != nil {
			if directory.Is(err, ldap.LDAPResultNoSuchObject) {
				return exeunt.Errorf(exeunt.NotFound, "the primary group of the account (%s) is no longer there: Domain Users stays its primary group", rid).Because(err)
			}
			return err
		}
		if slices.Contains(recorded[takesGroups], was.dn) { // a member of it before, besides
			continue
		}
		if err := leave(c, was.dn, u.dn); err != nil {
			return err
		}
	}
	return back
}

// join makes an account a member of a group. One that is a member already is answered with 68 where
// the permissive control is not known, by Samba even with it.
func join(c *ldap.Conn, group, member string) error {
	m := ldap.NewModifyRequest(group, []ldap.Control{ldap.NewControlString(permissive, true, "")})
	m.Add("member", []string{member})
	err := c.Modify(m)
	if directory.Is(err, ldap.LDAPResultEntryAlreadyExists, ldap.LDAPResultAttributeOrValueExists) {
		return nil
	}
	return directory.Error(err)
}

// left says whether an account is out of a group although taking it out failed: somebody else was
// faster, or the group itself is gone.
func left(c *ldap.Conn, group, member string, err error) bool {
	if directory.Is(err, ldap.LDAPResultNoSuchObject) {
		return true
	}
	if !directory.Is(err, ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultNoSuchAttribute) {
		return false
	}
	found, err := c.Search(ldap.NewSearchRequest(group, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 0, false,
		"(member="+ldap.EscapeFilter(member)+")", []string{"1.1"}, nil))
	return err == nil && len(found.Entries) == 0
}
