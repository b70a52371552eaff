package signals

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// The scopes of a receiver (CAEP Interoperability Profile 1.0, section 2.7.2): what it may read of its stream, and what it may
// change of it. Who may change it may read it.
const (
	ScopeRead   = "ssf.read"
	ScopeManage = "ssf.manage"
)

// Scopes are all that a receiver may be given.
func Scopes() []string { return []string{ScopeRead, ScopeManage} }

// TypeOfAccess is the type of an access token (RFC 9068 section 2.1): without it, a message of ours could stand for one.
const TypeOfAccess = "at+jwt"

// AccessSpan is how long an access token is good: the profile calls 60 minutes short-lived (section 2.7.1).
const AccessSpan = time.Hour

// Access is the claims of an access token (RFC 9068 section 2.2), and the secret for which it was given, as a digest of what
// the configuration keeps of that: who takes the secret out of the configuration ends its tokens, too.
type Access struct {
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"`
	Subject   string `json:"sub"`
	Client    string `json:"client_id"`
	ID        string `json:"jti"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	ExpiresAt int64  `json:"exp"`
	Scope     string `json:"scope"`
	Secret    string `json:"secret"`
}

// NewAccess lets a client in with scopes, for one of its secrets, of which the digest is given. The issuer is the resource,
// too.
func NewAccess(issuer, client, digest string, scopes []string, now time.Time) Access {
	return Access{
		Issuer: issuer, Audience: issuer, Subject: client, Client: client, ID: newID(), IssuedAt: now.Unix(), NotBefore: now.Unix(), ExpiresAt: now.Add(AccessSpan).Unix(),
		Scope: strings.Join(scopes, " "), Secret: secretOf(digest),
	}
}

func secretOf(digest string) string {
	sum := sha256.Sum256([]byte("access\n" + digest))
	return hex.EncodeToString(sum[:12])
}

// clockSkew is by how much the clocks of two servers of one installation may differ.
const clockSkew = 10 * time.Second

// Good says whether the token counts now, for whoever has one of these secrets, of which the digests are given.
func (a Access) Good(issuer string, digests []string, now time.Time) bool {
	return a.Issuer == issuer && a.Audience == issuer && a.NotBefore <= now.Add(clockSkew).Unix() && now.Unix() < a.ExpiresAt &&
		slices.ContainsFunc(digests, func(digest string) bool { return secretOf(digest) == a.Secret })
}

// Allows says whether scopes, as a token lists them, are enough for one of those that are wanted.
func Allows(scopes string, wanted ...string) bool {
	return slices.ContainsFunc(strings.Fields(scopes), func(s string) bool { return slices.Contains(wanted, s) })
}
