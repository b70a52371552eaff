package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

func TestTheFuseIsOnUnlessSomebodyTurnsItOff(t *testing.T) {
	for _, c := range []struct {
		text string
		want exeunt.Fuse
		who  string
	}{
		{"", exeunt.Fuse{Departures: 10, Window: time.Hour}, "Hera"}, // who stands in for hr
		{"fuse: {headcount: 800}\n", exeunt.Fuse{Departures: 10, Window: time.Hour, Headcount: 800, Percent: 5}, "Hera"},
		{"fuse: {departures: 25, window: 1d, headcount: 800, percent: 2.5, protected: ['7'], approver: it}\n",
			exeunt.Fuse{Departures: 25, Window: 24 * time.Hour, Headcount: 800, Percent: 2.5, Protected: []string{"7"}}, "Ida Admin"},
		{"fuse: {departures: 0}\n", exeunt.Fuse{Window: time.Hour}, "Hera"},
	} {
		files := folder()
		files["exeunt.yaml"] = strings.Replace(files["exeunt.yaml"], "people:\n", c.text+"people:\n", 1)
		cfg, faults := load(t, files)
		if cfg == nil {
			t.Fatal(faults)
		}
		fuse, owner := cfg.Fuse()
		if !reflect.DeepEqual(fuse, c.want) || owner.Name != c.who {
			t.Errorf("%q: %+v, %s", c.text, fuse, owner)
		}
	}
}

func TestWhatNeedsApprovalComesFromTheConfiguration(t *testing.T) {
	files := folder()
	files["exeunt.yaml"] = strings.Replace(files["exeunt.yaml"], "people:\n", "approvals: {approver: it, flags: [privileged]}\npeople:\n", 1)
	cfg, faults := load(t, files)
	if cfg == nil {
		t.Fatal(faults)
	}
	d := exeunt.Departure{Type: exeunt.Voluntary, LastDay: "2026-03-31", Leaver: exeunt.Leaver{ID: "7", Entity: "main", Name: "Jane", Zone: "Europe/Berlin", Flags: []exeunt.Flag{exeunt.Privileged}}}
	plan, err := cfg.Plan(exeunt.Case{ID: 1, Departure: d}, time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range plan.Steps {
		if s.State != exeunt.StepHeld || s.Approval == nil || s.Approval.Owner.Name != "Ida Admin" {
			t.Errorf("%s is %s: %+v", s.Key, s.State, s.Approval)
		}
	}
	var line []string
	for _, p := range cfg.Line("it", d.Leaver) {
		line = append(line, p.Name)
	}
	if len(plan.Steps) == 0 || strings.Join(line, ", ") != "Ida Admin, Igor, Hilde Owner, Dora Deputy, Olga" {
		t.Errorf("%d steps, asked in the order %v", len(plan.Steps), line)
	}
}
