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
	return out, nil
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
