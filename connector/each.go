package connector

import (
	"fmt"

	"github.com/exeunt/exeunt"
)

// Each does one thing to each item and does not stop at one that the system refuses for good: what can be done is done. The
// error names those that are left, and says why of the first. An error that may pass by itself ends it at once, to be tried
// again. one must give errors of ours.
func Each[T any](items []T, name func(T) string, one func(T) error) error {
	left, first, passing := refusedOf(items, one)
	switch {
	case passing != nil:
		return passing
	case first == nil:
		return nil
	case len(items) == 1:
		return first
	}
	names := make([]string, len(left))
	for i, at := range left {
		names[i] = name(items[at])
	}
	rest := "nothing else was to be done"
	if done := len(items) - len(left); done > 0 {
		rest = fmt.Sprintf("the other %d are done", done)
	}
	all := *first
	all.Message = fmt.Sprintf("left as it is: %s (%s); %s", listed(names), first.Message, rest)
	return all.Because(first)
}

// refusedOf does one thing to each item. It gives the places of those that are refused for good with the first refusal that
// is more than an absence, or an error that may pass, at which it stops.
func refusedOf[T any](items []T, one func(T) error) (left []int, first, passing *exeunt.Error) {
	for i, item := range items {
		err := one(item)
		if err == nil {
			continue
		}
		e := classed(err)
		if failed(e).Kind == exeunt.TryAgain {
			return nil, nil, e
		}
		left = append(left, i)
		if first == nil || first.Kind == exeunt.NotFound { // a refusal says more than an absence
			first = e
		}
	}
	return left, first, nil
}
