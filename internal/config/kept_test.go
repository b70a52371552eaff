package config_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// A case keeps the policies that it was planned with, whatever the folder says since.
func TestACaseIsPlannedByThePoliciesThatItKeeps(t *testing.T) {
	files := folder()
	before, faults := load(t, files)
	if before == nil {
		t.Fatal(faults)
	}
	files["modifiers/all.yaml"] = "name: all\napplies: 'true'\nbecause: x\nremove: [{rule: exit-interview, because: nobody asks}]\n"
	after, faults := load(t, files)
	if after == nil {
		t.Fatal(faults)
	}
	asked := 0
	after.Kept = func(version string) ([]byte, error) {
		switch asked++; version {
		case before.Set.Version:
			return before.Set.Text(), nil
		case "of another age":
			return []byte("-- policies/old.yaml --\nname: old\nspell: 3\n"), nil
		}
		return nil, exeunt.Errorf(exeunt.NotFound, "no such policies")
	}
	d := exeunt.Departure{Type: exeunt.Voluntary, LastDay: "2026-03-31", TerminationDate: "2026-03-31", Leaver: exeunt.Leaver{ID: "1", Name: "A", Zone: "UTC"}}
	for _, c := range []struct {
		set, want string
		modifiers int
	}{{"", after.Set.Version, 1}, {after.Set.Version, after.Set.Version, 1}, {before.Set.Version, before.Set.Version, 0}, {before.Set.Version, before.Set.Version, 0}, {"lost", after.Set.Version, 1}, {"of another age", after.Set.Version, 1}} {
		plan, err := after.Plan(exeunt.Case{ID: 1, Departure: d, PolicySet: c.set}, time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
		if err != nil || plan.Case.PolicySet != c.want || len(plan.Case.Modifiers) != c.modifiers {
			t.Errorf("kept %q: planned by %q with %v, want %q: %v", c.set, plan.Case.PolicySet, plan.Case.Modifiers, c.want, err)
		}
	}
	if asked != 3 {
		t.Errorf("the kept policies were read %d times, want each once", asked)
	}
}
