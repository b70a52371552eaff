package yaml_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connector/connectortest/description"
	"github.com/exeunt/exeunt/connectors/yaml"
	"github.com/exeunt/exeunt/internal/httpspec"
	"github.com/exeunt/exeunt/internal/sim"
)

var update = flag.Bool("update", false, "write the golden files")

// subjects pairs each description with its contract and with the simulator that speaks it.
var subjects = []struct {
	name, contract string
	vendor         func(*sim.Company) *sim.Vendor
	answersToo     bool // the simulator's answers are held to the contract as well
	removals       map[string]func(*sim.Vendor, sim.Person) []string
	door           bool // people work in it
	renames        bool // an account can be followed through a renaming
}{
	{name: "identity", contract: "identity.openapi.yaml", vendor: func(c *sim.Company) *sim.Vendor { return c.Identity }, answersToo: true, door: true, renames: true,
		removals: map[string]func(*sim.Vendor, sim.Person) []string{"factors": (*sim.Vendor).Factors}},
	{name: "payroll", contract: "payroll.openapi.yaml", vendor: func(c *sim.Company) *sim.Vendor { return c.Payroll }, answersToo: true, renames: true},
	{name: "benefits", contract: "benefits.openapi.yaml", vendor: func(c *sim.Company) *sim.Vendor { return c.Benefits }, answersToo: true, renames: true},
	{name: "workspace", contract: "workspace.openapi.yaml", vendor: func(c *sim.Company) *sim.Vendor { return c.Chat }, answersToo: true, door: true, renames: true},
	// GitHub's own contract demands far more of an answer than a simulator of three calls gives. A login
	// that was renamed is not followed: the account counts as not found, and a person looks.
	{name: "github", contract: "github-leaver.json", vendor: func(c *sim.Company) *sim.Vendor { return c.Code }, door: true},
}

func TestEveryDescriptionIsTested(t *testing.T) {
	tested := []string{"glewlwyd"} // against the server itself
	for _, s := range subjects {
		tested = append(tested, s.name)
	}
	slices.Sort(tested)
	shipped, err := filepath.Glob("*.yaml")
	for i, name := range shipped {
		shipped[i] = strings.TrimSuffix(name, ".yaml")
	}
	if err != nil || !slices.Equal(tested, shipped) {
		t.Errorf("shipped %v, tested %v, %v", shipped, tested, err)
	}
	for _, name := range shipped {
		text, err := yaml.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		if spec, err := httpspec.Parse(name, text); err != nil || len(spec.Check) == 0 {
			t.Errorf("%s has no check by which exeunt doctor and connector check could say what is granted, %v", name, err)
		}
	}
	if _, err := yaml.Read("../yaml/github"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a path is read: %v", err)
	}
}

// held reads a description; the answers of a simulator of few calls are left alone on wish.
func held(t testing.TB, file, base string, answers bool) connectortest.Description {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	d, err := description.NewOpenAPI(raw, base)
	if err != nil {
		t.Fatal(err)
	}
	d.RequestsOnly = !answers
	return d
}

// transcript is traffic for people to read.
type transcript struct {
	strings.Builder
	from *connectortest.Recorder
	told int // exchanges
}

// heading begins a part, after all that was said before.
func (s *transcript) heading(text string) {
	s.write()
	fmt.Fprintf(s, "# %s\n\n", text)
}

func (s *transcript) write() {
	traffic := s.from.Traffic()
	for _, x := range traffic[s.told:] {
		fmt.Fprintf(s, "> %s %s\n", x.Method, x.URL.RequestURI())
		if key := x.Header.Get("Idempotency-Key"); key != "" {
			fmt.Fprintf(s, "> Idempotency-Key: %s\n", key)
		}
		if len(x.Body) > 0 {
			fmt.Fprintf(s, "> %s\n", x.Body)
		}
		fmt.Fprintf(s, "< %d %s\n\n", x.Status, bytes.TrimSpace(x.Answer))
	}
	s.told = len(traffic)
}

// company starts a company of people without the faults that a demonstration has.
func company(t testing.TB, people int) *sim.Company {
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
	c.Chat.Heal()
	c.Chat.Lag(0)
	return c
}

func kind() connector.Kind { return httpspec.Kind(yaml.Read) }

func settings(t testing.TB, c *sim.Company, v *sim.Vendor) []byte {
	t.Helper()
	for _, s := range c.Systems() {
		if s.Vendor == v {
			return s.Settings
		}
	}
	t.Fatal("no such system")
	return nil
}

func setenv(t *testing.T, c *sim.Company) {
	t.Helper()
	for name, value := range c.Environment() {
		t.Setenv(name, value)
	}
}

// TestTheExchangesOfADeparture shows, in testdata/*.transcript, all that a description says to a system
// and hears from it: search, look, act, look again, and all of that once more to put it back.
func TestTheExchangesOfADeparture(t *testing.T) {
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			world := company(t, 40)
			setenv(t, world)
			vendor := s.vendor(world)
			said := &transcript{from: &connectortest.Recorder{}}
			raw := settings(t, world, vendor)
			c, err := kind().Open(raw, said.from)
			if err != nil {
				t.Fatal(err)
			}
			leaver := world.People[20].Leaver()
			by, err := kind().Correlation(raw)
			if err != nil {
				t.Fatal(err)
			}
			account, exception := connector.Correlate(t.Context(), c, by, leaver, nil)
			if exception != nil {
				t.Fatal(exception.Err)
			}
			specs, err := kind().Specs(raw)
			if err != nil {
				t.Fatal(err)
			}
			recorded := map[exeunt.Action]map[string][]string{}
			converge := func(spec exeunt.ActionSpec, undo bool) {
				with := connector.Parameters{
					Case: 2041, Leaver: leaver, LastDay: "2026-11-30", TerminationDate: "2026-12-01", IdempotencyKey: "c2041-" + s.name + "-" + string(spec.Action),
				}
				if undo {
					with.Undo, with.Snapshot, with.IdempotencyKey = true, recorded[spec.Action], with.IdempotencyKey+"-undo"
				}
				out, err := connector.Converge(t.Context(), c, connector.Aim{Account: account, Spec: spec, With: with}, func(before exeunt.Observation) error {
					recorded[spec.Action] = before.Snapshot
					return nil
				})
				if err != nil || out.Kind != exeunt.Done || out.Proof != spec.Proof || !out.Changed {
					t.Errorf("%s: %+v, %v", spec.Action, out, err)
				}
			}
			for _, spec := range specs {
				said.heading(spec.Title)
				converge(spec, false)
			}
			for _, spec := range slices.Backward(specs) {
				if spec.Reversible {
					said.heading("Put back: " + spec.Title)
					converge(spec, true)
				}
			}
			said.write()
			if _, faults := connectortest.Judge(held(t, s.contract, vendor.URL, s.answersToo), said.from.Traffic()); len(faults) > 0 {
				t.Errorf("against the description: %q", faults)
			}
			golden(t, "testdata/"+s.name+".transcript", said.String())
		})
	}
}

// TestGitHubSaysWhichScopeIsMissing asks what a classic token and a fine-grained one may do.
func TestGitHubSaysWhichScopeIsMissing(t *testing.T) {
	t.Setenv("GITHUB_TEST_TOKEN", "tok-github-0123456789")
	for scopes, want := range map[string]connector.RightState{"repo, admin:org": connector.Granted, "repo, read:org": connector.Lacking, "-": connector.Unknown} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if scopes != "-" {
				w.Header().Set("X-OAuth-Scopes", scopes)
			}
			_, _ = io.WriteString(w, "[]")
		}))
		recorder := &connectortest.Recorder{}
		c, err := kind().Open([]byte(`{"spec":"github","base_url":"`+server.URL+`","token":"env:GITHUB_TEST_TOKEN","values":{"org":"corp"}}`), recorder)
		if err != nil {
			t.Fatal(err)
		}
		rights, err := connector.Examine(t.Context(), c)
		i := slices.IndexFunc(rights, func(r connector.Right) bool { return r.Name == "admin:org" })
		if err != nil || i < 0 || rights[i].State != want || rights[0].Name != "read members" || rights[0].State != connector.Granted {
			t.Errorf("%q: %+v, %v", scopes, rights, err)
		}
		if _, faults := connectortest.Judge(held(t, "github-leaver.json", server.URL, false), recorder.Traffic()); len(faults) > 0 {
			t.Error(faults)
		}
		server.Close()
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s has changed; got\n%s", file, got)
	}
}

func TestDescriptionsConform(t *testing.T) {
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			world := company(t, 12)
			setenv(t, world)
			t.Setenv("YAML_TEST_WRONG", "wrong-secret-0123")
			vendor := s.vendor(world)
			raw := settings(t, world, vendor)
			people := newPeople(world)
			subject := connectortest.Subject{
				Kind: kind(), Settings: raw, Description: held(t, s.contract, vendor.URL, s.answersToo),
				WrongCredentials: secret.ReplaceAll(raw, []byte(`"env:YAML_TEST_WRONG"`)),
				Secrets:          []string{vendor.Token, "wrong-secret-0123"},
				Hire:             people.hire,
				Twin:             func(t testing.TB, l exeunt.Leaver) { vendor.Twin(people.of(l)) },
				Vanish:           func(t testing.TB, l exeunt.Leaver) { vendor.Vanish(people.of(l)) },
			}
			if s.name == "identity" {
				subject.Application = func(testing.TB) connector.Application {
					a := vendor.Offer(sim.Application{Label: "Door locks", Protocol: "saml", Username: "user.email", Status: "off", Assigned: 7})
					return connector.Application{ID: a.ID, Name: a.Label, Mode: a.Protocol, SignsIn: a.Username, People: a.Assigned, Inactive: true}
				}
			}
			if s.name == "github" {
				subject.Twin = nil // logins are unique there
			}
			if s.renames {
				subject.Rename = func(t testing.TB, l exeunt.Leaver) { vendor.Rename(people.of(l)) }
			}
			if s.door {
				subject.CanSignIn = func(t testing.TB, l exeunt.Leaver) bool { return vendor.CanWork(people.of(l)) }
			}
			if s.removals != nil {
				subject.Removals = func(t testing.TB, l exeunt.Leaver) map[string][]string {
					want := map[string][]string{}
					for key, list := range s.removals {
						want[key] = list(vendor, people.of(l))
					}
					return want
				}
			}
			connectortest.Run(t, subject)
		})
	}
}

var secret = regexp.MustCompile(`"env:[A-Z_]*"`)

// people hires and remembers.
type people struct {
	world *sim.Company
	next  atomic.Int64
	kept  sync.Map
}

func newPeople(world *sim.Company) *people { return &people{world: world} }

func (p *people) hire(testing.TB) exeunt.Leaver {
	n := int(p.next.Add(1))
	person := sim.Workforce(60, 99)[n+11]
	person.Number += 10_000
	person.EmployeeID = fmt.Sprintf("LK-9%04d", n)
	person.Login += "-new"
	person.WorkEmail = "new." + person.WorkEmail
	p.world.Hire(person)
	leaver := person.Leaver()
	p.kept.Store(leaver.ID, person)
	return leaver
}

func (p *people) of(l exeunt.Leaver) sim.Person {
	person, _ := p.kept.Load(l.ID)
	return person.(sim.Person)
}
