package exeunt

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WaveID is short and sayable: W-3.
type WaveID int64

// String writes the id as people say it.
func (id WaveID) String() string { return "W-" + strconv.FormatInt(int64(id), 10) }

// MarshalText makes the sayable form the one in JSON and addresses too.
func (id WaveID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads W-3, w-3 or 3.
func (id *WaveID) UnmarshalText(text []byte) error {
	parsed, err := ParseWaveID(string(text))
	*id = parsed
	return err
}

// ParseWaveID reads W-3, w-3 or 3.
func ParseWaveID(s string) (WaveID, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "W-"), 10, 64)
	if err != nil || n <= 0 {
		return 0, Errorf(Invalid, "%q is not a wave: waves are called W-1, W-2, …", s)
	}
	return WaveID(n), nil
}

// WaveState says how far a wave is.
type WaveState string

// The states of a wave. It goes down this list, and may be stopped until it is done.
const (
	WaveDraft   WaveState = "draft"   // its people are listed; nobody leaves by it yet
	WaveChecked WaveState = "checked" // what it will do is known; a second person may approve it
	WaveCanary  WaveState = "canary"  // the first of its people are under way
	WaveHeld    WaveState = "held"    // the canary is out; a named person looks and goes on
	WaveRunning WaveState = "running" // the others follow at the wave's rate
	WaveStopped WaveState = "stopped" // no further case; what has begun ends
	WaveDone    WaveState = "done"    // every case of it is closed
)

// WaveSource is the source of what a wave announces. Its event ids are made of wave and person, so
// that one that is said twice is the same event.
const WaveSource = "wave"

// Opens says when the cases of a wave are opened.
type Opens string

// The ways.
const (
	OpensNow      Opens = "now"        // when the wave is started: tasks and dates run ahead of the clock
	OpensAtCutOff Opens = "at-cut-off" // at the clock: nobody is told anything before
)

// Decision is what a named person decided, and when.
type Decision struct {
	Override
	At time.Time `json:"at"`
}

// Wave is a mass departure as one thing: many cases with one clock. Two people stand behind it: the one
// who made it and another who approved it.
type Wave struct {
	ID      WaveID        `json:"id"`
	Version int64         `json:"version"`
	State   WaveState     `json:"state"`
	Title   string        `json:"title"` // "Austin site"
	Type    DepartureType `json:"type"`
	Clock   WaveClock     `json:"clock"` // when access ends, for everybody
	Opens   Opens         `json:"opens"`
	Canary  int           `json:"canary,omitempty"` // how many go first; then the wave holds for a person. Zero: no canary
	Rate    int           `json:"rate,omitempty"`   // cases a minute; zero: all at once
	Size    int           `json:"size"`             // people
	Embargo *WaveEmbargo  `json:"embargo,omitempty"`

	Made     Decision   `json:"made"`
	Check    *WaveCheck `json:"check,omitempty"` // the newest, also while it runs
	Approved *Decision  `json:"approved,omitempty"`
	Started  *Decision  `json:"started,omitempty"`
	HeldAt   time.Time  `json:"held_at,omitzero"` // when the canary was out
	WentOn   *Decision  `json:"went_on,omitempty"`
	Stopped  *Decision  `json:"stopped,omitempty"`
	DoneAt   time.Time  `json:"done_at,omitzero"`

	Released int       `json:"released"`         // people whose case was asked for
	NextAt   time.Time `json:"next_at,omitzero"` // from when the rate allows the next one
}

// Label is how the wave is written out: W-3 “Austin site”.
func (w Wave) Label() string { return fmt.Sprintf("%s “%s”", w.ID, w.Title) }

// Checking says whether its check runs. That of a wave that was stopped is given up.
func (w Wave) Checking() bool { return w.Unstarted() && w.Check != nil && w.Check.EndedAt.IsZero() }

// Unstarted says whether nothing of the wave has happened to anybody yet.
func (w Wave) Unstarted() bool { return w.State == WaveDraft || w.State == WaveChecked }

// Releasing says whether people of the wave may be on their way out next.
func (w Wave) Releasing() bool { return w.State == WaveCanary || w.State == WaveRunning }

// check refuses what cannot be a wave, one error naming the field.
func (w Wave) check(now time.Time) error {
	switch {
	case strings.TrimSpace(w.Title) == "":
		return Errorf(Invalid, "a wave needs a title, such as the site or the team that it is about").In("title")
	case !knownType(w.Type):
		return Errorf(Invalid, "%q is not a type of departure: use one of %v", w.Type, DepartureTypes).In("type")
	case w.Opens != OpensNow && w.Opens != OpensAtCutOff:
		return Errorf(Invalid, "%q: cases open now or at-cut-off", w.Opens).In("opens")
	case w.Canary < 0 || w.Rate < 0:
		return Errorf(Invalid, "the size of the canary and the rate are numbers from 0").In("canary")
	}
	return w.Clock.check(now)
}

// WaveEmbargo keeps a wave and its cases between the people whom it lists. Each case is revealed at the
// place of work; the wave once all of them are.
type WaveEmbargo struct {
	EmbargoTerms
	Ends    time.Time `json:"ends"`              // for the last of its people
	EndedAt time.Time `json:"ended_at,omitzero"` // zero while it lasts
}

// Embargoed says whether the wave is still under its embargo.
func (w Wave) Embargoed() bool { return w.Embargo != nil && w.Embargo.EndedAt.IsZero() }

// VisibleTo says whether the wave exists for somebody.
func (w Wave) VisibleTo(v Viewer) bool {
	return !w.Embargoed() || v.Email != "" && slices.ContainsFunc(w.Embargo.VisibleTo, func(a string) bool { return foldAddress(a) == foldAddress(v.Email) })
}

// Reveal ends the embargo of the wave.
func (w Wave) Reveal(now time.Time) (Change, error) {
	if !w.Embargoed() || w.Embargo.Ends.After(now) {
		return Change{}, w.refuse("revealed", "its embargo does not end yet, or has ended")
	}
	ended := *w.Embargo
	ended.EndedAt = now.UTC()
	w.Embargo = &ended
	change := Change{Wave: &w}
	w.record(&change, EntryWaveRevealed, now, "embargo ended", nil)
	return change, nil
}

// WaveRequest is what a person asks for: the settings of a wave, and its people as a list in CSV or one by one.
type WaveRequest struct {
	Title   string        `json:"title"`
	Type    DepartureType `json:"type"`
	Clock   string        `json:"clock"`
	Opens   Opens         `json:"opens,omitempty"`
	Canary  int           `json:"canary,omitempty"`
	Rate    int           `json:"rate,omitempty"`
	Embargo *EmbargoTerms `json:"embargo,omitempty"`
	CSV     string        `json:"csv,omitempty"`
	People  []Departure   `json:"people,omitempty"`
}

// Wave is the wave that is asked for, and the rows of its list with what is wrong with them.
func (r WaveRequest) Wave(now time.Time) (Wave, []Row, RowFaults, error) {
	clock, err := ParseWaveClock(r.Clock, now)
	if err != nil {
		return Wave{}, nil, nil, err
	}
	w := Wave{Title: r.Title, Type: r.Type, Clock: clock, Opens: r.Opens, Canary: r.Canary, Rate: r.Rate}
	if r.Embargo != nil {
		w.Embargo = &WaveEmbargo{EmbargoTerms: *r.Embargo}
	}
	var rows []Row
	var faults RowFaults
	switch {
	case r.CSV != "" && len(r.People) > 0:
		return w, nil, nil, Errorf(Invalid, "the people of a wave are given as CSV or one by one, not both").In("people")
	case r.CSV != "":
		rows, faults = ParseRows(r.CSV)
	default:
		for i, d := range r.People {
			rows = append(rows, Row{Line: i + 1, Departure: d})
		}
	}
	return w, rows, faults, nil
}

// MakeWave turns what a person asked for and the rows of its list into a wave. Whatever is wrong with a
// row is said at once as RowFaults, together with what reading the list found. taken says of whoever cannot
// be in it, by the leaver's key, why not.
func MakeWave(w Wave, rows []Row, faults RowFaults, taken map[string]string, by Override, now time.Time) (Change, error) {
	if err := by.Check(); err != nil {
		return Change{}, err
	}
	if w.Embargo != nil {
		if err := w.Embargo.Check("UTC"); err != nil {
			return Change{}, err
		}
	}
	w.Title, w.State, w.Size = strings.TrimSpace(w.Title), WaveDraft, len(rows)
	if w.Opens == "" {
		w.Opens = OpensNow
	}
	if err := w.check(now); err != nil {
		return Change{}, err // every row would only repeat it
	}
	members, more := w.members(rows, taken, now)
	if faults = append(faults, more...); len(faults) > 0 {
		return Change{}, faults.Err()
	}
	switch {
	case w.Size == 0:
		return Change{}, Errorf(Invalid, "the list names nobody: a wave has at least one person").In("members")
	case w.Canary >= w.Size:
		return Change{}, Errorf(Invalid, "a canary of %d leaves nobody behind the hold point: the wave has %d people", w.Canary, w.Size).In("canary")
	}
	for _, m := range members {
		if w.Embargo != nil {
			w.Embargo.Ends = latest(w.Embargo.Ends, m.revealed())
		}
	}
	w.Made = Decision{by, now.UTC()}
	change := Change{Wave: &w, Members: members}
	w.record(&change, EntryWaveMade, now, fmt.Sprintf("%s, access ends %s", plural(w.Size, "person", "people"), w.Clock), merge(by.detail(), "", map[string]string{
		"title": w.Title, "type": string(w.Type), "people": fmt.Sprint(w.Size), "clock": w.Clock.String(),
		"opens": string(w.Opens), "canary": fmt.Sprint(w.Canary), "rate": w.rateWords(),
	}, nil))
	return change, nil
}

func (w Wave) rateWords() string {
	if w.Rate == 0 {
		return "all at once"
	}
	return fmt.Sprintf("%d a minute", w.Rate)
}

// Approve lets a second person stand behind what was made and checked.
func (w Wave) Approve(by Override, now time.Time) (Change, error) {
	if w.State != WaveChecked || w.Approved != nil {
		return Change{}, w.refuse("approved", "it is approved once, after its check")
	}
	if err := by.Check(); err != nil {
		return Change{}, err
	}
	if by.SamePerson(w.Made.Override) {
		return Change{}, Errorf(Denied, "%s made wave %s, so that somebody else has to approve it: a mass change needs two people", by.By, w.ID)
	}
	if fault := w.Check.Fault(); fault != "" {
		return Change{}, Errorf(Conflict, "wave %s cannot be approved: %s. Correct that and check again", w.ID, fault)
	}
	w.Approved = &Decision{by, now.UTC()}
	change := Change{Wave: &w}
	w.record(&change, EntryWaveApproved, now, "approved", w.Check.detail(by.detail()))
	return change, nil
}

// Start lets the first people go: the canary, or everybody where there is none.
func (w Wave) Start(by Override, now time.Time) (Change, error) {
	if w.State != WaveChecked || w.Approved == nil {
		return Change{}, w.refuse("started", "it is started once, after a second person approved it")
	}
	if err := by.Check(); err != nil {
		return Change{}, err
	}
	w.State, w.Started = WaveRunning, &Decision{by, now.UTC()}
	what := "started"
	if w.Canary > 0 {
		w.State, what = WaveCanary, fmt.Sprintf("started with a canary of %d", w.Canary)
	}
	change := Change{Wave: &w}
	w.record(&change, EntryWaveStarted, now, what, by.detail())
	return change, nil
}

// GoOn lets the others follow the canary. What the canary looked like then is recorded with the name.
func (w Wave) GoOn(seen WaveProgress, by Override, now time.Time) (Change, error) {
	if w.State != WaveHeld {
		return Change{}, w.refuse("let go on", "only one that is held at its hold point goes on")
	}
	if err := by.Check(); err != nil {
		return Change{}, err
	}
	w.State, w.WentOn = WaveRunning, &Decision{by, now.UTC()}
	change := Change{Wave: &w}
	w.record(&change, EntryWaveWentOn, now, "goes on: "+seen.String(), merge(by.detail(), "", map[string]string{
		"access_ended": fmt.Sprint(seen.Ended), "failed": fmt.Sprint(seen.Failed), "refused": fmt.Sprint(seen.Refused),
	}, nil))
	return change, nil
}

// Stop ends a wave for good: nobody else is released, a case whose access has not begun to end is
// held for a person, and what has begun ends.
func (w Wave) Stop(by Override, now time.Time) (Change, error) {
	if w.State == WaveStopped || w.State == WaveDone {
		return Change{}, w.refuse("stopped", "it is over")
	}
	if err := by.Check(); err != nil {
		return Change{}, err
	}
	w.State, w.Stopped = WaveStopped, &Decision{by, now.UTC()}
	change := Change{Wave: &w}
	w.record(&change, EntryWaveStopped, now, fmt.Sprintf("stopped: %d of %d had been released", w.Released, w.Size), merge(by.detail(), "", map[string]string{
		"released": fmt.Sprint(w.Released), "people": fmt.Sprint(w.Size),
	}, nil))
	return change, nil
}

func (w Wave) refuse(verb, when string) error {
	return Errorf(Conflict, "wave %s is %s and cannot be %s now: %s", w.ID, w.State, verb, when)
}

// record tells the ledger what happened to a wave. It has no case of its own; what it says names nobody
// of the wave, since an entry without a case cannot be erased with one.
func (w Wave) record(c *Change, kind EntryKind, now time.Time, what string, detail map[string]string) {
	if detail == nil {
		detail = map[string]string{}
	}
	detail["wave"] = w.ID.String()
	c.Record(kind, nil, now, w.ID.String()+": "+what, detail)
	c.Entries[len(c.Entries)-1].Wave = w.ID
}
