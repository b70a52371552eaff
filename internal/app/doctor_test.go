package app

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config"
)

// clinic is a vendor whose systems differ in what they let us do, by the first part of the path.
type clinic struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func newClinic(t *testing.T) *clinic {
	c := &clinic{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.asked = append(c.asked, r.Method+" "+r.URL.Path)
		c.mu.Unlock()
		w.Header().Set("Content-Type", "application/scim+json")
		switch system, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); {
		case system == "silent":
			<-r.Context().Done()
		case system == "refusing":
			w.WriteHeader(http.StatusUnauthorized)
		case system == "narrow" && rest == "Groups":
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"detail":"your token ` + r.Header.Get("Authorization") + ` lacks groups:read"}`))
		case rest == "ServiceProviderConfig":
			_, _ = w.Write([]byte(`{"patch":{"supported":true}}`))
		default:
			_, _ = w.Write([]byte(`{"totalResults":0,"Resources":[]}`))
		}
	}))
	t.Cleanup(c.Close)
	return c
}

const clinicToken = "tok-clinic-0123456789"

// patient is a configuration of SCIM systems at the clinic: name → tier.
func (c *clinic) patient(t *testing.T, systems map[string]int) Doctor {
	t.Helper()
	t.Setenv("CLINIC_TOKEN", clinicToken)
	dir := t.TempDir()
	files := map[string]string{"exeunt.yaml": "company: {name: Acme}\nzone: UTC\nurl: http://127.0.0.1\npeople:\n  case_owner: {name: Ida, email: ida@acme.example}\n  roles: {it: {name: Ida, email: ida@acme.example}, hr: {name: Hera, email: hera@acme.example}, legal: {name: Lea, email: lea@acme.example}}\n"}
	for name, tier := range systems {
		files["systems/"+name+".yaml"] = "name: " + name + "\nkind: scim\nidentifier: work_email\ntier: " + string(rune('0'+tier)) +
			"\nowner: {name: Ida, email: ida@acme.example}\nfallback: By hand.\nstage: live\nsettings: {base_url: \"" + c.URL + "/" + name + "\", token: \"env:CLINIC_TOKEN\"}\n"
	}
	for name, text := range files {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	cfg, faults := LoadConfig(dir)
	if len(faults) > 0 {
		t.Fatal(faults.Error())
	}
	return Doctor{Config: cfg, Dir: dir, Data: dir, Limit: time.Minute}
}

func part(t *testing.T, parts []Part, name string) Part {
	t.Helper()
	i := slices.IndexFunc(parts, func(p Part) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("%s was not examined: %+v", name, parts)
	}
	return parts[i]
}

// The riskiest of what is wrong comes first, with the right that lacks, and nothing is changed or shown that is secret.
func TestADoctorSaysWhichRightIsMissing(t *testing.T) {
	c := newClinic(t)
	d := c.patient(t, map[string]int{"narrow": 2, "refusing": 1, "well": 1})
	parts := d.Examine(t.Context())
	if parts[0].Name != "refusing" || parts[1].Name != "narrow" {
		t.Errorf("in another order: %s, %s", parts[0].Name, parts[1].Name)
	}
	if p := part(t, parts, "refusing"); p.Class != exeunt.Unauthorised || p.Remedy == "" || p.Unreachable() {
		t.Errorf("refused credentials: %+v", p)
	}
	narrow := part(t, parts, "narrow")
	if r := narrow.Rights[0]; narrow.Right() || r.Name != "Groups: read" || r.State != connector.Lacking || !slices.Contains(r.For, exeunt.RemoveGroups) || r.Remedy == "" {
		t.Errorf("a right that lacks: %+v", narrow.Rights)
	}
	if p := part(t, parts, "well"); !p.Right() {
		t.Errorf("a system in which all is right: %+v", p)
	}
	if p := part(t, parts, d.Dir); !p.Right() || p.Kind != "data" {
		t.Errorf("the data directory: %+v", p)
	}
	for _, asked := range c.asked {
		if !strings.HasPrefix(asked, "GET ") {
			t.Errorf("%s: that may change something", asked)
		}
	}
	shown, err := json.Marshal(parts)
	must(t, err)
	if strings.Contains(string(shown), clinicToken) {
		t.Error("the token is shown")
	}
	if left, err := filepath.Glob(filepath.Join(d.Dir, ".doctor*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// All are asked at once: when none answers, it takes the limit once and not once for each.
func TestADoctorDoesNotWaitForTheSilent(t *testing.T) {
	c := newClinic(t)
	d := c.patient(t, map[string]int{"silent": 1})
	d.Limit = 50 * time.Millisecond
	if p := part(t, d.Examine(t.Context()), "silent"); !p.Unreachable() || p.Fault == "" {
		t.Errorf("a system that says nothing: %+v", p)
	}
	deaf := examination{Part{Name: "deaf"}, func(context.Context) ([]connector.Right, error) { select {} }}
	if p := deaf.within(t.Context(), d.Limit); !p.Unreachable() {
		t.Errorf("one that does not heed its context: %+v", p)
	}
}

func TestADoctorNamesASecretThatIsNotSet(t *testing.T) {
	c := newClinic(t)
	d := c.patient(t, map[string]int{"well": 1})
	must(t, os.Unsetenv("CLINIC_TOKEN"))
	if p := part(t, d.Examine(t.Context()), "well"); !strings.Contains(p.Fault, "env:CLINIC_TOKEN") {
		t.Errorf("got %+v", p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.asked) > 0 {
		t.Errorf("a system was asked without credentials: %v", c.asked)
	}
}

func TestADoctorLooksAtMailDatabaseAndRecord(t *testing.T) {
	witness := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(witness.Close)
	d := Doctor{Data: filepath.Join(t.TempDir(), "missing"), Database: "postgres://nobody@127.0.0.1:1/none", Limit: time.Minute, Config: &config.Config{
		Mail: &config.Mail{Host: "127.0.0.1", Port: 1, From: "exeunt@acme.example", TLS: "none"},
		Ledger: config.Ledger{Origin: "acme.example/ledger", Address: "unix:///nowhere/ledger.sock", Witnesses: "witness w " + "key" + " " + witness.URL + "\nquorum w\n",
			TimeStamp: &config.TimeStamp{URL: "http://127.0.0.1:1/"}, Publish: config.Publication{Targets: []config.Target{{Name: "share", Kind: "file", Folder: "/nowhere"}}}},
	}}
	parts := d.Examine(t.Context())
	want := map[string]bool{"data": false, "database": false, "mail": false, "ledger": false, "timestamp": false, "publication": false, "witness": true}
	for _, p := range parts {
		right, known := want[p.Kind]
		if !known || p.Right() != right {
			t.Errorf("%s: %+v", p.Kind, p)
		}
		delete(want, p.Kind)
	}
	if len(want) > 0 {
		t.Errorf("not examined: %v", want)
	}
}
