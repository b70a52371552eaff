package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// peopleAtOnce is how many people stand in one row: nobody is ever read alone.
const peopleAtOnce = 500

// BeginReconciliation keeps a reconciliation and forgets the one before. It is refused with Conflict while one is under way.
func (s *Store) BeginReconciliation(ctx context.Context, r exeunt.Reconciliation, people []exeunt.Worker, change *exeunt.Change) (exeunt.Reconciliation, error) {
	err := s.commitAlone(ctx, change, func(ctx context.Context, tx Tx) error {
		// Whoever begins another at the same time waits here, by the unique index, and is refused then.
		err := tx.queryRow(ctx, "INSERT INTO reconciliations (under_way, document) VALUES (1, $1) ON CONFLICT DO NOTHING RETURNING id", document(headOf(r))).Scan(&r.ID)
		if exeunt.KindOf(translate(err)) == exeunt.NotFound {
			err = exeunt.Errorf(exeunt.Conflict, "a reconciliation is under way: wait for its end, or stop it")
		}
		if err != nil {
			return err
		}
		for _, before := range []string{"findings WHERE reconciliation_id", "listed_pages WHERE reconciliation_id", "reconciled_people WHERE reconciliation_id", "reconciled_systems WHERE reconciliation_id", "reconciliations WHERE id"} {
			if _, err := tx.exec(ctx, "DELETE FROM "+before+" <> $1", r.ID); err != nil {
				return err
			}
		}
		for i, some := range slices.Collect(slices.Chunk(people, peopleAtOnce)) {
			if _, err := tx.exec(ctx, "INSERT INTO reconciled_people (reconciliation_id, position, document) VALUES ($1, $2, $3)", r.ID, i, document(some)); err != nil {
				return err
			}
		}
		for _, system := range r.Systems {
			if _, err := tx.exec(ctx, "INSERT INTO reconciled_systems (reconciliation_id, system, open_at, page, cursor, document) VALUES ($1, $2, $3, 0, '', $4)",
				r.ID, system.System, micros(r.Begun.At), document(system)); err != nil {
				return err
			}
		}
		return nil
	})
	return r, err
}

// headOf is a reconciliation without its systems, which have rows of their own.
func headOf(r exeunt.Reconciliation) exeunt.Reconciliation {
	r.Systems = nil
	return r
}

// Listing is where the list of one system's accounts is.
type Listing struct {
	Reconciliation int64
	Page           int64
	Cursor         string
	System         exeunt.SystemReconciled
}

// Listings are the systems whose accounts are to be listed; of the given name only, where one is given.
func (s *Store) Listings(ctx context.Context, system string) ([]Listing, error) {
	var out []Listing
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var l Listing
		var doc string
		if err := r.Scan(&l.Reconciliation, &l.Page, &l.Cursor, &doc); err != nil {
			return err
		}
		err := fromDocument(doc, &l.System)
		out = append(out, l)
		return err
	}, "SELECT reconciliation_id, page, cursor, document FROM reconciled_systems WHERE open_at IS NOT NULL AND ($1 = '' OR system = $1)", system)
	return out, err
}

// SavePage keeps a page of accounts with where the list goes on, so that whoever comes next begins there. It is Conflict when
// somebody else was faster, or nobody wants to know any more.
func (s *Store) SavePage(ctx context.Context, l Listing, accounts []exeunt.Found, cursor string) (Listing, error) {
	next := l
	next.Page, next.Cursor = l.Page+1, cursor
	next.System.State, next.System.Listed = exeunt.ReconcileListing, l.System.Listed+len(accounts)
	return next, s.write(ctx, func(ctx context.Context, tx Tx) error {
		n, err := tx.exec(ctx, "UPDATE reconciled_systems SET page = $1, cursor = $2, document = $3 WHERE reconciliation_id = $4 AND system = $5 AND open_at IS NOT NULL AND page = $6",
			next.Page, next.Cursor, document(next.System), l.Reconciliation, l.System.System, l.Page)
		if err == nil && n == 0 {
			err = exeunt.Errorf(exeunt.Conflict, "the list goes on elsewhere")
		}
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, "INSERT INTO listed_pages (reconciliation_id, system, page, document) VALUES ($1, $2, $3, $4)", l.Reconciliation, l.System.System, l.Page, document(accounts))
		return err
	})
}

// ListAgain forgets the pages of a system whose list cannot go on where it was.
func (s *Store) ListAgain(ctx context.Context, l Listing) (Listing, error) {
	next := l
	next.Page, next.Cursor, next.System.Listed = 0, "", 0
	return next, s.write(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := tx.exec(ctx, "DELETE FROM listed_pages WHERE reconciliation_id = $1 AND system = $2", l.Reconciliation, l.System.System); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "UPDATE reconciled_systems SET page = 0, cursor = '', document = $1 WHERE reconciliation_id = $2 AND system = $3 AND open_at IS NOT NULL",
			document(next.System), l.Reconciliation, l.System.System)
		return err
	})
}

// ListedAccounts are the accounts of a system that were listed.
func (s *Store) ListedAccounts(ctx context.Context, l Listing) ([]exeunt.Found, error) {
	var out []exeunt.Found
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var doc string
		if err := r.Scan(&doc); err != nil {
			return err
		}
		var page []exeunt.Found
		err := fromDocument(doc, &page)
		out = append(out, page...)
		return err
	}, "SELECT document FROM listed_pages WHERE reconciliation_id = $1 AND system = $2 ORDER BY page", l.Reconciliation, l.System.System)
	return out, err
}

// Workers are the people of a reconciliation, with those of whom a departure of ours says that they left: the newest of each.
func (s *Store) Workers(ctx context.Context, reconciliation int64, now time.Time) ([]exeunt.Worker, error) {
	var out []exeunt.Worker
	known := map[string]int{} // key → place
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var doc string
		if err := r.Scan(&doc); err != nil {
			return err
		}
		var some []exeunt.Worker
		err := fromDocument(doc, &some)
		for i, w := range some {
			known[w.Leaver.Key()] = len(out) + i
		}
		out = append(out, some...)
		return err
	}, "SELECT document FROM reconciled_people WHERE reconciliation_id = $1 ORDER BY position", reconciliation)
	if err != nil {
		return nil, err
	}
	err = eachRow(ctx, s.dialect.reader(), func(r row) error {
		c, err := scanCase(r)
		if err != nil || !c.LeftBy(now) {
			return err
		}
		i, listed := known[c.Leaver().Key()]
		switch {
		case !listed:
			out = append(out, exeunt.Worker{Leaver: c.Leaver(), LeftOn: c.Departure.LastDay, Case: c.ID})
		case out[i].LeftOn != "": // what is found of them is known by the case, and is hidden and erased with it
			out[i].Case = c.ID
		}
		return nil
	}, "SELECT "+caseColumns+" FROM cases WHERE last_day < $1 AND erasing_at IS NULL AND "+leftByNewest+" ORDER BY id DESC", string(latestDay(now)))
	return out, err
}

// leftByNewest chooses the newest case of each leaver, unless HR said after it was opened that they stay or work here again:
// the record of one that was closed by then is sealed and does not show that.
const leftByNewest = `NOT EXISTS (SELECT 1 FROM cases n WHERE n.leaver_key = cases.leaver_key AND n.id > cases.id)
	AND NOT EXISTS (SELECT 1 FROM leavers l WHERE l.leaver_key = cases.leaver_key AND l.kind IN ('rescinded', 'rehired') AND l.received_at >= cases.opened_at)`

// latestDay is the day where it begins first: by no place of work is it later.
func latestDay(now time.Time) exeunt.Date {
	return exeunt.Date(now.UTC().Add(14 * time.Hour).Format(time.DateOnly))
}

// whose is the part of a finding that says whose an orphan was.
type whose struct {
	Leaver string         `json:"leaver,omitempty"`
	Name   string         `json:"name,omitempty"`
	Why    string         `json:"why"`
	LeftOn exeunt.Date    `json:"left_on,omitempty"`
	Case   exeunt.CaseID  `json:"case,omitempty"`
	Worker *exeunt.Worker `json:"worker,omitempty"`

	Decided *exeunt.Decision `json:"decided,omitempty"` // with its reason
}

// parts takes a finding apart into what everybody may know and what is known by its case alone.
func parts(f exeunt.Finding) (bare exeunt.Finding, of string) {
	w := whose{Leaver: f.Leaver, Name: f.Name, Why: f.Why, LeftOn: f.LeftOn, Case: f.Case, Decided: f.Decided}
	if f.Kind == exeunt.FoundOrphaned {
		w.Worker = f.Worker
	}
	bare = f
	bare.Leaver, bare.Name, bare.LeftOn, bare.Case, bare.Why = "", "", "", 0, exeunt.OrphanOfNobody
	if f.Decided != nil { // the reason may tell of the departure
		bare.Decided = &exeunt.Decision{Override: exeunt.Override{By: f.Decided.By}, At: f.Decided.At}
	}
	return bare, document(w)
}

func scanFinding(r row) (exeunt.Finding, error) {
	var f exeunt.Finding
	var id int64
	var doc, of string
	if err := r.Scan(&id, &doc, &of); err != nil {
		return f, translate(err)
	}
	if err := fromDocument(doc, &f); err != nil {
		return f, err
	}
	f.ID = id
	if of == "" {
		return f, nil
	}
	var w whose
	err := fromDocument(of, &w)
	f.Leaver, f.Name, f.Why, f.LeftOn, f.Case, f.Worker = w.Leaver, w.Name, w.Why, w.LeftOn, w.Case, w.Worker
	if w.Decided != nil {
		f.Decided = w.Decided
	}
	return f, err
}

// EndListing keeps what the comparison of a system found. With the last system the reconciliation ends, and the lists of
// people and accounts are forgotten. Of two systems that end at once the second waits, and sees that it is the last.
func (s *Store) EndListing(ctx context.Context, l Listing, findings []exeunt.Finding, change *exeunt.Change) error {
	return s.commitAlone(ctx, change, func(ctx context.Context, tx Tx) error {
		if _, err := tx.exec(ctx, "UPDATE reconciliations SET under_way = under_way WHERE id = $1", l.Reconciliation); err != nil {
			return err
		}
		n, err := tx.exec(ctx, "UPDATE reconciled_systems SET open_at = NULL, document = $1 WHERE reconciliation_id = $2 AND system = $3 AND open_at IS NOT NULL",
			document(l.System), l.Reconciliation, l.System.System)
		if err == nil && n == 0 {
			err = exeunt.Errorf(exeunt.Conflict, "this was compared already")
		}
		if err != nil {
			return err
		}
		for some := range batches(findings) {
			if err := insertFindings(ctx, tx, l.Reconciliation, some); err != nil {
				return err
			}
		}
		if _, err := tx.exec(ctx, "DELETE FROM listed_pages WHERE reconciliation_id = $1 AND system = $2", l.Reconciliation, l.System.System); err != nil {
			return err
		}
		return endReconciliation(ctx, tx, l.Reconciliation, l.System.EndedAt)
	})
}

func insertFindings(ctx context.Context, tx Tx, reconciliation int64, findings []exeunt.Finding) error {
	var args []any
	for _, f := range findings {
		bare, of := parts(f)
		args = append(args, reconciliation, f.System, string(f.Kind), f.Leaver, int64(f.Case), document(bare), of)
	}
	_, err := tx.exec(ctx, "INSERT INTO findings (reconciliation_id, system, kind, leaver, case_id, document, whose) SELECT * FROM "+
		values(len(findings), "BIGINT", "TEXT", "TEXT", "TEXT", "BIGINT", "TEXT", "TEXT")+" AS v", args...)
	return err
}

// endReconciliation ends it when no system is left.
func endReconciliation(ctx context.Context, tx Tx, id int64, now time.Time) error {
	n, err := tx.exec(ctx, `UPDATE reconciliations SET ended_at = $1, under_way = NULL WHERE id = $2 AND under_way IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM reconciled_systems k WHERE k.reconciliation_id = $2 AND k.open_at IS NOT NULL)`, micros(now), id)
	if err != nil || n == 0 {
		return err
	}
	_, err = tx.exec(ctx, "DELETE FROM reconciled_people WHERE reconciliation_id = $1", id)
	return err
}

// Reconciliation is the newest one; NotFound when there was none.
func (v View) Reconciliation(ctx context.Context) (exeunt.Reconciliation, error) {
	var r exeunt.Reconciliation
	var id int64
	var ended *int64
	var doc string
	if err := v.read.queryRow(ctx, "SELECT id, ended_at, document FROM visible_reconciliations ORDER BY id DESC LIMIT 1").Scan(&id, &ended, &doc); err != nil {
		if err = translate(err); exeunt.KindOf(err) == exeunt.NotFound {
			err = exeunt.Errorf(exeunt.NotFound, "nobody was compared with anything yet: exeunt reconcile --people FILE")
		}
		return r, err
	}
	if err := fromDocument(doc, &r); err != nil {
		return r, err
	}
	r.ID, r.EndedAt = id, fromInstant(ended)
	return r, eachRow(ctx, v.read, func(row row) error {
		var doc string
		if err := row.Scan(&doc); err != nil {
			return err
		}
		var s exeunt.SystemReconciled
		err := fromDocument(doc, &s)
		r.Systems = append(r.Systems, s)
		return err
	}, "SELECT document FROM visible_reconciled WHERE reconciliation_id = $1 ORDER BY system", id)
}

// FindingQuery chooses findings; what is empty does not choose.
type FindingQuery struct {
	System string
	Kind   exeunt.FindingKind
	After  int64 // id of the last one that was read
	Limit  int
}

// urgency sorts findings: the open accounts of people who left come before all else. Whoever may not see the departure by
// which that is known is shown an orphan of nobody, in its place among these.
const urgency = "CASE WHEN kind = 'orphaned' AND leaver <> '' THEN 0 ELSE 1 END"

// Findings lists what the newest reconciliation found, the most urgent first.
func (v View) Findings(ctx context.Context, q FindingQuery) ([]exeunt.Finding, error) {
	f := &filter{}
	if q.System != "" {
		f.add("system = " + f.arg(q.System))
	}
	if q.Kind != "" {
		f.add("kind = " + f.arg(string(q.Kind)))
	}
	if q.After > 0 { // ids of an older reconciliation are below all that are there now
		after := f.arg(q.After)
		f.add("(" + urgency + ", id) > (COALESCE((SELECT " + urgency + " FROM visible_findings WHERE id = " + after + "), 0), " + after + ")")
	}
	var out []exeunt.Finding
	err := eachRow(ctx, v.read, func(r row) error {
		found, err := scanFinding(r)
		out = append(out, found)
		return err
	}, "SELECT id, document, whose FROM visible_findings"+f.where()+" ORDER BY "+urgency+", id LIMIT "+f.arg(q.Limit), f.args...)
	return out, err
}

// Finding is one of them.
func (v View) Finding(ctx context.Context, id int64) (exeunt.Finding, error) {
	f, err := scanFinding(v.read.queryRow(ctx, "SELECT id, document, whose FROM visible_findings WHERE id = $1", id))
	if exeunt.KindOf(err) == exeunt.NotFound {
		err = exeunt.Errorf(exeunt.NotFound, "there is no finding %d: a newer reconciliation has others", id)
	}
	return f, err
}

// Decide keeps that a person saw to a finding, with the mapping that came of it, if any.
func (s *Store) Decide(ctx context.Context, f exeunt.Finding, m *exeunt.Mapping, change *exeunt.Change) error {
	return s.CommitWith(ctx, change, decided(f, m))
}

// Decided is the write by which a commit also keeps that a person saw to findings.
func Decided(findings []exeunt.Finding) func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error {
		for _, f := range findings {
			if err := decided(f, nil)(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	}
}

func decided(f exeunt.Finding, m *exeunt.Mapping) func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error {
		n, err := tx.exec(ctx, "UPDATE findings SET decided_at = $1 WHERE id = $2 AND decided_at IS NULL", micros(f.Decided.At), f.ID)
		if err == nil && n == 0 {
			err = exeunt.Errorf(exeunt.Conflict, "somebody saw to this finding already")
		}
		if err != nil {
			return err
		}
		if err := decideDocument(ctx, tx, f); err != nil || m == nil {
			return err
		}
		return saveMapping(ctx, tx, *m)
	}
}

// saveMapping keeps whose an account is, in the place of what it takes the place of, and nothing else.
func saveMapping(ctx context.Context, tx Tx, m exeunt.Mapping) error {
	before := m.Leaver
	if m.Instead != nil {
		before = m.Instead.Leaver
	}
	if _, err := tx.exec(ctx, "DELETE FROM mappings WHERE system = $1 AND (account_id = $2 AND leaver_key IN ($3, $4) OR leaver_key = $3 AND leaver_key <> '')",
		m.System, m.Account.ID, m.Leaver, before); err != nil {
		return err
	}
	n, err := tx.exec(ctx, "INSERT INTO mappings (system, account_id, leaver_key, document) VALUES ($1, $2, $3, $4) ON CONFLICT (system, account_id) DO NOTHING",
		m.System, m.Account.ID, m.Leaver, document(m))
	if err == nil && n == 0 {
		err = exeunt.Errorf(exeunt.Conflict, "somebody else confirmed meanwhile whose %s is: look again", m.Account.Login)
	}
	return err
}

// decideDocument writes who decided beside what everybody may know.
func decideDocument(ctx context.Context, tx Tx, f exeunt.Finding) error {
	var of string
	var w whose
	if err := tx.queryRow(ctx, "SELECT whose FROM findings WHERE id = $1", f.ID).Scan(&of); err != nil {
		return err
	}
	if err := fromDocument(of, &w); err != nil {
		return err
	}
	w.Decided = f.Decided
	bare, _ := parts(f)
	_, err := tx.exec(ctx, "UPDATE findings SET document = $1, whose = $2 WHERE id = $3", document(bare), document(w), f.ID)
	return err
}

// Learned are the mappings of one system, without what has ended.
func (s *Store) Learned(ctx context.Context, system string) (exeunt.Learned, error) {
	l := exeunt.Learned{Of: map[string]exeunt.Account{}, Whose: exeunt.Whose{}}
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var key, doc string
		if err := r.Scan(&key, &doc); err != nil {
			return err
		}
		var m exeunt.Mapping
		err := fromDocument(doc, &m)
		if l.Whose[m.Account.ID] = key; key != "" {
			l.Of[key] = m.Account
		}
		return err
	}, "SELECT leaver_key, document FROM mappings WHERE system = $1", system)
	return l, err
}

// Mappings are what people confirmed of some accounts of a system.
func (s *Store) Mappings(ctx context.Context, system string, accounts ...string) ([]exeunt.Mapping, error) {
	var out []exeunt.Mapping
	for some := range batches(accounts) {
		f := &filter{}
		f.add("system = " + f.arg(system))
		ids := make([]string, len(some))
		for i, id := range some {
			ids[i] = f.arg(id)
		}
		f.add("account_id IN (" + strings.Join(ids, ", ") + ")")
		err := eachRow(ctx, s.dialect.reader(), func(r row) error {
			var m exeunt.Mapping
			var doc string
			if err := r.Scan(&doc); err != nil {
				return err
			}
			err := fromDocument(doc, &m)
			out = append(out, m)
			return err
		}, "SELECT document FROM mappings"+f.where(), f.args...)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// endedOtherwise chooses what departures have done for a date, in systems where they had no account to close or to look at:
// whether they managed to do that does not matter. The first conditions are those of the index steps_dated.
const endedOtherwise = `steps s WHERE s.action IN ('end_employment', 'schedule_final_pay', 'notify_administrator')
	AND s.system = $1 AND s.state IN ('confirmed', 'acknowledged')
	AND NOT EXISTS (SELECT 1 FROM steps o WHERE o.case_id = s.case_id AND o.system = s.system AND o.action IN ('disable', 'check_access'))`

// EndedOtherwise are the accounts to which departures have seen without closing them: a record that says that employment
// ended is no account that somebody could use.
func (s *Store) EndedOtherwise(ctx context.Context, system string) (map[string]bool, error) {
	steps, err := stepsFrom(ctx, s.dialect.reader(), endedOtherwise, system)
	out := map[string]bool{}
	for _, step := range steps {
		if step.Account.ID != "" {
			out[step.Account.ID] = true
		}
	}
	return out, err
}

// LearnedOf is what a person confirmed of a leaver in a system; the zero one when nobody did.
func (s *Store) LearnedOf(ctx context.Context, system, leaver string) (exeunt.Mapping, error) {
	var doc string
	err := translate(s.dialect.reader().queryRow(ctx, "SELECT document FROM mappings WHERE system = $1 AND leaver_key = $2", system, leaver).Scan(&doc))
	if exeunt.KindOf(err) == exeunt.NotFound {
		return exeunt.Mapping{}, nil
	}
	if err != nil {
		return exeunt.Mapping{}, err
	}
	var m exeunt.Mapping
	err = fromDocument(doc, &m)
	return m, err
}

// StopReconciliation ends the one that is under way; what was compared stays.
func (s *Store) StopReconciliation(ctx context.Context, now time.Time, change *exeunt.Change) error {
	return s.commitAlone(ctx, change, func(ctx context.Context, tx Tx) error {
		n, err := tx.exec(ctx, "UPDATE reconciliations SET ended_at = $1, under_way = NULL WHERE under_way IS NOT NULL", micros(now))
		if err == nil && n == 0 {
			err = exeunt.Errorf(exeunt.Conflict, "no reconciliation is under way")
		}
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "UPDATE reconciled_systems SET open_at = NULL WHERE open_at IS NOT NULL"); err != nil {
			return err
		}
		for _, table := range []string{"listed_pages", "reconciled_people"} {
			if _, err := tx.exec(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	})
}

// forgetFindings leaves nothing of whom a case is about in what reconciliations found and people confirmed.
func forgetFindings(ctx context.Context, tx Tx, id exeunt.CaseID, leaver string) error {
	if _, err := tx.exec(ctx, "DELETE FROM findings WHERE case_id = $1 OR leaver = $2 AND leaver <> ''", int64(id), leaver); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "DELETE FROM mappings WHERE leaver_key = $1 AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.leaver_key = $1 AND c.id <> $2)", leaver, int64(id))
	return err
}
