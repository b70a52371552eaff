package config_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// People decide on the stage of a system while the server runs. A condition that looks at it is asked again.
func TestAPlanFollowsTheStageThatPeopleDecidedOn(t *testing.T) {
	files := folder()
	files["policies/10-own.yaml"] = `
name: own
rules:
  - {name: cut, title: Cut, systems: "system.automated", actions: [disable], start: cut-off, deadline: start + 4h}
`
	c, faults := load(t, files)
	if c == nil {
		t.Fatal(faults)
	}
	stage := exeunt.Live
	c.Counts = func(s exeunt.System) exeunt.System {
		if s.Name == "crm" {
			s.Stage = stage
		}
		return s
	}
	d := exeunt.Departure{Type: exeunt.Voluntary, LastDay: "2026-03-31", TerminationDate: "2026-03-31", Leaver: exeunt.Leaver{ID: "1", Name: "A", Zone: "UTC"}}
	for _, next := range []exeunt.Stage{exeunt.Live, exeunt.Shadow, exeunt.Live, exeunt.Live, exeunt.Manual} {
		stage = next
		preview, err := c.Preview(exeunt.Case{Departure: d}, time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		steps, covered := 0, exeunt.Coverage("")
		for _, s := range preview.Steps {
			if s.System == "crm" && s.Rule == "cut" {
				steps++
			}
		}
		for _, s := range preview.Systems {
			if s.System == "crm" {
				covered = s.By
			}
		}
		if live := next == exeunt.Live; (steps == 1) != live || (covered == exeunt.CoverSteps) != live {
			t.Errorf("in stage %s it has %d steps of the rule, covered by %s", next, steps, covered)
		}
	}
}
