package activedirectory

import (
	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// undo puts back what an action took away, by what was recorded before it.
func (d *domain) undo(c *ldap.Conn, account exeunt.Account, u user, action exeunt.Action, recorded map[string][]string) error {
	switch action {
	case exeunt.Disable:
		if len(recorded["enabled"]) == 0 {
			return nil
		}
		return swapControl(c, account, u.control, u.control&^accountDisable)
	case exeunt.RemoveGroups:
		return connector.PutBack("groups", recorded["groups"], nil, func(group string) error { return join(c, group, u.dn) })
	default:
		for _, container := range recorded["container"] {
			return directory.MoveBack(c, u.dn, d.ArchiveOU, container)
		}
		return nil
	}
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
