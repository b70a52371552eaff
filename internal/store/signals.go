package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
)

// SignalStream is the stream of a receiver; NotFound when it has none.
func (s *Store) SignalStream(ctx context.Context, receiver string) (exeunt.SignalStream, error) {
	var stream exeunt.SignalStream
	var version int64
	var sealed, doc string
	err := translate(s.dialect.reader().queryRow(ctx, "SELECT version, authorization_header, document FROM signal_streams WHERE receiver = $1", receiver).Scan(&version, &sealed, &doc))
	if exeunt.KindOf(err) == exeunt.NotFound {
		return stream, exeunt.Errorf(exeunt.NotFound, "the receiver %s has no stream", receiver)
	}
	if err == nil {
		err = fromDocument(doc, &stream)
	}
	if err == nil {
		stream.Authorization, err = s.opened(sealed, streamSecret+receiver)
	}
	stream.Version = version
	return stream, err
}

// KeepStream keeps a stream as a change says; Conflict when there is one already, or it was changed meanwhile.
func (s *Store) KeepStream(ctx context.Context, stream exeunt.SignalStream, change *exeunt.Change) error {
	sealed, err := s.sealed(stream.Authorization, streamSecret+stream.Receiver)
	switch {
	case err != nil:
		return err
	case stream.Version == 0:
		return s.onOne(ctx, change, "INSERT INTO signal_streams (receiver, version, authorization_header, document) VALUES ($1, 1, $2, $3) ON CONFLICT (receiver) DO NOTHING", stream.Receiver, sealed, document(stream))
	}
	return s.onOne(ctx, change, "UPDATE signal_streams SET version = version + 1, authorization_header = $1, document = $2 WHERE receiver = $3 AND version = $4", sealed, document(stream), stream.Receiver, stream.Version)
}

// DropStream ends a stream, with whom it wanted to hear of and what it has not taken of what is about itself. What is to be
// told of people stays: their steps fail, and are tried again where it comes back.
func (s *Store) DropStream(ctx context.Context, stream exeunt.SignalStream, change *exeunt.Change) error {
	return s.CommitWith(ctx, change, func(ctx context.Context, tx Tx) error {
		n, err := tx.exec(ctx, "DELETE FROM signal_streams WHERE receiver = $1 AND version = $2", stream.Receiver, stream.Version)
		if err == nil && n == 0 {
			err = exeunt.Errorf(exeunt.Conflict, "the stream was changed meanwhile")
		}
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "DELETE FROM signals WHERE receiver = $1 AND case_id = 0", stream.Receiver); err != nil {
			return err
		}
		_, err = tx.exec(ctx, "DELETE FROM signal_subjects WHERE receiver = $1", stream.Receiver)
		return err
	})
}

// AskedToVerify notes when a receiver last asked for a verification, unless that was after a moment.
func (s *Store) AskedToVerify(ctx context.Context, stream exeunt.SignalStream, notAfter, now time.Time) (bool, error) {
	if stream.VerifiedAt.After(notAfter) {
		return false, nil
	}
	stream.VerifiedAt = now.UTC()
	var n int64
	err := s.write(ctx, func(ctx context.Context, tx Tx) (err error) {
		n, err = tx.exec(ctx, "UPDATE signal_streams SET version = version + 1, document = $1 WHERE receiver = $2 AND version = $3", document(stream), stream.Receiver, stream.Version)
		return err
	})
	return n > 0, err
}

// Mentions keeps whether a receiver wants to hear of somebody.
func (s *Store) Mentions(ctx context.Context, receiver, subject string, wanted bool, now time.Time) error {
	var added *int64
	if wanted {
		added = instant(now)
	}
	return s.write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO signal_subjects (receiver, subject, added_at) VALUES ($1, $2, $3)
			ON CONFLICT (receiver, subject) DO UPDATE SET added_at = excluded.added_at`, receiver, subjectDigest(subject), added)
		return err
	})
}

// Mentioned says what a receiver said of somebody: that it wants to hear of them, that it does not, or nothing.
func (s *Store) Mentioned(ctx context.Context, receiver, subject string) (wanted, said bool, err error) {
	err = eachRow(ctx, s.dialect.reader(), func(r row) error {
		var added *int64
		err := r.Scan(&added)
		wanted, said = added != nil, true
		return err
	}, "SELECT added_at FROM signal_subjects WHERE receiver = $1 AND subject = $2", receiver, subjectDigest(subject))
	return wanted, said, err
}

func subjectDigest(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return hex.EncodeToString(sum[:])
}

// A token waits unless the step that tells it was cancelled or settled otherwise meanwhile, or its case is held or closed: the
// receiver is not to hear then what nobody wants any more, or yet.
const (
	signalOff   = "EXISTS (SELECT 1 FROM steps s WHERE s.case_id = g.case_id AND s.key = g.step AND s.state IN ('cancelled', 'waived', 'skipped', 'attested'))"
	signalHeld  = "EXISTS (SELECT 1 FROM cases c WHERE c.id = g.case_id AND (c.state = 'held' OR c.embargoed_at IS NOT NULL OR c.closed_at IS NOT NULL))"
	signalState = "CASE WHEN g.state = 'waiting' AND " + signalOff + " THEN 'withdrawn' ELSE g.state END"
)

func scanSignal(r row) (exeunt.Signal, error) {
	var g exeunt.Signal
	var state, token, doc string
	if err := r.Scan(&state, &token, &doc); err != nil {
		return g, err
	}
	err := fromDocument(doc, &g)
	g.State, g.Token = exeunt.SignalState(state), token
	return g, err
}

// Signals lists what a receiver was told, or is to be told, about somebody, the newest last.
func (s *Store) Signals(ctx context.Context, receiver, subject string) ([]exeunt.Signal, error) {
	var out []exeunt.Signal
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		g, err := scanSignal(r)
		out = append(out, g)
		return err
	}, "SELECT "+signalState+", g.token, g.document FROM signals g WHERE g.receiver = $1 AND g.subject = $2 ORDER BY g.n DESC LIMIT 100", receiver, subject)
	slices.Reverse(out)
	return out, err
}

// KeepSignal keeps a token before it is sent anywhere, and refuses more than a receiver may let wait. Where the newest token
// of the same action about the same person is of the same attempts, that one counts and is returned, unless it was refused.
func (s *Store) KeepSignal(ctx context.Context, g exeunt.Signal, most int) (exeunt.Signal, error) {
	kept := g
	err := s.write(ctx, func(ctx context.Context, tx Tx) error {
		kept = g
		var round int64 // asked for first: what another server keeps after that has the same
		if err := tx.queryRow(ctx, "SELECT COALESCE(MAX(round), 0) + 1 FROM signals WHERE receiver = $1 AND subject = $2 AND action = $3 AND attempts = $4", g.Receiver, g.Subject, string(g.Action), g.Attempts).Scan(&round); err != nil {
			return err
		}
		same, err := sameSignal(ctx, tx, g)
		if err != nil || same.ID != "" {
			kept = same
			return err
		}
		if err := maySignal(ctx, tx, g, most); err != nil {
			return err
		}
		// Where another server makes the same one in this moment, this waits for it, and then it is there.
		n, err := tx.exec(ctx, `INSERT INTO signals (id, receiver, subject, case_id, step, action, attempts, state, made_at, token, document, round)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
			ON CONFLICT (receiver, subject, action, attempts, round) DO NOTHING`,
			g.ID, g.Receiver, g.Subject, int64(g.Case), g.Step, string(g.Action), g.Attempts, string(g.State), micros(g.MadeAt), g.Token, document(g), round)
		if err != nil || n > 0 {
			return err
		}
		if kept, err = sameSignal(ctx, tx, g); err == nil && kept.ID == "" {
			err = exeunt.Errorf(exeunt.Temporary, "another server tells the receiver the same")
		}
		return err
	})
	return kept, err
}

// sameSignal is the token that tells what another is to tell; one without ID when there is none.
func sameSignal(ctx context.Context, tx Tx, g exeunt.Signal) (exeunt.Signal, error) {
	last, err := signalsIn(ctx, tx, "g.receiver = $1 AND g.subject = $2 AND g.action = $3 AND NOT ("+signalOff+" AND g.state = 'waiting') ORDER BY g.n DESC LIMIT 1", g.Receiver, g.Subject, string(g.Action))
	if err != nil || len(last) == 0 || last[0].Attempts != g.Attempts || last[0].State == exeunt.SignalTold {
		return exeunt.Signal{}, err
	}
	return last[0], nil
}

// maySignal says whether a receiver has left too much waiting.
func maySignal(ctx context.Context, tx Tx, g exeunt.Signal, most int) error {
	var waiting int
	if err := tx.queryRow(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM signals WHERE receiver = $1 AND state = 'waiting' LIMIT $2) AS w", g.Receiver, most).Scan(&waiting); err != nil {
		return err
	}
	if waiting >= most {
		return exeunt.Errorf(exeunt.Temporary, "the receiver has left %d security event tokens waiting: it has to fetch them first", waiting)
	}
	return nil
}

// SettleSignal keeps what became of a token of a receiver. It returns false for one that is not its own, or that had ended
// so already: both may happen, since what is acknowledged is acknowledged again when the answer to that was lost.
func (s *Store) SettleSignal(ctx context.Context, receiver, id string, state exeunt.SignalState, reason string, now time.Time) (bool, error) {
	var settled bool
	err := s.write(ctx, func(ctx context.Context, tx Tx) error {
		settled = false
		found, err := signalsIn(ctx, tx, "g.receiver = $1 AND g.id = $2", receiver, id)
		if err != nil || len(found) == 0 || found[0].State == state || found[0].State == exeunt.SignalDelivered {
			return err
		}
		g := found[0]
		g.State, g.Reason, g.EndedAt = state, reason, now.UTC()
		if state != exeunt.SignalWaiting {
			g.Token = "" // nobody gets it any more
		}
		n, err := tx.exec(ctx, "UPDATE signals SET state = $1, ended_at = $2, token = $3, document = $4 WHERE receiver = $5 AND id = $6 AND state <> $7",
			string(g.State), instant(g.EndedAt), g.Token, document(g), receiver, id, string(exeunt.SignalDelivered)) // by another server meanwhile
		settled = n > 0
		return err
	})
	return settled, err
}

func signalsIn(ctx context.Context, q querier, where string, args ...any) ([]exeunt.Signal, error) {
	var out []exeunt.Signal
	err := eachRow(ctx, q, func(r row) error {
		g, err := scanSignal(r)
		out = append(out, g)
		return err
	}, "SELECT g.state, g.token, g.document FROM signals g WHERE "+where, args...)
	return out, err
}

// WaitingSignals lists what a receiver may fetch now, the oldest first, and says whether there is more.
func (s *Store) WaitingSignals(ctx context.Context, receiver string, limit int) (some []exeunt.Signal, more bool, err error) {
	some, err = signalsIn(ctx, s.dialect.reader(), "g.receiver = $1 AND g.state = 'waiting' AND NOT "+signalOff+" AND NOT "+signalHeld+" ORDER BY g.n LIMIT $2", receiver, limit+1)
	if len(some) > limit {
		return some[:limit], true, err
	}
	return some, false, err
}

// DropSignals takes away tokens that nobody is to hear any more: of closed cases that no receiver has fetched, and what was
// about streams before a moment.
func (s *Store) DropSignals(ctx context.Context, before time.Time) error {
	return s.write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.exec(ctx, "DELETE FROM signals WHERE case_id = 0 AND made_at < $1 OR state = 'waiting' AND case_id IN (SELECT id FROM cases WHERE closed_at IS NOT NULL)", micros(before))
		return err
	})
}

// SignalKeys lists every key that signed security event tokens or will, but those that receivers may have forgotten.
func (s *Store) SignalKeys(ctx context.Context, now time.Time) ([]exeunt.SignalKey, error) {
	return s.signalKeys(ctx, s.dialect.reader(), now)
}

func (s *Store) signalKeys(ctx context.Context, q querier, now time.Time) ([]exeunt.SignalKey, error) {
	var out []exeunt.SignalKey
	err := eachRow(ctx, q, func(r row) error {
		var k exeunt.SignalKey
		var private, doc string
		err := r.Scan(&private, &doc)
		if err == nil {
			err = fromDocument(doc, &k)
		}
		if err != nil || !k.EndsAt.IsZero() && !k.EndsAt.After(now) {
			return err
		}
		k.Private, err = s.opened(private, keySecret+k.ID)
		out = append(out, k)
		return err
	}, "SELECT private, document FROM signal_keys ORDER BY id")
	return out, err
}

// FollowKey lets a key follow those that sign now; only the first of several servers that make a first key succeeds, and the
// others are told Conflict.
func (s *Store) FollowKey(ctx context.Context, k exeunt.SignalKey, before []exeunt.SignalKey, atOnce bool, by exeunt.Override, now time.Time) (exeunt.SignalKey, error) {
	next, ending, change := k.Follow(before, atOnce, by, now)
	private, err := s.sealed(next.Private, keySecret+next.ID)
	if err != nil {
		return next, err
	}
	err = s.CommitWith(ctx, &change, func(ctx context.Context, tx Tx) error {
		if _, err := tx.exec(ctx, "UPDATE counters SET value = value WHERE name = 'case'"); err != nil { // one at a time
			return err
		}
		there, err := s.signalKeys(ctx, tx, now)
		if err != nil {
			return err
		}
		if len(there) != len(before) {
			return exeunt.Errorf(exeunt.Conflict, "another server has changed the keys just now")
		}
		for _, old := range ending {
			if _, err := tx.exec(ctx, "UPDATE signal_keys SET document = $1 WHERE id = $2", document(old), old.ID); err != nil {
				return err
			}
		}
		_, err = tx.exec(ctx, "INSERT INTO signal_keys (id, algorithm, private, document) VALUES ($1, $2, $3, $4)", next.ID, next.Algorithm, private, document(next))
		return err
	})
	return next, err
}

// forgetSignals takes away what receivers were told of a case, and that they had asked of its person.
func forgetSignals(ctx context.Context, tx Tx, id exeunt.CaseID) error {
	told, err := signalsIn(ctx, tx, "g.case_id = $1", int64(id))
	if err != nil {
		return err
	}
	for _, g := range told {
		if _, err := tx.exec(ctx, "DELETE FROM signal_subjects WHERE receiver = $1 AND subject = $2", g.Receiver, subjectDigest(g.Subject)); err != nil {
			return err
		}
	}
	_, err = tx.exec(ctx, "DELETE FROM signals WHERE case_id = $1", int64(id))
	return err
}
