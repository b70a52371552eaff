package ui

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// figmaIsShadowed lets the connector of Figma have looked at three departures, and its file ask for live.
func figmaIsShadowed(w *world) {
	w.stage("figma", func(s *exeunt.System) { s.Asks = exeunt.Live })
	look := func(standing exeunt.Standing, ago time.Duration) *exeunt.ShadowLook {
		return &exeunt.ShadowLook{At: w.now.Add(-ago), Account: exeunt.Account{ID: "f1"}, Standing: map[exeunt.Action]exeunt.Standing{exeunt.Disable: standing}}
	}
	line := func(id exeunt.CaseID, name string) exeunt.ShadowLine {
		return exeunt.ShadowLine{Name: name, Title: "Figma: end access by hand", Owner: exeunt.Person{Name: "IT desk"}, ShadowRun: exeunt.ShadowRun{Case: id, Task: "figma-by-hand", System: "figma",
			Would: []exeunt.Action{exeunt.Disable}, Before: look(exeunt.Absent, 3*time.Hour)}}
	}
	done := func(l exeunt.ShadowLine, after *exeunt.ShadowLook) exeunt.ShadowLine {
		l.DoneAt, l.DoneBy, l.After = w.now.Add(-2*time.Hour), "Ines Roth", after
		return l
	}
	open := look(exeunt.Absent, time.Hour)
	open.Open = []exeunt.Action{exeunt.Disable}
	missing := line(2039, "Noor Haddad")
	missing.Before = new(exeunt.SawFault(exeunt.Account{}, exeunt.Errorf(exeunt.NotFound, "no account matches work_email noor@northwind.example"), w.now.Add(-4*time.Hour)))
	w.shadows = []exeunt.ShadowLine{done(line(2041, "Maya Okonkwo"), look(exeunt.Holds, 2*time.Hour)), done(line(2040, "Jonas Weber"), open), line(2038, "Ada Lim"), missing}
}

func TestASystemsPageComparesPeopleWithItsConnector(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		says(t, send(h, "it", "/systems/figma", nil), 200, "People and connector compared", "No departure was looked at yet", "It changes nothing", "Against going live: 0 departures were compared", "not:Go live")
		says(t, send(h, "it", "/systems/badges", nil), 200, "not:People and connector compared")
		says(t, send(h, "it", "/systems/entra-id", nil), 200, "not:People and connector compared")
		figmaIsShadowed(w)
		says(t, send(h, "it", "/systems/figma", nil), 200, "2 departures compared: 1 agreed, in 0 the person did more, 1 ticked and still open.", "Account not found in 1,", "1 wait.",
			`<a class="l" href="/cases/C-2041">Maya Okonkwo</a>`, "They agree", "Ines Roth", "Ticked, and still open", "Not so: disable.", "Not compared yet", "IT desk is asked",
			"Account not found by the connector", "No account matches work_email noor@northwind.example.", "Against going live: 1 account was not found by the connector.")
		says(t, send(h, "it", "/systems", nil), 200, "Asks to be live: decide whether its connector acts")
		says(t, send(h, "payroll", "/systems/figma", nil), 404)
	})
}

func TestGoingLiveIsDecidedOnTheSystemsPage(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		figmaIsShadowed(w)
		says(t, send(h, "auditor", "/systems/figma", nil), 200, "Its file asks for stage live. Until somebody decides", "Shadow: its file asks for live, and nobody has decided", "not:Let it act")
		says(t, send(h, "hr", "/systems/figma/live", url.Values{"reason": {"all of them agreed"}}), 403)
		says(t, send(h, "it", "/systems/figma", nil), 200, "Let it act", `action="/systems/figma/live"`)
		says(t, send(h, "it", "/systems/figma/live", url.Values{"reason": {"short"}}), 422)
		if r := send(h, "it", "/systems/figma/live", url.Values{"reason": {"all of them agreed"}}); r.Code != 303 || w.trusts["figma"].By.By != "Ines Roth" {
			t.Fatalf("%d %+v", r.Code, w.trusts)
		}
		says(t, send(h, "it", "/systems/figma", nil), 200, "Ines Roth decided, “all of them agreed”", "The comparison said then: 2 departures, 1 agreed.", "Take it back", "not:Let it act", "not:Against going live")
		if r := send(h, "it", "/systems/figma/back", url.Values{}); r.Code != 303 || len(w.trusts) != 0 {
			t.Fatalf("%d %+v", r.Code, w.trusts)
		}
		says(t, send(h, "it", "/systems/figma", nil), 200, "Let it act")
	})
}

func TestWhereTheRiskIsHighestTwoPeopleDecideOnThePage(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		figmaIsShadowed(w)
		w.stage("figma", func(s *exeunt.System) { s.Tier = 1 })
		says(t, send(h, "it", "/systems/figma", nil), 200, "Another person has to decide the same within a day, since 1 account was not found by the connector.")
		for range 2 { // the same person's second time is refused
			send(h, "it", "/systems/figma/live", url.Values{"reason": {"we looked at all of them"}})
		}
		says(t, send(h, "admin", "/systems/figma", nil), 200, "Ines Roth asks that its connector acts: “we looked at all of them”. Another person has to decide the same before", "Confirm going live")
		if w.trusts["figma"].By != nil {
			t.Fatal("one person decided alone")
		}
		send(h, "admin", "/systems/figma/live", url.Values{"reason": {"and I looked at Noor's"}})
		says(t, send(h, "it", "/systems/figma", nil), 200, "Ines Roth decided", "and Dana Ortiz, “and I looked at Noor&#39;s”")
	})
}
