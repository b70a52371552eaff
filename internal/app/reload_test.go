package app

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/testserver"
	"github.com/exeunt/exeunt/internal/wrap"
)

// rewrite writes or removes files of a server's configuration; "" removes.
func rewrite(t *testing.T, a *App, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(a.options.ConfigDir, name)
		if text == "" {
			must(t, os.Remove(path))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
}

const wiki = `
name: wiki
kind: manual
identifier: work_email
tier: 3
owner: {role: it}
fallback: Close the account.
`

var byIda = Asker{Who: "ida@acme.example", From: exeunt.FromMachine, How: "by exeunt reload"}

func ready(t *testing.T, a *App) (state readiness) {
	t.Helper()
	answer, err := http.Get(a.URL() + "/readyz")
	must(t, err)
	defer func() { _ = answer.Body.Close() }()
	must(t, json.NewDecoder(answer.Body).Decode(&state))
	if answer.StatusCode != http.StatusOK {
		t.Errorf("/readyz answers %s: %+v", answer.Status, state)
	}
	return state
}

// What is right takes over whole: systems, plans, people; who asked and what changed is in the ledger, and a running case
// keeps the plan that it has.
func TestAnotherConfigurationTakesOverWhole(t *testing.T) {
	a := started(t)
	defer a.Stop()
	running := opened(t, a)
	planned := len(stepsOf(t, a, running))
	before := a.Config().Version
	rewrite(t, a, map[string]string{"systems/wiki.yaml": wiki, "exeunt.yaml": strings.Replace(company, "Hera Lind", "Hera Sommer", 1)})
	r, err := a.Reload(t.Context(), byIda)
	must(t, err)
	if !r.Taken || r.Before != before || r.After == before || r.After != a.Config().Version {
		t.Fatalf("not taken: %+v", r)
	}
	var said []string
	for _, d := range r.Differences {
		said = append(said, d.Change+" "+d.Noun+" "+d.Name)
	}
	if want := []string{"changed role hr", "added system wiki"}; !slices.Equal(said, want) {
		t.Errorf("it says %q, want %q", said, want)
	}
	e := newest(t, a.Store, exeunt.EntryConfigured)
	if d := e.Detail; e.What != "configuration changed" || d["by"] != "ida@acme.example" || d["added system"] != "wiki" || d["changed role"] != "hr" ||
		d["version"] != r.After || d["version before"] != before || d["how"] == "" {
		t.Errorf("the record has %+v", e.Entry)
	}
	if got := len(stepsOf(t, a, running)); got != planned {
		t.Errorf("the running case has %d steps and tasks by now, %d before", got, planned)
	}
	if next := len(stepsOf(t, a, leaving(t, a, "E-2"))); next != planned+1 {
		t.Errorf("the next case has %d steps and tasks, want one more than %d", next, planned)
	}
	if state := ready(t, a); state.Configuration != r.After || len(state.Misconfigured) > 0 {
		t.Errorf("health says %+v", state)
	}
	again, err := a.Reload(t.Context(), byIda)
	must(t, err)
	if !again.Taken || again.Before != again.After || newest(t, a.Store, exeunt.EntryConfigured).Number != e.Number {
		t.Errorf("the same folder once more: %+v", again)
	}
}

// stepsOf are the keys of the steps and tasks of a case.
func stepsOf(t *testing.T, a *App, id exeunt.CaseID) []string {
	t.Helper()
	f, err := a.Store.Everything().CaseFile(t.Context(), id)
	must(t, err)
	var out []string
	for _, s := range f.Steps {
		out = append(out, s.Key)
	}
	for _, task := range f.Tasks {
		out = append(out, task.Key)
	}
	return out
}

// A folder with a fault changes nothing, is said in health and to the operator once, and is forgotten when it is mended.
func TestAFolderWithAFaultChangesNothing(t *testing.T) {
	a := started(t)
	defer a.Stop()
	before, day := a.now.Load(), time.Now().UTC().YearDay()
	rewrite(t, a, map[string]string{"systems/wiki.yaml": strings.Replace(wiki, "tier: 3", "tire: 3", 1)})
	for range 2 {
		r, err := a.Reload(t.Context(), byIda)
		must(t, err)
		if r.Taken || len(r.Faults) == 0 || r.Faults[0].File != "systems/wiki.yaml" || r.Faults[0].Line == 0 || r.Faults[0].Remedy == "" || a.now.Load() != before {
			t.Fatalf("a folder with a fault: %+v", r)
		}
	}
	if state := ready(t, a); state.Status != "ready" || state.Configuration != before.config.Version || len(state.Misconfigured) != 1 || !strings.Contains(state.Misconfigured[0], "systems/wiki.yaml:") || strings.Contains(state.Misconfigured[0], "tire") {
		t.Errorf("health says %+v", state)
	}
	notices := 0
	page, err := a.Store.Everything().Entries(t.Context(), store.EntryQuery{Limit: 100})
	must(t, err)
	for _, e := range page.Rows {
		if strings.Contains(e.What, "The configuration folder has faults") {
			notices++
		}
	}
	if today := time.Now().UTC().YearDay() == day; notices == 0 || today && notices > 1 { // once a day
		t.Errorf("the record has it %d times", notices)
	}
	rewrite(t, a, map[string]string{"systems/wiki.yaml": wiki})
	if r, err := a.Reload(t.Context(), byIda); err != nil || !r.Taken {
		t.Fatalf("mended: %+v, %v", r, err)
	}
	if state := ready(t, a); len(state.Misconfigured) > 0 {
		t.Errorf("it is mended, and health says %+v", state)
	}
}

func TestWhatARunningServerCannotChangeIsRefusedWithTheReason(t *testing.T) {
	a := started(t)
	defer a.Stop()
	rewrite(t, a, map[string]string{"exeunt.yaml": company + "\nledger:\n  origin: other.example/log\n"})
	r, err := a.Reload(t.Context(), byIda)
	must(t, err)
	if r.Taken || len(r.Faults) != 1 || r.Faults[0].Path != "ledger.origin" || r.Faults[0].Line == 0 || !strings.Contains(r.Faults[0].Remedy, "start the server again") {
		t.Errorf("got %+v", r)
	}
}

// A system that went has its lane no more, and one that came has one; what a system was opened with goes on where it is the
// same.
func TestConnectorsOfSystemsThatStayGoOn(t *testing.T) {
	t.Setenv("RELOAD_TOKEN", "x")
	a := started(t)
	defer a.Stop()
	crm := "name: crm\nkind: scim\nidentifier: work_email\ntier: 1\nowner: {role: it}\nfallback: By hand.\nstage: live\nrate: {per_second: 5}\nsettings: {base_url: \"http://127.0.0.1:1\", token: \"env:RELOAD_TOKEN\"}\n"
	reload := func(files map[string]string) {
		t.Helper()
		rewrite(t, a, files)
		if r, err := a.Reload(t.Context(), byIda); err != nil || !r.Taken {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	reload(map[string]string{"systems/crm.yaml": crm})
	_, err := a.now.Load().systems.Connector("crm")
	must(t, err)
	// kept is what is there of the system before anybody asks for its connector.
	kept := func() (open bool, turns *wrap.Lane) {
		s := a.now.Load().systems
		s.mu.Lock()
		defer s.mu.Unlock()
		if c := s.open["crm"]; c != nil {
			return c.Connector != nil, c.lane
		}
		return false, nil
	}
	_, turns := kept()
	reload(map[string]string{"systems/wiki.yaml": wiki})
	if open, same := kept(); !open || same != turns {
		t.Error("a system that stayed is opened again")
	}
	reload(map[string]string{"systems/crm.yaml": strings.Replace(crm, "127.0.0.1:1\"", "127.0.0.1:2\"", 1)})
	if open, same := kept(); open || same != turns {
		t.Errorf("with other settings it is asked as before: %v, or its callers do not share their turns: %v", open, same != turns)
	}
	if _, err := a.now.Load().systems.Connector("crm"); err != nil {
		t.Error(err)
	}
	reload(map[string]string{"systems/crm.yaml": strings.Replace(crm, "per_second: 5", "per_second: 7", 1)})
	if _, same := kept(); same == turns {
		t.Error("with another rate it keeps its turns")
	}
	reload(map[string]string{"systems/crm.yaml": ""})
	if _, err := (present{a}).Connector("crm"); exeunt.KindOf(err) != exeunt.NotFound {
		t.Errorf("a system that went: %v", err)
	}
}

func TestAFolderIsReadWhenItHasChangedAndRests(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) { must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)) }
	write("exeunt.yaml", "one")
	w := folderWatch{folder: dir}
	expect := func(when string, want ...bool) {
		t.Helper()
		for _, one := range want {
			if got := w.changed(); got != one {
				t.Errorf("%s: changed is %v, want %v", when, got, one)
			}
		}
	}
	expect("at first", false, true, false)
	write("exeunt.yaml", "one two")
	expect("after a change", false, true, false)
	must(t, os.Mkdir(filepath.Join(dir, "systems"), 0o700))
	if w.changed() {
		t.Error("an empty folder is a change")
	}
	write("systems/a.yaml", "a")
	w.changed()
	write("systems/b.yaml", "b")
	expect("while somebody writes", false, true, false)
	must(t, os.Remove(filepath.Join(dir, "systems", "a.yaml")))
	expect("after a removal", false, true, false)
	write(".exeunt.yaml.swp", "an editor's")
	expect("after what is no configuration", false, false)
}

// Servers of one database each read their own folder; that they differ is said by all of them.
func TestServersThatDifferSaySo(t *testing.T) {
	database := testserver.Postgres(t)
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "systems"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "exeunt.yaml"), []byte(company), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "systems", "doors.yaml"), []byte(doors), 0o600))
	a, err := Start(t.Context(), Options{ConfigDir: dir, DataDir: t.TempDir(), Database: database, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	defer a.Stop()
	// Another server of this database, as its beats leave it.
	for _, c := range []struct {
		version string
		differs bool
	}{{a.Config().Version, false}, {"another-one", true}} {
		_, err = a.Store.Beat(t.Context(), store.Node{Name: "another", Lease: 6 * time.Second, Configuration: c.version})
		must(t, err)
		state := ready(t, a)
		if (len(state.Misconfigured) == 1) != c.differs || c.differs && !strings.Contains(state.Misconfigured[0], "1 with another-one") {
			t.Errorf("beside one with %s: %+v", c.version, state)
		}
	}
}
