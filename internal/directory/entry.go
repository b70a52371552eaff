package directory

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
)

// attributeName is RFC 4512 §1.4's descr.
var attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

// pageSize is below Active Directory's MaxPageSize of 1,000.
const pageSize = 500

// Matching is a filter for whoever has any of the keys, or "" when none has a value. Values are escaped as RFC 4515 §3
// has it.
func Matching(keys []exeunt.Key) string {
	var parts strings.Builder
	for _, k := range keys {
		if k.Value != "" {
			fmt.Fprintf(&parts, "(%s=%s)", k.Attribute, ldap.EscapeFilter(k.Value))
		}
	}
	if parts.Len() == 0 {
		return ""
	}
	return "(|" + parts.String() + ")"
}

// Named are the attributes of keys, and others beside them.
func Named(keys []exeunt.Key, others ...string) []string {
	var names []string
	for _, k := range keys {
		names = append(names, k.Attribute)
	}
	return Plus(names, others...)
}

// Plus are attributes and others beside them, each once.
func Plus(names []string, others ...string) []string {
	out := slices.Clone(others)
	for _, name := range names {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// Has are the values of an entry's attributes. What a directory calls an attribute may be spelled otherwise than we do.
func Has(e *ldap.Entry, attributes []string) map[string][]string {
	out := map[string][]string{}
	for _, name := range attributes {
		if values := e.GetEqualFoldAttributeValues(name); len(values) > 0 {
			out[name] = values
		}
	}
	return out
}

// Search returns every entry below base that the filter matches, in pages.
func Search(c *ldap.Conn, base, filter string, attributes ...string) ([]*ldap.Entry, error) {
	result, err := c.SearchWithPaging(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
		0, int(perCall.Seconds()), false, filter, attributes, nil), pageSize)
	if Is(err, ldap.LDAPResultNoSuchObject) { // of the base: not to be taken for a missing account
		return nil, exeunt.Errorf(exeunt.Invalid, "the directory has no %s, or hides it from us: check the settings that name it", base).Because(err)
	}
	if err != nil {
		return nil, err
	}
	return result.Entries, nil
}

// Read returns the entry of that name.
func Read(c *ldap.Conn, dn string, attributes ...string) (*ldap.Entry, error) {
	result, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases,
		1, int(perCall.Seconds()), false, "(objectClass=*)", attributes, nil))
	if err != nil {
		return nil, err
	}
	if len(result.Entries) != 1 {
		return nil, ldap.NewError(ldap.LDAPResultNoSuchObject, fmt.Errorf("%d entries", len(result.Entries)))
	}
	return result.Entries[0], nil
}

// ReadIf reads one entry by its name where it matches a filter; nil where it does not, or is not to be seen.
func ReadIf(c *ldap.Conn, dn, filter string, attributes ...string) (*ldap.Entry, error) {
	result, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, int(perCall.Seconds()), false, filter, attributes, nil))
	if err != nil || len(result.Entries) != 1 {
		if Is(err, ldap.LDAPResultNoSuchObject) {
			err = nil
		}
		return nil, err //nolint:nilnil // that it is not there is an answer
	}
	return result.Entries[0], nil
}

// Names are the distinguished names of the entries.
func Names(entries []*ldap.Entry) []string {
	var names []string
	for _, e := range entries {
		names = append(names, e.DN)
	}
	slices.Sort(names)
	return names
}

// Below says whether an entry lies somewhere below another, by their names.
func Below(dn, above string) bool {
	lower, err1 := ldap.ParseDN(dn)
	upper, err2 := ldap.ParseDN(above)
	return err1 == nil && err2 == nil && upper.AncestorOfFold(lower)
}

// Parent is the name of what an entry lies in, spelled as the server does: everything after the first
// comma that is not escaped (RFC 4514 §2.4).
func Parent(dn string) string {
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case ',':
			return dn[i+1:]
		}
	}
	return ""
}

// Move puts an entry into another container and keeps its name there.
func Move(c *ldap.Conn, dn, container string) error {
	if Below(dn, container) {
		return nil
	}
	parsed, err := ldap.ParseDN(dn)
	if err != nil || len(parsed.RDNs) == 0 {
		return exeunt.Errorf(exeunt.Internal, "the directory gave an entry a name that cannot be read").Because(err)
	}
	// Asked first, since a server may answer anything to a move into nowhere: Samba says 80.
	if _, err := Read(c, container, "1.1"); err != nil {
		if Is(err, ldap.LDAPResultNoSuchObject) {
			return exeunt.Errorf(exeunt.Invalid, "the directory has no %s, or hides it from us: check archive_ou", container).Because(err).In("archive_ou")
		}
		return err
	}
	err = c.ModifyDN(ldap.NewModifyDNRequest(dn, parsed.RDNs[0].String(), true, container))
	if Is(err, ldap.LDAPResultEntryAlreadyExists) {
		return exeunt.Errorf(exeunt.Conflict, "the archive holds an entry of that name already (68), perhaps of an earlier leaver: rename one of them").Because(err)
	}
	return err
}

// MoveBack puts an entry from the archive back into the container that it was moved from. One that
// somebody has moved elsewhere meanwhile stays there.
func MoveBack(c *ldap.Conn, dn, archive, container string) error {
	switch {
	case SameName(Parent(dn), container):
		return nil
	case !Below(dn, archive):
		return exeunt.Errorf(exeunt.Conflict, "the entry is no longer in the archive: somebody moved it to %s, so it was left there", Parent(dn))
	}
	parsed, err := ldap.ParseDN(dn)
	if err != nil || len(parsed.RDNs) == 0 {
		return exeunt.Errorf(exeunt.Internal, "the directory gave an entry a name that cannot be read").Because(err)
	}
	if _, err := Read(c, container, "1.1"); err != nil {
		if Is(err, ldap.LDAPResultNoSuchObject) {
			return exeunt.Errorf(exeunt.NotFound, "where the entry was, %s, is no longer there: move it by hand to what took its place", container).Because(err)
		}
		return err
	}
	err = c.ModifyDN(ldap.NewModifyDNRequest(dn, parsed.RDNs[0].String(), true, container))
	if Is(err, ldap.LDAPResultEntryAlreadyExists) {
		return exeunt.Errorf(exeunt.Conflict, "%s holds another entry of that name by now (68): rename one of them", container).Because(err)
	}
	return err
}

// Listed writes names as a person reads them, twenty at most: a fact is no archive.
func Listed(names []string) string {
	const most = 20
	if len(names) > most {
		return strings.Join(names[:most], "; ") + fmt.Sprintf("; and %d more", len(names)-most)
	}
	return strings.Join(names, "; ")
}

// SameName says whether two names are of one entry, however they are spelled.
func SameName(a, b string) bool {
	first, err1 := ldap.ParseDN(a)
	second, err2 := ldap.ParseDN(b)
	return err1 == nil && err2 == nil && first.EqualFold(second)
}
