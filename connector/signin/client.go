package signin

import (
	"net/url"
	"strings"

	"github.com/exeunt/exeunt/connector"
)

// ByClient is a client of an authorisation server, in the settings of a connector.
type ByClient struct {
	ClientID string `json:"client_id,omitempty" jsonschema_description:"For OAuth 2: who we are at the system."`
}

// BySecret is how a client proves that it is itself by a secret (RFC 6749 §2.3.1), in the settings of a connector.
type BySecret struct {
	ClientSecret connector.Secret `json:"client_secret,omitzero" jsonschema_description:"For OAuth 2 client credentials."`
}

// ByToken is a token that does not change by itself, in the settings of a connector.
type ByToken struct {
	Token connector.Secret `json:"token,omitzero" jsonschema_description:"A token that does not change by itself."`
}

// ByPassword is HTTP basic, in the settings of a connector.
type ByPassword struct {
	Username string           `json:"username,omitempty" jsonschema_description:"For HTTP basic."`
	Password connector.Secret `json:"password,omitzero" jsonschema_description:"For HTTP basic."`
}

// Proof is how a client proves to the authorisation server that it is itself: BySecret, ByKey or ByCertificate.
type Proof interface {
	prove(client string, a *ask) error
	// settings names what to check when the proof is refused.
	settings() string
}

// ClientCredentials asks for a token for ourselves (RFC 6749 §4.4).
type ClientCredentials struct {
	ClientID string
	Scopes   []string
	Proof    Proof
}

func (c ClientCredentials) fill(a *ask) error {
	a.form.Set("grant_type", "client_credentials")
	if len(c.Scopes) > 0 {
		a.form.Set("scope", strings.Join(c.Scopes, " "))
	}
	return c.Proof.prove(c.ClientID, a)
}

func (c ClientCredentials) remedy(code string) string {
	switch code {
	case "invalid_scope", "invalid_target", "access_denied":
		return "grant our client the scopes " + strings.Join(c.Scopes, " ")
	case "unauthorized_client", "unsupported_grant_type":
		return "allow our client the grant type client_credentials"
	default:
		return "check client_id and " + c.Proof.settings()
	}
}

func (s BySecret) prove(client string, a *ask) error {
	secret, err := s.ClientSecret.Reveal()
	if err != nil {
		return err
	}
	a.header.Set("Authorization", basic(url.QueryEscape(client), url.QueryEscape(secret))) // form-encoded first: RFC 6749 §2.3.1
	return nil
}

func (BySecret) settings() string { return "client_secret" }
