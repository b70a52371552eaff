package activedirectory

import (
	"context"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// The attributes by which a domain tells what the caller itself may do to an object (MS-ADTS 3.1.1.4.5, constructed
// attributes): which attributes it may write, and objects of which classes it may create below.
const (
	mayWrite  = "allowedAttributesEffective"
	mayCreate = "allowedChildClassesEffective"
)

// Examine implements connector.Examiner. What may be written is asked of one ordinary user and one group: rights are
// delegated by organisational unit, so that others may differ. Resetting a password is an extended right, of which the
// domain does not tell.
func (d *domain) Examine(ctx context.Context) ([]connector.Right, error) {
	var rights []connector.Right
	err := d.Do(ctx, func(c *ldap.Conn) error {
		rights = []connector.Right{
			{Name: "sign in", State: connector.Granted},
			{Name: "Read managedBy and manager of groups, computers, units and service accounts", For: []exeunt.Action{exeunt.HandOver}, State: connector.Unknown,
				Why: "what we may not read looks as if there were none", Remedy: "let " + d.BindDN + " read them; whoever is signed in may, where nobody changed it"},
		}
		asks := []func(*ldap.Conn) (connector.Right, error){d.readsPeople, d.disables, d.changesGroups, d.changesPrimary}
		if d.SetExpiry {
			asks = append(asks, d.expires)
		}
		for _, ask := range asks {
			right, err := ask(c)
			if err != nil {
				return err
			}
			rights = append(rights, right)
		}
		rights = append(rights, connector.Right{Name: "Reset Password on users", For: []exeunt.Action{exeunt.ResetPassword}, State: connector.Unknown,
			Why: "it is an extended right, of which the domain does not tell", Remedy: connector.Rehearse})
		if d.ArchiveOU == "" {
			return nil
		}
		archives, err := d.archives(c)
		rights = append(rights, archives...)
		return err
	})
	if err != nil {
		return rights, err
	}
	for _, address := range d.Controllers {
		rights = append(rights, d.signsInAt(ctx, address))
	}
	return rights, nil
}

// signsInAt says whether a further domain controller answers us: it is asked for nothing but what it shows.
func (d *domain) signsInAt(ctx context.Context, address string) connector.Right {
	right := connector.Right{Name: "sign in at " + host(address), For: []exeunt.Action{exeunt.Disable}, State: connector.Granted}
	ctx, cancel := context.WithTimeout(ctx, perController)
	defer cancel()
	if err := d.at(address).Do(ctx, func(*ldap.Conn) error { return nil }); err != nil {
		right.State, right.Why, right.Remedy = connector.Lacking, exeunt.MessageOf(err), "see that it is up and that its certificate is of ca_file, or take it out of controllers"
	}
	return right
}

func (d *domain) expires(c *ldap.Conn) (connector.Right, error) {
	right := connector.Right{Name: "Write accountExpires on users", For: []exeunt.Action{exeunt.Disable}}
	return d.writes(c, right, "(&"+people+"(!(adminCount=1)))", "accountExpires", "one user", "delegate it to "+d.BindDN+" on the units where people lie, or take set_expiry out")
}

// changesPrimary asks of somebody whose primary group is none that everybody has. Where there is nobody, nothing is lacking.
func (d *domain) changesPrimary(c *ldap.Conn) (connector.Right, error) {
	right := connector.Right{Name: "Write primaryGroupID on users, where it is not Domain Users", For: []exeunt.Action{exeunt.RemoveGroups}}
	filter := fmt.Sprintf("(&%s(!(primaryGroupID=%d))(!(primaryGroupID=%d))(!(adminCount=1)))", people, domainUsers, domainGuests)
	right, err := d.writes(c, right, filter, "primaryGroupID", "one user", "delegate it to "+d.BindDN+" on the units where people lie")
	if right.State == connector.Unknown && err == nil {
		right.State, right.Why, right.Remedy = connector.Granted, "it is Domain Users or Domain Guests of everybody", ""
	}
	return right, err
}

func (d *domain) readsPeople(c *ldap.Conn) (connector.Right, error) {
	return directory.ReadsPeople(c, d.BindDN, directory.People{Base: d.BaseDN, Filter: "(&" + people + ")", Settings: "base_dn",
		Attribute: "userAccountControl", Why: "it is seen whether an account is disabled"})
}

func (d *domain) disables(c *ldap.Conn) (connector.Right, error) {
	right := connector.Right{Name: "Write userAccountControl on users", For: []exeunt.Action{exeunt.Disable}}
	return d.writes(c, right, "(&"+people+"(!(adminCount=1)))", "userAccountControl", "one user", "delegate it to "+d.BindDN+" on the units where people lie")
}

func (d *domain) changesGroups(c *ldap.Conn) (connector.Right, error) {
	right := connector.Right{Name: "Write Members on groups", For: []exeunt.Action{exeunt.RemoveGroups}}
	// Groups of the builtin container are the domain's own: nobody delegates them.
	return d.writes(c, right, "(&(objectCategory=group)(member=*)(!(adminCount=1))(!(isCriticalSystemObject=TRUE)))", "member", "one group", "delegate it to "+d.BindDN+" on the units where groups lie")
}

// writes asks of one object that a filter finds whether an attribute of it may be written.
func (d *domain) writes(c *ldap.Conn, right connector.Right, filter, attribute, of, remedy string) (connector.Right, error) {
	e, err := directory.First(c, d.BaseDN, filter, mayWrite)
	if err != nil && exeunt.KindOf(directory.Error(err)) != exeunt.Invalid {
		return right, err
	}
	switch {
	case e == nil:
		right.State, right.Why, right.Remedy = connector.Unknown, "none is seen to ask it of", connector.Rehearse
	case directory.ListsName(e.GetAttributeValues(mayWrite), attribute):
		right.State, right.Why = connector.Granted, "as the domain says of "+of+"; other units may differ"
	default:
		right.State, right.Why, right.Remedy = connector.Lacking, "the domain says of "+of+" that we may not", remedy
	}
	return right, nil
}

// archives asks whether leavers may be put into the archive. That they may be taken out of where they are is not told.
func (d *domain) archives(c *ldap.Conn) ([]connector.Right, error) {
	there, err := directory.Container(c, "archive_ou", d.ArchiveOU)
	if err != nil || there.State != connector.Granted {
		return []connector.Right{there}, err
	}
	only := []exeunt.Action{exeunt.MoveToArchive}
	creates := connector.Right{Name: "Create user objects in archive_ou", For: only, State: connector.Granted}
	e, err := directory.Read(c, d.ArchiveOU, mayCreate)
	if err != nil {
		return nil, err
	}
	if !directory.ListsName(e.GetAttributeValues(mayCreate), "user") {
		creates.State, creates.Why, creates.Remedy = connector.Lacking, "the domain says of "+d.ArchiveOU+" that we may not", "delegate it to "+d.BindDN+" there"
	}
	deletes := connector.Right{Name: "Delete user objects where people lie", For: only, State: connector.Unknown, Why: "the domain does not tell", Remedy: connector.Rehearse}
	return []connector.Right{there, creates, deletes}, nil
}
