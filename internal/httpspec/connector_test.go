package httpspec_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/httpspec"
)

// vendor answers by "METHOD path" and keeps what it was asked.
type vendor struct {
	mu      sync.Mutex
	answers map[string]func(w http.ResponseWriter, r *http.Request)
	asked   []string
	bodies  []string
	headers []http.Header
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v.mu.Lock()
	v.asked = append(v.asked, r.Method+" "+r.URL.RequestURI())
	v.bodies = append(v.bodies, string(body))
	v.headers = append(v.headers, r.Header.Clone())
	answer, ok := v.answers[r.Method+" "+r.URL.Path]
	v.mu.Unlock()
	if !ok {
		http.Error(w, `{"error":"no such place"}`, http.StatusNotFound)
		return
	}
	answer(w, r)
}

func says(status int, body string, headers ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const token = "tok-abcdef-0123456789"

// suite opens the suite of testdata/suite.yaml over a vendor.
func suite(t *testing.T, answers map[string]func(http.ResponseWriter, *http.Request)) (connector.Connector, *vendor) {
	t.Helper()
	v := &vendor{answers: answers}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	return open(t, source(t, "testdata/suite.yaml"), map[string]any{"base_url": server.URL, "token": "env:SUITE_TOKEN", "values": map[string]string{"site": "7"}}), v
}

func open(t *testing.T, spec []byte, settings map[string]any) connector.Connector {
	t.Helper()
	t.Setenv("SUITE_TOKEN", token)
	settings["spec"] = "suite"
	raw, _ := json.Marshal(settings)
	c, err := kind(spec).Open(raw, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func kind(spec []byte) connector.Kind {
	return httpspec.Kind(func(name string) ([]byte, error) {
		if name != "suite" {
			return nil, errors.New("no such file")
		}
		return spec, nil
	})
}

// search looks for the accounts of somebody as a visit does; all descriptions here are searched by the address.
func search(ctx context.Context, c connector.Connector, l exeunt.Leaver) ([]exeunt.Account, error) {
	match, err := connector.Search(ctx, c, exeunt.Correlation{exeunt.IdentifierRule("mail", exeunt.WorkEmail)}, l, nil)
	var accounts []exeunt.Account
	for _, f := range match.Accounts {
		accounts = append(accounts, f.Account)
	}
	return accounts, err
}

func leaver(mail string) exeunt.Leaver {
	return exeunt.Leaver{ID: "E-1", Name: `Ann "The Axe" O'Neil`, Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: mail}}
}

// healthy is an active account with two pages of keys and a seat.
func healthy() map[string]func(http.ResponseWriter, *http.Request) {
	return map[string]func(http.ResponseWriter, *http.Request){
		"GET /users/u1": says(200, `{"id":"u1","status":"on","version":12345678901234567890}`),
		"GET /users/u1/keys": func(w http.ResponseWriter, r *http.Request) {
			pages := map[string]string{"": `{"items":[{"id":"a","name":"front door"},{"id":"b","name":"lab"}]}`, "2": `{"items":[{"id":"c","name":"roof"}]}`}
			_, _ = io.WriteString(w, pages[r.URL.Query().Get("page")])
		},
		"GET /seats/u1": says(200, `{}`),
	}
}

// with adds answers to a set.
func with(answers map[string]func(http.ResponseWriter, *http.Request), more ...any) map[string]func(http.ResponseWriter, *http.Request) {
	for i := 0; i+1 < len(more); i += 2 {
		if answer, _ := more[i+1].(func(http.ResponseWriter, *http.Request)); answer != nil {
			answers[more[i].(string)] = answer
		}
	}
	return answers
}

var ann = exeunt.Account{ID: "u1", Login: "ann@corp.example"}

func TestFindReadsAllPagesAndReturnsNoStranger(t *testing.T) {
	c, v := suite(t, map[string]func(http.ResponseWriter, *http.Request){
		"GET /users": func(w http.ResponseWriter, r *http.Request) {
			pages := map[string]string{
				"":   `{"items":[{"id":1,"mail":"joann@corp.example"}],"next":"p2"}`,
				"p2": `{"items":[{"id":9007199254740993,"mail":"Ann@corp.example"},{"id":3}],"next":null}`,
			}
			_, _ = io.WriteString(w, pages[r.URL.Query().Get("after")])
		},
	})
	found, err := search(t.Context(), c, leaver("ann@corp.example"))
	want := []exeunt.Account{{ID: "9007199254740993", Login: "Ann@corp.example"}}
	if err != nil || !slices.Equal(found, want) {
		t.Errorf("found %v, %v; want %v from the second page, and no stranger", found, err, want)
	}
	if v.asked[0] != "GET /users?q=ann%40corp.example" || v.headers[0].Get("Authorization") != "Bearer "+token || v.headers[0].Get("X-Site") != "7" {
		t.Errorf("asked %s with %v", v.asked[0], v.headers[0])
	}
}

func TestFindReturnsBothOfTwoMatches(t *testing.T) {
	c, _ := suite(t, map[string]func(http.ResponseWriter, *http.Request){
		"GET /users": says(200, `{"items":[{"id":"1","mail":"ann@corp.example"},{"id":"2","mail":"ANN@corp.example"}]}`),
	})
	if found, err := search(t.Context(), c, leaver("ann@corp.example")); err != nil || len(found) != 2 {
		t.Errorf("found %v, %v; want both, for a person to decide", found, err)
	}
}

func TestFindNeedsTheIdentifier(t *testing.T) {
	c, v := suite(t, nil)
	if _, err := search(t.Context(), c, leaver("")); exeunt.KindOf(err) != exeunt.Invalid || len(v.asked) > 0 {
		t.Errorf("got %v after %v; want invalid without a request", err, v.asked)
	}
}

func TestFindRefusesAListWithoutEnd(t *testing.T) {
	n := 0
	c, _ := suite(t, map[string]func(http.ResponseWriter, *http.Request){
		"GET /users": func(w http.ResponseWriter, _ *http.Request) { n++; fmt.Fprintf(w, `{"items":[],"next":"p%d"}`, n) },
	})
	if _, err := search(t.Context(), c, leaver("a@b.c")); exeunt.KindOf(err) != exeunt.Invalid || n > 100 {
		t.Errorf("got %v after %d pages", err, n)
	}
}

func TestObserveReadsFactsSnapshotAndStandings(t *testing.T) {
	c, _ := suite(t, healthy())
	seen, err := c.Observe(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	if seen.Facts["status"] != "on" || seen.Facts["keys"] != "3" || seen.Facts["version"] != "12345678901234567890" {
		t.Errorf("facts %v", seen.Facts)
	}
	if !slices.Equal(seen.Snapshot["keys"], []string{"a", "b", "c"}) {
		t.Errorf("snapshot %v: want the keys of both pages", seen.Snapshot)
	}
	want := map[exeunt.Action]exeunt.Standing{exeunt.Disable: exeunt.Absent, "remove_keys": exeunt.Absent, exeunt.ReclaimLicence: exeunt.Absent, exeunt.NotifyAdministrator: exeunt.Unknown}
	for action, standing := range want {
		if seen.Of(action) != standing {
			t.Errorf("%s is %s, want %s", action, seen.Of(action), standing)
		}
	}
}

func TestObserveKnowsDonePendingAndGone(t *testing.T) {
	for _, c := range []struct {
		place, body string
		status      int
		action      exeunt.Action
		want        exeunt.Standing
		err         exeunt.ErrorKind
	}{
		{"GET /users/u1", `{"id":"u1","status":"off"}`, 200, exeunt.Disable, exeunt.Holds, ""},
		{"GET /users/u1", `{"id":"u1","status":"queued"}`, 200, exeunt.Disable, exeunt.Pending, ""},
		{"GET /users/u1", `{"id":"u1","status":false}`, 200, exeunt.Disable, exeunt.Absent, ""},
		{"GET /users/u1", `{"id":"u1"}`, 200, exeunt.Disable, "", exeunt.Invalid},
		{"GET /users/u1", `{"id":"u2","status":"off"}`, 200, exeunt.Disable, "", exeunt.NotFound},
		{"GET /users/u1", `gone`, 404, exeunt.Disable, "", exeunt.NotFound},
		{"GET /users/u1/keys", `{"items":[]}`, 200, "remove_keys", exeunt.Holds, ""},
		{"GET /users/u1/keys", `{"items":{}}`, 200, "remove_keys", "", exeunt.Invalid},
		{"GET /seats/u1", ``, 404, exeunt.ReclaimLicence, exeunt.Holds, ""},
		{"GET /seats/u1", ``, 403, exeunt.ReclaimLicence, "", exeunt.Denied},
	} {
		t.Run(c.place+" "+c.body, func(t *testing.T) {
			answers := healthy()
			answers[c.place] = says(c.status, c.body)
			conn, _ := suite(t, answers)
			seen, err := conn.Observe(t.Context(), ann)
			if exeunt.KindOf(err) != c.err || err == nil && seen.Of(c.action) != c.want {
				t.Errorf("got %s, %v; want %s, %s", seen.Of(c.action), err, c.want, c.err)
			}
		})
	}
}

func TestApplyPutsValuesIntoJSONNotIntoText(t *testing.T) {
	answers := healthy()
	answers["PATCH /users/u1"] = says(200, `{}`)
	c, v := suite(t, answers)
	err := c.Apply(t.Context(), ann, exeunt.Disable, connector.Parameters{
		Leaver: leaver("ann@corp.example"), LastDay: "2026-11-30", IdempotencyKey: "key-1",
		Seen: exeunt.Observation{At: time.Now(), Facts: map[string]string{"version": "3"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"flags":[1,true,null,"{x}"],"note":"Ann \"The Axe\" O'Neil leaves on 2026-11-30","status":"off","version":"3"}`
	if v.bodies[0] != want || v.headers[0].Get("Idempotency-Key") != "key-1" || v.headers[0].Get("Content-Type") != "application/json" {
		t.Errorf("sent %s\nwith %v\nwant %s", v.bodies[0], v.headers[0], want)
	}
}

func TestApplyStopsWhenAValueIsNotKnown(t *testing.T) {
	c, v := suite(t, healthy())
	err := c.Apply(t.Context(), ann, exeunt.Disable, connector.Parameters{Leaver: leaver("a@b.c"), IdempotencyKey: "k", Seen: exeunt.Observation{At: time.Now(), Facts: map[string]string{"version": "3"}}})
	if exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), "{last_day}") || len(v.asked) > 0 {
		t.Errorf("got %v after %v; want the missing last day named and nothing sent", err, v.asked)
	}
}

func TestAnIDCannotWalkToAnotherAddress(t *testing.T) {
	for _, id := range []string{"..", "u1/../u2", `u1\u2`, "u1\nu2", "."} {
		c, v := suite(t, healthy())
		if _, err := c.Observe(t.Context(), exeunt.Account{ID: id}); exeunt.KindOf(err) != exeunt.Invalid || len(v.asked) > 0 {
			t.Errorf("%q: got %v after %v; want it refused before any request", id, err, v.asked)
		}
	}
	c, v := suite(t, healthy())
	_, _ = c.Observe(t.Context(), exeunt.Account{ID: "u1?x=1#y"})
	if v.asked[0] != "GET /users/u1%3Fx=1%23y" {
		t.Errorf("asked %s: want the id escaped as one segment", v.asked[0])
	}
}

func TestEachItemOfTheSnapshotIsRemoved(t *testing.T) {
	c, v := suite(t, with(healthy(),
		"DELETE /users/u1/keys/a", says(204, ""),
		"DELETE /users/u1/keys/b", says(404, ""), // already gone
		"DELETE /users/u1/keys/c", says(204, ""),
	))
	seen := exeunt.Observation{At: time.Now(), Snapshot: map[string][]string{"keys": {"a", "b", "c"}}}
	if err := c.Apply(t.Context(), ann, "remove_keys", connector.Parameters{Seen: seen}); err != nil || deletions(v) != 3 {
		t.Errorf("got %v after %v", err, v.asked)
	}
	c, v = suite(t, with(healthy(), "DELETE /users/u1/keys/a", says(204, ""), "DELETE /users/u1/keys/b", says(204, ""), "DELETE /users/u1/keys/c", says(204, "")))
	if err := c.Apply(t.Context(), ann, "remove_keys", connector.Parameters{}); err != nil || deletions(v) != 3 {
		t.Errorf("without a look before: got %v after %v; want it to look itself", err, v.asked)
	}
}

func deletions(v *vendor) (n int) {
	for _, asked := range v.asked {
		if strings.HasPrefix(asked, "DELETE") {
			n++
		}
	}
	return n
}

func TestARefusalThatMeansAlreadyIsNotBelievedOfAnAccountThatIsGone(t *testing.T) {
	c, _ := suite(t, with(healthy(), "PATCH /users/u1", says(409, ""), "GET /users/u1", says(404, "")))
	err := c.Apply(t.Context(), ann, exeunt.Disable, connector.Parameters{
		Leaver: leaver("a@b.c"), LastDay: "2026-11-30", IdempotencyKey: "k", Seen: exeunt.Observation{At: time.Now(), Facts: map[string]string{"version": "3"}},
	})
	if exeunt.KindOf(err) != exeunt.NotFound {
		t.Errorf("got %v, want not found", err)
	}
}

func TestApplyClassesEveryAnswer(t *testing.T) {
	for _, c := range []struct {
		name   string
		action exeunt.Action
		answer func(http.ResponseWriter, *http.Request)
		want   exeunt.ErrorKind
		wait   time.Duration
	}{
		{"success", exeunt.Disable, says(200, "anything"), "", 0},
		{"already so", exeunt.Disable, says(409, ""), "", 0},
		{"2xx that is no success here", exeunt.Disable, says(202, ""), exeunt.Temporary, 0},
		{"redirect", exeunt.Disable, says(302, "", "Location", "/login"), exeunt.Invalid, 0},
		{"bad request", exeunt.Disable, says(400, `{"code":"x"}`), exeunt.Invalid, 0},
		{"bad request that means denied", exeunt.Disable, says(400, `{"code":"last_owner"}`), exeunt.Denied, 0},
		{"200 that says no", exeunt.Disable, says(200, `{"ok":false}`), exeunt.Conflict, 0},
		{"unauthorised", exeunt.Disable, says(401, ""), exeunt.Unauthorised, 0},
		{"denied", exeunt.Disable, says(403, ""), exeunt.Denied, 0},
		{"denied that means slow down", exeunt.Disable, says(403, "", "X-Left", "0", "X-Reset", "90"), exeunt.Throttled, 90 * time.Second},
		{"gone", exeunt.Disable, says(404, ""), exeunt.NotFound, 0},
		{"slow down", exeunt.Disable, says(429, "", "Retry-After", "7"), exeunt.Throttled, 7 * time.Second},
		{"broken", exeunt.Disable, says(500, "<html>"), exeunt.Temporary, 0},
		{"away", exeunt.Disable, says(503, "", "Retry-After", "60"), exeunt.Temporary, time.Minute},
		{"accepted", exeunt.NotifyAdministrator, says(200, `{"accepted":true}`), "", 0},
		{"not accepted", exeunt.NotifyAdministrator, says(200, `{"accepted":false}`), exeunt.Temporary, 0},
		{"sign-in page", exeunt.NotifyAdministrator, says(200, `<html>Sign in</html>`), exeunt.Temporary, 0},
		{"cut JSON", exeunt.NotifyAdministrator, says(200, `{"accepted":tr`), exeunt.Temporary, 0},
		{"two documents", exeunt.NotifyAdministrator, says(200, `{"accepted":true}{}`), exeunt.Temporary, 0},
		{"empty", exeunt.NotifyAdministrator, says(204, ``), exeunt.Temporary, 0},
		{"other JSON", exeunt.NotifyAdministrator, says(200, `{"queued":true}`), exeunt.Invalid, 0},
		{"endless", exeunt.Disable, says(200, strings.Repeat("x", 1<<20+1)), exeunt.Invalid, 0},
		{"cut body", exeunt.Disable, says(200, "short", "Content-Length", "100"), exeunt.Temporary, 0},
		{"unknown action", exeunt.ResetFactors, nil, exeunt.Unsupported, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, _ := suite(t, with(healthy(), "PATCH /users/u1", c.answer, "POST /messages", c.answer))
			err := conn.Apply(t.Context(), ann, c.action, connector.Parameters{
				Leaver: leaver("a@b.c"), LastDay: "2026-11-30", IdempotencyKey: "k", Seen: exeunt.Observation{At: time.Now(), Facts: map[string]string{"version": "3"}},
			})
			if exeunt.KindOf(err) != c.want {
				t.Fatalf("got %v (%s), want %s", err, exeunt.KindOf(err), c.want)
			}
			if err == nil {
				return
			}
			if e, ok := errors.AsType[*exeunt.Error](err); !ok || e.RetryAfter != c.wait {
				t.Errorf("got %#v, want to wait %s", err, c.wait)
			}
			if strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "html") {
				t.Errorf("%q shows the token or the vendor's words", err)
			}
		})
	}
}
