package web

import "github.com/exeunt/exeunt"

// Export is what somebody takes out: a table, or an answer of the API. Evidence packets have their own way.
type Export struct {
	What string // "the list of cases"
	Case exeunt.CaseID
	Task exeunt.TaskID
	Wave exeunt.WaveID
}
