package store

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/exeunt/exeunt"
)

// Unstamped is a closed case whose closing leaf has no time stamp.
type Unstamped struct {
	Case exeunt.CaseID
	Leaf []byte
}

// Unstamped lists closed cases without a time stamp whose closing entry is in the log, those closed first before the
// others; and since when the first of them is closed.
func (s *Store) Unstamped(ctx context.Context, limit int) (list []Unstamped, since time.Time, err error) {
	err = eachRow(ctx, s.dialect.reader(), func(r row) error {
		var u Unstamped
		var id, at int64
		var leaf string
		if err := r.Scan(&id, &leaf, &at); err != nil {
			return err
		}
		if since.IsZero() {
			since = fromMicros(at)
		}
		u.Case, u.Leaf = exeunt.CaseID(id), []byte(leaf)
		list = append(list, u)
		return nil
	}, `SELECT c.id, o.leaf, c.closed_at FROM cases c JOIN outbox o ON o.case_id = c.id AND o.kind = $1 AND o.log_index IS NOT NULL
		WHERE c.closed_at IS NOT NULL AND c.stamped_at IS NULL ORDER BY c.closed_at LIMIT $2`, string(exeunt.EntryClosed), limit)
	return list, since, err
}

// SaveStamp keeps the time stamp of a case, with an entry beside the case that says so. The first one counts.
func (s *Store) SaveStamp(ctx context.Context, u Unstamped, token []byte, authority string, at time.Time) error {
	var change exeunt.Change
	change.Record(exeunt.EntryStamped, u.Case, time.Now(), "the close of the case was time-stamped by "+authority, map[string]string{"authority": authority, "at": at.UTC().Format(time.RFC3339)})
	return s.CommitWith(ctx, &change, func(ctx context.Context, tx Tx) error {
		n, err := tx.exec(ctx, "UPDATE cases SET stamped_at = $1 WHERE id = $2 AND stamped_at IS NULL", micros(at), int64(u.Case))
		if err == nil && n == 0 {
			err = exeunt.Errorf(exeunt.Conflict, "case %s has its time stamp", u.Case)
		}
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, "INSERT INTO stamps (leaf_hash, token, authority, stamped_at) VALUES ($1, $2, $3, $4)",
			exeunt.LeafHash(u.Leaf), base64.StdEncoding.EncodeToString(token), authority, micros(at))
		return err
	})
}

// Stamp is the time stamp of a leaf; nil when it has none.
func (s *Store) Stamp(ctx context.Context, leaf []byte) ([]byte, error) {
	var token string
	err := eachRow(ctx, s.dialect.reader(), func(r row) error { return r.Scan(&token) }, "SELECT token FROM stamps WHERE leaf_hash = $1", exeunt.LeafHash(leaf))
	if err != nil || token == "" {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(token)
}
