package exeunt

import (
	"fmt"
	"slices"
	"time"
)

// EraseAt is when the rows of a wave's people of whom no case came are erased, by which rule; false while the wave is not
// over, or when they are kept for good. The others go with their cases.
func (w Wave) EraseAt(r Retention) (at time.Time, rule string, ok bool) {
	keep, rule := r.Of(w.Type)
	switch {
	case keep == 0:
		return time.Time{}, "", false
	case w.State == WaveDone:
		return w.DoneAt.Add(keep), rule, true
	case w.State == WaveStopped:
		return w.Stopped.At.Add(keep), rule, true
	default:
		return time.Time{}, "", false
	}
}

// Erasable are those people whose rows may be erased: a legal hold forbids every destructive action on data, also of
// somebody of whom no case came.
func Erasable(people []Member) []Member {
	return slices.DeleteFunc(slices.Clone(people), func(m Member) bool { return m.Departure.Leaver.Has(LitigationHold) })
}

// EraseRows leaves of people of whom no case came that there were some. It names no row: what stays for ever is not to say
// which of a list were never let go.
func (w Wave) EraseRows(r Retention, people []Member, now time.Time) (Change, error) {
	at, rule, ok := w.EraseAt(r)
	if !ok || at.After(now) {
		return Change{}, Errorf(Conflict, "the retention of %s is not over", w.Label())
	}
	var change Change
	for _, m := range people {
		if m.Case != 0 || m.State == MemberReleased {
			return Change{}, Errorf(Conflict, "row %d of %s has a case, or will have one: it goes with that", m.Position, w.Label())
		}
		if m.Departure.Leaver.Has(LitigationHold) {
			return Change{}, Errorf(Conflict, "row %d of %s is of somebody under a litigation hold: nothing of theirs is destroyed", m.Position, w.Label())
		}
		change.Members = append(change.Members, m.Erased())
	}
	w.record(&change, EntryWaveErased, now, fmt.Sprintf("%s of whom no case came erased: the retention is over", plural(len(people), "row", "rows")), map[string]string{
		"rows": fmt.Sprint(len(people)), "rule": rule,
	})
	return change, nil
}
