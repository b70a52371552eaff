package store

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// NewestCaseOf returns the leaver's newest case, open or not; NotFound when there is none.
func (s *Store) NewestCaseOf(ctx context.Context, leaverKey string) (exeunt.Case, error) {
	return scanCase(s.dialect.reader().queryRow(ctx, "SELECT "+caseColumns+" FROM cases WHERE leaver_key = $1 ORDER BY id DESC LIMIT 1", leaverKey))
}

// HeardOf is when, by its own clock, HR said the newest thing that we heard of a leaver; zero for never.
func (s *Store) HeardOf(ctx context.Context, leaverKey string) (time.Time, error) {
	var at time.Time
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var us int64
		err := r.Scan(&us)
		at = fromMicros(us)
		return err
	}, "SELECT heard_at FROM leavers WHERE leaver_key = $1", leaverKey)
	return at, err
}

// Heard is the write by which a commit also keeps when HR said it. It is a conflict when something newer
// was heard meanwhile, so that two events at once end in HR's order whichever is worked on first.
func Heard(leaverKey string, at time.Time) func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error {
		n, err := tx.exec(ctx, `INSERT INTO leavers (leaver_key, heard_at) VALUES ($1, $2)
			ON CONFLICT (leaver_key) DO UPDATE SET heard_at = excluded.heard_at WHERE leavers.heard_at <= excluded.heard_at`, leaverKey, micros(at))
		if err == nil && n == 0 {
			err = exeunt.Errorf(exeunt.Conflict, "something newer was heard of this person meanwhile")
		}
		return err
	}
}
