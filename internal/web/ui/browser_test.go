package ui

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	protocol "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/exeunt/exeunt/internal/testserver"
)

//go:embed testdata/axe.min.js
var axe string

// tab is a browser's tab on a running installation.
type tab struct {
	*testing.T
	ctx   context.Context
	world *world
	url   string
}

// openTab starts a server and a browser for one test.
func openTab(t *testing.T, session string, change ...func(*world)) *tab {
	t.Helper()
	w := newWorld(time.Now())
	for _, c := range change {
		c(w)
	}
	return openOn(t, w, newServer(w.config()), session)
}

// openOn puts a handler, such as one that counts, before the pages.
func openOn(t *testing.T, w *world, s *server, session string, before ...http.Handler) *tab {
	t.Helper()
	h := s.handler()
	if len(before) > 0 {
		h = before[0]
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	allocator, stop := chromedp.NewExecAllocator(t.Context(), chromedp.ExecPath(testserver.Chromium(t)), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-dev-shm-usage", true))
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	ctx, stopTime := context.WithTimeout(ctx, 10*time.Minute) // all pages in all variants, on a busy machine
	t.Cleanup(stopTime)
	b := &tab{T: t, ctx: ctx, world: w, url: server.URL}
	b.do(chromedp.EmulateViewport(1440, 900))
	command(b, protocol.AddScriptToEvaluateOnNewDocument, protocol.AddScriptToEvaluateOnNewDocumentParams{
		Source: `window.broken = []; addEventListener('securitypolicyviolation', e => broken.push(e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample)); addEventListener('error', e => broken.push('error: ' + e.message))`,
	})
	if session != "" {
		b.cookie("exeunt", session)
	}
	return b
}

func command[P, R any](b *tab, c cdp.Command[P, R], params P) R {
	b.Helper()
	out, err := chromedp.Call(b.ctx, c, params)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	for _, step := range steps {
		err := chromedp.Do(b.ctx, step)
		for range 3 {
			if err == nil || !strings.Contains(err.Error(), gone) {
				break
			}
			err = chromedp.Do(b.ctx, step)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// gone is what the browser says of an element that went with its page between being found and being used: nothing was done to it.
const gone = "Could not find node with given id"

func eval[T any](b *tab, expression string) T {
	b.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return out
}

// patience is how long what must come true may take on a busy machine.
const patience = time.Minute

// until waits for something to become true in the page.
func (b *tab) until(expression string) {
	b.Helper()
	for began := time.Now(); ; {
		_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience)))
		if err == nil {
			return
		}
		if b.ctx.Err() != nil || time.Since(began) > patience || !strings.Contains(err.Error(), "context") { // it went to another page meanwhile
			b.Fatalf("never became true: %s: %v", expression, err)
		}
	}
}

func (b *tab) cookie(name, value string) {
	b.Helper()
	command(b, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: b.url})
}

func (b *tab) visit(path string) {
	b.Helper()
	b.do(chromedp.Navigate(b.url + path))
}

func (b *tab) size(width int64) {
	b.Helper()
	height := int64(900)
	if width < 600 {
		height = 844
	}
	b.do(chromedp.EmulateViewport(width, height))
}

func (b *tab) script(on bool) {
	b.Helper()
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}

// shoot keeps a picture of the page in the folder that EXEUNT_SHOTS names, to be looked at.
func (b *tab) shoot(name string) {
	b.Helper()
	dir := os.Getenv("EXEUNT_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.Fatal(err)
	}
}

// faults are what axe finds on the page, one line each.
func (b *tab) faults() []string {
	b.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](axe))
	return eval[[]string](b, `axe.run(document, {runOnly: {type: 'tag', values: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']}})
		.then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ': ' + n.target.join(' ') + ' ' + (n.any[0]?.message || n.all[0]?.message || n.none[0]?.message || ''))))`)
}

// every page, by a name for its picture, with the session that sees it.
var pages = []struct{ name, path, session string }{
	{"overview", "/", "hr"},
	{"cases", "/cases", "hr"},
	{"cases-empty", "/cases?q=zzzz", "hr"},
	{"case-new", "/cases/new", "hr"},
	{"case", "/cases/C-2041", "hr"},
	{"case-it", "/cases/C-2041", "it"},
	{"case-payroll", "/cases/C-2041?scale=all", "payroll"},
	{"case-scheduled", "/cases/C-2050", "hr"},
	{"case-late", "/cases/C-2051", "hr"},
	{"overview-fuse", "/", "hr"},
	{"case-held", "/cases/C-2060", "hr"},
	{"case-second", "/cases/C-2061", "legal"},
	{"step-approval", "/cases/C-2061/steps/drive-wipe", "it"},
	{"task-approval", "/tasks?sel=T-999", "it"},
	{"fuse", "/fuse/F-1", "hr"},
	{"fuse-confirm", "/fuse/F-2", "legal"},
	{"step", "/cases/C-2041/steps/snowflake-disable-user", "it"},
	{"case-by-hand", "/cases/C-2070", "it"},
	{"step-by-hand", "/cases/C-2070/steps/snowflake-hand-over", "it"},
	{"task-by-hand", "/tasks?sel=T-998", "it"},
	{"tasks", "/tasks?sel=T-315", "hr"},
	{"tasks-case", "/tasks?group=case", "it"},
	{"tasks-mine", "/tasks", "manager"},
	{"waves", "/waves", "hr"},
	{"wave", "/waves/W-14", "hr"},
	{"wave-check", "/waves/W-13", "legal"},
	{"wave-held", "/waves/W-12", "hr"},
	{"wave-large", "/waves/W-10", "auditor"},
	{"wave-new", "/waves/new", "hr"},
	{"wave-report", "/waves/W-14/report", "auditor"},
	{"systems", "/systems", "it"},
	{"gaps", "/gaps", "it"},
	{"import", "/systems/-/import", "it"},
	{"add", "/systems/-/add?name=Snowflake+Computing", "it"},
	{"connectors", "/connectors", "it"},
	{"connector", "/connectors/scim", "auditor"},
	{"policies", "/policies?against=set-1", "it"},
	{"preview", "/preview?flag=on_leave&last_day=2027-03-31&type=voluntary", "hr"},
	{"preview-empty", "/preview", "it"},
	{"preview-missing", "/preview?case=C-2041", "hr"},
	{"preview-table", "/preview?last_day=2027-03-31&type=layoff&view=table", "it"},
	{"preview-compare", "/preview/compare", "hr"},
	{"replan", "/cases/C-2041/replan", "hr"},
	{"accounts", "/accounts", "it"},
	{"systems-alone", "/systems?alone=1", "it"},
	{"overview-it", "/", "it"},
	{"system", "/systems/entra-id", "it"},
	{"system-quiet", "/systems/snowflake", "auditor"},
	{"system-shadow", "/systems/figma", "it"},
	{"audit", "/audit", "auditor"},
	{"entry", "/audit/48209", "auditor"},
	{"checks", "/audit/checks", "auditor"},
	{"proves", "/audit/proves", "auditor"},
	{"one-time", "/t/tom", ""},
	{"sign-in", "/sign-in", ""},
	{"invitation", "/invitation/welcome", ""},
	{"dead-link", "/t/gone", ""},
	{"missing", "/cases/C-9999", "hr"},
}

// TestPagesInABrowser opens every page in both themes and two widths: no axe violation, no policy
// violation, no script fault, no sideways scrolling, and not more elements than the budget.
func TestPagesInABrowser(t *testing.T) {
	b := openTab(t, "", moreCases, decisions, entraIsDown, figmaIsShadowed, salesHasNoOtherOwner)
	for _, p := range pages {
		for _, theme := range []string{"light", "dark"} {
			for _, width := range []int64{1440, 390} {
				t.Run(fmt.Sprintf("%s/%s/%d", p.name, theme, width), func(t *testing.T) {
					at := *b
					at.T = t
					at.cookie("theme", theme)
					at.cookie("exeunt", orElse(p.session, "nobody"))
					at.size(width)
					at.visit(p.path)
					at.checkPage(width)
					at.shoot(fmt.Sprintf("%s-%s-%d", p.name, theme, width))
				})
			}
		}
	}
}

// widest names what reaches beyond the screen.
const widest = `[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map(e => e.outerHTML.slice(0, 90)).join('\n')`

func (b *tab) checkPage(width int64) {
	b.Helper()
	if broken := eval[[]string](b, `broken`); len(broken) > 0 {
		b.Errorf("policy or script faults: %s", strings.Join(broken, "\n"))
	}
	if n := eval[int](b, `document.querySelectorAll('*').length`); n >= 1500 {
		b.Errorf("%d elements, the budget is 1,500", n)
	}
	if wide := eval[int](b, `document.documentElement.scrollWidth`); wide > int(width) {
		b.Errorf("the page is %d px wide on a screen of %d: %s", wide, width, eval[string](b, widest))
	}
	if faults := b.faults(); len(faults) > 0 {
		b.Errorf("axe:\n%s", strings.Join(faults, "\n"))
	}
}
