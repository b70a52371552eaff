package ui

import (
	"net/http"
	"time"
)

// chrome is what surrounds every page.
type chrome struct {
	Title        string
	Nav          string // which entry of the navigation is current
	Theme        string
	Crumbs       []crumb
	Now          time.Time
	Organisation string
	Environment  string
	Viewer       viewer
	Attention    int // cases that need a person
	Tasks        int // open tasks
	Alone        int // systems that are left alone, for who sees systems
	Live         bool
	Told         string // what the reader's last form did
}

type crumb struct{ Label, URL string }

// chrome surrounds a page of somebody who is signed in.
func (s *server) chrome(v *visit, nav, title string, crumbs ...crumb) chrome {
	c := s.bare(v.Request, title)
	c.Nav, c.Viewer, c.Now = nav, v.viewer, v.now
	c.Crumbs = append(crumbs, crumb{Label: title})
	n := s.navigation(v)
	c.Attention, c.Tasks, c.Alone = n.attention, n.open, n.alone
	c.Told = v.told()
	return c
}

// bare surrounds a page without navigation.
func (s *server) bare(r *http.Request, title string) chrome {
	return chrome{Title: title, Theme: theme(r), Now: time.Now(), Organisation: orElse(s.Organisation, "Exeunt"), Environment: s.Environment}
}

type navItem struct {
	ID, URL, Label, Key string
	Need                right
}

var navigation = []navItem{
	{"overview", "/", "Overview", "o", seeOverview},
	{"cases", "/cases", "Cases", "c", seeCases},
	{"tasks", "/tasks", "Tasks", "t", seeNothing},
	{"waves", "/waves", "Waves", "w", seeWaves},
	{"inventory", "/systems", "Systems", "s", seeSystems},
	{"audit", "/audit", "Audit", "a", seeAudit},
}

func (c chrome) items() []navItem {
	var shown []navItem
	for _, item := range navigation {
		if item.Need == seeNothing || c.Viewer.may(item.Need) {
			shown = append(shown, item)
		}
	}
	return shown
}

// jump is one line of the palette.
type jump struct {
	Icon, Label, Hint, URL, Words string
	Need                          right
}

var jumps = []jump{
	{"overview", "Overview", "g o", "/", "overview home measures", seeOverview},
	{"cases", "Cases", "g c", "/cases", "cases departures people", seeCases},
	{"late", "Cases that need attention", "", "/cases?state=attention", "cases need attention late failed", seeCases},
	{"scheduled", "Scheduled cases", "", "/cases?state=scheduled", "cases scheduled coming", seeCases},
	{"cases", "Start a case", "", "/cases/new", "start new case departure", startCases},
	{"scheduled", "Preview a plan", "", "/preview", "preview plan what would be done departure policy modifiers", previewPlans},
	{"audit", "Compare policies", "", "/preview/compare", "compare policies difference last quarter departures what would have changed", compareDepartures},
	{"tasks", "Tasks", "g t", "/tasks", "tasks inbox", seeNothing},
	{"person", "My tasks", "", "/tasks?owner=me", "my tasks mine", seeNothing},
	{"waves", "Waves", "g w", "/waves", "waves mass departures", seeWaves},
	{"waves", "Make a wave", "", "/waves/new", "make new wave mass departure layoff list csv", makeWaves},
	{"inventory", "Systems", "g s", "/systems", "systems inventory", seeSystems},
	{"audit", "Policies", "", "/policies", "policies modifiers rules versions difference plan", seeSystems},
	{"inventory", "Connectors", "", "/connectors", "connectors kinds actions proof permissions scopes settings", seeSystems},
	{"late", "What is missing", "", "/gaps", "systems gaps inventory missing owner fallback no api", seeSystems},
	{"person", "Whose accounts", "", "/accounts", "accounts reconcile orphaned missing ambiguous mismatched identities", seeFindings},
	{"audit", "Audit", "g a", "/audit", "audit entries ledger", seeAudit},
	{"audit", "Erased records", "", "/audit/erased", "erased records retention privacy", seeAudit},
	{"audit", "Checks of the ledger", "", "/audit/checks", "checks ledger verify runs", seeAudit},
	{"audit", "What the record proves", "", "/audit/proves", "proves proof evidence verify", seeAudit},
}

func (c chrome) jumps() []jump {
	var shown []jump
	for _, j := range jumps {
		if j.Need == seeNothing || c.Viewer.may(j.Need) {
			shown = append(shown, j)
		}
	}
	return shown
}

// htmxConfig lets details that a reader opened stay open while the stream changes what is around them.
const htmxConfig = `{"includeIndicatorCSS":false,"morphIgnore":["data-htmx-powered","open"]}`
