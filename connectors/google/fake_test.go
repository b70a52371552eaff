package google_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/exeunt/exeunt/connector/connectortest/description"
)

// workspace is a Google Workspace in memory, held to Google's own descriptions: a request that they do not have, or with a
// token whose scopes do not do for it, fails the test, and so does an answer of its own. Its lists lag behind.
type workspace struct {
	*httptest.Server
	description.Discovery
	t   testing.TB
	key *rsa.PrivateKey

	mu        sync.Mutex
	people    map[string]*person
	groups    map[string]*group
	roles     map[string]string // id to name
	units     []string
	transfers []map[string]any
	offered   []object // applications whose data can be handed over
	binned    []object // accounts that were deleted and can be restored
	forgetful bool     // roles are listed of everybody, whoever is asked about
	begun     int      // of the transfers, those that the list shows
	made      int
	lagging   bool
	lacking   map[string]bool // scopes that the second service account was not given
	tokens    map[string]bearer
	asked     []string // ids of methods
	fault     func(method string) fault
}

type fault int

const (
	healthy  fault = iota
	lost           // does it and drops the connection
	lie            // answers and does nothing
	slowDown       // 403 userRateLimitExceeded
)

type bearer struct {
	as     string
	scopes []string
}

type person struct {
	id, email, password        string
	aliases                    []string
	employeeID                 string
	suspended, archived, admin bool
	enforced, unlisted         bool
	unit, recovery             string
	sessions                   int
	reply                      map[string]any
	delegates                  []string
	forwards                   bool
	forwarding                 []string // addresses
	live, shown                lists
}

// lists are what Google shows of a person with some delay.
type lists struct {
	enrolled bool
	codes    int
	asps     map[int]string
	grants   map[string]string
	groups   map[string]string // id to role
	delivery map[string]string // of groups whose mail does not come one by one
	roles    map[string]map[string]any
	devices  map[string]string // id to status
	licences map[string]bool
}

func (l lists) clone() lists {
	l.asps, l.grants, l.groups, l.roles = maps.Clone(l.asps), maps.Clone(l.grants), maps.Clone(l.groups), maps.Clone(l.roles)
	l.devices, l.licences, l.delivery = maps.Clone(l.devices), maps.Clone(l.licences), maps.Clone(l.delivery)
	return l
}

type group struct {
	email   string
	dynamic bool
	nested  string // the group by which its members are in it
}

const domain, delegate = "corp.example", "exeunt-admin@corp.example"

// known and foreign are keys of service accounts, made once: that takes longer than most tests.
var known, foreign = sync.OnceValues(newKey), sync.OnceValues(newKey)

func newKey() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }

// described is what Google says of its APIs.
func described(t testing.TB) description.Discovery {
	t.Helper()
	var documents [][]byte
	for _, file := range []string{"directory", "datatransfer", "gmail", "licensing"} {
		raw, err := os.ReadFile(filepath.Join("testdata", file+".json"))
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, raw)
	}
	all, err := description.ReadDiscovery(documents...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func newWorkspace(t testing.TB) *workspace {
	key, err := known()
	if err != nil {
		t.Fatal(err)
	}
	w := &workspace{
		Discovery: described(t), t: t, key: key, people: map[string]*person{}, groups: map[string]*group{}, tokens: map[string]bearer{},
		roles: map[string]string{"1": "Groups Admin", "2": "Help Desk Admin", "3": "_SEED_ADMIN_ROLE"}, units: []string{"/", "/Staff", "/Leavers"}, lacking: map[string]bool{},
		offered: []object{{"id": "55656082996", "name": "Drive and Docs"}, {"id": "435070579839", "name": "Calendar"}, {"id": "810260081642", "name": "Looker Studio"}},
	}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	w.hire(delegate).admin = true
	return w
}

func (w *workspace) hire(email string) *person {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made++
	p := &person{id: fmt.Sprintf("1%020d", w.made), email: email, password: "old", recovery: "s3cret-0123@home.example", unit: "/Staff", live: lists{groups: map[string]string{}, delivery: map[string]string{}, roles: map[string]map[string]any{}}}
	w.people[p.id] = p
	return p
}

// tick lets a moment pass, after which the lists show what was done.
func (w *workspace) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.people {
		for id, status := range p.live.devices {
			if status == "ACCOUNT_WIPING" {
				p.live.devices[id] = "ACCOUNT_WIPED"
			}
		}
		p.shown = p.live.clone()
	}
	for _, transfer := range w.transfers {
		next := map[any]string{"new": "inProgress"}[transfer["overallTransferStatusCode"]]
		if next == "" {
			next = "completed"
		}
		transfer["overallTransferStatusCode"] = next
	}
	w.begun = len(w.transfers)
}

// account writes the key file of a service account and says how settings name it. The second one lacks scopes, the third
// has a key that Google does not know.
func (w *workspace) account(t testing.TB, number int) string {
	t.Helper()
	key := w.key
	if number == 3 {
		var err error
		if key, err = foreign(); err != nil {
			t.Fatal(err)
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": fmt.Sprintf("exeunt%d@project.example", number), "private_key_id": "k1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": w.URL + "/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return "file:" + path
}

// ServeHTTP hands out tokens, and answers the methods of the contract.
func (w *workspace) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path == "/token" {
		w.token(out, body)
		return
	}
	m, path, err := w.Method(r.Method, r.URL)
	if err == nil {
		err = m.Check(path, r.URL.Query(), r.Header.Get("Content-Type"), body)
	}
	if err != nil {
		w.t.Errorf("outside the description: %v", err)
		say(out, http.StatusBadRequest, refusal("badRequest"))
		return
	}
	w.asked = append(w.asked, m.ID)
	who, known := w.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !known {
		say(out, http.StatusUnauthorized, refusal("authError"))
		return
	}
	if !slices.ContainsFunc(who.scopes, func(s string) bool { return slices.Contains(m.Scopes, s) }) {
		say(out, http.StatusForbidden, refusal("insufficientPermissions"))
		return
	}
	w.answer(out, r, m, path, body, who)
}

func (w *workspace) answer(out http.ResponseWriter, r *http.Request, m description.Method, path map[string]string, body []byte, who bearer) {
	happens := healthy
	if w.fault != nil {
		happens = w.fault(m.ID)
	}
	switch happens {
	case slowDown:
		out.Header().Set("Retry-After", "7")
		say(out, http.StatusForbidden, refusal("userRateLimitExceeded"))
		return
	case lie:
		say(out, http.StatusOK, map[string]any{})
		return
	case healthy, lost:
	}
	status, answer := w.do(call{m.ID, path, r.URL.Query(), body, who})
	if !w.lagging {
		for _, p := range w.people {
			p.shown = p.live.clone()
		}
		w.begun = len(w.transfers)
	}
	if happens == lost {
		panic(http.ErrAbortHandler)
	}
	if status >= http.StatusBadRequest {
		say(out, status, answer)
		return
	}
	plain := normal(answer)
	if m.Gives.Ref == "" {
		plain = nil
	} else if err := m.Answer(plain); err != nil {
		w.t.Errorf("the fake answers outside the description: %v", err)
	}
	if mask := r.URL.Query().Get("fields"); mask != "" && plain != nil {
		var err error
		if plain, err = m.Only(plain, mask); err != nil {
			w.t.Errorf("%s: fields=%s: %v", m.ID, mask, err)
		}
	}
	if plain == nil {
		out.WriteHeader(http.StatusNoContent)
		return
	}
	say(out, status, plain)
}

// normal is the value as JSON. Google leaves out what is empty.
func normal(value any) any {
	raw, _ := json.Marshal(value)
	var plain any
	_ = json.Unmarshal(raw, &plain)
	if object, ok := plain.(map[string]any); ok {
		maps.DeleteFunc(object, func(_ string, v any) bool {
			list, many := v.([]any)
			return v == nil || many && len(list) == 0
		})
		for name := range object {
			if list, many := object[name].([]any); many {
				for i := range list {
					list[i] = normal(list[i])
				}
			}
		}
	}
	return plain
}

func say(out http.ResponseWriter, status int, body any) {
	out.Header().Set("Content-Type", "application/json; charset=UTF-8")
	out.WriteHeader(status)
	_ = json.NewEncoder(out).Encode(body)
}

func refusal(reason string, message ...string) map[string]any {
	text := "s3cret-0123 of the vendor"
	if len(message) > 0 {
		text = message[0]
	}
	return map[string]any{"error": map[string]any{"message": text, "errors": []any{map[string]any{"domain": "global", "reason": reason, "message": text}}}}
}

// token answers the grant of RFC 7523 §2.1 as Google does: a scope that is not delegated is unauthorized_client.
func (w *workspace) token(out http.ResponseWriter, body []byte) {
	form, _ := url.ParseQuery(string(body))
	parts := strings.Split(form.Get("assertion"), ".")
	var claims struct{ Iss, Sub, Aud, Scope string }
	valid := len(parts) == 3 && form.Get("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer"
	if valid {
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		valid = rsa.VerifyPKCS1v15(&w.key.PublicKey, crypto.SHA256, sum[:], signature) == nil && json.Unmarshal(payload, &claims) == nil
	}
	as := w.person(claims.Sub)
	if !valid || claims.Aud != w.URL+"/token" || as == nil || as.suspended {
		say(out, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": "s3cret-0123"})
		return
	}
	scopes := strings.Fields(claims.Scope)
	for _, scope := range scopes {
		if strings.HasPrefix(claims.Iss, "exeunt2@") && w.lacking[scope] {
			say(out, http.StatusUnauthorized, map[string]string{"error": "unauthorized_client", "error_description": "s3cret-0123"})
			return
		}
	}
	token := rand.Text()
	w.tokens[token] = bearer{as.email, scopes}
	say(out, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3599})
}

// person is found by id, primary address or alias.
func (w *workspace) person(key string) *person {
	for _, p := range w.people {
		if p.id == key || p.email == key || slices.Contains(p.aliases, key) {
			return p
		}
	}
	return nil
}
