package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// NextWave gives the next wave id.
func (s *Store) NextWave(ctx context.Context) (exeunt.WaveID, error) {
	var id int64
	err := s.write(ctx, func(ctx context.Context, tx Tx) error {
		return tx.queryRow(ctx, "UPDATE counters SET value = value + 1 WHERE name = 'wave' RETURNING value").Scan(&id)
	})
	return exeunt.WaveID(id), err
}

// saveWave writes the wave and the people that a change is about.
func (c *committer) saveWave(ctx context.Context) error {
	w := c.change.Wave
	if w == nil {
		return c.saveMembers(ctx)
	}
	c.lanes = append(c.lanes, DutyWaves)
	old := w.Version
	w.Version++
	var n int64
	var err error
	if old == 0 {
		n, err = c.exec(ctx, "INSERT INTO waves (id, version, state, made_at, embargoed_at, document) VALUES ($1, $2, $3, $4, $5, $6)",
			int64(w.ID), w.Version, string(w.State), micros(w.Made.At), waveEmbargoedAt(*w), document(w))
	} else {
		n, err = c.exec(ctx, "UPDATE waves SET version = $1, state = $2, embargoed_at = $3, document = $4 WHERE id = $5 AND version = $6",
			w.Version, string(w.State), waveEmbargoedAt(*w), document(w), int64(w.ID), old)
	}
	if err == nil && n == 0 {
		err = exeunt.Errorf(exeunt.Conflict, "wave %s was changed by somebody else meanwhile: look again and decide anew", w.ID)
	}
	if err != nil {
		return err
	}
	if w.Embargoed() {
		for _, email := range w.Embargo.VisibleTo {
			if _, err := c.exec(ctx, "INSERT INTO wave_viewers (wave_id, email) VALUES ($1, $2) ON CONFLICT (wave_id, email) DO NOTHING", int64(w.ID), address(email)); err != nil {
				return err
			}
		}
	}
	return c.saveMembers(ctx)
}

// waveEmbargoedAt is since when a wave is under embargo; nil when it is not.
func waveEmbargoedAt(w exeunt.Wave) *int64 {
	if !w.Embargoed() {
		return nil
	}
	return instant(w.Made.At)
}

func (c *committer) saveMembers(ctx context.Context) error {
	for i := range c.change.Members {
		if err := c.saveMember(ctx, &c.change.Members[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *committer) saveMember(ctx context.Context, m *exeunt.Member) error {
	var of *int64
	if m.Case != 0 {
		id := int64(m.Case)
		of = &id
	}
	old := m.Version
	m.Version++
	var n int64
	var err error
	if old == 0 {
		n, err = c.exec(ctx, `INSERT INTO wave_members (wave_id, position, version, leaver_key, event_id, state, cut_off, case_id, document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			int64(m.Wave), m.Position, m.Version, m.Departure.Leaver.Key(), m.EventID(), string(m.State), micros(m.Departure.CutOffAt), of, document(m))
	} else {
		n, err = c.exec(ctx, "UPDATE wave_members SET version = $1, state = $2, case_id = $3, document = $4 WHERE wave_id = $5 AND position = $6 AND version = $7",
			m.Version, string(m.State), of, document(m), int64(m.Wave), m.Position, old)
	}
	if err == nil && n == 0 {
		err = exeunt.Errorf(exeunt.Conflict, "row %d of wave %s was settled by somebody else meanwhile", m.Position, m.Wave)
	}
	return err
}

const waveColumns = "version, state, document"

func scanWave(r row) (exeunt.Wave, error) {
	var w exeunt.Wave
	var version int64
	var state, doc string
	if err := r.Scan(&version, &state, &doc); err != nil {
		return w, translate(err)
	}
	err := fromDocument(doc, &w)
	w.Version, w.State = version, exeunt.WaveState(state)
	return w, err
}

// Wave returns one wave.
func (v View) Wave(ctx context.Context, id exeunt.WaveID) (exeunt.Wave, error) {
	w, err := scanWave(v.read.queryRow(ctx, "SELECT "+waveColumns+" FROM visible_waves WHERE id = $1", int64(id)))
	if exeunt.KindOf(err) == exeunt.NotFound {
		err = exeunt.Errorf(exeunt.NotFound, "there is no wave %s, or you may not see it", id)
	}
	return w, err
}

// Waves lists waves, the newest first; of the given states only, when any are given.
func (v View) Waves(ctx context.Context, states ...exeunt.WaveState) ([]exeunt.Wave, error) {
	f := &filter{}
	var in []string
	for _, state := range states {
		in = append(in, f.arg(string(state)))
	}
	if len(in) > 0 {
		f.add("state IN (" + strings.Join(in, ", ") + ")")
	}
	var out []exeunt.Wave
	err := eachRow(ctx, v.read, func(r row) error {
		w, err := scanWave(r)
		out = append(out, w)
		return err
	}, "SELECT "+waveColumns+" FROM visible_waves"+f.where()+" ORDER BY id DESC", f.args...)
	return out, err
}

// membersFrom lists people of waves by a condition over a table m, in the order of the list.
func membersFrom(ctx context.Context, q querier, table string, f *filter, limit int) ([]exeunt.Member, error) {
	var out []exeunt.Member
	query := "SELECT m.version, m.state, m.document FROM " + table + " m" + f.where() + " ORDER BY m.wave_id, m.position"
	if limit > 0 {
		query += " LIMIT " + f.arg(limit)
	}
	err := eachRow(ctx, q, func(r row) error {
		var m exeunt.Member
		var version int64
		var state string
		err := scanDocument(r, &m, &version, &state)
		m.Version, m.State = version, exeunt.MemberState(state)
		out = append(out, m)
		return err
	}, query, f.args...)
	return out, err
}

func (s *Store) members(ctx context.Context, f *filter, limit int) ([]exeunt.Member, error) {
	return membersFrom(ctx, s.dialect.reader(), "wave_members", f, limit)
}

// Members lists the people of a wave.
func (v View) Members(ctx context.Context, id exeunt.WaveID) ([]exeunt.Member, error) {
	f := &filter{}
	f.add("m.wave_id = " + f.arg(int64(id)))
	return membersFrom(ctx, v.read, "visible_members", f, 0)
}

// Member returns one person of a wave, by the event that asks for the case.
func (s *Store) Member(ctx context.Context, eventID string) (exeunt.Member, error) {
	f := &filter{}
	f.add("m.event_id = " + f.arg(eventID))
	found, err := s.members(ctx, f, 1)
	if err == nil && len(found) == 0 {
		err = exeunt.Errorf(exeunt.NotFound, "no wave has asked for %s", eventID)
	}
	if err != nil {
		return exeunt.Member{}, err
	}
	return found[0], nil
}

// WaitingMembers lists people of a wave that were not released yet, whose access ends by a moment; zero is
// any. next is when the first of the others is due.
func (s *Store) WaitingMembers(ctx context.Context, id exeunt.WaveID, by time.Time, limit int) (people []exeunt.Member, next time.Time, err error) {
	f := &filter{}
	f.add("m.wave_id = " + f.arg(int64(id)))
	f.equal("m.state", string(exeunt.MemberWaiting))
	if !by.IsZero() {
		f.add("m.cut_off <= " + f.arg(micros(by)))
	}
	people, err = s.members(ctx, f, limit)
	if err != nil || by.IsZero() {
		return people, next, err
	}
	var at *int64
	err = s.dialect.reader().queryRow(ctx, "SELECT MIN(cut_off) FROM wave_members WHERE wave_id = $1 AND state = $2 AND cut_off > $3",
		int64(id), string(exeunt.MemberWaiting), micros(by)).Scan(&at)
	return people, fromInstant(at), translate(err)
}

// Unannounced lists people who were released and whose event is not there yet: what a crash cut off.
func (s *Store) Unannounced(ctx context.Context) ([]exeunt.Member, error) {
	f := &filter{}
	f.add("m.state = 'released'") // as the partial index has it
	f.add("NOT EXISTS (SELECT 1 FROM events e WHERE e.source = " + f.arg(exeunt.WaveSource) + " AND e.event_id = m.event_id)")
	return s.members(ctx, f, 0)
}

// EmbargoedWaves lists the waves whose embargo has not ended.
func (s *Store) EmbargoedWaves(ctx context.Context) ([]exeunt.Wave, error) {
	var out []exeunt.Wave
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		w, err := scanWave(r)
		out = append(out, w)
		return err
	}, "SELECT "+waveColumns+" FROM waves WHERE embargoed_at IS NOT NULL")
	return out, err
}

// AheadOfStopped lists people of stopped waves who have a case whose access does not end before a moment.
func (s *Store) AheadOfStopped(ctx context.Context, now time.Time) ([]exeunt.Member, error) {
	f := &filter{}
	f.add("m.wave_id IN (SELECT id FROM waves WHERE state = " + f.arg(string(exeunt.WaveStopped)) + ")")
	f.add("m.cut_off > " + f.arg(micros(now)))
	f.add(fmt.Sprintf("m.state IN (%s, %s)", f.arg(string(exeunt.MemberOpened)), f.arg(string(exeunt.MemberJoined))))
	return s.members(ctx, f, 0)
}

// Taken says of whoever cannot be in a new wave, by leaver key, why not. but is a wave that does not count.
// What is hidden takes nobody: to say so would tell of it.
func (v View) Taken(ctx context.Context, keys []string, but exeunt.WaveID) (map[string]string, error) {
	out := map[string]string{}
	for len(keys) > 0 {
		some := keys[:min(len(keys), 500)] // a statement has a bounded number of parameters
		keys = keys[len(some):]
		f := &filter{}
		var in []string
		for _, key := range some {
			in = append(in, f.arg(key))
		}
		list := strings.Join(in, ", ")
		collect := func(why string) func(row) error {
			return func(r row) error {
				var key string
				var id int64
				err := r.Scan(&key, &id)
				out[key] = fmt.Sprintf(why, id)
				return err
			}
		}
		err := eachRow(ctx, v.read, collect("is in wave W-%d already"), `SELECT m.leaver_key, m.wave_id FROM visible_members m JOIN visible_waves w ON w.id = m.wave_id
			WHERE w.state NOT IN ('stopped', 'done') AND m.state IN ('waiting', 'released') AND m.leaver_key IN (`+list+`) AND m.wave_id <> `+f.arg(int64(but)), f.args...)
		if err != nil {
			return nil, err
		}
		err = eachRow(ctx, v.read, collect("leaves already by case C-%d"), `SELECT leaver_key, id FROM visible_cases WHERE closed_at IS NULL AND state NOT IN ('rescinded', 'rehired') AND leaver_key IN (`+list+`)`, f.args[:len(some)]...)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
