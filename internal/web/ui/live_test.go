package ui

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/exeunt/exeunt"
)

// TestStream holds what a live page is sent: nothing while it is right, the smallest part after a
// change, a sign of life every 20 s, and everything after a reconnect.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		w := newWorld(noon)
		s := newServer(w.config())
		page, _ := s.readCase(visitOf(w, "hr", "C-2041"))

		body, stop := listen(s, "/cases/C-2041/stream?since="+page.Digest, "")
		if got := body(); got != "id: "+page.Digest+"\n\n" {
			t.Errorf("a page that is right got %q", got)
		}
		if err := w.SaveTask(t.Context(), 315, []int{0, 1, 2, 3}, "", "Tom Reyes"); err != nil {
			t.Fatal(err)
		}
		got := body()
		for _, want := range []string{`hx-target="#t-transfer-knowledge"`, "4 of 7 done", `hx-target="#facts"`, `hx-target="#feed"`, `hx-target="#say"`, "Tom Reyes: transfer knowledge, in progress"} {
			if !strings.Contains(got, want) {
				t.Errorf("the change did not send %q", want)
			}
		}
		if strings.Contains(got, `hx-target="#timeline"`) || strings.Contains(got, "tr id=\"s-") {
			t.Error("one changed task sent other rows too")
		}
		time.Sleep(20 * time.Second)
		if got := body(); !strings.HasPrefix(got, ":") {
			t.Errorf("no sign of life, but %q", got)
		}
		time.Sleep(12 * time.Minute) // the badge's deadline passes with nobody doing anything
		if got := body(); !strings.Contains(got, `hx-target="#t-badges-by-hand"`) || !strings.Contains(got, "Past its deadline") {
			t.Error("a deadline that passed was not sent")
		}
		stop()

		page, _ = s.readCase(visitOf(w, "hr", "C-2041")) // right by chance: nobody knows what was missed
		body, stop = listen(s, "/cases/C-2041/stream?since="+page.Digest, "an-earlier-one")
		if got := body(); !strings.Contains(got, `hx-target="#timeline"`) || !strings.Contains(got, `hx-target="#needs"`) {
			t.Error("a reconnect did not send the whole state")
		}
		stop()
		body, stop = listen(s, "/cases/C-2041/stream", "")
		body()
		w.Lock()
		delete(w.users, "hr")
		w.Unlock()
		if err := w.SaveTask(t.Context(), 315, []int{0}, "", "Tom Reyes"); err != nil {
			t.Fatal(err)
		}
		if got := body(); got != "" {
			t.Errorf("who signed out was still sent %q", got)
		}
		stop()
		if len(s.streams) != 0 {
			t.Errorf("%d streams are left open", len(s.streams))
		}
	})
}

func visitOf(w *world, session, id string) *visit {
	r := httptest.NewRequest(http.MethodGet, "/cases/"+id, nil)
	r.SetPathValue("id", id)
	return &visit{Request: r, viewer: viewer{w.users[session]}, w: httptest.NewRecorder(), now: time.Now(), zone: time.UTC}
}

// listen connects to a stream; body returns what came since it was last asked.
func listen(s *server, target, last string) (body func() string, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	r := httptest.NewRequest(http.MethodGet, target, nil).WithContext(ctx)
	r.AddCookie(&http.Cookie{Name: "exeunt", Value: "hr"})
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	w, done := &line{header: http.Header{}}, make(chan struct{})
	go func() { defer close(done); s.handler().ServeHTTP(w, r) }()
	body = func() string {
		synctest.Wait()
		return w.take()
	}
	return body, func() { cancel(); <-done }
}

// line is a response that is read while it is written.
type line struct {
	header http.Header
	mu     sync.Mutex
	text   strings.Builder
}

func (l *line) Header() http.Header { return l.header }
func (l *line) WriteHeader(int)     {}
func (l *line) Flush()              {}

func (l *line) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *line) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

func TestTooManyStreams(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, _ http.Handler) {
		s := newServer(w.config())
		s.streams = make(chan struct{}) // no room at all
		r := send(s.handler(), "hr", "/cases/C-2041/stream", nil)
		says(t, r, 503, "Too many live pages")
		if r.Header().Get("Retry-After") != "60" {
			t.Errorf("retry after %q", r.Header().Get("Retry-After"))
		}
	})
}

// TestLiveRow holds that a change reaches an open page in place: the row changes, and what the reader
// had opened, typed and focused stays.
func TestLiveRow(t *testing.T) {
	b := openTab(t, "hr")
	b.visit("/cases/C-2041")
	b.until(`document.querySelector('.live').textContent === 'Live'`)
	b.do(chromedp.Click(chromedp.CSS("#n-snowflake-disable-user-r-ask > summary")))
	b.do(chromedp.SendKeys(chromedp.CSS("#n-snowflake-disable-user-r-reason"), "the login name was"))
	b.do(chromedp.Evaluate[chromedp.Void](`window.kept = document.querySelector('#s-entra-id-disable-account'), void 0`))
	b.until(`new Promise(done => setTimeout(() => done(true), 0))`)
	if err := b.world.waive(2041, "salesforce-freeze-user"); err != nil {
		t.Fatal(err)
	}
	if err := b.world.CompleteTask(t.Context(), 312, nil, "", "Facilities"); err != nil { // one notice less, beside the open form
		t.Fatal(err)
	}
	b.until(`document.querySelector('#s-salesforce-freeze-user').textContent.includes('Overridden')`)
	b.until(`document.querySelector('#b-access .cnt').textContent === '7 of 8' && !document.querySelector('#n-badges-by-hand')`)
	b.until(`document.querySelector('#say').textContent.includes('Salesforce: freeze user, overridden')`)
	b.until(`document.querySelector('#feed').textContent.includes('Salesforce: freeze user overridden')`)
	if !eval[bool](b, `kept === document.querySelector('#s-entra-id-disable-account')`) {
		t.Error("a row that did not change was replaced")
	}
	if !eval[bool](b, `document.querySelector('#n-snowflake-disable-user-r-ask').open`) {
		t.Error("the form that the reader had opened was closed")
	}
	if got := eval[string](b, `document.activeElement.value`); got != "the login name was" {
		t.Errorf("what was typed and focused became %q", got)
	}
	b.shoot("case-live")
	if broken := eval[[]string](b, `broken`); len(broken) > 0 {
		t.Errorf("faults: %q", broken)
	}
}

// TestReconnect holds that a page which lost its stream says so, and that it shows the whole state
// once it is back.
func TestReconnect(t *testing.T) {
	w := newWorld(time.Now())
	s := newServer(w.config())
	gate := &gate{next: s.handler()}
	b := openOn(t, w, s, "hr", gate)
	b.visit("/cases/C-2041")
	b.until(`document.querySelector('.live').textContent === 'Live'`)
	gate.shut(true)
	b.until(`document.querySelector('.live').textContent === 'Reconnecting. Figures may be old.'`)
	if err := w.waive(2041, "salesforce-freeze-user"); err != nil {
		t.Fatal(err)
	}
	gate.shut(false)
	b.until(`document.querySelector('.live').textContent === 'Live'`)
	b.until(`document.querySelector('#s-salesforce-freeze-user').textContent.includes('Overridden')`)
	b.until(`document.querySelector('#b-access .cnt').textContent === '6 of 8'`)
}

func TestKeys(t *testing.T) {
	b := openTab(t, "hr")
	b.visit("/cases")
	b.do(chromedp.KeyEvent(kb.Tab))
	if got := eval[string](b, `document.activeElement.textContent`); got != "Skip to content" {
		t.Errorf("the first stop is %q", got)
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until(`location.hash === '#main' && document.activeElement.id === 'main'`)
	b.do(chromedp.KeyEvent("j"), chromedp.KeyEvent("j"))
	if got := eval[string](b, `document.activeElement.textContent + ' ' + document.querySelectorAll('tr.cur').length`); got != "Emeka Nasser 1" {
		t.Errorf("j j leads to %q", got)
	}
	b.do(chromedp.KeyEvent("k"))
	if got := eval[string](b, `document.activeElement.textContent`); got != "Maya Okonkwo" {
		t.Errorf("k leads to %q", got)
	}
	b.do(chromedp.KeyEvent("/"))
	if got := eval[string](b, `document.activeElement.name`); got != "q" {
		t.Errorf("/ leads to %q", got)
	}
	b.do(chromedp.KeyEvent("j"))
	if got := eval[string](b, `document.activeElement.value`); !strings.HasSuffix(got, "j") {
		t.Errorf("a letter in a field does %q", got)
	}
	b.do(chromedp.KeyEvent(kb.Escape))
	b.do(chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))
	b.do(chromedp.KeyEvent("g"), chromedp.KeyEvent("t"))
	b.until(`location.pathname === '/tasks' && document.readyState === 'complete'`)
	b.do(chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent(kb.Enter))
	b.until(`location.search.startsWith('?sel=T-')`)
	b.until(`document.querySelector('#inbox .det h2') !== null`)
}

func TestPalette(t *testing.T) {
	b := openTab(t, "hr")
	b.visit("/tasks")
	b.until(`typeof document.querySelector('#palette').showModal === 'function' && document.readyState === 'complete'`)
	b.do(chromedp.KeyEvent("k", chromedp.KeyModifiers(2))) // 2 is Ctrl in the protocol
	b.until(`document.querySelector('#palette').open && document.activeElement.role === 'combobox'`)
	b.shoot("palette")
	if faults := b.faults(); len(faults) > 0 {
		t.Errorf("axe on the open palette:\n%s", strings.Join(faults, "\n"))
	}
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until(`!document.querySelector('#palette').open`)
	b.press("?", `document.querySelector('#palette').open`)
	b.write("gaps")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until(`location.pathname + location.search === '/gaps' && document.readyState === 'complete'`)
	b.do(chromedp.Click(chromedp.CSS(".find")))
	b.write("emeka n")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until(`location.pathname + location.search === '/cases?q=emeka+n' || location.search === '?q=emeka%20n'`)
}

// press presses a key until the page has heard it: a browser that is short of processor time loses keys
// that come while a dialog closes.
func (b *tab) press(key, heard string) {
	b.Helper()
	for range 5 {
		b.do(chromedp.KeyEvent(key))
		if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](heard, chromedp.WithPollingTimeout(2*time.Second))); err == nil {
			return
		}
	}
	b.Fatalf("the page does not hear %q", key)
}

// write types into the open palette. The key that opened it may have left a letter there, since the
// protocol sends letters apart from keys.
func (b *tab) write(text string) {
	b.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#palette input').value = ''`))
	b.do(chromedp.KeyEvent(text))
}

// TestFiltersApplyAtOnce holds that a filter changes the list in place and the address with it, and
// that the way back leads to the list as it was.
func TestFiltersApplyAtOnce(t *testing.T) {
	b := openTab(t, "hr")
	b.visit("/cases")
	b.do(chromedp.Evaluate[chromedp.Void](`window.samePage = true; document.querySelector('#f-place').focus(); document.querySelector('#f-place').value = 'Berlin'; document.querySelector('#f-place').dispatchEvent(new Event('change', {bubbles: true}))`))
	b.until(`location.search === '?place=Berlin'`)
	b.until(`document.querySelector('.pager .n').textContent.includes('of 24')`)
	if !eval[bool](b, `samePage && document.activeElement.id === 'f-place'`) {
		t.Error("the page was loaded anew, or the focus was lost")
	}
	b.do(chromedp.Evaluate[chromedp.Void](`history.back()`))
	b.until(`location.search === '' && document.querySelector('.pager .n').textContent.includes('of 97')`)
	if broken := eval[[]string](b, `broken`); len(broken) > 0 {
		t.Errorf("faults: %q", broken)
	}
}

// TestWithoutScript holds that reading, filtering and every form work with script off.
func TestWithoutScript(t *testing.T) {
	b := openTab(t, "hr")
	b.script(false)
	b.visit("/cases?state=attention")
	b.do(chromedp.WaitVisible(chromedp.CSS("noscript button, .filters button")))
	b.do(chromedp.SendKeys(chromedp.CSS("#q"), "maya"), chromedp.Click(chromedp.CSS(".filters .btn")))
	b.do(chromedp.WaitVisible(chromedp.CSS("#q[value=maya]")), chromedp.Click(chromedp.CSS("tbody a.nm"))) // the page before has such links, too
	b.do(chromedp.Click(chromedp.CSS("#n-snowflake-disable-user-w-ask > summary")))
	b.do(chromedp.SendKeys(chromedp.CSS("#n-snowflake-disable-user-w-reason"), "the warehouse was dropped"))
	b.do(chromedp.Click(chromedp.CSS("#n-snowflake-disable-user-w-ask form button")))
	b.do(chromedp.WaitVisible(chromedp.CSS(".told")))
	if got := b.world.files[2041].Case.Overrides; len(got) != 1 || got[0].By != "Priya Nair" || got[0].Reason != "the warehouse was dropped" {
		t.Errorf("the override says %+v", got)
	}
	b.visit("/t/tom")
	b.do(chromedp.Click(chromedp.CSS("input[value='4']")), chromedp.Click(chromedp.CSS("button[value=save]")))
	b.do(chromedp.WaitVisible(chromedp.CSS(".told")))
	b.do(chromedp.Click(chromedp.CSS("button[value=complete]")))
	b.do(chromedp.WaitVisible(chromedp.CSS("div.card .lead")))
	row, err := b.world.Task(t.Context(), 315)
	if err != nil || row.State != exeunt.TaskDone || fmt.Sprint(row.Ticked) != "[0 1 2 4]" {
		t.Errorf("%v, task is %s with %v", err, row.State, row.Ticked)
	}
}

// TestReflow holds that nothing scrolls sideways on the smallest screen (WCAG 2.2, 1.4.10).
func TestReflow(t *testing.T) {
	b := openTab(t, "", moreCases, decisions)
	b.size(320)
	for _, p := range pages {
		b.cookie("exeunt", orElse(p.session, "nobody"))
		b.visit(p.path)
		if wide := eval[int](b, `document.documentElement.scrollWidth`); wide > 320 {
			t.Errorf("%s is %d px wide: %s", p.name, wide, eval[string](b, widest))
		}
	}
}

// TestErrorsOfFragments holds that an error is shown as a page, not inside the list that was asked for.
func TestErrorsOfFragments(t *testing.T) {
	b := openTab(t, "hr")
	b.visit("/cases")
	b.world.Lock()
	b.world.broken = exeunt.Errorf(exeunt.Temporary, "the database does not answer")
	b.world.Unlock()
	b.do(chromedp.Click(chromedp.CSS("#tab-closed")))
	b.until(`document.querySelector('h1')?.textContent === 'Not available just now' && !document.querySelector('#results')`)
}

// TestPagesAreQuick holds the time that the server takes, as the median of many.
func TestPagesAreQuick(t *testing.T) {
	w := newWorld(time.Now())
	h := New(w.config())
	for _, path := range []string{"/", "/cases", "/cases/C-2041", "/tasks", "/systems", "/audit"} {
		var times []time.Duration
		for range 41 {
			began := time.Now()
			send(h, "hr", path, nil, "Accept-Encoding", "gzip")
			times = append(times, time.Since(began))
		}
		slices.Sort(times)
		if median := times[20]; median > 10*time.Millisecond {
			t.Errorf("%s takes %v, the budget is 10 ms", path, median)
		}
	}
}

// TestBudgets holds the weight of a first and of a repeated visit, as it travels.
func TestBudgets(t *testing.T) {
	w := newWorld(time.Now())
	s := newServer(w.config())
	weigh := &weigher{next: s.handler()}
	b := openOn(t, w, s, "hr", weigh)
	for _, path := range []string{"/", "/cases", "/cases/C-2041", "/tasks", "/systems", "/audit"} {
		weigh.bytes.Store(0)
		b.visit(path)
		b.until(`document.readyState === 'complete'`)
		n := weigh.bytes.Load()
		t.Logf("%s: %d bytes", path, n)
		if least := int64(15_000); path != "/" && n > least {
			t.Errorf("%s: a repeated visit is %d bytes, the budget is %d", path, n, least)
		}
		if path == "/" && (n > 120_000 || n < 48_000) {
			t.Errorf("a first visit is %d bytes, the budget is 120,000", n)
		}
	}
	r := send(s.handler(), "", assetURL("app.css"), nil, "Accept-Encoding", "gzip, br")
	if r.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(r.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("assets are sent with %v", r.Header())
	}
	says(t, send(s.handler(), "", "/assets/app.0000000000000000.css", url.Values(nil)), 404)
}

func BenchmarkCasePage(b *testing.B) { benchmark(b, "/cases/C-2041") }

func BenchmarkCasesPage(b *testing.B) { benchmark(b, "/cases") }

// benchmark draws a page; the case has 25 steps.
func benchmark(b *testing.B, path string) {
	w := newWorld(time.Now())
	f := w.files[2041]
	for i := 0; len(f.Steps) < 25; i++ {
		s := f.Steps[i]
		s.Key += fmt.Sprint("-", i)
		f.Steps = append(f.Steps, s)
	}
	w.files[2041] = f
	h := New(w.config())
	for b.Loop() {
		if r := send(h, "hr", path, nil); r.Code != http.StatusOK {
			b.Fatal(r.Code)
		}
	}
}
