package store

import (
	"context"
	"slices"

	"github.com/exeunt/exeunt"
)

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
		err := scanDocument(r, &l.System, &l.Reconciliation, &l.Page, &l.Cursor)
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
	pages, err := documents[[]exeunt.Found](ctx, s.dialect.reader(), "SELECT document FROM listed_pages WHERE reconciliation_id = $1 AND system = $2 ORDER BY page", l.Reconciliation, l.System.System)
	return slices.Concat(pages...), err
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
