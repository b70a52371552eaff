package httpspec_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// transport answers requests without a network, so that a test may live in a synctest bubble.
type transport func(*http.Request) *http.Response

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return f(r), nil
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// oauth is a vendor that hands out tok-1, tok-2, … and accepts the newest one that is not revoked.
type oauth struct {
	issued   int
	revoked  bool
	refusals int
}

func (o *oauth) serve(r *http.Request) *http.Response {
	if r.URL.Path == "/oauth/token" {
		if id, secret, _ := r.BasicAuth(); id != "client" || secret != "client%2Fsecret-0123" {
			return answer(401, `{"error":"invalid_client"}`)
		}
		if err := r.ParseForm(); err != nil || r.PostForm.Get("scope") != "users.write" {
			return answer(400, `{"error":"invalid_scope"}`)
		}
		o.issued++
		o.revoked = false
		return answer(200, fmt.Sprintf(`{"access_token":"tok-%d","token_type":"Bearer"}`, o.issued))
	}
	if o.revoked || r.Header.Get("Authorization") != fmt.Sprintf("Bearer tok-%d", o.issued) {
		o.refusals++
		return answer(401, `{}`)
	}
	return answer(200, `{"items":[]}`)
}

func openOAuth(t *testing.T, o *oauth) connector.Connector {
	t.Helper()
	t.Setenv("SUITE_SECRET", "client/secret-0123")
	spec := strings.Replace(string(source(t, "testdata/suite.yaml")), "auth: {kind: bearer}", "auth: {kind: oauth2, token_path: /oauth/token, scopes: [users.write]}", 1)
	c, err := kind([]byte(spec)).Open([]byte(`{"spec":"suite","base_url":"https://suite.example","client_id":"client","client_secret":"env:SUITE_SECRET","values":{"site":"7"}}`), transport(o.serve))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func find(t *testing.T, c connector.Connector) error {
	t.Helper()
	_, err := search(t.Context(), c, leaver("a@b.c"))
	return err
}

func TestARevokedTokenIsReplacedOnce(t *testing.T) {
	o := &oauth{}
	c := openOAuth(t, o)
	if err := find(t, c); err != nil {
		t.Fatal(err)
	}
	o.revoked = true
	if err := find(t, c); err != nil || o.issued != 2 || o.refusals != 1 {
		t.Errorf("got %v, %d tokens, %d refusals; want a second token after one refusal", err, o.issued, o.refusals)
	}
}

func TestEveryWayToSignIn(t *testing.T) {
	for auth, want := range map[string]string{
		"{kind: bearer}":                                      "Authorization: Bearer " + token,
		"{kind: header, header: X-Key}":                       "X-Key: " + token,
		`{kind: header, header: Authorization, prefix: "T="}`: "Authorization: T=" + token,
		"{kind: basic-token}":                                 "Authorization: Basic dG9rLWFiY2RlZi0wMTIzNDU2Nzg5Ong=",
		"{kind: basic}":                                       "Authorization: Basic bWU6dG9rLWFiY2RlZi0wMTIzNDU2Nzg5",
		"{kind: none}":                                        "Authorization: ",
	} {
		var got http.Header
		t.Setenv("SUITE_TOKEN", token)
		spec := strings.Replace(string(source(t, "testdata/suite.yaml")), "auth: {kind: bearer}", "auth: "+auth, 1)
		c, err := kind([]byte(spec)).Open([]byte(`{"spec":"suite","base_url":"https://suite.example","username":"me","password":"env:SUITE_TOKEN","token":"env:SUITE_TOKEN","values":{"site":"7"}}`),
			transport(func(r *http.Request) *http.Response { got = r.Header; return answer(200, `{"items":[]}`) }))
		if err != nil {
			t.Fatal(err)
		}
		if err := find(t, c); err != nil {
			t.Fatal(err)
		}
		name, value, _ := strings.Cut(want, ": ")
		if got.Get(name) != value {
			t.Errorf("%s: sent %s: %s, want %s", auth, name, got.Get(name), value)
		}
	}
}

func TestNoAnswerInTimeIsTemporary(t *testing.T) {
	c := openOAuth(t, &oauth{})
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if _, err := search(ctx, c, leaver("a@b.c")); exeunt.KindOf(err) != exeunt.Temporary || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("got %v", err)
	}
}

func TestLinkPagingStaysOnTheHost(t *testing.T) {
	t.Setenv("SUITE_TOKEN", token)
	spec := strings.Replace(string(source(t, "testdata/suite.yaml")), "paging: {kind: cursor, param: after, next: /next}", "paging: {kind: link}", 1)
	for next, want := range map[string]exeunt.ErrorKind{
		`</users?p=0>; rel="prev", <https://suite.example/users?p=2,3>; title="a, b"; rel="last next"`: "",
		`<https://other.example/users?p=2>; rel=next`:                                                  exeunt.Invalid,
	} {
		var asked []string
		c, err := kind([]byte(spec)).Open([]byte(`{"spec":"suite","base_url":"https://suite.example","token":"env:SUITE_TOKEN","values":{"site":"7"}}`),
			transport(func(r *http.Request) *http.Response {
				asked = append(asked, r.URL.String())
				if r.URL.Query().Get("p") == "2,3" {
					return answer(200, `{"items":[{"id":"u1","mail":"a@b.c"}]}`)
				}
				a := answer(200, `{"items":[]}`)
				a.Header.Set("Link", next)
				return a
			}))
		if err != nil {
			t.Fatal(err)
		}
		found, err := search(t.Context(), c, leaver("a@b.c"))
		stranger := slices.ContainsFunc(asked, func(a string) bool { return !strings.HasPrefix(a, "https://suite.example/") })
		if exeunt.KindOf(err) != want || stranger || err == nil && len(found) != 1 {
			t.Errorf("%s: found %v, %v after %v", next, found, err, asked)
		}
	}
}

func TestSettingsAreRefusedWithTheFieldAtFault(t *testing.T) {
	suite := kind(source(t, "testdata/suite.yaml"))
	for settings, want := range map[string]string{
		`{}`:                          "spec is missing",
		`{"spec":"suite","colour":1}`: "colour",
		`{"spec":"other","base_url":"https://x.example"}`: `no description "other"`,
		`{"spec":"suite"}`: "base_url",
		`{"spec":"suite","base_url":"http://x.example"}`:                                                        "https",
		`{"spec":"suite","base_url":"https://me:pw@x.example"}`:                                                 "without query or credentials",
		`{"spec":"suite","base_url":"https://x.example"}`:                                                       "token is missing",
		`{"spec":"suite","base_url":"https://x.example","token":"tok-abcdef"}`:                                  "by reference",
		`{"spec":"suite","base_url":"https://x.example","token":"env:T"}`:                                       "Number of the site",
		`{"spec":"suite","base_url":"https://x.example","token":"env:T","values":{"site":"7","colour":"blue"}}`: "values.colour",
	} {
		for verb, err := range map[string]error{"open": second(suite.Open([]byte(settings), http.DefaultTransport)), "specs": second(suite.Specs([]byte(settings)))} {
			if exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "tok-abcdef") {
				t.Errorf("%s %s: got %v, want invalid with %q", verb, settings, err, want)
			}
		}
	}
	specs, err := suite.Specs([]byte(`{"spec":"suite","base_url":"http://127.0.0.1:1/api","token":"env:T","values":{"site":"7"}}`))
	if err != nil || len(specs) != 4 || specs[0].Action != "remove_keys" {
		t.Errorf("got %v, %v; want four actions in their order", specs, err)
	}
}

func second[T any](_ T, err error) error { return err }
