package store

import (
	"context"
	"encoding/json"
	"iter"
	"runtime"
	"strings"
	"sync"

	"github.com/exeunt/exeunt"
)

// Logged is a sequenced row of the outbox as a check of the ledger sees it: what it commits to, and which of its
// own columns contradict each other.
type Logged struct {
	N       int64
	Handle  string // of the case whose entry it is
	Holder  string // of the case that it tells of
	Kind    exeunt.LeafKind
	Seq     int64
	Leaf    string
	Commit  string // hex; "" when its body was erased
	Differs []string

	Manifest    map[string]string // what it counts, where it is one
	ErasureDone bool              // it says so of its case
	Beside      []int64           // and which entries beside the case went with it
}

// loggedPage is how many rows are read at once.
const loggedPage = 1024

// Logged goes through the sequenced rows from a number on, in order. Pages are read and hashed on all
// processors; only a few are in memory at a time.
func (o Outbox) Logged(ctx context.Context, from int64) iter.Seq2[Logged, error] {
	return func(yield func(Logged, error) bool) {
		var end int64
		if err := o.store.dialect.reader().queryRow(ctx, "SELECT COALESCE(MAX(n) + 1, 0) FROM outbox").Scan(&end); err != nil {
			yield(Logged{}, translate(err))
			return
		}
		for page := range inParallel(from, end, loggedPage, func(first, last int64) loggedRows { return o.logged(ctx, first, last) }) {
			if page.err != nil {
				yield(Logged{}, page.err)
				return
			}
			for _, row := range page.rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// inParallel gives what get makes of the pages of a range, in order, while all processors make the next ones.
func inParallel[T any](from, end, size int64, get func(first, last int64) T) iter.Seq[T] {
	return func(yield func(T) bool) {
		workers := runtime.GOMAXPROCS(0)
		inOrder, slots, stop := make(chan chan T, workers), make(chan struct{}, workers), make(chan struct{})
		var running sync.WaitGroup
		defer running.Wait()
		defer close(stop)
		running.Go(func() {
			defer close(inOrder)
			for first := from; first < end; first += size {
				out := make(chan T, 1)
				select {
				case slots <- struct{}{}:
				case <-stop:
					return
				}
				select {
				case inOrder <- out:
				case <-stop:
					return
				}
				running.Go(func() {
					out <- get(first, min(first+size, end))
					<-slots
				})
			}
		})
		for out := range inOrder {
			if !yield(<-out) {
				return
			}
		}
	}
}

type loggedRows struct {
	rows []Logged
	err  error
}

// columns are those of a row that its body says too. A pointer is nil where the column says what another one does.
type columns struct {
	names                                                            string // event, handle, kind, hash and salt
	event, handle, kind, hash, salt, actor, system, what, body, leaf string
	caseID, at, n, seq                                               int64
	holder                                                           *string
	about, index                                                     *int64

	scratch []byte // what is hashed, used again from row to row
}

// what is selected for columns. To carry a column over costs more than to compare it: what has no spaces comes as one text,
// and what is the same as another column in almost every row only where it is not.
const loggedColumns = `SELECT event_id || ' ' || handle || ' ' || kind || ' ' || COALESCE(hash, '') || ' ' || salt,
	CASE WHEN ` + isBeside + ` THEN ` + besideOf + ` END, actor, system, what, body, COALESCE(leaf, ''),
	case_id, NULLIF(about, case_id), at, n, COALESCE(seq, -1), NULLIF(log_index, n)
	FROM outbox WHERE `

// apart takes the names apart. A space too many was put there by hand, and so was whatever looks misplaced because of it:
// nothing that we write into these columns has one, so that no two rows look the same.
func (c *columns) apart() bool {
	var ok [4]bool
	c.event, c.names, ok[0] = strings.Cut(c.names, " ")
	c.handle, c.names, ok[1] = strings.Cut(c.names, " ")
	c.kind, c.names, ok[2] = strings.Cut(c.names, " ")
	c.hash, c.salt, ok[3] = strings.Cut(c.names, " ")
	return ok == [4]bool{true, true, true, true} && !strings.Contains(c.salt, " ")
}

// logged reads a page. Numbers are given in the order of ids, but for nodes that commit out of order: as long as they go
// up together, the rows lie side by side on disk and are read as they lie there.
func (o Outbox) logged(ctx context.Context, first, last int64) loggedRows {
	var ids []int64
	err := eachRow(ctx, o.store.dialect.reader(), func(r row) error {
		var id int64
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	}, "SELECT id FROM outbox WHERE n = $1 OR n = $2 ORDER BY n", first, last-1)
	if err != nil {
		return loggedRows{err: err}
	}
	if len(ids) > 0 {
		page := o.readLogged(ctx, last-first, "id >= $1 AND id <= $2 AND n IS NOT NULL ORDER BY id LIMIT $3", ids[0], ids[len(ids)-1], last-first+1)
		if page.err != nil || page.are(first, last) {
			return page
		}
	}
	return o.readLogged(ctx, last-first, "n >= $1 AND n < $2 ORDER BY n", first, last)
}

// are says whether the rows are those of a range of numbers, all of them and in order.
func (page loggedRows) are(first, last int64) bool {
	for i, row := range page.rows {
		if row.N != first+int64(i) {
			return false
		}
	}
	return int64(len(page.rows)) == last-first
}

func (o Outbox) readLogged(ctx context.Context, most int64, which string, args ...any) (page loggedRows) {
	page.rows = make([]Logged, 0, most)
	var c columns
	into := []any{&c.names, &c.holder, &c.actor, &c.system, &c.what, &c.body, &c.leaf, &c.caseID,
		&c.about, &c.at, &c.n, &c.seq, &c.index} // once: a slice of pointers a row is a quarter of a gigabyte in a million
	page.err = eachRow(ctx, o.store.dialect.reader(), func(r row) error {
		if err := r.Scan(into...); err != nil {
			return err
		}
		page.rows = append(page.rows, c.logged())
		return nil
	}, loggedColumns+which, args...)
	return page
}

// bytes are those of a text until it is asked for those of another one.
func (c *columns) bytes(text string) []byte {
	c.scratch = append(c.scratch[:0], text...)
	return c.scratch
}

func (c *columns) logged() Logged {
	apart := c.apart()
	row := Logged{N: c.n, Handle: c.handle, Holder: c.handle, Kind: exeunt.LeafKindOf(exeunt.EntryKind(c.kind)), Seq: c.seq, Leaf: c.leaf}
	if c.holder != nil {
		row.Holder = *c.holder
	}
	if !apart {
		row.Differs = append(row.Differs, "event_id, handle, kind, hash, salt")
	}
	if exeunt.LeafHash(c.bytes(c.leaf)) != c.hash {
		row.Differs = append(row.Differs, "hash")
	}
	if c.index != nil {
		row.Differs = append(row.Differs, "log_index")
	}
	if c.salt == "" && c.body == "" {
		return row
	}
	salt, ok := saltOf(c.salt)
	if !ok {
		row.Differs = append(row.Differs, "salt")
	}
	row.Commit = exeunt.Commitment(salt, c.bytes(c.body))
	if row.Kind == exeunt.LeafManifest {
		if e, err := entryOf(c.body); err == nil {
			row.Manifest = e.Detail
		}
	}
	if c.kind == string(exeunt.EntryErasureDone) {
		if e, err := entryOf(c.body); err == nil {
			row.Beside, row.ErasureDone = e.ErasedBeside()
		}
	}
	row.Differs = append(row.Differs, c.contradicted()...)
	return row
}

// contradicted lists the columns that do not say what the body says.
func (c *columns) contradicted() (names []string) {
	e, ok := plainTold(c.body)
	tellsOf := c.caseID
	if c.about != nil {
		tellsOf = *c.about
	}
	if !ok {
		if err := json.Unmarshal([]byte(c.body), &e); err != nil {
			return []string{"body"}
		}
	}
	for _, same := range []struct {
		name string
		is   bool
	}{
		{"event_id", e.ID == c.event}, {"kind", string(e.Kind) == c.kind}, {"at", micros(e.At) == c.at}, {"actor", e.Actor == c.actor},
		{"case_id", int64(e.Case) == c.caseID}, {"about", about(exeunt.Entry{Case: e.Case, About: e.About, Wave: e.Wave}) == tellsOf},
		{"system", e.System == c.system}, {"what", strings.ToLower(e.What) == c.what},
	} {
		if !same.is {
			names = append(names, same.name)
		}
	}
	return names
}

// Erased says which cases are erased, by handle.
func (o Outbox) Erased(ctx context.Context) (map[string]bool, error) {
	done := map[string]bool{}
	err := eachRow(ctx, o.store.dialect.reader(), func(r row) error {
		var handle string
		err := r.Scan(&handle)
		done[handle] = true
		return err
	}, "SELECT handle FROM cases WHERE erased_at IS NOT NULL")
	return done, err
}

// Unrecorded lists cases that have no entry: there is no way to make one, so somebody wrote them into the database.
func (o Outbox) Unrecorded(ctx context.Context) (ids []exeunt.CaseID, err error) {
	err = eachRow(ctx, o.store.dialect.reader(), func(r row) error {
		var id int64
		err := r.Scan(&id)
		ids = append(ids, exeunt.CaseID(id))
		return err
	}, "SELECT c.id FROM cases c WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.case_id = c.id) ORDER BY c.id LIMIT 100")
	return ids, err
}

// Cases is how many there are.
func (o Outbox) Cases(ctx context.Context) (n int, err error) {
	err = o.store.dialect.reader().queryRow(ctx, "SELECT COUNT(*) FROM cases").Scan(&n)
	return n, translate(err)
}

// Removed lists cases that have entries and are not there: nothing removes one, so somebody did by hand.
func (o Outbox) Removed(ctx context.Context) (ids []exeunt.CaseID, err error) {
	err = eachRow(ctx, o.store.dialect.reader(), func(r row) error {
		var id int64
		err := r.Scan(&id)
		ids = append(ids, exeunt.CaseID(id))
		return err
	}, "SELECT DISTINCT o.case_id FROM outbox o WHERE o.case_id > 0 AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.id = o.case_id) ORDER BY o.case_id LIMIT 100")
	return ids, err
}
