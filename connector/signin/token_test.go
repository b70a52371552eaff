package signin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/signin"
)

// server hands out tok-1, tok-2, … and takes the newest one that is not revoked.
type server struct {
	issued, refused atomic.Int64
	revoked         atomic.Bool
	bodies          chan string   // what the resource was sent
	gate            chan struct{} // before which the resource answers nobody

	token func(*http.Request) (*http.Response, error) // in place of handing out
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.URL.Path == "/token" {
		if s.token != nil {
			if answer, err := s.token(r); answer != nil || err != nil {
				return answer, err
			}
		}
		s.revoked.Store(false)
		return respond(http.StatusOK, fmt.Sprintf(`{"access_token":"tok-%d","token_type":"Bearer","expires_in":3600}`, s.issued.Add(1)))
	}
	var sent []byte
	if r.Body != nil {
		sent, _ = io.ReadAll(r.Body)
	}
	if s.bodies != nil {
		s.bodies <- string(sent)
	}
	if s.gate != nil {
		<-s.gate
	}
	if s.revoked.Load() || r.Header.Get("Authorization") != fmt.Sprintf("Bearer tok-%d", s.issued.Load()) {
		s.refused.Add(1)
		return respond(http.StatusUnauthorized, `{}`)
	}
	return respond(http.StatusOK, `{}`)
}

// signedIn is a client of the server, made inside a test's bubble or outside.
func (s *server) signedIn(t *testing.T) *http.Client {
	t.Helper()
	proof := signin.BySecret{ClientSecret: secret(t, "CLIENT_SECRET", "client/secret-0123")}
	return signin.Client(s, signin.Tokens("Acme", "https://acme.example/token", signin.ClientCredentials{ClientID: "client", Proof: proof}, s))
}

func TestATokenIsKeptUntilShortlyBeforeItEnds(t *testing.T) {
	s := &server{}
	client := s.signedIn(t)
	synctest.Test(t, func(t *testing.T) {
		for _, step := range []struct {
			later time.Duration
			want  int64
		}{{0, 1}, {59 * time.Minute, 1}, {30 * time.Second, 2}, {time.Minute, 2}} {
			time.Sleep(step.later)
			if _, status, err := get(t, client, "https://acme.example/"); err != nil || status != http.StatusOK || s.issued.Load() != step.want {
				t.Errorf("after another %s: %d %v, %d tokens; want %d", step.later, status, err, s.issued.Load(), step.want)
			}
		}
	})
}

func TestManyWhoNeedATokenFetchOne(t *testing.T) {
	s := &server{}
	client := s.signedIn(t)
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s.token = func(*http.Request) (*http.Response, error) { <-gate; return nil, nil }
		got := make(chan int, 10)
		for range cap(got) {
			go func() {
				_, status, _ := get(t, client, "https://acme.example/")
				got <- status
			}()
		}
		synctest.Wait() // one fetches, nine wait for it
		close(gate)
		for range cap(got) {
			if status := <-got; status != http.StatusOK {
				t.Errorf("got %d", status)
			}
		}
		if s.issued.Load() != 1 {
			t.Errorf("%d tokens for ten at once, want one", s.issued.Load())
		}
		s.revoked.Store(true)
		s.gate = make(chan struct{})
		for range cap(got) {
			go func() {
				_, status, _ := get(t, client, "https://acme.example/")
				got <- status
			}()
		}
		synctest.Wait() // all have sent the old one
		close(s.gate)
		for range cap(got) {
			if status := <-got; status != http.StatusOK {
				t.Errorf("after the token was revoked: %d", status)
			}
		}
		if s.issued.Load() != 2 {
			t.Errorf("%d tokens after one was revoked, want two: a refusal of the old one must not throw the new one away", s.issued.Load())
		}
	})
}

func TestAFailedFetchIsSharedAndAnImpatientOneIsNot(t *testing.T) {
	for name, c := range map[string]struct {
		impatient bool
		fetches   int64
		works     int // of the nine others
	}{
		"the server fails":               {fetches: 1},
		"the first has no time any more": {impatient: true, fetches: 2, works: 9},
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{}
			client := s.signedIn(t)
			synctest.Test(t, func(t *testing.T) {
				var fetches atomic.Int64
				gate := make(chan struct{})
				s.token = func(r *http.Request) (*http.Response, error) {
					if fetches.Add(1) > 1 && c.impatient {
						return nil, nil
					}
					select {
					case <-gate:
						return respond(http.StatusInternalServerError, "")
					case <-r.Context().Done():
						return nil, r.Context().Err()
					}
				}
				first, cancel := context.WithCancel(t.Context())
				defer cancel()
				ended := make(chan error, 10)
				ask := func(ctx context.Context) {
					r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://acme.example/", nil)
					if err == nil {
						_, err = client.Do(r)
					}
					ended <- err
				}
				go ask(first)
				synctest.Wait()
				for range 9 {
					go ask(t.Context())
				}
				synctest.Wait()
				if c.impatient {
					cancel()
				} else {
					close(gate)
				}
				works := 0
				for range 10 {
					if err := <-ended; err == nil {
						works++
					} else if e, ok := errors.AsType[*exeunt.Error](err); !ok || e.Kind != exeunt.Temporary {
						t.Errorf("got %v", err)
					}
				}
				if works != c.works || fetches.Load() != c.fetches {
					t.Errorf("%d were served after %d fetches, want %d after %d", works, fetches.Load(), c.works, c.fetches)
				}
			})
		})
	}
}

func TestARefusedRequestIsSentAgainWhole(t *testing.T) {
	s := &server{bodies: make(chan string, 3)}
	client := s.signedIn(t)
	if _, status, err := get(t, client, "https://acme.example/"); err != nil || status != http.StatusOK || <-s.bodies != "" {
		t.Fatal(status, err)
	}
	s.revoked.Store(true)
	answer, err := client.Post("https://acme.example/", "text/plain", strings.NewReader("once"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if len(s.bodies) != 2 {
		t.Fatalf("it was sent %d times, want twice", len(s.bodies))
	}
	if first, second := <-s.bodies, <-s.bodies; answer.StatusCode != http.StatusOK || first != "once" || second != "once" || s.issued.Load() != 2 {
		t.Errorf("got %d after %q and %q with %d tokens", answer.StatusCode, first, second, s.issued.Load())
	}
	// What cannot be read twice is not sent twice.
	s.revoked.Store(true)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://acme.example/", io.MultiReader(strings.NewReader("stream")))
	if err != nil {
		t.Fatal(err)
	}
	if answer, err = client.Do(r); err != nil || answer.StatusCode != http.StatusUnauthorized || <-s.bodies != "stream" {
		t.Fatal(answer, err)
	}
	answer.Body.Close()
}

func TestANewTokenThatIsRefusedIsFinal(t *testing.T) {
	s := &server{token: func(*http.Request) (*http.Response, error) {
		return respond(http.StatusOK, `{"access_token":"wrong","token_type":"bearer"}`)
	}}
	if _, status, err := get(t, s.signedIn(t), "https://acme.example/"); err != nil || status != http.StatusUnauthorized || s.refused.Load() != 1 {
		t.Errorf("got %d, %v after %d refusals; want 401 after one", status, err, s.refused.Load())
	}
}

func TestTokenTroubleIsClassedAndShowsNothing(t *testing.T) {
	for body, c := range map[string]struct {
		status int
		want   exeunt.ErrorKind
		says   string
	}{
		`{"error":"invalid_client","error_description":"client/secret-0123"}`: {400, exeunt.Unauthorised, "(invalid_client): check client_id and client_secret"},
		`{"error":"unauthorized_client"}`:                                     {403, exeunt.Unauthorised, "allow our client the grant type client_credentials"},
		// What Entra ID adds (learn.microsoft.com/entra/identity-platform/reference-error-codes).
		`{"error":"invalid_client","error_description":"AADSTS7000222: secret-0123","error_codes":[7000222]}`:      {401, exeunt.Unauthorised, "(AADSTS7000222): client_secret has expired"},
		`{"error":"invalid_request","error_codes":[90002]}`:                                                        {400, exeunt.Unauthorised, "there is no such tenant"},
		`{"error":"invalid_client","error_codes":[1]}`:                                                             {401, exeunt.Unauthorised, "(invalid_client): check client_id"},
		`{"error":"invalid_client","error_codes":"none"}`:                                                          {401, exeunt.Unauthorised, "(invalid_client): check client_id"},
		`{"access_token":"tok-1","token_type":"bearer","error_codes":[7000222],"error":"","error_description":""}`: {500, exeunt.Temporary, "failed (500)"},
		`{"error":"secret-0123"}`: {400, exeunt.Unauthorised, "(400): check client_id and client_secret"},
		// What Okta answers a service app that must prove possession (support.okta.com, "The DPoP proof JWT header is missing").
		`{"error":"invalid_dpop_proof"}`:                   {400, exeunt.Unauthorised, `turn "Require DPoP" off`},
		`{"error":"use_dpop_nonce"}`:                       {400, exeunt.Unauthorised, `turn "Require DPoP" off`},
		`{"access_token":"tok-0123","token_type":"DPoP"}`:  {200, exeunt.Unauthorised, `turn "Require DPoP" off`},
		`{"access_token":"tok-0123"}`:                      {200, exeunt.Temporary, "something else"},
		`{"access_token":"tok-0123","token_type":"bearer"`: {200, exeunt.Temporary, "something else"},
		`{"access_token":"","token_type":"bearer"}`:        {200, exeunt.Temporary, "something else"},
		`<html>client/secret-0123</html>`:                  {200, exeunt.Temporary, "something else"},
		`busy`:                                             {500, exeunt.Temporary, "failed (500)"},
		`slow`:                                             {429, exeunt.Throttled, "slow down"},
		``:                                                 {302, exeunt.Invalid, "(302)"},
	} {
		s := &server{token: func(*http.Request) (*http.Response, error) { return respond(c.status, body) }}
		_, _, err := get(t, s.signedIn(t), "https://acme.example/")
		if exeunt.KindOf(err) != c.want || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "0123") {
			t.Errorf("%d %s: got %v (%s), want %s with %q and no secret", c.status, body, err, exeunt.KindOf(err), c.want, c.says)
		}
	}
}

func TestARotatedSecretIsTakenUp(t *testing.T) {
	s := &server{token: func(r *http.Request) (*http.Response, error) {
		if id, password, _ := r.BasicAuth(); id != "client" || password != "new%2Fsecret" { // form-encoded: RFC 6749 §2.3.1
			return respond(http.StatusUnauthorized, `{"error":"invalid_client"}`)
		}
		return nil, nil
	}}
	client := s.signedIn(t)
	if _, _, err := get(t, client, "https://acme.example/"); exeunt.KindOf(err) != exeunt.Unauthorised {
		t.Fatal(err)
	}
	t.Setenv("CLIENT_SECRET", "new/secret")
	if _, status, err := get(t, client, "https://acme.example/"); err != nil || status != http.StatusOK {
		t.Errorf("with another secret: %d, %v", status, err)
	}
}

func TestWhatDoesNotChangeByItselfIsSentAsItIs(t *testing.T) {
	token := secret(t, "TOKEN", "tok-abcdef-0123456789")
	for want, signer := range map[string]signin.Signer{
		"Authorization: Bearer tok-abcdef-0123456789":           signin.Bearer(token),
		"Authorization: SSWS tok-abcdef-0123456789":             signin.Header("Authorization", "SSWS ", token),
		"X-Key: tok-abcdef-0123456789":                          signin.Header("X-Key", "", token),
		"Authorization: Basic bWU6dG9rLWFiY2RlZi0wMTIzNDU2Nzg5": signin.Basic("me", token),
		"Authorization: Basic dG9rLWFiY2RlZi0wMTIzNDU2Nzg5Ong=": signin.BasicToken(token),
		"Authorization: ": signin.None(),
	} {
		name, value, _ := strings.Cut(want, ": ")
		asked := 0
		client := signin.Client(transport(func(r *http.Request) (*http.Response, error) {
			if asked++; r.Header.Get(name) != value {
				t.Errorf("sent %s: %s, want %s", name, r.Header.Get(name), value)
			}
			return respond(http.StatusUnauthorized, "")
		}), signer)
		if _, status, err := get(t, client, "https://acme.example/"); err != nil || status != http.StatusUnauthorized || asked != 1 {
			t.Errorf("%s: %d, %v after %d requests; want one", want, status, err, asked)
		}
	}
	missing, err := connector.NewSecret("env:EXEUNT_TEST_NO_SUCH_SECRET")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := get(t, signin.Client(http.DefaultTransport, signin.Bearer(missing)), "https://acme.example/"); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("without its secret: %v", err)
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	for address := range map[string]bool{"https://acme.example/": true, "https://elsewhere.example/": true} {
		asked := 0
		client := signin.Client(transport(func(*http.Request) (*http.Response, error) {
			asked++
			answer, err := respond(http.StatusFound, "")
			answer.Header.Set("Location", address)
			return answer, err
		}), signin.Bearer(secret(t, "TOKEN", "tok-0123")))
		if _, status, err := get(t, client, "https://acme.example/here"); err != nil || status != http.StatusFound || asked != 1 {
			t.Errorf("to %s: %d, %v after %d requests", address, status, err, asked)
		}
	}
}

func TestAScopeIsTriedWithoutARequest(t *testing.T) {
	s := &server{token: func(r *http.Request) (*http.Response, error) {
		if err := r.ParseForm(); err != nil || r.PostForm.Get("scope") != "granted" {
			return respond(http.StatusBadRequest, `{"error":"invalid_scope"}`)
		}
		return nil, nil
	}}
	proof := signin.BySecret{ClientSecret: secret(t, "CLIENT_SECRET", "client/secret-0123")}
	for scope, want := range map[string]signin.Refusal{"granted": "", "another": "invalid_scope"} {
		err := signin.Try(t.Context(), signin.Tokens("Acme", "https://acme.example/token", signin.ClientCredentials{ClientID: "client", Scopes: []string{scope}, Proof: proof}, s))
		if refused, _ := errors.AsType[signin.Refusal](err); refused != want || (err == nil) != (want == "") {
			t.Errorf("%s: %v, refused as %q, want %q", scope, err, refused, want)
		}
	}
	if s.refused.Load() != 0 {
		t.Error("trying asked for something else than tokens")
	}
}
