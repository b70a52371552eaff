package httpspec

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/signin"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// client sends requests to one system and classes what comes back.
type client struct {
	spec   *Spec
	values map[string]string
	base   *url.URL
	name   string // of the system, in messages
	api    *vendorapi.Client

	mu    sync.Mutex
	spent time.Time // until when no request is left, by the description's own headers
}

func newClient(spec *Spec, settings Settings, base *url.URL, rt http.RoundTripper) *client {
	return &client{
		spec: spec, values: settings.Values, base: base, name: spec.Title,
		api: &vendorapi.Client{
			Vendor: spec.Title,
			// A description that expects a redirect can accept its status: none is followed.
			HTTP: signin.Client(rt, newSigner(spec, settings, base.String(), rt)),
			// What an answer means is the description's to say: see judge.
			Explain: func(vendorapi.Answer, *exeunt.Error) error { return nil },
		},
	}
}

// answer is what a system said, decoded.
type answer struct {
	status int
	header http.Header
	body   any  // nil when there is none
	broken bool // there is a body, and it is not JSON
}

// question is a request before it is built.
type question struct {
	method  string
	url     *url.URL
	headers map[string]string
	body    any   // JSON, or url.Values for a form
	accept  []int // statuses beside 2xx that are an answer, not an error
}

// address fills a path and a query and puts them under the base URL.
func (c *client) address(path string, query map[string]string, v vars) (*url.URL, error) {
	escaped, err := v.render(path, segment)
	if err != nil {
		return nil, err
	}
	filled, err := v.renderMap(query, plain)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(c.base.String() + escaped)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "%s: the description makes an address that is none", c.name)
	}
	values := url.Values{}
	for name, value := range filled {
		values.Set(name, value)
	}
	u.RawQuery = values.Encode()
	return u, nil
}

// ask sends a question. An answer that is neither 2xx nor accepted is an error of its class.
func (c *client) ask(ctx context.Context, q question) (answer, error) {
	a, err := c.send(ctx, q)
	if err != nil {
		return answer{}, err
	}
	return a, c.judge(q, a)
}

// send makes one exchange.
func (c *client) send(ctx context.Context, q question) (answer, error) {
	always, err := valueVars(c.values).renderMap(c.spec.Headers, headerValue)
	if err != nil {
		return answer{}, err
	}
	asked := vendorapi.Question{Method: q.method, Path: q.url.String(), Header: http.Header{}, Body: q.body}
	for _, headers := range []map[string]string{always, q.headers} {
		for name, value := range headers {
			asked.Header.Set(name, value)
		}
	}
	if left := c.spentFor(time.Now()); left > 0 {
		connector.NotServed(ctx)
		return answer{}, exeunt.Errorf(exeunt.Throttled, "%s has no request left for us at the moment", c.name).After(left)
	}
	said, err := c.api.Ask(ctx, asked)
	c.count(said.Header, time.Now())
	return decoded(said), err
}

// count takes note of an answer that was the last one for now. The lane knows the usual headers; these
// are those that the description names.
func (c *client) count(h http.Header, now time.Time) {
	rate := c.spec.Rate
	if rate.Remaining == "" || h.Get(rate.Remaining) != "0" {
		return
	}
	if until := now.Add(connector.ResetIn(h.Get(rate.Reset), now)); until.After(now) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.spent = until
	}
}

// spentFor is how long no request is left.
func (c *client) spentFor(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spent.Sub(now)
}

// decoded is an answer with its body read.
func decoded(said vendorapi.Answer) answer {
	a := answer{status: said.Status, header: said.Header}
	if len(said.Body) > 0 && said.Decode(&a.body) != nil {
		a.body, a.broken = nil, true
	}
	return a
}

// judge classes an answer: slow down, then the description's own rules, then the status.
func (c *client) judge(q question, a answer) error {
	if c.limited(a) {
		return exeunt.Errorf(exeunt.Throttled, "%s asks to slow down (%d)", c.name, a.status).After(c.wait(a, time.Now()))
	}
	for _, rule := range c.spec.Errors {
		if c.matches(rule, a) {
			return exeunt.Errorf(rule.Kind, "%s: %s", c.name, rule.Say).After(c.wait(a, time.Now()))
		}
	}
	if has(q.accept, a.status) {
		return nil
	}
	if err := connector.Status(c.name, &http.Response{StatusCode: a.status, Header: a.header}); err != nil {
		return err
	}
	return nil
}

func (c *client) limited(a answer) bool {
	if a.status == http.StatusTooManyRequests {
		return true
	}
	rate := c.spec.Rate
	return has(rate.Statuses, a.status) &&
		(a.header.Get("Retry-After") != "" || rate.Remaining != "" && a.header.Get(rate.Remaining) == "0")
}

// wait is what the vendor asks for: Retry-After first, then its own header.
func (c *client) wait(a answer, now time.Time) time.Duration {
	if wait := connector.RetryAfter(a.header, now); wait > 0 || c.spec.Rate.Reset == "" {
		return wait
	}
	return connector.ResetIn(a.header.Get(c.spec.Rate.Reset), now)
}

func (c *client) matches(rule ErrorRule, a answer) bool {
	if len(rule.Status) > 0 && !has(rule.Status, a.status) {
		return false
	}
	if len(rule.Status) > 0 && rule.unconditional() {
		return true
	}
	ok, err := sight{"": a}.holds(rule.Condition)
	return ok && err == nil // an answer without the field is not this error
}

func (c Condition) unconditional() bool {
	return c.Equals.Kind == 0 && len(c.In) == 0 && c.Absent == nil && c.Empty == nil && len(c.Was) == 0
}

// document is the decoded body of an answer that must have one.
func (c *client) document(a answer) (any, error) {
	if a.broken || a.body == nil {
		return nil, exeunt.Errorf(exeunt.Temporary, "%s answered %d with something that is not JSON, or was cut off", c.name, a.status)
	}
	return a.body, nil
}
