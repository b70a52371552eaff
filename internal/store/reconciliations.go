package store

import (
	"context"
	"slices"
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
		if err := insertPeople(ctx, tx, r.ID, people); err != nil {
			return err
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

// insertPeople keeps the list until everybody is compared, and whom it names until there is another.
func insertPeople(ctx context.Context, tx Tx, reconciliation int64, people []exeunt.Worker) error {
	for i, some := range slices.Collect(slices.Chunk(people, peopleAtOnce)) {
		if _, err := tx.exec(ctx, "INSERT INTO reconciled_people (reconciliation_id, position, document) VALUES ($1, $2, $3)", reconciliation, i, document(some)); err != nil {
			return err
		}
	}
	if _, err := tx.exec(ctx, "DELETE FROM reconciled_keys"); err != nil {
		return err
	}
	for some := range batches(people) {
		keys := make([]any, len(some))
		for i, w := range some {
			keys[i] = w.Leaver.Key()
		}
		if _, err := tx.exec(ctx, "INSERT INTO reconciled_keys (leaver_key) SELECT * FROM "+values(len(some), "TEXT")+" AS v WHERE TRUE ON CONFLICT DO NOTHING", keys...); err != nil {
			return err
		}
	}
	return nil
}

// Knows says whether somebody has a key: on the list of people that was compared last, or in a case.
func (v View) Knows(ctx context.Context, leaver string) (bool, error) {
	var n int
	err := v.read.queryRow(ctx, "SELECT COUNT(*) FROM (SELECT leaver_key FROM visible_keys WHERE leaver_key = $1 UNION ALL SELECT leaver_key FROM visible_cases WHERE leaver_key = $1) AS k", leaver).Scan(&n)
	return n > 0, translate(err)
}

// headOf is a reconciliation without its systems, which have rows of their own.
func headOf(r exeunt.Reconciliation) exeunt.Reconciliation {
	r.Systems = nil
	return r
}

// Workers are the people of a reconciliation, with those of whom a departure of ours says that they left: the newest of each.
// Of somebody whom the list still has, and whose departure is closed, both is said.
func (s *Store) Workers(ctx context.Context, reconciliation int64, now time.Time) ([]exeunt.Worker, error) {
	kept, err := documents[[]exeunt.Worker](ctx, s.dialect.reader(), "SELECT document FROM reconciled_people WHERE reconciliation_id = $1 ORDER BY position", reconciliation)
	if err != nil {
		return nil, err
	}
	out := slices.Concat(kept...)
	known := map[string]int{} // key → place
	for i, w := range out {
		known[w.Leaver.Key()] = i
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
		case !c.Open() && !c.Embargoed(): // the list is older than the departure, or they are back; a hidden case stays quiet
			out[i].Case, out[i].Ended = c.ID, c.Departure.LastDay
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
	err := scanDocument(v.read.queryRow(ctx, "SELECT id, ended_at, document FROM visible_reconciliations ORDER BY id DESC LIMIT 1"), &r, &id, &ended)
	if err = translate(err); exeunt.KindOf(err) == exeunt.NotFound {
		err = exeunt.Errorf(exeunt.NotFound, "nobody was compared with anything yet: exeunt reconcile --people FILE")
	}
	if err != nil {
		return r, err
	}
	r.ID, r.EndedAt = id, fromInstant(ended)
	r.Systems, err = documents[exeunt.SystemReconciled](ctx, v.read, "SELECT document FROM visible_reconciled WHERE reconciliation_id = $1 ORDER BY system", id)
	return r, err
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
