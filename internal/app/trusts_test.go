package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/app"
	"github.com/exeunt/exeunt/internal/store"
)

const crmLive = `
name: crm
kind: scim
identifier: work_email
tier: 2
owner: {role: it}
fallback: Deactivate the user.
stage: live
settings: {base_url: "http://127.0.0.1:1", token: "env:TRUST_TOKEN"}
`

// asking is a server whose folder asks for one live system, of which nobody knows that it is a simulator.
func asking(t *testing.T) (*app.App, app.Options) {
	t.Helper()
	t.Setenv("TRUST_TOKEN", "x")
	o := options(t, map[string]string{"exeunt.yaml": company, "systems/doors.yaml": doors, "systems/crm.yaml": crmLive})
	o.Simulated = false
	return start(t, o), o
}

func crm(t *testing.T, a *app.App) exeunt.System {
	t.Helper()
	s, err := a.Config().System("crm")
	must(t, err)
	return s.System
}

func decisions(t *testing.T, a *app.App, kind exeunt.EntryKind) []store.EntryRow {
	t.Helper()
	page, err := a.Store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(kind), System: "crm"})
	must(t, err)
	return page.Rows
}

// takeOver puts another file in the place of one of the folder, and lets the server take that over.
func takeOver(t *testing.T, a *app.App, o app.Options, name, text string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(o.ConfigDir, name), []byte(text), 0o600))
	if got, err := a.Reload(t.Context(), app.BySignal); err != nil || !got.Taken {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestAFolderThatAsksForLiveIsLoudUntilSomebodyDecides(t *testing.T) {
	a, o := asking(t)
	defer func() { a.Stop() }()
	if s := crm(t, a); s.Stage != exeunt.Shadow || s.Asks != exeunt.Live {
		t.Fatalf("nobody has decided, and it is %+v", s)
	}
	said, err := a.Misconfigured(t.Context())
	if err != nil || len(said) != 1 || !strings.Contains(said[0], "crm. Decide on each page, or with: exeunt system live NAME") {
		t.Errorf("%v, %v", said, err)
	}
	if code, _ := asked(t, a); code != http.StatusOK {
		t.Errorf("it is no reason not to be ready, and is answered %d", code)
	}
	if page, err := a.Store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryAlert)}); err != nil || page.Total != 1 {
		t.Errorf("%d alerts, %v", page.Total, err)
	}
	if right := doctored(t, o); right.State != connector.Lacking || !strings.Contains(right.Remedy, "exeunt system live crm") {
		t.Errorf("the doctor says %+v", right)
	}
	live(t, a)
	if right := doctored(t, o); right.State != connector.Granted {
		t.Errorf("decided, the doctor says %+v", right)
	}
	if said, err := a.Misconfigured(t.Context()); err != nil || len(said) != 0 {
		t.Errorf("decided, it says %v, %v", said, err)
	}
	a.Stop()
	a = start(t, o)
	if s := crm(t, a); !s.Automated() || s.Asks != "" {
		t.Errorf("after a restart it is %+v", s)
	}
}

// doctored is what the doctor says of the decision, beside the running server.
func doctored(t *testing.T, o app.Options) connector.Right {
	t.Helper()
	cfg, faults := app.LoadConfig(o.ConfigDir)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, p := range (app.Doctor{Config: cfg, Dir: o.ConfigDir, Data: o.DataDir, Limit: time.Minute}).Examine(t.Context()) {
		for _, r := range p.Rights {
			if p.Name == "crm" && r.Name == "act, as people decided" {
				return r
			}
		}
	}
	return connector.Right{}
}

// live is Ida's decision, over the API.
func live(t *testing.T, a *app.App) {
	t.Helper()
	token, err := a.Accounts.CreateToken(t.Context(), store.User{Email: "ida@acme.example", Name: "Ida Novak", Roles: []string{"it"}}, "test", time.Hour)
	must(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL()+"/api/v1/systems/crm/live", strings.NewReader(`{"reason": "ten of them agreed"}`))
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	if s := crm(t, a); answer.StatusCode != http.StatusOK || !s.Automated() {
		t.Fatalf("decided, it is answered %d, and is %+v", answer.StatusCode, s)
	}
}

func TestADecisionEndsWithWhatTheFolderAsksFor(t *testing.T) {
	for name, test := range map[string]struct{ change, why string }{
		"back to shadow":   {strings.Replace(crmLive, "stage: live", "stage: shadow", 1), "its file says stage: shadow (by a signal)"},
		"another kind":     {strings.Replace(strings.Replace(crmLive, "kind: scim", "kind: http", 1), "settings: {", "settings: {spec: workspace, ", 1), "its connector was of kind scim and is of kind http now (by a signal)"},
		"renamed, so gone": {strings.Replace(crmLive, "name: crm", "name: crm2", 1), "it was taken out of the configuration (by a signal)"},
	} {
		t.Run(name, func(t *testing.T) {
			a, o := asking(t)
			defer a.Stop()
			live(t, a)
			takeOver(t, a, o, "systems/crm.yaml", test.change)
			back := decisions(t, a, exeunt.EntrySteppedBack)
			if len(back) != 1 || back[0].Detail["reason"] != test.why || back[0].Detail["decided_by"] != "Ida Novak" {
				t.Fatalf("the record says %+v", back)
			}
			takeOver(t, a, o, "systems/crm.yaml", crmLive)
			if s := crm(t, a); s.Automated() || s.Asks != exeunt.Live {
				t.Errorf("the folder asks again, and it is %+v", s)
			}
		})
	}
}

func TestWhatIsASimulatorIsLiveAndTheRecordSaysWhy(t *testing.T) {
	t.Setenv("TRUST_TOKEN", "x")
	a := start(t, options(t, map[string]string{"exeunt.yaml": company, "systems/crm.yaml": crmLive}))
	defer a.Stop()
	if s := crm(t, a); !s.Automated() {
		t.Errorf("it is %+v", s)
	}
	if said := decisions(t, a, exeunt.EntryLive); len(said) != 1 || said[0].Actor != "engine" || !strings.Contains(said[0].Detail["reason"], "simulator") {
		t.Errorf("the record says %+v", said)
	}
}
