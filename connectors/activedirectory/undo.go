package activedirectory

import (
	"strconv"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/directory"
)

// undo puts back what an action took away, by what was recorded before it.
func (d *domain) undo(c *ldap.Conn, account exeunt.Account, u user, action exeunt.Action, recorded map[string][]string) error {
	switch action {
	case exeunt.Disable:
		return enable(c, account, u, recorded, time.Now())
	case exeunt.RemoveGroups:
		return joinGroups(c, account, u, recorded)
	default:
		for _, container := range recorded[takesContainer] {
			return directory.MoveBack(c, u.dn, d.ArchiveOU, container)
		}
		return nil
	}
}

// enable opens an account that was open.
func enable(c *ldap.Conn, account exeunt.Account, u user, recorded map[string][]string, now time.Time) error {
	control, expires := u.control, u.expires
	var taken error
	if len(recorded[takesEnabled]) > 0 {
		control &^= accountDisable
	}
	for _, was := range recorded[takesExpiry] {
		before, err := strconv.ParseInt(was, 10, 64)
		if err != nil {
			return exeunt.Errorf(exeunt.Internal, "the recorded accountExpires is no number").Because(err)
		}
		expires, taken = u.expiryAfterUndo(before, now)
	}
	if err := shut(c, account, u, control, expires); err != nil {
		return err
	}
	return taken
}
