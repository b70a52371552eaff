package exeunt_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// Most conditions choose systems whoever leaves. They are asked once for an inventory and not once for each of ten thousand
// leavers; one that looks at who leaves is asked for each of them.
func TestPlansOverOneInventoryShareWhatLooksAtSystemsAlone(t *testing.T) {
	inventory := []exeunt.System{live("chat", "", exeunt.Disable), live("crm", "", exeunt.Disable), live("wiki", "", exeunt.Disable)}
	asked := map[string]int{}
	alone, both := everywhere(exeunt.Disable), everywhere(exeunt.RevokeSessions)
	alone.Systems, alone.Text = func(f exeunt.Facts) (bool, error) {
		asked["alone"]++
		return f.System.Name != "wiki", nil
	}, exeunt.ConditionTexts{Systems: `system.name != "wiki"`, SystemsAlone: true}
	both.Name, both.Text.Systems = "end-sessions", "leaver.id == '7'"
	both.Systems = func(f exeunt.Facts) (bool, error) {
		asked["both"]++
		return f.Departure.Leaver.ID == "7", nil
	}
	policy := exeunt.Policy{Name: "p", AccessSLA: time.Hour, Rules: []exeunt.Rule{alone, both}}
	drafted := func(lasting *sync.Map, id string) string {
		policy.Lasting = lasting
		d := leaving
		d.Leaver.ID = id
		plan, err := exeunt.Draft(policy, exeunt.Case{ID: 1, Departure: d, Owner: hilde}, inventory, someone, monday)
		if err != nil {
			t.Fatal(err)
		}
		return plan.Text()
	}
	var lasting sync.Map
	for _, id := range []string{"7", "8", "7", "9"} {
		if shared, own := drafted(&lasting, id), drafted(nil, id); shared != own {
			t.Errorf("leaver %s:\n%s\nwhen nothing is shared:\n%s", id, shared, own)
		}
	}
	shared := len(inventory)
	if want := fmt.Sprint(map[string]int{"alone": shared + 4*len(inventory), "both": 8 * len(inventory)}); fmt.Sprint(asked) != want {
		t.Errorf("asked %v, want %s", asked, want)
	}
}
