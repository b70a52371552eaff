package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// CheckRun is one run of the ledger's check.
type CheckRun struct {
	ID      int64     `json:"id"`
	By      string    `json:"by"` // who asked for it; "engine" for the hourly one
	BegunAt time.Time `json:"begun_at"`
	EndedAt time.Time `json:"ended_at,omitzero"` // zero while it runs

	Done    int64 `json:"done"`    // entries looked at so far
	Total   int64 `json:"total"`   // entries to look at
	Entries int64 `json:"entries"` // in the signed log
	Cases   int   `json:"cases"`
	Closed  int   `json:"closed"` // of them
	Bodies  int64 `json:"bodies"` // opened, and compared with what the log commits to
	Erased  int64 `json:"erased"` // bodies that are gone, each accounted for
	Waiting int   `json:"waiting"`

	Manifests int `json:"manifests"` // hourly counts that were held against the log

	Root        string             `json:"root,omitempty"` // of the checkpoint, in hex
	Fingerprint string             `json:"fingerprint"`    // of the key that signed it
	Differences exeunt.Differences `json:"differences"`
}

// Holds says whether nothing differed.
func (r CheckRun) Holds() bool { return r.Differences.Count == 0 }

// Fault is what it found, in a line; "" when everything holds.
func (r CheckRun) Fault() string {
	if r.Holds() {
		return ""
	}
	first := strings.TrimSuffix(r.Differences.Kept[0].String(), ".")
	if r.Differences.Count == 1 {
		return first
	}
	return fmt.Sprintf("%s; and %d more", first, r.Differences.Count-1)
}

// Rate is how many entries were looked at in a second.
func (r CheckRun) Rate(now time.Time) float64 {
	end := now
	if !r.EndedAt.IsZero() {
		end = r.EndedAt
	}
	if took := end.Sub(r.BegunAt).Seconds(); took > 0 {
		return float64(r.Done) / took
	}
	return 0
}

// checksKept is how many runs are kept: two months of hourly ones.
const checksKept = 1500

// SaveCheck keeps a run that has ended, and forgets the oldest one.
func (s *Store) SaveCheck(ctx context.Context, r CheckRun) (CheckRun, error) {
	err := s.write(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.queryRow(ctx, "INSERT INTO checks (begun_at, document) VALUES ($1, $2) RETURNING id", micros(r.BegunAt), document(r)).Scan(&r.ID); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "DELETE FROM checks WHERE id <= $1", r.ID-checksKept)
		return err
	})
	return r, err
}

// Checks lists the newest runs.
func (s *Store) Checks(ctx context.Context, limit int) ([]CheckRun, error) {
	var out []CheckRun
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var id int64
		var run CheckRun
		err := scanDocument(r, &run, &id)
		run.ID = id
		out = append(out, run)
		return err
	}, "SELECT id, document FROM checks ORDER BY begun_at DESC, id DESC LIMIT $1", limit)
	return out, err
}
