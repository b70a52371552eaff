package ldap

import (
	"strconv"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// undo puts back what an action took away, by what was recorded before it.
func (d *ldapDirectory) undo(c *ldap.Conn, e *ldap.Entry, action exeunt.Action, recorded map[string][]string) error {
	switch action {
	case exeunt.RemoveGroups:
		return d.joinGroups(c, e, recorded)
	case exeunt.Disable:
		return d.unlock(c, e, recorded)
	default:
		for _, container := range recorded["container"] {
			return directory.MoveBack(c, e.DN, d.ArchiveOU, container)
		}
		return nil
	}
}

// joinGroups lists the person again wherever they were listed, by the same attribute.
func (d *ldapDirectory) joinGroups(c *ldap.Conn, e *ldap.Entry, recorded map[string][]string) error {
	var lists []membership
	var keys, names []string
	for _, attribute := range []string{"member", "uniqueMember", "memberUid"} {
		for _, group := range recorded[groupKey(attribute)] {
			m := membership{dn: group, attribute: attribute, value: e.DN}
			if byName[attribute] {
				m.value = e.GetAttributeValue("uid")
			}
			keys, lists, names = append(keys, strconv.Itoa(len(lists))), append(lists, m), append(names, group)
		}
	}
	return connector.PutBack("groups", keys, names, func(key string) error {
		i, _ := strconv.Atoi(key)
		return join(c, lists[i])
	})
}

// join lists the person in one group. That they are listed already is as good.
func join(c *ldap.Conn, g membership) error {
	m := ldap.NewModifyRequest(g.dn, nil)
	m.Add(g.attribute, []string{g.value})
	err := c.Modify(m)
	if directory.Is(err, ldap.LDAPResultAttributeOrValueExists) {
		return nil
	}
	return directory.Error(err)
}
