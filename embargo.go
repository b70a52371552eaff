package exeunt

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Viewer is somebody who looks at cases or acts on them. What they may do there depends on their
// roles; whether a case exists for them depends on its embargo alone, and no role stands above it.
type Viewer struct {
	Name  string
	Email string
	Roles []string
}

// Signs is the name under which the viewer's decisions are recorded.
func (v Viewer) Signs() string { return cmp.Or(v.Name, v.Email) }

// EmbargoTerms ask that a departure stays between the people who are named until its reveal time.
type EmbargoTerms struct {
	Until     string   `json:"until"`      // "2026-12-01 09:00" at the place of work, or an RFC 3339 instant
	VisibleTo []string `json:"visible_to"` // e-mail addresses
}

// Ends is the instant at which embargo terms end, given the zone of the place of work.
func (t EmbargoTerms) Ends(zone string) (time.Time, error) {
	text := strings.TrimSpace(t.Until)
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	day, clock, _ := strings.Cut(strings.Replace(text, "T", " ", 1), " ")
	date, err := ParseDate(day)
	if err != nil {
		return time.Time{}, Errorf(Invalid, "%q is not a moment: write it as 2006-01-02 09:00 (at the place of work) or as 2006-01-02T09:00:00Z", t.Until)
	}
	return date.At(cmp.Or(clock, "00:00"), zone)
}

// Check says what is wrong with embargo terms. Those that are wrong refuse the departure: a case
// that should have been secret must not be opened for everybody.
func (t EmbargoTerms) Check(zone string) error {
	if _, err := t.Ends(zone); err != nil {
		return Errorf(Invalid, "embargo.until: %v", err).In("embargo.until")
	}
	if len(t.VisibleTo) == 0 {
		return Errorf(Invalid, "an embargo needs the e-mail address of at least one person who may see the case").In("embargo.visible_to")
	}
	return checkAddresses(t.VisibleTo)
}

func checkAddresses(addresses []string) error {
	for _, a := range addresses {
		if name, domain, ok := strings.Cut(strings.TrimSpace(a), "@"); !ok || name == "" || domain == "" || strings.ContainsAny(a, " \t\r\n,;:") {
			return Errorf(Invalid, "embargo.visible_to: %q is not an e-mail address", a).In("embargo.visible_to")
		}
	}
	return nil
}

// Embargo keeps a case from everybody but the people whom it lists. It is kept with the case and not
// with the departure, so that nothing that HR sends later can lift it by leaving it out.
type Embargo struct {
	Until     time.Time `json:"until"`             // the reveal time, UTC
	VisibleTo []string  `json:"visible_to"`        // e-mail addresses in small letters
	EndedAt   time.Time `json:"ended_at,omitzero"` // when it was lifted; zero while it lasts
}

// Lists says whether the embargo names an address.
func (e Embargo) Lists(email string) bool {
	return email != "" && slices.Contains(e.VisibleTo, foldAddress(email))
}

// with is the embargo with more people on its list.
func (e Embargo) with(addresses []string) Embargo {
	list := slices.Clone(e.VisibleTo)
	for _, a := range addresses {
		list = append(list, foldAddress(a))
	}
	slices.Sort(list)
	e.VisibleTo = slices.Compact(list)
	return e
}

func foldAddress(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// embargo is what terms put a new case under; nil when there are none or their time has passed.
func (t *EmbargoTerms) embargo(zone string, now time.Time) (*Embargo, error) {
	if t == nil {
		return nil, nil
	}
	until, err := t.Ends(zone)
	if err != nil || !until.After(now) {
		return nil, err
	}
	e := Embargo{Until: until}.with(t.VisibleTo)
	return &e, nil
}

// embargoOf is what a case is opened under: what its departure asks for, or else its policy. One that goes on from another
// keeps what became of that one's: it may have been revealed early, or hidden for longer.
func (p Policy) embargoOf(c Case, now time.Time) (*Embargo, error) {
	if c.Follows != 0 {
		return c.Embargo, nil
	}
	if c.Departure.Embargo != nil || p.Embargo == nil {
		return c.Departure.Embargo.embargo(c.Departure.Leaver.Zone, now)
	}
	var err error
	if c.CutOff, err = CutOffOf(c.Departure, p.CutOff, now); err != nil {
		return nil, err
	}
	c.OpenedAt = now.UTC()
	until, err := c.instant(p.Embargo.Until, now)
	if err != nil || !until.After(now) {
		return nil, err
	}
	e := Embargo{Until: until}.with(p.Embargo.VisibleTo)
	return &e, nil
}

// Embargoed says whether the case is still under its embargo. That ends when its end is committed,
// not by the clock alone, so that nobody is told of a case that they cannot see yet.
func (c Case) Embargoed() bool { return c.Embargo != nil && c.Embargo.EndedAt.IsZero() }

// VisibleTo says whether the case exists for somebody.
func (c Case) VisibleTo(v Viewer) bool { return !c.Embargoed() || c.Embargo.Lists(v.Email) }

// RevealsAt is when the embargo ends by itself. A case that was taken back or closed before is not
// revealed any more: that somebody was about to be dismissed stays between those who knew. One whose leaver works
// here again is: they have left, and what is due of that, such as their pay, has waited for it.
func (c Case) RevealsAt() (time.Time, bool) {
	if !c.Embargoed() || !c.Open() || c.State == CaseRescinded {
		return time.Time{}, false
	}
	return c.Embargo.Until, true
}

// notBefore is the earliest moment at which anything of the case may start.
func (c Case) notBefore(now time.Time) time.Time {
	if c.Embargoed() && c.Embargo.Until.After(now) {
		return c.Embargo.Until
	}
	return now
}

// Reveal ends the embargo: at its time, or earlier when a named person decides so. What waited for it
// starts at once, and the owners of open tasks are told.
func (c Case) Reveal(steps []Step, tasks []Task, by *Override, now time.Time) (Change, error) {
	at, due := c.RevealsAt()
	switch {
	case !c.Embargoed():
		return Change{}, Errorf(Conflict, "case %s is under no embargo", c.ID)
	case !c.Open():
		return Change{}, Errorf(Conflict, "case %s was closed under its embargo: its record is sealed and stays between those who knew", c.ID)
	case by != nil:
		if err := by.Check(); err != nil {
			return Change{}, err
		}
	case !due || at.After(now):
		return Change{}, Errorf(Conflict, "the embargo of case %s does not end yet", c.ID)
	}
	ended := *c.Embargo
	ended.EndedAt = now.UTC()
	c.Embargo = &ended
	change, err := c.embargoMoved(steps, tasks, now)
	if err != nil {
		return Change{}, err
	}
	if c.State != CaseHeld {
		for _, t := range change.Tasks {
			if t.State == TaskOpen {
				change.Notices = append(change.Notices, t.notice(NoticeAssigned, "assigned"))
			}
		}
	}
	what, detail := "embargo ended", map[string]string{"until": ended.Until.Format(time.RFC3339)}
	if by != nil {
		what = "embargo ended early"
		maps.Copy(detail, by.detail())
	} else if late := now.Sub(ended.Until); late > time.Minute {
		what = fmt.Sprintf("embargo ended, %s late: nothing ran at its time", late.Round(time.Minute))
	}
	change.Record(EntryRevealed, *change.Case, now, what, detail)
	return change, nil
}

// ExtendEmbargo lets the embargo last longer, puts more people on its list, or both. It never shortens
// it, which is what Reveal is for, and never takes anybody off, who knows already.
func (c Case) ExtendEmbargo(terms EmbargoTerms, steps []Step, tasks []Task, by Override, now time.Time) (Change, error) {
	if _, due := c.RevealsAt(); !due {
		return Change{}, Errorf(Conflict, "case %s is under no embargo that could be changed", c.ID)
	}
	if err := by.Check(); err != nil {
		return Change{}, err
	}
	if err := checkAddresses(terms.VisibleTo); err != nil {
		return Change{}, err
	}
	extended := c.Embargo.with(terms.VisibleTo)
	if terms.Until != "" {
		until, err := terms.Ends(c.Departure.Leaver.Zone)
		if err != nil {
			return Change{}, Errorf(Invalid, "embargo.until: %v", err).In("embargo.until")
		}
		if until.Before(extended.Until) {
			return Change{}, Errorf(Invalid, "the embargo of case %s lasts until %s already: to end it earlier, reveal the case", c.ID, extended.Until.Format(time.RFC3339)).In("embargo.until")
		}
		extended.Until = until
	}
	c.Embargo = &extended
	change, err := c.embargoMoved(steps, tasks, now)
	if err != nil {
		return Change{}, err
	}
	detail := by.detail()
	detail["until"], detail["visible_to"] = extended.Until.Format(time.RFC3339), strings.Join(extended.VisibleTo, ", ")
	change.Record(EntryEmbargoed, *change.Case, now, "embargo changed", detail)
	return change, nil
}

// underTerms is the case with its embargo as a later announcement wants it: longer, or with more
// people. What leaves the embargo out, or wants it shorter, changes nothing: that needs a name.
func (c Case) underTerms(t *EmbargoTerms) (Case, error) {
	if t == nil || !c.Embargoed() {
		return c, nil
	}
	until, err := t.Ends(c.Departure.Leaver.Zone)
	if err != nil {
		return c, err
	}
	e := c.Embargo.with(t.VisibleTo)
	if until.After(e.Until) {
		e.Until = until
	}
	c.Embargo = &e
	return c, nil
}

// embargoMoved schedules anew what has not begun, since nothing may start before the reveal time.
func (c Case) embargoMoved(steps []Step, tasks []Task, now time.Time) (Change, error) {
	cutOff, err := CutOffOf(c.Departure, c.CutOffClock, c.notBefore(now))
	if err != nil {
		return Change{}, err
	}
	c.CutOff, c.AccessBy = cutOff, cutOff.Add(c.AccessBy.Sub(c.CutOff))
	c.Generation++
	change := Change{Case: &c}
	for _, s := range steps {
		if !s.pending() {
			continue
		}
		if s, err = s.reschedule(c, now); err != nil {
			return Change{}, err
		}
		s = s.begin(now)
		if s.State == StepReady && c.State == CaseScheduled {
			c.State = CaseRunning
		}
		change.Steps = append(change.Steps, s)
	}
	for _, t := range tasks {
		if !t.Open() {
			continue
		}
		if t, err = t.reschedule(c, now); err != nil {
			return Change{}, err
		}
		change.Tasks = append(change.Tasks, t)
	}
	return change, nil
}

// same says whether an announcement asks for the embargo that another one asked for. One that asks for
// none says nothing about it.
func (t *EmbargoTerms) same(before *EmbargoTerms) bool {
	switch {
	case t == nil:
		return true
	case before == nil:
		return false
	default:
		return t.Until == before.Until && slices.Equal(t.VisibleTo, before.VisibleTo)
	}
}

// StartedBy are the terms under which somebody starts something themselves: they are on its list, and a
// reveal time that has passed is a slip, which must not open it for everybody. From a source it is what it
// says, since what comes late is caught up.
func (t EmbargoTerms) StartedBy(who Viewer, zone string, now time.Time) (EmbargoTerms, error) {
	until, err := t.Ends(zone)
	if err == nil && !until.After(now) {
		err = Errorf(Invalid, "the embargo would end at %s, which has passed: nothing was opened", until.Format(time.RFC3339)).In("embargo.until")
	}
	t.VisibleTo = Embargo{}.with(t.VisibleTo).knows(&Override{Account: who.Email}).VisibleTo
	return t, err
}

// knows puts who starts a case themselves on its list. A token's identity may be shared by many, so that it is
// nobody in particular.
func (e Embargo) knows(by *Override) Embargo {
	if by == nil || checkAddresses([]string{by.Account}) != nil {
		return e
	}
	return e.with([]string{by.Account})
}

// AskedFor records that somebody who does not know of the case wanted to start one for the same person,
// and tells those who do.
func (c Case) AskedFor(by Override, now time.Time) Change {
	var change Change
	what := by.By + " wanted to start this departure and was told that no case was opened"
	change.Record(EntryRefused, c, now, what, by.detail())
	change.Notices = c.alert(fmt.Sprintf("asked-for:%d", now.UnixMicro()), fmt.Sprintf("Case %s is under embargo. %s. Speak to them, or reveal the case.", c.ID, what))
	return change
}

// alert tells the owner of the case something, or those who alone know of it. A departure that was taken back in
// secret stays secret, so that a closed case may be one too.
func (c Case) alert(dedup, text string) []Notice {
	if !c.Embargoed() {
		return []Notice{{Kind: NoticeAlert, To: c.Owner, Case: c.ID, Dedup: dedup, Text: text}}
	}
	var out []Notice
	for _, email := range c.Embargo.VisibleTo {
		out = append(out, Notice{Kind: NoticeAlert, To: Person{Email: email}, Case: c.ID, Dedup: dedup, Text: text})
	}
	return out
}
