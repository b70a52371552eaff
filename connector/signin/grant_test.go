package signin_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/signin"
)

func respond(status int, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// form is what a token request carries.
func form(t *testing.T, r *http.Request) url.Values {
	t.Helper()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	values, err := url.ParseQuery(string(raw))
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("%s %s: %v, want a form", r.Method, r.Header.Get("Content-Type"), err)
	}
	return values
}

// assertion is a signed assertion taken apart; its signature and its times have been checked.
type assertion struct {
	header jose.Header
	jwt.Claims
	Scope string `json:"scope"`
}

// checked verifies an assertion as RFC 7523 §3 wants it.
func checked(t *testing.T, text string, key any, algorithm jose.SignatureAlgorithm, audience string) assertion {
	t.Helper()
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{algorithm})
	if err != nil {
		t.Fatalf("the assertion is none signed with %s: %v", algorithm, err)
	}
	a := assertion{header: token.Headers[0]}
	if err := token.Claims(key, &a.Claims, &a); err != nil {
		t.Fatal(err)
	}
	if err := a.ValidateWithLeeway(jwt.Expected{AnyAudience: jwt.Audience{audience}, Time: time.Now()}, time.Minute); err != nil {
		t.Error(err)
	}
	if life := a.Expiry.Time().Sub(a.IssuedAt.Time()); a.ID == "" || a.Expiry == nil || life > 10*time.Minute || len(a.Audience) != 1 {
		t.Errorf("an assertion %q for %v that counts for %v", a.ID, a.Audience, life)
	}
	return a
}

// TestGoogleIsAskedAsItsServiceAccount holds the grant of a service account that acts for an administrator to RFC 7523 §2.1
// and to developers.google.com/identity/protocols/oauth2/service-account.
func TestGoogleIsAskedAsItsServiceAccount(t *testing.T) {
	key := rsaKey(t)
	file := written(t, map[string]string{"type": "service_account", "client_email": "exeunt@project.iam.gserviceaccount.com",
		"private_key": pkcs8(t, key), "private_key_id": "key-1", "token_uri": "https://oauth2.googleapis.com/token"})
	refusal := ""
	var once []string
	google := transport(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != "oauth2.googleapis.com" {
			return respond(http.StatusOK, fmt.Sprintf(`{"client":%q}`, r.Header.Get("Authorization")))
		}
		asked := form(t, r)
		a := checked(t, asked.Get("assertion"), key.Public(), jose.RS256, "https://oauth2.googleapis.com/token")
		if asked.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || a.header.KeyID != "key-1" ||
			a.Issuer != "exeunt@project.iam.gserviceaccount.com" || a.Subject != "admin@acme.example" || a.Scope != "one two" || slices.Contains(once, a.ID) {
			t.Errorf("asked %v by %+v", asked, a)
		}
		once = append(once, a.ID)
		if refusal != "" {
			return respond(http.StatusBadRequest, fmt.Sprintf(`{"error":%q,"error_description":"for admin@acme.example"}`, refusal))
		}
		return respond(http.StatusOK, `{"access_token":"ya29.token","token_type":"Bearer","expires_in":3599}`)
	})
	account := signin.ByServiceAccount{ServiceAccount: secret(t, "SERVICE_ACCOUNT", file), Delegate: "admin@acme.example"}
	client := func() *http.Client {
		return signin.Client(google, signin.Tokens("Google", "", signin.Delegated{ByServiceAccount: account, Scopes: []string{"one", "two"}}, google))
	}
	if said, _, err := get(t, client(), "https://admin.googleapis.com/"); err != nil || said.Client != "Bearer ya29.token" {
		t.Errorf("signed in with %q, %v", said.Client, err)
	}
	for code, says := range map[string]string{
		"unauthorized_client": "Domain-wide delegation, give the client ID of the service account the scopes one two",
		"invalid_grant":       "check that delegate is an administrator",
		"invalid_request":     "check service_account and delegate",
	} {
		refusal = code
		if _, _, err := get(t, client(), "https://admin.googleapis.com/"); exeunt.KindOf(err) != exeunt.Unauthorised || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "admin@") {
			t.Errorf("%s: got %v, want %q and nobody's address", code, err, says)
		}
	}
	refused(t, map[string]string{
		`{"type":"authorized_user"}`: "no key file of a service account",
		`secret-0123`:                "no key file of a service account",
		strings.Replace(file, "https://oauth2.googleapis.com", "http://oauth2.example", 1): "must begin with https://",
		strings.Replace(file, "BEGIN PRIVATE KEY", "BEGIN ENCRYPTED PRIVATE KEY", 1):       "no private key as PEM without a passphrase",
	}, func(value string) error {
		t.Setenv("SERVICE_ACCOUNT", value)
		_, _, err := get(t, client(), "https://admin.googleapis.com/")
		return err
	})
}

// refused sees that each value of a secret is refused as invalid with words, and that nothing of it is shown.
func refused(t *testing.T, values map[string]string, try func(value string) error) {
	t.Helper()
	for value, says := range values {
		if err := try(value); exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "0123") || strings.Contains(err.Error(), "MII") {
			t.Errorf("got %v, want %q and nothing of the secret", err, says)
		}
	}
}

// certified is a certificate for a key, as PEM, and its DER.
func certified(t *testing.T, signer crypto.Signer, until time.Time) (text string, der []byte) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "exeunt"}, NotBefore: until.AddDate(-1, 0, 0), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), der
}

// TestEntraIsAskedWithACertificate holds the assertion to RFC 7523 §2.2 and to
// learn.microsoft.com/entra/identity-platform/certificate-credentials.
func TestEntraIsAskedWithACertificate(t *testing.T) {
	const endpoint = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token"
	key, other := rsaKey(t), rsaKey(t)
	text, der := certified(t, key, time.Now().AddDate(1, 0, 0))
	sum := sha256.Sum256(der)
	asks := 0
	entra := transport(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != "login.microsoftonline.com" {
			return respond(http.StatusOK, fmt.Sprintf(`{"client":%q}`, r.Header.Get("Authorization")))
		}
		asks++
		asked := form(t, r)
		a := checked(t, asked.Get("client_assertion"), key.Public(), jose.PS256, endpoint)
		if asked.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || asked.Get("grant_type") != "client_credentials" ||
			asked.Get("client_id") != "app" || asked.Get("scope") != "https://graph.microsoft.com/.default" || a.Issuer != "app" || a.Subject != "app" ||
			a.header.ExtraHeaders["x5t#S256"] != base64.RawURLEncoding.EncodeToString(sum[:]) || a.header.ExtraHeaders["typ"] != "JWT" {
			t.Errorf("asked %v by %+v", asked, a)
		}
		return respond(http.StatusOK, `{"access_token":"eyJ.token","token_type":"Bearer","expires_in":"3599"}`)
	})
	ask := func(proof signin.ByCertificate) (whom, error) {
		grant := signin.ClientCredentials{ClientID: "app", Scopes: []string{"https://graph.microsoft.com/.default"}, Proof: proof}
		said, _, err := get(t, signin.Client(entra, signin.Tokens("Entra ID", endpoint, grant, entra)), "https://graph.microsoft.com/v1.0/")
		return said, err
	}
	both := signin.ByCertificate{Certificate: secret(t, "CERTIFICATE", text+pkcs8(t, key))}
	apart := signin.ByCertificate{Certificate: secret(t, "CERTIFICATE_ALONE", text), PrivateKey: secret(t, "KEY_ALONE", pkcs8(t, key))}
	for _, proof := range []signin.ByCertificate{both, apart} {
		if said, err := ask(proof); err != nil || said.Client != "Bearer eyJ.token" {
			t.Errorf("signed in with %q, %v", said.Client, err)
		}
	}
	refused(t, map[string]string{
		text + pkcs8(t, other): "private_key is not the key of certificate",
		pkcs8(t, key):          "holds no certificate as PEM",
		text:                   "holds no private key as PEM",
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("0123")})): "a certificate that cannot be read",
	}, func(value string) error {
		t.Setenv("CERTIFICATE", value)
		_, err := ask(both)
		return err
	})
	ended, _ := certified(t, key, time.Now().Add(-time.Hour))
	t.Setenv("CERTIFICATE", ended+pkcs8(t, key))
	if _, err := ask(both); exeunt.KindOf(err) != exeunt.Unauthorised || !strings.Contains(err.Error(), "certificate ended on") {
		t.Errorf("a certificate that has ended: %v", err)
	}
	if asks != 2 {
		t.Errorf("Entra was asked %d times, want twice: what cannot be is not sent", asks)
	}
}
