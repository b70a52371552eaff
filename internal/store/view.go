package store

import (
	"context"
	"fmt"
	"regexp"
	"sync"

	"github.com/exeunt/exeunt"
)

// View is what one person may see of the store: everything that people read, they read through it.
//
// An embargoed case does not exist in a view of somebody who is not on its list, and neither does
// anything of it: steps, tasks, entries, counts. The one condition that says so stands in front of
// every query of a view as the tables visible_cases, visible_steps, visible_tasks, visible_shadows and
// visible_entries (and those of waves, which are hidden alike, and of findings, which lose what only a hidden case says), and a view refuses a query that names any
// other table. So a read that forgets the condition does not answer too much; it does not answer.
type View struct{ read visible }

// For returns what somebody may see. The zero Viewer is nobody: what is not under embargo.
func (s *Store) For(who exeunt.Viewer) View {
	return View{visible{reader: s.dialect.reader, email: address(who.Email)}}
}

// Everything returns the view of the engine, the ledger's check and tests, under which nothing is
// hidden. No page and no caller of the API is ever given it.
func (s *Store) Everything() View { return View{visible{reader: s.dialect.reader, all: true}} }

// visible reads through the tables of a view.
type visible struct {
	reader func() querier
	email  string // in small letters
	all    bool
}

// hiddenCases are few: cases under embargo whose list does not have the reader. Source for both spellings
// of [NOT] MATERIALIZED: SQLite, "The WITH Clause" (3.35); PostgreSQL manual, "Common Table Expression
// Materialization" (12).
const (
	hiddenCases = `WITH hidden AS MATERIALIZED (SELECT k.id FROM cases k WHERE k.embargoed_at IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM case_viewers v WHERE v.case_id = k.id AND v.email = %[1]s)),
	hidden_waves AS MATERIALIZED (SELECT k.id FROM waves k WHERE k.embargoed_at IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM wave_viewers v WHERE v.wave_id = k.id AND v.email = %[1]s)),
	visible_cases AS NOT MATERIALIZED (SELECT * FROM cases WHERE id NOT IN (SELECT id FROM hidden)),
	visible_steps AS NOT MATERIALIZED (SELECT * FROM steps WHERE case_id NOT IN (SELECT id FROM hidden)),
	visible_tasks AS NOT MATERIALIZED (SELECT * FROM tasks WHERE case_id NOT IN (SELECT id FROM hidden)),
	visible_shadows AS NOT MATERIALIZED (SELECT * FROM shadow_runs WHERE case_id NOT IN (SELECT id FROM hidden)),
	visible_entries AS NOT MATERIALIZED (SELECT * FROM outbox WHERE about NOT IN (SELECT id FROM hidden UNION ALL SELECT -id FROM hidden_waves)),
	visible_waves AS NOT MATERIALIZED (SELECT * FROM waves WHERE id NOT IN (SELECT id FROM hidden_waves)),
	visible_members AS NOT MATERIALIZED (SELECT * FROM wave_members WHERE wave_id NOT IN (SELECT id FROM hidden_waves)),
	visible_looks AS NOT MATERIALIZED (SELECT * FROM wave_looks WHERE wave_id NOT IN (SELECT id FROM hidden_waves)),
	visible_trips AS NOT MATERIALIZED (SELECT * FROM trips WHERE case_id NOT IN (SELECT id FROM hidden)),
	visible_breakers AS NOT MATERIALIZED (SELECT * FROM breakers),
	visible_nodes AS NOT MATERIALIZED (SELECT * FROM nodes),
	visible_trusts AS NOT MATERIALIZED (SELECT * FROM trusts),
	visible_reconciliations AS NOT MATERIALIZED (SELECT * FROM reconciliations),
	visible_reconciled AS NOT MATERIALIZED (SELECT * FROM reconciled_systems),
	visible_keys AS NOT MATERIALIZED (SELECT * FROM reconciled_keys),
	visible_signals AS NOT MATERIALIZED (SELECT * FROM signals WHERE case_id NOT IN (SELECT id FROM hidden)),
	visible_findings AS NOT MATERIALIZED (SELECT id, system, kind, decided_at, document, CASE WHEN case_id IN (SELECT id FROM hidden) THEN '' ELSE whose END AS whose,
		CASE WHEN case_id IN (SELECT id FROM hidden) THEN '' ELSE leaver END AS leaver FROM findings)
	`
	nothingHidden = `WITH visible_cases AS NOT MATERIALIZED (SELECT * FROM cases),
	visible_steps AS NOT MATERIALIZED (SELECT * FROM steps),
	visible_tasks AS NOT MATERIALIZED (SELECT * FROM tasks),
	visible_shadows AS NOT MATERIALIZED (SELECT * FROM shadow_runs),
	visible_entries AS NOT MATERIALIZED (SELECT * FROM outbox),
	visible_waves AS NOT MATERIALIZED (SELECT * FROM waves),
	visible_members AS NOT MATERIALIZED (SELECT * FROM wave_members),
	visible_looks AS NOT MATERIALIZED (SELECT * FROM wave_looks),
	visible_trips AS NOT MATERIALIZED (SELECT * FROM trips),
	visible_breakers AS NOT MATERIALIZED (SELECT * FROM breakers),
	visible_nodes AS NOT MATERIALIZED (SELECT * FROM nodes),
	visible_trusts AS NOT MATERIALIZED (SELECT * FROM trusts),
	visible_reconciliations AS NOT MATERIALIZED (SELECT * FROM reconciliations),
	visible_reconciled AS NOT MATERIALIZED (SELECT * FROM reconciled_systems),
	visible_keys AS NOT MATERIALIZED (SELECT * FROM reconciled_keys),
	visible_signals AS NOT MATERIALIZED (SELECT * FROM signals),
	visible_findings AS NOT MATERIALIZED (SELECT id, system, kind, decided_at, document, whose, leaver FROM findings)
	`
)

// What a query reads from, the names that it may not hold, and the tables that a view has.
var (
	tableNames = regexp.MustCompile(`(?i)\b(?:from|join|into|update)\s+([a-z_]+)`)
	bareNames  = regexp.MustCompile(`(?i)\b(?:cases|steps|tasks|outbox|notices|events|leavers|dependencies|case_viewers|waves|wave_members|wave_looks|wave_viewers|trips|departures|breakers|nodes|reconciliations|reconciled_systems|reconciled_keys|findings|mappings|shadow_runs|trusts)\b`)
	views      = map[string]bool{"visible_cases": true, "visible_steps": true, "visible_tasks": true, "visible_shadows": true, "visible_entries": true,
		"visible_waves": true, "visible_members": true, "visible_looks": true, "visible_trips": true, "visible_breakers": true, "visible_nodes": true, "visible_trusts": true,
		"visible_reconciliations": true, "visible_reconciled": true, "visible_keys": true, "visible_signals": true, "visible_findings": true}
	checked sync.Map // query → error or nil: the texts are few, and a regular expression costs more than a lookup
)

// checkQuery refuses a query that would read past the view.
func checkQuery(query string) error {
	if known, ok := checked.Load(query); ok {
		err, _ := known.(error)
		return err
	}
	var err error
	for _, found := range tableNames.FindAllStringSubmatch(query, -1) {
		if !views[found[1]] {
			err = exeunt.Errorf(exeunt.Internal, "a query of a view names the table %s: name visible_… there", found[1])
		}
	}
	if name := bareNames.FindString(query); name != "" && err == nil {
		err = exeunt.Errorf(exeunt.Internal, "a query of a view names %s: name visible_%s there", name, name)
	}
	checked.Store(query, err)
	return err
}

// through puts the condition in front of a query.
func (v visible) through(query string, args []any) (string, []any, error) {
	if err := checkQuery(query); err != nil {
		return "", nil, err
	}
	if v.all {
		return nothingHidden + query, args, nil
	}
	args = append(args[:len(args):len(args)], v.email)
	return fmt.Sprintf(hiddenCases, fmt.Sprintf("$%d", len(args))) + query, args, nil
}

func (v visible) query(ctx context.Context, query string, args ...any) (rows, error) {
	query, args, err := v.through(query, args)
	if err != nil {
		return nil, err
	}
	return v.reader().query(ctx, query, args...)
}

func (v visible) queryRow(ctx context.Context, query string, args ...any) row {
	query, args, err := v.through(query, args)
	if err != nil {
		return refused{err}
	}
	return v.reader().queryRow(ctx, query, args...)
}

// exec is there for the interface only: a view reads.
func (v visible) exec(context.Context, string, ...any) (int64, error) {
	return 0, exeunt.Errorf(exeunt.Internal, "a view was asked to write")
}

// refused is the row of a query that a view did not run.
type refused struct{ err error }

func (r refused) Scan(...any) error { return r.err }
