package sim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/sim"
)

func company(t *testing.T, people int) *sim.Company {
	t.Helper()
	c, err := sim.Start(t.Context(), people, 7)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, value := range c.Environment() {
		t.Setenv(name, value)
	}
	return c
}

// open opens a system of the company as the product would.
func open(t *testing.T, c *sim.Company, name string) (connector.Connector, connector.Kind, json.RawMessage) {
	t.Helper()
	for _, s := range c.Systems() {
		for _, k := range connectors.All() {
			if s.Name == name && k.Name == s.Kind {
				opened, err := k.Open(s.Settings, http.DefaultTransport)
				if err != nil {
					t.Fatal(err)
				}
				return opened, k, s.Settings
			}
		}
	}
	t.Fatalf("no system %s", name)
	return nil, connector.Kind{}, nil
}

func TestTheSamePeopleForTheSameSeed(t *testing.T) {
	if !reflect.DeepEqual(sim.Workforce(300, 5), sim.Workforce(300, 5)) {
		t.Error("the same seed makes other people")
	}
	if reflect.DeepEqual(sim.Workforce(30, 5), sim.Workforce(30, 6)) {
		t.Error("another seed makes the same people")
	}
	if !reflect.DeepEqual(sim.Workforce(300, 5)[:20], sim.Workforce(20, 5)) {
		t.Error("a larger company has other people at its top")
	}
}

func TestPeopleAreFitToLeave(t *testing.T) {
	people := sim.Workforce(2000, 1)
	seen := map[string]bool{}
	departments := map[string]int{}
	for i, p := range people {
		l := p.Leaver()
		d := exeunt.Departure{Leaver: l, Type: exeunt.Voluntary, LastDay: "2026-11-30"}
		if err := d.Check(); err != nil {
			t.Fatalf("%s: %v", l.Name, err)
		}
		for kind, value := range l.Identifiers {
			if key := string(kind) + " " + value; seen[key] {
				t.Errorf("%s belongs to two", key)
			} else {
				seen[key] = true
			}
			if strings.ContainsFunc(value, func(r rune) bool { return r > 0x7e || r == ' ' }) {
				t.Errorf("%s is no identifier", value)
			}
		}
		if boss := slices.IndexFunc(people, func(b sim.Person) bool { return b.ID() == p.Manager }); (boss < 0) != (i == 0) || boss >= i && i > 0 {
			t.Errorf("%s has the manager %q", p.Name(), p.Manager)
		}
		departments[p.Department]++
	}
	if len(departments) != 9 || departments["Engineering"] < 500 {
		t.Errorf("departments %v", departments)
	}
}

func TestTheDirectoryConforms(t *testing.T) {
	c := company(t, 12)
	_, kind, settings := open(t, c, "directory")
	t.Setenv("SIM_TEST_WRONG", "wrong-token-0123")
	hired := map[string]sim.Person{}
	var n atomic.Int64
	of := func(l exeunt.Leaver) sim.Person { return hired[l.ID] }
	connectortest.Run(t, connectortest.Subject{
		Kind: kind, Settings: settings,
		WrongCredentials: json.RawMessage(strings.Replace(string(settings), "env:EXEUNT_SIM_DIRECTORY_TOKEN", "env:SIM_TEST_WRONG", 1)),
		Secrets:          []string{c.Directory.Token, "wrong-token-0123"},
		Hire: func(testing.TB) exeunt.Leaver {
			p := sim.Workforce(12+int(n.Add(1)), 7)[11+int(n.Load())]
			c.Hire(p)
			hired[p.ID()] = p
			return p.Leaver()
		},
		Removals: func(_ testing.TB, l exeunt.Leaver) map[string][]string {
			return map[string][]string{"groups": c.Directory.Groups(of(l))}
		},
		Twin:      func(_ testing.TB, l exeunt.Leaver) { c.Directory.Twin(of(l)) },
		Rename:    func(_ testing.TB, l exeunt.Leaver) { c.Directory.Rename(of(l)) },
		Vanish:    func(_ testing.TB, l exeunt.Leaver) { c.Directory.Vanish(of(l)) },
		CanSignIn: func(_ testing.TB, l exeunt.Leaver) bool { return c.Directory.CanWork(of(l)) },
	})
}

// end converges disabling in a system once.
func end(t *testing.T, c connector.Connector, kind connector.Kind, settings json.RawMessage, p sim.Person) exeunt.Outcome {
	t.Helper()
	by, err := kind.Correlation(settings)
	if err != nil {
		t.Fatal(err)
	}
	account, exception := connector.Correlate(t.Context(), c, by, p.Leaver(), nil)
	if exception != nil {
		return *exception
	}
	specs, err := kind.Specs(settings)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(specs, func(s exeunt.ActionSpec) bool { return s.Action == exeunt.Disable })
	out, err := connector.Converge(t.Context(), c, connector.Aim{Account: account, Spec: specs[i]}, func(exeunt.Observation) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheSystemThatSaysYesAndDoesNothingIsNotDone(t *testing.T) {
	c := company(t, 20)
	conn, kind, settings := open(t, c, "crm")
	p := c.People[15]
	if out := end(t, conn, kind, settings, p); out.Kind == exeunt.Done || c.CRM.Calls("PATCH") != 1 {
		t.Errorf("%s after %d changes; it was never done", out.Kind, c.CRM.Calls("PATCH"))
	}
	if !c.CRM.SignIn(p) || !c.CRM.CanWork(p) {
		t.Error("the person is shut out of a system that does nothing")
	}
	c.CRM.Deafen(false)
	if out := end(t, conn, kind, settings, p); out.Kind != exeunt.Done || c.CRM.SignIn(p) {
		t.Errorf("%s once it listens again; signed in: %v", out.Kind, c.CRM.SignIn(p))
	}
}

func TestFaultsStrikeAsToldAndHeal(t *testing.T) {
	for _, f := range []struct {
		name  string
		fault sim.Fault
		want  exeunt.ErrorKind
		wait  time.Duration
	}{
		{"slow down", sim.Fault{Status: 429, Header: map[string]string{"Retry-After": "5"}}, exeunt.Throttled, 5 * time.Second},
		{"broken", sim.Fault{Status: 500}, exeunt.Temporary, 0},
		{"denied", sim.Fault{Status: 403}, exeunt.Denied, 0},
		{"cut", sim.Fault{Cut: true}, exeunt.Temporary, 0},
		{"wrong words", sim.Fault{Status: 200, Body: "<html>"}, exeunt.Temporary, 0},
		{"only PATCH", sim.Fault{Method: "PATCH", Status: 500}, "", 0},
	} {
		t.Run(f.name, func(t *testing.T) {
			c := company(t, 20)
			c.Chat.Heal()
			conn, kind, settings := open(t, c, "chat")
			c.Chat.Break(f.fault)
			_, err := connectortest.Search(t.Context(), kind, settings, conn, c.People[15].Leaver())
			if exeunt.KindOf(err) != f.want {
				t.Errorf("got %v (%s), want %s", err, exeunt.KindOf(err), f.want)
			}
			if e, ok := err.(*exeunt.Error); ok && e.RetryAfter != f.wait {
				t.Errorf("wait %s, want %s", e.RetryAfter, f.wait)
			}
			c.Chat.Heal()
			if _, err := connectortest.Search(t.Context(), kind, settings, conn, c.People[15].Leaver()); err != nil {
				t.Errorf("healed: %v", err)
			}
		})
	}
}

func TestEverySeventhChatRequestIsThrottled(t *testing.T) {
	c := company(t, 20)
	conn, kind, settings := open(t, c, "chat")
	var kinds []exeunt.ErrorKind
	for range 14 {
		_, err := connectortest.Search(t.Context(), kind, settings, conn, c.People[15].Leaver())
		kinds = append(kinds, exeunt.KindOf(err))
	}
	for i, k := range kinds {
		if (k == exeunt.Throttled) != ((i+1)%7 == 0) {
			t.Errorf("%v: want each seventh throttled", kinds)
			break
		}
	}
}

// TestALateSystemShowsItLater runs the vendor without a network, so that time can be made to pass.
func TestALateSystemShowsItLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sim.New(20, 7)
		p := c.People[15]
		c.Chat.Heal()
		patch := func(method, body string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, "/v2/users/ch-1016", strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+c.Chat.Token)
			w := httptest.NewRecorder()
			c.Chat.ServeHTTP(w, r)
			return w
		}
		if w := patch("PATCH", `{"status":"suspended"}`); w.Code != 200 || !strings.Contains(w.Body.String(), "suspending") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		time.Sleep(sim.ChatLag - time.Millisecond)
		if w := patch("GET", ""); !strings.Contains(w.Body.String(), `"active"`) {
			t.Errorf("shortly before: %s", w.Body)
		}
		time.Sleep(time.Millisecond)
		if w := patch("GET", ""); !strings.Contains(w.Body.String(), `"suspended"`) || c.Chat.SignIn(p) {
			t.Errorf("after its lag: %s", w.Body)
		}
	})
}

func TestBambooHRSignsAndTells(t *testing.T) {
	c := company(t, 20)
	p := c.People[15]
	var body []byte
	var header http.Header
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		header = r.Header
		w.WriteHeader(http.StatusAccepted)
	}))
	defer receiver.Close()
	status, err := c.HR.Announce(t.Context(), receiver.URL, p, "2026-11-30", "voluntary")
	if err != nil || status != http.StatusAccepted {
		t.Fatal(status, err)
	}
	if header.Get("X-BambooHR-Signature") != sim.Sign(c.HR.PrivateKey, body, header.Get("X-BambooHR-Timestamp")) || !strings.Contains(string(body), p.ID()) {
		t.Errorf("delivered %s with %v", body, header)
	}
	if got := ask(t, c, p, c.HR.Token); got["status"] != "Inactive" || got["terminationDate"] != "2026-11-30" || got["workEmail"] != p.WorkEmail || len(got) != 4 {
		t.Errorf("the HR system says %v", got)
	}
	c.HR.Stay(p)
	if got := ask(t, c, p, c.HR.Token); got["status"] != "Active" {
		t.Errorf("after it was taken back: %v", got)
	}
	if got := ask(t, c, p, "wrong"); got["code"] != "unauthorised" {
		t.Errorf("with a wrong key: %v", got)
	}
}

// TestTheSignatureIsTheDocumentedOne fixes it by a value computed with openssl:
// printf '%s%s' '{"a":1}' 1658248023 | openssl dgst -sha256 -hmac key
func TestTheSignatureIsTheDocumentedOne(t *testing.T) {
	const want = "c79401b08f5a1aef0242cc8c9b9223a2d3bdc14909d9a891c5f724102fb70e88"
	if got := sim.Sign("key", []byte(`{"a":1}`), "1658248023"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func ask(t *testing.T, c *sim.Company, p sim.Person, key string) map[string]any {
	t.Helper()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, c.HR.URL+"/api/v1/employees/"+p.ID()+"?fields=status,terminationDate,workEmail,unheardOf", nil)
	r.SetBasicAuth(key, "x")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var got map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}
