package wrap

import (
	"io"
	"net/http"
	"net/url"

	"github.com/exeunt/exeunt"
)

// MaxBody is the most that is read of one answer. The largest that any vendor documents for one
// account is far below it; more than that is not an answer to our question.
const MaxBody = 1 << 20

// UserAgent is how we name ourselves to vendors.
const UserAgent = "exeunt"

// roundTrip is a function as an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// HTTP is the base of every vendor transport: it names us, bounds what is read, and refuses to be
// sent elsewhere.
//
// A redirect to another host would carry our question, and with some clients our credentials, to
// somebody whom nobody configured. A redirected write is worse: after 301, 302 and 303 clients
// repeat it as a GET (RFC 9110 §15.4), which answers 200 and changes nothing.
func HTTP(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("User-Agent") == "" {
			r = r.Clone(r.Context())
			r.Header.Set("User-Agent", UserAgent)
		}
		answer, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		if err := refuseRedirect(r, answer); err != nil {
			answer.Body.Close()
			return nil, err
		}
		answer.Body = &bounded{body: answer.Body, left: MaxBody, host: r.URL.Host}
		return answer, nil
	})
}

func refuseRedirect(r *http.Request, answer *http.Response) error {
	location := answer.Header.Get("Location")
	if answer.StatusCode < 300 || answer.StatusCode > 399 || location == "" {
		return nil
	}
	target, err := r.URL.Parse(location)
	if err != nil || !sameOrigin(r.URL, target) {
		return exeunt.Errorf(exeunt.Invalid, "%s redirects to another host, which is not followed: correct the configured address", r.URL.Host)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return exeunt.Errorf(exeunt.Invalid, "%s redirects a change, which would then change nothing: correct the configured address", r.URL.Host)
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

// bounded refuses, rather than cuts, a body that is too long: a cut one may still be valid.
type bounded struct {
	body io.ReadCloser
	left int64
	host string
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, exeunt.Errorf(exeunt.Invalid, "%s answered with more than %d bytes, which is no answer to what was asked", b.host, MaxBody)
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, exeunt.Errorf(exeunt.Invalid, "%s answered with more than %d bytes, which is no answer to what was asked", b.host, MaxBody)
	}
	return n, err
}

func (b *bounded) Close() error { return b.body.Close() }

// closeBody keeps the promise of http.RoundTripper to close the request's body, also on errors.
func closeBody(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}
