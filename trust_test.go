package exeunt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

var (
	ida = exeunt.Override{By: "Ida Novak", Account: "ida@x.example", Reason: "ten departures agreed"}

	operator = exeunt.Person{Name: "Otto", Email: "otto@x.example"}

	speaksFor = exeunt.ShadowTally{Compared: 3, Agreed: 3}
)

// asking is a system whose file asks for live, as it counts while nobody trusts it.
func asking(tier int) exeunt.System {
	s := live("directory", "", exeunt.Disable)
	s.Tier, s.Owner = tier, exeunt.Person{Name: "Ana", Email: "ana@x.example"}
	return s.Under(nil)
}

func TestAFileThatSaysLiveMakesNoConnectorActUntilPeopleTrustIt(t *testing.T) {
	s := asking(1)
	if s.Stage != exeunt.Shadow || s.Asks != exeunt.Live || s.Automated() {
		t.Fatalf("nobody has decided, and it is %+v", s)
	}
	trust, change, err := exeunt.GoLive(nil, s, speaksFor, ida, operator, monday)
	if err != nil || trust.By == nil || trust.By.By != ida.By || len(change.Notices) != 1 {
		t.Fatalf("%+v, %+v, %v", trust, change, err)
	}
	e := change.Entries[0]
	if e.Kind != exeunt.EntryLive || e.Actor != ida.By || e.System != "directory" || e.Detail["reason"] != ida.Reason || e.Detail["agreed"] != "3" || e.Detail["compared"] != "3" || e.Detail["kind"] != "test" {
		t.Errorf("the record says %+v", e)
	}
	file := live("directory", "", exeunt.Disable)
	if now := file.Under(&trust); now.Stage != exeunt.Live || now.Asks != "" || !now.Automated() {
		t.Errorf("trusted, it is %+v", now)
	}
	if _, _, err := exeunt.GoLive(&trust, file.Under(&trust), speaksFor, lea, operator, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("decided twice: %v", err)
	}
	other := file
	other.Kind = "scim"
	if now := other.Under(&trust); now.Automated() {
		t.Error("another kind of connector is trusted, too")
	}
	file.Stage = exeunt.Shadow
	if now := file.Under(&trust); now.Stage != exeunt.Shadow || now.Asks != "" {
		t.Errorf("its file says shadow, and it is %+v", now)
	}
	back, err := trust.StepBack(file, lea, monday)
	if err != nil || back.Entries[0].Kind != exeunt.EntrySteppedBack || back.Entries[0].Actor != lea.By || back.Entries[0].Detail["decided_by"] != ida.By {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestWhereTheRiskIsHighestAReportThatSpeaksAgainstItNeedsTwoPeople(t *testing.T) {
	s := asking(1)
	asked, change, err := exeunt.GoLive(nil, s, exeunt.ShadowTally{}, ida, operator, monday)
	if err != nil || asked.By != nil || asked.Ask == nil || change.Entries[0].Kind != exeunt.EntryLiveAsked || len(change.Notices) != 2 || asked.Covers(live("directory", "", exeunt.Disable)) {
		t.Fatalf("%+v, %+v, %v", asked, change, err)
	}
	if !strings.Contains(change.Entries[0].Detail["against"], "0 departures were compared") {
		t.Errorf("the record says %+v", change.Entries[0])
	}
	again := ida
	again.By = "Somebody else" // the account is the same
	if _, _, err := exeunt.GoLive(&asked, s, exeunt.ShadowTally{}, again, operator, monday); exeunt.KindOf(err) != exeunt.Denied {
		t.Errorf("one person decided twice: %v", err)
	}
	trust, change, err := exeunt.GoLive(&asked, s, exeunt.ShadowTally{}, lea, operator, monday.Add(time.Hour))
	if err != nil || trust.By.By != ida.By || trust.Second.By != lea.By || change.Entries[0].Detail["asked_reason"] != ida.Reason || change.Entries[0].Actor != lea.By {
		t.Errorf("%+v, %+v, %v", trust, change, err)
	}
	if late, _, err := exeunt.GoLive(&asked, s, exeunt.ShadowTally{}, lea, operator, monday.Add(25*time.Hour)); err != nil || late.By != nil || late.Ask.By != lea.By {
		t.Errorf("a request that has expired was confirmed: %+v, %v", late, err)
	}
	if trust, _, err := exeunt.GoLive(nil, asking(2), exeunt.ShadowTally{}, ida, operator, monday); err != nil || trust.By == nil || trust.Against == "" {
		t.Errorf("of a lower risk, %+v, %v", trust, err)
	}
}

func TestWhatCannotGoLiveIsRefused(t *testing.T) {
	shadow := live("directory", "", exeunt.Disable)
	shadow.Stage = exeunt.Shadow
	manual := live("door", "")
	manual.Kind = "manual"
	for name, test := range map[string]struct {
		system exeunt.System
		by     exeunt.Override
		kind   exeunt.ErrorKind
	}{
		"its file says shadow": {shadow, ida, exeunt.Conflict},
		"nothing automates it": {manual, ida, exeunt.Invalid},
		"no reason":            {asking(2), exeunt.Override{By: "Ida"}, exeunt.Invalid},
		"nobody":               {asking(2), exeunt.Override{Reason: "ten departures agreed"}, exeunt.Invalid},
	} {
		if _, _, err := exeunt.GoLive(nil, test.system, speaksFor, test.by, operator, monday); exeunt.KindOf(err) != test.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASimulatorIsTrustedAndNobodyIsTold(t *testing.T) {
	s := live("directory", "", exeunt.Disable)
	s.Owner = exeunt.Person{Name: "Ana", Email: "ana@x.example"}
	trust, change := exeunt.TrustSimulator(nil, s, monday)
	if e := change.Entries[0]; !trust.Covers(s) || len(change.Notices) != 0 || e.Kind != exeunt.EntryLive || e.Actor != "engine" || !strings.Contains(e.Detail["reason"], "simulator") {
		t.Errorf("%+v, %+v", trust, change)
	}
}

func TestADecisionLapsesWithTheReason(t *testing.T) {
	s := asking(2)
	trust, _, err := exeunt.GoLive(nil, s, speaksFor, ida, operator, monday)
	if err != nil {
		t.Fatal(err)
	}
	change := trust.Lapse(s, "its file says stage: shadow", monday)
	if e := change.Entries[0]; e.Kind != exeunt.EntrySteppedBack || e.Actor != "engine" || e.Detail["reason"] != "its file says stage: shadow" || e.Detail["decided_by"] != ida.By || len(change.Notices) != 1 {
		t.Errorf("%+v", change)
	}
}
