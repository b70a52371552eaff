package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt/internal/config"
)

func TestConfigurationsAreComparedByWhatTheyAreMadeOf(t *testing.T) {
	t.Setenv("CONFIG_TEST_SECRET", "x")
	before, faults := load(t, folder())
	if before == nil {
		t.Fatal(faults)
	}
	for name, c := range map[string]struct {
		change func(map[string]string)
		want   []string
	}{
		"nothing":             {func(map[string]string) {}, nil},
		"a comment":           {func(f map[string]string) { f["systems/crm.yaml"] += "# a word\n" }, nil},
		"a setting":           {func(f map[string]string) { f["systems/crm.yaml"] = strings.Replace(boxFile, "443", "444", 1) }, []string{"changed system crm"}},
		"a system more, less": {func(f map[string]string) { delete(f, "systems/door.yaml"); f["systems/wiki.yaml"] = system("wiki", "") }, []string{"added system wiki", "removed system door"}},
		"a person":            {func(f map[string]string) { f["exeunt.yaml"] = strings.Replace(mainFile, "Ida Admin", "Ida Boss", 1) }, []string{"changed role it"}},
		"a source": {func(f map[string]string) {
			f["exeunt.yaml"] = strings.Replace(mainFile, "company: acme", "company: acne", 1)
		}, []string{"changed source bamboo"}},
		"a secret's place": {func(f map[string]string) {
			f["exeunt.yaml"] = strings.Replace(mainFile, "password: env:CONFIG_TEST_SECRET", "password: file:/x", 1)
		}, []string{"changed mail"}},
		"the fuse": {func(f map[string]string) { f["exeunt.yaml"] += "fuse: {departures: 3}\n" }, []string{"changed fuse"}},
		"a policy": {func(f map[string]string) {
			f["policies/standard.yaml"] = "name: own\nextends: standard\n"
			f["policies/immediate.yaml"] = "name: immediate\nextends: immediate\n"
			f["policies/layoff.yaml"] = "name: layoff\nextends: layoff\n"
		},
			[]string{"changed policy immediate", "changed policy layoff", "added policy own", "removed policy standard"}},
		"a modifier": {func(f map[string]string) {
			f["modifiers/all.yaml"] = "name: all\napplies: 'true'\nbecause: x\nremove: [{rule: exit-interview, because: nobody asks}]\n"
		}, []string{"added modifier all"}},
		"a calendar": {func(f map[string]string) { f["calendars/berlin.yaml"] = "name: berlin\ncountry: DE\n" }, []string{"added calendar berlin"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := folder()
			c.change(files)
			after, faults := load(t, files)
			if after == nil {
				t.Fatal(faults)
			}
			var said []string
			for _, d := range config.Compare(before, after) {
				said = append(said, d.String())
			}
			if strings.HasPrefix(name, "a policy") { // the shipped ones are others by their file alone
				said = slices.DeleteFunc(said, func(s string) bool { return strings.Contains(s, "policy retire") || strings.Contains(s, "policy end") })
			}
			if !slices.Equal(said, c.want) {
				t.Errorf("it says %q, want %q", said, c.want)
			}
			if len(after.Follows(before)) > 0 {
				t.Errorf("refused: %v", after.Follows(before))
			}
		})
	}
	files := folder()
	files["exeunt.yaml"] = strings.Replace(mainFile, "ledger.sock", "other.sock", 1)
	after, _ := load(t, files)
	if faults := after.Follows(before); len(faults) != 1 || faults[0].Path != "ledger.address" || faults[0].Line == 0 {
		t.Errorf("another ledger: %v", faults)
	}
}
