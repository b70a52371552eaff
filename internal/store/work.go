package store

import (
	"context"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// What the engine reads and keeps beside the cases: visits, leases, notices, and due work.

// Visit is what one look at one system for one case needs.
type Visit struct {
	Case  exeunt.Case
	Steps []exeunt.Step // every unsettled step of the case in the system, in the order inside the system
}

// Visit loads the case and its unsettled steps in a system.
func (s *Store) Visit(ctx context.Context, id exeunt.CaseID, system string) (Visit, error) {
	var v Visit
	var err error
	if v.Case, err = s.Case(ctx, id); err != nil {
		return v, err
	}
	v.Steps, err = s.steps(ctx, "case_id = $1 AND system = $2 AND settled_at IS NULL ORDER BY position", int64(id), system)
	return v, err
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
		var doc string
		if err := r.Scan(&version, &doc); err != nil {
			return err
		}
		if err := fromDocument(doc, &step); err != nil {
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
		var doc string
		if err := r.Scan(&id, &version, &doc); err != nil {
			return err
		}
		if err := fromDocument(doc, &t); err != nil {
			return err
		}
		t.ID, t.Version = exeunt.TaskID(id), version
		out = append(out, t)
		return nil
	}, "SELECT id, version, document FROM "+from, args...)
	return out, err
}

// OpenWork counts the steps and tasks of a case that are not settled.
func (s *Store) OpenWork(ctx context.Context, id exeunt.CaseID) (int, error) {
	var n int
	err := s.dialect.reader().queryRow(ctx, `SELECT (SELECT COUNT(*) FROM steps WHERE case_id = $1 AND state NOT IN ('confirmed', 'acknowledged', 'attested', 'waived', 'skipped', 'cancelled'))
		+ (SELECT COUNT(*) FROM tasks WHERE case_id = $1 AND state IN ('open', 'waiting'))`, int64(id)).Scan(&n)
	return n, translate(err)
}

// Due lists the work that was due before a moment and is not done: visits, reminders, deliveries.
// There should be jobs for all of it; the reconciler makes sure.
func (s *Store) Due(ctx context.Context, before time.Time) ([]exeunt.Job, error) {
	var jobs []exeunt.Job
	add := func(kind exeunt.JobKind, query string, args ...any) error {
		return eachRow(ctx, s.dialect.reader(), func(r row) error {
			j := exeunt.Job{Kind: kind}
			err := r.Scan((*int64)(&j.Case), &j.System, &j.Task, &j.Notice, &j.Generation)
			jobs = append(jobs, j)
			return err
		}, query, args...)
	}
	err := add(exeunt.JobVisit, `SELECT DISTINCT s.case_id, s.system, '', 0, c.generation FROM steps s JOIN cases c ON c.id = s.case_id
		WHERE s.runs_at <= $1 AND c.closed_at IS NULL AND c.state <> 'held'`, micros(before))
	if err != nil {
		return nil, err
	}
	if err := add(exeunt.JobRemind, "SELECT t.case_id, '', t.key, 0, 0 FROM tasks t JOIN cases c ON c.id = t.case_id WHERE t.remind_at <= $1 AND c.state <> 'held'", micros(before)); err != nil {
		return nil, err
	}
	err = add(exeunt.JobDeliver, "SELECT case_id, '', '', id, 0 FROM notices WHERE sent_at IS NULL AND made_at <= $1 AND (claimed_until IS NULL OR claimed_until <= $1)", micros(before))
	return jobs, err
}

// Lease takes (case, system) for a holder until a moment. It returns false while somebody else has it.
func (s *Store) Lease(ctx context.Context, id exeunt.CaseID, system, holder string, now, until time.Time) (bool, error) {
	var n int64
	err := s.write(ctx, func(tx Tx) error {
		var err error
		n, err = tx.exec(ctx, `INSERT INTO leases (case_id, system, holder, until) VALUES ($1, $2, $3, $4)
			ON CONFLICT (case_id, system) DO UPDATE SET holder = excluded.holder, until = excluded.until
			WHERE leases.until < $5 OR leases.holder = excluded.holder`, int64(id), system, holder, micros(until), micros(now))
		return err
	})
	return n == 1, err
}

// Unlease gives (case, system) back.
func (s *Store) Unlease(ctx context.Context, id exeunt.CaseID, system, holder string) error {
	return s.write(ctx, func(tx Tx) error {
		_, err := tx.exec(ctx, "DELETE FROM leases WHERE case_id = $1 AND system = $2 AND holder = $3", int64(id), system, holder)
		return err
	})
}

// DropLeases forgets every lease of holders with a prefix: those of this node before it was killed.
// Notices that were being delivered then are free again, too: one server serves a database.
func (s *Store) DropLeases(ctx context.Context, prefix string) error {
	return s.write(ctx, func(tx Tx) error {
		_, err := tx.exec(ctx, "DELETE FROM leases WHERE holder LIKE $1", strings.ReplaceAll(prefix, "%", "")+"%")
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, "UPDATE notices SET claimed_until = NULL WHERE sent_at IS NULL AND claimed_until IS NOT NULL")
		return err
	})
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

// ClaimNotice lets the caller alone deliver a notice until a moment. It returns false when it was delivered or
// while somebody else is at it.
func (s *Store) ClaimNotice(ctx context.Context, id int64, now, until time.Time) (bool, error) {
	var n int64
	err := s.write(ctx, func(tx Tx) error {
		var err error
		n, err = tx.exec(ctx, "UPDATE notices SET claimed_until = $1 WHERE id = $2 AND sent_at IS NULL AND (claimed_until IS NULL OR claimed_until <= $3)", micros(until), id, micros(now))
		return err
	})
	return n == 1, err
}

// ReleaseNotice gives a notice back that could not be delivered.
func (s *Store) ReleaseNotice(ctx context.Context, id int64) error {
	return s.write(ctx, func(tx Tx) error {
		_, err := tx.exec(ctx, "UPDATE notices SET claimed_until = NULL WHERE id = $1", id)
		return err
	})
}

// NoticeSent marks a notice as delivered.
func (s *Store) NoticeSent(ctx context.Context, id int64, now time.Time) error {
	return s.write(ctx, func(tx Tx) error {
		_, err := tx.exec(ctx, "UPDATE notices SET sent_at = $1 WHERE id = $2", micros(now), id)
		return err
	})
}
