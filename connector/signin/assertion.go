package signin

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// assertionLife is how long a signed assertion counts: it is used at once, and clocks differ. Okta and Google take an hour
// at most, Microsoft asks for five to ten minutes.
const assertionLife = 5 * time.Minute

// ByKey is how a client proves that it is itself by a private key (RFC 7523 §2.2, private_key_jwt), in the settings of a
// connector. The authorisation server has the public key.
type ByKey struct {
	PrivateKey       connector.Secret `json:"private_key,omitzero" jsonschema_description:"For OAuth 2 with a signed assertion (private_key_jwt): the key as PEM (PKCS #8, PKCS #1, SEC 1) or as a JSON Web Key."`
	KeyID            string           `json:"key_id,omitempty" jsonschema_description:"The name of the key at the system (kid), when the key does not say it itself."`
	SigningAlgorithm string           `json:"signing_algorithm,omitempty" jsonschema:"enum=RS256,enum=PS256,enum=ES256" jsonschema_description:"When left out: RS256 for an RSA key, ES256 for one on the curve P-256."`
	Audience         string           `json:"assertion_audience,omitempty" jsonschema_description:"Whom the assertion is made out to, where it is not the address for tokens: some servers want their issuer."`
}

// ByCertificate is how a client proves that it is itself by the key of a certificate, as Microsoft Entra ID has it, in the
// settings of a connector. It cannot stand in one settings type with ByKey.
// Source: learn.microsoft.com/entra/identity-platform/certificate-credentials.
type ByCertificate struct {
	Certificate connector.Secret `json:"certificate,omitzero" jsonschema_description:"For OAuth 2 with a certificate: the certificate as PEM."`
	PrivateKey  connector.Secret `json:"private_key,omitzero" jsonschema_description:"The key of the certificate as PEM, when it is not beside the certificate."`
}

// ByServiceAccount is a service account of Google that acts for an administrator, in the settings of a connector.
type ByServiceAccount struct {
	ServiceAccount connector.Secret `json:"service_account,omitzero" jsonschema_description:"The key file of the service account (JSON)."`
	Delegate       string           `json:"delegate,omitempty" jsonschema_description:"The address of the administrator for whom the service account acts (domain-wide delegation)."`
}

// CheckKey says what is wrong with the settings that go with the key.
func (k ByKey) CheckKey() error {
	if !slices.Contains([]string{"", "RS256", "PS256", "ES256"}, k.SigningAlgorithm) {
		return exeunt.Errorf(exeunt.Invalid, "signing_algorithm is %q: write RS256, PS256 or ES256", k.SigningAlgorithm).In("signing_algorithm")
	}
	return nil
}

const clientAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" // RFC 7523 §2.2

func (k ByKey) prove(client string, a *ask) error {
	key, err := reveal(k.PrivateKey, "private_key")
	if err != nil {
		return err
	}
	if k.KeyID != "" {
		key.KeyID = k.KeyID
	}
	if key.Algorithm, err = algorithm(key, k.SigningAlgorithm); err != nil {
		return err
	}
	audience := k.Audience
	if audience == "" {
		audience = a.endpoint
	}
	return assert(client, audience, key, nil, a)
}

func (ByKey) settings() string {
	return "that private_key belongs to a public key that the client has there, key_id, and this machine's clock"
}

func (c ByCertificate) prove(client string, a *ask) error {
	leaf, err := c.leaf()
	if err != nil {
		return err
	}
	from := c.PrivateKey
	if from.IsZero() {
		from = c.Certificate
	}
	key, err := reveal(from, "private_key")
	if err != nil {
		return err
	}
	signer, _ := key.Key.(crypto.Signer)
	public, ok := leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if signer == nil || !ok || !public.Equal(signer.Public()) {
		return exeunt.Errorf(exeunt.Invalid, "private_key is not the key of certificate: give the two that were made together").In("certificate")
	}
	if a.now.After(leaf.NotAfter) {
		return exeunt.Errorf(exeunt.Unauthorised, "certificate ended on %s: make a new one, and upload it at the system", leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	wanted := ""
	if _, ok := key.Key.(*rsa.PrivateKey); ok {
		wanted = string(jose.PS256)
	}
	if key.Algorithm, err = algorithm(key, wanted); err != nil {
		return err
	}
	sum := sha256.Sum256(leaf.Raw)
	thumbprint := map[jose.HeaderKey]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])} // RFC 7515 §4.1.8
	return assert(client, a.endpoint, key, thumbprint, a)
}

func (ByCertificate) settings() string {
	return "that the client has this very certificate there, and this machine's clock"
}

// leaf is the first certificate of the PEM.
func (c ByCertificate) leaf() (*x509.Certificate, error) {
	text, err := c.Certificate.Reveal()
	if err != nil {
		return nil, err
	}
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, exeunt.Errorf(exeunt.Invalid, "%s holds no certificate as PEM", c.Certificate).In("certificate")
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		leaf, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, exeunt.Errorf(exeunt.Invalid, "%s holds a certificate that cannot be read", c.Certificate).In("certificate").Because(err)
		}
		return leaf, nil
	}
}

// assert adds the client's assertion about itself (RFC 7523 §3).
func assert(client, audience string, key jose.JSONWebKey, header map[jose.HeaderKey]any, a *ask) error {
	signed, err := sign(key, header, jwt.Claims{Issuer: client, Subject: client, Audience: jwt.Audience{audience}}, nil, a.now)
	if err != nil {
		return err
	}
	a.form.Set("client_id", client)
	a.form.Set("client_assertion_type", clientAssertion)
	a.form.Set("client_assertion", signed)
	return nil
}

// sign makes a JSON Web Token of claims, to be used once.
func sign(key jose.JSONWebKey, header map[jose.HeaderKey]any, claims jwt.Claims, private map[string]any, now time.Time) (string, error) {
	options := (&jose.SignerOptions{ExtraHeaders: header}).WithType("JWT")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, options)
	if err != nil {
		return "", exeunt.Errorf(exeunt.Invalid, "private_key cannot sign: it is no key for %s", key.Algorithm).In("private_key").Because(err)
	}
	claims.ID, claims.IssuedAt, claims.NotBefore, claims.Expiry = rand.Text(), jwt.NewNumericDate(now), jwt.NewNumericDate(now), jwt.NewNumericDate(now.Add(assertionLife))
	signed, err := jwt.Signed(signer).Claims(claims).Claims(private).Serialize()
	if err != nil {
		return "", exeunt.Errorf(exeunt.Invalid, "private_key cannot sign").In("private_key").Because(err)
	}
	return signed, nil
}

// algorithm is the one that was asked for, or else the key's own, or else the usual one of its type.
func algorithm(key jose.JSONWebKey, wanted string) (string, error) {
	if wanted == "" {
		wanted = key.Algorithm
	}
	switch k := key.Key.(type) {
	case *rsa.PrivateKey:
		if wanted == "" {
			wanted = string(jose.RS256)
		}
		if strings.HasPrefix(wanted, "RS") || strings.HasPrefix(wanted, "PS") {
			return wanted, nil
		}
	case *ecdsa.PrivateKey:
		if k.Curve == elliptic.P256() && (wanted == "" || wanted == string(jose.ES256)) {
			return string(jose.ES256), nil
		}
	case ed25519.PrivateKey:
		if wanted == "" || wanted == string(jose.EdDSA) {
			return string(jose.EdDSA), nil
		}
	}
	return "", exeunt.Errorf(exeunt.Invalid, "private_key is of another kind than signing_algorithm, or of one that is not used for this: give an RSA key, or one on the curve P-256").In("private_key")
}

// reveal reads a private key anew.
func reveal(secret connector.Secret, field string) (jose.JSONWebKey, error) {
	text, err := secret.Reveal()
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	return parseKey([]byte(text), secret.String(), field)
}

// parseKey reads a private key as PEM or JSON Web Key. No part of it is shown when that fails.
func parseKey(text []byte, name, field string) (jose.JSONWebKey, error) {
	var key jose.JSONWebKey
	if json.Valid(text) {
		if err := key.UnmarshalJSON(text); err == nil && !key.IsPublic() && key.Valid() {
			return key, nil
		}
		return key, exeunt.Errorf(exeunt.Invalid, "%s is JSON, but no private key as a JSON Web Key (RFC 7517)", name).In(field)
	}
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return key, exeunt.Errorf(exeunt.Invalid, "%s holds no private key as PEM without a passphrase, and is no JSON Web Key", name).In(field)
		}
		if parsed := parseBlock(block); parsed != nil {
			return jose.JSONWebKey{Key: parsed}, nil
		}
	}
}

func parseBlock(block *pem.Block) crypto.PrivateKey {
	switch block.Type {
	case "PRIVATE KEY":
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			return key
		}
	case "RSA PRIVATE KEY":
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key
		}
	case "EC PRIVATE KEY":
		if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
			return key
		}
	}
	return nil
}
