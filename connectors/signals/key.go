package signals

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/exeunt/exeunt"
	"github.com/go-jose/go-jose/v4"
)

// rsaBits is the length of RSA keys: the least that the CAEP Interoperability Profile 1.0 allows is 2048.
const rsaBits = 3072

// NewKey makes a key of an algorithm, RS256 or ES256. It is called by its thumbprint (RFC 7638).
func NewKey(algorithm string) (exeunt.SignalKey, error) {
	var private any
	var err error
	switch jose.SignatureAlgorithm(algorithm) {
	case jose.RS256:
		private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	case jose.ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		return exeunt.SignalKey{}, exeunt.Errorf(exeunt.Invalid, "%q is no algorithm for security event tokens: RS256 or ES256", algorithm)
	}
	if err != nil {
		return exeunt.SignalKey{}, exeunt.Errorf(exeunt.Internal, "no key could be made").Because(err)
	}
	key := jose.JSONWebKey{Key: private, Algorithm: algorithm, Use: "sig"}
	thumbprint, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return exeunt.SignalKey{}, exeunt.Errorf(exeunt.Internal, "no key could be made").Because(err)
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	text, err := json.Marshal(key)
	if err != nil {
		return exeunt.SignalKey{}, exeunt.Errorf(exeunt.Internal, "no key could be made").Because(err)
	}
	return exeunt.SignalKey{ID: key.KeyID, Algorithm: algorithm, Private: string(text)}, nil
}

// Sign makes a compact JWS of claims (RFC 7515).
func Sign(k exeunt.SignalKey, typ string, claims any) (string, error) {
	key, err := parse(k)
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.Algorithm), Key: key}, options)
	if err != nil {
		return "", unusable(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", unusable(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", unusable(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return "", unusable(err)
	}
	return token, nil
}

// Read reads the claims of a token of ours that has a type, and was signed by one of these keys.
func Read(keys []exeunt.SignalKey, typ, token string, into any) error {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil || len(signed.Signatures) != 1 {
		return errUnread
	}
	header := signed.Signatures[0].Protected
	if said, _ := header.ExtraHeaders[jose.HeaderType].(string); said != typ {
		return errUnread
	}
	for _, k := range keys {
		if k.ID != header.KeyID || k.Algorithm != header.Algorithm {
			continue
		}
		key, err := parse(k)
		if err != nil {
			return err
		}
		claims, err := signed.Verify(key.Public())
		if err != nil || json.Unmarshal(claims, into) != nil {
			return errUnread
		}
		return nil
	}
	return errUnread
}

// Renew signs a token of ours again by another key, where it was signed by one that counts no more; every key that ever signed
// is given. What nobody of them signed stays as it is: nothing is signed that was not made here.
func Renew(ever, now []exeunt.SignalKey, by func(algorithm string) exeunt.SignalKey, token string) (string, error) {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil || len(signed.Signatures) != 1 {
		return token, nil //nolint:nilerr // the receiver says so
	}
	header := signed.Signatures[0].Protected
	if slices.ContainsFunc(now, func(k exeunt.SignalKey) bool { return k.ID == header.KeyID }) {
		return token, nil
	}
	var claims json.RawMessage
	if Read(ever, typeOfEvent, token, &claims) != nil {
		return token, nil
	}
	next := by(header.Algorithm)
	if next.ID == "" {
		return token, nil
	}
	return Sign(next, typeOfEvent, claims)
}

var errUnread = exeunt.Errorf(exeunt.Unauthorised, "the token is none of ours: sign in again")

// Set is the public halves of keys, as receivers read them (RFC 7517 section 5).
func Set(keys []exeunt.SignalKey) (jose.JSONWebKeySet, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range keys {
		key, err := parse(k)
		if err != nil {
			return set, err
		}
		set.Keys = append(set.Keys, key.Public())
	}
	return set, nil
}

func parse(k exeunt.SignalKey) (jose.JSONWebKey, error) {
	var key jose.JSONWebKey
	if err := json.Unmarshal([]byte(k.Private), &key); err != nil {
		return key, unusable(err)
	}
	return key, nil
}

func unusable(err error) error {
	return exeunt.Errorf(exeunt.Internal, "the key for security event tokens cannot be used: restore the database, or make another with exeunt signals rotate").Because(err)
}
