package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConnectorsAreShownOnTheCommandLine(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	all := s.document(t, 0, "connector", "list")["connectors"].([]any)
	shown := s.document(t, 0, "connector", "show", "github")["connector"].(map[string]any)
	if len(all) < 11 || shown["kind"] != "http" || shown["signs_in"] != "a bearer token" {
		t.Errorf("%d connectors, github is %v", len(all), shown)
	}
	description := filepath.Join(folder(t, map[string]string{"doors.yaml": "name: doors\ntitle: Doors\nauth: {kind: bearer}\nfind: {}\n"}), "doors.yaml")
	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"list":          {[]string{"list"}, 0, []string{"activedirectory", "github           http", "reset_factors disable revoke_sessions"}},
		"kind":          {[]string{"show", "ldap"}, 0, []string{"remove_groups", "observed", "write member of groups", "bind_password", "reference to a secret", "A connection that was bound before stays open"}},
		"unknown":       {[]string{"show", "windows"}, 3, []string{"exeunt connector list"}},
		"faults":        {[]string{"show", description}, 2, []string{"doors.yaml", "doors.yaml:4: find.identifier is missing", "observe.looks is missing"}},
		"no such file":  {[]string{"show", "nowhere.yaml"}, 2, []string{"nowhere.yaml cannot be read"}},
		"without whom":  {[]string{"try", "crm"}, 2, []string{"account"}},
		"nobody serves": {[]string{"check", "crm"}, 2, []string{"EXEUNT_TOKEN"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.run(t, "", append([]string{"connector"}, c.args...)...)
			for _, want := range c.says {
				if got.code != c.code || !strings.Contains(got.out+got.err, want) {
					t.Errorf("ended with %d, want %d and %q:\n%s%s", got.code, c.code, want, got.out, got.err)
				}
			}
		})
	}
}

// TestASystemIsAskedWithoutAServer looks at one account of a SCIM service, which refuses whatever would change something.
func TestASystemIsAskedWithoutAServer(t *testing.T) {
	t.Parallel()
	const jane = `{"id":"u-1","userName":"jane@acme.example","active":true,"groups":[]}`
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/scim+json")
		switch {
		case r.Method != http.MethodGet:
			t.Errorf("%s %s", r.Method, r.URL)
		case strings.HasSuffix(r.URL.Path, "/Users/u-1"):
			_, _ = w.Write([]byte(jane))
		case strings.Contains(r.URL.Query().Get("filter"), "jane@"):
			_, _ = w.Write([]byte(`{"totalResults":1,"startIndex":1,"itemsPerPage":1,"Resources":[` + jane + `]}`))
		case strings.Contains(r.URL.Path, "/Users/"):
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = w.Write([]byte(`{"totalResults":0,"Resources":[]}`))
		}
	}))
	t.Cleanup(vendor.Close)
	token := folder(t, map[string]string{"token": "tok-trial-0123456789"}) + "/token"
	crm := func(name, address string) string {
		return "name: " + name + "\nkind: scim\nidentifier: work_email\ntier: 1\nowner: {role: it}\nfallback: By hand.\nstage: live\nsettings: {base_url: \"" + address + "\", token: \"file:" + token + "\"}\n"
	}
	dir, s := folder(t, map[string]string{"exeunt.yaml": smallCompany, "systems/doors.yaml": smallDoors, "systems/crm.yaml": crm("crm", vendor.URL), "systems/dead.yaml": crm("dead", "http://127.0.0.1:1")}), newShell(t)

	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"trial":            {[]string{"try", "crm", "--account", "jane@acme.example"}, 0, []string{"jane@acme.example in crm (live)   id u-1", "disable", "act, and look again", "nothing: it is so already", "Nothing was done."}},
		"nobody":           {[]string{"try", "crm", "--account", "nobody@acme.example"}, 3, []string{"nobody in crm is known by that; it knows people by userName"}},
		"a task of people": {[]string{"try", "doors", "--account", "jane"}, 1, []string{"doors has no connector"}},
		"not configured":   {[]string{"check", "windows"}, 3, []string{"no system"}},
		"rights":           {[]string{"check", "crm"}, 0, []string{"granted  Users: read, Groups: read", "unknown  Users: write, for disable"}},
		"nobody answers":   {[]string{"check", "dead"}, 6, []string{"the connection failed", "see that it runs"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.run(t, "", append(append([]string{"connector"}, c.args...), "--config", dir)...)
			for _, want := range c.says {
				if got.code != c.code || !strings.Contains(got.out+got.err, want) {
					t.Errorf("ended with %d, want %d and %q:\n%s%s", got.code, c.code, want, got.out, got.err)
				}
			}
			if strings.Contains(got.out+got.err, "tok-trial") {
				t.Error("the token is shown")
			}
		})
	}
	if got := s.run(t, "", "connector", "check", "crm", "--config", folder(t, map[string]string{"exeunt.yaml": smallCompany})); got.code != 2 || !strings.Contains(got.err, "the inventory is empty") {
		t.Errorf("a configuration with faults: %+v", got)
	}
}

func TestASystemIsAskedThroughTheServer(t *testing.T) {
	t.Parallel()
	s := serving(t)
	for _, args := range [][]string{{"check", "doors"}, {"try", "doors", "--account", "jane"}} {
		if got := s.run(t, "", append([]string{"connector"}, args...)...); got.code == 0 || !strings.Contains(got.err, "doors has no connector: its steps are tasks of") {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

func TestPagesOfConnectorsAreWritten(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir := filepath.Join(t.TempDir(), "new")
	if got := s.run(t, "", "connector", "pages", "--out", dir); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	want, err := os.ReadFile("../../docs/connectors/github.md")
	must(t, err)
	if page, err := os.ReadFile(filepath.Join(dir, "github.md")); err != nil || string(page) != string(want) {
		t.Errorf("%v: %s", err, page)
	}
}

// TestANewConnectorIsOneFromTheStart writes a description and shows it at once.
func TestANewConnectorIsOneFromTheStart(t *testing.T) {
	t.Parallel()
	s, dir := newShell(t), t.TempDir()
	file := filepath.Join(dir, "specs", "badge_readers.yaml")
	if got := s.run(t, "", "connector", "new", "--yaml", "badge_readers", "--out", filepath.Dir(file)); got.code != 0 || !strings.Contains(got.err, file) {
		t.Fatalf("%+v", got)
	}
	if got := s.run(t, "", "connector", "show", file); got.code != 0 || !strings.Contains(got.out, "badge_readers   Door locks   kind http") {
		t.Errorf("%+v", got)
	}
	if got := s.run(t, "", "connector", "new", "--yaml", "badge_readers", "--out", filepath.Dir(file)); got.code != exitRefused {
		t.Errorf("it was written over: %+v", got)
	}
	if files := s.document(t, 0, "connector", "new", "--go", "badges", "--out", dir)["files"].([]any); len(files) != 2 || files[0] != filepath.Join(dir, "badges", "badges.go") {
		t.Errorf("%v", files)
	}
	for _, args := range [][]string{{}, {"--yaml", "a", "--go", "b"}, {"--go", "Not A Name"}} {
		if got := s.run(t, "", append([]string{"connector", "new"}, args...)...); got.code != exitUsage {
			t.Errorf("%v: %+v", args, got)
		}
	}
}
