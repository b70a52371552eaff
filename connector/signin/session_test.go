package signin_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/signin"
)

// desk hands out session-1, session-2, … for the right password and takes the newest one that has not ended.
type desk struct {
	opened, refused atomic.Int64
	ended           atomic.Bool
	cookie          string                // attributes of the cookie
	login           func() *http.Response // in place of a session
}

func (d *desk) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.URL.Path == "/login" {
		if d.login != nil {
			return d.login(), nil
		}
		sent, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || string(sent) != `{"name":"exeunt","password":"pa\"ss-0123456"}` {
			return respond(http.StatusUnauthorized, `pa"ss-0123456 is wrong`)
		}
		d.ended.Store(false)
		name := "session-" + string(rune('0'+d.opened.Add(1)))
		answer, _ := respond(http.StatusOK, `{"data":{"token":"`+name+`"}}`)
		answer.Header.Add("Set-Cookie", "lang=en")
		answer.Header.Add("Set-Cookie", "SID="+name+d.cookie)
		return answer, nil
	}
	wanted := "session-" + string(rune('0'+d.opened.Load()))
	cookie, _ := r.Cookie("SID")
	if !d.ended.Load() && (cookie != nil && cookie.Value == wanted || r.Header.Get("X-Token") == "T "+wanted) {
		return respond(http.StatusOK, `{}`)
	}
	d.refused.Add(1)
	return respond(http.StatusUnauthorized, `{}`)
}

// session is how the desk is signed in at, by cookie or by token.
func session(t *testing.T, byCookie bool) signin.Session {
	t.Helper()
	s := signin.Session{URL: "https://acme.example/login", ByPassword: signin.ByPassword{Username: "exeunt", Password: secret(t, "DESK_PASSWORD", `pa"ss-0123456`)}, Header: "X-Token", Prefix: "T ",
		Body: func(name, password string) ([]byte, string, error) {
			body, err := json.Marshal(map[string]string{"name": name, "password": password})
			return body, "application/json", err
		},
		Token: func(body []byte) (string, bool) {
			var said struct{ Data struct{ Token string } }
			return said.Data.Token, json.Unmarshal(body, &said) == nil && said.Data.Token != ""
		}}
	if byCookie {
		s.Cookie = "SID"
	}
	return s
}

func TestASessionIsKeptUntilItEndsAndIsThenReplacedOnce(t *testing.T) {
	for name, byCookie := range map[string]bool{"cookie": true, "token": false} {
		t.Run(name, func(t *testing.T) {
			d := &desk{}
			client := signin.Client(d, signin.Sessions("Acme", session(t, byCookie), d))
			for _, want := range []int64{1, 1, 2} {
				if want == 2 {
					d.ended.Store(true)
				}
				if _, status, err := get(t, client, "https://acme.example/"); err != nil || status != http.StatusOK || d.opened.Load() != want {
					t.Errorf("%d %v, %d sessions, want %d", status, err, d.opened.Load(), want)
				}
			}
			if d.refused.Load() != 1 {
				t.Errorf("%d requests were refused", d.refused.Load())
			}
		})
	}
}

func TestASessionLastsAsLongAsItsCookie(t *testing.T) {
	for name, attributes := range map[string]string{"max-age": "; Max-Age=600", "expires": "; Expires=Sat, 01 Jan 2000 00:10:00 GMT"} { // where bubbles begin
		t.Run(name, func(t *testing.T) {
			d := &desk{cookie: attributes}
			client := signin.Client(d, signin.Sessions("Acme", session(t, true), d))
			synctest.Test(t, func(t *testing.T) {
				for _, step := range []struct {
					later time.Duration
					want  int64
				}{{0, 1}, {9 * time.Minute, 1}, {45 * time.Second, 2}} {
					time.Sleep(step.later)
					if _, status, err := get(t, client, "https://acme.example/"); err != nil || status != http.StatusOK || d.opened.Load() != step.want {
						t.Errorf("after another %s: %d %v, %d sessions, want %d", step.later, status, err, d.opened.Load(), step.want)
					}
				}
			})
		})
	}
}

func TestASessionThatIsNotGivenSaysWhatToCheck(t *testing.T) {
	page := func(status int, body string) func() *http.Response {
		return func() *http.Response {
			answer, _ := respond(status, body)
			return answer
		}
	}
	for name, c := range map[string]struct {
		login    func() *http.Response
		byCookie bool
		kind     exeunt.ErrorKind
		says     string
	}{
		"wrong password": {page(401, `pa"ss-0123456 is wrong`), true, exeunt.Unauthorised, "check username and password"},
		"no cookie":      {page(200, `{}`), true, exeunt.Unauthorised, "without the cookie SID"},
		"no token":       {page(200, `<html>pa"ss-0123456</html>`), false, exeunt.Unauthorised, "without a token"},
		"slow down":      {page(429, ``), true, exeunt.Throttled, ""},
		"down":           {page(503, ``), true, exeunt.Temporary, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := &desk{login: c.login}
			_, _, err := get(t, signin.Client(d, signin.Sessions("Acme", session(t, c.byCookie), d)), "https://acme.example/")
			var e *exeunt.Error
			if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(e.Error(), c.says) || strings.Contains(err.Error(), "ss-0123456") {
				t.Errorf("%v, want %s saying %q", err, c.kind, c.says)
			}
			if d.refused.Load() != 0 {
				t.Error("it asked without a session")
			}
		})
	}
}
