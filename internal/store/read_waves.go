package store

import (
	"context"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
)

// MemberRow is one person of a wave with what came of it.
type MemberRow struct {
	exeunt.Member
	Of *CaseRow `json:"of,omitempty"` // nil until there is a case
}

// WaveSystem is how a wave stands in one system.
type WaveSystem struct {
	System  string    `json:"system"`
	Steps   int       `json:"steps"`
	Settled int       `json:"settled"`
	Failed  int       `json:"failed"`
	Running int       `json:"running"`           // begun, and not settled
	Recent  int       `json:"recent"`            // settled in the last minute
	FirstAt time.Time `json:"first_at,omitzero"` // when the first and the last of them were settled
	LastAt  time.Time `json:"last_at,omitzero"`
}

// WaveFile is all of one wave.
type WaveFile struct {
	Wave     exeunt.Wave         `json:"wave"`
	Progress exeunt.WaveProgress `json:"progress"`
	Members  []MemberRow         `json:"members"`
	Systems  []WaveSystem        `json:"systems"`
}

// WaveFile returns one wave with its people and systems.
func (v View) WaveFile(ctx context.Context, id exeunt.WaveID, now time.Time) (WaveFile, error) {
	var f WaveFile
	var err error
	if f.Wave, err = v.Wave(ctx, id); err != nil {
		return f, err
	}
	if f.Wave.Checking() {
		if f.Wave.Check.Identity, err = v.Identity(ctx, id, f.Wave.Check.Round); err != nil {
			return f, err
		}
	}
	people, err := v.Members(ctx, id)
	if err != nil {
		return f, err
	}
	if f.Members, err = v.memberRows(ctx, people, now); err != nil {
		return f, err
	}
	f.Progress = progress(f.Members, now)
	f.Systems, err = v.waveSystems(ctx, id, now)
	return f, err
}

// WaveProgress counts the people of a wave by how far they are.
func (v View) WaveProgress(ctx context.Context, id exeunt.WaveID, now time.Time) (exeunt.WaveProgress, error) {
	people, err := v.Members(ctx, id)
	if err != nil {
		return exeunt.WaveProgress{}, err
	}
	rows, err := v.memberRows(ctx, people, now)
	return progress(rows, now), err
}

func (v View) memberRows(ctx context.Context, people []exeunt.Member, now time.Time) ([]MemberRow, error) {
	var ids []int64
	for _, m := range people {
		if m.Case != 0 {
			ids = append(ids, int64(m.Case))
		}
	}
	cases := map[exeunt.CaseID]*CaseRow{}
	for some := range slices.Chunk(ids, 500) {
		found, err := v.casesOf(ctx, some)
		if err != nil {
			return nil, err
		}
		rows, err := v.summarise(ctx, found, now)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			cases[rows[i].ID] = &rows[i]
		}
	}
	out := make([]MemberRow, len(people))
	for i, m := range people {
		if m.Case != 0 && cases[m.Case] == nil { // HR's own case of this person, which is hidden from the reader
			m.Case, m.State = 0, exeunt.MemberReleased
		}
		out[i] = MemberRow{m, cases[m.Case]}
	}
	return out, nil
}

// Ended says whether access has ended for good, as far as the case knows.
func (r CaseRow) Ended() bool {
	return r.AccessSteps > 0 && r.AccessDone == r.AccessSteps && !r.State.Over()
}

// AccessLate says whether the limit has passed and access is not proven ended.
func (r CaseRow) AccessLate(now time.Time) bool {
	return !r.Ended() && r.AccessSteps > 0 && now.After(r.AccessBy) && r.ClosedAt.IsZero() && !r.State.Over()
}

func progress(rows []MemberRow, now time.Time) exeunt.WaveProgress {
	p := exeunt.WaveProgress{People: len(rows)}
	count := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	for _, m := range rows {
		count(&p.Waiting, m.State == exeunt.MemberWaiting)
		count(&p.Released, m.State == exeunt.MemberReleased)
		count(&p.Refused, m.State == exeunt.MemberRefused)
		if m.Of == nil {
			continue
		}
		p.Cases++
		count(&p.Ended, m.Of.Ended())
		count(&p.Failed, m.Of.Failed > 0)
		count(&p.Late, m.Of.AccessLate(now))
		count(&p.Held, m.Of.State == exeunt.CaseHeld)
		count(&p.Closed, !m.Of.ClosedAt.IsZero() || m.Of.State.Over())
	}
	return p
}

// waveSystems adds up the steps of a wave's cases, by system.
func (v View) waveSystems(ctx context.Context, id exeunt.WaveID, now time.Time) ([]WaveSystem, error) {
	var out []WaveSystem
	err := eachRow(ctx, v.read, func(r row) error {
		var w WaveSystem
		var first, last *int64
		err := r.Scan(&w.System, &w.Steps, &w.Settled, &w.Failed, &w.Running, &w.Recent, &first, &last)
		w.FirstAt, w.LastAt = fromInstant(first), fromInstant(last)
		out = append(out, w)
		return err
	}, `SELECT s.system, COUNT(*), SUM(CASE WHEN s.settled_at IS NOT NULL AND s.state <> 'failed' THEN 1 ELSE 0 END), SUM(CASE WHEN s.state = 'failed' THEN 1 ELSE 0 END),
			SUM(CASE WHEN s.state IN ('running', 'ready') THEN 1 ELSE 0 END), SUM(CASE WHEN s.settled_at > $2 THEN 1 ELSE 0 END),
			MIN(CASE WHEN s.state <> 'failed' THEN s.settled_at END), MAX(CASE WHEN s.state <> 'failed' THEN s.settled_at END)
		FROM visible_members m JOIN visible_steps s ON s.case_id = m.case_id WHERE m.wave_id = $1 GROUP BY s.system ORDER BY s.system`, int64(id), micros(now.Add(-time.Minute)))
	return out, err
}

// WaveCount is how far a wave is, from the narrow columns alone.
type WaveCount struct {
	By   map[exeunt.MemberState]int
	Open int // cases that are under way
}

// Coming is how many people were released and have no case yet.
func (c WaveCount) Coming() int { return c.By[exeunt.MemberReleased] }

// CountWave counts the people of a wave.
func (s *Store) CountWave(ctx context.Context, id exeunt.WaveID) (WaveCount, error) {
	c := WaveCount{By: map[exeunt.MemberState]int{}}
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var state string
		var n, open int
		err := r.Scan(&state, &n, &open)
		c.By[exeunt.MemberState(state)] = n
		c.Open += open
		return err
	}, `SELECT m.state, COUNT(*), SUM(CASE WHEN c.closed_at IS NULL AND c.state NOT IN ('rescinded', 'rehired') THEN 1 ELSE 0 END)
		FROM wave_members m LEFT JOIN cases c ON c.id = m.case_id WHERE m.wave_id = $1 GROUP BY m.state`, int64(id))
	return c, err
}
