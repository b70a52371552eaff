package ssf

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt/connectors/signals"
)

// server tells receivers where they get access tokens (RFC 8414 section 2). We issue them to whom the configuration names, and
// nobody is asked for anything: no grant but that of client credentials has a use here.
type server struct {
	Issuer    string   `json:"issuer"`
	Token     string   `json:"token_endpoint"`
	Keys      string   `json:"jwks_uri"`
	Scopes    []string `json:"scopes_supported"`
	Responses []string `json:"response_types_supported"` // required, and empty without an authorisation endpoint
	Grants    []string `json:"grant_types_supported"`
	Methods   []string `json:"token_endpoint_auth_methods_supported"`
}

func (f *face) authorization(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, http.StatusOK, server{
		Issuer: f.Issuer, Token: f.at(tokenPath), Keys: f.at(keysPath), Scopes: signals.Scopes(), Responses: []string{},
		Grants: []string{clientCredentials}, Methods: []string{"client_secret_basic", "client_secret_post"},
	})
}

// resource tells receivers which scopes there are, and who gives them (RFC 9728 section 2).
func (f *face) resource(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, http.StatusOK, map[string]any{
		"resource": f.Issuer, "authorization_servers": []string{f.Issuer}, "scopes_supported": signals.Scopes(), "bearer_methods_supported": []string{"header"},
	})
}

const clientCredentials = "client_credentials"

// The errors of RFC 6749 section 5.2.
const (
	invalidRequest   = "invalid_request"
	invalidClient    = "invalid_client"
	invalidScope     = "invalid_scope"
	unsupportedGrant = "unsupported_grant_type"
)

// token gives a receiver an access token for its secret (RFC 6749 section 4.4).
func (f *face) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
		refuseToken(w, http.StatusBadRequest, invalidRequest, "send a form: grant_type=client_credentials")
		return
	}
	if slices.ContainsFunc([]string{"grant_type", "scope", "client_id", "client_secret"}, func(name string) bool { return len(r.PostForm[name]) > 1 }) {
		refuseToken(w, http.StatusBadRequest, invalidRequest, "a parameter may be there once")
		return
	}
	client, secret, once := clientOf(r)
	if !once {
		refuseToken(w, http.StatusBadRequest, invalidRequest, "say who you are either in the header or in the form")
		return
	}
	of, known := f.receiver(secret)
	if !known || of.System.Name != client {
		if !f.guessed(w, r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="signals", charset="UTF-8"`)
			refuseToken(w, http.StatusUnauthorized, invalidClient, "no receiver has this client_id and client_secret: they are the name of the system and the token that the operator gave you")
		}
		return
	}
	if f.waits(w, r, of) {
		return
	}
	f.grant(w, r, of, signals.Digest(secret))
}

// clientOf is who asks for a token, by either way of RFC 6749 section 2.3.1, and whether it says so by one of them only.
func clientOf(r *http.Request) (client, secret string, once bool) {
	name, password, basic := r.BasicAuth()
	if !basic {
		return r.PostForm.Get("client_id"), r.PostForm.Get("client_secret"), true
	}
	var wrong [2]error
	client, wrong[0] = url.QueryUnescape(name)
	secret, wrong[1] = url.QueryUnescape(password)
	said := r.PostForm.Get("client_id")
	return client, secret, wrong == [2]error{} && !r.PostForm.Has("client_secret") && (said == "" || said == client)
}

func (f *face) grant(w http.ResponseWriter, r *http.Request, of Receiver, digest string) {
	if r.PostForm.Get("grant_type") != clientCredentials {
		refuseToken(w, http.StatusBadRequest, unsupportedGrant, "the only grant_type here is client_credentials")
		return
	}
	scopes := strings.Fields(r.PostForm.Get("scope"))
	if len(scopes) == 0 {
		scopes = signals.Scopes()
	}
	if slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(signals.Scopes(), s) }) {
		refuseToken(w, http.StatusBadRequest, invalidScope, "the scopes here are "+strings.Join(signals.Scopes(), " and "))
		return
	}
	access := signals.NewAccess(f.Issuer, of.System.Name, digest, scopes, time.Now())
	token, err := f.Issue(r.Context(), of, access)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	_ = answer(w, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(signals.AccessSpan.Seconds()), "scope": access.Scope,
	})
}

func refuseToken(w http.ResponseWriter, code int, reason, why string) {
	_ = answer(w, code, map[string]string{"error": reason, "error_description": why})
}
