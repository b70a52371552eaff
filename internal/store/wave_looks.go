package store

import (
	"context"
	"fmt"

	"github.com/exeunt/exeunt"
)

// Look is what one look for one person's account in one system found.
type Look struct {
	System   string `json:"system"`
	Position int    `json:"row"`
	Name     string `json:"name"`  // of the person
	Found    int    `json:"found"` // accounts; -1 when the system could not be asked
	Why      string `json:"why,omitempty"`
}

// Words say what the look found.
func (l Look) Words() string {
	switch {
	case l.Found < 0:
		return l.System + " could not be asked: " + l.Why
	case l.Found == 0:
		return "no account in " + l.System
	default:
		return fmt.Sprintf("%d accounts in %s match", l.Found, l.System)
	}
}

// SaveLooks keeps what looks of a check found. A look that is there already stays. The last ones of a system wake
// whoever ends the check.
func (s *Store) SaveLooks(ctx context.Context, id exeunt.WaveID, round int, looks []Look, last bool) error {
	err := s.write(ctx, func(ctx context.Context, tx Tx) error {
		for _, l := range looks {
			_, err := tx.exec(ctx, `INSERT INTO wave_looks (wave_id, round, system, position, found, why) VALUES ($1, $2, $3, $4, $5, $6)
				ON CONFLICT (wave_id, round, system, position) DO NOTHING`, int64(id), round, l.System, l.Position, l.Found, l.Why)
			if err != nil {
				return err
			}
		}
		if last {
			return s.wake(ctx, tx, DutyWaves)
		}
		return nil
	})
	if last {
		s.tell(Committed{Lanes: []string{DutyWaves}}, err)
	}
	return err
}

// CountLooks says how many looks of a check are taken in each system.
func (s *Store) CountLooks(ctx context.Context, id exeunt.WaveID, round int) (map[string]int, error) {
	out := map[string]int{}
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var system string
		var n int
		err := r.Scan(&system, &n)
		out[system] = n
		return err
	}, "SELECT system, COUNT(*) FROM wave_looks WHERE wave_id = $1 AND round = $2 GROUP BY system", int64(id), round)
	return out, err
}

// LooksTaken says which people of a wave were looked for in a system, by their position.
func (s *Store) LooksTaken(ctx context.Context, id exeunt.WaveID, round int, system string) (map[int]bool, error) {
	out := map[int]bool{}
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var position int
		err := r.Scan(&position)
		out[position] = true
		return err
	}, "SELECT position FROM wave_looks WHERE wave_id = $1 AND round = $2 AND system = $3", int64(id), round, system)
	return out, err
}

// Identity counts what the looks of a check found, by system.
func (v View) Identity(ctx context.Context, id exeunt.WaveID, round int) ([]exeunt.IdentityCount, error) {
	var out []exeunt.IdentityCount
	err := eachRow(ctx, v.read, func(r row) error {
		var c exeunt.IdentityCount
		err := r.Scan(&c.System, &c.Found, &c.Missing, &c.Ambiguous, &c.Unknown, &c.Why)
		out = append(out, c)
		return err
	}, `SELECT system, SUM(CASE WHEN found = 1 THEN 1 ELSE 0 END), SUM(CASE WHEN found = 0 THEN 1 ELSE 0 END),
			SUM(CASE WHEN found > 1 THEN 1 ELSE 0 END), SUM(CASE WHEN found < 0 THEN 1 ELSE 0 END), MAX(CASE WHEN found < 0 THEN why ELSE '' END)
		FROM visible_looks WHERE wave_id = $1 AND round = $2 GROUP BY system ORDER BY system`, int64(id), round)
	return out, err
}

// Exceptions lists the looks of a check that did not find exactly one account, at most limit.
func (v View) Exceptions(ctx context.Context, id exeunt.WaveID, round, limit int) ([]Look, error) {
	var out []Look
	err := eachRow(ctx, v.read, func(r row) error {
		var l Look
		var m exeunt.Member
		err := scanDocument(r, &m, &l.System, &l.Position, &l.Found, &l.Why)
		l.Name = m.Departure.Leaver.Name
		out = append(out, l)
		return err
	}, `SELECT l.system, l.position, l.found, l.why, m.document FROM visible_looks l JOIN visible_members m ON m.wave_id = l.wave_id AND m.position = l.position
		WHERE l.wave_id = $1 AND l.round = $2 AND l.found <> 1 ORDER BY l.found, l.system, l.position LIMIT $3`, int64(id), round, limit)
	return out, err
}
