package store

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// SignalStats says how a receiver of signals keeps up.
type SignalStats struct {
	Waiting       int       `json:"waiting"`                 // tokens that it has not taken
	WaitingSince  time.Time `json:"waiting_since,omitzero"`  // of the oldest of them
	Delivered     int       `json:"delivered"`               // in 90 days
	Refused       int       `json:"refused"`                 // in 90 days
	LastDelivered time.Time `json:"last_delivered,omitzero"` //
}

// SignalStats says how a receiver keeps up with what the reader may see.
func (v View) SignalStats(ctx context.Context, receiver string, now time.Time) (SignalStats, error) {
	var st SignalStats
	var since, last *int64
	err := v.read.queryRow(ctx, `SELECT (SELECT COUNT(*) FROM visible_signals WHERE receiver = $1 AND state = 'waiting'),
		(SELECT MIN(made_at) FROM visible_signals WHERE receiver = $1 AND state = 'waiting'),
		(SELECT COUNT(*) FROM visible_signals WHERE receiver = $1 AND state = 'delivered' AND ended_at >= $2),
		(SELECT COUNT(*) FROM visible_signals WHERE receiver = $1 AND state IN ('refused', 'told') AND ended_at >= $2),
		(SELECT MAX(ended_at) FROM visible_signals WHERE receiver = $1 AND state = 'delivered' AND ended_at IS NOT NULL)`,
		receiver, micros(now.Add(-window))).Scan(&st.Waiting, &since, &st.Delivered, &st.Refused, &last)
	st.WaitingSince, st.LastDelivered = fromInstant(since), fromInstant(last)
	return st, translate(err)
}

// Undelivered lists tokens that a receiver has not taken, or refused, the oldest first.
func (v View) Undelivered(ctx context.Context, receiver string, limit int) ([]exeunt.Signal, error) {
	var out []exeunt.Signal
	err := eachRow(ctx, v.read, func(r row) error {
		g, err := scanSignal(r)
		out = append(out, g)
		return err
	}, "SELECT state, '', document FROM visible_signals WHERE receiver = $1 AND state <> 'delivered' ORDER BY n LIMIT $2", receiver, limit)
	return out, err
}
