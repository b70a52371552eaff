package app

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// entryRoles is the kind of the entries that say who got which roles.
const entryRoles exeunt.EntryKind = "access.roles"

// LocalCommands is the identity of the command line on the server's own machine. Whoever can read the
// data directory can do everything anyway, so its tokens are an administrator's.
const LocalCommands = "cli@localhost"

// Invite makes somebody a user, or changes the roles of one, and returns the secret of the one-time
// link by which they choose a password. Somebody known keeps the name and the roles that are left out.
// By is who invites; "" for the server itself.
func (a *Accounts) Invite(ctx context.Context, u store.User, by string) (string, error) {
	if err := checkAddress(u.Email); err != nil {
		return "", err
	}
	before, err := a.store.UserByEmail(ctx, u.Email)
	if err != nil && exeunt.KindOf(err) != exeunt.NotFound {
		return "", err
	}
	if u.Name == "" {
		u.Name = before.Name
	}
	if len(u.Roles) == 0 {
		u.Roles = before.Roles
	}
	if len(u.Roles) == 0 {
		return "", exeunt.Errorf(exeunt.Invalid, "%s is new: say with --role what they may do", u.Email)
	}
	if u, err = a.put(ctx, u, before, by); err != nil {
		return "", err
	}
	now := time.Now()
	return a.store.Grant(ctx, u, store.CredentialInvitation, "", now, now.Add(7*24*time.Hour))
}

// put adds or changes a user and records who got which roles from whom.
func (a *Accounts) put(ctx context.Context, u, before store.User, by string) (store.User, error) {
	what, detail := "user added: "+u.Email, map[string]string{"user": u.Email, "roles": strings.Join(u.Roles, ",")}
	switch {
	case before.ID != 0 && slices.Equal(before.Roles, u.Roles):
		what = "user invited again: " + u.Email
	case before.ID != 0:
		what, detail["roles_before"] = "roles changed: "+u.Email, strings.Join(before.Roles, ",")
	}
	if by != "" {
		detail["by"] = by
	}
	var change exeunt.Change
	change.Record(entryRoles, nil, time.Now(), what, detail)
	return a.store.PutUser(ctx, u, &change)
}

// checkAddress refuses what is no person's address, such as the identity of a token.
func checkAddress(email string) error {
	at := strings.LastIndex(email, "@")
	odd := strings.ContainsFunc(email, func(r rune) bool {
		return strings.ContainsRune(":<>,/\"", r) || unicode.IsSpace(r) || unicode.IsControl(r)
	})
	if at < 1 || at == len(email)-1 || odd {
		return exeunt.Errorf(exeunt.Invalid, "%q is not an e-mail address", email).In("email")
	}
	return nil
}

// CreateToken makes an API token. Without roles it is the token of somebody who was invited, and may
// what they may, now and later. With roles it is an identity of its own that bears the address's name:
// a token neither gives its person roles, nor can it sign in.
func (a *Accounts) CreateToken(ctx context.Context, u store.User, label string, lifetime time.Duration) (string, error) {
	if err := checkAddress(u.Email); err != nil {
		return "", err
	}
	if len(u.Roles) == 0 && strings.EqualFold(u.Email, LocalCommands) {
		u.Roles = []string{"admin"}
	}
	wanted := u
	if len(u.Roles) > 0 {
		wanted.Email = "token:" + strings.ToLower(u.Email) + "/" + strings.Join(u.Roles, "+")
	}
	holder, err := a.store.UserByEmail(ctx, wanted.Email)
	if exeunt.KindOf(err) == exeunt.NotFound {
		if len(u.Roles) == 0 {
			return "", exeunt.Errorf(exeunt.Invalid, "nobody with the address %s was invited: say with --role what the token may do, or invite them first", u.Email)
		}
		holder, err = a.put(ctx, wanted, store.User{}, "")
	}
	if err != nil {
		return "", err
	}
	now := time.Now()
	token, err := a.store.Grant(ctx, holder, store.CredentialToken, label, now, now.Add(lifetime))
	if err == nil {
		a.record(ctx, holder.Email, "API token made: "+label)
	}
	return token, err
}

// FirstAdministrator invites the local administrator when nobody can sign in yet; "" otherwise.
func (a *Accounts) FirstAdministrator(ctx context.Context) (string, error) {
	n, err := a.store.People(ctx, time.Now())
	if err != nil || n > 0 {
		return "", err
	}
	return a.Invite(ctx, store.User{Email: "admin@localhost", Name: "Administrator", Roles: []string{"admin"}}, "")
}
