package store

import (
	"context"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// Credential is a session, an invitation or an API token, without its secret.
type Credential struct {
	User   User      `json:"user"`
	ID     string    `json:"id"` // the first digits of the secret's digest
	Label  string    `json:"label"`
	MadeAt time.Time `json:"made_at"`
	Until  time.Time `json:"until"`
	UsedAt time.Time `json:"used_at,omitzero"` // for the first time
}

const (
	secretColumns    = "u.id, u.email, u.name, u.roles, c.digest, c.label, c.made_at, c.until, c.used_at FROM credentials c JOIN users u ON u.id = c.user_id" //nolint:gosec // names of columns
	credentialDigits = 12
)

func scanCredential(r row) (Credential, error) {
	var c Credential
	var roles string
	var made, until int64
	var used *int64
	if err := r.Scan(&c.User.ID, &c.User.Email, &c.User.Name, &roles, &c.ID, &c.Label, &made, &until, &used); err != nil {
		return c, translate(err)
	}
	c.User.Roles = strings.Split(roles, ",")
	c.ID, c.MadeAt, c.Until, c.UsedAt = c.ID[:credentialDigits], fromMicros(made), fromMicros(until), fromInstant(used)
	return c, nil
}

// Credential returns what a secret is; Unauthorised when it is unknown, of another kind, or over.
func (s *Store) Credential(ctx context.Context, secret, kind string, now time.Time) (Credential, error) {
	c, err := scanCredential(s.dialect.reader().queryRow(ctx, "SELECT "+secretColumns+" WHERE c.digest = $1 AND c.kind = $2 AND c.until > $3", digest(secret), kind, micros(now)))
	if exeunt.KindOf(err) == exeunt.NotFound {
		return Credential{}, exeunt.Errorf(exeunt.Unauthorised, "sign in first: the %s is unknown or has ended", kind)
	}
	return c, err
}

// Credentials lists those of a kind that have not ended, the newest first.
func (s *Store) Credentials(ctx context.Context, kind string, now time.Time) ([]Credential, error) {
	var out []Credential
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		c, err := scanCredential(r)
		out = append(out, c)
		return err
	}, "SELECT "+secretColumns+" WHERE c.kind = $1 AND c.until > $2 ORDER BY c.made_at DESC, c.digest", kind, micros(now))
	return out, err
}

// FirstUse notes that a secret was used, together with the entry that says so; Conflict when it had been.
func (s *Store) FirstUse(ctx context.Context, secret string, now time.Time, change *exeunt.Change) error {
	return s.onOne(ctx, change, "UPDATE credentials SET used_at = $1 WHERE digest = $2 AND used_at IS NULL", micros(now), digest(secret))
}

// Revoke ends a secret, together with the entry that says so; Conflict when it has ended already.
func (s *Store) Revoke(ctx context.Context, secret string, change *exeunt.Change) error {
	return s.onOne(ctx, change, "DELETE FROM credentials WHERE digest = $1", digest(secret))
}

// RevokeByID ends the secret that a list calls so.
func (s *Store) RevokeByID(ctx context.Context, id, kind string, change *exeunt.Change) error {
	return s.onOne(ctx, change, "DELETE FROM credentials WHERE SUBSTR(digest, 1, $1) = $2 AND kind = $3", credentialDigits, id, kind)
}

func (s *Store) onOne(ctx context.Context, change *exeunt.Change, statement string, args ...any) error {
	return s.CommitWith(ctx, change, func(ctx context.Context, tx Tx) error {
		n, err := tx.exec(ctx, statement, args...)
		if err == nil && n == 0 {
			return exeunt.Errorf(exeunt.Conflict, "this was done already")
		}
		return err
	})
}
