package app

import (
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
)

// What a list or a person leaves out comes from the entity; of one that nobody has configured nothing is opened.
func TestADepartureIsFilledInFromItsEntityOrRefused(t *testing.T) {
	a := &App{}
	a.now.Store(&served{config: &config.Config{Entities: []config.Entity{{Name: "main", Zone: "Europe/Berlin", Country: "DE"}, {Name: "us", Zone: "America/New_York", Country: "US"}}}})
	c := commands{complete: a.complete, entities: []string{"main", "us"}}
	for entity, want := range map[string]exeunt.Leaver{
		"":   {Entity: "main", Zone: "Europe/Berlin", Country: "DE"},
		"us": {Entity: "us", Zone: "America/New_York", Country: "US"},
	} {
		d := exeunt.Departure{Leaver: exeunt.Leaver{Entity: entity}, LastDay: "2026-06-30"}
		if err := c.fillIn(&d); err != nil || d.Leaver.Entity != want.Entity || d.Leaver.Zone != want.Zone || d.Leaver.Country != want.Country || d.TerminationDate != "2026-06-30" {
			t.Errorf("%q: %+v, %v", entity, d, err)
		}
	}
	if err := c.fillIn(&exeunt.Departure{Leaver: exeunt.Leaver{Entity: "acquired"}}); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("of an entity that nobody has configured: %v", err)
	}
}
