package ui

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

const entriesAPage = 50

// auditFilter is the address of the audit list. Days are those of the reader's zone.
type auditFilter struct {
	Case   exeunt.CaseID
	Actor  string
	Action string
	System string
	Text   string
	From   exeunt.Date
	To     exeunt.Date
	Before int64
}

func readAuditFilter(q url.Values) auditFilter {
	f := auditFilter{Actor: q.Get("actor"), Action: q.Get("action"), System: q.Get("system"), Text: strings.TrimSpace(q.Get("q"))}
	if id, err := exeunt.ParseCaseID(q.Get("case")); err == nil {
		f.Case = id
	}
	if id, err := exeunt.ParseCaseID(f.Text); err == nil && strings.ContainsAny(f.Text, "cC") {
		f.Case, f.Text = id, "" // "C-2041" in the search field means the case
	}
	for _, d := range []struct {
		into *exeunt.Date
		key  string
	}{{&f.From, "from"}, {&f.To, "to"}} {
		if parsed, err := exeunt.ParseDate(q.Get(d.key)); err == nil {
			*d.into = parsed
		}
	}
	if n, err := strconv.ParseInt(q.Get("before"), 10, 64); err == nil && n > 0 {
		f.Before = n
	}
	return f
}

func (f auditFilter) values() url.Values {
	v := url.Values{}
	for key, value := range map[string]string{"actor": f.Actor, "action": f.Action, "system": f.System, "q": f.Text, "from": string(f.From), "to": string(f.To)} {
		if value != "" {
			v.Set(key, value)
		}
	}
	if f.Case != 0 {
		v.Set("case", f.Case.String())
	}
	if f.Before > 0 {
		v.Set("before", strconv.FormatInt(f.Before, 10))
	}
	return v
}

func (f auditFilter) before(n int64) string {
	f.Before = n
	return address("/audit", f.values())
}

func (f auditFilter) filtered() bool {
	f.Before = 0
	return len(f.values()) > 0
}

// query gives days as instants: from the start of one to the end of the other.
func (f auditFilter) query(zone *time.Location) store.EntryQuery {
	q := store.EntryQuery{Case: f.Case, Actor: f.Actor, Kind: f.Action, System: f.System, Text: f.Text, Before: f.Before, Limit: entriesAPage + 1}
	if t, err := time.ParseInLocation(time.DateOnly, string(f.From), zone); err == nil {
		q.From = t.UTC()
	}
	if t, err := time.ParseInLocation(time.DateOnly, string(f.To), zone); err == nil {
		q.To = t.AddDate(0, 0, 1).UTC()
	}
	return q
}

// auditView is the list of entries.
type auditView struct {
	store.EntryPage
	Filter  auditFilter
	Systems []string // to choose from
	Check   LedgerCheck
	More    bool // before these
	visit   *visit
}

// older is the address of what comes before the entries shown.
func (a auditView) older() string {
	if !a.More {
		return ""
	}
	return a.Filter.before(a.Rows[len(a.Rows)-1].Number)
}

func (s *server) auditPage(v *visit) error {
	if text := strings.ReplaceAll(strings.TrimSpace(v.URL.Query().Get("q")), ",", ""); text != "" {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
			http.Redirect(v.w, v.Request, "/audit/"+strconv.FormatInt(n, 10), http.StatusFound)
			return nil
		}
	}
	f := readAuditFilter(v.URL.Query())
	if !sameValues(v.URL.Query(), f.values()) {
		http.Redirect(v.w, v.Request, address("/audit", f.values()), http.StatusFound)
		return nil
	}
	page, err := s.Reader(v.Viewer()).Entries(v.Context(), f.query(v.zone))
	if err != nil {
		return err
	}
	view := auditView{EntryPage: page, Filter: f, Systems: s.systemNames(), Check: s.ledgerCheck(v), visit: v}
	if len(view.Rows) > entriesAPage {
		view.Rows, view.More = view.Rows[:entriesAPage], true
	}
	return v.show(auditTemplate(s.chrome(v, "audit", "Audit"), view))
}

func (s *server) systemNames() []string {
	var names []string
	for _, system := range s.Inventory.Systems() {
		names = append(names, system.Name)
	}
	slices.Sort(names)
	return names
}

// verify runs a verification now and shows what it found where the last one stood, or how far it is.
func (s *server) verify(v *visit) error {
	check, err := s.Proofs.Verify(v.Context(), v.signs())
	if err != nil {
		return err
	}
	if check.At.IsZero() {
		return v.goTo("/audit/checks", "The check takes a while: this page shows how far it is.")
	}
	message := "Verified now: no break in " + plural(int(check.Entries), "entry", "entries") + "."
	if check.Fault != "" {
		message = "Verified now: the ledger does not hold."
	}
	return v.goTo("/audit", message)
}

// entryView is one entry with its place in the ledger.
type entryView struct {
	store.EntryRow
	Details map[string]string
	Prev    *store.EntryRow // the case's entry before it
	Proof   *Inclusion      // nil while no checkpoint covers it
	Why     string          // there is no proof
	Zone    *time.Location
	visit   *visit
}

func (s *server) entryPage(v *visit) error {
	n, err := strconv.ParseInt(v.PathValue("entry"), 10, 64)
	if err != nil {
		return nothingHere()
	}
	row, err := s.Reader(v.Viewer()).Entry(v.Context(), n)
	if err != nil {
		return err
	}
	view := entryView{EntryRow: row, Details: v.details(row.Entry), Zone: v.zone, visit: v}
	if row.Case != 0 && row.Seq > 0 {
		page, err := s.Reader(v.Viewer()).Entries(v.Context(), store.EntryQuery{Case: row.Case, Before: row.Number, Limit: 1})
		if err != nil {
			return err
		}
		if len(page.Rows) > 0 && page.Rows[0].Seq == row.Seq-1 {
			view.Prev = &page.Rows[0]
		}
	}
	if err := s.prove(v, &view); err != nil {
		return err
	}
	return v.show(entryTemplate(s.chrome(v, "audit", "Entry "+number(n), crumb{"Audit", "/audit"}), view))
}

// prove adds the proof of an entry. A log that cannot prove it is said to, and keeps nobody from reading the entry.
func (s *server) prove(v *visit, view *entryView) error {
	if view.Index < 0 {
		return nil
	}
	proof, err := s.Proofs.Inclusion(v.Context(), view.Index)
	switch {
	case v.Context().Err() != nil:
		return v.Context().Err()
	case err != nil:
		view.Why = sentence(exeunt.MessageOf(err))
	case proof.LeafHash != view.Hash:
		view.Why = "The log has another leaf at this index than the database: verify the ledger."
	default:
		view.Proof = &proof
	}
	return nil
}

// checksView is the list of runs of the ledger's check.
type checksView struct {
	Runs      []store.CheckRun
	Published []Publication
	Why       string // why it is not known what is published
	visit     *visit
}

// checksShown is how many runs a page has: two days of hourly ones.
const checksShown = 50

func (s *server) checksPage(v *visit) error {
	runs, err := s.Proofs.Checks(v.Context(), checksShown)
	if err != nil {
		return err
	}
	view := checksView{Runs: runs, visit: v}
	if view.Published, err = s.Proofs.Publications(v.Context()); err != nil { // the ledger may be away, and its checks are worth a look then
		view.Why = exeunt.MessageOf(err)
	}
	return v.show(checksTemplate(s.chrome(v, "audit", "Checks", crumb{"Audit", "/audit"}), view))
}

// lasted is how long a run lasted, or how far it is.
func lasted(r store.CheckRun, now time.Time) string {
	if r.EndedAt.IsZero() {
		return number(int(r.Done)) + " of " + number(int(r.Total)) + " so far, " + number(int(r.Rate(now))) + " a second"
	}
	return r.EndedAt.Sub(r.BegunAt).Round(time.Millisecond).String()
}

// provesView is the page that says what the record proves.
type provesView struct {
	Check LedgerCheck
	Key   string
	Zone  *time.Location
	Now   time.Time
	visit *visit
}

func (s *server) provesPage(v *visit) error {
	key, err := s.Proofs.Key(v.Context())
	if err != nil {
		return err
	}
	view := provesView{Check: s.ledgerCheck(v), Key: key, Zone: v.zone, Now: v.now, visit: v}
	return v.show(provesTemplate(s.chrome(v, "audit", "What this proves", crumb{"Audit", "/audit"}), view))
}
