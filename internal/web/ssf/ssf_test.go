package ssf

import (
	"context"
	"encoding/json"
	"fmt"
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
	said    []string // whom the receiver wants to hear of, or not
}

func (s *shelf) Mentions(_ context.Context, _, subject string, wanted bool, _ time.Time) error {
	s.said = append(s.said, fmt.Sprint(subject, " ", wanted))
	return nil
}

func (s *shelf) KeepStream(_ context.Context, stream exeunt.SignalStream, _ *exeunt.Change) error {
	s.stream = stream
	return nil
}

func (s *shelf) SignalStream(context.Context, string) (exeunt.SignalStream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream, nil
}

func (s *shelf) WaitingSignals(_ context.Context, _ string, limit int) ([]exeunt.Signal, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting[:min(limit, len(s.waiting))], len(s.waiting) > limit, nil
}

func (s *shelf) is(status exeunt.StreamStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream.Status = status
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
		begun, done = time.Now(), make(chan struct{})
		h = serve(s, done)
		if got := poll(`{}`); len(got.Sets) != 0 || time.Since(begun) != longestPoll { // who is told nothing at once asks again at once
			t.Errorf("a paused stream is given %+v after %s", got, time.Since(begun))
		}
		time.AfterFunc(1500*time.Millisecond, func() { s.is(exeunt.StreamEnabled) })
		if got := poll(`{}`); len(got.Sets) != 1 {
			t.Errorf("a stream that is enabled meanwhile is given %+v", got)
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

// Where everything is (SSF 1.0 section 7.1).
func TestMetadata(t *testing.T) {
	w := ask(serve(&shelf{}, nil), "", "GET", "/.well-known/ssf-configuration", "")
	if strings.Contains(w.Body.String(), "critical") { // we send no complex subjects
		t.Errorf("the metadata have critical members: %s", w.Body)
	}
	for _, want := range []string{
		`"spec_version":"1_0"`, `"issuer":"https://exeunt.example"`, `"jwks_uri":"https://exeunt.example/ssf/keys"`, `"default_subjects":"ALL"`,
		`"delivery_methods_supported":["urn:ietf:rfc:8935","urn:ietf:rfc:8936"]`, `"authorization_schemes":[{"spec_urn":"urn:ietf:rfc:6749"},{"spec_urn":"urn:ietf:rfc:6750"}]`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the metadata lacks %s: %s", want, w.Body)
		}
	}
}

// Whom a receiver names, by every way of naming (RFC 9493, SSF 1.0 sections 3.3 and 8.1.3).
func TestWhomAReceiverNames(t *testing.T) {
	s := &shelf{stream: exeunt.SignalStream{ID: "s", Status: exeunt.StreamEnabled}}
	h := serve(s, nil)
	const jane = `{"format":"email","email":"Jane@acme.example"}`
	for _, c := range []struct {
		path, subject string
		code          int
		want          string
	}{
		{addPath, jane, 200, "email:jane@acme.example true"},
		{removePath, jane, 204, "email:jane@acme.example false"},
		{addPath, `{"subject_type":"email","email":"jane@acme.example"}`, 200, "email:jane@acme.example true"},
		{addPath, `{"format":"aliases","identifiers":[{"format":"phone_number","phone_number":"1"},` + jane + `]}`, 200, "email:jane@acme.example true"},
		{addPath, `{"format":"aliases","identifiers":[{"format":"phone_number","phone_number":"1"}]}`, 400, ""},
		{addPath, `{"format":"complex","user":` + jane + `}`, 200, "email:jane@acme.example true"},
		{addPath, `{"format":"complex","user":` + jane + `,"session":{"format":"opaque","id":"1"}}`, 200, "email:jane@acme.example true"},
		{removePath, `{"format":"complex","user":` + jane + `}`, 204, "email:jane@acme.example false"},
		{removePath, `{"format":"complex","user":` + jane + `,"device":{"format":"opaque","id":"1"}}`, 204, ""}, // of the person it hears all the same
		{removePath, `{"format":"complex","tenant":{"format":"opaque","id":"1"}}`, 400, ""},
		{addPath, `{"format":"phone_number","phone_number":"1"}`, 400, ""},
		{addPath, `{}`, 400, ""},
	} {
		s.said = nil
		w := ask(h, "Bearer "+token, "POST", c.path, `{"stream_id":"s","verified":true,"subject":`+c.subject+`}`)
		if got := strings.Join(s.said, ", "); w.Code != c.code || got != c.want {
			t.Errorf("%s %s: %d %q, want %d %q", c.path, c.subject, w.Code, got, c.code, c.want)
		}
		if w.Code < 300 && w.Body.Len() > 0 {
			t.Errorf("%s %s is answered %q", c.path, c.subject, w.Body)
		}
	}
}

// What is the transmitter's to say may be there and has to agree (SSF 1.0 sections 8.1.1.3 and 8.1.1.4).
func TestAReceiverChangesWhatIsItsOwn(t *testing.T) {
	event := string(exeunt.SignalSessionRevoked)
	for body, code := range map[string]int{
		`{"stream_id":"s","description":"ours"}`:                         200,
		`{"stream_id":"s","iss":"https://exeunt.example"}`:               200,
		`{"stream_id":"s","aud":"https://crm.example"}`:                  200,
		`{"stream_id":"s","aud":["https://crm.example"]}`:                200,
		`{"stream_id":"s","events_delivered":["` + event + `"]}`:         200,
		`{"stream_id":"s","min_verification_interval":60}`:               200,
		`{"stream_id":"s","unknown":{"a":[1]}}`:                          200,
		`{"stream_id":"s","iss":"https://x.example"}`:                    400,
		`{"stream_id":"s","aud":["https://crm.example","https://x.ex"]}`: 400,
		`{"stream_id":"s","aud":7}`:                                      400,
		`{"stream_id":"s","events_delivered":[]}`:                        400,
		`{"stream_id":"s","events_supported":["` + event + `"]}`:         400,
		`{"stream_id":"s","min_verification_interval":1}`:                400,
		`{"description":"of which?"}`:                                    400,
		`{"stream_id":"another"}`:                                        404,
	} {
		for _, method := range []string{"PATCH", "PUT"} {
			s := &shelf{stream: exeunt.SignalStream{ID: "s", Version: 1, Receiver: "https://crm.example", Status: exeunt.StreamEnabled, Events: []exeunt.SignalEvent{exeunt.SignalSessionRevoked}}}
			if w := ask(serve(s, nil), "Bearer "+token, method, streamPath, body); w.Code != code {
				t.Errorf("%s %s: %d %s, want %d", method, body, w.Code, w.Body, code)
			}
		}
	}
}
