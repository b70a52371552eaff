package template_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connectors/template"
	"github.com/exeunt/exeunt/internal/httpspec"
)

// TestACopyCompilesAndPasses does what docs/write-a-connector.md says: it copies the template, and vets and tests the copy. It
// stands in the module for as long as that takes, where ./... does not look.
func TestACopyCompilesAndPasses(t *testing.T) {
	files, err := template.Go("badges")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("testdata", "badges")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = os.RemoveAll(dir)
		_ = os.Remove("testdata") // when nobody else has a copy there
	})
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range [][]string{{"vet"}, {"test", "-count=1", "-v"}} {
		cmd := exec.CommandContext(t.Context(), "go", append(command, "./"+dir)...)
		said, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, said)
		}
		if command[0] == "test" && !strings.Contains(string(said), "--- PASS: TestConforms/each_action_converges_in_order") {
			t.Errorf("the suite has not run in the copy:\n%s", said)
		}
	}
}

// locks is a vendor of door locks, as the template of a description has one.
type locks struct {
	*httptest.Server
	mu      sync.Mutex
	holders map[string]map[string]any
	writes  int
}

const locksToken = "tok-locks-0123456789"

func newLocks(t *testing.T) *locks {
	l := &locks{holders: map[string]map[string]any{}}
	mux := http.NewServeMux()
	say := func(w http.ResponseWriter, value any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(value)
	}
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-OAuth-Scopes", "holders.read, holders.write")
		say(w, map[string]string{"name": "exeunt"})
	})
	mux.HandleFunc("GET /sites/7/holders", func(w http.ResponseWriter, r *http.Request) {
		items := []any{}
		for _, id := range slices.Sorted(maps.Keys(l.holders)) {
			if q := r.URL.Query(); !q.Has("number") || l.holders[id]["number"] == q.Get("number") {
				items = append(items, l.holders[id])
			}
		}
		say(w, map[string]any{"items": items})
	})
	mux.HandleFunc("GET /sites/7/holders/{id}", l.of(func(w http.ResponseWriter, _ *http.Request, h map[string]any) { say(w, h) }))
	mux.HandleFunc("GET /sites/7/holders/{id}/badges", l.of(func(w http.ResponseWriter, _ *http.Request, h map[string]any) {
		say(w, map[string]any{"items": []any{map[string]any{"id": "badge of " + h["name"].(string)}}})
	}))
	mux.HandleFunc("PATCH /sites/7/holders/{id}", l.of(func(w http.ResponseWriter, r *http.Request, h map[string]any) {
		l.writes++
		var sent map[string]any
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil || sent["status"] == nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		h["status"] = sent["status"]
		say(w, h)
	}))
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+locksToken {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *locks) of(do func(http.ResponseWriter, *http.Request, map[string]any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if h := l.holders[r.PathValue("id")]; h != nil {
			do(w, r, h)
			return
		}
		w.WriteHeader(http.StatusNotFound)
	}
}

// TestTheDescriptionToBeginWithWorks checks and tries it against a vendor as it describes one, and then ends somebody by it.
func TestTheDescriptionToBeginWithWorks(t *testing.T) {
	text, err := template.YAML("badge_readers")
	if err != nil {
		t.Fatal(err)
	}
	l := newLocks(t)
	t.Setenv("LOCKS_TOKEN", locksToken)
	t.Setenv("LOCKS_WRONG", "tok-wrong-9876543210")
	settings := func(token string) json.RawMessage {
		return json.RawMessage(`{"spec":"badge_readers","base_url":"` + l.URL + `","token":"env:` + token + `","values":{"site":"7"}}`)
	}
	kind := httpspec.Kind(func(name string) ([]byte, error) { return []byte(text), nil })
	leaver := connectortest.Leaver(1)
	l.holders["h1"] = map[string]any{"id": "h1", "name": "Ann", "number": leaver.Identifier(exeunt.EmployeeID), "status": "active"}
	l.holders["h2"] = map[string]any{"id": "h2", "name": "Bob", "number": "somebody else", "status": "active"}

	c, err := kind.Open(settings("LOCKS_TOKEN"), http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	rights, err := connector.Examine(t.Context(), c)
	if err != nil || len(rights) < 2 || slices.ContainsFunc(rights, func(r connector.Right) bool { return r.State != connector.Granted }) {
		t.Errorf("checked: %+v, %v", rights, err)
	}
	specs, err := kind.Specs(settings("LOCKS_TOKEN"))
	if err != nil {
		t.Fatal(err)
	}
	by, err := kind.Correlation(settings("LOCKS_TOKEN"))
	if err != nil {
		t.Fatal(err)
	}
	trial, err := connector.Try(t.Context(), c, exeunt.System{Name: "doors", Actions: specs, Correlation: by, Identifier: exeunt.EmployeeID}, leaver.Identifier(exeunt.EmployeeID))
	if err != nil || trial.Account.ID != "h1" || trial.Prospects[0].Would != "act, and look again" || l.writes != 0 {
		t.Errorf("tried: %+v, %v, %d writes", trial, err, l.writes)
	}
	wrong, err := kind.Open(settings("LOCKS_WRONG"), http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connector.Examine(t.Context(), wrong); exeunt.KindOf(err) != exeunt.Unauthorised {
		t.Errorf("with a wrong token: %v", err)
	}
	l.ends(t, c, specs[0], trial.Account, leaver)
}

// ends does the first action and puts it back.
func (l *locks) ends(t *testing.T, c connector.Connector, spec exeunt.ActionSpec, account exeunt.Account, leaver exeunt.Leaver) {
	t.Helper()
	var snapshot map[string][]string
	for _, undo := range []bool{false, true} {
		aim := connector.Aim{Account: account, Spec: spec, With: connector.Parameters{Case: 1, Leaver: leaver, IdempotencyKey: "c1-doors", Undo: undo, Snapshot: snapshot}}
		out, err := connector.Converge(t.Context(), c, aim, func(before exeunt.Observation) error {
			snapshot = before.Snapshot
			return nil
		})
		if err != nil || out.Kind != exeunt.Done || out.Proof != exeunt.Observed {
			t.Fatalf("undo %v: %+v, %v", undo, out, err)
		}
		if want := map[bool]string{false: "blocked", true: "active"}[undo]; l.holders["h1"]["status"] != want || l.holders["h2"]["status"] != "active" {
			t.Errorf("undo %v: %v", undo, l.holders)
		}
	}
}
