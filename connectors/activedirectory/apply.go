package activedirectory

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"strconv"
	"time"
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
			return takenAway(u, d.undo(c, account, u, action, with.Snapshot))
		}
		if err := d.allowed(c, u, with.Leaver); err != nil {
			return err
		}
		return takenAway(u, d.act(c, account, u, action))
	})
}

func (d *domain) act(c *ldap.Conn, account exeunt.Account, u user, action exeunt.Action) error {
	switch action {
	case exeunt.ResetPassword:
		return resetPassword(c, account, u)
	case exeunt.Disable:
		return d.disable(c, account, u, time.Now())
	case exeunt.RemoveGroups:
		return d.removeGroups(c, account, u)
	default: // by name: ADSI too moves by name only
		return directory.Move(c, u.dn, d.ArchiveOU)
	}
}

// disable sets one bit of userAccountControl and leaves the others as somebody may just have set
// them: the old value is deleted and the new one added in one request, which fails when it changed.
func (d *domain) disable(c *ldap.Conn, account exeunt.Account, u user, now time.Time) error {
	expires := u.expires
	if d.SetExpiry && !u.expired(now) {
		expires = filetime(now)
	}
	return shut(c, account, u, u.control|accountDisable, expires)
}

// shut sets what decides whether an account is open, in one request.
func shut(c *ldap.Conn, account exeunt.Account, u user, control, expires int64) error {
	m := ldap.NewModifyRequest(byGUID(account), nil)
	if control != u.control {
		m.Delete("userAccountControl", []string{strconv.FormatInt(u.control, 10)})
		m.Add("userAccountControl", []string{strconv.FormatInt(control, 10)})
	}
	if expires != u.expires {
		m.Replace("accountExpires", []string{strconv.FormatInt(expires, 10)})
	}
	if len(m.Changes) == 0 {
		return nil
	}
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
