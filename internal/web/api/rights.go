package api

import "github.com/exeunt/exeunt/internal/web"

// needs is the right that each operation asks for, from the table that the pages use too. What is not
// here is refused.
var needs = map[string]web.Right{
	"GET /api/v1/cases":                          web.SeeCases,
	"GET /api/v1/cases/{id}":                     web.SeeCases,
	"POST /api/v1/cases":                         web.StartCases,
	"POST /api/v1/cases/{id}/hold":               web.HoldCases,
	"POST /api/v1/cases/{id}/release":            web.ReleaseCases,
	"POST /api/v1/cases/{id}/reveal":             web.ReleaseCases,
	"POST /api/v1/cases/{id}/embargo":            web.ReleaseCases,
	"POST /api/v1/cases/{id}/steps/{step}/retry": web.RetrySteps,
	"POST /api/v1/cases/{id}/steps/{step}/waive": web.WaiveSteps,
	"GET /api/v1/fuse":                           web.SeeCases,
	"GET /api/v1/fuse/{id}":                      web.SeeCases,
	"POST /api/v1/fuse/{id}/release":             web.DecideFuse,
	"POST /api/v1/fuse/{id}/confirm":             web.DecideFuse,
	"POST /api/v1/fuse/{id}/reject":              web.DecideFuse,
	"GET /api/v1/tasks":                          web.SeeAllTasks,
	"GET /api/v1/tasks/{id}":                     web.SeeAllTasks,
	"POST /api/v1/tasks/{id}/complete":           web.DoTasks,
	"POST /api/v1/tasks/{id}/reassign":           web.DoTasks,
	"POST /api/v1/tasks/{id}/remind":             web.DoTasks,
	"GET /api/v1/waves":                          web.SeeWaves,
	"POST /api/v1/waves":                         web.MakeWaves,
	"GET /api/v1/waves/{id}":                     web.SeeWaves,
	"GET /api/v1/waves/{id}/report":              web.SeeWaves,
	"GET /api/v1/waves/{id}/report.csv":          web.SeeWaves,
	"POST /api/v1/waves/{id}/check":              web.MakeWaves,
	"POST /api/v1/waves/{id}/approve":            web.ApproveWaves,
	"POST /api/v1/waves/{id}/start":              web.MakeWaves,
	"POST /api/v1/waves/{id}/go-on":              web.MakeWaves,
	"POST /api/v1/waves/{id}/stop":               web.ApproveWaves,
	"GET /api/v1/systems":                        web.SeeSystems,
	"GET /api/v1/entries":                        web.SeeAudit,
	"GET /api/v1/ledger/key":                     web.SeeOverview,
	"POST /api/v1/ledger/verify":                 web.VerifyLedger,
	"GET /api/v1/cases/{id}/evidence":            web.ExportEvidence,
}
