package store

import (
	"context"

	"github.com/exeunt/exeunt"
)

// Case loads one case.
func (v View) Case(ctx context.Context, id exeunt.CaseID) (exeunt.Case, error) {
	c, err := scanCase(v.read.queryRow(ctx, "SELECT "+caseColumns+" FROM visible_cases WHERE id = $1", int64(id)))
	return c, noCase(id, err)
}

// noCase says in the same words that a case does not exist and that it is not for the reader.
func noCase(id exeunt.CaseID, err error) error {
	if exeunt.KindOf(err) == exeunt.NotFound {
		return exeunt.Errorf(exeunt.NotFound, "there is no case %s, or you may not see it", id)
	}
	return err
}

// NewestCaseOf returns the leaver's newest case, open or not; NotFound when there is none.
func (v View) NewestCaseOf(ctx context.Context, leaverKey string) (exeunt.Case, error) {
	return scanCase(v.read.queryRow(ctx, "SELECT "+caseColumns+" FROM visible_cases WHERE leaver_key = $1 ORDER BY id DESC LIMIT 1", leaverKey))
}

// Steps loads every step of a case in the order of its plan.
func (v View) Steps(ctx context.Context, id exeunt.CaseID) ([]exeunt.Step, error) {
	return stepsFrom(ctx, v.read, "visible_steps WHERE case_id = $1 ORDER BY position", int64(id))
}

// Step loads one step.
func (v View) Step(ctx context.Context, id exeunt.CaseID, key string) (exeunt.Step, error) {
	return oneStep(id, key)(stepsFrom(ctx, v.read, "visible_steps WHERE case_id = $1 AND key = $2", int64(id), key))
}

func oneStep(id exeunt.CaseID, key string) func([]exeunt.Step, error) (exeunt.Step, error) {
	return func(found []exeunt.Step, err error) (exeunt.Step, error) {
		if err == nil && len(found) == 0 {
			err = exeunt.Errorf(exeunt.NotFound, "case %s has no step %q, or you may not see it", id, key)
		}
		if err != nil {
			return exeunt.Step{}, err
		}
		return found[0], nil
	}
}

// CaseTasks loads every task of a case in the order of its plan.
func (v View) CaseTasks(ctx context.Context, id exeunt.CaseID) ([]exeunt.Task, error) {
	return tasksFrom(ctx, v.read, "visible_tasks WHERE case_id = $1 ORDER BY position, id", int64(id))
}

// descendants finds the cases that go on from one: only a later case of the same person does.
func (v View) descendants(ctx context.Context, f *CaseFile) error {
	return eachRow(ctx, v.read, func(r row) error {
		c, err := scanCase(r)
		if c.Follows == f.Case.ID {
			f.FollowedBy = append(f.FollowedBy, c.ID)
		}
		if c.PutsBack == f.Case.ID {
			f.PutBackBy = append(f.PutBackBy, c.ID)
		}
		return err
	}, "SELECT "+caseColumns+" FROM visible_cases WHERE leaver_key = $1 AND id > $2 ORDER BY id", f.Case.Leaver().Key(), int64(f.Case.ID))
}

// CaseFile returns all of one case.
func (v View) CaseFile(ctx context.Context, id exeunt.CaseID) (CaseFile, error) {
	var f CaseFile
	var err error
	if f.Case, err = v.Case(ctx, id); err != nil {
		return f, err
	}
	if f.Steps, err = v.Steps(ctx, id); err != nil {
		return f, err
	}
	if f.Tasks, err = v.CaseTasks(ctx, id); err != nil {
		return f, err
	}
	page, err := v.Entries(ctx, EntryQuery{Case: id, Limit: 200})
	if err != nil {
		return f, err
	}
	f.Entries, f.Logged = page.Rows, page.Total
	if err := v.descendants(ctx, &f); err != nil {
		return f, err
	}
	err = v.read.queryRow(ctx, "SELECT COUNT(*) FROM visible_entries WHERE case_id = $1 AND log_index IS NOT NULL", int64(id)).Scan(&f.Sealed)
	return f, translate(err)
}
