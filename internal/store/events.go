package store

import (
	"context"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
)

// Event is what a source sent, kept before it is answered.
type Event struct {
	Source     string
	ID         string
	Body       []byte
	ReceivedAt time.Time
}

// Event states.
const (
	eventReceived    = "received"
	eventDone        = "done"
	eventQuarantined = "quarantined"
)

// receipts gives what one server receives its order: no two events have the same instant, also when they come in
// one delivery or its clock is slewed.
type receipts struct {
	mu   sync.Mutex
	last time.Time
}

// setBack is by how much a clock goes back when it was set and not slewed: what is received then is not moved
// to the time before, where it would count as a mass change.
const setBack = time.Minute

// of is the instant of the next receipt.
func (r *receipts) of(at time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	at = at.Truncate(time.Microsecond)
	if ahead := r.last.Sub(at); ahead >= 0 && ahead < setBack {
		at = r.last.Add(time.Microsecond)
	}
	r.last = at
	return at
}

// Receive keeps an event to be worked on, unless (source, id) was seen before: then nothing is written and
// fresh is false.
func (s *Store) Receive(ctx context.Context, e Event) (fresh bool, err error) {
	received := s.receipts.of(e.ReceivedAt)
	err = s.write(ctx, func(ctx context.Context, tx Tx) error {
		n, err := tx.exec(ctx, `INSERT INTO events (source, event_id, state, received_at, due_at, attempts, reason, body) VALUES ($1, $2, $3, $4, $5, 0, '', $6)
			ON CONFLICT (source, event_id) DO NOTHING`, e.Source, e.ID, eventReceived, micros(received), micros(e.ReceivedAt), string(e.Body))
		fresh = n > 0
		if err != nil || !fresh {
			return err
		}
		return s.wake(ctx, tx, DutyEvents)
	})
	if fresh {
		s.tell(Committed{Lanes: []string{DutyEvents}}, err)
	}
	return fresh && err == nil, err
}

// Quarantine keeps the body of a signed event that cannot be understood, for 30 days.
func (s *Store) Quarantine(ctx context.Context, e Event, reason string) error {
	return s.write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO events (source, event_id, state, received_at, due_at, attempts, reason, body) VALUES ($1, $2, $3, $4, $4, 0, $5, $6)
			ON CONFLICT (source, event_id) DO NOTHING`, e.Source, e.ID, eventQuarantined, micros(e.ReceivedAt), reason, string(e.Body))
		return err
	})
}

// DropQuarantine forgets quarantined bodies older than a moment.
func (s *Store) DropQuarantine(ctx context.Context, before time.Time) error {
	return s.write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.exec(ctx, "DELETE FROM events WHERE state = $1 AND received_at < $2", eventQuarantined, micros(before))
		return err
	})
}

// ForgetEvents forgets answered events without a case that were received before a moment: a source that tells one again
// after so long is heard as if for the first time. Those of a case go with its record.
func (s *Store) ForgetEvents(ctx context.Context, before time.Time) error {
	return s.write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.exec(ctx, "DELETE FROM events WHERE state = $1 AND received_at < $2 AND COALESCE(case_id, 0) = 0", eventDone, micros(before))
		return err
	})
}

// Event loads a received event; done says that it was worked on already.
func (s *Store) Event(ctx context.Context, source, id string) (e Event, done bool, err error) {
	var state, body string
	var at int64
	err = s.dialect.reader().queryRow(ctx, "SELECT state, received_at, body FROM events WHERE source = $1 AND event_id = $2", source, id).Scan(&state, &at, &body)
	return Event{Source: source, ID: id, Body: []byte(body), ReceivedAt: fromMicros(at)}, state != eventReceived, translate(err)
}

// DueEvents lists events that were received and are to be worked on by a moment, in the order of their
// receipt, at most limit; and when the next one after these is due.
func (s *Store) DueEvents(ctx context.Context, now time.Time, limit int) (due []Event, next time.Time, err error) {
	err = eachRow(ctx, s.dialect.reader(), func(r row) error {
		var e Event
		err := r.Scan(&e.Source, &e.ID)
		due = append(due, e)
		return err
	}, "SELECT source, event_id FROM events WHERE state = $1 AND due_at <= $2 ORDER BY received_at LIMIT $3", eventReceived, micros(now), limit)
	if err != nil {
		return nil, next, err
	}
	next, err = s.moment(ctx, "SELECT MIN(due_at) FROM events WHERE state = $1 AND due_at > $2", eventReceived, micros(now))
	return due, next, err
}

// PostponeEvent says when to work on an event again, after a failure that may pass, and how many there were.
func (s *Store) PostponeEvent(ctx context.Context, e Event, until func(attempts int) time.Time) (attempts int, err error) {
	err = s.write(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.queryRow(ctx, "UPDATE events SET attempts = attempts + 1 WHERE source = $1 AND event_id = $2 RETURNING attempts", e.Source, e.ID).Scan(&attempts); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "UPDATE events SET due_at = $1 WHERE source = $2 AND event_id = $3", micros(until(attempts)), e.Source, e.ID)
		return err
	})
	return attempts, err
}

// EventDone is the write by which a commit also settles the event that it answers. The body is
// dropped: what mattered of it is in the case.
func EventDone(source, id, reason string, of exeunt.CaseID) func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error {
		n, err := tx.exec(ctx, "UPDATE events SET state = $1, reason = $2, case_id = $3, body = '' WHERE source = $4 AND event_id = $5 AND state = $6",
			eventDone, reason, int64(of), source, id, eventReceived)
		if err == nil && n == 0 {
			return exeunt.Errorf(exeunt.Conflict, "the event was worked on already")
		}
		return err
	}
}
