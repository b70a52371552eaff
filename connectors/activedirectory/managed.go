package activedirectory

import (
	"context"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// kinds are the classes of what somebody answers for, in our words; the first that an object has.
var kinds = []struct{ class, words string }{
	{"msDS-GroupManagedServiceAccount", "service account"},
	{"msDS-ManagedServiceAccount", "service account"},
	{"computer", "computer"},
	{"group", "group"},
	{"organizationalUnit", "organisational unit"},
	{"user", "service account"}, // one that signs in for a service, or it would not be asked for
}

// lookAtManaged lists what names the person as who answers for it: managedBy of groups, computers and units, and manager of
// accounts that services sign in with. That somebody is the manager of people is HR's to change.
func (d *domain) lookAtManaged(ctx context.Context, c *ldap.Conn, u user, o exeunt.Observation) error {
	if !connector.Looks(ctx, exeunt.HandOver) {
		return nil
	}
	dn := ldap.EscapeFilter(u.dn)
	services := "(|(servicePrincipalName=*)(objectClass=msDS-ManagedServiceAccount)(objectClass=msDS-GroupManagedServiceAccount))"
	found, err := directory.Search(c, d.BaseDN, "(|(managedBy="+dn+")(&(manager="+dn+")"+services+"))", "objectClass")
	if err != nil {
		return err
	}
	var items []string
	for _, e := range found {
		kind := "object"
		for _, k := range kinds {
			if directory.ListsName(e.GetAttributeValues("objectClass"), k.class) {
				kind = k.words
				break
			}
		}
		items = append(items, kind+" "+e.DN)
	}
	slices.Sort(items)
	o.HandOver(exeunt.HandOver, items)
	return nil
}
