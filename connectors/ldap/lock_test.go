package ldap_test

import (
	"slices"
	"strings"
	"testing"

	wire "github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connectors/ldap"
)

func (c *company) attribute(t *testing.T, dn, name string) []string {
	t.Helper()
	found, err := c.admin(t).Search(wire.NewSearchRequest(dn, wire.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{name}, nil))
	must(t, err)
	return found.Entries[0].GetEqualFoldAttributeValues(name)
}

// 389 Directory Server and FreeIPA lock by an attribute of their own, and have identifiers of their own.
func TestTheLockAndTheIdentifierOfOtherServers(t *testing.T) {
	c := open(t)
	settings := map[string]any{"lock_attribute": "nsAccountLock", "id_attribute": "nsUniqueId"}
	leaver := c.hire(t)
	dn := c.dn(leaver.Identifier(exeunt.Login))
	c.modify(t, dn, func(m *wire.ModifyRequest) {
		m.Add("objectClass", []string{"otherServer"})
		m.Replace("nsUniqueId", []string{"3f0c-11f0-" + leaver.ID})
	})
	conn, err := ldap.Kind().Open(c.with(t, settings), nil)
	must(t, err)
	found, err := connectortest.Search(t.Context(), ldap.Kind(), c.with(t, settings), conn, leaver)
	if err != nil || len(found) != 1 || found[0].ID != "3f0c-11f0-"+leaver.ID {
		t.Fatalf("found %v, %v", found, err)
	}
	account := found[0]
	before := look(t, conn, account)
	apply(t, conn, account, exeunt.Disable, exeunt.Disable)
	if got := c.attribute(t, dn, "nsAccountLock"); look(t, conn, account).Of(exeunt.Disable) != exeunt.Holds || len(got) != 1 || got[0] != "TRUE" {
		t.Errorf("locked by %v", got)
	}
	if got := c.attribute(t, dn, "pwdAccountLockedTime"); len(got) != 0 {
		t.Errorf("locked otherwise, too: %v", got)
	}
	c.modify(t, dn, func(m *wire.ModifyRequest) { m.Replace("nsAccountLock", []string{"true"}) }) // as 389 writes it
	if look(t, conn, account).Of(exeunt.Disable) != exeunt.Holds {
		t.Error("true does not lock")
	}
	for range 2 {
		must(t, back(t, conn, account, exeunt.Disable, before.Snapshot))
	}
	if got := c.attribute(t, dn, "nsAccountLock"); len(got) != 0 || look(t, conn, account).Of(exeunt.Disable) != exeunt.Absent {
		t.Errorf("put back as %v", got)
	}
	rights, err := connector.Examine(t.Context(), conn)
	must(t, err)
	for _, r := range rights {
		if r.Name == "know nsAccountLock" && r.State != connector.Granted {
			t.Errorf("of the lock it is said: %s %s", r.State, r.Why)
		}
	}
}

func TestWhatLiesAboveAGroupIsNamedAndEndsWithIt(t *testing.T) {
	c := open(t)
	conn, leaver, account := c.connect(t, nil)
	admin, uid := c.admin(t), leaver.Identifier(exeunt.Login)
	over, top := c.group(uid, "over"), c.group(uid, "top")
	add(t, admin, over, map[string][]string{"objectClass": {"groupOfNames"}, "member": {c.group(uid, "eng")}})
	add(t, admin, top, map[string][]string{"objectClass": {"groupOfUniqueNames"}, "uniqueMember": {over}})
	c.modify(t, over, func(m *wire.ModifyRequest) { m.Add("member", []string{top}) }) // a circle
	add(t, admin, c.group(uid, "own"), map[string][]string{"objectClass": {"posixGroup"}, "gidNumber": {"10001"}})
	o := look(t, conn, account)
	if got := o.Facts["in through other groups"]; got != over+"; "+top || o.Facts["nested groups"] != "2" {
		t.Errorf("in through others: %s %q", o.Facts["nested groups"], got)
	}
	if got := o.Facts["primary group"]; got != c.group(uid, "own") {
		t.Errorf("primary group %q", got)
	}
	apply(t, conn, account, exeunt.RemoveGroups)
	o = look(t, conn, account)
	if o.Facts["nested groups"] != "0" || o.Of(exeunt.RemoveGroups) != exeunt.Holds || len(c.attribute(t, over, "member")) != 2 {
		t.Errorf("after: %v", o.Facts)
	}
}

// An administrator of whom HR does not know is left to a person, whichever way they are one.
func TestAMemberOfAPrivilegedGroupIsLeftToAPerson(t *testing.T) {
	c := open(t)
	settings := map[string]any{"privileged_groups": []string{"CN=Admins,ou=groups," + c.BaseDN, "cn=wheel,ou=groups," + c.BaseDN}}
	admin := c.admin(t)
	add(t, admin, "cn=admins,ou=groups,"+c.BaseDN, map[string][]string{"objectClass": {"groupOfNames"}, "member": {c.Admin.Name}})
	add(t, admin, "cn=wheel,ou=groups,"+c.BaseDN, map[string][]string{"objectClass": {"posixGroup"}, "gidNumber": {"10"}})
	join := func(attribute string, of func(l exeunt.Leaver) string, group string) func(exeunt.Leaver) {
		return func(l exeunt.Leaver) {
			c.modify(t, "cn="+group+",ou=groups,"+c.BaseDN, func(m *wire.ModifyRequest) { m.Add(attribute, []string{of(l)}) })
		}
	}
	for name, promote := range map[string]func(exeunt.Leaver){
		"directly":              join("member", func(l exeunt.Leaver) string { return c.dn(l.Identifier(exeunt.Login)) }, "admins"),
		"through another group": join("member", func(l exeunt.Leaver) string { return c.group(l.Identifier(exeunt.Login), "eng") }, "admins"),
		"by login":              join("memberUid", func(l exeunt.Leaver) string { return l.Identifier(exeunt.Login) }, "wheel"),
		"by the primary group": func(l exeunt.Leaver) {
			c.modify(t, c.dn(l.Identifier(exeunt.Login)), func(m *wire.ModifyRequest) { m.Replace("gidNumber", []string{"10"}) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn, l, account := c.connect(t, settings)
			must(t, conn.Apply(t.Context(), account, exeunt.MoveToArchive, connector.Parameters{Leaver: l})) // no administrator yet
			must(t, back(t, conn, account, exeunt.MoveToArchive, map[string][]string{"container": {"ou=people," + c.BaseDN}}))
			promote(l)
			for _, action := range []exeunt.Action{exeunt.RemoveGroups, exeunt.ResetPassword, exeunt.Disable, exeunt.MoveToArchive} {
				err := conn.Apply(t.Context(), account, action, connector.Parameters{Leaver: l})
				if exeunt.KindOf(err) != exeunt.Denied || !strings.Contains(err.Error(), "the account is in cn=") {
					t.Errorf("%s: %v", action, err)
				}
			}
			l.Flags = []exeunt.Flag{exeunt.Protected}
			must(t, conn.Apply(t.Context(), account, exeunt.Disable, connector.Parameters{Leaver: l}))
		})
	}
}

// An entry may have several logins, and each may be listed.
func TestEveryLoginLeavesItsGroups(t *testing.T) {
	c := open(t)
	conn, leaver, account := c.connect(t, nil)
	uid := leaver.Identifier(exeunt.Login)
	c.modify(t, c.dn(uid), func(m *wire.ModifyRequest) { m.Add("uid", []string{"alias-" + uid}) })
	group := c.group(uid, "alias")
	add(t, c.admin(t), group, map[string][]string{"objectClass": {"posixGroup"}, "memberUid": {"alias-" + uid}, "gidNumber": {"20002"}})
	if look(t, conn, account).Of(exeunt.RemoveGroups) != exeunt.Absent {
		t.Fatal("not seen")
	}
	apply(t, conn, account, exeunt.RemoveGroups)
	if got := c.attribute(t, group, "memberUid"); len(got) != 0 || look(t, conn, account).Of(exeunt.RemoveGroups) != exeunt.Holds {
		t.Errorf("the alias is still in: %v", got)
	}
}

// Who may do harm is locked out before anything else is done to them.
func TestAnImmediateDepartureLocksFirst(t *testing.T) {
	first := slices.MinFunc(ldap.Kind().Actions, func(a, b exeunt.ActionSpec) int { return a.In(true) - b.In(true) })
	if first.Action != exeunt.Disable {
		t.Errorf("it begins with %s", first.Action)
	}
}
