package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web/api"
)

var twoDecided = exeunt.Trust{System: "crm", Kind: "scim", By: &exeunt.Decision{Override: exeunt.Override{By: "Ida Novak"}, At: time.Unix(0, 0).UTC()}}

func (b *backend) ShadowLines(_ context.Context, system string, _ int) ([]exeunt.ShadowLine, error) {
	missed := exeunt.ShadowRun{Case: 1, Task: "crm-by-hand", System: system, Would: []exeunt.Action{exeunt.Disable}, Before: new(exeunt.SawFault(exeunt.Account{}, exeunt.Errorf(exeunt.NotFound, "no account matches"), time.Unix(0, 0)))}
	return []exeunt.ShadowLine{{ShadowRun: missed, Name: "Jane Doe", Title: "CRM: end access by hand"}}, nil
}

func (b *backend) Trusts(context.Context) (map[string]exeunt.Trust, error) {
	return map[string]exeunt.Trust{"crm": twoDecided}, nil
}

func (b *backend) GoLive(_ context.Context, system string, by exeunt.Override) (exeunt.Trust, error) {
	return twoDecided, b.did("live %s by %s: %s", system, by.By, by.Reason)
}

func (b *backend) StepBack(_ context.Context, system string, by exeunt.Override) error {
	return b.did("back %s by %s: %s", system, by.By, by.Reason)
}

func TestAReportSaysHowPeopleAndConnectorsCompare(t *testing.T) {
	_, server := newServer(t)
	got := call(t, server, http.MethodGet, "/api/v1/systems/crm/shadow", "Bearer "+token, "")
	var f api.ShadowFile
	if err := json.Unmarshal(got.body, &f); err != nil {
		t.Fatal(err)
	}
	r := f.Report
	if r.Tally.NotFound != 1 || r.Against != "1 account was not found by the connector" || r.Trust.By.By != "Ida Novak" || len(r.Lines) != 1 || r.Lines[0].Verdict != exeunt.ShadowNotFound || r.Lines[0].Why != "no account matches" {
		t.Errorf("%+v", r)
	}
}
