package ui

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// site is a world's waves: W-14 runs behind its hold point, W-13 needs a second person, W-12 is at its hold
// point, W-11 is a draft with a check that runs, W-10 has a thousand people and was stopped.
type site struct {
	files map[exeunt.WaveID]store.WaveFile
	asked exeunt.WaveRequest
	ticks []chan struct{}
}

var agreed = exeunt.Override{By: "Ana Kofi", Account: "ana.kofi@northwind.example", Reason: "agreed with the council"}

func newSite(now time.Time) *site {
	s := &site{files: map[exeunt.WaveID]store.WaveFile{}}
	s.add(14, now, 31, exeunt.WaveRunning)
	s.add(13, now, 31, exeunt.WaveChecked)
	s.add(12, now, 31, exeunt.WaveHeld)
	s.add(11, now, 31, exeunt.WaveDraft)
	s.add(10, now, 1000, exeunt.WaveStopped)
	return s
}

// add makes a wave that has come so far.
func (s *site) add(id exeunt.WaveID, now time.Time, people int, state exeunt.WaveState) {
	made := exeunt.Override{By: "Priya Nair", Account: "priya.nair@northwind.example", Reason: "the Austin site closes"}
	f := store.WaveFile{Wave: exeunt.Wave{
		ID: id, Version: 4, Title: "Austin site", Type: exeunt.Layoff, Clock: exeunt.WaveClock{At: now.Add(-9 * time.Minute)}, Opens: exeunt.OpensNow,
		Canary: 3, Rate: 30, Size: people, State: state, Made: exeunt.Decision{Override: made, At: now.Add(-2 * day)},
	}}
	w := &f.Wave
	w.Check = &exeunt.WaveCheck{
		Round: 2, By: "Priya Nair", BegunAt: now.Add(-day), EndedAt: now.Add(-day), Looks: 62, Steps: 310, SLA: 30 * time.Minute,
		Identity: []exeunt.IdentityCount{{System: "okta", Title: "Okta", Found: 29, Missing: 1, Ambiguous: 1}, {System: "entra-id", Title: "Entra ID", Found: 31}},
		ByHand:   []exeunt.OwnerTasks{{Owner: exeunt.Person{Name: "Facilities"}, Tasks: 31}},
		Budget: []exeunt.SystemBudget{{System: "okta", Title: "Okta", Visits: 31, Steps: 93, Requests: 310, PerSecond: 0.1, Concurrency: 4, Takes: 52 * time.Minute, Access: true},
			{System: "entra-id", Title: "Entra ID", Visits: 31, Steps: 93, Requests: 310, Concurrency: 4, Takes: 24 * time.Second, Access: true}},
		Late: []string{"Okta breaks the limit of 30m by 22m: 310 requests at 0.1 a second take 52m"},
	}
	started := 0
	switch state {
	case exeunt.WaveDraft:
		w.Check.EndedAt, w.Check.Identity = time.Time{}, []exeunt.IdentityCount{{System: "okta", Found: 20}}
	case exeunt.WaveHeld:
		started = 3
	case exeunt.WaveRunning:
		started = 17
	case exeunt.WaveStopped:
		started, w.Stopped = 400, &exeunt.Decision{Override: agreed, At: now}
	default: // drawn as it was made
	}
	if started > 0 {
		w.Approved, w.Started = &exeunt.Decision{Override: agreed, At: now.Add(-day)}, &exeunt.Decision{Override: made, At: now.Add(-10 * time.Minute)}
		w.Released, w.HeldAt = started, now.Add(-9*time.Minute)
		f.Systems = []store.WaveSystem{{System: "entra-id", Steps: 51, Settled: 48, Recent: 24}, {System: "okta", Steps: 51, Settled: 40, Failed: 1, Recent: 9, FirstAt: now.Add(-8 * time.Minute), LastAt: now}}
	}
	for i := range people {
		f.Members = append(f.Members, memberOf(id, i, started, now))
	}
	p := &f.Progress
	p.People, p.Waiting, p.Cases, p.Ended, p.Failed, p.Refused = people, people-started, max(started-1, 0), max(started-3, 0), min(started, 1), min(started, 1)
	s.files[id] = f
}

// memberOf is the i-th person: one who stays, one whose step failed, one whose access is being ended, and the rest.
func memberOf(id exeunt.WaveID, i, started int, now time.Time) store.MemberRow {
	l := exeunt.Leaver{ID: fmt.Sprintf("E-%d", 9000+i), Name: fmt.Sprintf("Robin Kapoor %d", i+1), Zone: "America/Chicago"}
	m := store.MemberRow{Member: exeunt.Member{Wave: id, Position: i + 1, Line: i + 2, State: exeunt.MemberWaiting, Departure: exeunt.Departure{Leaver: l, CutOffAt: now.Add(-9 * time.Minute)}}}
	if i >= started {
		return m
	}
	if i == 2 {
		m.State, m.Reason = exeunt.MemberRefused, "since the wave was approved HR has said that the person stays"
		return m
	}
	m.State, m.Case = exeunt.MemberOpened, exeunt.CaseID(3000+i)
	m.Of = &store.CaseRow{ID: m.Case, State: exeunt.CaseRunning, CutOff: now.Add(-9 * time.Minute), AccessBy: now.Add(21 * time.Minute), AccessSteps: 6, AccessDone: 6, AccessAt: now.Add(-4 * time.Minute)}
	switch i {
	case 0:
		m.Of.Failed, m.Of.AccessDone, m.Of.Worst = 1, 5, "Okta: remove groups stopped"
	case 1:
		m.Of.AccessDone = 3
	}
	return m
}

func (w *world) Waves(context.Context, ...exeunt.WaveState) ([]exeunt.Wave, error) {
	var out []exeunt.Wave
	for id := exeunt.WaveID(14); id >= 10; id-- {
		out = append(out, w.site.files[id].Wave)
	}
	return out, w.broken
}

func (w *world) WaveFile(_ context.Context, id exeunt.WaveID, _ time.Time) (store.WaveFile, error) {
	w.Lock()
	defer w.Unlock()
	f, ok := w.site.files[id]
	if !ok {
		return f, exeunt.Errorf(exeunt.NotFound, "there is no wave %s, or you may not see it", id)
	}
	return f, w.broken
}

func (w *world) WaveReport(ctx context.Context, id exeunt.WaveID, now time.Time) (store.WaveReport, error) {
	f, err := w.WaveFile(ctx, id, now)
	r := store.WaveReport{Wave: f.Wave, MadeAt: now, Progress: f.Progress, OnTime: 13, Systems: f.Systems, Entries: 712, Sealed: 700}
	for _, m := range f.Members {
		p := store.ReportPerson{Row: m.Position, Name: m.Departure.Leaver.Name, State: m.State, Case: m.Case, Reason: m.Reason, Entries: 23, Sealed: 22}
		if m.Of != nil && m.Of.Ended() {
			p.AccessAt = m.Of.AccessAt
		}
		if m.Position == 1 {
			p.Failed, p.Open = []string{"Okta: remove groups: may not"}, []store.OpenTask{{Task: 311, Title: "Okta: remove groups by hand", Owner: "Ines Roth", Deadline: now.Add(time.Hour)}}
		}
		r.People = append(r.People, p)
	}
	return r, err
}

func (w *world) WaveEntries(_ context.Context, id exeunt.WaveID) ([]store.EntryRow, error) {
	at := w.now.Add(-10 * time.Minute)
	return []store.EntryRow{
		{Number: 2, Entry: exeunt.Entry{Kind: exeunt.EntryWaveReleased, At: at, Actor: "engine", Wave: id, What: id.String() + ": 3 people released"}},
		{Number: 1, Entry: exeunt.Entry{Kind: exeunt.EntryWaveStarted, At: at, Actor: "Priya Nair", Wave: id, What: id.String() + ": started with a canary of 3", Detail: map[string]string{"reason": "as it was planned"}}},
	}, nil
}

func (w *world) Exceptions(_ context.Context, _ exeunt.WaveID, _, _ int) ([]store.Look, error) {
	return []store.Look{{System: "okta", Position: 4, Name: "Robin Kapoor 4"}, {System: "okta", Position: 9, Name: "Robin Kapoor 9", Found: 2}}, nil
}

func (w *world) WatchWave(context.Context, exeunt.Viewer, exeunt.WaveID) <-chan struct{} {
	w.Lock()
	defer w.Unlock()
	tick := make(chan struct{}, 1)
	w.site.ticks = append(w.site.ticks, tick)
	return tick
}

func (w *world) MakeWave(_ context.Context, ask exeunt.WaveRequest, by exeunt.Override) (exeunt.WaveID, error) {
	w.site.asked = ask
	wave, rows, faults, err := ask.Wave(w.now)
	if err != nil {
		return 0, err
	}
	for i := range rows {
		rows[i].Departure.Leaver.Zone = "America/Chicago"
	}
	_, err = exeunt.MakeWave(wave, rows, faults, nil, by, w.now)
	return 14, err
}

// onWave decides by the domain's own functions and changes the world.
func (w *world) onWave(id exeunt.WaveID, decide func(exeunt.Wave) (exeunt.Change, error)) error {
	w.Lock()
	defer w.Unlock()
	f := w.site.files[id]
	change, err := decide(f.Wave)
	if err != nil {
		return err
	}
	f.Wave = *change.Wave
	f.Wave.Version++
	w.site.files[id] = f
	w.did = append(w.did, change.Entries[0].What+" by "+change.Entries[0].Actor)
	for _, tick := range w.site.ticks {
		select {
		case tick <- struct{}{}:
		default:
		}
	}
	return nil
}

func (w *world) CheckWave(_ context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return w.onWave(id, func(v exeunt.Wave) (exeunt.Change, error) { return v.BeginCheck(62, by.By, w.now) })
}

func (w *world) ApproveWave(_ context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return w.onWave(id, func(v exeunt.Wave) (exeunt.Change, error) { return v.Approve(by, w.now) })
}

func (w *world) StartWave(_ context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return w.onWave(id, func(v exeunt.Wave) (exeunt.Change, error) { return v.Start(by, w.now) })
}

func (w *world) GoOnWave(_ context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return w.onWave(id, func(v exeunt.Wave) (exeunt.Change, error) { return v.GoOn(w.site.files[id].Progress, by, w.now) })
}

func (w *world) StopWave(_ context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return w.onWave(id, func(v exeunt.Wave) (exeunt.Change, error) { return v.Stop(by, w.now) })
}

func TestWavePagesSay(t *testing.T) {
	for _, c := range []struct {
		name, session, path string
		code                int
		facts               []string
	}{
		{"list", "hr", "/waves", 200, []string{"Austin site", "W-14", "Needs a second person", "Held until a person goes on", "Make a wave", "nobody yet"}},
		{"list of who makes none", "auditor", "/waves", 200, []string{"W-14", "not:Make a wave"}},
		{"running", "hr", "/waves/W-14", 200, []string{
			"17 <small>of 31", "14 <small>of 31", "Robin Kapoor 1</b> <span>Okta: remove groups stopped", "No case: since the wave was approved HR has said that the person stays",
			"3 of 6 access steps settled", "It goes on by itself", "Nobody else is released.", "17 of 31 were released so far", "Approved by <b>Ana Kofi", "4 requests at once",
			"2 failed", "14 not started", "/waves/W-14/report", "as it was planned", "not:3 people released", "not:style="}},
		{"needs a second person, whom the maker is not", "hr", "/waves/W-13", 200, []string{"You made this wave, so another person has to approve it", "Okta breaks the limit of 30m by 22m", "2 accounts are not found for sure", "2 accounts in okta match", "52 min", "Check again", "not:Approve the wave"}},
		{"needs a second person, who looks", "legal", "/waves/W-13", 200, []string{"Approve the wave", "Your name stands behind it", "not:Check again"}},
		{"hold point", "hr", "/waves/W-12", 200, []string{"Let the others follow", "The canary is out: 1 refused, 1 with a failed step, access ended for 0 of 3"}},
		{"hold point, for who only looks", "auditor", "/waves/W-12", 200, []string{"Somebody of HR has to go on, or stop.", "not:Let the others follow", "not:Stop the wave"}},
		{"a check that runs", "hr", "/waves/w-11", 200, []string{"The check runs: 20 of 62 looks", "Being checked"}},
		{"a thousand people", "hr", "/waves/W-10", 200, []string{"400 <small>of 1,000", "960 more are in", "Stopped by Ana Kofi: agreed with the council", "600 not leaving", "not:Stop the wave"}},
		{"report", "auditor", "/waves/W-14/report", 200, []string{"Report: Austin site", "13 within their limit", "Okta: remove groups: may not. T-311 Ines Roth: Okta: remove groups by hand", "22 of 23", "700 in the ledger", "/waves/W-14/report.csv"}},
		{"a new one", "hr", "/waves/new", 200, []string{"Nobody leaves by it before", `type="file"`, "At each place of work", "Layoff"}},
		{"none", "hr", "/waves/W-99", 404, nil},
		{"not a wave", "hr", "/waves/C-14", 404, nil},
		{"not for IT", "it", "/waves", 404, nil},
		{"not for payroll", "payroll", "/waves/W-14", 404, nil},
		{"not to make by the auditor", "auditor", "/waves/new", 404, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			inNovember(t, func(t *testing.T, w *world, h http.Handler) {
				says(t, send(h, c.session, c.path, nil), c.code, c.facts...)
			})
		})
	}
}

func TestDecisionsAboutWaves(t *testing.T) {
	why := url.Values{"reason": {"agreed with the council"}}
	for _, c := range []struct {
		session, path string
		form          url.Values
		code          int
		says          string // on the page, or what was done where it goes on
	}{
		{"hr", "/waves/W-13/check", url.Values{}, 303, "W-13: check 3 begun by Priya Nair"},
		{"legal", "/waves/W-13/approve", why, 303, "W-13: approved by Ana Kofi"},
		{"hr", "/waves/W-13/approve", why, 403, "somebody else has to approve it"},
		{"legal", "/waves/W-13/approve", url.Values{"reason": {"short"}}, 422, "at least 10 characters"},
		{"hr", "/waves/W-13/start", why, 409, "after a second person approved it"},
		{"hr", "/waves/W-12/go-on", why, 303, "W-12: goes on: 1 refused, 1 with a failed step, access ended for 0 of 3 by Priya Nair"},
		{"legal", "/waves/W-14/stop", why, 303, "W-14: stopped: 17 of 31 had been released by Ana Kofi"},
		{"hr", "/waves/W-14/stop", url.Values{}, 422, "An override needs a reason"},
		{"hr", "/waves/W-10/stop", why, 409, "it is over"},
		{"auditor", "/waves/W-14/stop", why, 403, "Your role may not do this"},
		{"it", "/waves/W-13/start", why, 403, "Your role may not do this"},
		{"legal", "/waves/W-12/go-on", why, 403, "Your role may not do this"},
	} {
		t.Run(c.session+" "+c.path, func(t *testing.T) {
			inNovember(t, func(t *testing.T, w *world, h http.Handler) {
				got := send(h, c.session, c.path, c.form)
				if got.Code != c.code {
					t.Fatalf("%d, want %d: %s", got.Code, c.code, got.Body)
				}
				said := got.Body.String()
				if c.code == 303 {
					said = strings.Join(w.did, "\n")
				}
				if !strings.Contains(said, c.says) {
					t.Errorf("lacks %q: %s", c.says, said)
				}
			})
		})
	}
}

// sendList sends the form of a new wave as a browser does.
func sendList(t *testing.T, h http.Handler, session string, fields map[string]string, list string) *httptest.ResponseRecorder {
	t.Helper()
	return sendFile(t, h, session, "/waves", "list", "people.csv", fields, list)
}

// sendFile sends a form with a file.
func sendFile(t *testing.T, h http.Handler, session, target, field, name string, fields map[string]string, text string) *httptest.ResponseRecorder {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	file, err := form.CreateFormFile(field, name)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = file.Write([]byte(text)) // into memory
	_ = form.Close()
	r := httptest.NewRequest(http.MethodPost, target, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if session != "" {
		r.AddCookie(&http.Cookie{Name: "exeunt", Value: session})
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAWaveIsMadeOfAFile(t *testing.T) {
	fields := map[string]string{"title": "Austin site", "type": "layoff", "clock": "2026-11-23T09:00", "where": "one", "zone": "America/Chicago", "opens": "now", "canary": "1", "rate": "30", "reason": "the site closes"}
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		long := "employee_id,name\n"
		for i := range 5000 {
			long += fmt.Sprintf("E%d,Jane Doe %d\n", i, i)
		}
		if got := sendList(t, h, "hr", fields, long); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/waves/W-14" {
			t.Errorf("%d %s", got.Code, got.Body)
		}
		if ask := w.site.asked; ask.Clock != "2026-11-23 09:00 America/Chicago" || ask.Canary != 1 || ask.Rate != 30 || ask.CSV != long || ask.Embargo != nil {
			t.Errorf("asked for %s, %d, %d, %d characters", ask.Clock, ask.Canary, ask.Rate, len(ask.CSV))
		}
		says(t, sendList(t, h, "hr", fields, "employee_id,name\nE1,Jane\nE1,Jim\nE2,\n"), 422,
			"The list has 2 faults, so that nothing was made.", "Line 3: employee E1 is in line 2 already", "Line 4: the departure has no leaver.name", `value="Austin site"`)
		fields["title"] = ""
		says(t, sendList(t, h, "hr", fields, "employee_id,name\nE1,Jane\nE2,Jim\n"), 422, "A wave needs a title", "title-err")
		for session, code := range map[string]int{"legal": 403, "it": 403, "": 303} {
			if got := sendList(t, h, session, fields, "employee_id,name\n"); got.Code != code {
				t.Errorf("%q: %d", session, got.Code)
			}
		}
	})
}

// TestALiveWave holds that a wave's page is sent what changed, and not more often than it can be read.
func TestALiveWave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		w := newWorld(noon)
		s := newServer(w.config())
		page, err := s.readWave(visitOf(w, "hr", "W-14"))
		if err != nil {
			t.Fatal(err)
		}
		body, stop := listen(s, page.streamURL(), "")
		defer stop()
		if got := body(); got != "id: "+page.digest()+"\n\n" {
			t.Errorf("a page that is right got %q", got)
		}
		if err := w.StopWave(t.Context(), 14, agreed); err != nil {
			t.Fatal(err)
		}
		got := body()
		for _, want := range []string{`hx-target="#state"`, "Stopped", `hx-target="#decisions"`, `hx-target="#phases"`, "Wave: stopped"} {
			if !strings.Contains(got, want) {
				t.Errorf("the change did not send %q", want)
			}
		}
		f := w.site.files[14]
		for range 5 {
			f.Progress.Ended++
			f.Wave.Version++
			w.Lock()
			w.site.files[14] = f
			w.Unlock()
			select {
			case w.site.ticks[0] <- struct{}{}:
			default: // one is waiting already
			}
		}
		if got := body(); got != "" {
			t.Errorf("it was read again within its rest: %q", got)
		}
		time.Sleep(waveRest)
		if got := body(); strings.Count(got, "data: ") == 0 || strings.Count(got, "id: ") != 1 || !strings.Contains(got, "19 <small>of 31") {
			t.Errorf("what changed meanwhile is not one event: %q", got)
		}
	})
}
