package testserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // makes its database
)

//go:embed glewlwyd.conf
var glewlwydConf string

// SignOn is a running single sign-on: glewlwyd, with its administrator.
type SignOn struct {
	URL      string // its base, …/api
	Username string // of somebody with the scope g_admin
	Password string
}

// The database that the Debian package brings, where it lies outside /usr/share/doc, which slim images leave out.
const glewlwydSchema = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"

// Glewlwyd starts a single sign-on with nobody but its administrator, whose password is changed from the one of the package.
func Glewlwyd(t testing.TB) SignOn {
	t.Helper()
	program := need(t, SingleSign)
	s := SignOn{Username: "admin", Password: rand.Text()}
	run(t, recipe{
		name: "glewlwyd", stop: "TERM", within: 60 * time.Second,
		prepare: func(dir string) ([]string, error) {
			port, err := freePort()
			if err != nil {
				return nil, err
			}
			s.URL = fmt.Sprintf("http://127.0.0.1:%d/api", port)
			if err := glewlwydDatabase(filepath.Join(dir, "glewlwyd.db")); err != nil {
				return nil, err
			}
			modules := filepath.Join(filepath.Dir(filepath.Dir(program)), "lib", "glewlwyd")
			text := strings.NewReplacer("PORT", strconv.Itoa(port), "FOLDER", dir, "MODULES", modules).Replace(glewlwydConf)
			conf := filepath.Join(dir, "glewlwyd.conf")
			return []string{program, "--config-file=" + conf}, os.WriteFile(conf, []byte(text), 0o600)
		},
		answers: func(ctx context.Context) error {
			return answersOK(ctx, strings.TrimSuffix(s.URL, "/api")+"/config", "")
		},
	})
	s.Do(t, s.SignIn(t, s.Username, "password"), http.MethodPut, "/user/"+s.Username, map[string]any{"password": s.Password})
	return s
}

func glewlwydDatabase(file string) error {
	schema, err := os.ReadFile(glewlwydSchema)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.Exec(string(schema))
	return err
}

// SignIn begins a session with a password and returns its cookie; nil when the door stays shut.
func (s SignOn) SignIn(t testing.TB, username, password string) *http.Cookie {
	t.Helper()
	answer := s.send(t, nil, http.MethodPost, "/auth/", map[string]string{"username": username, "password": password})
	defer func() { _ = answer.Body.Close() }()
	switch answer.StatusCode {
	case http.StatusUnauthorized:
		return nil
	case http.StatusOK:
		for _, c := range answer.Cookies() {
			if c.Name == "GLEWLWYD2_SESSION_ID" {
				return c
			}
		}
	}
	t.Fatalf("signing in as %s: %d", username, answer.StatusCode)
	return nil
}

// Lives says whether a session lets somebody in.
func (s SignOn) Lives(t testing.TB, session *http.Cookie) bool {
	t.Helper()
	answer := s.send(t, session, http.MethodGet, "/profile_list", nil)
	defer func() { _ = answer.Body.Close() }()
	return answer.StatusCode == http.StatusOK
}

// Do makes a request with a session, which must be a success, and returns what was answered.
func (s SignOn) Do(t testing.TB, session *http.Cookie, method, path string, body any) []byte {
	t.Helper()
	answer := s.send(t, session, method, path, body)
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s %v", method, path, answer.StatusCode, raw, err)
	}
	return raw
}

func (s SignOn) send(t testing.TB, session *http.Cookie, method, path string, body any) *http.Response {
	t.Helper()
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, content)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if session != nil {
		r.AddCookie(session)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
