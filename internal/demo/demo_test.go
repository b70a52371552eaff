package demo

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/sim"
)

// Whenever somebody runs the demo to its end, every cut-off lies behind, wherever people work.
func TestWhatIsDueIsDueEverywhereAtAnyHour(t *testing.T) {
	d := &Demo{Company: sim.New(200, 1)}
	midnight := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for hour := range 24 {
		now := midnight.Add(time.Duration(hour) * time.Hour)
		for _, dep := range d.Departures(now, true) {
			end, err := dep.Day.At("17:00", dep.Person.Place.Zone)
			if err != nil || end.After(now) {
				t.Errorf("at %s %s's last day in %s ends %s, %v", now, dep.Person.Name(), dep.Person.Place.Zone, end, err)
			}
		}
	}
	kinds := map[string]bool{}
	for _, dep := range d.Departures(midnight, false) {
		kinds[dep.How] = true
		if _, err := exeunt.ParseDate(string(dep.Day)); err != nil {
			t.Error(err)
		}
	}
	if len(kinds) != len(exeunt.DepartureTypes) {
		t.Errorf("%d of %d types leave", len(kinds), len(exeunt.DepartureTypes))
	}
}
