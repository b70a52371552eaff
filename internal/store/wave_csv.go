package store

import (
	"encoding/csv"
	"strconv"
	"strings"
	"time"
)

// CSV is the report with one line a person, for spreadsheets.
func (r WaveReport) CSV() string {
	var b strings.Builder
	w := csv.NewWriter(&b) // writing to memory does not fail
	_ = w.Write([]string{"row", "employee_id", "name", "state", "case", "case_state", "zone", "cut_off", "access_ended_at", "late", "reason", "failed", "open", "entries", "sealed"})
	for _, p := range r.People {
		of := ""
		if p.Case != 0 {
			of = p.Case.String()
		}
		var open []string
		for _, t := range p.Open {
			open = append(open, t.Task.String()+" "+t.Title+" ("+t.Owner+", due "+moment(t.Deadline)+")")
		}
		record := []string{
			strconv.Itoa(p.Row), p.EmployeeID, p.Name, string(p.State), of, string(p.CaseState), p.Zone, moment(p.CutOff), moment(p.AccessAt),
			strconv.FormatBool(p.Late), p.Reason, strings.Join(p.Failed, "; "), strings.Join(open, "; "), strconv.Itoa(p.Entries), strconv.Itoa(p.Sealed),
		}
		for i, cell := range record {
			record[i] = inert(cell)
		}
		_ = w.Write(record)
	}
	w.Flush()
	return b.String()
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// inert keeps a spreadsheet from taking a text for a formula (OWASP, "CSV Injection").
func inert(cell string) string {
	if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
		return "'" + cell
	}
	return cell
}
