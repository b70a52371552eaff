package vendorapi_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

type transport func(*http.Request) *http.Response

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func respond(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func client(answer transport) *vendorapi.Client {
	return &vendorapi.Client{Vendor: "Acme", Base: "https://acme.example/api", HTTP: &http.Client{Transport: answer}}
}

func TestAQuestionIsSentAsItIsMeant(t *testing.T) {
	for name, c := range map[string]struct {
		media string
		ask   vendorapi.Question
		want  string
	}{
		"plain":     {ask: vendorapi.Question{Path: "/a%2Fb"}, want: "GET /api/a%2Fb accept=application/json type= key= body="},
		"a query":   {ask: vendorapi.Question{Path: "/a", Query: url.Values{"q": {"x y"}}}, want: "GET /api/a?q=x+y accept=application/json type= key= body="},
		"a body":    {ask: vendorapi.Question{Method: "POST", Path: "/a", Body: map[string]int{"n": 1}}, want: `POST /api/a accept=application/json type=application/json key= body={"n":1}`},
		"a form":    {ask: vendorapi.Question{Method: "POST", Path: "/a", Body: url.Values{"q": {"x y&z"}}}, want: "POST /api/a accept=application/json type=application/x-www-form-urlencoded key= body=q=x+y%26z"},
		"a media":   {media: "application/scim+json", ask: vendorapi.Question{Method: "PUT", Path: "/a", Body: "x"}, want: `PUT /api/a accept=application/scim+json, application/json type=application/scim+json key= body="x"`},
		"a header":  {ask: vendorapi.Question{Path: "/a", Header: http.Header{"Key": {"k"}}}, want: "GET /api/a accept=application/json type= key=k body="},
		"elsewhere": {ask: vendorapi.Question{Path: "https://acme.example/next?p=2"}, want: "GET /next?p=2 accept=application/json type= key= body="},
	} {
		got := ""
		api := client(func(r *http.Request) *http.Response {
			var body []byte
			if r.Body != nil {
				body, _ = io.ReadAll(r.Body)
			}
			got = fmt.Sprintf("%s %s accept=%s type=%s key=%s body=%s", r.Method, r.URL.RequestURI(), r.Header.Get("Accept"), r.Header.Get("Content-Type"), r.Header.Get("Key"), body)
			return respond(http.StatusNoContent, "")
		})
		api.Media = c.media
		if a, err := api.Ask(t.Context(), c.ask); err != nil || a.Status != http.StatusNoContent || got != c.want {
			t.Errorf("%s: %v, sent %s, want %s", name, err, got, c.want)
		}
	}
}

func TestAnswersAreReadWithinBoundsAndClassed(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   exeunt.ErrorKind
	}{
		"an object":       {200, ` {"id":"a"} `, ""},
		"cut off":         {200, `{"id":"a"`, exeunt.Temporary},
		"two of them":     {200, `{"id":"a"}{"id":"b"}`, exeunt.Temporary},
		"a page":          {200, `<html>s3cret</html>`, exeunt.Temporary},
		"another type":    {200, `["s3cret"]`, exeunt.Temporary},
		"nothing":         {200, ``, exeunt.Temporary},
		"far too long":    {200, strings.Repeat(" ", vendorapi.MaxAnswer) + `{"id":"a"}`, exeunt.Invalid},
		"refused":         {403, `{"code":"s3cret"}`, exeunt.Denied},
		"explained":       {400, `{"code":"gone"}`, exeunt.NotFound},
		"not explained":   {400, `{"code":"s3cret"}`, exeunt.Invalid},
		"slow down":       {429, ``, exeunt.Throttled},
		"sent elsewhere":  {302, ``, exeunt.Invalid},
		"not there today": {503, `<html>`, exeunt.Temporary},
	} {
		api := client(func(*http.Request) *http.Response { return respond(c.status, c.body) })
		api.Explain = func(a vendorapi.Answer, status *exeunt.Error) error {
			var said struct{ Code string }
			if a.Decode(&said) == nil && said.Code == "gone" {
				return exeunt.Errorf(exeunt.NotFound, "it is gone")
			}
			return status
		}
		var found struct{ ID string }
		a, err := api.Ask(t.Context(), vendorapi.Question{Path: "/a"})
		if err == nil {
			err = a.Decode(&found)
		}
		if exeunt.KindOf(err) != c.want || err == nil && found.ID != "a" || err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %q, %v (%s), want %s and no words of the vendor", name, found.ID, err, exeunt.KindOf(err), c.want)
		}
	}
}

func TestPagesAreTurnedAndStayOnTheHost(t *testing.T) {
	for name, c := range map[string]struct {
		next string
		want exeunt.ErrorKind
		asks []string
	}{
		"one page":            {asks: []string{"/api/users?limit=2"}},
		"the next":            {next: `</api/users?p=0>; rel="prev", <https://acme.example/api/users?p=2,3>; title="a, b"; rel="last next"`, asks: []string{"/api/users?limit=2", "/api/users?p=2,3"}},
		"only the one before": {next: `<https://acme.example/api/users?p=0>; rel=prev`, asks: []string{"/api/users?limit=2"}},
		"another host":        {next: `<https://elsewhere.example/api/users?p=2>; rel=next`, want: exeunt.Invalid, asks: []string{"/api/users?limit=2"}},
		"without TLS":         {next: `<http://acme.example/api/users?p=2>; rel=next`, want: exeunt.Invalid, asks: []string{"/api/users?limit=2"}},
		"for ever":            {next: `<?limit=2>; rel=next`, want: exeunt.Invalid, asks: slices.Repeat([]string{"/api/users?limit=2"}, 3)},
	} {
		var asks []string
		api := client(func(r *http.Request) *http.Response {
			if r.URL.Host != "acme.example" {
				t.Errorf("%s: asked %s", name, r.URL)
			}
			asks = append(asks, r.URL.RequestURI())
			if r.URL.Query().Get("p") != "" {
				return respond(http.StatusOK, `[]`)
			}
			return respond(http.StatusOK, `[]`, "Link", `<https://acme.example/self>; rel="self"`, "Link", c.next)
		})
		taken := 0
		err := api.Pages(t.Context(), vendorapi.Question{Path: "/users", Query: url.Values{"limit": {"2"}}}, 3, func(vendorapi.Answer) error { taken++; return nil })
		if exeunt.KindOf(err) != c.want || !slices.Equal(asks, c.asks) || taken != len(asks) {
			t.Errorf("%s: %v after %v, want %s after %v", name, err, asks, c.want, c.asks)
		}
	}
	enough := errors.New("enough")
	api := client(func(*http.Request) *http.Response {
		return respond(http.StatusOK, `[]`, "Link", `<https://acme.example/api/users?p=2>; rel="next"`)
	})
	if err := api.Pages(t.Context(), vendorapi.Question{Path: "/users"}, 3, func(vendorapi.Answer) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
}
