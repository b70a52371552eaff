package ldap

import (
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/directory"
)

// The attributes by which directories lock an account. Both are operational and closed for good until somebody takes them away.
const (
	behera   = "pwdAccountLockedTime" // draft-behera-ldap-password-policy-10 §5.3.3, where there is a policy
	netscape = "nsAccountLock"        // 389 Directory Server and FreeIPA: "TRUE" locks (Red Hat Directory Server, Administration Guide)
)

// lockedForGood is the value of pwdAccountLockedTime that no one but an administrator ends
// (draft-behera-ldap-password-policy-10 §5.3.3).
const lockedForGood = "000001010000Z"

// locked says whether a value of the lock attribute locks for good. A time that wrong passwords brought ends by itself.
func (s Settings) locked(value string) bool {
	if s.LockAttribute == netscape {
		return strings.EqualFold(value, "true")
	}
	return value == lockedForGood
}

// lockValue is what is written to lock.
func (s Settings) lockValue() string {
	if s.LockAttribute == netscape {
		return "TRUE"
	}
	return lockedForGood
}

func (d *ldapDirectory) lock(c *ldap.Conn, e *ldap.Entry) error {
	m := ldap.NewModifyRequest(e.DN, nil)
	m.Replace(d.LockAttribute, []string{d.lockValue()})
	if d.changesShell(e.GetAttributeValue("loginShell")) {
		m.Replace("loginShell", []string{d.NoLoginShell})
	}
	err := c.Modify(m)
	if directory.Is(err, ldap.LDAPResultUndefinedAttributeType) {
		return exeunt.Errorf(exeunt.Unsupported, "%s, or end the account by hand", d.lockless()).Because(err)
	}
	return err
}

// lockless says what to do where the directory does not know the attribute.
func (s Settings) lockless() string {
	if s.LockAttribute == netscape {
		return "the directory does not know nsAccountLock: set lock_attribute to pwdAccountLockedTime where it has password policies"
	}
	return "the directory has no password policy (it does not know pwdAccountLockedTime): load the ppolicy overlay, set lock_attribute to nsAccountLock where it is 389 Directory Server or FreeIPA"
}

// unlock takes the lock for good away, never one that wrong passwords brought, and gives back the shell
// where it is still the one that we set.
func (d *ldapDirectory) unlock(c *ldap.Conn, e *ldap.Entry, recorded map[string][]string) error {
	m := ldap.NewModifyRequest(e.DN, nil)
	if value := e.GetAttributeValue(d.LockAttribute); len(recorded["enabled"]) > 0 && d.locked(value) {
		m.Delete(d.LockAttribute, []string{value})
	}
	var taken error
	if was := recorded["loginShell"]; len(was) == 1 {
		switch is := e.GetAttributeValue("loginShell"); is {
		case was[0]:
		case d.NoLoginShell:
			m.Replace("loginShell", was)
		default:
			taken = exeunt.Errorf(exeunt.Conflict, "the login shell was %s and is %s by now: somebody changed it, so it was left as it is", was[0], is)
		}
	}
	if len(m.Changes) > 0 {
		if err := c.Modify(m); err != nil {
			return err
		}
	}
	return taken
}
