package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

const servedToken = "tok-served-0123456789"

// counter is a SCIM vendor with tenants that differ, by the first part of the path. It counts what would change something.
type counter struct {
	*httptest.Server
	writes atomic.Int64
}

func newCounter(t *testing.T) *counter {
	c := &counter{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		w.Header().Set("Content-Type", "application/scim+json")
		switch filter := r.URL.Query().Get("filter"); {
		case r.Method != http.MethodGet && !strings.HasSuffix(path, "/.search"):
			c.writes.Add(1)
			w.WriteHeader(http.StatusForbidden)
		case tenant == "silent":
			panic(http.ErrAbortHandler) // the connection breaks without a word
		case r.Header.Get("Authorization") != "Bearer "+servedToken:
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"detail":"vendor-words about `+r.Header.Get("Authorization")+`"}`)
		case tenant == "narrow" && strings.HasPrefix(path, "Groups"):
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"detail":"vendor-words: groups:read is missing"}`)
		case path == "Users/u-1":
			_, _ = io.WriteString(w, person("u-1", "jane@acme.example"))
		case path == "Users" && strings.Contains(filter, "jane@") && tenant == "twins":
			_, _ = io.WriteString(w, list(person("u-1", "jane@acme.example"), person("u-2", "jane@acme.example")))
		case path == "Users" && strings.Contains(filter, "jane@"):
			_, _ = io.WriteString(w, list(person("u-1", "jane@acme.example")))
		case strings.HasPrefix(path, "Users/"):
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = io.WriteString(w, list())
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func person(id, name string) string {
	return `{"id":"` + id + `","userName":"` + name + `","active":true,"groups":[{"value":"g-1","display":"Sales"}]}`
}

func list(people ...string) string {
	total, _ := json.Marshal(len(people))
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"startIndex":1,"totalResults":` + string(total) + `,"Resources":[` + strings.Join(people, ",") + `]}`
}

// TestConnectorsAreTriedThroughTheServer asks a running server, by command and by API, for all that may be wrong with a
// system. Whatever is asked, nothing is changed there, and what went wrong says what to do.
func TestConnectorsAreTriedThroughTheServer(t *testing.T) {
	t.Parallel()
	vendor := newCounter(t)
	secrets := folder(t, map[string]string{"right": servedToken, "wrong": "tok-wrong-9876543210"})
	files := map[string]string{}
	for name, at := range map[string]struct{ address, secret string }{
		"crm": {vendor.URL + "/crm", "right"}, "twins": {vendor.URL + "/twins", "right"}, "narrow": {vendor.URL + "/narrow", "right"},
		"locked": {vendor.URL + "/crm", "wrong"}, "silent": {vendor.URL + "/silent", "right"}, "dead": {"http://127.0.0.1:1", "right"},
	} {
		files["systems/"+name+".yaml"] = "name: " + name + "\nkind: scim\nidentifier: work_email\ntier: 1\nowner: {role: it}\nfallback: By hand.\nstage: live\nsettings: {base_url: \"" + at.address + "\", token: \"file:" + secrets + "/" + at.secret + "\"}\n"
	}
	s := servingWith(t, files, "Ida Novak")[0]

	for name, c := range map[string]struct {
		command string
		code    int
		says    []string
	}{
		"the right account":     {"try crm --account jane@acme.example", 0, []string{"jane@acme.example in crm (shadow)   id u-1", "disable", "act, and look again", "groups: g-1", "Nothing was done."}},
		"by its id":             {"try crm --account u-1", 0, []string{"id u-1"}},
		"no account":            {"try crm --account nobody@acme.example", exitNotFound, []string{"nobody in crm is known by that; it knows people by userName"}},
		"two accounts":          {"try twins --account jane@acme.example", exitRefused, []string{"2 accounts of twins are known by that: name one by something that no other has"}},
		"one of two, by its id": {"try twins --account u-1", 0, []string{"id u-1"}},
		"no system":             {"try windows --account jane", exitNotFound, []string{"no system"}},
		"a wrong secret":        {"try locked --account jane@acme.example", exitUnreachable, []string{"refused our credentials (401): renew them"}},
		"nobody answers":        {"try dead --account jane@acme.example", exitUnreachable, []string{"the connection failed: see that it runs, that its address is right"}},
		"the answer is lost":    {"try silent --account jane@acme.example", exitUnreachable, []string{"see that it runs"}},

		"all is granted":                  {"check crm", 0, []string{"granted  Users: read, Groups: read"}},
		"a right lacks":                   {"check narrow", exitNeedsPerson, []string{"missing  Groups: read, for remove_groups", "give the credentials the scope to read Groups"}},
		"its secret is wrong":             {"check locked", exitNeedsPerson, []string{"renew the credentials"}},
		"nobody answers a check":          {"check dead", exitUnreachable, []string{"the connection failed", "see that it runs"}},
		"the answer to a check is lost":   {"check silent", exitUnreachable, []string{"see that it runs"}},
		"a check of what there is not":    {"check windows", exitNotFound, []string{"no system"}},
		"a check of what people end":      {"check doors", exitFailed, []string{"doors has no connector: its steps are tasks of"}},
		"a trial of what people end":      {"try doors --account jane", exitFailed, []string{"doors has no connector"}},
		"a trial of nobody in particular": {"try crm --account=", exitUsage, []string{"account"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.run(t, "", append([]string{"connector"}, strings.Fields(c.command)...)...)
			for _, want := range c.says {
				if got.code != c.code || !strings.Contains(got.out+got.err, want) {
					t.Errorf("ended with %d, want %d and %q:\n%s%s", got.code, c.code, want, got.out, got.err)
				}
			}
			saysNoSecret(t, got.out+got.err)
		})
	}
	servedByAPI(t, s)
	if n := vendor.writes.Load(); n != 0 {
		t.Errorf("%d requests would have changed something", n)
	}
}

func saysNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{"tok-", "vendor-words", "127.0.0.1"} {
		if strings.Contains(text, secret) {
			t.Errorf("it shows %s:\n%s", secret, text)
		}
	}
}

// servedByAPI asks the same of the API, whose answers to what went wrong are problems (RFC 9457).
func servedByAPI(t *testing.T, s shell) {
	t.Helper()
	for name, c := range map[string]struct {
		path, body string
		status     int
		says       string
	}{
		"the right account": {"crm/trial", `{"account":"jane@acme.example"}`, 200, `"would":"act, and look again"`},
		"no account":        {"crm/trial", `{"account":"nobody@acme.example"}`, 404, "it knows people by userName"},
		"two accounts":      {"twins/trial", `{"account":"jane@acme.example"}`, 409, "name one by something that no other has"},
		"a wrong secret":    {"locked/trial", `{"account":"jane@acme.example"}`, 502, "refused"},
		"nobody answers":    {"dead/trial", `{"account":"jane@acme.example"}`, 503, "the connection failed: see that it runs"},
		"a right lacks":     {"narrow/check", ``, 200, `"state":"missing"`},
		"its secret":        {"locked/check", ``, 200, `"remedy":"renew the credentials`},
	} {
		t.Run("API: "+name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.setting("EXEUNT_URL")+"/api/v1/systems/"+c.path, strings.NewReader(c.body))
			must(t, err)
			r.Header.Set("Authorization", "Bearer "+s.setting("EXEUNT_TOKEN"))
			r.Header.Set("Content-Type", "application/json")
			answer, err := http.DefaultClient.Do(r)
			must(t, err)
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			must(t, err)
			if answer.StatusCode != c.status || !strings.Contains(string(text), c.says) {
				t.Errorf("%d, want %d and %q: %s", answer.StatusCode, c.status, c.says, text)
			}
			saysNoSecret(t, strings.ReplaceAll(string(text), `"$schema":"http://127.0.0.1`, ""))
		})
	}
}

// setting is one of the shell's environment.
func (s shell) setting(name string) string {
	for _, one := range s.env {
		if value, ok := strings.CutPrefix(one, name+"="); ok {
			return value
		}
	}
	return ""
}
