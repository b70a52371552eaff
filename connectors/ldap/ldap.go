// Package ldap ends accounts in an LDAP directory: one with password policies (OpenLDAP's ppolicy overlay
// and those that follow draft-behera-ldap-password-policy), 389 Directory Server or FreeIPA.
//
// An account is an entry, known by its entryUUID (RFC 4530), or by what the settings name instead. What is done to it, in order:
//
//   - hand_over: the entries that name it as their owner are listed, for people
//   - remove_groups: out of every group that lists it, after its groups were recorded
//   - reset_password: userPassword is taken away, which a Compare proves without ever reading a hash
//   - disable: locked for good by pwdAccountLockedTime=000001010000Z or nsAccountLock=TRUE
//   - move_to_archive: into archive_ou, where one is configured
//
// The password goes before the lock. OpenLDAP unlocks an account silently when its password is set,
// even by the same request that locks it; taking the password away does not, so that an immediate
// departure locks first.
package ldap

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// groupKeys are the keys of the snapshot that hold groups, by how those list people.
var groupKeys = []string{"groups", "groups by uniqueMember", "groups by memberUid"}

func groupKey(attribute string) string {
	if attribute == "member" {
		return "groups"
	}
	return "groups by " + attribute
}

var actions = []exeunt.ActionSpec{
	{
		Action: exeunt.HandOver, Title: "Hand over what others depend on", Order: 5, Proof: exeunt.Observed, ByHand: true,
		Scopes: []string{"read owner of entries"},
		Caveat: "What names the person under owner, or what owner_attributes names. Services that run with the person's own account are not seen; nor is, once the entry was moved to the archive, what a server without referential integrity of these attributes still lists under the old name.",
	},
	{
		Action: exeunt.RemoveGroups, Title: "Remove from groups", Order: 10, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes:  groupKeys,
		Scopes: []string{"write member of groups"},
		Caveat: "Groups that are computed (dynlist, posix primary group) are not touched; the facts name the primary group." +
			" What the account is in through other groups goes with those. When it is put back, a placeholder member that took the leaver's place stays beside the leaver.",
	},
	{
		Action: exeunt.ResetPassword, Title: "Take the password away", Order: 20, Proof: exeunt.Observed, Repeatable: true,
		Scopes: []string{"write and compare userPassword"},
		Caveat: "The old password is not kept: a return needs a new one.",
	},
	{
		Action: exeunt.Disable, Title: "Lock account", Order: 30, Immediate: 1, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes:  []string{"enabled", "loginShell"},
		Scopes: []string{"write pwdAccountLockedTime, or what lock_attribute names"},
		Caveat: "A connection that was bound before stays open until the application or the server closes it. When it is put back, the account opens with whatever password it has then, never an older one. The lock by pwdAccountLockedTime counts only where the password policy has pwdLockout TRUE, and none counts for sign-in by SSH key or certificate.",
	},
}

var archive = exeunt.ActionSpec{
	Action: exeunt.MoveToArchive, Title: "Move to archive", Order: 40, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
	Takes:  []string{"container"},
	Scopes: []string{"write entry and children of both containers"},
}

// Kind is the LDAP directory.
func Kind() connector.Kind {
	return connector.Define("ldap", "LDAP directory", append(slices.Clone(actions), archive),
		func(s Settings, _ http.RoundTripper) (connector.Connector, error) {
			return &ldapDirectory{Settings: s.complete()}, nil
		})
}

// Knows are the attributes that match names, and any other that a rule names.
func (s Settings) Knows() connector.Knows {
	return connector.Knows{Attributes: connector.KnowsBy(s.complete().Match, nil), Any: true}
}

// Specs leaves out the archive where there is none.
func (s Settings) Specs() []exeunt.ActionSpec {
	if s.ArchiveOU == "" {
		return slices.Clone(actions)
	}
	return append(slices.Clone(actions), archive)
}

type ldapDirectory struct {
	Settings
	lists directory.Lists
}

// Find implements connector.Connector.
func (d *ldapDirectory) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	matching := directory.Matching(keys)
	if matching == "" {
		return nil, nil
	}
	var found []exeunt.Found
	err := d.Do(ctx, func(c *ldap.Conn) error {
		attributes := directory.Named(keys, d.IDAttribute, d.loginAttribute(), d.LockAttribute)
		entries, err := directory.Search(c, d.BaseDN, "(&"+d.UserFilter+matching+")", attributes...)
		if err == nil {
			found, err = d.found(entries, attributes)
		}
		return err
	})
	return found, err
}

// List implements connector.Lister.
func (d *ldapDirectory) List(ctx context.Context, cursor string, attributes []string) (connector.Page, error) {
	names := directory.Plus(attributes, d.IDAttribute, d.loginAttribute(), d.LockAttribute)
	entries, next, err := d.lists.Page(ctx, d.Settings.Settings, cursor, d.UserFilter, names)
	if err != nil {
		return connector.Page{}, err
	}
	found, err := d.found(entries, names)
	return connector.Page{Accounts: found, Next: next}, err
}

// found makes accounts of entries.
func (d *ldapDirectory) found(entries []*ldap.Entry, attributes []string) ([]exeunt.Found, error) {
	var out []exeunt.Found
	for _, e := range entries {
		id := e.GetEqualFoldAttributeValue(d.IDAttribute)
		if id == "" {
			return nil, exeunt.Errorf(exeunt.Denied, "the directory does not show us %s, by which accounts are kept apart: allow our account to read it, or name another in id_attribute", d.IDAttribute)
		}
		out = append(out, exeunt.Found{
			Account: exeunt.Account{ID: id, Login: d.login(e)}, Has: directory.Has(e, attributes),
			Closed: d.locked(e.GetAttributeValue(d.LockAttribute)),
		})
	}
	return out, nil
}

// Observe implements connector.Connector.
func (d *ldapDirectory) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	var o exeunt.Observation
	err := d.Do(ctx, func(c *ldap.Conn) error {
		e, err := d.entry(c, account)
		if err != nil {
			return err
		}
		groups, err := d.groups(c, e)
		if err != nil {
			return err
		}
		o = d.look(e, groups, password(c, e.DN))
		if err := d.lookAtOwned(ctx, c, e, o); err != nil {
			return err
		}
		return d.lookAtGroups(ctx, c, e, groups, &o)
	})
	return o, err
}

// look turns what was read into an observation.
func (d *ldapDirectory) look(e *ldap.Entry, groups []membership, password exeunt.Standing) exeunt.Observation {
	locked, shell := d.locked(e.GetAttributeValue(d.LockAttribute)), e.GetAttributeValue("loginShell")
	o := exeunt.Observation{
		At: time.Now().UTC(),
		Standing: map[exeunt.Action]exeunt.Standing{
			exeunt.Disable:       standing(locked && (!d.changesShell(shell) || shell == d.NoLoginShell)),
			exeunt.RemoveGroups:  standing(len(groups) == 0),
			exeunt.ResetPassword: password,
		},
		Facts: map[string]string{
			"dn": e.DN, d.LockAttribute: e.GetAttributeValue(d.LockAttribute), "groups": strconv.Itoa(len(groups)), "password taken away": string(password),
		},
		Snapshot: map[string][]string{},
	}
	if shell != "" {
		o.Facts["loginShell"] = shell
	}
	if d.changesShell(shell) && shell != d.NoLoginShell {
		o.Snapshot["loginShell"] = []string{shell}
	}
	if !locked {
		o.Snapshot["enabled"] = []string{"true"}
	}
	for _, g := range groups {
		key := groupKey(g.attribute)
		o.Snapshot[key] = append(o.Snapshot[key], g.dn)
	}
	if d.ArchiveOU != "" {
		archived := directory.Below(e.DN, d.ArchiveOU)
		o.Standing[exeunt.MoveToArchive] = standing(archived)
		if !archived {
			o.Snapshot["container"] = []string{directory.Parent(e.DN)}
		}
	}
	return o
}

// changesShell says whether disabling changes a person's shell: only where there is one.
func (d *ldapDirectory) changesShell(shell string) bool { return d.NoLoginShell != "" && shell != "" }

func standing(so bool) exeunt.Standing {
	if so {
		return exeunt.Holds
	}
	return exeunt.Absent
}

// password asks whether there is one, without reading it: a Compare with any value answers
// noSuchAttribute (16) when there is none, and insufficientAccess (50) when we may not know, which a
// search would show as absence. Source: RFC 4511 §4.10.
func password(c *ldap.Conn, dn string) exeunt.Standing {
	_, err := c.Compare(dn, "userPassword", "is there one?")
	switch {
	case err == nil:
		return exeunt.Absent
	case directory.Is(err, ldap.LDAPResultNoSuchAttribute):
		return exeunt.Holds
	}
	return exeunt.Unknown
}

// entry reads the account by what never changes of it, wherever it lies and whatever it is called by now.
func (d *ldapDirectory) entry(c *ldap.Conn, account exeunt.Account) (*ldap.Entry, error) {
	found, err := directory.Search(c, d.BaseDN, "("+d.IDAttribute+"="+ldap.EscapeFilter(account.ID)+")",
		d.loginAttribute(), d.LockAttribute, "loginShell", "uid", "gidNumber")
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, exeunt.Errorf(exeunt.NotFound, "the directory has no entry with %s %s any more", d.IDAttribute, account.ID)
	}
	return found[0], nil
}

func (d *ldapDirectory) loginAttribute() string {
	if attribute := d.Match[exeunt.Login]; attribute != "" {
		return attribute
	}
	return "uid"
}

// login is what people recognise the entry by.
func (d *ldapDirectory) login(e *ldap.Entry) string {
	if login := e.GetAttributeValue(d.loginAttribute()); login != "" {
		return login
	}
	return e.DN
}
