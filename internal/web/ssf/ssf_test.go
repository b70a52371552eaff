package ssf

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors/signals"
)

// shelf keeps one stream and what waits for it.
type shelf struct {
	Streams
	mu      sync.Mutex
	stream  exeunt.SignalStream
	waiting []exeunt.Signal
	settled []string
}

func (s *shelf) SignalStream(context.Context, string) (exeunt.SignalStream, error) {
	return s.stream, nil
}

func (s *shelf) WaitingSignals(_ context.Context, _ string, limit int) ([]exeunt.Signal, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting[:min(limit, len(s.waiting))], len(s.waiting) > limit, nil
}

func (s *shelf) comes(g exeunt.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = []exeunt.Signal{g}
}

func (s *shelf) SettleSignal(_ context.Context, receiver, id string, state exeunt.SignalState, reason string, _ time.Time) (bool, error) {
	s.settled = append(s.settled, strings.TrimSpace(id+" "+string(state)+" "+reason))
	return true, nil
}

const token = "exr_1"

func serve(s *shelf, done chan struct{}) http.Handler {
	mux := http.NewServeMux()
	settings := signals.Settings{Way: "stream", Audience: "https://crm.example", Tokens: []string{signals.Digest(token)}}
	Register(mux, Config{
		Issuer: "https://exeunt.example", Receivers: []Receiver{{exeunt.System{Name: "crm"}, settings}}, Streams: s, Log: slog.New(slog.DiscardHandler), Done: done,
		Refused: func(context.Context) error { return nil },
	})
	return mux
}

func ask(h http.Handler, authorization, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Nobody keeps the server busy: neither who guesses tokens, nor a receiver that asks without a pause.
func TestWhoAsksTooOftenWaits(t *testing.T) {
	for name, c := range map[string]struct {
		authorization string
		before, after int
		free          int
	}{
		"a receiver": {"Bearer " + token, http.StatusOK, http.StatusTooManyRequests, burst},
		"a guesser":  {"Bearer wrong", http.StatusUnauthorized, http.StatusTooManyRequests, guesses},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := serve(&shelf{}, nil)
				for i := range c.free {
					if w := ask(h, c.authorization, "GET", streamPath, ""); w.Code != c.before {
						t.Fatalf("request %d: %d %s", i, w.Code, w.Body)
					}
				}
				if w := ask(h, c.authorization, "GET", streamPath, ""); w.Code != c.after || w.Header().Get("Retry-After") != "1" {
					t.Errorf("one more: %d, wait %q", w.Code, w.Header().Get("Retry-After"))
				}
				<-time.After(time.Second)
				if w := ask(h, c.authorization, "GET", streamPath, ""); w.Code != c.before {
					t.Errorf("a second later: %d", w.Code)
				}
			})
		})
	}
}

func polled(t *testing.T, w *httptest.ResponseRecorder) tokens {
	t.Helper()
	var got tokens
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return got
}

// Polling is as RFC 8936 has it: as many as are wanted, until they are acknowledged, and it waits where it may.
func TestPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{stream: exeunt.SignalStream{Status: exeunt.StreamEnabled}, waiting: []exeunt.Signal{{ID: "a", Token: "A"}, {ID: "b", Token: "B"}}}
		done := make(chan struct{})
		h := serve(s, done)
		poll := func(body string) tokens {
			t.Helper()
			return polled(t, ask(h, "Bearer "+token, "POST", pollPath, body))
		}
		if got := poll(`{"maxEvents":1}`); len(got.Sets) != 1 || got.Sets["a"] != "A" || !got.More {
			t.Errorf("one of two: %+v", got)
		}
		if got := poll(`{}`); len(got.Sets) != 2 || got.More {
			t.Errorf("both, again: %+v", got)
		}
		if got := poll(`{"maxEvents":0,"ack":["a"],"setErrs":{"b":{"err":"invalid_key","description":"<b>"},"c":{"err":"<script>"}}}`); len(got.Sets) != 0 {
			t.Errorf("only acknowledged: %+v", got)
		}
		if said := strings.Join(s.settled, ", "); said != "a delivered, b refused invalid_key, c refused another reason" && said != "a delivered, c refused another reason, b refused invalid_key" {
			t.Errorf("it was settled: %s", said)
		}
		s.waiting = nil
		begun := time.Now()
		if got := poll(`{"returnImmediately":true}`); got.Sets == nil || time.Since(begun) != 0 {
			t.Errorf("at once: %+v after %s", got, time.Since(begun))
		}
		if poll(`{}`); time.Since(begun) != longestPoll {
			t.Errorf("with time it waited %s", time.Since(begun))
		}
		begun = time.Now()
		time.AfterFunc(3*time.Second+time.Millisecond, func() { s.comes(exeunt.Signal{ID: "d", Token: "D"}) })
		if got := poll(`{}`); got.Sets["d"] != "D" || time.Since(begun) != 4*time.Second {
			t.Errorf("what came while it waited: %+v after %s", got, time.Since(begun))
		}
		s.waiting, begun = nil, time.Now()
		time.AfterFunc(1500*time.Millisecond, func() { close(done) })
		if poll(`{}`); time.Since(begun) != 1500*time.Millisecond {
			t.Errorf("a server that stops held it for %s", time.Since(begun))
		}
		s.stream.Status, s.waiting = exeunt.StreamPaused, []exeunt.Signal{{ID: "e"}}
		if got := poll(`{}`); len(got.Sets) != 0 {
			t.Errorf("a paused stream is given %+v", got)
		}
		s.stream.Push = "https://crm.example/events"
		if w := ask(h, "Bearer "+token, "POST", pollPath, "{}"); w.Code != http.StatusNotFound {
			t.Errorf("a stream that is pushed: %d", w.Code)
		}
	})
}

// What is sent with tokens is a secret of the receiver's.
func TestAStreamNeverShowsItsSecret(t *testing.T) {
	s := &shelf{stream: exeunt.SignalStream{ID: "s", Push: "https://crm.example/events", Authorization: "Bearer s3cret", Status: exeunt.StreamEnabled}}
	w := ask(serve(s, nil), "Bearer "+token, "GET", streamPath+"?stream_id=s", "")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "crm.example/events") || strings.Contains(w.Body.String(), "s3cret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Where everything is (SSF 1.0 section 6.1).
func TestMetadata(t *testing.T) {
	w := ask(serve(&shelf{}, nil), "", "GET", "/.well-known/ssf-configuration", "")
	for _, want := range []string{
		`"spec_version":"1_0"`, `"issuer":"https://exeunt.example"`, `"jwks_uri":"https://exeunt.example/ssf/keys"`, `"default_subjects":"ALL"`,
		`"delivery_methods_supported":["urn:ietf:rfc:8935","urn:ietf:rfc:8936"]`, `"authorization_schemes":[{"spec_urn":"urn:ietf:rfc:6749"},{"spec_urn":"urn:ietf:rfc:6750"}]`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the metadata lacks %s: %s", want, w.Body)
		}
	}
}
