// Package activedirectory ends accounts in an Active Directory domain, over LDAPS or StartTLS.
//
// An account is a user object, known by its objectGUID, and always addressed as <GUID=…>: neither a
// renaming nor a move loses it. What is done to it, in order:
//
//   - reset_password: two random passwords, that nobody has seen, in a row
//   - disable: ACCOUNTDISABLE set by comparing and swapping userAccountControl
//   - remove_groups: out of every group of the forest that lists it, after they were recorded
//   - move_to_archive: into archive_ou, where one is configured
//
// There is no revoke_sessions: the directory has no call for it. What that means is the caveat of
// disable, for the evidence to show.
package activedirectory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// accountDisable is ADS_UF_ACCOUNT_DISABLE (MS-ADTS 2.2.16).
const accountDisable = 0x2

// inChain follows groups through groups (LDAP_MATCHING_RULE_IN_CHAIN, MS-ADTS 3.1.1.3.4.4.3).
const inChain = "1.2.840.113556.1.4.1941"

var actions = []exeunt.ActionSpec{
	{
		Action: exeunt.ResetPassword, Title: "Reset password", Order: 10, Proof: exeunt.Acknowledged, Repeatable: true,
		Scopes: []string{"Reset Password on users"},
		Caveat: "A password cannot be read back; that pwdLastSet moved was seen while it was reset. It is reset twice, since a domain controller accepts the one before for a while (NTLM).",
	},
	{
		Action: exeunt.Disable, Title: "Disable account", Order: 20, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes:  []string{"enabled"},
		Scopes: []string{"Write userAccountControl on users"},
		Caveat: "Kerberos tickets that were issued before live up to 10 h, a connection that was bound before stays open, and a laptop off the network lets in by cached credentials. Other domain controllers learn of it by replication. When it is put back, the account opens with whatever password it has then, never an older one.",
	},
	{
		Action: exeunt.RemoveGroups, Title: "Remove from groups", Order: 30, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes:  []string{"groups"},
		Scopes: []string{"Write Members on groups"},
		Caveat: "The primary group, usually Domain Users, stays: an account must have one. Groups of other forests are not seen.",
	},
}

var archive = exeunt.ActionSpec{
	Action: exeunt.MoveToArchive, Title: "Move to archive OU", Order: 40, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
	Takes:  []string{"container"},
	Scopes: []string{"Create and Delete user objects in both OUs"},
	Caveat: "Out of the scope of Entra Connect, the move soft-deletes the account in the cloud.",
}

// Kind is Active Directory.
func Kind() connector.Kind {
	return connector.Define("activedirectory", "Active Directory", append(slices.Clone(actions), archive),
		func(s Settings, _ http.RoundTripper) (connector.Connector, error) {
			return &domain{Settings: s.complete()}, nil
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

type domain struct {
	Settings
	lists directory.Lists
}

// Find implements connector.Connector. An address is also looked for among the other ones that Exchange keeps in
// proxyAddresses.
func (d *domain) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	for _, k := range keys {
		if k.Attribute == mail && k.Value != "" {
			keys = append(slices.Clone(keys), exeunt.Key{Attribute: proxies, Value: proxyPrefix + k.Value})
		}
	}
	matching := directory.Matching(keys)
	if matching == "" {
		return nil, nil
	}
	var out []exeunt.Found
	err := d.Do(ctx, func(c *ldap.Conn) error {
		attributes := directory.Named(keys, "objectGUID", "sAMAccountName", "userAccountControl", proxies)
		entries, err := directory.Search(c, d.BaseDN, "(&"+people+matching+")", attributes...)
		if err == nil {
			out, err = found(entries, attributes)
		}
		return err
	})
	return out, err
}

// List implements connector.Lister.
func (d *domain) List(ctx context.Context, cursor string, attributes []string) (connector.Page, error) {
	names := directory.Plus(attributes, "objectGUID", "sAMAccountName", "userAccountControl", proxies)
	entries, next, err := d.lists.Page(ctx, d.Settings.Settings, cursor, "(&"+people+")", names)
	if err != nil {
		return connector.Page{}, err
	}
	accounts, err := found(entries, names)
	return connector.Page{Accounts: accounts, Next: next}, err
}

// people is the filter for accounts of people.
const people = "(objectCategory=person)(objectClass=user)"

// Exchange keeps further addresses beside the one in mail; each begins with its kind of address.
const (
	mail        = "mail"
	proxies     = "proxyAddresses"
	proxyPrefix = "smtp:"
)

// found makes accounts of entries.
func found(entries []*ldap.Entry, attributes []string) ([]exeunt.Found, error) {
	var out []exeunt.Found
	for _, e := range entries {
		id, err := guid(e.GetRawAttributeValue("objectGUID"))
		if err != nil {
			return nil, err
		}
		has := directory.Has(e, attributes)
		for _, proxy := range has[proxies] {
			if len(proxy) > len(proxyPrefix) && strings.EqualFold(proxy[:len(proxyPrefix)], proxyPrefix) {
				has[mail] = append(has[mail], proxy[len(proxyPrefix):])
			}
		}
		delete(has, proxies)
		delete(has, "objectGUID")
		control, _ := strconv.ParseInt(e.GetAttributeValue("userAccountControl"), 10, 64) // hidden from us: not known to be closed
		out = append(out, exeunt.Found{Account: exeunt.Account{ID: id, Login: e.GetAttributeValue("sAMAccountName")}, Has: has, Closed: control&accountDisable != 0})
	}
	return out, nil
}

// Observe implements connector.Connector.
func (d *domain) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	var o exeunt.Observation
	err := d.Do(ctx, func(c *ldap.Conn) error {
		u, err := read(c, account)
		if err != nil {
			return err
		}
		o = d.look(u)
		if len(u.groups) == 0 {
			return nil
		}
		nested, err := directory.Search(c, d.BaseDN, "(member:"+inChain+":="+ldap.EscapeFilter(u.dn)+")", "1.1")
		if err != nil {
			return err
		}
		indirect := slices.DeleteFunc(directory.Names(nested), func(dn string) bool { return slices.Contains(u.groups, dn) })
		o.Facts["nested groups"] = strconv.Itoa(len(indirect))
		return nil
	})
	return o, err
}

// look turns what was read into an observation.
func (d *domain) look(u user) exeunt.Observation {
	o := exeunt.Observation{
		At: time.Now().UTC(),
		Standing: map[exeunt.Action]exeunt.Standing{
			exeunt.Disable:      standing(u.control&accountDisable != 0),
			exeunt.RemoveGroups: standing(len(u.groups) == 0),
		},
		Facts: map[string]string{
			"dn": u.dn, "userAccountControl": strconv.FormatInt(u.control, 10), "pwdLastSet": u.passwordSet,
			"groups": strconv.Itoa(len(u.groups)), "primaryGroupID": u.primaryGroup, "whenChanged": u.changed,
		},
		Snapshot: map[string][]string{},
	}
	if u.protected {
		o.Facts["adminCount"] = "1" // AdminSDHolder takes delegated rights away from such accounts
	}
	if u.control&accountDisable == 0 {
		o.Snapshot["enabled"] = []string{"true"}
	}
	if len(u.groups) > 0 {
		o.Snapshot["groups"] = u.groups
	}
	if d.ArchiveOU != "" {
		archived := directory.Below(u.dn, d.ArchiveOU)
		o.Standing[exeunt.MoveToArchive] = standing(archived)
		if !archived {
			o.Snapshot["container"] = []string{directory.Parent(u.dn)}
		}
	}
	return o
}

func standing(so bool) exeunt.Standing {
	if so {
		return exeunt.Holds
	}
	return exeunt.Absent
}

// user is what is read of an account.
type user struct {
	dn           string
	control      int64
	groups       []string
	primaryGroup string
	passwordSet  string // FILETIME: 100 ns since 1601
	changed      string
	protected    bool
}

// read reads the account by its GUID, from the domain controller that is written to.
func read(c *ldap.Conn, account exeunt.Account) (user, error) {
	e, err := directory.Read(c, byGUID(account),
		"userAccountControl", "memberOf", "primaryGroupID", "pwdLastSet", "whenChanged", "adminCount")
	if directory.Is(err, ldap.LDAPResultNoSuchObject) {
		return user{}, exeunt.Errorf(exeunt.NotFound, "Active Directory has no object with GUID %s any more", account.ID).Because(err)
	}
	if err != nil {
		return user{}, err
	}
	control, err := strconv.ParseInt(e.GetAttributeValue("userAccountControl"), 10, 64)
	if err != nil {
		return user{}, exeunt.Errorf(exeunt.Denied, "Active Directory does not show us userAccountControl: allow our account to read it").Because(err)
	}
	groups, err := everyValue(c, account, e, "memberOf")
	slices.Sort(groups)
	return user{
		dn: e.DN, control: control, groups: groups, primaryGroup: e.GetAttributeValue("primaryGroupID"),
		passwordSet: e.GetAttributeValue("pwdLastSet"), changed: e.GetAttributeValue("whenChanged"),
		protected: e.GetAttributeValue("adminCount") == "1",
	}, err
}

// everyValue reads on where the server gave only a range: "memberOf;range=0-1499" stands for the
// first 1,500 of more, and ends with "*" (MS-ADTS 3.1.1.3.1.3.3).
func everyValue(c *ldap.Conn, account exeunt.Account, e *ldap.Entry, attribute string) ([]string, error) {
	values, next := piece(e, attribute)
	for next > 0 {
		more, err := directory.Read(c, byGUID(account), fmt.Sprintf("%s;range=%d-*", attribute, next))
		if err != nil {
			return nil, err
		}
		var added []string
		before := next
		added, next = piece(more, attribute)
		if len(added) == 0 || (next > 0 && next <= before) {
			return nil, exeunt.Errorf(exeunt.Temporary, "Active Directory gave only %d values of %s and not the rest", len(values), attribute)
		}
		values = append(values, added...)
	}
	return values, nil
}

// piece returns the values of an attribute and where the next piece begins; zero when there is none.
func piece(e *ldap.Entry, attribute string) (values []string, next int) {
	for _, a := range e.Attributes {
		name, option, ranged := strings.Cut(a.Name, ";range=")
		if !strings.EqualFold(name, attribute) || (len(a.Values) == 0 && !ranged) {
			continue
		}
		if !ranged {
			return a.Values, 0
		}
		if _, last, _ := strings.Cut(option, "-"); last != "*" {
			if n, err := strconv.Atoi(last); err == nil {
				return a.Values, n + 1
			}
		}
		return a.Values, 0
	}
	return nil, 0
}

// byGUID is the account as the base of a search or the object of a modification
// (MS-ADTS 3.1.1.3.1.2.4).
func byGUID(account exeunt.Account) string { return "<GUID=" + account.ID + ">" }

// guid writes an objectGUID as Microsoft's tools do: the first three groups are little-endian
// (MS-DTYP 2.3.4).
func guid(b []byte) (string, error) {
	if len(b) != 16 {
		return "", exeunt.Errorf(exeunt.Denied, "Active Directory does not show us objectGUID, by which accounts are kept apart").Because(errors.New("wrong length"))
	}
	return fmt.Sprintf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%x-%x", b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8:10], b[10:16]), nil
}
