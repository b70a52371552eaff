package store

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// What the engine reads and keeps beside the cases: visits, messages, and who is due.

// Visit is what one look at one system for one case needs.
type Visit struct {
	Case  exeunt.Case
	Steps []exeunt.Step // every step of the case in the system, in the order inside the system
}

// Line returns the next visits of a system: those whose steps are due at a moment, in the order of their
// places, without the cases that are left out since somebody is there. At most limit of them.
func (s *Store) Line(ctx context.Context, system string, now time.Time, without func(exeunt.CaseID) bool, limit int) ([]Visit, error) {
	ids, err := s.inLine(ctx, system, now, without, limit)
	if err != nil {
		return nil, err
	}
	return s.visits(ctx, system, ids)
}

// visits loads cases with their steps in a system, in the order of the ids.
func (s *Store) visits(ctx context.Context, system string, ids []exeunt.CaseID) ([]Visit, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, args := among(ids)
	read := s.dialect.reader()
	found := make(map[exeunt.CaseID]*Visit, len(ids))
	err := eachRow(ctx, read, func(r row) error {
		c, err := scanCase(r)
		found[c.ID] = &Visit{Case: c}
		return err
	}, "SELECT "+caseColumns+" FROM cases WHERE id IN ("+list+")", args...)
	if err != nil {
		return nil, err
	}
	steps, err := s.steps(ctx, "case_id IN ("+list+") AND system = $"+strconv.Itoa(len(args)+1)+" ORDER BY case_id, position", append(args, system)...)
	if err != nil {
		return nil, err
	}
	for _, step := range steps {
		if v := found[step.Case]; v != nil {
			v.Steps = append(v.Steps, step)
		}
	}
	visits := make([]Visit, 0, len(ids))
	for _, id := range ids {
		if v := found[id]; v != nil {
			slices.SortStableFunc(v.Steps, func(a, b exeunt.Step) int { return cmp.Compare(a.Order, b.Order) })
			visits = append(visits, *v)
		}
	}
	return visits, nil
}

// VisitTo loads the visit of one case to a system, due or not.
func (s *Store) VisitTo(ctx context.Context, system string, id exeunt.CaseID) (Visit, error) {
	found, err := s.visits(ctx, system, []exeunt.CaseID{id})
	if err != nil {
		return Visit{}, err
	}
	if len(found) == 0 {
		return Visit{}, exeunt.Errorf(exeunt.NotFound, "there is no case %s", id)
	}
	return found[0], nil
}

// inLine finds the cases of the first due steps: nobody's place is later than when they are due. A case may have several; whoever is left out takes places
// too, so that more rows than visits are looked at.
func (s *Store) inLine(ctx context.Context, system string, now time.Time, without func(exeunt.CaseID) bool, limit int) ([]exeunt.CaseID, error) {
	var ids []exeunt.CaseID
	seen := map[exeunt.CaseID]bool{}
	for rows := 4 * limit; ; rows *= 4 {
		n := 0
		err := eachRow(ctx, s.dialect.reader(), func(r row) error {
			var id exeunt.CaseID
			if err := r.Scan((*int64)(&id)); err != nil {
				return err
			}
			n++
			if !seen[id] && len(ids) < limit {
				seen[id] = true
				if !without(id) {
					ids = append(ids, id)
				}
			}
			return nil
		}, "SELECT case_id FROM steps WHERE system = $1 AND place <= $2 AND runs_at <= $2 ORDER BY place LIMIT $3", system, micros(now), rows)
		if err != nil || len(ids) >= limit || n < rows {
			return ids, err
		}
	}
}

// among writes an IN list. Its length is rounded up, by repeating the last, so that few texts are prepared.
func among(ids []exeunt.CaseID) (list string, args []any) {
	n := 1
	for n < len(ids) {
		n *= 2
	}
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("$" + strconv.Itoa(i+1))
		args = append(args, int64(ids[min(i, len(ids)-1)]))
	}
	return b.String(), args
}

// NextVisit is when the next timer of a system ends, after a moment; zero when there is none.
func (s *Store) NextVisit(ctx context.Context, system string, after time.Time) (time.Time, error) {
	return s.moment(ctx, "SELECT MIN(runs_at) FROM steps WHERE system = $1 AND runs_at IS NOT NULL AND runs_at > $2", system, micros(after))
}

// moment reads one instant that may be null.
func (s *Store) moment(ctx context.Context, query string, args ...any) (time.Time, error) {
	var us *int64
	err := s.dialect.reader().queryRow(ctx, query, args...).Scan(&us)
	return fromInstant(us), translate(err)
}

// Case loads one case.
func (s *Store) Case(ctx context.Context, id exeunt.CaseID) (exeunt.Case, error) {
	c, err := scanCase(s.dialect.reader().queryRow(ctx, "SELECT "+caseColumns+" FROM cases WHERE id = $1", int64(id)))
	return c, noCase(id, err)
}

// Steps loads every step of a case in the order of its plan.
func (s *Store) Steps(ctx context.Context, id exeunt.CaseID) ([]exeunt.Step, error) {
	return s.steps(ctx, "case_id = $1 ORDER BY position", int64(id))
}

// Step loads one step.
func (s *Store) Step(ctx context.Context, id exeunt.CaseID, key string) (exeunt.Step, error) {
	return oneStep(id, key)(s.steps(ctx, "case_id = $1 AND key = $2", int64(id), key))
}

func (s *Store) steps(ctx context.Context, where string, args ...any) ([]exeunt.Step, error) {
	return stepsFrom(ctx, s.dialect.reader(), "steps WHERE "+where, args...)
}

func stepsFrom(ctx context.Context, q querier, from string, args ...any) ([]exeunt.Step, error) {
	var out []exeunt.Step
	err := eachRow(ctx, q, func(r row) error {
		var step exeunt.Step
		var version int64
		if err := scanDocument(r, &step, &version); err != nil {
			return err
		}
		step.Version = version
		out = append(out, step)
		return nil
	}, "SELECT version, document FROM "+from, args...)
	return out, err
}

// CaseTasks loads every task of a case in the order of its plan.
func (s *Store) CaseTasks(ctx context.Context, id exeunt.CaseID) ([]exeunt.Task, error) {
	return s.tasks(ctx, "case_id = $1 ORDER BY position, id", int64(id))
}

// TaskByKey loads one task; nil when the case has none of that key.
func (s *Store) TaskByKey(ctx context.Context, id exeunt.CaseID, key string) (*exeunt.Task, error) {
	found, err := s.tasks(ctx, "case_id = $1 AND key = $2", int64(id), key)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func (s *Store) tasks(ctx context.Context, where string, args ...any) ([]exeunt.Task, error) {
	return tasksFrom(ctx, s.dialect.reader(), "tasks WHERE "+where, args...)
}

func tasksFrom(ctx context.Context, q querier, from string, args ...any) ([]exeunt.Task, error) {
	var out []exeunt.Task
	err := eachRow(ctx, q, func(r row) error {
		var t exeunt.Task
		var id, version int64
		if err := scanDocument(r, &t, &id, &version); err != nil {
			return err
		}
		t.ID, t.Version = exeunt.TaskID(id), version
		out = append(out, t)
		return nil
	}, "SELECT id, version, document FROM "+from, args...)
	return out, err
}

// complete is the condition under which nothing of an open case is left to do. A held one waits for a person.
const complete = `c.closed_at IS NULL AND c.state <> 'held' AND ` + settled

// settled is the condition under which nothing of a case is left to do.
const settled = `NOT EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = c.id AND t.state IN ('open', 'waiting'))
	AND NOT EXISTS (SELECT 1 FROM steps s WHERE s.case_id = c.id AND s.state NOT IN ('confirmed', 'acknowledged', 'attested', 'waived', 'skipped', 'cancelled'))`

// Complete returns those of some cases that are open and have nothing left to do; of all, when none is named.
func (s *Store) Complete(ctx context.Context, of ...exeunt.CaseID) ([]exeunt.Case, error) {
	where, args := complete, []any(nil)
	if len(of) > 0 {
		var list string
		list, args = among(of)
		where = "c.id IN (" + list + ") AND " + complete
	}
	var out []exeunt.Case
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		c, err := scanCase(r)
		out = append(out, c)
		return err
	}, "SELECT "+caseColumns+" FROM cases c WHERE "+where, args...)
	return out, err
}

// StepRef names a step.
type StepRef struct {
	Case exeunt.CaseID
	Key  string
}

// TaskRef names a task.
type TaskRef struct {
	Case exeunt.CaseID
	Key  string
}

// Reminders lists tasks whose owners are to be chased by a moment, at most limit, and says when the next
// one after these is due; zero for never.
func (s *Store) Reminders(ctx context.Context, now time.Time, limit int) (due []TaskRef, next time.Time, err error) {
	err = eachRow(ctx, s.dialect.reader(), func(r row) error {
		var t TaskRef
		err := r.Scan((*int64)(&t.Case), &t.Key)
		due = append(due, t)
		return err
	}, "SELECT case_id, key FROM tasks WHERE remind_at IS NOT NULL AND remind_at <= $1 ORDER BY remind_at LIMIT $2", micros(now), limit)
	if err != nil {
		return nil, next, err
	}
	next, err = s.moment(ctx, "SELECT MIN(remind_at) FROM tasks WHERE remind_at IS NOT NULL AND remind_at > $1", micros(now))
	return due, next, err
}

// Unsent lists notices to be delivered by a moment, at most limit, with how often that was tried, and says
// when the next one after these is due.
func (s *Store) Unsent(ctx context.Context, now time.Time, limit int) (due []int64, next time.Time, err error) {
	err = eachRow(ctx, s.dialect.reader(), func(r row) error {
		var id int64
		err := r.Scan(&id)
		due = append(due, id)
		return err
	}, "SELECT id FROM notices WHERE sent_at IS NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2", micros(now), limit)
	if err != nil {
		return nil, next, err
	}
	next, err = s.moment(ctx, "SELECT MIN(due_at) FROM notices WHERE sent_at IS NULL AND due_at > $1", micros(now))
	return due, next, err
}

// Notice loads a notice; sent says whether it was delivered.
func (s *Store) Notice(ctx context.Context, id int64) (n exeunt.Notice, sent bool, err error) {
	var doc string
	var at *int64
	if err := s.dialect.reader().queryRow(ctx, "SELECT document, sent_at FROM notices WHERE id = $1", id).Scan(&doc, &at); err != nil {
		return n, false, translate(err)
	}
	err = fromDocument(doc, &n)
	n.ID = id
	return n, at != nil, err
}

// ClaimNotice lets the caller alone deliver a notice until a moment, and says how often that was tried,
// this time included. It returns 0 when it was delivered or while somebody else is at it.
func (s *Store) ClaimNotice(ctx context.Context, id int64, now, until time.Time) (attempt int, err error) {
	err = s.write(ctx, func(ctx context.Context, tx Tx) error {
		attempt = 0
		return eachRow(ctx, tx, func(r row) error { return r.Scan(&attempt) },
			"UPDATE notices SET due_at = $1, attempts = attempts + 1 WHERE id = $2 AND sent_at IS NULL AND due_at <= $3 RETURNING attempts", micros(until), id, micros(now))
	})
	return attempt, err
}

// PostponeNotice says when to try a notice again that could not be delivered.
func (s *Store) PostponeNotice(ctx context.Context, id int64, until time.Time) error {
	return s.write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.exec(ctx, "UPDATE notices SET due_at = $1 WHERE id = $2 AND sent_at IS NULL", micros(until), id)
		return err
	})
}

// NoticeSent marks a notice as delivered.
func (s *Store) NoticeSent(ctx context.Context, id int64, now time.Time) error {
	return s.write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.exec(ctx, "UPDATE notices SET sent_at = $1 WHERE id = $2", micros(now), id)
		return err
	})
}

// ClosedCases counts the cases that are closed.
func (s *Store) ClosedCases(ctx context.Context) (int, error) {
	var n int
	err := s.dialect.reader().queryRow(ctx, "SELECT COUNT(*) FROM cases WHERE closed_at IS NOT NULL").Scan(&n)
	return n, translate(err)
}
