package exeunt_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// TestDeparturesAreComparedInNumbers counts each effect by steps and by people, and says what concerns most of them first.
func TestDeparturesAreComparedInNumbers(t *testing.T) {
	inventory := []exeunt.System{live("crm", "", exeunt.Disable), live("chat", "", exeunt.Disable, exeunt.RevokeSessions)}
	other := slices.Clone(inventory)
	other[0].Owner = exeunt.Person{Name: "Willi Kern", Email: "willi@acme.example"}
	rule := func(deadline string, actions ...exeunt.Action) exeunt.Policy {
		r := everywhere(actions...)
		r.Deadline = moment(deadline)
		return exeunt.Policy{Name: "p", AccessSLA: time.Hour, Rules: []exeunt.Rule{r}}
	}
	before := draft(t, rule("start + 4h", exeunt.Disable), inventory)
	compared := []exeunt.DepartureCompared{
		{Leaver: "same", Differences: draft(t, rule("start + 4h", exeunt.Disable), inventory).Compare(before)},
		{Leaver: "later", Differences: draft(t, rule("start + 8h", exeunt.Disable, exeunt.RevokeSessions), inventory).Compare(before)},
		{Leaver: "sooner", Differences: draft(t, rule("start + 1h", exeunt.Disable), other).Compare(before)},
		{Leaver: "gone", Differences: draft(t, rule("start + 4h", exeunt.RevokeSessions), inventory).Compare(before)},
		{Leaver: "none", Error: "no plan: no policy applies"},
	}
	got := exeunt.TallyDepartures(compared)
	if got.Departures != 5 || got.Differ != 4 || got.Failed != 1 {
		t.Errorf("%+v", got)
	}
	effects := map[exeunt.Effect]string{}
	for _, e := range got.Effects {
		effects[e.Effect] = fmt.Sprint(e.Works, " in ", e.Departures)
	}
	want := map[exeunt.Effect]string{
		exeunt.EffectAdded: "3 in 2", // sessions of the chat twice, and what the CRM cannot do by hand
		exeunt.EffectGone:  "2 in 1", exeunt.EffectLater: "2 in 1", exeunt.EffectSooner: "2 in 1", exeunt.EffectOtherOwner: "1 in 1", exeunt.EffectOtherwise: "0 in 0",
	}
	if fmt.Sprint(effects) != fmt.Sprint(want) {
		t.Errorf("effects %v, want %v", effects, want)
	}
	if first := got.Works[0]; first.Departures != 2 || first.Effect != exeunt.EffectAdded || first.Where != "chat" {
		t.Errorf("what concerns most is %+v", first)
	}
	if !compared[2].Has(exeunt.EffectOtherOwner) || compared[1].Has(exeunt.EffectOtherOwner) {
		t.Error("whom another owner concerns is not said")
	}
}
