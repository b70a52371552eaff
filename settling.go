package exeunt

import (
	"fmt"
	"maps"
	"time"
)

// A system may accept an action and show it later: minutes, for some. It is looked at again until then, less and less
// often, and the record tells of the first look, of each that showed something new, and with the end of it how many
// there were.

// longestSettlingPause bounds the wait between two looks at an action that settles.
const longestSettlingPause = 5 * time.Minute

// settlingPause is the wait before the next look at an action that the system took. The end of the time that the
// system says it needs, and the step's deadline, are not slept through.
func (s Step) settlingPause(settles time.Duration, now time.Time) time.Duration {
	pause := min(Backoff(s.Awaits), longestSettlingPause)
	for _, end := range []time.Time{s.AppliedAt.Add(settles), s.Deadline} {
		if left := end.Sub(now); left > 0 {
			pause = min(pause, left)
		}
	}
	return pause
}

// Pause is how long to wait after an attempt before the next look.
func (s Step) Pause(o Outcome, now time.Time) time.Duration {
	switch {
	case o.Wait > 0:
		return o.Wait
	case o.Kind == NotYet:
		s.Awaits++
		return s.settlingPause(o.Settles, now)
	default:
		return Backoff(s.Attempt)
	}
}

// awaited says how many looks in a row have shown nothing new.
func (s Step) awaited(detail map[string]string) map[string]string {
	if s.Awaits > 1 {
		detail["looks_while_settling"] = fmt.Sprint(s.Awaits)
	}
	return detail
}

// nothingNew says whether a look at a step whose action settles shows what the look before it showed.
func (s Step) nothingNew(before Step) bool {
	return before.Awaits > 0 && s.Awaits > before.Awaits && s.Reason == before.Reason && maps.Equal(s.Seen, before.Seen)
}

// Waits says whether a change says nothing but when to look again at actions that settle: the only one that has no
// entries. What it leaves out is told with the next entry of the step.
func (c Change) Waits() bool {
	for _, s := range c.Steps {
		if s.State != StepReady || s.Awaits < 2 {
			return false
		}
	}
	return len(c.Steps) > 0 && len(c.Entries)+len(c.Tasks)+len(c.Notices)+len(c.Members) == 0 && c.Case == nil && c.Wave == nil && c.Trip == nil
}
