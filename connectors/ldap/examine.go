package ldap

import (
	"context"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// Examine implements connector.Examiner. LDAP has no standard way to ask what one may write, so that the rights to write
// stay unknown; what they need to be of any use is asked for.
func (d *ldapDirectory) Examine(ctx context.Context) ([]connector.Right, error) {
	var rights []connector.Right
	err := d.Do(ctx, func(c *ldap.Conn) error {
		rights = []connector.Right{{Name: "sign in", State: connector.Granted}}
		for _, ask := range []func(*ldap.Conn) (connector.Right, error){d.readsPeople, d.readsGroups, comparesPasswords(d), d.locks} {
			right, err := ask(c)
			if err != nil {
				return err
			}
			rights = append(rights, right)
		}
		if d.ArchiveOU != "" {
			right, err := directory.Container(c, "archive_ou", d.ArchiveOU)
			if err != nil {
				return err
			}
			rights = append(rights, right)
		}
		for _, spec := range d.Specs() {
			for _, scope := range spec.Scopes {
				right := connector.Right{Name: scope, For: []exeunt.Action{spec.Action}, State: connector.Unknown,
					Why: "LDAP does not tell what an account may write", Remedy: connector.Rehearse}
				if spec.ByHand {
					right.Why, right.Remedy = "what we may not read looks as if there were none", "let "+d.BindDN+" read "+strings.Join(d.OwnerAttributes, " and ")
				}
				rights = append(rights, right)
			}
		}
		return nil
	})
	return rights, err
}

func (d *ldapDirectory) readsPeople(c *ldap.Conn) (connector.Right, error) {
	return directory.ReadsPeople(c, d.BindDN, directory.People{Base: d.BaseDN, Filter: d.UserFilter, Settings: "base_dn or user_filter",
		Attribute: d.IDAttribute, Why: "accounts are kept apart"})
}

func (d *ldapDirectory) readsGroups(c *ldap.Conn) (connector.Right, error) {
	right := connector.Right{Name: "read groups below groups_base", For: []exeunt.Action{exeunt.RemoveGroups}}
	var having strings.Builder
	for _, attribute := range d.GroupAttributes {
		having.WriteString("(" + attribute + "=*)")
	}
	e, err := directory.First(c, d.GroupsBase, "(|"+having.String()+")", "1.1")
	if exeunt.KindOf(directory.Error(err)) == exeunt.Invalid {
		return connector.Tried(right.Name, "correct groups_base, or let "+d.BindDN+" read it", directory.Error(err), right.For...)
	}
	right.State = connector.Granted
	if e == nil {
		right.State, right.Why, right.Remedy = connector.Unknown, "no group with members is found below "+d.GroupsBase, "see that groups_base and group_attributes are right, and that "+d.BindDN+" may read groups"
	}
	return right, err
}

// comparesPasswords tries the very request by which a password that was taken away is proven, on somebody.
func comparesPasswords(d *ldapDirectory) func(*ldap.Conn) (connector.Right, error) {
	return func(c *ldap.Conn) (connector.Right, error) {
		right := connector.Right{Name: "compare userPassword", For: []exeunt.Action{exeunt.ResetPassword}, State: connector.Granted}
		e, err := directory.First(c, d.BaseDN, "(&"+d.UserFilter+"(!(entryDN="+ldap.EscapeFilter(d.BindDN)+")))", "1.1") // ourselves we may be more than others
		if err != nil && exeunt.KindOf(directory.Error(err)) != exeunt.Invalid {
			return right, err
		}
		switch {
		case e == nil:
			right.State, right.Why, right.Remedy = connector.Unknown, "nobody is seen to try it on", connector.Rehearse
		case password(c, e.DN) == exeunt.Unknown:
			right.State, right.Why, right.Remedy = connector.Lacking, "the directory does not let us ask whether there is a password, so that taking it away cannot be proven", "let "+d.BindDN+" compare and write userPassword of people"
		}
		return right, nil
	}
}

// locks looks whether the directory knows the attribute by which accounts are locked: the subschema lists it only where
// there are password policies (RFC 4512 §4.2, §4.4).
func (d *ldapDirectory) locks(c *ldap.Conn) (connector.Right, error) {
	right := connector.Right{Name: "know " + d.LockAttribute, For: []exeunt.Action{exeunt.Disable}, State: connector.Unknown,
		Why: "the directory does not show us its schema", Remedy: "let " + d.BindDN + " read it, or " + connector.Rehearse}
	root, err := directory.Read(c, "", "subschemaSubentry")
	if err != nil || root.GetAttributeValue("subschemaSubentry") == "" {
		return right, directory.Passing(err)
	}
	found, err := c.Search(ldap.NewSearchRequest(root.GetAttributeValue("subschemaSubentry"), ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 0, false,
		"(objectClass=subschema)", []string{"attributeTypes"}, nil))
	if err != nil || len(found.Entries) != 1 {
		return right, directory.Passing(err)
	}
	types := found.Entries[0].GetAttributeValues("attributeTypes")
	switch known := func(s string) bool {
		return strings.Contains(strings.ToLower(s), "'"+strings.ToLower(d.LockAttribute)+"'")
	}; {
	case len(types) == 0:
	case slices.ContainsFunc(types, known):
		right.State, right.Why, right.Remedy = connector.Granted, "", ""
	default:
		right.State, right.Why, right.Remedy = connector.Lacking, "the directory does not know the attribute by which accounts are locked", "load the ppolicy overlay, with a policy that has pwdLockout TRUE, or set lock_attribute to what this directory locks by"
	}
	return right, nil
}
