package web

import "slices"

// Right is something that a role may see or do.
type Right int

// The rights. Pages and API look them up in the one table below.
const (
	SeeOverview Right = iota
	SeeCases
	SeeType   // how and why somebody leaves
	SeeAccess // what is cut where; without it only done or open
	SeeSystems
	SeeAudit
	SeeAllTasks
	DoTasks // any task, not only one's own
	RetrySteps
	WaiveSteps
	HoldCases
	DecideFuse // release or keep what the fuse holds
	ReleaseCases
	StartCases
	SeeWaves     // a mass departure says how people leave
	MakeWaves    // make, check, start and go on
	ApproveWaves // as a second person; and stop
	ExportEvidence
	VerifyLedger
)

// rights says which roles have which right. A right that no role of the reader has is refused with
// the text of what does not exist.
var rights = map[Right][]string{
	SeeOverview:    {"admin", "hr", "it", "payroll", "legal", "auditor"},
	SeeCases:       {"admin", "hr", "it", "payroll", "legal", "auditor"},
	SeeType:        {"admin", "hr", "payroll", "legal", "auditor"},
	SeeAccess:      {"admin", "hr", "it", "legal", "auditor"},
	SeeSystems:     {"admin", "hr", "it", "auditor"},
	SeeAudit:       {"admin", "hr", "it", "legal", "auditor"},
	SeeAllTasks:    {"admin", "hr", "it", "payroll", "legal", "auditor"},
	DoTasks:        {"admin", "hr", "it", "payroll", "legal"},
	RetrySteps:     {"admin", "hr", "it", "payroll"},
	WaiveSteps:     {"admin", "hr", "it"},
	DecideFuse:     {"admin", "hr", "legal"},
	HoldCases:      {"admin", "hr", "legal"},
	ReleaseCases:   {"admin", "hr", "legal"},
	StartCases:     {"admin", "hr"},
	SeeWaves:       {"admin", "hr", "legal", "auditor"},
	MakeWaves:      {"admin", "hr"},
	ApproveWaves:   {"admin", "hr", "legal"},
	ExportEvidence: {"admin", "hr", "legal", "auditor"},
	VerifyLedger:   {"admin", "auditor", "legal"},
}

// May says whether somebody with these roles has a right.
func May(roles []string, r Right) bool {
	return slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(rights[r], role) })
}
