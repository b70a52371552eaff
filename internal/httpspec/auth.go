package httpspec

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// signer puts the credentials on a request. Secrets are revealed anew each time, so that a rotated
// one is taken up.
type signer interface {
	// sign says whether the credentials were obtained just now, so that a 401 is final.
	sign(ctx context.Context, r *http.Request) (fresh bool, err error)
	forget()
}

func newSigner(c *client, s Settings) signer {
	switch c.spec.Auth.Kind {
	case "bearer":
		return static{s.Token, func(r *http.Request, token string) { r.Header.Set("Authorization", "Bearer "+token) }}
	case "header":
		header, prefix := c.spec.Auth.Header, c.spec.Auth.Prefix
		return static{s.Token, func(r *http.Request, token string) { r.Header.Set(header, prefix+token) }}
	case "basic":
		return static{s.Password, func(r *http.Request, password string) { r.SetBasicAuth(s.Username, password) }}
	case "basic-token":
		// The vendors of this form take the key as the user and ignore the password (BambooHR's
		// description of its basic scheme), but some clients refuse an empty one.
		return static{s.Token, func(r *http.Request, token string) { r.SetBasicAuth(token, "x") }}
	case "oauth2":
		address := s.TokenURL
		if address == "" {
			address = c.base.String() + c.spec.Auth.TokenPath
		}
		return &clientCredentials{client: c, address: address, id: s.ClientID, secret: s.ClientSecret}
	default:
		return anonymous{}
	}
}

type anonymous struct{}

func (anonymous) sign(context.Context, *http.Request) (bool, error) { return true, nil }
func (anonymous) forget()                                           {}

// static is a credential that does not change by itself.
type static struct {
	secret connector.Secret
	put    func(*http.Request, string)
}

func (s static) sign(_ context.Context, r *http.Request) (bool, error) {
	secret, err := s.secret.Reveal()
	if err == nil {
		s.put(r, secret)
	}
	return true, err
}

func (static) forget() {}

// clientCredentials fetches and keeps an access token (RFC 6749 §4.4).
type clientCredentials struct {
	client  *client
	address string
	id      string
	secret  connector.Secret

	mu    sync.Mutex // held while fetching: those who wait want the same token
	token string
	until time.Time
}

// lifetimeUnsaid is how long a token is kept when the vendor does not say (RFC 6749 §5.1 only
// recommends expires_in); a 401 ends it sooner.
const lifetimeUnsaid = 5 * time.Minute

func (o *clientCredentials) sign(ctx context.Context, r *http.Request) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fresh := false
	if o.token == "" || !time.Now().Before(o.until) {
		if err := o.fetch(ctx); err != nil {
			return false, err
		}
		fresh = true
	}
	r.Header.Set("Authorization", "Bearer "+o.token)
	return fresh, nil
}

func (o *clientCredentials) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.token = ""
}

func (o *clientCredentials) fetch(ctx context.Context) error {
	secret, err := o.secret.Reveal()
	if err != nil {
		return err
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if scopes := o.client.spec.Auth.Scopes; len(scopes) > 0 {
		form.Set("scope", strings.Join(scopes, " "))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.address, strings.NewReader(form.Encode()))
	if err != nil {
		return exeunt.Errorf(exeunt.Invalid, "%s: the address for tokens is none", o.client.name)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.SetBasicAuth(url.QueryEscape(o.id), url.QueryEscape(secret)) // form-encoded first: RFC 6749 §2.3.1
	response, err := o.client.http.Do(r)
	if err != nil {
		return connector.Network(o.client.name, err)
	}
	a, err := read(o.client.name, response)
	if err != nil {
		return err
	}
	return o.keep(a)
}

func (o *clientCredentials) keep(a answer) error {
	name := o.client.name
	if a.status == http.StatusBadRequest || a.status == http.StatusUnauthorized {
		// invalid_client and its siblings come with either status (RFC 6749 §5.2).
		return exeunt.Errorf(exeunt.Unauthorised, "%s gives us no access token (%d): check client_id and client_secret", name, a.status)
	}
	if err := connector.Status(name, &http.Response{StatusCode: a.status, Header: a.header}); err != nil {
		return err
	}
	token, ok := textAt(a.body, "/access_token")
	kind, _ := textAt(a.body, "/token_type")
	if !ok || token == "" || !strings.EqualFold(kind, "bearer") {
		return exeunt.Errorf(exeunt.Temporary, "%s answered the request for a token with something else", name)
	}
	lifetime := lifetimeUnsaid
	if text, ok := textAt(a.body, "/expires_in"); ok {
		if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 && seconds < 1e9 {
			lifetime = time.Duration(seconds) * time.Second
		}
	}
	o.token, o.until = token, time.Now().Add(lifetime-min(callTime, lifetime/2))
	return nil
}

// callTime is how long one call may take: what is left of a kept token must outlast it.
const callTime = 30 * time.Second
