package app

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// recorded is what each address leaves in the record when somebody on the list of an embargoed case asks it about
// that case: "read" and "export" entries, or "" for what gives out nothing of a case. What changes something
// ("decision") is recorded by the decision itself; "door" has a test of its own below.
var recorded = map[string]string{
	"GET /assets/": "", "GET /healthz": "", "GET /readyz": "", "GET /metrics": "", "POST /hooks/{source}": "decision",
	"GET /sign-in": "", "POST /sign-in": "door", "POST /sign-out": "door", "GET /invitation/{token}": "", "POST /invitation/{token}": "door",
	"GET /t/{token}": "read", "POST /t/{token}": "decision",
	"GET /": "read", "GET /cases": "read", "POST /cases": "decision", "GET /cases/new": "",
	"GET /cases/{id}": "read", "GET /cases/{id}/stream": "read", "GET /cases/{id}/evidence": "read export",
	"GET /cases/{id}/record": "read export", "GET /cases/{id}/record.pdf": "read export",
	"POST /cases/{id}/hold": "decision", "POST /cases/{id}/release": "decision", "POST /cases/{id}/reveal": "decision", "POST /cases/{id}/embargo": "decision",
	"GET /cases/{id}/replan": "read", "POST /cases/{id}/replan": "decision", "GET /policies": "", "GET /preview": "", "GET /preview/compare": "",
	"GET /cases/{id}/steps/{step}": "read", "POST /cases/{id}/steps/{step}/retry": "decision", "POST /cases/{id}/steps/{step}/waive": "decision", "POST /cases/{id}/steps/{step}/put-back": "decision",
	"POST /cases/{id}/legal-hold": "decision", "POST /cases/{id}/legal-release": "decision",
	"POST /cases/{id}/steps/{step}/approve": "decision", "POST /cases/{id}/steps/{step}/reject": "decision",
	"POST /tasks/{id}/approve": "decision", "POST /tasks/{id}/reject": "decision",
	"GET /fuse/{id}": "read", "POST /fuse/{id}/{act}": "decision", "GET /tasks": "read", "POST /tasks/{id}": "decision",
	"GET /waves": "read", "POST /waves": "decision", "GET /waves/new": "", "GET /waves/{id}": "read", "GET /waves/{id}/stream": "read",
	"GET /waves/{id}/report": "read", "GET /waves/{id}/report.csv": "read export",
	"POST /waves/{id}/check": "decision", "POST /waves/{id}/approve": "decision", "POST /waves/{id}/start": "decision", "POST /waves/{id}/go-on": "decision", "POST /waves/{id}/stop": "decision",
	"GET /gaps": "", "GET /accounts": "read", "POST /accounts/{id}/confirm": "decision", "POST /accounts/{id}/clean-up": "decision", "GET /systems": "", "GET /systems/-/import": "", "POST /systems/-/import": "", "GET /systems/-/add": "", "GET /systems/{id}": "read", "POST /systems/{id}/try": "decision", "POST /systems/{id}/live": "decision", "POST /systems/{id}/back": "decision",
	"GET /connectors": "", "GET /connectors/{name}": "",
	"GET /audit": "read", "GET /audit/{entry}": "read", "GET /audit/checks": "", "GET /audit/proves": "", "GET /audit/erased": "", "POST /cases/{id}/erase": "decision", "POST /audit/verify": "decision",

	"GET /api/v1/cases": "read export", "POST /api/v1/cases": "decision", "GET /api/v1/cases/{id}": "read export",
	"POST /api/v1/cases/{id}/hold": "decision", "POST /api/v1/cases/{id}/legal-hold": "decision", "POST /api/v1/cases/{id}/legal-release": "decision",
	"GET /api/v1/cases/{id}/overrides": "read export", "POST /api/v1/tasks/{id}/approve": "decision", "POST /api/v1/tasks/{id}/reject": "decision",
	"POST /api/v1/cases/{id}/release": "decision", "POST /api/v1/cases/{id}/reveal": "decision", "POST /api/v1/cases/{id}/embargo": "decision",
	"POST /api/v1/cases/{id}/steps/{step}/retry": "decision", "POST /api/v1/cases/{id}/steps/{step}/waive": "decision", "POST /api/v1/cases/{id}/steps/{step}/put-back": "decision",
	"GET /api/v1/cases/{id}/preview": "read export", "POST /api/v1/plans/preview": "", "GET /api/v1/plans/compare": "export",
	"GET /api/v1/cases/{id}/replan": "export", "POST /api/v1/cases/{id}/replan": "decision", "POST /api/v1/configuration/reload": "decision",
	"GET /api/v1/fuse": "read export", "GET /api/v1/fuse/{id}": "read export",
	"POST /api/v1/fuse/{id}/release": "decision", "POST /api/v1/fuse/{id}/confirm": "decision", "POST /api/v1/fuse/{id}/reject": "decision",
	"GET /api/v1/tasks": "read export", "GET /api/v1/tasks/{id}": "read export",
	"POST /api/v1/tasks/{id}/complete": "decision", "POST /api/v1/tasks/{id}/reassign": "decision", "POST /api/v1/tasks/{id}/remind": "decision",
	"GET /api/v1/waves": "read export", "POST /api/v1/waves": "decision", "GET /api/v1/waves/{id}": "read export",
	"GET /api/v1/waves/{id}/report": "read export", "GET /api/v1/waves/{id}/report.csv": "read export",
	"POST /api/v1/waves/{id}/check": "decision", "POST /api/v1/waves/{id}/approve": "decision", "POST /api/v1/waves/{id}/start": "decision",
	"POST /api/v1/waves/{id}/go-on": "decision", "POST /api/v1/waves/{id}/stop": "decision",
	"GET /api/v1/reconciliation": "", "POST /api/v1/reconciliation": "decision", "POST /api/v1/reconciliation/stop": "decision", "GET /api/v1/reconciliation/findings": "read export",
	"POST /api/v1/reconciliation/findings/{id}/confirm": "decision", "POST /api/v1/reconciliation/findings/{id}/clean-up": "decision",
	"GET /api/v1/gaps": "", "GET /api/v1/systems": "", "GET /api/v1/systems/{name}": "", "POST /api/v1/systems/{name}/try": "decision", "GET /api/v1/shadow": "", "GET /api/v1/systems/{name}/shadow": "", "POST /api/v1/systems/{name}/live": "decision", "POST /api/v1/systems/{name}/back": "decision",
	"GET /api/v1/connectors": "", "GET /api/v1/connectors/{name}": "", "POST /api/v1/systems/{name}/check": "", "POST /api/v1/systems/{name}/trial": "door",
	"GET /api/v1/signals": "", "POST /api/v1/signals/rotate": "decision", "POST /api/v1/systems/{name}/verify": "decision",
	"GET /.well-known/ssf-configuration": "", "GET /.well-known/oauth-authorization-server": "", "GET /.well-known/oauth-protected-resource": "", "GET /ssf/keys": "", "POST /ssf/token": "", "GET /ssf/stream": "", "POST /ssf/stream": "decision", "PATCH /ssf/stream": "decision", "PUT /ssf/stream": "decision", "DELETE /ssf/stream": "decision",
	"GET /ssf/status": "", "POST /ssf/status": "decision", "POST /ssf/subjects/add": "decision", "POST /ssf/subjects/remove": "decision", "POST /ssf/verify": "decision", "POST /ssf/poll": "decision",
	"GET /api/v1/entries": "read export", "GET /api/v1/erasures": "", "POST /api/v1/cases/{id}/erase": "decision", "GET /api/v1/ledger/checks": "", "GET /api/v1/ledger/key": "", "POST /api/v1/ledger/verify": "decision", "GET /api/v1/cases/{id}/evidence": "export",
}

// accessed lists the kinds of what was recorded after an entry, and the entries.
func (h *house) accessed(after int64) (kinds []string, rows []store.EntryRow) {
	h.t.Helper()
	page, err := h.Store.Everything().Entries(h.t.Context(), store.EntryQuery{Limit: 1000})
	must(h.t, err)
	words := map[exeunt.EntryKind]string{exeunt.EntryRead: "read", exeunt.EntryExported: "export"}
	for _, e := range slices.Backward(page.Rows) {
		if e.Number <= after {
			continue
		}
		rows = append(rows, e)
		kind := words[e.Kind]
		if kind == "" {
			kind = string(e.Kind)
		}
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	slices.Reverse(kinds) // read, export
	return kinds, rows
}

// last is the newest entry.
func (h *house) last() int64 {
	h.t.Helper()
	page, err := h.Store.Everything().Entries(h.t.Context(), store.EntryQuery{Limit: 1})
	must(h.t, err)
	return page.Rows[0].Number
}

func TestEveryAddressRecordsWhoReadsAndTakesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sweep(t)
		met := map[string]bool{}
		for _, r := range s.routes {
			name := r.method + " " + r.path
			if strings.HasPrefix(r.path, "/api/v1/openapi") || strings.HasPrefix(r.path, "/api/v1/schemas") || r.path == "/" && met[name] {
				continue
			}
			want, listed := recorded[name]
			if met[name] = true; !listed {
				t.Errorf("%s is not in the table of what is recorded: say there what it leaves", name)
			}
			if r.method != "GET" || strings.HasSuffix(r.path, "/stream") || r.waits() {
				continue // what streams and waits for the ledger is seen below
			}
			<-time.After(2 * tallyTime) // what is counted within a minute is told anew
			must(t, s.accesses.flush(t.Context(), true))
			before := s.last()
			got := s.ask(vera, "GET", s.fill(r, s.secret), "")
			kinds, rows := s.accessed(before)
			if strings.Join(kinds, " ") != want && got.status == 200 {
				t.Errorf("%s left %q in the record, want %q", name, kinds, want)
			}
			for _, e := range rows {
				if e.Detail["from"] != string(exeunt.FromInternet) || e.Actor == "" || e.Case != 0 {
					t.Errorf("%s is recorded as %+v", name, e.Entry)
				}
			}
			if got.status != 200 && !strings.Contains(r.path, "{token}") && !strings.HasPrefix(r.path, "/assets") && r.path != "/sign-in" && r.path != "/ssf/status" {
				t.Errorf("%s answered %d, so that nothing was tried", name, got.status)
			}
		}
		before, ctx := s.last(), t.Context()
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		s.in(short, vera, "GET", "/cases/"+s.secret.id.String()+"/stream", "")
		if kinds, rows := s.accessed(before); strings.Join(kinds, " ") != "read" || len(rows) != 1 {
			t.Errorf("a live page left %q in the record, %d entries", kinds, len(rows))
		}
		for name := range recorded {
			if !met[name] {
				t.Errorf("%s is in the table and not there", name)
			}
		}
	})
}

// TestNothingSealedIsGivenThatCannotBeRecorded takes the database's writes away: whatever would have named the
// hidden case, or given something out, is not answered.
func TestNothingSealedIsGivenThatCannotBeRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sweep(t)
		must(t, s.accesses.flush(t.Context(), true))
		s.Store.Between(store.Seam{
			Write:       func(_ context.Context, _ string, write func() error) error { return write() },
			Transaction: func(func() error) error { return exeunt.Errorf(exeunt.Temporary, "the disk is full") },
		})
		tried := 0
		for _, r := range s.routes {
			want := recorded[r.method+" "+r.path]
			if r.method != "GET" || want != "read" && want != "export" && want != "read export" || strings.HasSuffix(r.path, "/stream") || r.waits() || strings.Contains(r.path, "{token}") {
				continue
			}
			tried++
			target := s.fill(r, s.secret)
			if r.path == "/audit" { // what was read meanwhile may fill its first page
				target += "?case=" + s.secret.id.String()
			}
			got := s.ask(vera, "GET", target, "")
			if got.status != http.StatusServiceUnavailable || strings.Contains(got.body, s.secret.name) {
				t.Errorf("%s %s answered %d although nothing could be recorded", r.method, r.path, got.status)
			}
		}
		if tried < 20 {
			t.Errorf("only %d addresses were tried", tried)
		}
	})
}

// newest is the newest entry of a kind.
func newest(t *testing.T, s *store.Store, kind exeunt.EntryKind) store.EntryRow {
	t.Helper()
	page, err := s.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(kind), Limit: 1})
	must(t, err)
	if len(page.Rows) == 0 {
		return store.EntryRow{}
	}
	return page.Rows[0]
}

func TestWhoComesInAndWhoIsRefusedIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storetest.SQLite(t)
		a, ctx := NewAccounts(s, nil), FromShell(t.Context())
		invitation, err := a.Invite(ctx, store.User{Email: "ana@acme.example", Name: "Ana", Roles: []string{"it"}}, LocalCommands)
		must(t, err)
		holds := func(kind exeunt.EntryKind, actor, what string, detail ...string) {
			t.Helper()
			e := newest(t, s, kind)
			if e.Actor != actor || e.What != what || e.Detail["from"] != string(exeunt.FromShell) {
				t.Errorf("%s is recorded as %q by %q from %q, want %q by %q", kind, e.What, e.Actor, e.Detail["from"], what, actor)
			}
			for i := 0; i < len(detail); i += 2 {
				if e.Detail[detail[i]] != detail[i+1] {
					t.Errorf("%s says %s=%q, want %q", kind, detail[i], e.Detail[detail[i]], detail[i+1])
				}
			}
		}
		holds(exeunt.EntryAccount, LocalCommands, "invitation made for ana@acme.example")
		_, err = a.Redeem(ctx, invitation, "Ana Silva", password)
		must(t, err)
		holds(exeunt.EntryAccount, "ana@acme.example", "password chosen: ana@acme.example")
		session, _, err := a.SignIn(ctx, "ana@acme.example", password)
		must(t, err)
		holds(exeunt.EntrySignedIn, "ana@acme.example", "signed in")
		must(t, a.SignOut(ctx, session))
		must(t, a.SignOut(ctx, session)) // twice is harmless
		holds(exeunt.EntrySignedOut, "ana@acme.example", "signed out")

		token, err := a.CreateToken(ctx, store.User{Email: "ana@acme.example"}, "payroll export", time.Hour)
		must(t, err)
		holds(exeunt.EntryTokenMade, LocalCommands, "API token made: payroll export", "user", "ana@acme.example", "roles", "it")
		if e := newest(t, s, exeunt.EntryTokenUsed); e.Number != 0 {
			t.Errorf("a token that nobody used is recorded as used: %+v", e)
		}
		for range 2 {
			_, err = a.Token(ctx, token)
			must(t, err)
		}
		tokens, err := a.Tokens(ctx)
		must(t, err)
		holds(exeunt.EntryTokenUsed, "ana@acme.example", "API token used for the first time: payroll export", "token", tokens[0].ID)
		must(t, a.RevokeToken(ctx, tokens[0].ID))
		holds(exeunt.EntryTokenRevoked, LocalCommands, "API token revoked: payroll export", "token", tokens[0].ID)
		if _, err := a.Token(ctx, token); exeunt.KindOf(err) != exeunt.Unauthorised {
			t.Errorf("a revoked token is answered %v", err)
		}
		holds(exeunt.EntrySignInRefused, "somebody unknown", "API token refused")
	})
}

// TestGuessingDoesNotFillTheLog guesses for one person and for addresses that nobody has.
func TestGuessingDoesNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storetest.SQLite(t)
		a := NewAccounts(s, nil)
		invitation, err := a.Invite(t.Context(), store.User{Email: "ana@acme.example", Name: "Ana", Roles: []string{"it"}}, "")
		must(t, err)
		_, err = a.Redeem(t.Context(), invitation, "", password)
		must(t, err)
		guess := func(email string) {
			if _, _, err := a.SignIn(t.Context(), email, "my old password 2025"); err == nil {
				t.Fatal("a guess came in")
			}
		}
		guess("ana@acme.example")
		if e := newest(t, s, exeunt.EntrySignInRefused); e.Actor != "ana@acme.example" || e.What != "sign-in refused" {
			t.Errorf("the first guess is recorded as %+v", e.Entry)
		}
		for range 15 { // the first ten are wrong, the others too many
			guess("ana@acme.example")
			guess(rand.Text() + "@acme.example")
			<-time.After(2 * time.Second)
		}
		must(t, a.accesses.flush(t.Context(), true))
		page, err := s.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntrySignInRefused), Limit: 1000})
		must(t, err)
		times := map[string]int{}
		for _, e := range page.Rows {
			n := 1
			if e.Detail["times"] != "" {
				n, err = strconv.Atoi(e.Detail["times"])
				must(t, err)
			}
			times[e.Actor] += n
			if strings.Contains(string(e.Body()), "password 2025") {
				t.Errorf("what was typed is in the record: %s", e.What)
			}
		}
		if len(page.Rows) > 8 || times["ana@acme.example"] != 16 || times["somebody unknown"] != 15 {
			t.Errorf("31 guesses left %d entries, which tell of %v", len(page.Rows), times)
		}
	})
}

func TestAnotherConfigurationIsRecorded(t *testing.T) {
	s := storetest.SQLite(t)
	serve := func(files map[string]string) store.EntryRow {
		a := &App{Store: s}
		must(t, a.recordConfiguration(t.Context(), nil, &config.Config{Version: "v", Files: files}, byStart))
		return newest(t, s, exeunt.EntryConfigured)
	}
	first := serve(map[string]string{"exeunt.yaml": "aa", "systems/doors.yaml": "bb"})
	if first.What != "configuration loaded for the first time" || first.Detail["added"] != "exeunt.yaml, systems/doors.yaml" || first.Detail["sha256 exeunt.yaml"] != "aa" {
		t.Errorf("the first one is recorded as %+v", first.Entry)
	}
	if again := serve(map[string]string{"exeunt.yaml": "aa", "systems/doors.yaml": "bb"}); again.Number != first.Number {
		t.Errorf("the same one is recorded again: %+v", again.Entry)
	}
	other := serve(map[string]string{"exeunt.yaml": "cc", "systems/wiki.yaml": "dd"})
	if d := other.Detail; other.What != "configuration changed" || d["changed"] != "exeunt.yaml" || d["added"] != "systems/wiki.yaml" || d["removed"] != "systems/doors.yaml" || d["sha256 exeunt.yaml"] != "cc" {
		t.Errorf("another one is recorded as %+v", other.Entry)
	}
}

func TestWhereARequestComesFrom(t *testing.T) {
	for _, c := range []struct {
		peer, header string
		want         exeunt.Whence
	}{
		{"127.0.0.1:80", "", exeunt.FromMachine}, {"[::1]:80", "", exeunt.FromMachine}, {"@", "", exeunt.FromMachine},
		{"10.1.2.3:80", "", exeunt.FromPrivate}, {"[fd00::1]:80", "", exeunt.FromPrivate}, {"[::ffff:192.168.1.1]:80", "", exeunt.FromPrivate},
		{"203.0.113.5:80", "", exeunt.FromInternet}, {"203.0.113.5:80", "10.0.0.1", exeunt.FromInternet},
		{"127.0.0.1:80", "203.0.113.5", exeunt.FromProxy}, {"10.1.2.3:80", "10.0.0.9", exeunt.FromProxy},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		if c.header != "" {
			r.Header.Set("X-Forwarded-For", c.header)
		}
		if got := whence(r); got != c.want {
			t.Errorf("%s with %q is %q, want %q", c.peer, c.header, got, c.want)
		}
	}
}
