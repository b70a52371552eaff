package exeunt

import (
	"encoding"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// CaseID is short and sayable: C-2041.
type CaseID int64

// String writes the id as people say it.
func (id CaseID) String() string { return "C-" + strconv.FormatInt(int64(id), 10) }

// MarshalText makes the sayable form the one in JSON and addresses too.
func (id CaseID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads C-2041, c-2041 or 2041.
func (id *CaseID) UnmarshalText(text []byte) error {
	parsed, err := ParseCaseID(string(text))
	*id = parsed
	return err
}

var _ encoding.TextUnmarshaler = (*CaseID)(nil)

// ParseCaseID reads C-2041, c-2041 or 2041.
func ParseCaseID(s string) (CaseID, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "C-"), 10, 64)
	if err != nil || n <= 0 {
		return 0, Errorf(Invalid, "%q is not a case: cases are called C-1, C-2, …", s)
	}
	return CaseID(n), nil
}

// CaseState says how far a case is.
type CaseState string

// The states of a case.
const (
	CaseScheduled CaseState = "scheduled" // nothing has begun
	CaseRunning   CaseState = "running"   //
	CaseHeld      CaseState = "held"      // stopped until a person releases it; what HR said is doubtful
	CaseRescinded CaseState = "rescinded" // they stay; what was pending is cancelled, what was done is put back
	CaseRehired   CaseState = "rehired"   // they work here again; what was right stays, what was still to come is cancelled
	CaseClosed    CaseState = "closed"    // every step and task is settled
)

// Over says whether the departure is no longer one, whatever is left to be put back or brought to an end.
func (s CaseState) Over() bool { return s == CaseRescinded || s == CaseRehired }

// Case is one leaver's departure, from trigger to sealed evidence.
type Case struct {
	ID            CaseID      `json:"id"`
	Version       int64       `json:"version"`    // raised by each commit; commands check it
	Generation    int64       `json:"generation"` // raised when what follows was planned anew; older jobs then do nothing
	Handle        string      `json:"handle"`     // random; the only name of the case in the ledger
	State         CaseState   `json:"state"`
	Departure     Departure   `json:"departure"`
	Source        string      `json:"source"`
	EventID       string      `json:"event_id"`
	Override      *Override   `json:"override,omitempty"` // a person, not HR, started it
	Wave          WaveID      `json:"wave,omitzero"`      // the mass departure that it is part of
	PutsBack      CaseID      `json:"puts_back,omitzero"` // the closed case whose departure was taken back, and which this one undoes
	Policy        string      `json:"policy"`
	PolicyVersion string      `json:"policy_version"`
	PolicySet     string      `json:"policy_set,omitempty"` // version of all policies and modifiers that it is planned by
	Modifiers     []Applied   `json:"modifiers,omitempty"`  // that count for it, in their order
	LeftOut       []LeftOut   `json:"left_out,omitempty"`   // what they keep out of the plan
	Calendar      *Calendar   `json:"calendar,omitempty"`   // by which its business days are counted; nil where none are
	Owner         Person      `json:"owner"`
	CutOff        time.Time   `json:"cut_off"`                 // UTC; the zone is the leaver's
	CutOffClock   string      `json:"cut_off_clock,omitempty"` // the policy's clock time on the last day, where HR gives none
	AccessBy      time.Time   `json:"access_by"`               // by when every access step shall be confirmed
	Follows       CaseID      `json:"follows,omitempty"`       // the closed case whose end this one goes on from
	Hold          string      `json:"hold,omitempty"`          // why it is held
	HeldBy        *Override   `json:"held_by,omitempty"`       // who held it; nil when it was not a person
	HeldAt        time.Time   `json:"held_at,omitzero"`        //
	LegalHold     *LegalHold  `json:"legal_hold,omitempty"`    // forbids what destroys data; access is cut all the same
	Overrides     []Deviation `json:"overrides,omitempty"`     // what named people decided otherwise, in order
	Fuse          TripID      `json:"fuse,omitzero"`           // the trip of the fuse that holds it
	Doubt         string      `json:"doubt,omitempty"`         // another reason to hold it, once the fuse is released
	Embargo       *Embargo    `json:"embargo,omitempty"`       // who alone may see it, and until when
	RehiredOn     Date        `json:"rehired_on,omitempty"`    // they work here again from that day
	OpenedAt      time.Time   `json:"opened_at"`
	ClosedAt      time.Time   `json:"closed_at,omitzero"`
	EraseAsk      *Request    `json:"erase_ask,omitempty"` // an erasure before its time that waits for its second person
	Erasure       *Erasure    `json:"erasure,omitempty"`   // its record is to be destroyed, or is
}

// Leaver is the person whose case it is.
func (c Case) Leaver() Leaver { return c.Departure.Leaver }

// Zone is the zone of the place of work; UTC when it does not load, which Check refuses at intake.
func (c Case) Zone() *time.Location {
	if z, err := Zone(c.Departure.Leaver.Zone); err == nil {
		return z
	}
	return time.UTC
}

// Urgent says whether the case overtakes the others in every lane.
func (c Case) Urgent() bool { return c.Departure.Immediate }

// Open says whether anything of the case may still happen. A rescinded case is open until what was
// done has been put back.
func (c Case) Open() bool { return c.ClosedAt.IsZero() }

// Over says whether the departure is no longer one: they stay, or work here again.
func (c Case) Over() bool { return c.State.Over() }

// UnderWay says whether the departure is still to be carried out. A leaver has one such case at most.
func (c Case) UnderWay() bool { return c.Open() && !c.Over() }

// LeftBy says whether the leaver has gone by then: the last day at the place of work is over, and they neither stay nor work
// here again.
func (c Case) LeftBy(now time.Time) bool {
	return !c.Over() && c.RehiredOn == "" && c.Departure.LastDay < c.Departure.dayOf(now)
}

// instant resolves a moment for this case; start is the step's own start.
func (c Case) instant(m Moment, start time.Time) (time.Time, error) {
	var base time.Time
	var err error
	switch m.Anchor {
	case AtTrigger, "":
		base = c.OpenedAt
	case AtCutOff:
		base = c.CutOff
	case AtStart:
		base = start
	case AtLastDay:
		base, err = c.Departure.LastDay.At(endOfWork(c.Departure), c.Departure.Leaver.Zone)
	case AtTermination:
		base, err = c.Departure.TerminationDate.At("00:00", c.Departure.Leaver.Zone)
	default:
		err = Errorf(Internal, "no such anchor: %q", m.Anchor)
	}
	if m.Days == 0 && m.BusinessDays == 0 { // most are: the place of work does not matter
		return base.UTC().Add(m.Offset), err
	}
	return m.from(base, c.Place()), err
}

// endOfWork is the clock time at which the last day ends when nobody said otherwise.
func endOfWork(d Departure) string {
	if d.CutOffClock != "" {
		return d.CutOffClock
	}
	return "17:00"
}

// CutOffOf computes when access ends: now for an immediate departure, else at the given clock time
// of the last day at the place of work, or at the instant of its wave. One that lies in the past becomes
// now: it is caught up at once.
func CutOffOf(d Departure, clock string, now time.Time) (time.Time, error) {
	t, err := cutOffAsked(d, clock, now)
	if t.Before(now) {
		t = now
	}
	return t.UTC(), err
}

// cutOffAsked is when access was to end, also when that has passed.
func cutOffAsked(d Departure, clock string, now time.Time) (time.Time, error) {
	switch {
	case d.Immediate:
		return now, nil
	case d.CutOffClock != "":
		clock = d.CutOffClock
	case clock == "":
		clock = "17:00"
	}
	t, err := d.LastDay.At(clock, d.Leaver.Zone)
	if err == nil && !d.CutOffAt.IsZero() {
		t = d.CutOffAt
	}
	return t, err
}

// lateBy says how long ago access was to end, when that has passed: what starts late says so.
func lateBy(d Departure, clock string, now time.Time) string {
	t, err := cutOffAsked(d, clock, now)
	if err != nil {
		return ""
	}
	return overdue(t, now)
}

// overdue is how long ago something was due, in words; "" when that is not worth a word.
func overdue(at, now time.Time) string {
	late := now.Sub(at)
	switch {
	case late <= time.Minute:
		return ""
	case late < time.Hour:
		return fmt.Sprintf("%d min", int(late.Minutes()))
	case late < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(late.Hours()), int(late.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(late.Hours())/24)
	}
}

// next begins the case that goes on from a closed one. It takes over who leaves, by which policy and for whom to see, and
// what forbids to destroy data. What was asked and decided about the closed case, and how it went, stays there: above all an
// erasure, which would end this one's record before it is written, and requests, which would have their first person.
func (c Case) next(id CaseID, handle string, now time.Time) Case {
	next := Case{
		ID: id, Handle: handle, Generation: 1, OpenedAt: now.UTC(), Departure: c.Departure, Owner: c.Owner, Embargo: c.Embargo,
		Policy: c.Policy, PolicyVersion: c.PolicyVersion, PolicySet: c.PolicySet, Modifiers: c.Modifiers, LeftOut: c.LeftOut, Calendar: c.Calendar, CutOff: c.CutOff, CutOffClock: c.CutOffClock, AccessBy: c.AccessBy,
	}
	if c.LegalHold != nil {
		hold := *c.LegalHold
		hold.Ask = nil
		next.LegalHold = &hold
	}
	return next
}

// Close ends a case whose every step and task is settled. One that was taken back, or whose leaver came back, stays so.
func (c Case) Close(now time.Time) (Change, error) {
	if !c.Open() {
		return Change{}, Errorf(Conflict, "case %s is already %s", c.ID, c.State)
	}
	if _, waits := c.RevealsAt(); waits { // the end of its embargo belongs into its record
		return Change{}, Errorf(Conflict, "case %s is under embargo: it is closed after it was revealed", c.ID)
	}
	c.ClosedAt = now
	if !c.Over() {
		c.State = CaseClosed
	}
	change := Change{Case: &c}
	change.Record(EntryClosed, c, now, "closed: every step and task is settled", nil)
	return change, nil
}
