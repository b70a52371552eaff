package exeunt

import (
	"maps"
	"slices"
	"time"
)

// DepartureType is how somebody leaves. It chooses the policy; it is shown only to those who need it.
type DepartureType string

// The types.
const (
	Voluntary     DepartureType = "voluntary"
	Involuntary   DepartureType = "involuntary"
	Layoff        DepartureType = "layoff"
	Retirement    DepartureType = "retirement"
	EndOfContract DepartureType = "end_of_contract"
	Death         DepartureType = "death"
)

// DepartureTypes lists every type, in the order in which people are shown them.
var DepartureTypes = []DepartureType{Voluntary, Involuntary, Layoff, Retirement, EndOfContract, Death}

// TriggerKind says what the HR system announced.
type TriggerKind string

// The kinds.
const (
	Announced TriggerKind = "announced" // somebody leaves, or the facts of a known departure changed
	Rescinded TriggerKind = "rescinded" // they stay after all
	Rehired   TriggerKind = "rehired"   // they left and work here again
)

// Departure is what HR says about one leaving, normalised.
type Departure struct {
	Leaver          Leaver        `json:"leaver"`
	Type            DepartureType `json:"type"`
	NoticeOn        Date          `json:"notice_on,omitempty"`
	LastDay         Date          `json:"last_day"`                   // last working day
	TerminationDate Date          `json:"termination_date,omitempty"` // first day on which employment has ended, or the last day where HR gives only one
	CutOffClock     string        `json:"cut_off_clock,omitempty"`    // "15:04" at the place of work, when HR gave a time for the last day
	CutOffAt        time.Time     `json:"cut_off_at,omitzero"`        // the very instant, which a wave gives everybody in it
	Immediate       bool          `json:"immediate,omitempty"`        // access ends now, whatever the day
	Embargo         *EmbargoTerms `json:"embargo,omitempty"`          // it stays between these people until then
}

// Trigger is the one authoritative event that a departure was announced, changed or taken back.
type Trigger struct {
	EventID    string      `json:"event_id"` // the source's own id, or a digest of the body where it has none
	Source     string      `json:"source"`   // name of the configured source, or "override"
	Kind       TriggerKind `json:"kind"`
	OccurredAt time.Time   `json:"occurred_at"` // when the HR system says it happened
	ReceivedAt time.Time   `json:"received_at"` //
	Departure  Departure   `json:"departure"`
	Override   *Override   `json:"override,omitempty"` // set when a person, not HR, started it
	Wave       WaveID      `json:"wave,omitzero"`      // the mass departure that it is part of, which two people stand behind
	Second     bool        `json:"second,omitempty"`   // the source is not the authoritative one of the entity: it decides nothing
}

// Said is a place in the order of what is heard of one person: by the source's clock, and by receipt where that
// says the same, as many sources write whole seconds. To the microsecond, as it is kept.
type Said struct {
	At         time.Time
	ReceivedAt time.Time
	Kind       TriggerKind
}

// Stays says whether that is that somebody stays, or works here again.
func (s Said) Stays() bool { return s.Kind == Rescinded || s.Kind == Rehired }

// Before says whether something newer than this was said.
func (s Said) Before(other Said) bool {
	if s.At.Equal(other.At) {
		return s.ReceivedAt.Before(other.ReceivedAt)
	}
	return s.At.Before(other.At)
}

// Said is when the source said it. A source whose clock runs ahead said it when we heard it at the
// latest, or nothing that it says afterwards would count as newer.
func (t Trigger) Said() Said {
	at := t.OccurredAt
	if !t.ReceivedAt.IsZero() && at.After(t.ReceivedAt) {
		at = t.ReceivedAt
	}
	return Said{At: at.Truncate(time.Microsecond), ReceivedAt: t.ReceivedAt.Truncate(time.Microsecond), Kind: t.Kind}
}

// Absorbed is what was heard after a trigger that changes nothing: who had come back has not left by an announcement of the
// departure before that.
func (t Trigger) Absorbed(heard Said) Said {
	said := t.Said()
	if t.Kind == Announced && heard.Stays() {
		said.Kind = heard.Kind
	}
	return said
}

// Check says what is missing or impossible in the departure, one error naming the field.
func (d Departure) Check() error {
	required := []struct{ field, value string }{
		{"leaver.id", d.Leaver.ID}, {"leaver.name", d.Leaver.Name}, {"last_day", string(d.LastDay)},
	}
	for _, r := range required {
		if r.value == "" {
			return Errorf(Invalid, "the departure has no %s: the HR system must send it", r.field).In(r.field)
		}
	}
	dates := []struct {
		field string
		day   Date
	}{{"last_day", d.LastDay}, {"termination_date", d.TerminationDate}, {"leaver.hired_on", d.Leaver.HiredOn}}
	for _, given := range dates {
		if given.day == "" {
			continue
		}
		day, err := ParseDate(string(given.day))
		if err == nil && day != given.day { // a source may send a time with it; a departure has none
			err = Errorf(Invalid, "%q is more than a date: write it as 2006-01-02", given.day)
		}
		if err != nil {
			return Errorf(Invalid, "%s: %v", given.field, err).In(given.field)
		}
	}
	if _, err := time.Parse("15:04", d.CutOffClock); d.CutOffClock != "" && err != nil {
		return Errorf(Invalid, "cut_off_clock: %q is not a clock time such as 17:00", d.CutOffClock).In("cut_off_clock")
	}
	if _, err := Zone(d.Leaver.Zone); err != nil {
		return Errorf(Invalid, "leaver.zone: %v", err).In("leaver.zone")
	}
	if !knownType(d.Type) {
		return Errorf(Invalid, "%q is not a type of departure: use one of %v", d.Type, DepartureTypes).In("type")
	}
	if d.Embargo != nil {
		return d.Embargo.Check(d.Leaver.Zone)
	}
	return nil
}

func knownType(t DepartureType) bool {
	for _, k := range DepartureTypes {
		if k == t {
			return true
		}
	}
	return false
}

// Doubt says why a departure that is well formed should still be looked at by a person before
// anything happens, or "".
func (d Departure) Doubt(now time.Time) string {
	last, err := time.Parse(time.DateOnly, string(d.LastDay))
	if err != nil {
		return ""
	}
	const year = 366 * 24 * time.Hour
	switch {
	case d.Leaver.HiredOn != "" && d.LastDay < d.Leaver.HiredOn:
		return "the last day " + string(d.LastDay) + " lies before the hire date " + string(d.Leaver.HiredOn)
	case now.Sub(last) > year:
		return "the last day " + string(d.LastDay) + " lies more than a year in the past"
	case last.Sub(now) > year:
		return "the last day " + string(d.LastDay) + " lies more than a year ahead"
	}
	return ""
}

// Response is what a trigger means for a leaver.
type Response string

// The responses.
const (
	OpenCase    Response = "open"     // a new departure
	AmendCase   Response = "amend"    // the facts of the one under way changed
	RescindCase Response = "rescind"  // the one under way is taken back
	RehireCase  Response = "rehire"   // the leaver of the one under way works here again
	LeaveAgain  Response = "again"    // the leaver of the one under way worked here again since, and leaves again
	Absorb      Response = "absorb"   // nothing new in it
	Question    Response = "question" // open it, held for a person: this person's departure is already done
	PutBackCase Response = "put back" // taken back after the case was closed: another one undoes it
	Outdated    Response = "outdated" // something newer was heard: it changes nothing
	TooSoon     Response = "too soon" // the next departure, before this one is over: it is for a person
	TooLate     Response = "too late" // the facts changed after the case was closed: its owner is told
	Note        Response = "note"     // not the source that decides: it is recorded, and a contradiction asks a person
)

// Answer decides what a trigger means, given the leaver's newest case, if any, and when HR said the newest
// thing that was heard.
func (t Trigger) Answer(newest *Case, heard Said, now time.Time) Response {
	switch {
	case t.Second:
		return Note
	case t.Said().Before(heard):
		return Outdated
	case newest == nil || newest.Over():
		return t.answerOver(newest)
	case t.Kind == Rehired || t.Kind == Rescinded && t.Departure.hiredAfter(newest.Departure):
		return RehireCase
	case t.Kind == Rescinded && newest.Open():
		return RescindCase
	case t.Kind == Rescinded:
		return PutBackCase
	case newest.Open():
		return t.answerUnderWay(*newest, now)
	default:
		return t.answerClosed(*newest)
	}
}

func (t Trigger) answerOver(newest *Case) Response {
	switch {
	case t.Kind != Announced:
		return Absorb
	case newest == nil || newest.State != CaseRehired || t.Departure.LastDay >= newest.RehiredOn:
		return OpenCase
	case t.Departure.same(newest.Departure): // the departure before they came back, told once more
		return Absorb
	default:
		return Question
	}
}

func (t Trigger) answerUnderWay(c Case, now time.Time) Response {
	again := t.Departure.LastDay != c.Departure.LastDay
	switch {
	case t.Departure.hiredAfter(c.Departure) && c.Departure.dayOf(now) > c.Departure.LastDay:
		return LeaveAgain
	case t.Departure.hiredAfter(c.Departure), c.Follows != 0 && again:
		return TooSoon
	case c.Follows != 0: // it only cuts again what came back: the departure itself is done
		return t.answerClosed(c)
	case t.Departure.same(c.Departure):
		return Absorb
	default:
		return AmendCase
	}
}

func (t Trigger) answerClosed(c Case) Response {
	switch d := t.Departure; {
	case d.LastDay != c.Departure.LastDay && d.Leaver.HiredOn > c.Departure.LastDay:
		return OpenCase // hired again, and leaving again
	case d.LastDay != c.Departure.LastDay:
		return Question
	case d.Type != c.Departure.Type || !slices.Equal(d.Leaver.Flags, c.Departure.Leaver.Flags):
		return TooLate
	default:
		return Absorb // HR sets the status when the day has come: we have been there
	}
}

// hiredAfter says whether the leaver was hired again after an earlier departure: the hire date is another one,
// and lies after its last day.
func (d Departure) hiredAfter(before Departure) bool {
	return d.Leaver.HiredOn > before.LastDay && d.Leaver.HiredOn > before.Leaver.HiredOn
}

// same says whether two announcements say the same.
func (d Departure) same(o Departure) bool {
	l, m := d.Leaver, o.Leaver
	return d.Type == o.Type && d.LastDay == o.LastDay && d.TerminationDate == o.TerminationDate &&
		d.CutOffClock == o.CutOffClock && d.CutOffAt.Equal(o.CutOffAt) && d.Immediate == o.Immediate && l.Zone == m.Zone && l.Name == m.Name &&
		l.Manager == m.Manager && maps.Equal(l.Identifiers, m.Identifiers) && slices.Equal(l.Flags, m.Flags) && d.Embargo.same(o.Embargo)
}
