package activedirectory

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"strconv"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// permissive makes deleting a value that is not there a success (LDAP_SERVER_PERMISSIVE_MODIFY_OID,
// MS-ADTS 3.1.1.3.4.1.8). Without it Active Directory answers 53 to that, and Samba does even with it.
const permissive = "1.2.840.113556.1.4.1413"

// Apply implements connector.Connector.
func (d *domain) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if _, err := connector.Able("Active Directory with these settings", d.Specs(), action, with); err != nil {
		return err
	}
	return d.Do(ctx, func(c *ldap.Conn) error {
		u, err := read(c, account)
		if err != nil {
			return err
		}
		if with.Undo {
			return d.undo(c, account, u, action, with.Snapshot)
		}
		switch action {
		case exeunt.ResetPassword:
			return resetPassword(c, account, u)
		case exeunt.Disable:
			return disable(c, account, u)
		case exeunt.RemoveGroups:
			return removeGroups(c, u)
		default: // by name: ADSI too moves by name only
			return directory.Move(c, u.dn, d.ArchiveOU)
		}
	})
}

// disable sets one bit of userAccountControl and leaves the others as somebody may just have set
// them: the old value is deleted and the new one added in one request, which fails when it changed.
func disable(c *ldap.Conn, account exeunt.Account, u user) error {
	return swapControl(c, account, u.control, u.control|accountDisable)
}

func swapControl(c *ldap.Conn, account exeunt.Account, from, to int64) error {
	if from == to {
		return nil
	}
	m := ldap.NewModifyRequest(byGUID(account), nil)
	m.Delete("userAccountControl", []string{strconv.FormatInt(from, 10)})
	m.Add("userAccountControl", []string{strconv.FormatInt(to, 10)})
	return c.Modify(m)
}

// resetPassword sets two passwords in a row and sees that the directory dated them anew.
// Source of "twice": Microsoft, "Revoke user access in an emergency".
func resetPassword(c *ldap.Conn, account exeunt.Account, u user) error {
	for range 2 {
		m := ldap.NewModifyRequest(byGUID(account), nil)
		m.Replace("unicodePwd", []string{encode(unguessable())})
		if err := c.Modify(m); err != nil {
			return err
		}
	}
	after, err := read(c, account)
	if err != nil {
		return err
	}
	if after.passwordSet == u.passwordSet {
		return exeunt.Errorf(exeunt.Temporary, "Active Directory said that it set the password, but pwdLastSet has not moved")
	}
	return nil
}

// unguessable is a password of 260 random bits that satisfies complexity rules.
func unguessable() string { return rand.Text() + "-aZ9!" + rand.Text() }

// encode writes a password as unicodePwd wants it: in quotes, in UTF-16LE (MS-ADTS 3.1.1.3.1.5.1).
func encode(password string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(`"` + password + `"`)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return string(b)
}

// removeGroups goes through the groups, since memberOf itself cannot be written.
func removeGroups(c *ldap.Conn, u user) error {
	for _, group := range u.groups {
		m := ldap.NewModifyRequest(group, []ldap.Control{ldap.NewControlString(permissive, true, "")})
		m.Delete("member", []string{u.dn})
		err := c.Modify(m)
		if err != nil && !left(c, group, u.dn, err) {
			return err
		}
	}
	return nil
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
