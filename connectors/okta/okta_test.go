package okta_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connector/connectortest/description"
	"github.com/exeunt/exeunt/connectors/okta"
)

// settings are those of a service application, with all that can be asked for but deactivating.
func settings(t testing.TB, o *organisation, id, private string, more map[string]any) []byte {
	t.Helper()
	variable := "OKTA_KEY_" + strings.ToUpper(id)
	setenv(t, variable, private)
	all := map[string]any{"base_url": o.URL, "client_id": id, "private_key": "env:" + variable, "unassign_apps": true, "devices": true}
	maps.Copy(all, more)
	return written(t, all)
}

func setenv(t testing.TB, name, value string) {
	t.Helper()
	t.(interface{ Setenv(key, value string) }).Setenv(name, value)
}

func leaver(n int) exeunt.Leaver {
	return exeunt.Leaver{ID: fmt.Sprintf("E%04d", n), Entity: "acme", Name: "Per Son", Zone: "Europe/Berlin", Flags: []exeunt.Flag{exeunt.Privileged}, Identifiers: map[exeunt.IdentifierKind]string{
		exeunt.EmployeeID: fmt.Sprintf("E%04d", n), exeunt.WorkEmail: fmt.Sprintf("p%d+x@acme.example", n), exeunt.Login: fmt.Sprintf(`p%d"\@acme.example`, n),
	}}
}

// of is the person that a leaver is.
func (o *organisation) of(l exeunt.Leaver) *person {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.users, func(p *person) bool { return p.profile["employeeNumber"] == l.ID || p.profile["was"] == l.ID })
	return o.users[i]
}

// subject is an organisation as the suite sees it.
func subject(t testing.TB, o *organisation) connectortest.Subject {
	private := o.application(t, "exeunt", allScopes...)
	weak := o.application(t, "weak", slices.DeleteFunc(slices.Clone(allScopes), func(s string) bool { return s == "okta.users.manage" })...)
	o.application(t, "other", allScopes...)
	hired := 0
	hire := func(l exeunt.Leaver, login string) {
		o.hire(login, l.Identifier(exeunt.WorkEmail), l.ID)
	}
	return connectortest.Subject{
		Kind: okta.Kind(), Settings: settings(t, o, "exeunt", private, nil),
		Hire: func(testing.TB) exeunt.Leaver {
			hired++
			l := leaver(hired)
			hire(l, l.Identifier(exeunt.Login))
			return l
		},
		Removals: func(_ testing.TB, l exeunt.Leaver) map[string][]string {
			p := o.of(l)
			n := strings.TrimPrefix(p.id, "00uperson")
			return map[string][]string{"enabled": {"true"}, "groups": {"00geng", "00gown" + n}, "group_names": {"Engineering", "Project " + n}, "devices": {"guo" + n, "gup" + n},
				"roles": {"help_desk_admin"}, "api_tokens": {"script 00Token" + n}, "applications": {"Own " + n}}
		},
		CanSignIn: func(_ testing.TB, l exeunt.Leaver) bool { p := o.of(l); return p.status == "ACTIVE" },
		Twin:      func(_ testing.TB, l exeunt.Leaver) { hire(l, "twin-"+l.ID) },
		Rename: func(_ testing.TB, l exeunt.Leaver) {
			p := o.of(l)
			o.set(func() {
				p.profile = map[string]string{"login": "renamed", "email": "renamed@acme.example", "employeeNumber": "other", "was": l.ID}
			})
		},
		Vanish: func(_ testing.TB, l exeunt.Leaver) {
			p := o.of(l)
			o.set(func() { o.users = slices.DeleteFunc(o.users, func(other *person) bool { return other == p }) })
		},
		Drop: func(_ testing.TB, l exeunt.Leaver, action exeunt.Action) (name, value string) {
			p := o.of(l)
			n := strings.TrimPrefix(p.id, "00uperson")
			o.set(func() {
				switch action {
				case exeunt.RemoveGroups:
					name, value = "Project "+n, "00gown"+n
					delete(o.groups, value)
				case exeunt.LockDevices:
					name, value = "Laptop guo"+n, "guo"+n
					delete(p.devices, value)
				}
			})
			return name, value
		},
		HandOver: func(_ testing.TB, l exeunt.Leaver) {
			p := o.of(l)
			o.set(func() {
				p.tokens = nil
				own := o.groups["00gown"+strings.TrimPrefix(p.id, "00uperson")]
				own.owners = append(own.owners, "00ucolleague")
			})
		},
		Later: func(testing.TB) {},
		Application: func(testing.TB) connector.Application {
			var one *appOf
			o.set(func() {
				one = o.app(fmt.Sprintf("Application %d", len(o.apps)))
				one.status = "INACTIVE"
			})
			return connector.Application{ID: one.id, Name: one.label, Mode: one.mode, SignsIn: one.template, Inactive: true}
		},
		Powerless: settings(t, o, "weak", weak, nil), Needs: exeunt.Disable,
		WrongCredentials: written(t, map[string]any{"base_url": o.URL, "client_id": "other", "private_key": "env:OKTA_KEY_EXEUNT"}),
		Unreachable:      settings(t, o, "exeunt", private, map[string]any{"base_url": "http://127.0.0.1:1"}),
		Secrets:          []string{private, strings.Split(private, "\n")[1], "summary-not-to-be-shown"},
	}
}

func TestConforms(t *testing.T) {
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	s := subject(t, anOrganisation(t))
	s.Description = description.Any(d, description.Token("/oauth2/v1/token"))
	connectortest.Run(t, s)
}
