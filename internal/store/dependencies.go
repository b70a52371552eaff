package store

import (
	"context"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
)

// saveDependencies keeps what the steps and tasks of the change wait for. In a case that was planned anew
// that replaces what they waited for before.
func (c *committer) saveDependencies(ctx context.Context, fresh bool) error {
	save := c.relink
	if fresh {
		save = c.link
	}
	for _, s := range slices.Clone(c.change.Steps) { // one that waits for nothing any more is added
		if err := save(ctx, s.Key, s.After); err != nil {
			return err
		}
	}
	for _, t := range slices.Clone(c.change.Tasks) {
		if err := save(ctx, t.Key, t.After); err != nil {
			return err
		}
	}
	return nil
}

func (c *committer) link(ctx context.Context, key string, after []exeunt.Dependency) error {
	for _, d := range after {
		_, err := c.exec(ctx, `INSERT INTO dependencies (case_id, key, waits_for, because) VALUES ($1, $2, $3, $4)
			ON CONFLICT (case_id, key, waits_for) DO UPDATE SET because = excluded.because, met_at = NULL`, int64(c.of.id), key, d.Key, d.Because)
		if err != nil {
			return err
		}
	}
	return nil
}

// relink lets a key wait for something else. Who decided that may have seen a dependency open that has been
// settled meanwhile; its row is locked, so that whoever settles it now sees this one wait.
func (c *committer) relink(ctx context.Context, key string, after []exeunt.Dependency) error {
	if _, err := c.exec(ctx, "DELETE FROM dependencies WHERE case_id = $1 AND key = $2 AND met_at IS NULL", int64(c.of.id), key); err != nil {
		return err
	}
	var open []exeunt.Dependency
	for _, d := range after {
		settled, err := c.settled(ctx, d.Key)
		if err != nil {
			return err
		}
		if !settled {
			open = append(open, d)
		}
	}
	if err := c.link(ctx, key, open); err != nil {
		return err
	}
	blockers := len(open)
	if blockers == 0 && len(after) > 0 {
		blockers = 1 // and the last of them is met right here
	}
	for _, table := range []string{"steps", "tasks"} {
		if _, err := c.exec(ctx, "UPDATE "+table+" SET blockers = $1 WHERE case_id = $2 AND key = $3", blockers, int64(c.of.id), key); err != nil {
			return err
		}
	}
	if len(open) == 0 && len(after) > 0 {
		return c.met(ctx, key)
	}
	return nil
}

// settled says whether a step or task is settled, and keeps everybody else from settling it until this
// transaction ends.
func (c *committer) settled(ctx context.Context, key string) (bool, error) {
	settled := true // what is not there is waited for by nobody
	err := eachRow(ctx, c, func(r row) error {
		var state exeunt.StepState
		err := r.Scan((*string)(&state))
		settled = state.Settled()
		return err
	}, "UPDATE steps SET position = position WHERE case_id = $1 AND key = $2 RETURNING state", int64(c.of.id), key)
	if err != nil {
		return false, err
	}
	err = eachRow(ctx, c, func(r row) error {
		var state exeunt.TaskState
		err := r.Scan((*string)(&state))
		settled = !exeunt.Task{State: state}.Open()
		return err
	}, "UPDATE tasks SET position = position WHERE case_id = $1 AND key = $2 RETURNING state", int64(c.of.id), key)
	return settled, err
}

// unblock lets go what waited only for what this change settles.
func (c *committer) unblock(ctx context.Context) error {
	for _, settled := range c.change.Settled() {
		var waiting []string
		err := eachRow(ctx, c, func(r row) error {
			var key string
			err := r.Scan(&key)
			waiting = append(waiting, key)
			return err
		}, "UPDATE dependencies SET met_at = $1 WHERE case_id = $2 AND waits_for = $3 AND met_at IS NULL RETURNING key", micros(c.now), int64(c.of.id), settled)
		if err != nil {
			return err
		}
		for _, key := range waiting {
			if err := c.met(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// met counts down what a key waits for; the row's lock orders those who settle at once.
func (c *committer) met(ctx context.Context, key string) error {
	var doc string
	var blockers, version int64
	var found bool
	err := eachRow(ctx, c, func(r row) error { found = true; return r.Scan(&blockers, &version, &doc) },
		"UPDATE steps SET blockers = blockers - 1 WHERE case_id = $1 AND key = $2 RETURNING blockers, version, document", int64(c.of.id), key)
	if err != nil {
		return err
	}
	if found {
		return c.unblockStep(ctx, blockers, version, doc)
	}
	err = eachRow(ctx, c, func(r row) error { found = true; return r.Scan(&blockers, &version, &doc) },
		"UPDATE tasks SET blockers = blockers - 1 WHERE case_id = $1 AND key = $2 RETURNING blockers, version, document", int64(c.of.id), key)
	if err != nil || !found {
		return err
	}
	return c.unblockTask(ctx, blockers, version, doc)
}

func (c *committer) unblockStep(ctx context.Context, blockers, version int64, doc string) error {
	var s exeunt.Step
	if err := fromDocument(doc, &s); err != nil {
		return err
	}
	if blockers > 0 || s.State != exeunt.StepWaiting {
		return nil
	}
	s.Version = version
	place, err := c.placeOfWork(ctx, s.DeadlineRule)
	if err != nil {
		return err
	}
	s = s.Unblock(place, c.now)
	if err := c.saveStep(ctx, &s, 0); err != nil {
		return err
	}
	c.change.Steps = append(c.change.Steps, s)
	return nil
}

// placeOfWork is where a deadline's days are counted; most deadlines have none.
func (c *committer) placeOfWork(ctx context.Context, m exeunt.Moment) (exeunt.Place, error) {
	if m.Days == 0 && m.BusinessDays == 0 {
		return exeunt.Place{Zone: time.UTC}, nil
	}
	of, err := scanCase(c.queryRow(ctx, "SELECT "+caseColumns+" FROM cases WHERE id = $1", int64(c.of.id)))
	return of.Place(), err
}

func (c *committer) unblockTask(ctx context.Context, blockers, version int64, doc string) error {
	var t exeunt.Task
	if err := fromDocument(doc, &t); err != nil {
		return err
	}
	if blockers > 0 || t.State != exeunt.TaskWaiting {
		return nil
	}
	t.Version = version
	place, err := c.placeOfWork(ctx, t.DeadlineRule)
	if err != nil {
		return err
	}
	t, notice := t.Unblock(place, c.now)
	if err := c.queryRow(ctx, "SELECT id FROM tasks WHERE case_id = $1 AND key = $2", int64(t.Case), t.Key).Scan((*int64)(&t.ID)); err != nil {
		return err
	}
	if err := c.saveTask(ctx, &t, 0); err != nil {
		return err
	}
	c.change.Tasks = append(c.change.Tasks, t)
	if c.of.state != exeunt.CaseHeld { // its release tells them
		c.change.Notices = append(c.change.Notices, notice)
	}
	return nil
}
