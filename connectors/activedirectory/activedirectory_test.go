package activedirectory_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unicode/utf16"

	wire "github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connectors/activedirectory"
	"github.com/exeunt/exeunt/internal/testserver"
)

const password = "Start#2345678"

// company is a domain with an administrator's hand in it. Each test has OUs of its own, since the
// domain controller is one for all.
type company struct {
	testserver.Directory
	settings       map[string]any
	staff, leavers string
	prefix         string
	hired          atomic.Int64
}

var companies atomic.Int64

func open(t *testing.T) *company {
	d := testserver.Samba(t)
	secret := filepath.Join(t.TempDir(), "bind-password")
	must(t, os.WriteFile(secret, []byte(d.Service.Password), 0o600))
	prefix := "c" + strconv.FormatInt(companies.Add(1), 10)
	c := &company{Directory: d, prefix: prefix, staff: "OU=Staff " + prefix + "," + d.BaseDN, leavers: "OU=Leavers " + prefix + "," + d.BaseDN}
	c.settings = map[string]any{
		"url": d.URL, "ca_file": d.CAFile, "server_name": d.ServerName, "bind_dn": d.Service.Name,
		"bind_password": "file:" + secret, "base_dn": d.BaseDN, "archive_ou": c.leavers,
	}
	for _, ou := range []string{c.staff, c.leavers} {
		add(t, c.admin(t), ou, map[string][]string{"objectClass": {"organizationalUnit"}})
	}
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *company) with(t testing.TB, changes map[string]any) json.RawMessage {
	t.Helper()
	settings := maps.Clone(c.settings)
	for key, value := range changes {
		if settings[key] = value; value == nil {
			delete(settings, key)
		}
	}
	text, err := json.Marshal(settings)
	must(t, err)
	return text
}

func (c *company) dial(t testing.TB) *wire.Conn {
	t.Helper()
	pem, err := os.ReadFile(c.CAFile)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	conn, err := wire.DialURL(c.URL, wire.DialWithTLSConfig(&tls.Config{RootCAs: roots, ServerName: c.ServerName}))
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func (c *company) admin(t testing.TB) *wire.Conn {
	t.Helper()
	conn := c.dial(t)
	must(t, conn.Bind(c.Admin.Name, c.Admin.Password))
	return conn
}

func add(t testing.TB, conn *wire.Conn, dn string, attributes map[string][]string) {
	t.Helper()
	request := wire.NewAddRequest(dn, nil)
	for name, values := range attributes {
		request.Attribute(name, values)
	}
	must(t, conn.Add(request))
}

func modify(t testing.TB, conn *wire.Conn, dn string, change func(*wire.ModifyRequest)) {
	t.Helper()
	m := wire.NewModifyRequest(dn, nil)
	change(m)
	must(t, conn.Modify(m))
}

func unicodePwd(password string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(`"` + password + `"`)) {
		b.WriteByte(byte(unit))
		b.WriteByte(byte(unit >> 8))
	}
	return b.String()
}

// leaver is a person whose login is this company's own.
func (c *company) leaver() exeunt.Leaver {
	n := c.hired.Add(1)
	login := fmt.Sprintf("%s-jdoe%d", c.prefix, n)
	return exeunt.Leaver{ID: fmt.Sprintf("%s-E%d", c.prefix, n), Entity: "corp", Name: "Jane Doe", Zone: "UTC", Identifiers: map[exeunt.IdentifierKind]string{
		exeunt.Login: login, exeunt.WorkEmail: login + "@corp.example", exeunt.PrincipalName: login + "@corp.example",
	}}
}

// dn has a comma in its name, as most domains have.
func (c *company) dn(l exeunt.Leaver) string {
	return `CN=Doe\, Jane ` + l.Identifier(exeunt.Login) + "," + c.staff
}

func (c *company) group(name string) string { return "CN=" + c.prefix + "-" + name + "," + c.staff }

func (c *company) user(t testing.TB, conn *wire.Conn, dn string, attributes map[string][]string) {
	t.Helper()
	all := map[string][]string{"objectClass": {"user"}, "unicodePwd": {unicodePwd(password)}, "userAccountControl": {"512"}}
	maps.Copy(all, attributes)
	add(t, conn, dn, all)
}

// hire makes a person in two groups, one of which lies in a third.
func (c *company) hire(t testing.TB) exeunt.Leaver {
	t.Helper()
	conn := c.admin(t)
	l := c.leaver()
	login := l.Identifier(exeunt.Login)
	c.user(t, conn, c.dn(l), map[string][]string{
		"sAMAccountName": {login}, "userPrincipalName": {login + "@corp.example"}, "employeeID": {l.ID}, "mail": {login + "@corp.example"},
	})
	for _, name := range []string{"eng-" + login, "vpn-" + login, "nested-" + login} {
		add(t, conn, c.group(name), map[string][]string{"objectClass": {"group"}, "sAMAccountName": {c.prefix + name}})
	}
	modify(t, conn, c.group("nested-"+login), func(m *wire.ModifyRequest) { m.Replace("managedBy", []string{c.dn(l)}) })
	for _, name := range []string{"eng-" + login, "vpn-" + login} {
		modify(t, conn, c.group(name), func(m *wire.ModifyRequest) { m.Add("member", []string{c.dn(l)}) })
	}
	modify(t, conn, c.group("nested-"+login), func(m *wire.ModifyRequest) { m.Add("member", []string{c.group("eng-" + login)}) })
	return l
}

// canSignIn tries by user principal name, or by what it was changed to.
func (c *company) canSignIn(t testing.TB, l exeunt.Leaver) bool {
	t.Helper()
	return c.dial(t).Bind(l.Identifier(exeunt.PrincipalName), password) == nil
}

func TestConforms(t *testing.T) {
	c := open(t)
	wrong := filepath.Join(t.TempDir(), "wrong")
	must(t, os.WriteFile(wrong, []byte("not-the-password"), 0o600))
	own := filepath.Join(t.TempDir(), "own")
	must(t, os.WriteFile(own, []byte(password), 0o600))
	ordinary := c.hire(t)
	connectortest.Run(t, connectortest.Subject{
		Kind: activedirectory.Kind(), Settings: c.with(t, map[string]any{"set_expiry": true}), Hire: c.hire, CanSignIn: c.canSignIn,
		Removals: func(t testing.TB, l exeunt.Leaver) map[string][]string {
			login := l.Identifier(exeunt.Login)
			return map[string][]string{"groups": {c.group("eng-" + login), c.group("vpn-" + login)}, "container": {c.staff}}
		},
		Twin: func(t testing.TB, l exeunt.Leaver) { // Exchange kept the address for somebody else
			twin := c.leaver()
			login := twin.Identifier(exeunt.Login)
			c.user(t, c.admin(t), "CN="+login+","+c.staff, map[string][]string{
				"sAMAccountName": {login}, "proxyAddresses": {"SMTP:" + login + "@corp.example", "smtp:" + l.Identifier(exeunt.WorkEmail)},
			})
		},
		Rename: func(t testing.TB, l exeunt.Leaver) {
			conn := c.admin(t)
			roe := "CN=Jane Roe " + l.Identifier(exeunt.Login)
			must(t, conn.ModifyDN(wire.NewModifyDNRequest(c.dn(l), roe, true, "CN=Users,"+c.BaseDN)))
			modify(t, conn, roe+",CN=Users,"+c.BaseDN, func(m *wire.ModifyRequest) {
				m.Replace("sAMAccountName", []string{"roe-" + l.ID})
				m.Replace("userPrincipalName", []string{"roe-" + l.ID + "@corp.example"})
				m.Replace("mail", []string{"roe-" + l.ID + "@corp.example"})
				m.Replace("employeeID", []string{"new-" + l.ID})
			})
		},
		Vanish: func(t testing.TB, l exeunt.Leaver) {
			conn := c.admin(t)
			filter := "(sAMAccountName=" + l.Identifier(exeunt.Login) + ")"
			found, err := conn.Search(wire.NewSearchRequest(c.BaseDN, wire.ScopeWholeSubtree, 0, 0, 0, false, filter, []string{"1.1"}, nil))
			must(t, err)
			must(t, conn.Del(wire.NewDelRequest(found.Entries[0].DN, nil)))
		},
		HandOver: func(t testing.TB, l exeunt.Leaver) {
			modify(t, c.admin(t), c.group("nested-"+l.Identifier(exeunt.Login)), func(m *wire.ModifyRequest) { m.Replace("managedBy", []string{"CN=Administrator,CN=Users," + c.BaseDN}) })
		},
		Drop: func(t testing.TB, l exeunt.Leaver, action exeunt.Action) (name, value string) {
			if action != exeunt.RemoveGroups {
				return "", ""
			}
			group := c.group("vpn-" + l.Identifier(exeunt.Login))
			must(t, c.admin(t).Del(wire.NewDelRequest(group, nil)))
			return group, group
		},
		Powerless: c.with(t, map[string]any{"bind_dn": ordinary.Identifier(exeunt.PrincipalName), "bind_password": "file:" + own}), Needs: exeunt.Disable,
		WrongCredentials: c.with(t, map[string]any{"bind_password": "file:" + wrong}),
		Unreachable:      c.with(t, map[string]any{"url": "ldaps://127.0.0.1:1"}),
		Secrets:          []string{c.Service.Password, "not-the-password", password},
	})
}

// connect opens the connector and finds a fresh person.
func (c *company) connect(t *testing.T, changes map[string]any) (connector.Connector, exeunt.Leaver, exeunt.Account) {
	t.Helper()
	conn, err := activedirectory.Kind().Open(c.with(t, changes), nil)
	must(t, err)
	l := c.hire(t)
	accounts, err := connectortest.Search(t.Context(), activedirectory.Kind(), c.with(t, changes), conn, l)
	if err != nil || len(accounts) != 1 {
		t.Fatalf("Find: %v %v", accounts, err)
	}
	return conn, l, accounts[0]
}

func look(t *testing.T, conn connector.Connector, account exeunt.Account) exeunt.Observation {
	t.Helper()
	o, err := conn.Observe(t.Context(), account)
	must(t, err)
	return o
}

func apply(t *testing.T, conn connector.Connector, account exeunt.Account, actions ...exeunt.Action) {
	t.Helper()
	for _, action := range actions {
		must(t, conn.Apply(t.Context(), account, action, connector.Parameters{}))
	}
}

func TestDisablingKeepsTheOtherBits(t *testing.T) {
	c := open(t)
	conn, l, account := c.connect(t, nil)
	modify(t, c.admin(t), c.dn(l), func(m *wire.ModifyRequest) { m.Replace("userAccountControl", []string{"66048"}) }) // DONT_EXPIRE_PASSWORD
	apply(t, conn, account, exeunt.Disable, exeunt.Disable)
	if got := look(t, conn, account).Facts["userAccountControl"]; got != "66050" {
		t.Errorf("userAccountControl is %s, want 66050", got)
	}
}

// The server's own behaviour, which disabling rests on: an old value that is no longer there fails.
func TestDeleteOldAddNewIsACompareAndSwap(t *testing.T) {
	c := open(t)
	l := c.hire(t)
	m := wire.NewModifyRequest(c.dn(l), nil)
	m.Delete("userAccountControl", []string{"66048"})
	m.Add("userAccountControl", []string{"66050"})
	if err := c.admin(t).Modify(m); !wire.IsErrorWithCode(err, wire.LDAPResultNoSuchAttribute) {
		t.Errorf("got %v, want noSuchAttribute (16)", err)
	}
}

func TestAConnectionBoundBeforeStaysOpen(t *testing.T) {
	c := open(t)
	conn, l, account := c.connect(t, nil)
	session := c.dial(t)
	must(t, session.Bind(l.Identifier(exeunt.PrincipalName), password))
	apply(t, conn, account, exeunt.ResetPassword, exeunt.Disable)
	if _, err := session.Search(wire.NewSearchRequest(c.BaseDN, wire.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"1.1"}, nil)); err != nil {
		t.Fatalf("the session ended (%v): the caveat is out of date", err)
	}
	for _, spec := range activedirectory.Kind().Actions {
		if spec.Action == exeunt.RevokeSessions {
			t.Error("the kind offers what Active Directory cannot do")
		}
		if spec.Action == exeunt.Disable && (!strings.Contains(spec.Caveat, "10 h") || !strings.Contains(spec.Caveat, "stays open")) {
			t.Error("the caveat does not tell it")
		}
	}
}

func TestTheResetPasswordIsNobodys(t *testing.T) {
	c := open(t)
	conn, l, account := c.connect(t, nil)
	before := look(t, conn, account)
	apply(t, conn, account, exeunt.ResetPassword)
	after := look(t, conn, account)
	if before.Facts["pwdLastSet"] == after.Facts["pwdLastSet"] {
		t.Error("pwdLastSet has not moved")
	}
	if c.canSignIn(t, l) {
		t.Error("the old password works")
	}
	if after.Of(exeunt.ResetPassword) != exeunt.Unknown {
		t.Errorf("a password that cannot be read back stands %s", after.Of(exeunt.ResetPassword))
	}
}

func TestNestedGroupsAreNotedAndGoWithTheirWay(t *testing.T) {
	c := open(t)
	conn, l, account := c.connect(t, nil)
	before := look(t, conn, account)
	if before.Facts["nested groups"] != "1" || before.Facts["groups"] != "2" || before.Facts["primaryGroupID"] != "513" {
		t.Errorf("before: %v", before.Facts)
	}
	apply(t, conn, account, exeunt.RemoveGroups)
	after := look(t, conn, account)
	if after.Facts["groups"] != "0" || after.Facts["primaryGroupID"] != "513" || len(after.Snapshot["groups"]) != 0 {
		t.Errorf("after: %v %v", after.Facts, after.Snapshot)
	}
	login := l.Identifier(exeunt.Login)
	found, err := c.admin(t).Search(wire.NewSearchRequest(c.group("nested-"+login), wire.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"member"}, nil))
	must(t, err)
	if got := found.Entries[0].GetAttributeValues("member"); !slices.Equal(got, []string{c.group("eng-" + login)}) {
		t.Errorf("the nested group lost its own member: %v", got)
	}
}

// The server's own behaviour, which removing rests on: an absent member is refused (53), by Samba
// even with the permissive control, and memberOf cannot be written.
func TestAMemberThatIsGoneAlreadyIsNoFault(t *testing.T) {
	c := open(t)
	conn, l, account := c.connect(t, nil)
	admin := c.admin(t)
	m := wire.NewModifyRequest(c.group("nested-"+l.Identifier(exeunt.Login)), nil)
	m.Delete("member", []string{c.dn(l)})
	if err := admin.Modify(m); !wire.IsErrorWithCode(err, wire.LDAPResultUnwillingToPerform) {
		t.Errorf("an absent member: %v, want unwillingToPerform (53)", err)
	}
	m = wire.NewModifyRequest(c.dn(l), nil)
	m.Replace("memberOf", nil)
	if admin.Modify(m) == nil {
		t.Error("memberOf can be written")
	}
	var racers sync.WaitGroup
	for range 4 {
		racers.Go(func() {
			if err := conn.Apply(t.Context(), account, exeunt.RemoveGroups, connector.Parameters{}); err != nil {
				t.Errorf("beside others: %v", err)
			}
		})
	}
	racers.Wait()
	if o := look(t, conn, account); o.Of(exeunt.RemoveGroups) != exeunt.Holds {
		t.Error("groups are left")
	}
}

func TestTheIDIsTheGUIDAsToolsShowIt(t *testing.T) {
	c := open(t)
	_, l, account := c.connect(t, nil)
	found, err := c.admin(t).Search(wire.NewSearchRequest("<GUID="+account.ID+">", wire.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"sAMAccountName"}, nil))
	must(t, err)
	if got := found.Entries[0].GetAttributeValue("sAMAccountName"); got != l.Identifier(exeunt.Login) || len(account.ID) != 36 {
		t.Errorf("%s is %s", account.ID, got)
	}
}

func TestStartTLSWorksAndPlainTextIsRefusedBeforeAnythingIsSent(t *testing.T) {
	c := open(t)
	c.connect(t, map[string]any{"url": c.PlainURL, "start_tls": true})
	_, err := activedirectory.Kind().Open(c.with(t, map[string]any{"url": c.PlainURL}), nil)
	if exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), "start_tls") {
		t.Errorf("ldap:// without StartTLS: %v", err)
	}
	plain, err := wire.DialURL(c.PlainURL)
	must(t, err)
	defer plain.Close()
	if err := plain.Bind(c.Service.Name, c.Service.Password); !wire.IsErrorWithCode(err, wire.LDAPResultStrongAuthRequired) {
		t.Errorf("the server takes a plain bind: %v", err)
	}
}

// An ordinary member of staff has none of the rights.
func TestWithoutTheRightItIsDenied(t *testing.T) {
	c := open(t)
	colleague := c.hire(t)
	secret := filepath.Join(t.TempDir(), "colleague")
	must(t, os.WriteFile(secret, []byte(password), 0o600))
	conn, _, account := c.connect(t, map[string]any{"bind_dn": colleague.Identifier(exeunt.PrincipalName), "bind_password": "file:" + secret})
	for _, action := range []exeunt.Action{exeunt.ResetPassword, exeunt.Disable, exeunt.RemoveGroups, exeunt.MoveToArchive} {
		if err := conn.Apply(t.Context(), account, action, connector.Parameters{}); exeunt.KindOf(err) != exeunt.Denied {
			t.Errorf("%s: %s %v", action, exeunt.KindOf(err), err)
		}
	}
}

func TestAnArchiveThatIsNotThereIsAMistake(t *testing.T) {
	c := open(t)
	conn, _, account := c.connect(t, map[string]any{"archive_ou": "OU=Nowhere," + c.BaseDN})
	err := conn.Apply(t.Context(), account, exeunt.MoveToArchive, connector.Parameters{})
	if exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), "archive_ou") {
		t.Errorf("%s %v", exeunt.KindOf(err), err)
	}
	specs, err := activedirectory.Kind().Specs(c.with(t, map[string]any{"archive_ou": nil}))
	if err != nil || len(specs) != 4 {
		t.Errorf("without an archive: %v %v", specs, err)
	}
}
