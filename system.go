package exeunt

import "slices"

// Stage says how far a system may be trusted to automation.
type Stage string

// The stages.
const (
	Manual Stage = "manual" // a person does it; we track it
	Shadow Stage = "shadow" // a person does it; the connector looks before and after, and never acts
	Live   Stage = "live"   // the connector does it
)

// Rate is what a system allows us.
type Rate struct {
	PerSecond   float64 `json:"per_second,omitempty"`  // requests a second; zero is no limit of ours
	Concurrency int     `json:"concurrency,omitempty"` // visits at once; zero means 4
}

// System is one entry of the application inventory: a configured application, directory, payroll,
// database, door lock.
type System struct {
	Name       string         `json:"name"`                // key, such as "corp-directory"
	Title      string         `json:"title"`               // what people call it
	Vendor     string         `json:"vendor,omitempty"`    //
	Kind       string         `json:"kind"`                // the connector's kind, or "manual"
	SSO        string         `json:"sso,omitempty"`       // name of the system whose sign-in it uses, or ""
	Identifier IdentifierKind `json:"identifier"`          // which of the leaver's identifiers it knows
	Holds      []string       `json:"holds,omitempty"`     // what data lies there
	Tier       int            `json:"tier"`                // 1 is the riskiest, 3 the least
	Branch     string         `json:"branch,omitempty"`    // where its steps stand in a plan; "Access" when empty
	Owner      Person         `json:"owner"`               // who does it when automation cannot
	Fallback   string         `json:"fallback"`            // how to do it by hand
	Retention  string         `json:"retention,omitempty"` // what is kept, how long
	Rate       Rate           `json:"rate,omitzero"`       //
	Stage      Stage          `json:"stage"`               // as it counts: see Under
	Asks       Stage          `json:"asks,omitempty"`      // what its file asks for, where that waits for a person's decision
	Approver   string         `json:"approver,omitempty"`  // a role that must approve every step in it
	Actions    []ActionSpec   `json:"actions,omitempty"`   // what its connector can do, in order

	Correlation Correlation `json:"-"` // how its accounts are told to be whose
}

// Automated says whether a connector acts in this system.
func (s System) Automated() bool { return s.Stage == Live && len(s.Actions) > 0 }

// Shadowed says whether a connector looks at what people do in this system.
func (s System) Shadowed() bool { return s.Stage == Shadow && len(s.Actions) > 0 }

// Can returns the connector's description of an action.
func (s System) Can(a Action) (ActionSpec, bool) {
	i := slices.IndexFunc(s.Actions, func(spec ActionSpec) bool { return spec.Action == a })
	if i < 0 {
		return ActionSpec{}, false
	}
	return s.Actions[i], true
}
