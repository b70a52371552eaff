package signin

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// Session signs in as a person does: it sends a name and a password once, and then what it got for them with each request,
// a cookie (RFC 6265) or a token in a header.
type Session struct {
	URL string // where it signs in, by POST
	ByPassword

	// Body makes the request from the name and the password, and says of what media type it is.
	Body func(username, password string) (body []byte, media string, err error)

	Cookie string // the cookie that is the session; or
	Token  func(body []byte) (token string, ok bool)
	Header string // that carries the token; Authorization when empty
	Prefix string // before the token, such as "Bearer "
}

// sessionUnsaid is how long a session is kept whose end the system does not say; a 401 ends it sooner. Each new one is one
// more that the system keeps, so that it is long.
const sessionUnsaid = 24 * time.Hour

// Sessions signs in by sessions. system is its name in messages. Signing in goes through next, as all other requests do.
func Sessions(system string, s Session, next http.RoundTripper) Signer {
	client := &http.Client{Transport: next, CheckRedirect: asAnswer}
	put := func(r *http.Request, value string) { r.Header.Set(headerOr(s.Header), s.Prefix+value) }
	if s.Cookie != "" {
		put = func(r *http.Request, value string) {
			r.AddCookie(&http.Cookie{Name: s.Cookie, Value: value}) //nolint:gosec // it is sent, not set: it has no attributes
		}
	}
	return &tokens{system: system, put: put, from: func(ctx context.Context) (token, error) { return s.open(ctx, system, client) }}
}

func headerOr(name string) string {
	if name == "" {
		return "Authorization"
	}
	return name
}

// open signs in anew.
func (s Session) open(ctx context.Context, system string, client *http.Client) (token, error) {
	password, err := s.Password.Reveal()
	if err != nil {
		return token{}, err
	}
	body, media, err := s.Body(s.Username, password)
	if err != nil {
		return token{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return token{}, exeunt.Errorf(exeunt.Invalid, "%s: the address for signing in is none", system)
	}
	r.Header.Set("Content-Type", media)
	r.Header.Set("Accept", "application/json")
	now := time.Now()
	response, err := client.Do(r) //nolint:bodyclose // vendorapi.Read closes it
	if err != nil {
		return token{}, connector.Network(system, err)
	}
	a, err := vendorapi.Read(system, response)
	if err != nil {
		return token{}, err
	}
	switch a.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return token{}, exeunt.Errorf(exeunt.Unauthorised, "%s does not let us sign in (%d): check username and password", system, a.Status)
	}
	if err := connector.Status(system, response); err != nil {
		return token{}, err
	}
	return s.read(system, response, a.Body, now)
}

// read takes the session out of what the system answered.
func (s Session) read(system string, response *http.Response, body []byte, now time.Time) (token, error) {
	if s.Cookie == "" {
		if value, ok := s.Token(body); ok && value != "" {
			return token{value, now.Add(sessionUnsaid)}, nil
		}
		return token{}, exeunt.Errorf(exeunt.Unauthorised, "%s answered our signing in without a token: check username and password", system)
	}
	for _, c := range response.Cookies() {
		if c.Name == s.Cookie && c.Value != "" {
			return token{c.Value, now.Add(lasting(c, now))}, nil
		}
	}
	return token{}, exeunt.Errorf(exeunt.Unauthorised, "%s answered our signing in without the cookie %s: check username and password", system, s.Cookie)
}

// lasting is how long a cookie lasts, less what one call may take (RFC 6265 §5.3: Max-Age goes before Expires).
func lasting(c *http.Cookie, now time.Time) time.Duration {
	left := sessionUnsaid
	switch {
	case c.MaxAge > 0:
		left = time.Duration(c.MaxAge) * time.Second
	case c.Expires.After(now):
		left = c.Expires.Sub(now)
	}
	return left - min(callTime, left/2)
}
