package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
)

// Outbox is where the operational database keeps entries until the ledger has them. Each was
// written in the transaction of the change it tells of.
type Outbox interface {
	// Sequence gives n, seq, prev and the final leaf to at most limit entries that have none, and
	// says to how many. What it gave never changes.
	Sequence(ctx context.Context, limit int) (int, error)
	// Unshipped returns sequenced entries without a mark, in the order of n.
	Unshipped(ctx context.Context, limit int) ([]exeunt.Record, error)
	// MarkShipped records where entries stand in the log. Marking again is harmless.
	MarkShipped(ctx context.Context, marks []exeunt.Mark) error
	// LastShipped is the newest mark, -1 and -1 when there is none.
	LastShipped(ctx context.Context) (n, index int64, err error)
}

// Destination is what a shipper needs of a [Log].
type Destination interface {
	Append(ctx context.Context, records []exeunt.Record) ([]int64, error)
	Size(ctx context.Context) (int64, error)
	Entries(ctx context.Context, from int64) iter.Seq2[LogEntry, error]
}

// Shipper brings entries from the outbox into the log, each exactly once and in the order of n. Only
// one may run per log.
//
// Exactly once rests on reading, not on remembering: at its start and after every error it reads
// the log from the last mark on, and marks what it finds there before it appends anything. So it
// does not matter whether a kill came before an append, after it, or before its mark.
type Shipper struct {
	outbox Outbox
	log    Destination
	logger *slog.Logger
	wake   chan struct{}

	mu     sync.Mutex
	status Status
}

// Status is how shipping goes.
type Status struct {
	Size    int64         // entries that are in the log and marked
	At      time.Time     // when the last round went well; zero before the first
	Err     *exeunt.Error // why the last round did not; nil when it did
	Stopped bool          // it will not try again by itself: the log and the database contradict each other
}

const (
	shipAtOnce  = 1024             // records in one round
	pollEvery   = 5 * time.Second  // without a wake: entries of other nodes
	retryFirst  = time.Second      // after an error, then double
	retryAtMost = 30 * time.Second // since space and databases come back without telling us
)

// NewShipper makes a shipper; Run starts it.
func NewShipper(o Outbox, d Destination, logger *slog.Logger) *Shipper {
	return &Shipper{outbox: o, log: d, logger: logger, wake: make(chan struct{}, 1)}
}

// Wake says that there is something to ship. It never blocks.
func (s *Shipper) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Status says how shipping goes, for health checks and alerts.
func (s *Shipper) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Run ships until the context ends, and then returns nil. What may pass by itself, such as a full disk,
// is tried again. A contradiction between log and database ends it with an error of kind Conflict:
// an entry that the database does not know, a log shorter than the newest mark, a leaf that
// differs. One of the two was then restored from a backup or changed, and a person has to decide.
func (s *Shipper) Run(ctx context.Context) error {
	wait := retryFirst
	for ctx.Err() == nil {
		next := int64(-1)
		err := s.recover(ctx, &next)
		for err == nil {
			wait = retryFirst
			s.well(next)
			if err = s.pause(ctx, pollEvery); err == nil {
				err = s.drain(ctx, &next)
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		if s.failed(err) {
			return err
		}
		s.sleep(ctx, wait)
		wait = min(2*wait, retryAtMost)
	}
	return nil
}

// pause waits for a wake or the time; its error is that of the context.
func (s *Shipper) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// sleep waits after an error; a wake does not cut it short, or a busy server would hammer a full disk.
func (s *Shipper) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (s *Shipper) well(size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = Status{Size: size, At: time.Now()}
}

// failed keeps the error and says whether it is for good.
func (s *Shipper) failed(err error) bool {
	kind := exeunt.KindOf(err)
	stop := kind == exeunt.Conflict || kind == exeunt.Invalid
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Err = exeunt.Errorf(kind, "%s", exeunt.MessageOf(err)).Because(err)
	s.status.Stopped = stop
	s.logger.Error("entries do not reach the ledger", "why", exeunt.MessageOf(err), "cause", errors.Unwrap(err), "stopped", stop)
	return stop
}

// recover finds out how far the log is, and marks what is in it already. Then it ships what is due.
func (s *Shipper) recover(ctx context.Context, next *int64) error {
	lastN, lastIndex, err := s.outbox.LastShipped(ctx)
	if err != nil {
		return ofOutbox(err)
	}
	size, err := s.log.Size(ctx)
	if err != nil {
		return err
	}
	if size <= lastIndex {
		return exeunt.Errorf(exeunt.Conflict, "the ledger has %d entries, but entry n %d was shipped to index %d of it: the ledger was restored from an older backup; restore the newest one, since going on would fork it", size, lastN, lastIndex)
	}
	if err := s.checkMark(ctx, lastN, lastIndex); err != nil {
		return err
	}
	if err := s.match(ctx, lastIndex+1); err != nil {
		return err
	}
	*next = size
	return s.drain(ctx, next)
}

// checkMark sees whether the newest mark points at an entry of that number.
func (s *Shipper) checkMark(ctx context.Context, n, index int64) error {
	if index < 0 {
		return nil
	}
	for entry, err := range s.log.Entries(ctx, index) {
		if err != nil {
			return err
		}
		if found := numberOf(entry.Leaf); found != n || n != index {
			return exeunt.Errorf(exeunt.Conflict, "the database says that entry n %d stands at index %d of the ledger, but n %d stands there: this is another ledger; check which folder it is", n, index, found)
		}
		return nil
	}
	return exeunt.Errorf(exeunt.Temporary, "entry %d of the ledger cannot be read", index)
}

func numberOf(leaf []byte) int64 {
	l := exeunt.Leaf{N: -1}
	if json.Unmarshal(leaf, &l) != nil {
		return -1
	}
	return l.N
}

// match marks the entries from an index on that reached the log without getting their mark.
func (s *Shipper) match(ctx context.Context, from int64) error {
	var known []exeunt.Record
	var marks []exeunt.Mark
	for entry, err := range s.log.Entries(ctx, from) {
		if err != nil {
			return err
		}
		if len(known) == 0 {
			if err := s.mark(ctx, marks); err != nil {
				return err
			}
			marks = nil
			if known, err = s.outbox.Unshipped(ctx, shipAtOnce); err != nil {
				return ofOutbox(err)
			}
		}
		if len(known) == 0 {
			return exeunt.Errorf(exeunt.Conflict, "entry %d of the ledger is not in the database: the database was restored from an older backup, or something else writes to the ledger; restore the newest backup, since going on would fork the record", entry.Index)
		}
		r := known[0]
		if r.N != entry.Index || !bytes.Equal(r.Leaf, entry.Leaf) {
			return exeunt.Errorf(exeunt.Conflict, "entry %d of the ledger is not the one that the database has as n %d (event %s): one of the two was restored from a backup or changed", entry.Index, r.N, r.EventID)
		}
		marks = append(marks, exeunt.Mark{N: r.N, Index: entry.Index})
		known = known[1:]
	}
	return s.mark(ctx, marks)
}

// drain sequences and ships until nothing is left. next is the number that is due.
func (s *Shipper) drain(ctx context.Context, next *int64) error {
	for {
		sequenced, err := s.outbox.Sequence(ctx, shipAtOnce)
		if err != nil {
			return ofOutbox(err)
		}
		records, err := s.outbox.Unshipped(ctx, shipAtOnce)
		if err != nil {
			return ofOutbox(err)
		}
		if len(records) == 0 && sequenced == 0 {
			return nil
		}
		if err := s.ship(ctx, records, next); err != nil {
			return err
		}
	}
}

func (s *Shipper) ship(ctx context.Context, records []exeunt.Record, next *int64) error {
	marks := make([]exeunt.Mark, len(records))
	for i, r := range records {
		if r.N != *next+int64(i) {
			return exeunt.Errorf(exeunt.Conflict, "the database has entry n %d to ship, but n %d is due: its numbers have a gap or were given twice", r.N, *next+int64(i))
		}
	}
	indexes, err := s.log.Append(ctx, records)
	if err != nil {
		return err
	}
	for i, index := range indexes {
		marks[i] = exeunt.Mark{N: records[i].N, Index: index}
	}
	if err := s.mark(ctx, marks); err != nil {
		return err
	}
	*next += int64(len(records))
	return nil
}

func (s *Shipper) mark(ctx context.Context, marks []exeunt.Mark) error {
	if len(marks) == 0 {
		return nil
	}
	return ofOutbox(s.outbox.MarkShipped(ctx, marks))
}

// ofOutbox makes an error of the database one that is tried again, whatever its kind: two nodes that
// sequence at once may conflict, and that says nothing about the ledger.
func ofOutbox(err error) error {
	if err == nil {
		return nil
	}
	return exeunt.Errorf(exeunt.Temporary, "the ledger's outbox in the database cannot be used: %s", exeunt.MessageOf(err)).Because(err)
}
