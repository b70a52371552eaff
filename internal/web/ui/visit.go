package ui

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

// visit is one request of somebody who is signed in.
type visit struct {
	*http.Request
	viewer
	w    http.ResponseWriter
	now  time.Time
	zone *time.Location // the reader's own, for pages that are not about one place
}

// page answers a visit.
type page func(*visit) error

// seeNothing is the right of everybody who is signed in.
const seeNothing right = -1

// signedIn lets a page see only readers with a right to it. Others get the text of what does not
// exist; who is not signed in is asked to, and comes back afterwards.
func (s *server) signedIn(need right, p page) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v := &visit{Request: r, w: w, now: time.Now(), zone: s.readerZone(r)}
		user, err := s.session(r)
		if err != nil {
			return err
		}
		if user == nil {
			return s.askToSignIn(w, r)
		}
		v.viewer = viewer{*user}
		if need != seeNothing && !v.may(need) {
			if r.Method != http.MethodGet && v.may(seeCases) {
				return exeunt.Errorf(exeunt.Denied, "your role may not do this, so nothing was changed: ask an administrator")
			}
			return nothingHere()
		}
		return p(v)
	}
}

func (s *server) askToSignIn(w http.ResponseWriter, r *http.Request) error {
	if isStream(r) {
		w.WriteHeader(http.StatusUnauthorized) // its page says that it is not live, and tries more and more seldom
		return nil
	}
	target := "/sign-in"
	if r.Method == http.MethodGet && r.URL.Path != "/" {
		target += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Redirect", target) // a fragment cannot hold the sign-in page
		w.WriteHeader(http.StatusOK)
		return nil
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}

func isStream(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/stream") }

func (s *server) readerZone(r *http.Request) *time.Location {
	if c, err := r.Cookie("tz"); err == nil {
		if name, err := url.QueryUnescape(c.Value); err == nil {
			return zoneOr(name, s.zone)
		}
	}
	return s.zone
}

func theme(r *http.Request) string {
	if c, err := r.Cookie("theme"); err == nil && (c.Value == "light" || c.Value == "dark") {
		return c.Value
	}
	return ""
}

// wants says whether htmx asked for one element of the page instead of all of it.
func wants(r *http.Request, element string) bool {
	return r.Header.Get("HX-Request-Type") == "partial" && r.Header.Get("HX-Target") == element
}

// show draws a page in memory first, so that a fault while drawing still gives an honest answer.
func (v *visit) show(c templ.Component) error { return write(v.w, v.Request, http.StatusOK, c) }

var squeezers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
	return z
}}

func write(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	var out bytes.Buffer
	if err := c.Render(r.Context(), &out); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept-Encoding, HX-Request-Type, HX-Target")
	if !acceptsGzip(r) {
		w.WriteHeader(status)
		_, err := w.Write(out.Bytes())
		return ignoreGone(r, err)
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z := squeezers.Get().(*gzip.Writer)
	defer squeezers.Put(z)
	z.Reset(w)
	_, err := z.Write(out.Bytes())
	return ignoreGone(r, errors.Join(err, z.Close()))
}

// ignoreGone forgets that a reader left before the answer was through: it is no fault, and nothing
// can be told to them.
func ignoreGone(r *http.Request, err error) error {
	if r.Context().Err() != nil || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// told is a short message that survives one redirect, so that the result of a form appears where the
// thing is and the address stays clean.
const toldCookie = "told"

func (v *visit) tell(message string) {
	http.SetCookie(v.w, &http.Cookie{Name: toldCookie, Value: url.QueryEscape(message), Path: "/", MaxAge: 30, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// told reads the message once.
func (v *visit) told() string {
	c, err := v.Cookie(toldCookie)
	if err != nil || c.Value == "" {
		return ""
	}
	http.SetCookie(v.w, &http.Cookie{Name: toldCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	message, err := url.QueryUnescape(c.Value)
	if err != nil {
		return ""
	}
	return message
}

// goTo sends the reader on after a form, with what happened.
func (v *visit) goTo(address, message string) error {
	if message != "" {
		v.tell(message)
	}
	http.Redirect(v.w, v.Request, address, http.StatusSeeOther)
	return nil
}

// caseID reads the case of the address; what is no case at all does not exist either.
func (v *visit) caseID() (exeunt.CaseID, error) {
	id, err := exeunt.ParseCaseID(v.PathValue("id"))
	if err != nil {
		return 0, nothingHere()
	}
	return id, nil
}
