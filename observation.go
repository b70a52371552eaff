package exeunt

import "time"

// Standing says whether what an action aims at is already so.
type Standing string

// The standings.
const (
	Holds   Standing = "holds"   // it is so
	Absent  Standing = "absent"  // it is not so
	Pending Standing = "pending" // the system is on its way there
	Unknown Standing = "unknown" // this system cannot be asked
	Moot    Standing = "moot"    // it can no longer be done, and nothing is left that it would take away: see Observation.Why
)

// Observation is what a system said about an account at a moment.
type Observation struct {
	At       time.Time           `json:"at"`
	Standing map[Action]Standing `json:"standing"`
	Facts    map[string]string   `json:"facts,omitempty"`    // what was read, safe to record: "userAccountControl": "514"
	Why      map[Action]string   `json:"why,omitempty"`      // why an action is moot or pending, for people to read
	Snapshot map[string][]string `json:"snapshot,omitempty"` // what a removal will take away: "groups": [dn…]
}

// HandOver tells of an action that people do: what there is to do, item by item, as they should read it. Without any, it
// holds.
func (o Observation) HandOver(action Action, items []string) {
	o.Standing[action] = Holds
	if len(items) > 0 {
		o.Standing[action], o.Snapshot[string(action)] = Absent, items
	}
}

// WhyMoot says why an action can no longer be done, and need not be.
func (o Observation) WhyMoot(a Action) string {
	if why := o.Why[a]; why != "" {
		return why
	}
	return "the account is closed in a way that leaves nothing of it to use"
}

// Of is the standing of an action; Unknown when the system said nothing of it.
func (o Observation) Of(a Action) Standing {
	if a == CheckAccess {
		a = Disable
	}
	if s, ok := o.Standing[a]; ok {
		return s
	}
	return Unknown
}
