package exeunt

import (
	"sync"
	"time"
)

// Policy turns a leaver and the inventory into a plan. It is versioned by content: a running case
// keeps the version that it was planned with.
type Policy struct {
	Name      string
	Version   string // first twelve hex digits of the SHA-256 of its source
	Set       string // version of the policies and modifiers that it is one of
	Title     string
	Applies   Condition     // which departures it is for; System is zero there
	CutOff    string        // clock time of the cut-off on the last day when HR gives none: "17:00"
	AccessSLA time.Duration // how long after the cut-off every access step shall be confirmed
	Embargo   *EmbargoRule  // for departures that ask for none themselves; nil for no embargo
	Rules     []Rule
	Modifiers []Modifier       // in the order in which they count
	Approvals Approvals        // what needs a second person in every plan
	Calendar  func() *Calendar // of the place of work, made when days are counted by it; nil where only weekends are known
	Lasting   *sync.Map        // see Facts; nil when no other plan is made over the same inventory
}

// EmbargoRule is the embargo that a policy puts every departure under that does not bring its own.
type EmbargoRule struct {
	Until     Moment // trigger, cut-off, last-day or termination-date, with an offset
	VisibleTo []string
}

// Facts are what a condition may look at.
type Facts struct {
	Departure Departure
	System    System

	// Made is where a language of conditions keeps what it made of these facts, by names of its own: the conditions of one
	// plan share it, since making it anew for each would be most of the work. It may be nil.
	Made map[string]any

	// Lasting is likewise for what it made of systems alone, which all plans over one inventory share. It may be nil.
	Lasting *sync.Map
}

// Condition decides on facts. It is compiled elsewhere (CEL); nil is always true.
type Condition func(Facts) (bool, error)

// Rule puts steps into every system that it matches, or one task into the case.
type Rule struct {
	Name     string
	Title    string
	Branch   string // "Access", "Payroll", "Benefits", "Tasks"
	When     Condition
	Systems  Condition    // nil when the rule is a task
	Approver string       // a role that must approve its steps; "" for none of its own
	Owner    string       // a role that owns its steps; "" for the owner of each system
	Actions  []Action     // those that a system's connector cannot do are left to its owner, as a task
	Task     *TaskPattern // nil when the rule acts in systems
	Start    Moment
	Deadline Moment
	After    []After
	Modified []Modification // what modifiers did to it

	Text ConditionTexts
}

// ConditionTexts are the conditions of a rule as they are written.
type ConditionTexts struct {
	When, Systems string

	// SystemsAlone says that Systems looks at systems and not at who leaves, so that it chooses the same in every plan over
	// one inventory.
	SystemsAlone bool
}

// After is a real dependency between rules, with its reason.
type After struct {
	Rule       string
	Because    string
	SameSystem bool // only what the rule does in the system of what waits
}

// TaskPattern is what a rule asks of a person.
type TaskPattern struct {
	Owner     string // a role ("it", "payroll"), "manager", or an e-mail address
	Procedure string // how it is done
	Checklist []string
}

// Roles that the engine itself asks.
const (
	CaseOwner = "case_owner"
	LegalRole = "legal"
)

// Roles finds the person behind a role for one leaver. It is total: where nobody is named, it
// returns the case owner.
type Roles func(role string, l Leaver) Person
