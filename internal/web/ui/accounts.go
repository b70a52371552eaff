package ui

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// accountsFilter is the address of what a reconciliation found.
type accountsFilter struct {
	Kind   exeunt.FindingKind
	System string
	After  int64
}

var findingKinds = []exeunt.FindingKind{exeunt.FoundOrphaned, exeunt.FoundMismatched, exeunt.FoundAmbiguous, exeunt.FoundMissing}

func readAccountsFilter(q url.Values) accountsFilter {
	f := accountsFilter{Kind: findingKinds[0], System: q.Get("system")}
	for _, k := range findingKinds {
		if q.Get("kind") == string(k) {
			f.Kind = k
		}
	}
	if after, err := strconv.ParseInt(q.Get("after"), 10, 64); err == nil && after > 0 {
		f.After = after
	}
	return f
}

func (f accountsFilter) values() url.Values {
	v := url.Values{}
	if f.Kind != findingKinds[0] { // what a person must see to first
		v.Set("kind", string(f.Kind))
	}
	if f.System != "" {
		v.Set("system", f.System)
	}
	if f.After > 0 {
		v.Set("after", strconv.FormatInt(f.After, 10))
	}
	return v
}

// findingsShown is how many findings a page has: each may have two forms.
const findingsShown = 25

// accountsView is everybody compared with the accounts of every system.
type accountsView struct {
	Viewer   viewer
	Filter   accountsFilter
	Newest   exeunt.Reconciliation // ID is zero when there was none yet
	Findings []exeunt.Finding
	More     bool // after these
}

func (v accountsView) summary() string {
	r := v.Newest
	if r.ID == 0 {
		return "Nobody was compared with any system yet"
	}
	ended, listed := 0, 0
	for _, s := range r.Systems {
		listed += s.Listed
		if !s.Open() {
			ended++
		}
	}
	out := fmt.Sprintf("%s, compared with %s of %s by %s", upper(r.Whom()), plural(listed, "account", "accounts"), plural(len(r.Systems), "system", "systems"), r.Begun.By)
	if r.EndedAt.IsZero() {
		return fmt.Sprintf("%s · under way: %d of %d systems so far", out, ended, len(r.Systems))
	}
	return out
}

// count is how many findings of a kind the systems have, in the chosen one or in all.
func (v accountsView) count(k exeunt.FindingKind) int {
	n := 0
	for _, s := range v.Newest.Systems {
		if v.Filter.System != "" && s.System != v.Filter.System {
			continue
		}
		n += map[exeunt.FindingKind]int{exeunt.FoundMissing: s.Tally.Missing, exeunt.FoundAmbiguous: s.Tally.Ambiguous,
			exeunt.FoundMismatched: s.Tally.Mismatched, exeunt.FoundOrphaned: s.Tally.Orphaned}[k]
	}
	return n
}

type accountsTab struct {
	Label  string
	Filter accountsFilter
	Count  int
	Here   bool
}

func (v accountsView) tabs() []accountsTab {
	var tabs []accountsTab
	for _, k := range findingKinds {
		f := accountsFilter{Kind: k, System: v.Filter.System}
		tabs = append(tabs, accountsTab{findingWords(k), f, v.count(k), v.Filter.Kind == k})
	}
	return tabs
}

func findingWords(k exeunt.FindingKind) string {
	return map[exeunt.FindingKind]string{exeunt.FoundOrphaned: "Orphaned", exeunt.FoundMismatched: "Mismatched", exeunt.FoundAmbiguous: "Ambiguous", exeunt.FoundMissing: "Missing"}[k]
}

// title is what people call a system.
func (v accountsView) title(system string) string {
	for _, s := range v.Newest.Systems {
		if s.System == system {
			return s.Title
		}
	}
	return system
}

// tally are the counts of a system, each with what it counts. Of one that was not compared nothing is known but how many
// accounts were listed.
func tally(s exeunt.SystemReconciled) []counted {
	all := []counted{{"Accounts", number(s.Listed)}}
	for _, c := range []struct {
		label string
		n     int
	}{{"Matched", s.Tally.Matched}, {"Missing", s.Tally.Missing}, {"Ambiguous", s.Tally.Ambiguous}, {"Mismatched", s.Tally.Mismatched}, {"Orphaned", s.Tally.Orphaned}} {
		words := "–"
		if s.State == exeunt.ReconcileDone {
			words = number(c.n)
		}
		all = append(all, counted{c.label, words})
	}
	return all
}

type counted struct{ Label, Words string }

// stillOpen says whether a finding is an account of somebody who left: nothing else here is as urgent.
func stillOpen(f exeunt.Finding) bool { return f.Kind == exeunt.FoundOrphaned && f.Leaver != "" }

func (v accountsView) first() string {
	f := v.Filter
	f.After = 0
	return address("/accounts", f.values())
}

func (v accountsView) next() string {
	if !v.More {
		return ""
	}
	f := v.Filter
	f.After = v.Findings[len(v.Findings)-1].ID
	return address("/accounts", f.values())
}

// reconcileStatus is how far a system is, and with which status it is drawn.
func reconcileStatus(s exeunt.SystemReconciled) (drawn status, words string) {
	switch s.State {
	case exeunt.ReconcileDone:
		return statusDone, "Compared"
	case exeunt.ReconcileFailed:
		return statusFailed, "Not compared"
	case exeunt.ReconcileListing:
		return statusRunning, "Listing"
	default:
		return statusWaiting, "Waits"
	}
}

func logins(f exeunt.Finding) string {
	var names []string
	for _, a := range f.Accounts {
		names = append(names, a.Login)
	}
	return strings.Join(names, ", ")
}

// cleansUp says whether the viewer may end what somebody who left still has.
func (v accountsView) cleansUp(f exeunt.Finding) bool {
	return f.Decided == nil && stillOpen(f) && v.Viewer.may(startCases)
}

// confirms says whether the viewer may say whose the account is.
func (v accountsView) confirms(f exeunt.Finding) bool {
	return f.Decided == nil && len(f.Accounts) > 0 && v.Viewer.may(confirmAccounts)
}

// suggests is whose a finding takes the account to be; an orphan's owner is to be found out.
func suggests(f exeunt.Finding) string {
	if f.Kind == exeunt.FoundOrphaned {
		return ""
	}
	return f.Leaver
}

func (s *server) confirmAccount(v *visit) error {
	id, err := exeunt.ParseFindingID(v.PathValue("id"))
	if err != nil {
		return nothingHere()
	}
	if err := reasonFor(v); err != nil {
		return err
	}
	what := exeunt.Confirmation{Account: v.PostFormValue("account"), Leaver: strings.TrimSpace(v.PostFormValue("leaver")), Instead: v.PostFormValue("instead") != ""}
	if err := s.Commands(v.Viewer()).ConfirmAccount(v.Context(), id, what, v.override(v.PostFormValue("reason"))); err != nil {
		return err
	}
	return v.goTo("/accounts", "Kept, with your name: departures go by it from now on.")
}

func (s *server) cleanUpAccounts(v *visit) error {
	id, err := exeunt.ParseFindingID(v.PathValue("id"))
	if err != nil {
		return nothingHere()
	}
	if err := reasonFor(v); err != nil {
		return err
	}
	c, err := s.Commands(v.Viewer()).CleanUp(v.Context(), id, "", v.override(v.PostFormValue("reason")))
	if err != nil {
		return err
	}
	s.changed()
	return v.goTo("/cases/"+c.String(), "This case ends what was missed.")
}

func (s *server) accountsPage(v *visit) error {
	f := readAccountsFilter(v.URL.Query())
	if !sameValues(v.URL.Query(), f.values()) {
		http.Redirect(v.w, v.Request, address("/accounts", f.values()), http.StatusFound)
		return nil
	}
	view := accountsView{Viewer: v.viewer, Filter: f}
	read := s.Reader(v.Viewer())
	var err error
	if view.Newest, err = read.Reconciliation(v.Context()); err != nil && exeunt.KindOf(err) != exeunt.NotFound {
		return err
	}
	if view.Findings, err = read.Findings(v.Context(), store.FindingQuery{System: f.System, Kind: f.Kind, After: f.After, Limit: findingsShown + 1}); err != nil {
		return err
	}
	if len(view.Findings) > findingsShown {
		view.Findings, view.More = view.Findings[:findingsShown], true
	}
	return v.show(accountsTemplate(s.chrome(v, "inventory", "Whose accounts", crumb{"Systems", "/systems"}), view))
}
