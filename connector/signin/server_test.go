package signin_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/signin"
	"github.com/exeunt/exeunt/internal/testserver"
)

// secret keeps a value where a reference finds it.
func secret(t *testing.T, name, value string) connector.Secret {
	t.Helper()
	t.Setenv(name, value)
	s, err := connector.NewSecret("env:" + name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// pkcs8 is a key as PEM.
func pkcs8(t *testing.T, key crypto.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// written is a value as JSON.
func written(t *testing.T, value any) string {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func curveKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// knownBy is a client that proves itself by keys.
func knownBy(id, algorithm string, keys ...jose.JSONWebKey) map[string]any {
	return map[string]any{"client_id": id, "token_endpoint_auth_method": "private_key_jwt",
		"token_endpoint_auth_signing_alg": algorithm, "jwks": map[string]any{"keys": keys}}
}

// TestARealServerTakesEachProof holds every way of a client to prove itself to a server that nobody here wrote.
func TestARealServerTakesEachProof(t *testing.T) {
	first, second, curve := rsaKey(t), rsaKey(t), curveKey(t, elliptic.P256())
	public := func(key crypto.Signer, id string) jose.JSONWebKey {
		return jose.JSONWebKey{Key: key.Public(), KeyID: id, Use: "sig"}
	}
	server := testserver.OIDCProvider(t,
		map[string]any{"client_id": "by secret", "client_secret": "a secret/of: 32+ characters, at least"},
		map[string]any{"client_id": "reader", "client_secret": "a secret/of: 32+ characters, at least", "scope": "users.read"},
		knownBy("rs", "RS256", public(first, "old"), public(second, "new")),
		knownBy("ps", "PS256", public(first, "one")),
		knownBy("es", "ES256", public(curve, "p256")),
	)
	password := signin.BySecret{ClientSecret: secret(t, "CLIENT_SECRET", "a secret/of: 32+ characters, at least")}
	scopes := []string{"users.read", "users.manage"}
	key := func(name, text string) signin.ByKey { return signin.ByKey{PrivateKey: secret(t, name, text)} }
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(first)}))
	sec1, err := x509.MarshalECPrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	named := func(k signin.ByKey, id, algorithm string) signin.ByKey {
		k.KeyID, k.SigningAlgorithm = id, algorithm
		return k
	}
	for name, c := range map[string]struct {
		client string
		proof  signin.Proof
		scopes []string
		says   string // of the error
	}{
		"secret":               {client: "by secret", proof: password, scopes: scopes},
		"key as PKCS 8":        {client: "rs", proof: named(key("PKCS8", pkcs8(t, second)), "new", ""), scopes: scopes},
		"key as PKCS 1":        {client: "rs", proof: named(key("PKCS1", pkcs1), "old", "RS256"), scopes: scopes},
		"key as JWK":           {client: "rs", proof: key("JWK", written(t, jose.JSONWebKey{Key: second, KeyID: "new"})), scopes: scopes},
		"key for PS256":        {client: "ps", proof: named(key("PS", pkcs8(t, first)), "one", "PS256"), scopes: scopes},
		"key on a curve":       {client: "es", proof: key("SEC1", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}))), scopes: scopes},
		"wrong secret":         {client: "by secret", proof: signin.BySecret{ClientSecret: secret(t, "WRONG", "wrong-0123456789")}, says: "(invalid_client): check client_id and client_secret"},
		"unknown client":       {client: "nobody", proof: password, says: "(invalid_client)"},
		"wrong key":            {client: "ps", proof: named(key("OTHER", pkcs8(t, second)), "one", "PS256"), says: "(invalid_client): check client_id and that private_key"},
		"wrong algorithm":      {client: "ps", proof: named(key("ALG", pkcs8(t, first)), "one", ""), says: "(invalid_client)"},
		"for somebody else":    {client: "rs", proof: signin.ByKey{PrivateKey: secret(t, "AUD", pkcs8(t, first)), Audience: "https://elsewhere.example"}, says: "(invalid_client)"},
		"a scope not granted":  {client: "reader", proof: password, scopes: []string{"users.manage"}, says: "(invalid_scope): grant our client the scopes users.manage"},
		"no key there":         {client: "rs", proof: signin.ByKey{}, says: "no secret is configured"},
		"a key of other kinds": {client: "es", proof: key("P384", pkcs8(t, curveKey(t, elliptic.P384()))), says: "give an RSA key, or one on the curve P-256"},
	} {
		t.Run(name, func(t *testing.T) {
			grant := signin.ClientCredentials{ClientID: c.client, Scopes: c.scopes, Proof: c.proof}
			client := signin.Client(http.DefaultTransport, signin.Tokens("Acme", server.Token, grant, http.DefaultTransport))
			for range 2 { // the assertion of the second would be refused: the token is kept
				said, status, err := get(t, client, server.Resource)
				if c.says != "" {
					if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "0123") {
						t.Errorf("got %v, want %q and no secret", err, c.says)
					}
					return
				}
				if err != nil || status != http.StatusOK || said.Client != c.client || said.Scope != strings.Join(c.scopes, " ") {
					t.Errorf("got %v %d for %q with %q", err, status, said.Client, said.Scope)
				}
			}
		})
	}
}

// TestARevokedTokenIsReplacedAtARealServer revokes the token that is kept (RFC 7009).
func TestARevokedTokenIsReplacedAtARealServer(t *testing.T) {
	server := testserver.OIDCProvider(t, map[string]any{"client_id": "c", "client_secret": "s-0123456789-0123456789-0123456789"})
	proof := signin.BySecret{ClientSecret: secret(t, "CLIENT_SECRET", "s-0123456789-0123456789-0123456789")}
	var sent []string
	watching := transport(func(r *http.Request) (*http.Response, error) {
		sent = append(sent, r.URL.Path+" "+r.Header.Get("Authorization"))
		return http.DefaultTransport.RoundTrip(r)
	})
	client := signin.Client(watching, signin.Tokens("Acme", server.Token, signin.ClientCredentials{ClientID: "c", Proof: proof}, watching))
	if _, status, err := get(t, client, server.Resource); err != nil || status != http.StatusOK {
		t.Fatal(status, err)
	}
	_, token, _ := strings.Cut(sent[1], "Bearer ")
	revoke, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.Revoke, strings.NewReader(url.Values{"token": {token}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	revoke.SetBasicAuth("c", "s-0123456789-0123456789-0123456789")
	revoke.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(revoke)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	answer.Body.Close()
	if _, status, err := get(t, client, server.Resource); err != nil || status != http.StatusOK {
		t.Errorf("after the token was revoked: %d, %v", status, err)
	}
	if len(sent) != 5 || sent[2] != sent[1] || sent[4] == sent[1] { // token, resource; resource refused, token, resource
		t.Errorf("sent %d requests, want two, one that is refused, and two more with another token", len(sent))
	}
}

// whom is what the resource says of the token.
type whom struct{ Client, Scope string }

// get reads a resource. The error is the one that the transport gave.
func get(t *testing.T, client *http.Client, address string) (said whom, status int, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		return said, 0, connector.Network("Acme", err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &said); err != nil && answer.StatusCode == http.StatusOK {
		t.Fatal(err)
	}
	return said, answer.StatusCode, nil
}

// transport answers requests as a test says.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
