package exeunt

import (
	"maps"
	"strings"
	"time"
)

// Request is a dangerous override that one person asks for. It has an effect only when another person
// confirms it before it expires.
type Request struct {
	Override
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires"`
}

// How long a request waits for its second person.
const (
	RequestLasts = 24 * time.Hour // when nobody says otherwise
	requestMost  = 7 * 24 * time.Hour
)

// Ask makes a request that lasts for a while; zero is RequestLasts.
func Ask(by Override, lasts time.Duration, now time.Time) (Request, error) {
	if err := by.Check(); err != nil {
		return Request{}, err
	}
	if lasts == 0 {
		lasts = RequestLasts
	}
	if lasts < time.Minute || lasts > requestMost {
		return Request{}, Errorf(Invalid, "a request lasts between a minute and seven days, for the facts change").In("lasts")
	}
	return Request{Override: by, At: now.UTC(), Expires: now.Add(lasts).UTC()}, nil
}

// Waits says whether the request can still be confirmed. No request waits for nobody.
func (r *Request) Waits(now time.Time) bool { return r != nil && now.Before(r.Expires) }

// confirmedBy refuses a confirmation that is none: of nothing, too late, or by the same person.
func (r *Request) confirmedBy(by Override, now time.Time) error {
	switch {
	case r == nil:
		return Errorf(Conflict, "nobody has asked for it: one person asks, another confirms")
	case !r.Waits(now):
		return Errorf(Conflict, "the request of %s expired on %s and has no effect: ask anew", r.By, r.Expires.Format("2 Jan 2006, 15:04 MST"))
	case strings.TrimSpace(by.By) == "":
		return Errorf(Invalid, "a confirmation needs the name of who decided it").In("by")
	case r.SamePerson(by):
		return Errorf(Denied, "%s asked for it, so somebody else has to confirm it: this needs two people, administrators too", r.By)
	}
	return by.Check()
}

// detail is how an entry tells of a request.
func (r Request) detail(more map[string]string) map[string]string {
	detail := r.Override.detail()
	maps.Copy(detail, more)
	detail["expires"] = r.Expires.Format(time.RFC3339)
	return detail
}
