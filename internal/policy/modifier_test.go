package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/policy"
)

const board = `name: board
applies: leaver.title == "CEO"
because: the board is told
change:
  - {rule: settle-expenses, because: at once, deadline: last-day}
`

func named(files ...string) []policy.Named {
	var out []policy.Named
	for i := 0; i < len(files); i += 2 {
		out = append(out, policy.Named{Name: files[i], Source: []byte(files[i+1])})
	}
	return out
}

func TestFaultsOfModifiersAreSaidAtTheirPlaces(t *testing.T) {
	second := strings.Replace(board, "name: board", "name: second", 1)
	cases := []struct {
		name, board, second, want string
	}{
		{"a misspelt field", strings.Replace(board, "leaver.title", "leaver.titel", 1), "", "modifiers/board.yaml:2:16: applies: undefined field 'titel'"},
		{"no condition", strings.Replace(board, `applies: leaver.title == "CEO"`+"\n", "", 1), "", "applies: missing; say for which departures it counts"},
		{"no reason", strings.Replace(board, "because: the board is told\n", "", 1), "", "because: missing; say why there is such a modifier"},
		{"no reason of a change", strings.Replace(board, "because: at once, ", "", 1), "", "modifiers/board.yaml:5:5: change[0].because: missing"},
		{"nothing", board[:strings.Index(board, "change:")], "", "the modifier does nothing"},
		{"nothing changed", strings.Replace(board, ", deadline: last-day", "", 1), "", "change[0]: nothing is changed"},
		{"no such rule", strings.Replace(board, "settle-expenses", "settle-expenes", 1), "", `modifiers/board.yaml:5:12: change[0].rule: no policy has a rule "settle-expenes"`},
		{"a rule that is there", board + "add:\n  - {name: exit-interview, task: {owner: hr, procedure: x}, start: trigger, deadline: start + 1d}\n", "", "add[0].name: the policy layoff has a rule exit-interview already"},
		{"a rule twice", board + "remove:\n  - {rule: settle-expenses, because: x}\n", "", "remove[0].rule: change[0].rule says something about settle-expenses already"},
		{"an approver of a task", strings.Replace(board, "deadline: last-day", "approver: hr", 1), "", "change[0].approver: settle-expenses is a task of a person"},
		{"over nobody", board + "over: [nobody]\n", "", `over[0]: there is no modifier "nobody"`},
		{"over itself", board + "over: [board]\n", "", "over[0]: a modifier cannot be over itself"},
		{"over each other", board + "over: [second]\n", second + "over: [board]\n", "over each other"},
		{"a start from the start", strings.Replace(board, "deadline: last-day", "start: start + 1d", 1), "", "change[0].start: a rule cannot start relative to its own start"},
		{"a circle", board + "add:\n  - {name: b, task: {owner: hr, procedure: x}, start: trigger, deadline: start + 1d, after: [{rule: c, because: x}]}\n  - {name: c, task: {owner: hr, procedure: x}, start: trigger, deadline: start + 1d, after: [{rule: b, because: x}]}\n", "", "b and c wait for each other"},
		{"the same name", board, board, "board is the name of a modifier already, in modifiers/board.yaml"},
		{"no such shipped one", "name: own\nextends: nothing\n", "", `extends: "nothing" is not possible here`},
		{"a contradiction", board, strings.Replace(second, "deadline: last-day", "deadline: last-day + 3d", 1), `modifiers/second.yaml:5:5: change[0]: board and second contradict each other about settle-expenses (deadline last-day or last-day + 3d), and both count for somebody (voluntary, title CEO); say which of them wins: over: [board]`},
		{"a contradiction with a shipped one", strings.NewReplacer(`leaver.title == "CEO"`, `'"executive" in leaver.flags'`, "settle-expenses", "return-assets").Replace(board), "", `on-leave and board contradict each other about return-assets (deadline last-day + 14d or last-day), and both count for somebody (voluntary, executive, on leave)`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			files := named("modifiers/board.yaml", c.board)
			if c.second != "" {
				files = append(files, named("modifiers/second.yaml", c.second)...)
			}
			if _, faults := policy.ReadSet(files); !strings.Contains(faults.Error(), c.want) {
				t.Errorf("got:\n%v\nwant: %s", faults, c.want)
			}
		})
	}
}

func TestModifiersThatCannotContradictAreTaken(t *testing.T) {
	other := strings.NewReplacer("name: board", "name: second", "deadline: last-day", "deadline: last-day + 3d").Replace(board)
	cases := map[string]string{
		"they exclude each other":        strings.Replace(other, `leaver.title == "CEO"`, `leaver.title == "CFO"`, 1),
		"one is over the other":          other + "over: [board]\n",
		"nobody can say whether they do": strings.Replace(other, `leaver.title == "CEO"`, `leaver.title.endsWith("O") && leaver.title.contains("E") && leaver.id.startsWith("9") && leaver.identifiers["x"] == "1"`, 1),
	}
	for name, second := range cases {
		if set, faults := policy.ReadSet(named("modifiers/board.yaml", board, "modifiers/second.yaml", second)); len(faults) > 0 || len(set.Modifiers) != 7 {
			t.Errorf("%s: %d modifiers, faults:\n%v", name, len(set.Modifiers), faults)
		}
	}
}

func TestAFileTakesThePlaceOfTheShippedModifierOfItsName(t *testing.T) {
	set, faults := policy.ReadSet(named("modifiers/executive.yaml", "name: executive\nextends: executive\napplies: \"false\"\n", "modifiers/law.yaml", "name: law\nextends: jurisdiction-de\nremove:\n  - {rule: untaken-leave, because: payroll does it}\n"))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var names []string
	for _, m := range set.Modifiers {
		names = append(names, m.Name)
	}
	if want := []string{"on-leave", "litigation-hold", "privileged", "contractor", "executive", "law"}; !slices.Equal(names, want) {
		t.Errorf("the modifiers are %v, want %v", names, want)
	}
	d := leaving(exeunt.Voluntary)
	d.Leaver.Flags, d.Leaver.Country = []exeunt.Flag{exeunt.Executive}, "DE"
	p, err := set.Policy(d)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := exeunt.Draft(p, exeunt.Case{ID: 1, Departure: d}, inventory(), roles, now)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{"signing-authority": false, "reference-letter": true, "untaken-leave": false} {
		if _, ok := task(plan, key); ok != want {
			t.Errorf("%s: %v, want %v", key, ok, want)
		}
	}
}

func TestShippedModifiersChangeWhatTheyAreFor(t *testing.T) {
	cases := []struct {
		name     string
		of       func(*exeunt.Departure)
		has, not []string
	}{
		{"executive", flag(exeunt.Executive), []string{"signing-authority"}, []string{"signing-authority-at-once"}},
		{"executive at once", func(d *exeunt.Departure) { flag(exeunt.Executive)(d); d.Immediate = true }, []string{"signing-authority-at-once"}, []string{"signing-authority"}},
		{"on leave", flag(exeunt.OnLeave), []string{"return-assets"}, []string{"knowledge-transfer"}},
		{"litigation hold", flag(exeunt.LitigationHold), []string{"legal-hold-review"}, nil},
		{"privileged", flag(exeunt.Privileged), []string{"rotate-privileged-secrets"}, nil},
		{"contractor", func(d *exeunt.Departure) { d.Leaver.Employment = "contractor" }, []string{"end-engagement"}, []string{"exit-interview"}},
		{"nobody special", func(*exeunt.Departure) {}, []string{"knowledge-transfer", "exit-interview"}, []string{"signing-authority", "rotate-privileged-secrets", "legal-hold-review", "end-engagement"}},
		{"no law unasked", func(d *exeunt.Departure) { d.Leaver.Country = "DE" }, nil, []string{"reference-letter"}},
	}
	for _, c := range cases {
		d := leaving(exeunt.Voluntary)
		c.of(&d)
		plan := draft(t, d)
		for _, key := range c.has {
			if _, ok := task(plan, key); !ok {
				t.Errorf("%s: no task %s", c.name, key)
			}
		}
		for _, key := range c.not {
			if _, ok := task(plan, key); ok {
				t.Errorf("%s: there is a task %s", c.name, key)
			}
		}
	}
}

func flag(f exeunt.Flag) func(*exeunt.Departure) {
	return func(d *exeunt.Departure) { d.Leaver.Flags = []exeunt.Flag{f} }
}

func TestASetIsReadAgainFromItsText(t *testing.T) {
	for name, files := range map[string][]policy.Named{
		"what is shipped": nil,
		"its own":         named("modifiers/board.yaml", board, "modifiers/law.yaml", "name: law\nextends: jurisdiction-gb", "policies/10.yaml", "name: own\nextends: standard\ncut_off: \"18:00\""),
	} {
		set, faults := policy.ReadSet(files)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		again, err := policy.Kept(set.Text())
		if err != nil || again.Version != set.Version || len(again.Policies) != len(set.Policies) || len(again.Modifiers) != len(set.Modifiers) {
			t.Errorf("%s: read again as %s with %d policies and %d modifiers, want %s with %d and %d: %v", name, again.Version, len(again.Policies), len(again.Modifiers), set.Version, len(set.Policies), len(set.Modifiers), err)
		}
		for i := range set.Policies {
			if again.Policies[i].Version != set.Policies[i].Version || again.Policies[i].Name != set.Policies[i].Name {
				t.Errorf("%s: the policy %s %s was read again as %s %s", name, set.Policies[i].Name, set.Policies[i].Version, again.Policies[i].Name, again.Policies[i].Version)
			}
		}
	}
	one, _ := policy.ReadSet(nil)
	if two, _ := policy.ReadSet(named("modifiers/board.yaml", board)); one.Version == two.Version {
		t.Error("another modifier makes no other version")
	}
	if _, err := policy.Kept([]byte("-- policies/x.yaml --\nname: x\nextends: standard\n")); err == nil {
		t.Error("a text without what it extends is read")
	}
}
