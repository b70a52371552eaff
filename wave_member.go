package exeunt

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MemberState says how far one person of a wave is.
type MemberState string

// The states of a person in a wave.
const (
	MemberWaiting  MemberState = "waiting"  // not released
	MemberReleased MemberState = "released" // the case was asked for and will come
	MemberOpened   MemberState = "opened"   // the wave opened the case
	MemberJoined   MemberState = "joined"   // HR had opened one; it runs by the wave's clock
	MemberRefused  MemberState = "refused"  // no case came of it; the reason says why
	MemberStopped  MemberState = "stopped"  // the wave was stopped before the person's access began to end: the case is held
)

// Member is one person of a wave: what the list said, and what came of it.
type Member struct {
	Wave       WaveID      `json:"wave"`
	Version    int64       `json:"version"`
	Position   int         `json:"row"`  // in the order of the list, from 1
	Line       int         `json:"line"` // of the file that was read
	Departure  Departure   `json:"departure"`
	State      MemberState `json:"state"`
	Case       CaseID      `json:"case,omitzero"`
	Reason     string      `json:"reason,omitempty"`
	ReleasedAt time.Time   `json:"released_at,omitzero"`
}

// Row is one line of a list of people.
type Row struct {
	Line      int
	Departure Departure
}

// RowFault is what is wrong with one line, and what to do.
type RowFault struct {
	Line  int    `json:"line"`
	Field string `json:"field,omitempty"`
	What  string `json:"what"`
}

// RowFaults are all the faults of a list.
type RowFaults []RowFault

// What bounds a message for people, so that it says how many more there are before it would be cut; RowFaults has them all.
const (
	faultsShown  = 50
	longestFault = 500 // bytes: it quotes the list
)

// Error lists the faults, one a line.
func (f RowFaults) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the list has %s, so that nothing was made:", plural(len(f), "fault", "faults"))
	for i, fault := range f {
		line := fmt.Sprintf("\n  line %d: %s", fault.Line, shorten(fault.What, longestFault))
		more := fmt.Sprintf("\n  and %d more", len(f)-i)
		if i == faultsShown || b.Len()+len(line)+len(more) > longestMessage {
			b.WriteString(more)
			break
		}
		b.WriteString(line)
	}
	return b.String()
}

// Err is the faults as an error, in the order of the lines; nil when there are none.
func (f RowFaults) Err() error {
	if len(f) == 0 {
		return nil
	}
	sorted := slices.Clone(f)
	slices.SortStableFunc(sorted, func(a, b RowFault) int { return cmp.Compare(a.Line, b.Line) })
	return Errorf(Invalid, "%s", sorted.Error()).In("members").Because(sorted)
}

func (f *RowFaults) add(line int, field, format string, args ...any) {
	*f = append(*f, RowFault{line, field, fmt.Sprintf(format, args...)})
}

// maxRows bounds a list, far above the largest departures and far below what memory holds.
const maxRows = 50_000

// columns are what a list may say of somebody.
var columns = map[string]func(*Departure, string){
	"employee_id":      func(d *Departure, v string) { d.Leaver.ID = v },
	"name":             func(d *Departure, v string) { d.Leaver.Name = v },
	"entity":           func(d *Departure, v string) { d.Leaver.Entity = v },
	"title":            func(d *Departure, v string) { d.Leaver.Title = v },
	"department":       func(d *Departure, v string) { d.Leaver.Department = v },
	"manager_name":     func(d *Departure, v string) { d.Leaver.Manager.Name = v },
	"manager_email":    func(d *Departure, v string) { d.Leaver.Manager.Email = v },
	"place":            func(d *Departure, v string) { d.Leaver.Place = v },
	"zone":             func(d *Departure, v string) { d.Leaver.Zone = v },
	"country":          func(d *Departure, v string) { d.Leaver.Country = v },
	"region":           func(d *Departure, v string) { d.Leaver.Region = v },
	"employment":       func(d *Departure, v string) { d.Leaver.Employment = v },
	"hired_on":         func(d *Departure, v string) { d.Leaver.HiredOn = Date(v) },
	"notice_on":        func(d *Departure, v string) { d.NoticeOn = Date(v) },
	"last_day":         func(d *Departure, v string) { d.LastDay = Date(v) },
	"termination_date": func(d *Departure, v string) { d.TerminationDate = Date(v) },
	"flags": func(d *Departure, v string) {
		for _, flag := range strings.Fields(strings.NewReplacer(";", " ", "|", " ").Replace(v)) {
			d.Leaver.Flags = append(d.Leaver.Flags, Flag(flag))
		}
	},
	"work_email":     identifierColumn(WorkEmail),
	"personal_email": identifierColumn(PersonalEmail),
	"upn":            identifierColumn(PrincipalName),
	"login":          identifierColumn(Login),
	"uuid":           identifierColumn(UUID),
}

func identifierColumn(kind IdentifierKind) func(*Departure, string) {
	return func(d *Departure, v string) {
		if d.Leaver.Identifiers == nil {
			d.Leaver.Identifiers = map[IdentifierKind]string{}
		}
		d.Leaver.Identifiers[kind] = v
	}
}

// identifierPrefix begins the name of a column that holds any other kind of identifier.
const identifierPrefix = "identifier:"

// ParseRows reads a list of people as CSV with a header, separated by commas, semicolons or tabs. What
// can be read is returned together with every fault, so that one look is enough.
func ParseRows(text string) ([]Row, RowFaults) { return parseRows(text, maxRows, "a wave") }

func parseRows(text string, most int, of string) ([]Row, RowFaults) {
	var faults RowFaults
	text = strings.TrimPrefix(text, "\ufeff") // spreadsheets write a byte order mark
	read := csv.NewReader(strings.NewReader(text))
	read.Comma, read.FieldsPerRecord, read.TrimLeadingSpace = separator(text), -1, true
	header, err := read.Read()
	if err != nil {
		faults.add(1, "", "there is no header: the first line names the columns, such as employee_id,name,work_email")
		return nil, faults
	}
	set := readHeader(header, &faults)
	if len(faults) > 0 { // every row would only repeat it
		return nil, faults
	}
	var rows []Row
	for {
		record, err := read.Read()
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			faults.add(parse.StartLine, "", "the line is no CSV (%s): put quotes around a value that holds a separator, and double a quote inside", parse.Err.Error())
			return rows, faults // after a stray quote nothing can be told apart any more
		}
		if err != nil { // the end
			return rows, faults
		}
		line, _ := read.FieldPos(0)
		if len(record) != len(header) {
			faults.add(line, "", "it has %d values, and the header has %d columns", len(record), len(header))
			continue
		}
		if len(rows) == most {
			faults.add(line, "", "%s has at most %d people: make several", of, most)
			return rows, faults
		}
		row := Row{Line: line}
		for i, value := range record {
			if value = strings.TrimSpace(value); value != "" {
				set[i](&row.Departure, value)
			}
		}
		rows = append(rows, row)
	}
}

func separator(text string) rune {
	header, _, _ := strings.Cut(text, "\n")
	for _, s := range []rune{',', ';', '\t'} {
		if strings.ContainsRune(header, s) {
			return s
		}
	}
	return ','
}

func readHeader(header []string, faults *RowFaults) []func(*Departure, string) {
	var set []func(*Departure, string)
	seen := map[string]bool{}
	for _, column := range header {
		name := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(column)), " ", "_")
		into, known := columns[name]
		if kind, ok := strings.CutPrefix(name, identifierPrefix); ok && kind != "" {
			into, known = identifierColumn(IdentifierKind(kind)), true
		}
		switch {
		case !known:
			faults.add(1, name, "%q is no column: take it out, or use one of %s, or identifier:KIND", column, strings.Join(columnNames(), ", "))
		case seen[name]:
			faults.add(1, name, "the column %s is there twice: take one out", name)
		}
		seen[name] = true
		set = append(set, into)
	}
	for _, required := range []string{"employee_id", "name"} {
		if !seen[required] {
			faults.add(1, required, "the column %s is missing: people are known by the HR system's number", required)
		}
	}
	return set
}

func columnNames() []string {
	names := make([]string, 0, len(columns))
	for name := range columns {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// members turns rows into people of the wave, with its type and clock. taken says of whoever cannot be in
// it, by the leaver's key, why not.
func (w Wave) members(rows []Row, taken map[string]string, now time.Time) ([]Member, RowFaults) {
	var faults RowFaults
	seen := map[string]int{}
	people := make([]Member, 0, len(rows))
	for i, row := range rows {
		d := row.Departure
		d.Type, d.Immediate, d.CutOffClock = w.Type, false, ""
		if _, err := Zone(d.Leaver.Zone); err != nil {
			faults.add(row.Line, "zone", "leaver.zone: %s", MessageOf(err))
			continue
		}
		at, err := w.Clock.In(d.Leaver.Zone)
		if err != nil {
			faults.add(row.Line, "zone", "%s", MessageOf(err))
			continue
		}
		d.LastDay = cmp.Or(d.LastDay, d.dayOf(at))
		d.TerminationDate = cmp.Or(d.TerminationDate, d.LastDay)
		d.outOfOrder(row.Line, at, now, &faults)
		if first, twice := seen[d.Leaver.Key()]; twice && d.Leaver.ID != "" {
			faults.add(row.Line, "employee_id", "employee %s is in line %d already: take one out", d.Leaver.ID, first)
		} else if why, ok := taken[d.Leaver.Key()]; ok {
			faults.add(row.Line, "employee_id", "employee %s %s: take the line out", d.Leaver.ID, why)
		}
		seen[d.Leaver.Key()] = row.Line
		d.CutOffAt = at.UTC()
		if w.Embargo != nil {
			d.Embargo = &w.Embargo.EmbargoTerms
			if ends, err := d.Embargo.Ends(d.Leaver.Zone); err != nil || ends.After(at) {
				faults.add(row.Line, "embargo", "the embargo ends at %s, after access: nothing may end before it", ends.Format(time.RFC3339))
			}
		}
		people = append(people, Member{Wave: w.ID, Position: i + 1, Line: row.Line, Departure: d, State: MemberWaiting})
	}
	return people, faults
}

// outOfOrder adds what is wrong with the facts of one row.
func (d Departure) outOfOrder(line int, at, now time.Time, faults *RowFaults) {
	if err := d.Check(); err != nil {
		field := ""
		if e, ok := errors.AsType[*Error](err); ok {
			field = e.Field
		}
		faults.add(line, field, "%s", MessageOf(err))
		return // the rest would follow from it
	}
	for _, f := range d.Leaver.Flags {
		if !slices.Contains(knownFlags, f) {
			faults.add(line, "flags", "%q is not a flag: use %v", f, knownFlags)
		}
	}
	switch day := d.dayOf(at); {
	case at.Before(now.Add(-time.Minute)):
		faults.add(line, "zone", "in %s the clock has passed already: take an earlier one for this place, or one instant for everybody", d.Leaver.Zone)
	case d.LastDay < day:
		faults.add(line, "last_day", "the last day %s lies before %s, on which access ends there", d.LastDay, day)
	case d.Leaver.HiredOn != "" && d.LastDay < d.Leaver.HiredOn:
		faults.add(line, "hired_on", "the last day %s lies before the hire date %s", d.LastDay, d.Leaver.HiredOn)
	case d.TerminationDate < d.LastDay:
		faults.add(line, "termination_date", "the termination date %s lies before the last day %s", d.TerminationDate, d.LastDay)
	case d.NoticeOn != "" && d.NoticeOn > d.LastDay:
		faults.add(line, "notice_on", "the notice of %s lies after the last day %s", d.NoticeOn, d.LastDay)
	default:
		if doubt := d.Doubt(now); doubt != "" {
			faults.add(line, "last_day", "%s", doubt)
		}
	}
}

// revealed is when the embargo of a person's case ends.
func (m Member) revealed() time.Time {
	if m.Departure.Embargo == nil {
		return time.Time{}
	}
	at, _ := m.Departure.Embargo.Ends(m.Departure.Leaver.Zone) // checked with the row
	return at
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Trigger is what the wave says of one of its people. Its event id is the same however often it is said.
// Who approved the wave stands behind it.
func (w Wave) Trigger(m Member, now time.Time) Trigger {
	reason := w.Label() + ": " + w.Made.Reason
	if w.Approved != nil {
		reason += "; approved by " + w.Approved.By
	}
	return Trigger{
		EventID: m.EventID(), Source: WaveSource, Kind: Announced, OccurredAt: now.UTC(), ReceivedAt: now.UTC(),
		Departure: m.Departure, Override: &Override{By: w.Made.By, Account: w.Made.Account, Reason: reason}, Wave: w.ID,
	}
}

// EventID names one person of a wave among the events, by the row: ids stay on record when a case is erased.
func (m Member) EventID() string { return m.Wave.String() + "/" + itoa(m.Position) }

// Opened is the member whose case the wave opened, or had amended when it was there before.
func (m Member) Opened(c Case, joined bool) Member {
	m.State, m.Case = MemberOpened, c.ID
	if joined {
		m.State = MemberJoined
	}
	return m
}

// Erased is what stays of the member whose case was erased.
func (m Member) Erased() Member {
	return Member{Wave: m.Wave, Version: m.Version, Position: m.Position, State: m.State, Case: m.Case, ReleasedAt: m.ReleasedAt,
		Departure: Departure{Leaver: Leaver{Name: ErasedName, Zone: "UTC"}, CutOffAt: m.Departure.CutOffAt}}
}

// Refuse is the member of whom no case came.
func (m Member) Refuse(why string) Member {
	m.State, m.Reason = MemberRefused, why
	return m
}

// Refuse tells whoever made the wave that no case came of one of its people. It names the row and not the
// person, since an entry without a case cannot be erased with one.
func (w Wave) Refuse(m Member, why string, operator Person, now time.Time) Change {
	change := Change{Members: []Member{m.Refuse(why)}}
	what := fmt.Sprintf("row %d: no case was opened: %s", m.Position, why)
	w.record(&change, EntryWaveRefused, now, what, map[string]string{"row": itoa(m.Position), "reason": why})
	to := Person{Name: w.Made.By, Email: w.Made.Account}
	if to.Email == "" && !w.Embargoed() {
		to = operator
	}
	change.Notices = []Notice{{Kind: NoticeAlert, To: to, Text: w.ID.String() + ", " + what, Dedup: "wave:" + m.EventID()}}
	return change
}

// HoldAhead holds the case of somebody whose access had not begun to end when the wave was stopped.
func (w Wave) HoldAhead(m Member, c Case, now time.Time) (Change, error) {
	by := Override{By: w.Stopped.By, Account: w.Stopped.Account, Reason: w.ID.String() + " was stopped: " + w.Stopped.Reason}
	change, err := c.HoldBy(by, now)
	if err != nil {
		return Change{}, err
	}
	m.State = MemberStopped
	change.Members = []Member{m}
	return change, nil
}

func itoa(n int) string { return strconv.Itoa(n) }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return itoa(n) + " " + many
}
