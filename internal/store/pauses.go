package store

import (
	"context"
	"time"
)

// KeepPause keeps for how long a system asked to be left alone from now on (RFC 9110 section 10.2.3), for whoever has
// its lane next. A shorter pause never shortens a longer one.
func (s *Store) KeepPause(ctx context.Context, system string, wait time.Duration) error {
	return s.write(ctx, func(ctx context.Context, tx Tx) error {
		now, err := s.dialect.now(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "DELETE FROM pauses WHERE until <= $1", now); err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO pauses (system, until) VALUES ($1, $2)
			ON CONFLICT (system) DO UPDATE SET until = excluded.until WHERE pauses.until < excluded.until`, system, now+wait.Microseconds())
		return err
	})
}

// pauses are how long systems are to be left alone yet.
func (k beater) pauses(ctx context.Context) (map[string]time.Duration, error) {
	left := map[string]time.Duration{}
	err := eachRow(ctx, k, func(r row) error {
		var system string
		var until int64
		err := r.Scan(&system, &until)
		left[system] = time.Duration(until-k.now) * time.Microsecond
		return err
	}, "SELECT system, until FROM pauses WHERE until > $1", k.now)
	return left, err
}
