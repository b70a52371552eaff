// Package ssf is the face that receivers of signals see: the metadata, streams, subjects, verification and polling of the
// OpenID Shared Signals Framework 1.0 and RFC 8936, and the keys that tokens are signed with.
//
// Each receiver signs in with a secret of its own, or with an access token that it was given for that (OAuth 2.0 client
// credentials), and sees nothing but its own stream. What it is told, the steps of cases
// decide: nothing here reads a case.
package ssf

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors/signals"
	"github.com/exeunt/exeunt/internal/web"
	"golang.org/x/time/rate"
)

// Receiver is a system that makes its stream here.
type Receiver struct {
	System   exeunt.System
	Settings signals.Settings
}

// Streams is what is kept for receivers.
type Streams interface {
	SignalStream(ctx context.Context, receiver string) (exeunt.SignalStream, error)
	KeepStream(ctx context.Context, stream exeunt.SignalStream, change *exeunt.Change) error
	DropStream(ctx context.Context, stream exeunt.SignalStream, change *exeunt.Change) error
	AskedToVerify(ctx context.Context, stream exeunt.SignalStream, notAfter, now time.Time) (bool, error)
	Mentions(ctx context.Context, receiver, subject string, wanted bool, now time.Time) error
	SettleSignal(ctx context.Context, receiver, id string, state exeunt.SignalState, reason string, now time.Time) (bool, error)
	WaitingSignals(ctx context.Context, receiver string, limit int) (some []exeunt.Signal, more bool, err error)
}

// Config is what the face needs.
type Config struct {
	Issuer    string // the address of this installation
	Receivers []Receiver
	Streams   Streams
	Operator  exeunt.Person
	Keys      func(context.Context) (any, error)                                                     // the key set (RFC 7517)
	Verify    func(ctx context.Context, of Receiver, stream exeunt.SignalStream, state string) error // makes and sends a verification
	Issue     func(ctx context.Context, of Receiver, claims signals.Access) (string, error)          // signs an access token
	Admit     func(ctx context.Context, token string) (signals.Access, error)                        // reads one; Unauthorised for what is none
	Refused   func(context.Context) error                                                            // records that somebody unknown was refused
	Log       *slog.Logger
	Done      <-chan struct{} // closed when the server stops
}

// The addresses, as the metadata tells them.
const (
	keysPath   = "/ssf/keys"
	streamPath = "/ssf/stream"
	statusPath = "/ssf/status"
	addPath    = "/ssf/subjects/add"
	removePath = "/ssf/subjects/remove"
	verifyPath = "/ssf/verify"
	pollPath   = "/ssf/poll"
	tokenPath  = "/ssf/token"
)

// Limits of what a receiver may ask: see limit.
const (
	maxBody      = 64 << 10
	perSecond    = 100 // requests of one receiver: it may have thousands of subjects to add
	burst        = 200
	guesses      = 20          // wrong tokens a second, of all senders together
	verifyEvery  = time.Minute // min_verification_interval
	maxEvents    = 100         // tokens in one answer to a poll
	longestPoll  = 25 * time.Second
	pollInterval = time.Second
)

type face struct {
	Config
	guesses *rate.Limiter
	mu      sync.Mutex
	limits  map[string]*rate.Limiter
}

// Register puts the addresses into a mux.
func Register(mux *http.ServeMux, c Config) {
	f := &face{Config: c, guesses: rate.NewLimiter(guesses, guesses), limits: map[string]*rate.Limiter{}}
	mux.Handle("GET /.well-known/ssf-configuration", f.open(f.metadata))
	mux.Handle("GET /.well-known/oauth-authorization-server", f.open(f.authorization))
	mux.Handle("GET /.well-known/oauth-protected-resource", f.open(f.resource))
	if u, err := url.Parse(c.Issuer); err == nil && strings.Trim(u.Path, "/") != "" { // SSF 1.0 section 7.2, RFC 8414 section 3
		at := strings.TrimRight(u.EscapedPath(), "/")
		mux.Handle("GET /.well-known/ssf-configuration"+at, f.open(f.metadata))
		mux.Handle("GET /.well-known/oauth-authorization-server"+at, f.open(f.authorization))
		mux.Handle("GET /.well-known/oauth-protected-resource"+at, f.open(f.resource))
	}
	mux.Handle("GET /ssf/keys", f.open(f.keys))
	mux.Handle("POST /ssf/token", http.HandlerFunc(f.token))
	mux.Handle("POST /ssf/stream", f.closed(f.make, signals.ScopeManage))
	mux.Handle("GET /ssf/stream", f.closed(f.read, signals.ScopeRead, signals.ScopeManage))
	mux.Handle("PATCH /ssf/stream", f.closed(f.patch, signals.ScopeManage))
	mux.Handle("PUT /ssf/stream", f.closed(f.replace, signals.ScopeManage))
	mux.Handle("DELETE /ssf/stream", f.closed(f.drop, signals.ScopeManage))
	mux.Handle("GET /ssf/status", f.closed(f.readStatus, signals.ScopeRead, signals.ScopeManage))
	mux.Handle("POST /ssf/status", f.closed(f.setStatus, signals.ScopeManage))
	mux.Handle("POST /ssf/subjects/add", f.closed(f.addSubject, signals.ScopeManage))
	mux.Handle("POST /ssf/subjects/remove", f.closed(f.removeSubject, signals.ScopeManage))
	mux.Handle("POST /ssf/verify", f.closed(f.verify, signals.ScopeManage))
	mux.Handle("POST /ssf/poll", f.closed(f.poll, signals.ScopeRead, signals.ScopeManage))
}

// served answers a receiver that has signed in.
type served func(w http.ResponseWriter, r *http.Request, of Receiver) error

// openAge is for how long others may keep what everybody is answered: less than anybody takes who changes a key at once.
const openAge = "public, max-age=300"

// open answers everybody.
func (f *face) open(serve func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", openAge)
		if err := serve(w, r); err != nil {
			f.fail(w, r, err)
		}
	})
}

// closed answers receivers only (RFC 6750), who have one of some scopes.
func (f *face) closed(serve served, scopes ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		of, granted, err := f.signedIn(r)
		switch {
		case exeunt.KindOf(err) == exeunt.Unauthorised:
			f.refuse(w, r)
			return
		case err != nil:
			f.fail(w, r, err)
			return
		case !signals.Allows(granted, scopes...):
			w.Header().Set("WWW-Authenticate", f.challenge(`error="insufficient_scope"`, `scope="`+scopes[0]+`"`))
			f.fail(w, r, exeunt.Errorf(exeunt.Denied, "the access token has not the scope %s: ask for it", strings.Join(scopes, " or ")))
			return
		}
		if f.waits(w, r, of) {
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := serve(w, r, of); err != nil {
			f.fail(w, r, err)
		}
	})
}

// signedIn says which receiver asks, and with which scopes.
func (f *face) signedIn(r *http.Request) (Receiver, string, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") { // RFC 9110 section 11.1: without regard to capital letters
		return Receiver{}, "", errUnknown
	}
	if of, known := f.receiver(token); known {
		return of, strings.Join(signals.Scopes(), " "), nil
	}
	if strings.Count(token, ".") != 2 {
		return Receiver{}, "", errUnknown
	}
	access, err := f.Admit(r.Context(), token)
	if err != nil {
		return Receiver{}, "", err
	}
	for _, of := range f.Receivers {
		if of.System.Name == access.Client && access.Good(f.Issuer, of.Settings.Tokens, time.Now()) {
			return of, access.Scope, nil
		}
	}
	return Receiver{}, "", errUnknown
}

var errUnknown = exeunt.Errorf(exeunt.Unauthorised, "no receiver has this token: send the one that the operator gave you, or an access token, as Authorization: Bearer")

// receiver finds whose secret it is. The digests are of random secrets, so that comparing them tells nothing of those.
func (f *face) receiver(secret string) (Receiver, bool) {
	digest := signals.Digest(secret)
	for _, of := range f.Receivers {
		if slices.Contains(of.Settings.Tokens, digest) {
			return of, true
		}
	}
	return Receiver{}, false
}

// refuse answers who has not signed in. What was sent and is wrong is said so (RFC 6750 section 3.1).
func (f *face) refuse(w http.ResponseWriter, r *http.Request) {
	if f.guessed(w, r) {
		return
	}
	if r.Header.Get("Authorization") == "" {
		w.Header().Set("WWW-Authenticate", f.challenge())
	} else {
		w.Header().Set("WWW-Authenticate", f.challenge(`error="invalid_token"`))
	}
	problem(w, http.StatusUnauthorized, exeunt.MessageOf(errUnknown))
}

// guessed counts who was refused, and answers those who try too often, or cannot be counted.
func (f *face) guessed(w http.ResponseWriter, r *http.Request) bool {
	if !f.guesses.Allow() {
		web.RetryAfter(w, time.Second)
		f.fail(w, r, errTooMany)
		return true
	}
	if err := f.Refused(r.Context()); err != nil {
		f.fail(w, r, err)
		return true
	}
	return false
}

var errTooMany = exeunt.Errorf(exeunt.Throttled, "too many requests: wait as long as Retry-After says")

// challenge tells where to sign in (RFC 9728 section 5.1).
func (f *face) challenge(more ...string) string {
	said := append([]string{`Bearer realm="signals"`, `resource_metadata="` + wellKnown(f.Issuer, "oauth-protected-resource") + `"`}, more...)
	return strings.Join(said, ", ")
}

// waits answers a receiver that asks too often.
func (f *face) waits(w http.ResponseWriter, r *http.Request, of Receiver) bool {
	f.mu.Lock()
	l := f.limits[of.Settings.Audience]
	if l == nil {
		l = rate.NewLimiter(perSecond, burst)
		f.limits[of.Settings.Audience] = l
	}
	f.mu.Unlock()
	if l.Allow() {
		return false
	}
	web.RetryAfter(w, time.Second)
	f.fail(w, r, errTooMany)
	return true
}

// fail writes an RFC 9457 problem. A request that is wrong is 400 here, as the framework has it.
func (f *face) fail(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Cache-Control", "no-store")
	code := web.Status(err)
	switch kind := exeunt.KindOf(err); {
	case kind == exeunt.Invalid:
		code = http.StatusBadRequest
	case kind == exeunt.Internal:
		f.Log.ErrorContext(r.Context(), "a receiver of signals could not be answered", "error", err)
	}
	problem(w, code, exeunt.MessageOf(err))
}

func problem(w http.ResponseWriter, code int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(code), "status": code, "detail": detail}) // the receiver is gone if this fails
}

func answer(w http.ResponseWriter, code int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // likewise
	return nil
}

// body reads a request into a value. What it does not know it ignores (SSF 1.0 section 4.2).
func body(r *http.Request, into any) error {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return exeunt.Errorf(exeunt.Invalid, "the request is longer than %d bytes, or was cut off", maxBody)
	}
	if len(text) == 0 {
		text = []byte("{}")
	}
	if err := json.Unmarshal(text, into); err != nil {
		return exeunt.Errorf(exeunt.Invalid, "the request is no JSON object of the kind that is wanted here")
	}
	return nil
}
