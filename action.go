package exeunt

import (
	"strings"
	"time"
)

// Action is something that can be done to an account. It is data: a connector may know others.
type Action string

// The actions that the shipped policies ask for.
const (
	CheckAccess         Action = "check_access" // do nothing; see that the account is closed. Every connector can
	Disable             Action = "disable"
	RevokeSessions      Action = "revoke_sessions"
	RevokeSessionsAgain Action = "revoke_sessions_again" // after memberships went: a live session may carry those that it began with
	ResetPassword       Action = "reset_password"
	ResetFactors        Action = "reset_factors"
	RemoveGroups        Action = "remove_groups"
	RemoveRoles         Action = "remove_roles"
	RemoveApps          Action = "remove_apps"   // assignments to applications
	RevokeGrants        Action = "revoke_grants" // what the person let applications do in their name
	RevokeTokens        Action = "revoke_tokens" // credentials that the person made for programs: API tokens, app passwords
	LockDevices         Action = "lock_devices"
	MoveToArchive       Action = "move_to_archive"
	ReclaimLicence      Action = "reclaim_licence"
	TransferData        Action = "transfer_data"
	SetAutoReply        Action = "set_auto_reply" // what the mailbox answers from then on
	ShareMailbox        Action = "share_mailbox"  // the mailbox outlives the account, and the manager reads it
	Deactivate          Action = "deactivate"     // beyond disable: what cannot be taken back
	HandOver            Action = "hand_over"      // what others depend on and the person alone owns: people say who has it next
	EndEmployment       Action = "end_employment"
	ScheduleFinalPay    Action = "schedule_final_pay"
	NotifyAdministrator Action = "notify_administrator"
)

// ActionSpec is what a connector promises about one action.
type ActionSpec struct {
	Action      Action        `json:"action"`
	Title       string        `json:"title"`                 // "Disable account": a verb and its object
	Order       int           `json:"order"`                 // inside the system: factors before disable
	Immediate   int           `json:"immediate,omitempty"`   // the order in an immediate departure, where it is another: disable first; zero for the same
	Proof       Proof         `json:"proof"`                 // Observed when it can be read back, else Acknowledged
	Repeatable  bool          `json:"repeatable"`            // doing it twice does no more than doing it once
	Reversible  bool          `json:"reversible"`            // the connector puts it back from the recorded snapshot
	Takes       []string      `json:"takes,omitempty"`       // keys of the snapshot: what it takes away, and an undo puts back
	Destructive bool          `json:"destructive,omitempty"` // loses data; a legal hold forbids it
	Scopes      []string      `json:"scopes,omitempty"`      // permissions it needs, in the vendor's words
	Settles     time.Duration `json:"settles,omitempty"`     // how long the vendor may take to show it
	ByHand      bool          `json:"by_hand,omitempty"`     // people do it; the connector lists what there is to do, and sees when it is done
	Caveat      string        `json:"caveat,omitempty"`      // what it does not do, for the evidence: "Kerberos tickets live up to 10 h"
}

// In is the order of the action inside its system. Who may do harm until they are out is locked out first, and what is then
// no longer to be done becomes moot.
func (a ActionSpec) In(immediate bool) int {
	if immediate && a.Immediate != 0 {
		return a.Immediate
	}
	return a.Order
}

// Proven is who does the action and how well it is proven, in words.
func (a ActionSpec) Proven() string {
	if a.ByHand {
		return string(a.Proof) + "; people do it"
	}
	return string(a.Proof)
}

// dated says whether what was done carries the dates of the departure, so that it is wrong once they
// change. No look can tell.
func (a Action) dated() bool {
	return a == EndEmployment || a == ScheduleFinalPay || a == NotifyAdministrator
}

// Words is the action as a person reads it: "remove groups".
func (a Action) Words() string { return strings.ReplaceAll(string(a), "_", " ") }

// Proof is how well a settled step is proven.
type Proof string

// The grades, best first.
const (
	Observed     Proof = "observed"     // read back from the system
	Acknowledged Proof = "acknowledged" // the system said ok and cannot be read back
	Attested     Proof = "attested"     // a named person said so
	Waived       Proof = "waived"       // a named person decided against it
)
