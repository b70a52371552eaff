package app_test

import (
	"archive/zip"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/app"
	"github.com/exeunt/exeunt/internal/store"
)

// canaries are the values of the secrets. None may be met again where anything is kept or said.
var canaries = map[string]string{
	"CANARY_HOOK": "canary-hook-Zq81", "CANARY_API_KEY": "canary-apikey-Zq82", "CANARY_TOKEN": "canary-token-Zq83", "CANARY_BASIC": "canary-basic-Zq84",
	"CANARY_CLIENT": "canary-client-Zq85", "CANARY_LDAP": "canary-ldap-Zq86", "CANARY_PG": "canary-pg-Zq87", "CANARY_MAIL": "canary-mail-Zq88",
}

const mail = `
mail: {host: 127.0.0.1, port: %d, tls: none, from: Exeunt <exeunt@acme.example>, username: exeunt, password: env:CANARY_MAIL}
`

const hrSource = `
sources:
  - name: bamboohr
    kind: bamboohr
    authoritative: true
    secret: env:CANARY_HOOK
    settings: {company: acme, base_url: %s/hr, api_key: env:CANARY_API_KEY, default_type: voluntary, fields: {leaver.identifiers.login: [customLogin]}}
`

// gossip repeats whatever it was told, secrets included, in as many ways as vendors have: in bodies of
// errors and of successes, and in the address of a redirect.
type gossip struct {
	mu    sync.Mutex
	heard bytes.Buffer
}

func (g *gossip) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	told, _ := httputil.DumpRequest(r, true)
	g.mu.Lock()
	g.heard.Write(told)
	if user, password, ok := r.BasicAuth(); ok {
		fmt.Fprintln(&g.heard, user, password)
		told = append(told, user+":"+password...)
	}
	g.mu.Unlock()
	echo, _ := json.Marshal(map[string]any{"error": string(told), "error_description": string(told), "detail": string(told), "message": string(told)})
	w.Header().Set("X-Debug", r.Header.Get("Authorization"))
	switch way := strings.Split(r.URL.Path, "/")[1]; way {
	case "hr":
		w.WriteHeader(http.StatusInternalServerError)
	case "moved":
		w.Header().Set("Location", "http://127.0.0.1:1/?was="+url.QueryEscape(r.Header.Get("Authorization")))
		w.WriteHeader(http.StatusTemporaryRedirect)
	case "cut":
		w.Header().Set("Content-Length", "100000")
	case "200":
	default:
		var code int
		_, _ = fmt.Sscan(way, &code)
		w.WriteHeader(code)
	}
	_, _ = w.Write(echo)
}

// hostile is an inventory of systems that do not keep a secret.
func hostile(address string) map[string]string {
	const head = "name: %s\nidentifier: login\ntier: 1\nowner: {role: it}\nfallback: By hand.\nstage: live\n"
	files := map[string]string{}
	add := func(name, rest string) { files["systems/"+name+".yaml"] = fmt.Sprintf(head, name) + rest }
	for _, way := range []string{"400", "401", "403", "409", "429", "500", "200", "cut", "moved"} {
		add("token-"+way, fmt.Sprintf("kind: scim\nsettings: {base_url: %s/%s, token: env:CANARY_TOKEN, match: {login: userName}}\n", address, way))
	}
	add("basic", fmt.Sprintf("kind: scim\nsettings: {base_url: %s/400, username: svc, password: env:CANARY_BASIC, match: {login: userName}}\n", address))
	add("client", fmt.Sprintf("kind: http\nsettings: {spec: identity, base_url: %s/400, client_id: svc, client_secret: env:CANARY_CLIENT, identifier: login}\n", address))
	add("header", fmt.Sprintf("kind: http\nbranch: Payroll\nsettings: {spec: payroll, base_url: %s/500, token: env:CANARY_TOKEN, identifier: login}\n", address))
	add("directory", "kind: ldap\nsettings: {url: ldaps://127.0.0.1:1, bind_dn: cn=svc, bind_password: env:CANARY_LDAP, base_dn: dc=x}\n")
	add("database", "kind: postgresql\nsettings: {url: \"postgres://svc@127.0.0.1:1/x\", password: env:CANARY_PG}\n")
	return files
}

// TestNoSecretIsKeptOrSaid runs a departure against vendors that repeat every secret they are told, with
// the log at its most talkative, and then looks everywhere.
func TestNoSecretIsKeptOrSaid(t *testing.T) {
	for name, value := range canaries {
		t.Setenv(name, value)
	}
	vendors := &gossip{}
	server := httptest.NewServer(vendors)
	defer server.Close()
	files := hostile(server.URL)
	files["exeunt.yaml"] = company + fmt.Sprintf(hrSource, server.URL) + fmt.Sprintf(mail, rudeMailServer(t))
	o := options(t, files)
	var log bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&lockedWriter{w: &log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a := start(t, o)

	signed(t, a, `{"type":"employee.updated","timestamp":"`+time.Now().UTC().Format(time.RFC3339)+`","data":{"employeeId":"7","changedFields":["status"]}}`, canaries["CANARY_HOOK"], 202)
	signed(t, a, `{"broken`, canaries["CANARY_HOOK"], 400)
	signed(t, a, `{}`, "canary-of-somebody-else", 401)
	signed(t, a, fieldsOf("8"), canaries["CANARY_HOOK"], 202)
	var id exeunt.CaseID
	within(t, 30*time.Second, "the field-based departure opens a case", func() bool {
		page, err := a.Store.Everything().Cases(t.Context(), store.CaseQuery{}, time.Now())
		must(t, err)
		if len(page.Rows) == 1 {
			id = page.Rows[0].ID
		}
		return id != 0
	})
	within(t, 60*time.Second, "every system was tried", func() bool { return tried(t, a, id, len(files)-1) })
	var packet bytes.Buffer
	must(t, a.Proofs.Evidence(t.Context(), &packet, id, exeunt.Viewer{Name: "test"}))
	page, err := a.Store.Everything().Entries(t.Context(), store.EntryQuery{Limit: 1000})
	must(t, err)
	everything, err := json.Marshal(page.Rows)
	must(t, err)
	file, err := a.Store.Everything().CaseFile(t.Context(), id)
	must(t, err)
	whole, err := json.Marshal(file)
	must(t, err)
	a.Stop()

	vendors.mu.Lock()
	heard := vendors.heard.String()
	vendors.mu.Unlock()
	for _, name := range []string{"CANARY_TOKEN", "CANARY_BASIC", "CANARY_CLIENT", "CANARY_API_KEY"} {
		if len(traces(heard, canaries[name])) == 0 {
			t.Errorf("no vendor was told %s, so that nothing was tried here", name)
		}
	}
	clean(t, "the log", log.String())
	clean(t, "the entries", string(everything))
	clean(t, "the case", string(whole))
	clean(t, "the packet", unpacked(t, packet.Bytes()))
	cleanFiles(t, o.DataDir)
}

// tried says whether each system's first attempt is on record.
func tried(t *testing.T, a *app.App, id exeunt.CaseID, systems int) bool {
	t.Helper()
	f, err := a.Store.Everything().CaseFile(t.Context(), id)
	must(t, err)
	done := map[string]bool{}
	for _, s := range f.Steps {
		if s.Attempt > 0 || s.State == exeunt.StepFailed {
			done[s.System] = true
		}
	}
	return len(done) == systems
}

// signed posts a webhook as BambooHR would.
func signed(t *testing.T, a *app.App, body, key string, want int) {
	t.Helper()
	at := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body + at))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL()+"/hooks/bamboohr", strings.NewReader(body))
	must(t, err)
	r.Header.Set("X-BambooHR-Timestamp", at)
	r.Header.Set("X-BambooHR-Signature", hex.EncodeToString(mac.Sum(nil)))
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	if answer.StatusCode != want {
		t.Fatalf("%s is answered %s, want %d", body, answer.Status, want)
	}
}

func fieldsOf(id string) string {
	return fmt.Sprintf(`{"employees":[{"id":%q,"action":"Updated","changedFields":["Status"],"fields":{"First Name":"Jane","Last Name":"Doe","Status":"Inactive","Termination Date":%q,"Work Email":"jane@acme.example","customLogin":"jane"}}]}`,
		id, time.Now().AddDate(0, 0, -1).Format(time.DateOnly))
}

// traces lists the forms in which a secret stands in a text: as it is, in an address, and in base64 at
// each of its three alignments, which is how it stands in a basic authorisation.
func traces(text, secret string) (found []string) {
	forms := []string{secret, url.QueryEscape(secret), hex.EncodeToString([]byte(secret))}
	for skip := range 3 {
		whole := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", skip) + secret))
		forms = append(forms, whole[skip+1:len(whole)-4]) // without what depends on its neighbours
	}
	for _, form := range forms {
		if strings.Contains(text, form) {
			found = append(found, form)
		}
	}
	return found
}

func clean(t *testing.T, where, text string) {
	t.Helper()
	if text == "" {
		t.Errorf("%s is empty, so that nothing was tried here", where)
	}
	for name, secret := range canaries {
		for _, form := range traces(text, secret) {
			at := strings.Index(text, form)
			t.Errorf("%s holds %s: …%q…", where, name, text[max(0, at-120):min(len(text), at+40)])
		}
	}
}

// unpacked is all that a packet holds: the bodies of the ledger's entries, opened.
func unpacked(t *testing.T, packet []byte) string {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(packet), int64(len(packet)))
	must(t, err)
	var all strings.Builder
	for _, f := range in.File {
		r, err := f.Open()
		must(t, err)
		_, err = io.Copy(&all, r)
		must(t, err)
	}
	return all.String()
}

// cleanFiles looks into every file: the database with its write-ahead log, and the ledger.
func cleanFiles(t *testing.T, dir string) {
	t.Helper()
	looked := map[string]bool{}
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		looked[filepath.Base(path)] = true
		for name, secret := range canaries {
			if len(traces(string(data), secret)) > 0 {
				t.Errorf("%s holds %s", path, name)
			}
		}
		return err
	}))
	for _, name := range []string{"exeunt.db", "checkpoint"} {
		if !looked[name] {
			t.Errorf("there was no %s among %v", name, looked)
		}
	}
}

// rudeMailServer repeats the password that it refuses, and returns its port.
func rudeMailServer(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go refuse(c)
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func refuse(c net.Conn) {
	defer c.Close()
	fmt.Fprint(c, "220 rude\r\n")
	buffer := make([]byte, 4096)
	for {
		n, err := c.Read(buffer)
		if err != nil {
			return
		}
		line := strings.TrimSpace(string(buffer[:n]))
		if strings.HasPrefix(line, "EHLO") {
			fmt.Fprint(c, "250-rude\r\n250 AUTH PLAIN LOGIN\r\n")
			continue
		}
		fmt.Fprintf(c, "535 5.7.8 %s is wrong, %s\r\n", line, canaries["CANARY_MAIL"])
	}
}

type lockedWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
