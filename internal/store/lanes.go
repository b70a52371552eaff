package store

import (
	"context"
	"time"
)

// Several nodes share the work of one PostgreSQL database by lanes: each lane is drained by one node at a
// time, for as long as that renews its lease. So a system's rate budget is kept by one node, exactly; and
// when a node is killed, paused or cut off, its leases end and the others take its lanes.

// Beat is what a node learns each time it says that it lives.
type Beat struct {
	Lanes   []string // that are this node's until the lease ends
	Surplus int      // how many of them it should let go, so that other nodes have their share
	Nodes   int      // that live
}

// Beat renews a node and its lanes for the length of a lease, and takes free lanes up to its fair share of
// those that it knows. Leases are counted by the database's clock, whatever the nodes' clocks say.
func (s *Store) Beat(ctx context.Context, node string, known []string, lease time.Duration) (Beat, error) {
	var b Beat
	err := s.write(ctx, func(ctx context.Context, tx Tx) error {
		now, err := s.dialect.now(ctx, tx)
		if err != nil {
			return err
		}
		k := beater{Tx: tx, node: node, now: now, until: now + lease.Microseconds()}
		b, err = k.beat(ctx, known)
		return err
	})
	if err == nil {
		s.crowded.Store(b.Nodes > 1)
	}
	return b, err
}

type beater struct {
	Tx
	node       string
	now, until int64
}

func (k beater) beat(ctx context.Context, known []string) (Beat, error) {
	var b Beat
	if _, err := k.exec(ctx, "INSERT INTO nodes (name, until) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET until = excluded.until", k.node, k.until); err != nil {
		return b, err
	}
	if err := k.queryRow(ctx, "SELECT COUNT(*) FROM nodes WHERE until >= $1", k.now).Scan(&b.Nodes); err != nil {
		return b, err
	}
	// Who finds its name still on a lane has lost it to nobody, however late it is.
	if _, err := k.exec(ctx, "UPDATE lanes SET until = $1 WHERE node = $2", k.until, k.node); err != nil {
		return b, err
	}
	taken := map[string]bool{}
	err := eachRow(ctx, k, func(r row) error {
		var name, node string
		if err := r.Scan(&name, &node); err != nil {
			return err
		}
		taken[name] = true
		if node == k.node {
			b.Lanes = append(b.Lanes, name)
		}
		return nil
	}, "SELECT name, node FROM lanes WHERE until >= $1 ORDER BY name", k.now)
	if err != nil {
		return b, err
	}
	share := (len(known) + b.Nodes - 1) / b.Nodes
	for _, name := range known {
		if taken[name] || len(b.Lanes) >= share {
			continue
		}
		n, err := k.exec(ctx, `INSERT INTO lanes (name, node, until) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET node = excluded.node, until = excluded.until WHERE lanes.until < $4`, name, k.node, k.until, k.now)
		if err != nil {
			return b, err
		}
		if n > 0 {
			b.Lanes = append(b.Lanes, name)
		}
	}
	b.Surplus = max(0, len(b.Lanes)-share)
	return b, nil
}

// LetGo gives lanes of a node back, for others to take at once; all of them, and the node itself, when none
// is named.
func (s *Store) LetGo(ctx context.Context, node string, lanes ...string) error {
	return s.write(ctx, func(ctx context.Context, tx Tx) error {
		for _, lane := range lanes {
			if _, err := tx.exec(ctx, "DELETE FROM lanes WHERE name = $1 AND node = $2", lane, node); err != nil {
				return err
			}
		}
		if len(lanes) > 0 {
			return nil
		}
		if _, err := tx.exec(ctx, "DELETE FROM lanes WHERE node = $1", node); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "DELETE FROM nodes WHERE name = $1", node)
		return err
	})
}

// ForgetNodes drops every node and lease, and what was claimed by them: for a process that knows that it is
// the only one on the database, so that it need not wait for the leases of the one before it. It says whether
// there may be others, in which case nothing was done.
func (s *Store) ForgetNodes(ctx context.Context, now time.Time) (shared bool, err error) {
	if s.dialect.shared() {
		return true, nil
	}
	return false, s.write(ctx, func(ctx context.Context, tx Tx) error {
		for _, query := range []string{"DELETE FROM lanes", "DELETE FROM nodes"} {
			if _, err := tx.exec(ctx, query); err != nil {
				return err
			}
		}
		_, err := tx.exec(ctx, "UPDATE notices SET due_at = $1 WHERE sent_at IS NULL AND attempts > 0", micros(now))
		return err
	})
}
