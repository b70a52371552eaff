package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
)

// ContentPolicy is the content security policy of every page: nothing from elsewhere, nothing
// inline, nothing evaluated.
const ContentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Headers sets what every answer carries. Pages hold personal data, so nothing is kept by caches
// unless a handler says otherwise. Secure says that the server is reached by TLS only.
func Headers(next http.Handler, secure bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", ContentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("Cache-Control", "no-store")
		if secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// Fail writes the answer to a request that could not be served.
type Fail func(http.ResponseWriter, *http.Request, error)

// SameOrigin refuses changes that another site's page asks the reader's browser for
// (Sec-Fetch-Site, or Origin against Host where a browser does not send it).
func SameOrigin(next http.Handler, fail Fail) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fail(w, r, exeunt.Errorf(exeunt.Denied, "this form was sent from another site, so nothing was changed: open the page here and send it again"))
	}))
	return protection.Handler(next)
}

// maxForm is the largest form: the longest holds a note and a checklist.
const maxForm = 64 << 10

// SmallForms reads forms up to a bound, so that nobody can fill the memory without signing in. What is sent
// to the addresses but is for their pages to bound, once they know who sends it.
func SmallForms(next http.Handler, fail Fail, but ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(but, r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			fail(w, r, exeunt.Errorf(exeunt.Invalid, "the form could not be read, or is larger than 64 KiB, so nothing was changed: shorten it and send it again"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Recover turns a panic into an internal error, so that one bad page does not end a connection
// without a word. The reader gets a reference; the log gets the stack.
func Recover(next http.Handler, log *slog.Logger, fail Fail) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler { //nolint:errorlint // net/http asks for the very value
				panic(cause) // net/http's own way to cut a connection
			}
			log.ErrorContext(r.Context(), "panic while serving", "reference", Reference(r.Context()),
				"route", r.Pattern, "panic", fmt.Sprintf("%T", cause), "stack", string(debug.Stack()))
			fail(w, r, exeunt.Errorf(exeunt.Internal, "an internal fault; see the server's log"))
		}()
		next.ServeHTTP(w, r)
	})
}

type referenceKey struct{}

// Referenced gives each request a short random name, which error pages show and the log repeats.
func Referenced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reference := strings.ToLower(rand.Text()[:8])
		w.Header().Set("X-Reference", reference)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), referenceKey{}, reference)))
	})
}

// Reference is the name of the request, or "" outside of Referenced.
func Reference(ctx context.Context) string {
	reference, _ := ctx.Value(referenceKey{}).(string)
	return reference
}
