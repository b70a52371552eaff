package app

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connectors/signals"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/testserver"
)

// town is a server and an application that listens to it.
type town struct {
	*App
	testserver.Listener
	t     testing.TB
	token string // of the receiver
	dir   string // of the configuration
	data  string // of the server
	port  int    // of the server

	pushTo string // where the receiver may have its tokens sent
}

const audience = "https://crm.acme.example"

// settingsOf are those of a receiver that makes its stream, with more lines where a test needs them.
func settingsOf(digest, pushTo, more string) string {
	return fmt.Sprintf(`{"audience":%q,"tokens":[%q],"push_to":[%q]%s}`, audience, digest, pushTo, more)
}

// settleTown starts a server with one receiver, and the receiver in a mode, or none for "".
func settleTown(t *testing.T, mode, more string) *town {
	t.Helper()
	listener := testserver.FreePort(t)
	w := quietTown(t, listener, more)
	w.listen(listener, mode)
	return w
}

// quietTown starts a server with one receiver, which may have its tokens sent to a port.
func quietTown(t testing.TB, listener int, more string) *town {
	t.Helper()
	w := &town{t: t, dir: t.TempDir(), data: t.TempDir(), port: testserver.FreePort(t)}
	w.token = w.configure(listener, more, "")
	w.App = w.start(w.data, "", w.port)
	_, err := w.commands(exeunt.Viewer{}).GoLive(t.Context(), "crm", exeunt.Override{By: "Ida Novak", Reason: "the receiver has taken its verification"})
	must(t, err)
	return w
}

// configure writes a folder with one receiver, which may have its tokens sent to a port, and returns the receiver's token.
func (w *town) configure(listener int, more, further string) string {
	w.t.Helper()
	token, digest := signals.NewToken()
	w.pushTo = fmt.Sprintf("http://127.0.0.1:%d/events", listener)
	must(w.t, os.Mkdir(filepath.Join(w.dir, "systems"), 0o700))
	for name, text := range map[string]string{
		"exeunt.yaml": strings.Replace(company, "127.0.0.1:8080", fmt.Sprintf("127.0.0.1:%d", w.port), 1) + further,
		"systems/crm.yaml": "name: crm\ntitle: CRM\nkind: signals\nidentifier: work_email\ntier: 2\nowner: {role: it}\nfallback: Sign the person out.\nstage: live\nsettings: " +
			settingsOf(digest, fmt.Sprintf("127.0.0.1:%d", listener), more) + "\n",
	} {
		must(w.t, os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600))
	}
	return token
}

// start starts a server of the folder.
func (w *town) start(data, database string, port int) *App {
	w.t.Helper()
	a, err := Start(w.t.Context(), Options{ConfigDir: w.dir, DataDir: data, Database: database, Listen: fmt.Sprintf("127.0.0.1:%d", port), Environment: "test", Log: slog.New(slog.DiscardHandler)})
	must(w.t, err)
	w.t.Cleanup(a.Stop)
	return a
}

// listen starts the receiver in a mode, which gets access tokens when that begins with oauth.
func (w *town) listen(port int, mode string) {
	w.t.Helper()
	token := w.token
	mode, oauth := strings.CutPrefix(mode, "oauth ")
	if oauth {
		token = "oauth:crm:" + token
	}
	if mode != "" {
		w.Listener = testserver.Listen(w.t, port, w.App.URL(), token, audience, mode)
	}
}

// call asks the server in the name of the receiver.
func (w *town) call(method, path, body string) (int, map[string]any) {
	w.t.Helper()
	status, text := w.callAs("Bearer "+w.token, method, path, body)
	var said map[string]any
	_ = json.Unmarshal(text, &said)
	return status, said
}

func (w *town) callAs(authorization, method, path, body string) (int, []byte) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.App.URL()+path, strings.NewReader(body))
	must(w.t, err)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	answer, err := http.DefaultClient.Do(r)
	must(w.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(w.t, err)
	return answer.StatusCode, text
}

// fire ends somebody's access at once.
func (w *town) fire(employee, address string) exeunt.CaseID {
	w.t.Helper()
	id, err := w.commands(exeunt.Viewer{}).StartCase(w.t.Context(), exeunt.Departure{
		Type: exeunt.Involuntary, Immediate: true, LastDay: exeunt.Date(time.Now().Format(time.DateOnly)),
		Leaver: exeunt.Leaver{ID: employee, Name: "Jane Doe", Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: address}},
	}, exeunt.Override{By: "Hera Lind", Reason: "the HR system is down"})
	must(w.t, err)
	return id
}

// takeBack is what HR does when somebody stays. A step may change meanwhile: then it is decided anew.
func (w *town) takeBack(id exeunt.CaseID) {
	w.t.Helper()
	until(w.t, "the departure is taken back", func() bool {
		f, err := w.Store.Everything().CaseFile(w.t.Context(), id)
		must(w.t, err)
		change, err := f.Case.Rescind(exeunt.Trigger{Source: "hr", EventID: "2", Kind: exeunt.Rescinded}, w.Config().Inventory(), f.Steps, f.Tasks, time.Now())
		must(w.t, err)
		err = w.Store.Commit(w.t.Context(), &change)
		if err != nil && exeunt.KindOf(err) != exeunt.Conflict {
			w.t.Fatal(err)
		}
		return err == nil
	})
}

// states are those of a case's steps.
func (w *town) states(id exeunt.CaseID) string {
	w.t.Helper()
	steps, err := w.Store.Steps(w.t.Context(), id)
	must(w.t, err)
	var out []string
	for _, s := range steps {
		out = append(out, fmt.Sprint(s.Key, " ", s.State))
	}
	return strings.Join(out, ", ")
}

// The kind keeps every promise of the suite, with a receiver whose signatures another JOSE library checks.
func TestReceiversOfSignalsConform(t *testing.T) {
	for _, mode := range []string{"turn", "push"} {
		t.Run(mode, func(t *testing.T) {
			w := settleTown(t, mode, `,"subjects":"added"`)
			system, err := w.Config().System("crm")
			must(t, err)
			var people atomic.Int64
			connectortest.Run(t, connectortest.Subject{
				Kind: signals.Kind(signalHouse{w.App}), Settings: system.Settings, Unlisted: true,
				Hire: func(t testing.TB) exeunt.Leaver {
					address := fmt.Sprintf("p%d@acme.example", people.Add(1))
					if got := w.Ask(t, "POST", "/subjects/"+address); got != http.StatusNoContent {
						t.Fatalf("the subject was not added: %d", got)
					}
					return exeunt.Leaver{ID: address, Name: "P", Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: address}}
				},
				Removals: func(testing.TB, exeunt.Leaver) map[string][]string {
					return map[string][]string{"account": {"enabled"}}
				},
				Vanish:    func(t testing.TB, l exeunt.Leaver) { w.Ask(t, "DELETE", "/subjects/"+l.ID) },
				CanSignIn: func(t testing.TB, l exeunt.Leaver) bool { return w.SignIn(t, l.ID) != "" },
				Later: func(t testing.TB) {
					if mode == "turn" {
						w.Ask(t, "POST", "/turn")
					}
				},
			})
			if _, refused := w.Seen(t); len(refused) > 0 {
				t.Errorf("the receiver refused: %q", refused)
			}
		})
	}
}

// A live session ends, by either way of delivery, and the record says that it was acknowledged and not seen. What the
// departure is taken back for is told back.
func TestAListeningApplicationEndsSessionsAndTakesBackWhatItWasTold(t *testing.T) {
	for _, mode := range []string{"push", "poll", "oauth push", "oauth poll"} {
		t.Run(mode, func(t *testing.T) {
			w := settleTown(t, mode, "")
			jane, other := w.SignIn(t, "jane@acme.example"), w.SignIn(t, "ann@acme.example")
			id := w.fire("E-1", "Jane@acme.example")
			until(t, "the session has ended", func() bool { return !w.Lives(t, jane) })
			until(t, "the steps are acknowledged", func() bool {
				return w.states(id) == "crm-disable acknowledged, crm-revoke-sessions acknowledged"
			})
			if w.SignIn(t, "jane@acme.example") != "" || !w.Lives(t, other) {
				t.Error("jane can sign in again, or ann was signed out")
			}
			tokens, refused := w.Seen(t)
			if len(refused) > 0 || len(tokens) != 2 || tokens[0].Cause == "" || tokens[0].Cause != tokens[1].Cause || tokens[0].ID == tokens[1].ID {
				t.Fatalf("the receiver saw %+v and refused %q", tokens, refused)
			}
			if tokens[0].Issuer != w.App.URL() || tokens[0].Audience != audience || fmt.Sprint(tokens[0].Subject) != "map[email:jane@acme.example format:email]" {
				t.Errorf("the token says %+v", tokens[0])
			}
			w.takeBack(id)
			until(t, "she can sign in again", func() bool { return w.SignIn(t, "jane@acme.example") != "" })
			until(t, "the undo is acknowledged", func() bool { return strings.Contains(w.states(id), "crm-disable-undo acknowledged") })
		})
	}
}

// A token that nobody has fetched when the departure is taken back is not given out any more, and one of a case that is held
// waits until it is released.
func TestTokensWaitOnlyForWhatIsStillToBeTold(t *testing.T) {
	w := settleTown(t, "turn", "")
	id := w.fire("E-1", "jane@acme.example")
	until(t, "a token waits", func() bool {
		waiting, _, err := w.Store.WaitingSignals(t.Context(), audience, 10)
		return err == nil && len(waiting) == 2
	})
	commands := w.commands(exeunt.Viewer{})
	must(t, commands.HoldCase(t.Context(), id, exeunt.Override{By: "Hera Lind", Reason: "let us wait for a day"}))
	if _, said := w.call("POST", "/ssf/poll", `{"returnImmediately":true}`); len(said["sets"].(map[string]any)) != 0 {
		t.Errorf("of a held case it is told %v", said)
	}
	must(t, commands.ReleaseCase(t.Context(), id, exeunt.Override{By: "Hera Lind", Reason: "it goes on as planned"}))
	if _, said := w.call("POST", "/ssf/poll", `{"returnImmediately":true}`); len(said["sets"].(map[string]any)) != 2 {
		t.Errorf("of a released case it is told %v", said)
	}
	w.takeBack(id)
	until(t, "the departure is told back", func() bool {
		waiting, _, err := w.Store.WaitingSignals(t.Context(), audience, 10)
		return err == nil && len(waiting) == 1 && waiting[0].Event == exeunt.SignalAccountEnabled
	})
}

// Only the receiver's own token opens the addresses, of its own stream, within a measure.
func TestReceiversSeeTheirOwnStreamOnly(t *testing.T) {
	w := settleTown(t, "", "")
	for _, c := range []struct {
		authorization, method, path, body string
		want                              int
	}{
		{"", "GET", "/.well-known/ssf-configuration", "", 200},
		{"", "GET", "/ssf/keys", "", 200},
		{"", "GET", "/ssf/stream", "", 401},
		{"Bearer exr_wrong", "POST", "/ssf/poll", "{}", 401},
		{"Bearer " + signals.Digest(w.token), "GET", "/ssf/stream", "", 401},
		{"Bearer " + w.token, "GET", "/ssf/stream", "", 200},
		{"Bearer " + w.token, "GET", "/ssf/stream?stream_id=x", "", 404},
		{"Bearer " + w.token, "POST", "/ssf/stream", "nonsense", 400},
		{"Bearer " + w.token, "POST", "/ssf/stream", `{"description":"` + strings.Repeat("x", 70_000) + `"}`, 400},
		{"Bearer " + w.token, "POST", "/ssf/stream", `{"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"http://169.254.169.254/x"}}`, 400},
		{"Bearer " + w.token, "POST", "/ssf/stream", `{"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"https://elsewhere.example/x"}}`, 400},
		{"Bearer " + w.token, "POST", "/ssf/stream", `{"delivery":{"method":"carrier pigeon"}}`, 400},
		{"Bearer " + w.token, "POST", "/ssf/stream", `{"aud":"https://another.example"}`, 400},
		{"Bearer " + w.token, "POST", "/ssf/stream", `{"events_requested":["https://schemas.openid.net/secevent/caep/event-type/session-revoked","https://x.example/unknown"]}`, 201},
		{"Bearer " + w.token, "POST", "/ssf/stream", `{}`, 409},
		{"Bearer " + w.token, "POST", "/ssf/subjects/add", `{"stream_id":"x","subject":{"format":"email","email":"a@acme.example"}}`, 404},
	} {
		if status, text := w.callAs(c.authorization, c.method, c.path, c.body); status != c.want {
			t.Errorf("%s %s %.80s: %d %s, want %d", c.method, c.path, c.body, status, text, c.want)
		}
	}
	_, list := w.callAs("Bearer "+w.token, "GET", "/ssf/stream", "")
	var streams []map[string]any
	must(t, json.Unmarshal(list, &streams))
	id := streams[0]["stream_id"].(string)
	if fmt.Sprint(streams[0]["events_delivered"]) != "[https://schemas.openid.net/secevent/caep/event-type/session-revoked]" || streams[0]["aud"] != audience {
		t.Errorf("the stream is %v", streams[0])
	}
	for _, c := range []struct {
		method, path, body string
		want               int
		says               string
	}{
		{"PATCH", "/ssf/stream", `{"stream_id":"` + id + `","description":"ours"}`, 200, "description:ours"},
		{"PUT", "/ssf/stream", `{"stream_id":"` + id + `"}`, 200, "account-disabled"},
		{"GET", "/ssf/status?stream_id=" + id, "", 200, "status:enabled"},
		{"POST", "/ssf/status", `{"stream_id":"` + id + `","status":"paused","reason":"night"}`, 200, "status:paused"},
		{"POST", "/ssf/status", `{"stream_id":"` + id + `","status":"asleep"}`, 400, ""},
		{"POST", "/ssf/subjects/add", `{"stream_id":"` + id + `","subject":{"format":"phone_number","phone_number":"1"}}`, 400, ""},
		{"POST", "/ssf/subjects/add", `{"stream_id":"` + id + `","subject":{"subject_type":"email","email":"a@acme.example"}}`, 200, ""},
		{"POST", "/ssf/subjects/remove", `{"stream_id":"` + id + `","subject":{"format":"complex","user":{"format":"email","email":"a@acme.example"}}}`, 204, ""},
		{"POST", "/ssf/verify", `{"stream_id":"` + id + `","state":"s"}`, 204, ""},
		{"POST", "/ssf/verify", `{"stream_id":"` + id + `","state":"s"}`, 429, ""},
		{"DELETE", "/ssf/stream?stream_id=" + id, "", 204, ""},
		{"DELETE", "/ssf/stream?stream_id=" + id, "", 404, ""},
	} {
		if status, said := w.call(c.method, c.path, c.body); status != c.want || !strings.Contains(fmt.Sprint(said), c.says) {
			t.Errorf("%s %s %s: %d %v, want %d and %q", c.method, c.path, c.body, status, said, c.want, c.says)
		}
	}
	page, err := w.Store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryStream), Limit: 10})
	must(t, err)
	if len(page.Rows) != 5 || page.Rows[0].Actor != "receiver "+audience || page.Rows[0].System != "crm" {
		t.Errorf("the record has %d entries of the stream: %+v", len(page.Rows), page.Rows)
	}
}

// A receiver that asked to see that it hears does, by both ways, and one that refuses is known to.
func TestVerificationAndRefusal(t *testing.T) {
	for _, mode := range []string{"push", "poll"} {
		t.Run(mode, func(t *testing.T) {
			w := settleTown(t, mode, "")
			if got := w.Ask(t, "POST", "/verify/blue"); got != http.StatusNoContent {
				t.Fatalf("the verification was refused: %d", got)
			}
			until(t, "the verification has come", func() bool {
				tokens, _ := w.Seen(t)
				return len(tokens) == 1 && tokens[0].Events[string(exeunt.SignalVerification)]["state"] == "blue" && tokens[0].Subject["format"] == "opaque"
			})
			w.Ask(t, "POST", "/refuse/invalid_key")
			id := w.fire("E-2", "ann@acme.example")
			until(t, "the refusal is a task of the owner", func() bool {
				return w.states(id) == "crm-disable failed, crm-revoke-sessions failed"
			})
			steps, err := w.Store.Steps(t.Context(), id)
			must(t, err)
			if !strings.Contains(steps[0].Reason, "invalid_key") {
				t.Errorf("it failed since %q", steps[0].Reason)
			}
			w.Ask(t, "POST", "/refuse/none")
			must(t, w.commands(exeunt.Viewer{}).RetryStep(t.Context(), id, "crm-disable", exeunt.Override{By: "Ida Novak", Reason: "the receiver knows our keys now"}))
			until(t, "it was told after all", func() bool { return strings.Contains(w.states(id), "crm-disable acknowledged") })
		})
	}
}

// Whose token it is decides whose stream it is: no two systems may share one, nor what the receiver calls itself.
func TestNoTwoReceiversAreTheSame(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "systems"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "exeunt.yaml"), []byte(company), 0o600))
	_, digest := signals.NewToken()
	for _, name := range []string{"crm", "wiki"} {
		text := "name: " + name + "\nkind: signals\nidentifier: work_email\ntier: 1\nowner: {role: it}\nfallback: Sign the person out.\nstage: live\nsettings: " + settingsOf(digest, "crm.example", "") + "\n"
		must(t, os.WriteFile(filepath.Join(dir, "systems", name+".yaml"), []byte(text), 0o600))
	}
	_, faults := LoadConfig(dir)
	for _, want := range []string{"audience is that of a system in systems/crm.yaml already", "tokens is that of a system in systems/crm.yaml already"} {
		if !strings.Contains(faults.Error(), want) {
			t.Errorf("%q is not said: %v", want, faults)
		}
	}
}

// After a leak the key that leaked is gone, and what waits is signed by the next one, as the same.
func TestWhatWaitsOutlivesItsKey(t *testing.T) {
	w := settleTown(t, "turn", "")
	jane := w.SignIn(t, "jane@acme.example")
	id := w.fire("E-1", "jane@acme.example")
	var before []exeunt.Signal
	until(t, "both tokens wait", func() bool {
		some, _, err := w.Store.WaitingSignals(t.Context(), audience, 10)
		before = some
		return err == nil && len(some) == 2
	})
	_, err := signalHouse{w.App}.Rotate(t.Context(), "RS256", true, exeunt.Override{By: "Olga", Reason: "the key was in a mail"})
	must(t, err)
	if w.Ask(t, "POST", "/turn") != http.StatusOK || w.Lives(t, jane) {
		t.Error("the session lives")
	}
	tokens, refused := w.Seen(t)
	if len(refused) > 0 || len(tokens) != 2 || tokens[0].ID != before[0].ID && tokens[0].ID != before[1].ID {
		t.Errorf("the receiver saw %+v and refused %q", tokens, refused)
	}
	until(t, "the steps are acknowledged", func() bool {
		return w.states(id) == "crm-disable acknowledged, crm-revoke-sessions acknowledged"
	})
}

// A stream that is disabled holds nothing, not even a verification (SSF 1.0 section 8.1.2.1).
func TestADisabledStreamIsNotVerified(t *testing.T) {
	w := settleTown(t, "", "")
	_, stream := w.call("POST", "/ssf/stream", `{}`)
	id := stream["stream_id"].(string)
	if status, said := w.call("POST", "/ssf/status", `{"stream_id":"`+id+`","status":"disabled"}`); status != http.StatusOK {
		t.Fatalf("%d %v", status, said)
	}
	if status, said := w.call("POST", "/ssf/verify", `{"stream_id":"`+id+`"}`); status != http.StatusBadRequest {
		t.Errorf("%d %v", status, said)
	}
	if left, err := w.Store.Everything().Undelivered(t.Context(), audience, 10); err != nil || len(left) != 0 {
		t.Errorf("there wait %+v %v", left, err)
	}
}
