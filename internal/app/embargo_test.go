package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// leaver is somebody fictional.
func leaver(id, name string) exeunt.Departure {
	return exeunt.Departure{Type: exeunt.Layoff, LastDay: "2000-01-06", Leaver: exeunt.Leaver{
		ID: id, Name: name, Department: "Secrets", Place: "Vault", Manager: exeunt.Person{Name: "Mona", Email: "mona@acme.example"},
		Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: strings.ToLower(id) + "@acme.example"},
	}}
}

// begin starts a case in vera's name and says what it is called.
func (h *house) begin(d exeunt.Departure) thing {
	h.t.Helper()
	who := exeunt.Viewer{Name: "vera", Email: vera}
	id, err := h.commands(who).StartCase(h.t.Context(), d, exeunt.Override{By: "vera", Reason: "the board has decided it"})
	must(h.t, err)
	f, err := h.Store.For(who).CaseFile(h.t.Context(), id)
	must(h.t, err)
	return thing{
		id: id, name: d.Leaver.Name, employee: d.Leaver.ID, handle: f.Case.Handle, step: f.Steps[0].Key, task: f.Tasks[0].ID.String(),
		log: fmt.Sprint(f.Entries[0].Number), link: strings.TrimPrefix(h.TaskLink(f.Tasks[0]), h.Config().URL+"/t/"),
	}
}

// gather makes a mass departure of one person in vera's name.
func (h *house) gather(id, name string, embargo *exeunt.EmbargoTerms) string {
	h.t.Helper()
	ask := exeunt.WaveRequest{Title: "Vault", Type: exeunt.Layoff, Clock: "2000-01-03T12:00:00Z", Embargo: embargo, CSV: "employee_id,name\n" + id + "," + name + "\n"}
	w, err := h.commands(exeunt.Viewer{Name: "vera", Email: vera}).MakeWave(h.t.Context(), ask, exeunt.Override{By: "vera", Account: vera, Reason: "the board has decided it"})
	must(h.t, err)
	return w.String()
}

// compared reconciles somebody with the systems, of which one has an orphan of nobody.
func (h *house) compared() {
	h.t.Helper()
	ctx, now := h.t.Context(), time.Now()
	people := []exeunt.Worker{{Leaver: exeunt.Leaver{ID: "1", Name: "Ann"}}}
	r, change, err := exeunt.BeginReconciliation(people, h.Config().Inventory(), exeunt.Override{By: "vera"}, now)
	must(h.t, err)
	_, err = h.Store.BeginReconciliation(ctx, r, people, &change)
	must(h.t, err)
	lists, err := h.Store.Listings(ctx, "")
	must(h.t, err)
	for _, l := range lists {
		var findings []exeunt.Finding
		if l.System.System == "chat" {
			findings = []exeunt.Finding{{System: "chat", Kind: exeunt.FoundOrphaned, Accounts: []exeunt.Account{{ID: "a1", Login: "z"}}, Why: exeunt.OrphanOfNobody}}
		}
		l.System, change = l.System.End(exeunt.Tally{Orphaned: len(findings)}, now)
		must(h.t, h.Store.EndListing(ctx, l, findings, &change))
	}
}

// knowOrphan lets the orphan be that of a case, as when the case had come first.
func (h *house) knowOrphan(of thing) {
	h.t.Helper()
	storetest.Exec(h.t, h.Store, fmt.Sprintf(`UPDATE findings SET case_id = %d, whose = '{"leaver":"acme/ZQ-77","name":"Zelda Quux","why":"Zelda Quux left","left_on":"2000-01-06","case":"%s","worker":{"leaver":{"id":"ZQ-77","name":"Zelda Quux"}}}'`, of.id, of.id))
}

var terms = exeunt.EmbargoTerms{Until: "2000-01-03 09:00", VisibleTo: []string{vera}}

// hide starts cases under embargo in every state that counts somewhere: one with steps that are confirmed
// and failed and a task that is late and done, one that was taken back and is closed, and one that the fuse
// holds, since it is somebody protected.
func (h *house) hide() thing {
	h.t.Helper()
	ctx, now := h.t.Context(), time.Now()
	d := leaver("ZQ-77", "Zelda Quux")
	d.Embargo = &terms
	secret := h.begin(d)
	f, err := h.Store.Everything().CaseFile(ctx, secret.id)
	must(h.t, err)
	for i, s := range f.Steps {
		kind := exeunt.Done
		if i%2 == 1 {
			kind = exeunt.GaveUp
		}
		change := s.Finish(exeunt.Outcome{Kind: kind, Proof: exeunt.Observed, Changed: true}, now)
		must(h.t, h.Store.Commit(ctx, &change))
	}
	for i, task := range f.Tasks {
		task.Deadline = now.Add(-time.Hour)
		change, err := task.Save(nil, "x", "vera", now)
		if must(h.t, err); i%2 == 1 {
			change, err = task.Complete(nil, nil, "", "vera", now)
			must(h.t, err)
		}
		must(h.t, h.Store.Commit(ctx, &change))
	}
	gone := leaver("ZQ-78", "Zebulon Quux")
	gone.Embargo = &terms
	rescinded := h.begin(gone)
	f, err = h.Store.Everything().CaseFile(ctx, rescinded.id)
	must(h.t, err)
	change, err := f.Case.Rescind(exeunt.Trigger{Source: "hr", Kind: exeunt.Rescinded, Departure: gone}, nil, f.Steps, f.Tasks, now)
	must(h.t, err)
	must(h.t, h.Store.Commit(ctx, &change))
	closed, err := change.Case.Close(now)
	must(h.t, err)
	must(h.t, h.Store.Commit(ctx, &closed))
	guarded := leaver("ZQ-79", "Zora Quux")
	guarded.Embargo, guarded.Leaver.Flags = &terms, []exeunt.Flag{exeunt.Protected}
	h.begin(guarded)
	var about exeunt.Change
	about.Record(exeunt.EntryExported, secret.id, now, "evidence of case "+secret.id.String()+" exported", map[string]string{"by": "vera", "case": secret.id.String()})
	must(h.t, h.Store.Commit(ctx, &about))
	h.knowOrphan(secret)
	secret.wave = h.gather("ZQ-75", "Zoe Quux", &terms)
	return secret
}

// swept is a house with a case that everybody may see and one under embargo, and what the others were told
// before the latter was there.
type swept struct {
	*house
	routes       []route
	open, secret thing
	before       map[string]map[string]answer
	metrics      string
}

var others = []string{ida, lena, harry, ""}

func sweep(t *testing.T) *swept {
	t.Helper()
	h := openHouse(t)
	h.compared()
	wave := h.gather("AB-12", "Bea Berg", nil)
	s := &swept{house: h, open: h.begin(leaver("AB-11", "Anton Berg")), before: map[string]map[string]answer{}}
	s.open.wave = wave
	s.routes = append(pageRoutes(t), h.apiRoutes()...)
	if len(s.routes) < 45 {
		t.Fatalf("only %d routes were found", len(s.routes))
	}
	s.open.trip = "F-1" // there is none yet; whoever guesses gets the same answer afterwards
	known, err := h.Store.Everything().CaseFile(t.Context(), s.open.id)
	must(t, err)
	s.secret = thing{id: 2, name: "Zelda Quux", employee: "ZQ-77", wave: "W-2", task: fmt.Sprintf("T-%d", len(known.Tasks)+1), log: "1"}
	for _, who := range append(others, vera) {
		h.read(who, s.routes, s.open, s.secret) // what is recorded of a first look is there from now on
	}
	s.secret.log = fmt.Sprint(h.last() + 1)
	for _, who := range others {
		s.before[who] = h.read(who, s.routes, s.open, s.secret)
	}
	s.metrics = h.figures()
	h.log.Reset()
	secret := h.hide()
	if secret.id != s.secret.id || secret.task != s.secret.task || secret.wave != s.secret.wave {
		t.Fatalf("the hidden case is %+v, it was looked for as %+v", secret, s.secret)
	}
	secret.log, secret.trip = s.secret.log, s.open.trip
	s.secret, h.handler = secret, h.serve()
	return s
}

func TestNobodyOffTheListLearnsOfAnEmbargoedCase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sweep(t)
		s.read(vera, s.routes, s.secret, s.secret) // whatever is kept between readers holds it now
		for _, who := range others {
			after := s.read(who, s.routes, s.open, s.secret)
			for target, was := range s.before[who] {
				if got := after[target]; got != was {
					t.Errorf("%q sees at %s that there is a case: %s", who, target, difference(was, got))
				}
			}
		}
		if got := s.figures(); got != s.metrics || got == "" {
			t.Errorf("the metrics tell: %q instead of %q", got, s.metrics)
		}
		for _, word := range []string{"Zelda", "Zebulon", "Zora", "Zoe", "W-2", "ZQ-7", s.secret.handle, s.secret.id.String()} {
			if strings.Contains(s.log.String(), word) {
				t.Errorf("the log says %q", word)
			}
		}
	})
}

// forms are what is sent to an address that changes something, by its last part: enough to be more than malformed.
var forms = map[string]string{
	"reveal": `{"reason":"decided by the board"}`, "erase": `{"reason":"decided by the board"}`, "legal-hold": `{"reason":"decided by the board"}`, "legal-release": `{"reason":"decided by the board"}`, "embargo": `{"reason":"decided by the board"}`, "hold": `{"reason":"decided by the board"}`, "confirm": `{"reason":"decided by the board"}`, "reject": `{"reason":"decided by the board"}`, "release": `{"reason":"decided by the board"}`, "waive": `{"reason":"decided by the board"}`, "put-back": `{"reason":"decided by the board"}`, "retry": `{"reason":"decided by the board"}`,
	"check": `{}`, "approve": `{"reason":"decided by the board"}`, "start": `{"reason":"decided by the board"}`, "go-on": `{"reason":"decided by the board"}`, "stop": `{"reason":"decided by the board"}`,
	"clean-up": `{"reason":"decided by the board"}`, "replan": `{"reason":"decided by the board"}`, "complete": `{"note":"x"}`, "reassign": `{"email":"omar@acme.example"}`, "remind": ``,
}

// TestAGuessedAddressAnswersAsIfNothingWereThere asks for everything of the hidden case by its own names, and for
// what does not exist, and compares: also what would change something.
func TestAGuessedAddressAnswersAsIfNothingWereThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sweep(t)
		nothing := thing{id: 987654, task: "T-987654", wave: "W-987654", log: "987654", trip: "F-987654", step: s.secret.step, link: strings.Repeat("A", len(s.secret.link))}
		asked := 0
		for _, r := range s.routes {
			if !strings.Contains(r.path, "{") || strings.Contains(r.path, "/systems/") || strings.Contains(r.path, "/connectors/") || strings.Contains(r.path, "/invitation/") || strings.Contains(r.path, "/hooks/") {
				continue
			}
			asked++
			body := url.Values{"reason": {"decided by the board"}, "act": {"complete"}, "note": {"x"}, "to_email": {"omar@acme.example"}}.Encode()
			if strings.HasPrefix(r.path, "/api/") {
				var known bool
				if body, known = forms[r.path[strings.LastIndex(r.path, "/")+1:]]; !known && r.method != "GET" {
					t.Errorf("the sweep does not know what to send to %s %s: tell it in forms", r.method, r.path)
				}
			}
			for _, who := range others {
				hidden := s.ask(who, r.method, s.fill(r, s.secret), body)
				missing := s.ask(who, r.method, s.fill(r, nothing), body)
				hidden.body, hidden.to = nameless(hidden.body, s.secret), nameless(hidden.to, s.secret)
				missing.body, missing.to = nameless(missing.body, nothing), nameless(missing.to, nothing)
				if hidden != missing {
					t.Errorf("%q: %s %s tells: %s", who, r.method, r.path, difference(missing, hidden))
				}
				if who == ida && hidden.status != http.StatusNotFound {
					t.Errorf("an administrator who is not on the list got %d from %s %s: %s", hidden.status, r.method, r.path, hidden.body)
				}
			}
			if r.method == "GET" && !strings.HasSuffix(r.path, "/stream") && !r.waits() && !strings.Contains(r.path, "/t/") {
				if got := s.ask(vera, r.method, s.fill(r, s.secret), ""); got.status != http.StatusOK {
					t.Errorf("who is on the list got %d from %s", got.status, r.path)
				}
			}
		}
		if asked < 20 {
			t.Errorf("only %d addresses name something", asked)
		}
		f, err := s.Store.Everything().CaseFile(t.Context(), s.secret.id)
		must(t, err)
		for _, e := range f.Entries {
			if e.Actor != "vera" && e.Actor != "engine" && e.Actor != engine.OverrideSource {
				t.Errorf("%s did something to it: %s", e.Actor, e.What)
			}
		}
	})
}

// nameless takes out of an answer what it repeats of the question.
func nameless(text string, c thing) string {
	return strings.NewReplacer(c.id.String(), "…", c.task, "…", c.trip, "…", c.wave, "…", "audit/"+c.log, "…", "audit%2F"+c.log, "…", "/"+c.step, "…", "%2F"+c.step, "…", c.link, "…").Replace(text)
}

// shows are the addresses at which whoever may see the hidden case reads its name.
func shows(c thing) []string {
	id := c.id.String()
	return []string{
		"/", "/cases", "/cases?q=" + c.employee, "/cases/" + id, "/cases/" + id + "/steps/" + c.step, "/tasks?group=case", "/tasks?sel=" + c.task,
		"/audit", "/audit/" + c.log, "/systems/chat", "/accounts", "/api/v1/reconciliation/findings",
		"/api/v1/cases", "/api/v1/cases?q=zelda", "/api/v1/cases/" + id, "/api/v1/tasks?state=all", "/api/v1/tasks/" + c.task, "/api/v1/entries?case=" + id,
	}
}

func TestWhoIsOnTheListSeesTheCaseAndAfterItsEndEverybodyDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sweep(t)
		see := func(who string, wanted bool) {
			t.Helper()
			for _, target := range shows(s.secret) {
				got := s.ask(who, "GET", target, "")
				told := got.status == http.StatusOK && (strings.Contains(got.body, s.secret.name) || strings.Contains(got.body, s.secret.id.String()))
				if strings.Contains(target, "q=") || strings.Contains(target, "/audit/") { // what was asked for is repeated
					told = got.status == http.StatusOK && strings.Contains(got.body, s.secret.name)
				}
				if told != wanted {
					t.Errorf("%s at %s: sees it: %t (%d)", who, target, told, got.status)
				}
			}
		}
		see(vera, true)
		see(ida, false)
		err := s.Engine.As(exeunt.Viewer{Email: ida, Roles: []string{"admin"}}).RevealCase(t.Context(), s.secret.id, exeunt.Override{By: "ida", Reason: "I am the administrator"})
		if exeunt.KindOf(err) != exeunt.NotFound {
			t.Errorf("an administrator who is not on the list revealed it: %v", err)
		}
		must(t, s.Engine.As(exeunt.Viewer{Email: vera}).RevealCase(t.Context(), s.secret.id, exeunt.Override{By: "vera", Reason: "the works council was told"}))
		s.handler = s.serve()
		see(ida, true)
		if a, b := s.ask(vera, "GET", "/api/v1/entries?case="+s.secret.id.String(), ""), s.ask(ida, "GET", "/api/v1/entries?case="+s.secret.id.String(), ""); a != b || !strings.Contains(a.body, "embargo ended early") {
			t.Errorf("the end is not told to everybody: %s", difference(a, b))
		}
	})
}

// TestAHiddenCaseIsQuiet holds what comes by itself: streams, links, and the answer to whoever starts a departure
// that is under way.
func TestAHiddenCaseIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sweep(t)
		ctx := t.Context()
		ticks := map[string]<-chan struct{}{}
		for _, who := range []string{vera, ida, ""} {
			ticks[who] = s.Engine.Watch(ctx, exeunt.Viewer{Email: who}, s.secret.id)
		}
		extended := exeunt.EmbargoTerms{Until: "2000-01-05"}
		must(t, s.Engine.As(exeunt.Viewer{Email: vera}).ExtendEmbargo(ctx, s.secret.id, extended, exeunt.Override{By: "vera", Reason: "the council meets later"}))
		<-time.After(time.Minute)
		for who, c := range ticks {
			if ticked := len(c) > 0; ticked != (who == vera) {
				t.Errorf("%q was ticked: %t", who, ticked)
			}
		}
		if got := s.ask("", "GET", "/t/"+s.secret.link, ""); got.status != http.StatusNotFound {
			t.Errorf("the link of a task of it opens: %d", got.status)
		}
		for who, wanted := range map[string]string{harry: "no case was opened", vera: "under way already: case C-2"} {
			d, err := json.Marshal(map[string]any{"departure": leaver("ZQ-77", "Zelda Quux"), "reason": "she handed in her notice"})
			must(t, err)
			got := s.ask(who, "POST", "/api/v1/cases", string(d))
			if got.status < 400 || !strings.Contains(got.body, wanted) || who == harry && (strings.Contains(got.body, "C-2") || strings.Contains(got.body, "way")) {
				t.Errorf("%s starts it again: %d %s", who, got.status, got.body)
			}
		}
		due, _, err := s.Store.Unsent(ctx, time.Now().AddDate(1, 0, 0), 1000)
		must(t, err)
		told := map[string]bool{}
		for _, id := range due {
			n, _, err := s.Store.Notice(ctx, id)
			if must(t, err); n.Case == s.secret.id {
				told[n.To.Email] = true
			}
		}
		if len(told) != 1 || !told[vera] {
			t.Errorf("told of it: %v", told)
		}
	})
}

// figures are the metrics about cases.
func (h *house) figures() string {
	var kept []string
	for line := range strings.Lines(h.ask("", "GET", "/metrics", "").body) {
		if strings.HasPrefix(line, "exeunt_cases") {
			kept = append(kept, strings.TrimSpace(line))
		}
	}
	return strings.Join(kept, "; ")
}

// difference shows where two answers part.
func difference(was, got answer) string {
	if was.status != got.status || was.to != got.to {
		return fmt.Sprintf("%d %s, it was %d %s", got.status, got.to, was.status, was.to)
	}
	i := 0
	for i < len(was.body) && i < len(got.body) && was.body[i] == got.body[i] {
		i++
	}
	show := func(s string) string { return s[max(i-60, 0):min(i+100, len(s))] }
	return fmt.Sprintf("…%q, it was …%q", show(got.body), show(was.body))
}
