package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/web/api"
)

func (b *backend) Sheets() ([]connector.Sheet, error) {
	return []connector.Sheet{{Name: "crm", Kind: "http", Title: "CRM", Settings: []connector.Setting{}, Actions: []exeunt.ActionSpec{{Action: exeunt.Disable}}}}, nil
}

func (b *backend) CheckSystem(_ context.Context, name string) (api.SystemCheck, error) {
	if name != "crm" {
		return api.SystemCheck{}, exeunt.Errorf(exeunt.NotFound, "no system %q is configured", name)
	}
	return api.SystemCheck{Schema: "system-check/v1", System: name, Right: true, Rights: []connector.Right{}}, b.did("check %s", name)
}

func (b *backend) TrySystem(_ context.Context, who exeunt.Viewer, name, account string) (api.SystemTrial, error) {
	if account != "jdoe" {
		return api.SystemTrial{}, exeunt.Errorf(exeunt.NotFound, "nobody in %s is known by that", name)
	}
	return api.SystemTrial{Schema: "system-trial/v1", System: name, Trial: connector.Trial{Prospects: []connector.Prospect{{Would: "act, and look again"}}}}, b.did("try %s %s by %s", name, account, who.Signs())
}

func TestSystemsAreAskedByName(t *testing.T) {
	b, server := newServer(t)
	for path, want := range map[string]string{
		"/systems/crm/check": `"right":true`, "/systems/crm/trial": `"would":"act, and look again"`,
	} {
		got := call(t, server, http.MethodPost, "/api/v1"+path, "Bearer "+token, `{"account":"jdoe"}`)
		if got.StatusCode != http.StatusOK || !strings.Contains(string(got.body), want) {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
	if asked := strings.Join(b.asked, ";"); !strings.Contains(asked, "check crm") || !strings.Contains(asked, "try crm jdoe by Ida Novak") {
		t.Errorf("asked for %s", asked)
	}
	for path, status := range map[string]int{"/systems/windows/check": 404, "/systems/crm/trial": 422, "/connectors/windows": 404} {
		method, body := http.MethodPost, `{"account":""}`
		if strings.HasPrefix(path, "/connectors") {
			method, body = http.MethodGet, ""
		}
		isProblem(t, call(t, server, method, "/api/v1"+path, "Bearer "+token, body), status)
	}
	isProblem(t, call(t, server, http.MethodPost, "/api/v1/systems/crm/trial", "Bearer "+token, `{"account":"nobody"}`), http.StatusNotFound)
}
