package store

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

const entryColumns = "id, body, event_id, case_id, kind, at, COALESCE(n, -1), COALESCE(seq, -1), COALESCE(hash, ''), COALESCE(log_index, -1)"

func scanEntry(r row) (EntryRow, error) {
	var e EntryRow
	var body string
	var id, kind string
	var of, at int64
	if err := r.Scan(&e.Number, &body, &id, &of, &kind, &at, &e.N, &e.Seq, &e.Hash, &e.Index); err != nil {
		return e, translate(err)
	}
	if body == "" { // it was erased with its case
		e.Entry = exeunt.Entry{ID: id, Kind: exeunt.EntryKind(kind), At: fromMicros(at), Case: exeunt.CaseID(of), What: exeunt.ErasedName}
		return e, nil
	}
	var err error
	e.Entry, err = entryOf(body)
	return e, err
}

func entryFilter(q EntryQuery) *filter {
	f := &filter{}
	if q.Case != 0 {
		f.add("case_id = " + f.arg(int64(q.Case)))
	}
	f.equal("actor", q.Actor)
	f.equal("kind", q.Kind)
	f.equal("system", q.System)
	if q.Text != "" {
		// Not the body: its detail says how somebody leaves, which not every reader may find out.
		f.add("what LIKE " + f.arg(like(q.Text)) + " ESCAPE '!'")
	}
	if !q.From.IsZero() {
		f.add("at >= " + f.arg(micros(q.From)))
	}
	if !q.To.IsZero() {
		f.add("at < " + f.arg(micros(q.To)))
	}
	return f
}

// Entries returns one page of the audit list, newest first.
func (v View) Entries(ctx context.Context, q EntryQuery) (EntryPage, error) {
	var page EntryPage
	read := v.read
	f := entryFilter(q)
	if err := read.queryRow(ctx, "SELECT COUNT(*) FROM visible_entries"+f.where(), f.args...).Scan(&page.Total); err != nil {
		return page, translate(err)
	}
	if q.Before > 0 {
		f.add("id < " + f.arg(q.Before))
	}
	limit := q.Limit
	if limit <= 0 || limit > 1000 {
		limit = 50
	}
	err := eachRow(ctx, read, func(r row) error {
		e, err := scanEntry(r)
		page.Rows = append(page.Rows, e)
		return err
	}, "SELECT "+entryColumns+" FROM visible_entries"+f.where()+" ORDER BY id DESC LIMIT "+f.arg(limit), f.args...)
	if err != nil {
		return page, err
	}
	page.Kinds, err = v.distinct(ctx, "kind")
	if err != nil {
		return page, err
	}
	page.Actors, err = v.distinct(ctx, "actor")
	return page, err
}

// distinct lists the values of a column among the newest entries: enough to choose from.
func (v View) distinct(ctx context.Context, column string) ([]string, error) {
	var out []string
	err := eachRow(ctx, v.read, func(r row) error {
		var v string
		err := r.Scan(&v)
		out = append(out, v)
		return err
	}, "SELECT DISTINCT "+column+" FROM (SELECT "+column+" FROM visible_entries ORDER BY id DESC LIMIT 5000) newest ORDER BY "+column)
	return out, err
}

// Entry returns one entry by its number.
func (v View) Entry(ctx context.Context, number int64) (EntryRow, error) {
	e, err := scanEntry(v.read.queryRow(ctx, "SELECT "+entryColumns+" FROM visible_entries WHERE id = $1", number))
	if exeunt.KindOf(err) == exeunt.NotFound {
		err = exeunt.Errorf(exeunt.NotFound, "there is no entry %d, or you may not see it", number)
	}
	return e, err
}

// Documents returns the newest entry that tells of documents of a case; false when none were made.
func (v View) Documents(ctx context.Context, id exeunt.CaseID) (e exeunt.Entry, ok bool, err error) {
	row, err := scanEntry(v.read.queryRow(ctx, "SELECT "+entryColumns+" FROM visible_entries WHERE about = $1 AND kind = 'document.make' ORDER BY id DESC LIMIT 1", int64(id)))
	if exeunt.KindOf(err) == exeunt.NotFound {
		return exeunt.Entry{}, false, nil
	}
	return row.Entry, err == nil, err
}

// Undocumented lists cases that were closed since a moment and of which no documents were made after that, the
// oldest first.
func (v View) Undocumented(ctx context.Context, since time.Time, limit int) ([]exeunt.CaseID, error) {
	var out []exeunt.CaseID
	err := eachRow(ctx, v.read, func(r row) error {
		var id exeunt.CaseID
		err := r.Scan(&id)
		out = append(out, id)
		return err
	}, `SELECT c.id FROM visible_cases c WHERE c.closed_at >= $1 AND c.state = 'closed' AND NOT EXISTS (
		SELECT 1 FROM visible_entries o WHERE o.about = c.id AND o.kind = 'document.make' AND o.at >= c.closed_at) ORDER BY c.closed_at LIMIT $2`, micros(since), limit)
	return out, err
}
