package ldap_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	wire "github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connectors/ldap"
	"github.com/exeunt/exeunt/internal/testserver"
)

// company is a directory with an administrator's hand in it.
type company struct {
	testserver.Directory
	settings map[string]any
	hired    atomic.Int64
}

const password = "start-123-Start"

func open(t *testing.T) *company {
	d := testserver.OpenLDAP(t)
	secret := filepath.Join(t.TempDir(), "bind-password")
	if err := os.WriteFile(secret, []byte(d.Service.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return &company{Directory: d, settings: map[string]any{
		"url": d.URL, "ca_file": d.CAFile, "server_name": d.ServerName,
		"bind_dn": d.Service.Name, "bind_password": "file:" + secret, "base_dn": d.BaseDN,
		"group_attributes":   []string{"member", "uniqueMember", "memberUid"},
		"placeholder_member": "cn=nobody," + d.BaseDN,
		"archive_ou":         "ou=leavers," + d.BaseDN, "nologin_shell": "/usr/sbin/nologin",
	}}
}

// with returns the settings with some of them changed; nil takes one out.
func (c *company) with(t testing.TB, changes map[string]any) json.RawMessage {
	t.Helper()
	settings := maps.Clone(c.settings)
	for key, value := range changes {
		settings[key] = value
		if value == nil {
			delete(settings, key)
		}
	}
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (c *company) dial(t testing.TB) *wire.Conn {
	t.Helper()
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	conn, err := wire.DialURL(c.URL, wire.DialWithTLSConfig(&tls.Config{RootCAs: roots, ServerName: c.ServerName}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func (c *company) admin(t testing.TB) *wire.Conn {
	t.Helper()
	conn := c.dial(t)
	must(t, conn.Bind(c.Admin.Name, c.Admin.Password))
	return conn
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *company) dn(uid string) string {
	return "uid=" + uid + ",ou=people," + c.BaseDN
}

func add(t testing.TB, conn *wire.Conn, dn string, attributes map[string][]string) {
	t.Helper()
	request := wire.NewAddRequest(dn, nil)
	for name, values := range attributes {
		request.Attribute(name, values)
	}
	must(t, conn.Add(request))
}

func (c *company) person(t testing.TB, conn *wire.Conn, uid, number, mail string) {
	t.Helper()
	add(t, conn, c.dn(uid), map[string][]string{
		"objectClass": {"inetOrgPerson", "posixAccount"}, "uid": {uid}, "cn": {"Jane Doe"}, "sn": {"Doe"},
		"employeeNumber": {number}, "mail": {mail}, "userPassword": {password}, "loginShell": {"/bin/bash"},
		"uidNumber": {"10001"}, "gidNumber": {"10001"}, "homeDirectory": {"/home/" + uid},
	})
}

// hire makes a person in three kinds of group, in one of them alone.
func (c *company) hire(t testing.TB) exeunt.Leaver {
	t.Helper()
	conn := c.admin(t)
	leaver := connectortest.Leaver(int(c.hired.Add(1)))
	uid := leaver.Identifier(exeunt.Login)
	c.person(t, conn, uid, leaver.ID, leaver.Identifier(exeunt.WorkEmail))
	for name, attributes := range map[string]map[string][]string{
		"held": {"objectClass": {"groupOfNames"}, "member": {c.Admin.Name}, "owner": {c.dn(uid)}},
		"eng":  {"objectClass": {"groupOfNames"}, "member": {c.Admin.Name, c.dn(uid)}},
		"solo": {"objectClass": {"groupOfNames"}, "member": {c.dn(uid)}},
		"uniq": {"objectClass": {"groupOfUniqueNames"}, "uniqueMember": {c.Admin.Name, c.dn(uid)}},
		"unix": {"objectClass": {"posixGroup"}, "memberUid": {uid, "other"}, "gidNumber": {"20001"}},
	} {
		add(t, conn, c.group(uid, name), attributes)
	}
	return leaver
}

func (c *company) group(uid, name string) string {
	return "cn=" + name + "-" + uid + ",ou=groups," + c.BaseDN
}

// whereIs finds the person's entry, wherever it was moved.
func (c *company) whereIs(t testing.TB, leaver exeunt.Leaver) string {
	t.Helper()
	found, err := c.admin(t).Search(wire.NewSearchRequest(c.BaseDN, wire.ScopeWholeSubtree, 0, 0, 0, false, "(employeeNumber="+leaver.ID+")", []string{"1.1"}, nil))
	if err != nil || len(found.Entries) != 1 {
		t.Fatalf("no %s: %v", leaver.Identifier(exeunt.Login), err)
	}
	return found.Entries[0].DN
}

func (c *company) canSignIn(t testing.TB, leaver exeunt.Leaver) bool {
	t.Helper()
	return c.dial(t).Bind(c.whereIs(t, leaver), password) == nil
}

func (c *company) modify(t testing.TB, dn string, change func(*wire.ModifyRequest)) {
	t.Helper()
	m := wire.NewModifyRequest(dn, nil)
	change(m)
	must(t, c.admin(t).Modify(m))
}

func TestConforms(t *testing.T) {
	c := open(t)
	wrong := filepath.Join(t.TempDir(), "wrong")
	must(t, os.WriteFile(wrong, []byte("not-the-password"), 0o600))
	own := filepath.Join(t.TempDir(), "own")
	must(t, os.WriteFile(own, []byte(password), 0o600))
	ordinary := c.hire(t)
	c.hire(t) // whom the other may not touch
	connectortest.Run(t, connectortest.Subject{
		Kind: ldap.Kind(), Settings: c.with(t, nil), Hire: c.hire, CanSignIn: c.canSignIn,
		Removals: func(t testing.TB, l exeunt.Leaver) map[string][]string {
			uid := l.Identifier(exeunt.Login)
			return map[string][]string{
				"groups":                 {c.group(uid, "eng"), c.group(uid, "solo")},
				"groups by uniqueMember": {c.group(uid, "uniq")},
				"groups by memberUid":    {c.group(uid, "unix")},
				"enabled":                {"true"}, "loginShell": {"/bin/bash"}, "container": {"ou=people," + c.BaseDN},
			}
		},
		Twin: func(t testing.TB, l exeunt.Leaver) { // an address that was given to somebody else
			c.person(t, c.admin(t), "twin-"+l.Identifier(exeunt.Login), "X-"+l.ID, l.Identifier(exeunt.WorkEmail))
		},
		Rename: func(t testing.TB, l exeunt.Leaver) {
			uid := l.Identifier(exeunt.Login)
			conn := c.admin(t)
			must(t, conn.ModifyDN(wire.NewModifyDNRequest(c.dn(uid), "cn=Jane Roe+uid=roe-"+uid, true, "ou=groups,"+c.BaseDN)))
			m := wire.NewModifyRequest("cn=Jane Roe+uid=roe-"+uid+",ou=groups,"+c.BaseDN, nil)
			m.Replace("mail", []string{"roe-" + uid + "@corp.example"})
			m.Replace("employeeNumber", []string{"new-" + l.ID})
			must(t, conn.Modify(m))
		},
		Vanish: func(t testing.TB, l exeunt.Leaver) {
			must(t, c.admin(t).Del(wire.NewDelRequest(c.whereIs(t, l), nil)))
		},
		HandOver: func(t testing.TB, l exeunt.Leaver) {
			c.modify(t, c.group(l.Identifier(exeunt.Login), "held"), func(m *wire.ModifyRequest) { m.Replace("owner", []string{c.Admin.Name}) })
		},
		Drop: func(t testing.TB, l exeunt.Leaver, action exeunt.Action) (name, value string) {
			if action != exeunt.RemoveGroups {
				return "", ""
			}
			group := c.group(l.Identifier(exeunt.Login), "uniq")
			must(t, c.admin(t).Del(wire.NewDelRequest(group, nil)))
			return group, group
		},
		Powerless: c.with(t, map[string]any{"bind_dn": c.dn(ordinary.Identifier(exeunt.Login)), "bind_password": "file:" + own}), Needs: exeunt.ResetPassword,
		WrongCredentials: c.with(t, map[string]any{"bind_password": "file:" + wrong}),
		Unreachable:      c.with(t, map[string]any{"url": "ldaps://127.0.0.1:1"}),
		Secrets:          []string{c.Service.Password, "not-the-password", password},
	})
}

// connect opens the connector and finds a fresh person.
func (c *company) connect(t *testing.T, changes map[string]any) (connector.Connector, exeunt.Leaver, exeunt.Account) {
	t.Helper()
	conn, err := ldap.Kind().Open(c.with(t, changes), nil)
	must(t, err)
	leaver := c.hire(t)
	accounts, err := connectortest.Search(t.Context(), ldap.Kind(), c.with(t, changes), conn, leaver)
	if err != nil || len(accounts) != 1 {
		t.Fatalf("Find: %v %v", accounts, err)
	}
	return conn, leaver, accounts[0]
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

// OpenLDAP's own behaviour, which the order of the actions rests on.
func TestSettingAPasswordUnlocksSilentlyAndIsSeen(t *testing.T) {
	c := open(t)
	conn, leaver, account := c.connect(t, nil)
	apply(t, conn, account, exeunt.Disable)
	if o := look(t, conn, account); o.Of(exeunt.Disable) != exeunt.Holds || c.canSignIn(t, leaver) {
		t.Fatal("the lock does not lock")
	}
	uid := leaver.Identifier(exeunt.Login)
	c.modify(t, c.dn(uid), func(m *wire.ModifyRequest) { m.Replace("userPassword", []string{password}) })
	if !c.canSignIn(t, leaver) {
		t.Fatal("setting the password no longer unlocks: the order of our actions may be reconsidered")
	}
	if o := look(t, conn, account); o.Of(exeunt.Disable) != exeunt.Absent || o.Of(exeunt.ResetPassword) != exeunt.Absent {
		t.Errorf("an unlocked account is seen as %v", o.Standing)
	}
	apply(t, conn, account, exeunt.Disable, exeunt.ResetPassword) // even in the wrong order
	if o := look(t, conn, account); o.Of(exeunt.Disable) != exeunt.Holds {
		t.Error("taking the password away unlocks the account")
	}
}

func TestAConnectionBoundBeforeStaysOpen(t *testing.T) {
	c := open(t)
	conn, leaver, account := c.connect(t, nil)
	session := c.dial(t)
	must(t, session.Bind(c.dn(leaver.Identifier(exeunt.Login)), password))
	apply(t, conn, account, exeunt.ResetPassword, exeunt.Disable)
	if _, err := session.WhoAmI(nil); err != nil {
		t.Fatalf("the session ended (%v): the caveat is out of date", err)
	}
	for _, spec := range ldap.Kind().Actions {
		if spec.Action == exeunt.RevokeSessions {
			t.Error("the kind offers what LDAP cannot do")
		}
		if spec.Action == exeunt.Disable && !strings.Contains(spec.Caveat, "stays open") {
			t.Error("the caveat does not tell it")
		}
	}
}

func TestTheLastMemberNeedsAPlaceholder(t *testing.T) {
	c := open(t)
	conn, _, account := c.connect(t, map[string]any{"placeholder_member": nil})
	err := conn.Apply(t.Context(), account, exeunt.RemoveGroups, connector.Parameters{})
	if exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(err.Error(), "solo-") || !strings.Contains(err.Error(), "placeholder_member") {
		t.Errorf("got %s %v, want a conflict that names the group and the remedy", exeunt.KindOf(err), err)
	}
	out, err := connector.Converge(t.Context(), conn, connector.Aim{Account: account, Spec: ldap.Kind().Actions[1]}, func(exeunt.Observation) error { return nil })
	if err != nil || out.Kind != exeunt.GaveUp {
		t.Errorf("a group that cannot be left ends as %s, %v; want a task", out.Kind, err)
	}
}

func TestOthersStayInTheirGroups(t *testing.T) {
	c := open(t)
	conn, leaver, account := c.connect(t, nil)
	apply(t, conn, account, exeunt.RemoveGroups)
	uid := leaver.Identifier(exeunt.Login)
	for name, want := range map[string][2]string{
		"eng": {"member", c.Admin.Name}, "solo": {"member", "cn=nobody," + c.BaseDN},
		"uniq": {"uniqueMember", c.Admin.Name}, "unix": {"memberUid", "other"},
	} {
		found, err := c.admin(t).Search(wire.NewSearchRequest(c.group(uid, name), wire.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{want[0]}, nil))
		must(t, err)
		if got := found.Entries[0].GetAttributeValues(want[0]); len(got) != 1 || got[0] != want[1] {
			t.Errorf("%s has %v, want %s", name, got, want[1])
		}
	}
}

// A service account that may not compare the password must not take its silence for absence.
func TestAnUnreadablePasswordIsUnknownNotGone(t *testing.T) {
	c := open(t)
	secret := filepath.Join(t.TempDir(), "reader")
	must(t, os.WriteFile(secret, []byte("reader-of-a-test"), 0o600))
	add(t, c.admin(t), "cn=reader,"+c.BaseDN, map[string][]string{
		"objectClass": {"organizationalRole", "simpleSecurityObject"}, "cn": {"reader"}, "userPassword": {"reader-of-a-test"},
	})
	conn, _, account := c.connect(t, map[string]any{"bind_dn": "cn=reader," + c.BaseDN, "bind_password": "file:" + secret})
	if o := look(t, conn, account); o.Of(exeunt.ResetPassword) != exeunt.Unknown {
		t.Errorf("seen as %s", o.Of(exeunt.ResetPassword))
	}
	for _, action := range []exeunt.Action{exeunt.Disable, exeunt.ResetPassword, exeunt.RemoveGroups, exeunt.MoveToArchive} {
		if err := conn.Apply(t.Context(), account, action, connector.Parameters{}); exeunt.KindOf(err) != exeunt.Denied {
			t.Errorf("%s without the right: %s %v", action, exeunt.KindOf(err), err)
		}
	}
}

func TestANameThatIsTakenInTheArchiveIsAConflict(t *testing.T) {
	c := open(t)
	conn, leaver, account := c.connect(t, nil)
	uid := leaver.Identifier(exeunt.Login)
	add(t, c.admin(t), "uid="+uid+",ou=leavers,"+c.BaseDN, map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {uid}, "cn": {"An earlier Jane"}, "sn": {"Doe"},
	})
	err := conn.Apply(t.Context(), account, exeunt.MoveToArchive, connector.Parameters{})
	if exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(err.Error(), "rename") {
		t.Errorf("got %s %v", exeunt.KindOf(err), err)
	}
}

func TestStartTLSWorksAndAWrongAuthorityIsRefused(t *testing.T) {
	c := open(t)
	c.connect(t, map[string]any{"url": c.PlainURL, "start_tls": true})
	for _, changes := range []map[string]any{
		{"ca_file": nil}, {"server_name": "another.test"},
		{"url": c.PlainURL, "start_tls": true, "server_name": "another.test"},
	} {
		conn, err := ldap.Kind().Open(c.with(t, changes), nil)
		must(t, err)
		if _, err := connectortest.Search(t.Context(), ldap.Kind(), c.with(t, changes), conn, connectortest.Leaver(1)); exeunt.KindOf(err) != exeunt.Temporary {
			t.Errorf("%v: %s %v", changes, exeunt.KindOf(err), err)
		}
	}
}

func TestAFilterCannotBeSmuggledIn(t *testing.T) {
	c := open(t)
	conn, _, _ := c.connect(t, nil)
	for _, value := range []string{"*", "x)(uid=*", `x\2a`, "x*)(|(uid=*", "\x00"} {
		l := exeunt.Leaver{ID: value, Identifiers: map[exeunt.IdentifierKind]string{exeunt.Login: value, exeunt.WorkEmail: value}}
		if accounts, err := connectortest.Search(t.Context(), ldap.Kind(), c.with(t, nil), conn, l); err != nil || len(accounts) != 0 {
			t.Errorf("%q finds %v, %v", value, accounts, err)
		}
	}
}

func TestAMissingBaseIsAMistakeNotAMissingAccount(t *testing.T) {
	c := open(t)
	conn, _, account := c.connect(t, map[string]any{"groups_base": "ou=nowhere," + c.BaseDN})
	if _, err := conn.Observe(t.Context(), account); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("got %s %v", exeunt.KindOf(err), err)
	}
}

func TestALeaverWithoutAnyIdentifierIsSaid(t *testing.T) {
	c := open(t)
	changes := map[string]any{"match": map[string]string{"upn": "mail"}}
	conn, _, _ := c.connect(t, changes)
	_, err := connectortest.Search(t.Context(), ldap.Kind(), c.with(t, changes), conn, exeunt.Leaver{ID: "E1"})
	if exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), "mail") {
		t.Errorf("got %v", err)
	}
}

func TestBadSettingsAreRefused(t *testing.T) {
	good := map[string]any{"url": "ldaps://ldap.corp.example", "bind_dn": "cn=a", "bind_password": "env:X", "base_dn": "dc=corp"}
	for name, bad := range map[string]map[string]any{
		"plain text":          {"url": "ldap://ldap.corp.example"},
		"tls twice":           {"start_tls": true},
		"no host":             {"url": "ldaps://"},
		"http":                {"url": "https://ldap.corp.example"},
		"password in the URL": {"url": "ldaps://a:b@ldap.corp.example"},
		"no bind_dn":          {"bind_dn": ""},
		"a secret, literally": {"bind_password": "hunter2"},
		"no secret":           {"bind_password": nil},
		"no base":             {"base_dn": ""},
		"not a base":          {"base_dn": "corp.example"},
		"not an attribute":    {"match": map[string]string{"login": "uid=*)("}},
		"not a filter":        {"user_filter": "(a=b"},
		"an archive outside":  {"archive_ou": "ou=leavers,dc=other"},
		"not a DN":            {"placeholder_member": "nobody"},
		"not a lock":          {"lock_attribute": "locked"},
		"not an identifier":   {"id_attribute": "dn"},
		"no privileged group": {"privileged_groups": []string{"admins"}},
		"no owner attribute":  {"owner_attributes": []string{"(owner"}},
		"no privileged word":  {"privileged": "maybe"},
		"not a group's":       {"group_attributes": []string{"owner"}},
	} {
		settings := maps.Clone(good)
		for key, value := range bad {
			if settings[key] = value; value == nil {
				delete(settings, key)
			}
		}
		text, err := json.Marshal(settings)
		must(t, err)
		_, err = ldap.Kind().Open(text, nil)
		if exeunt.KindOf(err) != exeunt.Invalid || strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := ldap.Kind().Specs(text); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%s: the actions of it: %v", name, err)
		}
	}
	text, err := json.Marshal(good)
	must(t, err)
	specs, err := ldap.Kind().Specs(text)
	if err != nil || len(specs) != 4 {
		t.Errorf("without an archive: %v, %v; want four actions", specs, err)
	}
}

// A directory gives a long list in pages, on the one connection on which it was begun.
func TestALongListIsReadInPages(t *testing.T) {
	c := open(t)
	conn, _, _ := c.connect(t, nil)
	admin := c.admin(t)
	const people = 1100
	for i := range people {
		uid := fmt.Sprintf("many-%d", i)
		add(t, admin, c.dn(uid), map[string][]string{"objectClass": {"inetOrgPerson"}, "uid": {uid}, "cn": {uid}, "sn": {"Many"}, "employeeNumber": {uid}})
	}
	times, cursor, pages := map[string]int{}, "", 0
	for {
		page, err := connector.List(t.Context(), conn, cursor, []string{"employeeNumber"})
		must(t, err)
		for _, f := range page.Accounts {
			if len(f.Has["employeeNumber"]) == 1 && strings.HasPrefix(f.Has["employeeNumber"][0], "many-") {
				times[f.ID]++
			}
		}
		pages++
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(times) != people || pages < 3 {
		t.Errorf("%d accounts in %d pages, want %d", len(times), pages, people)
	}
	first, err := connector.List(t.Context(), conn, "", nil)
	must(t, err)
	if _, err := connector.List(t.Context(), conn, first.Next, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := connector.List(t.Context(), conn, first.Next, nil); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("a page that was turned already: %v, want conflict", err)
	}
}
