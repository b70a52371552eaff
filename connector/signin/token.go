package signin

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Grant is what we ask for an access token with (RFC 6749 §4).
type Grant interface {
	// fill makes the token request of a moment; where it is sent to may be the grant's to say.
	fill(ask *ask) error
	// remedy is what to check when the server refuses the grant with one of its codes.
	remedy(code string) string
}

// ask is a token request in the making.
type ask struct {
	endpoint string
	now      time.Time
	form     url.Values
	header   http.Header
}

// Tokens signs in with access tokens that a grant obtains. system is its name in messages. Token requests go through next,
// as all others do, so that they are counted and bounded.
func Tokens(system, endpoint string, g Grant, next http.RoundTripper) Signer {
	t := &tokens{system: system, put: put, endpoint: endpoint, grant: g, http: &http.Client{Transport: next, CheckRedirect: asAnswer}}
	t.from = t.obtain
	return t
}

type tokens struct {
	system string
	put    func(r *http.Request, value string)
	from   func(context.Context) (token, error) // where a new one is had

	endpoint string
	grant    Grant
	http     *http.Client

	mu       sync.Mutex
	kept     token
	fetching *fetching // nil while nobody fetches
}

type token struct {
	value string
	until time.Time
}

// fetching is one fetch that all who need a token wait for.
type fetching struct {
	over   chan struct{}
	token  token // from here on, to be read when it is over
	err    error
	gaveUp bool // because its caller had no more time, which says nothing of the others
}

func (t *tokens) sign(ctx context.Context, r *http.Request) (string, error) {
	for {
		kept, others := t.state()
		if kept != "" {
			t.put(r, kept)
			return kept, nil
		}
		if others == nil {
			fetched, err := t.fetch(ctx)
			if err == nil {
				t.put(r, fetched.value)
			}
			return "", err // fetched just now: that it is refused is final
		}
		select {
		case <-ctx.Done():
			return "", connector.Network(t.system, ctx.Err())
		case <-others.over:
		}
		if others.err == nil {
			t.put(r, others.token.value)
			return "", nil
		}
		if !others.gaveUp {
			return "", others.err
		}
	}
}

func put(r *http.Request, value string) { r.Header.Set("Authorization", "Bearer "+value) }

// state is the token that is kept, or the fetch to wait for; with neither, the fetch is the caller's to do.
func (t *tokens) state() (kept string, others *fetching) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept.value != "" && time.Now().Before(t.kept.until) {
		return t.kept.value, nil
	}
	if t.fetching != nil {
		return "", t.fetching
	}
	t.fetching = &fetching{over: make(chan struct{})}
	return "", nil
}

func (t *tokens) replace(refused string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept.value == refused { // else somebody has replaced it already
		t.kept = token{}
	}
}

func (t *tokens) fetch(ctx context.Context) (token, error) {
	fetched, err := t.from(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = fetched
	t.fetching.token, t.fetching.err, t.fetching.gaveUp = fetched, err, err != nil && ctx.Err() != nil
	close(t.fetching.over)
	t.fetching = nil
	return fetched, err
}

// longestAnswer is far more than a token takes.
const longestAnswer = 1 << 20

func (t *tokens) obtain(ctx context.Context) (token, error) {
	a := &ask{endpoint: t.endpoint, now: time.Now(), form: url.Values{}, header: http.Header{}}
	if err := t.grant.fill(a); err != nil {
		return token{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.endpoint, strings.NewReader(a.form.Encode()))
	if err != nil {
		return token{}, exeunt.Errorf(exeunt.Invalid, "%s: the address for tokens is none", t.system)
	}
	r.Header = a.header
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	answer, err := t.http.Do(r)
	if err != nil {
		return token{}, connector.Network(t.system, err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, longestAnswer))
	if err != nil {
		return token{}, connector.Network(t.system, err)
	}
	return t.read(answer, raw, a.now)
}

// reply is what an authorisation server answers (RFC 6749 §5.1, §5.2).
type reply struct {
	AccessToken string          `json:"access_token"`
	TokenType   string          `json:"token_type"`
	ExpiresIn   json.RawMessage `json:"expires_in"` // a number, which some write as text
	Error       string          `json:"error"`
	Microsoft   []int           `json:"error_codes"` // Entra's own, which say more
}

func (t *tokens) read(answer *http.Response, raw []byte, now time.Time) (token, error) {
	var said reply
	unreadable := json.Unmarshal(raw, &said)
	if err := t.refusal(answer, said); err != nil {
		return token{}, err
	}
	if strings.EqualFold(said.TokenType, "DPoP") {
		return token{}, t.bound()
	}
	if unreadable != nil || said.AccessToken == "" || !strings.EqualFold(said.TokenType, "bearer") {
		return token{}, exeunt.Errorf(exeunt.Temporary, "%s answered the request for a token with something else", t.system)
	}
	lifetime := said.lifetime()
	return token{said.AccessToken, now.Add(lifetime - min(callTime, lifetime/2))}, nil
}

// callTime is how long one call may take: what is left of a kept token must outlast it.
const callTime = 30 * time.Second

// lifetimeUnsaid is how long a token is kept when the server does not say (RFC 6749 §5.1 only recommends expires_in); a
// 401 ends it sooner.
const lifetimeUnsaid = 5 * time.Minute

func (r reply) lifetime() time.Duration {
	seconds := json.Number(bytes.Trim(r.ExpiresIn, `"`))
	if n, err := seconds.Float64(); err == nil && n > 0 && n < 1e9 {
		return time.Duration(n * float64(time.Second))
	}
	return lifetimeUnsaid
}

// refusal classes what is no token. Only codes that the RFCs name are shown: what stands beside them is the server's own
// text and may hold anything.
func (t *tokens) refusal(answer *http.Response, said reply) error {
	code := said.Error
	if number, remedy := said.microsoft(); code != "" && remedy != "" {
		return exeunt.Errorf(exeunt.Unauthorised, "%s gives us no access token (AADSTS%d): %s", t.system, number, remedy)
	}
	switch code {
	case "invalid_dpop_proof", "use_dpop_nonce": // RFC 9449 §5 and §8; Okta has both
		return t.bound()
	case "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target", "access_denied":
		return exeunt.Errorf(exeunt.Unauthorised, "%s gives us no access token (%s): %s", t.system, code, t.grant.remedy(code)).Because(Refusal(code))
	}
	if answer.StatusCode == http.StatusBadRequest || answer.StatusCode == http.StatusUnauthorized {
		// Credentials that are not known come with either status (RFC 6749 §5.2).
		return exeunt.Errorf(exeunt.Unauthorised, "%s gives us no access token (%d): %s", t.system, answer.StatusCode, t.grant.remedy(""))
	}
	if err := connector.Status(t.system, answer); err != nil {
		return err
	}
	return nil
}

// Refusal is the code with which an authorisation server gives no token (RFC 6749 §5.2): the cause of an error.
type Refusal string

func (r Refusal) Error() string { return "no access token: " + string(r) }

// Try obtains what a signer would put on a request, and sends none: it shows whether a scope is granted.
func Try(ctx context.Context, s Signer) error {
	_, err := s.sign(ctx, &http.Request{Header: http.Header{}})
	return err
}

func (t *tokens) bound() error {
	return exeunt.Errorf(exeunt.Unauthorised, "%s wants proof of possession with each token (DPoP), which Exeunt does not do: turn \"Require DPoP\" off for our client there", t.system)
}
