package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// Erasures is what a check has seen of them, on one side: in the bodies, or in the rows of the database. At its end
// what is gone is held against what was erased.
type Erasures struct {
	At     map[string]int64   `json:"erased_at,omitempty"` // by case, the number of its newest erase leaf
	GoneTo map[string]int64   `json:"gone_to,omitempty"`   // by case, the highest number whose body is gone
	Beside map[string][]int64 `json:"beside,omitempty"`    // by case, the entries of the installation whose bodies went with it
	Listed map[string][]int64 `json:"listed,omitempty"`    // by case, those that went with it, as the entry says that its erasure is done
}

// Erased notes an erase leaf.
func (e *Erasures) Erased(handle string, n int64) { e.At = highest(e.At, handle, n) }

// Gone notes that the body of an entry is gone: of a case, or beside it.
func (e *Erasures) Gone(n int64, holder string, beside bool) {
	e.GoneTo = highest(e.GoneTo, holder, n)
	if beside {
		e.Beside = listed(e.Beside, holder, n)
	}
}

// Done notes which entries beside a case went with it.
func (e *Erasures) Done(handle string, beside []int64) {
	e.Listed = listed(e.Listed, handle, beside...)
}

// Unaccounted gives each entry whose body is gone although nothing that the log has accounts for it. A leaf of a case
// says that it is one of the case; what stands beside it could name any case, so that the entry that ends the erasure
// has to list it. While there is no such entry the erasure is under way.
func (e *Erasures) Unaccounted(differs func(n int64, holder, what string)) {
	for _, holder := range slices.Sorted(maps.Keys(e.GoneTo)) {
		if at, ok := e.At[holder]; !ok || at < e.GoneTo[holder] {
			differs(e.GoneTo[holder], holder, "gone, and the log has no erase entry of the case after it")
			continue
		}
		list, done := e.Listed[holder]
		for _, n := range e.Beside[holder] {
			if done && !slices.Contains(list, n) {
				differs(n, holder, "gone, and is not among what went with the erased case")
			}
		}
	}
}

func (e *Erasures) join(part Erasures) {
	for holder, n := range part.At {
		e.Erased(holder, n)
	}
	for holder, n := range part.GoneTo {
		e.GoneTo = highest(e.GoneTo, holder, n)
	}
	for holder, list := range part.Beside {
		e.Beside = listed(e.Beside, holder, list...)
	}
	for holder, list := range part.Listed {
		e.Done(holder, list)
	}
}

func highest(of map[string]int64, handle string, n int64) map[string]int64 {
	if of == nil {
		of = map[string]int64{}
	}
	of[handle] = max(of[handle], n)
	return of
}

func listed(of map[string][]int64, handle string, list ...int64) map[string][]int64 {
	if of == nil {
		of = map[string][]int64{}
	}
	of[handle] = append(append(make([]int64, 0, len(of[handle])+len(list)), of[handle]...), list...)
	return of
}

// doneErasure reads which entries went with a case, where a body says that its erasure is done.
func doneErasure(body []byte) (beside []int64, ok bool) {
	if !bytes.Contains(body, []byte(exeunt.EntryErasureDone)) { // of the few: to decode each would cost more than to hash it
		return nil, false
	}
	var e exeunt.Entry
	if json.Unmarshal(body, &e) != nil {
		return nil, false
	}
	return e.ErasedBeside()
}

// unerased lists the erased cases of which bodies can be read all the same.
func unerased(ctx context.Context, db *sql.DB, at map[string]int64) (list []string, err error) {
	for _, handle := range slices.Sorted(maps.Keys(at)) {
		var readable bool
		if err := db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM bodies WHERE "+sealedBy+" AND n <= $2 AND sealed IS NOT NULL)", handle, at[handle]).Scan(&readable); err != nil {
			return nil, diskError("the ledger's bodies cannot be read", err)
		}
		if readable {
			list = append(list, handle)
		}
	}
	return list, nil
}

// eraseLeaf finds the newest erase leaf of a case in the log, -1 when there is none: where a check has seen it, or by reading
// all of them. Bodies that were put back from a backup do not know of it.
func (l *Log) eraseLeaf(ctx context.Context, handle string, seen int64) (int64, error) {
	if seen >= 0 {
		for entry, err := range l.Entries(ctx, seen) {
			if err == nil && entry.Index == seen && erases(entry.Leaf, handle) {
				return seen, nil
			}
			break
		}
	}
	at := int64(-1)
	for entry, err := range l.Entries(ctx, 0) {
		if err != nil {
			return -1, err
		}
		if erases(entry.Leaf, handle) {
			at = entry.Index
		}
	}
	return at, nil
}

// erases says whether a leaf is one that says that a case is erased.
func erases(encoded []byte, handle string) bool {
	if !bytes.Contains(encoded, []byte(handle)) {
		return false
	}
	leaf, err := verify.DecodeLeaf(encoded)
	return err == nil && leaf.Kind == exeunt.LeafErase && leaf.Case == handle
}
