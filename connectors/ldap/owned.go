package ldap

import (
	"context"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// lookAtOwned lists the entries that name the person as who answers for them: owner of groups, devices and documents
// (RFC 4519 §2.20), and what else the settings name.
func (d *ldapDirectory) lookAtOwned(ctx context.Context, c *ldap.Conn, e *ldap.Entry, o exeunt.Observation) error {
	if !connector.Looks(ctx, exeunt.HandOver) {
		return nil
	}
	var filter strings.Builder
	for _, attribute := range d.OwnerAttributes {
		filter.WriteString("(" + attribute + "=" + ldap.EscapeFilter(e.DN) + ")")
	}
	var names []string
	for _, base := range d.bases() {
		found, err := directory.Search(c, base, "(|"+filter.String()+")", "1.1")
		if err != nil {
			return err
		}
		names = directory.Plus(directory.Names(found), names...)
	}
	o.HandOver(exeunt.HandOver, names)
	return nil
}

// bases are where entries lie: groups may lie apart from people.
func (s Settings) bases() []string {
	if directory.SameName(s.GroupsBase, s.BaseDN) || directory.Below(s.GroupsBase, s.BaseDN) {
		return []string{s.BaseDN}
	}
	return []string{s.BaseDN, s.GroupsBase}
}
