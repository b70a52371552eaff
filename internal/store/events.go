package store

import (
	"context"
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

// Receive keeps an event and runs enqueue in the same transaction, unless (source, id) was seen
// before: then nothing is written and fresh is false.
func (s *Store) Receive(ctx context.Context, e Event, enqueue func(context.Context, Tx) error) (fresh bool, err error) {
	err = s.write(ctx, func(tx Tx) error {
		n, err := tx.exec(ctx, `INSERT INTO events (source, event_id, state, received_at, reason, body) VALUES ($1, $2, $3, $4, '', $5)
			ON CONFLICT (source, event_id) DO NOTHING`, e.Source, e.ID, eventReceived, micros(e.ReceivedAt), string(e.Body))
		if err != nil || n == 0 {
			return err
		}
		fresh = true
		return enqueue(ctx, tx)
	})
	return fresh, err
}

// Quarantine keeps the body of a signed event that cannot be understood, for 30 days.
func (s *Store) Quarantine(ctx context.Context, e Event, reason string) error {
	return s.write(ctx, func(tx Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO events (source, event_id, state, received_at, reason, body) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (source, event_id) DO NOTHING`, e.Source, e.ID, eventQuarantined, micros(e.ReceivedAt), reason, string(e.Body))
		return err
	})
}

// DropQuarantine forgets quarantined bodies older than a moment.
func (s *Store) DropQuarantine(ctx context.Context, before time.Time) error {
	return s.write(ctx, func(tx Tx) error {
		_, err := tx.exec(ctx, "DELETE FROM events WHERE state = $1 AND received_at < $2", eventQuarantined, micros(before))
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

// OpenEvents lists the events that were received and not worked on yet.
func (s *Store) OpenEvents(ctx context.Context) ([]Event, error) {
	var out []Event
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var e Event
		err := r.Scan(&e.Source, &e.ID)
		out = append(out, e)
		return err
	}, "SELECT source, event_id FROM events WHERE state = $1", eventReceived)
	return out, err
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
