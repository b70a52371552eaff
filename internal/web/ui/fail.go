package ui

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

// answer runs a handler and turns its error into a page.
func (s *server) answer(h web.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// trouble is what an error page says.
type trouble struct {
	Status    int
	Title     string
	Message   string
	Reference string
	Solo      bool // for somebody who has no account
}

var troubleTitles = map[int]string{
	http.StatusNotFound:            "Nothing to see here",
	http.StatusForbidden:           "Not allowed",
	http.StatusConflict:            "Somebody was faster",
	http.StatusUnprocessableEntity: "This cannot be taken as it is",
	http.StatusTooManyRequests:     "Too many requests",
	http.StatusServiceUnavailable:  "Not available just now",
	http.StatusBadGateway:          "A connected system refused us",
	http.StatusNotImplemented:      "Not supported",
}

// fail is the page of an error. What a reader may not see answers in the words of what does not
// exist, so that an address tells nothing.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return // the reader has left
	}
	if r.Method == http.MethodGet && exeunt.KindOf(err) == exeunt.Denied {
		err = nothingHere()
	}
	status := web.Status(err)
	if status == http.StatusNotFound {
		err = nothingHere()
	}
	s.log(r, status, err)
	t := trouble{Status: status, Title: troubleTitles[status], Message: sentence(exeunt.MessageOf(err)), Reference: web.Reference(r.Context())}
	if t.Title == "" {
		t.Title = "Something is wrong on our side"
	}
	t.Solo = isSolo(r)
	if e, ok := errors.AsType[*exeunt.Error](err); ok {
		web.RetryAfter(w, e.RetryAfter)
	}
	if r.Header.Get("HX-Request-Type") == "partial" && !isStream(r) {
		w.Header().Set("HX-Retarget", "body") // an error is a page, not a piece of the list that was asked for
		w.Header().Set("HX-Reswap", "innerHTML")
	}
	if drawing := write(w, r, status, troublePage(s.bare(r, t.Title), t)); drawing != nil {
		http.Error(w, t.Title, status)
	}
}

// isSolo says whether the page is for somebody who has no account, or none yet.
func isSolo(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/t/") || strings.HasPrefix(r.URL.Path, "/invitation/")
}

// log says what failed under the reader's reference. The route stands in place of the address,
// which may hold a one-time token; a cause is told only where no vendor can have written it.
func (s *server) log(r *http.Request, status int, err error) {
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	attributes := []any{"reference", web.Reference(r.Context()), "method", r.Method, "route", r.Pattern, "status", status,
		"kind", string(exeunt.KindOf(err)), "message", exeunt.MessageOf(err)}
	if _, ours := errors.AsType[*exeunt.Error](err); !ours {
		attributes = append(attributes, "cause", err.Error())
	}
	s.Log.Log(r.Context(), level, "request failed", attributes...)
}

func asError(err error) (*exeunt.Error, bool) { return errors.AsType[*exeunt.Error](err) }
