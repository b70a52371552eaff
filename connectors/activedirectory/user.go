package activedirectory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/directory"
)

// user is what is read of an account.
type user struct {
	dn           string
	sid          []byte
	control      int64
	controlSet   time.Time // when userAccountControl was last changed, or later; zero when it is not told
	expires      int64     // FILETIME: 100 ns since 1601; see expired
	groups       []string
	primaryGroup string // its RID
	passwordSet  string // FILETIME
	changed      string
	adminCount   bool
	policy, silo string // DNs of what limits the life of tickets
}

// read reads the account by its GUID, from the domain controller that is written to.
func read(c *ldap.Conn, account exeunt.Account) (user, error) {
	e, err := directory.Read(c, byGUID(account),
		"objectSid", "userAccountControl", "replPropertyMetaData", "accountExpires", "memberOf", "primaryGroupID", "pwdLastSet",
		"whenChanged", "adminCount", "msDS-AssignedAuthNPolicy", "msDS-AssignedAuthNPolicySilo")
	if directory.Is(err, ldap.LDAPResultNoSuchObject) {
		return user{}, gone(c, account, err)
	}
	if err != nil {
		return user{}, err
	}
	control, err := strconv.ParseInt(e.GetAttributeValue("userAccountControl"), 10, 64)
	if err != nil {
		return user{}, exeunt.Errorf(exeunt.Denied, "Active Directory does not show us userAccountControl: allow our account to read it").Because(err)
	}
	groups, err := everyValue(c, account, e, "memberOf")
	if err != nil {
		return user{}, err
	}
	slices.Sort(groups)
	expires, _ := strconv.ParseInt(e.GetAttributeValue("accountExpires"), 10, 64) // not there: never
	u := user{
		dn: e.DN, sid: e.GetRawAttributeValue("objectSid"), control: control, expires: expires,
		groups: groups, primaryGroup: e.GetAttributeValue("primaryGroupID"),
		passwordSet: e.GetAttributeValue("pwdLastSet"), changed: e.GetAttributeValue("whenChanged"),
		adminCount: e.GetAttributeValue("adminCount") == "1",
		policy:     e.GetAttributeValue("msDS-AssignedAuthNPolicy"), silo: e.GetAttributeValue("msDS-AssignedAuthNPolicySilo"),
		controlSet: changedAt(e.GetRawAttributeValue("replPropertyMetaData"), userAccountControl),
	}
	if u.controlSet.IsZero() { // any change moves whenChanged, so that it is never too early
		u.controlSet, _ = time.Parse(generalizedTime, u.changed)
	}
	return u, nil
}

// disabled says whether nobody can sign in with the account by its ACCOUNTDISABLE bit.
func (u user) disabled() bool { return u.control&accountDisable != 0 }

// generalizedTime is how Active Directory writes moments (MS-ADTS 3.1.1.2.2.2.11).
const generalizedTime = "20060102150405.0Z"

// gone says of an account that cannot be read whether it was deleted, and where it is then.
func gone(c *ldap.Conn, account exeunt.Account, cause error) error {
	not := exeunt.Errorf(exeunt.NotFound, "Active Directory has no object with GUID %s any more", account.ID).Because(cause)
	// A deleted object keeps its GUID for the lifetime of deleted objects, 180 days where nobody changed it (MS-ADTS 3.1.1.5.5).
	// It is shown to whoever asks with this control and may read the container Deleted Objects.
	found, err := c.Search(ldap.NewSearchRequest(byGUID(account), ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 0, false, "(isDeleted=TRUE)",
		[]string{"whenChanged", "lastKnownParent", "isRecycled"}, []ldap.Control{ldap.NewControlString(ldap.ControlTypeMicrosoftShowDeleted, true, "")}))
	if err != nil || len(found.Entries) != 1 {
		return not
	}
	e := found.Entries[0]
	when := ""
	if at, err := time.Parse(generalizedTime, e.GetAttributeValue("whenChanged")); err == nil {
		when = ", by " + at.Format(time.RFC3339)
	}
	remedy := "it can be put back from the recycle bin"
	if e.GetAttributeValue("isRecycled") == "TRUE" {
		remedy = "it cannot be put back as it was"
	}
	return exeunt.Errorf(exeunt.NotFound, "the account was deleted in Active Directory%s; it lay in %s. Nobody can sign in with it, and %s: see who deleted it, and that what it held is taken over",
		when, e.GetAttributeValue("lastKnownParent"), remedy).Because(cause)
}

// userAccountControl is the attribute of that name in the metadata of replication: 1.2.840.113556.1.4.8, of whose prefix
// every domain's number is 9 (MS-DRSR 5.16.4, MS-ADTS 3.1.1.2.6).
const userAccountControl = 0x0009_0008

// changedAt is when an attribute was last changed, on whichever domain controller, by the metadata that a domain keeps to
// replicate it; zero when it does not tell. Layout: replPropertyMetaData, as
// Samba's drsblobs.idl has it: a version, 4 bytes, a
// count and 4 bytes, then 48 bytes for each attribute: its number, its version, the second since 1601, and three that say where.
func changedAt(metadata []byte, attribute uint32) time.Time {
	const head, each = 16, 48
	if len(metadata) < head || binary.LittleEndian.Uint32(metadata) != 1 {
		return time.Time{}
	}
	count := binary.LittleEndian.Uint32(metadata[8:])
	for rest := metadata[head:]; count > 0 && len(rest) >= each; rest, count = rest[each:], count-1 {
		if binary.LittleEndian.Uint32(rest) == attribute {
			seconds := binary.LittleEndian.Uint64(rest[8:])
			return fromFiletime(int64(seconds) * 1e7)
		}
	}
	return time.Time{}
}

// since1601 is how many units of 100 ns lie between 1601 and 1970 (MS-DTYP 2.3.3).
const since1601 = 116_444_736_000_000_000

func fromFiletime(t int64) time.Time {
	t -= since1601
	return time.Unix(t/1e7, t%1e7*100).UTC()
}

func filetime(t time.Time) int64 { return t.Unix()*1e7 + since1601 }

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
