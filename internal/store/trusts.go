package store

import (
	"context"

	"github.com/exeunt/exeunt"
)

// Trusts are the decisions that connectors act, and those that are asked for, by system. They are about systems, and hidden from
// nobody who may see those.
func (v View) Trusts(ctx context.Context) (map[string]exeunt.Trust, error) {
	out := map[string]exeunt.Trust{}
	err := eachRow(ctx, v.read, func(r row) error {
		var t exeunt.Trust
		var doc string
		var version int64
		if err := r.Scan(&version, &doc); err != nil {
			return err
		}
		err := fromDocument(doc, &t)
		t.Version = version
		out[t.System] = t
		return err
	}, "SELECT version, document FROM visible_trusts")
	return out, err
}

// SaveTrust keeps a decision, unless somebody decided meanwhile.
func (s *Store) SaveTrust(ctx context.Context, t exeunt.Trust, change *exeunt.Change) error {
	return s.CommitWith(ctx, change, func(ctx context.Context, tx Tx) error {
		query, args := "INSERT INTO trusts (document, system, version) VALUES ($1, $2, 1) ON CONFLICT (system) DO NOTHING", []any{document(t), t.System}
		if t.Version > 0 {
			query, args = "UPDATE trusts SET document = $1, version = version + 1 WHERE system = $2 AND version = $3", append(args, t.Version)
		}
		n, err := tx.exec(ctx, query, args...)
		return unlessDecided(t, n, err)
	})
}

// DropTrust takes a decision away, unless somebody decided meanwhile.
func (s *Store) DropTrust(ctx context.Context, t exeunt.Trust, change *exeunt.Change) error {
	return s.CommitWith(ctx, change, func(ctx context.Context, tx Tx) error {
		n, err := tx.exec(ctx, "DELETE FROM trusts WHERE system = $1 AND version = $2", t.System, t.Version)
		return unlessDecided(t, n, err)
	})
}

func unlessDecided(t exeunt.Trust, n int64, err error) error {
	if err == nil && n == 0 {
		err = exeunt.Errorf(exeunt.Conflict, "somebody decided about %s meanwhile: look again", t.System)
	}
	return err
}
