package app

import (
	"slices"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

const password = "four words are plenty"

// roles are those with which somebody signs in.
func roles(t *testing.T, a *Accounts, email string) []string {
	t.Helper()
	_, u, err := a.SignIn(t.Context(), email, password)
	must(t, err)
	return u.Roles
}

func tokenRoles(t *testing.T, a *Accounts, u store.User) []string {
	t.Helper()
	token, err := a.CreateToken(t.Context(), u, "test", time.Hour)
	must(t, err)
	holder, err := a.Token(t.Context(), token)
	must(t, err)
	return holder.Roles
}

func TestATokenMakesNobodyAnAdministrator(t *testing.T) {
	a := NewAccounts(storetest.SQLite(t), nil)
	invitation, err := a.Invite(t.Context(), store.User{Email: "Ana@acme.example", Name: "Ana", Roles: []string{"it"}}, LocalCommands)
	must(t, err)
	_, err = a.Redeem(t.Context(), invitation, "Ana Silva", password)
	must(t, err)
	if got := tokenRoles(t, a, store.User{Email: "ana@acme.example"}); !slices.Equal(got, []string{"it"}) {
		t.Errorf("Ana's own token has the roles %q", got)
	}
	if got := tokenRoles(t, a, store.User{Email: "ana@acme.example", Roles: []string{"admin"}}); !slices.Equal(got, []string{"admin"}) {
		t.Errorf("a token with a role of its own has %q", got)
	}
	if got := roles(t, a, "ana@acme.example"); !slices.Equal(got, []string{"it"}) {
		t.Errorf("after tokens were made Ana has the roles %q", got)
	}
	if got := tokenRoles(t, a, store.User{Email: LocalCommands}); !slices.Equal(got, []string{"admin"}) {
		t.Errorf("the command line has the roles %q", got)
	}
	if _, err := a.CreateToken(t.Context(), store.User{Email: "nobody@acme.example"}, "test", time.Hour); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("a token for nobody was answered %v", err)
	}
	if _, err := a.Invite(t.Context(), store.User{Email: "token:cli@localhost/admin", Roles: []string{"hr"}}, ""); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("a token's identity was invited: %v", err)
	}
}

func TestRolesChangeByInvitationOnTheRecord(t *testing.T) {
	s := storetest.SQLite(t)
	a := NewAccounts(s, nil)
	invite := func(roles ...string) string {
		invitation, err := a.Invite(t.Context(), store.User{Email: "ana@acme.example", Roles: roles}, LocalCommands)
		must(t, err)
		return invitation
	}
	_, err := a.Redeem(t.Context(), invite("admin"), "Ana Silva", password)
	must(t, err)
	invite("auditor")
	if got := roles(t, a, "ana@acme.example"); !slices.Equal(got, []string{"auditor"}) {
		t.Errorf("after the change Ana has the roles %q", got)
	}
	page, err := s.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryAccount), Text: "roles changed", Limit: 1})
	must(t, err)
	if len(page.Rows) != 1 || page.Rows[0].Actor != LocalCommands || page.Rows[0].Detail["roles_before"] != "admin" || page.Rows[0].Detail["roles"] != "auditor" {
		t.Errorf("the change is recorded as %+v", page.Rows)
	}
	invite() // a forgotten password changes no roles
	if got := roles(t, a, "ana@acme.example"); !slices.Equal(got, []string{"auditor"}) {
		t.Errorf("a new invitation left the roles %q", got)
	}
}

func TestATokenDoesNotStandInForTheFirstAdministrator(t *testing.T) {
	a := NewAccounts(storetest.SQLite(t), nil)
	tokenRoles(t, a, store.User{Email: LocalCommands})
	first, err := a.FirstAdministrator(t.Context())
	if err != nil || first == "" {
		t.Fatalf("after a token was made nobody is invited: %q, %v", first, err)
	}
	if again, err := a.FirstAdministrator(t.Context()); err != nil || again != "" {
		t.Errorf("the invitation is made twice: %q, %v", again, err)
	}
}
