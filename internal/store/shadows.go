package store

import (
	"context"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// looksIn is the name by which whoever looks in a lane is woken, beside the visits of that lane.
const looksIn = "looks/"

// LooksOf is the lane that a wake-up is for, and whether it is for who looks there beside the visits.
func LooksOf(woken string) (lane string, looks bool) { return strings.CutPrefix(woken, looksIn) }

// followTask lets the run of a task that a connector would do follow the task. Its row is locked, so that a look that is
// saved meanwhile is not lost.
func (c *committer) followTask(ctx context.Context, t exeunt.Task) error {
	if len(t.Would) == 0 {
		return nil
	}
	var run exeunt.ShadowRun
	found := false
	err := eachRow(ctx, c, func(r row) error {
		found = true
		return scanShadow(r, &run)
	}, "UPDATE shadow_runs SET task = task WHERE case_id = $1 AND task = $2 RETURNING version, document", int64(t.Case), t.Key)
	if err != nil {
		return err
	}
	run = run.Follow(t)
	if !run.LookAt.IsZero() && !c.of.quiet() {
		c.lanes = append(c.lanes, looksIn+run.System)
	}
	if found {
		return c.saveShadow(ctx, run)
	}
	_, err = c.exec(ctx, "INSERT INTO shadow_runs (case_id, task, system, version, look_at, seen_at, document) VALUES ($1, $2, $3, 1, $4, $5, $6)",
		int64(run.Case), run.Task, run.System, instant(run.LookAt), instant(run.SeenAt()), document(run))
	return err
}

func (c *committer) saveShadows(ctx context.Context) error {
	for i := range c.change.Shadows {
		r := &c.change.Shadows[i]
		if err := c.saveShadow(ctx, *r); err != nil {
			return err
		}
		r.Version++
		if !r.LookAt.IsZero() && !c.of.quiet() {
			c.lanes = append(c.lanes, looksIn+r.System)
		}
	}
	return nil
}

// saveShadow keeps a run. What a look saw of a case whose record is being erased is not kept any more.
func (c *committer) saveShadow(ctx context.Context, r exeunt.ShadowRun) error {
	n, err := c.exec(ctx, `UPDATE shadow_runs SET system = $1, version = version + 1, look_at = $2, seen_at = $3, document = $4 WHERE case_id = $5 AND task = $6 AND version = $7
		AND EXISTS (SELECT 1 FROM cases c WHERE c.id = $5 AND c.erasing_at IS NULL)`,
		r.System, instant(r.LookAt), instant(r.SeenAt()), document(r), int64(r.Case), r.Task, r.Version)
	if err == nil && n == 0 {
		err = exeunt.Errorf(exeunt.Conflict, "what is known of %s in case %s was changed meanwhile: look again", r.System, r.Case)
	}
	return err
}

func scanShadow(r row, into *exeunt.ShadowRun) error {
	var version int64
	var doc string
	if err := r.Scan(&version, &doc); err != nil {
		return err
	}
	err := fromDocument(doc, into)
	into.Version = version
	return err
}

// Shadowed is one run with the case and the task that it is about.
type Shadowed struct {
	Run  exeunt.ShadowRun
	Case exeunt.Case
	Task exeunt.Task
}

// looksDue is of which runs a look may be made: nothing of a case is looked at while that is held or under embargo, nor once
// the person stays or works here again.
const looksDue = ` FROM shadow_runs r JOIN cases c ON c.id = r.case_id WHERE r.system = $1 AND r.look_at IS NOT NULL
	AND c.state NOT IN ('held', 'rescinded', 'rehired') AND c.embargoed_at IS NULL AND c.erasing_at IS NULL`

// ShadowsDue lists the runs of a system that are to be looked at by a moment, the longest due first, at most limit, and says
// when the next one after these is; zero for never.
func (s *Store) ShadowsDue(ctx context.Context, system string, now time.Time, limit int) (due []Shadowed, next time.Time, err error) {
	var refs []TaskRef
	err = eachRow(ctx, s.dialect.reader(), func(r row) error {
		var ref TaskRef
		err := r.Scan((*int64)(&ref.Case), &ref.Key)
		refs = append(refs, ref)
		return err
	}, "SELECT r.case_id, r.task"+looksDue+" AND r.look_at <= $2 ORDER BY r.look_at, r.case_id LIMIT $3", system, micros(now), limit)
	if err != nil {
		return nil, next, err
	}
	for _, ref := range refs {
		one, err := s.Shadowed(ctx, ref)
		if err != nil {
			return nil, next, err
		}
		due = append(due, one)
	}
	next, err = s.moment(ctx, "SELECT MIN(r.look_at)"+looksDue+" AND r.look_at > $2", system, micros(now))
	return due, next, err
}

// Shadowed loads one run as it is now.
func (s *Store) Shadowed(ctx context.Context, ref TaskRef) (one Shadowed, err error) {
	if err := scanShadow(s.dialect.reader().queryRow(ctx, "SELECT version, document FROM shadow_runs WHERE case_id = $1 AND task = $2", int64(ref.Case), ref.Key), &one.Run); err != nil {
		return one, translate(err)
	}
	task, err := s.TaskByKey(ctx, ref.Case, ref.Key)
	if err == nil && task == nil {
		err = exeunt.Errorf(exeunt.NotFound, "case %s has no task %s", ref.Case, ref.Key)
	}
	if err != nil {
		return one, err
	}
	one.Task = *task
	one.Case, err = s.Case(ctx, ref.Case)
	return one, err
}

// ShadowSystems are the systems in which something may be to be looked at by a moment.
func (s *Store) ShadowSystems(ctx context.Context, now time.Time) (systems []string, err error) {
	err = eachRow(ctx, s.dialect.reader(), func(r row) error {
		var name string
		err := r.Scan(&name)
		systems = append(systems, name)
		return err
	}, "SELECT DISTINCT system FROM shadow_runs WHERE look_at <= $1", micros(now))
	return systems, err
}

// PostponeShadow keeps when a look is tried again that was not answered. Nothing has happened that a record could tell of.
func (s *Store) PostponeShadow(ctx context.Context, r exeunt.ShadowRun) error {
	return s.write(ctx, func(ctx context.Context, tx Tx) error {
		c := committer{Tx: tx, change: &exeunt.Change{}}
		return c.saveShadow(ctx, r)
	})
}

// ShadowLines are the newest runs of a system that were looked at, of departures that are still meant, the newest first.
func (v View) ShadowLines(ctx context.Context, system string, limit int) ([]exeunt.ShadowLine, error) {
	var out []exeunt.ShadowLine
	err := eachRow(ctx, v.read, func(r row) error {
		var l exeunt.ShadowLine
		var version int64
		var doc, task string
		if err := r.Scan(&version, &doc, &task, &l.Name); err != nil {
			return err
		}
		if err := fromDocument(doc, &l.ShadowRun); err != nil {
			return err
		}
		var t exeunt.Task
		err := fromDocument(task, &t)
		l.Version, l.Title, l.Owner, l.DoneBy, l.Note = version, t.Title, t.Owner, t.DoneBy, t.Note
		out = append(out, l)
		return err
	}, `SELECT r.version, r.document, t.document, c.name FROM visible_shadows r JOIN visible_cases c ON c.id = r.case_id JOIN visible_tasks t ON t.case_id = r.case_id AND t.key = r.task
		WHERE r.system = $1 AND r.seen_at IS NOT NULL AND c.state NOT IN ('rescinded', 'rehired') ORDER BY r.seen_at DESC, r.case_id DESC, r.task LIMIT $2`, system, limit)
	return out, err
}
