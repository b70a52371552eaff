package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// FuseQuery is what the fuse asks before a departure opens a case.
type FuseQuery struct {
	LeaverKey  string
	ReceivedAt time.Time
	Window     time.Duration
	Limit      int // counting further than this is of no use
}

// FuseReading is what the database answers.
type FuseReading struct {
	Others int          // other people's departures received within the window, on either side
	Open   *exeunt.Trip // the mass departure that waits for its decision; nil when none does
}

// ReadFuse counts the departures around one, for a first look. Whoever acts on it looks again in the
// transaction of the act: see Departed.
func (s *Store) ReadFuse(ctx context.Context, q FuseQuery) (FuseReading, error) {
	return readFuse(ctx, s.dialect.reader(), q)
}

// readFuse does not count what was received before the last release: two people have seen that.
func readFuse(ctx context.Context, from querier, q FuseQuery) (FuseReading, error) {
	var r FuseReading
	if q.Limit > 0 {
		err := from.queryRow(ctx, `SELECT COUNT(*) FROM (SELECT DISTINCT leaver_key FROM departures
			WHERE received_at > $1 AND received_at < $2 AND leaver_key <> $3
			AND received_at > (SELECT COALESCE(MAX(decided_at), 0) FROM trips WHERE kind = 'mass' AND state = 'released') LIMIT $4) others`,
			micros(q.ReceivedAt.Add(-q.Window)), micros(q.ReceivedAt.Add(q.Window)), q.LeaverKey, q.Limit+1).Scan(&r.Others)
		if err != nil {
			return r, translate(err)
		}
	}
	open, err := trips(ctx, from, "SELECT version, document FROM trips WHERE kind = 'mass' AND state = 'open'")
	if err == nil && len(open) == 1 {
		r.Open = &open[0]
	}
	return r, err
}

// Departed is the write by which a commit opens a case that the fuse has judged. It looks again while
// nobody else can open one: same says whether the answer is still what the decision was taken on, and
// when it is not the commit is refused with Conflict and the decision taken anew. So no two nodes, each
// with a departure in hand, believe to be the last that is let through.
func (s *Store) Departed(id exeunt.CaseID, q FuseQuery, same func(FuseReading) bool) func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error {
		if err := s.dialect.lockFuse(ctx, tx); err != nil {
			return err
		}
		now, err := readFuse(ctx, tx, q)
		if err != nil {
			return err
		}
		if !same(now) {
			return exeunt.Errorf(exeunt.Conflict, "other departures were received meanwhile: the fuse is asked anew")
		}
		_, err = tx.exec(ctx, "INSERT INTO departures (case_id, leaver_key, received_at) VALUES ($1, $2, $3)", int64(id), q.LeaverKey, micros(q.ReceivedAt))
		return err
	}
}

// AloneWithFuse is the write by which the decision on a trip keeps new cases from joining it meanwhile.
func (s *Store) AloneWithFuse(ctx context.Context, tx Tx) error { return s.dialect.lockFuse(ctx, tx) }

// HeldIDs lists the cases that a trip holds, whoever may see them.
func (s *Store) HeldIDs(ctx context.Context, id exeunt.TripID) ([]exeunt.CaseID, error) {
	return heldIDs(ctx, s.dialect.reader(), id)
}

func heldIDs(ctx context.Context, from querier, id exeunt.TripID) (held []exeunt.CaseID, err error) {
	err = eachRow(ctx, from, func(r row) error {
		var c int64
		err := r.Scan(&c)
		held = append(held, exeunt.CaseID(c))
		return err
	}, "SELECT id FROM cases WHERE trip_id = $1 AND state = 'held' ORDER BY id", int64(id))
	return held, err
}

// StillHolds is the write by which a decision on some cases of a trip is taken on what it holds: while nobody can join,
// it looks again, and refuses the commit with Conflict when others are held by now.
func (s *Store) StillHolds(id exeunt.TripID, held []exeunt.CaseID) func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error {
		if err := s.dialect.lockFuse(ctx, tx); err != nil {
			return err
		}
		now, err := heldIDs(ctx, tx, id)
		if err == nil && !slices.Equal(now, held) {
			err = exeunt.Errorf(exeunt.Conflict, "what %s holds has changed meanwhile: look again", id)
		}
		return err
	}
}

// NextTrip gives the next id of a trip. One that is then not used leaves a gap, which is harmless.
func (s *Store) NextTrip(ctx context.Context) (exeunt.TripID, error) {
	var id int64
	err := s.write(ctx, func(ctx context.Context, tx Tx) error {
		return tx.queryRow(ctx, "UPDATE counters SET value = value + 1 WHERE name = 'trip' RETURNING value").Scan(&id)
	})
	return exeunt.TripID(id), err
}

// saveTrip writes a trip of the fuse, and by which one a case is held. Conflict when somebody decided
// meanwhile.
func (c *committer) saveTrip(ctx context.Context) error {
	if k := c.change.Case; k != nil && (k.Fuse != 0 || k.Version > 1) {
		var held *int64
		if k.Fuse != 0 {
			held = new(int64(k.Fuse))
		}
		if _, err := c.exec(ctx, "UPDATE cases SET trip_id = $1 WHERE id = $2", held, int64(k.ID)); err != nil {
			return err
		}
	}
	t := c.change.Trip
	if t == nil {
		return nil
	}
	c.lanes = append(c.lanes, DutyFuse)
	old := t.Version
	t.Version++
	var n int64
	var err error
	if old == 0 {
		n, err = c.exec(ctx, "INSERT INTO trips (id, version, kind, state, case_id, decided_at, remind_at, document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			int64(t.ID), t.Version, string(t.Kind), string(t.State), int64(t.Case), instant(t.DecidedAt), instant(t.RemindAt), document(t))
	} else {
		n, err = c.exec(ctx, "UPDATE trips SET version = $1, state = $2, decided_at = $3, remind_at = $4, document = $5 WHERE id = $6 AND version = $7",
			t.Version, string(t.State), instant(t.DecidedAt), instant(t.RemindAt), document(t), int64(t.ID), old)
	}
	if err == nil && n == 0 {
		err = exeunt.Errorf(exeunt.Conflict, "somebody else decided on %s meanwhile: look again", t.ID)
	}
	return err
}

func trips(ctx context.Context, from querier, query string, args ...any) ([]exeunt.Trip, error) {
	var out []exeunt.Trip
	err := eachRow(ctx, from, func(r row) error {
		var t exeunt.Trip
		var version int64
		if err := scanDocument(r, &t, &version); err != nil {
			return err
		}
		t.Version = version
		out = append(out, t)
		return nil
	}, query, args...)
	return out, err
}

// TripsDue lists the trips whose owner is to be told again by now, and says when the next one is due; zero
// when none waits.
func (s *Store) TripsDue(ctx context.Context, now time.Time) (due []exeunt.Trip, next time.Time, err error) {
	waiting, err := trips(ctx, s.dialect.reader(), "SELECT version, document FROM trips WHERE remind_at IS NOT NULL ORDER BY remind_at LIMIT 100")
	for _, t := range waiting {
		if t.RemindAt.After(now) {
			return due, t.RemindAt, err
		}
		due = append(due, t)
	}
	return due, time.Time{}, err
}

// Trip loads one trip of the fuse.
func (v View) Trip(ctx context.Context, id exeunt.TripID) (exeunt.Trip, error) {
	found, err := trips(ctx, v.read, "SELECT version, document FROM visible_trips WHERE id = $1", int64(id))
	if err == nil && len(found) == 0 {
		return exeunt.Trip{}, exeunt.Errorf(exeunt.NotFound, "there is no %s, or you may not see it", id)
	}
	if err != nil {
		return exeunt.Trip{}, err
	}
	return found[0], nil
}

// Trips lists the newest trips of the fuse, those without a decision first.
func (v View) Trips(ctx context.Context) ([]exeunt.TripTally, error) {
	found, err := trips(ctx, v.read, "SELECT version, document FROM visible_trips ORDER BY CASE WHEN state = 'open' THEN 0 ELSE 1 END, id DESC LIMIT 100")
	if err != nil {
		return nil, err
	}
	out := make([]exeunt.TripTally, len(found))
	at := map[int64]*exeunt.TripTally{}
	for i, t := range found {
		out[i].Trip = t
		at[int64(t.ID)] = &out[i]
	}
	err = eachRow(ctx, v.read, func(r row) error {
		var id int64
		var n int
		if err := r.Scan(&id, &n); err != nil {
			return err
		}
		if row := at[id]; row != nil {
			row.Held = n
		}
		return nil
	}, "SELECT c.trip_id, COUNT(*) FROM visible_cases c WHERE c.trip_id IS NOT NULL AND c.state = 'held' GROUP BY c.trip_id")
	return out, err
}

// HeldByTrip lists the cases that a trip still holds.
func (v View) HeldByTrip(ctx context.Context, id exeunt.TripID, limit int) ([]exeunt.Case, error) {
	var out []exeunt.Case
	err := eachRow(ctx, v.read, func(r row) error {
		c, err := scanCase(r)
		out = append(out, c)
		return err
	}, "SELECT "+caseColumns+" FROM visible_cases c WHERE c.trip_id = $1 AND c.state = 'held' ORDER BY c.id LIMIT $2", int64(id), limit)
	return out, err
}

// Released lists the trips that still hold cases which two people let go: the decision is one commit, and each
// case goes on in its own, so that a crash in between only delays the rest.
func (s *Store) Released(ctx context.Context) ([]exeunt.Trip, error) {
	holding, err := trips(ctx, s.dialect.reader(), "SELECT version, document FROM trips WHERE id IN (SELECT trip_id FROM cases WHERE trip_id IS NOT NULL AND state = 'held')")
	var out []exeunt.Trip
	for _, t := range holding {
		free, err := s.HeldFree(ctx, t, 1)
		if err != nil {
			return nil, err
		}
		if len(free) > 0 {
			out = append(out, t)
		}
	}
	return out, err
}

// HeldFree lists cases that a trip still holds though two people let them go.
func (s *Store) HeldFree(ctx context.Context, t exeunt.Trip, limit int) ([]exeunt.Case, error) {
	which, args := "", []any{int64(t.ID), limit}
	if t.State != exeunt.TripReleased {
		if len(t.LetGo) == 0 {
			return nil, nil
		}
		var list strings.Builder
		for i, id := range t.LetGo {
			if i > 0 {
				list.WriteByte(',')
			}
			list.WriteString("$" + strconv.Itoa(i+3))
			args = append(args, int64(id))
		}
		which = " AND id IN (" + list.String() + ")"
	}
	var out []exeunt.Case
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		c, err := scanCase(r)
		out = append(out, c)
		return err
	}, "SELECT "+caseColumns+" FROM cases WHERE trip_id = $1 AND state = 'held'"+which+" ORDER BY id LIMIT $2", args...)
	return out, err
}
