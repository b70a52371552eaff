package store

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/remains"
)

// saveErasure keeps that the record of a case is to be destroyed, so that a server that was killed goes on with it.
func (c *committer) saveErasure(ctx context.Context, k exeunt.Case) error {
	if k.Erasure == nil {
		return nil
	}
	c.lanes = append(c.lanes, DutyErasure)
	_, err := c.exec(ctx, "UPDATE cases SET erasing_at = $1 WHERE id = $2", micros(k.Erasure.DecidedAt), int64(k.ID))
	return err
}

// RetentionOver lists closed cases whose retention is over at a moment, at most limit of each type, and says when that
// of the next one is; zero when none is kept for a time. Those under a legal hold are not among them, so that they take
// nobody's turn; their documents say so, and no text in one can look like that, since a quote inside is escaped.
func (s *Store) RetentionOver(ctx context.Context, r exeunt.Retention, now time.Time, limit int) (due []exeunt.CaseID, next time.Time, err error) {
	for _, t := range exeunt.DepartureTypes {
		keep, _ := r.Of(t)
		if keep == 0 {
			continue
		}
		before := micros(now.Add(-keep))
		err := eachRow(ctx, s.dialect.reader(), func(r row) error {
			var id int64
			err := r.Scan(&id)
			due = append(due, exeunt.CaseID(id))
			return err
		}, "SELECT id FROM cases WHERE type = $1 AND closed_at <= $2 AND erasing_at IS NULL AND document NOT LIKE '%\"legal_hold\":{%' ORDER BY closed_at LIMIT $3", string(t), before, limit)
		if err != nil {
			return nil, next, err
		}
		first, err := s.moment(ctx, "SELECT MIN(closed_at) FROM cases WHERE type = $1 AND closed_at > $2 AND erasing_at IS NULL", string(t), before)
		if err != nil {
			return nil, next, err
		}
		if at := first.Add(keep); !first.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return due, next, nil
}

// Unerased is a case whose erasure was decided and is not done.
type Unerased struct {
	exeunt.Case
	Place  int64 // number of its erase entry in the log, -1 while that has none
	Purged bool  // the rows are gone; their traces on disk may not be
}

// Unerased lists the cases whose erasure is to be carried out.
func (s *Store) Unerased(ctx context.Context, limit int) ([]Unerased, error) {
	var out []Unerased
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var u Unerased
		var version, generation int64
		var state, doc string
		if err := r.Scan(&version, &generation, &state, &doc, &u.Place); err != nil {
			return err
		}
		if err := fromDocument(doc, &u.Case); err != nil {
			return err
		}
		u.Version, u.Generation, u.State = version, generation, exeunt.CaseState(state)
		u.Purged = !u.Erasure.DoneAt.IsZero()
		out = append(out, u)
		return nil
	}, "SELECT "+caseColumns+`, COALESCE((SELECT MAX(o.n) FROM outbox o WHERE o.case_id = cases.id AND o.kind = $1), -1)
		FROM cases WHERE erasing_at IS NOT NULL AND erased_at IS NULL ORDER BY erasing_at LIMIT $2`, string(exeunt.EntryErased), limit)
	return out, err
}

// Beside lists the numbers of the entries of the installation that tell of a case and go with its erasure, whose entry has
// the number last. What an entry says decides, and not the column that repeats it.
func (s *Store) Beside(ctx context.Context, id exeunt.CaseID, last int64) (numbers []int64, err error) {
	err = eachRow(ctx, s.dialect.reader(), func(r row) error {
		var n int64
		var body string
		if err := r.Scan(&n, &body); err != nil {
			return err
		}
		if e, err := entryOf(body); err == nil && e.Case == 0 && e.About == id {
			numbers = append(numbers, n)
		}
		return nil
	}, "SELECT n, body FROM outbox WHERE case_id = 0 AND about = $1 AND n <= $2 ORDER BY n", int64(id), last)
	return numbers, err
}

// Purge is the write by which a commit of [exeunt.Case.Erased] also destroys all that the database holds of the case: who
// it was, what was done, asked and said, and what the ledger's entries up to the erasure say. Leaves and their hashes stay,
// since they prove and tell nothing.
//
// It is refused with Temporary while a row that is to go is not covered by a checkpoint over so many entries: what is lost
// from the log until then could not be shipped again.
func Purge(id exeunt.CaseID, covered int64, beside []int64) func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error {
		last, err := lastErasure(ctx, tx, id)
		if err != nil {
			return err
		}
		if last < 0 || last >= covered {
			return exeunt.Errorf(exeunt.Temporary, "the erasure of case %s waits: no checkpoint that counts covers its entries yet", id)
		}
		if err := forgetPerson(ctx, tx, id); err != nil {
			return err
		}
		if err := blank(ctx, tx, id, last, beside); err != nil {
			return err
		}
		if err := forgetMember(ctx, tx, id); err != nil {
			return err
		}
		if err := forgetSignals(ctx, tx, id); err != nil {
			return err
		}
		for _, table := range []string{"dependencies", "shadow_runs", "tasks", "steps", "notices", "departures", "events", "case_viewers"} {
			if _, err := tx.exec(ctx, "DELETE FROM "+table+" WHERE case_id = $1", int64(id)); err != nil {
				return err
			}
		}
		return nil
	}
}

// blank empties the entries of a case up to its erasure, and those beside it.
func blank(ctx context.Context, tx Tx, id exeunt.CaseID, last int64, beside []int64) error {
	const empty = "UPDATE outbox SET salt = '', body = '', actor = '', system = '', what = '' WHERE log_index IS NOT NULL AND "
	if _, err := tx.exec(ctx, empty+"n <= $1 AND kind <> $2 AND case_id = $3", last, string(exeunt.EntryErased), int64(id)); err != nil {
		return err
	}
	for numbers := range batches(beside) {
		args := make([]any, len(numbers))
		for i, n := range numbers {
			args[i] = n
		}
		if _, err := tx.exec(ctx, empty+"case_id = 0 AND n IN (SELECT v.column1 FROM "+values(len(numbers), "BIGINT")+" AS v)", args...); err != nil {
			return err
		}
	}
	return nil
}

func lastErasure(ctx context.Context, tx Tx, id exeunt.CaseID) (int64, error) {
	var last int64
	err := tx.queryRow(ctx, "SELECT COALESCE(MAX(n), -1) FROM outbox WHERE case_id = $1 AND kind = $2 AND log_index IS NOT NULL", int64(id), string(exeunt.EntryErased)).Scan(&last)
	return last, err
}

// forgetPerson takes the link from the case to the person away. What HR last said of somebody who has no other case
// goes with it.
func forgetPerson(ctx context.Context, tx Tx, id exeunt.CaseID) error {
	var key string
	if err := tx.queryRow(ctx, "SELECT leaver_key FROM cases WHERE id = $1", int64(id)).Scan(&key); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, "DELETE FROM leavers WHERE leaver_key = $1 AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.leaver_key = $1 AND c.id <> $2)", key, int64(id)); err != nil {
		return err
	}
	if err := forgetFindings(ctx, tx, id, key); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "UPDATE cases SET leaver_key = '' WHERE id = $1", int64(id))
	return err
}

// forgetMember leaves of somebody's row in a mass departure that there was one.
func forgetMember(ctx context.Context, tx Tx, id exeunt.CaseID) error {
	rows, err := documents[exeunt.Member](ctx, tx, "SELECT document FROM wave_members WHERE case_id = $1", int64(id))
	if err != nil {
		return err
	}
	for _, m := range rows {
		if err := renameMember(ctx, tx, m); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "UPDATE wave_members SET document = $1 WHERE wave_id = $2 AND position = $3", document(m.Erased()), int64(m.Wave), m.Position); err != nil {
			return err
		}
	}
	return nil
}

// WavesWithCaseless lists waves that are over and have rows of people of whom no case came. One whose case may still come
// keeps all of its wave's.
func (s *Store) WavesWithCaseless(ctx context.Context) ([]exeunt.Wave, error) {
	var out []exeunt.Wave
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		w, err := scanWave(r)
		out = append(out, w)
		return err
	}, "SELECT "+waveColumns+" FROM waves WHERE state IN ($1, $2) AND EXISTS (SELECT 1 FROM wave_members m WHERE m.wave_id = waves.id AND "+caseless+
		") AND NOT EXISTS (SELECT 1 FROM wave_members m WHERE m.wave_id = waves.id AND m.state = $3) ORDER BY id",
		string(exeunt.WaveDone), string(exeunt.WaveStopped), string(exeunt.MemberReleased))
	return out, err
}

// caseless is a row of somebody of whom no case came and that is not erased.
const caseless = "m.case_id IS NULL AND m.event_id NOT LIKE 'erased/%'"

// unheld is one of somebody of whom no case is under a legal hold: who has one in another case keeps all that there is.
const unheld = `NOT EXISTS (SELECT 1 FROM cases c WHERE c.leaver_key = m.leaver_key AND c.document LIKE '%"legal_hold":{%')`

// Caseless lists them, without those of people of whom a case is under a legal hold.
func (s *Store) Caseless(ctx context.Context, id exeunt.WaveID) ([]exeunt.Member, error) {
	f := &filter{}
	f.add("m.wave_id = " + f.arg(int64(id)))
	f.add(caseless)
	f.add(unheld)
	return s.members(ctx, f, 0)
}

// ForgetRows is the write by which a commit of [exeunt.Wave.EraseRows] also takes away what leads from its rows to people:
// keys, the events that asked for their cases, and when HR last spoke of somebody who is in no case and in no other wave.
func ForgetRows(people []exeunt.Member) func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error {
		for _, m := range people {
			if err := renameMember(ctx, tx, m); err != nil {
				return err
			}
			if _, err := tx.exec(ctx, "DELETE FROM events WHERE source = $1 AND event_id = $2", exeunt.WaveSource, m.EventID()); err != nil {
				return err
			}
			if _, err := tx.exec(ctx, `DELETE FROM leavers WHERE leaver_key = $1 AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.leaver_key = $1)
				AND NOT EXISTS (SELECT 1 FROM wave_members m WHERE m.leaver_key = $1)`, m.Departure.Leaver.Key()); err != nil {
				return err
			}
		}
		_, err := tx.exec(ctx, "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", scrubDue, Random(8))
		return err
	}
}

// scrubDue is the setting that says, from the transaction on that forgets rows, that their traces are still on disk.
const scrubDue = "scrub"

// ScrubForgotten overwrites what [ForgetRows] left on disk, if anything. It may be repeated, and has to be after an error.
func (s *Store) ScrubForgotten(ctx context.Context) error {
	var due string
	err := translate(s.dialect.reader().queryRow(ctx, "SELECT value FROM settings WHERE name = $1", scrubDue).Scan(&due))
	if exeunt.KindOf(err) == exeunt.NotFound {
		return nil
	}
	if err == nil {
		err = s.Scrub(ctx)
	}
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, tx Tx) error { // unless more was forgotten meanwhile
		_, err := tx.exec(ctx, "DELETE FROM settings WHERE name = $1 AND value = $2", scrubDue, due)
		return err
	})
}

// renameMember takes the keys of a row away.
func renameMember(ctx context.Context, tx Tx, m exeunt.Member) error {
	gone := "erased/" + m.Wave.String() + "/" + strconv.Itoa(m.Position)
	_, err := tx.exec(ctx, "UPDATE wave_members SET leaver_key = $1, event_id = $1 WHERE wave_id = $2 AND position = $3", gone, int64(m.Wave), m.Position)
	return err
}

// Scrub overwrites on disk what was deleted. On SQLite the deleted rows themselves are zeroed already (secure_delete,
// sqlite.go); what is left of them is in the pages from which they had moved, which [remains] knows, and in the write-ahead
// log, which has the pages as they were until it is truncated. PostgreSQL frees the space of deleted rows by its own vacuum.
func (s *Store) Scrub(ctx context.Context) error {
	if err := s.dialect.scrub(ctx); err != nil { // a reader is in the way: known before the whole database is read in vain
		return translate(err)
	}
	pages, err := s.dialect.remains(ctx)
	if err != nil {
		return translate(err)
	}
	if len(pages) == 0 {
		return nil
	}
	for some := range slices.Chunk(pages, pagesAtOnce) {
		if err := s.write(ctx, func(ctx context.Context, tx Tx) error { return overwrite(ctx, tx, some) }); err != nil {
			return err
		}
	}
	return translate(s.dialect.scrub(ctx))
}

// pagesAtOnce are written in one transaction, for which others wait.
const pagesAtOnce = 128

// overwrite clears pages as they are by now.
func overwrite(ctx context.Context, tx Tx, pages []int64) error {
	for _, number := range pages {
		var page []byte
		if err := tx.queryRow(ctx, "SELECT data FROM sqlite_dbpage WHERE pgno = $1", number).Scan(&page); err != nil {
			return err
		}
		remains.Clear(number, page)
		if _, err := tx.exec(ctx, "UPDATE sqlite_dbpage SET data = $1 WHERE pgno = $2", page, number); err != nil {
			return err
		}
	}
	return nil
}

// ErasureDone notes that nothing of a case is left.
func (s *Store) ErasureDone(ctx context.Context, id exeunt.CaseID, now time.Time) error {
	return s.write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.exec(ctx, "UPDATE cases SET erased_at = $1 WHERE id = $2 AND erased_at IS NULL", micros(now), int64(id))
		return err
	})
}

// Erasures lists what was erased or is about to be, the newest decision first.
func (v View) Erasures(ctx context.Context) ([]exeunt.Case, error) {
	var out []exeunt.Case
	err := eachRow(ctx, v.read, func(r row) error {
		c, err := scanCase(r)
		out = append(out, c)
		return err
	}, "SELECT "+caseColumns+" FROM visible_cases WHERE erasing_at IS NOT NULL ORDER BY erasing_at DESC, id DESC LIMIT 1000")
	return out, err
}
