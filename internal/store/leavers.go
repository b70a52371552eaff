package store

import (
	"context"

	"github.com/exeunt/exeunt"
)

// NewestCaseOf returns the leaver's newest case, open or not; NotFound when there is none.
func (s *Store) NewestCaseOf(ctx context.Context, leaverKey string) (exeunt.Case, error) {
	return scanCase(s.dialect.reader().queryRow(ctx, "SELECT "+caseColumns+" FROM cases WHERE leaver_key = $1 ORDER BY id DESC LIMIT 1", leaverKey))
}

// HeardOf is what HR said last of a leaver, as far as we heard, and when; zero for nothing.
func (s *Store) HeardOf(ctx context.Context, leaverKey string) (exeunt.Said, error) {
	var heard exeunt.Said
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var said, received int64
		var kind string
		err := r.Scan(&said, &received, &kind)
		heard = exeunt.Said{At: fromMicros(said), ReceivedAt: fromMicros(received), Kind: exeunt.TriggerKind(kind)}
		return err
	}, "SELECT said_at, received_at, kind FROM leavers WHERE leaver_key = $1", leaverKey)
	return heard, err
}

// Heard is the write by which a commit also keeps when HR said it. It is a conflict when something newer
// was heard meanwhile, so that two events at once end in HR's order whichever is worked on first.
func Heard(leaverKey string, said exeunt.Said) func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error {
		n, err := tx.exec(ctx, `INSERT INTO leavers (leaver_key, said_at, received_at, kind) VALUES ($1, $2, $3, $4)
			ON CONFLICT (leaver_key) DO UPDATE SET said_at = excluded.said_at, received_at = excluded.received_at, kind = excluded.kind
			WHERE leavers.said_at < excluded.said_at OR leavers.said_at = excluded.said_at AND leavers.received_at <= excluded.received_at`,
			leaverKey, micros(said.At), micros(said.ReceivedAt), string(said.Kind))
		if err == nil && n == 0 {
			err = exeunt.Errorf(exeunt.Conflict, "something newer was heard of this person meanwhile")
		}
		return err
	}
}

// NothingNewer is the write by which a commit holds only while nothing was heard of somebody since. It waits for whoever is
// at that on another node, as writing it does.
func NothingNewer(leaverKey string, heard exeunt.Said) func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error {
		var known int64
		if err := tx.queryRow(ctx, "SELECT COUNT(*) FROM leavers WHERE leaver_key = $1", leaverKey).Scan(&known); err != nil {
			return err
		}
		same, err := tx.exec(ctx, "UPDATE leavers SET said_at = said_at WHERE leaver_key = $1 AND said_at = $2 AND received_at = $3", leaverKey, micros(heard.At), micros(heard.ReceivedAt))
		if err == nil && known != same {
			err = exeunt.Errorf(exeunt.Conflict, "HR said something of this person just now: look again")
		}
		return err
	}
}
