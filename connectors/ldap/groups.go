package ldap

import (
	"context"
	"slices"
	"strconv"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// membership is one group that lists the person.
type membership struct{ dn, attribute, value string }

// groups finds every group that lists the person, from the groups' side: memberOf is an option of
// the server, and not kept everywhere.
func (d *ldapDirectory) groups(c *ldap.Conn, e *ldap.Entry) ([]membership, error) {
	var all []membership
	for _, attribute := range d.GroupAttributes {
		values := []string{e.DN}
		if byName[attribute] {
			values = e.GetAttributeValues("uid") // of which an entry may have several
		}
		for _, value := range values {
			found, err := directory.Search(c, d.GroupsBase, "("+attribute+"="+ldap.EscapeFilter(value)+")", "1.1")
			if err != nil {
				return nil, err
			}
			for _, dn := range directory.Names(found) {
				all = append(all, membership{dn, attribute, value})
			}
		}
	}
	return all, nil
}

func (d *ldapDirectory) removeGroups(c *ldap.Conn, e *ldap.Entry) error {
	groups, err := d.groups(c, e)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := d.leave(c, g); err != nil {
			return err
		}
	}
	return nil
}

// leave takes the person out of one group. That somebody else was faster is as good.
func (d *ldapDirectory) leave(c *ldap.Conn, g membership) error {
	m := ldap.NewModifyRequest(g.dn, nil)
	m.Delete(g.attribute, []string{g.value})
	err := c.Modify(m)
	switch {
	case directory.Is(err, ldap.LDAPResultNoSuchAttribute, ldap.LDAPResultNoSuchObject):
		return nil
	case directory.Is(err, ldap.LDAPResultObjectClassViolation):
		return d.leaveLast(c, g, err)
	}
	return err
}

// leaveLast handles the last member of a group: groupOfNames wants at least one (RFC 4519 §3.5).
func (d *ldapDirectory) leaveLast(c *ldap.Conn, g membership, cause error) error {
	if d.PlaceholderMember == "" {
		return exeunt.Errorf(exeunt.Conflict,
			"%s would be left without a member, which its schema forbids (65): give it another member, delete it, or set placeholder_member", g.dn).Because(cause)
	}
	m := ldap.NewModifyRequest(g.dn, nil)
	m.Add(g.attribute, []string{d.PlaceholderMember})
	m.Delete(g.attribute, []string{g.value})
	return c.Modify(m)
}

// deepest bounds how far groups are followed through groups: a directory may have circles.
const deepest = 16

// above are the groups in which groups are, through others, too: LDAP has no search that follows them (Active Directory's
// is its own). Only DNs nest: a memberUid names a login.
func (d *ldapDirectory) above(c *ldap.Conn, groups []string) (nested []string, err error) {
	seen := slices.Clone(groups)
	for range deepest {
		var found []string
		for _, group := range groups {
			in, err := d.listing(c, group)
			if err != nil {
				return nil, err
			}
			for _, dn := range in {
				if !slices.Contains(seen, dn) {
					seen, found = append(seen, dn), append(found, dn)
				}
			}
		}
		if len(found) == 0 {
			break
		}
		nested, groups = append(nested, found...), found
	}
	slices.Sort(nested)
	return nested, nil
}

// listing are the groups that list an entry by its DN.
func (d *ldapDirectory) listing(c *ldap.Conn, dn string) (names []string, err error) {
	for _, attribute := range d.GroupAttributes {
		if byName[attribute] {
			continue
		}
		found, err := directory.Search(c, d.GroupsBase, "("+attribute+"="+ldap.EscapeFilter(dn)+")", "1.1")
		if err != nil {
			return nil, err
		}
		names = append(names, directory.Names(found)...)
	}
	return names, nil
}

// primaryGroup is the group that an account is in by its gidNumber alone (RFC 2307 §5.3), which none lists; "" when there is none.
func (d *ldapDirectory) primaryGroup(c *ldap.Conn, e *ldap.Entry) (string, error) {
	gid := e.GetAttributeValue("gidNumber")
	if gid == "" {
		return "", nil
	}
	found, err := directory.Search(c, d.GroupsBase, "(&(objectClass=posixGroup)(gidNumber="+ldap.EscapeFilter(gid)+"))", "1.1")
	if err != nil || len(found) == 0 {
		return "", err
	}
	return directory.Names(found)[0], nil
}

// lookAtGroups tells what an account is in beside the groups that list it.
func (d *ldapDirectory) lookAtGroups(ctx context.Context, c *ldap.Conn, e *ldap.Entry, groups []membership, o *exeunt.Observation) error {
	if !connector.Looks(ctx, exeunt.RemoveGroups) {
		return nil
	}
	primary, err := d.primaryGroup(c, e)
	if err != nil {
		return err
	}
	if primary != "" {
		o.Facts["primary group"] = primary
	}
	nested, err := d.above(c, through(groups, primary))
	if err != nil {
		return err
	}
	o.Facts["nested groups"] = strconv.Itoa(len(nested))
	if len(nested) > 0 {
		o.Facts["in through other groups"] = directory.Listed(nested)
	}
	return nil
}

// through are the groups of an account, each once, its primary one among them.
func through(groups []membership, primary string) (names []string) {
	if primary != "" {
		names = append(names, primary)
	}
	for _, g := range groups {
		if !slices.Contains(names, g.dn) {
			names = append(names, g.dn)
		}
	}
	return names
}

// allowed refuses members of a privileged group of whom HR does not know.
func (d *ldapDirectory) allowed(c *ldap.Conn, e *ldap.Entry, leaver exeunt.Leaver) error {
	if len(d.PrivilegedGroups) == 0 || d.Privileged.Lets(leaver) {
		return nil
	}
	groups, err := d.groups(c, e)
	if err != nil {
		return err
	}
	primary, err := d.primaryGroup(c, e)
	if err != nil {
		return err
	}
	direct := through(groups, primary)
	nested, err := d.above(c, direct)
	if err != nil {
		return err
	}
	for _, dn := range append(direct, nested...) {
		if slices.ContainsFunc(d.PrivilegedGroups, func(p string) bool { return directory.SameName(p, dn) }) {
			return d.Privileged.Refuse("the account is in " + dn)
		}
	}
	return nil
}
