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
	change := a.accesses.change(ctx, exeunt.Access{Kind: exeunt.EntryAccount, Who: by, What: "invitation made for " + u.Email, Detail: map[string]string{"user": u.Email}})
	return a.store.Grant(ctx, u, store.CredentialInvitation, "", now, now.Add(7*24*time.Hour), &change)
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
	change := a.accesses.change(ctx, exeunt.Access{Kind: exeunt.EntryAccount, Who: by, What: what, Detail: detail})
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
	change := a.accesses.change(ctx, exeunt.Access{Kind: exeunt.EntryTokenMade, Who: LocalCommands, What: "API token made: " + label,
		Detail: map[string]string{"user": holder.Email, "roles": strings.Join(holder.Roles, ","), "until": now.Add(lifetime).UTC().Format(time.RFC3339)}})
	return a.store.Grant(ctx, holder, store.CredentialToken, label, now, now.Add(lifetime), &change)
}

// Tokens lists the API tokens that have not ended.
func (a *Accounts) Tokens(ctx context.Context) ([]store.Credential, error) {
	return a.store.Credentials(ctx, store.CredentialToken, time.Now())
}

// RevokeToken ends an API token at once.
func (a *Accounts) RevokeToken(ctx context.Context, id string) error {
	tokens, err := a.Tokens(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(tokens, func(c store.Credential) bool { return c.ID == id })
	if i < 0 {
		return exeunt.Errorf(exeunt.NotFound, "no API token %q is valid: `exeunt token list` shows those that are", id)
	}
	t := tokens[i]
	change := a.accesses.change(ctx, exeunt.Access{Kind: exeunt.EntryTokenRevoked, Who: LocalCommands, What: "API token revoked: " + t.Label, Detail: map[string]string{"user": t.User.Email, "token": id}})
	return a.store.RevokeByID(ctx, id, store.CredentialToken, &change)
}

// FirstAdministrator invites the local administrator when nobody can sign in yet; "" otherwise.
func (a *Accounts) FirstAdministrator(ctx context.Context) (string, error) {
	n, err := a.store.People(ctx, time.Now())
	if err != nil || n > 0 {
		return "", err
	}
	return a.Invite(ctx, store.User{Email: "admin@localhost", Name: "Administrator", Roles: []string{"admin"}}, "")
}
