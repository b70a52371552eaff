package activedirectory_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	wire "github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

func (c *company) read(t *testing.T, dn, attribute string) []string {
	t.Helper()
	found, err := c.admin(t).Search(wire.NewSearchRequest(dn, wire.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{attribute}, nil))
	must(t, err)
	return found.Entries[0].GetAttributeValues(attribute)
}

// Every way of being an administrator stops every action, and what HR knows or the settings say lets it be done.
func TestAnAdministratorOfWhomHRDoesNotKnowIsLeftToAPerson(t *testing.T) {
	c := open(t)
	admin := c.admin(t)
	well := func(name string) string { return "CN=" + name + ",CN=Users," + c.BaseDN }
	for name, promote := range map[string]func(t *testing.T, l exeunt.Leaver){
		"Domain Admins": func(t *testing.T, l exeunt.Leaver) {
			modify(t, admin, well("Domain Admins"), func(m *wire.ModifyRequest) { m.Add("member", []string{c.dn(l)}) })
		},
		"Enterprise Admins": func(t *testing.T, l exeunt.Leaver) { // by a group that is in it
			modify(t, admin, well("Enterprise Admins"), func(m *wire.ModifyRequest) {
				m.Add("member", []string{c.group("nested-" + l.Identifier(exeunt.Login))})
			})
		},
		"is or was in a group that the domain protects": func(t *testing.T, l exeunt.Leaver) {
			modify(t, admin, c.dn(l), func(m *wire.ModifyRequest) { m.Replace("adminCount", []string{"1"}) })
		},
		"is in Protected Users": func(t *testing.T, l exeunt.Leaver) { // as the primary group of the account, which memberOf does not show
			modify(t, admin, well("Protected Users"), func(m *wire.ModifyRequest) { m.Add("member", []string{c.dn(l)}) })
			modify(t, admin, c.dn(l), func(m *wire.ModifyRequest) { m.Replace("primaryGroupID", []string{"525"}) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn, l, account := c.connect(t, nil)
			promote(t, l)
			if got := look(t, conn, account).Facts["privileged"]; !strings.Contains(got, name) {
				t.Errorf("the look says %q", got)
			}
			for _, action := range []exeunt.Action{exeunt.ResetPassword, exeunt.Disable, exeunt.RemoveGroups, exeunt.MoveToArchive} {
				err := conn.Apply(t.Context(), account, action, connector.Parameters{Leaver: l})
				if exeunt.KindOf(err) != exeunt.Denied || !strings.Contains(err.Error(), name) {
					t.Errorf("%s: %v", action, err)
				}
			}
			if o := look(t, conn, account); o.Of(exeunt.Disable) != exeunt.Absent || o.Of(exeunt.RemoveGroups) != exeunt.Absent {
				t.Error("something was done all the same")
			}
			known := l
			known.Flags = []exeunt.Flag{exeunt.Privileged}
			must(t, conn.Apply(t.Context(), account, exeunt.Disable, connector.Parameters{Leaver: known}))
			if look(t, conn, account).Of(exeunt.Disable) != exeunt.Holds {
				t.Error("HR knows, and it is not done")
			}
		})
	}
	conn, l, account := c.connect(t, map[string]any{"privileged": "act"})
	modify(t, admin, c.dn(l), func(m *wire.ModifyRequest) { m.Replace("adminCount", []string{"1"}) })
	apply(t, conn, account, exeunt.Disable)
}

// A right that SDProp takes away is another matter than one that nobody gave.
func TestOfAProtectedAccountItIsSaidWhereTheRightWent(t *testing.T) {
	c := open(t)
	colleague := c.hire(t)
	secret := filepath.Join(t.TempDir(), "colleague")
	must(t, os.WriteFile(secret, []byte(password), 0o600))
	conn, l, account := c.connect(t, map[string]any{"bind_dn": colleague.Identifier(exeunt.PrincipalName), "bind_password": "file:" + secret, "privileged": "act"})
	disable := func() error { return conn.Apply(t.Context(), account, exeunt.Disable, connector.Parameters{}) }
	if err := disable(); exeunt.KindOf(err) != exeunt.Denied || strings.Contains(err.Error(), "SDProp") {
		t.Errorf("an ordinary account: %v", err)
	}
	modify(t, c.admin(t), c.dn(l), func(m *wire.ModifyRequest) { m.Replace("adminCount", []string{"1"}) })
	if err := disable(); exeunt.KindOf(err) != exeunt.Denied || !strings.Contains(err.Error(), "SDProp") || !strings.Contains(err.Error(), "AdminSDHolder") {
		t.Errorf("a protected one: %v", err)
	}
}

// Neither memberOf nor member shows the primary group, and what is nested in it would stay.
func TestAPrimaryGroupOfItsOwnIsExchangedAndComesBack(t *testing.T) {
	c := open(t)
	conn, l, account := c.connect(t, nil)
	admin, login := c.admin(t), l.Identifier(exeunt.Login)
	vpn := c.group("vpn-" + login)
	token := c.read(t, vpn, "primaryGroupToken")
	modify(t, admin, c.dn(l), func(m *wire.ModifyRequest) { m.Replace("primaryGroupID", token) })
	users := "CN=Domain Users,CN=Users," + c.BaseDN // the domain made it a group like any other
	before := look(t, conn, account)
	if !slices.Equal(before.Snapshot["primary_group"], token) || !slices.Equal(before.Snapshot["groups"], []string{users, c.group("eng-" + login)}) {
		t.Fatalf("before: %v", before.Snapshot)
	}
	modify(t, admin, c.group("nested-"+login), func(m *wire.ModifyRequest) { m.Replace("member", []string{vpn}) })
	if got := look(t, conn, account).Facts["in through other groups"]; !strings.Contains(got, "nested-"+login) {
		t.Errorf("in through the primary group: %q", got)
	}
	apply(t, conn, account, exeunt.RemoveGroups, exeunt.RemoveGroups)
	after := look(t, conn, account)
	if after.Of(exeunt.RemoveGroups) != exeunt.Holds || after.Facts["primaryGroupID"] != "513" || len(c.read(t, vpn, "member")) != 0 {
		t.Errorf("after: %v", after.Facts)
	}
	undo := connector.Parameters{Undo: true, Snapshot: before.Snapshot}
	for range 2 {
		must(t, conn.Apply(t.Context(), account, exeunt.RemoveGroups, undo))
	}
	back := look(t, conn, account)
	if !slices.Equal(back.Snapshot["primary_group"], token) || !slices.Equal(back.Snapshot["groups"], before.Snapshot["groups"]) {
		t.Errorf("back: %v, want %v", back.Snapshot, before.Snapshot)
	}
}

// Who was no ordinary member of Domain Users is none after an undo.
func TestAnUndoLeavesNobodyInDomainUsersWhoWasNot(t *testing.T) {
	c := open(t)
	conn, l, account := c.connect(t, nil)
	admin := c.admin(t)
	vpn := c.group("vpn-" + l.Identifier(exeunt.Login))
	modify(t, admin, c.dn(l), func(m *wire.ModifyRequest) { m.Replace("primaryGroupID", c.read(t, vpn, "primaryGroupToken")) })
	users := "CN=Domain Users,CN=Users," + c.BaseDN
	modify(t, admin, users, func(m *wire.ModifyRequest) { m.Delete("member", []string{c.dn(l)}) })
	before := look(t, conn, account)
	apply(t, conn, account, exeunt.RemoveGroups)
	must(t, conn.Apply(t.Context(), account, exeunt.RemoveGroups, connector.Parameters{Undo: true, Snapshot: before.Snapshot}))
	if got := look(t, conn, account).Snapshot["groups"]; !slices.Equal(got, before.Snapshot["groups"]) || slices.Contains(got, users) {
		t.Errorf("in %v, want %v", got, before.Snapshot["groups"])
	}
}

func TestAnAccountThatWasDeletedIsToldAsThat(t *testing.T) {
	c := open(t)
	conn, l, account := c.connect(t, nil)
	must(t, c.admin(t).Del(wire.NewDelRequest(c.dn(l), nil)))
	_, err := conn.Observe(t.Context(), account)
	if exeunt.KindOf(err) != exeunt.NotFound || !strings.Contains(err.Error(), "was deleted in Active Directory, by 20") || !strings.Contains(err.Error(), c.staff) {
		t.Errorf("%s %v", exeunt.KindOf(err), err)
	}
	_, err = conn.Observe(t.Context(), exeunt.Account{ID: "00000000-0000-4000-8000-000000000000"})
	if exeunt.KindOf(err) != exeunt.NotFound || strings.Contains(err.Error(), "was deleted") {
		t.Errorf("one that never was: %s %v", exeunt.KindOf(err), err)
	}
}

func TestOurOwnAccountsTroubleIsToldWithItsRemedy(t *testing.T) {
	c := open(t)
	service := c.hire(t)
	secret := filepath.Join(t.TempDir(), "service")
	must(t, os.WriteFile(secret, []byte(password), 0o600))
	conn, _, account := c.connect(t, map[string]any{"bind_dn": service.Identifier(exeunt.PrincipalName), "bind_password": "file:" + secret})
	for _, trouble := range []struct{ attribute, value, says string }{
		{"accountExpires", "132000000000000000", "expired (701)"},
		{"accountExpires", "0", ""},
		{"pwdLastSet", "0", "change its password first (773)"},
		{"userAccountControl", "514", "disabled (533)"},
	} {
		modify(t, c.admin(t), c.dn(service), func(m *wire.ModifyRequest) { m.Replace(trouble.attribute, []string{trouble.value}) })
		_, err := conn.Observe(t.Context(), account)
		if trouble.says == "" && err != nil || trouble.says != "" && (exeunt.KindOf(err) != exeunt.Unauthorised || !strings.Contains(err.Error(), trouble.says)) {
			t.Errorf("%s %s: %v", trouble.attribute, trouble.value, err)
		}
	}
}
