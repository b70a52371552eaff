package directory

import (
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// First is one entry below base that the filter matches; nil when none is seen.
func First(c *ldap.Conn, base, filter string, attributes ...string) (*ldap.Entry, error) {
	result, err := c.Search(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 1, int(perCall.Seconds()), false, filter, attributes, nil))
	switch {
	case Is(err, ldap.LDAPResultSizeLimitExceeded): // there are more: RFC 4511 §4.5.1.4
	case Is(err, ldap.LDAPResultNoSuchObject):
		return nil, exeunt.Errorf(exeunt.Invalid, "the directory has no %s, or hides it from us", base).Because(err)
	case err != nil:
		return nil, err
	}
	if result == nil || len(result.Entries) == 0 {
		return nil, nil //nolint:nilnil // nobody is an answer
	}
	return result.Entries[0], nil
}

// Container says whether a container that a setting names is there.
func Container(c *ldap.Conn, setting, dn string) (connector.Right, error) {
	_, err := Read(c, dn, "1.1")
	right, err := connector.Tried("see "+setting, "make "+dn+", or correct "+setting, Error(err), exeunt.MoveToArchive)
	if right.State == connector.Lacking {
		right.Why = "the directory has no " + dn + ", or hides it from us"
	}
	return right, err
}

// ListsName says whether a list of names of attributes or classes has one, however it is spelled.
func ListsName(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// People are those below base_dn, of whom an attribute must be seen for a reason; settings are what decides who is found.
type People struct{ Base, Filter, Attribute, Why, Settings string }

// ReadsPeople says whether the reader, who is bound, sees people and the attribute that everything else needs.
func ReadsPeople(c *ldap.Conn, reader string, p People) (connector.Right, error) {
	right := connector.Right{Name: "read people and their " + p.Attribute + " below base_dn", State: connector.Lacking}
	e, err := First(c, p.Base, p.Filter, p.Attribute)
	switch {
	case exeunt.KindOf(Error(err)) == exeunt.Invalid:
		return connector.Tried(right.Name, "correct base_dn, or let "+reader+" read it", Error(err))
	case err != nil:
		return right, err
	case e == nil:
		right.Why, right.Remedy = "nobody is found below "+p.Base, "correct "+p.Settings+", or let "+reader+" read people"
	case e.GetEqualFoldAttributeValue(p.Attribute) == "":
		right.Why, right.Remedy = "the directory does not show us "+p.Attribute+", by which "+p.Why, "let "+reader+" read it"
	default:
		right.State = connector.Granted
	}
	return right, nil
}
