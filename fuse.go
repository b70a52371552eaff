package exeunt

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fuse is the brake on mass change: what an HR system announces by mistake must not cut off a company.
// The zero value lets everything through.
type Fuse struct {
	Departures int           // more than so many within the window trip it; zero for no limit
	Window     time.Duration //
	Headcount  int           // how many work here; zero when nobody said
	Percent    float64       // more than this part of the headcount within the window trips it
	Protected  []string      // HR ids of people whose departure always waits for a second person
}

// TripKind says what tripped the fuse.
type TripKind string

// The kinds.
const (
	TripMass      TripKind = "mass"      // too many departures in the window
	TripProtected TripKind = "protected" // one departure of somebody on the protected list
)

// Verdict is what the fuse says of one departure. The zero value lets it through.
type Verdict struct {
	Kind TripKind
	Why  string // names nobody, since whoever decides may not see every case
}

// Limit is how many departures the window lets through, and why so many; zero for no limit. One alone
// is never too many.
func (f Fuse) Limit() (limit int, why string) {
	if f.Departures > 0 {
		limit, why = f.Departures, fmt.Sprintf("more than %d departures within %s", f.Departures, lengthWords(f.Window))
	}
	if f.Headcount > 0 && f.Percent > 0 {
		share := max(1, int(float64(f.Headcount)*f.Percent/100))
		if limit == 0 || share < limit {
			limit, why = share, fmt.Sprintf("more than %g%% of %d people within %s", f.Percent, f.Headcount, lengthWords(f.Window))
		}
	}
	return limit, why
}

// Guards says whether somebody's departure always waits for a second person.
func (f Fuse) Guards(l Leaver) bool {
	return l.Has(Protected) || slices.Contains(f.Protected, l.ID)
}

// Judge decides on a departure, given how many other people's departures were received within the
// window around it, on either side: events need not be worked on in the order in which they came.
func (f Fuse) Judge(l Leaver, others int) Verdict {
	if f.Guards(l) {
		return Verdict{TripProtected, "the departure of a protected person waits for a second person"}
	}
	if limit, why := f.Limit(); limit > 0 && others+1 > limit {
		return Verdict{TripMass, why}
	}
	return Verdict{}
}

// lengthWords writes a length of time in its largest whole unit: "1 h", "2 d".
func lengthWords(d time.Duration) string {
	for _, u := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}} {
		if d >= u.length && d%u.length == 0 {
			return fmt.Sprintf("%d %s", d/u.length, u.name)
		}
	}
	return d.String()
}

// Trip is one time that the fuse tripped: the departures that it holds wait for one decision.
type Trip struct {
	ID        TripID    `json:"id"`
	Version   int64     `json:"version"`
	Case      CaseID    `json:"case,omitzero"` // the one case, when somebody protected leaves; zero for a mass departure
	Kind      TripKind  `json:"kind"`
	State     TripState `json:"state"`
	Why       string    `json:"why"`
	Owner     Person    `json:"owner"` // who is asked to decide
	TrippedAt time.Time `json:"tripped_at"`
	RemindAt  time.Time `json:"remind_at,omitzero"` // when the owner is told again; zero once it is decided
	Reminded  int       `json:"reminded,omitempty"`
	Request   *Request  `json:"request,omitempty"`  // a release that waits for its second person
	Asked     []CaseID  `json:"asked,omitempty"`    // the cases that it is about; none for all
	LetGo     []CaseID  `json:"let_go,omitempty"`   // cases that two people chose and released, while the others stay held
	Decision  *Override `json:"decision,omitempty"` // who decided last
	DecidedAt time.Time `json:"decided_at,omitzero"`
}

// TripTally is a trip and how much waits for it.
type TripTally struct {
	Trip
	Held int `json:"held"` // cases that still wait for the decision, of those that the reader may see
}

// TripState says how far the decision is.
type TripState string

// The states of a trip.
const (
	TripOpen     TripState = "open"     // nobody has decided
	TripReleased TripState = "released" // two people let the departures go on
	TripRejected TripState = "rejected" // the departures stay held; HR takes them back, or asks again
)

// The rhythm in which the owner of an undecided trip is told again.
const (
	firstTripReminder = time.Hour
	nextTripReminder  = 4 * time.Hour
)

// Blow is a new trip and the one alert about it; of is the case that a trip of kind protected is about.
func (v Verdict) Blow(id TripID, of CaseID, owner Person, now time.Time) Change {
	if v.Kind == TripMass {
		of = 0
	}
	t := Trip{ID: id, Case: of, Kind: v.Kind, State: TripOpen, Why: v.Why, Owner: owner, TrippedAt: now.UTC(), RemindAt: now.Add(firstTripReminder).UTC()}
	change := Change{Trip: &t, Notices: []Notice{t.notice("tripped", fmt.Sprintf(
		"The fuse has tripped (%s): %s. New cases are held until two people decide; nothing is lost, and cases that were running go on.", id, v.Why))}}
	change.Record(EntryTripped, t.subject(), now, fmt.Sprintf("the fuse has tripped (%s): %s", id, v.Why), map[string]string{"fuse": id.String(), "kind": string(v.Kind), "owner": owner.String()})
	return change
}

// subject is what entries about the trip are filed under: its case, or the installation.
func (t Trip) subject() any {
	if t.Case != 0 {
		return Case{ID: t.Case}
	}
	return nil
}

func (t Trip) notice(dedup, text string) Notice {
	return Notice{Kind: NoticeAlert, To: t.Owner, Case: t.Case, Text: text, Dedup: fmt.Sprintf("fuse:%s:%s", t.ID, dedup)}
}

// Remind tells the owner again, and the operator too: held departures grow late.
func (t Trip) Remind(operator Person, now time.Time) (Change, bool) {
	if t.State != TripOpen || t.RemindAt.IsZero() || t.RemindAt.After(now) {
		return Change{}, false
	}
	t.Reminded++
	t.RemindAt = now.Add(nextTripReminder).UTC()
	text := fmt.Sprintf("The fuse tripped %s ago (%s) and nobody has decided: %s. The cases that it holds grow late.", lengthWords(now.Sub(t.TrippedAt).Round(time.Minute)), t.ID, t.Why)
	first := t.notice(fmt.Sprintf("reminder:%d", t.Reminded), text)
	change := Change{Trip: &t, Notices: []Notice{first}}
	if !strings.EqualFold(operator.Email, t.Owner.Email) {
		first.To = operator
		change.Notices = append(change.Notices, first)
	}
	change.Record(EntryAlert, t.subject(), now, fmt.Sprintf("%s told again that the fuse waits (%s)", t.Owner, t.ID), map[string]string{"fuse": t.ID.String()})
	return change, true
}

// MostChosen is how many cases of a trip are released one by one in one decision.
const MostChosen = 100

// Choose checks the cases for which alone somebody wants to ask; held are those that the trip holds and that they may see.
func (t Trip) Choose(held []Case, only []CaseID) ([]CaseID, error) {
	only = slices.Compact(slices.Sorted(slices.Values(only)))
	if len(only) > MostChosen {
		return nil, Errorf(Invalid, "choose at most %d cases at a time, or none to ask for all", MostChosen).In("cases")
	}
	for _, id := range only {
		i := slices.IndexFunc(held, func(c Case) bool { return c.ID == id })
		switch {
		case i < 0:
			return nil, Errorf(Conflict, "case %s is not held by %s, or you may not see it", id, t.ID)
		case held[i].Embargoed(): // the request is for everybody to read
			return nil, Errorf(Conflict, "case %s is under embargo: it goes on with all that %s holds, or can be chosen once it is revealed", id, t.ID)
		}
	}
	return only, nil
}

// Reopens refuses to open a rejected trip again while another one is open: new cases join that, and one decision is
// taken at a time.
func (t Trip) Reopens(open *Trip) error {
	if t.Kind != TripMass || open == nil || open.ID == t.ID || t.State != TripRejected {
		return nil
	}
	return Errorf(Conflict, "%s was decided on, and %s has tripped since and waits for its decision: decide on %s first, then ask for the release of %s", t.ID, open.ID, open.ID, t.ID)
}

// what says what a release is about.
func (t Trip) what(cases []CaseID) string {
	if len(cases) == 0 {
		return t.ID.String()
	}
	return CaseNames(cases) + " of " + t.ID.String()
}

// CaseNames lists cases as people say them.
func CaseNames(cases []CaseID) string {
	words := make([]string, len(cases))
	for i, id := range cases {
		words[i] = id.String()
	}
	return strings.Join(words, ", ")
}

// AskRelease asks for the release of every departure that the trip holds, or of some cases only. It has an effect only
// when another person confirms it in time.
func (t Trip) AskRelease(by Override, lasts time.Duration, now time.Time, only ...CaseID) (Change, error) {
	if t.State == TripReleased {
		return Change{}, Errorf(Conflict, "%s is released already", t.ID)
	}
	if t.Request.Waits(now) {
		return Change{}, Errorf(Conflict, "%s has asked for the release of %s already: another person has to confirm it", t.Request.By, t.what(t.Asked))
	}
	r, err := Ask(by, lasts, now)
	if err != nil {
		return Change{}, err
	}
	t.State, t.Request, t.Asked, t.Decision, t.DecidedAt = TripOpen, &r, only, nil, time.Time{}
	if t.RemindAt.IsZero() {
		t.RemindAt = now.Add(firstTripReminder).UTC()
	}
	holds := "what the fuse holds (" + t.ID.String() + ")"
	if len(only) > 0 {
		holds = t.what(only) + ", which the fuse holds"
	}
	change := Change{Trip: &t, Notices: []Notice{t.notice(fmt.Sprintf("asked:%d", now.UnixMicro()), fmt.Sprintf(
		"%s asks to release %s: %s. Another person has to confirm it by %s.", by.By, holds, by.Reason, r.Expires.Format("2 Jan 2006, 15:04 MST")))}}
	change.Record(EntryFuseAsked, t.subject(), now, fmt.Sprintf("%s asks to release %s", by.By, t.what(only)), r.detail(t.about(only)))
	return change, nil
}

// AsksFor says what its request is about: "everything", or the chosen cases.
func (t Trip) AsksFor() string {
	if len(t.Asked) == 0 {
		return "everything"
	}
	return CaseNames(t.Asked)
}

// Decided says what was decided last: its state, or which cases alone went on.
func (t Trip) Decided() string {
	if t.State == TripOpen && len(t.LetGo) > 0 {
		return CaseNames(t.LetGo) + " released"
	}
	return string(t.State)
}

// about is the detail of an entry about a release.
func (t Trip) about(cases []CaseID) map[string]string {
	detail := map[string]string{"fuse": t.ID.String()}
	if len(cases) > 0 {
		detail["cases"] = CaseNames(cases)
	}
	return detail
}

// Confirm releases what was asked for: every departure that the trip holds, or the chosen ones of those that it holds
// still, which are held. With the last of them the trip is released. Who asked for it cannot confirm it.
func (t Trip) Confirm(by Override, held []CaseID, now time.Time) (Change, error) {
	if t.State == TripReleased {
		return Change{}, Errorf(Conflict, "%s is released already", t.ID)
	}
	if err := t.Request.confirmedBy(by, now); err != nil {
		return Change{}, err
	}
	first, asked := *t.Request, t.Asked
	chosen := slices.DeleteFunc(slices.Clone(asked), func(id CaseID) bool { return !slices.Contains(held, id) })
	t.Request, t.Asked, t.Decision, t.DecidedAt = nil, nil, &by, now.UTC()
	switch {
	case len(asked) > 0 && len(chosen) == 0:
		return Change{}, Errorf(Conflict, "%s holds none of %s any more", t.ID, CaseNames(asked))
	case len(asked) > 0 && len(chosen) < len(held):
		t.LetGo, t.RemindAt = append(slices.Clone(t.LetGo), chosen...), now.Add(nextTripReminder).UTC()
	default:
		t.State, t.RemindAt = TripReleased, time.Time{}
	}
	change := Change{Trip: &t}
	detail := t.about(chosen)
	detail["by"], detail["reason"], detail["asked_by"], detail["asked_reason"] = by.By, by.Reason, first.By, first.Reason
	change.Record(EntryFuseReleased, t.subject(), now, fmt.Sprintf("%s released by %s and %s", t.what(chosen), first.By, by.By), detail)
	return change, nil
}

// Reject leaves the departures held, which needs one person only.
func (t Trip) Reject(by Override, now time.Time) (Change, error) {
	if t.State != TripOpen {
		return Change{}, Errorf(Conflict, "%s is %s already", t.ID, t.State)
	}
	if err := by.Check(); err != nil {
		return Change{}, err
	}
	t.State, t.Request, t.Asked, t.Decision, t.DecidedAt, t.RemindAt = TripRejected, nil, nil, &by, now.UTC(), time.Time{}
	change := Change{Trip: &t}
	change.Record(EntryFuseRejected, t.subject(), now, fmt.Sprintf("%s not released: %s decided that its cases stay held", t.ID, by.By),
		map[string]string{"fuse": t.ID.String(), "by": by.By, "reason": by.Reason})
	return change, nil
}

// Tripped is the opening of a case that a trip of the fuse holds: nobody is asked for anything yet. A case
// that is doubtful for a reason of its own keeps that too.
func (c Change) Tripped(t Trip, now time.Time) Change {
	held := *c.Case
	held.Doubt = held.Hold
	held = held.held(t.Why, nil, now)
	held.Fuse = t.ID
	c.Case, c.Notices = &held, nil
	c.Record(EntryHeld, held, now, "held by the fuse ("+t.ID.String()+")", map[string]string{"reason": t.Why, "fuse": t.ID.String()})
	return c
}

// ReleaseFused lets a case go on that a trip held, once the trip is released, or the case alone. One that is doubtful
// for a reason of its own stays held for that.
func (c Case) ReleaseFused(t Trip, steps []Step, tasks []Task, now time.Time) (Change, error) {
	released := t.State == TripReleased || slices.Contains(t.LetGo, c.ID)
	if c.State != CaseHeld || c.Fuse != t.ID || !released || t.Decision == nil {
		return Change{}, Errorf(Conflict, "case %s is not held by %s any more", c.ID, t.ID)
	}
	by := Override{By: t.Decision.By, Account: t.Decision.Account, Reason: fmt.Sprintf("%s was released: %s", t.ID, t.Decision.Reason)}
	if c.Doubt == "" {
		return c.release(steps, tasks, by, now), nil
	}
	c.Hold, c.Doubt, c.Fuse = c.Doubt, "", 0
	change := Change{Case: &c}
	change.Record(EntryHeld, c, now, fmt.Sprintf("%s was released; held for a person all the same", t.ID), map[string]string{"reason": c.Hold})
	return change, nil
}

// Fused says why one person alone cannot release the case, or "".
func (c Case) fused() error {
	if c.Fuse == 0 {
		return nil
	}
	return Errorf(Denied, "case %s is held by the fuse (%s: %s): it goes on when two people release %s", c.ID, c.Fuse, cmp.Or(c.Hold, "protected"), c.Fuse)
}

// TripID is short and sayable: F-3.
type TripID int64

// String writes the id as people say it.
func (id TripID) String() string { return "F-" + strconv.FormatInt(int64(id), 10) }

// MarshalText makes the sayable form the one in JSON and addresses too.
func (id TripID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads F-3, f-3 or 3.
func (id *TripID) UnmarshalText(text []byte) error {
	parsed, err := ParseTripID(string(text))
	*id = parsed
	return err
}

// ParseTripID reads F-3, f-3 or 3.
func ParseTripID(s string) (TripID, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "F-"), 10, 64)
	if err != nil || n <= 0 {
		return 0, Errorf(Invalid, "%q is not a trip of the fuse: they are called F-1, F-2, …", s)
	}
	return TripID(n), nil
}
