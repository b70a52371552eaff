package store

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// window is what the measures look back on.
const window = 90 * 24 * time.Hour

// Overview returns what the first page says. Every figure comes from what is stored; what cannot be
// computed is left zero for the page to say so.
func (v View) Overview(ctx context.Context, now time.Time) (Overview, error) {
	var o Overview
	page, err := v.Cases(ctx, CaseQuery{State: "attention", Size: 11}, now)
	if err != nil {
		return o, err
	}
	o.Attention, o.Needing, o.Cases = page.Rows, page.Total, page.All
	read := v.read
	since := micros(now.Add(-window))
	one := func(into *int, query string, args ...any) {
		if err == nil {
			err = translate(read.queryRow(ctx, query, args...).Scan(into))
		}
	}
	one(&o.OpenTasks, "SELECT COUNT(*) FROM visible_tasks WHERE state = 'open'")
	one(&o.Settled, `SELECT (SELECT COUNT(*) FROM visible_steps WHERE settled_at >= $1 AND state <> 'failed') + (SELECT COUNT(*) FROM visible_tasks WHERE closed_at >= $1 AND state = 'done')`, since)
	one(&o.OnTime, `SELECT (SELECT COUNT(*) FROM visible_steps WHERE settled_at >= $1 AND state <> 'failed' AND settled_at <= deadline) + (SELECT COUNT(*) FROM visible_tasks WHERE closed_at >= $1 AND state = 'done' AND closed_at <= deadline)`, since)
	one(&o.Closed, "SELECT COUNT(*) FROM visible_cases WHERE closed_at >= $1", since)
	one(&o.Complete, "SELECT COUNT(*) FROM visible_cases c WHERE c.closed_at >= $1 AND NOT EXISTS (SELECT 1 FROM visible_entries o WHERE o.case_id = c.id AND o.log_index IS NULL)", since)
	if err != nil {
		return o, err
	}
	if o.Leaving, err = v.leaving(ctx, now); err != nil {
		return o, err
	}
	o.AccessTimes, err = v.accessTimes(ctx, now)
	return o, err
}

// Pressing is what stands beside the navigation: how much waits, and nothing of what it is.
type Pressing struct {
	Needing   int // cases that need a person now
	OpenTasks int
}

// Pressing counts what waits.
func (v View) Pressing(ctx context.Context, now time.Time) (p Pressing, err error) {
	if p.Needing, err = v.NeedingPerson(ctx, now); err != nil {
		return p, err
	}
	err = v.read.queryRow(ctx, "SELECT COUNT(*) FROM visible_tasks WHERE state = 'open'").Scan(&p.OpenTasks)
	return p, translate(err)
}

func (v View) leaving(ctx context.Context, now time.Time) ([]DayCount, error) {
	days := make([]DayCount, 10)
	at := map[exeunt.Date]*DayCount{}
	for i := range days {
		days[i].Day = exeunt.Date(now.AddDate(0, 0, i).Format(time.DateOnly))
		at[days[i].Day] = &days[i]
	}
	err := eachRow(ctx, v.read, func(r row) error {
		var day string
		var n int
		if err := r.Scan(&day, &n); err != nil {
			return err
		}
		at[exeunt.Date(day)].Count = n
		return nil
	}, "SELECT last_day, COUNT(*) FROM visible_cases WHERE last_day >= $1 AND last_day <= $2 AND state <> 'rescinded' GROUP BY last_day", string(days[0].Day), string(days[9].Day))
	return days, err
}

// accessTimes is, for each case whose access ended in the window, how long after the cut-off the last
// step of the branch Access was settled. What was settled before the cut-off counts as zero.
func (v View) accessTimes(ctx context.Context, now time.Time) ([]time.Duration, error) {
	var out []time.Duration
	err := eachRow(ctx, v.read, func(r row) error {
		var doc string
		var last int64
		if err := r.Scan(&doc, &last); err != nil {
			return err
		}
		var c exeunt.Case
		if err := fromDocument(doc, &c); err != nil {
			return err
		}
		out = append(out, max(fromMicros(last).Sub(c.CutOff), 0))
		return nil
	}, `SELECT c.document, MAX(w.settled) FROM visible_cases c
		JOIN (SELECT case_id, settled_at AS settled, CASE WHEN settled_at IS NULL OR state = 'failed' THEN 1 ELSE 0 END AS open FROM visible_steps WHERE branch = 'Access'
			UNION ALL SELECT case_id, closed_at, CASE WHEN closed_at IS NULL THEN 1 ELSE 0 END FROM visible_tasks WHERE branch = 'Access') w ON w.case_id = c.id
		WHERE c.opened_at >= $1 AND c.state <> 'rescinded' GROUP BY c.id, c.document HAVING MAX(w.open) = 0`, micros(now.Add(-2*window)))
	return out, err
}

// SystemLines says what is due at a moment, by system.
func (v View) SystemLines(ctx context.Context, now time.Time) ([]SystemLine, error) {
	var out []SystemLine
	err := eachRow(ctx, v.read, func(r row) error {
		var l SystemLine
		var since int64
		err := r.Scan(&l.System, &l.Waiting, &since)
		l.Since = fromMicros(since)
		out = append(out, l)
		return err
	}, "SELECT system, COUNT(DISTINCT case_id), MIN(runs_at) FROM visible_steps WHERE place IS NOT NULL AND runs_at <= $1 GROUP BY system ORDER BY system", micros(now))
	return out, err
}
