package app

import (
	"bytes"
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// The sweep goes through every address of the pages and of the API, which it finds by itself, with an
// embargoed case in the database. It runs in a bubble, where no time passes between two answers, so that
// they can be compared byte by byte.

const chat = `
name: chat
kind: scim
identifier: work_email
tier: 2
owner: {role: it}
fallback: Deactivate the member.
stage: live
settings: {base_url: "http://127.0.0.1:1", token: "env:SWEEP_TOKEN", match: {work_email: userName}}
`

// listens is an application that hears of who leaves, in a system of its own.
const listens = `
name: crm
kind: signals
identifier: work_email
tier: 2
owner: {role: it}
fallback: Sign the person out.
stage: manual
settings: {audience: "https://crm.acme.example", tokens: ["sha256:3adfa0b50006a319c659971d6ab4f3b694ba940737250eee2719fbc3cb92088a"]}
`

// house is a server that listens to nothing.
type house struct {
	*App
	t       *testing.T
	handler http.Handler
	serve   func() http.Handler // a fresh one, which keeps no figures from before
	log     *bytes.Buffer
	tokens  map[string]string // of the API, by e-mail address
	session map[string]string
}

const (
	vera  = "vera@acme.example"  // on the list
	ida   = "ida@acme.example"   // administrator
	lena  = "lena@acme.example"  // auditor
	harry = "harry@acme.example" // HR
)

func openHouse(t *testing.T) *house {
	t.Helper()
	t.Setenv("SWEEP_TOKEN", "x")
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "systems"), 0o700))
	for name, text := range map[string]string{"exeunt.yaml": company, "systems/doors.yaml": doors, "systems/chat.yaml": chat, "systems/crm.yaml": listens} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	h := &house{t: t, log: &bytes.Buffer{}, tokens: map[string]string{}, session: map[string]string{}}
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg, faults := LoadConfig(dir)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	s := storetest.SQLite(t)
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger"), "test.example/log", ledger.Options{Logger: log})
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	h.App = &App{Store: s, Ledger: l, options: Options{Log: log, ConfigDir: dir, Environment: "test", Simulated: true}, trusts: &trusts{store: s}, metrics: newMetrics(), stopping: make(chan struct{})}
	h.Shipper = ledger.NewShipper(s.Outbox(), l, log)
	h.Accounts = NewAccounts(s, nil)
	h.accesses = h.Accounts.accesses
	h.Proofs = &Proofs{store: s, log: l, shipper: h.Shipper, accesses: h.accesses}
	all, err := h.assemble(t.Context(), cfg, nil)
	must(t, err)
	must(t, h.settleTrusts(t.Context(), cfg, byStart))
	h.now.Store(all)
	h.Engine = h.engineOf(h.Proofs, nil)
	h.serve = func() http.Handler { return h.App.handler(all) }
	h.handler = h.serve()
	for email, role := range map[string]string{vera: "hr", ida: "admin", lena: "auditor", harry: "hr"} {
		invitation, err := h.Accounts.Invite(t.Context(), store.User{Email: email, Name: email[:strings.Index(email, "@")], Roles: []string{role}}, "")
		must(t, err)
		h.session[email], err = h.Accounts.Redeem(t.Context(), invitation, "", password)
		must(t, err)
		h.tokens[email], err = h.Accounts.CreateToken(t.Context(), store.User{Email: email}, "sweep", 1000*time.Hour)
		must(t, err)
	}
	return h
}

// answer is what somebody is told.
type answer struct {
	status int
	body   string
	to     string // where they are sent on
}

// ask sends one request in somebody's name, "" for nobody's. The reference of an error page is random.
func (h *house) ask(who, method, target, body string) answer {
	h.t.Helper()
	return h.in(h.t.Context(), who, method, target, body)
}

// in is ask for as long as a context lasts.
func (h *house) in(ctx context.Context, who, method, target, body string) answer {
	r := httptest.NewRequest(method, target, strings.NewReader(body)).WithContext(ctx)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	switch {
	case strings.HasPrefix(target, "/api/"):
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+h.tokens[who])
	case strings.HasPrefix(target, "/ssf/"):
		r.Header.Set("Authorization", "Bearer exr_sweep") // the receiver, whoever asks
	default:
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: "exeunt", Value: h.session[who]})
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	text := w.Body.String()
	if reference := w.Header().Get("X-Reference"); reference != "" {
		text = strings.ReplaceAll(text, reference, "REFERENCE")
	}
	return answer{w.Code, text, w.Header().Get("Location")}
}

// ---- what there is to ask

// route is one address as the code registers it.
type route struct {
	method, path string
	queries      []string // of the API, from its description
	numbers      map[string]bool
}

var registered = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) (/\S*)$`)

// pageRoutes reads the addresses of the pages, and those that are neither page nor API, where they are registered.
func pageRoutes(t *testing.T) []route {
	t.Helper()
	var found []route
	for _, dir := range []string{"../web/ui", "../web/api", "../web/ssf", "."} {
		must(t, filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || filepath.Dir(file) != filepath.Clean(dir) {
				return err
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) < 2 {
					return true
				}
				if literal, ok := call.Args[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
					text, _ := strconv.Unquote(literal.Value)
					if m := registered.FindStringSubmatch(text); m != nil {
						found = append(found, route{method: m[1], path: strings.TrimSuffix(m[2], "{$}")})
					}
				}
				return true
			})
			return nil
		}))
	}
	return found
}

// apiRoutes reads those of the API from the description that it serves.
func (h *house) apiRoutes() []route {
	h.t.Helper()
	var document struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name, In string
				Schema   struct{ Type any }
			}
		}
	}
	must(h.t, json.Unmarshal([]byte(h.ask("", "GET", "/api/v1/openapi.json", "").body), &document))
	var found []route
	for path, item := range document.Paths {
		for method, o := range item {
			r := route{method: strings.ToUpper(method), path: path, numbers: map[string]bool{}}
			for _, p := range o.Parameters {
				if p.In == "query" {
					r.queries = append(r.queries, p.Name)
					r.numbers[p.Name] = p.Schema.Type == "integer"
				}
			}
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b route) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return found
}

// thing is what one case is called where.
type thing struct {
	id              exeunt.CaseID
	name, employee  string
	handle          string
	step, task, log string // a step, a task and an entry of it
	link            string // the one-time link of its task
	trip            string // of the fuse, which somebody protected trips
	wave            string // a mass departure that is as open, or as hidden, as the case
}

// values are what the parts of an address are filled with: whatever names something of the case.
func (c thing) values(path, part string) (string, bool) {
	switch {
	case part == "id" && strings.Contains(path, "/tasks"):
		return c.task, true
	case part == "id" && strings.Contains(path, "/fuse"):
		return c.trip, true
	case part == "id" && strings.Contains(path, "/waves"):
		return c.wave, true
	case (part == "id" || part == "name") && strings.Contains(path, "/systems"):
		return "chat", true
	case part == "name" && strings.Contains(path, "/connectors"):
		return "scim", true
	case part == "id" && (strings.Contains(path, "/reconciliation") || strings.Contains(path, "/accounts")):
		return "999999", true // one of a hidden case is there for everybody, as an orphan of nobody: see the store's tests
	case part == "id" && strings.Contains(path, "/cases"):
		return c.id.String(), true
	case part == "step":
		return c.step, true
	case part == "entry":
		return c.log, true
	case part == "token":
		return c.link, true
	case part == "act":
		return "release", true
	case part == "source":
		return "nobody", true
	}
	return "", false
}

var parts = regexp.MustCompile(`\{(\w+)\}`)

// fill writes the address of a route for a case.
func (h *house) fill(r route, c thing) string {
	return parts.ReplaceAllStringFunc(r.path, func(part string) string {
		value, ok := c.values(r.path, strings.Trim(part, "{}"))
		if !ok {
			h.t.Errorf("the sweep does not know what stands for %s in %s %s: tell it", part, r.method, r.path)
		}
		return url.PathEscape(value)
	})
}

// guesses are queries by which somebody might look for a case.
func (h *house) guesses(r route, c thing) []string {
	out := []string{""}
	if !strings.HasPrefix(r.path, "/api/") {
		switch r.path {
		case "/cases":
			return append(out, "?q="+url.QueryEscape(c.name), "?q="+c.employee, "?q="+c.id.String(), "?state=scheduled", "?state=closed", "?state=attention", "?sort=name", "?sort=newest", "?dept=Secrets", "?type=layoff")
		case "/tasks":
			return append(out, "?group=case", "?group=system", "?state=done", "?owner="+url.QueryEscape(ida), "?owner=me", "?sel="+c.task)
		case "/audit":
			return append(out, "?q=case", "?case="+c.id.String(), "?actor=vera", "?action=case.open", "?system=chat", "?q="+c.log)
		case "/preview":
			return append(out, "?case="+c.id.String(), "?case="+c.id.String()+"&type=layoff", "?last_day=2000-01-06&type=layoff")
		case "/preview/compare":
			return append(out, "?from=2000-01-01", "?effect=added&from=2000-01-01&to=2000-12-31")
		case "/systems":
			return append(out, "?gap=1", "?alone=1")
		}
		return out
	}
	guess := map[string]string{
		"q": c.employee, "case": c.id.String(), "state": "scheduled", "type": "layoff", "department": "Secrets", "place": "Vault", "sort": "newest",
		"owner": ida, "system": "chat", "actor": "vera", "kind": "case.open", "from": "2000-01-01", "to": "2000-12-31", "against": h.Config().Set.Version,
	}
	for _, q := range r.queries {
		value, ok := guess[q]
		switch {
		case q == "before":
			value = "1000"
		case r.numbers[q]:
			value = "1"
		case !ok:
			h.t.Errorf("the sweep does not know what to ask %s for with %s=: tell it", r.path, q)
		}
		out = append(out, "?"+q+"="+url.QueryEscape(value))
	}
	return out
}

// readable says whether the sweep compares what a route answers to a case that everybody may see. A stream does
// not end, and evidence waits for the ledger.
func readable(r route) bool {
	return r.method == "GET" && !strings.HasSuffix(r.path, "/stream") && !r.waits() && !strings.HasPrefix(r.path, "/assets") && r.path != "/metrics" && r.path != "/readyz"
}

// read asks all that can be read, about the case and by guesses for another one, in somebody's name.
func (h *house) read(who string, routes []route, open, secret thing) map[string]answer {
	h.t.Helper()
	got := map[string]answer{}
	for _, r := range routes {
		if !readable(r) {
			continue
		}
		for _, query := range h.guesses(r, secret) {
			target := h.fill(r, open) + query
			got[target] = h.ask(who, "GET", target, "")
		}
	}
	return got
}

// waits says whether an address is answered when the ledger has every entry only, which in a test without one is never.
func (r route) waits() bool {
	last := r.path[strings.LastIndex(r.path, "/")+1:]
	return last == "evidence" || last == "record" || last == "record.pdf"
}
