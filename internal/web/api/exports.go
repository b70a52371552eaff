package api

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

// exported are the operations that give out what is known of people, and what it is called in the record. The
// evidence records itself.
var exported = map[string]string{
	"GET /api/v1/cases":                 "the list of cases",
	"GET /api/v1/cases/{id}":            "a case",
	"GET /api/v1/cases/{id}/overrides":  "the overrides of a case",
	"GET /api/v1/cases/{id}/replan":     "what planning a case anew would change",
	"GET /api/v1/cases/{id}/preview":    "the preview of a plan",
	"GET /api/v1/plans/compare":         "how departures would go otherwise",
	"GET /api/v1/fuse":                  "what the fuse holds",
	"GET /api/v1/fuse/{id}":             "what the fuse holds",
	"GET /api/v1/tasks":                 "the list of tasks",
	"GET /api/v1/tasks/{id}":            "a task",
	"GET /api/v1/waves":                 "the list of mass departures",
	"GET /api/v1/waves/{id}":            "a mass departure",
	"GET /api/v1/waves/{id}/report":     "the report of a mass departure",
	"GET /api/v1/waves/{id}/report.csv": "the table of a mass departure",
	"GET /api/v1/entries":               "entries of the ledger",

	"GET /api/v1/reconciliation/findings": "what a reconciliation found",
}

// exports records what an operation gives out before it does; what cannot be recorded is not given.
func (c Config) exports(spec huma.API) func(huma.Context, func(huma.Context)) {
	return func(h huma.Context, next func(huma.Context)) {
		what, does := exported[h.Operation().Method+" "+h.Operation().Path]
		if !does {
			next(h)
			return
		}
		if err := c.Taken(h.Context(), viewer(h.Context()), export(h, what)); err != nil {
			_ = huma.WriteErr(spec, h, web.Status(err), exeunt.MessageOf(err))
			return
		}
		next(h)
	}
}

// export names what an operation is about. What does not parse is refused by the operation itself.
func export(h huma.Context, what string) web.Export {
	e, id := web.Export{What: what}, h.Param("id")
	switch path := h.Operation().Path; {
	case strings.Contains(path, "/cases/"):
		e.Case, _ = exeunt.ParseCaseID(id)
	case strings.Contains(path, "/tasks/"):
		e.Task, _ = exeunt.ParseTaskID(id)
	case strings.Contains(path, "/waves/"):
		e.Wave, _ = exeunt.ParseWaveID(id)
	case path == "/api/v1/entries":
		e.Case, _ = exeunt.ParseCaseID(h.Query("case"))
	}
	return e
}
