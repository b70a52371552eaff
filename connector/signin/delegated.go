package signin

import (
	"encoding/json"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Delegated asks for a token as a service account of Google that acts for an administrator (RFC 7523 §2.1).
// Source: developers.google.com/identity/protocols/oauth2/service-account.
type Delegated struct {
	ByServiceAccount
	Scopes []string
}

const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer" //nolint:gosec // RFC 7523 §2.1: a name, no credential

// serviceAccount is what Google's key file holds, as far as we need it.
type serviceAccount struct {
	Type       string `json:"type"`
	Email      string `json:"client_email"`
	PrivateKey string `json:"private_key"`
	KeyID      string `json:"private_key_id"`
	TokenURI   string `json:"token_uri"`
}

// fill asks where the key file says, unless the connector's settings name another address.
func (d Delegated) fill(a *ask) error {
	account, err := d.account()
	if err != nil {
		return err
	}
	if a.endpoint == "" {
		a.endpoint = account.TokenURI
	}
	if err := connector.CheckAddress("token_uri", a.endpoint); err != nil {
		return err
	}
	key, err := parseKey([]byte(account.PrivateKey), "the private_key in "+d.ServiceAccount.String(), "service_account")
	if err != nil {
		return err
	}
	key.KeyID, key.Algorithm = account.KeyID, string(jose.RS256)
	claims := jwt.Claims{Issuer: account.Email, Subject: d.Delegate, Audience: jwt.Audience{a.endpoint}}
	signed, err := sign(key, nil, claims, map[string]any{"scope": strings.Join(d.Scopes, " ")}, a.now)
	a.form.Set("grant_type", jwtBearer)
	a.form.Set("assertion", signed)
	return err
}

func (d Delegated) account() (serviceAccount, error) {
	var account serviceAccount
	text, err := d.ServiceAccount.Reveal()
	if err != nil {
		return account, err
	}
	if err := json.Unmarshal([]byte(text), &account); err != nil || account.Type != "service_account" || account.Email == "" || account.PrivateKey == "" {
		return account, exeunt.Errorf(exeunt.Invalid, "%s is no key file of a service account: make a key of the type JSON for it, and give that file", d.ServiceAccount).In("service_account")
	}
	return account, nil
}

func (d Delegated) remedy(code string) string {
	switch code {
	case "unauthorized_client", "access_denied", "invalid_scope":
		return "in the Admin console under Security, API controls, Domain-wide delegation, give the client ID of the service account the scopes " + strings.Join(d.Scopes, " ")
	case "invalid_grant":
		return "check that delegate is an administrator who may sign in, that the key of the service account still exists, and this machine's clock"
	default:
		return "check service_account and delegate"
	}
}
