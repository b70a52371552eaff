package yaml_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/testserver"
)

// lodge is a real single sign-on, and what a test does in it behind the connector's back.
type lodge struct {
	testserver.SignOn
	administrator *http.Cookie
	people        atomic.Int64
	sessions      sync.Map // by leaver: the cookie of one that was open when they were hired
}

const leaversPassword = "correct horse battery"

func openLodge(t *testing.T) *lodge {
	s := testserver.Glewlwyd(t)
	t.Setenv("GLEWLWYD_PASSWORD", s.Password)
	t.Setenv("GLEWLWYD_WRONG", "wrong-password-0123")
	return &lodge{SignOn: s, administrator: s.SignIn(t, s.Username, s.Password)}
}

func (l *lodge) settings(secret, base string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"spec":"glewlwyd","base_url":%q,"username":%q,"password":"env:%s"}`, base, l.Username, secret))
}

// hire makes a user with two sessions.
func (l *lodge) hire(t testing.TB) exeunt.Leaver {
	leaver := connectortest.Leaver(int(l.people.Add(1)))
	login := leaver.Identifier(exeunt.Login)
	l.Do(t, l.administrator, http.MethodPost, "/user/", map[string]any{
		"username": login, "name": leaver.Name, "email": leaver.Identifier(exeunt.WorkEmail), "enabled": true, "scope": []string{"g_profile", "openid"}, "password": leaversPassword,
	})
	l.SignIn(t, login, leaversPassword)
	l.sessions.Store(login, l.SignIn(t, login, leaversPassword))
	return leaver
}

func (l *lodge) user(leaver exeunt.Leaver) string {
	return "/user/" + url.PathEscape(leaver.Identifier(exeunt.Login))
}

// hashes are the sessions of somebody that live.
func (l *lodge) hashes(t testing.TB, leaver exeunt.Leaver) []string {
	t.Helper()
	var all []struct {
		Enabled bool
		Hash    string `json:"session_hash"`
	}
	raw := l.Do(t, l.administrator, http.MethodGet, "/delegate/"+url.PathEscape(leaver.Identifier(exeunt.Login))+"/profile/session", nil)
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	var live []string
	for _, s := range all {
		if s.Enabled {
			live = append(live, s.Hash)
		}
	}
	return live
}

// TestGlewlwydConforms holds the description to every promise of a connector against the server itself, which nobody here wrote.
func TestGlewlwydConforms(t *testing.T) {
	l := openLodge(t)
	connectortest.Run(t, connectortest.Subject{
		Kind: kind(), Settings: l.settings("GLEWLWYD_PASSWORD", l.URL),
		WrongCredentials: l.settings("GLEWLWYD_WRONG", l.URL), Unreachable: l.settings("GLEWLWYD_PASSWORD", "http://127.0.0.1:1/api"),
		Secrets: []string{l.Password, "wrong-password-0123"},
		Hire:    l.hire,
		Removals: func(t testing.TB, leaver exeunt.Leaver) map[string][]string {
			return map[string][]string{"sessions": l.hashes(t, leaver)}
		},
		CanSignIn: func(t testing.TB, leaver exeunt.Leaver) bool {
			return l.SignIn(t, leaver.Identifier(exeunt.Login), leaversPassword) != nil
		},
		Vanish: func(t testing.TB, leaver exeunt.Leaver) {
			l.Do(t, l.administrator, http.MethodDelete, l.user(leaver), nil)
		},
	})
}

// A session that is not ended is good again once the user is enabled: that is why they are ended.
func TestGlewlwydEndsSessionsForGood(t *testing.T) {
	l := openLodge(t)
	c, err := kind().Open(l.settings("GLEWLWYD_PASSWORD", l.URL), http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	specs, err := kind().Specs(l.settings("GLEWLWYD_PASSWORD", l.URL))
	if err != nil {
		t.Fatal(err)
	}
	for _, revoked := range []bool{false, true} {
		leaver := l.hire(t)
		login := leaver.Identifier(exeunt.Login)
		session, _ := l.sessions.Load(login)
		for _, spec := range specs {
			if spec.Action == exeunt.RevokeSessions && !revoked {
				continue
			}
			out, err := connector.Converge(t.Context(), c, connector.Aim{Account: exeunt.Account{ID: login, Login: login}, Spec: spec, With: connector.Parameters{Leaver: leaver}}, func(exeunt.Observation) error { return nil })
			if err != nil || out.Kind != exeunt.Done || out.Proof != exeunt.Observed {
				t.Fatalf("%s: %+v, %v", spec.Action, out, err)
			}
		}
		if l.Lives(t, session.(*http.Cookie)) {
			t.Error("a session of a disabled user lets in")
		}
		l.Do(t, l.administrator, http.MethodPut, l.user(leaver), map[string]bool{"enabled": true})
		if lives := l.Lives(t, session.(*http.Cookie)); lives == revoked {
			t.Errorf("sessions revoked %v: after the user was enabled, one that was open before lets in: %v", revoked, lives)
		}
	}
}

// Its administrator's session ends in the middle: another is begun, and the work goes on.
func TestGlewlwydSignsInAgain(t *testing.T) {
	l := openLodge(t)
	c, err := kind().Open(l.settings("GLEWLWYD_PASSWORD", l.URL), http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	account := exeunt.Account{ID: l.hire(t).Identifier(exeunt.Login)}
	if _, err := c.Observe(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	administrator := exeunt.Leaver{Identifiers: map[exeunt.IdentifierKind]string{exeunt.Login: l.Username}}
	mine := l.administrator.Value
	for _, hash := range l.hashes(t, administrator) {
		l.Do(t, l.SignIn(t, l.Username, l.Password), http.MethodDelete, "/delegate/"+l.Username+"/profile/session/"+url.PathEscape(hash), nil)
	}
	if l.Lives(t, &http.Cookie{Name: l.administrator.Name, Value: mine}) {
		t.Fatal("the sessions did not end")
	}
	if seen, err := c.Observe(t.Context(), account); err != nil || seen.Of(exeunt.Disable) != exeunt.Absent {
		t.Errorf("%+v, %v", seen, err)
	}
}
