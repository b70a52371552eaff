package testserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Listener is an application that listens to a transmitter of shared signals and ends sessions when it is told: see
// node/listener.mjs.
type Listener struct{ URL string }

// Token is the claims of a security event token as a listener has verified it.
type Token struct {
	ID       string                    `json:"jti"`
	Issuer   string                    `json:"iss"`
	Audience string                    `json:"aud"`
	Cause    string                    `json:"txn"`
	Subject  map[string]any            `json:"sub_id"`
	Events   map[string]map[string]any `json:"events"`
}

// Listen starts a listener that makes its stream at the issuer. Mode is push, poll, or turn for one that polls when it is
// asked to. It signs in with the token, or with access tokens where that is oauth:CLIENT:SECRET. It listens at the port, which
// may be 0.
func Listen(t testing.TB, port int, issuer, token, audience, mode string) Listener {
	t.Helper()
	node := need(t, Node)
	need(t, NodeModules)
	var l Listener
	run(t, recipe{
		name: "listener", stop: "TERM", within: 60 * time.Second,
		prepare: func(string) ([]string, error) {
			at, err := port, error(nil)
			if at == 0 {
				at, err = freePort()
			}
			l = Listener{URL: fmt.Sprintf("http://127.0.0.1:%d", at)}
			return []string{node, filepath.Join(nodeDir(), "listener.mjs"), strconv.Itoa(at), issuer, token, audience, mode}, err
		},
		answers: func(ctx context.Context) error { return answersOK(ctx, l.URL, "") },
	})
	return l
}

// FreePort is one that nobody uses now.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Ask sends a request to the listener and returns the status of its answer.
func (l Listener) Ask(t testing.TB, method, path string) int {
	t.Helper()
	return l.ask(t, method, path, nil)
}

func (l Listener) ask(t testing.TB, method, path string, into any) int {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, l.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if into != nil && answer.StatusCode == http.StatusOK {
		if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	return answer.StatusCode
}

// SignIn begins a session of somebody; "" where they are not let in.
func (l Listener) SignIn(t testing.TB, address string) string {
	t.Helper()
	var session struct{ ID string }
	l.ask(t, http.MethodPost, "/sign-in/"+address, &session)
	return session.ID
}

// Lives says whether a session is still good.
func (l Listener) Lives(t testing.TB, session string) bool {
	t.Helper()
	return l.Ask(t, http.MethodGet, "/session/"+session) == http.StatusOK
}

// Seen lists every token that the listener has verified, as often as it came, and why it refused others.
func (l Listener) Seen(t testing.TB) (tokens []Token, refusals []string) {
	t.Helper()
	var all struct {
		Seen     []Token
		Refusals []string
	}
	l.ask(t, http.MethodGet, "/seen", &all)
	return all.Seen, all.Refusals
}
