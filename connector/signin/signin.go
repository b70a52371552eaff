// Package signin puts credentials on the requests to a vendor, in every way that connectors need: a token or a password
// that does not change by itself, access tokens that are obtained (RFC 6749, RFC 7523), and sessions.
//
// Secrets are revealed anew each time they are used, so that a rotated one is taken up without a restart. An access token
// is kept until shortly before it ends, is fetched once however many wait for it, and is replaced once when it is refused.
//
// What is not done: access tokens that are bound to a key of the client (DPoP, RFC 9449; mutual TLS, RFC 8705). A server
// that demands DPoP is told apart, and the error says what to change there.
package signin

import (
	"context"
	"encoding/base64"
	"net/http"

	"github.com/exeunt/exeunt/connector"
)

// Signer puts the credentials of one system on its requests. It is safe for concurrent use.
type Signer interface {
	// sign puts the credentials on a request that is the signer's to change, and returns those that may be refused and
	// replaced; "" says that a refusal is final, since there are no newer ones to be had.
	sign(ctx context.Context, r *http.Request) (replaceable string, err error)

	// replace says that these credentials were refused.
	replace(refused string)
}

// Transport signs every request in and sends it through next. A 401 to credentials that were kept is answered by one
// attempt with new ones: it is said before anything is done (RFC 9110 §15.5.2), so that repeating is safe whatever the
// request is.
func Transport(next http.RoundTripper, s Signer) http.RoundTripper { return transport{next, s} }

// Client sends through a Transport and follows no redirect: after a write it would be followed by a GET, which changes
// nothing, and elsewhere our credentials are nobody's business.
func Client(next http.RoundTripper, s Signer) *http.Client {
	return &http.Client{Transport: Transport(next, s), CheckRedirect: asAnswer}
}

func asAnswer(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

type transport struct {
	next   http.RoundTripper
	signer Signer
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	used, answer, err := t.send(r)
	if err != nil || answer.StatusCode != http.StatusUnauthorized || used == "" {
		return answer, err
	}
	again := r.Clone(r.Context())
	if r.Body != nil && r.Body != http.NoBody {
		if r.GetBody == nil {
			return answer, nil
		}
		if again.Body, err = r.GetBody(); err != nil {
			return answer, nil //nolint:nilerr // the refusal is what there is to tell
		}
	}
	answer.Body.Close()
	t.signer.replace(used)
	_, answer, err = t.send(again)
	return answer, err
}

func (t transport) send(r *http.Request) (used string, answer *http.Response, err error) {
	signed := r.Clone(r.Context()) // a RoundTripper leaves the request as it is
	if used, err = t.signer.sign(r.Context(), signed); err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return "", nil, err
	}
	answer, err = t.next.RoundTrip(signed)
	return used, answer, err
}

// None signs nobody in.
func None() Signer { return nobody{} }

type nobody struct{}

func (nobody) sign(context.Context, *http.Request) (string, error) { return "", nil }
func (nobody) replace(string)                                      {}

// Bearer sends a token that does not change by itself (RFC 6750 §2.1).
func Bearer(token connector.Secret) Signer { return Header("Authorization", "Bearer ", token) }

// Header sends a token in a header, after a prefix such as "SSWS ".
func Header(name, prefix string, token connector.Secret) Signer {
	return fixed{token, func(h http.Header, value string) { h.Set(name, prefix+value) }}
}

// Basic sends a name and a password (RFC 7617).
func Basic(username string, password connector.Secret) Signer {
	return fixed{password, func(h http.Header, value string) { h.Set("Authorization", basic(username, value)) }}
}

// BasicToken sends a token as the name of HTTP basic. The vendors of this form ignore the password (BambooHR's description
// of its scheme), but some clients refuse an empty one.
func BasicToken(token connector.Secret) Signer {
	return fixed{token, func(h http.Header, value string) { h.Set("Authorization", basic(value, "x")) }}
}

func basic(username, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+password))
}

// fixed is a credential that does not change by itself.
type fixed struct {
	secret connector.Secret
	put    func(h http.Header, value string)
}

func (f fixed) sign(_ context.Context, r *http.Request) (string, error) {
	value, err := f.secret.Reveal()
	if err == nil {
		f.put(r.Header, value)
	}
	return "", err
}

func (fixed) replace(string) {}
