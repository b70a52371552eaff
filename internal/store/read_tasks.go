package store

import (
	"context"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// Tasks lists tasks, the nearest deadline first.
func (v View) Tasks(ctx context.Context, q TaskQuery, _ time.Time) ([]TaskRow, error) {
	f := &filter{}
	switch q.State {
	case "":
		f.add("t.state = 'open'")
	case "all":
	default:
		f.add("t.state = " + f.arg(q.State))
	}
	if q.Owner != "" {
		f.add("LOWER(t.owner) = " + f.arg(strings.ToLower(q.Owner)))
	}
	if q.Case != 0 {
		f.add("t.case_id = " + f.arg(int64(q.Case)))
	}
	f.equal("t.system", q.System)
	limit := q.Limit
	if limit <= 0 {
		limit = 500
	}
	return v.taskRows(ctx, f.where()+" ORDER BY t.deadline, t.id LIMIT "+f.arg(limit), f.args...)
}

// Task returns one task.
func (v View) Task(ctx context.Context, id exeunt.TaskID) (TaskRow, error) {
	found, err := v.taskRows(ctx, " WHERE t.id = $1", int64(id))
	if err == nil && len(found) == 0 {
		err = exeunt.Errorf(exeunt.NotFound, "there is no task %s, or you may not see it", id)
	}
	if err != nil {
		return TaskRow{}, err
	}
	return found[0], nil
}

func (v View) taskRows(ctx context.Context, where string, args ...any) ([]TaskRow, error) {
	var out []TaskRow
	err := eachRow(ctx, v.read, func(r row) error {
		var t TaskRow
		var id, version int64
		var doc, caseDoc string
		if err := r.Scan(&id, &version, &doc, &caseDoc); err != nil {
			return err
		}
		if err := fromDocument(doc, &t.Task); err != nil {
			return err
		}
		var c exeunt.Case
		if err := fromDocument(caseDoc, &c); err != nil {
			return err
		}
		t.ID, t.Version = exeunt.TaskID(id), version
		t.Name, t.Zone = c.Departure.Leaver.Name, c.Departure.Leaver.Zone
		if t.Open() {
			t.Caution = c.Caution()
		}
		out = append(out, t)
		return nil
	}, "SELECT t.id, t.version, t.document, c.document FROM visible_tasks t JOIN visible_cases c ON c.id = t.case_id"+where, args...)
	return out, err
}
