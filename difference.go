package exeunt

import (
	"fmt"
	"strings"
)

// Difference is one thing that a check of the ledger found not to be as it has to be.
type Difference struct {
	Where string `json:"where"`           // the log, the database, the bodies, the keys
	Entry int64  `json:"entry"`           // number in the log; -1 when it is not about one
	Case  string `json:"case,omitempty"`  // handle
	Field string `json:"field,omitempty"` // column, or file
	What  string `json:"what"`
}

// String says it in a line.
func (d Difference) String() string {
	var b strings.Builder
	b.WriteString(d.Where)
	if d.Entry >= 0 {
		fmt.Fprintf(&b, ", entry %d", d.Entry)
	}
	if d.Case != "" {
		fmt.Fprintf(&b, " of case %s", d.Case)
	}
	if d.Field != "" {
		b.WriteString(", " + d.Field)
	}
	return b.String() + ": " + d.What
}

// Differences keeps the first of them and counts the others, so that a database that was replaced does not fill
// the memory.
type Differences struct {
	Kept  []Difference `json:"kept,omitempty"`
	Count int          `json:"count"`
}

const differencesKept = 100

// Add takes one more.
func (d *Differences) Add(more ...Difference) {
	d.Count += len(more)
	room := differencesKept - len(d.Kept)
	d.Kept = append(d.Kept, more[:min(room, len(more))]...)
}

// Join takes those of a part.
func (d *Differences) Join(part Differences) {
	d.Add(part.Kept...)
	d.Count += part.Count - len(part.Kept)
}

// BytesThatDiffer says where two texts part, as whoever looks for what was edited needs it.
func BytesThatDiffer(got, want []byte) string {
	first, last := 0, 0
	for first < min(len(got), len(want)) && got[first] == want[first] {
		first++
	}
	for last < min(len(got), len(want))-first && got[len(got)-1-last] == want[len(want)-1-last] {
		last++
	}
	switch from, to := first, len(got)-last; {
	case len(got) == len(want) && from == to:
		return "no byte differs"
	case len(got) != len(want):
		return fmt.Sprintf("it has %d bytes where %d are due, and differs from byte %d on", len(got), len(want), from)
	case to-from == 1:
		return fmt.Sprintf("byte %d of %d is not as it was", from, len(got))
	default:
		return fmt.Sprintf("bytes %d to %d of %d are not as they were", from, to-1, len(got))
	}
}
