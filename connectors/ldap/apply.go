package ldap

import (
	"context"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// Apply implements connector.Connector.
func (d *ldapDirectory) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if _, err := connector.Able("an LDAP directory with these settings", d.Specs(), action, with); err != nil {
		return err
	}
	return d.Do(ctx, func(c *ldap.Conn) error {
		e, err := d.entry(c, account)
		if err != nil {
			return err
		}
		if with.Undo {
			return d.undo(c, e, action, with.Snapshot)
		}
		switch action {
		case exeunt.RemoveGroups:
			return d.removeGroups(c, e)
		case exeunt.ResetPassword:
			return takePassword(c, e)
		case exeunt.Disable:
			return d.lock(c, e)
		default:
			return directory.Move(c, e.DN, d.ArchiveOU)
		}
	})
}

// takePassword removes every value. Replacing by none is no error when there is none.
func takePassword(c *ldap.Conn, e *ldap.Entry) error {
	m := ldap.NewModifyRequest(e.DN, nil)
	m.Replace("userPassword", nil)
	return c.Modify(m)
}

func (d *ldapDirectory) lock(c *ldap.Conn, e *ldap.Entry) error {
	m := ldap.NewModifyRequest(e.DN, nil)
	m.Replace("pwdAccountLockedTime", []string{lockedForGood})
	if d.changesShell(e.GetAttributeValue("loginShell")) {
		m.Replace("loginShell", []string{d.NoLoginShell})
	}
	err := c.Modify(m)
	if directory.Is(err, ldap.LDAPResultUndefinedAttributeType) {
		return exeunt.Errorf(exeunt.Unsupported, "the directory has no password policy (it does not know pwdAccountLockedTime): load the ppolicy overlay, or end the account by hand").Because(err)
	}
	return err
}

// membership is one group that lists the person.
type membership struct{ dn, attribute, value string }

// groups finds every group that lists the person, from the groups' side: memberOf is an option of
// the server, and not kept everywhere.
func (d *ldapDirectory) groups(c *ldap.Conn, e *ldap.Entry) ([]membership, error) {
	var all []membership
	for _, attribute := range d.GroupAttributes {
		value := e.DN
		if byName[attribute] {
			value = e.GetAttributeValue("uid")
		}
		if value == "" {
			continue
		}
		found, err := directory.Search(c, d.GroupsBase, "("+attribute+"="+ldap.EscapeFilter(value)+")", "1.1")
		if err != nil {
			return nil, err
		}
		for _, dn := range directory.Names(found) {
			all = append(all, membership{dn, attribute, value})
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
