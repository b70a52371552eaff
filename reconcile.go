package exeunt

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Worker is somebody on the list of people with which the accounts of systems are compared: who works here, and who did.
type Worker struct {
	Leaver Leaver `json:"leaver"`
	LeftOn Date   `json:"left_on,omitempty"` // "" for whoever works here
	Case   CaseID `json:"case,omitempty"`    // the departure by which we know that
}

// maxWorkers bounds a list of people, far above the largest companies that run one installation.
const maxWorkers = 200_000

// ParseWorkers reads a list of people as HR exports it: the columns of a wave's list, of which last_day says that somebody
// left. Whoever's last day is not over, at their place of work, works here. complete fills in what a row leaves out, above all
// the entity and its zone.
func ParseWorkers(text string, complete func(*Departure), now time.Time) ([]Worker, error) {
	rows, faults := parseRows(text, maxWorkers, "a list of people")
	seen := map[string]int{}
	workers := make([]Worker, 0, len(rows))
	for _, row := range rows {
		d := row.Departure
		complete(&d)
		w := Worker{Leaver: d.Leaver}
		if day := d.LastDay; day != "" {
			if _, err := day.At("00:00", "UTC"); err != nil {
				faults.add(row.Line, "last_day", "%q is no day: write it as 2026-01-31", day)
			} else if _, err := Zone(d.Leaver.Zone); err != nil {
				faults.add(row.Line, "zone", "%s", MessageOf(err))
			} else if day < d.dayOf(now) {
				w.LeftOn = day
			}
		}
		switch line, twice := seen[w.Leaver.Key()]; {
		case w.Leaver.ID == "":
			faults.add(row.Line, "employee_id", "nobody is named: give the HR system's number")
		case twice:
			faults.add(row.Line, "employee_id", "%s is in line %d already", w.Leaver.ID, line)
		}
		seen[w.Leaver.Key()] = row.Line
		workers = append(workers, w)
	}
	if len(faults) == 0 && len(workers) == 0 {
		faults.add(1, "", "the list is empty: nobody can be compared with anything")
	}
	return workers, faults.Err()
}

// Whose tells of accounts, by id, whose they are where a person has confirmed that: by the key of a leaver, "" for nobody's.
type Whose map[string]string

// Others says whether an account is confirmed to be anything but the leaver's.
func (w Whose) Others(account, leaver string) bool {
	of, confirmed := w[account]
	return confirmed && of != leaver
}

// Learned are the mappings of one system.
type Learned struct {
	Of    map[string]Account // by the leaver's key
	Whose Whose              // the same by the account's id, with what is nobody's
	Ended map[string]bool    // by the account's id: a departure has seen to it in another way than by closing it, as payroll does
}

// FindingKind says what is wrong between a person and a system.
type FindingKind string

// The kinds of finding.
const (
	FoundMissing    FindingKind = "missing"    // no account
	FoundAmbiguous  FindingKind = "ambiguous"  // several accounts
	FoundMismatched FindingKind = "mismatched" // what HR and the system say does not agree
	FoundOrphaned   FindingKind = "orphaned"   // an open account of nobody who works here
)

// Finding is one thing that a reconciliation found.
type Finding struct {
	ID       int64       `json:"id"`
	System   string      `json:"system"`
	Kind     FindingKind `json:"kind"`
	Leaver   string      `json:"leaver,omitempty"` // key of the person; of an orphan, who left
	Name     string      `json:"name,omitempty"`
	Accounts []Account   `json:"accounts,omitempty"`
	Why      string      `json:"why"`
	LeftOn   Date        `json:"left_on,omitempty"` // of an orphan, when that person left
	Case     CaseID      `json:"case,omitempty"`    // of an orphan, the departure that missed it, or the clean-up of it
	Decided  *Decision   `json:"decided,omitempty"` // a person saw to it

	Worker *Worker `json:"-"` // the person
}

// ParseFindingID reads the number of a finding.
func ParseFindingID(s string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n <= 0 {
		return 0, Errorf(Invalid, "%q is no finding: they are called by their numbers", s)
	}
	return n, nil
}

// Do is what a person does about a finding.
func (f Finding) Do() string {
	switch {
	case f.Kind == FoundMissing:
		return "nothing, where not everybody has an account there; else correct the identifier in HR or in the system, or confirm the account"
	case f.Kind == FoundAmbiguous:
		return "confirm which account it is, and end or rename the other"
	case f.Kind == FoundMismatched:
		return "correct what is wrong, in HR or in the system, or confirm the account"
	case f.Leaver != "":
		return "start the clean-up, which ends it by a case like any departure"
	default:
		return "find out whose it is and confirm that, or confirm that it is nobody's; else end it"
	}
}

// Tally counts what a reconciliation of one system found.
type Tally struct {
	Matched    int `json:"matched"`
	Missing    int `json:"missing"`
	Ambiguous  int `json:"ambiguous"`
	Mismatched int `json:"mismatched"`
	Orphaned   int `json:"orphaned"` // open accounts of nobody who works here
	Closed     int `json:"closed"`   // accounts of nobody who works here that are closed, as they should be
	Nobodys    int `json:"nobodys"`  // accounts that a person confirmed to be nobody's
}

// What bounds the findings of a system that are listed one by one, while its counts say how many there are: few systems are
// for everybody; and a list of the people of one entity, held against the directory of all, makes orphans of the others. Of
// people who left each account is listed.
const (
	maxMissing = 1000
	maxUnknown = 5000 // orphans of which nobody knows whose they were
)

// index finds accounts by what they have.
type index map[string]map[string][]int // attribute → value in small letters → accounts

func indexOf(by Correlation, accounts []Found) index {
	x := index{}
	for _, name := range by.Attributes() {
		x[name] = map[string][]int{}
	}
	if len(by) == 0 {
		for _, a := range accounts {
			for name := range a.Has {
				if x[name] == nil {
					x[name] = map[string][]int{}
				}
			}
		}
	}
	for i, a := range accounts {
		for name, values := range x {
			for _, v := range a.Has[name] {
				v = strings.ToLower(strings.TrimSpace(v))
				values[v] = append(values[v], i)
			}
		}
	}
	return x
}

// candidates are the accounts that have any of the keys.
func (x index) candidates(s Sought, accounts []Found) []Found {
	var found []Found
	var at []int
	for i, rule := range s.rules {
		for _, key := range s.keys[i] {
			for _, n := range x[rule.Attribute][strings.ToLower(key)] {
				if !slices.Contains(at, n) {
					at, found = append(at, n), append(found, accounts[n])
				}
			}
		}
	}
	return found
}

// OrphanOfNobody is what is said of an orphan of which nobody knows, or may know, whose it was.
const OrphanOfNobody = "it matches nobody on the list of people, and is open"

// comparison compares one system's accounts with the people.
type comparison struct {
	by       Correlation
	accounts []Found
	at       index
	place    map[string]int // account id → its place
	learned  Learned
	claims   [][]int // of each account, whose it surely is
	wanted   []bool  // of each account, whether it may be somebody's
	tally    Tally
	unknown  int // orphans of nobody knows whom
	findings []Finding
	people   []Worker
}

// Compare correlates everybody with the accounts of one system: the same rules, judged alike, as when somebody leaves. An
// account may come several times, as lists do.
func Compare(system string, by Correlation, people []Worker, accounts []Found, learned Learned) (Tally, []Finding, error) {
	c := &comparison{by: by, learned: learned, people: people, place: map[string]int{}}
	for _, a := range accounts {
		if _, twice := c.place[a.ID]; !twice {
			c.place[a.ID], c.accounts = len(c.accounts), append(c.accounts, a)
		}
	}
	c.at, c.claims, c.wanted = indexOf(by, c.accounts), make([][]int, len(c.accounts)), make([]bool, len(c.accounts))
	for i, w := range people {
		if w.LeftOn == "" {
			if err := c.person(i); err != nil {
				return Tally{}, nil, err
			}
		}
	}
	c.contested()
	c.orphans()
	for i := range c.findings {
		c.findings[i].System = system
	}
	return c.tally, c.findings, nil
}

// person finds the account of somebody who works here.
func (c *comparison) person(i int) error {
	w := c.people[i]
	if account, ok := c.learned.Of[w.Leaver.Key()]; ok {
		if n, there := c.place[account.ID]; there {
			c.claim(n, i)
			return nil
		}
		c.find(FoundMissing, w, nil, "the account that was confirmed ("+account.Login+") is no longer there")
		return nil
	}
	sought, err := c.by.Of(w.Leaver)
	if err != nil && KindOf(err) == Invalid { // HR gave nothing of this person, or nothing that a rule can work with
		c.find(FoundMissing, w, nil, MessageOf(err))
		return nil
	}
	if err != nil {
		return err
	}
	m := sought.Judge(c.at.candidates(sought, c.accounts), c.learned.Whose)
	for _, a := range m.Accounts {
		c.wanted[c.place[a.ID]] = true
	}
	switch m.State {
	case MatchOne:
		c.claim(c.place[m.Accounts[0].ID], i)
		if len(m.Differs) > 0 {
			c.find(FoundMismatched, w, m.Accounts, fmt.Sprintf("the account is found, and its %s is not what HR says", strings.Join(m.Differs, ", ")))
		}
	case MatchNone:
		c.find(FoundMissing, w, nil, m.Why)
	case MatchSeveral:
		c.find(FoundAmbiguous, w, m.Accounts, m.Why)
	case MatchDisputed:
		c.find(FoundMismatched, w, m.Accounts, m.Why)
	}
	return nil
}

func (c *comparison) claim(account, who int) {
	c.claims[account], c.wanted[account] = append(c.claims[account], who), true
	c.tally.Matched++
}

// find counts a finding, and lists it.
func (c *comparison) find(kind FindingKind, w Worker, accounts []Found, why string) {
	switch kind {
	case FoundMissing:
		if c.tally.Missing++; c.tally.Missing > maxMissing {
			return
		}
	case FoundAmbiguous:
		c.tally.Ambiguous++
	case FoundMismatched:
		c.tally.Mismatched++
	case FoundOrphaned:
		c.tally.Orphaned++
		if w.Leaver.ID == "" {
			if c.unknown++; c.unknown > maxUnknown {
				return
			}
		}
	}
	f := Finding{Kind: kind, Why: why}
	if w.Leaver.ID != "" {
		f.Leaver, f.Name, f.LeftOn, f.Case, f.Worker = w.Leaver.Key(), w.Leaver.Name, w.LeftOn, w.Case, &w
	}
	for _, a := range accounts {
		f.Accounts = append(f.Accounts, a.Account)
	}
	c.findings = append(c.findings, f)
}

// contested finds the accounts that are two people's at once: a visit for either would end the other's.
func (c *comparison) contested() {
	for n, who := range c.claims {
		if len(who) < 2 {
			continue
		}
		for i, claims := range who {
			other := c.people[who[(i+1)%len(who)]]
			c.tally.Matched--
			c.find(FoundMismatched, c.people[claims], c.accounts[n:n+1], fmt.Sprintf("the account matches %s (%s) just as well", other.Leaver.Name, other.Leaver.ID))
		}
	}
}

// orphans finds the open accounts of nobody who works here, and whose they were.
func (c *comparison) orphans() {
	left := map[int][]int{} // account → people who left and whom it matches
	for i, w := range c.people {
		if w.LeftOn == "" {
			continue
		}
		if account, ok := c.learned.Of[w.Leaver.Key()]; ok {
			if n, there := c.place[account.ID]; there {
				left[n] = append(left[n], i)
			}
			continue
		}
		sought, err := c.by.Of(w.Leaver)
		if err != nil {
			continue // HR has nothing of that person by which anything could be found
		}
		if m := sought.Judge(c.at.candidates(sought, c.accounts), c.learned.Whose); m.State == MatchOne {
			n := c.place[m.Accounts[0].ID]
			left[n] = append(left[n], i)
		}
	}
	for n, a := range c.accounts {
		of, confirmed := c.learned.Whose[a.ID]
		switch {
		case c.wanted[n]:
		case confirmed && of == "":
			c.tally.Nobodys++
		case a.Closed, c.learned.Ended[a.ID]:
			c.tally.Closed++
		case len(left[n]) == 1:
			w := c.people[left[n][0]]
			c.find(FoundOrphaned, w, c.accounts[n:n+1], fmt.Sprintf("%s left on %s, and the account is open", w.Leaver.Name, w.LeftOn))
		default:
			c.find(FoundOrphaned, Worker{}, c.accounts[n:n+1], OrphanOfNobody)
		}
	}
}
