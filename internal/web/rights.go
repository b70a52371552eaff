package web

import (
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
)

// Right is something that a role may see or do.
type Right int

// The rights. Pages and API look them up in the one table below.
const (
	SeeOverview Right = iota
	SeeCases
	SeeType   // how and why somebody leaves
	SeeAccess // what is cut where; without it only done or open
	SeeSystems
	TrySystems        // ask them: at once when one is left alone, what they let us do, how an account stands there
	PreviewPlans      // of a departure that may come
	CompareDepartures // by other policies: shows how people left
	DecideStages      // let a connector act in a system, or take it back to stage shadow
	SeeFindings
	Reconcile // compare everybody with the accounts of systems, and say whose an account is
	SeeAudit
	SeeAllTasks
	DoTasks // any task, not only one's own
	RetrySteps
	WaiveSteps
	HoldCases
	DecideSecond // answer what another person asks: see MayDecide
	LegalHolds   // place a legal hold, and ask for its release
	DecideFuse   // release or keep what the fuse holds
	ReleaseCases
	StartCases
	SeeWaves     // a mass departure says how people leave
	MakeWaves    // make, check, start and go on
	ApproveWaves // as a second person; and stop
	ExportEvidence
	VerifyLedger
	ReloadConfiguration
	EraseCases // destroy the record of a closed case; as a second person before its time
)

// rights says which roles have which right. A right that no role of the reader has is refused with
// the text of what does not exist.
var rights = map[Right][]string{
	SeeOverview:         {"admin", "hr", "it", "payroll", "legal", "auditor"},
	SeeCases:            {"admin", "hr", "it", "payroll", "legal", "auditor"},
	SeeType:             {"admin", "hr", "payroll", "legal", "auditor"},
	SeeAccess:           {"admin", "hr", "it", "legal", "auditor"},
	SeeSystems:          {"admin", "hr", "it", "auditor"},
	TrySystems:          {"admin", "it"},
	PreviewPlans:        {"admin", "hr", "it", "legal", "auditor"},
	CompareDepartures:   {"admin", "hr", "legal", "auditor"},
	DecideStages:        {"admin", "it"},
	SeeFindings:         {"admin", "hr", "it", "auditor"},
	Reconcile:           {"admin", "hr", "it"},
	SeeAudit:            {"admin", "hr", "it", "legal", "auditor"},
	SeeAllTasks:         {"admin", "hr", "it", "payroll", "legal", "auditor"},
	DoTasks:             {"admin", "hr", "it", "payroll", "legal"},
	RetrySteps:          {"admin", "hr", "it", "payroll"},
	WaiveSteps:          {"admin", "hr", "it"},
	DecideSecond:        {"admin", "hr", "it", "payroll", "legal"},
	LegalHolds:          {"admin", "legal"},
	DecideFuse:          {"admin", "hr", "legal"},
	HoldCases:           {"admin", "hr", "legal"},
	ReleaseCases:        {"admin", "hr", "legal"},
	StartCases:          {"admin", "hr"},
	SeeWaves:            {"admin", "hr", "legal", "auditor"},
	MakeWaves:           {"admin", "hr"},
	ApproveWaves:        {"admin", "hr", "legal"},
	ExportEvidence:      {"admin", "hr", "legal", "auditor"},
	VerifyLedger:        {"admin", "auditor", "legal"},
	EraseCases:          {"admin", "legal"},
	ReloadConfiguration: {"admin"},
}

// May says whether somebody with these roles has a right.
func May(roles []string, r Right) bool {
	return slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(rights[r], role) })
}

// MayDecide says whether somebody may answer what a task asks of a second person: its owner, who has the
// role that is asked, and administrators. Where the case owner is asked, that is everybody who may
// override. That the second person is another one than the first is the domain's rule, for all of them.
func MayDecide(who exeunt.Viewer, t exeunt.Task) bool {
	if t.Asks == "" || !May(who.Roles, DecideSecond) {
		return false
	}
	owns := who.Email != "" && strings.EqualFold(who.Email, t.Owner.Email)
	asked := slices.Contains(who.Roles, t.Owner.Role) || t.Owner.Role == exeunt.CaseOwner && May(who.Roles, WaiveSteps)
	return owns || asked || slices.Contains(who.Roles, "admin")
}
