package store

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// What the cases say of systems is read from indexes, never from all steps, of which there are millions after some
// years: what is open is few, and of what is over the newest is asked for.

// unsettled is counted from the index steps_open, whose condition it repeats.
const unsettled = "state NOT IN ('confirmed', 'acknowledged', 'attested', 'waived', 'skipped', 'cancelled')"

// SystemStats returns what the cases say about each of some systems.
func (v View) SystemStats(ctx context.Context, systems []exeunt.System, now time.Time) ([]SystemStats, error) {
	out := make([]SystemStats, len(systems))
	at := map[string]*SystemStats{}
	for i, s := range systems {
		out[i].System = s.Name
		at[s.Name] = &out[i]
		if err := v.systemTimes(ctx, &out[i], now); err != nil {
			return nil, err
		}
	}
	for _, part := range []struct {
		query string
		keep  func(st *SystemStats, n int)
	}{
		{"SELECT system, COUNT(*) FROM visible_steps WHERE " + unsettled + " GROUP BY system", func(st *SystemStats, n int) { st.Open += n }},
		{"SELECT system, COUNT(*) FROM visible_steps WHERE state = 'failed' GROUP BY system", func(st *SystemStats, n int) { st.Failed, st.Open = n, st.Open-n }},
		{"SELECT system, COUNT(*) FROM visible_tasks WHERE state = 'open' AND system <> '' GROUP BY system", func(st *SystemStats, n int) { st.Open += n }},
	} {
		err := eachRow(ctx, v.read, func(r row) error {
			var system string
			var n int
			if err := r.Scan(&system, &n); err != nil {
				return err
			}
			if st := at[system]; st != nil {
				part.keep(st, n)
			}
			return nil
		}, part.query)
		if err != nil {
			return nil, err
		}
	}
	return out, v.atRisk(ctx, at, now)
}

// unfinished are the cases whose access did not end in a system, once for each step or task. A task that stands in for a
// failed step is of the same case.
const unfinished = `SELECT system, case_id, deadline, 1 AS failed FROM visible_steps WHERE state = 'failed' AND branch = 'Access'
	UNION ALL SELECT system, case_id, deadline, 0 AS failed FROM visible_tasks WHERE state = 'open' AND deadline < $1 AND branch = 'Access' AND system <> ''`

// atRisk counts who is at risk in each system.
func (v View) atRisk(ctx context.Context, at map[string]*SystemStats, now time.Time) error {
	err := eachRow(ctx, v.read, func(r row) error {
		var system string
		var n int
		err := r.Scan(&system, &n)
		if st := at[system]; st != nil {
			st.AtRisk.Unfinished = n
		}
		return err
	}, "SELECT system, COUNT(DISTINCT case_id) FROM ("+unfinished+") AS r GROUP BY system", micros(now))
	if err != nil {
		return err
	}
	return eachRow(ctx, v.read, func(r row) error {
		var system string
		var left, unsure int
		err := r.Scan(&system, &left, &unsure)
		if st := at[system]; st != nil {
			st.AtRisk.Left, st.AtRisk.Unsure = left, unsure
		}
		return err
	}, `SELECT system, COUNT(DISTINCT CASE WHEN kind = 'orphaned' AND leaver <> '' THEN leaver END), COUNT(DISTINCT CASE WHEN kind <> 'orphaned' THEN leaver END)
		FROM visible_findings WHERE decided_at IS NULL AND kind <> 'missing' GROUP BY system`)
}

// Unfinished lists whose access to a system should have ended and did not, the longest late first.
func (v View) Unfinished(ctx context.Context, system string, now time.Time, limit int) ([]Unfinished, error) {
	var out []Unfinished
	err := eachRow(ctx, v.read, func(r row) error {
		var u Unfinished
		var id, failed, since int64
		err := r.Scan(&id, &u.Name, &failed, &since)
		u.Case, u.Failed, u.Since = exeunt.CaseID(id), failed > 0, fromInstant(&since)
		out = append(out, u)
		return err
	}, `SELECT r.case_id, c.name, MAX(r.failed), MIN(r.deadline) FROM (`+unfinished+`) AS r JOIN visible_cases c ON c.id = r.case_id
		WHERE r.system = $2 GROUP BY r.case_id, c.name ORDER BY 4, 1 LIMIT $3`, micros(now), system, limit)
	return out, err
}

// systemTimes reads what is about one system's newest and next.
func (v View) systemTimes(ctx context.Context, st *SystemStats, now time.Time) error {
	var last, looked, next *int64
	err := v.read.queryRow(ctx, `SELECT (SELECT COUNT(*) FROM visible_steps WHERE system = $1 AND state = 'confirmed' AND settled_at >= $2),
		(SELECT settled_at FROM visible_steps WHERE system = $1 AND state = 'confirmed' AND settled_at IS NOT NULL ORDER BY settled_at DESC LIMIT 1),
		(SELECT at FROM visible_entries WHERE system = $1 AND kind IN ('step.look', 'step.drift') ORDER BY at DESC LIMIT 1),
		(SELECT runs_at FROM visible_steps WHERE system = $1 AND state = 'confirmed' AND runs_at IS NOT NULL ORDER BY runs_at LIMIT 1)`,
		st.System, micros(now.Add(-window))).Scan(&st.Confirmed, &last, &looked, &next)
	st.LastProof, st.LastLook, st.NextLook = fromInstant(last), fromInstant(looked), fromInstant(next)
	return translate(err)
}
