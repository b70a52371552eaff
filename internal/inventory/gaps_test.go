package inventory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
)

var ida = exeunt.Person{Name: "Ida Berg", Email: "ida.berg@larkfield.example"}

// items are a directory that is the single sign-on, an application behind it, and one that nobody has looked after.
var items = []Item{
	{exeunt.System{Name: "corp-directory", Title: "Active Directory", Vendor: "Microsoft", Kind: "activedirectory", Identifier: exeunt.PrincipalName, Holds: []string{"sign-in"}, Tier: 1, Owner: ida, Fallback: "Disable it.", Retention: "90 days", Stage: exeunt.Live}, "full"},
	{exeunt.System{Name: "crm", Title: "Salesforce", Kind: "manual", SSO: "corp-directory", Identifier: exeunt.WorkEmail, Holds: []string{"customers"}, Tier: 1, Owner: ida, Fallback: "Close it.", Retention: "a year", Stage: exeunt.Manual}, "full"},
	{exeunt.System{Name: "wiki", Title: "Wiki", Kind: "manual", Identifier: exeunt.Login, Tier: 3, Stage: exeunt.Manual}, ""},
}

func imported(t *testing.T, source Source, text string, sheets ...Sheet) Sheet {
	t.Helper()
	found, _, err := Read(source, []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	var systems []exeunt.System
	for _, i := range items {
		systems = append(systems, i.System)
	}
	return Import(Sheet{Source: source}, found, systems, sheets)
}

func TestGapsComeByRiskWithWhatToDo(t *testing.T) {
	finance := imported(t, Finance, "Vendor,Amount,Currency,Owner\nSFDC,9000,EUR,bo@larkfield.example\nSnowflake Computing,4000,EUR,\nBird Song Ltd,40,EUR,\nMicrosoft,10,EUR,\nOffice chairs,99,EUR,\n")
	signOn := imported(t, SignOn, "label,status,signOnMode,usernameTemplate\nSalesforce,ACTIVE,SAML_2_0,${source.samAccountName}\nSnowflake,ACTIVE,SAML_2_0,${source.email}\n")
	decided, err := Decide([]Sheet{finance, signOn}, Decision{Name: "OFFICE CHAIRS", Ignored: "furniture", By: "Ida Berg"})
	if err != nil || len(decided) != 1 {
		t.Fatalf("%v %v", decided, err)
	}
	gaps := Gaps(items, []Sheet{decided[0], signOn})
	var got []string
	for _, g := range gaps {
		if g.What == "" || g.Todo == "" {
			t.Errorf("a gap without a word on it: %+v", g)
		}
		got = append(got, fmt.Sprint(g.Tier, " ", g.Kind, " ", g.Name))
	}
	want := []string{
		"1 identifier Salesforce", "1 unlisted Snowflake", "1 owner-says Salesforce", "1 unseen Active Directory", "1 by-hand Salesforce",
		"3 unlisted Bird Song Ltd", "3 undecided Microsoft", "3 fallback Wiki", "3 owner Wiki", "3 api Wiki", "3 data Wiki", "3 unseen Wiki",
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("the gaps are\n%s\nwant\n%s", a, b)
	}
}

func TestTheSignOnAndTheInventoryAreCompared(t *testing.T) {
	for list, want := range map[string]string{
		"Wiki,ACTIVE,SAML_2_0":        "the single sign-on lets people in, and the inventory says that it does not",
		"Wiki,ACTIVE,BOOKMARK":        "",
		"Wiki,INACTIVE,SAML_2_0":      "the single sign-on has switched it off",
		"Salesforce,ACTIVE,OIDC":      "",
		"Something else,ACTIVE,SAML_": "the inventory says that people sign in through corp-directory, and the single sign-on does not list it",
	} {
		sheet := imported(t, SignOn, "label,status,signOnMode\n"+list+"\n")
		found := ""
		for _, g := range Gaps(items, []Sheet{sheet}) {
			about := strings.HasPrefix(list, g.Name) || strings.HasPrefix(list, "Something") && g.System == "crm"
			if g.Kind == SignOnGap && about {
				found = g.What
			}
		}
		if found != want {
			t.Errorf("%s: %q, want %q", list, found, want)
		}
	}
}

// What a person has decided outlives the next import, in another spelling and in another source's export.
func TestDecisionsAreRemembered(t *testing.T) {
	first := imported(t, Finance, "Vendor,Amount\nBrd Sng Ltd,40\nOffice Chairs GmbH,10\n")
	for _, d := range []Decision{{Name: "Brd Sng", Is: "wiki", By: "Ida Berg"}, {Name: "Office Chairs", Ignored: "furniture", By: "Ida Berg"}} {
		changed, err := Decide([]Sheet{first}, d)
		if err != nil {
			t.Fatal(err)
		}
		first = changed[0]
	}
	next := imported(t, Survey, "Department,Tools\nSales,\"BRD SNG, Brd Sng Premium Export, office chairs\"\n", first)
	for i, want := range []string{"wiki", "wiki", ""} {
		if l := next.Found[i]; l.Is != want || (l.Ignored == "furniture") != (want == "") {
			t.Errorf("%q is %+v", l.Name, l)
		}
	}
	if _, err := Decide([]Sheet{first}, Decision{Name: "nobody knows it", Is: "wiki", By: "Ida"}); exeunt.KindOf(err) != exeunt.NotFound {
		t.Errorf("a decision on what no source shows: %v", err)
	}
}

func TestAScaffoldSaysWhatIsKnownAndAsksTheRest(t *testing.T) {
	sheets := []Sheet{
		imported(t, Finance, "Vendor,Amount,Currency,Owner\nSnowflake Computing Inc.,4000,EUR,bo.lind@larkfield.example\nBird: \"Song\" Ltd,40,EUR,Bo\n"),
		imported(t, SignOn, "label,status,signOnMode,usernameTemplate\nSnowflake,ACTIVE,SAML_2_0,${source.email}\n"),
	}
	file, text, err := Scaffold("snowflake", items, sheets)
	if err != nil || file != "systems/snowflake.yaml" {
		t.Fatalf("%s %v", file, err)
	}
	for _, want := range []string{"name: snowflake\n", "vendor: Snowflake\n", "sso: corp-directory ", "identifier: work_email ", `holds: [customer data]`, "tier: 1 ", `email: "bo.lind@larkfield.example"}`, "fallback: #", "(4000.00 EUR)"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the scaffold lacks %q:\n%s", want, text)
		}
	}
	file, text, err = Scaffold(`Bird: "Song"`, items, sheets)
	if err != nil || file != "systems/bird-song.yaml" || !strings.Contains(string(text), "owner: # who does it when automation cannot") {
		t.Errorf("%s %v\n%s", file, err, text)
	}
	if _, _, err := Scaffold("Salesforce", items, sheets); exeunt.KindOf(err) != exeunt.NotFound {
		t.Errorf("a scaffold for what the inventory has: %v", err)
	}
}
