package ledger

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// Outbox is where the operational database keeps entries until the ledger has them. Each was
// written in the transaction of the change it tells of.
type Outbox interface {
	// Ledger says which ledger the entries go to, by its verifier key: the one that was named first.
	Ledger(ctx context.Context, key string) (string, error)
	// ReplaceLedger records that the ledger with one verifier key has another one now; Conflict when it had a third.
	ReplaceLedger(ctx context.Context, known, key string) error
	// Sequence gives n, seq, prev and the final leaf to at most limit entries that have none, and
	// says to how many. What it gave never changes.
	Sequence(ctx context.Context, limit int) (int, error)
	// Sequenced returns entries from a number on, with or without a mark, in the order of n.
	Sequenced(ctx context.Context, from int64, limit int) ([]exeunt.Record, error)
	// Unshipped returns sequenced entries without a mark, in the order of n.
	Unshipped(ctx context.Context, limit int) ([]exeunt.Record, error)
	// MarkShipped records that the entries of these numbers are in the log, each at the index that is its
	// number, and says how many had no mark yet.
	MarkShipped(ctx context.Context, first, last int64) (int, error)
	// LastShipped is the highest number with a mark, -1 when there is none.
	LastShipped(ctx context.Context) (int64, error)
}

// Destination is what a shipper needs of a ledger: a [Log], or one in a process of its own.
type Destination interface {
	VerifierKey(ctx context.Context) (string, error)
	Size(ctx context.Context) (int64, error)
	Files(ctx context.Context) fs.FS
	Entries(ctx context.Context, from int64) iter.Seq2[LogEntry, error]
	Append(ctx context.Context, records []exeunt.Record) error
}

// Shipper brings entries from the outbox into the log, each exactly once and in the order of n. Every
// node that shares a database may run one: an append that another was faster with does nothing.
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
	shipAtOnce  = 4 * placeAtOnce        // records in one round
	placeAtOnce = 1024                   // that get their places in one transaction, for which other writers wait
	pollEvery   = 5 * time.Second        // without a wake: entries of other nodes
	retryFirst  = 100 * time.Millisecond // after an error, then double
	retryAtMost = 8 * time.Second        // since space, databases and ledgers come back without telling us
	giveWay     = 100 * time.Millisecond // when another node was faster, so that one of them does the work
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
		err := s.recover(ctx)
		for err == nil {
			wait = retryFirst
			s.well()
			if err = s.pause(ctx, pollEvery); err == nil {
				err = s.drain(ctx)
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

func (s *Shipper) well() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.At, s.status.Err = time.Now(), nil
}

func (s *Shipper) reached(size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Size = max(s.status.Size, size)
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

// recover finds out whether this is the ledger that the database knows and how far it is, and marks what
// is in it already. Then it ships what is due.
func (s *Shipper) recover(ctx context.Context) error {
	if err := s.same(ctx); err != nil {
		return err
	}
	last, err := s.outbox.LastShipped(ctx)
	if err != nil {
		return ofOutbox(err)
	}
	size, err := s.log.Size(ctx) // after the marks: what is marked was in the log before it was marked
	if err != nil {
		return err
	}
	if size <= last {
		return exeunt.Errorf(exeunt.Conflict, "the ledger has %d entries, but the database knows that it had %d: the ledger was restored from an older backup, or its end was cut off; restore the newest one, since going on would fork it", size, last+1)
	}
	if err := s.match(ctx, max(last, 0)); err != nil {
		return err
	}
	return s.drain(ctx)
}

// same sees whether the ledger is the one that this database's entries went to so far. A folder that is
// empty by mistake has no entry that could contradict; its key does.
func (s *Shipper) same(ctx context.Context) error {
	key, err := s.log.VerifierKey(ctx)
	if err != nil {
		return err
	}
	known, err := s.outbox.Ledger(ctx, key)
	if err != nil {
		return ofOutbox(err)
	}
	if known == key {
		return nil
	}
	follow, err := verify.Follow(s.log.Files(ctx), known)
	if err != nil {
		return err
	}
	if !slices.Contains(follow, key) {
		return exeunt.Errorf(exeunt.Conflict, "the entries of this database go to the ledger with the key %s, but this one has the key %s: it is another ledger; restore the one before, and see that every server is given the same", known, key)
	}
	return ofOutbox(s.outbox.ReplaceLedger(ctx, known, key))
}

// match compares the log from an index on with the database, and marks what reached the log without
// getting its mark. The log is read first: whatever is in it was in the database before.
func (s *Shipper) match(ctx context.Context, from int64) error {
	var known []exeunt.Record
	next := from
	for entry, err := range s.log.Entries(ctx, from) {
		if err != nil {
			return err
		}
		if len(known) == 0 {
			if err := s.mark(ctx, group{from, next}); err != nil {
				return err
			}
			from = next
			if known, err = s.outbox.Sequenced(ctx, next, shipAtOnce); err != nil {
				return ofOutbox(err)
			}
		}
		if len(known) == 0 || known[0].N != entry.Index {
			return exeunt.Errorf(exeunt.Conflict, "entry %d of the ledger is not in the database: the database was restored from an older backup, rows were deleted, or something else writes to the ledger; restore the newest backup, since going on would fork the record", entry.Index)
		}
		if r := known[0]; !bytes.Equal(r.Leaf, entry.Leaf) {
			return exeunt.Errorf(exeunt.Conflict, "entry %d of the ledger is not the one that the database has as n %d (event %s): one of the two was restored from a backup or changed, or this is another ledger", entry.Index, r.N, r.EventID)
		}
		known, next = known[1:], next+1
	}
	return s.mark(ctx, group{from, next})
}

// drain sequences and ships until nothing is left. While the ledger takes one group, the database marks the one
// before, and gives the next its places: neither waits for the other's disk.
func (s *Shipper) drain(ctx context.Context) error {
	sequenced, err := s.place(ctx)
	if err != nil {
		return err
	}
	records, err := s.outbox.Unshipped(ctx, shipAtOnce)
	if err != nil {
		return ofOutbox(err)
	}
	var shipped group
	for len(records) > 0 || sequenced > 0 {
		if err := s.dense(records); err != nil {
			return errors.Join(s.mark(ctx, shipped), err)
		}
		now := groupOf(records)
		beside := make(chan ahead, 1)
		go func() { beside <- s.beside(ctx, shipped, now) }()
		appended := s.log.Append(ctx, records)
		next := <-beside
		if appended != nil { // the group before is marked; what is in the log of this one is found by reading it
			return appended
		}
		if next.err != nil {
			return next.err
		}
		shipped, records, sequenced = now, next.records, next.sequenced
	}
	return s.mark(ctx, shipped)
}

// group is a range of numbers that were shipped together; nothing when it is empty.
type group struct{ first, end int64 }

func groupOf(records []exeunt.Record) group {
	if len(records) == 0 {
		return group{}
	}
	return group{records[0].N, records[len(records)-1].N + 1}
}

// ahead is what the database did while the ledger took a group.
type ahead struct {
	sequenced int
	records   []exeunt.Record // the next ones
	err       error
}

// beside marks the group that is in the log, and gets what comes after the one that is on its way there.
func (s *Shipper) beside(ctx context.Context, shipped, now group) (a ahead) {
	if a.err = s.mark(ctx, shipped); a.err != nil {
		return a
	}
	if a.sequenced, a.err = s.place(ctx); a.err != nil {
		return a
	}
	if now == (group{}) {
		a.records, a.err = s.outbox.Unshipped(ctx, shipAtOnce)
	} else {
		a.records, a.err = s.outbox.Sequenced(ctx, now.end, shipAtOnce)
	}
	if a.err != nil {
		a.err = ofOutbox(a.err)
	}
	return a
}

// place gives the entries of a round their places, and says how many got one.
func (s *Shipper) place(ctx context.Context) (placed int, err error) {
	for placed < shipAtOnce {
		n, err := s.outbox.Sequence(ctx, placeAtOnce)
		if err != nil {
			return placed, ofOutbox(err)
		}
		if placed += n; n < placeAtOnce {
			break
		}
	}
	return placed, nil
}

// dense refuses records between which some are missing.
func (s *Shipper) dense(records []exeunt.Record) error {
	for i, r := range records {
		if first := records[0].N; r.N != first+int64(i) {
			return exeunt.Errorf(exeunt.Conflict, "the database has entry n %d to ship, but n %d is due: rows were deleted, or its numbers were changed", r.N, first+int64(i))
		}
	}
	return nil
}

// mark notes that the entries of these numbers are in the log.
func (s *Shipper) mark(ctx context.Context, g group) error {
	if g.end <= g.first {
		return nil
	}
	marked, err := s.outbox.MarkShipped(ctx, g.first, g.end-1)
	if err != nil {
		return ofOutbox(err)
	}
	s.reached(g.end)
	if marked == 0 && g.end-g.first > 1 {
		s.sleep(ctx, giveWay)
	}
	return nil
}

// ofOutbox makes an error of the database one that is tried again, whatever its kind: two nodes that
// sequence at once may conflict, and that says nothing about the ledger.
func ofOutbox(err error) error {
	if err == nil {
		return nil
	}
	return exeunt.Errorf(exeunt.Temporary, "the ledger's outbox in the database cannot be used: %s", exeunt.MessageOf(err)).Because(err)
}
