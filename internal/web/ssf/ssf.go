// Package ssf is the face that receivers of signals see: the metadata, streams, subjects, verification and polling of the
// OpenID Shared Signals Framework 1.0 and RFC 8936, and the keys that tokens are signed with.
//
// Each receiver signs in with a token of its own and sees nothing but its own stream. What it is told, the steps of cases
// decide: nothing here reads a case.
package ssf

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
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
	mux.Handle("GET /ssf/keys", f.open(f.keys))
	mux.Handle("POST /ssf/stream", f.closed(f.make))
	mux.Handle("GET /ssf/stream", f.closed(f.read))
	mux.Handle("PATCH /ssf/stream", f.closed(f.patch))
	mux.Handle("PUT /ssf/stream", f.closed(f.replace))
	mux.Handle("DELETE /ssf/stream", f.closed(f.drop))
	mux.Handle("GET /ssf/status", f.closed(f.readStatus))
	mux.Handle("POST /ssf/status", f.closed(f.setStatus))
	mux.Handle("POST /ssf/subjects/add", f.closed(f.addSubject))
	mux.Handle("POST /ssf/subjects/remove", f.closed(f.removeSubject))
	mux.Handle("POST /ssf/verify", f.closed(f.verify))
	mux.Handle("POST /ssf/poll", f.closed(f.poll))
}

// served answers a receiver that has signed in.
type served func(w http.ResponseWriter, r *http.Request, of Receiver) error

// open answers everybody. Such an answer may be kept for as long as keys are published before they sign.
func (f *face) open(serve func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		if err := serve(w, r); err != nil {
			f.fail(w, r, err)
		}
	})
}

// closed answers receivers only (RFC 6750).
func (f *face) closed(serve served) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		token, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		of, known := f.receiver(token)
		if !given || !known {
			f.refuse(w, r)
			return
		}
		if wait := f.limit(of.Settings.Audience); wait > 0 {
			web.RetryAfter(w, wait)
			f.fail(w, r, exeunt.Errorf(exeunt.Throttled, "too many requests: wait as long as Retry-After says"))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := serve(w, r, of); err != nil {
			f.fail(w, r, err)
		}
	})
}

// receiver finds whose token it is. The digests are of random secrets, so that comparing them tells nothing of those.
func (f *face) receiver(token string) (Receiver, bool) {
	digest := signals.Digest(token)
	for _, of := range f.Receivers {
		for _, t := range of.Settings.Tokens {
			if t == digest {
				return of, true
			}
		}
	}
	return Receiver{}, false
}

func (f *face) refuse(w http.ResponseWriter, r *http.Request) {
	if !f.guesses.Allow() {
		web.RetryAfter(w, time.Second)
		f.fail(w, r, exeunt.Errorf(exeunt.Throttled, "too many requests: wait as long as Retry-After says"))
		return
	}
	if err := f.Refused(r.Context()); err != nil {
		f.fail(w, r, err)
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="signals"`)
	problem(w, http.StatusUnauthorized, "no receiver has this token: send the one that the operator gave you as Authorization: Bearer")
}

// limit says how long a receiver has to wait; zero when it may go on.
func (f *face) limit(audience string) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.limits[audience]
	if l == nil {
		l = rate.NewLimiter(perSecond, burst)
		f.limits[audience] = l
	}
	if l.Allow() {
		return 0
	}
	return time.Second
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
