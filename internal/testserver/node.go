package testserver

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// SCIM is a running SCIM 2.0 service provider.
type SCIM struct {
	URL   string // its base, …/scim/v2
	Token string // the bearer token that it asks for
}

// Scimmy starts an empty, strict SCIM 2.0 service: scimmy with its routers, see node/scim.mjs.
func Scimmy(t testing.TB) SCIM {
	t.Helper()
	node := need(t, Node)
	need(t, NodeModules)
	var s SCIM
	run(t, recipe{
		name: "scimmy", stop: "TERM", within: 60 * time.Second,
		prepare: func(string) ([]string, error) {
			port, err := freePort()
			s = SCIM{URL: fmt.Sprintf("http://127.0.0.1:%d/scim/v2", port), Token: rand.Text()}
			return []string{node, filepath.Join(nodeDir(), "scim.mjs"), strconv.Itoa(port), s.Token}, err
		},
		answers: func(ctx context.Context) error { return answersOK(ctx, s.URL+"/ServiceProviderConfig", s.Token) },
	})
	return s
}

// Mailbox is a running SMTP server that keeps what it is sent.
type Mailbox struct {
	SMTP string // host:port; no TLS, no sign-in
	URL  string // its web page; mails as JSON under /api/email
}

// Maildev starts an SMTP server that delivers nothing and shows everything.
func Maildev(t testing.TB) Mailbox {
	t.Helper()
	node := need(t, Node)
	need(t, NodeModules)
	var m Mailbox
	run(t, recipe{
		name: "maildev", stop: "TERM", within: 60 * time.Second,
		prepare: func(string) ([]string, error) {
			smtp, err := freePort()
			if err != nil {
				return nil, err
			}
			web, err := freePort()
			m = Mailbox{SMTP: fmt.Sprintf("127.0.0.1:%d", smtp), URL: fmt.Sprintf("http://127.0.0.1:%d", web)}
			return []string{node, filepath.Join(nodeDir(), "node_modules", ".bin", "maildev"),
				"--ip", "127.0.0.1", "--smtp", strconv.Itoa(smtp),
				"--web-ip", "127.0.0.1", "--web", strconv.Itoa(web)}, err
		},
		answers: func(ctx context.Context) error {
			if err := accepts(ctx, m.SMTP); err != nil {
				return err
			}
			return answersOK(ctx, m.URL+"/api/email", "")
		},
	})
	return m
}

// Mails returns what has arrived, as maildev's own JSON.
func (m Mailbox) Mails(t testing.TB) []map[string]any {
	t.Helper()
	response, err := http.Get(m.URL + "/api/email")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var mails []map[string]any
	if err := json.NewDecoder(response.Body).Decode(&mails); err != nil {
		t.Fatal(err)
	}
	return mails
}

func answersOK(ctx context.Context, address, token string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", address, response.Status)
	}
	return nil
}
