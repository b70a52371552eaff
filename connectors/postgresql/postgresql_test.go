package postgresql_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connectors/postgresql"
	"github.com/exeunt/exeunt/internal/testserver"
)

const password = "start-123-Start"

// company is a server with an administrator's hand in it. Our own role is no superuser.
type company struct {
	admin    *url.URL
	settings map[string]any
	prefix   string
	hired    atomic.Int64
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T) *company {
	admin, err := url.Parse(testserver.Postgres(t))
	must(t, err)
	c := &company{admin: admin, prefix: "p" + strings.ToLower(rand.Text()[:8])}
	service, word := c.prefix+"_exeunt", rand.Text()
	c.do(t, "CREATE ROLE "+service+" LOGIN CREATEROLE IN ROLE pg_signal_backend PASSWORD '"+word+"'")
	c.settings = map[string]any{"url": c.as(service, ""), "password": secret(t, word)}
	return c
}

func secret(t testing.TB, word string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(path, []byte(word), 0o600))
	return "file:" + path
}

// as is the server's address for somebody.
func (c *company) as(name, password string) string {
	u := *c.admin
	if u.User = url.User(name); password != "" {
		u.User = url.UserPassword(name, password)
	}
	return u.String()
}

func (c *company) with(t testing.TB, changes map[string]any) json.RawMessage {
	t.Helper()
	settings := maps.Clone(c.settings)
	maps.Copy(settings, changes)
	text, err := json.Marshal(settings)
	must(t, err)
	return text
}

func (c *company) connectAs(t testing.TB, address string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(t.Context(), address)
	if err == nil {
		t.Cleanup(func() { conn.Close(context.Background()) })
	}
	return conn, err
}

func (c *company) do(t testing.TB, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.admin.String())
	must(t, err)
	defer conn.Close(t.Context())
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

// hire makes a role with a name that must be quoted, two memberships, a live session and a schema of its own.
func (c *company) hire(t testing.TB) exeunt.Leaver {
	t.Helper()
	name := fmt.Sprintf(`%s J"Doe; --%d`, c.prefix, c.hired.Add(1))
	for _, group := range []string{"read", "Write"} {
		c.do(t, "CREATE ROLE "+quoted(name+group))
	}
	c.do(t, "CREATE ROLE "+quoted(name)+" LOGIN PASSWORD '"+password+"'",
		"GRANT "+quoted(name+"read")+" TO "+quoted(name), "GRANT "+quoted(name+"Write")+" TO "+quoted(name)+" WITH ADMIN OPTION",
		"CREATE SCHEMA "+quoted(name)+" AUTHORIZATION "+quoted(name))
	_, err := c.connectAs(t, c.as(name, password))
	must(t, err)
	return exeunt.Leaver{ID: name, Name: "Jane Doe", Identifiers: map[exeunt.IdentifierKind]string{exeunt.Login: name}}
}

func (c *company) canSignIn(t testing.TB, l exeunt.Leaver) bool {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.as(l.Identifier(exeunt.Login), password))
	if err != nil {
		return false
	}
	must(t, conn.Close(t.Context()))
	return true
}

func TestConforms(t *testing.T) {
	c := open(t)
	ordinary := c.hire(t)
	connectortest.Run(t, connectortest.Subject{
		Kind: postgresql.Kind(), Settings: c.with(t, nil), Hire: c.hire, CanSignIn: c.canSignIn,
		Removals: func(_ testing.TB, l exeunt.Leaver) map[string][]string {
			return map[string][]string{"roles": {l.ID + "read"}, "roles with admin option": {l.ID + "Write"}}
		},
		Rename: func(t testing.TB, l exeunt.Leaver) {
			c.do(t, "ALTER ROLE "+quoted(l.ID)+" RENAME TO "+quoted("was "+l.ID))
		},
		Vanish: func(t testing.TB, l exeunt.Leaver) { c.do(t, "DROP OWNED BY "+quoted(l.ID), "DROP ROLE "+quoted(l.ID)) },
		HandOver: func(t testing.TB, l exeunt.Leaver) {
			c.do(t, "REASSIGN OWNED BY "+quoted(l.ID)+" TO "+c.prefix+"_exeunt")
		},
		Drop: func(t testing.TB, l exeunt.Leaver, action exeunt.Action) (name, value string) {
			if action != exeunt.RemoveRoles {
				return "", ""
			}
			c.do(t, "DROP ROLE "+quoted(l.ID+"read"))
			return l.ID + "read", l.ID + "read"
		},
		Powerless: c.with(t, map[string]any{"url": c.as(ordinary.ID, ""), "password": secret(t, password)}), Needs: exeunt.RevokeSessions,
		WrongCredentials: c.with(t, map[string]any{"password": secret(t, "not-the-password")}),
		Unreachable:      c.with(t, map[string]any{"url": "postgres://nobody@127.0.0.1:1/postgres"}),
		Secrets:          []string{"not-the-password", password},
	})
}

func (c *company) connect(t *testing.T, l exeunt.Leaver, changes map[string]any) (connector.Connector, exeunt.Account) {
	t.Helper()
	conn, err := postgresql.Kind().Open(c.with(t, changes), nil)
	must(t, err)
	accounts, err := connectortest.Search(t.Context(), postgresql.Kind(), c.with(t, changes), conn, l)
	if err != nil || len(accounts) != 1 {
		t.Fatalf("Find: %v %v", accounts, err)
	}
	return conn, accounts[0]
}

// The server's own behaviour, which the order of the actions rests on: NOLOGIN ends no session.
func TestASessionFromBeforeLivesUntilItIsTerminated(t *testing.T) {
	c := open(t)
	l := c.hire(t)
	session, err := c.connectAs(t, c.as(l.ID, password))
	must(t, err)
	conn, account := c.connect(t, l, nil)
	must(t, conn.Apply(t.Context(), account, exeunt.Disable, connector.Parameters{}))
	must(t, session.Ping(t.Context()))
	o, err := conn.Observe(t.Context(), account)
	if err != nil || o.Of(exeunt.RevokeSessions) != exeunt.Absent || o.Facts["sessions"] != "2" {
		t.Errorf("two live sessions are seen as %v, %v", o, err)
	}
	must(t, conn.Apply(t.Context(), account, exeunt.RevokeSessions, connector.Parameters{}))
	if session.Ping(t.Context()) == nil {
		t.Error("the session lives on")
	}
}

func TestWhatARoleOwnsIsListedInEveryDatabase(t *testing.T) {
	c := open(t)
	l := c.hire(t)
	other := c.prefix + "_other"
	c.do(t, "CREATE DATABASE "+other)
	elsewhere := *c.admin
	elsewhere.Path = "/" + other
	there := company{admin: &elsewhere}
	there.do(t, "CREATE SCHEMA one AUTHORIZATION "+quoted(l.ID), "CREATE SCHEMA two AUTHORIZATION "+quoted(l.ID))
	conn, account := c.connect(t, l, nil)
	o, err := conn.Observe(t.Context(), account)
	must(t, err)
	want := []string{"schema " + quoted(l.ID), "2 objects in database " + other}
	if got := o.Snapshot[string(exeunt.HandOver)]; !slices.Equal(got, want) && !slices.Equal(got, []string{"schema " + l.ID, want[1]}) {
		t.Errorf("it owns %q, want %q", got, want)
	}
	c.do(t, "DROP DATABASE "+other)
}

func TestThePasswordIsErased(t *testing.T) {
	c := open(t)
	l := c.hire(t)
	conn, account := c.connect(t, l, nil)
	must(t, conn.Apply(t.Context(), account, exeunt.Disable, connector.Parameters{}))
	c.do(t, "ALTER ROLE "+quoted(l.ID)+" LOGIN")
	if c.canSignIn(t, l) {
		t.Error("LOGIN alone lets the old password in again")
	}
}

// applied are the actions that the connector does itself.
func applied() []exeunt.ActionSpec {
	return slices.DeleteFunc(slices.Clone(postgresql.Kind().Actions), func(s exeunt.ActionSpec) bool { return s.ByHand })
}

func TestASuperuserAndOurselvesAreRefused(t *testing.T) {
	c := open(t)
	super := c.prefix + "_super"
	c.do(t, "CREATE ROLE "+super+" SUPERUSER LOGIN")
	word, _ := c.admin.User.Password()
	for _, us := range []struct {
		name    string
		changes map[string]any
	}{
		{c.prefix + "_exeunt", nil},
		{"postgres", map[string]any{"url": c.as("postgres", ""), "password": secret(t, word)}}, // a superuser too
	} {
		for _, name := range []string{super, us.name} {
			conn, account := c.connect(t, exeunt.Leaver{Identifiers: map[exeunt.IdentifierKind]string{exeunt.Login: name}}, us.changes)
			for _, spec := range applied() {
				if err := conn.Apply(t.Context(), account, spec.Action, connector.Parameters{}); exeunt.KindOf(err) != exeunt.Denied {
					t.Errorf("as %s, %s of %s: %s %v", us.name, spec.Action, name, exeunt.KindOf(err), err)
				}
			}
			if _, err := conn.Observe(t.Context(), account); err != nil {
				t.Errorf("%s cannot be looked at: %v", name, err)
			}
		}
	}
}

func TestWithoutTheRightItIsDenied(t *testing.T) {
	c := open(t)
	weak := c.prefix + "_weak"
	c.do(t, "CREATE ROLE "+weak+" LOGIN PASSWORD 'weak-of-a-test'")
	conn, account := c.connect(t, c.hire(t), map[string]any{"url": c.as(weak, ""), "password": secret(t, "weak-of-a-test")})
	for _, spec := range applied() {
		if err := conn.Apply(t.Context(), account, spec.Action, connector.Parameters{}); exeunt.KindOf(err) != exeunt.Denied {
			t.Errorf("%s: %s %v", spec.Action, exeunt.KindOf(err), err)
		}
	}
}

func TestARoleIsFoundByTheLocalPartOfAnAddress(t *testing.T) {
	c := open(t)
	name := c.prefix + ".doe"
	c.do(t, "CREATE ROLE "+quoted(name)+" LOGIN")
	l := exeunt.Leaver{Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: strings.ToUpper(name) + "@corp.example"}}
	if _, account := c.connect(t, l, map[string]any{"identifier": "work_email", "transform": "local_part"}); account.Login != name {
		t.Errorf("found %v", account)
	}
	conn, err := postgresql.Kind().Open(c.with(t, nil), nil)
	must(t, err)
	if _, err := connectortest.Search(t.Context(), postgresql.Kind(), c.with(t, nil), conn, l); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("a leaver without a login: %v", err)
	}
}

func TestBadSettingsAreRefused(t *testing.T) {
	for name, bad := range map[string]string{
		"not a URL":           `{"url":"host=db","password":"env:X"}`,
		"another database":    `{"url":"mysql://a@db/x","password":"env:X"}`,
		"password in the URL": `{"url":"postgres://a:hunter2@db/x?sslmode=verify-full","password":"env:X"}`,
		"password as option":  `{"url":"postgres://a@db/x?sslmode=verify-full&password=hunter2","password":"env:X"}`,
		"no secret":           `{"url":"postgres://a@db/x?sslmode=verify-full"}`,
		"a secret, literally": `{"url":"postgres://a@db/x?sslmode=verify-full","password":"hunter2"}`,
		"plain text":          `{"url":"postgres://a@db/x?sslmode=disable","password":"env:X"}`,
		"perhaps plain text":  `{"url":"postgres://a@db/x","password":"env:X"}`,
		"an impostor":         `{"url":"postgres://a@db/x?sslmode=require","password":"env:X"}`,
		"one host of two":     `{"url":"postgres://a@localhost,db/x?sslmode=disable","password":"env:X"}`,
		"no such transform":   `{"url":"postgres://a@localhost/x","password":"env:X","transform":"upper"}`,
	} {
		_, err := postgresql.Kind().Open([]byte(bad), nil)
		if exeunt.KindOf(err) != exeunt.Invalid || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := postgresql.Kind().Open([]byte(`{"url":"postgres://a@db/x?sslmode=verify-full","password":"env:X"}`), nil); err != nil {
		t.Errorf("good settings: %v", err)
	}
}
