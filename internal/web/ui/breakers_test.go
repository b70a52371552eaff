package ui

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// entraIsDown leaves the directory alone since ten minutes, after a refused credential.
func entraIsDown(w *world) {
	b := exeunt.Breaker{System: "entra-id"}
	for range 3 {
		b = b.After(exeunt.Errorf(exeunt.Unauthorised, "the token has expired"), w.now.Add(-10*time.Minute))
	}
	b.ProbeAt = w.now.Add(5 * time.Minute)
	w.open = map[string]exeunt.Breaker{"entra-id": b, "removed": {System: "removed", OpenedAt: w.now}}
}

func TestASystemThatIsLeftAloneIsSeenAndTriedAtOnce(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		const left = "Entra ID is left alone."
		for _, path := range []string{"/", "/systems", "/systems/entra-id"} {
			says(t, send(h, "it", path, nil), 200, "not:"+left, "not:eft alone since", "not:<span class=\"sr\"> left alone")
		}
		entraIsDown(w)
		time.Sleep(countsLast) // figures beside the navigation are kept for some seconds
		says(t, send(h, "it", "/", nil), 200, left, "The token has expired. Tried again in 4 min 55 s, after 2 tries in vain. Owner: Identity team.", "Since <time", "10:08", "not:Renew the credential",
			"1 system is left alone", "href=\"/systems?alone=1\"", "1<span class=\"sr\"> left alone", "Try now", "not:removed")
		says(t, send(h, "hr", "/", nil), 200, left, "not:Try now")
		says(t, send(h, "payroll", "/", nil), 200, "not:"+left, "not:left alone")
		says(t, send(h, "it", "/systems", nil), 200, "Left alone since 10:08", "The token has expired.", "Left alone<span class=\"n\">1</span>")
		says(t, send(h, "it", "/systems?alone=1", nil), 200, "/systems/entra-id\"", "not:/systems/snowflake\"")
		says(t, send(h, "it", "/systems/entra-id", nil), 200, left, "Renew the credential", "Try now", "action=\"/systems/entra-id/try\"")
		says(t, send(h, "auditor", "/systems/entra-id", nil), 200, left, "not:Try now")
		says(t, send(h, "hr", "/systems/entra-id/try", url.Values{}), 403)
		if r := send(h, "it", "/systems/entra-id/try", url.Values{}); r.Code != 303 || !w.open["entra-id"].AskedAt.Equal(w.now) || r.Header().Get("Location") != "/systems/entra-id" {
			t.Errorf("%d %+v", r.Code, w.open["entra-id"])
		}
		says(t, send(h, "it", "/systems/entra-id", nil), 200, "Tried again with its next visit")
		w.open = nil
		if r := send(h, "it", "/systems/entra-id/try", url.Values{}); r.Code != 303 { // it answers again
			t.Errorf("%d %s", r.Code, r.Body)
		}
	})
}

func TestTheLastAndTheNextLookAreSaid(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		for i := range w.stats {
			if w.stats[i].System == "entra-id" {
				w.stats[i].LastLook, w.stats[i].NextLook = w.now.Add(-time.Hour), w.now.Add(6*day)
			}
		}
		says(t, send(h, "it", "/systems", nil), 200, "next look in 6 d")
		says(t, send(h, "it", "/systems/entra-id", nil), 200, "Last Thu 19 Nov 2026, 09:18:42 PST", "Next Wed 25 Nov 2026, 10:18:42 PST")
		says(t, send(h, "it", "/systems/snowflake", nil), 200, "Not yet", "after 1, 7 and 30 days")
	})
}

// alter changes one step of Maya's case.
func (w *world) alter(key string, change func(*exeunt.Step)) {
	f := w.files[2041]
	for i := range f.Steps {
		if f.Steps[i].Key == key {
			change(&f.Steps[i])
		}
	}
	w.files[2041] = f
}

func TestACaseSaysWhatWaitsForASystemAndWhatCameBack(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		const page = "/cases/C-2041"
		running := ""
		for _, s := range w.files[2041].Steps {
			if s.System == "salesforce" && s.State == exeunt.StepReady {
				running = s.Key
			}
		}
		if running == "" {
			t.Fatal("no step of Maya's is running in Salesforce")
		}
		b := exeunt.Breaker{System: "salesforce", OpenedAt: w.now.Add(-time.Minute), ProbeAt: w.now.Add(4 * time.Minute), Class: exeunt.Temporary, Reason: "no answer in time"}
		says(t, send(h, "hr", page, nil), 200, "not:Waits for Salesforce")
		w.open = map[string]exeunt.Breaker{"salesforce": b, "snowflake": {System: "snowflake", OpenedAt: w.now, Reason: "gone"}}
		says(t, send(h, "hr", page, nil), 200, "Waits for Salesforce", "Salesforce is left alone. No answer in time. It is tried again at 10:22.", "not:It goes on by itself when Snowflake answers again.")
		says(t, send(h, "it", page+"/steps/"+running, nil), 200, "Waits for Salesforce", "It is tried again at 10:22.")
		w.alter("snowflake-disable-user", func(s *exeunt.Step) { s.FailedAs = exeunt.Temporary })
		says(t, send(h, "hr", page, nil), 200, "It goes on by itself when Snowflake answers again.")
		w.open = nil
		w.alter("snowflake-disable-user", func(s *exeunt.Step) { s.NextAttemptAt = w.now.Add(time.Hour) })
		says(t, send(h, "hr", page, nil), 200, "It is looked at again at 11:18 and goes on by itself when that is mended.")
		w.alter("snowflake-disable-user", func(s *exeunt.Step) { s.State, s.Comebacks, s.Attempt, s.Reason = exeunt.StepReady, 1, 0, "" })
		says(t, send(h, "hr", page, nil), 200, "Went on by itself after it had failed.")
		says(t, send(h, "it", page+"/steps/snowflake-disable-user", nil), 200, "Came back")
		w.alter("snowflake-disable-user", func(s *exeunt.Step) {
			s.State, s.Proof, s.Comebacks, s.Looks, s.SettledAt, s.NextAttemptAt = exeunt.StepConfirmed, exeunt.Observed, 0, 1, w.now, time.Time{}
		})
		says(t, send(h, "it", page+"/steps/snowflake-disable-user", nil), 200, "1 of 3, whether it still holds", "Looked at again", "Thu 26 Nov 2026")
	})
}

func TestCasesThatFollowEachOtherAreLinked(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		link := func(id exeunt.CaseID, change func(*store.CaseFile)) {
			f := w.files[id]
			change(&f)
			w.files[id] = f
		}
		link(2050, func(f *store.CaseFile) { f.Case.Follows = 2041 })
		link(2041, func(f *store.CaseFile) { f.FollowedBy, f.PutBackBy = []exeunt.CaseID{2050}, []exeunt.CaseID{2051} })
		says(t, send(h, "hr", "/cases/C-2050", nil), 200, `Follows <a href="/cases/C-2041">C-2041</a>, whose access came back`)
		says(t, send(h, "hr", "/cases/C-2041", nil), 200, `Followed by <a href="/cases/C-2050">C-2050</a>, since access came back`, `Put back by <a href="/cases/C-2051">C-2051</a>`)
		says(t, send(h, "hr", "/cases/C-2051", nil), 200, "not:Follows")
	})
}

func TestKindsOfEntriesAreSaidInWords(t *testing.T) {
	for kind, words := range map[exeunt.EntryKind]string{
		exeunt.EntryLooked: "Step: looked at again", exeunt.EntryCameBack: "Step: goes on by itself", exeunt.EntryDrifted: "Step: held no longer",
		exeunt.EntryBreakerOpened: "System: left alone", exeunt.EntryBreakerTried: "System: tried by hand", exeunt.EntryBreakerClosed: "System: answers again",
		exeunt.EntryTaskReminded: "Task: remind", exeunt.EntryAlert: "Alert",
	} {
		if got := entryWords(string(kind)); !strings.EqualFold(got, words) {
			t.Errorf("%s is called %q", kind, got)
		}
	}
	if entryIcon(exeunt.EntryBreakerOpened) != statusFailed || entryIcon(exeunt.EntryBreakerClosed) != statusDone {
		t.Error("an alert looks like any other entry")
	}
}

// TestAWrongClockIsSeen: whoever looks after the servers learns what follows from it and what to do.
func TestAWrongClockIsSeen(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		w.clocks = []store.WrongClock{{Node: "berlin-2", Ahead: -time.Hour}}
		says(t, send(h, "it", "/", nil), 200, "The clock of server berlin-2 is 1h0m0s behind the database", "The other servers do its work", "nothing has to be restarted")
		says(t, send(h, "payroll", "/", nil), 200, "not:berlin-2")
	})
}
