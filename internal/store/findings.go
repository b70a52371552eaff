package store

import (
	"context"

	"github.com/exeunt/exeunt"
)

// whose is the part of a finding that says whose an orphan was.
type whose struct {
	Leaver  string           `json:"leaver,omitempty"`
	Name    string           `json:"name,omitempty"`
	Why     string           `json:"why"`
	LeftOn  exeunt.Date      `json:"left_on,omitempty"`
	Besides []exeunt.Account `json:"besides,omitempty"`
	Case    exeunt.CaseID    `json:"case,omitempty"`
	Worker  *exeunt.Worker   `json:"worker,omitempty"`

	Decided *exeunt.Decision `json:"decided,omitempty"` // with its reason
}

// parts takes a finding apart into what everybody may know and what is known by its case alone.
func parts(f exeunt.Finding) (bare exeunt.Finding, of string) {
	w := whose{Leaver: f.Leaver, Name: f.Name, Why: f.Why, LeftOn: f.LeftOn, Besides: f.Besides, Case: f.Case, Decided: f.Decided}
	if f.Kind == exeunt.FoundOrphaned {
		w.Worker = f.Worker
	}
	bare = f
	bare.Leaver, bare.Name, bare.LeftOn, bare.Besides, bare.Case, bare.Why = "", "", "", nil, 0, exeunt.OrphanOfNobody
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
	f.Leaver, f.Name, f.Why, f.LeftOn, f.Besides, f.Case, f.Worker = w.Leaver, w.Name, w.Why, w.LeftOn, w.Besides, w.Case, w.Worker
	if w.Decided != nil {
		f.Decided = w.Decided
	}
	return f, err
}

// FindingQuery chooses findings; what is empty does not choose.
type FindingQuery struct {
	System string
	Kind   exeunt.FindingKind
	Leaver string // key of the person; "" is anybody
	After  int64  // id of the last one that was read
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
	if q.Leaver != "" {
		f.add("leaver = " + f.arg(q.Leaver))
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

// forgetFindings leaves nothing of whom a case is about in what reconciliations found and people confirmed.
func forgetFindings(ctx context.Context, tx Tx, id exeunt.CaseID, leaver string) error {
	if _, err := tx.exec(ctx, "DELETE FROM findings WHERE case_id = $1 OR leaver = $2 AND leaver <> ''", int64(id), leaver); err != nil {
		return err
	}
	for _, table := range []string{"mappings", "reconciled_keys"} {
		if _, err := tx.exec(ctx, "DELETE FROM "+table+" WHERE leaver_key = $1 AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.leaver_key = $1 AND c.id <> $2)", leaver, int64(id)); err != nil {
			return err
		}
	}
	return nil
}
