package connectortest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Exchange is one request and what came of it, without its secrets.
type Exchange struct {
	Method string
	URL    *url.URL
	Header http.Header
	Body   []byte
	Given  bool // the vendor gave this address in an earlier answer, such as that of the next page: its query is its own

	Status       int // 0 when no answer came
	AnswerHeader http.Header
	Answer       []byte
}

// Description is what a vendor says of its own API. Package description reads some forms of it.
type Description interface {
	// Judge holds one exchange to the description.
	Judge(Exchange) Verdict
}

// Verdict is what a description says of an exchange.
type Verdict struct {
	Operations []string // what the request is in the description; none when nothing there is like it
	Faults     []string // what is wrong with the request or its answer
}

// Recorder is a transport that keeps what passes through it.
type Recorder struct {
	Next    http.RoundTripper // nil is http.DefaultTransport
	Secrets []string          // what is not kept, beside what is known to be secret by its name

	mu    sync.Mutex
	kept  []Exchange
	given map[string]bool
}

// RoundTrip implements http.RoundTripper. A request that got no answer is kept, too.
func (r *Recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	sent, err := drained(&request.Body)
	if err != nil {
		return nil, err
	}
	one := Exchange{Method: request.Method, URL: request.URL, Header: request.Header, Body: sent}
	next := r.Next
	if next == nil {
		next = http.DefaultTransport
	}
	answer, err := next.RoundTrip(request)
	if err == nil {
		one.Status, one.AnswerHeader = answer.StatusCode, answer.Header
		if one.Answer, err = drained(&answer.Body); err != nil { // whoever reads it meets the same end
			answer.Body = io.NopCloser(io.MultiReader(bytes.NewReader(one.Answer), broken{err}))
			one.Status, err = 0, nil
		}
	}
	r.keep(one)
	return answer, err
}

// broken is the end of a body that did not come whole.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// drained reads a body and leaves one in its place that can be read again.
func drained(body *io.ReadCloser) ([]byte, error) {
	if *body == nil {
		return nil, nil
	}
	raw, err := io.ReadAll(*body)
	_ = (*body).Close()
	*body = io.NopCloser(bytes.NewReader(raw))
	return raw, err
}

// withheld stands where a secret was.
const withheld = "withheld"

var (
	secretHeaders = []string{"Authorization", "Cookie", "Set-Cookie"}
	secretFields  = regexp.MustCompile(`("(?:access_token|refresh_token|id_token|client_secret|password|secret|token)"\s*:\s*")(?:[^"\\]|\\.)*"`)
	secretForm    = regexp.MustCompile(`\b(client_secret|client_assertion|assertion|refresh_token|password)=[^&]+`)
)

func (r *Recorder) keep(one Exchange) {
	address := *one.URL
	one.URL = &address
	one.Header, one.AnswerHeader = r.headers(one.Header), r.headers(one.AnswerHeader)
	one.Body, one.Answer = r.body(one.Body), r.body(one.Answer)
	r.mu.Lock()
	defer r.mu.Unlock()
	one.Given = r.given[address.String()]
	if r.given == nil {
		r.given = map[string]bool{}
	}
	for _, told := range append(one.AnswerHeader["Link"], string(one.Answer)) {
		for _, found := range addresses.FindAllString(told, -1) {
			r.given[unescaped.Replace(found)] = true
		}
	}
	r.kept = append(r.kept, one)
}

var (
	addresses = regexp.MustCompile(`https?:[/\\]+[^\s"<>]+`)
	unescaped = strings.NewReplacer(`\/`, `/`, `\u0026`, `&`)
)

// headers keeps the kind of credentials ("Bearer"), and not the credentials.
func (r *Recorder) headers(h http.Header) http.Header {
	h = h.Clone()
	for name, values := range h {
		for i, value := range values {
			if slices.Contains(secretHeaders, name) {
				kind, _, isKind := strings.Cut(value, " ")
				if value = withheld; isKind && name == "Authorization" {
					value = kind + " " + withheld
				}
			}
			values[i] = r.without(value)
		}
	}
	return h
}

func (r *Recorder) body(raw []byte) []byte {
	if len(raw) == 0 {
		return nil
	}
	raw = secretFields.ReplaceAll(raw, []byte(`${1}`+withheld+`"`))
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) || bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		return []byte(r.without(string(raw)))
	}
	return []byte(r.without(secretForm.ReplaceAllString(string(raw), "$1="+withheld)))
}

func (r *Recorder) without(text string) string {
	for _, secret := range r.Secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, withheld)
		}
	}
	return text
}

// Traffic is what was kept so far.
func (r *Recorder) Traffic() []Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.kept)
}

// Judge holds traffic to a description. It returns how often each operation was asked for, and each fault once with the
// first request that has it.
func Judge(d Description, traffic []Exchange) (operations map[string]int, faults []string) {
	operations = map[string]int{}
	known := map[string]bool{}
	for _, one := range traffic {
		v := d.Judge(one)
		if len(v.Operations) == 0 && len(v.Faults) == 0 {
			v.Faults = []string{"is nothing in the description"}
		}
		for _, name := range v.Operations {
			operations[name]++
		}
		for _, fault := range v.Faults {
			what := strings.Join(v.Operations, " ") + " " + fault
			if len(v.Operations) == 0 || !known[what] {
				faults = append(faults, fmt.Sprintf("%s %s (%d): %s", one.Method, one.URL.RequestURI(), one.Status, fault))
			}
			known[what] = true
		}
	}
	return operations, faults
}

// trafficIsAsDescribed judges what the suite's other checks said to the vendor and heard from it.
func (s Subject) trafficIsAsDescribed(t testing.TB, r *Recorder) {
	traffic := r.Traffic()
	switch {
	case s.Description == nil && len(traffic) > 0:
		missing(t, "Description")
		return
	case s.Description == nil:
		return // it does not speak HTTP
	case len(traffic) == 0:
		t.Fatal("nothing was said to the vendor through the transport that the connector was given")
	}
	operations, faults := Judge(s.Description, traffic)
	for _, fault := range faults {
		t.Error(fault)
	}
	for _, name := range slices.Sorted(maps.Keys(operations)) {
		t.Logf("%5d × %s", operations[name], name)
	}
}
