package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web/api"
)

// reconciling answers as a server whose reconciliation ends after it was asked for twice.
func reconciling(t *testing.T, orphaned int) (asked *[]string) {
	t.Helper()
	var shown atomic.Int64
	asked = &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = append(*asked, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/api/v1")+" "+string(body))
		answer := func(status int, v any) {
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(v)
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/findings"):
			answer(http.StatusOK, api.FindingList{Findings: []api.FindingItem{{Finding: exeunt.Finding{ID: 17, System: "crm", Kind: exeunt.FoundOrphaned, Accounts: []exeunt.Account{{ID: "a1", Login: "jane"}}, Why: "left"}, Remedy: "start the clean-up"}}, Next: 17})
		case strings.HasSuffix(r.URL.Path, "/clean-up"):
			answer(http.StatusCreated, api.CleanUpBegun{Schema: "clean-up/v1", Case: 5})
		case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/reconciliation"):
			answer(http.StatusCreated, api.ReconciliationFile{})
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusNoContent)
		default:
			f := api.ReconciliationFile{Schema: "reconciliation/v1"}
			f.People, f.Left, f.Begun.By = 1, 2, "Ida Novak"
			s := exeunt.SystemReconciled{System: "crm", State: exeunt.ReconcileListing, Listed: 500}
			if shown.Add(1) > 1 {
				f.EndedAt = f.Begun.At.Add(1)
				s = exeunt.SystemReconciled{System: "crm", State: exeunt.ReconcileDone, Listed: 900, Tally: exeunt.Tally{Matched: 2, Orphaned: orphaned}}
			}
			f.Systems = []exeunt.SystemReconciled{s}
			answer(http.StatusOK, f)
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("EXEUNT_URL", server.URL)
	t.Setenv("EXEUNT_TOKEN", "x")
	return asked
}

func TestReconcileTellsProgressCountsAndWhatNeedsAPerson(t *testing.T) {
	list := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(list, []byte("employee_id,name\n1,Ann\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for orphaned, code := range map[int]int{0: exitDone, 3: exitNeedsPerson} {
		asked := reconciling(t, orphaned)
		var out, errOut bytes.Buffer
		if got := run(context.Background(), []string{"reconcile", "--people", list}, nil, &out, &errOut); got != code {
			t.Errorf("ended with %d, want %d: %s", got, code, errOut.String())
		}
		if !strings.Contains(errOut.String(), "0 of 1 systems compared, 500 accounts listed") || !strings.Contains(errOut.String(), "1 person works here and 2 have left; begun by Ida Novak") || !strings.Contains(out.String(), fmt.Sprint("900       2        0        0          0           ", orphaned)) {
			t.Errorf("says\n%s\n%s", out.String(), errOut.String())
		}
		if (*asked)[0] != `POST /reconciliation {"people":"employee_id,name\n1,Ann\n","reason":""}` {
			t.Errorf("asked %v", *asked)
		}
	}
}

func TestReconcileFindingsAreListedAndSeenTo(t *testing.T) {
	asked := reconciling(t, 0)
	for _, c := range []struct {
		args       string
		code       int
		says, asks string
	}{
		{"reconcile findings --system crm --kind orphaned", exitDone, "jane [a1]", "GET /reconciliation/findings"},
		{"reconcile confirm 17 --leaver main/1 --reason asked-her-for-it", exitDone, "17 confirmed", `POST /reconciliation/findings/17/confirm {"account":"","instead":false,"leaver":"main/1","reason":"asked-her-for-it"}`},
		{"reconcile confirm 17 --nobody --reason the-backup-service", exitDone, "17 confirmed", `POST /reconciliation/findings/17/confirm {"account":"","instead":false,"leaver":"","reason":"the-backup-service"}`},
		{"reconcile confirm 17 --nobody --instead --reason the-backup-service", exitDone, "17 confirmed", `POST /reconciliation/findings/17/confirm {"account":"","instead":true,"leaver":"","reason":"the-backup-service"}`},
		{"reconcile confirm 17 --reason the-backup-service", exitUsage, "say whose the account is", ""},
		{"reconcile confirm x --nobody --reason the-backup-service", exitUsage, "is no finding", ""},
		{"reconcile clean-up 17 --type layoff --reason missed-in-march", exitDone, "C-5 ends it", `POST /reconciliation/findings/17/clean-up {"reason":"missed-in-march","type":"layoff"}`},
		{"reconcile stop --reason the-list-was-wrong", exitDone, "stopped", `POST /reconciliation/stop`},
		{"reconcile --people nowhere.csv", exitUsage, "nowhere.csv cannot be read", ""},
	} {
		*asked = nil
		var out, errOut bytes.Buffer
		code := run(context.Background(), strings.Fields(c.args), nil, &out, &errOut)
		if code != c.code || !strings.Contains(out.String()+errOut.String(), c.says) {
			t.Errorf("%s: %d\n%s%s", c.args, code, out.String(), errOut.String())
		}
		if got := strings.Join(*asked, "\n"); !strings.HasPrefix(got, c.asks) || c.asks == "" && got != "" {
			t.Errorf("%s asks %s", c.args, got)
		}
	}
}
