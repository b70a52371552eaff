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
