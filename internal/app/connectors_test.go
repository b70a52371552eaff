package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// newDesk is a SCIM service with one person, which refuses whatever would change something.
func newDesk(t *testing.T) *httptest.Server {
	desk := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const jane = `{"id":"u-1","userName":"jane@acme.example","active":true,"groups":[{"value":"g-1","display":"Sales"}],"meta":{"resourceType":"User"}}`
		w.Header().Set("Content-Type", "application/scim+json")
		switch {
		case r.Method != http.MethodGet:
			t.Errorf("%s %s: a trial acted", r.Method, r.URL)
			w.WriteHeader(http.StatusForbidden)
		case strings.HasSuffix(r.URL.Path, "/Users/u-1"):
			_, _ = w.Write([]byte(jane))
		case strings.HasSuffix(r.URL.Path, "/Users") && strings.Contains(r.URL.Query().Get("filter"), "jane@"):
			_, _ = w.Write([]byte(`{"totalResults":1,"itemsPerPage":1,"startIndex":1,"Resources":[` + jane + `]}`))
		case strings.Contains(r.URL.Path, "/Users/"):
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = w.Write([]byte(`{"totalResults":0,"Resources":[]}`))
		}
	}))
	t.Cleanup(desk.Close)
	return desk
}

func TestATrialOfASystemTellsAndChangesNothing(t *testing.T) {
	desk := newDesk(t)
	d := (&clinic{Server: desk}).patient(t, map[string]int{"crm": 1})
	ask := AskFrom(d.Config, d.Dir)
	trial, err := ask.Try(t.Context(), "crm", "jane@acme.example")
	if err != nil || trial.Account.ID != "u-1" || trial.Stage != exeunt.Live || len(trial.Prospects) != 2 {
		t.Fatalf("%+v, %v", trial, err)
	}
	if p := trial.Prospects[0]; p.Action != exeunt.Disable || p.Would != "act, and look again" {
		t.Errorf("%+v", p)
	}
	found, err := ask.Check(t.Context(), "crm")
	if err != nil || !found.Right || found.Rights[len(found.Rights)-1].State != connector.Granted {
		t.Errorf("%+v, %v", found, err)
	}
	for account, kind := range map[string]exeunt.ErrorKind{"nobody@acme.example": exeunt.NotFound, "": exeunt.Invalid} {
		if _, err := ask.Try(t.Context(), "crm", account); exeunt.KindOf(err) != kind {
			t.Errorf("%q: %v, want %s", account, err, kind)
		}
	}
	if _, err := ask.Check(t.Context(), "windows"); exeunt.KindOf(err) != exeunt.NotFound {
		t.Errorf("a system that is not there: %v", err)
	}
	t.Setenv("CLINIC_TOKEN", "")
	if found, err := ask.Check(t.Context(), "crm"); err != nil || found.Right || found.Fault == "" {
		t.Errorf("a secret that is not there: %+v, %v", found, err)
	}
	if _, err := ask.Try(t.Context(), "crm", "jane@acme.example"); err == nil || strings.Contains(err.Error(), desk.URL) {
		t.Errorf("a secret that is not there: %v", err)
	}
}

func TestASystemOfPeopleHasNoConnectorToTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHouse(t)
		for _, question := range []string{"check", "trial"} {
			got := h.ask(ida, "POST", "/api/v1/systems/doors/"+question, `{"account":"jane"}`)
			if got.status < 400 || !strings.Contains(got.body, "doors has no connector") {
				t.Errorf("%s: %d %s", question, got.status, got.body)
			}
		}
	})
}

// Whoever looks at an account through the server is in the record before they are told; whose account it was is not.
func TestWhoTriesAConnectorIsInTheRecord(t *testing.T) {
	desk := newDesk(t)
	d := (&clinic{Server: desk}).patient(t, map[string]int{"crm": 1})
	h := openHouse(t)
	a := asking{AskFrom(d.Config, d.Dir), h.accesses}
	who := exeunt.Viewer{Name: "Ida Novak", Email: ida}
	before := h.last()
	if _, err := a.TrySystem(t.Context(), who, "crm", "jane@acme.example"); err != nil {
		t.Fatal(err)
	}
	_, rows := h.accessed(before)
	if len(rows) != 1 || rows[0].Kind != exeunt.EntryRead || rows[0].Detail["by"] != "Ida Novak" || rows[0].Detail["system"] != "crm" {
		t.Fatalf("the record says %+v", rows)
	}
	if text := rows[0].What + strings.Join(values(rows[0].Detail), " "); strings.Contains(text, "jane") || strings.Contains(text, "u-1") {
		t.Errorf("the record says whose account it was: %s", text)
	}
	if _, err := a.TrySystem(t.Context(), who, "crm", "nobody@acme.example"); exeunt.KindOf(err) != exeunt.NotFound || h.last() != rows[0].Number {
		t.Errorf("nobody was found, and the record has more, or %v", err)
	}
	h.Store.Close()
	if trial, err := a.TrySystem(t.Context(), who, "crm", "jane@acme.example"); err == nil || trial.Account.ID != "" {
		t.Errorf("it was told without a record: %+v, %v", trial, err)
	}
}

func values(m map[string]string) (all []string) {
	for _, v := range m {
		all = append(all, v)
	}
	return all
}
