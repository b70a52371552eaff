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
		if err := d.allowed(c, e, with.Leaver); err != nil {
			return err
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
