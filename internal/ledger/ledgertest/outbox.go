// Package ledgertest has what tests of the ledger and of evidence share: an outbox as the
// operational database keeps one, in memory or in a file that survives a kill.
package ledgertest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
)

// Origin names the logs of tests.
const Origin = "exeunt.example/test"

// Outbox keeps entries, sequences them and remembers marks. Its methods may be called from several
// goroutines.
type Outbox struct {
	mu      sync.Mutex
	rows    []row // in the order of commit
	placed  int   // of them sequenced
	tails   map[string]tail
	ledger  string   // verifier key
	journal *os.File // nil for one in memory

	// Fault is called before each method of ledger.Outbox with its name; its error is the method's.
	Fault func(method string) error
}

type row struct {
	Kind   exeunt.EntryKind
	Record exeunt.Record
	Index  int64
}

type tail struct {
	seq  int64
	hash string
}

// line is one change in the journal.
type line struct {
	Add      *row   `json:"add,omitempty"`
	Sequence int    `json:"sequence,omitempty"`
	Marked   int64  `json:"marked,omitempty"` // everything below it
	Ledger   string `json:"ledger,omitempty"`
}

// New makes an outbox in memory.
func New() *Outbox { return &Outbox{tails: map[string]tail{}} }

// Open reads an outbox from a file, or makes one. Each change is synced before it counts.
func Open(path string) (*Outbox, error) {
	o := New()
	raw, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	whole := bytes.LastIndexByte(raw, '\n') + 1 // a kill may have torn the last line
	lines := bufio.NewScanner(bytes.NewReader(raw[:whole]))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, err
		}
		o.apply(l)
	}
	if o.journal, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	if err := o.journal.Truncate(int64(whole)); err != nil {
		return nil, err
	}
	_, err = o.journal.Seek(0, 2)
	return o, err
}

func (o *Outbox) commit(l line) error {
	if o.journal != nil {
		raw, err := json.Marshal(l)
		if err != nil {
			return err
		}
		if _, err := o.journal.Write(append(raw, '\n')); err != nil {
			return err
		}
		if err := o.journal.Sync(); err != nil {
			return err
		}
	}
	o.apply(l)
	return nil
}

func (o *Outbox) apply(l line) {
	if l.Add != nil {
		o.rows = append(o.rows, *l.Add)
	}
	for range l.Sequence {
		o.place()
	}
	for n := range l.Marked {
		o.rows[n].Index = n
	}
	if l.Ledger != "" {
		o.ledger = l.Ledger
	}
}

// place gives the next entry its number, as the store does.
func (o *Outbox) place() {
	r := &o.rows[o.placed]
	t, ok := o.tails[r.Record.Case]
	if !ok {
		t.seq = -1
	}
	leaf := exeunt.Leaf{
		Version: 1, Source: Origin, N: int64(o.placed), Case: r.Record.Case, Seq: t.seq + 1, Prev: t.hash,
		Kind: exeunt.LeafKindOf(r.Kind), Commit: exeunt.Commitment(r.Record.Salt, r.Record.Body),
	}
	if leaf.Kind == exeunt.LeafClose {
		leaf.Count = leaf.Seq + 1
	}
	r.Record.N, r.Record.Leaf = leaf.N, leaf.Encode()
	o.tails[leaf.Case] = tail{leaf.Seq, exeunt.LeafHash(r.Record.Leaf)}
	o.placed++
}

// Add commits entries of a case; the handle "" is the installation.
func (o *Outbox) Add(handle string, entries ...exeunt.Entry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range entries {
		if e.ID == "" {
			e.ID = rand.Text()
		}
		r := row{Kind: e.Kind, Index: -1, Record: exeunt.Record{EventID: e.ID, Case: handle, Body: e.Body()}}
		rand.Read(r.Record.Salt[:])
		if err := o.commit(line{Add: &r}); err != nil {
			panic(err)
		}
	}
}

// Handle is the handle that [Entries] of a case belong to.
func Handle(id exeunt.CaseID) string { return fmt.Sprintf("case-%08d", id) }

// Entries are those of a case with n steps, closed at the end if asked.
func Entries(id exeunt.CaseID, steps int, closed bool) []exeunt.Entry {
	at := time.Date(2026, 3, 31, 15, 0, 0, 0, time.UTC)
	list := []exeunt.Entry{{Kind: exeunt.EntryOpened, What: "case opened by bamboohr"}}
	for i := range steps {
		list = append(list, exeunt.Entry{
			Kind: exeunt.EntryConfirmed, System: "okta", Step: fmt.Sprintf("okta:disable-%d", i), What: "seen disabled",
			Detail: map[string]string{"before.status": "ACTIVE", "after.status": "DEPROVISIONED", "person": "Ada Example <ada@example.com>"},
		})
	}
	if closed {
		list = append(list, exeunt.Entry{Kind: exeunt.EntryClosed, What: "closed: every step and task is settled"})
	}
	for i := range list {
		list[i].Case, list[i].At, list[i].Actor = id, at.Add(time.Duration(i)*time.Second), "engine"
	}
	return list
}

// Records returns everything, sequenced or not.
func (o *Outbox) Records() []exeunt.Record {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []exeunt.Record
	for _, r := range o.rows {
		out = append(out, r.Record)
	}
	return out
}

// Marked is how many entries have a mark.
func (o *Outbox) Marked() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, r := range o.rows {
		if r.Index >= 0 {
			n++
		}
	}
	return n
}

// Restore gives the outbox as a backup would that was taken when it had n entries and marked marks.
func (o *Outbox) Restore(n, marked int) *Outbox {
	o.mu.Lock()
	defer o.mu.Unlock()
	old := New()
	old.ledger = o.ledger
	for _, r := range o.rows[:n] {
		r.Index = -1
		old.rows = append(old.rows, r)
	}
	for range n {
		old.place()
	}
	for i := range marked {
		old.rows[i].Index = int64(i)
	}
	return old
}

func (o *Outbox) fault(method string) error {
	if o.Fault == nil {
		return nil
	}
	return o.Fault(method)
}

// Sequence is that of ledger.Outbox.
func (o *Outbox) Sequence(_ context.Context, limit int) (int, error) {
	if err := o.fault("Sequence"); err != nil {
		return 0, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	n := min(limit, len(o.rows)-o.placed)
	if n == 0 {
		return 0, nil
	}
	return n, o.commit(line{Sequence: n})
}

// Unshipped is that of ledger.Outbox.
func (o *Outbox) Unshipped(_ context.Context, limit int) ([]exeunt.Record, error) {
	return o.records("Unshipped", limit, func(r row) bool { return r.Index < 0 })
}

// Sequenced is that of ledger.Outbox.
func (o *Outbox) Sequenced(_ context.Context, from int64, limit int) ([]exeunt.Record, error) {
	return o.records("Sequenced", limit, func(r row) bool { return r.Record.N >= from })
}

func (o *Outbox) records(method string, limit int, wanted func(row) bool) ([]exeunt.Record, error) {
	if err := o.fault(method); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []exeunt.Record
	for _, r := range o.rows[:o.placed] {
		if wanted(r) && len(out) < limit {
			out = append(out, r.Record)
		}
	}
	return out, nil
}

// MarkShipped is that of ledger.Outbox.
func (o *Outbox) MarkShipped(_ context.Context, first, last int64) (int, error) {
	if err := o.fault("MarkShipped"); err != nil {
		return 0, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	marked := 0
	for n := range last + 1 {
		switch unmarked := o.rows[n].Index < 0; {
		case unmarked && n < first:
			return 0, fmt.Errorf("n %d has no mark, but those from n %d on shall get one", n, first)
		case unmarked:
			marked++
		}
	}
	if marked == 0 {
		return 0, nil
	}
	return marked, o.commit(line{Marked: last + 1})
}

// LastShipped is that of ledger.Outbox.
func (o *Outbox) LastShipped(context.Context) (int64, error) {
	if err := o.fault("LastShipped"); err != nil {
		return -1, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for n, r := range slices.Backward(o.rows) {
		if r.Index >= 0 {
			return int64(n), nil
		}
	}
	return -1, nil
}

// ReplaceLedger is that of ledger.Outbox.
func (o *Outbox) ReplaceLedger(_ context.Context, known, key string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ledger != known {
		return exeunt.Errorf(exeunt.Conflict, "it is another ledger")
	}
	return o.commit(line{Ledger: key})
}

// Ledger is that of ledger.Outbox.
func (o *Outbox) Ledger(_ context.Context, key string) (string, error) {
	if err := o.fault("Ledger"); err != nil {
		return "", err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ledger == "" {
		return key, o.commit(line{Ledger: key})
	}
	return o.ledger, nil
}
