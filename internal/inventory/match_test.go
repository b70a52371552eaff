package inventory

import (
	"testing"

	"github.com/exeunt/exeunt"
)

// house is an inventory in three naming styles: vendor's words, the company's own, and short names.
var house = []exeunt.System{
	{Name: "corp-directory", Title: "Active Directory", Vendor: "Microsoft"},
	{Name: "microsoft-365", Title: "Microsoft 365", Vendor: "Microsoft"},
	{Name: "slack", Title: "Slack", Vendor: "Slack Technologies"},
	{Name: "aws-prod", Title: "Amazon Web Services", Vendor: "Amazon"},
	{Name: "gws", Title: "Google Workspace", Vendor: "Google"},
	{Name: "gcp", Title: "Google Cloud", Vendor: "Google"},
	{Name: "jira-confluence", Title: "Atlassian Cloud", Vendor: "Atlassian"},
	{Name: "github", Title: "GitHub"},
	{Name: "gitlab", Title: "GitLab"},
	{Name: "zoom", Title: "Zoom"},
	{Name: "crm", Title: "Salesforce", Vendor: "Salesforce"},
	{Name: "door-locks", Title: "Türöffner Süd", Vendor: "Salto"},
	{Name: "time-sheet", Title: "TimeSheet Pro"},
	{Name: "warehouse", Title: "Warehouse"},
	{Name: "passwords", Title: "1Password"},
	{Name: "adobe", Title: "Adobe Creative Cloud"},
}

func TestNamesOnInvoicesLeadToSystems(t *testing.T) {
	m := NewMatcher(house)
	for name, want := range map[string]string{
		"Slack":                                  "slack",
		"SLACK TECHNOLOGIES LIMITED":             "slack",
		"PAYPAL *SLACK T02AB9XK DUBLIN":          "slack",
		"slack.com annual plan 2026":             "slack",
		"AMAZON WEB SERVICES EMEA SARL":          "aws-prod",
		"Amazon Web Services AWS.AMAZON.CO WA":   "aws-prod",
		"AWS EMEA":                               "aws-prod",
		"GOOGLE *GSUITE_larkfield":               "gws",
		"G Suite Business":                       "gws",
		"Google Cloud Platform":                  "gcp",
		"MSFT *E0500ABC12 MSBILL.INFO":           "microsoft-365",
		"Office 365 E3":                          "microsoft-365",
		"O365":                                   "microsoft-365",
		"JIRA Software Cloud":                    "jira-confluence",
		"Confluence":                             "jira-confluence",
		"Atlassian Pty Ltd":                      "jira-confluence",
		"GitHub, Inc.":                           "github",
		"git hub":                                "github",
		"Gitlab GmbH":                            "gitlab",
		"ZOOM.US 888-799-9666":                   "zoom",
		"Zoom Video Communications, Inc.":        "zoom",
		"SFDC":                                   "crm",
		"salesforce.com Germany GmbH":            "crm",
		"Tueroeffner Sued":                       "", // spelt with ae and oe: nobody can be sure
		"TUROFFNER SUD":                          "door-locks",
		"Timesheet Pro (annual)":                 "time-sheet",
		"AgileBits Inc.":                         "passwords",
		"1PASSWORD TORONTO":                      "passwords",
		"ADOBE  *CREATIVE CLOUD":                 "adobe",
		"Adobe Systems Software Ireland Limited": "adobe",
		"Bürobedarf Schmidt GmbH":                "",
		"Deutsche Bahn":                          "",
		"Microsoft":                              "", // which of its products?
		"Google":                                 "",
		"House of Coffee":                        "",
		"Boxon AB":                               "",
		"Slacker Radio":                          "",
	} {
		got := ""
		if matches := m.Matches(name); clearest(matches) {
			got = matches[0].System
		}
		if got != want {
			t.Errorf("%q is %q, want %q: %v, of which it keeps %q", name, got, want, m.Matches(name), coreOf(name))
		}
	}
}

// Two systems of one vendor: each is found by its own name, and the vendor's may be either.
func TestOwnNamesGoBeforeWhatOthersCallASystem(t *testing.T) {
	m := NewMatcher([]exeunt.System{{Name: "tickets", Title: "Jira"}, {Name: "knowledge", Title: "Knowledge base (Confluence)"}, {Name: "chat", Title: "Team chat – Slack"}})
	for name, want := range map[string]string{
		"JIRA": "tickets", "Confluence Cloud Premium": "knowledge", "ATLASSIAN AMSTERDAM": "", "SLACK T02AB9XK DUBLIN": "chat", "Team chat": "chat",
		"Chat Noir Restaurant": "", "Knowledge Base Software GmbH": "knowledge", "Elasticsearch B.V.": "", "SLACK TECHNOLOGIES LIM": "chat",
	} {
		got := ""
		if matches := m.Matches(name); clearest(matches) {
			got = matches[0].System
		}
		if got != want {
			t.Errorf("%q is %q, want %q: %v", name, got, want, m.Matches(name))
		}
	}
}

func TestWhatIsNotSureIsAsked(t *testing.T) {
	m := NewMatcher(house)
	for name, want := range map[string]string{"Microsoft": "microsoft-365", "Google Ireland": "gcp", "Salto Systems": "door-locks", "Githbu": "github"} {
		found := false
		for _, match := range m.Matches(name) {
			found = found || match.System == want && match.Confidence < Sure && match.Because != ""
		}
		if !found {
			t.Errorf("%q may be %s: %v", name, want, m.Matches(name))
		}
	}
}

// Of an application that most companies have, every name leads to it and to no other.
func TestKnownApplicationsAreToldApart(t *testing.T) {
	for _, k := range known() {
		if k.Tier < 1 || k.Tier > 3 || len(k.Holds) == 0 || k.Vendor == "" || (k.API != "full" && k.API != "partial" && k.API != "none") {
			t.Errorf("%s lacks something: %+v", k.Name, k)
		}
		for _, name := range k.names() {
			if got, ok := KnownAs(name); !ok || got.Name != k.Name {
				t.Errorf("%q is %q, want %q", name, got.Name, k.Name)
			}
		}
	}
}
