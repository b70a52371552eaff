package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"
	"github.com/jackc/pgx/v5"

	"github.com/exeunt/exeunt/internal/sim"
	"github.com/exeunt/exeunt/internal/testserver"
)

// house is the vendors of a company: real servers, each with an administrator's hand in it, and
// simulators where there is nothing real to run. What a test asks of it goes through the vendors' own
// doors, never through a connector.
type house struct {
	ad       testserver.Directory
	openldap testserver.Directory
	scim     testserver.SCIM
	postgres *url.URL // as the superuser
	dbRole   string   // as which the product works there
	mail     testserver.Mailbox
	company  *sim.Company
	secrets  map[string]string // environment of the product
	staff    string            // OU of people in Active Directory
	leavers  string
}

// The password that everybody has everywhere before they leave.
const password = "Start#2345678"

func openHouse(t *testing.T) *house {
	t.Helper()
	h := &house{ad: testserver.Samba(t), openldap: testserver.OpenLDAP(t), scim: testserver.Scimmy(t), mail: testserver.Maildev(t), dbRole: "svc_" + strings.ToLower(rand.Text()[:8])}
	var err error
	h.postgres, err = url.Parse(testserver.Postgres(t))
	must(t, err)
	h.company, err = sim.Start(t.Context(), 60, 7)
	must(t, err)
	t.Cleanup(func() { must(t, h.company.Close()) })
	h.secrets = h.company.Environment()
	h.secrets["AD_PASSWORD"], h.secrets["LDAP_PASSWORD"], h.secrets["CRM_TOKEN"] = h.ad.Service.Password, h.openldap.Service.Password, h.scim.Token
	h.secrets["PG_PASSWORD"] = rand.Text()
	h.sql(t, "CREATE ROLE "+h.dbRole+" LOGIN CREATEROLE IN ROLE pg_signal_backend PASSWORD '"+h.secrets["PG_PASSWORD"]+"'", "CREATE ROLE analysts")
	h.staff, h.leavers = "OU=Staff,"+h.ad.BaseDN, "OU=Leavers,"+h.ad.BaseDN
	for _, ou := range []string{h.staff, h.leavers} {
		h.add(t, h.admin(t, h.ad), ou, map[string][]string{"objectClass": {"organizationalUnit"}})
	}
	return h
}

// hire gives a person an account in every real system. The simulators have everybody already.
func (h *house) hire(t *testing.T, p sim.Person) {
	t.Helper()
	ad, unix := h.admin(t, h.ad), h.admin(t, h.openldap)
	h.add(t, ad, "CN="+p.Login+","+h.staff, map[string][]string{
		"objectClass": {"user"}, "sAMAccountName": {fmt.Sprint("u", p.Number)}, "userPrincipalName": {principal(p)}, "mail": {p.WorkEmail},
		"employeeID": {p.EmployeeID}, "unicodePwd": {quotedUTF16(password)}, "userAccountControl": {"512"},
	})
	h.add(t, ad, "CN=vpn "+p.Login+","+h.staff, map[string][]string{
		"objectClass": {"group"}, "sAMAccountName": {fmt.Sprint("vpn", p.Number)}, "member": {"CN=" + p.Login + "," + h.staff},
	})
	dn := "uid=" + p.Login + ",ou=people," + h.openldap.BaseDN
	h.add(t, unix, dn, map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {p.Login}, "cn": {p.Login}, "sn": {"x"}, "employeeNumber": {p.EmployeeID}, "mail": {p.WorkEmail}, "userPassword": {password},
	})
	h.add(t, unix, "cn=ops "+p.Login+",ou=groups,"+h.openldap.BaseDN, map[string][]string{
		"objectClass": {"groupOfNames"}, "member": {h.openldap.Admin.Name, dn},
	})
	crm := h.scimUser(t, p.WorkEmail, p.WorkEmail, true)
	h.scimUser(t, p.Login, "desk."+p.WorkEmail, false) // the help desk's account ended with the single sign-on's
	h.scimDo(t, "POST", "/Groups", map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": "sales " + p.Login, "members": []any{map[string]string{"value": crm}}})
	role := pgx.Identifier{p.Login}.Sanitize()
	h.sql(t, "CREATE ROLE "+role+" LOGIN PASSWORD '"+password+"'", "GRANT analysts TO "+role)
}

// principal is by what Active Directory knows a person.
func principal(p sim.Person) string { return p.Login + "@corp.example" }

func quotedUTF16(s string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(`"` + s + `"`)) {
		b.WriteByte(byte(unit))
		b.WriteByte(byte(unit >> 8))
	}
	return b.String()
}

// ---- the doors

// dial opens a connection to a directory that nobody is bound to yet.
func (h *house) dial(t testing.TB, d testserver.Directory) *ldap.Conn {
	t.Helper()
	pem, err := os.ReadFile(d.CAFile)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	c, err := ldap.DialURL(d.URL, ldap.DialWithTLSConfig(&tls.Config{RootCAs: roots, ServerName: d.ServerName}))
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func (h *house) admin(t testing.TB, d testserver.Directory) *ldap.Conn {
	t.Helper()
	c := h.dial(t, d)
	must(t, c.Bind(d.Admin.Name, d.Admin.Password))
	return c
}

func (h *house) add(t testing.TB, c *ldap.Conn, dn string, attributes map[string][]string) {
	t.Helper()
	r := ldap.NewAddRequest(dn, nil)
	for name, values := range attributes {
		r.Attribute(name, values)
	}
	must(t, c.Add(r))
}

// entry finds a person's entry, wherever it was moved to.
func (h *house) entry(t testing.TB, d testserver.Directory, filter string) *ldap.Entry {
	t.Helper()
	found, err := h.admin(t, d).Search(ldap.NewSearchRequest(d.BaseDN, ldap.ScopeWholeSubtree, 0, 0, 0, false, filter, []string{"*", "memberOf"}, nil))
	if err != nil || len(found.Entries) != 1 {
		t.Fatalf("%s: %v, %d entries", filter, err, len(found.Entries))
	}
	return found.Entries[0]
}

// bindLDAP is what happens when the person signs in.
func (h *house) bindLDAP(t testing.TB, p sim.Person, word string) error {
	return h.dial(t, h.openldap).Bind(h.entry(t, h.openldap, "(uid="+p.Login+")").DN, word)
}

func (h *house) bindAD(t testing.TB, p sim.Person, word string) error {
	return h.dial(t, h.ad).Bind(principal(p), word)
}

// setPassword is an administrator's, so that a refusal can only come from the account's state.
func (h *house) setPassword(t testing.TB, p sim.Person, word string) {
	t.Helper()
	m := ldap.NewModifyRequest(h.entry(t, h.ad, "(userPrincipalName="+principal(p)+")").DN, nil)
	m.Replace("unicodePwd", []string{quotedUTF16(word)})
	must(t, h.admin(t, h.ad).Modify(m))
}

func (h *house) psql(t testing.TB, p sim.Person) error {
	t.Helper()
	u := *h.postgres
	u.User = url.UserPassword(p.Login, password)
	c, err := pgx.Connect(t.Context(), u.String())
	if err == nil {
		must(t, c.Close(t.Context()))
	}
	return err
}

func (h *house) sql(t testing.TB, statements ...string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), h.postgres.String())
	must(t, err)
	defer c.Close(context.WithoutCancel(t.Context()))
	for _, s := range statements {
		if _, err := c.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

func (h *house) scimUser(t testing.TB, name, mail string, active bool) string {
	t.Helper()
	made := h.scimDo(t, "POST", "/Users", map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": name, "active": active,
		"name": map[string]string{"familyName": "x"}, "emails": []any{map[string]any{"value": mail, "primary": true}},
	})
	return made["id"].(string)
}

// scimActive is what the CRM says of a person, and in how many groups they are.
func (h *house) scimActive(t testing.TB, p sim.Person) (active bool, groups int) {
	t.Helper()
	search := map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:SearchRequest"}, "filter": fmt.Sprintf("userName eq %q", p.WorkEmail)}
	found, _ := h.scimDo(t, "POST", "/Users/.search", search)["Resources"].([]any)
	if len(found) != 1 {
		t.Fatalf("the CRM has %d users called %s", len(found), p.WorkEmail)
	}
	user := found[0].(map[string]any)
	search["filter"] = fmt.Sprintf("displayName eq %q", "sales "+p.Login)
	for _, g := range h.scimDo(t, "POST", "/Groups/.search", search)["Resources"].([]any) {
		members, _ := g.(map[string]any)["members"].([]any)
		groups += len(members)
	}
	return user["active"].(bool), groups
}

func (h *house) scimDo(t testing.TB, method, path string, body any) map[string]any {
	t.Helper()
	encoded, err := json.Marshal(body)
	must(t, err)
	r, err := http.NewRequestWithContext(t.Context(), method, h.scim.URL+path, bytes.NewReader(encoded))
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+h.scim.Token)
	r.Header.Set("Content-Type", "application/scim+json")
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	var got map[string]any
	must(t, json.NewDecoder(answer.Body).Decode(&got))
	if answer.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %v", method, path, answer.StatusCode, got)
	}
	return got
}

// works says of each door whether the person gets in.
func (h *house) works(t testing.TB, p sim.Person) map[string]bool {
	t.Helper()
	active, _ := h.scimActive(t, p)
	return map[string]bool{
		"Active Directory": h.bindAD(t, p, password) == nil, "LDAP": h.bindLDAP(t, p, password) == nil,
		"CRM": active, "PostgreSQL": h.psql(t, p) == nil, "code host": h.company.Code.CanWork(p),
	}
}
