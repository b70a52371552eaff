package store

import (
	"context"

	"github.com/exeunt/exeunt"
)

// NewestCaseOf returns the leaver's newest case, open or not; NotFound when there is none.
func (s *Store) NewestCaseOf(ctx context.Context, leaverKey string) (exeunt.Case, error) {
	return scanCase(s.dialect.reader().queryRow(ctx, "SELECT "+caseColumns+" FROM cases WHERE leaver_key = $1 ORDER BY id DESC LIMIT 1", leaverKey))
}

// HeardOf is when HR said the newest thing that we heard of a leaver; zero for never.
func (s *Store) HeardOf(ctx context.Context, leaverKey string) (exeunt.Said, error) {
	var heard exeunt.Said
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var said, received int64
		err := r.Scan(&said, &received)
		heard = exeunt.Said{At: fromMicros(said), ReceivedAt: fromMicros(received)}
		return err
	}, "SELECT said_at, received_at FROM leavers WHERE leaver_key = $1", leaverKey)
	return heard, err
}

// Heard is the write by which a commit also keeps when HR said it. It is a conflict when something newer
// was heard meanwhile, so that two events at once end in HR's order whichever is worked on first.
func Heard(leaverKey string, said exeunt.Said) func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error {
		n, err := tx.exec(ctx, `INSERT INTO leavers (leaver_key, said_at, received_at) VALUES ($1, $2, $3)
			ON CONFLICT (leaver_key) DO UPDATE SET said_at = excluded.said_at, received_at = excluded.received_at
			WHERE leavers.said_at < excluded.said_at OR leavers.said_at = excluded.said_at AND leavers.received_at <= excluded.received_at`,
			leaverKey, micros(said.At), micros(said.ReceivedAt))
		if err == nil && n == 0 {
			err = exeunt.Errorf(exeunt.Conflict, "something newer was heard of this person meanwhile")
		}
		return err
	}
}
