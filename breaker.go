package exeunt

import (
	"fmt"
	"strings"
	"time"
)

// Breaker stops the lane of a system that does not answer, or does not let us in, so that its steps do
// not use up their attempts against a wall and its owner is alerted once, not once a step. It opens at the
// first refused credential, or when several visits in a row get no answer. While it is open one visit at a
// time tries whether the system is back.
type Breaker struct {
	System   string    `json:"system"`
	Failures int       `json:"failures"`           // visits in a row that got no answer
	OpenedAt time.Time `json:"opened_at,omitzero"` // zero while it is closed
	ProbeAt  time.Time `json:"probe_at,omitzero"`  // from when on a visit tries
	AskedAt  time.Time `json:"asked_at,omitzero"`  // a person asked to try at once
	Probes   int       `json:"probes"`             // visits that tried in vain since it opened
	Class    ErrorKind `json:"class,omitempty"`
	Reason   string    `json:"reason,omitempty"`
}

// Timings of the breaker.
const (
	breakerFailures  = 5
	firstProbe       = 30 * time.Second
	longestProbeWait = 15 * time.Minute
)

// Open says whether the lane is stopped.
func (b Breaker) Open() bool { return !b.OpenedAt.IsZero() }

// Concerns says whether an error is about the whole system rather than about one account.
func (b Breaker) Concerns(err *Error) bool {
	if err == nil {
		return false
	}
	return err.Kind == Unauthorised || err.Kind == Temporary
}

// After is the breaker after a visit whose last call to the system ended with err; nil when it was answered.
// To be told to slow down says neither that a system is well nor that it is not.
func (b Breaker) After(err *Error, now time.Time) Breaker {
	switch {
	case err != nil && err.Kind == Throttled && b.Open(): // perhaps by ourselves: nothing was sent
		b.ProbeAt = now.Add(max(err.RetryAfter, firstProbe))
		return b
	case err != nil && err.Kind == Throttled:
		return b
	case !b.Concerns(err):
		return Breaker{System: b.System}
	}
	b.Failures++
	b.Class, b.Reason = err.Kind, err.Message
	if b.Open() {
		b.Probes++
		b.ProbeAt = now.Add(min(firstProbe<<min(b.Probes, 10), longestProbeWait))
		return b
	}
	if err.Kind == Unauthorised || b.Failures >= breakerFailures {
		b.OpenedAt, b.ProbeAt = now, now.Add(firstProbe)
	}
	return b
}

// Tell is the change that records that a breaker opened or closed: with the one alert to the system's owner
// and to the operator when it opened. It is empty when nothing of the kind happened.
func (b Breaker) Tell(before Breaker, system System, operator Person, now time.Time) Change {
	var change Change
	switch {
	case b.Open() == before.Open():
	case b.Open():
		what := fmt.Sprintf("%s is left alone: %s. It is tried again by itself; what is due there meanwhile becomes a task at its deadline.", system.Name, b.Reason)
		change.Record(EntryBreakerOpened, nil, now, what, map[string]string{"class": string(b.Class), "reason": b.Reason})
		change.Entries[0].System = system.Name
		for _, to := range uniquePeople(system.Owner, operator) {
			change.Notices = append(change.Notices, Notice{Kind: NoticeAlert, To: to, Text: what, Dedup: fmt.Sprintf("breaker:%s:%d", system.Name, now.UnixMicro())})
		}
	default:
		change.Record(EntryBreakerClosed, nil, now, fmt.Sprintf("%s answers again after %s", system.Name, now.Sub(before.OpenedAt).Round(time.Second)), map[string]string{"opened_at": before.OpenedAt.UTC().Format(time.RFC3339)})
		change.Entries[0].System = system.Name
	}
	return change
}

// TryNow lets the next visit try at once, since a person has mended what was wrong. It closes nothing: only an
// answer of the system does.
func (b Breaker) TryNow(system System, by Override, now time.Time) (Breaker, Change, error) {
	var change Change
	switch {
	case strings.TrimSpace(by.By) == "":
		return b, change, Errorf(Invalid, "a decision needs the name of who took it").In("by")
	case !b.Open():
		return b, change, Errorf(Conflict, "%s is not left alone: what is due there is done as it becomes due", system.Name)
	}
	b.AskedAt, b.ProbeAt = now.UTC(), now.UTC()
	change.Record(EntryBreakerTried, nil, now, system.Name+" is tried at once, as a person asked", by.detail())
	change.Entries[0].System = system.Name
	return b, change, nil
}

// Heed keeps what a person asked for while a visit was under way that had begun before: it says nothing of
// what they have mended since.
func (b Breaker) Heed(asked, began time.Time) Breaker {
	if b.Open() && asked.After(began) {
		b.AskedAt, b.ProbeAt = asked, asked
	}
	return b
}

// Remedy is what a person should do about an open breaker.
func (b Breaker) Remedy() string {
	if b.Class == Unauthorised {
		return "Renew the credential that Exeunt has there, and see that its account is neither locked nor short of rights. Then try now."
	}
	return "See whether it is up and reachable from this server. Then try now, or wait."
}

func uniquePeople(people ...Person) []Person {
	var out []Person
	for _, p := range people {
		known := p.Email == ""
		for _, other := range out {
			known = known || other.Email == p.Email
		}
		if !known {
			out = append(out, p)
		}
	}
	return out
}
