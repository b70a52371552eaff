package store

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// Breaker returns a system's breaker; a closed one when nothing is known of it.
func (s *Store) Breaker(ctx context.Context, system string) (exeunt.Breaker, error) {
	b := exeunt.Breaker{System: system}
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		return scanDocument(r, &b)
	}, "SELECT document FROM breakers WHERE system = $1", system)
	return b, err
}

// OpenBreakers are the systems that are left alone at present, by name. They are about systems, and hidden
// from nobody who may see those.
func (v View) OpenBreakers(ctx context.Context) (map[string]exeunt.Breaker, error) {
	all, err := documents[exeunt.Breaker](ctx, v.read, "SELECT document FROM visible_breakers")
	open := map[string]exeunt.Breaker{}
	for _, b := range all {
		if b.Open() {
			open[b.System] = b
		}
	}
	return open, err
}

// TryBreaker keeps what a person asked of an open breaker, unless it has changed since it was read, and wakes its
// lane, here or on the node that has it.
func (s *Store) TryBreaker(ctx context.Context, before, after exeunt.Breaker, change exeunt.Change) error {
	err := s.CommitWith(ctx, &change, func(ctx context.Context, tx Tx) error {
		n, err := tx.exec(ctx, "UPDATE breakers SET document = $1 WHERE system = $2 AND document = $3", document(after), after.System, document(before))
		if err == nil && n == 0 {
			err = exeunt.Errorf(exeunt.Conflict, "%s was tried meanwhile: look again whether it still does not answer", after.System)
		}
		if err != nil {
			return err
		}
		return s.wake(ctx, tx, after.System)
	})
	s.tell(Committed{Lanes: []string{after.System}}, err)
	return err
}

// KeepBreaker keeps a breaker, together with the change that tells of it where there is one to tell.
func (s *Store) KeepBreaker(ctx context.Context, b exeunt.Breaker, change exeunt.Change) error {
	keep := func(ctx context.Context, tx Tx) error {
		_, err := tx.exec(ctx, "INSERT INTO breakers (system, document) VALUES ($1, $2) ON CONFLICT (system) DO UPDATE SET document = excluded.document", b.System, document(b))
		return err
	}
	if len(change.Entries) == 0 {
		return s.write(ctx, keep)
	}
	return s.CommitWith(ctx, &change, keep)
}

// FailedIn lists the steps of a system that automation has given up on, in open cases.
func (s *Store) FailedIn(ctx context.Context, system string) ([]exeunt.Step, error) {
	return s.steps(ctx, "system = $1 AND state = 'failed' AND case_id IN (SELECT id FROM cases WHERE closed_at IS NULL AND state <> 'held') ORDER BY case_id, position", system)
}

// OverdueIn returns the visits of a system whose steps are in line and past their deadline, and the next
// deadline of one that is in line; zero when there is none.
func (s *Store) OverdueIn(ctx context.Context, system string, now time.Time, limit int) (overdue []Visit, next time.Time, err error) {
	const inLine = ` FROM steps WHERE system = $1 AND place IS NOT NULL AND state IN ('ready', 'running', 'scheduled') AND runs_at <= $2
		AND case_id IN (SELECT id FROM cases WHERE closed_at IS NULL AND state <> 'held') `
	var ids []exeunt.CaseID
	err = eachRow(ctx, s.dialect.reader(), func(r row) error {
		var id exeunt.CaseID
		err := r.Scan((*int64)(&id))
		ids = append(ids, id)
		return err
	}, "SELECT DISTINCT case_id"+inLine+"AND deadline <= $2 ORDER BY case_id LIMIT $3", system, micros(now), limit)
	if err != nil {
		return nil, next, err
	}
	if overdue, err = s.visits(ctx, system, ids); err != nil {
		return nil, next, err
	}
	next, err = s.moment(ctx, "SELECT MIN(deadline)"+inLine+"AND deadline > $2", system, micros(now))
	return overdue, next, err
}

// Lateness says how many visits should have been made before a moment and were not, and since when the one
// that waits longest does.
func (s *Store) Lateness(ctx context.Context, before time.Time) (visits int, since time.Time, err error) {
	var us *int64
	err = s.dialect.reader().queryRow(ctx, inLines+`SELECT COUNT(*), MIN(s.runs_at) FROM inline JOIN steps s ON s.system = inline.system
		WHERE s.runs_at < $1 AND s.place IS NOT NULL AND s.state IN ('ready', 'running', 'scheduled')`, micros(before)).Scan(&visits, &us)
	return visits, fromInstant(us), translate(err)
}
