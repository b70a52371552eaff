package okta_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// client is a service application, or the owner of an API token.
type client struct {
	key    *rsa.PublicKey // of a service application
	scopes []string
	token  string // what it signs in with at present
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
	answer(w, http.StatusOK, map[string]any{"access_token": strings.ReplaceAll(c.token, " ", "~"), "token_type": "Bearer", "expires_in": 3600, "scope": r.PostForm.Get("scope")})
}

// signedIn says who asks, "" for nobody. A token has the scopes that it was asked for.
func (o *organisation) signedIn(r *http.Request) string {
	how, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	for id, c := range o.clients {
		if how == "SSWS" && c.owner != "" && c.token == token {
			return c.owner
		}
		if how == "Bearer" && c.key != nil && c.token != "" && strings.ReplaceAll(c.token, " ", "~") == token {
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

var description = sync.OnceValues(func() (*openapi3.T, error) {
	raw, err := os.ReadFile("testdata/okta-leaver.json")
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(raw)
})

// contract holds every request, and every answer of ours, to Okta's own description.
func contract(t testing.TB, next http.HandlerFunc) http.Handler {
	t.Helper()
	shared, err := description()
	if err != nil {
		t.Fatal(err)
	}
	doc := *shared
	doc.Servers = nil
	router, err := legacy.NewRouter(&doc, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation(), openapi3.DisableSchemaPatternValidation())
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth2/v1/token" {
			next(w, r)
			return
		}
		check(t, router, w, r, next)
	})
}

func check(t testing.TB, router routers.Router, w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	route, parameters, err := router.FindRoute(r)
	if err != nil {
		t.Errorf("%s %s is not in the description: %v", r.Method, r.URL, err)
		next(w, r)
		return
	}
	lacks := false
	options := &openapi3filter.Options{AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
		if r.Header.Get("Authorization") == "" {
			return errors.New("no credentials")
		}
		lacks = lacks || in.SecuritySchemeName == "oauth2" && !scoped(r, in.Scopes)
		return nil
	}}
	// The first way to sign in that fits ends the look at the others: the scopes are asked by themselves.
	if route.Operation.Security != nil {
		for _, way := range *route.Operation.Security {
			lacks = lacks || !scoped(r, way["oauth2"])
		}
	}
	input := &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil && r.Context().Err() == nil {
		t.Errorf("%s %s breaks the description: %v", r.Method, r.URL, err)
	}
	if lacks {
		refuse(w, http.StatusForbidden, "E0000006")
		return
	}
	next(w, r)
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
