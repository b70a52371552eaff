package okta_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connector/connectortest/description"
)

// client is a service application, or the owner of an API token.
type client struct {
	key    *rsa.PublicKey // of a service application
	scopes []string
	token  string // what it signed in with last
	tokens []string
	owner  string // of an API token
}

// allScopes are those of the description.
var allScopes = []string{"okta.users.read", "okta.users.manage", "okta.apiTokens.read", "okta.apiTokens.manage", "okta.roles.read", "okta.roles.manage",
	"okta.groups.read", "okta.groups.manage", "okta.apps.read", "okta.apps.manage", "okta.devices.read", "okta.devices.manage"}

// application registers a service application and returns its private key as PEM.
func (o *organisation) application(t testing.TB, id string, scopes ...string) (private string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	o.set(func() { o.clients[id] = &client{key: &key.PublicKey, scopes: scopes} })
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// giveToken is the org authorisation server: client credentials with private_key_jwt only, and never a scope that was not
// granted (developer.okta.com, "Implement OAuth for Okta with a service app").
func (o *organisation) giveToken(w http.ResponseWriter, r *http.Request) {
	refused := func(code string) {
		answer(w, http.StatusBadRequest, map[string]string{"error": code, "error_description": "summary-not-to-be-shown"})
	}
	if err := r.ParseForm(); err != nil {
		refused("invalid_request")
		return
	}
	c := o.clients[r.PostForm.Get("client_id")]
	assertion, err := jwt.ParseSigned(r.PostForm.Get("client_assertion"), []jose.SignatureAlgorithm{jose.RS256})
	var claims jwt.Claims
	if c == nil || c.key == nil || err != nil || assertion.Claims(c.key, &claims) != nil ||
		claims.ValidateWithLeeway(jwt.Expected{Issuer: r.PostForm.Get("client_id"), Subject: r.PostForm.Get("client_id"), AnyAudience: jwt.Audience{o.URL + "/oauth2/v1/token"}, Time: time.Now()}, time.Minute) != nil {
		refused("invalid_client")
		return
	}
	asked := strings.Fields(r.PostForm.Get("scope"))
	for _, scope := range asked {
		if !slices.Contains(c.scopes, scope) {
			refused("invalid_scope")
			return
		}
	}
	c.token = rand.Text() + " " + strings.Join(asked, " ")
	c.tokens = append(c.tokens, strings.ReplaceAll(c.token, " ", "~"))
	answer(w, http.StatusOK, map[string]any{"access_token": strings.ReplaceAll(c.token, " ", "~"), "token_type": "Bearer", "expires_in": 3600, "scope": r.PostForm.Get("scope")})
}

// signedIn says who asks, "" for nobody. A token has the scopes that it was asked for.
func (o *organisation) signedIn(r *http.Request) string {
	how, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	for id, c := range o.clients {
		if how == "SSWS" && c.owner != "" && c.token == token {
			return c.owner
		}
		if how == "Bearer" && c.key != nil && slices.Contains(c.tokens, token) {
			return id
		}
	}
	return ""
}

// scoped says whether a request's token has a scope that the operation needs.
func scoped(r *http.Request, wanted []string) bool {
	how, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if how != "Bearer" {
		return true
	}
	have := strings.Split(token, "~")
	return !slices.ContainsFunc(wanted, func(scope string) bool {
		manages := strings.TrimSuffix(scope, ".read") + ".manage" // which lets read, too
		return !slices.Contains(have, scope) && !slices.Contains(have, manages)
	})
}

// described is Okta's own description of its API.
var described = sync.OnceValues(func() (*description.OpenAPI, error) {
	raw, err := os.ReadFile("testdata/okta-leaver.json")
	if err != nil {
		return nil, err
	}
	d, err := description.NewOpenAPI(raw, "")
	if err == nil {
		// The schema has objects for the fields of what its prose says is an Application User, whose id is a string.
		d.Wrong = []string{"/_embedded/user/id", "/_embedded/user/scope"}
	}
	return d, err
})

// held holds every request to the description, and to the scopes that it asks for.
func held(t testing.TB, next http.HandlerFunc) http.Handler {
	t.Helper()
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth2/v1/token" {
			next(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // whoever asked is gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		for _, fault := range d.Judge(connectortest.Exchange{Method: r.Method, URL: r.URL, Header: r.Header, Body: body, Given: r.URL.Query().Has("after")}).Faults {
			t.Errorf("%s %s breaks the description: %s", r.Method, r.URL, fault)
		}
		if !scoped(r, d.Scopes(r, "oauth2")) {
			refuse(w, http.StatusForbidden, "E0000006")
			return
		}
		next(w, r)
	})
}

// written is a value as JSON.
func written(t testing.TB, value any) []byte {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
