package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors/signals"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/remote"
	"github.com/exeunt/exeunt/internal/seal"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/testserver"
)

// settlePair starts two servers of one database, with one receiver that makes its stream at the first of them.
func settlePair(t *testing.T, mode string) (w *town, second *App) {
	t.Helper()
	port, listener, database := testserver.FreePort(t), testserver.FreePort(t), testserver.Postgres(t)
	const origin = "127.0.0.1/ledger"
	log, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger"), origin, ledger.Options{Logger: quiet})
	must(t, err)
	socket := "unix://" + filepath.Join(t.TempDir(), "ledger.sock")
	server, err := remote.Open(t.Context(), log, remote.Options{Address: socket, Logger: quiet})
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	t.Cleanup(func() {
		server.Close()
		must(t, <-served)
		must(t, log.Close())
	})
	w = &town{t: t, dir: t.TempDir(), data: t.TempDir(), port: port}
	w.token = w.configure(listener, "", "ledger: {origin: "+origin+", address: "+socket+"}\n")
	w.App = w.start(w.data, database, port)
	_, err = w.commands(exeunt.Viewer{}).GoLive(t.Context(), "crm", exeunt.Override{By: "Ida Novak", Reason: "the receiver has taken its verification"})
	must(t, err)
	other := t.TempDir()
	if _, err := Start(t.Context(), Options{ConfigDir: w.dir, DataDir: other, Database: database, Listen: "127.0.0.1:0", Environment: "test", Log: quiet}); err == nil || !strings.Contains(err.Error(), "copy sealing.key there") {
		t.Fatalf("a server without the key that secrets are sealed with: %v", err)
	}
	key, err := os.ReadFile(filepath.Join(w.data, seal.File))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(other, seal.File), key, 0o600))
	second = w.start(other, database, testserver.FreePort(t))
	w.listen(listener, mode)
	return w, second
}

const people = 6

// fireAll ends the access of several people, by both servers in turn, and waits until every step is acknowledged.
func (w *town) fireAll(second *App, meanwhile func()) {
	w.t.Helper()
	var cases []exeunt.CaseID
	first := w.App
	for i := range people {
		if w.App = first; i%2 == 1 {
			w.App = second
		}
		cases = append(cases, w.fire(fmt.Sprint("E-", i), fmt.Sprintf("p%d@acme.example", i)))
	}
	w.App = first
	until(w.t, "every step is acknowledged", func() bool {
		meanwhile()
		for _, id := range cases {
			if w.states(id) != "crm-disable acknowledged, crm-revoke-sessions acknowledged" {
				return false
			}
		}
		return true
	})
}

// ofEach fails unless everybody was told of by one token for each event, however often it came.
func ofEach(t *testing.T, tokens []testserver.Token) {
	t.Helper()
	ids := map[string]map[string]bool{}
	for _, k := range tokens {
		for event := range k.Events {
			about := fmt.Sprint(k.Subject, event)
			if ids[about] == nil {
				ids[about] = map[string]bool{}
			}
			ids[about][k.ID] = true
		}
	}
	if len(ids) != 2*people {
		t.Errorf("%d things were told, want %d", len(ids), 2*people)
	}
	for about, of := range ids {
		if len(of) != 1 {
			t.Errorf("%s was told by %d tokens", about, len(of))
		}
	}
}

// Two servers of one database tell each thing by one token, whichever of them does it, and the receiver may use them as one.
func TestTwoServersTellAsOne(t *testing.T) {
	t.Run("push", func(t *testing.T) {
		w, second := settlePair(t, "push")
		w.fireAll(second, func() {})
		tokens, refused := w.Seen(t)
		if len(refused) > 0 {
			t.Errorf("the receiver refused %q", refused)
		}
		ofEach(t, tokens)
	})
	t.Run("poll", func(t *testing.T) {
		w, second := settlePair(t, "")
		if status, said := w.call("POST", "/ssf/stream", `{}`); status != http.StatusCreated {
			t.Fatalf("%d %v", status, said)
		}
		bearer := w.access()
		ask := func(a *App, body string) map[string]string { // with an access token that the other server gave
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+a.listener.Addr().String()+"/ssf/poll", strings.NewReader(body))
			must(t, err)
			r.Header.Set("Authorization", "Bearer "+bearer)
			answer, err := http.DefaultClient.Do(r)
			must(t, err)
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			must(t, err)
			var said struct{ Sets map[string]string }
			if json.Unmarshal(text, &said) != nil || answer.StatusCode != http.StatusOK {
				t.Fatalf("%d %s", answer.StatusCode, text)
			}
			return said.Sets
		}
		var tokens []testserver.Token
		w.fireAll(second, func() {
			if len(tokens) == 2*people { // what is acknowledged is not yet known to every step
				return
			}
			for id, text := range ask(w.App, `{}`) { // fetched from the first, acknowledged at the second
				keys, err := second.Store.SignalKeys(t.Context(), time.Now())
				must(t, err)
				var k testserver.Token
				must(t, signals.Read(keys, "secevent+jwt", text, &k))
				tokens = append(tokens, k)
				if again := ask(second, `{"maxEvents":100,"returnImmediately":true,"ack":["`+id+`"]}`); again[id] != "" {
					t.Error("what is acknowledged is given again by the server that was told so")
				}
				if again := ask(w.App, `{"returnImmediately":true}`); again[id] != "" {
					t.Error("what is acknowledged at one server is given again by the other")
				}
			}
		})
		ofEach(t, tokens)
	})
}

// access is an access token that the first server gives the receiver.
func (w *town) access() string {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), "POST", "http://"+w.listener.Addr().String()+"/ssf/token", strings.NewReader("grant_type=client_credentials"))
	must(w.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("crm", w.token)
	answer, err := http.DefaultClient.Do(r)
	must(w.t, err)
	defer answer.Body.Close()
	var said struct {
		Access string `json:"access_token"`
	}
	must(w.t, json.NewDecoder(answer.Body).Decode(&said))
	return said.Access
}

// What lies in the database signs nothing and opens nothing without the key beside it, and where that is lost there is a way on.
func TestACopyOfTheDatabaseHasNoSecrets(t *testing.T) {
	w := settleTown(t, "", "")
	const header = "Bearer of the receiver"
	if status, said := w.call("POST", "/ssf/stream", fmt.Sprintf(`{"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"%s","authorization_header":"%s"}}`, w.pushTo, header)); status != http.StatusCreated {
		t.Fatalf("%d %v", status, said)
	}
	if status, _ := w.call("GET", "/ssf/keys", ""); status != http.StatusOK {
		t.Fatal(status)
	}
	keys, err := w.Store.SignalKeys(t.Context(), time.Now())
	must(t, err)
	stream, err := w.Store.SignalStream(t.Context(), audience)
	must(t, err)
	var private struct{ D string }
	if must(t, json.Unmarshal([]byte(keys[0].Private), &private)); private.D == "" || stream.Authorization != header {
		t.Fatalf("it is not read back: %+v", stream)
	}
	w.App.Stop()
	file := filepath.Join(w.data, seal.File)
	must(t, filepath.WalkDir(w.data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == file {
			return err
		}
		text, err := os.ReadFile(path)
		for name, secret := range map[string]string{"the signing key": private.D, "the receiver's header": header} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s is in %s", name, path)
			}
		}
		return err
	}))
	must(t, os.Rename(file, file+".lost"))
	if _, err := Start(t.Context(), Options{ConfigDir: w.dir, DataDir: w.data, Listen: "127.0.0.1:0", Log: quiet}); err == nil || !strings.Contains(err.Error(), "forget-keys") {
		t.Fatalf("without its key it starts: %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("another key was left where the lost one belongs")
	}
	s, err := store.Open(t.Context(), w.data, "", "")
	must(t, err)
	change := exeunt.ForgetSealed(exeunt.Override{By: "Olga", Reason: "the disk with the key is gone"}, time.Now())
	must(t, s.ForgetSealed(t.Context(), &change))
	s.Close()
	again := w.start(w.data, "", testserver.FreePort(t))
	if stream, err := again.Store.SignalStream(t.Context(), audience); err != nil || stream.Push != w.pushTo || stream.Authorization != "" {
		t.Errorf("after that the stream is %+v: %v", stream, err)
	}
	if _, err := (signalHouse{again}).Sign(t.Context(), "RS256", "test", map[string]string{}); err != nil {
		t.Errorf("after that nothing is signed: %v", err)
	}
}
