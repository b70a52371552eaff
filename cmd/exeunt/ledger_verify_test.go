package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web/api"
)

// TestACheckThatLastsIsWaitedFor has a server whose check outlives the answer to the request that began it, and every
// request for it too: however long it takes, its end is what the command says.
func TestACheckThatLastsIsWaitedFor(t *testing.T) {
	t.Parallel()
	begun := time.Now().UTC().Truncate(time.Microsecond)
	other := store.CheckRun{By: "engine", BegunAt: begun.Add(-time.Hour), EndedAt: begun.Add(-time.Hour)}
	running := store.CheckRun{By: "Ida Novak", BegunAt: begun, Done: 40, Total: 100}
	ended := running
	ended.EndedAt, ended.Done, ended.Entries = begun.Add(time.Hour), 100, 100
	broken := ended
	broken.Differences.Add(exeunt.Difference{Where: "the log", Entry: 7, What: "it is cut short"})
	for name, c := range map[string]struct {
		last []store.CheckRun
		code int
		says string

		elsewhere int32 // so many times another server answers, which does not know of it
	}{
		"it holds":             {[]store.CheckRun{ended, other}, 0, "100 entries of 0 cases, 0 closed, no break; checked in 1h0m0s", 0},
		"it does not":          {[]store.CheckRun{broken, other}, 5, "the log, entry 7: it is cut short", 0},
		"another one since":    {[]store.CheckRun{{By: "engine", BegunAt: begun.Add(2 * time.Hour)}, ended, other}, 0, "no break", 0},
		"behind a distributor": {[]store.CheckRun{ended, other}, 0, "100 entries", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch n := asked.Add(1); {
				case r.Method == http.MethodPost && n == 1:
					w.WriteHeader(http.StatusAccepted)
					_ = json.NewEncoder(w).Encode(api.ReportOf(running))
				case r.Method == http.MethodPost:
					t.Error("a second check was begun")
				case n == 2:
					w.WriteHeader(http.StatusServiceUnavailable) // it is started anew
				case n <= 3+c.elsewhere && n > 3:
					_ = json.NewEncoder(w).Encode(api.CheckList{Checks: []store.CheckRun{other}})
				case n == 3:
					_ = json.NewEncoder(w).Encode(api.CheckList{Checks: []store.CheckRun{running, other}})
				default:
					_ = json.NewEncoder(w).Encode(api.CheckList{Checks: c.last})
				}
			}))
			defer server.Close()
			got := newShell(t, "EXEUNT_URL="+server.URL, "EXEUNT_TOKEN=x").run(t, "", "ledger", "verify")
			if got.code != c.code || !strings.Contains(got.out+got.err, c.says) || !strings.Contains(got.err, "40 of 100 entries") {
				t.Errorf("%d\n%s%s", got.code, got.out, got.err)
			}
		})
	}
}

// TestACheckThatIsGoneIsGivenUp has a server that began a check and knows nothing of it from then on.
func TestACheckThatIsGoneIsGivenUp(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusAccepted)
			_ = json.NewEncoder(w).Encode(api.ReportOf(store.CheckRun{By: "Ida Novak", BegunAt: time.Now(), Total: 100}))
			return
		}
		_ = json.NewEncoder(w).Encode(api.CheckList{})
	}))
	defer server.Close()
	_, err := verifyThere(t.Context(), &console{err: io.Discard}, &client{server.URL, "x", server.Client()}, time.Nanosecond)
	if exeunt.KindOf(err) != exeunt.Temporary || !strings.Contains(exeunt.MessageOf(err), "the check was broken off") {
		t.Errorf("%v", err)
	}
}
