package connector

import (
	"encoding/json"
	"slices"

	"github.com/exeunt/exeunt"
)

// Overlap is where a list goes on whose pages are told by positions (RFC 7644 §3.4.2.4). Whatever comes or goes while it is read
// moves all that follows, and what moved over the edge between two pages would be on neither. So each page begins with the last
// of the page before it; where that is not found, the page before is read again.
type Overlap struct {
	At     int    `json:"at"`               // position of the page that is asked for, from 0
	Last   string `json:"last,omitempty"`   // id that the page has to have; "" for none
	Before int    `json:"before,omitempty"` // position of the page before
	Again  bool   `json:"again,omitempty"`  // this is the page before, read again
}

// OverlapOf reads a cursor; "" is the beginning.
func OverlapOf(system, cursor string) (Overlap, error) {
	var o Overlap
	if cursor == "" {
		return o, nil
	}
	if json.Unmarshal([]byte(cursor), &o) != nil || o.At < 0 || o.Before < 0 {
		return o, ErrForgotten(system)
	}
	return o, nil
}

// Cursor writes it.
func (o Overlap) Cursor() string {
	text, _ := json.Marshal(o) // numbers and a text can always be written
	return string(text)
}

// Take reads a page of which these are the ids: what is new begins at fresh. more says whether the system has anything after it.
// next is nil after the last page.
func (o Overlap) Take(system string, ids []string, more bool) (fresh int, next *Overlap, err error) {
	if o.Last != "" {
		at := slices.Index(ids, o.Last)
		switch {
		case at >= 0:
			fresh = at + 1
		case o.Again || o.At == 0:
			return 0, nil, exeunt.Errorf(exeunt.Conflict, "%s shows its list in another order than before: it is read again from the beginning", system)
		default:
			return len(ids), &Overlap{At: o.Before, Last: o.Last, Again: true}, nil
		}
	}
	switch n := len(ids); {
	case !more || n == 0:
		return fresh, nil, nil
	case fresh == n && n == 1, ids[n-1] == "": // one at a time, or without an id: nothing could overlap
		return fresh, &Overlap{At: o.At + n}, nil
	default:
		return fresh, &Overlap{At: o.At + n - 1, Last: ids[n-1], Before: o.At}, nil
	}
}
