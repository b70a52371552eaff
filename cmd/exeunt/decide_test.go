package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestWhatADecisionAsksTheServer sees the request that stands behind a command: what is decided, by which path.
func TestWhatADecisionAsksTheServer(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]struct{ asks, says string }{
		"case put-back C-5 --step crm-disable --reason they-work-on": {`POST /api/v1/cases/C-5/steps/crm-disable/put-back {"reason":"they-work-on"}`, "C-5 crm-disable\n"},
		"case put-back 5 --step a/b --reason they-work-on":           {`POST /api/v1/cases/C-5/steps/a%2Fb/put-back {"reason":"they-work-on"}`, "C-5 a/b\n"},
		"fuse release f-1 --reason the-site-closes":                  {`POST /api/v1/fuse/F-1/release {"reason":"the-site-closes"}`, "F-1 waits for another person to confirm it\n"},
		"fuse release F-1 --case C-5 --case 7 --lasts 8h --reason these-are-right": {
			`POST /api/v1/fuse/F-1/release {"cases":["C-5","7"],"lasts":"8h","reason":"these-are-right"}`, "F-1 waits for another person to confirm it\n",
		},
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			asked := make(chan string, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				asked <- r.Method + " " + r.URL.EscapedPath() + " " + strings.TrimSpace(string(body))
				w.WriteHeader(http.StatusNoContent)
			}))
			defer server.Close()
			got := newShell(t, "EXEUNT_URL="+server.URL, "EXEUNT_TOKEN=x").run(t, "", strings.Fields(args)...)
			if got.code != 0 || got.out != want.says {
				t.Fatalf("%+v", got)
			}
			if said := <-asked; said != want.asks {
				t.Errorf("it asks %s, want %s", said, want.asks)
			}
		})
	}
}
