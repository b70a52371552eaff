package inventory

import (
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
)

// asked is what a single sign-on told of itself.
func asked(system string, applications []Found, sheets ...Sheet) Sheet {
	var systems []exeunt.System
	for _, i := range items {
		systems = append(systems, i.System)
	}
	return Import(Sheet{Source: SignOn, System: system, From: system}, Listed(applications), systems, sheets)
}

// What a person decided of an application goes with its id, also when it gets another name; another sign-on has other ids.
func TestADecisionGoesWithTheApplication(t *testing.T) {
	first := asked("okta", []Found{{ID: "0oa1", Name: "Brd Sng", People: 7}, {ID: "0oa2", Name: "Salesforce"}})
	changed, err := Decide([]Sheet{first}, Decision{Name: "Brd Sng", Is: "wiki", By: "Ida Berg"})
	if err != nil {
		t.Fatal(err)
	}
	again := asked("okta", []Found{{ID: "0oa1", Name: "Knowledge of the house", People: 9}}, changed...)
	if l := again.Found[0]; l.Is != "wiki" || l.By != "Ida Berg" || l.People != 9 {
		t.Errorf("renamed, it is %+v", l)
	}
	other := asked("google", []Found{{ID: "0oa1", Name: "Something else"}}, changed...)
	if l := other.Found[0]; l.Is != "" {
		t.Errorf("another sign-on's application with the same id is %+v", l)
	}
	if first.File() != "inventory/sso-okta.yaml" || (Sheet{Source: Finance}).File() != "inventory/finance.yaml" {
		t.Errorf("kept in %s", first.File())
	}
}

// Two sign-ons show together what there is, and each system is looked for in the one that it is said to use.
func TestTwoSignOnsAreComparedEachWithItsOwn(t *testing.T) {
	own := asked("corp-directory", []Found{{ID: "1", Name: "Miro", People: 4}})
	other := asked("google", []Found{{ID: "9", Name: "Salesforce", Mode: "saml"}, {ID: "8", Name: "Miro", People: 30}})
	var said []string
	for _, g := range Gaps(items, []Sheet{own, other}) {
		switch {
		case g.Kind == Unlisted:
			if g.Name != "Miro" || g.People != 30 || strings.Count(g.What, "single sign-on") != 1 {
				t.Errorf("%+v", g)
			}
			said = append(said, g.Name)
		case g.System == "crm" && g.Kind == SignOnGap:
			said = append(said, g.What)
		}
	}
	if got, want := strings.Join(said, "; "), "the inventory says that people sign in through corp-directory, and the single sign-on does not list it; Miro"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
