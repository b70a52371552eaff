package store

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// What the embargo of a case means for its rows. It is decided here, for every change, and not by
// whoever makes one: until the end of the embargo is committed nothing of the case is ever due, and
// nobody who may not see it is told.

// embargoedAt is since when a case is under embargo; nil when it is not.
func embargoedAt(c exeunt.Case) *int64 {
	if !c.Embargoed() {
		return nil
	}
	return instant(c.OpenedAt)
}

// revealAt is when its embargo ends by itself; nil when none does.
func revealAt(c exeunt.Case) *int64 {
	at, ok := c.RevealsAt()
	if !ok {
		return nil
	}
	return instant(at)
}

// saveViewers keeps who may see a case under embargo. Nobody is taken off: they know already.
func (c *committer) saveViewers(ctx context.Context, e exeunt.Embargo) error {
	for _, email := range e.VisibleTo {
		if _, err := c.exec(ctx, "INSERT INTO case_viewers (case_id, email) VALUES ($1, $2) ON CONFLICT (case_id, email) DO NOTHING", int64(c.of.id), address(email)); err != nil {
			return err
		}
	}
	return nil
}

// mayHear says whether a notice may reach its recipient now. What is kept back here is made anew by
// the change that ends the embargo.
func (c *committer) mayHear(ctx context.Context, n exeunt.Notice) (bool, error) {
	if !c.of.secret {
		return true, nil
	}
	var listed int
	err := c.queryRow(ctx, "SELECT COUNT(*) FROM case_viewers WHERE case_id = $1 AND email = $2", int64(c.of.id), address(n.To.Email)).Scan(&listed)
	return listed > 0, err
}

// about is the case that an entry tells of, whether it is part of its record or not, or the wave, as a
// negative number: their ids must not meet.
func about(e exeunt.Entry) int64 {
	if of := max(e.Case, e.About); of != 0 {
		return int64(of)
	}
	return -int64(e.Wave)
}

// DueReveals lists the cases whose embargo ends by itself at now or before, the longest due first, and
// says when the next one does; zero when none waits.
func (s *Store) DueReveals(ctx context.Context, now time.Time) (due []exeunt.CaseID, next time.Time, err error) {
	err = eachRow(ctx, s.dialect.reader(), func(r row) error {
		var id exeunt.CaseID
		var at int64
		if err := r.Scan((*int64)(&id), &at); err != nil {
			return err
		}
		if at > micros(now) {
			next = fromMicros(at)
			return nil
		}
		due = append(due, id)
		return nil
	}, `SELECT id, reveal_at FROM (SELECT id, reveal_at FROM cases WHERE reveal_at <= $1 ORDER BY reveal_at LIMIT 1000) due
		UNION ALL SELECT id, reveal_at FROM (SELECT id, reveal_at FROM cases WHERE reveal_at > $1 ORDER BY reveal_at LIMIT 1) later`, micros(now))
	return due, next, err
}

// Sealed names what is under embargo: a case, or a mass departure.
type Sealed struct {
	Case exeunt.CaseID
	Wave exeunt.WaveID
}

// String says which it is.
func (s Sealed) String() string {
	if s.Wave != 0 {
		return "mass departure " + s.Wave.String()
	}
	return "case " + s.Case.String()
}

// Sealed is what is under embargo now, of what the reader may see.
func (v View) Sealed(ctx context.Context) (map[Sealed]bool, error) {
	out := map[Sealed]bool{}
	err := eachRow(ctx, v.read, func(r row) error {
		var s Sealed
		err := r.Scan((*int64)(&s.Case), (*int64)(&s.Wave))
		out[s] = true
		return err
	}, "SELECT id, 0 FROM visible_cases WHERE embargoed_at IS NOT NULL UNION ALL SELECT 0, id FROM visible_waves WHERE embargoed_at IS NOT NULL")
	return out, err
}
