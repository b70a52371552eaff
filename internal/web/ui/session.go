package ui

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// sessionName carries the __Host- prefix where the server is reached by TLS only, so that no other
// host of the domain can set it (RFC 6265bis, section 4.1.3.2).
func (s *server) sessionName() string {
	if s.Secure {
		return "__Host-exeunt"
	}
	return "exeunt"
}

// session is who is signed in; nil for nobody.
func (s *server) session(r *http.Request) (*store.User, error) {
	c, err := r.Cookie(s.sessionName())
	if err != nil || c.Value == "" {
		return nil, nil
	}
	user, err := s.Accounts.Session(r.Context(), c.Value)
	switch exeunt.KindOf(err) {
	case "":
		return &user, nil
	case exeunt.Temporary, exeunt.Internal, exeunt.Throttled:
		return nil, err
	default:
		return nil, nil
	}
}

func (s *server) keepSession(w http.ResponseWriter, session string) {
	http.SetCookie(w, &http.Cookie{Name: s.sessionName(), Value: session, Path: "/", HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode})
}

func (s *server) dropSession(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: s.sessionName(), Path: "/", MaxAge: -1, HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode})
}

// signInForm is the sign-in page.
type signInForm struct {
	Email, Next, Error string
}

func (s *server) signInPage(w http.ResponseWriter, r *http.Request) error {
	next := ownAddress(r.URL.Query().Get("next"))
	user, err := s.session(r)
	if err != nil {
		return err
	}
	if user != nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	return write(w, r, http.StatusOK, signInView(s.bare(r, "Sign in"), signInForm{Next: next}))
}

// signIn answers a wrong address and a wrong password in the same words.
func (s *server) signIn(w http.ResponseWriter, r *http.Request) error {
	form := signInForm{Email: strings.TrimSpace(r.PostFormValue("email")), Next: ownAddress(r.PostFormValue("next"))}
	session, _, err := s.Accounts.SignIn(r.Context(), form.Email, r.PostFormValue("password"))
	switch exeunt.KindOf(err) {
	case "":
		s.keepSession(w, session)
		http.Redirect(w, r, form.Next, http.StatusSeeOther)
		return nil
	case exeunt.Denied, exeunt.Unauthorised, exeunt.NotFound, exeunt.Invalid:
		form.Error = "This e-mail address and password do not go together. Check both; an administrator can send you a new invitation."
		s.log(r, http.StatusUnauthorized, exeunt.Errorf(exeunt.Denied, "a sign-in was refused"))
		return write(w, r, http.StatusUnauthorized, signInView(s.bare(r, "Sign in"), form))
	default:
		return err
	}
}

func (s *server) signOut(w http.ResponseWriter, r *http.Request) error {
	if c, err := r.Cookie(s.sessionName()); err == nil && c.Value != "" {
		if err := s.Accounts.SignOut(r.Context(), c.Value); err != nil && exeunt.KindOf(err) != exeunt.NotFound {
			return err // still signed in: saying otherwise would be worse
		}
	}
	s.dropSession(w)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
	return nil
}

// ownAddress keeps an address of this server and turns everything else into the first page, so that
// a sign-in link cannot send somebody elsewhere. Browsers read a backslash as a slash.
func ownAddress(address string) string {
	_, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.ContainsAny(address, "\\\t\r\n") {
		return "/"
	}
	return address
}

// invitationForm is the page on which a new administrator chooses a password.
type invitationForm struct {
	Email, Name, Error, Field string
}

// minPassword follows NIST SP 800-63B-4, section 3.1.1.2, which asks for 15 characters where the password is the
// only factor.
const minPassword = 15

func (s *server) invitationPage(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Referrer-Policy", "no-referrer") // the address is the secret
	user, err := s.Accounts.Invitation(r.Context(), r.PathValue("token"))
	if err != nil {
		return s.linkTrouble(w, r, err)
	}
	return write(w, r, http.StatusOK, invitationView(s.bare(r, "Choose a password"), invitationForm{Email: user.Email, Name: user.Name}))
}

func (s *server) redeem(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Referrer-Policy", "no-referrer")
	token := r.PathValue("token")
	user, err := s.Accounts.Invitation(r.Context(), token)
	if err != nil {
		return s.linkTrouble(w, r, err)
	}
	form := invitationForm{Email: user.Email, Name: strings.TrimSpace(r.PostFormValue("name"))}
	password := r.PostFormValue("password")
	switch {
	case form.Name == "":
		form.Field, form.Error = "name", "Enter your name: decisions are recorded under it."
	case len([]rune(password)) < minPassword:
		form.Field, form.Error = "password", "The password is too short: use at least 15 characters, such as four words."
	}
	if form.Error == "" {
		session, err := s.Accounts.Redeem(r.Context(), token, form.Name, password)
		if err == nil {
			s.keepSession(w, session)
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return nil
		}
		if exeunt.KindOf(err) != exeunt.Invalid {
			return s.linkTrouble(w, r, err)
		}
		form.Field, form.Error = "password", sentence(exeunt.MessageOf(err))
	}
	return write(w, r, http.StatusUnprocessableEntity, invitationView(s.bare(r, "Choose a password"), form))
}

// linkTrouble answers for every link that does not work in the same words, whatever is wrong.
func (s *server) linkTrouble(w http.ResponseWriter, r *http.Request, err error) error {
	switch exeunt.KindOf(err) {
	case exeunt.NotFound, exeunt.Denied, exeunt.Invalid, exeunt.Unauthorised:
		s.log(r, http.StatusNotFound, exeunt.Errorf(exeunt.NotFound, "a one-time link did not open"))
		return write(w, r, http.StatusNotFound, deadLinkView(s.bare(r, "This link does not work")))
	default:
		return err
	}
}
