package store

import (
	"time"

	"github.com/exeunt/exeunt"
)

// The types that pages, API and CLI read. Each comes from one narrow query; none is written back.

// CaseQuery is what a list of cases is filtered by; its fields are the address of the page.
type CaseQuery struct {
	State      string // "", attention, running, scheduled, held, closed
	Text       string // name, case or employee number
	Type       string
	Department string
	Place      string
	Sort       string // "" (attention first), last-day, name, newest
	Page       int    // from 1
	Size       int    // rows a page; 40 when zero
}

// CaseRow is one line of a list of cases.
type CaseRow struct {
	ID         exeunt.CaseID        `json:"id"`
	State      exeunt.CaseState     `json:"state"`
	Name       string               `json:"name"`
	EmployeeID string               `json:"employee_id"`
	Title      string               `json:"title,omitempty"`
	Department string               `json:"department,omitempty"`
	Place      string               `json:"place,omitempty"`
	Zone       string               `json:"zone"`
	Type       exeunt.DepartureType `json:"type"`
	LastDay    exeunt.Date          `json:"last_day"`
	CutOff     time.Time            `json:"cut_off"`
	AccessBy   time.Time            `json:"access_by"`
	OpenedAt   time.Time            `json:"opened_at"`
	ClosedAt   time.Time            `json:"closed_at,omitzero"`
	Owner      string               `json:"owner"`

	Steps       int       `json:"steps"`              // steps and tasks
	Settled     int       `json:"settled"`            // of them
	Failed      int       `json:"failed"`             // failed steps
	OpenTasks   int       `json:"open_tasks"`         //
	LateTasks   int       `json:"late_tasks"`         //
	Asking      int       `json:"asking"`             // decisions that wait for a second person
	AccessSteps int       `json:"access_steps"`       // steps and tasks of the branch Access
	AccessDone  int       `json:"access_done"`        //
	AccessAt    time.Time `json:"access_at,omitzero"` // when the last of them was settled; zero while one is open
	Worst       string    `json:"worst,omitempty"`    // what needs attention most, in words: "Snowflake: disable user stopped"
}

// Attention says whether the case needs a person now.
func (r CaseRow) Attention() bool {
	return r.Failed > 0 || r.LateTasks > 0 || r.Asking > 0 || r.State == exeunt.CaseHeld
}

// CasePage is one page of a list of cases.
type CasePage struct {
	Rows        []CaseRow
	Total       int            // that match
	All         int            // on record
	Counts      map[string]int // by CaseQuery.State, "" for all, under the other filters
	Departments []string       // to choose from
	Places      []string
}

// CaseFile is all of one case.
type CaseFile struct {
	Case    exeunt.Case
	Steps   []exeunt.Step // in the order of the plan
	Tasks   []exeunt.Task // likewise
	Entries []EntryRow    // newest first, at most 200
	Logged  int           // entries in all
	Sealed  int           // of them, integrated in the ledger

	FollowedBy []exeunt.CaseID // cases that cut again what came back after this one was closed
	PutBackBy  []exeunt.CaseID // cases that put back what this one did
}

// TaskQuery is what a list of tasks is filtered by.
type TaskQuery struct {
	State  string // "" for open ones, done, all
	Owner  string // e-mail address or name
	Case   exeunt.CaseID
	System string
	Limit  int // 500 when zero
}

// TaskRow is one line of a list of tasks.
type TaskRow struct {
	exeunt.Task
	Name string `json:"name"` // of the person leaving
	Zone string `json:"zone"` // of their place of work

	Caution string `json:"caution,omitempty"` // what whoever does it has to heed
}

// EntryQuery is what a list of entries is filtered by.
type EntryQuery struct {
	Case   exeunt.CaseID
	Actor  string
	Kind   string
	System string
	Text   string
	From   time.Time
	To     time.Time
	Before int64 // only entries with a smaller number; 0 for the newest
	Limit  int   // 50 when zero
}

// EntryRow is one entry with its place in the ledger.
type EntryRow struct {
	Number int64 `json:"number"` // of the outbox; dense N once it is sequenced
	exeunt.Entry
	N     int64  `json:"n"`              // dense number in the ledger; -1 until it is sequenced
	Seq   int64  `json:"seq"`            // within the case; -1 until then
	Hash  string `json:"hash,omitempty"` // leaf hash
	Index int64  `json:"index"`          // in the log; -1 until it is integrated
}

// EntryPage is one page of a list of entries.
type EntryPage struct {
	Rows   []EntryRow
	Total  int // that match
	Actors []string
	Kinds  []string
}

// SystemStats is what the running cases say about one system.
type SystemStats struct {
	System    string    `json:"system"`
	LastProof time.Time `json:"last_proof,omitzero"` // newest confirmed step
	Open      int       `json:"open"`                // steps under way or to come, and open tasks
	Failed    int       `json:"failed"`
	Confirmed int       `json:"confirmed"`          // steps, in the last 90 days
	LastLook  time.Time `json:"last_look,omitzero"` // newest look at what was settled: whether it still holds
	NextLook  time.Time `json:"next_look,omitzero"` // when what was confirmed is looked at next
	AtRisk    AtRisk    `json:"at_risk"`
}

// AtRisk counts the people whose access to a system did not end, or would not by itself, and to whom nobody has seen yet.
type AtRisk struct {
	Unfinished int `json:"unfinished"` // a step of their departure failed there, or what is done by hand is late
	Left       int `json:"left"`       // left, and the newest reconciliation found their account open
	Unsure     int `json:"unsure"`     // work here, and it found several accounts, or one that does not agree with HR
}

// People is how many they are.
func (r AtRisk) People() int { return r.Unfinished + r.Left + r.Unsure }

// Unfinished is somebody whose access to a system should have ended by a departure, and did not.
type Unfinished struct {
	Case   exeunt.CaseID
	Name   string
	Failed bool      // else it is done by hand, and late
	Since  time.Time // the deadline, which may be ahead where a step failed
}

// SystemLine is the line of one system: what is due there and not under way yet, or under way now.
type SystemLine struct {
	System  string
	Waiting int       // visits
	Since   time.Time // the one that is due longest
}

// Overview is what the first page says.
type Overview struct {
	Attention   []CaseRow       // at most 11
	Needing     int             // cases that need attention
	OpenTasks   int             //
	Leaving     []DayCount      // last days, from today on, ten days
	AccessTimes []time.Duration // cut-off to last access step, cases whose access ended in the last 90 days
	OnTime      int             // steps and tasks of those 90 days settled by their deadline
	Settled     int             // all of them
	Closed      int             // cases closed in those 90 days
	Complete    int             // of them, with every entry in the ledger
	Cases       int             // on record
}

// DayCount is how many leave on a day.
type DayCount struct {
	Day   exeunt.Date
	Count int
}

// User is somebody who may sign in.
type User struct {
	ID    int64    `json:"id"`
	Email string   `json:"email"`
	Name  string   `json:"name"`
	Roles []string `json:"roles"` // hr, it, payroll, legal, manager, auditor, admin
}

// Viewer is the user as somebody who looks at cases.
func (u User) Viewer() exeunt.Viewer {
	return exeunt.Viewer{Name: u.Name, Email: u.Email, Roles: u.Roles}
}
