package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/exeunt/exeunt"
	"golang.org/x/crypto/bcrypt"
)

// Credential kinds: what a secret lets its bearer do.
const (
	CredentialSession    = "session"    // a signed-in browser
	CredentialInvitation = "invitation" // choose a password, once
	CredentialToken      = "token"      // call the API
)

// People counts who can sign in, or can still follow an invitation to. Identities of tokens do neither.
func (s *Store) People(ctx context.Context, now time.Time) (int, error) {
	var n int
	err := s.dialect.reader().queryRow(ctx, `SELECT COUNT(*) FROM users u WHERE u.password <> ''
		OR EXISTS (SELECT 1 FROM credentials c WHERE c.user_id = u.id AND c.kind = $1 AND c.until > $2)`, CredentialInvitation, micros(now)).Scan(&n)
	return n, translate(err)
}

// UserByEmail is who has an address; NotFound for nobody.
func (s *Store) UserByEmail(ctx context.Context, email string) (User, error) {
	u, err := scanUser(s.dialect.reader().queryRow(ctx, "SELECT id, email, name, roles, password FROM users WHERE email = $1", address(email)))
	return u.User, err
}

// PutUser adds a user, or gives the one with this address the name and roles that are given, together
// with the entry that says so.
func (s *Store) PutUser(ctx context.Context, u User, change *exeunt.Change) (User, error) {
	u.Email = address(u.Email)
	err := s.CommitWith(ctx, change, func(ctx context.Context, tx Tx) error {
		return tx.queryRow(ctx, `INSERT INTO users (email, name, roles, password) VALUES ($1, $2, $3, '')
			ON CONFLICT (email) DO UPDATE SET name = excluded.name, roles = excluded.roles RETURNING id`,
			u.Email, u.Name, strings.Join(u.Roles, ",")).Scan(&u.ID)
	})
	return u, err
}

// address is how addresses are kept and compared.
func address(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// Grant makes a random secret of a kind for a user and returns it, together with the entry that says so; only
// its digest is kept.
func (s *Store) Grant(ctx context.Context, u User, kind, label string, now, until time.Time, change *exeunt.Change) (string, error) {
	secret := Random(32)
	err := s.CommitWith(ctx, change, func(ctx context.Context, tx Tx) error {
		_, err := tx.exec(ctx, "INSERT INTO credentials (digest, kind, user_id, label, made_at, until) VALUES ($1, $2, $3, $4, $5, $6)",
			digest(secret), kind, u.ID, label, micros(now), micros(until))
		return err
	})
	return secret, err
}

// Bearer returns whose secret this is; Unauthorised when it is unknown, of another kind, or over.
func (s *Store) Bearer(ctx context.Context, secret, kind string, now time.Time) (User, error) {
	c, err := s.Credential(ctx, secret, kind, now)
	return c.User, err
}

// Redeem ends an invitation and sets its user's name and password, together with the entry that says so.
func (s *Store) Redeem(ctx context.Context, invitation, name, password string, now time.Time, change *exeunt.Change) (User, error) {
	u, err := s.Bearer(ctx, invitation, CredentialInvitation, now)
	if err != nil {
		return u, err
	}
	if utf8.RuneCountInString(password) < 15 { // NIST SP 800-63B-4, section 3.1.1.2: a password that is the only factor
		return u, exeunt.Errorf(exeunt.Invalid, "choose a password of at least 15 characters").In("password")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return u, exeunt.Errorf(exeunt.Invalid, "choose a password of at most 72 bytes").In("password")
	}
	if name = strings.Join(strings.Fields(name), " "); name != "" {
		u.Name = name
	}
	err = s.CommitWith(ctx, change, func(ctx context.Context, tx Tx) error {
		if err := nameIsFree(ctx, tx, u); err != nil {
			return err
		}
		n, err := tx.exec(ctx, "DELETE FROM credentials WHERE digest = $1", digest(invitation))
		if err != nil {
			return err
		}
		if n == 0 {
			return exeunt.Errorf(exeunt.Unauthorised, "the invitation was used already: sign in")
		}
		_, err = tx.exec(ctx, "UPDATE users SET name = $1, password = $2 WHERE id = $3", u.Name, string(hash), u.ID)
		return err
	})
	return u, err
}

// nameIsFree refuses a name by which somebody else signs in the record, or the engine does.
func nameIsFree(ctx context.Context, tx Tx, u User) error {
	var others int
	if err := tx.queryRow(ctx, "SELECT COUNT(*) FROM users WHERE LOWER(name) = $1 AND id <> $2", strings.ToLower(u.Name), u.ID).Scan(&others); err != nil {
		return err
	}
	if others > 0 || strings.EqualFold(u.Name, "engine") {
		return exeunt.Errorf(exeunt.Invalid, "somebody else signs as %q already: add a middle name or initial, since the record goes by names", u.Name).In("name")
	}
	return nil
}

// SignIn checks a password. Unknown users take as long as known ones, and get the same answer.
func (s *Store) SignIn(ctx context.Context, email, password string) (User, error) {
	u, err := scanUser(s.dialect.reader().queryRow(ctx, "SELECT id, email, name, roles, password FROM users WHERE email = $1", address(email)))
	if err != nil && exeunt.KindOf(err) != exeunt.NotFound {
		return User{}, err
	}
	hash := u.password
	if hash == "" {
		hash = decoy
	}
	if bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) != nil || u.password == "" {
		return User{}, exeunt.Errorf(exeunt.Unauthorised, "the e-mail address and the password do not belong together")
	}
	return u.User, nil
}

// decoy is the bcrypt hash, at the default cost, of random bytes that nobody kept.
const decoy = "$2a$10$7EqJtq98hPqEX7fNZaFWoO5Z0E9b0uQG3y5b1dOQ9m1yVw1cVt8Wm"

type secretUser struct {
	User
	password string
}

func scanUser(r row) (secretUser, error) {
	var u secretUser
	var roles string
	if err := r.Scan(&u.ID, &u.Email, &u.Name, &roles, &u.password); err != nil {
		return u, translate(err)
	}
	u.Roles = strings.Split(roles, ",")
	return u, nil
}

func digest(secret string) string {
	d := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(d[:])
}
