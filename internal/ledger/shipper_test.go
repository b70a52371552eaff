package ledger_test

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
)

// memory is a log in memory, with faults. Lost makes an append fail after it was done for the
// first Lost records, as a cut connection or a full disk would.
type memory struct {
	key    string
	mu     sync.Mutex
	leaves [][]byte
	fail   func(records int) (kept int, err error) // called before each append; kept records are in the log all the same
	calls  int
}

func (m *memory) Append(_ context.Context, records []exeunt.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	size := int64(len(m.leaves))
	if records[0].N > size {
		return exeunt.Errorf(exeunt.Conflict, "n %d does not continue %d", records[0].N, size)
	}
	kept, err := len(records), error(nil)
	if m.fail != nil {
		kept, err = m.fail(len(records))
	}
	for _, r := range records[:kept] {
		switch {
		case r.N == int64(len(m.leaves)):
			m.leaves = append(m.leaves, r.Leaf)
		case string(m.leaves[r.N]) != string(r.Leaf):
			return exeunt.Errorf(exeunt.Conflict, "n %d is another", r.N)
		}
	}
	return err
}

func (m *memory) Files(context.Context) fs.FS { return fstest.MapFS{} }

func (m *memory) VerifierKey(context.Context) (string, error) { return "memory+" + m.key, nil }

func (m *memory) Size(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.leaves)), nil
}

func (m *memory) Entries(_ context.Context, from int64) iter.Seq2[ledger.LogEntry, error] {
	m.mu.Lock()
	leaves := slices.Clone(m.leaves)
	m.mu.Unlock()
	return func(yield func(ledger.LogEntry, error) bool) {
		for i := from; i < int64(len(leaves)); i++ {
			if !yield(ledger.LogEntry{Index: i, Leaf: leaves[i]}, nil) {
				return
			}
		}
	}
}

// same checks that the log has every record of the outbox once and in order.
func (m *memory) same(t *testing.T, o *ledgertest.Outbox) {
	t.Helper()
	records := o.Records()
	if len(m.leaves) != len(records) || o.Marked() != len(records) {
		t.Fatalf("the log has %d entries, the outbox %d, marked %d", len(m.leaves), len(records), o.Marked())
	}
	for i, r := range records {
		if string(m.leaves[i]) != string(r.Leaf) {
			t.Fatalf("entry %d is not n %d", i, i)
		}
	}
}

func newShipper(o ledger.Outbox, d ledger.Destination) *ledger.Shipper {
	return ledger.NewShipper(o, d, slog.New(slog.DiscardHandler))
}

// run starts a shipper in a synctest bubble and returns what stops it and gives its error.
func run(t *testing.T, s *ledger.Shipper) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return func() error { cancel(); return <-done }
}

func TestCommitsShipAtOnceWhenWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, m := ledgertest.New(), &memory{}
		s := newShipper(o, m)
		stop := run(t, s)
		synctest.Wait()
		begun := time.Now()
		o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 2500, true)...)
		s.Wake()
		synctest.Wait()
		if time.Since(begun) != 0 {
			t.Errorf("it took %v", time.Since(begun))
		}
		m.same(t, o)
		if st := s.Status(); st.Size != 2502 || st.Err != nil {
			t.Errorf("status: %+v", st)
		}
		o.Add(ledgertest.Handle(2), ledgertest.Entries(2, 3, false)...) // by another node: nobody wakes us
		time.Sleep(6 * time.Second)
		m.same(t, o)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A full disk may let through none, some or all of a group whose append fails. Whatever it was,
// nothing is lost, nothing is there twice, and the order is kept.
func TestAFailedAppendIsResumedWithoutDouble(t *testing.T) {
	full := exeunt.Errorf(exeunt.Temporary, "the disk is full").Because(syscall.ENOSPC)
	for _, kept := range []int{0, 1, 7, 20} {
		synctest.Test(t, func(t *testing.T) {
			o, m := ledgertest.New(), &memory{}
			o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 18, true)...)
			m.fail = func(n int) (int, error) {
				if m.calls <= 3 {
					return min(kept, n), full
				}
				return n, nil
			}
			s := newShipper(o, m)
			stop := run(t, s)
			synctest.Wait()
			if st := s.Status(); st.Err == nil || st.Stopped || !errors.Is(st.Err, syscall.ENOSPC) {
				t.Fatalf("kept %d: after the first failure: %+v", kept, st)
			}
			time.Sleep(time.Minute)
			m.same(t, o)
			if st := s.Status(); st.Err != nil || st.Size != 20 {
				t.Errorf("kept %d: at the end: %+v", kept, st)
			}
			stop()
		})
	}
}

func TestADatabaseThatFailsIsTriedAgain(t *testing.T) {
	for _, method := range []string{"Ledger", "Sequence", "Unshipped", "MarkShipped", "LastShipped"} {
		synctest.Test(t, func(t *testing.T) {
			o, m := ledgertest.New(), &memory{}
			o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 18, true)...)
			failures := 3
			o.Fault = func(called string) error {
				if called == method && failures > 0 {
					failures--
					return exeunt.Errorf(exeunt.Conflict, "another node sequences")
				}
				return nil
			}
			s := newShipper(o, m)
			stop := run(t, s)
			synctest.Wait()
			if st := s.Status(); st.Err == nil || st.Stopped {
				t.Errorf("%s: %+v", method, st)
			}
			time.Sleep(time.Minute)
			m.same(t, o)
			stop()
		})
	}
}

func TestContradictionsStopTheShipper(t *testing.T) {
	whole := func() (*ledgertest.Outbox, *memory) {
		o, m := ledgertest.New(), &memory{}
		o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 18, true)...)
		o.Sequence(t.Context(), 100)
		for _, r := range o.Records() {
			m.leaves = append(m.leaves, r.Leaf)
		}
		_, err := o.MarkShipped(t.Context(), 0, int64(len(m.leaves))-1)
		must(t, err)
		_, err = o.Ledger(t.Context(), "memory+")
		must(t, err)
		o.Add(ledgertest.Handle(2), ledgertest.Entries(2, 3, true)...)
		return o, m
	}
	for _, c := range []struct {
		name  string
		spoil func(o **ledgertest.Outbox, m *memory)
	}{
		{"the log was restored from an older backup", func(_ **ledgertest.Outbox, m *memory) { m.leaves = m.leaves[:12] }},
		{"the log is empty", func(_ **ledgertest.Outbox, m *memory) { m.leaves = nil }},
		{"the database was restored from an older backup", func(o **ledgertest.Outbox, _ *memory) { *o = (*o).Restore(12, 12) }},
		{"the database is new", func(o **ledgertest.Outbox, _ *memory) { *o = ledgertest.New() }},
		{"the database was restored, and went on before the ledger was reached", func(o **ledgertest.Outbox, _ *memory) {
			*o = (*o).Restore(12, 10)
			(*o).Add(ledgertest.Handle(3), ledgertest.Entries(3, 10, false)...)
			(*o).Sequence(t.Context(), 100)
		}},
		{"a leaf in the log differs", func(o **ledgertest.Outbox, m *memory) {
			*o = (*o).Restore(20, 10)
			m.leaves[15] = m.leaves[14]
		}},
		{"the ledger is another one", func(_ **ledgertest.Outbox, m *memory) { m.key = "other" }},
		{"the log is of another installation", func(_ **ledgertest.Outbox, m *memory) { m.leaves[19] = m.leaves[0] }},
		{"something else wrote to the log", func(_ **ledgertest.Outbox, m *memory) { m.leaves = append(m.leaves, []byte(`{"v":1}`)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, m := whole()
			c.spoil(&o, m)
			before := len(m.leaves)
			var s *ledger.Shipper
			synctest.Test(t, func(t *testing.T) {
				s = newShipper(o, m)
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				err := s.Run(ctx)
				if exeunt.KindOf(err) != exeunt.Conflict {
					t.Fatalf("got %v", err)
				}
			})
			if st := s.Status(); !st.Stopped || st.Err == nil {
				t.Errorf("status: %+v", st)
			}
			if m.calls != 0 || len(m.leaves) != before {
				t.Error("it wrote to the log all the same")
			}
		})
	}
}

// Two nodes ship from one database, and one of them is paused between reading the outbox and appending,
// for as long as it takes the other to do all of it and more.
func TestTwoShippersShipEachEntryOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, m := ledgertest.New(), &memory{}
		o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 3000, true)...)
		slow := &paused{memory: m, resume: make(chan struct{})}
		one, two := newShipper(o, slow), newShipper(o, m)
		stopOne := run(t, one)
		synctest.Wait() // it holds the first thousand in its hands
		stopTwo := run(t, two)
		synctest.Wait()
		o.Add(ledgertest.Handle(2), ledgertest.Entries(2, 30, true)...)
		two.Wake()
		synctest.Wait()
		m.same(t, o)
		close(slow.resume)
		time.Sleep(time.Minute)
		o.Add(ledgertest.Handle(3), ledgertest.Entries(3, 3000, true)...)
		one.Wake()
		two.Wake()
		time.Sleep(time.Minute)
		m.same(t, o)
		for name, s := range map[string]*ledger.Shipper{"paused": one, "other": two} {
			if st := s.Status(); st.Err != nil || st.At.IsZero() {
				t.Errorf("%s: %+v", name, st)
			}
		}
		stopOne()
		stopTwo()
	})
}

// paused is a log whose first append waits.
type paused struct {
	*memory
	resume chan struct{}
}

func (p *paused) Append(ctx context.Context, records []exeunt.Record) error {
	select {
	case <-p.resume:
	case <-ctx.Done():
		return ctx.Err()
	}
	return p.memory.Append(ctx, records)
}
