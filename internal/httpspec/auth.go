package httpspec

import (
	"net/http"

	"github.com/exeunt/exeunt/connector/signin"
)

// newSigner signs in as the description says, with what the settings give.
func newSigner(spec *Spec, s Settings, base string, rt http.RoundTripper) signin.Signer {
	switch spec.Auth.Kind {
	case "bearer":
		return signin.Bearer(s.Token)
	case "header":
		return signin.Header(spec.Auth.Header, spec.Auth.Prefix, s.Token)
	case "basic":
		return signin.Basic(s.Username, s.Password)
	case "basic-token":
		return signin.BasicToken(s.Token)
	case "oauth2":
		endpoint := s.TokenURL
		if endpoint == "" {
			endpoint = base + spec.Auth.TokenPath
		}
		return signin.Tokens(spec.Title, endpoint, signin.ClientCredentials{ClientID: s.ClientID, Scopes: spec.Auth.Scopes, Proof: s.BySecret}, rt)
	case "session":
		return signin.Sessions(spec.Title, spec.Auth.session(s, base), rt)
	default:
		return signin.None()
	}
}
