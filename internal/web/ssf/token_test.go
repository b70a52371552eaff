package ssf

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors/signals"
)

const issuer = "https://exeunt.example"

// gate is the addresses with a key that signs access tokens. Two receivers have secrets: crm token and new, wiki other.
type gate struct {
	http.Handler
	t       *testing.T
	key     exeunt.SignalKey
	refused int
}

func newGate(t *testing.T, at string, digests ...string) *gate {
	t.Helper()
	key, err := signals.NewKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, key: key}
	g.open(at, digests...)
	return g
}

// open serves with these secrets of crm, of which the digests are given.
func (g *gate) open(at string, digests ...string) {
	mux := http.NewServeMux()
	receiver := func(system string, digests ...string) Receiver {
		return Receiver{exeunt.System{Name: system}, signals.Settings{Way: "stream", Audience: "https://" + system + ".example", Tokens: digests}}
	}
	Register(mux, Config{
		Issuer: at, Streams: &shelf{stream: exeunt.SignalStream{ID: "s", Status: exeunt.StreamEnabled}}, Log: slog.New(slog.DiscardHandler),
		Receivers: []Receiver{receiver("crm", digests...), receiver("wiki", signals.Digest("exr_other"))},
		Refused:   func(context.Context) error { g.refused++; return nil },
		Issue: func(_ context.Context, _ Receiver, claims signals.Access) (string, error) {
			return signals.Sign(g.key, signals.TypeOfAccess, claims)
		},
		Admit: func(_ context.Context, token string) (a signals.Access, err error) {
			return a, signals.Read([]exeunt.SignalKey{g.key}, signals.TypeOfAccess, token, &a)
		},
	})
	g.Handler = mux
}

// given is what the token endpoint answers.
type given struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
	Scope   string `json:"scope"`
	Error   string `json:"error"`
}

// ask asks for an access token; without a name it says who it is in the form only.
func (g *gate) ask(name, secret string, form url.Values) (*httptest.ResponseRecorder, given) {
	g.t.Helper()
	r := httptest.NewRequest("POST", tokenPath, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if name != "" {
		r.SetBasicAuth(url.QueryEscape(name), url.QueryEscape(secret))
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	var said given
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
		g.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w, said
}

func (g *gate) with(token, method, path, body string) *httptest.ResponseRecorder {
	return ask(g, "Bearer "+token, method, path, body)
}

func form(pairs ...string) url.Values {
	out := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		out.Add(pairs[i], pairs[i+1])
	}
	return out
}

// Who may have an access token, and what others are told (RFC 6749 sections 2.3.1, 4.4 and 5.2).
func TestReceiversGetAccessTokens(t *testing.T) {
	g := newGate(t, issuer, signals.Digest(token))
	grant := []string{"grant_type", "client_credentials"}
	for _, c := range []struct {
		name, client, secret string
		form                 url.Values
		code                 int
		wrong, scope         string
	}{
		{"by the header", "crm", token, form(grant...), 200, "", "ssf.read ssf.manage"},
		{"by the form", "", "", form(append(grant, "client_id", "crm", "client_secret", token)...), 200, "", "ssf.read ssf.manage"},
		{"named twice", "crm", token, form(append(grant, "client_id", "crm", "scope", "ssf.read")...), 200, "", "ssf.read"},
		{"of both ways", "crm", token, form(append(grant, "client_secret", token)...), 400, invalidRequest, ""},
		{"a parameter twice", "crm", token, form(append(grant, "scope", "ssf.read", "scope", "ssf.manage")...), 400, invalidRequest, ""},
		{"nobody", "", "", form(grant...), 401, invalidClient, ""},
		{"a wrong secret", "crm", "exr_wrong", form(grant...), 401, invalidClient, ""},
		{"another's secret", "crm", "exr_other", form(grant...), 401, invalidClient, ""},
		{"the digest", "crm", signals.Digest(token), form(grant...), 401, invalidClient, ""},
		{"an unknown scope", "crm", token, form(append(grant, "scope", "ssf.read admin")...), 400, invalidScope, ""},
		{"another grant", "crm", token, form("grant_type", "password"), 400, unsupportedGrant, ""},
	} {
		w, got := g.ask(c.client, c.secret, c.form)
		if w.Code != c.code || got.Error != c.wrong || got.Scope != c.scope || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s %q", c.name, w.Code, w.Body, w.Header())
		}
		if basic := strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic "); basic != (c.code == 401) {
			t.Errorf("%s: challenged by %q", c.name, w.Header().Get("WWW-Authenticate"))
		}
		if c.code == 200 && (got.Type != "Bearer" || got.Expires != 3600 || got.Access == "") {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	if g.refused != 4 {
		t.Errorf("%d refusals were recorded", g.refused)
	}
	r := httptest.NewRequest("POST", tokenPath+"?grant_type=client_credentials", strings.NewReader(`{}`))
	r.SetBasicAuth("crm", token)
	w := httptest.NewRecorder()
	if g.ServeHTTP(w, r); w.Code != http.StatusBadRequest {
		t.Errorf("what is no form: %d %s", w.Code, w.Body)
	}
}

// A scope opens what it is for, and no more (CAEP Interoperability Profile 1.0 section 2.7.2, RFC 6750 section 3.1).
func TestScopesOpenWhatTheyAreFor(t *testing.T) {
	g := newGate(t, issuer, signals.Digest(token))
	for scope, want := range map[string]map[string]int{
		"ssf.read":   {"GET " + streamPath: 200, "GET " + statusPath + "?stream_id=s": 200, "POST " + pollPath: 200, "POST " + statusPath: 403, "POST " + verifyPath: 403, "DELETE " + streamPath: 403, "POST " + addPath: 403},
		"ssf.manage": {"GET " + streamPath: 200, "POST " + pollPath: 200, "POST " + statusPath: 400},
	} {
		_, got := g.ask("crm", token, form("grant_type", "client_credentials", "scope", scope))
		for at, code := range want {
			method, path, _ := strings.Cut(at, " ")
			w := g.with(got.Access, method, path, `{"stream_id":"s","returnImmediately":true}`)
			if w.Code != code {
				t.Errorf("%s with %s: %d %s", at, scope, w.Code, w.Body)
			}
			if said := w.Header().Get("WWW-Authenticate"); code == 403 && (!strings.Contains(said, `error="insufficient_scope"`) || !strings.Contains(said, `scope="ssf.manage"`)) {
				t.Errorf("%s with %s is told %q", at, scope, said)
			}
		}
	}
}

// An access token is good for an hour, for as long as its secret is, and only as what it is.
func TestAnAccessTokenEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		digest := signals.Digest(token)
		g := newGate(t, issuer, digest)
		_, got := g.ask("crm", token, form("grant_type", "client_credentials"))
		opens := func(why, token string, code int, says string) {
			t.Helper()
			<-time.After(time.Second) // so that nobody is refused for asking too often
			if w := g.with(token, "GET", streamPath, ""); w.Code != code || !strings.Contains(w.Header().Get("WWW-Authenticate"), says) {
				t.Errorf("%s: %d %q", why, w.Code, w.Header().Get("WWW-Authenticate"))
			}
		}
		sign := func(typ string, change func(*signals.Access)) string {
			a := signals.NewAccess(issuer, "crm", digest, signals.Scopes(), time.Now())
			change(&a)
			out, err := signals.Sign(g.key, typ, a)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		as := func(*signals.Access) {}
		opens("as it was given", got.Access, 200, "")
		opens("the secret itself", token, 200, "")
		opens("signed likewise", sign(signals.TypeOfAccess, as), 200, "")
		opens("a message", sign("secevent+jwt", as), 401, `error="invalid_token"`)
		opens("of another issuer", sign(signals.TypeOfAccess, func(a *signals.Access) { a.Issuer = "https://x.example" }), 401, `error="invalid_token"`)
		opens("for another", sign(signals.TypeOfAccess, func(a *signals.Access) { a.Audience = "https://crm.example" }), 401, `error="invalid_token"`)
		opens("of an unknown client", sign(signals.TypeOfAccess, func(a *signals.Access) { a.Client = "hr" }), 401, `error="invalid_token"`)
		opens("for another's secret", sign(signals.TypeOfAccess, func(a *signals.Access) { a.Client = "wiki" }), 401, `error="invalid_token"`)
		opens("of tomorrow", sign(signals.TypeOfAccess, func(a *signals.Access) { a.NotBefore += 86400; a.ExpiresAt += 86400 }), 401, `error="invalid_token"`)
		head, rest, _ := strings.Cut(got.Access, ".")
		claims, _, _ := strings.Cut(rest, ".")
		none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt","kid":"` + g.key.ID + `"}`))
		opens("without a signature", none+"."+claims+".", 401, `error="invalid_token"`)
		opens("with another's", head+"."+claims+"."+strings.Repeat("A", 86), 401, `error="invalid_token"`)
		if w := ask(g, "", "GET", streamPath+"?access_token="+got.Access, ""); w.Code != 401 || strings.Contains(w.Header().Get("WWW-Authenticate"), "error") {
			t.Errorf("in the address: %d %q", w.Code, w.Header().Get("WWW-Authenticate"))
		}
		if w := ask(g, "bearer "+got.Access, "GET", streamPath, ""); w.Code != 200 {
			t.Errorf("with a small letter: %d", w.Code)
		}
		g.open(issuer, signals.Digest("exr_2"), digest)
		opens("beside another secret", got.Access, 200, "")
		g.open(issuer, signals.Digest("exr_2"))
		opens("when its secret is gone", got.Access, 401, `error="invalid_token"`)
		g.open(issuer, digest)
		<-time.After(time.Hour)
		opens("an hour later", got.Access, 401, `error="invalid_token"`)
	})
}

// Receivers find out where to sign in, also where the address of the installation has a path (RFC 8414, RFC 9728, SSF 1.0
// section 6.2).
func TestWhereToSignInIsFound(t *testing.T) {
	for at, path := range map[string]string{issuer: "", "https://acme.example/exeunt": "/exeunt"} {
		g := newGate(t, at, signals.Digest(token))
		for address, wants := range map[string][]string{
			"ssf-configuration":          {`"issuer":"` + at + `"`, `"authorization_schemes":[{"spec_urn":"urn:ietf:rfc:6749"},{"spec_urn":"urn:ietf:rfc:6750"}]`},
			"oauth-authorization-server": {`"issuer":"` + at + `"`, `"token_endpoint":"` + at + `/ssf/token"`, `"scopes_supported":["ssf.read","ssf.manage"]`, `"response_types_supported":[]`},
			"oauth-protected-resource":   {`"resource":"` + at + `"`, `"authorization_servers":["` + at + `"]`, `"bearer_methods_supported":["header"]`},
		} {
			w := ask(g, "", "GET", "/.well-known/"+address+path, "")
			for _, want := range wants {
				if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
					t.Errorf("%s of %s: %d %s", address, at, w.Code, w.Body)
				}
			}
		}
		w := ask(g, "", "GET", streamPath, "")
		root := strings.TrimSuffix(at, path)
		if want := `resource_metadata="` + root + `/.well-known/oauth-protected-resource` + path + `"`; w.Code != 401 || !strings.Contains(w.Header().Get("WWW-Authenticate"), want) {
			t.Errorf("who has not signed in is told %q, want %s", w.Header().Get("WWW-Authenticate"), want)
		}
	}
}
