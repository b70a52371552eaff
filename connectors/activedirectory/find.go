package activedirectory

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

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
