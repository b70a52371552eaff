package connector

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
)

// Missing is what an action took away, by the recorded snapshot, and a look does not show.
func Missing(spec exeunt.ActionSpec, recorded map[string][]string, seen exeunt.Observation) []string {
	var missing []string
	for _, key := range spec.Takes {
		for _, value := range recorded[key] {
			if !slices.Contains(seen.Snapshot[key], value) {
				missing = append(missing, key+" "+value)
			}
		}
	}
	return missing
}

// Restored says how the undo of an action stands: it holds when the action does not, and a look shows
// everything again that the snapshot has under the action's Takes. What is there beside it is nobody's
// business; an action that took nothing is put back from the start.
func Restored(spec exeunt.ActionSpec, recorded map[string][]string, seen exeunt.Observation) exeunt.Standing {
	if !slices.ContainsFunc(spec.Takes, func(key string) bool { return len(recorded[key]) > 0 }) {
		return exeunt.Holds
	}
	switch s := seen.Of(spec.Action); {
	case s == exeunt.Pending, s == exeunt.Unknown, s == exeunt.Moot:
		return s
	case s == exeunt.Absent && len(Missing(spec, recorded, seen)) == 0:
		return exeunt.Holds
	}
	return exeunt.Absent
}

// standing says whether what is aimed at is so.
func (a Aim) standing(o exeunt.Observation) exeunt.Standing {
	if a.With.Undo {
		return Restored(a.Spec, a.With.Snapshot, o)
	}
	return o.Of(a.Spec.Action)
}

// repeatable says whether acting twice is no more than acting once, which every undo promises.
func (a Aim) repeatable() bool { return a.Spec.Repeatable || a.With.Undo }

// refuse says why an undo cannot be made at all.
func (a Aim) refuse() error {
	if !a.With.Undo {
		return nil
	}
	_, err := Able("the connector", []exeunt.ActionSpec{a.Spec}, a.Spec.Action, a.With)
	return err
}

// Able finds the spec of an action among those that a system can do. It refuses every other action, and
// an undo of what cannot be put back or of which nothing was recorded. Every Apply begins with it.
func Able(system string, specs []exeunt.ActionSpec, action exeunt.Action, with Parameters) (exeunt.ActionSpec, error) {
	i := slices.IndexFunc(specs, func(s exeunt.ActionSpec) bool { return s.Action == action })
	switch {
	case i < 0:
		return exeunt.ActionSpec{}, exeunt.Errorf(exeunt.Unsupported, "%s cannot %s", system, action.Words())
	case specs[i].ByHand:
		return exeunt.ActionSpec{}, exeunt.Errorf(exeunt.Unsupported, "%s leaves it to people to %s", system, action.Words())
	case !with.Undo:
		return specs[i], nil
	case !specs[i].Reversible:
		return exeunt.ActionSpec{}, exeunt.Errorf(exeunt.Unsupported, "%s cannot put back what %s did: do it by hand", system, action.Words())
	case !slices.ContainsFunc(specs[i].Takes, func(key string) bool { _, recorded := with.Snapshot[key]; return recorded }):
		return exeunt.ActionSpec{}, exeunt.Errorf(exeunt.Invalid, "nothing was recorded of what was there before %s, so that putting it back would be a guess: do it by hand", action.Words())
	}
	return specs[i], nil
}

// PutBack puts each item back and does not stop at one that cannot be: one that is gone meanwhile, or
// that the system refuses for good. The error names those, by names where there is one for each item;
// all others are back. An error that may pass by itself ends it at once, to be tried again. one must
// give errors of ours.
func PutBack(what string, items, names []string, one func(item string) error) error {
	at, first, passing := refusedOf(items, one)
	if passing != nil {
		return passing
	}
	var left []string
	for _, i := range at {
		if len(names) == len(items) && names[i] != "" {
			left = append(left, names[i])
		} else {
			left = append(left, items[i])
		}
	}
	switch {
	case first == nil:
		return nil
	case first.Kind == exeunt.NotFound:
		return exeunt.Errorf(exeunt.NotFound, "%s no longer there, so not put back: %s. Everything else that was taken away is back; decide by hand what takes their place",
			what, listed(left)).Because(first)
	default:
		return exeunt.Errorf(first.Kind, "%s not put back: %s (%s). Everything else that was taken away is back; do the rest by hand",
			what, listed(left), first.Message).Because(first)
	}
}

// listed writes names as a person reads them, five at most.
func listed(names []string) string {
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + fmt.Sprintf(" and %d more", len(names)-5)
	}
	return strings.Join(names, ", ")
}
