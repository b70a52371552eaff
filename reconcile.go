package exeunt

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Whose tells of accounts, by id, whose they are where a person has confirmed that: by the key of a leaver, "" for nobody's.
type Whose map[string]string

// Others says whether an account is confirmed to be anything but the leaver's.
func (w Whose) Others(account, leaver string) bool {
	of, confirmed := w[account]
	return confirmed && of != leaver
}

// Learned are the mappings of one system.
type Learned struct {
	Of    map[string]Mapping // by the leaver's key
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
	Besides  []Account   `json:"besides,omitempty"` // of an orphan, what else of that person is open there: each is a finding of its own
	Case     CaseID      `json:"case,omitempty"`    // of an orphan, the departure that missed it, or the clean-up of it; else the one that contradicts the list
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
	case f.Kind == FoundMismatched && f.Case != 0:
		return "correct the list: if they have left, compare again with one that says so, and start the clean-up; if they are back, let HR announce it"
	case f.Kind == FoundMismatched:
		return "correct what is wrong, in HR or in the system, or confirm the account"
	case len(f.Besides) > 0:
		return "start the clean-up of each that is theirs, one after the other; of what is not, confirm whose it is"
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
	claims   [][]int        // of each account, whose it surely is
	wanted   []bool         // of each account, whether it may be somebody's
	notes    map[int]string // of an account, why it is nobody's though it matches somebody
	tally    Tally
	unknown  int // orphans of nobody knows whom
	findings []Finding
	people   []Worker
}

// Compare correlates everybody with the accounts of one system: the same rules, judged alike, as when somebody leaves. An
// account may come several times, as lists do.
func Compare(system string, by Correlation, people []Worker, accounts []Found, learned Learned) (Tally, []Finding, error) {
	c := &comparison{by: by, learned: learned, people: people, place: map[string]int{}, notes: map[int]string{}}
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
	m, err := c.judge(w)
	if err != nil && KindOf(err) != Invalid { // else HR gave nothing of this person, or nothing that a rule can work with
		return err
	}
	if confirmed, ok := c.learned.Of[w.Leaver.Key()]; ok {
		c.confirmed(i, confirmed, m)
		return nil
	}
	for _, a := range m.Accounts {
		c.wanted[c.place[a.ID]] = true
	}
	switch {
	case err != nil:
		c.missing(w, MessageOf(err))
	case m.State == MatchOne:
		c.claim(c.place[m.Accounts[0].ID], i)
		if len(m.Differs) > 0 {
			c.find(FoundMismatched, w, m.Accounts, fmt.Sprintf("the account is found, and its %s is not what HR says", strings.Join(m.Differs, ", ")))
		}
	case m.State == MatchNone:
		c.missing(w, m.Why)
	case m.State == MatchSeveral:
		c.find(FoundAmbiguous, w, m.Accounts, m.Why)
	case m.State == MatchDisputed:
		c.find(FoundMismatched, w, m.Accounts, m.Why)
	}
	return nil
}

// judge goes by the rules alone.
func (c *comparison) judge(w Worker) (Match, error) {
	sought, err := c.by.Of(w.Leaver)
	if err != nil {
		return Match{}, err
	}
	return sought.Judge(c.at.candidates(sought, c.accounts), c.learned.Whose), nil
}

// confirmed goes by what a person confirmed, as a visit does: what the rules find besides, and nobody knew of then, may be an
// account of somebody who came back. What was there then and was not chosen is nobody's.
func (c *comparison) confirmed(i int, mapping Mapping, m Match) {
	w := c.people[i]
	n, there := c.place[mapping.Account.ID]
	another := mapping.Another(m)
	for _, a := range m.Accounts {
		switch at := c.place[a.ID]; {
		case another != nil && !slices.Contains(mapping.Besides, a.ID):
			c.wanted[at] = true
		case at != n || !there:
			c.notes[at] = fmt.Sprintf("it matches %s, of whom another account is confirmed (%s), and is open", w.Leaver.Name, mapping.Account.Login)
		}
	}
	switch {
	case another != nil && there:
		c.wanted[n] = true
		c.find(FoundAmbiguous, w, append([]Found{c.accounts[n]}, mapping.unknown(m)...), another.Message)
	case another != nil:
		c.find(FoundAmbiguous, w, mapping.unknown(m), another.Message)
	case there:
		c.claim(n, i)
	default:
		c.missing(w, "the account that was confirmed ("+mapping.Account.Login+") is no longer there")
	}
}

// missing says that somebody who works here has no account. Of whom a case says that they left that is as it should be.
func (c *comparison) missing(w Worker, why string) {
	if w.Ended == "" {
		c.find(FoundMissing, w, nil, why)
	}
}

// open says whether somebody could use an account.
func (c *comparison) open(n int) bool {
	return !c.accounts[n].Closed && !c.learned.Ended[c.accounts[n].ID]
}

func (c *comparison) claim(account, who int) {
	c.claims[account], c.wanted[account] = append(c.claims[account], who), true
	c.tally.Matched++
	if w := c.people[who]; w.Ended != "" && c.open(account) {
		c.find(FoundMismatched, w, c.accounts[account:account+1], fmt.Sprintf("the list of people has %s as working here, and case %s ended their departure, with %s as the last day: the account is open", w.Leaver.Name, w.Case, w.Ended))
	}
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
	had := map[int][]int{}  // the same by person
	for i, w := range c.people {
		if w.LeftOn == "" {
			continue
		}
		for _, n := range c.leftOpen(w) {
			left[n], had[i] = append(left[n], i), append(had[i], n)
		}
	}
	for n, a := range c.accounts {
		of, confirmed := c.learned.Whose[a.ID]
		switch {
		case c.wanted[n]:
		case confirmed && of == "":
			c.tally.Nobodys++
		case !c.open(n):
			c.tally.Closed++
		case len(left[n]) == 1:
			c.orphan(n, c.people[left[n][0]], had[left[n][0]])
		default:
			c.find(FoundOrphaned, Worker{}, c.accounts[n:n+1], cmp.Or(c.notes[n], OrphanOfNobody))
		}
	}
}

// leftOpen are the open accounts of somebody who left, of nobody who works here: that which was confirmed, and each that would
// surely be theirs if it were the only one. One that has something of theirs and is somebody else's by what is trusted more is not.
func (c *comparison) leftOpen(w Worker) []int {
	var places []int
	add := func(n int) {
		if c.open(n) && !c.wanted[n] && !slices.Contains(places, n) {
			places = append(places, n)
		}
	}
	mapping, confirmed := c.learned.Of[w.Leaver.Key()]
	if n, there := c.place[mapping.Account.ID]; confirmed && there {
		add(n)
	}
	sought, err := c.by.Of(w.Leaver)
	if err != nil {
		return places // HR has nothing of that person by which anything could be found
	}
	for _, a := range sought.Judge(c.at.candidates(sought, c.accounts), c.learned.Whose).Accounts {
		if n := c.place[a.ID]; !slices.Contains(mapping.Besides, a.ID) && sought.Judge(c.accounts[n:n+1], c.learned.Whose).State == MatchOne {
			add(n)
		}
	}
	return places
}

// orphan finds one of the open accounts of somebody who left. Each is a finding: a case ends one account of a system.
func (c *comparison) orphan(n int, w Worker, had []int) {
	var besides []Account
	var names []string
	for _, at := range had {
		names = append(names, c.accounts[at].Login)
		if at != n {
			besides = append(besides, c.accounts[at].Account)
		}
	}
	why := fmt.Sprintf("%s left on %s, and the account is open", w.Leaver.Name, w.LeftOn)
	if len(besides) > 0 {
		why = fmt.Sprintf("%s left on %s, and %d accounts that match them are open: %s", w.Leaver.Name, w.LeftOn, len(had), listedNames(names))
	}
	c.find(FoundOrphaned, w, c.accounts[n:n+1], why)
	c.findings[len(c.findings)-1].Besides = besides
}
